"""Every query of every room, prepared on both databases."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import pavedroad
from pavedroad.kit.sql import Query, load_queries
from pavedroad.record import Record

ROOT = Path(pavedroad.__file__).parent
FILES = sorted(str(path.relative_to(ROOT)) for path in ROOT.rglob("*queries.sql"))
PARAMETER = re.compile(r"%\((\w+)\)s")


def queries_in(file: str) -> list[Query]:
    package = ".".join(("pavedroad", *Path(file).parent.parts))
    return list(load_queries(package, Path(file).name))


@pytest.mark.parametrize("file", FILES)
def test_every_query_is_understood_by_both_databases(file: str, any_record: Record) -> None:
    refused = {}
    for query in queries_in(file):
        values = dict.fromkeys(PARAMETER.findall(query.postgres))
        try:
            any_record.db.all(f"EXPLAIN {query}", **values)
        except Exception as error:
            refused[query.name] = f"{type(error).__name__}: {error}"
    assert refused == {}


@pytest.mark.parametrize("file", FILES)
def test_a_queries_file_holds_nothing_but_named_queries(file: str) -> None:
    text = (ROOT / file).read_text("utf-8")
    before_the_first = text.split("-- name:", 1)[0]
    assert re.fullmatch(r"(?:\s|--[^\n]*)*", before_the_first), before_the_first
    for query in queries_in(file):
        assert re.fullmatch(r"[a-z][a-z0-9_]*", query.name), query.name
        assert ";" not in re.sub(r"'[^']*'|--[^\n]*", "", query), f"{query.name} holds two statements"


@pytest.mark.parametrize("file", FILES)
def test_no_query_is_left_unused(file: str) -> None:
    sources = "\n".join(path.read_text("utf-8") for path in (ROOT / file).parent.rglob("*.py"))
    unused = [
        query.name
        for query in queries_in(file)
        if not re.search(rf"\bSQL\.{query.name}\b|\"{query.name}\"", sources)
    ]
    assert unused == []


def test_no_query_changes_or_removes_a_fact() -> None:
    for path in [*ROOT.rglob("*.sql"), *ROOT.rglob("*.py")]:
        text = path.read_text("utf-8")
        assert not re.search(
            r"(?i)\b(UPDATE|DELETE\s+FROM|REPLACE\s+INTO|TRUNCATE(\s+TABLE)?)\s+facts\b", text
        ), path
