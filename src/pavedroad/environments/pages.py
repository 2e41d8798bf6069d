"""The environment board: each published environment on each machine, and one examination in full."""

from __future__ import annotations

import msgspec
from starlette.requests import Request

from pavedroad.catalog import Ref
from pavedroad.catalog.addresses import address_of
from pavedroad.catalog.pages import like
from pavedroad.environments import store
from pavedroad.environments.probe import Line
from pavedroad.environments.store import Published, Seen
from pavedroad.errors import NotFound
from pavedroad.kit.sql import Reader
from pavedroad.kit.text import count
from pavedroad.record import record_behind
from pavedroad.web import Page


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """An environment on a machine, as the board shows it."""

    id: int
    project: str  # empty: the machine itself
    machine: str
    verdict: str
    python: str
    system: str
    gpu: str  # `CPU only`, or what GPU and driver
    lock: str  # `newest`, `another`, or empty without a lock
    failing: list[Line]
    warnings: int
    history: list[Seen]
    at_ms: int

    @property
    def href(self) -> str:
        return f"/environments/{self.id}"


class Board(msgspec.Struct, frozen=True, kw_only=True):
    rows: list[Row]
    number: int  # of environments on machines
    fails: int
    warns: int
    machines: int
    words: str
    left_out: int

    @property
    def says(self) -> str:
        """The state of everything, in one sentence."""
        about = f"{count(self.number, 'environment')} on {count(self.machines, 'machine')}"
        told = [f"{self.fails} {'fails' if self.fails == 1 else 'fail'}"] if self.fails else []
        told += [f"{self.warns} with warnings"] if self.warns else []
        return f"{about}: {', '.join(told) or 'all in order'}."


class Examination(msgspec.Struct, frozen=True, kw_only=True):
    id: int
    project: str
    project_href: str
    machine: str
    verdict: str
    says: str
    system: str
    python: str
    lock_file: str
    lock_digest: str
    lines: list[Line]
    history: list[Seen]
    took_ms: int
    who: str
    at_ms: int
    is_newest: bool


def show_board(request: Request) -> Board:
    reader: Reader = record_behind(request).db
    words = request.query_params.get("q", "").strip()
    published = store.read_board(reader, words=like(words))
    numbers = store.count_board(reader)
    locks = store.newest_locks(reader)
    number = sum(numbers.values())
    return Board(
        rows=[_row(each, locks) for each in published],
        number=number,
        fails=numbers.get("fail", 0),
        warns=numbers.get("warn", 0),
        machines=store.count_machines(reader),
        words=words,
        left_out=0 if words else number - len(published),
    )


def show_examination(request: Request) -> Examination:
    text = request.path_params["report_id"]
    if not text.isdigit() or len(text) > 15:
        raise NotFound(f"no examination {text!r}", hint="see /environments for all of them")
    found = store.read_published(record_behind(request).db, int(text))
    report = found.report
    fails, warns = report.count("fail"), report.count("warn")
    told = [f"{count(fails, 'line')} {'fails' if fails == 1 else 'fail'}"] if fails else []
    told += [count(warns, "warning")] if warns else []
    return Examination(
        id=found.id,
        project=report.project,
        project_href=address_of(Ref("project", report.project)) if report.project else "",
        machine=report.machine,
        verdict=report.verdict,
        says=f"{', '.join(told)}." if told else "Everything is in order.",
        system=report.system,
        python=report.python,
        lock_file=report.lock_file,
        lock_digest=report.lock_digest,
        lines=sorted(report.lines, key=lambda line: ("fail", "warn", "ok").index(line.verdict)),
        history=found.history,
        took_ms=report.took_ms,
        who=found.who,
        at_ms=found.at_ms,
        is_newest=not found.history or found.history[-1].id == found.id,
    )


def _row(found: Published, locks: dict[str, str]) -> Row:
    report = found.report
    newest = locks.get(found.project, "")
    return Row(
        id=found.id,
        project=found.project,
        machine=found.machine,
        verdict=found.verdict,
        python=report.python,
        system=report.system,
        gpu=_gpu(report.lines),
        lock="" if not report.lock_digest else "newest" if report.lock_digest == newest else "another",
        failing=[line for line in report.lines if line.verdict == "fail"],
        warnings=report.count("warn"),
        history=found.history,
        at_ms=found.at_ms,
    )


def _gpu(lines: list[Line]) -> str:
    """`CPU only`, or the GPU as its line tells it."""
    said = next((line.says for line in lines if line.check == "gpu"), "")
    return said.partition(":")[0] if said.startswith("CPU only") else said


PAGES = (
    Page(path="/environments", template="environments/environments.html", view=show_board),
    Page(path="/environments/{report_id}", template="environments/examination.html", view=show_examination),
)
