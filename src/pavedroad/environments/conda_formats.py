"""Conda's lock formats: environment.yml with builds, explicit lists, conda-lock and pixi."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import msgspec

from pavedroad.environments.model import Lock, LockedPackage, Need, normalised
from pavedroad.environments.plain_values import as_dict, as_list, as_tables, as_text, file_name
from pavedroad.environments.requirements import parse_requirement
from pavedroad.environments.yaml_tree import Table, read_yaml
from pavedroad.errors import Invalid

AGAIN = "make it again with the tool that wrote it"
_PIN = re.compile(r"([A-Za-z0-9_.-]+?)\s*={1,2}\s*([^\s=*,<>]+)(=[^\s=]+)?")
_ARCHIVE = re.compile(r"(.+)-([^-]+)-([^-]+?)\.(?:conda|tar\.bz2)")
_DIGEST = re.compile(r"[0-9a-f]{32}|sha256:[0-9a-f]{64}|[0-9a-f]{64}")
_EXPLICIT = re.compile(r"^@EXPLICIT\s*$", re.MULTILINE)


def read_conda(file: str, text: str) -> Lock:
    """The exact pins of an `environment.yml`, conda's and pip's."""
    packages, python = [], ""
    lines = {line.strip().removeprefix("- ").strip(" '\""): at for at, line in enumerate(text.split("\n"), 1)}
    for entry in conda_dependencies(file, text):
        match = _PIN.fullmatch(entry)
        if match and match.group(1) == "python":
            python = match.group(2)
        if match:
            line = lines.get(entry, 1)
            build = (match.group(3) or "").removeprefix("=")
            packages.append(_conda(match.group(1), match.group(2), build=build, line=line))
        elif entry.startswith("pip:"):
            requirement = parse_requirement(entry.removeprefix("pip:"))
            if requirement:
                packages.append(
                    LockedPackage(
                        name=requirement.name,
                        version=requirement.pin,
                        source=requirement.url,
                        marker=requirement.marker,
                        line=lines.get(entry.removeprefix("pip:"), 1),
                    )
                )
    return Lock(kind="conda", file=file, requires_python=python, packages=tuple(packages))


def is_locked_conda(text: str) -> bool:
    """Whether every entry names version and build, as `conda env export` writes them."""
    try:
        entries = [
            entry for entry in conda_dependencies("environment.yml", text) if not entry.startswith("pip:")
        ]
    except Invalid:
        return False
    builds = [match for entry in entries if (match := _PIN.fullmatch(entry)) and match.group(3)]
    return len(builds) >= 3 and len(builds) == len(entries)


def conda_dependencies(file: str, text: str) -> list[str]:
    """The entries of an `environment.yml`; those of its pip section come as `pip:` and the requirement."""
    entries: list[str] = []
    for entry in as_list(as_dict(read_yaml(file, text)).get("dependencies")):
        if isinstance(entry, str):
            entries.append(entry.partition("::")[2] or entry)
        elif isinstance(entry, dict):
            entries += [f"pip:{text}" for text in as_list(entry.get("pip")) if isinstance(text, str)]
    return entries


def is_explicit(text: str) -> bool:
    """Whether it is what `conda list --explicit` writes."""
    return _EXPLICIT.search(text) is not None


def read_explicit(file: str, text: str) -> Lock:
    """One URL of an archive a line, with its digest after `#`; pip's packages come as `# pip` comments."""
    packages: list[LockedPackage] = []
    platform = ""
    for number, line in enumerate(text.split("\n"), 1):
        line = line.strip()
        if line.startswith("# platform:"):
            platform = line.partition(":")[2].strip()
        elif line.startswith("# pip "):
            packages += _explicit_pip(line.removeprefix("# pip "), number)
        elif line and not line.startswith(("#", "@")):
            packages.append(_explicit_line(file, line, number, platform))
    return Lock(
        kind="conda-explicit",
        file=file,
        requires_python=_python_of(packages),
        packages=tuple(packages),
    )


