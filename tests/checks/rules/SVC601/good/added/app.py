from starlette.applications import Starlette
from starlette.routing import Route

app = Starlette(routes=[Route("/readyz", ready)])
