"""`paved import`: take everything of an MLflow store into the record. Stopped at any moment, it goes on.

A run and its mark are written in one transaction, so a mark never lies. A thing whose mark says that nothing
of it changed since is already here; anything else is brought up to date.
"""

from __future__ import annotations

import itertools
import time
from collections.abc import Iterable, Iterator, Sequence
from functools import partial

import msgspec

from pavedroad.catalog import write_fact
from pavedroad.errors import NotFound, PavedError, did_you_mean
from pavedroad.kit.sql import Transaction
from pavedroad.record import Record
from pavedroad.tracking import Experiment, LoggedModel, Metric, adoption, all_files, get_experiment, root_of
from pavedroad.tracking.inputs import RunInputs
from pavedroad.transfer import store
from pavedroad.transfer.file_taking import Files, list_files, store_files
from pavedroad.transfer.importing_models import take_models
from pavedroad.transfer.model import RETRY, FullRun, Report, Source, fingerprint
from pavedroad.transfer.progress import Progress, Silent
from pavedroad.transfer.roots import Roots
from pavedroad.transfer.store import Mark

POINTS_AT_ONCE = 20_000  # in one transaction; others write in between
RUNS_AT_ONCE = 50


class Ready(msgspec.Struct, frozen=True, kw_only=True):
    """A run that is about to be written."""

    full: FullRun
    files: Files
    points: list[Metric]
    digest: str
    number: int  # of all its points
    is_last: bool = True  # of its parts: a long run is written in several


