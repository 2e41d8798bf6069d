"""Free space where the project, the record and temporary files lie."""

from __future__ import annotations

import os
from pathlib import Path

import msgspec

from pavedroad.environments.machine import Machine
from pavedroad.environments.probe import Line
from pavedroad.kit.text import size

LOW_BYTES, TOO_LOW_BYTES = 5 * 10**9, 5 * 10**8  # an environment with a GPU framework takes 5 GB
LOW_INODES = 10_000


class Space(msgspec.Struct, frozen=True, kw_only=True):
    free_bytes: int
    mount: str
    free_inodes: int = LOW_INODES  # of a file system that counts them


def disk(machine: Machine) -> list[Line]:
    """The fullest of the places that are written to."""
    places = {
        "project": machine.project,
        "record": _there(machine.record_home),
        "temporary files": machine.at(machine.environ.get("TMPDIR") or "/tmp"),  # noqa: S108 - only measured
    }
    found = _spaces(machine, {name: place for name, place in places.items() if place.exists()})
    if not found:
        return [Line(check="disk", verdict="warn", says="free space cannot be told", next_step="try `df -h`")]
    name = min(found, key=lambda each: found[each].free_bytes)
    least = found[name]
    starved = next((each for each in found.values() if each.free_inodes < LOW_INODES), None)
    says = f"{size(least.free_bytes)} free for the {name} ({least.mount})"
    if least.free_bytes < TOO_LOW_BYTES:
        return [
            Line(
                check="disk",
                verdict="fail",
                says=says,
                next_step="free some space: `paved gc`, `uv cache prune`",
            )
        ]
    if starved:
        return [
            Line(
                check="disk",
                verdict="fail",
                says=f"{starved.free_inodes:,} more files fit on {starved.mount}",
                next_step="remove what consists of many small files, e.g. old environments",
            )
        ]
    if least.free_bytes < LOW_BYTES:
        return [Line(check="disk", verdict="warn", says=says, next_step="free some space soon: `paved gc`")]
    return [Line(check="disk", verdict="ok", says=says)]


def _spaces(machine: Machine, places: dict[str, Path]) -> dict[str, Space]:
    """By `df`, which can be given up on when a network folder hangs; by the system where there is none."""
    answer = machine.ask("df", "-Pk", *(str(place) for place in places.values()))
    if answer.status == "hung":
        return {}
    rows = [row for line in answer.text.strip().split("\n") if (row := line.split()) and _is_row(row)]
    if not rows:
        return {name: space for name, place in places.items() if (space := _measured(place))}
    rows += [rows[-1]] * (len(places) - len(rows))
    return {
        name: Space(free_bytes=int(row[3]) * 1024, mount=" ".join(row[5:]), free_inodes=_inodes(place))
        for (name, place), row in zip(places.items(), rows, strict=False)
    }


def _is_row(row: list[str]) -> bool:
    return len(row) > 5 and row[3].lstrip("-").isdigit()


def _measured(place: Path) -> Space | None:
    try:
        told = os.statvfs(place)
    except OSError:
        return None
    return Space(free_bytes=told.f_bavail * told.f_frsize, mount=str(place), free_inodes=_inodes(place))


def _inodes(place: Path) -> int:
    try:
        told = os.statvfs(place)
    except OSError:
        return LOW_INODES
    return told.f_favail if told.f_files else LOW_INODES


def _there(path: Path) -> Path:
    """The nearest folder above that exists: the record may not be made yet."""
    return next((place for place in (path, *path.parents) if place.exists()), Path("/"))
