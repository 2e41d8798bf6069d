"""How a value between steps is kept."""

from __future__ import annotations

from typing import Any

import msgspec

# Part of every cache key: change it when the same value would be written or read differently.
SERIALIZER_VERSION = "1"


class ValueFile(msgspec.Struct, frozen=True, kw_only=True):
    """A file of the record's file store."""

    digest: str
    size_bytes: int
    path: str = ""  # inside a folder; empty for a value of one file


class Value(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A value as it lies on the record. It is immutable: what a step is handed is read from it, or is as
    good as that.
    """

    format: str  # a key of shelf.FORMATS
    digest: str  # of the content; empty: it could not be stored and lives in memory only
    size_bytes: int = 0
    inline: bytes | None = None  # a small one lies here instead of in a file
    files: tuple[ValueFile, ...] = ()
    items: tuple[Value, ...] = ()  # of a list, tuple or dict whose items are kept one by one
    code: tuple[
        str, ...
    ] = ()  # `module:name` of the classes and functions it names and whose code decides what it does
    detail: dict[str, Any] = {}  # what reading it back needs
    shown: str = ""  # `Table 336,776 × 19`

    @property
    def identity(self) -> str:
        """What a cache key says about it: equal exactly when the contents are. Empty when it is not known."""
        return f"{self.format}:{self.digest}" if self.digest else ""

    @property
    def is_stored(self) -> bool:
        return bool(self.digest)

    @property
    def total_bytes(self) -> int:
        return self.size_bytes + sum(item.total_bytes for item in self.items)

    def all_files(self) -> list[ValueFile]:
        return [*self.files, *(file for item in self.items for file in item.all_files())]


class NotStorable(Exception):
    """This value cannot be written; its message says why."""


class NoRoom(NotStorable):
    """It could be written, were there room on the disk: another form of it could not either."""


class LostValue(Exception):
    """What was stored is gone, damaged or no longer readable: the step that made it must run again."""

    held: Any = None  # where it was held, when that is known

    def at(self, held: Any) -> LostValue:
        self.held = self.held or held
        return self


def library_of(value: Any) -> str:
    """The top package of a value's class: `pandas`, `numpy`, `builtins`. No library is imported to find
    out.
    """
    return type(value).__module__.partition(".")[0]
