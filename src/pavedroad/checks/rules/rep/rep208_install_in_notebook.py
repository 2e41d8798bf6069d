from __future__ import annotations

import re
from collections.abc import Iterator

from pavedroad.checks.model import Found
from pavedroad.checks.notebook import Cell
from pavedroad.checks.project import Project
from pavedroad.checks.rule import rule
from pavedroad.checks.rules.rep.cells import line_place, notebooks

_SHELL_CELL = re.compile(r"\s*%%(bash|sh|script|!)")
_INSTALL = re.compile(
    r"^\s*(?P<mark>[!%]\s*)?(sudo\s+)?"
    r"(uv\s+pip|[\w./{}-]*pip3?|[\w./{}]*python3?\s+-m\s+pip|\{sys\.executable\}\s+-m\s+pip|conda|mamba)"
    r"(?:\s+-\S+)*\s+install\s+(?P<what>[^#\n]*)"
)
# Takes what the project declares, or the project itself.
_DECLARED = re.compile(
    r"(^|\s)(-r|--requirement|-e|--editable|\.|\./\S*|\.\./\S*|\.\[\S+\]|--file|-f\s+\S+\.ya?ml)"
    r"(\s|=|\[|$)"
)
_PINNED = re.compile(r"[\w\].-]+==?[\w.]+|\S+@[0-9a-f]{7,40}\S*")
# The same through Python: `os.system("pip install x")`, `run([sys.executable, "-m", "pip", "install", "x"])`.
_CALLED = re.compile(
    r"(?:system|run|call|check_call|check_output|Popen|getoutput)\(\s*f?[\"'][^\"']*\bpip3? install "
    r"(?P<text>[^\"'#]+)"
    r"|[\"']pip[\"']\s*,\s*[\"']install[\"']\s*,\s*(?P<list>[^\])#]+)"
)
_HOSTED = re.compile(r"colab|kaggle", re.IGNORECASE)
TAKES_A_VALUE = (
    "-c",
    "--channel",
    "-n",
    "--name",
    "-i",
    "--index-url",
    "--extra-index-url",
    "-f",
    "--find-links",
)


@rule(
    "REP208",
    "install-in-notebook",
    since="0.1",
    explore="note",
    team="warning",
    production="warning",
    by_module=True,
)
def install_in_notebook(project: Project) -> Iterator[Found]:
    """Packages are declared by the project, not installed by a cell.

    Why:
        The cell changes the environment of everything else that runs there, past the lock, and installs
        another version next month. 24% of the public projects with notebooks had one.
    Bad:
        ```text
        !pip install -q lightgbm
        ```
    Good:
        ```text
        dependencies = ["lightgbm>=4.5"]    in pyproject.toml, and in the lock
        ```
    Accepts:
        `-r requirements.txt`, `-e .` and other installs of what the project declares, cells for Colab or
        Kaggle, lines that are commented out. A pinned version is only a note.
    References:
        https://ipython.readthedocs.io/en/stable/interactive/magics.html#magic-pip
    """
    for path, cells in notebooks(project):
        for cell in cells:
            if "install" not in cell.written or _HOSTED.search(cell.written):
                continue
            for number, line, what in _installs(cell):
                named = _packages(what)
                pinned = all(_PINNED.fullmatch(name) for name in named)
                yield Found(
                    at=line_place(path, cell, number, line),
                    says=f"the cell installs {', '.join(named[:3])}{' and more' if len(named) > 3 else ''}",
                    hint="declare it in the project and install from the lock",
                    severity="note" if pinned else "",
                )


def _installs(cell: Cell) -> Iterator[tuple[int, str, str]]:
    """Line number, line, and what is installed there, of each install that names packages."""
    in_shell = bool(_SHELL_CELL.match(cell.written))
    for number, line in enumerate(cell.written.split("\n"), 1):
        match, called = _INSTALL.match(line), _CALLED.search(line)
        if called and not line.lstrip().startswith("#"):
            named = (called["text"] or called["list"]).replace(",", " ").replace('"', " ").replace("'", " ")
            if not _DECLARED.search(named) and _packages(named):
                yield number, line, named
            continue
        if not match or not (match["mark"] or in_shell or _is_automagic(cell, line)):
            continue
        what = re.split(r"&&|;|\||\s\d?>", match["what"])[0]
        if not _DECLARED.search(what) and _packages(what):
            yield number, line, what


def _is_automagic(cell: Cell, line: str) -> bool:
    """Whether IPython takes it as a command though it is not marked: only as the first line of a cell."""
    return line.startswith(("pip ", "conda ")) and cell.written.lstrip().startswith(line)


def _packages(what: str) -> list[str]:
    """The words that are no option and no option's value."""
    words = [word.strip("'\"") for word in what.split()]
    before = ["", *words]
    return [
        word
        for word, previous in zip(words, before, strict=False)
        if not word.startswith("-") and previous not in TAKES_A_VALUE and word.strip("\\")
    ]
