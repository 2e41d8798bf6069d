from __future__ import annotations

import re
from collections.abc import Iterator

from pavedroad.checks.model import UNSAFE, Edit, Fix, Found, Place
from pavedroad.checks.project import Project
from pavedroad.checks.rule import rule

_README = re.compile(r"(docs/|\.github/)?read_?me(\.\w+)?", re.IGNORECASE)
_DOCS = re.compile(r"(docs?/.*|[A-Z]+)\.(md|rst|txt|ipynb)")
_SETUP = re.compile(
    r"\binstall|\bset[ -]?up\b|\bsetting up|requirements[\w.-]*\.txt|environment\.ya?ml|\bpip3?\s|"
    r"\buv (sync|pip|venv|run)|\bpoetry\b|\bpipenv\b|\bconda\b|\bmamba\b|\bpixi\b|docker|\bvirtual ?env|"
    r"getting started|prerequisit|quick ?start|\bmake \w+|\bcolab\b|\bbinder\b|devcontainer|dependenc",
    re.IGNORECASE,
)
_RUN = re.compile(
    r"\b(run|running|usage|how to use|execut\w+|start(ing)?|launch\w*|train(ing)?|reproduc\w+|deploy\w*|"
    r"serve|predict)\b|\bpython3?\s+-?\w|\bmake \w+|docker[ -]compose|docker run|uvicorn|streamlit|jupyter|"
    r"notebook|dvc repro|\bcolab\b|^[ \t]*\$ \w",
    re.IGNORECASE | re.MULTILINE,
)
_DATA = re.compile(
    r"\bdata|\bdvc\b|\bkaggle\b|\bcsv\b|\bparquet\b|\bcorpus\b|\bimages?\b|\bs3://|\bgs://", re.IGNORECASE
)
MOST_DOCUMENTS, LONGEST_TEXT = 50, 200_000
READERS = (
    "read_csv", "read_parquet", "read_json", "read_excel", "read_feather", "scan_csv", "scan_parquet",
    "read_table", "loadtxt", "genfromtxt", "ImageFolder",
)  # fmt: skip
_COMMANDS = {"uv.lock": "uv sync", "poetry.lock": "poetry install", "Pipfile.lock": "pipenv sync",
             "environment.yml": "conda env create -f environment.yml",
             "requirements.txt": "pip install -r requirements.txt"}  # fmt: skip


@rule(
    "DOC801",
    "readme-without-steps",
    since="0.1",
    team="note",
    production="warning",
    fix="unsafe",
    of_project=True,
)
def readme_without_steps(project: Project) -> Iterator[Found]:
    """A README says how to set up, where the data is, and what to run.

    Why:
        The next person, or you in a year, has these three questions first, and the answers are nowhere in
        the code. 10% of 42 public projects had a README of less than 20 lines, or none.
    Bad:
        ```text
        README.md    # rides
        ```
    Good:
        ```text
        README.md    # rides
                     Setup: uv sync
                     Data: dvc pull
                     Run: make train
        ```
    Accepts:
        Any words about installing, running and data, in the README or in docs/; data is asked about only
        where code reads data files.
    Fix:
        Adds a section with the command that installs from the project's own lock or requirements.
    References:
        https://www.makeareadme.com/
    """
    if not project.modules:
        return
    readmes = sorted((path for path in project.files if _README.fullmatch(path)), key=len)
    if not readmes:
        yield Found(
            at=Place(path=project.front_page),
            says="this project has no README",
            hint="write a README.md: what it is, how to set up, where the data is, what to run",
        )
        return
    documents = [*readmes, *(path for path in project.files if _DOCS.fullmatch(path))]
    text = "\n".join(project.text(path)[:LONGEST_TEXT] for path in documents[:MOST_DOCUMENTS])
    readme = readmes[0]
    at = project.line(readme, _first_line(project.text(readme)))
    if not _SETUP.search(text):
        yield Found(
            at=at,
            says=f"{readme} does not say how to set up",
            hint="name the commands that install what the project needs",
            fix=_fix(project, readme),
        )
    if not _RUN.search(text):
        yield Found(
            at=at, says=f"{readme} does not say what to run", hint="name the command that does the main job"
        )
    if not _DATA.search(text) and any(module.calls(*READERS) for module in project.modules):
        yield Found(
            at=at,
            says=f"{readme} does not say where the data is",
            hint="say where it comes from and how to get it",
        )


def _first_line(text: str) -> int:
    return next((number for number, line in enumerate(text.split("\n"), 1) if line.strip()), 1)


def _fix(project: Project, readme: str) -> Fix | None:
    command = next((command for name, command in _COMMANDS.items() if name in project.files), "")
    text = project.text(readme)
    if (
        not command
        or not readme.lower().endswith(".md")
        or "�" in text
        or "\r" in text
        or text.startswith("\ufeff")
    ):
        return None
    lead = "" if not text or text.endswith("\n") else "\n"
    addition = f"{lead}\n## Setup\n\n```sh\n{command}\n```\n"
    edit = Edit(path=readme, start=len(text), end=len(text), text=addition)
    return Fix(says="add a section Setup", safety=UNSAFE, edits=(edit,))
