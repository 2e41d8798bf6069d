"""`paved why` names what changed, with the value before and after."""

from __future__ import annotations

import pytest

from pavedroad.errors import NotFound
from pavedroad.pipelines.why import Difference, Explanation, explain, find_pipeline_run

FLOW = """
from rates import with_tax

@paved.step
def load(n: int) -> list[int]:
    return list(range(n))

@paved.step
def price(amounts: list[int], extra: int = 1, note: str = "") -> int:
    return sum(with_tax(amount) for amount in amounts) + extra

@paved.pipeline
def main(n: int = 3, extra: int = 1):
    return price(load(n), extra)
"""
RATES = """
TAX = 2
API_TOKEN = "very-secret-word"

def with_tax(amount):
    return amount * TAX + 0 * len(API_TOKEN)
"""


@pytest.fixture
def shop(project):
    project.write("flow.py", FLOW)
    project.write("rates.py", RATES)
    return project


def why(project, run, step: str) -> Explanation:
    return explain(project.record.db, run.id, step)


def test_a_first_run_has_nothing_to_be_compared_with(shop):
    assert (
        why(shop, shop.run(), "price").summary
        == "ran for the first time: there is nothing to compare it with"
    )


def test_a_cached_step_names_the_run_with_the_same_key(shop):
    first, again = shop.run(), shop.run()
    told = why(shop, again, "price")
    assert told.summary == f"cached: same key as run {first.id[:8]}"
    assert (told.compared_with, told.differences) == (first.id, [])


def test_a_parameter_is_told_with_its_values(shop):
    first, again = shop.run(), shop.run(extra=5)
    told = why(shop, again, "price")
    assert told.differences == [Difference(part="parameter extra", change="changed", before="1", after="5")]
    assert told.summary == f"ran: parameter extra: 1 → 5, since run {first.id[:8]}"


def test_an_input_is_told_with_its_step_and_digests(shop):
    shop.run()
    (difference,) = why(shop, shop.run(n=4), "price").differences
    assert difference.part == "input amounts"
    assert difference.before.startswith("load: list of 3 (")
    assert difference.after.startswith("load: list of 4 (")


def test_a_constant_is_told_with_its_values_once(shop):
    shop.run()
    shop.replace("rates.py", "TAX = 2", "TAX = 3")
    told = why(shop, shop.run(), "price")
    assert told.differences == [Difference(part="value rates.TAX", change="changed", before="2", after="3")]
    assert told.summary.startswith("ran: value rates.TAX: 2 → 3, since run ")


def test_a_small_tuple_is_told_with_its_values(shop):
    shop.replace("rates.py", "TAX = 2", "TAX = (1, 1)")
    shop.replace("rates.py", "amount * TAX", "amount * sum(TAX)")
    shop.run()
    shop.replace("rates.py", "TAX = (1, 1)", "TAX = (1, 2)")
    assert why(shop, shop.run(), "price").summary.startswith(
        "ran: value rates.TAX: (1, 1) → (1, 2), since run "
    )


def test_what_may_be_a_secret_is_never_shown(shop):
    shop.run()
    shop.replace("rates.py", "very-secret-word", "other-secret-word")
    told = why(shop, shop.run(), "price")
    assert [each.part for each in told.differences] == ["value rates.API_TOKEN"]
    assert "secret-word" not in repr(told)
    assert told.summary.startswith("ran: value rates.API_TOKEN changed, since run ")


def test_a_helper_is_told_by_its_name(shop):
    shop.run()
    shop.replace("rates.py", "amount * TAX", "amount * TAX * 2")
    told = why(shop, shop.run(), "price")
    assert [(each.part, each.change) for each in told.differences] == [("function rates.with_tax", "changed")]


def test_several_changes_are_counted(shop):
    shop.run()
    shop.replace("rates.py", "TAX = 2", "TAX = 3")
    told = why(shop, shop.run(extra=9), "price")
    assert told.summary.startswith("ran: parameter extra: 1 → 9 and 1 more, since run ")


def test_the_nearest_run_before_counts_not_the_last(shop):
    near = shop.run()
    shop.replace("rates.py", "TAX = 2", "TAX = 3")
    shop.run(n=50)
    shop.replace("rates.py", "TAX = 3", "TAX = 2")
    told = why(shop, shop.run(extra=7), "price")
    assert told.compared_with == near.id


def test_a_run_without_cache_is_told_as_such(shop):
    first = shop.run()
    told = why(shop, shop.run(use_cache=False), "price")
    assert told.summary == (
        "ran with the same key: its stored result was gone, or --no-cache was given,"
        f" since run {first.id[:8]}"
    )


def test_a_step_that_cannot_be_cached_says_why(shop):
    shop.replace("flow.py", "@paved.step\ndef load", "@paved.step(cache=False)\ndef load")
    assert why(shop, shop.run(), "load").summary == "ran, and cannot be cached: cache=False"


def test_an_unknown_step_is_told_with_the_nearest(shop):
    with pytest.raises(NotFound, match="did you mean 'price'"):
        why(shop, shop.run(), "prize")


def test_an_item_of_a_map_is_compared_with_the_nearest_item(project):
    project.write(
        "flow.py",
        "@paved.step\ndef one(x: int) -> int:\n    return x\n\n"
        "@paved.pipeline\ndef main(n: int = 3):\n    return one.map(list(range(n)))\n",
    )
    project.run()
    (difference,) = why(project, project.run(n=4), "one[3]").differences
    assert (difference.part, difference.after) == ("parameter x", "3")


def test_a_run_is_found_by_its_start_by_last_and_by_the_run_of_a_step(shop):
    run = shop.run()
    for text in (run.id, run.id[:8], "last", run.steps[0].run_id[:10]):
        assert find_pipeline_run(shop.record.db, text) == run.id


@pytest.mark.parametrize("text", ["ffffffff", "last", "%", ""])
def test_a_run_that_is_not_there_is_told(record, text):
    from pavedroad.errors import PavedError

    with pytest.raises(PavedError) as caught:
        find_pipeline_run(record.db, text)
    assert caught.value.hint
