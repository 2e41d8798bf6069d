"""Check a project: one scan, one parse per file, every rule over what was read.

Nothing of the project is imported or run.
"""

from __future__ import annotations

import gc
import os
import time
import traceback
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import date
from importlib.metadata import version
from pathlib import Path

import blake3
import msgspec

from pavedroad.catalog import PROFILES, find_project, read_project
from pavedroad.catalog import Project as Manifest
from pavedroad.checks.files import Listing, ProjectFile, list_files, path_pattern
from pavedroad.checks.ignores import Ignore, names_rule, read_check_settings
from pavedroad.checks.model import SEVERITIES, Failure, Finding, Found, Place, Report, Rule
from pavedroad.checks.plugins import all_rules
from pavedroad.checks.project import Project
from pavedroad.errors import Invalid, NotFound, Unavailable, did_you_mean, nearest
from pavedroad.kit.clock import now_ms
from pavedroad.kit.files import digest_of_file

SOURCE_LINES = 3  # of a finding that spans many
WHOLE_FILE_BYTES = 64 * 2**20  # larger files enter the digest by their two ends


def check_project(
    path: Path, *, profile: str | None = None, only: Iterable[str] = (), rules: tuple[Rule, ...] | None = None
) -> Report:
    """All findings of a folder, or of one file by itself.

    `only` names rules by code, name or family; they run whatever the profile says. `rules`: default, all that
    are installed.
    Raises: NotFound or Invalid for a path that cannot be checked, ConfigError for a manifest that cannot
    be used.
    """
    started = time.perf_counter()
    rules = all_rules() if rules is None else rules
    project = open_project(path, rules)
    profile = profile or project.settings.profile
    if profile not in PROFILES:
        raise Invalid(f"unknown profile {profile!r}", hint=did_you_mean(profile, PROFILES))
    chosen = select_rules(rules, only) if only else [rule for rule in rules if profile in rule.levels]
    if path.is_file():
        chosen = [rule for rule in chosen if not rule.of_project]
    failures: list[Failure] = []
    with _without_collector():
        found = list(_run(project, chosen, profile, failures))
    findings = sorted(found, key=lambda finding: (_order(finding.place), finding.code))
    open_ones = tuple(_fingerprinted(finding for finding in findings if finding.waiver is None))
    counts = Counter(finding.severity for finding in open_ones)
    return Report(
        project=project.settings.name,
        root=str(project.root),
        profile=profile,
        findings=open_ones,
        waived=tuple(_fingerprinted(finding for finding in findings if finding.waiver is not None)),
        counts={severity: counts[severity] for severity in SEVERITIES},
        files=len(project.files),
        lines=project.lines_of_code,
        digest=tree_digest(project),
        commit=project.commit,
        at_ms=now_ms(),
        took_ms=(time.perf_counter() - started) * 1000,
        version=version("pavedroad"),
        failures=tuple(failures),
    )


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


def _run(project: Project, rules: Iterable[Rule], profile: str, failures: list[Failure]) -> Iterator[Finding]:
    today = date.today()
    for rule in rules:
        severity = rule.levels.get(profile) or min(rule.levels.values(), key=SEVERITIES.index)
        for found in _found(project, rule, failures):
            usable = (ignore for ignore in project.ignores if ignore.reason and not ignore.has_expired(today))
            ignore = next((ignore for ignore in usable if ignore.covers(rule, found.at)), None)
            yield _finding(project, rule, found, severity, ignore)


def _found(project: Project, rule: Rule, failures: list[Failure]) -> Iterator[Found]:
    """What a rule finds; one that fails says so, and the others go on."""
    try:
        yield from rule.check(project)
    except Exception as error:  # a rule, perhaps of another package, may end in anything
        frame = traceback.extract_tb(error.__traceback__)[-1]
        says = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
        place = f"{Path(frame.filename).name}:{frame.lineno}"
        failures.append(Failure(code=rule.code, package=rule.package, says=f"{says} ({place})"))


def _finding(project: Project, rule: Rule, found: Found, severity: str, ignore: Ignore | None) -> Finding:
    milder = found.severity and SEVERITIES.index(found.severity) > SEVERITIES.index(severity)
    lines = [] if found.at.is_whole_file else project.lines_of(found.at.path, found.at.cell)
    lines = lines[found.at.line - 1 : found.at.last_line][:SOURCE_LINES]
    return Finding(
        code=rule.code,
        name=rule.name,
        severity=found.severity if milder else severity,
        says=found.says,
        hint=found.hint,
        place=found.at,
        source=tuple(line.rstrip("\r") for line in lines),
        fix=found.fix,
        waiver=ignore.waiver() if ignore else None,
    )


def _fingerprinted(findings: Iterable[Finding]) -> Iterator[Finding]:
    """Equal findings on equal lines of one file are told apart by counting them."""
    seen: Counter[tuple[str, ...]] = Counter()
    for finding in findings:
        source = " ".join(finding.source[0].split()) if finding.source else ""
        key = (finding.code, finding.place.path, source or finding.says)
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
