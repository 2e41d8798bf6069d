"""The doors for rooms above: a project registers what it uses; a run is told once what concerns it."""

from __future__ import annotations

from pathlib import Path

import msgspec

from pavedroad.advisories.registering import Registration, registration_of
from pavedroad.advisories.store import SQL, known_advisories, register
from pavedroad.checks import open_project
from pavedroad.kit.clock import now_ms
from pavedroad.record import Record


def register_project(record: Record, root: Path) -> Registration:
    """Read a project and keep on the record what it has, uses, and is exposed to."""
    known = tuple(published.advisory for published in known_advisories(record.db).values())
    registration = registration_of(root, known)
    record.db.write(lambda tx: register(tx, registration, who=record.settings.who))
    return registration


def guidance_for_run(record: Record, root: Path) -> list[str]:
    """One line for each advisory that a project is exposed to and that no run has said yet.

    The project is read again only when a file of it has changed since it registered.
    """
    project = open_project(root)
    name = project.settings.name
    seen_ms = record.db.value(SQL.project_seen, project=name) or 0
    if not seen_ms or any(_changed_ms(root / path) > seen_ms for path in project.files):
        register_project(record, root)
    rows = record.db.all(SQL.untold, project=name)
    if not rows:
        return []
    known = known_advisories(record.db)
    at_ms = now_ms()
    told = [{"project": name, "advisory": row["advisory"], "at_ms": at_ms} for row in rows]
    record.db.write(lambda tx: tx.many(SQL.keep_told, told))
    lines = []
    for row in rows:
        places = msgspec.json.decode(row["places"], type=list[str])
        more = f" and {len(places) - 1} more" if len(places) > 1 else ""
        advisory = known[row["advisory"]].advisory if row["advisory"] in known else None
        if advisory is not None:
            where = f" {places[0]}{more}." if places else ""
            lines.append(f"{advisory.id} {row['effect']}: {advisory.title}.{where} {advisory.guidance}")
    return lines


def _changed_ms(path: Path) -> int:
    try:
        return path.stat().st_mtime_ns // 1_000_000
    except OSError:
        return 0
