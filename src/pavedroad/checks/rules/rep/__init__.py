"""About reproducibility: the same code and data give the same result."""
