"""Writes of a run keep their order, share transactions, and lose only what cannot be written."""

from __future__ import annotations

import pytest

from pavedroad.catalog import Ref, ensure_artifact, list_artifacts
from pavedroad.errors import Invalid
from pavedroad.pipelines.writes import OrderedWrites


def refuse(tx) -> None:
    raise Invalid("no", hint="never")


def known(record) -> list[str]:
    return [artifact.ref.name for artifact in list_artifacts(record.db)]


def adding(name: str):
    return lambda tx: ensure_artifact(tx, Ref("tool", name), who="ada")


def test_what_was_added_is_written_in_order(any_record):
    order: list[int] = []
    writes = OrderedWrites(any_record.db)
    for number in range(50):
        writes.add(lambda tx, number=number: order.append(number))
        if number % 7 == 0:
            writes.send()
    writes.wait()
    assert order == list(range(50))


def test_after_waiting_everything_is_there(any_record):
    writes = OrderedWrites(any_record.db)
    writes.add(adding("a"))
    writes.send()
    writes.add(adding("b"))
    writes.wait()
    assert known(any_record) == ["a", "b"]


def test_one_that_fails_takes_no_other_with_it_and_is_told_at_the_end(any_record):
    writes = OrderedWrites(any_record.db)
    for work in (adding("a"), refuse, adding("b")):
        writes.add(work)
    with pytest.raises(Invalid, match="no"):
        writes.wait()
    assert known(any_record) == ["a", "b"]


def test_waiting_for_nothing_is_done_at_once(record):
    OrderedWrites(record.db).wait()
