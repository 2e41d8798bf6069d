"""The commands of docs/documents.md, run as they stand there."""

from __future__ import annotations

import re
from pathlib import Path

from pavedroad.catalog import Ref, ensure_artifact

PAGE = Path(__file__).parents[2] / "docs" / "documents.md"


def test_every_example_prints_what_the_page_says(paved, record, tmp_path):
    def write(tx):
        for kind in ("project", "pipeline", "model", "service"):
            ensure_artifact(tx, Ref(kind, "flights"), who="ada")

    record.db.write(write)
    record.close()
    (block,) = re.findall(r"^```console\n(.*?)^```", PAGE.read_text("utf-8"), re.DOTALL | re.MULTILINE)
    printed = []
    for line in block.splitlines():
        if line.startswith("$ "):
            printed += [line, *paved(*line.split()[2:]).out.replace(f"{tmp_path}/", "").splitlines()]
    assert printed == block.splitlines()
