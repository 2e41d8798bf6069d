"""A fact as a sentence, with the same words in the terminal and on the page."""

from __future__ import annotations

from typing import Any

import msgspec

from pavedroad.catalog.addresses import address_of_text
from pavedroad.catalog.model import Fact
from pavedroad.kit.clock import duration

LONGEST_REASON = 120


class Told(msgspec.Struct, frozen=True, kw_only=True):
    """`who verb artifact tail`."""

    seq: int
    at_ms: int
    who: str
    verb: str
    artifact: str
    tail: str = ""
    run_id: str = ""
    payload: dict[str, Any] = {}

    @property
    def href(self) -> str:
        return address_of_text(self.artifact, self.run_id)

    @property
    def sentence(self) -> str:
        return " ".join(filter(None, (self.who, self.verb, self.artifact, self.tail)))


def tell(fact: Fact) -> Told:
    is_failed_run = fact.verb == "failed" and bool(fact.run_id)  # "ada failed" would be unkind
    verb, tail = ("ran", "without success") if is_failed_run else (fact.verb, "")
    return Told(
        seq=fact.seq,
        at_ms=fact.at_ms,
        who=fact.who or "someone",
        verb=verb.replace("-", " "),
        artifact=fact.artifact,
        tail=" ".join(filter(None, (tail, _tail(fact)))),
        run_id=fact.run_id,
        payload=fact.payload,
    )


def _tail(fact: Fact) -> str:
    """What the payload adds to the sentence; the whole of it is one click away."""
    payload = fact.payload if isinstance(fact.payload, dict) else {}
    words = []
    if "from" in payload and "to" in payload:
        before, after = payload["from"] or "nobody", payload["to"] or "nobody"
        if fact.verb == "owned":
            words.append(f"by {after}, before by {before}")
        elif "alias" not in payload:
            words.append(f"from {before} to {after}")
    if fact.artifact.startswith("experiment/") and payload.get("name"):
        words.append(f"named {payload['name']}")
    if fact.verb == "served" and payload.get("model"):
        words.append(f"with model/{payload['model']}@{payload.get('version')}")
    if payload.get("alias"):
        was = f", before it was {payload['from']}" if payload.get("from") else ""
        words.append(f"as {payload['alias']}{was}")
    if payload.get("stopped_by"):
        words.append(f"stopped by stage {payload['stopped_by']}")
    if payload.get("gate"):
        words.append(f"from gate {payload['gate']}")
    closed = payload.get("closed")
    if isinstance(closed, list) and closed:
        words.append(f"because {', '.join(map(str, closed))} {'is' if len(closed) == 1 else 'are'} closed")
    if payload.get("reason"):
        words.append(f"{'saying' if fact.verb == 'approved' else 'because'} {_cut(payload['reason'])}")
    if isinstance(payload.get("duration_ms"), int):
        words.append(f"in {duration(payload['duration_ms'])}")
    if payload.get("error"):
        words.append(f"because {_cut(payload['error'])}")
    return ", ".join(words)


def _cut(text: object) -> str:
    return " ".join(str(text).split())[:LONGEST_REASON]
