"""The shape of a gate: a policy it can read, and a question it answers about one version.

A gate opens nothing and stores nothing: what it needs is in the `Context` it is handed. Gates of other
packages have this shape too and come through the entry-point group `pavedroad.gates` (gate name = a `Gate`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, Literal

import msgspec

from pavedroad.kit.text import count
from pavedroad.models.signature import Signature
from pavedroad.registry.model import Approval, ModelVersion, VersionFile


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """What a gate answers. `unknown` blocks like `closed`: what was not found out is never let through."""

    verdict: Literal["open", "closed", "unknown"]
    says: str  # one line: what was found, with its values
    next_step: str = ""  # what to do about it; empty when open
    inputs: dict[str, Any] = {}  # what the verdict was derived from


class Measured(msgspec.Struct, frozen=True, kw_only=True):
    """One metric of a version, and where it was logged."""

    key: str
    value: float  # may be NaN or ±inf
    run_id: str
    where: str  # `logged model`, `run`, `step evaluate`
    datasets: tuple[str, ...] = ()  # digests of the evaluation data of that run


class Subject(msgspec.Struct, frozen=True, kw_only=True):
    """A version as its runs describe it."""

    title: str  # `late-flights@3`
    metrics: dict[
        str, list[Measured]
    ] = {}  # of the nearest run that logged the key; several only where runs disagree


class ColumnSeen(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of one column of recorded data."""

    nulls: int | None = None
    minimum: float | None = None
    maximum: float | None = None
    values: tuple[Any, ...] | None = None  # every distinct value; None when there were too many to keep


class DataSeen(msgspec.Struct, frozen=True, kw_only=True):
    """A recorded sample or profile of what the model is fed."""

    source: str  # `input example`, `profile of flights`
    rows: int
    columns: dict[str, ColumnSeen]


class CheckResult(msgspec.Struct, frozen=True, kw_only=True):
    """A report of `paved check`, as far as the gate needs it."""

    profile: str
    counts: dict[str, int]  # findings by severity
    findings: list[str] = []  # the first few, worst first, as `CODE place: text`
    commit: str = ""
    where: str  # `project folder` or `recorded report`


class EnvironmentSeen(msgspec.Struct, frozen=True, kw_only=True):
    """The newest examination of the project on one machine (`paved doctor --push`)."""

    machine: str
    verdict: str  # ok, warn or fail
    says: str  # its gravest line
    next_step: str = ""
    at_ms: int


class Exposure(msgspec.Struct, frozen=True, kw_only=True):
    """An upstream change that the project's code and versions meet."""

    id: str
    effect: str
    decided: str  # `numpy 1.26.4 in uv.lock`


class AdvisoriesSeen(msgspec.Struct, frozen=True, kw_only=True):
    """What the record knows of a project's exposure."""

    commit: str  # of the code that was read; empty without git
    at_ms: int
    exposed: list[Exposure]


class LatencySeen(msgspec.Struct, frozen=True, kw_only=True):
    """How fast the candidate answered while it was really served."""

    p50_ms: float
    p99_ms: float
    requests: int
    errors: int = 0
    concurrency: int
    measured_ms: int  # when


class Context(msgspec.Struct, frozen=True, kw_only=True):
    """All that a gate may know. The callables read on demand; what they raise makes the gate `unknown`."""

    alias: str
    now_ms: int
    version: ModelVersion
    authors: tuple[str, ...]  # who registered the version and who ran the run that made it
    project: str = ""  # that made it; empty when unknown
    owner: str = ""  # of the model, else of its project
    commit: str = ""  # of the code that made it; empty when unknown
    candidate: Subject
    files: tuple[VersionFile, ...] = ()
    approvals: tuple[Approval, ...] = ()
    is_prompt: bool = False  # MLflow keeps prompts as models without files
    champion_of: Callable[[str], Subject | None]  # who holds an alias, or held it last
    read_signature: Callable[[], Signature | None]
    read_card: Callable[[], str]  # the longest of description, README.md and model_card.md
    read_data: Callable[[], list[DataSeen]]
    damaged_files: Callable[[], list[str]]  # `path: what is wrong`, after reading every byte
    check_project: Callable[
        [str], CheckResult | None
    ]  # profile -> result; None when there is none for this code
    read_environments: Callable[[], list[EnvironmentSeen]] = list  # of the project, one for each machine
    read_advisories: Callable[[], AdvisoriesSeen | None] = lambda: None  # None: the project never registered
    measure_latency: Callable[
        [int, int], LatencySeen | None
    ]  # requests, concurrency; None when it cannot be here
    earlier_latency: Callable[
        [int, int, int], LatencySeen | None
    ]  # ..., not before: recorded for the same files


class Gate(msgspec.Struct, frozen=True, kw_only=True):
    """One question about a version. The fields of `policy`, a frozen struct, are the keys of its table."""

    name: str
    asks: str  # the question, one line, for people
    policy: type[msgspec.Struct]
    evaluate: Callable[[Any, Context], Outcome]
    takes_many: bool = False  # a list of tables is allowed; each is asked
    can_be_exempted: bool = True


def opened(says: str, **inputs: Any) -> Outcome:
    return Outcome(verdict="open", says=says, inputs=inputs)


def closed(says: str, *, next_step: str, **inputs: Any) -> Outcome:
    return Outcome(verdict="closed", says=says, next_step=next_step, inputs=inputs)


def unknown(says: str, *, next_step: str, **inputs: Any) -> Outcome:
    return Outcome(verdict="unknown", says=says, next_step=next_step, inputs=inputs)


def promote_command(context: Context) -> str:
    return f"paved promote {context.version} --to {context.alias}"


def listed(items: Iterable[str], *, shown: int = 3) -> str:
    """`a, b, c and 4 more`."""
    items = list(items)
    text = ", ".join(items[:shown])
    return f"{text} and {count(len(items) - shown, 'other')}" if len(items) > shown else text


def number(value: float) -> str:
    """As short as it stays exact to four digits: `0.812`, `12`, `1.5e-05`, `NaN`."""
    return "NaN" if value != value else f"{value:.4g}"
