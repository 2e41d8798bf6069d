"""The example of docs/triage.md, run as it stands there."""

from __future__ import annotations

import re
from pathlib import Path

from tests.desk.test_cli import TEXT

PAGE = Path(__file__).parents[2] / "docs" / "triage.md"


def test_the_example_prints_what_the_page_says(paved, tmp_path):
    (block,) = re.findall(r"^```console\n(.*?)^```", PAGE.read_text("utf-8"), re.DOTALL | re.MULTILINE)
    command, _, told = block.partition("\n")
    (tmp_path / "failed.log").write_text(
        "\n".join(f"2026-11-24 10:00:00,123 ERROR {line}" for line in TEXT.splitlines())
    )
    assert paved(*command.split()[2:]).out == told
