"""How often advisories are right on real repositories.

    python bench/advisory_corpus.py FOLDER

FOLDER holds checkouts named owner+name or owner/name. `corpus/advisories.csv` holds pairs of a repository and
an advisory whose state a person told by reading the code. Nothing is fetched.
"""

from __future__ import annotations

import csv
import sys
from collections import Counter
from pathlib import Path
from typing import NamedTuple

from pavedroad.advisories.matching import EXPOSED, LOCKED_SAFE, STATES, assess
from pavedroad.advisories.reading import shipped_advisories
from pavedroad.checks import open_project

TRUTH = Path(__file__).parent / "corpus" / "advisories.csv"
USES = (EXPOSED, LOCKED_SAFE)
LEAST_PRECISION, LEAST_RECALL = 0.95, 0.9


class Pair(NamedTuple):
    repository: str
    advisory: str
    state: str  # as a person told it
    said: str  # as the tool says it


def main(folder: Path) -> int:
    with TRUTH.open(newline="") as file:
        rows = list(csv.DictReader(file))
    pairs = []
    for repository in sorted({row["repository"] for row in rows}):
        root = next((each for each in places(folder, repository) if each.is_dir()), None)
        if root is None:
            print(f"{repository} is not in {folder}: left out")
            continue
        said = {case.id: case.state for case in assess(open_project(root), shipped_advisories())}
        pairs += [
            Pair(repository, row["advisory"], row["state"], said[row["advisory"]])
            for row in rows
            if row["repository"] == repository
        ]
    return report(pairs)


def places(folder: Path, repository: str) -> tuple[Path, Path]:
    return folder / repository.replace("/", "+"), folder / repository


def report(pairs: list[Pair]) -> int:
    for pair in pairs:
        if pair.state != pair.said:
            print(f"{pair.repository} {pair.advisory}: is {pair.state}, said {pair.said}")
    for state in STATES:
        judged = Counter(pair.said == state for pair in pairs if pair.state == state)
        print(f"{state:20} {judged[True]:3} of {judged.total():3} right")
    told = [pair for pair in pairs if pair.said in USES]
    used = [pair for pair in pairs if pair.state in USES]
    precision = sum(pair.state == pair.said for pair in told) / max(1, len(told))
    recall = sum(pair.said == pair.state for pair in used) / max(1, len(used))
    right = sum(pair.state == pair.said for pair in pairs) / max(1, len(pairs))
    print(f"{len(pairs)} pairs: precision {precision:.3f}, recall {recall:.3f}, states right {right:.3f}")
    return 0 if precision >= LEAST_PRECISION and recall >= LEAST_RECALL else 1


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
