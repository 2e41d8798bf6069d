from pavedroad.environments import Host, Lock, LockedPackage, Need, Target
from pavedroad.environments.comparison import (
    compare,
    drift,
    is_same_version,
    side_of_environment,
    side_of_lock,
)
from pavedroad.environments.model import Environment

HERE = Target(python=(3, 11))


def lock(*packages: LockedPackage, python: str = "") -> Lock:
    return Lock(kind="uv", file="uv.lock", requires_python=python, packages=packages)


def package(name: str, version: str, **more: object) -> LockedPackage:
    return LockedPackage(name=name, version=version, **more)  # type: ignore[arg-type]


def test_what_was_added_removed_and_moved_is_told() -> None:
    before = side_of_lock(
        "old", lock(package("numpy", "1.26.4"), package("six", "1.16"), package("a", "2.0"))
    )
    after = side_of_lock("new", lock(package("numpy", "2.1.0"), package("tqdm", "4.66"), package("a", "1.9")))

    changes = compare(before, after).changes
    assert [(change.name, change.kind, change.before, change.after) for change in changes] == [
        ("a", "downgraded", "2.0", "1.9"),
        ("numpy", "upgraded", "1.26.4", "2.1.0"),
        ("six", "removed", "1.16", ""),
        ("tqdm", "added", "", "4.66"),
    ]


def test_versions_compare_as_numbers_and_a_build_alone_is_a_change() -> None:
    before = side_of_lock("old", lock(package("scipy", "1.9.0"), package("torch", "2.7.0+cu118")))
    after = side_of_lock("new", lock(package("scipy", "1.10.0"), package("torch", "2.7.0+cu126")))

    found = compare(before, after)
    assert [change.kind for change in found.changes] == ["upgraded", "changed"]
    assert (found.before.cuda, found.after.cuda) == ("11.8", "12.6")


def test_another_python_is_a_difference_too() -> None:
    old, new = (side_of_lock(python, lock(python=python)) for python in ("==3.11.*", "==3.12.*"))
    assert not compare(old, new).is_same
    assert compare(old, old).is_same


def test_what_a_run_had_compares_with_a_lock() -> None:
    environment = Environment(
        python="3.11.7",
        implementation="cpython",
        lock_file="",
        lock_digest="",
        installed={"numpy": "2.1.0"},
        host=Host(name="lab", system="Linux", machine="x86_64", libc="glibc 2.36", cpus=2),
        digest="d",
    )
    found = compare(
        side_of_environment("run", environment), side_of_lock("lock", lock(package("numpy", "2.1.0")))
    )
    assert found.changes == []


def test_drift_is_what_differs_misses_or_is_not_locked() -> None:
    locked = lock(
        package("mine", "0.1", is_project=True, needs=(Need(name="numpy"), Need(name="pandas"))),
        package("numpy", "2.1.0"),
        package("pandas", "2.2.3"),
    )
    installed = {"numpy": "2.0.0", "ipdb": "0.13", "pip": "24.0", "mine": "0.1"}

    assert [(each.kind, each.name) for each in drift(locked, installed, HERE)] == [
        ("different", "numpy"),
        ("missing", "pandas"),
        ("extra", "ipdb"),
    ]


def test_what_only_an_extra_or_another_system_asks_for_is_not_missing() -> None:
    locked = lock(
        package(
            "mine",
            "0.1",
            is_project=True,
            needs=(
                Need(name="numpy"),
                Need(name="matplotlib", group="plot"),
                Need(name="pytest", group="dev"),
                Need(name="pywin32", marker="sys_platform == 'win32'"),
            ),
        ),
        package("numpy", "2.1.0"),
        package("matplotlib", "3.9"),
        package("pytest", "8.0"),
        package("pywin32", "311"),
        package("psycopg", "3.2", is_optional=True),
    )
    found = drift(locked, {"numpy": "2.1.0"}, HERE)
    assert [(each.kind, each.name) for each in found] == [("missing", "pytest")]


def test_versions_are_the_same_as_indexes_see_them() -> None:
    assert is_same_version("1.0", "1.0.0")
    assert is_same_version("2.7.0", "2.7.0+cu126")
    assert not is_same_version("2.7.0+cpu", "2.7.0+cu126")
    assert not is_same_version("1.0", "1.1")
    assert not is_same_version("not a version", "1.1")
