import joblib
import mlflow
from flask import Flask

app = Flask(__name__)


def load():
    return mlflow.pyfunc.load_model("models:/rides@live")


@app.route("/predict")
def predict():
    model = joblib.load("model.joblib")
    return model.predict([[1]])[0]


@app.route("/score")
def score():
    return load().predict([[1]])[0]
