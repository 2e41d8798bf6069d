from __future__ import annotations

import csv
from importlib.resources import files
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pavedroad.advisories.reading import read_advisory, read_folder, shipped_advisories
from pavedroad.errors import Invalid, PavedError

GOOD = """id = "ACME-1"
package = "Acme_Lib"
title = "acme.old is gone"
effect = "breaks"
broken = ">=2.0"
source = "https://example.org"

[[match]]
kind = "attribute"
symbols = ["acme.old"]
"""
PROBES = files("pavedroad.advisories") / "probes.csv"


def test_the_box_holds_74_advisories_each_with_guidance_a_remedy_and_a_source() -> None:
    found = shipped_advisories()
    assert len(found) == 74
    assert [one.id for one in found if not (one.guidance and one.fix and one.source)] == []


def test_names_of_packages_are_compared_as_indexes_do() -> None:
    assert read_advisory("a.toml", GOOD).package == "acme-lib"


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ('effect = "breaks"', 'effect = "brakes"', "a.toml:4: unknown effect 'brakes'"),
        ('broken = ">=2.0"', 'broken = "2 or so"', "a.toml:5: broken '2 or so' is no version specifier"),
        ('kind = "attribute"', 'kind = "atribute"', "a.toml:9: unknown kind 'atribute'"),
        ('symbols = ["acme.old"]', "", "a.toml:8: a match of kind attribute needs symbols"),
        ('symbols = ["acme.old"]', "symbols = 3", "a.toml:10: Expected `array`, got `int`"),
        ('title = "acme.old is gone"', 'titel = "x"', "a.toml:3: "),
        ('source = "https://example.org"', 'source = "hearsay"', "a.toml:6: source 'hearsay'"),
        ('id = "ACME-1"', 'id = "acme one"', "a.toml:1: id 'acme one'"),
        ('package = "Acme_Lib"', 'package = "../x"', "a.toml:2: '../x' is not the name of a package"),
        ("[[match]]", "[[match", "a.toml: "),
    ],
)
def test_what_is_wrong_is_said_with_file_and_line(old: str, new: str, says: str) -> None:
    with pytest.raises(Invalid) as refused:
        read_advisory("a.toml", GOOD.replace(old, new))
    assert refused.value.message.startswith(says)
    assert refused.value.hint


def test_two_files_with_one_id_are_refused(tmp_path: Path) -> None:
    for name in ("a.toml", "b.toml"):
        (tmp_path / name).write_text(GOOD)
    with pytest.raises(Invalid, match="two advisories are named ACME-1"):
        read_folder(tmp_path)


@given(st.text(max_size=80), st.integers(min_value=0, max_value=len(GOOD)))
def test_a_broken_file_is_an_error_never_a_traceback(text: str, at: int) -> None:
    try:
        read_advisory("a.toml", GOOD[:at] + text + GOOD[at:])
    except PavedError as error:
        assert error.message.startswith("a.toml")  # noqa: PT017 - most texts are refused, some are not


def test_every_probe_was_run_under_both_versions_or_says_why_not() -> None:
    rows = {(row["id"], row["side"]): row for row in csv.DictReader(PROBES.read_text().splitlines())}
    assert rows.keys() == {(one.id, side) for one in shipped_advisories() for side in ("good", "bad")}
    not_told = [key for key, row in rows.items() if row["outcome"] == "not run" and not row["says"]]
    not_as_expected = [
        key for key, row in rows.items() if row["outcome"] != "not run" and row["as_expected"] != "yes"
    ]
    assert (not_told, not_as_expected) == ([], [])


def test_the_probed_versions_are_those_of_the_advisories() -> None:
    rows = {
        (row["id"], row["side"]): row["version"] for row in csv.DictReader(PROBES.read_text().splitlines())
    }
    differing = [
        (one.id, side)
        for one in shipped_advisories()
        for side in ("good", "bad")
        if rows[one.id, side] != getattr(one.probe, side)
    ]
    assert differing == []
