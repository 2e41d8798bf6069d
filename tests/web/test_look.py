"""The style sheet and the script, as promises that can be checked."""

from __future__ import annotations

import re
from itertools import product

import pytest

from pavedroad.kit.svg import MARKS
from pavedroad.web.page import STATIC
from pavedroad.web.states import KIND_MARKS, STATES

CSS = (STATIC / "paved.css").read_text()
SCRIPT = (STATIC / "paved.js").read_text()
INKS = ("ink", "muted", "accent", "good", "warn", "bad")
GROUNDS = ("paper", "raised")
LEAST_CONTRAST = 4.5  # WCAG 2.2 AA for text


def palette(block: str) -> dict[str, str]:
    return dict(re.findall(r"--([a-z-]+): (#[0-9a-f]{6})", block))


LIGHT = palette(CSS.split("@media (prefers-color-scheme: dark)")[0])
DARK = {**LIGHT, **palette(CSS.split("@media (prefers-color-scheme: dark)")[1].split("/* ---")[0])}


def luminance(colour: str) -> float:
    """Source: WCAG 2.2, relative luminance."""
    parts = (int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5))
    red, green, blue = (
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


@pytest.mark.parametrize("colours", [LIGHT, DARK], ids=["light", "dark"])
@pytest.mark.parametrize(("ink", "ground"), [*product(INKS, GROUNDS)])
def test_every_ink_can_be_read_on_every_ground(colours: dict[str, str], ink: str, ground: str) -> None:
    assert contrast(colours[ink], colours[ground]) >= LEAST_CONTRAST


@pytest.mark.parametrize("colours", [LIGHT, DARK], ids=["light", "dark"])
def test_what_is_written_on_the_accent_and_on_the_road_can_be_read(colours: dict[str, str]) -> None:
    assert contrast(colours["on-accent"], colours["accent"]) >= LEAST_CONTRAST
    assert contrast(colours["ink"], colours["road"]) >= LEAST_CONTRAST
    assert contrast(colours["line-strong"], colours["paper"]) >= 1.8


def test_dark_says_every_colour_that_light_says() -> None:
    assert set(palette(CSS.split("@media (prefers-color-scheme: dark)")[1].split("/* ---")[0])) == set(LIGHT)


def test_colours_stand_only_in_the_palette_and_in_print() -> None:
    rules = CSS.split("- ground */")[1]
    on_screen = rules.split("@media print")[0]
    assert re.findall(r"#[0-9a-fA-F]{3,6}\b", on_screen) == [
        "#fff"
    ]  # the ground of pictures that people logged


def test_nothing_is_loaded_from_elsewhere() -> None:
    assert "url(" not in CSS
    assert "@import" not in CSS
    assert not re.search(r"https?://", CSS + SCRIPT)


def test_the_script_is_short_and_evaluates_nothing() -> None:
    assert len(SCRIPT.splitlines()) < 400
    assert not re.search(r"\beval\b|new Function|innerHTML|document\.write", SCRIPT)


def test_the_sheet_knows_dark_print_and_narrow_screens() -> None:
    for query in ("prefers-color-scheme: dark", "@media print", "max-width: 720px", "prefers-reduced-motion"):
        assert query in CSS


def test_states_of_different_tone_differ_in_shape_or_word_too() -> None:
    for (one_key, one), (other_key, other) in product(STATES.items(), STATES.items()):
        if one_key < other_key and one.tone != other.tone:
            assert (one.mark, one.word) != (other.mark, other.word), (one_key, other_key)


def test_good_and_bad_never_share_a_shape() -> None:
    shapes = {
        tone: {state.mark for state in STATES.values() if state.tone == tone} for tone in ("good", "bad")
    }
    assert not shapes["good"] & shapes["bad"]


def test_every_mark_that_is_used_exists() -> None:
    used = {state.mark for state in STATES.values()} | set(KIND_MARKS.values())
    assert used <= set(MARKS)
