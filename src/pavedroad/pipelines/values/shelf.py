"""The shelf: puts a value away and gives it back, in the form that suits its type.

What a step is handed is never shared with another step in a way that one could see the other change it.
"""

from __future__ import annotations

import importlib
import io
import operator
import sys
import tempfile
import types
import uuid
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import blake3
import msgspec

from pavedroad.errors import PavedError
from pavedroad.kit.files import FileStore, Stored, digest_of, put_stream
from pavedroad.models import Evaluation, Model
from pavedroad.pipelines.composing import Pipeline
from pavedroad.pipelines.steps import Step
from pavedroad.pipelines.values import arrays, frames, models, paths, plain
from pavedroad.pipelines.values.model import LostValue, NoRoom, NotStorable, Value, ValueFile, library_of

# Up to here a plain value lies in its row: reading a row costs a tenth of opening a file.
INLINE_BYTES = 8 << 10
_CONTAINERS = (list, tuple, dict)


class Digest(NamedTuple):
    """What a key says about a value: its content, and the classes and functions it brings along."""

    identity: str
    code: tuple[Any, ...] = ()  # objects, or `module:name` of those in a stored value


class Owner(msgspec.Struct, frozen=True, kw_only=True):
    """Whose value it is: a model says which run made it."""

    run_id: str = ""
    step: str = ""


