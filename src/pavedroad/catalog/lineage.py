"""What came from what: the artifacts before and after one, as a graph that a person can read.

Edges are sentences (`pipeline/x produced model/m@3`). The graph turns them into the direction in which things
flow, and keeps the runs of a pipeline apart: a model's picture shows the data of its own run, not of all.
"""

from __future__ import annotations

from collections import deque
from typing import Literal

import msgspec

from pavedroad.catalog.model import Ref
from pavedroad.kit.sql import Reader, load_queries

SQL = load_queries("pavedroad.catalog", "page_queries.sql")
LARGEST = 40  # artifacts in one graph
MOST_NEXT = 8  # neighbours of one artifact on one side, the newest
FETCHED = 200  # rows read on one side of one artifact

Side = Literal["before", "after"]


class Step(msgspec.Struct, frozen=True, kw_only=True):
    """An artifact in the graph; a pipeline with the run in which it acted."""

    artifact: str
    run_id: str = ""

    @property
    def key(self) -> str:
        return f"{self.artifact}#{self.run_id}" if self.run_id else self.artifact


class Flow(msgspec.Struct, frozen=True, kw_only=True):
    """From `source` to `target`, as keys of steps; `says` is the recorded sentence."""

    source: str
    target: str
    says: str


class Lineage(msgspec.Struct, frozen=True, kw_only=True):
    focus: list[str]  # keys
    steps: list[Step]
    flows: list[Flow]
    left_out: int = 0  # neighbours that did not fit

    @property
    def sentences(self) -> list[str]:
        """What was recorded, each once: several runs may have said the same."""
        return list(dict.fromkeys(flow.says for flow in self.flows))


def trace(reader: Reader, ref: Ref, *, largest: int = LARGEST) -> Lineage:
    """Everything that led to an artifact, and everything that came from it, nearest first."""
    starts = _starts(reader, ref)
    steps = {step.key: step for step in starts}
    flows: dict[Flow, None] = {}
    left_out = 0
    sides: tuple[Side, ...] = ("before", "after")
    waiting = deque((step, side) for step in starts for side in sides)
    while waiting:
        step, side = waiting.popleft()
        found = _next(reader, step, side)
        left_out += max(0, len(found) - MOST_NEXT)
        for other, says in found[:MOST_NEXT]:
            if other.key not in steps and len(steps) >= largest:
                left_out += 1
                continue
            pair = (other.key, step.key) if side == "before" else (step.key, other.key)
            flows[Flow(source=pair[0], target=pair[1], says=says)] = None
            if other.key not in steps:
                steps[other.key] = other
                waiting.append((other, side))
    return Lineage(
        focus=[step.key for step in starts], steps=list(steps.values()), flows=list(flows), left_out=left_out
    )


def parts_of(reader: Reader, ref: Ref) -> tuple[list[str], list[str]]:
    """What this artifact is part of, and what is part of it."""
    whole = reader.all(SQL.out_of, artifact=str(ref), verb="part-of", run_id="", limit=MOST_NEXT)
    parts = reader.all(SQL.into, artifact=str(ref), verb="part-of", limit=200)
    return (
        list(dict.fromkeys(row["target"] for row in whole)),
        list(dict.fromkeys(row["source"] for row in parts)),
    )


def _starts(reader: Reader, ref: Ref) -> list[Step]:
    """The artifact itself; its newest versions when no version is named; the parts of a project."""
    if ref.kind == "project":
        return [Step(artifact=part) for part in parts_of(reader, ref)[1][:MOST_NEXT]] or [
            Step(artifact=str(ref))
        ]
    if not ref.version and ref.kind != "pipeline":
        rows = reader.all(SQL.version_names, kind=ref.kind, name=ref.name, limit=4)
        versions = [row["version"] for row in rows if row["version"]]
        if versions:
            return [Step(artifact=f"{ref}@{version}") for version in versions[:3]]
    return [Step(artifact=str(ref))]


def _next(reader: Reader, step: Step, side: Side) -> list[tuple[Step, str]]:
    """The neighbours of a step on one side, with the sentences that say so."""
    forward, backward = ("used", "serves"), ("produced",)
    found: list[tuple[Step, str]] = []
    # `A used B` and `A serves B` flow from B to A, `A produced B` from A to B.
    for verb in forward if side == "before" else backward:
        rows = reader.all(SQL.out_of, artifact=step.artifact, verb=verb, run_id=step.run_id, limit=FETCHED)
        found += [(Step(artifact=row["target"]), _says(row["source"], verb, row["target"])) for row in rows]
    for verb in backward if side == "before" else forward:
        rows = reader.all(SQL.into, artifact=step.artifact, verb=verb, limit=FETCHED)
        found += [
            (
                Step(artifact=row["source"], run_id="" if verb == "serves" else row["run_id"]),
                _says(row["source"], verb, row["target"]),
            )
            for row in rows
        ]
    return list({other.key: (other, says) for other, says in reversed(found)}.values())[::-1]


def _says(source: str, verb: str, target: str) -> str:
    return f"{source} {verb} {target}"
