"""How often the rules of `paved check` are right on real repositories.

Given a folder of checkouts, named owner+name or owner/name, every rule runs over each as in the production
profile. Verdicts of people on a sample of the findings lie in `corpus/<CODE>.csv`: repository, commit, path,
cell, line, verdict (right or wrong), why. Nothing is fetched.

make corpus CORPUS=folder [ARGS="--unjudged"]
"""

from __future__ import annotations

import argparse
import csv
import json
import sys
import time
from collections.abc import Iterable, Iterator
from pathlib import Path

import msgspec

from pavedroad.checks import Finding, check_project

VERDICTS = Path(__file__).parent / "corpus"
COLUMNS = ("repository", "commit", "path", "cell", "line", "verdict", "why")
COMMIT_LENGTH = 10
RIGHT, WRONG = "right", "wrong"
ENOUGH = 10  # findings of a rule that should be judged, or all when there are fewer
LEAST_PRECISION, LEAST_OVERALL = 0.9, 0.95


class Hit(msgspec.Struct, frozen=True, kw_only=True):
    """One finding in one repository."""

    code: str
    repository: str
    commit: str
    path: str
    cell: int
    line: int
    says: str
    verdict: str = ""  # right, wrong, or empty: nobody looked at it


class Row(msgspec.Struct, frozen=True, kw_only=True):
    code: str
    findings: int
    repositories: int
    sampled: int
    right: int

    @property
    def precision(self) -> float | None:
        return self.right / self.sampled if self.sampled else None

    @property
    def is_sampled_enough(self) -> bool:
        return self.sampled >= min(ENOUGH, self.findings)


class Survey(msgspec.Struct, frozen=True, kw_only=True):
    repositories: int
    hits: tuple[Hit, ...]
    failures: tuple[str, ...]
    took_s: float


def checkouts(folder: Path) -> Iterator[tuple[str, Path]]:
    """Name and place of each repository: `owner+name`, or `name` in a folder `owner`."""
    for child in sorted(folder.iterdir()):
        if not child.is_dir() or child.name.startswith("."):
            continue
        owner, plus, name = child.name.partition("+")
        if plus:
            yield f"{owner}/{name}", child
        else:
            for inner in sorted(child.iterdir()):
                if inner.is_dir() and not inner.name.startswith("."):
                    yield f"{child.name}/{inner.name}", inner


def survey(folder: Path, rules: Iterable[str] = ()) -> Survey:
    """Check every repository of a folder; `rules` names some by code or family, else all run."""
    verdicts = read_verdicts(VERDICTS)
    started = time.perf_counter()
    hits: list[Hit] = []
    failures: list[str] = []
    count = 0
    for repository, path in checkouts(folder):
        count += 1
        report = check_project(path, profile="production", only=rules)
        commit = report.commit[:COMMIT_LENGTH]
        failures += [f"{repository}: {failure.code}: {failure.says}" for failure in report.failures]
        hits += [to_hit(finding, repository, commit, verdicts) for finding in report.findings]
    return Survey(
        repositories=count,
        hits=tuple(hits),
        failures=tuple(failures),
        took_s=time.perf_counter() - started,
    )


def to_hit(finding: Finding, repository: str, commit: str, verdicts: dict[tuple[str, ...], str]) -> Hit:
    place = finding.place
    key = (finding.code, repository, commit, place.path, str(place.cell), str(place.line))
    return Hit(
        code=finding.code,
        repository=repository,
        commit=commit,
        path=place.path,
        cell=place.cell,
        line=place.line,
        says=finding.says,
        verdict=verdicts.get(key, ""),
    )


def read_verdicts(folder: Path) -> dict[tuple[str, ...], str]:
    """(code, repository, commit, path, cell, line) -> verdict."""
    verdicts = {}
    for file in sorted(folder.glob("[A-Z]*.csv")):  # advisories.csv is of advisory_corpus.py
        with file.open(encoding="utf-8", newline="") as lines:
            for number, row in enumerate(csv.DictReader(lines), 2):
                if row.get("verdict") not in (RIGHT, WRONG):
                    raise SystemExit(
                        f"{file.name}:{number}: verdict {row.get('verdict')!r} is not right or wrong"
                    )
                verdicts[(file.stem, *(row[name] for name in COLUMNS[:5]))] = row["verdict"]
    return verdicts


