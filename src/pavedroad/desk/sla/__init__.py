"""The clock of an answer: due when, used how much, kept or broken; all of it computed from what happened."""
