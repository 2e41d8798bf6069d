from textwrap import dedent

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pavedroad.checks.yaml_files import Yaml, read_yaml
from pavedroad.errors import Invalid


def read(text: str) -> Yaml:
    (document,) = read_yaml(dedent(text))
    return document


def test_keys_and_values_have_their_places() -> None:
    document = read(
        """\
        services:
          api:
            image: "python:3.11"
        """
    )
    image = document.get("services", "api", "image")
    assert image is not None

    assert (image.text, image.style, image.line, image.column, image.end_column) == (
        "python:3.11", '"', 3, 12, 25
    )  # fmt: skip
    assert document.get("services").keys["api"].line == 2  # type: ignore[union-attr]
    assert image.place("compose.yml").end_column == 25


def test_a_block_says_on_which_line_its_text_begins() -> None:
    run = read("steps:\n  - run: |\n      one\n      two\n").get("steps")
    assert run is not None
    script = run.items[0].get("run")
    assert script is not None

    assert script.text == "one\ntwo\n"
    assert script.first_text_line == 3


def test_every_document_is_read_and_empty_ones_are_left_out() -> None:
    documents = read_yaml("a: 1\n---\n# nothing\n---\n- b\n")

    assert [document.kind for document in documents] == ["mapping", "list"]
    assert documents[1].line == 5


def test_an_alias_and_a_merge_mean_what_they_name() -> None:
    document = read("x: &x\n  image: redis:7\n  user: me\napi:\n  <<: *x\n  user: you\n")

    assert document.text_at("api", "image") == "redis:7"
    assert document.text_at("api", "user") == "you"


def test_tags_are_words_and_nothing_is_made_of_them() -> None:
    document = read("a: !!python/object/apply:os.system ['true']\nb: !Ref thing\n")

    assert document.text_at("b") == "thing"
    assert [item.text for item in document.entries["a"].items] == ["true"]


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("a: 1\nb: [1, 2\n", "line 3"),
        ("a: *missing\n", "line 1: .*missing"),
        ("{{ image }}: 1\n", "line 1"),
        ("a:\n{% if x %}\n  b: 1\n", "line 2"),
        ("a: \0", "line 1"),
        ("[" * 200 + "]" * 200, "nested too deeply"),
        ("- a\n" * 100_001, "more than 100000 values"),
        ("# " + "x" * 2**21, "larger than 2 MiB"),
    ],
)
def test_what_cannot_be_read_names_its_line(text: str, what: str) -> None:
    with pytest.raises(Invalid, match=what):
        read_yaml(text)


def test_an_anchor_bomb_is_refused_before_it_grows() -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 12)]

    with pytest.raises(Invalid, match="more than 100000 values"):
        read_yaml("\n".join(lines))


def test_a_bomb_of_merges_is_refused_too() -> None:
    lines = ["a0: &a0 {x: {y: {z: 1}}}"]
    lines += [
        f"a{n}: &a{n} {{{', '.join(f'k{m}: *a{n - 1}' for m in range(9))}, <<: *a{n - 1}}}"
        for n in range(1, 12)
    ]

    with pytest.raises(Invalid, match="more than 100000 values"):
        read_yaml("\n".join(lines))


@given(st.text(alphabet="ab:-[]{}&*!|>\"'#%\n ,\t<?", max_size=80))
def test_any_text_is_read_or_refused(text: str) -> None:
    lines = text.count("\n") + 1
    try:
        documents = read_yaml(text)
    except Invalid:
        return
    assert all(1 <= node.line <= lines + 1 for document in documents for node in document.walk())
