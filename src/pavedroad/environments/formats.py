"""The lock formats of Python's own tools, each read into the one `Lock` model.

Every reader takes the file's name and text and raises Invalid with the line of what is wrong; none needs the
tool that wrote the file.
"""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Iterable, Iterator
from typing import Any

import msgspec

from pavedroad.environments.model import Lock, LockedPackage, Need, normalised
from pavedroad.environments.plain_values import as_dict, as_list, as_tables, as_text, as_texts, file_names
from pavedroad.environments.requirements import parse_requirement
from pavedroad.errors import Invalid

DEFAULT_INDEX = "https://pypi.org/simple"
_LONG_KEY = re.compile(r"""(?:[ \t]{0,4}\.[ \t]{0,4}["']?[\w-]*["']?){100}""")
_HEADS = {key: re.compile(rf"^\[\[\s*{key}\s*\]\]") for key in ("package", "packages")}


def read_uv(file: str, text: str) -> Lock:
    tables = _toml(file, text)
    return Lock(
        kind="uv",
        file=file,
        requires_python=as_text(tables.get("requires-python")),
        packages=tuple(_uv_package(table, line) for table, line in _packages(file, text, tables, "package")),
    )


def _uv_package(table: dict[str, Any], line: int) -> LockedPackage:
    archives = [*as_tables(table.get("wheels")), *as_tables([table.get("sdist")])]
    source = as_dict(table.get("source"))
    return LockedPackage(
        name=normalised(table["name"]),
        version=as_text(table.get("version")),
        source=_index(next(iter(source.values()), "")),
        marker=" or ".join(as_texts(as_list(table.get("resolution-markers")))),
        files=file_names(archive.get("url") or archive.get("path") for archive in archives),
        hashes=as_texts(archive.get("hash") for archive in archives),
        needs=tuple(_uv_needs(table)),
        is_project=bool(source.keys() & {"editable", "virtual", "directory"}),
        line=line,
    )


def _uv_needs(table: dict[str, Any]) -> Iterator[Need]:
    groups = [("", table.get("dependencies"))]
    for key in ("optional-dependencies", "dev-dependencies"):
        groups += as_dict(table.get(key)).items()
    for group, entries in groups:
        for need in as_tables(entries):
            if isinstance(need.get("name"), str):
                yield Need(name=normalised(need["name"]), marker=as_text(need.get("marker")), group=group)


def read_pylock(file: str, text: str) -> Lock:
    """PEP 751."""
    tables = _toml(file, text)
    if "lock-version" not in tables:
        raise Invalid(
            f"{file}, line 1: no lock-version",
            hint="make it again, e.g. with `uv export --format pylock.toml`",
        )
    return Lock(
        kind="pylock",
        file=file,
        requires_python=as_text(tables.get("requires-python")),
        packages=tuple(
            _pylock_package(table, line) for table, line in _packages(file, text, tables, "packages")
        ),
    )


def _pylock_package(table: dict[str, Any], line: int) -> LockedPackage:
    archives = [*as_tables(table.get("wheels")), *as_tables([table.get("sdist"), table.get("archive")])]
    places = [as_dict(table.get(kind)) for kind in ("vcs", "directory", "archive")]
    sources = [as_text(place.get("url") or place.get("path")) for place in places]
    return LockedPackage(
        name=normalised(table["name"]),
        version=as_text(table.get("version")),
        source=next(filter(None, sources), "") or _index(table.get("index")),
        marker=as_text(table.get("marker")),
        files=file_names(
            archive.get("name") or archive.get("url") or archive.get("path") for archive in archives
        ),
        hashes=tuple(
            f"{kind}:{value}"
            for archive in archives
            for kind, value in as_dict(archive.get("hashes")).items()
        ),
        needs=tuple(
            Need(name=normalised(need["name"]))
            for need in as_tables(table.get("dependencies"))
            if isinstance(need.get("name"), str)
        ),
        line=line,
    )


def read_poetry(file: str, text: str) -> Lock:
    """Lock versions 0.x to 2.x: the oldest ones keep files or hashes of all packages at the end."""
    tables = _toml(file, text)
    metadata = as_dict(tables.get("metadata"))
    return Lock(
        kind="poetry",
        file=file,
        requires_python=as_text(metadata.get("python-versions")),
        packages=tuple(
            _poetry_package(table, line, metadata) for table, line in _packages(file, text, tables, "package")
        ),
    )


def _poetry_package(table: dict[str, Any], line: int, metadata: dict[str, Any]) -> LockedPackage:
    archives = as_tables(table.get("files")) or as_tables(as_dict(metadata.get("files")).get(table["name"]))
    bare = as_texts(as_list(as_dict(metadata.get("hashes")).get(table["name"])))
    markers = table.get("markers") or table.get("marker")
    if isinstance(markers, dict):  # of each group
        markers = " or ".join(f"({marker})" for marker in as_texts(markers.values()))
    return LockedPackage(
        name=normalised(table["name"]),
        version=as_text(table.get("version")),
        source=_index(as_dict(table.get("source")).get("url")),
        marker=as_text(markers),
        files=file_names(archive.get("file") for archive in archives),
        hashes=as_texts(archive.get("hash") for archive in archives)
        or tuple(f"sha256:{digest}" for digest in bare),
        needs=tuple(_poetry_needs(as_dict(table.get("dependencies")))),
        is_optional=table.get("optional") is True,
        line=line,
    )


def _poetry_needs(dependencies: dict[str, Any]) -> Iterator[Need]:
    for name, value in dependencies.items():
        for entry in value if isinstance(value, list) else [value]:
            yield Need(name=normalised(name), marker=as_text(as_dict(entry).get("markers")))


