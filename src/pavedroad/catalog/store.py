"""Where artifacts and lineage edges are kept."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from pavedroad.catalog.journal import SQL, write_fact
from pavedroad.catalog.model import Artifact, Edge, Ref, check_stage
from pavedroad.errors import NotFound
from pavedroad.kit.clock import now_ms
from pavedroad.kit.sql import Reader, Row, Transaction


def ensure_artifact(
    tx: Transaction,
    ref: Ref,
    *,
    who: str,
    owner: str = "",
    description: str = "",
    stage: str = "draft",
    tags: Mapping[str, str] | None = None,
    links: Mapping[str, str] | None = None,
) -> None:
    """Make an artifact known, or fill in its empty owner and description. A new one is a fact."""
    is_new = find_artifact(tx, ref) is None
    tx.run(
        SQL.upsert_artifact,
        kind=ref.kind,
        name=ref.name,
        version=ref.version,
        owner=owner,
        description=description,
        stage=check_stage(stage),
        tags=_encode(tags or {}),
        links=_encode(links or {}),
        at_ms=now_ms(),
    )
    if is_new:
        write_fact(tx, who=who, verb="created", artifact=ref, payload={"stage": stage, "owner": owner})


def find_artifact(reader: Reader, ref: Ref) -> Artifact | None:
    row = reader.one(SQL.artifact, kind=ref.kind, name=ref.name, version=ref.version)
    return None if row is None else to_artifact(row)


def get_artifact(reader: Reader, ref: Ref) -> Artifact:
    """Raises NotFound."""
    artifact = find_artifact(reader, ref)
    if artifact is None:
        raise NotFound(f"no artifact {str(ref)!r} on the record", hint="list them with `paved list`")
    return artifact


def list_artifacts(
    reader: Reader,
    *,
    kind: str = "",
    owner: str = "",
    stage: str = "",
    words: str = "",
    after: Ref | None = None,
    limit: int = 100,
) -> list[Artifact]:
    """In order of kind, name, version; `after` is the last one of the page before."""
    after = after or Ref("", "", "")
    rows = reader.all(
        SQL.artifacts,
        kind=kind,
        owner=owner,
        stage=stage,
        words=f"%{words.lower()}%" if words else "",
        after_kind=after.kind,
        after_name=after.name,
        after_version=after.version,
        limit=limit,
    )
    return [to_artifact(row) for row in rows]


def set_owner(tx: Transaction, ref: Ref, owner: str, *, who: str) -> None:
    before = get_artifact(tx, ref)
    tx.run(SQL.set_owner, kind=ref.kind, name=ref.name, version=ref.version, owner=owner, at_ms=now_ms())
    write_fact(tx, who=who, verb="owned", artifact=ref, payload={"from": before.owner, "to": owner})


def set_stage(tx: Transaction, ref: Ref, stage: str, *, who: str) -> None:
    before = get_artifact(tx, ref)
    tx.run(
        SQL.set_stage,
        kind=ref.kind,
        name=ref.name,
        version=ref.version,
        stage=check_stage(stage),
        at_ms=now_ms(),
    )
    write_fact(tx, who=who, verb="staged", artifact=ref, payload={"from": before.stage, "to": stage})


def set_details(
    tx: Transaction,
    ref: Ref,
    *,
    who: str,
    description: str | None = None,
    tags: Mapping[str, str] | None = None,
    links: Mapping[str, str] | None = None,
) -> None:
    """Change the description; merge tags and links."""
    before = get_artifact(tx, ref)
    tx.run(
        SQL.set_details,
        kind=ref.kind,
        name=ref.name,
        version=ref.version,
        description=before.description if description is None else description,
        tags=_encode({**before.tags, **(tags or {})}),
        links=_encode({**before.links, **(links or {})}),
        at_ms=now_ms(),
    )
    write_fact(
        tx,
        who=who,
        verb="described",
        artifact=ref,
        payload={"description": description, "tags": tags, "links": links},
    )


def add_edge(tx: Transaction, source: Ref | str, verb: str, target: Ref | str, *, run_id: str = "") -> None:
    """Say `source verb target`, e.g. `pipeline/late-flights produced model/late-flights@3`."""
    tx.run(SQL.insert_edge, source=str(source), verb=verb, target=str(target), run_id=run_id, at_ms=now_ms())


def edges_of(reader: Reader, artifact: Ref | str, *, limit: int = 200) -> list[Edge]:
    return [Edge(**dict(row)) for row in reader.all(SQL.edges_of, artifact=str(artifact), limit=limit)]


def edges_of_run(reader: Reader, run_id: str) -> list[Edge]:
    return [Edge(**dict(row)) for row in reader.all(SQL.edges_of_run, run_id=run_id)]


def to_artifact(row: Row) -> Artifact:
    return Artifact(
        ref=Ref(row["kind"], row["name"], row["version"]),
        owner=row["owner"],
        description=row["description"],
        stage=row["stage"],
        tags=msgspec.json.decode(row["tags"]),
        links=msgspec.json.decode(row["links"]),
        created_ms=row["created_ms"],
        updated_ms=row["updated_ms"],
    )


def _encode(value: Mapping[str, str]) -> str:
    return msgspec.json.encode(value).decode()