def _explicit_line(file: str, line: str, number: int, platform: str) -> LockedPackage:
    url, _, digest = line.partition("#")
    match = _ARCHIVE.fullmatch(file_name(url))
    if match is None:
        raise Invalid(f"{file}, line {number}: {line[:60]!r} is no conda archive", hint=AGAIN)
    hashes = (_hash(digest),) if _DIGEST.fullmatch(digest) else ()
    name, version, build = match.groups()
    return _conda(name, version, build=build, line=number, hashes=hashes, url=url, group=platform)


def _explicit_pip(text: str, number: int) -> Iterator[LockedPackage]:
    """conda-lock's `# pip numpy @ https://… --hash=sha256:…`."""
    requirement = parse_requirement(text)
    if requirement is None:
        return
    wheel = file_name(requirement.url.split()[0]) if requirement.url else ""
    parts = wheel.split("-")
    yield LockedPackage(
        name=requirement.name,
        version=requirement.pin or (parts[1] if len(parts) > 2 else ""),
        files=(wheel,) if wheel else (),
        hashes=requirement.hashes,
        line=number,
    )


def read_conda_lock(file: str, text: str) -> Lock:
    """conda-lock's own format, version 1: every package of every platform."""
    tables = _document(file, text)
    entries = tables.get("package")
    if not isinstance(entries, list):
        raise Invalid(f"{file}, line 1: no list of packages", hint=AGAIN)
    packages = [_conda_lock_package(file, entry, number) for number, entry in enumerate(entries, 1)]
    return Lock(kind="conda-lock", file=file, requires_python=_python_of(packages), packages=tuple(packages))


def _conda_lock_package(file: str, entry: Any, number: int) -> LockedPackage:
    if not isinstance(entry, Table) or not as_text(entry.get("name")):
        line = getattr(entry, "line", 1)
        raise Invalid(f"{file}, line {line}: package {number} has no name", hint=AGAIN)
    url, version = as_text(entry.get("url")), as_text(entry.get("version"))
    digests = as_dict(entry.get("hash"))
    hashes = tuple(f"{kind}:{digests[kind]}" for kind in ("sha256", "md5") if as_text(digests.get(kind)))[:1]
    platform = as_text(entry.get("platform"))
    needs = tuple(Need(name=_name(name)) for name in as_dict(entry.get("dependencies")))
    if as_text(entry.get("manager")) == "pip":
        return LockedPackage(
            name=normalised(entry["name"]),
            version=version,
            files=(file_name(url),) if url else (),
            hashes=hashes,
            needs=needs,
            group=platform,
            line=entry.line,
        )
    match = _ARCHIVE.fullmatch(file_name(url))
    build = match.group(3) if match else as_text(entry.get("build"))
    return _conda(
        entry["name"],
        version,
        build=build,
        line=entry.line,
        hashes=hashes,
        url=url,
        group=platform,
        needs=needs,
    )


def read_pixi(file: str, text: str) -> Lock:
    """pixi's lock, versions 1 to 6: packages, and which of them each environment has on each platform."""
    tables = _document(file, text)
    entries = tables.get("packages", tables.get("package"))
    if not isinstance(entries, list):
        raise Invalid(f"{file}, line 1: no list of packages", hint=AGAIN)
    used = _pixi_uses(as_dict(tables.get("environments")))
    packages = []
    for number, entry in enumerate(entries, 1):
        package, key = _pixi_package(file, entry, number)
        if used and key not in used:  # left over from an earlier solution
            continue
        groups = used.get(key) or [package.group]
        packages += [_with_group(package, group) for group in groups]
    return Lock(kind="pixi", file=file, requires_python=_python_of(packages), packages=tuple(packages))


