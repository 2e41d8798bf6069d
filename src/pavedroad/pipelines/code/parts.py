"""What a fingerprint is gathered in."""

from __future__ import annotations

from types import NoneType
from typing import Any

import blake3

from pavedroad.pipelines.code.watch import Watch
from pavedroad.pipelines.secrets import is_secret

LONGEST_SHOWN = 40
DIGITS = 16  # 64 bits: enough to tell versions of one part apart


class Parts:
    """Labels with the digests of everything that goes by that label, the packages imported, and warnings."""

    def __init__(self) -> None:
        self._digests: dict[str, set[str]] = {}
        self.imports: set[str] = set()  # dotted names outside the project
        self.warnings: dict[str, None] = {}
        self.shown: dict[str, str] = {}  # small values by label, for people
        self.watch = Watch()

    def add(self, label: str, digest: str) -> None:
        self._digests.setdefault(label, set()).add(digest)

    def show(self, label: str, value: object) -> None:
        """Keep a small value as text, so that a change can be told as `2 → 3`; never what may be a secret."""
        if is_secret(label.rpartition(".")[2]):
            return
        items = list(value) if isinstance(value, tuple | list | set | frozenset) else [value]
        is_small = len(items) <= LONGEST_SHOWN and all(_is_atom(item) for item in items)
        if is_small and len(text := repr(value)) <= LONGEST_SHOWN:
            self.shown[label] = text

    def keep_only(self, families: tuple[str, ...]) -> None:
        """Drop the labels whose first word is not among `families`."""
        self._digests = {
            label: found for label, found in self._digests.items() if label.split(" ")[0] in families
        }

    def warn(self, text: str) -> None:
        self.warnings[text] = None

    def digests(self) -> dict[str, str]:
        return {label: short(*sorted(self._digests[label])) for label in sorted(self._digests)}


def _is_atom(value: object) -> bool:
    return isinstance(value, bool | int | float | NoneType) or (isinstance(value, str) and "://" not in value)


def short(*texts: Any) -> str:
    """A short digest of texts; one text and its parts cannot be mistaken for another."""
    hasher = blake3.blake3()
    for text in texts:
        data = str(text).encode("utf-8", "surrogatepass")
        hasher.update(len(data).to_bytes(8, "little"))
        hasher.update(data)
    return hasher.hexdigest()[:DIGITS]
