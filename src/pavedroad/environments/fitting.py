"""Whether a lock fits a machine that is not here: its wheels, its CUDA, a driver and an image."""

from __future__ import annotations

import re

from pavedroad.environments.cuda import (
    CudaSign,
    cuda_majors,
    cuda_of_image,
    cuda_of_lock,
    cuda_signs,
    driver_text,
    full_driver,
    oldest_driver,
    release_of,
)
from pavedroad.environments.model import Lock
from pavedroad.environments.probe import Line
from pavedroad.environments.python_ranges import is_allowed
from pavedroad.environments.wheels import Target, fits_of
from pavedroad.errors import Invalid


def misfits(lock: Lock, target: Target, *, driver: str = "", image: str = "") -> list[Line]:
    """What fails or has to be looked at, worst first; empty when everything fits.

    Raises Invalid for a driver that is no version.
    """
    lines = [*_python(lock, target), *_wheels(lock, target), *_two_majors(lock)]
    sign = cuda_of_lock(lock)
    if image and (inside := cuda_of_image(image)):
        lines += _image(sign, inside)
    if driver:
        lines += [line for each in (sign, cuda_of_image(image)) if each for line in _driver(each, driver)]
    return sorted(lines, key=lambda line: line.verdict != "fail")


def read_pair(text: str, what: str) -> tuple[int, int]:
    """`3.12` as (3, 12). Raises Invalid."""
    match = re.fullmatch(r"(\d{1,3})\.(\d{1,3})(?:\.\d+)?", text.strip())
    if match is None:
        raise Invalid(f"{text!r} is no version of {what}", hint="write two numbers, e.g. 3.12")
    return int(match.group(1)), int(match.group(2))


def _python(lock: Lock, target: Target) -> list[Line]:
    # Any fix of this minor version: a lock says `>=3.11.4` as well.
    version = f"{target.python[0]}.{target.python[1]}.99"
    if not lock.requires_python or is_allowed(version, lock.requires_python):
        return []
    says = f"{target.python[0]}.{target.python[1]} is not {lock.requires_python}, which the lock was made for"
    return [Line(check="Python", verdict="fail", says=says)]


def _wheels(lock: Lock, target: Target) -> list[Line]:
    lines = []
    for fit in fits_of(lock, target):
        if fit.state == "none" or (fit.state == "source" and len(fit.package.files) > 1):
            is_none = fit.state == "none"
            lines.append(
                Line(
                    check=f"{fit.package.name} {fit.package.version}",
                    verdict="fail" if is_none else "warn",
                    says=fit.why if is_none else f"has to be compiled: {fit.why}",
                )
            )
    return lines


def _two_majors(lock: Lock) -> list[Line]:
    majors = cuda_majors(cuda_signs(lock))
    if len(majors) < 2:
        return []
    told = "; ".join(f"CUDA {major} by {signs[0].says}" for major, signs in sorted(majors.items()))
    return [Line(check="CUDA", verdict="fail", says=f"two majors are installed together: {told}")]


def _image(sign: CudaSign | None, inside: CudaSign) -> list[Line]:
    if sign is None:
        says = f"{inside.package} has CUDA {inside.cuda}, but nothing in the lock is built for a GPU"
        return [Line(check="image", verdict="warn", says=says)]
    brings_its_own = sign.kind in ("local version", "index", "companion")
    if sign.cuda.major == inside.cuda.major or (brings_its_own and sign.cuda.major < inside.cuda.major):
        return []
    says = f"{inside.package} has CUDA {inside.cuda}, {sign.says} needs {sign.cuda}"
    return [Line(check="image", verdict="fail", says=says)]


def _driver(sign: CudaSign, driver: str) -> list[Line]:
    release = release_of(driver)
    if not release:
        raise Invalid(f"{driver!r} is no version of a driver", hint="write it as nvidia-smi does: 535.104.05")
    least, full = oldest_driver(sign.cuda), full_driver(sign.cuda)
    if least and release < least:
        says = f"{driver} is older than {driver_text(least)}, which CUDA {sign.cuda} of {sign.package} needs"
        return [Line(check="driver", verdict="fail", says=says)]
    if full and release < full:
        own = driver_text(full)
        says = f"{driver} runs CUDA {sign.cuda} of {sign.package} without what is newer; its own is {own}"
        return [Line(check="driver", verdict="warn", says=says)]
    return []
