"""The gate `advisories`, and what the record tells it."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from pavedroad.advisories.store import exposure_of
from pavedroad.advisories.telling import register_project
from pavedroad.record import Record
from pavedroad.registry import Context, Outcome
from pavedroad.registry.context import advisories_of
from pavedroad.registry.gate import AdvisoriesSeen, Exposure
from pavedroad.registry.gates.advisories import ADVISORIES

Make = Callable[..., Context]
Ask = Callable[..., Outcome]


def seen(*effects: str, commit: str = "c1") -> AdvisoriesSeen:
    exposed = [
        Exposure(id=f"BC-{at}", effect=effect, decided="numpy 2.1 in uv.lock")
        for at, effect in enumerate(effects)
    ]
    return AdvisoriesSeen(commit=commit, at_ms=1, exposed=exposed)


@pytest.mark.parametrize(
    ("found", "policy", "verdict"),
    [
        (None, {}, "unknown"),
        (seen(), {}, "open"),
        (seen("warns"), {}, "open"),
        (seen("warns"), {"max_effect": "none"}, "closed"),
        (seen("breaks"), {}, "closed"),
        (seen("breaks"), {"max_effect": "breaks"}, "open"),
        (seen("breaks"), {"accept": ["BC-0"]}, "open"),
        (seen("odd"), {"max_effect": "breaks"}, "closed"),
        (seen(commit="c2"), {}, "unknown"),
        (seen("breaks", commit=""), {}, "closed"),
    ],
)
def test_the_gravest_exposure_decides(
    ask: Ask, context: Make, found: AdvisoriesSeen | None, policy: dict[str, object], verdict: str
) -> None:
    asked = context(read_advisories=lambda: found, project="churn", commit="c1")
    assert ask(ADVISORIES, policy, asked).verdict == verdict


def test_it_names_the_changes_and_the_versions(ask: Ask, context: Make) -> None:
    outcome = ask(
        ADVISORIES, {}, context(read_advisories=lambda: seen("breaks"), project="churn", commit="c1")
    )
    assert outcome.says == ("churn is exposed to 1 upstream change: BC-0 breaks (numpy 2.1 in uv.lock)")
    assert "paved advisories" in outcome.next_step


def test_a_project_that_registered_is_known_with_its_exposure(any_record: Record, tmp_path) -> None:
    (tmp_path / "pyproject.toml").write_text('[project]\nname = "churn"\ndependencies = ["numpy==2.1.0"]\n')
    (tmp_path / "use.py").write_text("import numpy as np\n\nvalue = np.float_(1)\n")
    assert exposure_of(any_record.db, "churn") is None
    register_project(any_record, tmp_path)
    found = advisories_of(any_record.db, "churn")
    assert found is not None
    assert [(case.id, case.effect) for case in found.exposed] == [("BC-NPY-002", "breaks")]
