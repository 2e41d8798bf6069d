"""Where models, versions, aliases and their evidence are kept. Rows in, structs out; rules live elsewhere."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import msgspec

from pavedroad.errors import Invalid, NotFound
from pavedroad.kit.sql import Reader, Row, Transaction, load_queries
from pavedroad.registry.model import (
    Approval,
    Evidence,
    Exemption,
    GateEvaluation,
    ModelVersion,
    Promotion,
    RegisteredModel,
    VersionFile,
)
from pavedroad.registry.names import check_separators

SQL = load_queries("pavedroad.registry")
LARGEST = 2**62


class AliasNotFound(Invalid):
    """MLflow answers an unknown alias with 400, unlike an unknown model or version."""


# ---------------------------------------------------------------------------------------------- models


def find_model(reader: Reader, name: str) -> RegisteredModel | None:
    row = reader.one(SQL.model, name=name)
    return None if row is None else to_model(reader, row)


def get_model(reader: Reader, name: str) -> RegisteredModel:
    """Raises NotFound, Invalid for a name that no model can have."""
    model = find_model(reader, name)
    if model is None:
        check_separators(name)
        raise NotFound(f"Registered Model with name={name} not found", hint="list models with `paved models`")
    return model


def list_models(
    reader: Reader, *, words: str = "", after: str = "", limit: int = 100
) -> list[RegisteredModel]:
    """In order of name; `after` is the last name of the page before."""
    pattern = f"%{words.lower()}%" if words else ""
    return [
        to_model(reader, row) for row in reader.all(SQL.models_after, after=after, words=pattern, limit=limit)
    ]


def count_models(reader: Reader) -> int:
    return int(reader.value(SQL.count_models))


def to_model(reader: Reader, row: Row) -> RegisteredModel:
    tags = {tag["key"]: tag["value"] for tag in reader.all(SQL.model_tags, name=row["name"])}
    aliases = {one["alias"]: one["version"] for one in reader.all(SQL.model_aliases, name=row["name"])}
    return model_from(row, tags=tags, aliases=aliases)


def model_from(row: Row, *, tags: dict[str, str], aliases: dict[str, int]) -> RegisteredModel:
    return RegisteredModel(
        name=row["name"],
        description=row["description"],
        tags=tags,
        aliases=aliases,
        created_ms=row["created_ms"],
        updated_ms=row["updated_ms"],
    )


# -------------------------------------------------------------------------------------------- versions


def find_version(reader: Reader, name: str, which: int | str) -> ModelVersion | None:
    """By number (`3`, `"3"`, `"v3"`), by alias (`"champion"`) or `"latest"`; None when there is none."""
    text = str(which)
    number = text.removeprefix("v").removeprefix("V")
    if number.isascii() and number.isdecimal():
        row = reader.one(SQL.version, name=name, version=min(int(number), LARGEST))
    elif text.lower() == "latest":
        row = reader.one(SQL.last_version, name=name)
    else:
        row = reader.one(SQL.version_by_alias, name=name, alias=text)
    return None if row is None else to_version(reader, row)


def get_version(reader: Reader, name: str, which: int | str) -> ModelVersion:
    """Raises NotFound for an unknown model, number or alias."""
    version = find_version(reader, name, which)
    if version is None:
        check_separators(name)
        known = find_model(reader, name) is not None
        raise NotFound(
            f"Model Version (name={name}, version={which}) not found",
            hint=f"list them with `paved models {name}`"
            if known
            else f"Registered Model with name={name} not found; list models with `paved models`",
        )
    return version


def get_version_by_uid(reader: Reader, uid: str) -> ModelVersion:
    row = reader.one(SQL.version_by_uid, uid=uid)
    if row is None:
        raise NotFound("this model version was deleted meanwhile", hint="list models with `paved models`")
    return to_version(reader, row)


def get_version_by_alias(reader: Reader, name: str, alias: str) -> ModelVersion:
    """Raises NotFound for an unknown model, AliasNotFound for an unknown alias."""
    get_model(reader, name)
    version = find_version(reader, name, "latest") if alias.lower() == "latest" else None
    if version is None and (row := reader.one(SQL.version_by_alias, name=name, alias=alias)) is not None:
        version = to_version(reader, row)
    if version is None:
        raise AliasNotFound(
            f"Registered model alias {alias} not found.", hint=f"list them with `paved models {name}`"
        )
    return version


def list_versions(reader: Reader, name: str, *, below: int = LARGEST, limit: int = 100) -> list[ModelVersion]:
    """Newest first; `below` is the last number of the page before."""
    return [
        to_version(reader, row) for row in reader.all(SQL.versions_below, name=name, below=below, limit=limit)
    ]


def versions_of_run(reader: Reader, run_id: str) -> list[ModelVersion]:
    return [to_version(reader, row) for row in reader.all(SQL.versions_of_run, run_id=run_id)]


def versions_of_logged_model(reader: Reader, model_id: str) -> list[ModelVersion]:
    return [to_version(reader, row) for row in reader.all(SQL.versions_of_logged_model, model_id=model_id)]


def latest_versions(reader: Reader, name: str) -> list[ModelVersion]:
    """The newest version of each MLflow stage."""
    return [to_version(reader, row) for row in reader.all(SQL.latest_version_of_each_stage, name=name)]


def count_versions(reader: Reader, name: str) -> int:
    return int(reader.value(SQL.count_versions, name=name))


def to_version(reader: Reader, row: Row) -> ModelVersion:
    uid = row["uid"]
    return version_from(
        row,
        aliases=[alias["alias"] for alias in reader.all(SQL.version_aliases, uid=uid)],
        tags={tag["key"]: tag["value"] for tag in reader.all(SQL.version_tags, uid=uid)},
    )


def version_from(row: Row, *, aliases: list[str], tags: dict[str, str]) -> ModelVersion:
    values = dict(row)
    values["user"] = values.pop("author")
    return ModelVersion(**values, aliases=aliases, tags=tags)


def version_files(reader: Reader, uid: str) -> list[VersionFile]:
    """What was registered, in order of path. Empty when the files are kept elsewhere."""
    return [VersionFile(**dict(row)) for row in reader.all(SQL.version_files, uid=uid)]


def insert_version(tx: Transaction, version: ModelVersion, files: Iterable[VersionFile]) -> None:
    """Raises UniqueViolation when the number is taken."""
    tx.run(
        SQL.insert_version,
        uid=version.uid,
        name=version.name,
        version=version.version,
        source=version.source,
        location=version.location,
        digest=version.digest,
        run_id=version.run_id,
        model_id=version.model_id,
        run_link=version.run_link,
        author=version.user,
        description=version.description,
        at_ms=version.created_ms,
    )
    tx.run(SQL.keep_number, name=version.name, version=version.version, uid=version.uid)
    tx.many(SQL.insert_version_file, [{"uid": version.uid, **msgspec.structs.asdict(file)} for file in files])
    tx.many(
        SQL.set_version_tag,
        [{"uid": version.uid, "key": key, "value": text} for key, text in version.tags.items()],
    )


# ----------------------------------------------------------------------------- evidence and decisions


def insert_evaluation(
    tx: Transaction,
    version: ModelVersion,
    alias: str,
    gates: list[Evidence],
    *,
    passed: bool,
    who: str,
    at_ms: int,
) -> int:
    """Store what every gate said; the number of the evaluation."""
    number = int(
        tx.value(
            SQL.insert_evaluation,
            uid=version.uid,
            name=version.name,
            version=version.version,
            alias=alias,
            digest=version.digest,
            passed=int(passed),
            who=who,
            at_ms=at_ms,
        )
    )
    rows = [
        {
            "evaluation_id": number,
            "place": place,
            "gate": evidence.gate,
            "verdict": evidence.verdict,
            "says": evidence.says,
            "next_step": evidence.next_step,
            "inputs": encode(evidence.inputs),
        }
        for place, evidence in enumerate(gates)
    ]
    tx.many(SQL.insert_evidence, rows)
    return number


def list_evaluations(
    reader: Reader, uid: str, *, before: int = LARGEST, limit: int = 20
) -> list[GateEvaluation]:
    """All that was asked about one version, newest first, with what every gate said."""
    return [
        to_evaluation(reader, row) for row in reader.all(SQL.evaluations, uid=uid, before=before, limit=limit)
    ]


def last_evaluation(reader: Reader, uid: str) -> GateEvaluation | None:
    return next(iter(list_evaluations(reader, uid, limit=1)), None)


def get_evaluation(reader: Reader, number: int) -> GateEvaluation:
    row = reader.one(SQL.evaluation, id=number)
    if row is None:
        raise NotFound(
            f"no evaluation {number}", hint="see a version's history with `paved models NAME@VERSION`"
        )
    return to_evaluation(reader, row)


def to_evaluation(reader: Reader, row: Row) -> GateEvaluation:
    gates = [
        Evidence(
            gate=item["gate"],
            verdict=item["verdict"],
            says=item["says"],
            next_step=item["next_step"],
            inputs=msgspec.json.decode(item["inputs"]),
            at_ms=row["at_ms"],
            who=row["who"],
        )
        for item in reader.all(SQL.evidence, evaluation_id=row["id"])
    ]
    return GateEvaluation(**{**dict(row), "passed": bool(row["passed"])}, gates=gates)


def earlier_answers(
    reader: Reader, version: ModelVersion, gate: str, *, since_ms: int = 0
) -> list[dict[str, Any]]:
    """What a gate found before about exactly this version's files, newest first."""
    rows = reader.all(
        SQL.evidence_of_gate, uid=version.uid, gate=gate, digest=version.digest, since_ms=since_ms, limit=20
    )
    return [answer for row in rows for answer in msgspec.json.decode(row["inputs"]).get("answers", [])]


