import asyncio

from fastapi import FastAPI
from fastapi.middleware.cors import CORSMiddleware

from settings import settings

app = FastAPI(debug=settings.debug)
app.add_middleware(CORSMiddleware, allow_origins=settings.origins, allow_methods=["*"])
asyncio.run(main(), debug=True)
