"""The examples of docs/housekeeping.md, run as they stand there."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

PAGE = Path(__file__).parents[2] / "docs" / "housekeeping.md"
# What differs from one machine and one day to the next.
VARYING = re.compile(
    r"[\d.]+ [MG]B free at \S+|\d{4}-\d\d-\d\dT[\d:.]+Z|\S*/keep\b|^keep\b|[\d,]+ rows|\d+ tables",
    re.MULTILINE,
)


def test_every_example_prints_what_the_page_says(paved, record, tmp_path):
    from tests.housekeeping.filled import fill

    fill(record, "flights")
    fill(record, "rides")
    record.close()
    printed = []
    blocks = re.findall(r"^```console\n(.*?)^```", PAGE.read_text("utf-8"), re.DOTALL | re.MULTILINE)
    for line in "".join(blocks).splitlines():
        if line.startswith("$ "):
            words = shlex.split(line[2:])
            env = dict(word.split("=", 1) for word in words if "=" in word)
            if "PAVED_HOME" in env:
                env["PAVED_HOME"] = str(tmp_path / env["PAVED_HOME"])
            words = [word for word in words if "=" not in word]
            printed += [line, *paved(*words[1:], env=env).out.splitlines()]
    told = VARYING.sub("…", "\n".join(printed)).splitlines()
    assert told == VARYING.sub("…", "".join(blocks)).splitlines()
