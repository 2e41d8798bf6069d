import numpy as np
from sklearn.preprocessing import OneHotEncoder

try:
    from numpy import trapezoid
except ImportError:
    from numpy import trapz as trapezoid

scores = np.zeros(3, dtype=np.float)  # numpy is pinned below the removal
encoder = OneHotEncoder(sparse_output=False)
area = trapezoid(scores)
