from main import app


@app.get("/api/v1/health-check")
def check() -> str:
    return "ok"
