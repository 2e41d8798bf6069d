"""From `name@champion` to a folder that can be loaded: which version, its files with checked digests, whose
they are.
"""

from __future__ import annotations

import re
from pathlib import Path

from pavedroad.errors import Damaged, Invalid, NotFound, PavedError
from pavedroad.record import Record
from pavedroad.registry import ModelVersion, find_model, find_version, version_files
from pavedroad.tracking import find_run, get_logged_model, model_root

_URI = re.compile(r"(?:models:/+|model/)?(?P<name>.+?)(?:[@/](?P<which>[^@/]+))?", re.DOTALL)


def parse_target(text: str) -> tuple[str, str]:
    """`flights@champion`, `model/flights@3` or `models:/flights@champion` as (name, which); `champion` when
    left out.
    """
    match = _URI.fullmatch(text.strip())
    if match is None:
        raise Invalid(
            f"{text!r} names no model", hint="write it as MODEL@VERSION or MODEL@ALIAS, e.g. flights@champion"
        )
    return match["name"], match["which"] or "champion"


def find_served_version(record: Record, text: str) -> tuple[ModelVersion, str]:
    """The version that `text` names, and the alias it was named by (empty for a number). Raises NotFound."""
    name, which = parse_target(text)
    version = find_version(record.db, name, which)
    if version is None:
        model = find_model(record.db, name)
        if model is None:
            raise NotFound(f"no model {name!r} on the record", hint="list them with `paved models`")
        aliases = ", ".join(f"{name}@{alias}" for alias in sorted(model.aliases))
        raise NotFound(
            f"no version {which!r} of {name}",
            hint=_next_step(name, which, aliases),
        )
    is_alias = not which.removeprefix("v").isdigit()
    return version, which if is_alias else ""


def _next_step(name: str, which: str, aliases: str) -> str:
    if aliases:
        return f"serve {aliases}, or a number"
    if which.isdigit():
        return f"list its versions with `paved models {name}`"
    return f"give it one: `paved promote {name}@N --to {which}`"


def lay_out(record: Record, version: ModelVersion, folder: Path) -> None:
    """Put the version's files into `folder` as links to the store, each after its digest was checked.

    Raises: Damaged when bytes are not what was registered or are missing; NotFound when the record has no
    files of it.
    """
    files = version_files(record.db, version.uid)
    if not files:
        raise NotFound(
            f"no files of {version} are on this record; its source is {version.source!r}",
            hint="log the model to this record and register that",
        )
    for file in files:
        target = folder / file.path
        if target.resolve() != target or not target.is_relative_to(folder):
            raise Invalid(
                f"{version} has a file outside of its folder: {file.path!r}", hint="register it again"
            )
        target.parent.mkdir(parents=True, exist_ok=True)
        try:
            target.symlink_to(record.files.path(file.digest))
        except (Damaged, NotFound) as error:
            kind = (
                "is damaged: its bytes are not what was registered"
                if isinstance(error, Damaged)
                else "is missing"
            )
            raise Damaged(
                f"{file.path} of {version} {kind}", hint="restore the file store, or register the model again"
            ) from None


def is_trusted(record: Record, version: ModelVersion) -> bool:
    """Whether a run on this record made the version's files: only then is its pickle loaded without being
    asked to.

    What counts is where the files came from, not the run that the registering client named.
    """
    source = version.source
    try:
        if source.startswith("models:") and not source.startswith("models:/m-"):  # another version's files
            maker = _run_of_model(record, version.model_id) if version.model_id else version.run_id
        else:
            maker = _run_of_root(record, model_root(record.db, source))
    except PavedError:  # a bucket, a run that is gone
        return False
    return bool(maker) and find_run(record.db, maker) is not None


def _run_of_root(record: Record, root: str) -> str:
    """Files lie under `<experiment>/<run>/artifacts/...` or `<experiment>/models/<model>/artifacts`."""
    parts = root.split("/")
    if len(parts) >= 3 and parts[1] == "models":
        return _run_of_model(record, parts[2])
    return parts[1] if len(parts) >= 3 and parts[2] == "artifacts" else ""


def _run_of_model(record: Record, model_id: str) -> str:
    return get_logged_model(record.db, model_id, allow_deleted=True).source_run_id
