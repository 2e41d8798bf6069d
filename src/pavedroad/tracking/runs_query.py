"""What a list of runs asks for, as its address, its exports and `paved runs` say it.

    /runs?experiment=flights&filter=metrics.auc > 0.8&order=metrics.auc DESC&columns=metrics.auc,params.depth

Nothing of it is kept on the server: the address is the view.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterable
from urllib.parse import urlencode

import msgspec

from pavedroad.errors import Invalid, NotFound
from pavedroad.kit.sql import Reader, load_queries
from pavedroad.tracking.columns import Column, parse_columns, split_list
from pavedroad.tracking.filters import parse_filter, parse_order
from pavedroad.tracking.model import ACTIVE, PARENT_TAG, Experiment
from pavedroad.tracking.search import Page, find_page, make_page_token, matching_numbers
from pavedroad.tracking.store import find_experiment, get_experiment

SQL = load_queries("pavedroad.tracking", "page_queries.sql")
# Steps and other nested runs are shown with the run they belong to.
TOP_LEVEL = f"tags.`{PARENT_TAG}` IS NULL"


class RunsQuery(msgspec.Struct, frozen=True, kw_only=True):
    """The words as they were asked; functions read them and refuse what they cannot read."""

    experiment: str = ""  # a name or an id; empty for every active one
    filter: str = ""
    order: str = ""  # clauses with commas between them
    columns: str = ""  # see `columns`; empty for those that tell the shown runs apart
    nested: str = ""  # 1: runs inside other runs too
    view: str = ""  # `deleted`: those instead

    @property
    def is_deleted(self) -> bool:
        return self.view == "deleted"

    def address(self, path: str = "/runs", **changes: str | int) -> str:
        """Where this is shown, with other words changed or added. Empty ones are left out."""
        values = {**msgspec.structs.asdict(self), **changes}
        query = urlencode({key: value for key, value in values.items() if value})
        return f"{path}?{query}" if query else path


class Scope(msgspec.Struct, frozen=True, kw_only=True):
    """The experiments that a query looks at."""

    names: dict[int, str]

    @property
    def ids(self) -> list[str]:
        return [str(number) for number in self.names]


def read_query(pairs: Iterable[tuple[str, str]]) -> RunsQuery:
    """Of the query of an address; what it does not know is another's, several `columns` are one list."""
    values: dict[str, str] = {}
    for key, value in pairs:
        if key == "columns" and value.strip():
            values[key] = f"{values[key]},{value.strip()}" if key in values else value.strip()
        elif key in RunsQuery.__struct_fields__:
            values[key] = value.strip()
    return RunsQuery(**values)


def check_query(query: RunsQuery) -> None:
    """Raises Invalid for a filter, an order, columns or a view that cannot be read."""
    parse_filter(query.filter)  # alone, so that a refusal shows what was typed and not what we add
    for clause in orders_of(query):
        parse_order(clause)
    columns_of(query)
    if query.view not in ("", "active", "deleted"):
        raise Invalid(f"view={query.view!r} is not a view", hint="it is active or deleted")


def columns_of(query: RunsQuery) -> list[Column]:
    return parse_columns(query.columns)


def orders_of(query: RunsQuery) -> list[str]:
    return split_list(query.order)


def condition_of(query: RunsQuery) -> str:
    parts = [f"({query.filter})"] if query.filter else []
    if not query.nested:
        parts.append(TOP_LEVEL)
    return " AND ".join(parts)


def scope_of(reader: Reader, query: RunsQuery) -> Scope:
    """Raises Invalid for an experiment that is not there, or is deleted and asked for as if it were not."""
    if not query.experiment:
        query_sql = SQL.every_experiment if query.is_deleted else SQL.active_experiments
        return Scope(names={row["id"]: row["name"] for row in reader.all(query_sql)})
    found = _named(reader, query.experiment)
    if found is None or (found.lifecycle_stage != ACTIVE and not query.is_deleted):
        raise Invalid(f"no experiment {query.experiment!r}", hint="choose one from the list")
    return Scope(names={int(found.id): found.name})


def _named(reader: Reader, word: str) -> Experiment | None:
    """By its name, else by its id."""
    found = find_experiment(reader, word)
    if (found is None or found.lifecycle_stage != ACTIVE) and word.isascii() and word.isdecimal():
        with contextlib.suppress(NotFound, Invalid):
            return get_experiment(reader, word)
    return found


def page_of(reader: Reader, query: RunsQuery, scope: Scope, *, offset: int, limit: int) -> Page:
    """Some of the runs that match, in order, and the number of all of them."""
    token = make_page_token(offset) if offset else ""
    condition, orders = condition_of(query), orders_of(query)
    return find_page(reader, scope.ids, condition, orders, _view(query), limit, token, counted=True)


def numbers_of(reader: Reader, query: RunsQuery, scope: Scope) -> list[int]:
    """The row numbers of all runs that match, in order."""
    return matching_numbers(reader, scope.ids, condition_of(query), orders_of(query), _view(query))


def _view(query: RunsQuery) -> str:
    return "DELETED_ONLY" if query.is_deleted else "ACTIVE_ONLY"
