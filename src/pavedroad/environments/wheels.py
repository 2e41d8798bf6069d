"""Whether what a lock names can be installed on a target: a Python, a system, a machine and its C library.

Only file names are read: a wheel's name says for what it was built.
"""

from __future__ import annotations

import platform
import re
from collections.abc import Iterable, Iterator
from functools import lru_cache
from typing import Literal

import msgspec

from pavedroad.environments.model import Lock, LockedPackage

State = Literal["wheel", "source", "none", "unknown"]
_GLIBC_OF_OLD_TAG = {"manylinux1": 5, "manylinux2010": 12, "manylinux2014": 17}
_OLD_TAG_OF_GLIBC = {glibc: tag for tag, glibc in _GLIBC_OF_OLD_TAG.items()}
_MANYLINUX = re.compile(r"manylinux(?:(1|2010|2014)|_2_(\d+))_(\w+)")
_SDIST = (".tar.gz", ".zip", ".tar.bz2", ".tar.xz", ".tgz")
_ENVIRONMENT_NAME = {"Linux": ("linux", "posix"), "Darwin": ("darwin", "posix"), "Windows": ("win32", "nt")}


class Target(msgspec.Struct, frozen=True, kw_only=True):
    """Where something shall be installed."""

    python: tuple[int, int]
    system: str = "Linux"  # Linux, Darwin or Windows
    machine: str = "x86_64"  # x86_64, aarch64, arm64, AMD64
    glibc: tuple[int, int] = (2, 36)  # Linux: (0, 0) with musl
    musl: tuple[int, int] = (0, 0)  # Linux without glibc (Alpine)
    macos: tuple[int, int] = (14, 0)
    implementation: str = "cpython"

    @property
    def says(self) -> str:
        """`Python 3.12 on Linux x86_64 with glibc 2.36`."""
        libc = ""
        if self.system == "Linux":
            libc = (
                f" with glibc {_dotted(self.glibc)}"
                if any(self.glibc)
                else f" with musl {_dotted(self.musl)}"
            )
        return f"Python {_dotted(self.python)} on {self.system} {self.machine}{libc}"


class Fit(msgspec.Struct, frozen=True, kw_only=True):
    """How one locked package gets onto a target."""

    package: LockedPackage
    state: State  # unknown: the lock names no files
    why: str = ""  # of source and none: what the wheels there are for


def this_target() -> Target:
    """The Python and machine of this process."""
    import sys

    libc, version = platform.libc_ver()
    numbers = tuple(int(part) for part in re.findall(r"\d+", version)[:2])
    is_glibc = libc == "glibc" and len(numbers) == 2
    is_musl = platform.system() == "Linux" and not is_glibc
    macos = tuple(int(part) for part in re.findall(r"\d+", platform.mac_ver()[0])[:2])
    return Target(
        python=sys.version_info[:2],
        system=platform.system(),
        machine=platform.machine(),
        glibc=(numbers[0], numbers[1]) if is_glibc else (0, 0),
        musl=(1, 2) if is_musl else (0, 0),
        macos=(macos[0], macos[1]) if len(macos) == 2 else (14, 0),
        implementation=sys.implementation.name,
    )


def fits_of(lock: Lock, target: Target) -> list[Fit]:
    """How each package of a lock gets onto the target; those that the target does not need are left out."""
    return [fit_of(package, target) for package in needed_on(lock, target)]


def fit_of(package: LockedPackage, target: Target) -> Fit:
    """Whether a wheel fits, only a source would, or nothing does."""
    if package.source == "conda" or not package.files:
        return Fit(package=package, state="unknown")
    wheels = [name for name in package.files if name.endswith(".whl")]
    tags = supported_tags(target)
    if any(not tags.isdisjoint(_tags_of(name)) for name in wheels):
        return Fit(package=package, state="wheel")
    has_source = any(name.endswith(_SDIST) for name in package.files)
    why = _why_none(wheels, target) if wheels else "there is no wheel"
    return Fit(package=package, state="source" if has_source else "none", why=why)


