import pandas as pd
from sklearn.linear_model import LinearRegression

rides = pd.read_csv("rides.csv")
assert {"distance", "fare"} <= set(rides.columns)
model = LinearRegression().fit(rides[["distance"]], rides["fare"])
