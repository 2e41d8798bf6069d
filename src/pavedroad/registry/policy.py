"""Which gates are asked, as the team's `paved.toml` and the projects' `[tool.paved.gates]` say.

Both apply: a project adds to what the team asks and takes nothing away. Where both speak about one gate it is
asked twice and both answers must be yes, so the stricter one wins without anybody comparing them.
"""

from __future__ import annotations

from collections.abc import Mapping
from importlib.metadata import EntryPoint, entry_points
from typing import Any

import msgspec

from pavedroad.errors import ConfigError, Invalid, did_you_mean
from pavedroad.registry.gate import Gate
from pavedroad.registry.gates import GATES
from pavedroad.registry.names import check_alias

ENTRY_POINTS = "pavedroad.gates"
GATED_ALIASES = ("champion",)  # unless the team says otherwise
ALWAYS = ("digest",)  # unless the team says `digest = false`
TEAM = "team"


class Question(msgspec.Struct, frozen=True, kw_only=True):
    """A gate, the policy it is asked with, and who wants to know."""

    gate: Gate
    policy: msgspec.Struct
    origin: str  # `team` or `project late-flights`


class TeamGates(msgspec.Struct, frozen=True, kw_only=True):
    aliases: tuple[str, ...]  # that only a version whose gates are open may hold
    questions: tuple[Question, ...]


def read_team_gates(table: Mapping[str, Any]) -> TeamGates:
    """The `[gates]` of `paved.toml`. Raises ConfigError."""
    tables = {**dict.fromkeys(ALWAYS, True), **table}
    aliases = tables.pop("aliases", list(GATED_ALIASES))
    if not isinstance(aliases, list) or not all(isinstance(alias, str) for alias in aliases):
        raise ConfigError("[gates] aliases is not a list of names", hint='write aliases = ["champion"]')
    for alias in aliases:
        _check_alias(alias)
    return TeamGates(aliases=tuple(aliases), questions=read_questions(tables, TEAM))


def read_project_gates(table: Mapping[str, Any], project: str) -> tuple[Question, ...]:
    """The `[tool.paved.gates]` of a project. Raises ConfigError."""
    if "aliases" in table:
        raise ConfigError(
            f"project {project} names aliases in [tool.paved.gates]",
            hint="which aliases are gated is for the team to say: [gates] aliases in paved.toml",
        )
    return read_questions(table, f"project {project}")


def read_questions(table: Mapping[str, Any], origin: str) -> tuple[Question, ...]:
    """In the order of the gates, those of other packages last."""
    gates = {name: find_gate(name, origin) for name in table}
    order = [gate.name for gate in GATES]
    names = sorted(table, key=lambda name: order.index(name) if name in order else len(order))
    return tuple(
        Question(gate=gates[name], policy=policy, origin=origin)
        for name in names
        for policy in read_policies(gates[name], table[name], origin)
    )


def read_policies(gate: Gate, value: Any, origin: str) -> list[msgspec.Struct]:
    """`true` asks with the defaults, `false` does not ask, a table says more, and so may a list of them."""
    if value is False:
        return []
    if value is True:
        value = {}
    if gate.takes_many and isinstance(value, list):
        return [_read_policy(gate, item, f"{gate.name}[{place}]", origin) for place, item in enumerate(value)]
    return [_read_policy(gate, value, gate.name, origin)]


def find_gate(name: str, origin: str = "") -> Gate:
    """One of ours, else one that an installed package brings. Raises ConfigError with the nearest name."""
    for gate in GATES:
        if gate.name == name:
            return gate
    installed = {point.name: point for point in entry_points(group=ENTRY_POINTS)}
    if name in installed:
        return _load(installed[name])
    known = [*(gate.name for gate in GATES), *installed]
    raise ConfigError(
        f"unknown gate {name!r}" + (f" of {origin}" if origin else ""), hint=did_you_mean(name, known)
    )


def gate_names() -> list[str]:
    return [*(gate.name for gate in GATES), *(point.name for point in entry_points(group=ENTRY_POINTS))]


def _load(point: EntryPoint) -> Gate:
    where = f"gate {point.name!r} of {point.dist.name if point.dist else point.value}"
    try:
        loaded = point.load()
    except Exception as error:  # whatever another package does when it is imported
        raise ConfigError(
            f"{where} cannot be loaded: {type(error).__name__}: {error}", hint="update or remove that package"
        ) from error
    if not isinstance(loaded, Gate) or loaded.name != point.name:
        raise ConfigError(
            f"{where}: {point.value} is not a pavedroad.registry.Gate of that name",
            hint="tell its authors; docs/gates.md shows the shape",
        )
    return loaded


def _read_policy(gate: Gate, value: Any, path: str, origin: str) -> msgspec.Struct:
    where = f"gate {path} of {origin}"
    if not isinstance(value, dict):
        wanted = "true, false, a table or a list of tables" if gate.takes_many else "true, false or a table"
        raise ConfigError(f"{where} is {value!r}", hint=f"write {wanted}; {_keys_of(gate.policy)}")
    _check_keys(value, gate.policy, where)
    try:
        policy: msgspec.Struct = msgspec.convert(value, gate.policy)
    except msgspec.ValidationError as error:
        raise ConfigError(f"{where}: {error}", hint=_keys_of(gate.policy)) from None
    return policy


def _check_keys(value: Any, policy: Any, where: str) -> None:
    """Every key is known, in nested tables too; msgspec would say which one is not, but not the nearest."""
    if isinstance(policy, type) and issubclass(policy, msgspec.Struct) and isinstance(value, dict):
        fields = {field.encode_name: field.type for field in msgspec.structs.fields(policy)}
        for key, inner in value.items():
            if key not in fields:
                hint = did_you_mean(key, fields) if fields else f"write {where.split()[1]} = true"
                raise ConfigError(f"unknown key {key!r} in {where}", hint=hint)
            _check_keys(inner, fields[key], where)
    elif getattr(policy, "__origin__", None) is dict and isinstance(value, dict):
        for key, inner in value.items():
            _check_keys(inner, policy.__args__[1], f"{where}, {key}")


def _keys_of(policy: type[msgspec.Struct]) -> str:
    names = [field.encode_name for field in msgspec.structs.fields(policy)]
    return f"its keys are {', '.join(names)}" if names else "it has no keys"


def _check_alias(alias: str) -> None:
    try:
        check_alias(alias)
    except Invalid as error:
        raise ConfigError(f"[gates] aliases: {error.message}", hint=error.hint) from None
