from __future__ import annotations

import re
from collections.abc import Iterator

from pavedroad.checks.model import SAFE, Edit, Fix, Found
from pavedroad.checks.project import Project
from pavedroad.checks.rule import rule
from pavedroad.checks.secrets import is_placeholder

_FILE = re.compile(r"\.env(\.[\w-]+)*|[\w-]+\.env|\.envrc", re.IGNORECASE)
_EXAMPLE = re.compile(
    r"\.(example|sample|template|dist|tmpl|tpl|defaults?|test|ci|docs?|schema|vault|enc|age)\b|^(example|sample|template)",
    re.IGNORECASE,
)
_ENTRY = re.compile(r"^[ \t]*(?:export[ \t]+)?([A-Za-z_][\w.]*)[ \t]*=(.*)$", re.MULTILINE)
_SECRET_NAME = re.compile(
    r"(?<![A-Z])(PASS(WORD|WD)?|PWD|SECRET|TOKEN|API_?KEY|ACCESS_?KEY(_ID)?|PRIVATE_?KEY|CREDENTIALS?|DSN|"
    r"DATABASE_UR[IL]|CONNECTION_STRING|KEY)(?![A-Z])",
    re.IGNORECASE,
)
_PASSWORD_IN_URL = re.compile(r"://[^\s:/@]*:([^\s@$<{]+)@")
_DEFAULT = re.compile(
    r"(postgres|mysql|mongo|redis|minio|mlflow|airflow|prefect|grafana|root|admin|user|guest|pass|password|secret|"
    r"test|dev|example|local)+(word|admin|user|123|1234)?",
    re.IGNORECASE,
)
NOT_SHIPPED = (".devcontainer", ".github", "tests", "test")
_HARMLESS = re.compile(r"_(FILE|PATH|NAME|LENGTH|EXPIRE\w*|MINUTES|ALGORITHM|URL|TYPE|TTL)$", re.IGNORECASE)


@rule(
    "SEC702",
    "env-file-in-git",
    since="0.1",
    explore="warning",
    team="error",
    production="error",
    fix="safe",
    of_project=True,
)
def env_file_in_git(project: Project) -> Iterator[Found]:
    """The .env file with the credentials of a person stays out of git.

    Why:
        It is where real passwords end up, whatever is in it today, and everyone who clones gets them. 12%
        of 42 public projects committed theirs.
    Bad:
        ```text
        .env          POSTGRES_PASSWORD=kT9w...
        ```
    Good:
        ```text
        .gitignore    .env
        .env.example  POSTGRES_PASSWORD=
        ```
    Accepts:
        .env.example and the like, containers for development, files without a password, key or token,
        placeholders, and the keys of some documentation. The passwords that images start with (postgres,
        admin) are a note.
    Fix:
        Adds the file to .gitignore and writes its names, without values, into .env.example. Taking it out
        of git is `git rm --cached`.
    References:
        https://12factor.net/config
    """
    for path, file in project.files.items():
        name = path.rpartition("/")[2]
        if not _FILE.fullmatch(name) or _EXAMPLE.search(name) or (project.has_git and not file.tracked):
            continue
        if set(path.split("/")[:-1]) & set(NOT_SHIPPED):
            continue
        text = project.text(path)
        secrets = [entry for entry in _ENTRY.finditer(text) if _is_secret(entry[1], entry[2])]
        if secrets:
            real = next((entry for entry in secrets if not _is_default(entry[2])), None)
            entry = real or secrets[0]
            where = "in git" if project.has_git else "not ignored"
            yield Found(
                at=project.line(path, text.count("\n", 0, entry.start()) + 1),
                says=f"{path} with {entry[1]} is {where}",
                hint=f"git rm --cached {path}, change what it held, and keep a .env.example",
                fix=_fix(project, path, text),
                severity="" if real else "note",
            )


def _is_secret(name: str, value: str) -> bool:
    value = value.partition(" #")[0].strip()
    if "://" in value:
        return bool(_PASSWORD_IN_URL.search(value))
    return bool(_SECRET_NAME.search(name)) and not _HARMLESS.search(name) and not is_placeholder(value)


def _is_default(value: str) -> bool:
    """Whether it is what an image starts with, and opens a database on the own machine only."""
    value = value.partition(" #")[0].strip("\"' ")
    address = _PASSWORD_IN_URL.search(value)
    return bool(_DEFAULT.fullmatch(address[1] if address else value))


def _fix(project: Project, path: str, text: str) -> Fix | None:
    """None when both are there: then only git itself can take the file out."""
    edits = []
    ignored = project.text(".gitignore") if ".gitignore" in project.files else ""
    if f"/{path}" not in ignored.split() and path not in ignored.split():
        lead = "" if not ignored or ignored.endswith("\n") else "\n"
        edits.append(Edit(path=".gitignore", start=len(ignored), end=len(ignored), text=f"{lead}/{path}\n"))
    folder = path.rpartition("/")[0]
    example = f"{folder}/.env.example" if folder else ".env.example"
    if example not in project.files:
        names = "".join(f"{match.group(1)}=\n" for match in _ENTRY.finditer(text))
        edits.append(Edit(path=example, start=0, end=0, text=names))
    return Fix(says="ignore it and keep an example", safety=SAFE, edits=tuple(edits)) if edits else None
