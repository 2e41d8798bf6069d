"""About the check itself: ignores and files that cannot be read."""
