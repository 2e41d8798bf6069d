"""What people decide about a version: to exempt it from a gate for a while, or to approve it."""

from __future__ import annotations

import datetime

import msgspec

from pavedroad.catalog import write_fact
from pavedroad.errors import Invalid, Refused
from pavedroad.kit.clock import now_ms
from pavedroad.kit.sql import Transaction
from pavedroad.record import Record
from pavedroad.registry import store
from pavedroad.registry.model import Approval, Exemption, ModelVersion
from pavedroad.registry.policy import find_gate
from pavedroad.registry.provenance import provenance_of
from pavedroad.registry.registration import model_ref

SQL = store.SQL
LONGEST_DAYS = 366  # an exemption that outlives a year is a policy, and belongs into paved.toml
DAY_MS = 24 * 3600 * 1000


def exempt(
    record: Record, name: str, which: int | str, gate: str, *, reason: str, owner: str, until: str, who: str
) -> Exemption:
    """Let a version pass a gate until the end of a day, UTC; `owner` answers for it. A newer one replaces it.

    `until` is `YYYY-MM-DD`. Raises: NotFound; Invalid for a reason, an owner or a date that cannot be;
    ConfigError for an unknown gate; Refused for a gate that nobody can be exempted from, and for authors who
    exempt their version from approval.
    """
    version = store.get_version(record.db, name, which)
    asked = find_gate(gate)
    if not asked.can_be_exempted:
        raise Refused(
            f"nobody can be exempted from the gate {gate!r}", hint="see what it says with `paved promote`"
        )
    if gate == "approval" and who in _authors(record, version.run_id, version.model_id, version.user):
        raise Refused(f"{who} made {version} and cannot exempt it from approval", hint="ask somebody else")
    at_ms = now_ms()
    exemption = Exemption(
        id=0,
        uid=version.uid,
        gate=gate,
        reason=_said(reason, "reason"),
        owner=_said(owner, "owner"),
        until_ms=end_of_day(until, at_ms=at_ms),
        who=who,
        at_ms=at_ms,
    )
    number = record.db.write(lambda tx: _write_exemption(tx, version, exemption))
    return msgspec.structs.replace(exemption, id=number)


def approve(record: Record, name: str, which: int | str, *, who: str, note: str = "") -> Approval:
    """Say that this version, with these bytes, is fine. Raises Refused for those who made it."""
    version = store.get_version(record.db, name, which)
    if not who.strip() or who == "unknown":
        raise Invalid("an approval needs a name", hint="set PAVED_USER to yours")
    if who in _authors(record, version.run_id, version.model_id, version.user):
        raise Refused(f"{who} made {version} and cannot approve it", hint="ask somebody else to look at it")
    approval = Approval(uid=version.uid, who=who, note=note.strip(), digest=version.digest, at_ms=now_ms())

    record.db.write(lambda tx: _write_approval(tx, version, approval))
    return approval


def end_of_day(text: str, *, at_ms: int) -> int:
    """The first millisecond after a day, UTC. Raises Invalid for no date, a past one and one too far away."""
    try:
        day = datetime.date.fromisoformat(text.strip())
    except ValueError:
        raise Invalid(f"{text!r} is not a date", hint="write it as YYYY-MM-DD") from None
    start = datetime.datetime.combine(day, datetime.time(), datetime.UTC)
    until_ms = int(start.timestamp() * 1000) + DAY_MS
    if until_ms <= at_ms:
        raise Invalid(f"{text} is over", hint="name a day to come")
    if until_ms > at_ms + LONGEST_DAYS * DAY_MS:
        raise Invalid(
            f"{text} is more than a year away", hint="name an earlier day, and look at it again then"
        )
    return until_ms


def _write_exemption(tx: Transaction, version: ModelVersion, exemption: Exemption) -> int:
    row = msgspec.structs.asdict(exemption)
    del row["id"]
    payload = {
        "gate": exemption.gate,
        "reason": exemption.reason,
        "owner": exemption.owner,
        "until": exemption.last_day,
    }
    number = int(tx.value(SQL.insert_exemption, **row))
    _tell(tx, exemption.who, "exempted", version, payload)
    return number


def _write_approval(tx: Transaction, version: ModelVersion, approval: Approval) -> None:
    tx.run(SQL.insert_approval, **msgspec.structs.asdict(approval))
    _tell(tx, approval.who, "approved", version, {"reason": approval.note} if approval.note else {})


def _tell(tx: Transaction, who: str, verb: str, version: ModelVersion, payload: dict[str, str]) -> None:
    write_fact(tx, who=who, verb=verb, artifact=model_ref(version), run_id=version.run_id, payload=payload)


def _authors(record: Record, run_id: str, model_id: str, user: str) -> list[str]:
    return [name for name in (user, *provenance_of(record.db, run_id, model_id).users) if name]


def _said(text: str, what: str) -> str:
    if not text.strip():
        raise Invalid(f"an exemption needs {'an' if what == 'owner' else 'a'} {what}", hint=f"add --{what}")
    return text.strip()
