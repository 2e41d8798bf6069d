"""Our reading of locks that the real tools wrote, against what those tools list."""

import re
from pathlib import Path

import pytest

from pavedroad.environments import (
    Lock,
    Target,
    cuda_majors,
    cuda_of_lock,
    cuda_signs,
    fits_of,
    needed_on,
    read_lock,
)

LOCKS = Path(__file__).parent / "locks"
HERE = Target(python=(3, 11), glibc=(2, 36))
CASES = sorted(folder.name for folder in LOCKS.iterdir() if folder.is_dir())
OURSELVES = ("service", "mixed", "deep")


def lock_of(case: str) -> Lock:
    listing = LOCKS / case / "listing.txt"
    names = ("constraints.txt", "web.txt", listing.name)
    (path,) = (path for path in listing.parent.iterdir() if path.name not in names)
    return read_lock(path)


def listed_by_the_tool(case: str) -> set[str]:
    lines = (LOCKS / case / "listing.txt").read_text().splitlines()
    return {spelled(line) for line in lines if not line.startswith("#")}


def spelled(line: str) -> str:
    """`linux-64 Typing_Extensions==4.12` with the name as indexes compare it."""
    group, _, rest = line.rpartition(" ")
    name, _, version = rest.partition("==")
    return f"{group} {name[:1]}{re.sub('[-_.]+', '-', name[1:]).lower()}=={version}".strip().lower()


def read_by_us(case: str) -> set[str]:
    lock = lock_of(case)
    packages = lock.packages
    if case.startswith(("pylock", "requirements", "pip-")):  # these tools list for one machine
        packages = tuple(needed_on(lock, HERE))
    has_groups = case.startswith(("conda-lock", "pixi"))
    return {
        spelled(f"{package.group if has_groups else ''} {package.name}=={package.version}")
        for package in packages
        if package.name not in OURSELVES and package.version
    }


@pytest.mark.parametrize("case", CASES)
def test_a_real_lock_holds_what_its_tool_lists(case: str) -> None:
    assert read_by_us(case) == listed_by_the_tool(case)


@pytest.mark.parametrize("case", CASES)
def test_every_package_of_a_real_lock_knows_its_line(case: str) -> None:
    lock = lock_of(case)
    if case == "pip-includes":
        pytest.skip("its packages stand in several files")
    text = (LOCKS / case / lock.file).read_text().split("\n")
    for package in lock.packages:
        near = " ".join(text[package.line - 1 : package.line + 2])
        assert package.name.lstrip("_") in re.sub("[-_.]+", "-", near).lower(), package


@pytest.mark.parametrize("case", [case for case in CASES if case.endswith(("service", "mixed"))])
def test_every_package_of_a_real_lock_installs_here(case: str) -> None:
    fits = fits_of(lock_of(case), HERE)
    assert {fit.state for fit in fits} <= {"wheel", "unknown"}, [fit for fit in fits if fit.state == "none"]


@pytest.mark.parametrize("case", [case for case in CASES if case.endswith("deep")])
def test_the_cuda_of_a_real_lock_is_found(case: str) -> None:
    lock = lock_of(case)
    sign = cuda_of_lock(lock)
    assert sign is not None
    assert str(sign.cuda) == "12.4"
    assert list(cuda_majors(cuda_signs(lock))) == [12]


def test_the_cuda_of_a_conda_lock_is_found() -> None:
    for case in (
        "pixi7-pytorch",
        "conda-lock-pytorch",
        "conda-explicit-pytorch",
        "conda-environment-pytorch",
    ):
        sign = cuda_of_lock(lock_of(case))
        assert sign is not None
        assert str(sign.cuda) == "12.0"


def test_old_windows_are_left_out_by_the_markers_of_each_format() -> None:
    for case in (
        "uv-mixed",
        "poetry2-mixed",
        "poetry1-mixed",
        "pdm-mixed",
        "pylock-mixed",
        "requirements-mixed",
    ):
        names = {package.name for package in needed_on(lock_of(case), HERE)}
        assert not names & {"pywin32", "colorama"}, case