class Shelf:
    """Values in a file store. `work` is a folder for files on their way and for models and files handed to
    steps.
    """

    def __init__(self, files: FileStore, work: Path) -> None:
        self.files = files
        self.work = work
        self.digests = paths.FileDigests()

    # ---------------------------------------------------------------------------------------- putting away

    def store(self, value: Any, owner: Owner = Owner()) -> Value:  # noqa: B008 (frozen)
        """Raises NotStorable, with the reason."""
        try:
            return self._store(value, owner)
        except PavedError as error:
            raise NotStorable(error.message) from error

    def digest(self, value: Any) -> Digest:
        """What a cache key says about a value that is not kept: a parameter, a constant. Raises
        NotStorable.
        """
        if isinstance(value, Path):
            return Digest(f"path:{paths.content_digest(value, self.digests)}")
        if plain.is_plain(value):
            return Digest(f"plain:{digest_of(plain.dump_plain(value))}")
        if is_code(value):
            return Digest(f"code:{value.__qualname__}", (value,))
        if type(value) in _CONTAINERS and _has_special(value):
            keys, items = _open(value)
            return tree_digest(type(value).__name__, keys, [self.digest(item) for item in items])
        if frames.is_table(value) or arrays.is_array(value):
            return self._digest_of_data(value)
        sink = _Sink()
        code = plain.dump_pickle(value, sink)
        return Digest(f"pickle:{sink.hexdigest()}", tuple(code))

    def _digest_of_data(self, value: Any) -> Digest:
        try:
            stored = self._store(value, Owner(), keep=False)
        except PavedError as error:
            raise NotStorable(error.message) from error
        return Digest(stored.identity, stored.code)

    def _store(self, value: Any, owner: Owner, *, keep: bool = True) -> Value:
        if plain.is_plain(value):
            return self._store_plain(value)
        if isinstance(value, Path):
            return self._store_path(value)
        if isinstance(value, Evaluation):
            return self._store_evaluation(value)
        if type(value) in _CONTAINERS and _has_special(value):
            return self._store_tree(value, owner)
        if frames.is_table(value):
            return self._or_pickle(value, lambda: self._store_table(value, keep=keep))
        if arrays.is_array(value):
            return self._or_pickle(value, lambda: self._store_array(value, keep=keep))
        if models.is_model(value):
            return self._store_model(value, owner)
        if _is_query(value):
            raise NotStorable(
                f"a {type(value).__name__} is a query, not data: return what it gives, e.g. `.collect()`"
            )
        return self._store_pickle(value)

    def _store_plain(self, value: Any) -> Value:
        data = plain.dump_plain(value)
        kept = plain.plain_value(data, plain.describe_plain(value))
        if len(data) <= INLINE_BYTES:
            return kept
        with self.files.receive(durable=False) as incoming:
            incoming.write(data)
        return msgspec.structs.replace(kept, inline=None, files=(_file(incoming.stored),))

    def _store_path(self, path: Path) -> Value:
        if not path.exists():
            raise NotStorable(f"{path} does not exist")
        if path.is_file():
            with path.open("rb") as source:
                files: tuple[ValueFile, ...] = (_file(put_stream(self.files, source, durable=False)),)
        else:
            files = tuple(self._store_file(file, name) for name, file in paths.files_in(path))
        digest = paths.tree_digest(path.name, [(file.path, file.digest) for file in files])
        return Value(
            format="path",
            digest=digest,
            size_bytes=sum(file.size_bytes for file in files),
            files=files,
            detail={"name": path.name, "is_folder": path.is_dir(), "original": str(path.absolute())},
            shown=f"{'folder' if path.is_dir() else 'file'} {path.name}",
        )

    def _store_file(self, file: Path, name: str, *, durable: bool = False) -> ValueFile:
        with file.open("rb") as source:
            return _file(put_stream(self.files, source, durable=durable), name)

    def _store_evaluation(self, value: Evaluation) -> Value:
        """Its data are digested, not kept: what counts later is whether two models were measured on the
        same rows.
        """
        data = "" if value.data is None else self.digest(value.data).identity
        fields = {
            "metrics": {key: float(number) for key, number in value.metrics.items()},
            "name": value.name,
            "data": data,
        }
        shown = f"evaluation of {len(fields['metrics'])} metrics"
        kept = self._store_plain(fields)
        return msgspec.structs.replace(kept, format="evaluation", detail=fields, shown=shown)

    def _store_tree(self, value: Any, owner: Owner) -> Value:
        keys, items = _open(value)
        stored = [self._store(item, owner) for item in items]
        return tree_value(type(value).__name__, keys, stored)

    def _store_table(self, value: Any, *, keep: bool) -> Value:
        written = frames.prepare(value)
        stored = self._written(written.write, keep=keep)
        return Value(
            format=written.format,
            digest=stored.digest,
            size_bytes=stored.size_bytes,
            files=(_file(stored),),
            detail={**written.detail, "columns": written.columns},
            shown=written.shown,
        )

    def _written(self, write: Callable[[Path], None], *, keep: bool) -> Stored:
        """A file that a library writes by itself, at its own speed."""
        self.work.mkdir(parents=True, exist_ok=True)
        temporary = self.work / uuid.uuid4().hex
        try:
            write(temporary)
            if keep:
                return self.files.adopt(temporary, durable=False)
            return Stored(digest=self.digests.of(temporary), size_bytes=temporary.stat().st_size)
        except OSError as error:
            raise NoRoom(f"it cannot be written: {error.strerror or error}") from error
        finally:
            temporary.unlink(missing_ok=True)

    def _store_array(self, value: Any, *, keep: bool) -> Value:
        if keep:
            with self.files.receive(durable=False) as incoming:
                arrays.write_array(value, incoming)
            stored = incoming.stored
        else:
            sink = _Sink()
            arrays.write_array(value, sink)
            stored = Stored(digest=sink.hexdigest(), size_bytes=sink.size_bytes)
        return Value(
            format="npy",
            digest=stored.digest,
            size_bytes=stored.size_bytes,
            files=(_file(stored),),
            shown=arrays.describe_array(value),
        )

    def _store_model(self, value: Any, owner: Owner) -> Value:
        self.work.mkdir(parents=True, exist_ok=True)
        model_id = f"m-{uuid.uuid4().hex}"
        with tempfile.TemporaryDirectory(dir=self.work) as name:
            folder = Path(name, "model")
            try:
                models.write_into(folder, value, run_id=owner.run_id, model_id=model_id)
            except PavedError as error:
                if isinstance(value, Model):
                    raise
                raise NotStorable(error.message) from error
            # Durable, unlike other values: a model may be registered, and then it must outlive a power cut.
            files = tuple(self._store_file(file, path, durable=True) for path, file in paths.files_in(folder))
        fields = models.fields_of(value)
        digest = models.digest_of_model(files)
        items = () if fields is None else (self._store(fields, owner),)
        return Value(
            format="model",
            digest=digest if not items else _tree_digest("model", [], [digest, items[0].identity]),
            size_bytes=sum(file.size_bytes for file in files),
            files=files,
            items=items,
            detail={
                "model_id": model_id,
                "name": getattr(value, "name", "") or owner.step,
                "metrics": _metrics(value),
                "params": _params(value),
            },
            shown=models.describe_model(value),
        )

    def _store_pickle(self, value: Any) -> Value:
        with self.files.receive(durable=False) as incoming:
            code = plain.dump_pickle(value, incoming)
        return _pickled(value, incoming.stored, code)

    def _or_pickle(self, value: Any, store: Callable[[], Value]) -> Value:
        try:
            return store()
        except NoRoom:
            raise
        except NotStorable as reason:
            kept = self._store_pickle(value)
            return msgspec.structs.replace(kept, detail={**kept.detail, "because": str(reason)})

    # ---------------------------------------------------------------------------------------- giving back

    def load(self, value: Value) -> Any:
        """The value as its step returned it. Raises LostValue."""
        try:
            return _LOADERS[value.format](self, value)
        except PavedError as error:  # gone, or damaged
            self._forget(value)
            raise LostValue(error.message) from error
        except OSError as error:
            raise LostValue(str(error)) from error

    def is_there(self, value: Value, *, check: bool = False) -> bool:
        """Whether its files are there in their size; with `check`, also whether their bytes are what was
        stored.
        """
        try:
            for file in value.all_files():
                if self.files.size(file.digest) != file.size_bytes:
                    return False
                if check:
                    self.files.path(file.digest)
        except PavedError:
            self._forget(value)
            return False
        return True

    def restore_original(self, value: Value) -> None:
        """Put a file that a step once wrote back where it wrote it, if nothing is there now."""
        for item in value.items:
            self.restore_original(item)
        if value.format != "path":
            return
        original = Path(value.detail["original"])
        if not original.exists() and original.parent.is_dir():
            for file in value.files:
                target = original / file.path if file.path else original
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_bytes(self.files.path(file.digest).read_bytes())

    def _forget(self, value: Value) -> None:
        """Remove damaged files, so that the step's new result takes their place."""
        for file in value.all_files():
            try:
                self.files.path(file.digest)
            except PavedError:
                self.files.remove(file.digest)

    def _only_file(self, value: Value) -> Path:
        return self.files.path(value.files[0].digest)

    def _load_plain(self, value: Value) -> Any:
        if value.inline is not None:
            return plain.load_pickle(io.BytesIO(value.inline))
        return self._load_pickle(value)

    def _load_pickle(self, value: Value) -> Any:
        with self._only_file(value).open("rb") as source:
            return plain.load_pickle(source)

    def _load_evaluation(self, value: Value) -> Any:
        fields = self._load_plain(value)
        return Evaluation(metrics=fields["metrics"], data=None, name=fields["name"])

    def _load_tree(self, value: Value) -> Any:
        return close_tree(value.detail, [self.load(item) for item in value.items])

    def _load_path(self, value: Value) -> Path:
        home = self.work / "files" / value.digest[:16]
        for file in value.files:
            target = home / value.detail["name"] / file.path if file.path else home / value.detail["name"]
            paths.link(self.files.path(file.digest), target)
        if value.detail["is_folder"]:
            (home / value.detail["name"]).mkdir(parents=True, exist_ok=True)
        return home / str(value.detail["name"])

    def _load_model(self, value: Value) -> Any:
        self.work.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=self.work) as name:
            for file in value.files:
                paths.link(self.files.path(file.digest), Path(name, file.path))
            estimator = models.read_estimator(Path(name))
        return models.put_together(estimator, self.load(value.items[0]) if value.items else None)


