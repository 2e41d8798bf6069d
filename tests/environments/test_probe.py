import threading
from typing import TYPE_CHECKING

from pavedroad.environments.examination import PROBES
from pavedroad.environments.machine import Machine
from pavedroad.environments.probe import Line, NamedProbe, run_probes

if TYPE_CHECKING:
    from tests.environments.conftest import Made


def fine(machine: Machine) -> list[Line]:
    return [Line(check="fine", verdict="ok", says=str(machine.project.name))]


def broken(machine: Machine) -> list[Line]:
    raise ZeroDivisionError("division by zero")


def test_a_probe_that_hangs_or_breaks_is_a_line_and_the_others_answer(made: "Made") -> None:
    never = threading.Event()

    def hanging(machine: Machine) -> list[Line]:
        never.wait(60)
        return []

    lines = run_probes(
        [
            NamedProbe(name="hanging", run=hanging, limit_s=0.1),
            NamedProbe(name="broken", run=broken),
            NamedProbe(name="fine", run=fine),
        ],
        made.machine,
    )
    never.set()
    assert [(line.check, line.verdict) for line in lines] == [
        ("hanging", "warn"),
        ("broken", "warn"),
        ("fine", "ok"),
    ]
    assert lines[0].says == "no answer within 0.1 s"
    assert "ZeroDivisionError" in lines[1].says


def test_every_probe_answers_on_a_machine_with_nothing_on_it(made: "Made") -> None:
    lines = run_probes(PROBES, made.machine)
    assert {line.check for line in lines} >= {"python", "gpu", "disk", "clock", "git", "docker", "login"}
    assert not [line for line in lines if "could not be examined" in line.says]
