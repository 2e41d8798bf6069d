"""Who takes a value gets one of its own, at the lowest price."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

import pavedroad as paved
from pavedroad.kit.files import FolderFiles
from pavedroad.pipelines.values.held import Held
from pavedroad.pipelines.values.model import LostValue
from pavedroad.pipelines.values.shelf import Shelf, unstored


@pytest.fixture
def shelf(tmp_path):
    return Shelf(FolderFiles(tmp_path / "files"), tmp_path / "work")


def hold(shelf: Shelf, value: object, claims: int) -> Held:
    held = Held.of(shelf.store(value), value)
    held.claim(claims)
    return held


def test_the_last_taker_gets_the_object_itself(shelf):
    value = [1, 2]
    held = hold(shelf, value, claims=2)
    first, last = held.take(shelf), held.take(shelf)
    assert first == last == [1, 2]
    assert first is not value
    assert last is value


def test_an_array_is_mapped_for_all_but_the_last(shelf):
    array = np.zeros(1_000_000)
    held = hold(shelf, array, claims=2)
    first = held.take(shelf)
    first[0] = 1
    assert held.take(shelf) is array
    assert array[0] == 0


@pytest.mark.parametrize("value", [pa.table({"a": [1]}), 7, "text", None], ids=repr)
def test_what_cannot_be_changed_is_shared(shelf, value):
    held = hold(shelf, value, claims=3)
    assert held.take(shelf) is held.take(shelf) is held.take(shelf) is value


def test_a_frame_is_shared_until_it_is_written_to(shelf):
    frame = pd.DataFrame({"a": np.zeros(1000)})
    held = hold(shelf, frame, claims=2)
    first, other = held.take(shelf), held.take(shelf)
    assert np.shares_memory(first["a"].to_numpy(), other["a"].to_numpy())
    first.loc[0, "a"] = 5.0
    assert (other.loc[0, "a"], frame.loc[0, "a"]) == (0.0, 0.0)


def test_items_that_were_made_together_are_read_anew(shelf):
    """They may hold parts of each other."""
    shared = [1]
    value = {"one": {"inner": shared}, "array": np.zeros(3)}
    held = hold(shelf, value, claims=1)
    taken = held.take(shelf)
    taken["one"]["inner"].append(2)
    assert shared == [1]


def test_when_nobody_wants_it_any_more_the_object_is_let_go(shelf):
    held = hold(shelf, np.zeros(10), claims=1)
    held.give_up()
    assert held._object is not None
    assert not isinstance(held._object, np.ndarray)


def test_a_value_in_memory_only_is_kept_for_a_retry(shelf):
    function = lambda: 1  # noqa: E731
    held = Held.of(unstored(function), function)
    held.claim(1)
    assert held.take(shelf) is function
    assert held.fresh(shelf) is function


def test_what_is_gone_is_told_with_where_it_was_held(shelf):
    held = Held.of(shelf.store(np.zeros(10_000)))
    held.claim()
    shelf.files.path(held.value.files[0].digest).unlink()
    with pytest.raises(LostValue) as caught:
        held.take(shelf)
    assert caught.value.held is held


def test_an_evaluation_is_handed_on_without_its_data(shelf):
    held = hold(shelf, paved.Evaluation(metrics={"a": 1.0}, data=[1, 2]), claims=2)
    assert [held.take(shelf).data, held.take(shelf).data] == [None, None]


def test_a_loaded_frame_is_read_once_for_several_takers(shelf, monkeypatch):
    held = Held.of(shelf.store(pd.DataFrame({"a": [1, 2]})))
    held.claim(3)
    loads = []
    load = shelf.load
    monkeypatch.setattr(shelf, "load", lambda value: loads.append(1) or load(value))
    for _ in range(3):
        assert held.take(shelf)["a"].tolist() == [1, 2]
    assert len(loads) == 1