def unstored(value: Any) -> Value:
    """A value that lives in memory only."""
    return Value(format="reference", digest="", shown=f"a {type(value).__name__}, in memory only")


def tree_digest(kind: str, keys: list[Any], items: list[Digest]) -> Digest:
    """Of a container, from the digests of its items."""
    code = tuple(each for item in items for each in item.code)
    return Digest(f"tree:{_tree_digest(kind, keys, [item.identity for item in items])}", code)


def tree_value(kind: str, keys: list[Any], items: list[Value]) -> Value:
    """A container of values that are kept one by one."""
    identities = [item.identity for item in items]
    return Value(
        format="tree",
        digest=_tree_digest(kind, keys, identities) if all(identities) else "",
        items=tuple(items),
        detail={"kind": kind, "keys": plain.dump_plain(keys).hex() if keys else ""},
        code=tuple(sorted({each for item in items for each in item.code})),
        shown=f"{kind} of {len(items)}",
    )


def close_tree(detail: Mapping[str, Any], items: list[Any]) -> Any:
    if detail["kind"] == "dict":
        return (
            dict(zip(plain.load_pickle(io.BytesIO(bytes.fromhex(detail["keys"]))), items, strict=True))
            if items
            else {}
        )
    if detail["kind"] in ("list", "tuple"):
        return tuple(items) if detail["kind"] == "tuple" else items
    return _named_tuple(detail["kind"])(*items)


