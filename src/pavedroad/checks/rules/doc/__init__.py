"""About documentation and ownership."""
