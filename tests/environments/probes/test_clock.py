from typing import TYPE_CHECKING

from pavedroad.environments.probes.clock import clock

if TYPE_CHECKING:
    from tests.environments.conftest import Made


def test_a_clock_before_this_program_fails(made: "Made") -> None:
    made.change(now_ms=1_000_000)
    assert made.ask(clock).says == "it says 1970-01-01 00:16 UTC, which is past"


def test_a_clock_behind_the_last_commit_fails(made: "Made") -> None:
    made.says("git", str(made.machine.now_ms // 1000 + 3600))
    assert made.ask(clock).verdict == "fail"
    made.says("git", str(made.machine.now_ms // 1000 - 3600))
    assert made.ask(clock).verdict == "ok"


def test_a_clock_that_nothing_keeps_right_is_warned_of(made: "Made") -> None:
    made.says("timedatectl", "no")
    assert made.ask(clock).verdict == "warn"
    made.says("timedatectl", "yes")
    assert "kept right by the network" in made.ask(clock).says
