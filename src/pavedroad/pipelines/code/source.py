"""The source of a module as it was loaded, and the proof that it is what runs.

A module object keeps the functions of the file it was loaded from, whatever has become of the file since. So:

* The source of a loaded module is read once and kept until it is loaded again (its `__spec__` is then new).
* A function is described by its source only if that source compiles to the very code that the function holds
  (line numbers may have moved). Otherwise its bytecode is described: that is what runs.
* When the file no longer gives what is loaded, the source is marked `edited`: its statements are not trusted,
  the values they left behind are. Python itself loads a compiled file of an earlier edit when the two edits
  fall into one second and leave the size as it was; that is found as well.

A module that is not loaded is read from its file, and read again when the file changes.
"""

from __future__ import annotations

import ast
import importlib.machinery
import importlib.util
import linecache
import marshal
import os
import sys
import types
from collections import defaultdict
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path
from typing import Any

import blake3

from pavedroad.pipelines.code.bytecode import describe_code, nested
from pavedroad.pipelines.code.outline import Outline, first_line

Signature = tuple[int, int, int]  # modified, changed (ns) and size: enough to know that a file is as it was


def signature_of(file: str | Path) -> Signature | None:
    """None when there is no such file."""
    try:
        status = Path(file).stat()
    except (OSError, ValueError):
        return None
    return status.st_mtime_ns, status.st_ctime_ns, status.st_size


class Source:
    """The text of one module or notebook cell, parsed and compiled when first needed."""

    def __init__(self, text: bytes, file: str, signature: Signature | None) -> None:
        self.text = text
        self.file = file
        self.signature = signature  # None for a cell
        self.edited = False
        self.outline = Outline(ast.parse(text, file), text)

    @property
    def digest(self) -> str:
        return blake3.blake3(self.text).hexdigest()

    @cached_property
    def codes(self) -> dict[str, list[types.CodeType]]:
        """Every function that the text compiles to, by qualified name."""
        codes: dict[str, list[types.CodeType]] = defaultdict(list)
        for code in nested(self._compiled):
            codes[code.co_qualname].append(code)
        return codes

    @cached_property
    def _cache(self) -> _CompiledFile | None:
        return _CompiledFile.read(self.file, self.signature) if self.signature is not None else None

    @cached_property
    def _compiled(self) -> types.CodeType:
        if self._cache is not None and self._cache.is_later:
            return self._cache.code
        return compile(self.text, self.file, "exec", dont_inherit=True)

    @cached_property
    def is_shadowed(self) -> bool:
        """Whether Python would load an older compiled file instead of this text."""
        return self._cache is not None and self._cache.code != self._compiled

    def holds(self, code: types.CodeType) -> bool:
        return code in self.codes.get(code.co_qualname, ())

    def definition(self, code: types.CodeType) -> ast.AST | None:
        """The definition that compiles to `code`, or None."""
        candidates = self.codes.get(code.co_qualname, [])
        same = [each for each in candidates if each == code]
        if not same and candidates:
            text = describe_code(code)
            same = [each for each in candidates if describe_code(each) == text]
        if len(same) != 1:
            return None
        return self.outline.definition(code.co_name, same[0].co_firstlineno)

    def class_definition(self, qualname: str) -> ast.AST | None:
        """The only class of that name."""
        name = qualname.rpartition(".")[2]
        classes = [node for node in ast.walk(self.outline.tree) if isinstance(node, ast.ClassDef)]
        found = [node for node in classes if node.name == name]
        return self.outline.definition(name, first_line(found[0])) if len(found) == 1 else None


class _CompiledFile:
    """The `.pyc` that Python would load for a file."""

    def __init__(self, code: types.CodeType, *, is_later: bool) -> None:
        self.code = code
        self.is_later = is_later  # written after the last edit of the file, to the nanosecond

    @classmethod
    def read(cls, file: str, signature: Signature) -> _CompiledFile | None:
        """None when Python would compile the file anew."""
        header, body, written_ns = _read_compiled(file)
        if header is None or header != _header_of(signature):
            return None
        try:
            code = marshal.loads(body)  # noqa: S302  (Python itself runs this very file)
        except (EOFError, ValueError, TypeError):
            return None
        if not isinstance(code, types.CodeType):
            return None
        return cls(code, is_later=written_ns > max(signature[:2]))


