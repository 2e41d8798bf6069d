"""Making, changing and removing models and versions: rows, catalog, lineage and journal in one transaction.

A model's row is touched first by everything that changes its versions or aliases. On PostgreSQL that is the
lock under which two writers follow one another; on SQLite there is only one.
"""

from __future__ import annotations

import json
import re
import uuid
from collections.abc import Mapping

import msgspec

from pavedroad.catalog import (
    Ref,
    add_edge,
    check_name,
    ensure_artifact,
    find_artifact,
    pipeline_ref,
    set_stage,
    write_fact,
)
from pavedroad.errors import Exists, Invalid, PavedError, Refused, did_you_mean
from pavedroad.kit.clock import now_ms
from pavedroad.kit.files import Stored
from pavedroad.kit.sql import Reader, Transaction
from pavedroad.registry import store
from pavedroad.registry.model import IS_PROMPT_TAG, MLFLOW_STAGES, ModelVersion, RegisteredModel
from pavedroad.registry.names import check_description, check_model_name, check_tag
from pavedroad.registry.provenance import PIPELINE_TAG, PROJECT_TAG, Provenance, provenance_of
from pavedroad.registry.sources import Source, digest_of_files, find_source
from pavedroad.registry.webhooks import announce
from pavedroad.tracking import delete_files, put_file, run_inputs, set_logged_model_tags

SQL = store.SQL
ROOT = "registry"  # of the registry's own copies of files, which nobody writes to afterwards
PROMPT_SOURCES = ("dummy-source", "prompt-template")  # what MLflow's clients send
EARLY_STAGES = ("draft", "experiment", "retired")  # a model with a version is at least a candidate
MODEL_VERSIONS_TAG = "mlflow.modelVersions"  # the tag that tells a logged model's versions


def model_ref(version: ModelVersion | RegisteredModel | str) -> Ref:
    if isinstance(version, ModelVersion):
        return Ref("model", version.name, str(version.version))
    return Ref("model", version if isinstance(version, str) else version.name)


# ---------------------------------------------------------------------------------------------- models


def create_model(
    tx: Transaction, name: str, *, who: str, description: str = "", tags: Mapping[str, str] | None = None
) -> RegisteredModel:
    """Raises Exists when the name is taken."""
    check_model_name(name)
    check_description(description)
    for key, value in (tags or {}).items():
        check_tag(key, value)
    if not tx.run(SQL.insert_model, name=name, description=description, at_ms=now_ms()):
        raise Exists(
            f"Registered Model (name={name}) already exists.",
            hint="register a version of it, or choose another name",
        )
    for key, value in (tags or {}).items():
        tx.run(SQL.set_model_tag, name=name, key=key, value=value)
    if not is_prompt(tags or {}):
        known = find_artifact(tx, model_ref(name))
        ensure_artifact(tx, model_ref(name), who=who, description=description)
        if known is not None and known.stage == "retired":
            set_stage(tx, model_ref(name), "draft", who=who)
    data = {"name": name, "tags": dict(tags or {}), "description": description}
    announce(tx, "registered_model.created", data, of_prompt=is_prompt(tags or {}))
    return store.get_model(tx, name)


def ensure_model(tx: Transaction, name: str, *, who: str) -> RegisteredModel:
    return store.find_model(tx, name) or create_model(tx, name, who=who)


def describe_model(tx: Transaction, name: str, description: str, *, who: str) -> RegisteredModel:
    store.get_model(tx, name)
    tx.run(SQL.update_model, name=name, description=check_description(description), at_ms=now_ms())
    write_fact(tx, who=who, verb="described", artifact=model_ref(name), payload={"description": description})
    return store.get_model(tx, name)


def rename_model(
    tx: Transaction, name: str, new_name: str, *, who: str, gated: tuple[str, ...]
) -> RegisteredModel:
    """Raises Refused while the model holds a gated alias, Exists when the new name is or was somebody else's.

    Without that refusal a name could come to stand for a version that its gates never saw.
    """
    check_model_name(new_name, "new_name")
    model = lock_model(tx, name)
    _refuse_while_gated(model, gated, f"{name} cannot be renamed")
    if name == new_name:
        return model
    if store.find_model(tx, new_name) is not None:
        raise Exists(f"Registered Model (name={new_name}) already exists.", hint="choose another name")
    taken = tx.all(SQL.numbers_taken, name=name, new_name=new_name)
    if taken:
        numbers = ", ".join(str(row["version"]) for row in taken[:5])
        raise Exists(
            f"Registered Model (name={new_name}) existed before; its versions {numbers} stay on the record.",
            hint="choose another name",
        )
    tx.run(SQL.rename_model, name=name, new_name=new_name, at_ms=now_ms())
    tx.run(SQL.keep_numbers_of_model, name=new_name)
    if not model.is_prompt:
        _rename_artifacts(tx, name, new_name, who=who)
    return store.get_model(tx, new_name)


