from fastapi import FastAPI

app = FastAPI()


@app.post("/predict")
async def predict(rows: list[float]) -> float:  # one ride
    return model.predict([rows])[0]


class Service:
    @app.post("/rides")
    async  def rides(self, rows: list[float]) -> float:
        return self.model.predict_proba([rows])[0]


@app.post("/called")
async def predict_called(rows: list[float]) -> float:
    return model.predict([rows])[0]


async def twice(rows: list[float]) -> float:
    return 2 * await predict_called(rows)
