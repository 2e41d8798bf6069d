"""The doors for rooms above: a project registers what it uses; a run is told once what concerns it."""

from __future__ import annotations

from pathlib import Path

from pavedroad.advisories.matching import Case
from pavedroad.advisories.registering import Registration, registration_of
from pavedroad.advisories.store import known_advisories, register
from pavedroad.record import Record


def register_project(record: Record, root: Path) -> Registration:
    """Read a project and keep on the record what it has, uses, and is exposed to."""
    known = tuple(published.advisory for published in known_advisories(record.db).values())
    registration = registration_of(root, known)
    record.db.write(lambda tx: register(tx, registration, who=record.settings.who))
    return registration


def guidance_for_run(registration: Registration) -> list[str]:
    """One line for each advisory that the project is exposed to."""
    return [_line(case) for case in registration.cases if case.needs_action]


def _line(case: Case) -> str:
    more = f" and {len(case.uses) - 1} more" if len(case.uses) > 1 else ""
    return f"{case.id} {case.effect}: {case.title}. {case.uses[0].at}{more}. {case.guidance}"
