"""Run the benchmarks beside the peers and write docs/benchmarks.md: `make bench [ARGS=--quick]`."""

from __future__ import annotations

import argparse
import os
import platform
from datetime import UTC, datetime
from pathlib import Path

import checks
import pipelines
import tracking

PAGE = Path(__file__).parent.parent / "docs" / "benchmarks.md"
SECTIONS = (tracking.section, pipelines.section, checks.section)


def head() -> str:
    today = datetime.now(UTC).date()
    return (
        "# Benchmarks\n\n"
        "Written by `make bench`: each table is one run of all its rows on one machine. Trust the ratios;\n"
        f"the times are those of {os.cpu_count()} shared {platform.machine()} cores, {today}.\n"
    )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="fewer repeats, about three minutes")
    quick = parser.parse_args().quick
    text = "\n".join([head(), *(section(quick=quick) for section in SECTIONS)]) + "\n"
    PAGE.write_text(text, "utf-8")
    print(text)
