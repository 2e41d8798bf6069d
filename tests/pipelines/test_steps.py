"""`@paved.step` and `@paved.pipeline` take plain functions and known options, and say so otherwise."""

from __future__ import annotations

import pickle

import pytest

import pavedroad as paved
from pavedroad.errors import DefinitionError
from pavedroad.pipelines.steps import StepOptions, to_bytes


def plain(x: int) -> int:
    """Give it back."""
    return x


class Thing:
    def method(self):
        return 1

    @staticmethod
    def static():
        return 1


async def waits():
    return 1


def yields():
    yield 1


step_at_top = paved.step(plain)


def test_a_step_keeps_the_name_and_documentation_of_its_function():
    step = paved.step(plain)
    assert (step.__name__, step.__doc__, step.__wrapped__) == ("plain", "Give it back.", plain)
    assert step(3) == 3


def test_options_are_kept():
    step = paved.step(retries=2, backoff_s=0.5, timeout_s=3, version="7", cache=False)(plain)
    assert step.options == StepOptions(retries=2, backoff_s=0.5, timeout_s=3.0, version="7", cache=False)


def test_resources_are_read_in_words():
    options = paved.step(resources={"cpu": 2, "memory": "1.5 GB", "gpu": 1})(plain).options
    assert (options.resources.cpu, options.resources.memory_bytes, options.resources.gpu) == (
        2,
        1_500_000_000,
        1,
    )


@pytest.mark.parametrize(
    ("options", "needs"),
    [
        ({}, False),
        ({"isolate": True}, True),
        ({"timeout_s": 1}, True),
        ({"resources": {"memory": "1GB"}}, True),
    ],
)
def test_what_cannot_be_enforced_in_a_thread_gets_a_process(options, needs):
    assert paved.step(**options)(plain).options.needs_process is needs


@pytest.mark.parametrize(
    ("size", "number"),
    [("2GB", 2_000_000_000), ("512MiB", 512 << 20), ("1.5k", 1500), (7, 7), ("3 tb", 3 * 10**12)],
)
def test_sizes(size, number):
    assert to_bytes(size) == number


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"retry": 2}, "no option 'retry'; did you mean 'retries'"),
        ({"retries": -1}, "retries=-1 is too small"),
        ({"retries": "two"}, "Expected `int`, got `str`"),
        ({"timeout_s": 0}, "timeout_s=0 is too small"),
        ({"backoff_s": -1}, "backoff_s=-1 is too small"),
        ({"backoff_s": float("inf")}, "backoff_s=inf is too small"),
        ({"cache": "no"}, "Expected `bool`, got `str`"),
        ({"version": 2}, "Expected `str | null`, got `int`"),
        ({"resources": {"ram": "1GB"}}, "unknown resource 'ram'"),
        ({"resources": {"memory": "much"}}, "memory='much' is not a size"),
        ({"resources": {"memory": "0GB"}}, "memory='0GB' is not a size"),
        ({"resources": {"cpu": 0}}, "cpu=0 is not a whole number from 1 up"),
        ({"resources": {"gpu": 1.5}}, "gpu=1.5 is not a whole number"),
        ({"resources": 3}, "resources=3 is not a dict"),
    ],
)
def test_a_wrong_option_is_told(options, said):
    with pytest.raises(DefinitionError) as caught:
        paved.step(**options)
    assert said in str(caught.value)
    assert caught.value.hint


@pytest.mark.parametrize(
    ("what", "said"),
    [
        (lambda x: x, "a lambda has no name"),
        (waits, "waits() is async"),
        (yields, "yields() yields"),
        (Thing, "Thing is not a plain function"),
        (Thing().method, "method is not a plain function"),
        (staticmethod(plain), "not a plain function"),
        (len, "len is not a plain function"),
        (3, "3 is not a plain function"),
        (step_at_top, "'plain' is a step already"),
    ],
)
def test_what_cannot_be_a_step_is_told(what, said):
    with pytest.raises(DefinitionError) as caught:
        paved.step(what)
    assert said in str(caught.value)


def takes_any(*values):
    return values


def takes_positional(x, /):
    return x


@pytest.mark.parametrize(
    ("what", "said"),
    [
        (lambda: 1, "<lambda> is not a plain function"),
        (waits, "yields or awaits"),
        (yields, "yields or awaits"),
        (takes_any, "takes *values, which no command line can give"),
        (takes_positional, "takes x, which no command line can give"),
        (paved.pipeline(plain), "'plain' is a pipeline already"),
        (Thing, "Thing is not a plain function"),
    ],
)
def test_what_cannot_be_a_pipeline_is_told(what, said):
    with pytest.raises(DefinitionError) as caught:
        paved.pipeline(what)
    assert said in str(caught.value)


def test_a_pipeline_can_have_a_name_of_its_own():
    assert paved.pipeline(name="nightly")(plain).name == "nightly"


@paved.step
def by_name() -> int:
    return 1


def test_a_step_pickles_by_its_name():
    assert pickle.loads(pickle.dumps(by_name)) is by_name
