"""Finding anything by a part of its name, or a run by the start of its id."""

from __future__ import annotations

import re

import msgspec

from pavedroad.catalog import Ref
from pavedroad.catalog.addresses import address_of
from pavedroad.kit.http import segment
from pavedroad.kit.sql import Reader
from pavedroad.overview.lanes import SQL

MOST = 20  # of each sort
LONGEST = 200
_START_OF_ID = re.compile(r"[0-9a-f]{4,32}")


class Hit(msgspec.Struct, frozen=True, kw_only=True):
    sort: str  # model, run, experiment or a kind of artifact
    name: str
    href: str
    note: str = ""
    state: str = ""  # a state of web.states
    at_ms: int = 0


def search(reader: Reader, words: str) -> list[Hit]:
    """Models first, then runs, then artifacts."""
    words = words.strip()[:LONGEST].lower()
    if not words:
        return []
    escaped = words.replace("!", "!!").replace("%", "!%").replace("_", "!_")
    part, start = f"%{escaped}%", f"{escaped}%"
    return [
        *_models(reader, part, start),
        *_runs(reader, words, part),
        *_experiments(reader, part),
        *_artifacts(reader, part, start),
    ]


def _models(reader: Reader, part: str, start: str) -> list[Hit]:
    return [
        Hit(
            sort="model",
            name=row["name"],
            href=f"/models/{segment(row['name'])}",
            note=row["description"][:160],
            at_ms=row["updated_ms"],
        )
        for row in reader.all(SQL.models_by_name, words=part, start=start, limit=MOST)
    ]


def _runs(reader: Reader, words: str, part: str) -> list[Hit]:
    rows = (
        reader.all(SQL.runs_by_prefix, prefix=f"{words}%", limit=MOST)
        if _START_OF_ID.fullmatch(words)
        else []
    )
    rows = [*rows, *reader.all(SQL.runs_by_name, words=part, limit=MOST)]
    hits = {
        row["id"]: Hit(
            sort="run",
            name=row["name"] or row["id"][:8],
            href=f"/runs/{row['id']}",
            note=row["id"][:8],
            state=row["status"],
            at_ms=row["start_ms"],
        )
        for row in rows
    }
    return list(hits.values())[:MOST]


def _experiments(reader: Reader, part: str) -> list[Hit]:
    return [
        Hit(
            sort="experiment",
            name=row["name"],
            href=f"/runs?experiment={segment(row['name'])}",
            at_ms=row["updated_ms"],
        )
        for row in reader.all(SQL.experiments_by_name, words=part, limit=MOST)
    ]


def _artifacts(reader: Reader, part: str, start: str) -> list[Hit]:
    rows = reader.all(SQL.artifacts_by_name, words=part, start=start, limit=MOST * 2)
    return [
        Hit(
            sort=row["kind"],
            name=row["name"],
            href=address_of(Ref(row["kind"], row["name"])),
            note=row["description"][:160],
            state=row["stage"],
            at_ms=row["updated_ms"],
        )
        for row in rows
        if row["kind"] != "model"  # found among the models
    ]
