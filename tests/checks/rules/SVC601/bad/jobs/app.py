from fastapi import FastAPI

app = FastAPI()


@app.get("/jobs/{job_id}/status")
def get_job_status(job_id: str) -> str:
    return "done"


@app.post("/sign-up")
def sign_up() -> None: ...
