"""Every word for how something is, with the shape and the tone that always stand beside it."""

from __future__ import annotations

import msgspec
from markupsafe import Markup, escape

from pavedroad.kit.svg import mark


class State(msgspec.Struct, frozen=True):
    word: str
    mark: str
    tone: str  # good, warn, bad, accent or quiet: a class of the style sheet


STATES = {
    # of a run, as MLflow spells it
    "RUNNING": State("running", "half", "accent"),
    "SCHEDULED": State("waiting", "ring", "quiet"),
    "FINISHED": State("finished", "disc", "good"),
    "FAILED": State("failed", "octagon", "bad"),
    "KILLED": State("stopped", "square", "warn"),
    # of a run that ended without saying so
    "LOST": State("lost", "triangle", "warn"),
    # of a step
    "hit": State("cached", "chevrons", "good"),
    "miss": State("ran", "disc", "good"),
    "off": State("ran, not cached", "disc", "good"),
    "skipped": State("skipped", "dash", "quiet"),
    # of a gate
    "open": State("open", "disc", "good"),
    "closed": State("closed", "octagon", "bad"),
    "exempt": State("exempt", "diamond", "warn"),
    "unknown": State("unknown", "ring", "warn"),
    # of an advisory
    "breaks": State("breaks", "octagon", "bad"),
    "may-break": State("may break", "triangle", "bad"),
    "changes-results": State("changes results", "diamond", "warn"),
    "warns": State("warns", "ring", "quiet"),
    # of an artifact
    "draft": State("draft", "ring", "quiet"),
    "experiment": State("experiment", "half", "quiet"),
    "candidate": State("candidate", "box", "accent"),
    "production": State("production", "disc", "good"),
    "deprecated": State("deprecated", "triangle", "warn"),
    "retired": State("retired", "dash", "quiet"),
    # of a logged model
    "READY": State("ready", "disc", "good"),
    "PENDING": State("pending", "ring", "quiet"),
    # of a line of an examination
    "ok": State("ok", "disc", "good"),
    "warn": State("warning", "triangle", "warn"),
    "fail": State("fails", "octagon", "bad"),
    # of what can be restored
    "deleted": State("deleted", "dash", "warn"),
    # of anything
    "fine": State("all right", "disc", "good"),
    "attention": State("needs attention", "flag", "bad"),
}
KIND_MARKS = {
    "project": "ring",
    "pipeline": "hexagon",
    "service": "square",
    "application": "box",
    "model": "disc",
    "dataset": "bars",
    "environment": "diamond",
    "tool": "triangle",
}


def state_of(key: str) -> State:
    """An unknown key is shown as itself: a newer writer may know more words."""
    return STATES.get(key) or State(key.lower(), "ring", "quiet")


def chip(key: str, word: str = "") -> Markup:
    """Shape and word. `word` replaces the usual one."""
    state = state_of(key)
    return Markup('<span class="state {}">{}{}</span>').format(
        state.tone, mark(state.mark), escape(word or state.word)
    )
