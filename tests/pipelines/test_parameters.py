"""Words and tables become typed parameters."""

from __future__ import annotations

import dataclasses
import datetime
import decimal
import enum
from pathlib import Path
from typing import Annotated, Any, Literal, TypedDict

import msgspec
import pytest

import pavedroad as paved
from pavedroad.errors import Invalid
from pavedroad.pipelines.parameters import NotConvertible, convert, convert_parameters, read_file, read_words


class Colour(enum.Enum):
    RED = "r"
    BLUE = 2


@dataclasses.dataclass
class Split:
    share: float
    seed: int = 0


class Limits(msgspec.Struct):
    low: int
    high: int = 10


class Row(TypedDict):
    name: str


@pytest.mark.parametrize(
    ("text", "wanted", "value"),
    [
        ("8", int, 8),
        ("-3", int, -3),
        ("0.5", float, 0.5),
        ("1e-3", float, 0.001),
        ("true", bool, True),
        ("No", bool, False),
        ("on", bool, True),
        ("x", str, "x"),
        ("8", str, "8"),
        ("data/a.csv", Path, Path("data/a.csv")),
        ("a,b", list[str], ["a", "b"]),
        ("1, 2", list[int], [1, 2]),
        ("[1, 2]", list[float], [1.0, 2.0]),
        ("", list[int], []),
        ("1,2", tuple[int, ...], (1, 2)),
        ("1,x", tuple[int, str], (1, "x")),
        ("1,1", set[int], {1}),
        ("fast", Literal["fast", "slow"], "fast"),
        ("3", Literal[1, 3], 3),
        ("RED", Colour, Colour.RED),
        ("r", Colour, Colour.RED),
        ("2", Colour, Colour.BLUE),
        ("2013-01-31", datetime.date, datetime.date(2013, 1, 31)),
        ("2013-01-31T12:00", datetime.datetime, datetime.datetime(2013, 1, 31, 12)),
        ("1.10", decimal.Decimal, decimal.Decimal("1.10")),
        ("none", int | None, None),
        ("4", int | None, 4),
        ("4", int | str, 4),
        ("x", int | str, "x"),
        ('{"share": 0.2}', Split, Split(0.2)),
        ('{"low": 1}', Limits, Limits(1)),
        ('{"a": 1}', dict[str, int], {"a": 1}),
        ('{"name": "x"}', Row, {"name": "x"}),
        ("7", Annotated[int, "years"], 7),
        ("x", Any, "x"),
    ],
)
def test_a_word_becomes_its_type(text, wanted, value):
    assert convert(text, wanted) == value
    assert type(convert(text, wanted)) is type(value)


@pytest.mark.parametrize(
    ("value", "wanted"),
    [
        (8, int),
        (8, float),
        ([1, 2], list[int]),
        (True, bool),
        (datetime.date(2013, 1, 1), datetime.date),
        ({"share": 0.2}, Split),
        ({"low": 1}, Limits),
    ],
)
def test_what_toml_gives_is_taken(value, wanted):
    convert(value, wanted)


@pytest.mark.parametrize(
    ("value", "wanted", "said"),
    [
        ("eight", int, "'eight' is not a whole number"),
        ("1.5", int, "not a whole number"),
        (True, int, "True is not a whole number"),
        (1.5, int, "1.5 is not a whole number"),
        ("x", float, "'x' is not a number"),
        ("maybe", bool, "neither true nor false"),
        (3, str, "3 is not a text"),
        (3, Path, "3 is not a path"),
        ("medium", Literal["fast", "slow"], "none of fast, slow"),
        ("GREEN", Colour, "none of RED, BLUE"),
        ("31.1.2013", datetime.date, "not a date like 2013-01-31"),
        ("noon", datetime.datetime, "not a time like"),
        ("1,x", list[int], "'x' is not a whole number"),
        ("1", tuple[int, int], "has 1 items, not 2"),
        ("[1,", list[int], "is not JSON"),
        ("{", dict[str, int], "is not JSON"),
        ("[1]", dict[str, int], "is not a table"),
        ('{"share": "x"}', Split, "Expected `float`"),
        ("{}", Limits, "missing required field"),
        ("x", int | None, "not a whole number"),
        (5, list[int], "5 is not a list"),
        ("x", complex, "a complex cannot be given in words"),
    ],
)
def test_what_cannot_be_converted_is_told(value, wanted, said):
    with pytest.raises(NotConvertible) as caught:
        convert(value, wanted)
    assert said in str(caught.value)


