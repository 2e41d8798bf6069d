"""Taking over models, versions and aliases as another registry kept them: numbers, times and stages stay.

No gate was asked about them here, and nothing pretends that one was: an alias that comes along is a fact
`imported` and a move `imported`, which a rollback never goes back to.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping

import msgspec

from pavedroad.catalog import Ref, add_edge, ensure_artifact, write_fact
from pavedroad.errors import Exists
from pavedroad.kit.files import Stored
from pavedroad.kit.sql import Transaction, load_queries
from pavedroad.registry import store
from pavedroad.registry.model import ModelVersion, RegisteredModel, VersionFile
from pavedroad.registry.names import check_model_name
from pavedroad.registry.registration import ROOT, fits_catalog, is_prompt, lock_model, model_ref
from pavedroad.registry.sources import digest_of_files
from pavedroad.tracking import put_file, run_inputs

SQL = load_queries("pavedroad.registry", "adoption_queries.sql")


def adopt_model(tx: Transaction, model: RegisteredModel, *, who: str, owner: str = "") -> None:
    """Keep a model; one of this name that is here already gets the tags that it lacks. Raises Invalid."""
    check_model_name(model.name)
    tx.run(
        SQL.adopt_model,
        name=model.name,
        description=model.description,
        created_ms=model.created_ms,
        updated_ms=model.updated_ms,
    )
    tx.many(
        SQL.add_model_tag,
        [{"name": model.name, "key": key, "value": value} for key, value in sorted(model.tags.items())],
    )
    if not is_prompt(model.tags):
        ensure_artifact(
            tx, model_ref(model.name), who=who, owner=owner, description=model.description, stage="candidate"
        )


def adopt_version(
    tx: Transaction,
    version: ModelVersion,
    files: Iterable[VersionFile],
    *,
    who: str,
    origin: str,
    owner: str = "",
) -> ModelVersion:
    """Keep a version under its own number; `origin` is the address it comes from.

    With files, it gets a copy of its own that nobody changes afterwards; `version.location` says where they
    are when there are none. Raises: Exists when the number means another version here.
    """
    files = sorted(files, key=lambda file: file.path)
    model = lock_model(tx, version.name)
    holder = tx.value(SQL.number_holder, name=version.name, version=version.version)
    if holder is not None:
        raise Exists(
            f"{version} means another version here",
            hint="import into a record of its own, or rename the model at its source",
        )
    kept = msgspec.structs.replace(
        version,
        location=f"mlflow-artifacts:/{ROOT}/{version.uid}" if files else version.location,
        digest=digest_of_files(files),
    )
    store.insert_version(tx, kept, files)
    settle_version(tx, kept)
    for file in files:
        put_file(tx, f"{ROOT}/{kept.uid}", file.path, Stored(digest=file.digest, size_bytes=file.size_bytes))
    if not model.is_prompt:
        _tell_catalog(tx, kept, who=who, origin=origin, owner=owner)
    return store.get_version_by_uid(tx, kept.uid)


def settle_version(tx: Transaction, version: ModelVersion) -> None:
    """Bring what may change about an adopted version up to date."""
    tx.run(
        SQL.settle_version,
        uid=version.uid,
        description=version.description,
        status=version.status,
        stage=version.stage,
        updated_ms=version.updated_ms,
    )
    tx.many(
        store.SQL.set_version_tag,
        [{"uid": version.uid, "key": key, "value": text} for key, text in sorted(version.tags.items())],
    )


def keep_number(tx: Transaction, name: str, number: int) -> None:
    """A number whose version was deleted elsewhere is given to no other one here."""
    tx.run(store.SQL.keep_number, name=name, version=number, uid=uuid.uuid4().hex)


def settle_model(tx: Transaction, model: RegisteredModel) -> None:
    """The description and the time of the last change, once all its versions are here."""
    held = store.get_model(tx, model.name)
    if model.description and model.description != held.description:
        tx.run(store.SQL.update_model, name=model.name, description=model.description, at_ms=model.updated_ms)
    tx.run(SQL.date_model, name=model.name, updated_ms=model.updated_ms)


def _tell_catalog(tx: Transaction, version: ModelVersion, *, who: str, origin: str, owner: str) -> None:
    ref = model_ref(version)
    ensure_artifact(tx, ref, who=who, owner=owner, description=version.description, stage="candidate")
    for dataset in run_inputs(tx, version.run_id) if _is_known_run(tx, version.run_id) else ():
        if fits_catalog(dataset.name) and fits_catalog(dataset.digest):
            used = Ref("dataset", dataset.name, dataset.digest)
            ensure_artifact(tx, used, who=who)
            add_edge(tx, ref, "used", used, run_id=version.run_id)
    payload: Mapping[str, str] = {"from": origin, "source": version.source, "digest": version.digest}
    write_fact(tx, who=who, verb="imported", artifact=ref, run_id=version.run_id, payload=payload)


def _is_known_run(tx: Transaction, run_id: str) -> bool:
    return bool(run_id) and tx.value("SELECT 1 FROM runs WHERE id = :id", id=run_id) is not None
