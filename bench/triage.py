"""How often the verdict on labelled failures is right, by label and library; `python bench/triage.py FILE`.

FILE is a table like `tracebacks.csv`. For each library, the rules that spoke of no other library's failures
are switched off, and its failures are judged without them: what is right then was not learned from itself.
"""

from __future__ import annotations

import argparse
import sys
from collections import Counter, defaultdict
from collections.abc import Iterable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from tests.desk.triage.labelled import Labelled, plain, read_labelled

from pavedroad.desk.triage import judging, parse_trace
from pavedroad.desk.triage.model import CURED_BY_REPORTER
from pavedroad.desk.triage.rules import Rule, all_rules
from pavedroad.kit.terminal import table


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("file", type=Path)
    failures = read_labelled(parser.parse_args().file)
    labels = {one.id: judged(one) for one in failures}
    print(by_label(failures, labels))
    print()
    print(without_own_rules(failures))
    right = sum(labels[one.id] == one.label for one in failures)
    sent = sum(acts(labels[one.id]) == acts(one.label) for one in failures if labels[one.id])
    print(f"\n{right} of {len(failures)} labels are right; {sent} are sent to who can act")
    wrong = ", ".join(
        f"{one.id} {one.label} not {labels[one.id] or 'said'}"
        for one in failures
        if labels[one.id] != one.label
    )
    print(f"wrong: {wrong}")
    return 0


def judged(one: Labelled, rules: tuple[Rule, ...] | None = None) -> str:
    return judging.judge(parse_trace(plain(one)), rules=rules).label


def acts(label: str) -> str:
    return "reporter" if label in CURED_BY_REPORTER else "team"


def by_label(failures: Iterable[Labelled], labels: dict[str, str]) -> str:
    number: Counter[str] = Counter(one.label for one in failures)
    said: Counter[str] = Counter(labels.values())
    right: Counter[str] = Counter(one.label for one in failures if labels[one.id] == one.label)
    rows = [(label, number[label], said[label], right[label]) for label in number]
    return table(("label", "failures", "said", "right"), rows, right=("failures", "said", "right"))


def without_own_rules(failures: list[Labelled]) -> str:
    """Leave one library out."""
    spoke: dict[str, set[str]] = defaultdict(set)  # rule -> libraries of the failures it spoke of
    for one in failures:
        for evidence in judging.judge(parse_trace(plain(one))).evidence:
            spoke[evidence.name].add(one.library)
    rows = []
    for library in sorted({one.library for one in failures}):
        own = {name for name, libraries in spoke.items() if libraries == {library}}
        others = tuple(rule for rule in all_rules() if rule.name not in own)
        mine = [one for one in failures if one.library == library]
        right = sum(judged(one) == one.label for one in mine)
        without = sum(judged(one, others) == one.label for one in mine)
        rows.append((library, len(mine), right, without, ", ".join(sorted(own))))
    total = [sum(row[at] for row in rows) for at in (1, 2, 3)]
    rows.append(("all", *total, ""))
    columns = ("library", "failures", "right", "without own rules", "own rules")
    return table(columns, rows, right=columns[1:4], fit=110)


if __name__ == "__main__":
    sys.exit(main())
