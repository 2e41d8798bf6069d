"""The lock formats, each read into the one `Lock` model.

Every reader takes the file's name and text and raises Invalid with what is wrong; none needs the tool
that wrote the file.
"""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Iterable
from typing import Any

from pavedroad.environments.model import Lock, LockedPackage, normalised
from pavedroad.environments.requirements import is_locked_requirements, requirement_lines
from pavedroad.errors import Invalid

__all__ = [
    "is_locked_conda",
    "is_locked_requirements",
    "read_conda",
    "read_pdm",
    "read_pipenv",
    "read_poetry",
    "read_pylock",
    "read_requirements_lock",
    "read_uv",
]
_ALIAS = re.compile(r"(?:^|[\s\[,{:-])\*\w", re.MULTILINE)
MOST_ALIASES = 50  # a few lines of nested aliases can stand for gigabytes
_CONDA_PIN = re.compile(r"([A-Za-z0-9_.-]+?)\s*={1,2}\s*([^\s=*,<>]+)(=[^\s=]+)?")


def read_uv(file: str, text: str) -> Lock:
    tables = _toml(file, text)
    return Lock(
        kind="uv",
        file=file,
        requires_python=_text(tables.get("requires-python")),
        packages=tuple(_uv_package(table) for table in _packages(file, tables.get("package", []))),
    )


def _uv_package(table: dict[str, Any]) -> LockedPackage:
    archives = [*_tables(table.get("wheels")), *_tables([table.get("sdist")])]
    source = table.get("source")
    where = next(iter(source.values()), "") if isinstance(source, dict) else ""
    return LockedPackage(
        name=normalised(table["name"]),
        version=_text(table.get("version")),
        source="" if where == "https://pypi.org/simple" else _text(where),
        marker=" or ".join(str(marker) for marker in _list(table.get("resolution-markers"))),
        files=_file_names(archive.get("url") or archive.get("path") for archive in archives),
        hashes=_texts(archive.get("hash") for archive in archives),
    )


def read_pylock(file: str, text: str) -> Lock:
    """PEP 751."""
    tables = _toml(file, text)
    if "lock-version" not in tables:
        raise Invalid(
            f"{file} has no lock-version", hint="make it again, e.g. with `uv export --format pylock.toml`"
        )
    return Lock(
        kind="pylock",
        file=file,
        requires_python=_text(tables.get("requires-python")),
        packages=tuple(_pylock_package(table) for table in _packages(file, tables.get("packages", []))),
    )


def _pylock_package(table: dict[str, Any]) -> LockedPackage:
    archives = [*_tables(table.get("wheels")), *_tables([table.get("sdist"), table.get("archive")])]
    vcs, directory = table.get("vcs"), table.get("directory")
    source = next(
        (
            _text(place.get("url") or place.get("path"))
            for place in (vcs, directory)
            if isinstance(place, dict)
        ),
        "",
    )
    hashes = [
        f"{kind}:{value}" for archive in archives for kind, value in _dict(archive.get("hashes")).items()
    ]
    return LockedPackage(
        name=normalised(table["name"]),
        version=_text(table.get("version")),
        source=source or _text(table.get("index")).removesuffix("/").replace("https://pypi.org/simple", ""),
        marker=_text(table.get("marker")),
        files=_file_names(
            archive.get("name") or archive.get("url") or archive.get("path") for archive in archives
        ),
        hashes=tuple(hashes),
    )


def read_poetry(file: str, text: str) -> Lock:
    tables = _toml(file, text)
    return Lock(
        kind="poetry",
        file=file,
        requires_python=_text(_dict(tables.get("metadata")).get("python-versions")),
        packages=tuple(_poetry_package(table) for table in _packages(file, tables.get("package", []))),
    )


def _poetry_package(table: dict[str, Any]) -> LockedPackage:
    archives = _tables(table.get("files"))
    markers = table.get("markers")
    return LockedPackage(
        name=normalised(table["name"]),
        version=_text(table.get("version")),
        source=_text(_dict(table.get("source")).get("url")),
        marker=markers if isinstance(markers, str) else "",
        files=_file_names(archive.get("file") for archive in archives),
        hashes=_texts(archive.get("hash") for archive in archives),
    )


def read_pdm(file: str, text: str) -> Lock:
    tables = _toml(file, text)
    metadata = _dict(tables.get("metadata"))
    targets = _tables(metadata.get("targets"))
    requires = _text(targets[0].get("requires_python")) if targets else ""
    return Lock(
        kind="pdm",
        file=file,
        requires_python=requires,
        packages=tuple(_pdm_package(table) for table in _packages(file, tables.get("package", []))),
    )


def _pdm_package(table: dict[str, Any]) -> LockedPackage:
    archives = _tables(table.get("files"))
    return LockedPackage(
        name=normalised(table["name"]),
        version=_text(table.get("version")),
        source=_text(table.get("git") or table.get("url") or table.get("path")),
        marker=_text(table.get("marker")),
        files=_file_names(archive.get("file") or archive.get("url") for archive in archives),
        hashes=_texts(archive.get("hash") for archive in archives),
    )


