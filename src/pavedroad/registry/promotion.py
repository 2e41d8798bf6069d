"""Giving an alias to a version, taking it away, and going back. Here, and nowhere else, an alias moves."""

from __future__ import annotations

from functools import partial

import msgspec

from pavedroad.catalog import find_artifact, set_stage, write_fact
from pavedroad.errors import Conflict, Damaged, Exists, Invalid, Refused
from pavedroad.kit.clock import now_ms
from pavedroad.kit.sql import Reader, Transaction
from pavedroad.kit.text import count
from pavedroad.record import Record
from pavedroad.registry import store
from pavedroad.registry.context import CheckProject, Latency, MeasureLatency, damaged_files
from pavedroad.registry.evaluation import evaluate_gates, team_gates
from pavedroad.registry.gate import listed
from pavedroad.registry.model import Evidence, Happening, ModelVersion, Promotion
from pavedroad.registry.names import check_alias, check_new_alias
from pavedroad.registry.registration import check_mlflow_stage, is_prompt_version, lock_model, model_ref
from pavedroad.registry.webhooks import announce

SQL = store.SQL
ATTEMPTS = 3  # when somebody else moves the alias while gates are asked
PRODUCTION = "Production"  # MLflow's stage that is gated like an alias


class GatesClosed(Refused):
    """Its message has a line for each closed gate, so that the hint has one, too."""

    def __str__(self) -> str:
        return f"{self.message}\n{self.hint}"


class Decision(msgspec.Struct, frozen=True, kw_only=True):
    """What became of the wish to give a version an alias."""

    name: str
    version: int
    alias: str
    passed: bool
    is_gated: bool  # false: anybody may set this alias, no gate was asked
    gates: list[Evidence] = []
    previous: int = 0  # the version that held the alias before; 0 for none
    evaluation_id: int = 0
    at_ms: int

    @property
    def closed(self) -> list[Evidence]:
        return [evidence for evidence in self.gates if not evidence.lets_pass]

    def __str__(self) -> str:
        return f"{self.name}@{self.version}"


def promote(
    record: Record,
    name: str,
    which: int | str,
    alias: str = "champion",
    *,
    who: str,
    measure_latency: MeasureLatency | None = None,
    check_project: CheckProject | None = None,
) -> Decision:
    """Give the alias to a version if its gates are open or exempt, and store what they said either way.

    The alias moves only if it still belongs to whom the gates compared with; otherwise they are asked again.
    Raises: NotFound; Invalid for an alias that cannot be given; ConfigError; Conflict when others move it.
    """
    check_new_alias(alias)
    version = store.get_version(record.db, name, which)
    if alias not in team_gates(record.settings).aliases:
        return record.db.write(lambda tx: _give_ungated(tx, version, alias, who))
    measure = None if measure_latency is None else _measuring_once(measure_latency)
    for _ in range(ATTEMPTS):
        holder = store.find_version(record.db, name, alias)
        gates = evaluate_gates(
            record, version, alias, who=who, measure_latency=measure, check_project=check_project
        )
        decide = partial(_decide, version=version, alias=alias, gates=gates, holder=holder, who=who)
        if (decision := record.db.write(decide)) is not None:
            return decision
    raise Conflict(
        f"{alias} of {name} was moved by others meanwhile",
        hint="look at it with `paved models`, then try again",
    )


def _measuring_once(measure_latency: MeasureLatency) -> MeasureLatency:
    """Asked again because the alias moved meanwhile, a gate need not serve the version again."""
    measured: dict[tuple[str, int, int], Latency] = {}

    def measure(record: Record, version: ModelVersion, *, requests: int, concurrency: int) -> Latency:
        load = (version.uid, requests, concurrency)
        if load not in measured:
            measured[load] = measure_latency(record, version, requests=requests, concurrency=concurrency)
        return measured[load]

    return measure


def unset_alias(record: Record, name: str, alias: str, *, who: str) -> None:
    """Take an alias away; nothing happens when nobody holds it. Raises NotFound for an unknown model.

    Giving it again asks the gates again, and they still compare with who held it.
    """
    check_alias(alias)
    gated = team_gates(record.settings).aliases
    record.db.write(lambda tx: _take_away(tx, name, alias, gated, who))


