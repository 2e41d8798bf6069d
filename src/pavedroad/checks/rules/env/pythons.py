"""Every place where a project says which Python it runs on, and which versions that allows."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date

import msgspec

from pavedroad.checks.dockerfile import Dockerfile, Image, Stage, read_image
from pavedroad.checks.model import Place
from pavedroad.checks.project import Project, unit_folder
from pavedroad.environments import Manifest

Minor = tuple[int, int]
# First release and last day of support of each Python, of https://devguide.python.org/versions/ in November
# 2026; where it names only a month, the last day of that month.
RELEASED_AND_ENDED: dict[Minor, tuple[date, date]] = {
    (2, 7): (date(2010, 7, 3), date(2020, 1, 1)),
    (3, 4): (date(2014, 3, 16), date(2019, 3, 18)),
    (3, 5): (date(2015, 9, 13), date(2020, 9, 30)),
    (3, 6): (date(2016, 12, 23), date(2021, 12, 23)),
    (3, 7): (date(2018, 6, 27), date(2023, 6, 27)),
    (3, 8): (date(2019, 10, 14), date(2024, 10, 7)),
    (3, 9): (date(2020, 10, 5), date(2025, 10, 31)),
    (3, 10): (date(2021, 10, 4), date(2026, 10, 31)),
    (3, 11): (date(2022, 10, 24), date(2027, 10, 31)),
    (3, 12): (date(2023, 10, 2), date(2028, 10, 31)),
    (3, 13): (date(2024, 10, 7), date(2029, 10, 31)),
    (3, 14): (date(2025, 10, 7), date(2030, 10, 31)),
    (3, 15): (date(2026, 10, 1), date(2031, 10, 31)),
}
_PYTHON_IMAGE = re.compile(
    r"(?:^|/)(?:python|cimg/python|circleci/python|lambda/python|miniconda3?-python|pypy)$"
)
_PYTHON_IN_TAG = re.compile(r"(?:^|[-_])(?:python|py)(\d)\.?(\d{1,2})(?=$|[-_.])")
_EXACT = re.compile(r"(?:python-?)?(\d)\.(\d{1,2})(?:\.(?:\d+|\*|x))?(?:rc\d+|-dev)?$")
_CLAUSE = re.compile(r"(===|==|~=|!=|>=|<=|\^|>|<|=|~)?\s*v?(\d+(?:\.\d+)*(?:\.\*)?)")


class StatedPython(msgspec.Struct, frozen=True, kw_only=True):
    """What one place says."""

    at: Place
    says: str  # as written: `>=3.9`, `python:3.8-slim`
    allowed: frozenset[Minor]  # of the Pythons that exist
    kind: str  # manifest, version-file, image, ci or lock
    folder: str  # of the unit it speaks for

    @property
    def only(self) -> Minor | None:
        """The one Python it allows."""
        return next(iter(self.allowed)) if len(self.allowed) == 1 else None


def dotted(python: Minor) -> str:
    return f"{python[0]}.{python[1]}"


def stated_pythons(project: Project) -> list[StatedPython]:
    return [
        stated
        for source in (_of_manifests, _of_version_files, _of_images, _of_devcontainers, _of_ci, _of_locks)
        for stated in source(project)
        if stated.allowed
    ]


def allowed_pythons(text: str) -> frozenset[Minor]:
    """The Pythons a specifier of pip, Poetry or conda allows; a bare version means itself. Empty: unknown."""
    found: set[Minor] = set()
    for alternative in re.split(r"\|\|?", text):
        clauses = _CLAUSE.findall(alternative)
        if not clauses:
            return frozenset()
        found |= {
            python for python in RELEASED_AND_ENDED if all(_allows(python, *clause) for clause in clauses)
        }
    return frozenset(found)


def _allows(python: Minor, operator: str, version: str) -> bool:
    numbers = [int(part) for part in version.removesuffix(".*").split(".")]
    minor = (numbers[0], numbers[1]) if len(numbers) > 1 else None
    if operator in ("", "=", "==", "==="):
        return python == minor if minor else python[0] == numbers[0]
    low = minor or (numbers[0], 0)
    has_patch = len(numbers) > 2
    if operator == "!=":
        return has_patch or python != minor
    if operator == "^":
        return python >= low and python[0] == numbers[0]
    if operator == "~" or (operator == "~=" and has_patch):
        return python == minor if minor else python[0] == numbers[0]
    if operator == "~=":
        return python >= low and python[0] == numbers[0]
    return {
        ">=": python >= low,
        ">": python >= low if has_patch else python > low,
        "<=": python <= low if minor else python[0] <= numbers[0],
        "<": python <= low if has_patch and numbers[2] > 0 else python < low,
    }[operator]


def _of_manifests(project: Project) -> Iterator[StatedPython]:
    for manifest in project.manifests:
        if manifest.python:
            yield StatedPython(
                at=python_place(project, manifest),
                says=manifest.python,
                allowed=allowed_pythons(manifest.python),
                kind="manifest",
                folder=unit_folder(manifest.file),
            )


def python_place(project: Project, manifest: Manifest) -> Place:
    """Where a manifest says its Python."""
    pattern = re.compile(
        r"""^\s*(?:-\s*)?["']?(?:requires-python|python_requires|python_full_version|python_version|python)\b"""
    )
    lines = project.text(manifest.file).split("\n")
    known = [number for number, line in enumerate(lines, 1) if pattern.match(line) and re.search(r"\d", line)]
    exact = [number for number in known if manifest.python in lines[number - 1]]
    return project.line(manifest.file, (exact or known or [1])[0])


