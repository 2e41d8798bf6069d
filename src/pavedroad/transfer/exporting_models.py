"""The registry's part of an export: models, versions under their numbers where these are free, aliases."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any

from pavedroad.errors import PavedError
from pavedroad.transfer.mlflow_target import VERSION_TAG, is_refusal
from pavedroad.transfer.model import Model, Version, fingerprint
from pavedroad.transfer.store import Mark

if TYPE_CHECKING:
    from pavedroad.transfer.exporting import Export

NO_STAGE = "None"
MOST_PLACEHOLDERS = 1000  # made and deleted to reach a version's number
_LOGGED_MODEL = re.compile(r"models:/(m-[0-9a-f]+)(/.*)?")
_OTHER_VERSION = re.compile(r"models:/([^/@]+)/(\d+)")
_RUN = re.compile(r"runs:/+([^/]+)(/.*)?")


def send_models(job: Export, *, is_partial: bool) -> None:
    """All models; in an export of some experiments, those with versions that came from their runs."""
    runs, models = job.marks["run"], job.marks["logged-model"]
    for model in job.source.models():
        if not is_partial or any(
            version.run_id in runs or version.model_id in models for version in model.versions
        ):
            _Sending(job, model).send()


class _Sending:
    """One model with its versions and aliases."""

    def __init__(self, job: Export, model: Model) -> None:
        self.job, self.target, self.model = job, job.target, model
        self.there: dict[int, dict[str, Any]] = {}  # versions there, by number
        self.by_tag: dict[str, int] = {}
        self.numbers: dict[int, int] = {}  # of versions here: their numbers there

    def send(self) -> None:
        job, name = self.job, self.model.name
        try:
            self._send_model()
        except PavedError as error:
            if not is_refusal(error):
                raise
            job.refuse("models", name, error)
            job.refuse("versions", name, "its model is not sent", number=len(self.model.versions))
            job.refuse("aliases", name, "its model is not sent", number=len(self.model.aliases))
            return
        for version in self.model.versions:
            self._one("versions", f"{name}@{version.version}", partial(self._send_version, version))
        for alias, number in sorted(self.model.aliases.items()):
            self._one("aliases", f"{name}@{alias} ({number})", partial(self._send_alias, alias, number))

    def _one(self, kind: str, what: str, send: Callable[[], bool]) -> None:
        try:
            is_new = send()
        except PavedError as error:
            if not is_refusal(error):
                raise
            self.job.refuse(kind, what, error)
            return
        self.job.count(kind, taken=is_new, already=not is_new)

    def _send_model(self) -> None:
        job, model = self.job, self.model
        digest, now = fingerprint(model.description, model.tags), self.target.model(model.name)
        mark = job.marks["model"].get(model.name)
        if now is not None:
            found = self.target.versions(model.name)
            self.there = {int(each["version"]): each for each in found}
            for number, each in self.there.items():
                tags = {tag["key"]: tag.get("value", "") for tag in each.get("tags", ())}
                self.by_tag[tags.get(VERSION_TAG, "")] = number
        if now is not None and mark is not None and mark.digest == digest:
            job.count("models", already=1)
            return
        if not job.dry_run:
            if now is None:
                self.target.create_model(model.name, model.description, model.tags)
            else:
                self.target.describe_model(model.name, model.description, model.tags)
            job.set_marks("model", [(model.name, Mark(target=model.name, digest=digest))])
        job.count("models", taken=1)

    # -------------------------------------------------------------------------------------------- versions

    def _send_version(self, version: Version) -> bool:
        """Whether it was not there."""
        job, key = self.job, f"{version.name}/{version.version}"
        digest, mark = fingerprint(version), job.marks["version"].get(key)
        sign = f"{version.name}@{version.version} of {version.created_ms}"
        number = self.by_tag.get(sign)
        if number is not None:
            self.numbers[version.version] = number
        if number is not None and mark is not None and mark.digest == digest:
            return False
        if job.dry_run:
            return True
        if number is None:
            number = self._create(version, {**version.tags, VERSION_TAG: sign})
        else:
            self.target.settle_version(version.name, number, version.description, version.tags)
        self.numbers[version.version] = number
        if version.stage != self.there.get(number, {}).get("current_stage", NO_STAGE):
            self.target.stage_version(version.name, number, version.stage)
        job.set_marks("version", [(key, Mark(target=str(number), digest=digest))])
        if number != version.version:
            job.report.note(f"{version.name}@{version.version} is version {number} there")
        return True

    def _create(self, version: Version, tags: dict[str, str]) -> int:
        """Make it under its own number: numbers of versions that are gone here are used up there first."""
        run_id = self.job.there("run", version.run_id)
        model_id = self.job.there("logged-model", version.model_id)
        body = {
            "name": version.name,
            "source": self._source(version, run_id),
            "run_id": run_id,
            "run_link": version.run_link,
            "model_id": model_id,
            "description": version.description,
            "tags": tags,
        }
        for _ in range(MOST_PLACEHOLDERS):
            number = self.target.create_version(body)
            if number >= version.version:
                return number
            self.target.delete_version(version.name, number)
        return self.target.create_version(body)

    def _source(self, version: Version, run_id: str) -> str:
        """The source there; files of its own are sent to its run, or beside the runs where it has none."""
        job, source = self.job, version.source
        if match := _LOGGED_MODEL.fullmatch(source):
            there = job.there("logged-model", match[1])
            return f"models:/{there}{match[2] or ''}" if there else source
        if match := _RUN.fullmatch(source):
            there = job.there("run", match[1])
            return f"runs:/{there}{match[2] or ''}" if there else source
        if (match := _OTHER_VERSION.fullmatch(source)) and match[1] == version.name:
            return f"models:/{match[1]}/{self.numbers.get(int(match[2]), int(match[2]))}"
        if moved := job.roots.find(source):
            return moved
        location = version.location or source
        files = job.files.listed(f"versions/{version.name}@{version.version}", location)
        if files.unreachable or not files.listed:
            return source
        place = f"registered/{version.name}/{version.version}"
        root = self.target.run(run_id).run.artifact_uri if run_id else "mlflow-artifacts:"
        uri = f"{root.rstrip('/')}/{place}"
        job.files.send(files, uri)
        return uri

    # --------------------------------------------------------------------------------------------- aliases

    def _send_alias(self, alias: str, number: int) -> bool:
        job, key = self.job, f"{self.model.name}@{alias}"
        there = self.numbers.get(number, 0)
        mark = job.marks["alias"].get(key)
        if mark is not None and mark.digest == str(there):
            return False
        if job.dry_run:
            return True
        self.target.set_alias(self.model.name, alias, there or number)
        job.set_marks("alias", [(key, Mark(target=str(there), digest=str(there)))])
        return True
