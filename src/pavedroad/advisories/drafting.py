"""Drafts of advisories from two releases: names and arguments that are gone, for a person to judge."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections import defaultdict
from pathlib import Path

import msgspec
from packaging.version import InvalidVersion, Version

from pavedroad.advisories.surfaces import Surface
from pavedroad.environments import normalised
from pavedroad.errors import Invalid, Unavailable
from pavedroad.kit.text import count

INSTALL_S = 600
SYMBOLS_IN_ONE = 40


class Draft(msgspec.Struct, frozen=True, kw_only=True):
    id: str
    file: str
    text: str
    symbols: tuple[str, ...]


def draft_advisories(package: str, old: Surface, new: Surface, *, version: str) -> list[Draft]:
    """One draft for the names gone from each module, one for each function that lost arguments."""
    drafts: list[Draft] = []
    prefix = re.sub(r"[^A-Z0-9]", "", package.upper())[:12] or "X"
    by_module: dict[str, list[str]] = defaultdict(list)
    for name in sorted(old.names - new.names):
        parent = name.rpartition(".")[0]
        # A module that is gone speaks for all that was in it.
        if parent == "" or parent in new.names:
            by_module[parent].append(name)
    for module, gone in by_module.items():
        for start in range(0, len(gone), SYMBOLS_IN_ONE):
            symbols = gone[start : start + SYMBOLS_IN_ONE]
            number = len(drafts) + 1
            drafts.append(_draft(prefix, number, package, version, _names(module, symbols), symbols))
    for name, before in sorted(old.arguments.items()):
        after = new.arguments.get(name)
        if after is not None and (lost := sorted(before - after)):
            number = len(drafts) + 1
            drafts.append(_draft(prefix, number, package, version, _arguments(name, lost), [name]))
    return drafts


def _names(module: str, symbols: list[str]) -> tuple[str, list[str]]:
    tails = [symbol.rpartition(".")[2] for symbol in symbols]
    shown = ", ".join(tails[:3]) + (f" and {len(tails) - 3} more" if len(tails) > 3 else "")
    verb = "is" if len(symbols) == 1 else "are"
    lines = ["[[match]]", 'kind = "attribute"', "symbols = [", *(f'  "{each}",' for each in symbols), "]"]
    return f"{shown} {verb} gone from {module or 'the package'}", lines


def _arguments(name: str, lost: list[str]) -> tuple[str, list[str]]:
    listed = ", ".join(f'"{each}"' for each in lost)
    lines = ["[[match]]", 'kind = "keyword"', f'callable = ["{name}"]', f"names = [{listed}]"]
    return f"{name.rpartition('.')[2]} lost {', '.join(f'{each}=' for each in lost[:4])}", lines


def _draft(
    prefix: str,
    number: int,
    package: str,
    version: str,
    content: tuple[str, list[str]],
    symbols: list[str],
) -> Draft:
    title, match = content
    id_ = f"DRAFT-{prefix}-{number:03}"
    lines = [
        f'id = "{id_}"',
        f'package = "{normalised(package)}"',
        f'title = "{title[:150]}"',
        'effect = "may-break"',
        f'broken = ">={version}"',
        f'guidance = "Found by comparing {count(len(symbols), "name")}; say what takes its place."',
        f'source = "https://pypi.org/project/{normalised(package)}/{version}/"',
        "",
        "[aliases]",
        f'import = ["{symbols[0].partition(".")[0]}"]',
        "",
        *match,
    ]
    return Draft(id=id_, file=f"{id_.lower()}.toml", text="\n".join(lines) + "\n", symbols=tuple(symbols))


def version_of(place: str) -> str:
    """The version in a wheel's name, or the text itself. Raises Invalid."""
    text = Path(place).name.split("-")[1] if place.endswith(".whl") and "-" in place else place
    try:
        return str(Version(text))
    except InvalidVersion:
        raise Invalid(
            f"{place!r} names no version", hint="name a wheel, a version, or add --version X.Y"
        ) from None


def install_release(package: str, version: str, folder: Path) -> None:
    """The files of one release without its dependencies. Raises Unavailable."""
    uv = shutil.which("uv")
    installer = [uv, "pip", "install", "--quiet"] if uv else [sys.executable, "-m", "pip", "install", "-q"]
    command = [*installer, "--no-deps", "--target", str(folder), f"{normalised(package)}=={version}"]
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=INSTALL_S, check=False, env=dict(os.environ)
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise Unavailable(f"cannot get {package} {version}: {error}", hint="check the network") from None
    if done.returncode:
        says = done.stderr.strip().splitlines() or ["no message"]
        raise Unavailable(f"cannot get {package} {version}: {says[-1].strip()}", hint="check the version")
