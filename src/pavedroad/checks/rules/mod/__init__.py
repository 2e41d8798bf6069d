"""About models and their files."""
