"""The GPU: whether there is one, whether its driver answers and is new enough, and whether it computes.

A machine without a GPU is a stated result, not a failure.
"""

from __future__ import annotations

import ctypes
import re
from pathlib import Path

import msgspec

from pavedroad.environments.comparison import lock_of_installed
from pavedroad.environments.cuda import (
    CudaSign,
    capability_floor,
    cpu_builds,
    cuda_of_lock,
    driver_text,
    full_driver,
    newest_cuda,
    oldest_driver,
    release_of,
)
from pavedroad.environments.machine import Machine
from pavedroad.environments.model import Lock
from pavedroad.environments.probe import Line

SMI_LIMIT_S = 3.0
KERNEL_LIMIT_S = 30.0
NVIDIA_VENDOR = "0x10de"
_QUERY = "name,driver_version,compute_cap,memory.total,memory.free"
REINSTALL = "install NVIDIA's driver again, restart, and try `nvidia-smi`"

# A tiny product on the device, in each framework; prints the answer 32 when it is right.
_KERNELS = {
    "torch": "import torch; print(float(torch.ones(32, device='cuda') @ torch.ones(32, device='cuda')))",
    "cupy": "import cupy; print(float(cupy.ones(32) @ cupy.ones(32)))",
    "jax": (
        "import jax, jax.numpy as n; assert jax.default_backend() == 'gpu', 'jax sees no GPU';"
        " print(float(n.ones(32) @ n.ones(32)))"
    ),
    "tensorflow": (
        "import tensorflow as t; assert t.config.list_physical_devices('GPU'), 'TensorFlow sees no GPU';"
        " print(float(t.tensordot(t.ones(32), t.ones(32), 1)))"
    ),
}


class Gpu(msgspec.Struct, frozen=True, kw_only=True):
    name: str
    driver: str
    capability: tuple[int, int] | None = None
    memory_mib: int = 0
    free_mib: int = 0


def gpu(machine: Machine) -> list[Line]:
    answer = machine.ask(
        "nvidia-smi", f"--query-gpu={_QUERY}", "--format=csv,noheader,nounits", limit_s=SMI_LIMIT_S
    )
    if answer.status == "ok":
        found = [gpu for line in answer.text.split("\n") if (gpu := _read_row(line))]
        if found:
            return [_seen(found), *_driver_lines(found, machine), *_kernel_lines(machine)]
        return [_broken(f"nvidia-smi lists no GPU: {answer.text.strip()[:80]}")]
    if answer.status == "hung":
        return [_broken(f"nvidia-smi did not answer within {answer.limit_s:g} s")]
    if answer.status == "failed":
        return [_broken(f"nvidia-smi fails: {answer.error[:120]}")]
    return _without_smi(machine)


def _without_smi(machine: Machine) -> list[Line]:
    driver = _kernel_driver(machine) or _library_cuda(machine)
    if driver:
        told = Line(
            check="gpu",
            verdict="warn",
            says=f"NVIDIA driver {driver} is loaded, but nvidia-smi is not installed",
            next_step="install NVIDIA's utilities, so that the GPU can be examined",
        )
        return [
            told,
            *(_driver_lines([Gpu(name="GPU", driver=driver)], machine) if release_of(driver) else []),
        ]
    if _has_device(machine):
        return [
            Line(
                check="gpu",
                verdict="fail",
                says="there is an NVIDIA GPU, but no driver",
                next_step=REINSTALL.replace(" again", ""),
            )
        ]
    return [_cpu_only(machine)]


def _cpu_only(machine: Machine) -> Line:
    sign = _cuda_here(machine)
    if sign:
        says = f"CPU only: no GPU here; {sign.package} is built for CUDA {sign.cuda} and runs on the CPU"
    else:
        says = "CPU only: no GPU here, and none is asked for"
    return Line(check="gpu", verdict="ok", says=says)


def _seen(found: list[Gpu]) -> Line:
    names = sorted({each.name for each in found})
    number = f"{len(found)} x " if len(found) > 1 else ""
    free, total = min(each.free_mib for each in found), min(each.memory_mib for each in found)
    says = f"{number}{', '.join(names)}, driver {found[0].driver}"
    if total:
        says += f", {free / 1024:.1f} of {total / 1024:.1f} GiB free"
    if total and free < total * 0.1:
        return Line(
            check="gpu",
            verdict="warn",
            says=says,
            next_step="see who uses it with `nvidia-smi`, and wait or end what is stale",
        )
    return Line(check="gpu", verdict="ok", says=says)


def _driver_lines(found: list[Gpu], machine: Machine) -> list[Line]:
    """The driver and the GPU against the CUDA of what is installed, else of the lock."""
    sign = _cuda_here(machine)
    oldest = min(found, key=lambda each: release_of(each.driver))
    if sign is None:
        bare = cpu_builds(_what_runs(machine))
        newest = newest_cuda(oldest.driver)
        if not bare:
            return [
                Line(
                    check="cuda",
                    verdict="ok",
                    says=f"the driver takes CUDA up to {newest or '8'}; none is locked",
                )
            ]
        names = ", ".join(package.name for package in bare[:3])
        return [
            Line(
                check="cuda",
                verdict="warn",
                says=f"{names} is built without GPU support, so this GPU is idle",
                next_step="lock a CUDA build, e.g. from https://download.pytorch.org/whl/",
            )
        ]
    return [_judged(sign, oldest, found)]


