import functools

import joblib
import mlflow
from fastapi import FastAPI

app = FastAPI()
model = joblib.load("model.joblib")
cached = None


@functools.cache
def load():
    return mlflow.pyfunc.load_model("models:/rides@live")


def load_into_global():
    global cached
    cached = joblib.load("model.joblib")


@app.post("/predict")
def predict(rows: list[float]) -> float:
    return load().predict([rows])[0]


@app.post("/predict/lazy")
def predict_lazily(rows: list[float]) -> float:
    if not hasattr(app.state, "model"):
        app.state.model = joblib.load("model.joblib")
    return app.state.model.predict([rows])[0]


@app.post("/predict/global")
def predict_global(rows: list[float]) -> float:
    load_into_global()
    return cached.predict([rows])[0]


@app.post("/reload")
def reload() -> str:
    app.state.model = joblib.load("model.joblib")
    return "reloaded"


def train() -> None:
    joblib.load("old.joblib")
