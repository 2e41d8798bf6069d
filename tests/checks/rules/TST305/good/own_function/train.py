import pandas as pd
from sklearn.linear_model import LinearRegression

rides = pd.read_csv("rides.csv")
check_ranges(rides)
model = LinearRegression().fit(rides[["distance"]], rides["fare"])
