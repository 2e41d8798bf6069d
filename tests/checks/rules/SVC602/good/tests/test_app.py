from typing import Any

from fastapi import APIRouter, FastAPI
from fastapi.responses import JSONResponse, PlainTextResponse
from pydantic import BaseModel

app = FastAPI()
router = APIRouter()


class Price(BaseModel):
    price: float


@app.post("/predict")
def predict(rows: list[float]):
    return {"price": 1}
