"""The source of a module as it was loaded, and the proof that it is what runs.

A module object keeps the functions of the file it was loaded from, whatever has become of the file since. So:

* The source of a loaded module is read once and kept until the module is loaded again (its `__spec__` is then new).
* A function is described by its source only if that source compiles to the very code that the function holds (line
  numbers may have moved). Otherwise its bytecode is described: that is what runs.
* When the file no longer gives what is loaded, or Python has loaded a compiled file of an earlier edit (its `.pyc` test
  looks at whole seconds and the size only), the source is marked `edited`; statements of such a module are not
  trusted, the values they left behind are.

A module that is not loaded is read from its file, and read again when the file changes.
"""

from __future__ import annotations

import ast
import importlib.machinery
import importlib.util
import linecache
import marshal
import os
import types
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pavedroad.pipelines.code.bytecode import describe_code, nested
from pavedroad.pipelines.code.outline import Outline, first_line

Signature = tuple[int, int, int]  # modified, changed (ns) and size: enough to know that a file is as it was


def signature_of(file: str | Path) -> Signature | None:
    """None when there is no such file."""
    try:
        status = os.stat(file)
    except (OSError, ValueError):
        return None
    return status.st_mtime_ns, status.st_ctime_ns, status.st_size


class Source:
    """The text of one module or notebook cell, parsed and compiled when first needed."""

    def __init__(self, text: bytes, file: str, signature: Signature | None) -> None:
        self.text = text
        self.file = file
        self.signature = signature
        self.edited = False
        self.outline = Outline(ast.parse(text, file))
        self._codes: dict[str, list[types.CodeType]] | None = None

    @property
    def codes(self) -> dict[str, list[types.CodeType]]:
        """Every function that the text compiles to, by qualified name."""
        if self._codes is None:
            self._codes = defaultdict(list)
            for code in nested(self._compiled()):
                self._codes[code.co_qualname].append(code)
        return self._codes

    def holds(self, code: types.CodeType) -> bool:
        return code in self.codes.get(code.co_qualname, ())

    def definition(self, code: types.CodeType) -> ast.AST | None:
        """The definition that compiles to `code`, or None."""
        same = [each for each in self.codes.get(code.co_qualname, ()) if each == code]
        if not same:
            text = describe_code(code)
            same = [each for each in self.codes.get(code.co_qualname, ()) if describe_code(each) == text]
        if len(same) != 1:
            return None
        return self.outline.definition(code.co_name, same[0].co_firstlineno)

    def class_definition(self, qualname: str) -> ast.AST | None:
        """The only class of that qualified name."""
        name = qualname.rpartition(".")[2]
        found = [
            node
            for node in ast.walk(self.outline.tree)
            if isinstance(node, ast.ClassDef) and node.name == name
        ]
        return self.outline.definition(name, first_line(found[0])) if len(found) == 1 else None

    def _compiled(self) -> types.CodeType:
        cached, is_newer = _cached_code(self.file, self.signature)
        if cached is not None and is_newer:
            return cached
        fresh = compile(self.text, self.file, "exec", dont_inherit=True)
        if cached is not None and cached != fresh:
            self.edited = True
        return fresh


def _cached_code(file: str, signature: Signature | None) -> tuple[types.CodeType | None, bool]:
    """What Python would load for `file` from its `.pyc`, and whether that was compiled after the last edit."""
    try:
        cache = importlib.util.cache_from_source(file)
        data = Path(cache).read_bytes()
        status = os.stat(cache)
    except (NotImplementedError, OSError, ValueError):
        return None, False
    if signature is None or len(data) < 16 or data[:4] != importlib.util.MAGIC_NUMBER or any(data[4:8]):
        return None, False
    seconds, size = int.from_bytes(data[8:12], "little"), int.from_bytes(data[12:16], "little")
    modified, changed, file_size = signature
    if seconds != (modified // 1_000_000_000) & 0xFFFFFFFF or size != file_size & 0xFFFFFFFF:
        return None, False
    try:
        code = marshal.loads(data[16:])  # noqa: S302  (Python has run this very file)
    except (EOFError, ValueError, TypeError):
        return None, False
    return (
        (code, status.st_mtime_ns > max(modified, changed))
        if isinstance(code, types.CodeType)
        else (None, False)
    )


_files: dict[str, Source] = {}
_cells: dict[str, Source] = {}
_loaded: dict[int, tuple[Any, dict[str, Any] | None, Source | None]] = {}


def forget_sources() -> None:
    """Drop everything read so far."""
    for memory in (_files, _cells, _loaded):
        memory.clear()


def read_source(file: str) -> Source | None:
    """The source in a file now; None when it is not Python source."""
    signature = signature_of(file)
    known = _files.get(file)
    if known is not None and known.signature == signature:
        return known
    if signature is None or not file.endswith(".py"):
        return None
    source = _parse(file, signature)
    if source is not None:
        _files[file] = source
    return source


def _parse(file: str, signature: Signature | None) -> Source | None:
    try:
        return Source(Path(file).read_bytes(), file, signature)
    except (OSError, SyntaxError, ValueError, RecursionError):
        return None


def loaded_source(namespace: dict[str, Any]) -> Source | None:
    """The source that a loaded module (its `__dict__`) came from; None when there is none, as in a notebook."""
    file = namespace.get("__file__")
    if not isinstance(file, str) or not file.endswith(".py"):
        return None
    spec = namespace.get("__spec__")
    known = _loaded.get(id(namespace))
    if known is not None and known[0] is spec and (spec is not None or known[1] is namespace):
        source = known[2]
        if source is None or source.signature == signature_of(file) or _fits(namespace, source):
            return source
    source = read_source(file)
    if source is not None:
        loaded_as_usual = spec is None or type(spec.loader) is importlib.machinery.SourceFileLoader
        if loaded_as_usual and not _fits(namespace, source):
            source = _parse(
                file, source.signature
            )  # not the shared one: `edited` is about this module object
            if source is not None:
                source.edited = True
    _loaded[id(namespace)] = (spec, namespace if spec is None else None, source)
    return source


def _fits(namespace: dict[str, Any], source: Source) -> bool:
    """Whether every function of the module is one that the source compiles to."""
    return all(source.holds(code) for code in _own_codes(namespace, source.file)) and not source.edited


def _own_codes(namespace: dict[str, Any], file: str) -> Iterator[types.CodeType]:
    name = namespace.get("__name__")
    for value in list(namespace.values()):
        if isinstance(value, types.FunctionType):
            candidates: list[object] = [value]
        elif isinstance(value, type) and value.__module__ == name:
            candidates = [getattr(member, "__func__", member) for member in vars(value).values()]
        else:
            continue
        for candidate in candidates:
            if isinstance(candidate, types.FunctionType) and candidate.__code__.co_filename == file:
                if candidate.__globals__ is namespace:
                    yield candidate.__code__


def source_of_code(code: types.CodeType, namespace: dict[str, Any]) -> Source | None:
    """Where a function was written: its module, a notebook cell that Python still remembers, or another file."""
    file = code.co_filename
    if file == namespace.get("__file__"):
        return loaded_source(namespace)
    entry = linecache.cache.get(file)
    if entry is not None and len(entry) == 4 and entry[1] is None:  # no time: not a file but a cell
        text = "".join(entry[2]).encode()
        cell = _cells.get(file)
        if cell is None or cell.text != text:
            try:
                cell = _cells[file] = Source(text, file, None)
            except (SyntaxError, ValueError, RecursionError):
                return None
        return cell
    return read_source(file)
