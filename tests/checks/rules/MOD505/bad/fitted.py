import mlflow
import pavedroad as paved
from sklearn.linear_model import LinearRegression


def train(X_train, y_train):
    model = LinearRegression()
    model.fit(X_train, y_train)
    mlflow.sklearn.log_model(sk_model=model, name="fares")


def ours(rows, fares):
    model = LinearRegression().fit(rows, fares)
    return paved.Model(model)
