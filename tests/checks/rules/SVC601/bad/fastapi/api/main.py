from fastapi import FastAPI

app = FastAPI(
    title="rides",
)  # the service
app.state.model = None


@app.get("/")
def index() -> str:
    return "rides"
