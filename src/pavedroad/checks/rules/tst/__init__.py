"""About tests."""
