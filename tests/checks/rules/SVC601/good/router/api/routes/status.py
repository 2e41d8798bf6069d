from fastapi import APIRouter

router = APIRouter()


@router.get("/heartbeat")
def beat() -> str:
    return "ok"
