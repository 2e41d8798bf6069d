"""What the catalog knows: artifacts, the edges between them, and the facts of the journal."""

from __future__ import annotations

import re
from typing import Any

import msgspec

from pavedroad.errors import Invalid, did_you_mean

KINDS = ("project", "pipeline", "service", "application", "model", "dataset", "environment", "tool")
STAGES = ("draft", "experiment", "candidate", "production", "deprecated", "retired")
EDGE_VERBS = ("produced", "used", "serves", "part-of")
# MLflow allows nearly anything in a model's name; a catalog name must also fit a URL and a shell word.
_NAME = re.compile(r"[^\x00-\x1f\x7f@/]{1,500}")


class Ref(msgspec.Struct, frozen=True, order=True):
    """`kind/name` or `kind/name@version`."""

    kind: str
    name: str
    version: str = ""

    def __str__(self) -> str:
        return f"{self.kind}/{self.name}" + (f"@{self.version}" if self.version else "")

    @property
    def unversioned(self) -> Ref:
        return Ref(self.kind, self.name)


class Artifact(msgspec.Struct, frozen=True, kw_only=True):
    ref: Ref
    owner: str = ""
    description: str = ""
    stage: str = "draft"
    tags: dict[str, str] = {}
    links: dict[str, str] = {}  # label -> URL
    created_ms: int
    updated_ms: int


class Edge(msgspec.Struct, frozen=True, kw_only=True):
    """`source verb target`, as a sentence."""

    source: str
    verb: str
    target: str
    at_ms: int
    times: int = 1
    run_id: str = ""


class Fact(msgspec.Struct, frozen=True, kw_only=True):
    seq: int
    at_ms: int
    who: str
    verb: str
    artifact: str
    run_id: str
    payload: dict[str, Any]


def parse_ref(text: str) -> Ref:
    """Read `kind/name[@version]`. Raises Invalid with the nearest known kind."""
    kind, slash, rest = text.partition("/")
    if not slash or not rest:
        raise Invalid(
            f"{text!r} is not an artifact",
            hint="write it as kind/name or kind/name@version, e.g. model/flights@3",
        )
    check_kind(kind)
    name, at, version = rest.partition("@")
    check_name(name)
    if at:
        check_name(version)
    return Ref(kind, name, version)


def find_ref(text: str) -> Ref | None:
    """The artifact that a fact or an edge names; None for what the catalog does not know, such as a run."""
    kind, _, rest = text.partition("/")
    name, _, version = rest.partition("@")
    return Ref(kind, name, version) if kind in KINDS and name else None


def pipeline_ref(project: str, pipeline: str) -> Ref:
    """A pipeline in the catalog: two projects may each have one called `main`."""
    if pipeline.replace("_", "-").lower() == project.replace("_", "-").lower():
        return Ref("pipeline", project)
    return Ref("pipeline", f"{project}.{pipeline}")


def check_name(name: str) -> str:
    if not _NAME.fullmatch(name) or name.strip() != name:
        raise Invalid(
            f"{name!r} cannot be a name",
            hint="use 1 to 500 characters without '/', '@', control characters or outer spaces",
        )
    return name


def check_kind(kind: str) -> str:
    if kind not in KINDS:
        raise Invalid(f"unknown kind {kind!r} of artifact", hint=did_you_mean(kind, KINDS))
    return kind


def check_stage(stage: str) -> str:
    if stage not in STAGES:
        raise Invalid(f"unknown stage {stage!r}", hint=did_you_mean(stage, STAGES))
    return stage
