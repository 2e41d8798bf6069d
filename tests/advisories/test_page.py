from __future__ import annotations

import json
import urllib.error
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from pavedroad.advisories.pages import burn_down
from pavedroad.advisories.store import Affected

ADVISORY = """id = "ACME-1"
package = "numpy"
title = "np.sum counts otherwise"
effect = "changes-results"
broken = ">=2.0"
guidance = "Count again."
source = "https://example.org"
until = 2031-01-31
[[match]]
kind = "attribute"
symbols = ["numpy.sum"]
"""
Paved = Callable[..., Any]


@pytest.fixture
def project(tmp_path: Path) -> Path:
    root = tmp_path / "rides"
    root.mkdir()
    (root / "pyproject.toml").write_text(
        '[project]\nname = "rides"\ndependencies = ["numpy>=1.26"]\n[tool.paved]\nowner = "grace"\n'
    )
    (root / "a.py").write_text("import numpy as np\nx = np.float(3)\ny = np.sum([1])\n")
    (tmp_path / "acme.toml").write_text(ADVISORY)
    return root


def test_from_a_pushed_check_to_a_page_that_burns_down(
    project: Path, paved: Paved, live: Any, tmp_path: Path
) -> None:
    paved("check", project, "--push", code=None)
    said = paved("advisories", "publish", tmp_path / "acme.toml", "--json")
    assert [(one["project"], one["owner"]) for one in json.loads(said.out)["projects"]] == [
        ("rides", "grace")
    ]
    listed = json.loads(live.get("/advisories.json"))["rows"]
    assert {row["id"] for row in listed if row["exposed"]} == {"ACME-1", "BC-NPY-001"}
    page = live.get("/advisories/ACME-1")
    for words in ("1 project is exposed.", "Guidance until 2031-01-31", "grace", "a.py:3", "Count again."):
        assert words in page
    (project / "a.py").write_text("import numpy as np\n")
    paved("check", project, "--push", code=None)
    after = json.loads(live.get("/advisories/ACME-1.json"))
    assert (after["exposed"], [row["project"] for row in after["moved"]]) == ([], ["rides"])
    assert [number for _, number in after["burn_down"]] == [1, 0, 0]
    assert "No project is exposed any more." in live.get("/advisories/ACME-1")
    assert "warned project/rides" in paved("journal").out


def test_an_unknown_advisory_is_a_404_with_a_hint(live: Any) -> None:
    assert "paved check --push" in live.get("/advisories")
    with pytest.raises(urllib.error.HTTPError) as refused:
        live.get("/advisories/BC-NPY-999")
    with refused.value as answer:
        assert answer.code == 404


def test_the_burn_down_counts_who_is_exposed_from_each_change_on() -> None:
    def case(since: int, cleared: int) -> Affected:
        return Affected(
            project="p",
            owner="",
            state="",
            effect="",
            decided="",
            uses=0,
            places=(),
            since_ms=since,
            cleared_ms=cleared,
        )

    cases = [case(10, 30), case(10, 0), case(20, 40), case(0, 0)]
    assert burn_down(cases, 50) == [(10, 2), (20, 3), (30, 2), (40, 1), (50, 1)]
