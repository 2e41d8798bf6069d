"""`paved export` and `paved sync`: send runs, models and files to a server of MLflow's kind.

A mark is written before a thing is made there and again when it is whole, so that what was begun and not
finished is found there and completed, never made twice. Whole and unchanged things are not sent again.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from threading import Lock

from pavedroad.errors import PavedError
from pavedroad.kit.sql import Transaction
from pavedroad.record import Record
from pavedroad.tracking import Experiment
from pavedroad.tracking.model import ACTIVE, DELETED
from pavedroad.transfer import store
from pavedroad.transfer.exporting_models import send_models
from pavedroad.transfer.exporting_runs import RunsSender
from pavedroad.transfer.file_sending import FileSender
from pavedroad.transfer.importing import chosen
from pavedroad.transfer.mlflow_target import MlflowTarget, is_refusal
from pavedroad.transfer.model import Report, Source, fingerprint
from pavedroad.transfer.progress import Progress, Silent
from pavedroad.transfer.roots import Roots
from pavedroad.transfer.store import Mark

DEFAULT_ID = "0"
EXPERIMENT_TAG = "paved.experiment"  # of a deleted one there: which one here it is
KINDS = ("experiment", "run", "logged-model", "files", "model", "version", "alias")


class Export:
    """One export under way. What several threads write is written under its lock."""

    def __init__(
        self, record: Record, source: Source, target: MlflowTarget, *, with_files: bool, dry_run: bool
    ) -> None:
        self.record = record
        self.source = source
        self.target = target
        self.with_files = with_files
        self.report = Report(verb="sent", origin=source.address, target=target.address, dry_run=dry_run)
        self.lock = Lock()
        is_own = source.address == record.settings.database_url
        address = target.address if is_own else f"{source.address} → {target.address}"
        self.transfer = (
            store.find_transfer(record.db, "export", address)
            if dry_run
            else record.db.write(lambda tx: store.start_transfer(tx, "export", address))
        )
        self.marks = {kind: store.marks(record.db, self.transfer, kind) for kind in KINDS}
        self.is_first = not self.marks["experiment"]
        self.roots = Roots()  # from URIs of files here to URIs there
        self.files = FileSender(self)

    @property
    def dry_run(self) -> bool:
        return self.report.dry_run

    def set_marks(self, kind: str, marks: Iterable[tuple[str, Mark]]) -> None:
        found = dict(marks)

        def write(tx: Transaction) -> None:
            for key, mark in found.items():
                store.set_mark(tx, self.transfer, kind, key, mark)

        self.record.db.write(write)
        with self.lock:
            self.marks[kind].update(found)

    def count(self, kind: str, *, taken: int = 0, already: int = 0) -> None:
        with self.lock:
            count = self.report.counts[kind]
            count.source += taken + already
            count.taken += taken
            count.already += already

    def refuse(self, kind: str, what: str, why: object, *, number: int = 1) -> None:
        """So many of the source are not sent."""
        if number:
            with self.lock:
                self.report.counts[kind].source += number
                self.report.counts[kind].not_taken += number - 1
                self.report.refuse(kind, what, why)

    def there(self, kind: str, key: str) -> str:
        """The id there of what was sent; "" when it was not."""
        mark = self.marks[kind].get(key)
        return mark.target if mark is not None else ""

    def send_experiment(self, experiment: Experiment, progress: Progress) -> None:
        """An experiment with its runs and logged models."""
        models = self.source.logged_models(experiment)
        try:
            there = self._place(experiment)
        except PavedError as error:
            if not is_refusal(error):
                raise
            there = None
            self.refuse("experiments", f"experiment {experiment.name}", error)
        sender = RunsSender(self, experiment, there)
        for group in self.source.runs(experiment):
            sender.send_group(group)
            progress.advance(len(group))
        for model in models:
            sender.send_logged_model(model)
        sender.finish()

    def _place(self, experiment: Experiment) -> Experiment | None:
        """The experiment there; None in a dry run when there is none yet."""
        digest = fingerprint(experiment.name, experiment.tags, experiment.lifecycle_stage)
        mark = self.marks["experiment"].get(experiment.id)
        now = self.target.experiment(mark.target) if mark is not None else None
        if mark is not None and now is None:  # another server at this address: nothing is there yet
            self.marks = {kind: {} for kind in KINDS}
            mark = None
        if now is None and experiment.lifecycle_stage == ACTIVE:
            now = self.target.experiment_by_name(experiment.name)
        is_same = mark is not None and mark.digest == digest
        if not is_same and not self.dry_run:
            now = self._write(experiment, now)
            self.set_marks("experiment", [(experiment.id, Mark(target=now.id, digest=digest))])
        self.count("experiments", taken=not is_same, already=is_same)
        return now

    def _write(self, experiment: Experiment, now: Experiment | None) -> Experiment:
        if now is None:
            now = self._create(experiment)
        elif now.lifecycle_stage == DELETED and experiment.lifecycle_stage == ACTIVE:
            self.target.restage_experiment(now.id, deleted=False)
        if now.lifecycle_stage == ACTIVE or experiment.lifecycle_stage == ACTIVE:
            for key, value in experiment.tags.items():
                if now.tags.get(key) != value:
                    self.target.tag_experiment(now.id, key, value)
            is_default = DEFAULT_ID in (experiment.id, now.id)
            if experiment.lifecycle_stage == ACTIVE and experiment.name != now.name and not is_default:
                self.target.rename_experiment(now.id, experiment.name)
        return now

    def _create(self, experiment: Experiment) -> Experiment:
        """Make it, or find the one that was made by a record which forgot it."""
        name, tags = experiment.name, dict(experiment.tags)
        if experiment.lifecycle_stage == DELETED:
            tags[EXPERIMENT_TAG] = f"{experiment.id} of {experiment.created_ms}"
        found = self.target.experiment_by_name(name)
        if found is not None and found.tags.get(EXPERIMENT_TAG) != tags.get(EXPERIMENT_TAG):
            name = f"{name} (deleted, {experiment.id})"  # elsewhere a deleted one keeps its name
            found = self.target.experiment_by_name(name)
        if found is None:
            found = self.target.experiment(self.target.create_experiment(name, tags))
        assert found is not None  # it was made just now
        return found


def export_store(
    record: Record,
    source: Source,
    target: MlflowTarget,
    *,
    only: Sequence[str] = (),
    with_files: bool = True,
    dry_run: bool = False,
    progress: Progress | None = None,
) -> Report:
    """Send a store to a server; with `only`, these experiments and the models that came from them.

    `record` keeps what was sent. Raises: NotFound for an experiment that the source lacks; Unavailable when
    the server cannot be reached any more. What was sent until then stays: the next export goes on from there.
    """
    started = time.monotonic()
    experiments = chosen(source.experiments(), only)
    progress = progress or Silent()
    job = Export(record, source, target, with_files=with_files, dry_run=dry_run)
    totals = [source.count_runs(experiment) for experiment in experiments]
    progress.start("runs", None if None in totals else sum(total or 0 for total in totals))
    try:
        for experiment in experiments:
            job.send_experiment(experiment, progress)
        send_models(job, is_partial=bool(only))
    finally:
        progress.close()
    if not dry_run:
        record.db.write(lambda tx: store.end_transfer(tx, job.transfer))
    job.report.seconds = time.monotonic() - started
    return job.report
