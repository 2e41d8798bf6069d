"""What people decide: exemptions and approvals."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from pavedroad.catalog import read_facts
from pavedroad.errors import ConfigError, Invalid, NotFound, Refused
from pavedroad.registry import approve, exempt, list_approvals, list_exemptions, promote
from pavedroad.registry.decisions import DAY_MS, end_of_day

NEXT_MONTH = (datetime.now(UTC).date() + timedelta(days=30)).isoformat()
LATER = (datetime.now(UTC).date() + timedelta(days=60)).isoformat()
NOON = 1_795_521_600_000  # 2026-11-24 12:00 UTC
FINE: dict[str, Any] = {"reason": "new team", "owner": "ada", "until": NEXT_MONTH, "who": "bob"}


def test_an_exemption_is_kept_with_reason_owner_and_end(any_make: Any) -> None:
    version = any_make.version()
    made = exempt(any_make.record, "flights", 1, "owner", **FINE)
    assert list_exemptions(any_make.record.db, version.uid) == [made]
    assert (made.gate, made.reason, made.owner, made.who, made.last_day) == (
        "owner",
        "new team",
        "ada",
        "bob",
        NEXT_MONTH,
    )
    fact = read_facts(any_make.record.db, verb="exempted")[0]
    assert fact.payload == {"gate": "owner", "reason": "new team", "owner": "ada", "until": NEXT_MONTH}


def test_a_newer_exemption_replaces_an_older_one_which_stays_visible(make: Any) -> None:
    version = make.version()
    exempt(make.record, "flights", 1, "owner", **FINE)
    exempt(make.record, "flights", 1, "owner", **{**FINE, "until": LATER})
    assert [each.last_day for each in list_exemptions(make.record.db, version.uid)] == [
        LATER,
        NEXT_MONTH,
    ]


@pytest.mark.parametrize(
    ("different", "says"),
    [
        ({"reason": " "}, "an exemption needs a reason"),
        ({"owner": ""}, "an exemption needs an owner"),
        ({"until": "soon"}, "'soon' is not a date"),
        ({"until": "2026-02-30"}, "is not a date"),
        ({"until": "2020-01-01"}, "2020-01-01 is over"),
        ({"until": "9999-12-31"}, "more than a year away"),
        ({"until": "2031-01-01"}, "more than a year away"),
    ],
)
def test_an_exemption_without_reason_owner_or_near_end_is_refused(
    make: Any, different: dict[str, str], says: str
) -> None:
    make.version()
    with pytest.raises(Invalid, match=says):
        exempt(make.record, "flights", 1, "owner", **{**FINE, **different})
    assert read_facts(make.record.db, verb="exempted") == []


def test_nobody_is_exempt_from_the_digest(make: Any) -> None:
    make.version()
    with pytest.raises(Refused, match="nobody can be exempted from the gate 'digest'"):
        exempt(make.record, "flights", 1, "digest", **FINE)


def test_an_unknown_gate_is_refused_with_the_nearest(make: Any) -> None:
    make.version()
    with pytest.raises(ConfigError, match="did you mean 'owner'"):
        exempt(make.record, "flights", 1, "ownr", **FINE)


def test_the_author_cannot_exempt_from_approval(make: Any) -> None:
    make.version(who="cid", user="ada")
    for author in ("ada", "cid"):
        with pytest.raises(Refused, match=f"{author} made flights@1"):
            exempt(make.record, "flights", 1, "approval", **{**FINE, "who": author})
    assert exempt(make.record, "flights", 1, "approval", **FINE).who == "bob"


def test_an_exemption_holds_through_its_last_day() -> None:
    assert end_of_day("2026-11-24", at_ms=NOON) == NOON + DAY_MS // 2
    with pytest.raises(Invalid):
        end_of_day("2026-11-23", at_ms=NOON)


def test_an_approval_is_kept_with_the_bytes_it_is_about(any_make: Any, with_gates: Any) -> None:
    record = with_gates(any_make.record, approval=True)
    version = any_make.version()
    assert not promote(record, "flights", 1, who="ada").passed
    approve(record, "flights", 1, who="bob", note="looked at the plots")
    (kept,) = list_approvals(record.db, version.uid)
    assert (kept.who, kept.note, kept.digest) == ("bob", "looked at the plots", version.digest)
    assert promote(record, "flights", 1, who="ada").passed


def test_approving_twice_is_one_approval(make: Any, with_gates: Any) -> None:
    record = with_gates(make.record, approval={"people": 2})
    version = make.version()
    approve(record, "flights", 1, who="bob")
    approve(record, "flights", 1, who="bob", note="again")
    assert [each.note for each in list_approvals(record.db, version.uid)] == ["again"]
    assert not promote(record, "flights", 1, who="ada").passed


def test_those_who_made_it_cannot_approve_it(make: Any) -> None:
    make.version(who="cid", user="ada")
    for author in ("ada", "cid"):
        with pytest.raises(Refused, match=f"{author} made flights@1 and cannot approve it"):
            approve(make.record, "flights", 1, who=author)


def test_an_approval_by_nobody_is_refused(make: Any) -> None:
    make.version()
    for nobody in ("", "unknown"):
        with pytest.raises(Invalid, match="an approval needs a name"):
            approve(make.record, "flights", 1, who=nobody)
    with pytest.raises(NotFound):
        approve(make.record, "flights", 9, who="bob")
