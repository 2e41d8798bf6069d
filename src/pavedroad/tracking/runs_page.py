"""The list of runs: the filter language in the address, columns by what differs, pages by the server."""

from __future__ import annotations

import re
from collections.abc import Sequence
from urllib.parse import urlencode

import msgspec
from starlette.requests import Request

from pavedroad.errors import Invalid, PavedError, nearest
from pavedroad.kit.chart import decimals_for
from pavedroad.kit.clock import how_long_ago
from pavedroad.kit.sql import Reader, Row
from pavedroad.kit.text import count
from pavedroad.record import record_behind
from pavedroad.tracking.columns import (
    ATTRIBUTE,
    TAG,
    Cell,
    Column,
    cells_of,
    duration_ms,
    telling_columns,
)
from pavedroad.tracking.comparison import FEWEST, MOST
from pavedroad.tracking.filters import Field, Order, comparisons_of, parse_filter, parse_order
from pavedroad.tracking.model import LOST
from pavedroad.tracking.runs_chooser import Chooser, has_key, keys_on_record, make_chooser
from pavedroad.tracking.runs_query import (
    RunsQuery,
    Scope,
    check_query,
    columns_of,
    orders_of,
    page_of,
    read_query,
    scope_of,
)
from pavedroad.web.page import Elsewhere

ON_A_PAGE = 50
EXPERIMENTS_LISTED = 200
METRIC_COLUMNS, PARAM_COLUMNS = 4, 3
MOST_COLUMNS = 40  # of one page: an export has no such bound
LAST_PAGE = 10**9
LONGEST_WHY = 200
ERROR_TAG = "paved.error"
LABELS = {
    "run_id": "Id",
    "run_name": "Run",
    "status": "State",
    "experiment": "Experiment",
    "user_id": "Who",
    "start_time": "Started",
    "end_time": "Ended",
    "duration": "Took",
    "artifact_uri": "Files at",
}
_DID = re.compile(r"(deleted|restored|erased)-(\d{1,9})")
_DOING = {
    "deleted": "{} deleted. They can be restored.",
    "restored": "{} restored.",
    "erased": "{} deleted for good.",
}


class Refusal(msgspec.Struct, frozen=True, kw_only=True):
    """Why the list is empty: what was asked cannot be read."""

    about: str  # filter, order, columns, experiment, view or page
    message: str
    hint: str
    before: str = ""  # of the filter: what stands before the place, at it, and behind it
    wrong: str = ""
    after: str = ""
    expected: list[str] = []
    corrected: str = ""  # the filter with the word that was probably meant
    href: str = ""  # the list with it


class Head(msgspec.Struct, frozen=True, kw_only=True):
    """A column of this list."""

    kind: str  # attributes, params, tags, metrics, min or max
    key: str
    label: str
    field: str  # as a filter, an order and `columns` name it
    href: str  # this list in the next order of this column; empty when it has none
    sorted: str  # "ascending", "descending" or ""
    decimals: int = 0  # of its numbers

    @property
    def is_number(self) -> bool:
        return Column(self.kind, self.key).is_number


class Shown(msgspec.Struct, frozen=True, kw_only=True):
    """One run as the list shows it; `values` stand in the order of the columns."""

    id: str
    name: str
    experiment: str
    user: str
    status: str
    why: str  # a word on a state that needs one
    start_ms: int
    duration_ms: int | None
    values: list[Cell]


class Choice(msgspec.Struct, frozen=True, kw_only=True):
    label: str
    href: str
    is_chosen: bool


class Pages(msgspec.Struct, frozen=True, kw_only=True):
    """Where this page stands among those of the list; addresses are empty where there is none."""

    number: int
    size: int
    first: str = ""
    previous: str = ""
    next: str = ""
    last: str = ""


class Unheard(msgspec.Struct, frozen=True):
    """A key in a filter that no run has, and the one that was probably meant."""

    field: str
    meant: str
    href: str  # the list with it; empty when nothing is like it


