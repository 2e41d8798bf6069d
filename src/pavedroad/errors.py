"""Everything Pavedroad refuses to do, as one tree.

    PavedError
    ├── Invalid              the caller sent something we cannot use          400   exit 2
    │   ├── ConfigError      ... in paved.toml, [tool.paved] or PAVED_*       400   exit 2
    │   └── DefinitionError  ... in a step or a pipeline                      400   exit 2
    ├── NotFound             it is not on the record                          404   exit 2
    ├── Exists               the name is taken                                400   exit 2
    ├── Conflict             what is there does not allow it                  409   exit 1
    ├── Refused              a gate or a policy says no                       403   exit 1
    ├── Damaged              stored bytes are not what was stored             500   exit 1
    ├── MissingExtra         an optional dependency is not installed          501   exit 3
    └── Unavailable          the machine or the database cannot, right now    503   exit 3

Raise where the fact is known; the server and the command line turn it into an answer.
The message says what, with the value; the hint says what to do next.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from typing import ClassVar


class PavedError(Exception):
    """A refusal that a person can act on."""

    code: ClassVar[str] = "INTERNAL_ERROR"  # MLflow's error codes, so that its client understands ours
    status: ClassVar[int] = 500
    exit_code: ClassVar[int] = 1

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.message}; {self.hint}" if self.hint else self.message


class Invalid(PavedError):
    code = "INVALID_PARAMETER_VALUE"
    status = 400
    exit_code = 2


class ConfigError(Invalid):
    """A setting or a manifest that cannot be used."""


class DefinitionError(Invalid):
    """A step or a pipeline that cannot be built."""


class NotFound(PavedError):
    code = "RESOURCE_DOES_NOT_EXIST"
    status = 404
    exit_code = 2


class Exists(PavedError):
    code = "RESOURCE_ALREADY_EXISTS"
    status = 400
    exit_code = 2


class Conflict(PavedError):
    code = "RESOURCE_CONFLICT"
    status = 409


class Refused(PavedError):
    code = "PERMISSION_DENIED"
    status = 403


class Damaged(PavedError):
    code = "DATA_LOSS"
    status = 500


class MissingExtra(PavedError):
    code = "NOT_IMPLEMENTED"
    status = 501
    exit_code = 3

    def __init__(self, what: str, *, extra: str) -> None:
        super().__init__(
            f"{what} needs the extra {extra!r}, which is not installed",
            hint=f'run `pip install "pavedroad[{extra}]"`',
        )


class Unavailable(PavedError):
    code = "TEMPORARILY_UNAVAILABLE"
    status = 503
    exit_code = 3


def nearest(word: str, known: Iterable[str]) -> str | None:
    """The known word a typist probably meant, or None when nothing is close."""
    close = difflib.get_close_matches(word, list(known), n=1, cutoff=0.6)
    return close[0] if close else None


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """A hint for an unknown word: the nearest known one, else all of them."""
    known = sorted(known)
    close = nearest(word, known)
    return f"did you mean {close!r}?" if close else f"known: {', '.join(known)}"