def rows_of(hits: Iterable[Hit]) -> list[Row]:
    by_code: dict[str, list[Hit]] = {}
    for hit in hits:
        by_code.setdefault(hit.code, []).append(hit)
    return [to_row(code, by_code[code]) for code in sorted(by_code)]


def to_row(code: str, hits: list[Hit]) -> Row:
    return Row(
        code=code,
        findings=len(hits),
        repositories=len({hit.repository for hit in hits}),
        sampled=sum(bool(hit.verdict) for hit in hits),
        right=sum(hit.verdict == RIGHT for hit in hits),
    )


def table(found: Survey) -> str:
    """The table as text: one line a rule, the sum below."""
    rows = rows_of(found.hits)
    lines = ["rule      findings  repositories  sampled  right  precision"]
    lines += [line_of(row, LEAST_PRECISION) for row in rows]
    total = to_row("all", list(found.hits))
    lines += [line_of(total, LEAST_OVERALL), ""]
    lines.append(
        f"{found.repositories} repositories in {found.took_s:.1f} s, {len(rows)} rules found something"
    )
    lines += [f"failed: {failure}" for failure in found.failures] or [
        "no rule failed, every finding has a line"
    ]
    return "\n".join(lines)


def line_of(row: Row, least: float) -> str:
    precision = "-" if row.precision is None else f"{row.precision:.2f}"
    notes = (
        [] if row.is_sampled_enough or row.code == "all" else [f"judge {min(ENOUGH, row.findings)} at least"]
    )
    notes += [f"below {least}"] if row.precision is not None and row.precision < least else []
    cells = f"{row.code:<10}{row.findings:>8}  {row.repositories:>12}  {row.sampled:>7}  {row.right:>5}"
    return f"{cells}  {precision:>9}  {', '.join(notes)}".rstrip()


def as_json(found: Survey) -> str:
    rows = [{**msgspec.structs.asdict(row), "precision": row.precision} for row in rows_of(found.hits)]
    total = to_row("all", list(found.hits))
    return json.dumps(
        {
            "repositories": found.repositories,
            "took_s": round(found.took_s, 2),
            "rules": rows,
            "overall": {**msgspec.structs.asdict(total), "precision": total.precision},
            "failures": list(found.failures),
            "findings": [msgspec.structs.asdict(hit) for hit in found.hits],
        },
        indent=1,
    )


def unjudged(hits: Iterable[Hit]) -> Iterator[str]:
    """One line for each finding without a verdict."""
    for hit in hits:
        if not hit.verdict:
            cell = f":cell {hit.cell}" if hit.cell else ""
            yield f"{hit.code}  {hit.repository}  {hit.path}{cell}:{hit.line}  {hit.says}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0] if __doc__ else "")
    parser.add_argument("folder", type=Path, help="checkouts, named owner+name or owner/name")
    parser.add_argument(
        "--rule", action="append", default=[], help="only this rule or family; may be repeated"
    )
    parser.add_argument("--unjudged", action="store_true", help="list the findings without a verdict")
    parser.add_argument("--json", action="store_true", help="print everything as JSON")
    given = parser.parse_args()
    if not given.folder.is_dir():
        raise SystemExit(
            f"no folder {given.folder}: name a folder of checkouts, as in make corpus CORPUS=folder"
        )
    found = survey(given.folder, given.rule)
    if not found.repositories:
        raise SystemExit(f"no checkouts in {given.folder}: name them owner+name or owner/name")
    if given.unjudged:
        print("\n".join(unjudged(found.hits)))
    else:
        print(as_json(found) if given.json else table(found))
    sys.exit(1 if found.failures else 0)


if __name__ == "__main__":
    main()
