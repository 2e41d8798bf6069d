from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest

from pavedroad.environments import LockedPackage
from pavedroad.environments.probes.gpu import gpu

if TYPE_CHECKING:
    from tests.environments.conftest import Made

Package = Callable[..., LockedPackage]
H100 = "NVIDIA H100 80GB HBM3, {driver}, 9.0, 81559, {free}"


def smi(made: "Made", driver: str = "580.65.06", free: int = 81000) -> None:
    made.says("nvidia-smi", H100.format(driver=driver, free=free))


def test_no_gpu_is_a_stated_result(made: "Made", package: Package) -> None:
    assert made.ask(gpu).verdict == "ok"
    made.lock(package("torch", "2.7.0+cu126"))
    line = made.ask(gpu)
    assert line.verdict == "ok"
    assert line.says == "CPU only: no GPU here; torch is built for CUDA 12.6 and runs on the CPU"


def test_a_gpu_is_seen_with_its_driver_and_memory(made: "Made") -> None:
    smi(made)
    lines = gpu(made.machine)
    assert [line.verdict for line in lines] == ["ok", "ok"]
    assert lines[0].says == "NVIDIA H100 80GB HBM3, driver 580.65.06, 79.1 of 79.6 GiB free"


def test_a_broken_driver_fails(made: "Made") -> None:
    made.tool(
        "nvidia-smi", "echo 'NVIDIA-SMI has failed: cannot communicate with the NVIDIA driver.'; exit 9"
    )
    line = made.ask(gpu)
    assert line.verdict == "fail"
    assert "cannot communicate with the NVIDIA driver" in line.says
    assert "install NVIDIA's driver again" in line.next_step


def test_a_driver_that_hangs_is_given_up_on(made: "Made", monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pavedroad.environments.probes.gpu.SMI_LIMIT_S", 0.2)
    made.tool("nvidia-smi", "/bin/sleep 60")
    line = made.ask(gpu)
    assert (line.verdict, line.says) == ("fail", "nvidia-smi did not answer within 0.2 s")


def test_a_driver_older_than_the_lock_needs_fails(made: "Made", package: Package) -> None:
    smi(made, driver="470.82.01")
    made.lock(package("torch", "2.7.0+cu128"))
    line = made.ask(gpu)
    assert (line.check, line.verdict) == ("cuda", "fail")
    assert line.says == "torch needs CUDA 12.8, but driver 470.82.01 is older than 525.60.13"
    assert line.next_step == "install driver 570.26 or newer, or lock a build for CUDA 11.4"


def test_a_driver_of_the_same_major_runs_it_with_a_warning(made: "Made", package: Package) -> None:
    smi(made, driver="535.104.05")
    made.lock(package("torch", "2.7.0+cu126"))
    assert made.ask(gpu).verdict == "warn"


def test_a_gpu_that_is_too_old_for_the_build_fails(made: "Made", package: Package) -> None:
    made.says("nvidia-smi", "Tesla V100, 580.65.06, 7.0, 16384, 16000")
    made.lock(package("torch", "2.9.0+cu130"))
    line = made.ask(gpu)
    assert line.verdict == "fail"
    assert "compute capability 7.0, at least 7.5" in line.says


def test_a_build_without_gpu_support_leaves_the_gpu_idle(made: "Made", package: Package) -> None:
    smi(made)
    made.lock(package("torch", "2.7.0+cpu"))
    line = made.ask(gpu)
    assert (line.verdict, line.says) == ("warn", "torch is built without GPU support, so this GPU is idle")


def test_memory_that_others_hold_is_told(made: "Made") -> None:
    smi(made, free=400)
    assert made.ask(gpu).verdict == "warn"


def test_a_gpu_without_a_driver_fails(made: "Made") -> None:
    made.file("sys/bus/pci/devices/0000:01:00.0/vendor", "0x10de\n")
    made.file("sys/bus/pci/devices/0000:01:00.0/class", "0x030000\n")
    line = made.ask(gpu)
    assert (line.verdict, line.says) == ("fail", "there is an NVIDIA GPU, but no driver")


def test_a_loaded_driver_is_found_without_its_tool(made: "Made", package: Package) -> None:
    made.file(
        "proc/driver/nvidia/version", "NVRM version: NVIDIA UNIX x86_64 Kernel Module  450.51.06  Sun Jul\n"
    )
    made.lock(package("torch", "2.7.0+cu126"))
    lines = gpu(made.machine)
    assert [(line.check, line.verdict) for line in lines] == [("gpu", "warn"), ("cuda", "fail")]


@pytest.mark.parametrize(
    ("script", "verdict", "says"),
    [
        ("echo 32.0", "ok", "torch computed on the GPU"),
        ("echo 'RuntimeError: no kernel image' >&2; exit 1", "fail", "RuntimeError: no kernel image"),
        ("echo 31.0", "fail", "a wrong result"),
    ],
)
def test_a_tiny_product_is_computed_when_a_framework_is_installed(
    made: "Made", script: str, verdict: str, says: str
) -> None:
    smi(made)
    made.installed(torch="2.9.0+cu130")
    folder = made.project / ".venv" / "bin"
    folder.mkdir(parents=True)
    made.bin, kept = folder, made.bin
    made.tool("python", script)
    made.bin = kept
    line = next(line for line in gpu(made.machine) if line.check == "kernel")
    assert line.verdict == verdict
    assert says in line.says
