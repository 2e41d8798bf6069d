"""The list of runs: MLflow's filter language in the address, columns by what differs, pages by the server."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from urllib.parse import urlencode

import msgspec
from starlette.requests import Request

from pavedroad.errors import Invalid, PavedError
from pavedroad.kit.chart import decimals_for
from pavedroad.kit.sql import Reader, load_queries
from pavedroad.tracking.filters import parse_filter
from pavedroad.tracking.model import Experiment, Run
from pavedroad.tracking.search import count_matching_runs, find_runs, make_page_token, with_values
from pavedroad.tracking.store import find_experiment, get_experiment

SQL = load_queries("pavedroad.tracking", "page_queries.sql")
ON_A_PAGE = 60
MOST_EXPERIMENTS = 500
METRIC_COLUMNS, PARAM_COLUMNS = 4, 3
LAST_PAGE = 10**9
# Steps and other nested runs are shown with the run they belong to.
TOP_LEVEL = "tags.`mlflow.parentRunId` IS NULL"
_PLAIN_KEY = re.compile(r"[\w.]+")
_COLUMN = re.compile(r"(metrics|params|tags)\.(`[^`]+`|.+)")


class Refusal(msgspec.Struct, frozen=True):
    """Why the list is empty: what was asked cannot be read."""

    message: str
    hint: str


class Column(msgspec.Struct, frozen=True, kw_only=True):
    kind: str  # metrics, params, tags or "" for an attribute
    key: str
    label: str
    field: str  # as a filter and an order name it
    href: str  # this list in the order of this column
    sorted: str  # "ascending", "descending" or ""
    decimals: int = 0  # of its numbers


class Shown(msgspec.Struct, frozen=True, kw_only=True):
    """One run as the list shows it; `values` stand in the order of the columns."""

    id: str
    name: str
    experiment: str
    user: str
    status: str
    start_ms: int
    duration_ms: int | None
    values: list[float | str | None]


class Choice(msgspec.Struct, frozen=True, kw_only=True):
    label: str
    href: str
    is_chosen: bool


class Runs(msgspec.Struct, frozen=True, kw_only=True):
    rows: list[Shown]
    columns: list[Column]
    fixed: dict[str, Column]  # the columns that every list has
    number: int
    page: int
    size: int
    experiment: str
    experiments: list[str]
    filter: str
    order: str
    with_nested: bool
    chosen_columns: str
    choices: list[Choice]
    refusal: Refusal | None
    is_empty: bool  # no run at all is on the record
    previous: str
    next: str

    @property
    def http_status(self) -> int:
        return 200 if self.refusal is None else 400


class _Asked(msgspec.Struct, frozen=True, kw_only=True):
    experiment: str = ""
    filter: str = ""
    order: str = ""
    columns: str = ""
    nested: str = ""
    page: int = 1

    def address(self, **changes: str | int) -> str:
        values = {**msgspec.structs.asdict(self), "page": 1, **changes}
        query = urlencode(
            {key: value for key, value in values.items() if value and (key, value) != ("page", 1)}
        )
        return f"/runs?{query}" if query else "/runs"


def show_runs(request: Request) -> Runs:
    reader: Reader = request.app.state.record.db
    known = reader.all(SQL.experiments, limit=MOST_EXPERIMENTS)
    names = {str(row["id"]): row["name"] for row in known}
    asked, columns = _Asked(), list[Column]()
    try:
        asked = _read(request)
        experiments = [_experiment(reader, asked.experiment)] if asked.experiment else []
        names.update({experiment.id: experiment.name for experiment in experiments})
        ids = [experiment.id for experiment in experiments] or list(names)
        where = _combined(asked)
        orders = [asked.order] if asked.order else []
        token = make_page_token((asked.page - 1) * ON_A_PAGE) if asked.page > 1 else ""
        rows, more = find_runs(reader, ids, where, orders, max_results=ON_A_PAGE, page_token=token)
        number = count_matching_runs(reader, ids, where)
        runs, refusal = with_values(reader, rows), None
        columns = _columns(asked, runs)
    except PavedError as error:
        if not isinstance(error, Invalid) and error.status != 404:
            raise
        runs, more, number, refusal = [], "", 0, Refusal(error.message, error.hint)
    return Runs(
        rows=[_shown(run, columns, names) for run in runs],
        columns=columns,
        fixed=_fixed_columns(asked),
        number=number,
        page=asked.page,
        size=ON_A_PAGE,
        experiment=asked.experiment,
        experiments=sorted(names.values()),
        filter=asked.filter,
        order=asked.order,
        with_nested=bool(asked.nested),
        chosen_columns=asked.columns,
        choices=_choices(asked),
        refusal=refusal,
        is_empty=not runs and asked == _Asked(),
        previous=asked.address(page=asked.page - 1) if asked.page > 1 else "",
        next=asked.address(page=asked.page + 1) if more else "",
    )


def quoted_field(kind: str, key: str) -> str:
    """A column's name as a filter or an order takes it: metrics.auc, params.`max depth`."""
    name = key if _PLAIN_KEY.fullmatch(key) else f"`{key}`"
    return f"{kind}.{name}" if kind else name


