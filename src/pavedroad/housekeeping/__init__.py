"""Keep the record small, whole and safe: clean up, back up, verify."""