class Place(msgspec.Struct, frozen=True):
    name: str
    href: str


class Runs(msgspec.Struct, frozen=True, kw_only=True):
    query: RunsQuery
    rows: list[Shown]
    columns: list[Head]
    fixed: dict[str, Head]  # the columns that every list has
    number: int
    pages: Pages
    experiment: Place | None  # when the list is of one
    in_experiments: int  # whose runs are listed
    experiments: list[str]  # to choose from
    choices: list[Choice]
    chooser: Chooser | None  # when it is asked for
    choose: str  # where the columns are chosen
    compare_all: str  # all of a short list side by side; else empty
    exports: dict[str, str]  # format -> address
    did: str  # what was just done, in words
    unheard: list[Unheard]  # of a filter that nothing matches
    refusal: Refusal | None
    is_empty: bool  # no run at all is on the record

    @property
    def http_status(self) -> int:
        return 200 if self.refusal is None else 400

    @property
    def says(self) -> str:
        """Which runs these are: of 100,000, the first to the fiftieth."""
        start = (self.pages.number - 1) * self.pages.size
        return f"{start + 1:,}\u2013{start + len(self.rows):,} of {self.number:,}"


def show_runs(request: Request) -> Runs:
    reader: Reader = record_behind(request).db
    pairs = list(request.query_params.multi_items())
    query = read_query(pairs)
    words = dict(pairs)
    if sum(key == "columns" for key, _ in pairs) > 1 and "choose" not in words and "part" not in words:
        raise Elsewhere(query.address())  # a form names each box; one list is easier to read and to send
    scope, rows, number, refusal, page = Scope(names={}), list[Row](), 0, None, 1
    columns: list[Column] = []
    about = ""
    try:
        about = "page"
        page = _page(words.get("page", ""))
        about = _about(query)
        check_query(query)
        scope = scope_of(reader, query)
        found = page_of(reader, query, scope, offset=(page - 1) * ON_A_PAGE, limit=ON_A_PAGE)
        rows, number = found.rows, found.number or 0
        columns = _columns(reader, query, rows)
    except PavedError as error:
        if not isinstance(error, Invalid):
            raise
        refusal, rows = _refusal(error, query, about), []
    cells = cells_of(reader, rows, columns, scope.names)
    chooser = make_chooser(reader, columns, words.get("find", "").strip()) if _wants(words) else None
    return Runs(
        query=query,
        rows=_shown(reader, rows, cells, scope),
        columns=_heads(query, columns, cells),
        fixed={key: _head(query, Column(ATTRIBUTE, key)) for key in ("run_name", "status")},
        number=number,
        pages=_pages(query, page, number),
        experiment=_experiment(query, scope),
        in_experiments=len(scope.names),
        experiments=_experiments(reader, query, scope),
        choices=_choices(query),
        chooser=chooser,
        choose=query.address(choose=1),
        compare_all=_compare_all(rows, number),
        exports={kind: query.address(f"/runs/export.{kind}") for kind in ("csv", "json", "arrow")},
        did=_did(words.get("did", "")),
        unheard=_unheard(reader, query) if query.filter and not number and refusal is None else [],
        refusal=refusal,
        is_empty=not number and refusal is None and query == RunsQuery(),
    )


def _wants(words: dict[str, str]) -> bool:
    return bool(words.get("choose")) or words.get("part") == "columns"


def _page(word: str) -> int:
    word = word.strip() or "1"
    if not (word.isascii() and word.isdecimal() and 1 <= int(word[:12]) <= LAST_PAGE):
        raise Invalid(f"page={word!r} is not a page", hint="pages count from 1")
    return int(word)


def _about(query: RunsQuery) -> str:
    """What a refusal from here on is about: the filter is read first, so that its place can be marked."""
    try:
        parse_filter(query.filter)
    except Invalid:
        return "filter"
    try:
        check_query(query)
    except Invalid as error:
        return "order" if "order" in str(error) else "columns"
    return "experiment"


