"""Why a step ran again: the parts of its key against those of the nearest call before."""

from __future__ import annotations

import re

import msgspec

from pavedroad.kit.sql import Reader
from pavedroad.pipelines import store
from pavedroad.pipelines.keys import CodeParts, Part
from pavedroad.tracking import pick_run

_DIGEST = re.compile(r"[0-9a-f]{16}")
LONGEST_VALUES = 30  # in one line with the rest
LOOK_BACK = 50  # calls before, among which the nearest is sought


class Difference(msgspec.Struct, frozen=True, kw_only=True):
    """One part of a key that is not as it was."""

    part: str  # `function late_flights.features.add_weather`, `parameter depth`
    change: str  # changed, added or removed
    before: str = ""  # as shown to people
    after: str = ""


class Explanation(msgspec.Struct, frozen=True, kw_only=True):
    run_id: str
    step: str
    verdict: str
    summary: str  # one line
    compared_with: str = ""  # run id
    differences: list[Difference] = []


def explain(reader: Reader, run_id: str, step: str) -> Explanation:
    """Raises NotFound, with the nearest step of the run."""
    row = store.get_step(reader, run_id, step)
    if row.verdict == "hit":
        maker = store.find_step_by_step_run(reader, row.cached_from)
        other = maker.run_id if maker else ""
        return _say(row, f"cached: same key as run {other[:8] or row.cached_from[:8]}", compared_with=other)
    if not row.cache_key:
        why = row.because or "it ended before it had a key"
        return _say(row, f"ran, and cannot be cached: {why}")
    code = store.read_code_parts(reader, row.code)
    found = nearest(reader, row.function, code, row.inputs, row.run_id, row.started_ms)
    if found is None:
        return _say(row, "ran for the first time: there is nothing to compare it with")
    call, differences = found
    said = f"ran: {summarise(differences)}" if differences else f"ran with the same key: {_why_again(row)}"
    return _say(
        row, f"{said}, since run {call.run_id[:8]}", compared_with=call.run_id, differences=differences
    )


def nearest(
    reader: Reader, function: str, code: CodeParts, inputs: dict[str, Part], run_id: str, before_ms: int
) -> tuple[store.EarlierCall, list[Difference]] | None:
    """The earlier call with the fewest differences, the newest of those; None without earlier calls."""
    best: tuple[store.EarlierCall, list[Difference]] | None = None
    known = {code.digest: code}
    for call in store.earlier_calls(reader, function, run_id=run_id, before_ms=before_ms, limit=LOOK_BACK):
        if call.code not in known:
            known[call.code] = store.read_code_parts(reader, call.code)
        differences = compare(known[call.code], code, call.inputs, inputs)
        if best is None or len(differences) < len(best[1]):
            best = call, differences
        if not differences:
            break
    return best


def compare(
    code_before: CodeParts, code_after: CodeParts, before: dict[str, Part], after: dict[str, Part]
) -> list[Difference]:
    """Parameters and inputs first, then code, then packages."""
    return [*_compare_inputs(before, after), *_compare_code(code_before, code_after)]


def _compare_inputs(before: dict[str, Part], after: dict[str, Part]) -> list[Difference]:
    found = []
    for label in sorted({*before, *after}, key=lambda label: (not label.startswith("parameter"), label)):
        old, new = before.get(label), after.get(label)
        if old is None or new is None or old.digest != new.digest:
            found.append(_difference(label, _shown(old), _shown(new), old is None, new is None))
    return found


def _compare_code(before: CodeParts, after: CodeParts) -> list[Difference]:
    found = {}
    labels = {*before.parts, *after.parts}
    for label in sorted(labels, key=lambda label: (label.startswith("package"), label)):
        was, now = before.parts.get(label), after.parts.get(label)
        if was != now:
            old, new = before.shown.get(label, was or ""), after.shown.get(label, now or "")
            found[label] = _difference(label, old, new, was is None, now is None)
    # The statement that sets a constant and the constant's value say the same; the value says it better.
    return [
        each
        for label, each in found.items()
        if label.replace("global ", "value ", 1) not in found.keys() - {label}
    ]


def summarise(differences: list[Difference]) -> str:
    """`function add_weather changed`, `parameter depth: 4 → 8 and 2 more`."""
    first = differences[0]
    values = f"{first.before} → {first.after}"
    is_told = first.part.startswith(("parameter ", "value ")) and not _DIGEST.fullmatch(first.before)
    if is_told and first.change == "changed" and len(values) <= LONGEST_VALUES:
        said = f"{first.part}: {values}"
    else:
        said = f"{first.part} {first.change}"
    more = len(differences) - 1
    return f"{said} and {more} more" if more else said


def _difference(label: str, before: str, after: str, is_new: bool, is_gone: bool) -> Difference:
    change = "added" if is_new else "removed" if is_gone else "changed"
    return Difference(part=label, change=change, before=before, after=after)


def _shown(part: Part | None) -> str:
    if part is None:
        return ""
    return (
        f"{part.shown} ({part.digest[:8]})"
        if part.shown and ": " in part.shown
        else part.shown or part.digest[:8]
    )


def _why_again(row: store.StepRow) -> str:
    return row.because or "its stored result was gone, or --no-cache was given"


def _say(
    row: store.StepRow, summary: str, *, compared_with: str = "", differences: list[Difference] | None = None
) -> Explanation:
    return Explanation(
        run_id=row.run_id,
        step=row.step,
        verdict=row.verdict,
        summary=summary,
        compared_with=compared_with,
        differences=differences or [],
    )


def find_pipeline_run(reader: Reader, text: str, *, project: str = "") -> str:
    """The run that `pick_run` finds; for a step's run, its pipeline's. Raises: NotFound, Invalid."""
    run = pick_run(reader, text, project=project)
    parent = run.tags.get("mlflow.parentRunId", run.id)
    return store.get_pipeline_run(reader, parent).run_id
