"""What a release of a library breaks, as data, and which projects it reaches."""
