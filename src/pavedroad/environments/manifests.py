"""What a project asks for: the manifests people write, each read into the one `Manifest` model.

Readers take the file's name and text and raise Invalid. `setup.py` is read, never run.
"""

from __future__ import annotations

import ast
import configparser
import re
import tomllib
import warnings
from collections.abc import Callable, Iterator
from typing import Any

import msgspec

from pavedroad.environments.conda_formats import conda_dependencies
from pavedroad.environments.model import Declared, normalised
from pavedroad.environments.requirements import parse_requirement, read_declared
from pavedroad.errors import Invalid

_REQUIREMENTS = re.compile(r"([\w.-]*[_-])?requirements?([_.-][\w.-]*)?\.(txt|in|pip)")
_IN_FOLDER = re.compile(r"[\w.-]+\.(txt|in|pip)")
_CONDA = re.compile(r"(environment|conda|env)([_.-][\w.-]*)?\.ya?ml")
_NOT_RUNTIME = re.compile(
    r"dev|test|doc|lint|typ|ci$|check|example|notebook|build|constraint|[._-](min|oldest|lowest)",
    re.IGNORECASE,
)
REQUIREMENT_FOLDERS = ("requirements", "requirement", "reqs", "deps")


class Manifest(msgspec.Struct, frozen=True, kw_only=True):
    file: str
    kind: str  # pyproject, requirements, pipenv, conda or setuptools
    declared: tuple[Declared, ...]
    python: str = ""  # the Python it asks for, as written; empty when it does not say


def manifest_reader(path: str) -> Callable[[str, str], Manifest] | None:
    """The reader for a path relative to the project, or None when it is no manifest by its name."""
    folder, _, name = path.rpartition("/")
    if name in _BY_NAME:
        return _BY_NAME[name]
    in_folder = folder.rpartition("/")[2] in REQUIREMENT_FOLDERS and _IN_FOLDER.fullmatch(name)
    if (in_folder or _REQUIREMENTS.fullmatch(name)) and "constraint" not in name:
        return read_requirements
    return read_environment if _CONDA.fullmatch(name) else None


def read_requirements(file: str, text: str) -> Manifest:
    stem = file.rpartition("/")[2].rpartition(".")[0]
    group = stem if _NOT_RUNTIME.search(stem) else ""
    return Manifest(file=file, kind="requirements", declared=tuple(read_declared(file, text, group=group)))


def read_pyproject(file: str, text: str) -> Manifest:
    try:
        tables = tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise Invalid(f"{file} is not valid TOML: {error}", hint="correct that line") from None
    lines = text.split("\n")
    poetry = _dict(_dict(tables.get("tool")).get("poetry"))
    declared = [
        _declared(file, lines, requirement, group)
        for group, requirement in _pyproject_strings(tables)
        if parse_requirement(requirement)
    ]
    declared += list(_poetry(file, lines, poetry))
    python = _dict(tables.get("project")).get("requires-python") or _poetry_python(poetry)
    return Manifest(
        file=file,
        kind="pyproject",
        declared=tuple(declared),
        python=python if isinstance(python, str) else "",
    )


def _pyproject_strings(tables: dict[str, Any]) -> Iterator[tuple[str, str]]:
    project, tool = _dict(tables.get("project")), _dict(tables.get("tool"))
    sections: list[tuple[str, Any]] = [("", project.get("dependencies"))]
    sections += _dict(project.get("optional-dependencies")).items()
    sections += [(group or "dev", items) for group, items in _dict(tables.get("dependency-groups")).items()]
    sections += [("dev", _dict(tool.get("uv")).get("dev-dependencies"))]
    sections += _dict(_dict(tool.get("pdm")).get("dev-dependencies")).items()
    for group, items in sections:
        for item in items if isinstance(items, list) else []:
            if isinstance(item, str):
                yield group, item


def _poetry(file: str, lines: list[str], poetry: dict[str, Any]) -> Iterator[Declared]:
    sections: list[tuple[str, Any]] = [
        ("", poetry.get("dependencies")),
        ("dev", poetry.get("dev-dependencies")),
    ]
    sections += [
        (name, _dict(group).get("dependencies")) for name, group in _dict(poetry.get("group")).items()
    ]
    for group, table in sections:
        for name, value in _dict(table).items():
            if name != "python":
                yield _from_table(file, lines, name, value, group)


def _poetry_python(poetry: dict[str, Any]) -> Any:
    return _dict(poetry.get("dependencies")).get("python")


def read_pipfile(file: str, text: str) -> Manifest:
    try:
        tables = tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise Invalid(f"{file} is not valid TOML: {error}", hint="correct that line") from None
    lines = text.split("\n")
    requires = _dict(tables.get("requires"))
    python = requires.get("python_full_version") or requires.get("python_version")
    sections = (("", tables.get("packages")), ("dev", tables.get("dev-packages")))
    declared = [
        _from_table(file, lines, name, value, group)
        for group, table in sections
        for name, value in _dict(table).items()
    ]
    return Manifest(
        file=file, kind="pipenv", declared=tuple(declared), python=python if isinstance(python, str) else ""
    )


