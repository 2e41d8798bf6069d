"""Where packages are kept: what they were made of and how their stages ended, not the file itself."""

from __future__ import annotations

import msgspec

from pavedroad.catalog import Ref, ensure_artifact, write_fact
from pavedroad.delivery.model import Package, StageResult
from pavedroad.kit.sql import Reader, Transaction, load_queries

SQL = load_queries("pavedroad.delivery")
NEWEST = 2**62


def save_package(tx: Transaction, package: Package, *, owner: str = "") -> Package:
    """Keep a package and say so on the journal; the package with its id."""
    row = msgspec.structs.asdict(package)
    row["stages"] = msgspec.json.encode(package.stages).decode()
    del row["id"]
    package = msgspec.structs.replace(package, id=tx.value(SQL.insert_package, **row))
    is_wheel = package.kind == "wheel"
    artifact = Ref("project", package.name) if is_wheel else Ref("model", package.name, package.version)
    if is_wheel:
        ensure_artifact(tx, artifact, who=package.who, owner=owner)
    failed = [stage.name for stage in package.stages if stage.status not in ("passed", "not run")]
    payload = {
        "package": package.id,
        "version": package.version,
        "file": package.file,
        "digest": package.digest,
        "commit": package.commit_id,
        "stages": {stage.name: stage.status for stage in package.stages},
        **({"stopped_by": failed[0]} if failed else {}),
    }
    verb = "packaged" if package.passed else "tried-to-package"
    write_fact(tx, who=package.who, verb=verb, artifact=artifact, payload=payload)
    return package


def list_packages(reader: Reader, name: str = "", *, before: int = NEWEST, limit: int = 100) -> list[Package]:
    """Newest first, of one project or model when named."""
    rows = reader.all(SQL.packages, name=name, before=before, limit=limit)
    return [_package(dict(row)) for row in rows]


def _package(row: dict[str, object]) -> Package:
    stages = msgspec.json.decode(str(row["stages"]), type=tuple[StageResult, ...])
    return Package(**{**row, "stages": stages})  # type: ignore[arg-type]
