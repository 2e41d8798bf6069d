from __future__ import annotations

from collections.abc import Iterator

from pavedroad.checks.dockerfile import Image
from pavedroad.checks.model import Found
from pavedroad.checks.project import Project, Unit
from pavedroad.checks.rule import rule
from pavedroad.checks.rules.env.facts import table
from pavedroad.checks.rules.env.pinned import Pin, is_within, pins_of, version_of
from pavedroad.checks.rules.env.pythons import Minor, StatedPython, dotted, python_of_image, stated_pythons
from pavedroad.environments import Lock, Target, fits_of

# The glibc of the systems below Python's official images, by the word in the tag.
GLIBC = {
    "trixie": (2, 41), "bookworm": (2, 36), "bullseye": (2, 31), "buster": (2, 28), "stretch": (2, 24),
    "jessie": (2, 19),
}  # fmt: skip
USUAL_GLIBC = (2, 36)
MUSL = (1, 2)
SHOWN = 5
OLDEST_KNOWN, NEWEST_KNOWN = (3, 6), (3, 14)  # of the table of wheels: what has none there has none later


@rule("ENV011", "no-wheel", since="0.1", explore="note", team="warning", production="error", of_project=True)
def no_wheel(project: Project) -> Iterator[Found]:
    """Every pinned package has a wheel for the Python and the system it is installed on.

    Why:
        Without one pip looks for a compiler and fails, minutes into the build and far from the cause. Of nine
        requirements files that were tried on Python 3.12, four failed, most of them for this.
    Bad:
        ```text
        Dockerfile          FROM python:3.12-slim
        requirements.txt    numpy==1.24.3
        ```
    Good:
        ```text
        Dockerfile          FROM python:3.12-slim
        requirements.txt    numpy==1.26.4
        ```
    Accepts:
        Packages that never had wheels, versions that fit one of the Pythons a range allows, and projects that
        name no Python. Locks say themselves which wheels there are; for pins in manifests there is a table of
        the compiled packages most used in data science.
    References:
        https://packaging.python.org/en/latest/specifications/platform-compatibility-tags/
    """
    stated = [each for each in stated_pythons(project) if each.kind in ("manifest", "version-file", "image")]
    for unit in project.units:
        ours = [each for each in stated if each.folder in ("", unit.folder)]
        exact = [each for each in ours if each.only]
        lock = project.lock(unit.lock) if unit.lock else None
        if lock and any(package.files for package in lock.packages):
            yield from _in_lock(project, unit, lock, exact)
        yield from _in_manifests(project, unit, exact or ours[:1])


def _in_lock(project: Project, unit: Unit, lock: Lock, exact: list[StatedPython]) -> Iterator[Found]:
    """Where a lock names its files: nothing fits, or only a source of what has wheels for others."""
    for stated, target in _targets(project, unit, exact):
        bad = [
            fit
            for fit in fits_of(lock, target)
            if fit.state == "none" or (fit.state == "source" and fit.why != "there is no wheel")
        ]
        if bad:
            shown = ", ".join(f"{fit.package.name} {fit.package.version}" for fit in bad[:SHOWN])
            more = f" and {len(bad) - SHOWN} more" if len(bad) > SHOWN else ""
            has_or_have = "has" if len(bad) == 1 else "have"
            yield Found(
                at=stated.at,
                says=f"{shown}{more} of {unit.lock} {has_or_have} no wheel for {target.says}: {bad[0].why}",
                hint="take a Python or an image that the lock has wheels for, or newer versions",
            )


def _targets(
    project: Project, unit: Unit, exact: list[StatedPython]
) -> Iterator[tuple[StatedPython, Target]]:
    seen = set()
    images = {
        (dockerfile.path, stage.base.line): stage.image
        for dockerfile in project.dockerfiles
        for stage in dockerfile.stages
    }
    for stated in exact:
        image = images.get((stated.at.path, stated.at.line)) if stated.kind == "image" else None
        if stated.only and (stated.kind != "image" or stated.folder == unit.folder):
            target = _target(stated.only, image)
            if target not in seen:
                seen.add(target)
                yield stated, target


def _target(python: Minor, image: Image | None) -> Target:
    tag = image.tag if image and python_of_image(image) else ""
    if "alpine" in tag:
        return Target(python=python, glibc=(0, 0), musl=MUSL)
    return Target(
        python=python, glibc=next((glibc for word, glibc in GLIBC.items() if word in tag), USUAL_GLIBC)
    )


def _in_manifests(project: Project, unit: Unit, stated: list[StatedPython]) -> Iterator[Found]:
    wheels = {(row["package"], row["python"]): row for row in table("wheels")}
    known = {row["package"] for row in wheels.values()}
    for pin in pins_of(project, unit):
        if (
            pin.declared is None
            or pin.declared.group
            or pin.name not in known
            or version_of(pin.version) is None
        ):
            continue
        for each in stated:
            if each.kind == "image" and each.folder != unit.folder:
                continue
            if all(not _has_wheel(wheels, pin, python) for python in each.allowed):
                yield _found(project, wheels, pin, each)
                break


def _has_wheel(wheels: dict[tuple[str, str], dict[str, str]], pin: Pin, python: Minor) -> bool:
    row = wheels.get((pin.name, dotted(min(python, NEWEST_KNOWN))))
    if row is None:  # no release for this Python; of the oldest ones the table knows nothing
        return python < OLDEST_KNOWN
    version = pin.version.partition("+")[0]
    if is_within(version, f"<{row['first']}"):
        return False
    return not row["last"] or is_within(version, f"<={row['last']}")


def _ends(stated: StatedPython) -> tuple[Minor, Minor]:
    return min(stated.allowed), max(stated.allowed)


def _python(stated: StatedPython) -> str:
    return f"Python {dotted(stated.only)}" if stated.only else f"any Python in {stated.says}"


def _found(
    project: Project, wheels: dict[tuple[str, str], dict[str, str]], pin: Pin, stated: StatedPython
) -> Found:
    oldest, newest = (wheels.get((pin.name, dotted(min(end, NEWEST_KNOWN)))) for end in _ends(stated))
    version = pin.version.partition("+")[0]
    if oldest and is_within(version, f"<{oldest['first']}"):
        hint = f"take {pin.name} {oldest['first']} or newer, or an older Python"
    elif newest and newest["last"] and is_within(version, f">{newest['last']}"):
        hint = f"take {pin.name} {newest['last']} or older, or a newer Python"
    else:
        hint = f"take a Python that {pin.name} has wheels for"
    return Found(
        at=pin.place(project),
        says=f"{pin.name} {pin.version} has no wheel for {_python(stated)} of {stated.at.path}",
        hint=hint,
    )
