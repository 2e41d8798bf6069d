"""What values say about a run: metrics, datasets and models, for tracking and lineage."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import msgspec

from pavedroad.pipelines.values.model import Value, ValueFile
from pavedroad.tracking import DatasetInput, StoredFile

SHORT_DIGEST = 12
TABLES = ("arrow", "pandas", "polars", "npy")
_EVALUATION = re.compile(r"(^|_)(test|eval|evaluation|valid|validation|holdout|future)(_|$)")
_TRAINING = re.compile(r"(^|_)(train|training|fit|past)(_|$)")
_NOT_IN_KEYS = re.compile(r"[^\w.\- :/]")


class Dataset(msgspec.Struct, frozen=True, kw_only=True):
    """Data with a content digest: a file that was read, or a table between steps."""

    name: str
    digest: str
    source: str
    kind: str  # file, folder, or a format of TABLES
    shown: str = ""
    columns: dict[str, str] = {}

    @property
    def short_digest(self) -> str:
        return self.digest[:SHORT_DIGEST]

    def as_input(self, context: str) -> DatasetInput:
        """As a run's input. `context` is the parameter it goes to; MLflow's own words where they fit."""
        tags = {"mlflow.data.context": context_of(context), "paved.parameter": context}
        return DatasetInput(
            name=self.name,
            digest=self.short_digest,
            source_type="local" if self.kind in ("file", "folder") else "code",
            source=msgspec.json.encode({"uri": self.source}).decode(),
            schema=_schema(self.columns),
            profile=msgspec.json.encode({"shown": self.shown}).decode() if self.shown else "",
            tags=tags,
        )


def context_of(parameter: str) -> str:
    if _EVALUATION.search(parameter):
        return "eval"
    return "train" if _TRAINING.search(parameter) else parameter


def leaves_of(value: Value, path: tuple[int, ...] = ()) -> Iterator[tuple[tuple[int, ...], Value]]:
    """The values inside a value that are kept one by one, with their places."""
    if value.format != "tree":
        yield path, value
    for place, item in enumerate(value.items if value.format == "tree" else ()):
        yield from leaves_of(item, (*path, place))


def metrics_of(value: Value | None) -> dict[str, float]:
    """Of the evaluations and models that a step returned."""
    found: dict[str, float] = {}
    for _, leaf in leaves_of(value) if value else ():
        if leaf.format in ("evaluation", "model"):
            found |= {as_key(name): number for name, number in leaf.detail.get("metrics", {}).items()}
    return found


def models_of(value: Value | None) -> list[Value]:
    return [leaf for _, leaf in leaves_of(value) if leaf.format == "model"] if value else []


def evaluations_of(value: Value | None) -> list[Dataset]:
    """The data that models were measured on."""
    found = []
    for _, leaf in leaves_of(value) if value else ():
        if leaf.format == "evaluation" and leaf.detail["data"]:
            kind, _, digest = leaf.detail["data"].rpartition(":")
            found.append(
                Dataset(name=leaf.detail["name"], digest=digest, source="a step's evaluation", kind=kind)
            )
    return found


def datasets_of(value: Value, name: str, source: str) -> list[Dataset]:
    """The tables, arrays and files in a step's result."""
    found = []
    for path, leaf in leaves_of(value):
        if leaf.is_stored and (leaf.format in TABLES or leaf.format == "path"):
            kind = leaf.format
            if kind == "path":
                kind = "folder" if leaf.detail["is_folder"] else "file"
            found.append(
                Dataset(
                    name=".".join([name, *map(str, path)]),
                    digest=leaf.digest,
                    source=source,
                    kind=kind,
                    shown=leaf.shown,
                    columns=leaf.detail.get("columns", {}),
                )
            )
    return found


def dataset_of_file(path: Path, digest: str, root: Path) -> Dataset:
    """A file or folder given as a parameter, named by its place in the project."""
    absolute = path.absolute()
    inside = absolute.relative_to(root).as_posix() if absolute.is_relative_to(root) else path.name
    name = inside.replace("/", ".").replace("@", "_").strip() or "data"
    return Dataset(
        name=name,
        digest=digest,
        source=str(path),
        kind="folder" if path.is_dir() else "file",
        shown=path.name,
    )


def as_key(name: str) -> str:
    """A name as MLflow takes it for metrics and params."""
    cleaned = _NOT_IN_KEYS.sub("_", name).strip("/. ") or "unnamed"
    return re.sub(r"/{2,}|/\.+(?=/|$)", "/", cleaned)[:250]


def as_model_name(name: str) -> str:
    """A name as MLflow takes it for logged models."""
    return re.sub(r"[/:.%\"']", "_", name) or "model"


def as_stored(file: ValueFile) -> StoredFile:
    return StoredFile(digest=file.digest, size_bytes=file.size_bytes)


def _schema(columns: dict[str, str]) -> str:
    if not columns:
        return ""
    described = [{"type": kind, "name": name, "required": True} for name, kind in columns.items()]
    return msgspec.json.encode({"mlflow_colspec": described}).decode()
