"""Taking outputs out of a notebook's text: the JSON around them stays as it is."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pavedroad.checks.rules.rep.outputs import saved_outputs, without

OUTPUTS = st.lists(
    st.fixed_dictionaries({"output_type": st.just("stream"), "text": st.text() | st.lists(st.text())}),
    max_size=4,
)
CELLS = st.lists(
    st.fixed_dictionaries(
        {"cell_type": st.just("code"), "source": st.text()},
        optional={"outputs": OUTPUTS, "metadata": st.just({})},
    ),
    max_size=4,
)


@given(CELLS, st.sampled_from([None, 0, 1, 2]), st.data())
def test_what_is_taken_out_is_gone_and_the_rest_stays(cells: Any, indent: int | None, data: Any) -> None:
    text = json.dumps({"nbformat": 4, "cells": cells, "metadata": {"x": [1]}}, indent=indent)
    for outputs in reversed(list(saved_outputs(text))):
        removed = data.draw(st.sets(st.integers(0, len(outputs.items) - 1)))
        text = text[: outputs.start] + without(text, outputs, removed) + text[outputs.end :]
        kept = cells[outputs.cell - 1]["outputs"]
        cells[outputs.cell - 1]["outputs"] = [item for at, item in enumerate(kept) if at not in removed]

    assert json.loads(text) == {"nbformat": 4, "cells": cells, "metadata": {"x": [1]}}


@given(st.text(st.sampled_from('{}[]:", \\ncellsoutputs1'), max_size=60))
def test_any_text_has_outputs_or_is_refused(text: str) -> None:
    try:
        assert list(saved_outputs(text)) == list(saved_outputs(text))
    except ValueError:
        with pytest.raises(ValueError, match=r"."):
            json.loads(text)