def _of_version_files(project: Project) -> Iterator[StatedPython]:
    for path in project.named(".python-version", "runtime.txt", ".tool-versions"):
        for number, line in enumerate(project.text(path).split("\n"), 1):
            text = line.strip()
            if not text or text.startswith("#"):
                continue
            if path.endswith(".tool-versions"):
                if not text.startswith("python "):
                    continue
                text = text.split()[1]
            match = _EXACT.match(text)
            if match:
                yield StatedPython(
                    at=project.line(path, number),
                    says=text,
                    allowed=frozenset({(int(match.group(1)), int(match.group(2)))}),
                    kind="version-file",
                    folder=unit_folder(path),
                )
            break


def python_of_image(image: Image) -> Minor | None:
    """The Python in a container image, by its name and tag."""
    if not image.is_known:
        return None
    match = _EXACT.match(image.tag.partition("-")[0]) if _PYTHON_IMAGE.search(image.name) else None
    match = match or _PYTHON_IN_TAG.search(image.tag)
    return (int(match.group(1)), int(match.group(2))) if match else None


def _of_images(project: Project) -> Iterator[StatedPython]:
    for dockerfile in project.dockerfiles:
        for stage in dockerfile.stages:
            python = python_of_image(stage.image)
            if python and stage.parent is None:
                yield StatedPython(
                    at=project.line(dockerfile.path, stage.base.line),
                    says=f"{stage.image.short_name}:{stage.image.tag}",
                    allowed=frozenset({python}),
                    kind="image",
                    folder=unit_served(project, dockerfile, stage),
                )


def unit_served(project: Project, dockerfile: Dockerfile, stage: Stage) -> str:
    """The unit whose packages the image gets; `?` when it installs none of ours."""
    copied = [
        argument.removeprefix("./")
        for each in dockerfile.stages
        if each.index == stage.index or each.parent == stage.index
        for instruction in each.named("COPY", "ADD")
        if "from" not in instruction.flags
        for argument in instruction.arguments[:-1]
    ]
    units = sorted(project.units, key=lambda unit: len(unit.folder), reverse=True)
    for unit in units:
        names = {manifest.file for manifest in unit.manifests} | ({unit.lock} if unit.lock else set())
        for source in copied:
            roots = {source, dockerfile.folder + source}
            folder = unit.folder if source in (".", "*", "") else ""
            if roots & names or (source in (".", "./", "") and dockerfile.folder == folder):
                return unit.folder
    return "?"


def _of_devcontainers(project: Project) -> Iterator[StatedPython]:
    """What an editor's container runs: it says a version, though nothing is installed by it."""
    for path in project.named("devcontainer.json", ".devcontainer.json"):
        for number, line in enumerate(project.text(path).split("\n"), 1):
            match = re.search(r"^\s*\"image\"\s*:\s*\"([^\"]+)\"", line)
            python = python_of_image(read_image(match.group(1))) if match else None
            if match and python:
                yield StatedPython(
                    at=project.line(path, number),
                    says=match.group(1).rpartition("/")[2],
                    allowed=frozenset({python}),
                    kind="image",
                    folder="?",
                )


def _of_ci(project: Project) -> Iterator[StatedPython]:
    """A job's versions together: a matrix allows them all."""
    for workflow in project.workflows:
        for job in workflow.jobs:
            if any(_EVERGREEN.fullmatch(version.version) for version in job.pythons):
                continue
            found = frozenset(
                python for version in job.pythons for python in allowed_pythons(version.version)
            )
            if job.pythons and found:
                yield StatedPython(
                    at=job.pythons[0].at,
                    says=", ".join(version.version for version in job.pythons),
                    allowed=found,
                    kind="ci",
                    folder="" if _INSTALLS.search("\n".join(step.run for step in job.steps)) else "?",
                )


_EVERGREEN = re.compile(r"3(\.[x*])?")  # whatever is newest: it says nothing
_INSTALLS = re.compile(
    r"requirements\S*\.txt|pip3? install (?:-e )?[\"']?\.|poetry install|uv sync|pipenv (?:install|sync)|"
    r"pdm (?:install|sync)"
)


def _of_locks(project: Project) -> Iterator[StatedPython]:
    for unit in project.units:
        lock = project.lock(unit.lock) if unit.lock else None
        if lock is None or not lock.requires_python:
            continue
        yield StatedPython(
            at=project.place_of(unit.lock, lock.requires_python),
            says=lock.requires_python,
            allowed=allowed_pythons(lock.requires_python),
            kind="lock",
            folder=unit.folder,
        )
