"""What a project may be called: a name that is also a package, a folder, a model and part of a URL."""

from __future__ import annotations

import keyword
import re
import sys
import unicodedata

from pavedroad.errors import Invalid

LONGEST = 60
_NAME = re.compile(r"[a-z][a-z0-9]*([-_][a-z0-9]+)*")
# Imports that a package of the same name would hide.
TAKEN = frozenset(
    {
        "pavedroad",
        "paved",
        "pandas",
        "numpy",
        "sklearn",
        "pyarrow",
        "mlflow",
        "pytest",
        "src",
        "tests",
        "test",
    }
)
_OWNER = re.compile(r"[^\x00-\x1f\x7f\"\\]{1,250}")


def check_project_name(name: str) -> str:
    """Raises: Invalid with a name that would do."""
    if not _NAME.fullmatch(name) or len(name) > LONGEST:
        raise Invalid(
            f"{name!r} cannot be a project's name",
            hint=f"use lower-case letters, digits and hyphens, starting with a letter: {suggestion(name)}",
        )
    package = package_name(name)
    if package in TAKEN or package in sys.stdlib_module_names or keyword.iskeyword(package):
        raise Invalid(
            f"{name!r} cannot be a project's name: its package would hide another {package!r}",
            hint=f"call it {name}-model, for example",
        )
    return name


def package_name(name: str) -> str:
    return name.replace("-", "_")


def suggestion(name: str) -> str:
    """The nearest name that would do: `my project!` -> `my-project`."""
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    words = re.findall(r"[a-z0-9]+", plain)
    while words and not words[0][0].isalpha():
        words[0] = words[0].lstrip("0123456789")
        words = words[0 if words[0] else 1 :]
    return "-".join(words)[:LONGEST].strip("-") or "my-project"


def check_owner(owner: str) -> str:
    owner = owner.strip()
    if not _OWNER.fullmatch(owner):
        raise Invalid(
            f"{owner!r} cannot be an owner", hint="name a person or a team, without quotes and backslashes"
        )
    return owner
