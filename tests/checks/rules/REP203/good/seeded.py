import random

import numpy as np

np.random.seed(7)
random.seed(7)
rows = np.random.normal(size=10)
order = random.sample(range(10), k=3)
