"""What advisories mean for a project, as a person reads it at 80 columns."""

from __future__ import annotations

import textwrap
from collections import defaultdict
from collections.abc import Iterable, Iterator

from pavedroad.advisories.matching import EXPOSED, LOCKED_SAFE, NOT_AFFECTED, NOT_FOUND, Case, UseFound
from pavedroad.advisories.model import Advisory
from pavedroad.advisories.store import Affected
from pavedroad.checks.model import SAFE
from pavedroad.kit.terminal import Style, styled, table
from pavedroad.kit.text import count

STYLES: dict[str, Style] = {"breaks": "bad", "may-break": "bad", "changes-results": "warn", "warns": "warn"}
USES_SHOWN = 5


def cases_text(cases: Iterable[Case], *, width: int) -> str:
    cases = list(cases)
    by_state: dict[str, list[Case]] = defaultdict(list)
    for case in cases:
        by_state[case.state].append(case)
    blocks = [_case_text(case, width) for case in by_state[EXPOSED]]
    if by_state[LOCKED_SAFE]:
        blocks.append(styled("Used, and safe with the versions you have; act before you upgrade", "strong"))
        blocks += [_case_text(case, width) for case in by_state[LOCKED_SAFE]]
    if by_state[NOT_FOUND]:
        blocks.append("\n".join(_not_found(by_state[NOT_FOUND], width)))
    return "\n\n".join([*blocks, _summary(by_state)])


def _case_text(case: Case, width: int) -> str:
    effect = styled(case.effect, STYLES[case.effect]) if case.state == EXPOSED else "safe"
    lines = [f"{styled(case.id, 'strong')}  {effect}  {case.package}"]
    lines += _wrapped(case.title, width)
    lines += _wrapped(f"{case.decided}{_kept_out(case)}", width)
    for use in case.uses[:USES_SHOWN]:
        lines += _wrapped(f"{use.at}  {use.symbol}{_patch(use)}", width, indent=4, then=6)
    if len(case.uses) > USES_SHOWN:
        lines.append(f"    and {count(len(case.uses) - USES_SHOWN, 'more place')}")
    lines += _wrapped(f"next: {case.guidance}", width, then=8)
    return "\n".join(lines)


def _kept_out(case: Case) -> str:
    return "" if case.state == EXPOSED or case.by == "lock" else " (the range keeps it out)"


def _patch(use: UseFound) -> str:
    if use.fix is None:
        return ""
    return f"  [{'--fix' if use.fix.safety == SAFE else '--fix --unsafe'}: {use.fix.says}]"


def _not_found(cases: list[Case], width: int) -> Iterator[str]:
    yield styled("In range, no use found", "strong")
    by_package: dict[str, list[str]] = defaultdict(list)
    for case in cases:
        by_package[case.decided].append(case.id)
    for decided, ids in by_package.items():
        yield from _wrapped(f"{decided}: {', '.join(ids)}", width, then=4)


def _summary(by_state: dict[str, list[Case]]) -> str:
    parts = [
        f"{len(by_state[EXPOSED])} used and exposed",
        f"{len(by_state[LOCKED_SAFE])} used and locked safe",
        f"{len(by_state[NOT_FOUND])} in range and not found",
        f"{len(by_state[NOT_AFFECTED])} not affecting",
    ]
    fixes = [use.fix for cases in by_state.values() for case in cases for use in case.uses if use.fix]
    lines = [", ".join(parts)]
    if fixes:
        safe = sum(fix.safety == SAFE for fix in fixes)
        lines.append(f"{count(len(fixes), 'place')} can be fixed, {safe} safely: paved advisories --fix")
    return "\n".join(lines)


def _wrapped(text: str, width: int, *, indent: int = 2, then: int = 0) -> list[str]:
    return textwrap.wrap(
        text,
        width,
        initial_indent=" " * indent,
        subsequent_indent=" " * (then or indent),
        break_long_words=False,
        break_on_hyphens=False,
    )


def affected_text(advisory: Advisory, found: list[Affected]) -> str:
    """Whom a published advisory concerns: the exposed ones by name, the others as numbers."""
    exposed = [one for one in found if one.is_open]
    safe = sum(one.state == LOCKED_SAFE for one in found)
    in_range = sum(one.state == NOT_FOUND for one in found)
    lines = [f"{styled(advisory.id, 'strong')} {advisory.title}"]
    lines.append(
        f"{count(len(exposed), 'project')} exposed, {safe} locked safe, {in_range} in range, no use found"
    )
    if exposed:
        rows = [(one.project, one.owner or "nobody", one.effect, one.decided, one.uses) for one in exposed]
        lines += ["", table(("project", "owner", "effect", "version", "uses"), rows, right=("uses",))]
    return "\n".join(lines)
