prose, not a pickle
