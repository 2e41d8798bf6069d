"""A failure as it was read, and what is believed of it."""

from __future__ import annotations

from typing import Literal

import msgspec

LABELS = ("user", "data", "environment", "upstream", "platform", "infrastructure")
Owner = Literal["job", "library", "platform", "python"]
# The job's author can cure these alone; the others need somebody of the team.
CURED_BY_REPORTER: frozenset[str] = frozenset({"user", "data", "environment"})
CONFIDENT = 0.5  # below this probability there is no verdict


class Frame(msgspec.Struct, frozen=True):
    """One line of a traceback."""

    path: str  # as written; `<cell>` for a notebook's
    function: str = ""
    owner: Owner = "job"
    package: str = ""  # of a library or of the platform: `torch`


class Raised(msgspec.Struct, frozen=True, kw_only=True):
    """One exception with its frames, outermost first."""

    type: str = (
        ""  # as written, with its module: `botocore.exceptions.NoCredentialsError`; empty when cut off
    )
    message: str = ""
    frames: tuple[Frame, ...] = ()

    @property
    def name(self) -> str:
        return self.type.rpartition(".")[2]

    @property
    def said(self) -> str:
        return f"{self.type}: {self.message}" if self.message else self.type


class Trace(msgspec.Struct, frozen=True, kw_only=True):
    """All that was read of one failure."""

    raised: tuple[Raised, ...] = ()  # the first cause first, what came out last
    log: str = ""  # the lines around it

    @property
    def cause(self) -> Raised:
        """The exception everything began with; an empty one when none was found."""
        return self.raised[0] if self.raised else Raised()

    @property
    def frames(self) -> tuple[Frame, ...]:
        return tuple(frame for one in self.raised for frame in one.frames)


class Evidence(msgspec.Struct, frozen=True, kw_only=True):
    """One reason: how far it moves the odds, and why it may."""

    name: str  # of the rule
    says: str  # with what was found
    weights: dict[str, float]  # label -> log-odds
    source: str = ""  # where it is documented

    @property
    def strength(self) -> float:
        return max((abs(weight) for weight in self.weights.values()), default=0.0)


class Verdict(msgspec.Struct, frozen=True, kw_only=True):
    label: str  # one of LABELS; empty when nothing is likely enough
    probability: float  # of the likeliest label
    probabilities: dict[str, float]
    evidence: tuple[Evidence, ...]  # the strongest first
    acts: Literal["reporter", "team", "either"]
    next_check: str  # what would tell the two likeliest labels apart
    signature: str = ""  # equal for the same failure elsewhere
    exception: str = ""  # the cause, as it was read

    @property
    def likeliest(self) -> list[str]:
        return sorted(self.probabilities, key=lambda label: -self.probabilities[label])