def _read(request: Request) -> _Asked:
    values = {
        key: value.strip() for key, value in request.query_params.items() if key in _Asked.__struct_fields__
    }
    page = values.pop("page", "") or "1"
    if not (page.isascii() and page.isdecimal() and 1 <= int(page[:12]) <= LAST_PAGE):
        raise Invalid(f"page={page!r} is not a page", hint="pages count from 1")
    return _Asked(**values, page=int(page))


def _experiment(reader: Reader, named: str) -> Experiment:
    found = find_experiment(reader, named)
    if found is not None and found.lifecycle_stage == "active":
        return found
    if named.isascii() and named.isdecimal():
        return get_experiment(reader, named)
    raise Invalid(f"no experiment {named!r}", hint="choose one from the list")


def _combined(asked: _Asked) -> str:
    parse_filter(asked.filter)  # alone, so that a refusal shows what was typed and not what we add
    parts = [f"({asked.filter})"] if asked.filter else []
    if not asked.nested:
        parts.append(TOP_LEVEL)
    return " AND ".join(parts)


# ---------------------------------------------------------------------------------------------- columns


def _columns(asked: _Asked, runs: Sequence[Run]) -> list[Column]:
    """Those asked for, else the metrics and params that tell these runs apart best."""
    if asked.columns:
        pairs = [_parse_column(text) for text in asked.columns.split(",") if text.strip()]
    else:
        metrics = Counter(
            metric.key for run in runs for metric in run.metrics if not metric.key.startswith("system/")
        )
        pairs = [("metrics", key) for key in _most(metrics, METRIC_COLUMNS)]
        pairs += [("params", key) for key in _differing(runs)]
    columns = []
    for kind, key in pairs:
        values = [run.metric(key) for run in runs] if kind == "metrics" else []
        column = _column(asked, kind, key, label=key)
        columns.append(msgspec.structs.replace(column, decimals=decimals_for(values)))
    return columns


def _most(counts: Counter[str], number: int) -> list[str]:
    return [key for key, _ in sorted(counts.items(), key=lambda item: (-item[1], item[0]))][:number]


def _differing(runs: Sequence[Run]) -> list[str]:
    values: dict[str, set[str]] = {}
    for run in runs:
        for key, value in run.params.items():
            values.setdefault(key, set()).add(value)
    often = Counter(key for run in runs for key in run.params if len(values[key]) > 1)
    return _most(often, PARAM_COLUMNS)


def _parse_column(text: str) -> tuple[str, str]:
    found = _COLUMN.fullmatch(text.strip())
    if found is None:
        raise Invalid(
            f"{text.strip()!r} is not a column", hint="write metrics.auc, params.depth or tags.team"
        )
    return found[1], found[2].strip("`")


def _column(asked: _Asked, kind: str, key: str, *, label: str) -> Column:
    field = quoted_field(kind, key)
    current = asked.order.removesuffix(" DESC").removesuffix(" ASC").strip()
    descending = asked.order.endswith(" DESC")
    is_current = bool(asked.order) and current == field
    order = f"{field} ASC" if is_current and descending else f"{field} DESC"
    return Column(
        kind=kind,
        key=key,
        label=label,
        field=field,
        href=asked.address(order=order),
        sorted=("descending" if descending else "ascending") if is_current else "",
    )


def _fixed_columns(asked: _Asked) -> dict[str, Column]:
    labels = {"run_name": "Run", "status": "State", "user_id": "Who", "start_time": "Started"}
    return {key: _column(asked, "", key, label=label) for key, label in labels.items()}


def _shown(run: Run, columns: Iterable[Column], names: dict[str, str]) -> Shown:
    values: dict[str, dict[str, float | str]] = {
        "metrics": {metric.key: metric.value for metric in run.metrics},
        "params": dict(run.params),
        "tags": dict(run.tags),
    }
    return Shown(
        id=run.id,
        name=run.name,
        experiment=names.get(run.experiment_id, run.experiment_id),
        user=run.user,
        status=run.status,
        start_ms=run.start_ms,
        duration_ms=None if run.end_ms is None else max(0, run.end_ms - run.start_ms),
        values=[values[column.kind].get(column.key) for column in columns],
    )


def _choices(asked: _Asked) -> list[Choice]:
    """The questions asked most, one click each."""
    filters = {"All": "", "Running": "status = 'RUNNING'", "Failed": "status = 'FAILED'"}
    return [
        Choice(label=label, href=asked.address(filter=text), is_chosen=asked.filter == text)
        for label, text in filters.items()
    ] + [
        Choice(
            label="With steps",
            href=asked.address(nested="" if asked.nested else "1"),
            is_chosen=bool(asked.nested),
        )
    ]
