from typing import Any

from fastapi import APIRouter, FastAPI
from fastapi.responses import JSONResponse, PlainTextResponse
from pydantic import BaseModel

app = FastAPI()
router = APIRouter()


class Price(BaseModel):
    price: float


@app.post("/predict", response_model=Price)
def predict(rows: list[float]):
    return {"price": sum(rows)}


@router.post("/score")
def score(rows: list[float]) -> Price:
    return Price(price=sum(rows))


@app.post("/predict/all")
def predict_all(rows: list[float]) -> dict[str, float]:
    return {"price": sum(rows)}


@app.post("/predict/text", response_class=PlainTextResponse)
def predict_text(rows: list[float]):
    return str(sum(rows))


@app.post("/infer", **options)
def infer(rows: list[float]):
    return rows


@app.get("/models")
def models():
    return ["churn"]


@app.get("/information")
def information():
    return {"version": "1"}
