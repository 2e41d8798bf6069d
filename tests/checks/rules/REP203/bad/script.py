import random

import pandas as pd

rows = pd.read_csv("rides.csv")
order = random.sample(range(len(rows)), k=100)
