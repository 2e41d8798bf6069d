"""Exceptions of the user's own code, told without our frames."""

from __future__ import annotations

import traceback
from pathlib import Path

OURS = str(Path(__file__).parent.parent)
# Frames that run other people's code for them: import machinery, `exec` of a file, thread pools.
_PLUMBING = ("<frozen ", "/concurrent/futures/", "/threading.py", "/runpy.py")


def user_frames(error: BaseException) -> list[str]:
    """`file:line in function` of the frames that are neither ours nor Python's plumbing, outermost first."""
    return [f"{frame.filename}:{frame.lineno} in {frame.name}" for frame in _kept(error)]


def user_traceback(error: BaseException) -> str:
    """The traceback as Python prints it, with our own frames cut out."""
    shown = traceback.TracebackException.from_exception(error)
    _cut(shown, seen=set())
    return "".join(shown.format()).rstrip()


def _kept(error: BaseException) -> list[traceback.FrameSummary]:
    return [frame for frame in traceback.extract_tb(error.__traceback__) if not _is_plumbing(frame)]


def _cut(shown: traceback.TracebackException, *, seen: set[int]) -> None:
    seen.add(id(shown))
    shown.stack = traceback.StackSummary.from_list(
        [frame for frame in shown.stack if not _is_plumbing(frame)]
    )
    for other in (shown.__cause__, shown.__context__, *(shown.exceptions or ())):
        if other is not None and id(other) not in seen:
            _cut(other, seen=seen)


def _is_plumbing(frame: traceback.FrameSummary) -> bool:
    return frame.filename.startswith(OURS) or any(part in frame.filename for part in _PLUMBING)
