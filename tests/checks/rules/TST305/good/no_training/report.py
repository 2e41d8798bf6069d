import pandas as pd

rides = pd.read_csv("rides.csv")
