import numpy as np
from sklearn.preprocessing import OneHotEncoder

scores = np.zeros(3, dtype=np.float)
encoder = OneHotEncoder(sparse=False)
area = np.trapz(scores)
