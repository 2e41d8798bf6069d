"""`paved demo`: the whole road, on every flight that left New York in 2013."""
