"""The gates with one question each: digest, owner, signature, model_card, approval."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec
import pytest

from pavedroad.models.signature import Field, Signature
from pavedroad.registry import Approval, Context, Outcome
from pavedroad.registry.gates.approval import APPROVAL
from pavedroad.registry.gates.digest import DIGEST
from pavedroad.registry.gates.model_card import MODEL_CARD
from pavedroad.registry.gates.owner import OWNER
from pavedroad.registry.gates.signature import SIGNATURE

Make = Callable[..., Context]
Ask = Callable[..., Outcome]


def approved(who: str, digest: str = "abc") -> Approval:
    return Approval(uid="u3", who=who, digest=digest, at_ms=1)


# --------------------------------------------------------------------------------------------------- digest


def test_digest_is_open_when_every_file_is_as_registered(ask: Ask, context: Make) -> None:
    outcome = ask(DIGEST, True, context())
    assert (outcome.verdict, outcome.says) == ("open", "1 file (1.2 kB) read, all as registered")


def test_digest_is_closed_by_one_damaged_file(ask: Ask, context: Make) -> None:
    outcome = ask(DIGEST, True, context(damaged_files=lambda: ["MLmodel: damaged"]))
    assert (outcome.verdict, outcome.says) == ("closed", "1 file of 1 cannot be used: MLmodel: damaged")


def test_digest_is_unknown_for_files_kept_elsewhere(ask: Ask, context: Make) -> None:
    outcome = ask(DIGEST, True, context(files=()))
    assert outcome.verdict == "unknown"
    assert "no files of flights@3 are kept on this record" in outcome.says


def test_digest_is_open_for_a_prompt_which_has_no_files(ask: Ask, context: Make) -> None:
    assert ask(DIGEST, True, context(files=(), is_prompt=True)).verdict == "open"


def test_digest_looks_at_the_files_a_prompt_should_not_have(ask: Ask, context: Make) -> None:
    damaged = context(is_prompt=True, damaged_files=lambda: ["MLmodel: missing"])
    assert ask(DIGEST, True, damaged).verdict == "closed"


# ---------------------------------------------------------------------------------------------------- owner


def test_owner_is_open_when_there_is_somebody_to_call(ask: Ask, context: Make) -> None:
    assert ask(OWNER, True, context()).says == "owned by ops"


def test_owner_is_closed_without_one_and_says_how_to_name_one(ask: Ask, context: Make) -> None:
    outcome = ask(OWNER, True, context(owner=""))
    assert outcome.verdict == "closed"
    assert "paved own model/flights TEAM" in outcome.next_step


# ------------------------------------------------------------------------------------------------ signature


def test_signature_is_open_with_inputs_and_outputs(ask: Ask, context: Make) -> None:
    assert ask(SIGNATURE, True, context()).says == "takes 2 inputs, gives 1 output"


@pytest.mark.parametrize(
    ("signature", "missing"),
    [
        (None, "inputs and outputs"),
        (Signature(), "inputs and outputs"),
        (Signature(inputs=(Field(name="a", type="long"),)), "outputs"),
        (Signature(outputs=(Field(type="long"),)), "inputs"),
    ],
)
def test_signature_is_closed_when_a_side_is_missing(
    ask: Ask, context: Make, signature: Any, missing: str
) -> None:
    outcome = ask(SIGNATURE, True, context(read_signature=lambda: signature))
    assert (outcome.verdict, outcome.says) == ("closed", f"the model's signature does not name its {missing}")


# ----------------------------------------------------------------------------------------------- model_card


def test_model_card_is_open_with_as_many_words_as_are_asked_for(ask: Ask, context: Make) -> None:
    card = context(read_card=lambda: "tells which flights are late")
    assert ask(MODEL_CARD, {"min_words": 5}, card).verdict == "open"
    assert ask(MODEL_CARD, {"min_words": 6}, card).says == "the model card has 5 words; 6 are asked for"


def test_model_card_is_closed_without_one(ask: Ask, context: Make) -> None:
    assert ask(MODEL_CARD, True, context()).says == "there is no model card; 20 are asked for"


# ------------------------------------------------------------------------------------------------- approval


def test_approval_is_closed_until_enough_people_approved(ask: Ask, context: Make) -> None:
    one = context(approvals=(approved("bob"),))
    assert ask(APPROVAL, {"people": 1}, one).says == "approved by bob"
    outcome = ask(APPROVAL, {"people": 2}, one)
    assert (outcome.verdict, outcome.says) == (
        "closed",
        "approved by bob; 2 people other than ada must approve",
    )
    two = context(approvals=(approved("bob"), approved("eve")))
    assert ask(APPROVAL, {"people": 2}, two).verdict == "open"


def test_approval_does_not_count_the_author(ask: Ask, context: Make) -> None:
    outcome = ask(APPROVAL, True, context(approvals=(approved("ada"),)))
    assert (outcome.verdict, outcome.says) == (
        "closed",
        "approved by nobody; 1 person other than ada must approve",
    )


def test_approval_does_not_count_what_was_said_of_other_bytes(ask: Ask, context: Make) -> None:
    assert ask(APPROVAL, True, context(approvals=(approved("bob", digest="old"),))).verdict == "closed"


def test_approval_names_a_version_without_author_too(ask: Ask, context: Make) -> None:
    version = msgspec.structs.replace(context().version, user="")
    outcome = ask(APPROVAL, True, context(version=version, authors=()))
    assert outcome.says == "approved by nobody; 1 person other than its author must approve"
