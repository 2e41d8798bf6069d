"""The registry's part of an import: models, versions under their numbers, aliases."""

from __future__ import annotations

import uuid
from functools import partial
from typing import TYPE_CHECKING

from pavedroad.errors import Invalid, NotFound, PavedError
from pavedroad.kit.sql import Transaction
from pavedroad.registry import (
    MLFLOW_STAGES,
    ModelVersion,
    RegisteredModel,
    VersionFile,
    find_model,
    find_version,
    team_gates,
)
from pavedroad.registry.adoption import adopt_model, adopt_version, keep_number, settle_model, settle_version
from pavedroad.registry.promotion import adopt_alias
from pavedroad.tracking import all_files, model_root
from pavedroad.transfer import store
from pavedroad.transfer.file_taking import list_files, store_files
from pavedroad.transfer.model import RETRY, Model, Version, fingerprint
from pavedroad.transfer.store import Mark

if TYPE_CHECKING:
    from pavedroad.transfer.importing import Import

OWNER_TAGS = ("owner", "mlflow.owner", "team")


def take_models(job: Import, *, model_ids: set[str], is_partial: bool) -> None:
    """All models; in an import of some experiments, those with versions that came from them."""
    runs = set(store.marks(job.record.db, job.transfer, "run"))
    marks = {kind: store.marks(job.record.db, job.transfer, kind) for kind in ("model", "version", "alias")}
    for model in job.source.models():
        if not is_partial or any(
            version.run_id in runs or _logged_model(version) in model_ids for version in model.versions
        ):
            _Taking(job, model, marks).take()