def _experiment(query: RunsQuery, scope: Scope) -> Place | None:
    if not query.experiment or not scope.names:
        return None
    ((number, name),) = scope.names.items()
    return Place(name, f"/experiments/{number}")


def _experiments(reader: Reader, query: RunsQuery, scope: Scope) -> list[str]:
    every = scope.names if not query.experiment else scope_of(reader, RunsQuery(view=query.view)).names
    newest = list(dict.fromkeys([*scope.names.values(), *every.values()]))[:EXPERIMENTS_LISTED]
    return sorted(newest)


def _compare_all(rows: Sequence[Row], number: int) -> str:
    if not FEWEST <= len(rows) == number <= MOST:
        return ""
    return f"/runs/compare?{urlencode({'run': ','.join(row['id'] for row in rows)})}"


def _did(word: str) -> str:
    found = _DID.fullmatch(word)
    return _DOING[found[1]].format(count(int(found[2]), "run")) if found else ""


def _unheard(reader: Reader, query: RunsQuery) -> list[Unheard]:
    found = []
    for comparison in comparisons_of(parse_filter(query.filter)):
        column = _column_of_field(comparison.field)
        if column is None or has_key(reader, column):
            continue
        meant = nearest(column.key, keys_on_record(reader, column.kind))
        corrected = query.filter.replace(column.key, meant) if meant else ""
        found.append(
            Unheard(
                field=column.field,
                meant=Column(column.kind, meant).field if meant else "",
                href=query.address(filter=corrected) if corrected else "",
            )
        )
    return list(dict.fromkeys(found))


def _column_of_field(field: Field) -> Column | None:
    """Of params, tags and metrics."""
    kinds = {"metric": "metrics", "parameter": "params", "tag": "tags", "min": "min", "max": "max"}
    return Column(kinds[field.kind], field.key) if field.kind in kinds else None


# ---------------------------------------------------------------------------------------------- refusals


def _refusal(error: PavedError, query: RunsQuery, about: str) -> Refusal:
    at = getattr(error, "at", None)
    if about != "filter" or at is None:
        return Refusal(about=about, message=error.message, hint=error.hint)
    end = at + max(1, getattr(error, "length", 1))
    before, wrong, after = query.filter[:at], query.filter[at:end], query.filter[end:]
    suggestion = getattr(error, "suggestion", "")
    corrected = f"{before}{suggestion}{after}" if suggestion else ""
    # The place is marked, so the message need not hold the filter once more.
    said = error.message.replace(f"Invalid clause(s) in filter string: '{query.filter}': ", "")
    if suggestion:
        said = f"{wrong!r} is not known here"
    return Refusal(
        about=about,
        message=said[:1].upper() + said[1:],
        hint=error.hint,
        before=before,
        wrong=wrong,
        after=after,
        expected=list(getattr(error, "expected", ())),
        corrected=corrected,
        href=query.address(filter=corrected) if corrected else "",
    )


# ---------------------------------------------------------------------------------------------- columns


def _columns(reader: Reader, query: RunsQuery, rows: Sequence[Row]) -> list[Column]:
    """Those asked for, else who and when, and the metrics and params that tell these runs apart best."""
    asked = columns_of(query)
    if len(asked) > MOST_COLUMNS:
        raise Invalid(
            f"{len(asked)} columns are more than a page shows",
            hint=f"take {MOST_COLUMNS}, or export them all",
        )
    if asked:
        return [each for each in asked if each.field not in ("run_name", "status")]
    attributes = ["user_id", "start_time", "duration"]
    if not query.experiment:
        attributes.insert(0, "experiment")
    return [
        *(Column(ATTRIBUTE, key) for key in attributes),
        *telling_columns(reader, [row["no"] for row in rows], metrics=METRIC_COLUMNS, params=PARAM_COLUMNS),
    ]


def _heads(query: RunsQuery, columns: Sequence[Column], cells: Sequence[Sequence[Cell]]) -> list[Head]:
    return [
        _head(query, column, decimals_for(_numbers(cells, at)) if column.is_number else 0)
        for at, column in enumerate(columns)
    ]


