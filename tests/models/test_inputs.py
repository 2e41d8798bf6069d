"""Rows as callers send them become columns, or are refused."""

from __future__ import annotations

from typing import Any

import pytest

from pavedroad.errors import Invalid
from pavedroad.models.inputs import columns_by_place


@pytest.mark.parametrize("rows", [[[1], [2]], [(1,), (2,)]])
def test_rows_of_one_value_are_one_column(rows: Any) -> None:
    assert columns_by_place(rows, 1) == [(1, 2)]


@pytest.mark.parametrize("row", [None, "ab", "a", b"a", 3, {"wind": 1}])
def test_a_row_that_is_no_list_is_named(row: Any) -> None:
    with pytest.raises(Invalid, match="row 1 is not a list of values"):
        columns_by_place([[1], row], 1)
