import sys

import pytest
from packaging.tags import sys_tags

from pavedroad.environments import Lock, LockedPackage, Need, Target, fit_of, fits_of, needed_on, this_target
from pavedroad.environments.wheels import glibc_needed, supported_tags

DEBIAN_12 = Target(python=(3, 11), glibc=(2, 36))
TORCH = "torch-2.15.0-cp311-cp311-manylinux_2_28_x86_64.whl"


def package(*files: str, name: str = "torch", marker: str = "") -> LockedPackage:
    return LockedPackage(name=name, version="1.0", files=files, marker=marker)


@pytest.mark.parametrize(
    "wheel",
    [
        TORCH,
        "six-1.16.0-py2.py3-none-any.whl",
        "cryptography-43-cp37-abi3-manylinux_2_28_x86_64.whl",
        "numpy-1.26.4-cp311-cp311-manylinux_2_17_x86_64.manylinux2014_x86_64.whl",
        "old-1-1-cp311-cp311-linux_x86_64.whl",
        "old-1-cp311-cp311-manylinux1_x86_64.whl",
    ],
)
def test_a_wheel_that_fits_is_found(wheel: str) -> None:
    assert fit_of(package(wheel), DEBIAN_12).state == "wheel"


@pytest.mark.parametrize(
    ("target", "why"),
    [
        (Target(python=(3, 11), glibc=(2, 26)), "its wheels need glibc 2.28 or newer, not 2.26"),
        (Target(python=(3, 9)), "its wheels are for cp311, not cp39"),
        (
            Target(python=(3, 11), machine="aarch64"),
            "its wheels are for Linux x86_64, not Linux aarch64",
        ),
        (
            Target(python=(3, 11), system="Darwin", machine="arm64"),
            "its wheels are for Linux x86_64, not Darwin arm64",
        ),
        (
            Target(python=(3, 11), glibc=(0, 0), musl=(1, 2)),
            "its wheels are for Linux x86_64, not musl Linux x86_64",
        ),
    ],
)
def test_a_wheel_that_does_not_fit_says_why(target: Target, why: str) -> None:
    fit = fit_of(package(TORCH), target)
    assert (fit.state, fit.why) == ("none", why)


def test_a_source_distribution_is_a_way_out() -> None:
    fit = fit_of(package(TORCH, "torch-2.15.0.tar.gz"), Target(python=(3, 9)))
    assert fit.state == "source"


def test_a_lock_without_file_names_tells_nothing() -> None:
    assert fit_of(package(), DEBIAN_12).state == "unknown"


@pytest.mark.parametrize(
    ("system", "machine", "wheel"),
    [
        ("Darwin", "arm64", "x-1-cp311-cp311-macosx_11_0_arm64.whl"),
        ("Darwin", "arm64", "x-1-cp311-cp311-macosx_10_9_universal2.whl"),
        ("Windows", "AMD64", "x-1-cp311-cp311-win_amd64.whl"),
    ],
)
def test_other_systems_have_their_own_wheels(system: str, machine: str, wheel: str) -> None:
    target = Target(python=(3, 11), system=system, machine=machine)
    assert fit_of(package(wheel), target).state == "wheel"
    assert fit_of(package(wheel), DEBIAN_12).state == "none"


def test_our_tags_of_this_machine_are_those_that_pip_takes() -> None:
    theirs = {str(tag) for tag in sys_tags() if not tag.abi.endswith("t")}
    assert theirs <= supported_tags(this_target()), sys.version


def test_a_false_marker_needs_no_wheel() -> None:
    windows = package("pywin32-1-cp311-cp311-win_amd64.whl", marker="sys_platform == 'win32'")
    lock = Lock(kind="pylock", file="pylock.toml", packages=(windows,))
    assert fits_of(lock, DEBIAN_12) == []


def test_what_only_a_false_marker_asks_for_is_not_needed() -> None:
    lock = Lock(
        kind="uv",
        file="uv.lock",
        packages=(
            LockedPackage(
                name="docker", version="7", needs=(Need(name="pywin32", marker="sys_platform == 'win32'"),)
            ),
            LockedPackage(name="pywin32", version="311", needs=(Need(name="adodb"),)),
            LockedPackage(name="adodb", version="1"),
            LockedPackage(name="alone", version="1"),
        ),
    )
    assert [kept.name for kept in needed_on(lock, DEBIAN_12)] == ["docker", "alone"]
    windows = Target(python=(3, 11), system="Windows", machine="AMD64")
    assert len(needed_on(lock, windows)) == 4


def test_packages_that_need_one_another_are_kept() -> None:
    lock = Lock(
        kind="uv",
        file="uv.lock",
        packages=(
            LockedPackage(name="a", version="1", needs=(Need(name="b"),)),
            LockedPackage(name="b", version="1", needs=(Need(name="a"),)),
        ),
    )
    assert len(needed_on(lock, DEBIAN_12)) == 2


def test_a_platform_tag_tells_the_glibc_it_needs() -> None:
    assert glibc_needed("manylinux2014_x86_64") == (2, 17)
    assert glibc_needed("manylinux_2_28_aarch64") == (2, 28)
    assert glibc_needed("win_amd64") is None
