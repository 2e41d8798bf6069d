"""Cache keys: everything that can change a step's result, as labelled parts, and one digest over them."""

from __future__ import annotations

import importlib
import sys
import threading
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import msgspec

from pavedroad.kit.files import digest_of
from pavedroad.pipelines.annotations import fixed_items
from pavedroad.pipelines.code import CodeFingerprint, fingerprint
from pavedroad.pipelines.steps import Step
from pavedroad.pipelines.values.model import SERIALIZER_VERSION
from pavedroad.pipelines.values.shelf import Digest

SHORT = 16  # hexadecimal digits of a part: enough to see a change, short enough to read


class Part(msgspec.Struct, frozen=True, array_like=True):
    """One reason why a result is what it is."""

    digest: str
    shown: str = ""  # for people: the value of a parameter, the step an input comes from


class CodeParts(msgspec.Struct, frozen=True, kw_only=True):
    """The parts that all calls of one step share."""

    digest: str
    parts: dict[str, str]
    shown: dict[str, str] = {}  # small values by label
    warnings: tuple[str, ...] = ()
    packages: tuple[str, ...] = ()  # distributions whose versions are among the parts


class Key(msgspec.Struct, frozen=True, kw_only=True):
    digest: str
    code: CodeParts
    inputs: dict[str, Part]


class KeyMaker:
    """Makes keys for one run; the code of each step is looked at once."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._of_steps: dict[int, CodeParts] = {}
        self._of_code: dict[Any, CodeFingerprint] = {}
        self._lock = threading.Lock()

    def code_of(self, step: Step[..., Any]) -> CodeParts:
        with self._lock:
            known = self._of_steps.get(id(step))
            if known is None:
                options = step.options
                seen = fingerprint(
                    step.function, root=self._root, depends_on=options.depends_on, version=options.version
                )
                items = fixed_items(step.returns)
                known = self._of_steps[id(step)] = to_code_parts(
                    seen, number_of_outputs=len(items) if items else 1
                )
            return known

    def key(self, step: Step[..., Any], inputs: Mapping[str, tuple[Digest, str]]) -> Key:
        """The key of one call. `inputs`: parameter label -> its digest, and how a person recognises it."""
        code = self.code_of(step)
        parts = {label: Part(_short(digest.identity), shown) for label, (digest, shown) in inputs.items()}
        for label, (digest, _) in inputs.items():
            for name, part in self._brought_along(digest.code).items():
                parts[f"{name}, in {label}"] = Part(part)
        lines = [
            code.digest,
            *(f"{label}={digest.identity}" for label, (digest, _) in sorted(inputs.items())),
        ]
        lines += [f"{label}={part.digest}" for label, part in sorted(parts.items()) if label not in inputs]
        return Key(digest=digest_of("\n".join(lines).encode()), code=code, inputs=parts)

    def _brought_along(self, code: Iterable[Any]) -> dict[str, str]:
        """The parts of classes and functions that came with a value rather than with the step's own code."""
        parts: dict[str, str] = {}
        for each in code:
            with self._lock:
                seen = self._of_code.get(each)
                if seen is None:
                    found = _find(each) if isinstance(each, str) else each
                    seen = self._of_code[each] = fingerprint(found, root=self._root)
            parts |= seen.parts
            parts |= {f"package {name}": version for name, version in seen.packages.items()}
        return parts


def to_code_parts(seen: CodeFingerprint, *, number_of_outputs: int) -> CodeParts:
    parts = {
        **seen.parts,
        **{f"package {name}": version for name, version in seen.packages.items()},
        "python": f"{sys.version_info.major}.{sys.version_info.minor}",
        "serializer": SERIALIZER_VERSION,
    }
    if number_of_outputs > 1:
        parts["number of outputs"] = str(number_of_outputs)
    lines = [f"{label}={part}" for label, part in sorted(parts.items())]
    return CodeParts(
        digest=digest_of("\n".join(lines).encode()),
        parts=parts,
        shown=seen.shown,
        warnings=tuple(seen.warnings),
        packages=tuple(sorted(seen.packages)),
    )


def _find(name: str) -> Any:
    """The class or function `module:qualified.name` as it is now; what is gone is known by its name alone."""
    module, _, qualified = name.partition(":")
    try:
        found: Any = sys.modules.get(module) or importlib.import_module(module)
        for part in qualified.split("."):
            found = getattr(found, part)
    except Exception:  # reading the value will fail as well, and then its step runs again
        return name
    return found


def _short(identity: str) -> str:
    return identity.rpartition(":")[2][:SHORT]