def adopt_alias(
    tx: Transaction, version: ModelVersion, alias: str, *, gated: tuple[str, ...], who: str, origin: str
) -> None:
    """Take over an alias as another registry gave it; `origin` is that registry's address.

    No gate was asked, so this is no promotion: a rollback never goes back to it. Raises: Invalid for an alias
    that cannot be given; Exists when another version here holds it.
    """
    check_new_alias(alias)
    lock_model(tx, version.name)
    holder = store.find_version(tx, version.name, alias)
    if holder is not None and holder.uid != version.uid:
        raise Exists(f"{holder} is {alias} here", hint=f"run `paved promote {version} --to {alias}`")
    if holder is not None:
        return
    if alias in gated and store.list_moves(tx, version.name, alias=alias, limit=1):
        raise Exists(
            f"{alias} of {version.name} was given here before, so its gates decide",
            hint=f"run `paved promote {version} --to {alias}`",
        )
    _move(tx, version, alias, "imported", None, 0, who)
    if alias in gated:
        _settle_stages(tx, version, None, gated=gated, who=who)
    payload = {"alias": alias, "to": version.version, "from": origin, "gates": "not asked"}
    write_fact(
        tx, who=who, verb="imported", artifact=model_ref(version), run_id=version.run_id, payload=payload
    )


def rollback(record: Record, name: str, alias: str = "champion", *, who: str) -> Promotion:
    """Go back to the version that held the alias before. Gates are not asked: it passed them then.

    Raises: Conflict when nobody held it before, Damaged when that version's files cannot be used.
    """
    store.get_model(record.db, name)
    gated = team_gates(record.settings).aliases
    target, holder = _before(record.db, name, alias)
    files = tuple(store.version_files(record.db, target.uid))
    damaged = damaged_files(record, target, files) if files else []
    if damaged:
        raise Damaged(
            f"{target} cannot be {alias} again: {count(len(damaged), 'file')} unusable: {listed(damaged)}",
            hint="restore the file store from a backup, or promote another version",
        )
    return record.db.write(lambda tx: _go_back(tx, target, holder, alias, gated, who))


def transition_stage(
    record: Record,
    name: str,
    which: int | str,
    stage: str,
    *,
    who: str,
    archive_existing: bool = False,
) -> ModelVersion:
    """Set MLflow's stage. `Production` asks the same gates as the first gated alias.

    Raises: GatesClosed, and then nothing is set; NotFound; Invalid for an unknown stage.
    """
    stage = check_mlflow_stage(stage)
    if archive_existing and stage not in ("Staging", PRODUCTION):
        raise Invalid(
            "Model version transition cannot archive existing model versions because "
            f"'{stage}' is not an Active stage. Valid stages are ['Staging', 'Production']"
        )
    version = store.get_version(record.db, name, which)
    gated = team_gates(record.settings).aliases
    if stage == PRODUCTION and gated:
        gates = evaluate_gates(record, version, gated[0], who=who)
        decision = record.db.write(lambda tx: _record_decision(tx, version, PRODUCTION, gates, None, who))
        if not decision.passed:
            raise refusal(decision, alias=gated[0])
    return record.db.write(lambda tx: _set_stage(tx, version, stage, archive_existing, who))


def refusal(decision: Decision, *, alias: str = "") -> GatesClosed:
    """The decision as an error, for doors that cannot show a table; `alias` is what to ask for instead."""
    closed = decision.closed
    reasons = "".join(f"\n  {evidence.gate}: {evidence.says}" for evidence in closed)
    return GatesClosed(
        f"{decision} cannot become {decision.alias}: {count(len(closed), 'gate')} "
        f"{'is' if len(closed) == 1 else 'are'} closed{reasons}",
        hint=f"run `paved promote {decision} --to {alias or decision.alias}` to see each next step",
    )


# ------------------------------------------------------------------------------------ inside a transaction


def _decide(
    tx: Transaction,
    version: ModelVersion,
    alias: str,
    gates: list[Evidence],
    holder: ModelVersion | None,
    who: str,
) -> Decision | None:
    """None when the alias is not where the gates saw it."""
    lock_model(tx, version.name)
    now_holder = store.find_version(tx, version.name, alias)
    if (now_holder and now_holder.uid) != (holder and holder.uid):
        return None
    store.get_version_by_uid(tx, version.uid)  # it may have been deleted meanwhile
    decision = _record_decision(tx, version, alias, gates, holder, who)
    if decision.passed:
        moves = holder is None or holder.uid != version.uid
        exempt = [evidence.gate for evidence in gates if evidence.verdict == "exempt"]
        _move(tx, version, alias, "promoted", holder, decision.evaluation_id, who)
        _settle_stages(tx, version, holder, gated=(alias,), who=who)
        write_fact(
            tx,
            who=who,
            verb="promoted" if moves else "confirmed",
            artifact=model_ref(version),
            run_id=version.run_id,
            payload={
                "alias": alias,
                "from": holder.version if holder and moves else None,
                "to": version.version,
                "exempt": exempt,
                "evaluation": decision.evaluation_id,
            },
        )
    return decision


