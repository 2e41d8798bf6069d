"""The desk: what failed, whose it is, and what is done about it."""
