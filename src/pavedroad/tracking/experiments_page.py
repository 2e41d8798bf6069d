"""Experiments: what they are about, how much is in them, when something last happened."""

from __future__ import annotations

import msgspec
from starlette.requests import Request

from pavedroad.errors import Invalid
from pavedroad.kit.sql import Reader, load_queries
from pavedroad.record import record_behind
from pavedroad.tracking.model import ACTIVE, DELETED, NOTE_TAG, PARENT_TAG, Experiment
from pavedroad.tracking.store import count_runs, experiment_number, get_experiment

SQL = load_queries("pavedroad.tracking", "experiment_queries.sql")
ON_A_PAGE = 50
LAST_PAGE = 10**6
NEWEST = 10
OWN_TAGS = ("mlflow.", "paved.")


class ExperimentRow(msgspec.Struct, frozen=True, kw_only=True):
    id: str
    name: str
    runs: int
    last_run_ms: int | None
    created_ms: int
    about: str  # the first line of its note


class ExperimentsPage(msgspec.Struct, frozen=True, kw_only=True):
    words: str
    is_deleted: bool  # shows those that are deleted
    rows: list[ExperimentRow]
    number: int
    deleted: int
    page: int
    previous: str
    next: str


class RecentRun(msgspec.Struct, frozen=True, kw_only=True):
    id: str
    name: str
    user: str
    status: str
    start_ms: int
    duration_ms: int | None


class ExperimentPage(msgspec.Struct, frozen=True, kw_only=True):
    experiment: Experiment
    runs: int  # of the same stage as the experiment
    deleted_runs: int
    logged_models: int
    last_run_ms: int | None
    newest: list[RecentRun]
    note: str
    tags: dict[str, str]

    @property
    def is_deleted(self) -> bool:
        return self.experiment.lifecycle_stage == DELETED

    @property
    def is_default(self) -> bool:
        return self.experiment.id == "0"


def show_experiments(request: Request) -> ExperimentsPage:
    reader: Reader = record_behind(request).db
    words = request.query_params.get("q", "").strip()
    view = request.query_params.get("view", "")
    if view not in ("", "active", "deleted"):
        raise Invalid(f"view={view!r} is not a view", hint="it is active or deleted")
    stage = DELETED if view == "deleted" else ACTIVE
    page = _page(request.query_params.get("page", "1"))
    pattern = _pattern(words)
    rows = reader.all(
        SQL.experiments_shown,
        stage=stage,
        words=pattern,
        limit=ON_A_PAGE + 1,
        offset=(page - 1) * ON_A_PAGE,
    )

    def at(number: int) -> str:
        asked = {"q": words, "view": view, "page": str(number)}
        return str(
            request.url.replace(query="").include_query_params(**{k: v for k, v in asked.items() if v})
        )

    return ExperimentsPage(
        words=words,
        is_deleted=stage == DELETED,
        rows=[
            ExperimentRow(
                id=str(row["id"]),
                name=row["name"],
                runs=count_runs(reader, str(row["id"]), stage=stage),
                last_run_ms=row["last_run_ms"],
                created_ms=row["created_ms"],
                about=_about(reader.value(SQL.note_of_experiment, id=row["id"], key=NOTE_TAG) or ""),
            )
            for row in rows[:ON_A_PAGE]
        ],
        number=reader.value(SQL.count_experiments, stage=stage, words=pattern),
        deleted=reader.value(SQL.count_experiments, stage=DELETED, words="%"),
        page=page,
        previous=at(page - 1) if page > 1 else "",
        next=at(page + 1) if len(rows) > ON_A_PAGE else "",
    )


def show_experiment(request: Request) -> ExperimentPage:
    reader: Reader = record_behind(request).db
    experiment = get_experiment(reader, request.path_params["experiment_id"])
    number, stage = experiment_number(experiment.id), experiment.lifecycle_stage
    return ExperimentPage(
        experiment=experiment,
        runs=count_runs(reader, experiment.id, stage=stage),
        deleted_runs=count_runs(reader, experiment.id, stage=DELETED),
        logged_models=reader.value(SQL.count_logged_models, id=number),
        last_run_ms=reader.value(SQL.last_activity, id=number, stage=stage),
        newest=[
            RecentRun(
                id=row["id"],
                name=row["name"],
                user=row["user_id"],
                status=row["status"],
                start_ms=row["start_ms"],
                duration_ms=None if row["end_ms"] is None else max(0, row["end_ms"] - row["start_ms"]),
            )
            for row in reader.all(SQL.newest_runs, id=number, stage=stage, parent=PARENT_TAG, limit=NEWEST)
        ],
        note=experiment.tags.get(NOTE_TAG, ""),
        tags={key: value for key, value in experiment.tags.items() if not key.startswith(OWN_TAGS)},
    )


def _about(note: str) -> str:
    """The first line of Markdown that says something, without its marks."""
    return next((line.strip("#*_` \t") for line in note.splitlines() if line.strip("#*_` \t")), "")[:200]


def _pattern(words: str) -> str:
    escaped = words.lower().replace("!", "!!").replace("%", "!%").replace("_", "!_")
    return f"%{escaped}%"


def _page(text: str) -> int:
    if not (text.isascii() and text.isdecimal() and 1 <= int(text[:12]) <= LAST_PAGE):
        raise Invalid(f"page={text!r} is not a page", hint="pages count from 1")
    return int(text)
