"""What makes two failures the same: the exception, its message without what differs, and where it was."""

from __future__ import annotations

import re

import blake3

from pavedroad.desk.triage.model import Trace

LENGTH = 16
_MASKS = (
    (re.compile(r"0x[0-9a-fA-F]+"), "<address>"),
    (re.compile(r"\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b", re.I), "<id>"),
    (re.compile(r"\b[0-9a-f]{12,}\b", re.I), "<id>"),
    (re.compile(r"\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d)?(?:[.,]\d+)?)?"), "<time>"),
    (re.compile(r"(?:[A-Za-z]:)?(?:[\w.~-]*[/\\])+[\w.~@=-]*"), "<path>"),
    (re.compile(r"-?\d+(?:\.\d+)?(?:e[+-]?\d+)?"), "<number>"),
)


def masked(text: str) -> str:
    """A message without addresses, ids, times, paths and numbers."""
    for pattern, word in _MASKS:
        text = pattern.sub(word, text)
    return " ".join(text.split())


def signature_of(trace: Trace) -> str:
    """Equal for the same failure in another run, of another person. Empty where there is no exception."""
    cause = trace.cause
    if not cause.type and not cause.message:
        return ""
    first_line = cause.message.partition("\n")[0]
    job = next((frame.function for frame in reversed(cause.frames) if frame.owner == "job"), "")
    library = next((frame.package for frame in reversed(cause.frames) if frame.package), "")
    text = "\0".join((cause.name, masked(first_line), job, library))
    return blake3.blake3(text.encode(errors="replace")).hexdigest()[:LENGTH]
