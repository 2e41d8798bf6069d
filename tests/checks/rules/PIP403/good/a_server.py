import uvicorn

uvicorn.run("app:app")
