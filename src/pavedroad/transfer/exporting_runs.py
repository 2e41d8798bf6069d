"""The runs and logged models of one experiment on their way to a server."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TYPE_CHECKING

import msgspec

from pavedroad.errors import PavedError
from pavedroad.tracking import Experiment, LoggedModel, Metric, RunModel
from pavedroad.tracking.model import ACTIVE, DELETED, LOST, RUN_NAME_TAG
from pavedroad.transfer.file_taking import Files
from pavedroad.transfer.mlflow_target import Point, is_refusal, place
from pavedroad.transfer.model import FullRun, fingerprint
from pavedroad.transfer.store import Mark

if TYPE_CHECKING:
    from pavedroad.transfer.exporting import Export

SENDERS = 4  # runs under way at the same time
POINTS_AT_ONCE = 20_000  # that are held in memory for one run
BEGUN = ""  # the digest of a thing that may be there already, in part
TAKEN = "RESOURCE_ALREADY_EXISTS"


class Sending(msgspec.Struct, frozen=True, kw_only=True):
    """A run on its way."""

    full: FullRun
    files: Files
    digest: str
    known: str  # its id there, where it is known
    is_begun: bool

    @property
    def waits_for_models(self) -> bool:
        """A run is deleted there last: afterwards it takes nothing."""
        return bool(self.full.models or self.full.outputs) or self.full.run.lifecycle_stage == DELETED


class RunsSender:
    def __init__(self, job: Export, experiment: Experiment, there: Experiment | None) -> None:
        self.job, self.target = job, job.target
        self.experiment = experiment
        self.there = there
        self.is_open = there is not None and there.lifecycle_stage == ACTIVE
        self.waiting: list[tuple[Sending, Mark]] = []  # for the models that they made or used
        self.found: dict[str, str] | None = None  # sent before, as the server says

    # ---------------------------------------------------------------------------------------------- runs

    def send_group(self, group: Sequence[FullRun]) -> None:
        fresh, whole = self._split(group)
        for full, files, mark in whole:
            self.job.count("runs", already=1)
            self.job.count("points", already=mark.points)
            self.job.count("files", already=len(files.listed))
            self.job.roots.add(full.run.artifact_uri, self._uri(mark.target))
        if self.job.dry_run:
            for each in fresh:
                self.job.count("runs", taken=1)
                self.job.count("points", taken=each.full.points or 0)
                self.job.count("files", taken=len(each.files.listed))
        elif self.there is None:
            for each in fresh:
                self._refuse(each.full, "its experiment cannot be sent")
        elif fresh:
            self._open(self.there)
            self._begin(fresh, self.there)
            self._send_all(fresh)

    def _split(self, group: Sequence[FullRun]) -> tuple[list[Sending], list[tuple[FullRun, Files, Mark]]]:
        """Those to send, and those that are there as they are here."""
        job, marks = self.job, self.job.marks["run"]
        sent = [marks[full.run.id].target for full in group if full.run.id in marks]
        asked = [run_id for run_id in sent if run_id]
        there = self.target.runs_there(self.there.id, asked) if self.there and asked else set()
        fresh: list[Sending] = []
        whole: list[tuple[FullRun, Files, Mark]] = []
        for full in group:
            files = job.files.listed(f"runs/{full.run.id}", full.run.artifact_uri)
            digest = fingerprint(full, files.seen, job.with_files)
            mark = marks.get(full.run.id)
            if mark is not None and mark.target and mark.target not in there:
                mark = None  # it was deleted there for good
            if mark is not None and mark.digest == digest:
                whole.append((full, files, mark))
                continue
            known, is_begun = (mark.target, True) if mark is not None else ("", False)
            fresh.append(Sending(full=full, files=files, digest=digest, known=known, is_begun=is_begun))
        return fresh, whole

    def _open(self, there: Experiment) -> None:
        """Let a deleted experiment take runs; it is deleted again at the end."""
        if not self.is_open:
            self.target.restage_experiment(there.id, deleted=False)
            self.is_open = True

    def _begin(self, fresh: Sequence[Sending], there: Experiment) -> None:
        if self.found is None:
            # Sent by another record, or by this one before it was lost.
            asks = self.job.is_first and not self.target.keeps_ids
            self.found = self.target.runs_sent(there.id) if asks else {}
        new = [each.full.run.id for each in fresh if not each.is_begun]
        self.job.set_marks("run", [(run_id, Mark(target="", digest=BEGUN)) for run_id in new])

    def _send_all(self, fresh: Sequence[Sending]) -> None:
        """Points are read here, one run after the other; runs are sent side by side."""
        by_id = {each.full.run.id: each for each in fresh}
        read = self.job.source.points([each.full for each in fresh])
        futures: list[Future[None]] = []
        with ThreadPoolExecutor(SENDERS, thread_name_prefix="paved-send") as pool:
            for run_id, stream in itertools.groupby(read, key=lambda pair: pair[0]):
                points = (point for _, point in stream)
                first = list(itertools.islice(points, POINTS_AT_ONCE))
                if len(first) == POINTS_AT_ONCE:
                    self._send(by_id.pop(run_id), itertools.chain(first, points))
                else:
                    futures.append(pool.submit(self._send, by_id.pop(run_id), first))
            futures += [pool.submit(self._send, each, ()) for each in by_id.values()]
        for future in futures:
            future.result()

    def _send(self, sending: Sending, points: Iterable[Metric]) -> None:
        full = sending.full
        try:
            there, is_new = self._place(sending)
            number = self._fill(there, full, points, is_new=is_new)
        except PavedError as error:
            if not is_refusal(error):
                raise
            self._refuse(full, error)
            return
        self.job.count("points", taken=number)
        self.job.roots.add(full.run.artifact_uri, self._uri(there))
        is_whole = self.job.files.send(sending.files, self._uri(there))
        mark = Mark(target=there, digest=sending.digest if is_whole else BEGUN, points=number)
        if sending.waits_for_models:
            self.waiting.append((sending, mark))
            mark = msgspec.structs.replace(mark, digest=BEGUN)
        else:
            self.job.count("runs", taken=1)
        self.job.set_marks("run", [(full.run.id, mark)])

    def _place(self, sending: Sending) -> tuple[str, bool]:
        """Its id there, and whether it was made just now."""
        assert self.there is not None
        assert self.found is not None
        run_id = sending.full.run.id
        known = sending.known or self.found.get(run_id, "")
        if not known and sending.is_begun and not self.target.keeps_ids:
            known = self.target.runs_sent(self.there.id, run_id).get(run_id, "")
        if known:
            return known, False
        try:
            return self.target.create_run(self.there.id, sending.full), True
        except PavedError as error:
            if not self.target.keeps_ids or getattr(error, "error_code", "") != TAKEN:
                raise
            return run_id, False

    def _fill(self, there: str, full: FullRun, points: Iterable[Metric], *, is_new: bool) -> int:
        """The number of its points, all of which are there now."""
        run, target = full.run, self.target
        held: set[Point] = set()
        if not is_new:
            now = target.run(there).run
            if now.lifecycle_stage == DELETED:
                target.restage_run(there, deleted=False)
            held = {point for metric in now.metrics for point in target.points_of(there, metric.key)}
        tags = {key: value for key, value in run.tags.items() if key != RUN_NAME_TAG}
        target.log(there, params=run.params, tags=tags)
        number = 0
        for part in _parts(points):
            number += len(part)
            target.log(there, points=[point for point in part if place(point) not in held])
        target.log_inputs(there, full.datasets)
        status = "FAILED" if run.status == LOST else run.status
        target.settle_run(there, status=status, end_ms=run.end_ms, name=run.name)
        return number

    def _uri(self, there: str) -> str:
        """Of a run's files: as MLflow and we make it."""
        location = self.there.artifact_location if self.there is not None else ""
        return f"{location.rstrip('/')}/{there}/artifacts"

    def _refuse(self, full: FullRun, why: object) -> None:
        self.job.refuse("runs", f"run {full.run.id}", why)
        self.job.refuse("points", f"run {full.run.id}", why, number=full.points or 0)

    # ------------------------------------------------------------------------------------- logged models

    def send_logged_model(self, model: LoggedModel) -> None:
        job, marks = self.job, self.job.marks["logged-model"]
        files = job.files.listed(f"models/{model.id}", model.artifact_location)
        digest, mark = fingerprint(model, files.seen, job.with_files), marks.get(model.id)
        if mark is not None and mark.digest == digest and self.target.logged_model(mark.target) is not None:
            job.count("logged models", already=1)
            job.count("files", already=len(files.listed))
            job.roots.add(model.artifact_location, self._uri(f"models/{mark.target}"))
        elif job.dry_run:
            job.count("logged models", taken=1)
            job.count("files", taken=len(files.listed))
        elif self.there is None:
            job.refuse("logged models", model.id, "its experiment cannot be sent")
        else:
            self._open(self.there)
            try:
                is_whole, there = self._write_logged_model(model, files, mark, self.there)
            except PavedError as error:
                if not is_refusal(error):
                    raise
                job.refuse("logged models", model.id, error)
                return
            job.count("logged models", taken=1)
            whole = Mark(target=there, digest=digest if is_whole else BEGUN)
            job.set_marks("logged-model", [(model.id, whole)])

    def _write_logged_model(
        self, model: LoggedModel, files: Files, mark: Mark | None, experiment: Experiment
    ) -> tuple[bool, str]:
        """Whether all its files are there, and its id there."""
        job, target = self.job, self.target
        asks = mark is not None or job.is_first or target.keeps_ids
        found = target.logged_model_sent(experiment.id, model.id) if asks else None
        run_id = job.there("run", model.source_run_id)
        if found is None:
            job.set_marks("logged-model", [(model.id, Mark(target="", digest=BEGUN))])
            found = target.create_logged_model(experiment.id, model, run_id)
        target.fill_logged_model(found, model)
        held = {place(point) for point in found.metrics}
        for owner, points in itertools.groupby(
            sorted(model.metrics, key=lambda point: point.run_id), key=lambda point: point.run_id
        ):
            there = job.there("run", owner)
            missing = [
                msgspec.structs.replace(point, model_id=found.id)
                for point in points
                if place(point) not in held
            ]
            if there and missing:
                target.log(there, points=missing)
        if found.id != model.id:
            job.files.renamed |= {model.id: found.id, **({model.source_run_id: run_id} if run_id else {})}
        uri = found.artifact_location or self._uri(f"models/{found.id}")
        is_whole = job.files.send(files, uri)
        job.roots.add(model.artifact_location, uri)
        if model.status in ("READY", "FAILED") and found.status != model.status:
            target.finish_logged_model(found.id, model.status)
        return is_whole, found.id

    # ---------------------------------------------------------------------------------------------- last

    def finish(self) -> None:
        """Tie runs to their models; delete there what is deleted here."""
        for sending, mark in self.waiting:
            try:
                is_tied = self._tie(sending.full, mark.target)
                if sending.full.run.lifecycle_stage == DELETED:
                    self.target.restage_run(mark.target, deleted=True)
            except PavedError as error:
                if not is_refusal(error):
                    raise
                self.job.refuse("runs", f"run {sending.full.run.id}", error)
                continue
            self.job.count("runs", taken=1)
            if is_tied:  # else it is tried again: a model is missing there
                self.job.set_marks("run", [(sending.full.run.id, mark)])
        is_deleted = self.experiment.lifecycle_stage == DELETED
        if is_deleted and self.is_open and self.there and not self.job.dry_run:
            self.target.restage_experiment(self.there.id, deleted=True)

    def _tie(self, full: FullRun, there: str) -> bool:
        """Whether all models are there."""
        if not full.models and not full.outputs:
            return True
        now = self.target.run(there)  # a model that is told twice is an error of the server
        used, made = self._known(full.models), self._known(full.outputs)
        self.target.link_models(there, _without(used, now.models), _without(made, now.outputs))
        return len(used) == len(full.models) and len(made) == len(full.outputs)

    def _known(self, models: Sequence[RunModel]) -> list[RunModel]:
        found = (RunModel(model_id=self._model_there(each.model_id), step=each.step) for each in models)
        return [each for each in found if each.model_id]

    def _model_there(self, model_id: str) -> str:
        return self.job.there("logged-model", model_id) or (model_id if self.target.keeps_ids else "")


def _without(models: Iterable[RunModel], held: Iterable[RunModel]) -> list[RunModel]:
    ids = {each.model_id for each in held}
    return [each for each in models if each.model_id not in ids]


def _parts(points: Iterable[Metric]) -> Iterator[list[Metric]]:
    stream = iter(points)
    while part := list(itertools.islice(stream, POINTS_AT_ONCE)):
        yield part
