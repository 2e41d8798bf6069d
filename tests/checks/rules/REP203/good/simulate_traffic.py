import random

import pandas as pd

row = pd.Series([random.random()])
