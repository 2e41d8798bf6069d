from pathlib import Path

import pytest

from pavedroad.environments import Lock, LockedPackage, Target, read_lock
from pavedroad.environments.fitting import misfits, read_pair
from pavedroad.errors import Invalid

DEEP = Path(__file__).parent / "locks" / "uv-deep" / "uv.lock"
HERE = Target(python=(3, 11), glibc=(2, 36))


def told(lock: Lock, target: Target = HERE, **more: str) -> list[tuple[str, str]]:
    return [(line.check, line.verdict) for line in misfits(lock, target, **more)]


def test_a_lock_fits_the_machine_it_was_made_for() -> None:
    assert told(read_lock(DEEP)) == []


def test_an_older_c_library_or_another_python_does_not_fit() -> None:
    assert ("nvidia-cusparselt-cu12 0.6.2", "fail") in told(
        read_lock(DEEP), Target(python=(3, 11), glibc=(2, 5))
    )
    other = told(read_lock(DEEP), Target(python=(3, 8)))
    assert {("Python", "fail"), ("torch 2.6.0", "fail")} <= set(other)


@pytest.mark.parametrize(
    ("driver", "expected"),
    [
        ("560.28.03", []),
        ("535.104.05", [("driver", "warn")]),
        ("470.82.01", [("driver", "fail")]),
    ],
)
def test_a_driver_is_compared(driver: str, expected: list[tuple[str, str]]) -> None:
    assert told(read_lock(DEEP), driver=driver) == expected


@pytest.mark.parametrize(
    ("image", "expected"),
    [
        ("nvidia/cuda:12.1.0-runtime-ubuntu22.04", []),
        ("nvidia/cuda:11.8.0-runtime-ubuntu22.04", [("image", "fail")]),
        ("python:3.11", []),
    ],
)
def test_an_image_is_compared(image: str, expected: list[tuple[str, str]]) -> None:
    assert told(read_lock(DEEP), image=image) == expected


def test_a_gpu_image_is_wasted_on_a_lock_without_gpu() -> None:
    bare = Lock(kind="uv", file="uv.lock", packages=(LockedPackage(name="torch", version="2.7.0+cpu"),))
    assert told(bare, image="nvidia/cuda:12.1.0-runtime-ubuntu22.04") == [("image", "warn")]


def test_two_majors_do_not_fit_each_other() -> None:
    packages = (
        LockedPackage(name="torch", version="2.7.0+cu126"),
        LockedPackage(name="nvidia-nccl-cu13", version="2.28.9"),
    )
    (line,) = misfits(Lock(kind="uv", file="uv.lock", packages=packages), HERE)
    assert line.says == (
        "two majors are installed together: CUDA 12 by torch 2.7.0+cu126 (local version);"
        " CUDA 13 by nvidia-nccl-cu13 2.28.9 (companion)"
    )


def test_what_is_no_version_is_refused() -> None:
    with pytest.raises(Invalid, match="no version of a driver"):
        misfits(read_lock(DEEP), HERE, driver="new")
    with pytest.raises(Invalid, match="no version of Python"):
        read_pair("three", "Python")
