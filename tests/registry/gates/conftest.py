"""A context as a gate is handed it, without a record behind it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec
import pytest

from pavedroad.models.signature import Field, Signature
from pavedroad.registry import Context, Measured, ModelVersion, Outcome, Subject, VersionFile
from pavedroad.registry.gate import Gate
from pavedroad.registry.policy import read_policies

VERSION = ModelVersion(
    uid="u3",
    name="flights",
    version=3,
    source="models:/m-1",
    location="mlflow-artifacts:/registry/u3",
    digest="abc",
    user="ada",
    created_ms=1,
    updated_ms=1,
)
FILES = (VersionFile(path="MLmodel", digest="d", size_bytes=1200),)
SIGNATURE = Signature(
    inputs=(Field(name="delay", type="double"), Field(name="carrier", type="string")),
    outputs=(Field(type="double"),),
)


def subject(title: str = "flights@3", *, data: tuple[str, ...] = ("d1",), **metrics: float) -> Subject:
    return Subject(
        title=title,
        metrics={
            key: [Measured(key=key, value=value, run_id="r1", where="run", datasets=data)]
            for key, value in metrics.items()
        },
    )


@pytest.fixture
def context() -> Callable[..., Context]:
    """A context in which a fine version is asked about; name what is different."""

    def make(**different: Any) -> Context:
        usual: dict[str, Any] = {
            "alias": "champion",
            "now_ms": 1_000_000_000,
            "version": VERSION,
            "authors": ("ada",),
            "owner": "ops",
            "candidate": subject(auc=0.9),
            "files": FILES,
            "champion_of": lambda alias: None,
            "read_signature": lambda: SIGNATURE,
            "read_card": lambda: "",
            "read_data": list,
            "damaged_files": list,
            "check_project": lambda profile: None,
            "measure_latency": lambda requests, concurrency: None,
            "earlier_latency": lambda requests, concurrency, since_ms: None,
        }
        return Context(**{**usual, **different})

    return make


@pytest.fixture
def ask() -> Callable[..., Outcome]:
    """What a gate answers to a policy as it stands in TOML."""

    def answer(gate: Gate, policy: Any, context: Context) -> Outcome:
        (read,) = read_policies(gate, policy, "team")
        outcome = gate.evaluate(read, context)
        msgspec.json.encode(outcome.inputs)  # every input can be stored
        assert outcome.says
        assert (outcome.verdict == "open") == (outcome.next_step == "")
        return outcome

    return answer
