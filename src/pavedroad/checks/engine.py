"""Check a project: one scan, one parse per file, every rule over what was read.

Nothing of the project is imported or run.
"""

from __future__ import annotations

import gc
import os
import re
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path

import blake3
import msgspec

from pavedroad.catalog import PROFILES, find_project, read_project
from pavedroad.catalog import Project as Manifest
from pavedroad.checks.cache import keep_report, read_report, report_key
from pavedroad.checks.files import Listing, ProjectFile, list_files, path_pattern
from pavedroad.checks.ignores import OFF, names_rule, read_check_settings
from pavedroad.checks.model import SEVERITIES, Finding, Place, Report, Rule
from pavedroad.checks.plugins import all_rules
from pavedroad.checks.project import Project
from pavedroad.checks.ruff import FAMILY, PREFIX, LeftOut, find_ruff, identity, is_configured, run_ruff
from pavedroad.checks.running import Run, Spent
from pavedroad.errors import ConfigError, Invalid, NotFound, Unavailable, did_you_mean, nearest
from pavedroad.kit.clock import now_ms
from pavedroad.kit.files import digest_of_file

_NUMBER = re.compile(r"\d+")
WHOLE_FILE_BYTES = 64 * 2**20  # larger files enter the digest by their two ends


def check_project(
    path: Path,
    *,
    profile: str | None = None,
    only: Iterable[str] = (),
    rules: tuple[Rule, ...] | None = None,
    ruff: bool | None = False,
    cache: Path | None = None,
    spent: list[Spent] | None = None,
) -> Report:
    """All findings of a folder, or of one file by itself.

    `only` names rules by code, name or family; they run whatever the profile says. `rules`: default, all that
    are installed. `ruff`: whether to show its findings too; None: as the project says, else where it is set
    up for ruff. `cache`: a folder where reports are kept for trees that did not change. `spent` receives
    what reading took, then what each rule took; nothing when the report was kept.
    Raises: NotFound or Invalid for a path that cannot be checked, ConfigError for a manifest that cannot
    be used.
    """
    started = time.perf_counter()
    only = list(only)
    rules = all_rules() if rules is None else rules
    project = open_project(path, rules)
    settings = read_check_settings(project.settings.checks)
    profile = profile or project.settings.profile
    if profile not in PROFILES:
        raise Invalid(f"unknown profile {profile!r}", hint=did_you_mean(profile, PROFILES))
    levels = levels_of(rules, profile, settings.levels)
    words = [word for word in only if not word.upper().startswith(FAMILY)]
    asks_ruff = [word.upper() for word in only if word not in words]
    chosen = select_rules(rules, words) if only else [rule for rule in rules if rule.code in levels]
    other = _ruff_to_run(project, settings.ruff if ruff is None else ruff, asks_ruff, is_all=not only)
    if path.is_file():
        chosen = [rule for rule in chosen if not rule.of_project]
    digest = tree_digest(project)
    others = [identity(other), *asks_ruff] if other else []
    key = report_key(project, digest, profile, chosen, path, others) if cache else ""
    report = read_report(cache, key) if cache else None
    if report is None:
        run = Run(project, chosen)
        with _without_collector():
            run.run()
            remarks = _take_in_ruff(run, other, path, asks_ruff) if other else ()
            report = _report(run, profile, levels, remarks)
        if spent is not None:
            spent += [Spent(code="reading", ms=run.reading_ms), *run.spent.values()]
        if cache and not report.failures:
            keep_report(cache, key, report)
    return msgspec.structs.replace(
        report,
        root=str(project.root),
        digest=digest,
        commit=project.commit,
        at_ms=now_ms(),
        took_ms=(time.perf_counter() - started) * 1000,
    )


def _ruff_to_run(project: Project, wish: bool | None, words: list[str], *, is_all: bool) -> Path | None:
    """The ruff to start: when it is wished for, or the project is set up for it."""
    is_wished = bool(words) or (is_all and (is_configured(project) if wish is None else wish))
    return find_ruff(project.root) if is_wished else None


def _take_in_ruff(run: Run, ruff: Path, path: Path, words: list[str]) -> tuple[str, ...]:
    started = time.perf_counter()
    wanted = [word.removeprefix(PREFIX) for word in words if word != FAMILY]
    try:
        found = run_ruff(run.project, ruff, [str(path.absolute())] if path.is_file() else ["."])
    except LeftOut as why:
        return (f"ruff's findings are missing: {why}",)
    ms = (time.perf_counter() - started) * 1000
    for rule, places in found:
        if not wanted or rule.code.removeprefix(PREFIX).startswith(tuple(wanted)):
            run.add(rule, places, ms / len(found))
    return ()


def _report(run: Run, profile: str, levels: dict[str, str], remarks: tuple[str, ...]) -> Report:
    project = run.project
    always = {
        rule.code: rule.levels.get(profile) or min(rule.levels.values(), key=SEVERITIES.index)
        for rule in run.rules
    }
    found = run.findings({**always, **levels})
    findings = sorted(found, key=lambda finding: (_order(finding.place), finding.code))
    open_ones = tuple(_fingerprinted((each for each in findings if each.waiver is None), project.front_page))
    return Report(
        project=project.settings.name,
        root=str(project.root),
        profile=profile,
        findings=open_ones,
        waived=tuple(_fingerprinted((each for each in findings if each.waiver), project.front_page)),
        counts=counts_of(open_ones),
        files=len(project.files),
        lines=project.lines_of_code,
        digest="",
        commit=project.commit,
        at_ms=0,
        took_ms=0.0,
        version=version("pavedroad"),
        failures=tuple(run.failures.values()),
        remarks=remarks,
    )


