"""The page about this shows what really comes out."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

PAGE = Path(__file__).parents[3] / "docs" / "code-in-the-cache.md"


def test_the_example_of_the_page_has_the_parts_that_it_shows(project: Any) -> None:
    python, shown = re.findall(r"```(?:python|text)\n(.*?)```", PAGE.read_text(), re.DOTALL)[:2]
    modules = dict(re.findall(r"# (late/\w+\.py)\n(.*?)(?=# late/|\Z)", python, re.DOTALL))
    project.write({"late/__init__.py": "", "late/flights.csv": "delay\n20\n", **modules})
    found = project.fingerprint()
    packages = [f"package {name} {version}" for name, version in found.packages.items()]
    pinned = [re.sub(r"(package \w+) .*", r"\1", line) for line in packages]
    expected = [re.sub(r"(package \w+) .*", r"\1", line) for line in shown.split("\n") if line]
    assert [*found.parts, *pinned] == expected
    assert project.load().train() == 1.0
