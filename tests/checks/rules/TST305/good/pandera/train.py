import pandas as pd
import pandera
from sklearn.linear_model import LinearRegression

rides = pd.read_csv("rides.csv")
model = LinearRegression().fit(rides[["distance"]], rides["fare"])
