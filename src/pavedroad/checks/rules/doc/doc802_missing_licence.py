from __future__ import annotations

import re
from collections.abc import Iterator

from pavedroad.checks.model import Found, Place
from pavedroad.checks.project import Project
from pavedroad.checks.rule import rule

_FILE = re.compile(r"(.*/)?(licen[cs]es?|copying|unlicense|copyright|mit-license)([-._].*)?", re.IGNORECASE)
_STATED = re.compile(
    r"^[ \t]*licen[cs]e(-files?|-expression)?\s*=|License ::|Private :: Do Not Upload|\blicense\s*=\s*[\"']|"
    r"\"license\"\s*:",
    re.MULTILINE,
)
_IN_WORDS = re.compile(
    r"licen[cs]ed under|under the [\w .-]{2,40}licen[cs]e|all rights reserved|proprietary|"
    r"\b(MIT|Apache|BSD|GPL|LGPL|AGPL|CC[- ]BY)\b[^\n]{0,40}licen[cs]e|"
    r"licen[cs]e[^\n]{0,20}\n{0,2}[^\n]{0,60}\b(MIT|Apache|BSD|GPL|CC[- ]BY)\b",
    re.IGNORECASE,
)
LONGEST_TEXT = 200_000  # characters of a README
MANIFESTS = ("pyproject.toml", "setup.cfg", "setup.py", "package.json", "CITATION.cff", "codemeta.json")


@rule("DOC802", "missing-licence", since="0.1", team="note", production="warning", of_project=True)
def missing_licence(project: Project) -> Iterator[Found]:
    """A project says under which terms it may be used.

    Why:
        Without a licence nobody else may use, change or pass on the code, colleagues of a partner
        included, and a lawyer finds out late. 52% of 42 public projects had none.
    Bad:
        ```text
        rides/    README.md  train.py
        ```
    Good:
        ```text
        rides/    LICENSE  README.md  train.py
        ```
    Accepts:
        A licence file anywhere, a licence in pyproject.toml, setup.cfg, setup.py or package.json, one
        named in the README, `License = "Proprietary"`, and the classifier "Private :: Do Not Upload".
    References:
        https://choosealicense.com/no-permission/
    """
    if not (project.modules or project.manifests) or any(_FILE.fullmatch(path) for path in project.files):
        return
    if any(_STATED.search(project.text(path)) for path in project.named(*MANIFESTS)):
        return
    readmes = [path for path in project.files if path.rpartition("/")[2].lower().startswith("readme")]
    if any(_IN_WORDS.search(project.text(path)[:LONGEST_TEXT]) for path in readmes):
        return
    yield Found(
        at=Place(path=project.front_page),
        says="nothing says under which terms this may be used",
        hint='add a LICENSE file, or license = "Proprietary" to [project] in pyproject.toml',
    )
