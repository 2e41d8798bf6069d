"""About the environment: what is installed, and whether it can be installed again."""