def read_environment(file: str, text: str) -> Manifest:
    """A conda `environment.yml`. Conda's `=1.26` is a prefix and counts as pinned, as its users mean it."""
    lines, declared, python = text.split("\n"), [], ""
    for entry in conda_dependencies(file, text):
        if entry.startswith("pip:"):
            entry = entry.removeprefix("pip:")
            if parse_requirement(entry):
                declared.append(_declared(file, lines, entry, ""))
            continue
        match = re.match(r"\s*([A-Za-z0-9_.-]+)\s*(.*)", entry)
        if match is None or match.group(1) in ("pip", "setuptools", "wheel"):
            continue
        name, specifier = match.group(1), match.group(2).strip()
        if name == "python":
            python = specifier.lstrip("= ")
            continue
        declared.append(
            Declared(name=normalised(name), specifier=specifier, file=file, line=_line_of(lines, entry, name))
        )
    return Manifest(file=file, kind="conda", declared=tuple(declared), python=python)


def read_setup_cfg(file: str, text: str) -> Manifest:
    parser = configparser.ConfigParser(interpolation=None, strict=False)
    try:
        parser.read_string(text)
    except configparser.Error as error:
        raise Invalid(
            f"{file} cannot be read: {' '.join(str(error).split())}", hint="correct that line"
        ) from None
    lines = text.split("\n")
    listed = [("", parser.get("options", "install_requires", fallback=""))]
    if parser.has_section("options.extras_require"):
        listed += [(name, items) for name, items in parser.items("options.extras_require")]
    declared = [
        _declared(file, lines, item.strip(), group)
        for group, items in listed
        for item in re.split(r"[\n]", items)
        if item.strip() and parse_requirement(item.strip())
    ]
    python = parser.get("options", "python_requires", fallback="").strip()
    return Manifest(file=file, kind="setuptools", declared=tuple(declared), python=python)


def read_setup_py(file: str, text: str) -> Manifest:
    """The literal arguments of `setup(...)`; what is computed is not seen."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            tree = ast.parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        raise Invalid(f"{file} cannot be read: {error}", hint="correct that line") from None
    calls = [
        node
        for node in ast.walk(tree)
        if isinstance(node, ast.Call)
        and "setup" in (getattr(node.func, "id", ""), getattr(node.func, "attr", ""))
    ]
    declared: list[Declared] = []
    python = ""
    for keyword in (keyword for call in calls for keyword in call.keywords):
        if keyword.arg == "python_requires" and isinstance(keyword.value, ast.Constant):
            python = str(keyword.value.value)
        elif keyword.arg == "install_requires" and isinstance(keyword.value, ast.List | ast.Tuple):
            declared += _from_literals(file, keyword.value.elts)
        elif keyword.arg == "python_requires":
            python = "computed"
    return Manifest(file=file, kind="setuptools", declared=tuple(declared), python=python)


def _from_literals(file: str, items: list[ast.expr]) -> Iterator[Declared]:
    for item in items:
        if isinstance(item, ast.Constant) and isinstance(item.value, str):
            requirement = parse_requirement(item.value)
            if requirement:
                yield Declared(
                    name=requirement.name,
                    specifier=requirement.specifier,
                    file=file,
                    line=item.lineno,
                    direct=bool(requirement.url),
                )


def _declared(file: str, lines: list[str], text: str, group: str) -> Declared:
    requirement = parse_requirement(text)
    assert requirement is not None
    return Declared(
        name=requirement.name,
        specifier=requirement.specifier,
        file=file,
        line=_line_of(lines, text, text),
        group=group,
        direct=bool(requirement.url),
    )


def _from_table(file: str, lines: list[str], name: str, value: Any, group: str) -> Declared:
    """Poetry's and Pipenv's `name = "^1"` and `name = {version = "^1"}`."""
    version = value if isinstance(value, str) else _dict(value).get("version", "")
    direct = any(key in _dict(value) for key in ("git", "path", "url", "file"))
    specifier = version if isinstance(version, str) and version.strip() != "*" else ""
    pattern = re.compile(rf"""^\s*["']?{re.escape(name)}["']?\s*=""")
    line = next((number for number, text in enumerate(lines, 1) if pattern.match(text)), 1)
    return Declared(
        name=normalised(name), specifier=specifier, file=file, line=line, group=group, direct=direct
    )


def _line_of(lines: list[str], *texts: str) -> int:
    """The line that holds one of these texts as a whole word: TOML and YAML parsers do not tell."""
    for text in texts:
        pattern = re.compile(rf"(?<![\w.-]){re.escape(text)}(?![\w.-])")
        for number, line in enumerate(lines, 1):
            if text in line and not line.lstrip().startswith("#") and pattern.search(line):
                return number
    return 1


def _dict(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


_BY_NAME: dict[str, Callable[[str, str], Manifest]] = {
    "pyproject.toml": read_pyproject,
    "Pipfile": read_pipfile,
    "setup.cfg": read_setup_cfg,
    "setup.py": read_setup_py,
}