def list_exemptions(reader: Reader, uid: str) -> list[Exemption]:
    """Newest first, ended ones too. Of each gate only the newest counts."""
    return [Exemption(**dict(row)) for row in reader.all(SQL.exemptions, uid=uid)]


def exemption_of(reader: Reader, uid: str, gate: str) -> Exemption | None:
    """The one that counts for this gate, ended or not."""
    return next((exemption for exemption in list_exemptions(reader, uid) if exemption.gate == gate), None)


def exemptions_ending(
    reader: Reader, *, after_ms: int, until_ms: int, limit: int = 100
) -> list[tuple[str, int, Exemption]]:
    """Model name, version number and exemption, soonest first."""
    rows = reader.all(SQL.exemptions_ending, after_ms=after_ms, until_ms=until_ms, limit=limit)
    return [(row["name"], row["version"], msgspec.convert(dict(row), Exemption)) for row in rows]


def list_approvals(reader: Reader, uid: str) -> list[Approval]:
    return [Approval(**dict(row)) for row in reader.all(SQL.approvals, uid=uid)]


def list_moves(reader: Reader, name: str, *, alias: str = "", limit: int = 100) -> list[Promotion]:
    """How an alias (or all of a model's gated ones) moved, newest first."""
    return [Promotion(**dict(row)) for row in reader.all(SQL.moves, name=name, alias=alias, limit=limit)]


def encode(value: Mapping[str, Any]) -> str:
    """JSON; NaN and infinities become null, as JSON has none."""
    return msgspec.json.encode(value).decode()
