"""Up to twenty runs side by side: what differs first, curves over one another, params against metrics."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec
from starlette.requests import Request

from pavedroad.environments import Environment
from pavedroad.errors import Invalid, NotFound, did_you_mean
from pavedroad.kit.chart import short
from pavedroad.kit.relation import Axis, Mark, numbers_in, parallel, said, scatter
from pavedroad.kit.sql import Reader
from pavedroad.kit.svg import Svg
from pavedroad.kit.text import count
from pavedroad.pipelines.store import get_pipeline_run, read_environment, steps_of_run
from pavedroad.record import record_behind
from pavedroad.tracking.chart_look import Choice, Look, choices, read_look
from pavedroad.tracking.columns import LAST, PARAM, Column, parse_column, split_list
from pavedroad.tracking.comparison import (
    Compared,
    Part,
    compare_code,
    compare_data,
    compare_metrics,
    compare_params,
    compare_tags,
    part,
    pick_runs,
)
from pavedroad.tracking.model import Run
from pavedroad.tracking.overlaid import (
    LETTERS,
    PICTURES,
    Overlay,
    curve_keys,
    overlay,
    style_of,
)
from pavedroad.tracking.store import get_experiment

PATH = "/runs/compare"
LISTS = ("run", "curve", "axis", "higher", "lower")  # of the address; each with commas or said several times
PARAM_AXES = 4  # drawn unless others are chosen
MOST_AXES = 8
DIGEST_SHOWN = 12
COUNTED = {"Params": "param", "Metrics": "metric"}  # the other parts differ as a whole
RELATION_WIDTH, RELATION_HEIGHT = 960.0, 340.0


class ComparedRun(msgspec.Struct, frozen=True, kw_only=True):
    """One of those compared, as the head of its column."""

    letter: str
    style: str  # its colour and dash, as classes of the style sheet
    id: str
    name: str
    experiment: str
    user: str
    status: str
    start_ms: int
    duration_ms: int | None
    without: str  # this comparison without it; empty when one other would be left


class AxisChoice(msgspec.Struct, frozen=True, kw_only=True):
    label: str
    field: str
    is_chosen: bool


class Relation(msgspec.Struct, frozen=True, kw_only=True):
    """Params against metrics: a scatter of two axes, parallel coordinates of more."""

    finding: str
    picture: Svg | None
    choices: list[AxisChoice]


class ComparePage(msgspec.Struct, frozen=True, kw_only=True):
    runs: list[ComparedRun]
    parts: list[Part]  # params, metrics, tags, data, code, environment; those that have anything
    overlays: list[Overlay]
    curves: list[str]  # every metric that has a curve
    look: Look
    looks: dict[str, list[Choice]]
    relation: Relation
    words: dict[str, list[str]]  # the lists of the address

    @property
    def says(self) -> str:
        differing = [one for one in self.parts if one.differing]
        if not differing:
            return "They are equal in everything that the record knows."
        told = [
            count(len(one.differing), COUNTED[one.name]) if one.name in COUNTED else one.name.lower()
            for one in differing
        ]
        return f"They differ in {', '.join(told[:-1])}{' and ' if told[1:] else ''}{told[-1]}."

    def address(self, **changes: str | Sequence[str]) -> str:
        """This comparison, changed in some words."""
        return _address({**self.words, **{key: _many(value) for key, value in changes.items()}}, self.look)


def show_comparison(request: Request) -> ComparePage:
    reader: Reader = record_behind(request).db
    look = read_look(request.query_params)
    words: dict[str, list[str]] = {}
    for key in LISTS:
        found = [part for value in request.query_params.getlist(key) for part in split_list(value)]
        if found:
            words[key] = found
    runs = pick_runs(reader, words.get("run", []))
    words["run"] = [run.id for run in runs]
    metrics = compare_metrics(reader, runs, higher=words.get("higher", ()), lower=words.get("lower", ()))
    params = compare_params(runs)
    parts = [
        params,
        metrics,
        compare_tags(runs),
        compare_data(reader, runs),
        *_pipeline_parts(reader, runs),
    ]
    keys = curve_keys(reader, runs)
    return ComparePage(
        runs=[_compared(reader, run, place, words, look) for place, run in enumerate(runs)],
        parts=[one for one in parts if one.has_any],
        overlays=[overlay(reader, runs, key, look) for key in _drawn(keys, words.get("curve", []))],
        curves=keys,
        look=look,
        looks=choices(look, PATH, **{key: ",".join(words[key]) for key in LISTS if key in words}),
        relation=_relation(runs, params, metrics, words.get("axis", [])),
        words=words,
    )


def _compared(
    reader: Reader, run: Run, place: int, words: Mapping[str, Sequence[str]], look: Look
) -> ComparedRun:
    rest = [run_id for run_id in words["run"] if run_id != run.id]
    return ComparedRun(
        letter=LETTERS[place],
        style=style_of(place),
        id=run.id,
        name=run.name or run.id[:8],
        experiment=get_experiment(reader, run.experiment_id).name,
        user=run.user,
        status=run.status,
        start_ms=run.start_ms,
        duration_ms=None if run.end_ms is None else max(0, run.end_ms - run.start_ms),
        without=_address({**words, "run": rest}, look) if len(rest) > 1 else "",
    )


def _address(words: Mapping[str, Sequence[str]], look: Look) -> str:
    return look.address(PATH, **{key: ",".join(values) for key, values in words.items()})


def _many(value: str | Sequence[str]) -> list[str]:
    return [value] if isinstance(value, str) else list(value)


# ---------------------------------------------------------------------------------- what pipelines know


def _pipeline_parts(reader: Reader, runs: Sequence[Run]) -> list[Part]:
    """Code and environment: from the tags of each run, and from what its pipeline recorded."""
    rows = [_row_of(reader, run) for run in runs]
    environments = [read_environment(reader, row) if row else None for row in rows]
    code = compare_code(runs)
    steps = _step_codes(reader, runs)
    return [
        Part(name="Code", differing=[*code.differing, *steps], equal=code.equal),
        part("Environment", _environment_values(environments)),
    ]


def _row_of(reader: Reader, run: Run) -> str:
    """The digest of its environment; empty for a run that no pipeline made."""
    try:
        return get_pipeline_run(reader, run.id).environment
    except NotFound:
        return ""


def _step_codes(reader: Reader, runs: Sequence[Run]) -> list[Compared]:
    """The steps whose code is not the same in all runs that have them."""
    codes = [{step.node: step.code for step in steps_of_run(reader, run.id) if step.code} for run in runs]
    nodes = sorted({node for own in codes for node in own})
    values = {f"code of step {node}": [_short(own.get(node)) for own in codes] for node in nodes}
    return part("Code", values).differing


def _environment_values(environments: Sequence[Environment | None]) -> dict[str, list[str | None]]:
    if not any(environments):
        return {}
    values: dict[str, list[str | None]] = {
        "Python": [each.python if each else None for each in environments],
        "lock": [_short(each.lock_digest) if each else None for each in environments],
        "host": [each.host.name if each else None for each in environments],
        "machine": [f"{each.host.system} {each.host.machine}" if each else None for each in environments],
    }
    installed = [each.installed if each else {} for each in environments]
    for name in sorted({name for own in installed for name in own}):
        values[name] = [own.get(name) for own in installed]
    return values


def _short(digest: str | None) -> str | None:
    return digest[:DIGEST_SHOWN] if digest else None


# ---------------------------------------------------------------------------------------------- pictures


def _drawn(keys: Sequence[str], asked: Sequence[str]) -> list[str]:
    """Those that were asked for, else the first few. Raises NotFound for one that is no curve here."""
    unknown = next((key for key in asked if key not in keys), None)
    if unknown is not None:
        raise NotFound(f"none of these runs has a curve {unknown!r}", hint=did_you_mean(unknown, keys))
    return list(dict.fromkeys(asked)) or list(keys[:PICTURES])


def _relation(runs: Sequence[Run], params: Part, metrics: Part, asked: Sequence[str]) -> Relation:
    """Of the axes asked for; else of the params that differ and the metric whose best is known."""
    rows = {Column(PARAM, row.key): row for row in (*params.differing, *params.equal)}
    rows |= {Column(LAST, row.key): row for row in (*metrics.differing, *metrics.equal)}
    chosen = _asked_axes(rows, asked) or _usual_axes(params, metrics)
    differing = {Column(PARAM, row.key) for row in params.differing} | {
        Column(LAST, row.key) for row in metrics.differing
    }
    choices = [
        AxisChoice(label=column.key, field=column.field, is_chosen=column in chosen)
        for column in rows
        if column in differing or column in chosen
    ]
    if len(chosen) < 2:
        return Relation(finding="", picture=None, choices=choices)
    axes = [Axis(label=column.key, values=_drawable(rows[column].values)) for column in chosen]
    marks = [
        Mark(letter=LETTERS[at], name=run.name or run.id[:8], class_=style_of(at), href=f"/runs/{run.id}")
        for at, run in enumerate(runs)
    ]
    finding = _relation_finding(chosen, axes, rows[chosen[-1]])
    picture = (
        scatter(axes[0], axes[1], marks, title=finding, width=RELATION_WIDTH, height=RELATION_HEIGHT)
        if len(axes) == 2
        else parallel(axes, marks, title=finding, width=RELATION_WIDTH, height=RELATION_HEIGHT)
    )
    return Relation(finding=finding, picture=picture, choices=choices)


def _asked_axes(rows: Mapping[Column, Compared], asked: Sequence[str]) -> list[Column]:
    columns = list(dict.fromkeys(parse_column(word) for word in asked))
    unknown = next((column for column in columns if column not in rows), None)
    if unknown is not None:
        raise NotFound(
            f"none of these runs has {unknown.field}",
            hint=did_you_mean(unknown.field, [c.field for c in rows]),
        )
    if len(columns) == 1:
        raise Invalid("one axis draws nothing", hint=f"choose 2 to {MOST_AXES}")
    if len(columns) > MOST_AXES:
        raise Invalid(f"{len(columns)} axes are too many to read", hint=f"choose 2 to {MOST_AXES}")
    return columns


def _usual_axes(params: Part, metrics: Part) -> list[Column]:
    telling = sorted(params.differing, key=lambda row: numbers_in(_drawable(row.values)) is None)
    main = next((row for row in metrics.differing if row.best), next(iter(metrics.differing), None))
    if main is None or not telling:
        return []
    return [*(Column(PARAM, row.key) for row in telling[:PARAM_AXES]), Column(LAST, main.key)]


def _drawable(values: Sequence[str | int | float | None]) -> list[str | float | None]:
    """NaN and infinities have no place on an axis."""
    return [None if isinstance(value, float) and not abs(value) < float("inf") else value for value in values]


def _relation_finding(chosen: Sequence[Column], axes: Sequence[Axis], last: Compared) -> str:
    """`lowest log_loss 0.21 in C: depth 8, learning_rate 0.1`, else what stands against what."""
    names = [axis.label for axis in axes]
    if not last.best:
        return f"{', '.join(names[:-1])} against {names[-1]}"
    at = last.best[0]
    value = last.values[at]
    number = short(value) if isinstance(value, (int, float)) else str(value)
    rest = ", ".join(f"{axis.label} {said(axis.values[at])}" for axis in axes[:-1])
    word = "lowest" if last.better == "lower" else "highest"
    return f"{word} {names[-1]} {number} in {LETTERS[at]}: {rest}"