DEFAULT_NAMES = ["a"]


@paved.pipeline
def main(
    depth: int,
    learning_rate: float = 0.1,
    shuffle: bool = True,
    names: list[str] = DEFAULT_NAMES,
    free=3,
    note: str = "",
):
    return None


def parameters(*words: str, **given: Any) -> dict[str, Any]:
    return convert_parameters(main, {**given, **read_words(main, words)})


def test_words_are_read_with_spaces_equals_and_dashes():
    assert parameters("--depth", "8", "--learning-rate=0.2", "--no-shuffle") == {
        "depth": 8,
        "learning_rate": 0.2,
        "shuffle": False,
        "names": ["a"],
        "free": 3,
        "note": "",
    }


def test_a_flag_needs_no_word_and_takes_one():
    assert parameters("--depth", "1", "--shuffle")["shuffle"] is True
    assert parameters("--depth", "1", "--shuffle", "false")["shuffle"] is False
    assert parameters("--shuffle", "--depth", "1")["shuffle"] is True


def test_a_parameter_said_twice_is_a_list():
    assert parameters("--depth", "1", "--names", "x", "--names", "y")["names"] == ["x", "y"]


def test_without_annotation_the_default_tells_the_type():
    assert parameters("--depth", "1", "--free", "9")["free"] == 9


def test_negative_numbers_and_dashes_are_values():
    assert parameters("--depth", "-3", "--note", "--odd--")["note"] == "--odd--"


def test_two_dashes_end_the_options_of_the_command():
    assert parameters("--", "--depth", "3")["depth"] == 3


@pytest.mark.parametrize(
    ("words", "said", "hint"),
    [
        ((), "needs a value for 'depth'", "add --depth VALUE"),
        (("--dept", "3"), "has no parameter 'dept'", "did you mean 'depth'?"),
        (("--zzz", "3"), "has no parameter 'zzz'", "known: depth, free, learning_rate, names, note, shuffle"),
        (("--depth",), "--depth has no value", "--depth VALUE"),
        (("--depth", "--free", "3"), "--depth has no value", "--depth VALUE"),
        (("8",), "'8' belongs to no parameter", "--name value"),
        (
            ("--depth", "x"),
            "parameter 'depth' of pipeline 'main': 'x' is not a whole number",
            "give it as int",
        ),
        (("--depth", "1", "--depth", "2"), "is not a whole number", "give it as int"),
    ],
)
def test_wrong_words_are_told(words, said, hint):
    with pytest.raises(Invalid) as caught:
        parameters(*words)
    assert said in caught.value.message
    assert hint in caught.value.hint


def test_a_file_gives_parameters_and_words_win(tmp_path):
    file = tmp_path / "params.toml"
    file.write_text('depth = 3\nlearning_rate = 1\nnames = ["x"]\n')
    assert parameters("--depth", "4", **read_file(file)) == {
        "depth": 4,
        "learning_rate": 1.0,
        "shuffle": True,
        "names": ["x"],
        "free": 3,
        "note": "",
    }


def test_an_unknown_key_in_a_file_is_told(tmp_path):
    file = tmp_path / "params.toml"
    file.write_text("dept = 3\n")
    with pytest.raises(Invalid, match="did you mean 'depth'"):
        parameters(**read_file(file))


@pytest.mark.parametrize(("text", "said"), [(b"depth = ", "not valid TOML"), (b"\xff", "not valid TOML")])
def test_a_file_that_is_no_toml_is_told(tmp_path, text, said):
    file = tmp_path / "params.toml"
    file.write_bytes(text)
    with pytest.raises(Invalid, match=said):
        read_file(file)


def test_a_missing_file_is_told(tmp_path):
    with pytest.raises(Invalid, match="cannot read"):
        read_file(tmp_path / "none.toml")
