"""What this machine has for steps to share."""

from __future__ import annotations

import os
from pathlib import Path


def cpu_count() -> int:
    """CPUs that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return max(1, len(os.sched_getaffinity(0)))
    return os.cpu_count() or 1


def gpus_here() -> tuple[str, ...]:
    """GPUs by the names CUDA_VISIBLE_DEVICES takes. No driver library is loaded to find them."""
    visible = os.environ.get("CUDA_VISIBLE_DEVICES")
    if visible is not None:
        return tuple(name.strip() for name in visible.split(",") if name.strip() not in ("", "-1"))
    try:
        devices = [path.name for path in Path("/dev").glob("nvidia[0-9]*")]
    except OSError:
        return ()
    return tuple(sorted((name.removeprefix("nvidia") for name in devices), key=lambda name: name.zfill(4)))