class _Taking:
    """One model with its versions and aliases."""

    def __init__(self, job: Import, model: Model, marks: dict[str, dict[str, Mark]]) -> None:
        self.job, self.model, self.marks = job, model, marks
        users = [version.user for version in model.versions if version.user]
        tagged = (model.tags[tag] for tag in OWNER_TAGS if model.tags.get(tag))
        self.owner = next(tagged, users[-1] if users else "")

    def take(self) -> None:
        if self._take_model():
            for version in self.model.versions:
                self._take_version(version)
            for alias, number in sorted(self.model.aliases.items()):
                self._take_alias(alias, number)
            if not self.job.dry_run:
                kept = self._kept()
                self.job.record.db.write(lambda tx: settle_model(tx, kept))

    def _kept(self) -> RegisteredModel:
        return RegisteredModel(
            name=self.model.name,
            description=self.model.description,
            tags=self.model.tags,
            created_ms=self.model.created_ms,
            updated_ms=self.model.updated_ms,
        )

    def _take_model(self) -> bool:
        job, name = self.job, self.model.name
        seen = (self.model.description, self.model.tags, self.model.deleted, self.model.updated_ms)
        digest, count = fingerprint(seen), job.report.counts["models"]
        count.source += 1
        mark = self.marks["model"].get(name)
        if mark is not None and mark.digest == digest and find_model(job.record.db, name) is not None:
            count.already += 1
            return True

        def write(tx: Transaction) -> None:
            adopt_model(tx, self._kept(), who=job.who, owner=self.owner)
            for number in self.model.deleted:
                keep_number(tx, name, number)
            store.set_mark(tx, job.transfer, "model", name, Mark(target=name, digest=digest))

        try:
            if not job.dry_run:
                job.record.db.write(write)
        except Invalid as error:
            job.report.refuse("models", name, error)
            for version in self.model.versions:
                job.report.counts["versions"].source += 1
                job.report.refuse("versions", f"{name}@{version.version}", "its model was not taken")
            return False
        count.taken += 1
        return True

    def _take_version(self, version: Version) -> None:
        job, key = self.job, f"{version.name}/{version.version}"
        digest, count = fingerprint(version), job.report.counts["versions"]
        count.source += 1
        mark = self.marks["version"].get(key)
        here = find_version(job.record.db, version.name, version.version)
        is_ours = mark is not None and here is not None and here.uid == mark.target
        if mark is not None and is_ours and mark.digest.removesuffix(RETRY) == digest:
            count.already += 1
            if mark.digest.endswith(RETRY):
                job.report.counts["files"].source += 1
                job.report.refuse(
                    "files", f"versions/{key}: {version.source}", "they were not reached at its import"
                )
            return
        if job.dry_run:
            count.taken += 1
            return
        try:
            uid = mark.target if mark is not None and is_ours else uuid.uuid4().hex
            missing = job.report.counts["files"].not_taken
            kept, files = self._place(version, uid)
            if job.report.counts["files"].not_taken > missing:
                digest += RETRY
            job.record.db.write(partial(self._write_version, kept, files, digest, is_new=not is_ours))
        except PavedError as error:
            if error.status >= 500:
                raise
            job.report.refuse("versions", f"{version.name}@{version.version}", error)
            return
        count.taken += 1

    def _write_version(
        self, version: ModelVersion, files: list[VersionFile], digest: str, tx: Transaction, *, is_new: bool
    ) -> None:
        job = self.job
        if is_new:
            origin = job.source.address
            adopt_version(tx, version, files, who=job.who, origin=origin, owner=self.owner)
        else:
            settle_version(tx, version)
        key = f"{version.name}/{version.version}"
        store.set_mark(tx, job.transfer, "version", key, Mark(target=version.uid, digest=digest))

    def _place(self, version: Version, uid: str) -> tuple[ModelVersion, list[VersionFile]]:
        """The version as it is kept here, its source rewritten so that it still resolves, and its files."""
        job = self.job
        moved = job.roots.find(version.source)
        source = moved or version.source
        place = moved or job.roots.find(version.location) or version.source
        model_id = _logged_model(version)
        files = self._files_here(place) or self._files_there(version)
        stage = version.stage if version.stage in MLFLOW_STAGES else "None"
        kept = ModelVersion(
            uid=uid,
            name=version.name,
            version=version.version,
            source=source,
            location=source,
            digest="",
            run_id=version.run_id,
            model_id=model_id,
            run_link=version.run_link,
            user=version.user,
            description=version.description,
            status=version.status,
            stage=stage,
            tags=version.tags,
            created_ms=version.created_ms,
            updated_ms=version.updated_ms,
        )
        return kept, files

    def _files_here(self, place: str) -> list[VersionFile]:
        """The files below a URI of this record; none when it is not one."""
        try:
            root = model_root(self.job.record.db, place)
        except (Invalid, NotFound):
            return []
        return [
            VersionFile(path=path, digest=stored.digest, size_bytes=stored.size_bytes)
            for path, stored in all_files(self.job.record.db, root)
        ]

    def _files_there(self, version: Version) -> list[VersionFile]:
        """Files that no run or logged model had: they are taken for the version alone."""
        job, uri = self.job, version.location or version.source
        if uri.startswith(("models:", "runs:")):
            return []
        owner = f"versions/{version.name}@{version.version}"
        files = list_files(job.source, owner, uri, wanted=job.with_files)
        store_files(job.source, job.record.files, files, job.report)
        return [
            VersionFile(path=path, digest=stored.digest, size_bytes=stored.size_bytes)
            for path, stored in files.stored
        ]

    def _take_alias(self, alias: str, number: int) -> None:
        job, key = self.job, f"{self.model.name}@{alias}"
        count = job.report.counts["aliases"]
        count.source += 1
        mark = self.marks["alias"].get(key)
        if mark is not None and mark.digest == str(number):
            count.already += 1
            return
        version = find_version(job.record.db, self.model.name, number)
        if job.dry_run:
            count.taken += 1
            return
        if version is None:
            job.report.refuse("aliases", key, f"version {number} is not here")
            return
        gated = team_gates(job.record.settings).aliases

        def write(tx: Transaction) -> None:
            adopt_alias(tx, version, alias, gated=gated, who=job.who, origin=job.source.address)
            kept = Mark(target=version.uid, digest=str(number))
            store.set_mark(tx, job.transfer, "alias", key, kept)

        try:
            job.record.db.write(write)
        except PavedError as error:
            if error.status >= 500:
                raise
            job.report.refuse("aliases", f"{key} ({number})", error)
            return
        count.taken += 1
        if alias in gated:
            job.report.note(
                f"{alias} of {self.model.name} was taken over as it was: no gate was asked about version "
                f"{number}; ask them with `paved promote {self.model.name}@{number} --to {alias}`"
            )


def _logged_model(version: Version) -> str:
    if version.model_id:
        return version.model_id
    source = version.source
    return source.removeprefix("models:/").partition("/")[0] if source.startswith("models:/m-") else ""