def _read_compiled(file: str) -> tuple[tuple[int, int] | None, bytes, int]:
    """The second and the size that a `.pyc` was made from, its code, and when it was written."""
    try:
        cache = Path(importlib.util.cache_from_source(file))
        data = cache.read_bytes()
        written_ns = cache.stat().st_mtime_ns
    except (NotImplementedError, OSError, ValueError):
        return None, b"", 0
    if len(data) < 16 or data[:4] != importlib.util.MAGIC_NUMBER or any(data[4:8]):
        return None, b"", 0
    return (
        (int.from_bytes(data[8:12], "little"), int.from_bytes(data[12:16], "little")),
        data[16:],
        written_ns,
    )


def _header_of(signature: Signature) -> tuple[int, int]:
    return (signature[0] // 1_000_000_000) & 0xFFFFFFFF, signature[2] & 0xFFFFFFFF


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
    source = _parse(file, signature) if signature is not None and file.endswith(".py") else None
    if source is not None:
        _files[file] = source
    return source


def _parse(file: str, signature: Signature | None) -> Source | None:
    try:
        return Source(Path(file).read_bytes(), file, signature)
    except (OSError, SyntaxError, ValueError, RecursionError):
        return None


def loaded_source(namespace: dict[str, Any]) -> Source | None:
    """The source that a loaded module (its `__dict__`) came from; None when there is none."""
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
    if source is not None and _is_other_than_loaded(namespace, spec, source):
        source = _parse(file, source.signature)  # not the shared one: `edited` is about this module object
        if source is not None:
            source.edited = True
    _loaded[id(namespace)] = (spec, namespace if spec is None else None, source)
    return source


def _is_other_than_loaded(namespace: dict[str, Any], spec: Any, source: Source) -> bool:
    if spec is not None and type(spec.loader) is not importlib.machinery.SourceFileLoader:
        return False  # it may have changed the code on the way, as pytest does with asserts
    if spec is not None and (source.is_shadowed or _is_newer_than_compiled(source)):
        return True
    return not _fits(namespace, source)


def _is_newer_than_compiled(source: Source) -> bool:
    """Whether the file was edited after Python compiled it, which it does when it loads it."""
    header, _, _ = _read_compiled(source.file)
    if header is None or source.signature is None or header == _header_of(source.signature):
        return False
    could_be_written = os.access(importlib.util.cache_from_source(source.file), os.W_OK)
    return could_be_written and not sys.dont_write_bytecode


def _fits(namespace: dict[str, Any], source: Source) -> bool:
    """Whether every function of the module is one that the source compiles to."""
    return all(source.holds(code) for code in _own_codes(namespace, source.file))


def _own_codes(namespace: dict[str, Any], file: str) -> Iterator[types.CodeType]:
    for value in list(namespace.values()):
        if isinstance(value, type) and value.__module__ == namespace.get("__name__"):
            candidates = [getattr(member, "__func__", member) for member in vars(value).values()]
        else:
            candidates = [value]
        for each in candidates:
            if not isinstance(each, types.FunctionType) or each.__globals__ is not namespace:
                continue
            if each.__code__.co_filename == file:
                yield each.__code__


def source_of_code(code: types.CodeType, namespace: dict[str, Any]) -> Source | None:
    """Where a function was written: its module, a notebook cell that Python remembers, or another file."""
    file = code.co_filename
    if file == namespace.get("__file__"):
        return loaded_source(namespace)
    entry = linecache.cache.get(file)
    if entry is None or len(entry) != 4 or entry[1] is not None:  # with a time, it is a file
        return read_source(file)
    text = "".join(entry[2]).encode()
    cell = _cells.get(file)
    if cell is None or cell.text != text:
        try:
            cell = _cells[file] = Source(text, file, None)
        except (SyntaxError, ValueError, RecursionError):
            return None
    return cell