def counts_of(findings: Iterable[Finding]) -> dict[str, int]:
    counts = Counter(finding.severity for finding in findings)
    return {severity: counts[severity] for severity in SEVERITIES}


def levels_of(rules: Iterable[Rule], profile: str, wishes: Mapping[str, str]) -> dict[str, str]:
    """Code -> severity of the rules that run: the profile's, unless the manifest wishes another.

    A wish for a rule is stronger than one for its family. Raises: ConfigError for a wish that names nothing.
    """
    known = rule_words(rules)
    for word in wishes:
        if word not in known:
            raise ConfigError(
                f"no rule {word!r} in levels of [tool.paved.checks]", hint=known_rule(word, rules)
            )
    levels = {}
    for rule in rules:
        wish = next((wishes[word] for word in (rule.code, rule.name, rule.family) if word in wishes), "")
        level = wish or rule.levels.get(profile, OFF)
        if level != OFF:
            levels[rule.code] = level
    return levels


@contextmanager
def _without_collector() -> Iterator[None]:
    """Syntax trees live until the end: walking them again and again for garbage doubles the time."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


def open_project(path: Path, rules: Iterable[Rule] | None = None) -> Project:
    """Read a folder's file list and manifest; for a file, the project around it with this file alone."""
    path = path.absolute()
    _check_path(path)
    root, settings = (path, read_project(path)) if path.is_dir() else _around(path)
    check_settings = read_check_settings(settings.checks)
    listing = list_files(root) if path.is_dir() else _alone(path, root)
    excluded = [path_pattern(glob) for glob in check_settings.exclude]
    files = tuple(file for file in listing.files if not any(glob.fullmatch(file.path) for glob in excluded))
    return Project(
        root,
        msgspec.structs.replace(listing, files=files),
        settings,
        wishes=check_settings.ignore,
        rule_words=rule_words(all_rules() if rules is None else rules),
    )


def _check_path(path: Path) -> None:
    try:
        is_there = path.exists()
    except (OSError, ValueError):  # a folder above that may not be entered, or a name that no system takes
        is_there = False
    if not is_there:
        raise NotFound(f"no file or folder {path}", hint="check the path")
    needed = os.R_OK | os.X_OK if path.is_dir() else os.R_OK
    if not os.access(path, needed):
        raise Unavailable(f"cannot read {path}: Permission denied", hint="check its permissions")


def _around(file: Path) -> tuple[Path, Manifest]:
    project = find_project(file.parent)
    return (project.root, project) if project else (file.parent, read_project(file.parent))


def _alone(file: Path, root: Path) -> Listing:
    only = ProjectFile(file.relative_to(root).as_posix(), file.stat().st_size, tracked=False)
    return Listing(files=(only,), has_git=False, commit="")


def select_rules(rules: Iterable[Rule], words: Iterable[str]) -> list[Rule]:
    """The rules named by code, name or family. Raises Invalid with the nearest known one."""
    rules = list(rules)
    chosen: list[Rule] = []
    for word in words:
        named = [rule for rule in rules if names_rule(word if "-" in word else word.upper(), rule)]
        if not named:
            raise Invalid(f"no rule {word!r}", hint=known_rule(word, rules))
        chosen += [rule for rule in named if rule not in chosen]
    return chosen


def known_rule(word: str, rules: Iterable[Rule]) -> str:
    """A hint for an unknown rule."""
    close = nearest(word if "-" in word else word.upper(), rule_words(rules))
    return f"did you mean {close!r}?" if close else "list the rules with `paved explain`"


def rule_words(rules: Iterable[Rule]) -> frozenset[str]:
    return frozenset(word for rule in rules for word in (rule.code, rule.name, rule.family))


def _fingerprinted(findings: Iterable[Finding], front_page: str) -> Iterator[Finding]:
    """Equal findings on equal lines of one file are told apart by counting them.

    What is said of the project as a whole stands at its front page, whichever file that is today.
    """
    seen: Counter[tuple[str, ...]] = Counter()
    for finding in findings:
        source = " ".join(finding.source[0].split()) if finding.source else ""
        of_project = finding.place.is_whole_file and finding.place.path == front_page
        # Of a sentence about a whole file the numbers may change while it stays the same finding.
        says = "" if of_project else _NUMBER.sub("#", finding.says)
        key = (finding.code, "" if of_project else finding.place.path, source or says)
        text = "\0".join((*key, str(seen[key])))
        seen[key] += 1
        yield msgspec.structs.replace(finding, fingerprint=blake3.blake3(text.encode()).hexdigest()[:16])


def _order(place: Place) -> tuple[str, int, int, int]:
    return place.path, place.cell, place.line, place.column


def tree_digest(project: Project) -> str:
    """One digest over the names and contents of all files: equal trees, equal digest, on every machine."""
    hasher = blake3.blake3()
    for file in project.files.values():
        try:
            content = _content_digest(project.root / file.path, file.size_bytes)
        except OSError:
            content = "unreadable"
        hasher.update(f"{file.path}\0{content}\n".encode(errors="surrogateescape"))
    return hasher.hexdigest()


def _content_digest(path: Path, size_bytes: int) -> str:
    if size_bytes <= WHOLE_FILE_BYTES:
        return digest_of_file(path)
    with path.open("rb") as file:
        ends = file.read(2**20)
        file.seek(-(2**20), 2)
        return blake3.blake3(ends + file.read() + str(size_bytes).encode()).hexdigest()
