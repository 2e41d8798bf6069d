"""What a version is made from: the URI that a client names, and the files that lie there."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable
from urllib.parse import unquote, urlsplit

import msgspec

from pavedroad.errors import Invalid, NotFound
from pavedroad.kit.files import digest_of
from pavedroad.kit.sql import Reader
from pavedroad.registry import store
from pavedroad.registry.model import VersionFile
from pavedroad.tracking import all_files, get_logged_model, get_run, limits, model_root, root_of

LONGEST_SOURCE = 2000
_LOGGED_MODEL = re.compile(r"models:/(m-[0-9a-f]{32})(?:/.*)?")
_MODEL_VERSION = re.compile(r"models:/([^/@]+)(?:/(\d+|latest)|@([\w-]+))")


class Source(msgspec.Struct, frozen=True, kw_only=True):
    """A source that was found. `files` is empty when they are kept elsewhere or not there yet."""

    uri: str
    run_id: str
    model_id: str
    files: tuple[VersionFile, ...] = ()
    is_kept_here: bool = False


def find_source(reader: Reader, uri: str, *, run_id: str = "", model_id: str = "") -> Source:
    """Follow a source to its files.

    As with MLflow, files of a run or a logged model are only taken when the request names that run or model.
    Raises: Invalid for a source that cannot be used, NotFound for a version that is not there.
    """
    if len(uri) > LONGEST_SOURCE:
        raise Invalid(f"the source is longer than {LONGEST_SOURCE} characters", hint="send the model's URI")
    _check_path(uri)
    if (version := _MODEL_VERSION.fullmatch(uri)) and not _LOGGED_MODEL.fullmatch(uri):
        return _of_version(reader, uri, version[1], version[2] or version[3], run_id, model_id)
    if uri.startswith("models:"):
        return _of_logged_model(reader, uri, run_id, model_id)
    if uri.startswith("runs:"):
        named = uri.removeprefix("runs:").lstrip("/").partition("/")[0]
        return _of_run(reader, uri, named, run_id, model_id)
    if uri.startswith("mlflow-artifacts:"):
        return _of_artifacts(reader, uri, run_id, model_id)
    if is_local(uri):
        raise Invalid(
            f"Invalid model version source: '{uri}'. To use a local path as a model version source, the "
            "run_id request parameter has to be specified and the local path has to be contained within the "
            "artifact directory of the run specified by the run_id.",
            hint="log the model to this server first",
        )
    limits.check_names_no_host("source", uri)
    if model_id and not run_id:
        run_id = get_logged_model(reader, model_id).source_run_id
    return Source(uri=uri, run_id=run_id, model_id=model_id)


def is_local(uri: str) -> bool:
    scheme = uri.partition(":")[0] if ":" in uri else ""
    return scheme in ("", "file") or uri.startswith(("/", "\\")) or (len(scheme) == 1 and scheme.isalpha())


def digest_of_files(files: Iterable[VersionFile]) -> str:
    """One digest for a set of files: over every path and the digest of its bytes. Empty for none."""
    lines = [f"{file.path}\0{file.digest}\n" for file in sorted(files, key=lambda file: file.path)]
    return digest_of("".join(lines).encode()) if lines else ""


def _of_version(reader: Reader, uri: str, name: str, which: str, run_id: str, model_id: str) -> Source:
    version = store.get_version(reader, name, which)
    if store.get_model(reader, name).is_prompt:
        raise _wrong(uri, "Prompt versions cannot be used as model version sources.")
    if (run_id and run_id != version.run_id) or (model_id and model_id != version.model_id):
        raise _wrong(
            uri, "The run_id and model_id request parameters must match the referenced model version."
        )
    return Source(
        uri=f"models:/{name}/{version.version}",
        run_id=version.run_id,
        model_id=version.model_id,
        files=tuple(store.version_files(reader, version.uid)),
        is_kept_here=version.location.startswith("mlflow-artifacts:"),
    )


def _of_logged_model(reader: Reader, uri: str, run_id: str, model_id: str) -> Source:
    named = _LOGGED_MODEL.fullmatch(uri)
    if named is None or (model_id and model_id != named[1]):
        raise _wrong_id(uri, "model_id")
    return _kept_here(reader, uri, run_id or _source_run(reader, named[1], uri), named[1])


def _of_run(reader: Reader, uri: str, named: str, run_id: str, model_id: str) -> Source:
    if run_id != named:
        raise _wrong_id(uri, "run_id")
    _check_run(reader, uri, named)
    return _kept_here(reader, uri, named, model_id)


def _of_artifacts(reader: Reader, uri: str, run_id: str, model_id: str) -> Source:
    root = root_of(uri)
    if model_id:
        run_id = run_id or _source_run(reader, model_id, uri)
        inside = root_of(get_logged_model(reader, model_id).artifact_location)
        if not _is_within(root, inside):
            raise _wrong_id(uri, "model_id")
    elif not run_id or not _is_within(root, root_of(_check_run(reader, uri, run_id))):
        raise _wrong_id(uri, "run_id")
    return _kept_here(reader, uri, run_id, model_id)


def _kept_here(reader: Reader, uri: str, run_id: str, model_id: str) -> Source:
    files = tuple(
        VersionFile(path=path, digest=stored.digest, size_bytes=stored.size_bytes)
        for path, stored in all_files(reader, model_root(reader, uri))
    )
    return Source(uri=uri, run_id=run_id, model_id=model_id, files=files, is_kept_here=True)


def _source_run(reader: Reader, model_id: str, uri: str = "") -> str:
    if not model_id:
        return ""
    try:
        return get_logged_model(reader, model_id).source_run_id
    except NotFound:
        raise _wrong_id(uri or model_id, "model_id") from None


def _check_run(reader: Reader, uri: str, run_id: str) -> str:
    """Where the run's artifacts lie."""
    try:
        return get_run(reader, run_id).artifact_uri
    except NotFound:
        raise _wrong_id(uri, "run_id") from None


def _is_within(path: str, folder: str) -> bool:
    return path == folder or path.startswith(f"{folder}/")


def _check_path(uri: str) -> None:
    plain = uri
    while (unquoted := unquote(plain)) != plain:
        plain = unquoted
    path = re.sub("/+", "/", urlsplit(plain).path).rstrip("/") if "://" in plain else "/"
    if "\x00" in plain or ".." in re.split(r"[/\\]", plain) or not path or path != posixpath.normpath(path):
        raise _wrong(
            uri,
            "If supplying a source as an http, https, local file path, ftp, objectstore, or mlflow-artifacts "
            "uri, an absolute path must be provided without relative path references present. "
            "Please provide an absolute path.",
        )


def _wrong(uri: str, why: str) -> Invalid:
    return Invalid(f"Invalid model version source: '{uri}'. {why}")


def _wrong_id(uri: str, parameter: str) -> Invalid:
    return _wrong(
        uri, f"The {parameter} request parameter must identify the resource that contains the source."
    )