def _judged(sign: CudaSign, oldest: Gpu, found: list[Gpu]) -> Line:
    driver, least, full = release_of(oldest.driver), oldest_driver(sign.cuda), full_driver(sign.cuda)
    what = f"{sign.package} needs CUDA {sign.cuda}"
    if least and driver < least:
        return Line(
            check="cuda",
            verdict="fail",
            says=f"{what}, but driver {oldest.driver} is older than {driver_text(least)}",
            next_step=f"install driver {driver_text(full or least)} or newer, or lock a build for CUDA"
            f" {newest_cuda(oldest.driver) or 'of this driver'}",
        )
    floor = capability_floor(sign.cuda, package=sign.package)
    small = [each for each in found if floor and each.capability and each.capability < floor]
    if small and floor and small[0].capability:
        return Line(
            check="cuda",
            verdict="fail",
            says=f"{what}, which has no code for {small[0].name} (compute capability"
            f" {_dotted(small[0].capability)}, at least {_dotted(floor)})",
            next_step="lock a build for an older CUDA, or use a newer GPU",
        )
    if full and driver < full:
        return Line(
            check="cuda",
            verdict="warn",
            says=f"{what}; driver {oldest.driver} runs it, without what is newer than the driver",
            next_step=f"driver {driver_text(full)} came with CUDA {sign.cuda}: install it when you can",
        )
    return Line(check="cuda", verdict="ok", says=f"{what}; driver {oldest.driver} has it")


def _kernel_lines(machine: Machine) -> list[Line]:
    """A tiny product on the GPU, in a process of its own, by the first framework that is installed."""
    python = _interpreter(machine)
    names = machine.installation.distributions
    framework = next((name for name in _KERNELS if any(_is_named(name, other) for other in names)), "")
    if not framework or not python:
        return []
    answer = machine.ask(str(python), "-c", _KERNELS[framework], limit_s=KERNEL_LIMIT_S)
    if answer.status == "ok" and answer.text.strip().split("\n")[-1].startswith("32"):
        return [Line(check="kernel", verdict="ok", says=f"{framework} computed on the GPU")]
    hung = f"no answer within {answer.limit_s:g} s" if answer.status == "hung" else ""
    problem = answer.error or hung or "a wrong result"
    return [
        Line(
            check="kernel",
            verdict="fail",
            says=f"{framework} cannot compute on the GPU: {problem[:160]}",
            next_step=f"try it by hand: {python} -c 'import {framework}'; then look at the line `cuda`",
        )
    ]


def _what_runs(machine: Machine) -> Lock:
    if machine.installation.is_own and machine.installation.distributions:
        return lock_of_installed(machine.installation.distributions)
    return machine.lock or lock_of_installed(machine.installation.distributions)


def _cuda_here(machine: Machine) -> CudaSign | None:
    installed = cuda_of_lock(lock_of_installed(machine.installation.distributions))
    if installed and machine.installation.is_own:
        return installed
    return cuda_of_lock(machine.lock) if machine.lock else None


def _interpreter(machine: Machine) -> Path | None:
    folder = Path(machine.installation.where)
    places = (folder / "bin" / "python", folder / "Scripts" / "python.exe")
    return next((place for place in places if place.exists()), None)


def _kernel_driver(machine: Machine) -> str:
    text = machine.read(machine.at("proc/driver/nvidia/version"))
    match = re.search(r"(?:Kernel Module[^\n]*?)\s(\d{3}\.\d+(?:\.\d+)?)\s", text)
    return match.group(1) if match else ""


def _library_cuda(machine: Machine) -> str:
    """By the driver's own library, without a framework; only of the machine that we run on."""
    if not machine.is_real:
        return ""
    try:
        library = ctypes.CDLL("libcuda.so.1")
        number = ctypes.c_int()
        if library.cuDriverGetVersion(ctypes.byref(number)) == 0 and number.value:
            return f"for CUDA {number.value // 1000}.{number.value % 1000 // 10}"
    except (OSError, AttributeError):
        pass
    return ""


def _has_device(machine: Machine) -> bool:
    devices = machine.at("sys/bus/pci/devices")
    if machine.at("dev/nvidia0").exists():
        return True
    try:
        places = list(devices.iterdir())
    except OSError:
        return False
    return any(
        machine.read(place / "vendor").strip() == NVIDIA_VENDOR
        and machine.read(place / "class").strip().startswith(("0x0300", "0x0302"))
        for place in places
    )


def _read_row(line: str) -> Gpu | None:
    """`NVIDIA H100 80GB HBM3, 535.104.05, 9.0, 81559, 81000`."""
    parts = [part.strip() for part in line.split(",")]
    if len(parts) < 5 or not release_of(parts[-4]):
        return None
    capability = release_of(parts[-3])
    return Gpu(
        name=", ".join(parts[:-4]),
        driver=parts[-4],
        capability=(capability[0], capability[1]) if len(capability) == 2 else None,
        memory_mib=int(parts[-2]) if parts[-2].isdigit() else 0,
        free_mib=int(parts[-1]) if parts[-1].isdigit() else 0,
    )


def _broken(says: str) -> Line:
    return Line(check="gpu", verdict="fail", says=says, next_step=REINSTALL)


def _is_named(framework: str, distribution: str) -> bool:
    return distribution == framework or (framework == "cupy" and distribution.startswith("cupy-cuda"))


def _dotted(release: tuple[int, ...]) -> str:
    return ".".join(str(part) for part in release)
