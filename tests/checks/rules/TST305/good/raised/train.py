import pandas as pd
from sklearn.linear_model import LinearRegression

rides = pd.read_csv("rides.csv")
if rides.isna().any().any():
    raise ValueError("empty values")
model = LinearRegression().fit(rides[["distance"]], rides["fare"])