def needed_on(lock: Lock, target: Target) -> list[LockedPackage]:
    """The packages that an installation on this target takes, as far as the lock's markers tell.

    Left out is what a false marker excludes, and what only such packages, or needs with a false marker,
    ask for.
    """
    environment = marker_environment(target)
    kept = [
        package
        for package in lock.packages
        if is_true(package.marker, environment) and _is_in_group(package.group, target)
    ]
    while True:
        asked = {(need.name, is_true(need.marker, environment)) for package in kept for need in package.needs}
        wanted = {name for name, holds in asked if holds}
        unwanted = {name for name, holds in asked if not holds} - wanted
        unwanted |= _orphans(lock, kept, wanted)
        left = [package for package in kept if package.name not in unwanted]
        if len(left) == len(kept):
            return kept
        kept = left


def is_true(marker: str, environment: dict[str, str]) -> bool:
    """Whether a PEP 508 marker holds; one that cannot be read, or asks for an extra, does."""
    if not marker:
        return True
    from packaging.markers import InvalidMarker, Marker, UndefinedEnvironmentName

    extras = re.findall(r"extra\s*==\s*['\"]([^'\"]+)['\"]", marker) or [""]
    try:
        return any(Marker(marker).evaluate({**environment, "extra": extra}) for extra in extras)
    except (InvalidMarker, UndefinedEnvironmentName, ValueError, KeyError, RecursionError):
        return True


def marker_environment(target: Target) -> dict[str, str]:
    """The values that markers compare, for a target."""
    sys_platform, os_name = _ENVIRONMENT_NAME.get(target.system, ("linux", "posix"))
    name = "PyPy" if target.implementation == "pypy" else "CPython"
    return {
        "implementation_name": target.implementation,
        "implementation_version": f"{_dotted(target.python)}.0",
        "os_name": os_name,
        "platform_machine": target.machine,
        "platform_release": "",
        "platform_system": target.system,
        "platform_version": "",
        "python_full_version": f"{_dotted(target.python)}.0",
        "platform_python_implementation": name,
        "python_version": _dotted(target.python),
        "sys_platform": sys_platform,
    }


@lru_cache(maxsize=64)
def supported_tags(target: Target) -> frozenset[str]:
    """Every wheel tag the target takes, as `cp312-abi3-manylinux_2_28_x86_64`."""
    from packaging.tags import compatible_tags, cpython_tags, generic_tags

    platforms = list(_platforms(target))
    nodot = f"{target.python[0]}{target.python[1]}"
    if target.implementation == "cpython":
        tags = [*cpython_tags(target.python, [f"cp{nodot}"], platforms)]
        interpreter = f"cp{nodot}"
    else:
        interpreter = f"pp{nodot}"
        tags = [*generic_tags(interpreter, [f"pypy{nodot}_pp73"], platforms)]
    tags += compatible_tags(target.python, interpreter, platforms)
    return frozenset(str(tag) for tag in tags)


def _platforms(target: Target) -> Iterator[str]:
    from packaging.tags import mac_platforms

    if target.system == "Darwin":
        yield from mac_platforms(target.macos, "arm64" if target.machine == "arm64" else "x86_64")
    elif target.system == "Windows":
        yield {"AMD64": "win_amd64", "x86_64": "win_amd64", "ARM64": "win_arm64"}.get(target.machine, "win32")
    else:
        yield from _linux_platforms(target)


def _linux_platforms(target: Target) -> Iterator[str]:
    machine = {"AMD64": "x86_64", "arm64": "aarch64"}.get(target.machine, target.machine)
    for minor in range(target.glibc[1] if target.glibc[0] == 2 else -1, 4, -1):
        yield f"manylinux_2_{minor}_{machine}"
        if minor in _OLD_TAG_OF_GLIBC:
            yield f"{_OLD_TAG_OF_GLIBC[minor]}_{machine}"
    if any(target.musl):
        for minor in range(target.musl[1], -1, -1):
            yield f"musllinux_{target.musl[0]}_{minor}_{machine}"
    yield f"linux_{machine}"


@lru_cache(maxsize=65536)
def _tags_of(wheel: str) -> frozenset[str]:
    """`a-1-py2.py3-none-any.whl` as its tags; empty for a name that is no wheel's."""
    parts = wheel.removesuffix(".whl").lower().split("-")
    if len(parts) < 5:
        return frozenset()
    pythons, abis, platforms = (part.split(".") for part in parts[-3:])
    return frozenset(f"{python}-{abi}-{where}" for python in pythons for abi in abis for where in platforms)