class Import:
    """One import under way."""

    def __init__(
        self, record: Record, source: Source, *, progress: Progress, with_files: bool, dry_run: bool
    ):
        self.record = record
        self.source = source
        self.with_files = with_files
        self.progress = progress
        self.who = record.settings.who
        self.report = Report(
            verb="imported",
            origin=source.address,
            target=record.settings.database_url,
            dry_run=dry_run,
        )
        self.roots = Roots()  # from URIs of files there to URIs here
        self.transfer = (
            store.find_transfer(record.db, "import", source.address)
            if dry_run
            else record.db.write(lambda tx: store.start_transfer(tx, "import", source.address))
        )
        self._run_marks = store.marks(record.db, self.transfer, "run")
        self._model_marks = store.marks(record.db, self.transfer, "logged-model")

    @property
    def dry_run(self) -> bool:
        return self.report.dry_run

    # --------------------------------------------------------------------------------------- experiments

    def take_experiment(self, experiment: Experiment, marks: dict[str, Mark]) -> str:
        """Its id here; "" in a dry run when it is not here yet."""
        count, digest = self.report.counts["experiments"], fingerprint(experiment)
        count.source += 1
        mark = marks.get(experiment.id)
        if mark is not None and not self._has_experiment(mark.target):
            mark = None
        if mark is not None and mark.digest == digest:
            count.already += 1
            return mark.target
        count.taken += 1
        if self.dry_run:
            return mark.target if mark else ""
        return self.record.db.write(partial(self._write_experiment, experiment, mark, digest))

    def _write_experiment(
        self, experiment: Experiment, mark: Mark | None, digest: str, tx: Transaction
    ) -> str:
        if mark is not None:
            adoption.refresh_experiment(tx, mark.target, experiment)
            here = mark.target
        else:
            here = adoption.adopt_experiment(tx, experiment, dialect=self.record.db.dialect)
            payload = {"name": experiment.name, "from": self.source.address, "id": experiment.id}
            write_fact(tx, who=self.who, verb="imported", artifact=f"experiment/{here}", payload=payload)
        store.set_mark(tx, self.transfer, "experiment", experiment.id, Mark(target=here, digest=digest))
        return here

    def _has_experiment(self, experiment_id: str) -> bool:
        try:
            get_experiment(self.record.db, experiment_id)
        except NotFound:
            return False
        return True

    # ---------------------------------------------------------------------------------------------- runs

    def take_runs(self, experiment: Experiment, here: str) -> None:
        known = adoption.known_runs(self.record.db, here) if here else set()
        location = get_experiment(self.record.db, here).artifact_location if here else ""
        for group in self.source.runs(experiment):
            fresh: list[tuple[FullRun, Files, str]] = []
            for full in group:
                owner = f"runs/{full.run.id}"
                files = list_files(self.source, owner, full.run.artifact_uri, wanted=self.with_files)
                uri = f"{location.rstrip('/')}/{full.run.id}/artifacts"
                self.roots.add(full.run.artifact_uri, uri)
                if not self._is_here(full, files, known, uri):
                    moved = msgspec.structs.replace(full.run, experiment_id=here, artifact_uri=uri)
                    digest = fingerprint(full, files.seen, self.with_files)
                    fresh.append((msgspec.structs.replace(full, run=moved), files, digest))
            self._take_group(fresh)
            self.progress.advance(len(group))

    def _is_here(self, full: FullRun, files: Files, known: set[str], uri: str) -> bool:
        """Count a run that needs nothing, after another try at its files that were missing."""
        self.report.counts["runs"].source += 1
        mark = self._run_marks.get(full.run.id)
        digest = fingerprint(full, files.seen, self.with_files)
        if mark is None or full.run.id not in known or mark.digest.removesuffix(RETRY) != digest:
            return False
        self.report.counts["runs"].already += 1
        self.report.counts["points"].source += mark.points
        self.report.counts["points"].already += mark.points
        self._again(files, uri, is_whole=not mark.digest.endswith(RETRY))
        if mark.digest.endswith(RETRY) and files.is_whole and not self.dry_run:
            again = Mark(target=mark.target, digest=digest, points=mark.points)
            self.record.db.write(lambda tx: store.set_mark(tx, self.transfer, "run", full.run.id, again))
        return True

    def _again(self, files: Files, uri: str, *, is_whole: bool) -> None:
        if is_whole or self.dry_run:
            self.report.counts["files"].source += len(files.listed)
            self.report.counts["files"].already += len(files.listed)
            return
        have = [path for path, _ in all_files(self.record.db, root_of(uri))]
        store_files(self.source, self.record.files, files, self.report, have)
        self.record.db.write(lambda tx: adoption.adopt_files(tx, uri, files.stored))

    def _take_group(self, fresh: list[tuple[FullRun, Files, str]]) -> None:
        if self.dry_run:
            self._count_only(fresh)
            return
        pending: list[Ready] = []
        for ready in self._prepared(fresh):
            pending.append(ready)
            if len(pending) >= RUNS_AT_ONCE or sum(len(each.points) for each in pending) >= POINTS_AT_ONCE:
                self._flush(pending)
                pending = []
        self._flush(pending)

    def _count_only(self, fresh: list[tuple[FullRun, Files, str]]) -> None:
        for full, files, _ in fresh:
            for kind, number in (("runs", 1), ("points", full.points or 0), ("files", len(files.listed))):
                count = self.report.counts[kind]
                count.source += number if kind != "runs" else 0
                count.taken += number
            if files.unreachable:
                self.report.counts["files"].source += 1
                self.report.refuse("files", f"{files.owner}: {files.uri}", files.unreachable)

    def _prepared(self, fresh: list[tuple[FullRun, Files, str]]) -> Iterator[Ready]:
        """Every run with its files stored and its points read; a long one in several parts."""
        waiting = {full.run.id: (full, files, digest) for full, files, digest in fresh}
        for _, files, _ in fresh:
            store_files(self.source, self.record.files, files, self.report)
        points = self.source.points([full for full, _, _ in fresh]) if fresh else iter(())
        for run_id, stream in itertools.groupby(points, key=lambda pair: pair[0]):
            yield from self._parts(*waiting.pop(run_id), (point for _, point in stream))
        for full, files, digest in waiting.values():
            yield Ready(full=full, files=files, points=[], digest=self._mark_of(files, digest), number=0)

    def _parts(self, full: FullRun, files: Files, digest: str, points: Iterator[Metric]) -> Iterator[Ready]:
        number, part = 0, list(itertools.islice(points, POINTS_AT_ONCE))
        while part:
            number += len(part)
            following = list(itertools.islice(points, POINTS_AT_ONCE))
            yield Ready(
                full=full,
                files=files,
                points=part,
                digest=self._mark_of(files, digest),
                number=number,
                is_last=not following,
            )
            part = following

    def _mark_of(self, files: Files, digest: str) -> str:
        return digest if files.is_whole else digest + RETRY

    def _flush(self, pending: Sequence[Ready]) -> None:
        """Write them together; when one is refused, one by one, so that only that one is left out."""
        if not pending:
            return
        try:
            self.record.db.write(partial(self._write_runs, pending))
        except PavedError as error:
            if error.status >= 500:
                raise
            if len(pending) > 1:
                for ready in pending:
                    self._flush([ready])
                return
            if pending[0].is_last:
                self.report.refuse("runs", f"run {pending[0].full.run.id}", error)
                self._count_points(pending, taken=False)
            return
        self.report.counts["runs"].taken += sum(ready.is_last for ready in pending)
        self._count_points(pending, taken=True)

    def _count_points(self, pending: Iterable[Ready], *, taken: bool) -> None:
        number = sum(ready.number for ready in pending if ready.is_last)
        count = self.report.counts["points"]
        count.source += number
        count.taken += number if taken else 0
        count.not_taken += 0 if taken else number

    def _write_runs(self, pending: Sequence[Ready], tx: Transaction) -> None:
        points = []
        for ready in pending:
            full, run = ready.full, ready.full.run
            inputs = RunInputs(datasets=full.datasets, models=full.models, outputs=full.outputs)
            number = adoption.adopt_run(tx, run, inputs, deleted_ms=full.deleted_ms)
            points.append((number, ready.points))
            if ready.is_last:
                adoption.adopt_files(tx, run.artifact_uri, ready.files.stored)
                mark = Mark(target=run.id, digest=ready.digest, points=ready.number)
                store.set_mark(tx, self.transfer, "run", run.id, mark)
        adoption.adopt_points(tx, points)

    # ------------------------------------------------------------------------------------- logged models

    def take_logged_models(self, experiment: Experiment, here: str) -> list[str]:
        """The ids of the experiment's models."""
        known = adoption.known_logged_models(self.record.db, here) if here else set()
        location = get_experiment(self.record.db, here).artifact_location if here else ""
        models = self.source.logged_models(experiment)
        for model in models:
            uri = f"{location.rstrip('/')}/models/{model.id}/artifacts"
            self.roots.add(model.artifact_location, uri)
            moved = msgspec.structs.replace(model, experiment_id=here, artifact_location=uri)
            self._take_logged_model(model, moved, is_known=model.id in known)
        return [model.id for model in models]

    def _take_logged_model(self, model: LoggedModel, moved: LoggedModel, *, is_known: bool) -> None:
        owner = f"models/{model.id}"
        files = list_files(self.source, owner, model.artifact_location, wanted=self.with_files)
        digest = fingerprint(model, files.seen, self.with_files)
        count, mark = self.report.counts["logged models"], self._model_marks.get(model.id)
        count.source += 1
        if is_known and mark is not None and mark.digest.removesuffix(RETRY) == digest:
            count.already += 1
            self._again(files, moved.artifact_location, is_whole=not mark.digest.endswith(RETRY))
            return
        count.taken += 1
        if self.dry_run:
            self.report.counts["files"].source += len(files.listed)
            self.report.counts["files"].taken += len(files.listed)
            return
        store_files(self.source, self.record.files, files, self.report)

        def write(tx: Transaction) -> None:
            adoption.adopt_logged_model(tx, moved)
            adoption.adopt_files(tx, moved.artifact_location, files.stored)
            whole = Mark(target=model.id, digest=self._mark_of(files, digest))
            store.set_mark(tx, self.transfer, "logged-model", model.id, whole)

        self.record.db.write(write)