def _record_decision(
    tx: Transaction,
    version: ModelVersion,
    alias: str,
    gates: list[Evidence],
    holder: ModelVersion | None,
    who: str,
) -> Decision:
    at_ms = now_ms()
    passed = all(evidence.lets_pass and _still_holds(evidence, at_ms) for evidence in gates)
    number = store.insert_evaluation(tx, version, alias, gates, passed=passed, who=who, at_ms=at_ms)
    if not passed:
        write_fact(
            tx,
            who=who,
            verb="refused",
            artifact=model_ref(version),
            run_id=version.run_id,
            payload={
                "alias": alias,
                "closed": [evidence.gate for evidence in gates if not evidence.lets_pass],
                "evaluation": number,
            },
        )
    return Decision(
        name=version.name,
        version=version.version,
        alias=alias,
        passed=passed,
        is_gated=True,
        gates=gates,
        previous=holder.version if holder else 0,
        evaluation_id=number,
        at_ms=at_ms,
    )


def _still_holds(evidence: Evidence, at_ms: int) -> bool:
    """An exemption can end while a slow gate is asked."""
    return evidence.verdict != "exempt" or at_ms < int(evidence.inputs["exemption"]["until_ms"])


def _give_ungated(tx: Transaction, version: ModelVersion, alias: str, who: str) -> Decision:
    lock_model(tx, version.name)
    store.get_version_by_uid(tx, version.uid)
    holder = store.find_version(tx, version.name, alias)
    _move(tx, version, alias, "promoted", holder, 0, who)
    payload = {"alias": alias, "from": holder.version if holder else None, "to": version.version}
    write_fact(
        tx, who=who, verb="aliased", artifact=model_ref(version), run_id=version.run_id, payload=payload
    )
    return Decision(
        name=version.name,
        version=version.version,
        alias=alias,
        passed=True,
        is_gated=False,
        previous=holder.version if holder else 0,
        at_ms=now_ms(),
    )


def _take_away(tx: Transaction, name: str, alias: str, gated: tuple[str, ...], who: str) -> None:
    lock_model(tx, name)
    holder = store.find_version(tx, name, alias)
    if holder is None or alias not in holder.aliases:
        return
    tx.run(SQL.delete_alias, name=name, alias=alias)
    _insert_move(tx, None, name, alias, "removed", holder, 0, who)
    of_prompt = is_prompt_version(holder.tags, holder.source)
    announce(tx, "model_version_alias.deleted", {"name": name, "alias": alias}, of_prompt=of_prompt)
    if alias in gated:
        _settle_stages(tx, None, holder, gated=gated, who=who)
    payload = {"alias": alias, "from": holder.version}
    write_fact(
        tx, who=who, verb="unaliased", artifact=model_ref(holder), run_id=holder.run_id, payload=payload
    )


def _go_back(
    tx: Transaction,
    target: ModelVersion,
    holder: ModelVersion | None,
    alias: str,
    gated: tuple[str, ...],
    who: str,
) -> Promotion:
    lock_model(tx, target.name)
    again, now_holder = _before(tx, target.name, alias)
    if again.uid != target.uid:
        raise Conflict(
            f"{alias} of {target.name} was moved by others meanwhile", hint="look at it, then try again"
        )
    _move(tx, target, alias, "rolled-back", now_holder, 0, who)
    if alias in gated:
        _settle_stages(tx, target, now_holder, gated=gated, who=who)
    payload = {"alias": alias, "from": now_holder.version if now_holder else None, "to": target.version}
    write_fact(
        tx, who=who, verb="rolled-back", artifact=model_ref(target), run_id=target.run_id, payload=payload
    )
    return store.list_moves(tx, target.name, alias=alias, limit=1)[0]