def _pixi_uses(environments: dict[str, Any]) -> dict[str, list[str]]:
    """URL -> platforms that have it; another environment than the default is named before its platform."""
    used: dict[str, dict[str, None]] = {}
    for name, environment in sorted(environments.items(), key=lambda item: (item[0] != "default", item[0])):
        for platform, places in as_dict(as_dict(environment).get("packages")).items():
            for place in as_tables(places):
                url = as_text(place.get("conda") or place.get("pypi"))
                groups = used.setdefault(url, {})
                groups[platform if name == "default" else f"{name} {platform}"] = None
    return {url: list(groups) for url, groups in used.items()}


def _pixi_package(file: str, entry: Any, number: int) -> tuple[LockedPackage, str]:
    """The package, and the URL by which environments name it."""
    if not isinstance(entry, Table):
        raise Invalid(f"{file}, line 1: package {number} is no table", hint=AGAIN)
    kind = as_text(entry.get("kind") or entry.get("manager"))
    url = as_text(entry.get("conda") or entry.get("pypi") or entry.get("url") or entry.get("path"))
    name, version, build = (as_text(entry.get(key)) for key in ("name", "version", "build"))
    match = _ARCHIVE.fullmatch(file_name(url))
    if match and "pypi" not in entry:
        name, version, build = (
            name or match.group(1),
            version or match.group(2),
            build or match.group(3),
        )
    if not name and not url:
        raise Invalid(f"{file}, line {entry.line}: package {number} has no name", hint=AGAIN)
    sha = as_text(entry.get("sha256") or as_dict(entry.get("hash")).get("sha256"))
    hashes = (f"sha256:{sha}",) if sha else ()
    group = as_text(entry.get("platform"))
    if "pypi" in entry or kind in ("pypi", "pip"):
        archive = file_name(url) if file_name(url).endswith((".whl", ".tar.gz", ".zip")) else ""
        package = LockedPackage(
            name=normalised(name),
            version=version,
            source="" if archive else url,
            files=(archive,) if archive else (),
            hashes=hashes,
            needs=tuple(_pip_needs(entry)),
            group=group,
            is_project=not archive and url.startswith((".", "/")),
            line=entry.line,
        )
        return package, url
    needs = tuple(
        Need(name=_name(text.split()[0])) for text in as_list(entry.get("depends")) if as_text(text).strip()
    )
    package = _conda(
        name or url, version, build=build, line=entry.line, hashes=hashes, url=url, group=group, needs=needs
    )
    return package, url


def _pip_needs(entry: dict[str, Any]) -> Iterator[Need]:
    for text in as_list(entry.get("requires_dist")):
        requirement = parse_requirement(as_text(text))
        if requirement and "extra" not in requirement.marker:
            yield Need(name=requirement.name, marker=requirement.marker)


def _with_group(package: LockedPackage, group: str) -> LockedPackage:
    return msgspec.structs.replace(package, group=group)


def _document(file: str, text: str) -> Table:
    tables = read_yaml(file, text)
    if not isinstance(tables, Table):
        raise Invalid(f"{file}, line 1: no lock, its outermost value is no table", hint=AGAIN)
    return tables


def _conda(
    name: str,
    version: str,
    *,
    build: str = "",
    line: int = 0,
    hashes: tuple[str, ...] = (),
    url: str = "",
    group: str = "",
    needs: tuple[Need, ...] = (),
) -> LockedPackage:
    return LockedPackage(
        name=_name(name),
        version=version,
        source="conda",
        files=(file_name(url),) if url else (),
        hashes=hashes,
        needs=needs,
        group=group,
        build=build,
        line=line,
    )


def _name(name: str) -> str:
    """As conda writes it: a leading `_` belongs to the name."""
    return "_" * (len(name) - len(name.lstrip("_"))) + normalised(name.lstrip("_"))


def _hash(digest: str) -> str:
    if ":" in digest:
        return digest
    return f"sha256:{digest}" if len(digest) == 64 else f"md5:{digest}"


def _python_of(packages: list[LockedPackage]) -> str:
    return next((package.version for package in packages if package.name == "python"), "")