def import_store(
    record: Record,
    source: Source,
    *,
    only: Sequence[str] = (),
    with_files: bool = True,
    dry_run: bool = False,
    progress: Progress | None = None,
) -> Report:
    """Take a store into the record; with `only`, these experiments and the models that came from them.

    Raises: NotFound for an experiment that the source lacks; Unavailable when the source or the record cannot
    be used any more. What was taken until then stays, and the next import goes on from there.
    """
    started = time.monotonic()
    experiments = chosen(source.experiments(), only)
    progress = progress or Silent()
    job = Import(record, source, progress=progress, with_files=with_files, dry_run=dry_run)
    marks = store.marks(record.db, job.transfer, "experiment")
    totals = [source.count_runs(experiment) for experiment in experiments]
    progress.start("runs", None if None in totals else sum(total or 0 for total in totals))
    model_ids: set[str] = set()
    try:
        for experiment in experiments:
            here = job.take_experiment(experiment, marks)
            job.take_runs(experiment, here)
            model_ids |= set(job.take_logged_models(experiment, here))
        take_models(job, model_ids=model_ids, is_partial=bool(only))
    finally:
        progress.close()
    if not dry_run:
        record.db.write(lambda tx: store.end_transfer(tx, job.transfer))
        for kind, number in store.count_here(record.db, job.transfer).items():
            job.report.counts[kind].here = number
    job.report.seconds = time.monotonic() - started
    return job.report


def chosen(experiments: list[Experiment], only: Sequence[str]) -> list[Experiment]:
    names = {experiment.name for experiment in experiments}
    for name in only:
        if name not in names:
            raise NotFound(f"the source has no experiment {name!r}", hint=did_you_mean(name, names))
    return [experiment for experiment in experiments if not only or experiment.name in only]