def _before(reader: Reader, name: str, alias: str) -> tuple[ModelVersion, ModelVersion | None]:
    """Who to go back to, and who holds the alias now (None: nobody). Raises Conflict when there is nobody."""
    holder = store.find_version(reader, name, alias)
    held: list[str] = []  # uids, the present one last: a rollback undoes what came after its target
    for move in reversed(store.list_moves(reader, name, alias=alias, limit=store.LARGEST)):
        if move.what == "promoted" and held[-1:] != [move.uid]:
            held.append(move.uid)
        elif move.what == "rolled-back":
            while held and held[-1] != move.uid:
                held.pop()
    earlier = [uid for uid in held if holder is None or uid != holder.uid]
    for uid in reversed(earlier):
        row = reader.one(SQL.version_by_uid, uid=uid)
        if row is not None:
            return store.to_version(reader, row), holder
    imported = next(
        (move for move in store.list_moves(reader, name, alias=alias) if move.what == "imported"), None
    )
    if imported is not None and (holder is None or holder.uid != imported.uid):
        raise Conflict(
            f"{name}@{imported.version} was {alias} where it was imported from, and passed no gate here",
            hint=f"run `paved promote {name}@{imported.version} --to {alias}`",
        )
    who = f"{holder} is the first {alias}" if holder else f"{name} never had a {alias}"
    raise Conflict(
        f"there is nothing to go back to: {who}", hint=f"see the versions with `paved models {name}`"
    )


def _set_stage(
    tx: Transaction, version: ModelVersion, stage: str, archive_existing: bool, who: str
) -> ModelVersion:
    lock_model(tx, version.name)
    at_ms = now_ms()
    if archive_existing:
        tx.run(SQL.archive_stage, name=version.name, stage=stage, uid=version.uid, at_ms=at_ms)
    tx.run(SQL.set_version_stage, uid=version.uid, stage=stage, at_ms=at_ms)
    payload = {"from": version.stage, "to": stage}
    write_fact(
        tx, who=who, verb="transitioned", artifact=model_ref(version), run_id=version.run_id, payload=payload
    )
    return store.get_version_by_uid(tx, version.uid)


def _move(
    tx: Transaction,
    version: ModelVersion,
    alias: str,
    what: Happening,
    holder: ModelVersion | None,
    evaluation_id: int,
    who: str,
) -> None:
    if what != "imported":
        data = {"name": version.name, "alias": alias, "version": str(version.version)}
        of_prompt = is_prompt_version(version.tags, version.source)
        announce(tx, "model_version_alias.created", data, of_prompt=of_prompt)
    if holder is not None and holder.uid == version.uid:
        return
    tx.run(SQL.set_alias, name=version.name, alias=alias, uid=version.uid)
    _insert_move(tx, version, version.name, alias, what, holder, evaluation_id, who)


def _insert_move(
    tx: Transaction,
    version: ModelVersion | None,
    name: str,
    alias: str,
    what: Happening,
    holder: ModelVersion | None,
    evaluation_id: int,
    who: str,
) -> None:
    tx.run(
        SQL.insert_move,
        name=name,
        alias=alias,
        what=what,
        version=version.version if version else 0,
        uid=version.uid if version else "",
        run_id=version.run_id if version else "",
        model_id=version.model_id if version else "",
        previous=holder.version if holder else 0,
        previous_uid=holder.uid if holder else "",
        evaluation_id=evaluation_id,
        who=who,
        at_ms=now_ms(),
    )


def _settle_stages(
    tx: Transaction,
    version: ModelVersion | None,
    before: ModelVersion | None,
    *,
    gated: tuple[str, ...],
    who: str,
) -> None:
    """In the catalog: production while it holds a gated alias, deprecated when it did, else candidate."""
    for each in filter(None, (before, version)):
        now = store.get_version_by_uid(tx, each.uid)
        holds = any(alias in gated for alias in now.aliases)
        _set_catalog_stage(tx, now, "production" if holds else "deprecated", who)
    name = (version or before).name  # type: ignore[union-attr]
    model = store.get_model(tx, name)
    in_production = any(alias in gated for alias in model.aliases)
    _set_catalog_stage(tx, name, "production" if in_production else "candidate", who)


def _set_catalog_stage(tx: Transaction, what: ModelVersion | str, stage: str, who: str) -> None:
    artifact = find_artifact(tx, model_ref(what))
    if artifact is not None and artifact.stage != stage:
        set_stage(tx, model_ref(what), stage, who=who)
