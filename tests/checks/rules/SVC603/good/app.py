import asyncio

from fastapi import FastAPI, Request
from fastapi.concurrency import run_in_threadpool

app = FastAPI()


@app.post("/predict")
def predict(rows: list[float]) -> float:
    return model.predict([rows])[0]


@app.post("/predict/body")
async def predict_body(request: Request) -> float:
    rows = await request.json()
    return model.predict([rows])[0]


@app.post("/predict/thread")
async def predict_in_thread(rows: list[float]) -> float:
    return await run_in_threadpool(model.predict, [rows])


@app.post("/predict/later")
async def predict_later(rows: list[float]) -> str:
    asyncio.create_task(work(rows))
    return "started"


@app.get("/health")
async def health() -> str:
    return "ok"


@app.get("/predict/stream")
async def predict_stream(rows: list[float]):
    async with client.stream("GET", "/") as answer:
        return answer


@app.get("/predict/version")
async def predict_version() -> str:
    return "1.2"