def _named_tuple(name: str) -> Any:
    """The class `module:qualified.name`. Raises LostValue when it is no longer there."""
    module, _, qualified = name.partition(":")
    try:
        return operator.attrgetter(qualified)(importlib.import_module(module))
    except (ImportError, AttributeError) as error:
        raise LostValue(f"cannot be read any more: {error}") from error


def _open(value: Any) -> tuple[list[Any], list[Any]]:
    """The keys (of a dict) and the items."""
    if isinstance(value, dict):
        return list(value), list(value.values())
    return [], list(value)


def _has_special(value: Any, depth: int = 0) -> bool:
    """Whether a container holds something that is better kept by itself; its keys must be plain."""
    if depth > plain.DEEPEST:
        return False
    if type(value) in _CONTAINERS:
        keys, items = _open(value)
        return plain.is_plain(keys) and any(_has_special(item, depth + 1) for item in items)
    return (
        isinstance(value, Path | Evaluation)
        or is_code(value)
        or frames.is_table(value)
        or arrays.is_array(value)
        or models.is_model(value)
    )


def _is_query(value: Any) -> bool:
    return library_of(value) == "polars" and type(value).__name__ in ("LazyFrame", "InProcessQuery")


def _metrics(value: Any) -> dict[str, float]:
    return {key: float(number) for key, number in value.metrics.items()} if isinstance(value, Model) else {}


def _params(value: Any) -> dict[str, str]:
    return {key: str(given) for key, given in value.params.items()} if isinstance(value, Model) else {}


def _tree_digest(kind: str, keys: list[Any], identities: list[str]) -> str:
    return digest_of(
        b"\0".join([kind.encode(), plain.dump_plain(keys), *(each.encode() for each in identities)])
    )


def _pickled(value: Any, stored: Stored, code: list[Any]) -> Value:
    kind = type(value)
    return Value(
        format="pickle",
        digest=stored.digest,
        size_bytes=stored.size_bytes,
        files=(_file(stored),),
        detail={"type": f"{kind.__module__}.{kind.__qualname__}"},
        code=tuple(sorted({f"{each.__module__}:{each.__qualname__}" for each in code if _matters(each)})),
        shown=f"{kind.__name__}, pickled",
    )


def is_code(value: Any) -> bool:
    """A function or a class: what it says to a key is its code, not its name."""
    return isinstance(value, types.FunctionType | type | Step | Pipeline)


def _matters(code: Any) -> bool:
    """Python's own classes change only with Python, which is in every key."""
    return str(code.__module__).partition(".")[0] not in sys.stdlib_module_names


def _file(stored: Stored, path: str = "") -> ValueFile:
    return ValueFile(digest=stored.digest, size_bytes=stored.size_bytes, path=path)


class _Sink:
    """Hashes what is written and keeps nothing."""

    def __init__(self) -> None:
        self._hasher = blake3.blake3()
        self.size_bytes = 0

    def write(self, data: bytes | memoryview, /) -> int:
        self._hasher.update(data)
        size = memoryview(data).nbytes
        self.size_bytes += size
        return size

    def hexdigest(self) -> str:
        return self._hasher.hexdigest()


_LOADERS: dict[str, Callable[[Shelf, Value], Any]] = {
    "plain": Shelf._load_plain,
    "pickle": Shelf._load_pickle,
    "evaluation": Shelf._load_evaluation,
    "tree": Shelf._load_tree,
    "path": Shelf._load_path,
    "model": Shelf._load_model,
    "npy": lambda shelf, value: arrays.map_array(shelf._only_file(value)),
    "arrow": lambda shelf, value: frames.read_arrow(shelf._only_file(value), value.detail),
    "polars": lambda shelf, value: frames.read_polars(shelf._only_file(value), value.detail),
    "pandas": lambda shelf, value: frames.read_pandas(shelf._only_file(value), value.detail),
}