def read_pdm(file: str, text: str) -> Lock:
    tables = _toml(file, text)
    metadata = as_dict(tables.get("metadata"))
    targets = as_tables(metadata.get("targets"))
    packages = (
        _pdm_package(table, line, metadata) for table, line in _packages(file, text, tables, "package")
    )
    return Lock(
        kind="pdm",
        file=file,
        requires_python=as_text(targets[0].get("requires_python")) if targets else "",
        packages=_merged(packages),
    )


def _pdm_package(table: dict[str, Any], line: int, metadata: dict[str, Any]) -> LockedPackage:
    version = as_text(table.get("version"))
    old = as_dict(metadata.get("files")).get(f"{table['name']} {version}")
    archives = as_tables(table.get("files")) or as_tables(old)
    requirements = (parse_requirement(text) for text in as_texts(as_list(table.get("dependencies"))))
    return LockedPackage(
        name=normalised(table["name"]),
        version=version,
        source=as_text(table.get("git") or table.get("url") or table.get("path")),
        marker=as_text(table.get("marker")),
        files=file_names(archive.get("file") or archive.get("url") for archive in archives),
        hashes=as_texts(archive.get("hash") for archive in archives),
        needs=tuple(Need(name=need.name, marker=need.marker) for need in requirements if need and need.name),
        line=line,
    )


def _merged(packages: Iterable[LockedPackage]) -> tuple[LockedPackage, ...]:
    """One of each: PDM lists a package once more for every set of extras that something asks for."""
    found: dict[tuple[str, str, str], LockedPackage] = {}
    for package in packages:
        key = (package.name, package.version, package.marker)
        first = found.setdefault(key, package)
        if first is not package:
            needs = tuple(dict.fromkeys((*first.needs, *package.needs)))
            found[key] = msgspec.structs.replace(first, needs=needs)
    return tuple(found.values())


def read_pipenv(file: str, text: str) -> Lock:
    try:
        tables = json.loads(text)
    except RecursionError:
        raise Invalid(f"{file}, line 1: nested too deep", hint="make it again with `pipenv lock`") from None
    except ValueError as error:
        where = "" if "line" in str(error) else "line 1: "
        raise Invalid(
            f"{file} is not valid JSON: {where}{error}", hint="make it again with `pipenv lock`"
        ) from None
    if not isinstance(tables, dict):
        raise Invalid(
            f"{file}, line 1: no lock, its outermost value is no object",
            hint="make it again with `pipenv lock`",
        )
    requires = as_dict(as_dict(tables.get("_meta")).get("requires"))
    return Lock(
        kind="pipenv",
        file=file,
        requires_python=as_text(requires.get("python_full_version") or requires.get("python_version")),
        packages=tuple(_pipenv_packages(text, tables)),
    )


def _pipenv_packages(text: str, tables: dict[str, Any]) -> Iterator[LockedPackage]:
    seen = set()
    lines = {
        match.group(1): number
        for number, line in enumerate(text.split("\n"), 1)
        if (match := re.match(r'\s*"([^"]+)"\s*:\s*\{', line))
    }
    sections = [name for name in tables if name != "_meta"]
    for section in sorted(sections, key=lambda name: (name != "default", name)):
        for name, value in as_dict(tables[section]).items():
            entry = as_dict(value)
            version = as_text(entry.get("version")).lstrip("=").removeprefix("*")  # `*` is none
            if (name, version) in seen:
                continue
            seen.add((name, version))
            yield LockedPackage(
                name=normalised(name),
                version=version,
                source=as_text(entry.get("git") or entry.get("path") or entry.get("file")),
                marker=as_text(entry.get("markers")),
                hashes=as_texts(as_list(entry.get("hashes"))),
                group="" if section == "default" else section,
                line=lines.get(name, 1),
            )


def _toml(file: str, text: str) -> dict[str, Any]:
    if match := _LONG_KEY.search(text):  # tomllib takes quadratic time for them
        line = text.count("\n", 0, match.start()) + 1
        raise Invalid(f"{file}, line {line}: a key of more than 100 parts", hint="that is not a lock file")
    try:
        return tomllib.loads(text)
    except RecursionError:
        raise Invalid(
            f"{file}, line 1: nested too deep", hint="make it again with the tool that wrote it"
        ) from None
    except ValueError as error:  # also of a number with thousands of digits, which knows no line
        said = str(error) if "line" in str(error) else f"line {text.count(chr(10)) + 1}: {error}"
        said = said.replace("(at end of document)", f"(at end of document, line {text.count(chr(10)) + 1})")
        raise Invalid(
            f"{file} is not valid TOML: {said}", hint="make it again with the tool that wrote it"
        ) from None


def _packages(file: str, text: str, tables: dict[str, Any], key: str) -> Iterator[tuple[dict[str, Any], int]]:
    """The tables of the packages, each with its line."""
    hint = "make it again with the tool that wrote it"
    found = tables.get(key, [])
    heads = [number for number, line in enumerate(text.split("\n"), 1) if _HEADS[key].match(line)]
    if not isinstance(found, list):
        raise Invalid(f"{file}, line {_line_of(text, key)}: its packages are no list", hint=hint)
    for number, table in enumerate(found):
        line = heads[number] if len(heads) == len(found) else _line_of(text, key)
        if not isinstance(table, dict) or not isinstance(table.get("name"), str):
            raise Invalid(f"{file}, line {line}: package {number + 1} has no name", hint=hint)
        yield table, line


def _line_of(text: str, key: str) -> int:
    match = re.search(rf"^\W*{key}\b", text, re.MULTILINE)
    return text.count("\n", 0, match.start()) + 1 if match else 1


def _index(value: Any) -> str:
    """Empty for the default index."""
    text = as_text(value).removesuffix("/")
    return "" if text == DEFAULT_INDEX else text