def _numbers(cells: Sequence[Sequence[Cell]], at: int) -> list[float | None]:
    return [value if isinstance(value, (int, float)) else None for value in (row[at] for row in cells)]


def _head(query: RunsQuery, column: Column, decimals: int = 0) -> Head:
    current = _current(query)
    own = _order(column.field)
    is_current = own is not None and current is not None and own.field == current.field
    word = "" if not is_current else "ascending" if current and current.ascending else "descending"
    label = LABELS.get(column.key, column.key) if column.kind == ATTRIBUTE else column.key
    return Head(
        kind=column.kind,
        key=column.key,
        label=f"{label} {column.kind}" if column.kind in ("min", "max") else label,
        field=column.field,
        href="" if own is None else query.address(order=_next_order(column, word)),
        sorted=word,
        decimals=decimals,
    )


def _next_order(column: Column, now: str) -> str:
    """A click, a second one, and a third that leaves the order: numbers the largest first, texts from A."""
    states = ["", "descending", "ascending"] if column.is_number else ["", "ascending", "descending"]
    then = states[(states.index(now) + 1) % 3]
    return {"": "", "ascending": f"{column.field} ASC", "descending": f"{column.field} DESC"}[then]


def _current(query: RunsQuery) -> Order | None:
    clauses = orders_of(query)
    return _order(clauses[0]) if clauses else None


def _order(clause: str) -> Order | None:
    """None for what runs cannot be ordered by."""
    try:
        return parse_order(clause)
    except Invalid:
        return None


# ---------------------------------------------------------------------------------------------- rows


def _shown(reader: Reader, rows: Sequence[Row], cells: Sequence[list[Cell]], scope: Scope) -> list[Shown]:
    failed = [row for row in rows if row["status"] in ("FAILED", LOST)]
    errors = cells_of(reader, failed, [Column(TAG, ERROR_TAG)], {}) if failed else []
    said = {row["no"]: str(error[0] or "")[:LONGEST_WHY] for row, error in zip(failed, errors, strict=True)}
    return [
        Shown(
            id=row["id"],
            name=row["name"],
            experiment=scope.names.get(row["experiment_id"], str(row["experiment_id"])),
            user=row["user_id"],
            status=row["status"],
            why=said.get(row["no"], "") or _silence(row),
            start_ms=row["start_ms"],
            duration_ms=duration_ms(row),
            values=values,
        )
        for row, values in zip(rows, cells, strict=True)
    ]


def _silence(row: Row) -> str:
    if row["status"] != LOST:
        return ""
    heard = row["heartbeat_ms"]
    return f"last heard {how_long_ago(heard)}" if heard else "its process is gone"


def _pages(query: RunsQuery, page: int, number: int) -> Pages:
    last = max(1, -(-number // ON_A_PAGE))

    def at(wanted: int, is_there: bool) -> str:
        return query.address(page=wanted if wanted > 1 else "") if is_there else ""

    return Pages(
        number=page,
        size=ON_A_PAGE,
        first=at(1, page > 2),
        previous=at(min(page - 1, last), page > 1),
        next=at(page + 1, page < last),
        last=at(last, page < last - 1),
    )


def _choices(query: RunsQuery) -> list[Choice]:
    """The questions asked most, one click each."""
    filters = {
        "All": "",
        "Running": "status = 'RUNNING'",
        "Failed": "status = 'FAILED'",
        "Lost": "status = 'LOST'",
    }
    return [
        *(
            Choice(
                label=label,
                href=query.address(filter=text, view=""),
                is_chosen=query.filter == text and not query.is_deleted,
            )
            for label, text in filters.items()
        ),
        Choice(
            label="Deleted",
            href=query.address(view="" if query.is_deleted else "deleted", filter=""),
            is_chosen=query.is_deleted,
        ),
        Choice(
            label="With steps",
            href=query.address(nested="" if query.nested else "1"),
            is_chosen=bool(query.nested),
        ),
    ]