def read_pipenv(file: str, text: str) -> Lock:
    try:
        tables = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise Invalid(f"{file} is not valid JSON: {error}", hint="make it again with `pipenv lock`") from None
    if not isinstance(tables, dict):
        raise Invalid(
            f"{file} is not a lock: its outermost value is no object", hint="make it again with `pipenv lock`"
        )
    sections = (_dict(tables.get("default")), _dict(tables.get("develop")))
    requires = _dict(_dict(tables.get("_meta")).get("requires"))
    return Lock(
        kind="pipenv",
        file=file,
        requires_python=_text(requires.get("python_full_version") or requires.get("python_version")),
        packages=tuple(
            _pipenv_package(name, _dict(entry)) for section in sections for name, entry in section.items()
        ),
    )


def _pipenv_package(name: str, entry: dict[str, Any]) -> LockedPackage:
    return LockedPackage(
        name=normalised(name),
        version=_text(entry.get("version")).lstrip("="),
        source=_text(entry.get("git") or entry.get("path") or entry.get("file")),
        marker=_text(entry.get("markers")),
        hashes=_texts(_list(entry.get("hashes"))),
    )


def read_requirements_lock(file: str, text: str) -> Lock:
    packages = tuple(
        LockedPackage(
            name=requirement.name,
            version=requirement.pin,
            source=requirement.url,
            marker=requirement.marker,
            hashes=requirement.hashes,
        )
        for requirement in requirement_lines(text)
    )
    return Lock(kind="requirements", file=file, packages=packages)


def read_conda(file: str, text: str) -> Lock:
    """The exact pins of an `environment.yml`, conda's and pip's."""
    packages, python = [], ""
    for entry in conda_dependencies(file, text):
        match = _CONDA_PIN.fullmatch(entry)
        if match and match.group(1) == "python":
            python = match.group(2)
        elif match:
            packages.append(
                LockedPackage(name=normalised(match.group(1)), version=match.group(2), source="conda")
            )
        elif entry.startswith("pip:"):
            packages += read_requirements_lock(file, entry.removeprefix("pip:")).packages
    return Lock(kind="conda", file=file, requires_python=python, packages=tuple(packages))


def is_locked_conda(text: str) -> bool:
    """Whether every entry names version and build, as `conda env export` writes them."""
    try:
        entries = [
            entry for entry in conda_dependencies("environment.yml", text) if not entry.startswith("pip:")
        ]
    except Invalid:
        return False
    builds = [match for entry in entries if (match := _CONDA_PIN.fullmatch(entry)) and match.group(3)]
    return len(builds) >= 3 and len(builds) == len(entries)


def conda_dependencies(file: str, text: str) -> list[str]:
    """The entries of an `environment.yml`; those of its pip section come as `pip:` and the requirement."""
    import yaml  # 15 ms, and most projects have no such file

    if len(_ALIAS.findall(text)) > MOST_ALIASES:
        raise Invalid(f"{file} has more than {MOST_ALIASES} YAML aliases", hint="write them out")
    try:
        tables = yaml.safe_load(text)
    except (yaml.YAMLError, RecursionError, ValueError) as error:
        raise Invalid(f"{file} is not valid YAML: {_yaml_problem(error)}", hint="correct that line") from None
    entries: list[str] = []
    for entry in _list(_dict(tables).get("dependencies")):
        if isinstance(entry, str):
            entries.append(entry.partition("::")[2] or entry)
        elif isinstance(entry, dict):
            entries += [f"pip:{text}" for text in _list(entry.get("pip")) if isinstance(text, str)]
    return entries


def _yaml_problem(error: Exception) -> str:
    """One line of what PyYAML spreads over four."""
    mark, problem = getattr(error, "problem_mark", None), getattr(error, "problem", None)
    return f"line {mark.line + 1}: {problem}" if mark and problem else " ".join(str(error).split())


def _toml(file: str, text: str) -> dict[str, Any]:
    try:
        return tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise Invalid(
            f"{file} is not valid TOML: {error}", hint="make it again with the tool that wrote it"
        ) from None


def _packages(file: str, value: Any) -> Iterable[dict[str, Any]]:
    if not isinstance(value, list):
        raise Invalid(
            f"{file} is not a lock: its packages are no list",
            hint="make it again with the tool that wrote it",
        )
    for number, table in enumerate(value, 1):
        if not isinstance(table, dict) or not isinstance(table.get("name"), str):
            raise Invalid(
                f"package {number} of {file} has no name", hint="make it again with the tool that wrote it"
            )
        yield table


def _tables(value: Any) -> list[dict[str, Any]]:
    return [item for item in _list(value) if isinstance(item, dict)]


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _dict(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""


def _texts(values: Iterable[Any]) -> tuple[str, ...]:
    return tuple(value for value in values if isinstance(value, str))


def _file_names(urls: Iterable[Any]) -> tuple[str, ...]:
    return tuple(url.rpartition("/")[2] for url in urls if isinstance(url, str))
