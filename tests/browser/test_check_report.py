"""The report of `paved check` as a page of its own."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.browser.conftest import NARROW, WIDE

from pavedroad.checks import all_rules, check_project
from pavedroad.checks.html_report import report_html

pytestmark = pytest.mark.browser
CODE = (
    "from sklearn.model_selection import train_test_split\ntrain_test_split(" + "a_long_name, " * 40 + ")\n"
)


@pytest.mark.parametrize("viewport", [WIDE, NARROW], ids=["wide", "narrow"])
def test_the_report_needs_no_scrolling_to_the_side(
    open_page: Callable[..., Any], tmp_path: Path, viewport: dict[str, int]
) -> None:
    (tmp_path / "train.py").write_text(CODE)
    report = tmp_path / "report.html"
    report.write_text(report_html(check_project(tmp_path), all_rules()), "utf-8")
    page = open_page(viewport=viewport)
    page.goto(report.as_uri())

    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert page.locator("svg.bar").first.bounding_box()["width"] > 100
