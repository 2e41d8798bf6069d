"""The examples of docs/packaging.md, run as they stand there."""

from __future__ import annotations

import re
from pathlib import Path

from tests.delivery.test_packaging import BACKEND, MANIFEST

PAGE = Path(__file__).parents[2] / "docs" / "packaging.md"
VARYING = re.compile(r"in [\d.]+ m?s|[\d.]+ k?B|digest \S+|\S*dist/|just now|[\d.]+ m?s ago| +|-{2,}")
STAGES = """
unit = "pytest -q -p no:cacheprovider tests"
security = "python -c pass"
"""


def test_every_example_prints_what_the_page_says(paved, tmp_path):
    root = tmp_path / "rides"
    (root / "tests").mkdir(parents=True)
    (root / "rides.py").write_text("RIDES = 1\n")
    (root / "backend.py").write_text(BACKEND)
    (root / "pyproject.toml").write_text(MANIFEST + STAGES)
    (root / "tests" / "test_rides.py").write_text("def test_a(): pass\ndef test_b(): pass\n")
    blocks = re.findall(r"^```console\n(.*?)^```", PAGE.read_text("utf-8"), re.DOTALL | re.MULTILINE)
    for block in blocks:
        command, _, told = block.partition("\n")
        done = paved(*command.split()[2:], cwd=root)
        assert VARYING.sub("…", done.out).split("\n") == VARYING.sub("…", told).split("\n")
