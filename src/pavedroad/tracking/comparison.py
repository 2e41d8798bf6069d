"""Runs side by side: what differs first, and the best value of each metric."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence

import msgspec

from pavedroad.errors import Invalid, NotFound
from pavedroad.kit.sql import Reader
from pavedroad.tracking.columns import Cell
from pavedroad.tracking.direction import best_of, direction_of
from pavedroad.tracking.inputs import run_inputs
from pavedroad.tracking.model import CONTEXT_TAG, Run
from pavedroad.tracking.store import find_run, get_experiment

FEWEST, MOST = 2, 20
COMMIT_SHOWN = 12
OWN_TAGS = ("mlflow.", "paved.")
CODE_TAGS = {
    "mlflow.source.name": "source",
    "mlflow.source.git.commit": "commit",
    "mlflow.source.git.branch": "branch",
    "mlflow.source.git.repoURL": "repository",
    "paved.dirty": "not committed",
}


class Compared(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that the runs have or lack, with its value in each, in the order of the runs."""

    key: str
    values: list[Cell]
    differs: bool
    better: str = ""  # higher or lower, where it is known
    because: str = ""  # how
    best: list[int] = []  # places in `values`


class Part(msgspec.Struct, frozen=True, kw_only=True):
    """Params, metrics, …: what differs stands apart from what is equal."""

    name: str
    differing: list[Compared]
    equal: list[Compared]

    @property
    def has_any(self) -> bool:
        return bool(self.differing or self.equal)


def pick_runs(reader: Reader, words: Iterable[str]) -> list[Run]:
    """The runs to compare, each once, by the starts of their ids.

    Raises: Invalid for fewer than two and more than twenty; NotFound, which names all that are not there.
    """
    wanted = list(dict.fromkeys(word.strip().lower() for word in words if word.strip()))
    if len(wanted) < FEWEST:
        raise Invalid(
            f"{'1 run' if wanted else 'no run'} was named; a comparison takes {FEWEST} to {MOST}",
            hint="tick the runs in the list, then Compare",
        )
    if len(wanted) > MOST:
        raise Invalid(
            f"{len(wanted)} runs are too many to compare",
            hint=f"take up to {MOST}, or export them as a table",
        )
    found: dict[str, Run] = {}
    unknown = []
    for word in wanted:
        try:
            run = find_run(reader, word)
        except NotFound:
            unknown.append(word)
        else:
            found[run.id] = run
    if unknown:
        raise NotFound(
            f"no run {', '.join(map(repr, unknown))}",
            hint="they may be deleted for good: list runs with `paved runs`",
        )
    if len(found) < FEWEST:
        raise Invalid("one run was named twice", hint=f"name {FEWEST} to {MOST} different ones")
    return list(found.values())


def compare_params(runs: Sequence[Run]) -> Part:
    return part(
        "Params", {key: [run.params.get(key) for run in runs] for key in _keys(run.params for run in runs)}
    )


def compare_metrics(
    reader: Reader, runs: Sequence[Run], *, higher: Collection[str] = (), lower: Collection[str] = ()
) -> Part:
    """The last value of each metric, with the best where its direction is known."""
    experiments = {run.experiment_id: get_experiment(reader, run.experiment_id).tags for run in runs}
    values = [{metric.key: metric.value for metric in run.metrics} for run in runs]
    rows = []
    for key in _keys(values):
        found = [own.get(key) for own in values]
        direction = direction_of(key, higher=higher, lower=lower, experiment_tags=list(experiments.values()))
        rows.append(
            Compared(
                key=key,
                values=list(found),
                differs=_differs(found),
                better=direction.better if direction else "",
                because=direction.because if direction else "",
                best=best_of(found, direction),
            )
        )
    return _split("Metrics", rows)


def compare_tags(runs: Sequence[Run]) -> Part:
    """Those that people set."""
    tags = [{key: value for key, value in run.tags.items() if not key.startswith(OWN_TAGS)} for run in runs]
    return part("Tags", {key: [own.get(key) for own in tags] for key in _keys(tags)})


def compare_code(runs: Sequence[Run]) -> Part:
    return part(
        "Code",
        {
            word: [_cut(word, run.tags.get(tag)) for run in runs]
            for tag, word in CODE_TAGS.items()
            if any(tag in run.tags for run in runs)
        },
    )


def _cut(word: str, value: str | None) -> str | None:
    return value[:COMMIT_SHOWN] if word == "commit" and value else value


def compare_data(reader: Reader, runs: Sequence[Run]) -> Part:
    """The datasets that went in, by name and what for, with their digests."""
    digests: list[dict[str, str]] = []
    for run in runs:
        own: dict[str, list[str]] = {}
        for each in run_inputs(reader, run.id):
            context = each.tags.get(CONTEXT_TAG, "")
            own.setdefault(f"{each.name}, {context}" if context else each.name, []).append(each.digest)
        digests.append({key: " ".join(sorted(found)) for key, found in own.items()})
    return part("Data", {key: [own.get(key) for own in digests] for key in _keys(digests)})


def part(name: str, values: Mapping[str, Sequence[Cell]]) -> Part:
    return _split(
        name,
        [Compared(key=key, values=list(own), differs=_differs(own)) for key, own in values.items()],
    )


def _split(name: str, rows: Sequence[Compared]) -> Part:
    return Part(
        name=name,
        differing=[row for row in rows if row.differs],
        equal=[row for row in rows if not row.differs],
    )


def _keys(each: Iterable[Mapping[str, object]]) -> list[str]:
    return sorted({key for own in each for key in own})


def _differs(values: Sequence[Cell]) -> bool:
    """NaN equals NaN here; what one run lacks differs."""
    same: Callable[[Cell], str] = repr
    return len(set(map(same, values))) > 1
