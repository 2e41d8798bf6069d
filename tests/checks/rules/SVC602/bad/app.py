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
    return {"price": sum(rows)}


@router.post("/v1/score")
async def answer(rows: list[float]) -> dict:
    return {"price": sum(rows)}


@app.post("/batch")
def predict_batch(rows: list[float]) -> dict[str, Any]:
    return {"price": sum(rows)}


@app.post("/forecast")
def ahead(rows: list[float]) -> JSONResponse:
    return JSONResponse({"price": sum(rows)})
