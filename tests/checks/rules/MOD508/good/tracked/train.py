import mlflow
from sklearn.linear_model import LinearRegression

model = LinearRegression().fit(X, y)
mlflow.log_metric("r2", model.score(X, y))
