from typing import TYPE_CHECKING

import pytest

from pavedroad.environments.probes.disk import disk

if TYPE_CHECKING:
    from tests.environments.conftest import Made


def df(free_kib: int) -> str:
    return f"Filesystem 1024-blocks Used Available Capacity Mounted on\n/dev/sda1 999 1 {free_kib} 99% /data"


@pytest.mark.parametrize(
    ("free_kib", "verdict"), [(50_000_000, "ok"), (2_000_000, "warn"), (100_000, "fail"), (0, "fail")]
)
def test_free_space_is_judged(made: "Made", free_kib: int, verdict: str) -> None:
    made.says("df", df(free_kib))
    line = made.ask(disk)
    assert line.verdict == verdict
    assert "(/data)" in line.says
    assert verdict == "ok" or "paved gc" in line.next_step


def test_without_df_the_system_is_asked(made: "Made") -> None:
    assert "free for the" in made.ask(disk).says


def test_a_network_folder_that_hangs_is_given_up_on(made: "Made") -> None:
    made.change(limit_s=0.2)
    made.tool("df", "/bin/sleep 60")
    assert made.ask(disk).verdict == "warn"