def delete_model(tx: Transaction, name: str, *, who: str, gated: tuple[str, ...]) -> None:
    """Raises Refused while the model holds a gated alias."""
    model = lock_model(tx, name)
    _refuse_while_gated(model, gated, f"{name} cannot be deleted")
    versions = _all_versions(tx, name)
    tx.run(SQL.delete_model, name=name)
    for version in versions:
        delete_files(tx, f"{ROOT}/{version.uid}")
    for ref in (*map(model_ref, versions), model_ref(name)):
        if find_artifact(tx, ref) is not None:
            set_stage(tx, ref, "retired", who=who)
    write_fact(tx, who=who, verb="deleted", artifact=model_ref(name), payload={"versions": len(versions)})


def set_model_tag(tx: Transaction, name: str, key: str, value: str) -> None:
    check_tag(key, value)
    model = store.get_model(tx, name)
    tx.run(SQL.set_model_tag, name=name, key=key, value=value)
    if model.is_prompt:
        announce(tx, "prompt_tag.set", {"name": name, "key": key, "value": value})


def delete_model_tag(tx: Transaction, name: str, key: str) -> None:
    check_tag(key, "")
    model = store.get_model(tx, name)
    tx.run(SQL.delete_model_tag, name=name, key=key)
    if model.is_prompt:
        announce(tx, "prompt_tag.deleted", {"name": name, "key": key})


# -------------------------------------------------------------------------------------------- versions


def register_version(
    tx: Transaction,
    name: str,
    *,
    source: str,
    who: str,
    run_id: str = "",
    model_id: str = "",
    run_link: str = "",
    description: str = "",
    tags: Mapping[str, str] | None = None,
) -> ModelVersion:
    """Make the next version of an existing model; its files and their digests are those of this moment.

    Raises: NotFound without the model; Invalid for a source that cannot be used.
    """
    tags = dict(tags or {})
    for key, value in tags.items():
        check_tag(key, value)
    check_description(description)
    touch_model(tx, name)
    of_prompt = is_prompt_version(tags, source)
    found = (
        Source(uri=source, run_id=run_id, model_id=model_id)
        if of_prompt
        else find_source(tx, source, run_id=run_id, model_id=model_id)
    )
    provenance = provenance_of(tx, found.run_id, found.model_id)
    uid = uuid.uuid4().hex
    version = ModelVersion(
        uid=uid,
        name=name,
        version=int(tx.value(SQL.last_number, name=name) or 0) + 1,
        source=found.uri,
        location=f"mlflow-artifacts:/{ROOT}/{uid}" if found.files else _location(tx, found.uri),
        digest=digest_of_files(found.files),
        run_id=found.run_id,
        model_id=found.model_id,
        run_link=run_link,
        user=who,
        description=description,
        tags=tags,
        created_ms=now_ms(),
        updated_ms=now_ms(),
    )
    store.insert_version(tx, version, found.files)
    for file in found.files:
        put_file(tx, f"{ROOT}/{uid}", file.path, Stored(digest=file.digest, size_bytes=file.size_bytes))
    if not of_prompt:
        _tell_catalog(tx, version, provenance, who=who)
    if provenance.model is not None:
        _tell_logged_model(tx, version, provenance.model.tags.get(MODEL_VERSIONS_TAG, ""))
    _announce_version(tx, version, of_prompt)
    return version


def _announce_version(tx: Transaction, version: ModelVersion, of_prompt: bool) -> None:
    data = {
        "name": version.name,
        "version": str(version.version),
        "source": version.source,
        "run_id": version.run_id or None,
        "tags": version.tags,
        "description": version.description or None,
    }
    announce(tx, "model_version.created", data, of_prompt=of_prompt)