def _why_none(wheels: list[str], target: Target) -> str:
    """The first thing that no wheel offers: the system, the Python, or a C library this old."""
    tags = [tuple(tag.split("-", 2)) for wheel in wheels for tag in sorted(_tags_of(wheel))]
    here = [tag for tag in tags if _is_for_system(tag[2], target)]
    if not here:
        systems = sorted({_system_of(tag[2]) for tag in tags})
        musl = "musl " if any(target.musl) else ""
        return f"its wheels are for {', '.join(systems)}, not {musl}{target.system} {target.machine}"
    pythons = supported_pythons(target)
    right = [tag for tag in here if (tag[0], tag[1]) in pythons]
    if not right:
        known = sorted({tag[0] for tag in here if tag[0][:2] in ("cp", "py")}, key=_python_order) or [
            "others"
        ]
        shown = known[0] if len(known) == 1 else f"{known[0]} to {known[-1]}"
        return f"its wheels are for {shown}, not cp{target.python[0]}{target.python[1]}"
    needed = [glibc for tag in right if (glibc := glibc_needed(tag[2]))]
    if needed and any(target.glibc):
        return f"its wheels need glibc {_dotted(min(needed))} or newer, not {_dotted(target.glibc)}"
    return f"its wheels are for {', '.join(sorted({tag[2] for tag in right}))}"


def supported_pythons(target: Target) -> set[tuple[str, str]]:
    """Interpreter and ABI of the tags that the target takes."""
    return {(parts[0], parts[1]) for tag in supported_tags(target) if (parts := tag.split("-", 2))}


def glibc_needed(platform_tag: str) -> tuple[int, int] | None:
    """`manylinux_2_28_x86_64` and `manylinux2014_x86_64` as the glibc they need."""
    match = _MANYLINUX.fullmatch(platform_tag)
    if match is None:
        return None
    old = match.group(1)
    return (2, _GLIBC_OF_OLD_TAG[f"manylinux{old}"]) if old else (2, int(match.group(2)))


def _is_for_system(platform_tag: str, target: Target) -> bool:
    machine = {"AMD64": "x86_64", "arm64": "aarch64"}.get(target.machine, target.machine)
    if platform_tag == "any":
        return True
    if target.system == "Linux":
        libc = ("manylinux", "linux_") if any(target.glibc) else ("musllinux", "linux_")
        return platform_tag.startswith(libc) and platform_tag.endswith(machine)
    if target.system == "Darwin":
        return platform_tag.startswith("macosx") and platform_tag.endswith(
            (target.machine, "universal2", "universal")
        )
    return platform_tag in {tag.split("-", 2)[2] for tag in supported_tags(target)}


def _system_of(platform_tag: str) -> str:
    for start, name in (("macosx", "macOS"), ("win", "Windows"), ("musllinux", "musl Linux")):
        if platform_tag.startswith(start):
            return name
    match = _MANYLINUX.fullmatch(platform_tag)
    return f"Linux {match.group(3)}" if match else platform_tag


def _is_in_group(group: str, target: Target) -> bool:
    """Whether a conda platform, alone or after an environment's name, is the target's."""
    match = re.search(r"(?:^| )(linux|osx|win)-(\w+)$", group)
    if match is None:
        return True
    system = {"Linux": "linux", "Darwin": "osx", "Windows": "win"}.get(target.system, "")
    machine = {"x86_64": "64", "AMD64": "64"}.get(target.machine, target.machine)
    return match.groups() == (system, machine)


def _orphans(lock: Lock, kept: list[LockedPackage], wanted: set[str]) -> set[str]:
    """Packages that somebody in the lock asks for, but nobody who is kept."""
    asked_by_any = {need.name for package in lock.packages for need in package.needs}
    asked_by_kept = {need.name for package in kept for need in package.needs}
    return asked_by_any - asked_by_kept - wanted


def _python_order(tag: str) -> tuple[str, int]:
    match = re.match(r"([a-z]+)(\d)(\d*)", tag)
    return (match.group(1), int(match.group(2)) * 100 + int(match.group(3) or 0)) if match else (tag, 0)


def _dotted(numbers: Iterable[int]) -> str:
    return ".".join(str(number) for number in numbers)
