"""Findings that were there when a team began to check: they are told apart, and only new ones fail.

The file names each by its fingerprint, which holds for a line wherever it moves in its file. It holds no
text of the project. What must not be accepted for good is never in it: secrets.
"""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import msgspec

from pavedroad.checks.engine import counts_of
from pavedroad.checks.model import Finding, Report
from pavedroad.checks.project import BASELINE
from pavedroad.errors import ConfigError, Unavailable

NEVER = ("SEC701", "SEC702")  # a secret that was committed is known to others already
VERSION = 1


class Known(msgspec.Struct, frozen=True, kw_only=True):
    code: str
    path: str
    fingerprint: str


class Baseline(msgspec.Struct, frozen=True, kw_only=True):
    version: int
    findings: tuple[Known, ...]


def baseline_file(root: Path, wish: str) -> Path:
    return root / (wish or BASELINE)


def read_baseline(file: Path, *, must_exist: bool = False) -> Baseline | None:
    """None where there is no file. Raises: ConfigError."""
    if not file.is_file():
        if must_exist:
            raise ConfigError(f"no baseline {file}", hint="make it with `paved check --write-baseline`")
        return None
    try:
        baseline = msgspec.json.decode(file.read_bytes(), type=Baseline)
    except (msgspec.DecodeError, OSError, RecursionError) as error:
        raise ConfigError(
            f"{file} is not a baseline: {error}", hint="write it anew with `paved check --write-baseline`"
        ) from None
    if baseline.version != VERSION:
        raise ConfigError(
            f"{file} is a baseline of version {baseline.version}, this Pavedroad reads {VERSION}",
            hint="write it anew with `paved check --write-baseline`",
        )
    return baseline


def without_known(report: Report, baseline: Baseline) -> Report:
    """The report with what the baseline names set apart."""
    left = Counter((known.code, known.fingerprint) for known in baseline.findings)
    fresh: list[Finding] = []
    known: list[Finding] = []
    for finding in report.findings:
        key = (finding.code, finding.fingerprint)
        if left[key] > 0 and finding.code not in NEVER:
            left[key] -= 1
            known.append(finding)
        else:
            fresh.append(finding)
    return msgspec.structs.replace(report, findings=tuple(fresh), known=tuple(known), counts=counts_of(fresh))


def write_baseline(file: Path, report: Report) -> int:
    """Name all findings of a report; returns how many. Raises: Unavailable."""
    found = [
        Known(code=finding.code, path=finding.place.path, fingerprint=finding.fingerprint)
        for finding in report.findings
        if finding.code not in NEVER
    ]
    found.sort(key=lambda known: (known.path, known.code, known.fingerprint))
    body = msgspec.json.format(
        msgspec.json.encode(Baseline(version=VERSION, findings=tuple(found))), indent=1
    )
    try:
        file.write_bytes(body + b"\n")
    except OSError as error:
        raise Unavailable(f"cannot write {file}: {error.strerror}", hint="check its permissions") from None
    return len(found)