def describe_version(tx: Transaction, version: ModelVersion, description: str, *, who: str) -> ModelVersion:
    tx.run(SQL.update_version, uid=version.uid, description=check_description(description), at_ms=now_ms())
    write_fact(
        tx, who=who, verb="described", artifact=model_ref(version), payload={"description": description}
    )
    return store.get_version_by_uid(tx, version.uid)


def delete_version(tx: Transaction, name: str, number: int, *, who: str, gated: tuple[str, ...]) -> None:
    """Raises Refused while the version holds a gated alias. Its number is never given again."""
    lock_model(tx, name)
    version = store.get_version(tx, name, number)
    held = [alias for alias in version.aliases if alias in gated]
    if held or (version.stage == "Production" and gated):
        raise Refused(
            f"{version} cannot be deleted: it is {' and '.join(held) or 'in stage Production'} of {name}",
            hint="promote another version first, or take the alias away"
            if held
            else "set another stage first",
        )
    tx.run(SQL.delete_version, uid=version.uid)
    delete_files(tx, f"{ROOT}/{version.uid}")
    if find_artifact(tx, model_ref(version)) is not None:
        set_stage(tx, model_ref(version), "retired", who=who)
    write_fact(tx, who=who, verb="deleted", artifact=model_ref(version), run_id=version.run_id)


def set_version_tag(tx: Transaction, name: str, number: int, key: str, value: str) -> None:
    check_tag(key, value)
    version = store.get_version(tx, name, number)
    tx.run(SQL.set_version_tag, uid=version.uid, key=key, value=value)
    data = {"name": name, "version": str(version.version), "key": key, "value": value}
    announce(tx, "model_version_tag.set", data, of_prompt=is_prompt_version(version.tags, version.source))


def delete_version_tag(tx: Transaction, name: str, number: int, key: str) -> None:
    check_tag(key, "")
    version = store.get_version(tx, name, number)
    tx.run(SQL.delete_version_tag, uid=version.uid, key=key)
    data = {"name": name, "version": str(version.version), "key": key}
    announce(tx, "model_version_tag.deleted", data, of_prompt=is_prompt_version(version.tags, version.source))


def check_mlflow_stage(stage: str) -> str:
    for known in MLFLOW_STAGES:
        if known.lower() == stage.lower():
            return known
    raise Invalid(
        f"Invalid Model Version stage: {stage}. Value must be one of {', '.join(MLFLOW_STAGES)}.",
        hint=did_you_mean(stage, MLFLOW_STAGES),
    )


# ---------------------------------------------------------------------------------------------- shared


def lock_model(tx: Transaction, name: str) -> RegisteredModel:
    """Let no other transaction change this model's versions or aliases until this one ends."""
    touch_model(tx, name)
    return store.get_model(tx, name)


def touch_model(tx: Transaction, name: str) -> None:
    """As `lock_model`, without reading it. Raises NotFound."""
    if not tx.run(SQL.touch_model, name=name, at_ms=now_ms()):
        check_model_name(name)
        store.get_model(tx, name)


def is_prompt(tags: Mapping[str, str]) -> bool:
    return tags.get(IS_PROMPT_TAG, "").lower() == "true"


def is_prompt_version(tags: Mapping[str, str], source: str) -> bool:
    """A tag alone must not make a model a prompt, which has no files to check: its source says so, too."""
    return is_prompt(tags) and source in PROMPT_SOURCES


def owner_of(reader: Reader, version: ModelVersion, project: str) -> str:
    """Of the version, else of its model, else of the project that made it."""
    refs = [model_ref(version), model_ref(version.name), *([Ref("project", project)] if project else [])]
    found = (find_artifact(reader, ref) for ref in refs)
    return next((artifact.owner for artifact in found if artifact is not None and artifact.owner), "")


def _refuse_while_gated(model: RegisteredModel, gated: tuple[str, ...], what: str) -> None:
    held = {alias: version for alias, version in model.aliases.items() if alias in gated}
    if held:
        alias, version = next(iter(held.items()))
        raise Refused(
            f"{what}: version {version} is its {alias}",
            hint="take the alias away first, with delete_registered_model_alias of MlflowClient",
        )


def _all_versions(reader: Reader, name: str) -> list[ModelVersion]:
    return store.list_versions(reader, name, limit=store.LARGEST)


def _location(reader: Reader, uri: str) -> str:
    """Where a client finds files that are not kept here, or not yet."""
    from_version = re.fullmatch(r"models:/([^/@]+)/(\d+)", uri)
    return store.get_version(reader, from_version[1], from_version[2]).location if from_version else uri


def _tell_catalog(tx: Transaction, version: ModelVersion, provenance: Provenance, *, who: str) -> None:
    project, pipeline = provenance.tag(PROJECT_TAG), provenance.tag(PIPELINE_TAG)
    model = find_artifact(tx, model_ref(version.name))
    owner = (model.owner if model else "") or owner_of(tx, version, project)
    if model is None or owner != model.owner:
        ensure_artifact(tx, model_ref(version.name), who=who, owner=owner)
    ensure_artifact(
        tx, model_ref(version), who=who, owner=owner, description=version.description, stage="candidate"
    )
    if model is None or model.stage in EARLY_STAGES:
        set_stage(tx, model_ref(version.name), "candidate", who=who)
    if pipeline and fits_catalog(pipeline):
        source = pipeline_ref(project, pipeline)
        add_edge(tx, source, "produced", model_ref(version), run_id=version.run_id)
        _tell_training_data(tx, version, provenance, who=who)
    elif version.run_id:
        _tell_datasets(tx, version, provenance, who=who)
    if project and fits_catalog(project):
        add_edge(tx, model_ref(version.name), "part-of", Ref("project", project), run_id=version.run_id)
    write_fact(
        tx,
        who=who,
        verb="registered",
        artifact=model_ref(version),
        run_id=version.run_id,
        payload={"source": version.source, "digest": version.digest, "model_id": version.model_id},
    )


def _tell_training_data(tx: Transaction, version: ModelVersion, provenance: Provenance, *, who: str) -> None:
    """What the model's own step was given; a pipeline's other data are on the lineage as its products."""
    if provenance.model is not None:
        _tell_inputs(tx, version, provenance.model.source_run_id, who=who)


def _tell_datasets(tx: Transaction, version: ModelVersion, provenance: Provenance, *, who: str) -> None:
    """A run of MLflow's client told its data sets to the run only."""
    for run in provenance.runs:
        _tell_inputs(tx, version, run.id, who=who)


def _tell_inputs(tx: Transaction, version: ModelVersion, run_id: str, *, who: str) -> None:
    for dataset in run_inputs(tx, run_id):
        if fits_catalog(dataset.name) and fits_catalog(dataset.digest):
            ref = Ref("dataset", dataset.name, dataset.digest)
            ensure_artifact(tx, ref, who=who)
            add_edge(tx, model_ref(version), "used", ref, run_id=run_id)


def fits_catalog(name: str) -> bool:
    try:
        check_name(name)
    except PavedError:
        return False
    return True


def _tell_logged_model(tx: Transaction, version: ModelVersion, known: str) -> None:
    """Keep the list of its versions in the logged model's tags, where MLflow's pages and clients look."""
    try:
        versions = msgspec.json.decode(known or "[]", type=list[dict[str, object]])
    except msgspec.MsgspecError:
        versions = []
    versions.append({"name": version.name, "version": version.version})
    # Spelt as MLflow spells it: clients compare the text.
    set_logged_model_tags(tx, version.model_id, {MODEL_VERSIONS_TAG: json.dumps(versions)})


def _rename_artifacts(tx: Transaction, name: str, new_name: str, *, who: str) -> None:
    """The catalog's names stay as they are; the new ones follow from the old ones on the lineage."""
    pairs = [(model_ref(name), model_ref(new_name))]
    versions = _all_versions(tx, new_name)
    pairs += [(Ref("model", name, str(version.version)), model_ref(version)) for version in versions]
    for old, new in pairs:
        before = find_artifact(tx, old)
        if before is None:
            continue
        ensure_artifact(
            tx,
            new,
            who=who,
            owner=before.owner,
            description=before.description,
            tags=before.tags,
            links=before.links,
        )
        if before.stage != "draft":
            set_stage(tx, new, before.stage, who=who)
        set_stage(tx, old, "retired", who=who)
        add_edge(tx, old, "produced", new)
    write_fact(tx, who=who, verb="renamed", artifact=model_ref(name), payload={"to": new_name})
