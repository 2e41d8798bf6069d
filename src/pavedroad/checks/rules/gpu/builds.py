"""What is installed into an image, as far as it decides about CUDA: a unit's lock, else its pins."""

from __future__ import annotations

import re
from collections.abc import Iterator

import msgspec

from pavedroad.checks.dockerfile import Dockerfile, Stage
from pavedroad.checks.project import Project, Unit
from pavedroad.checks.rules.env.pinned import exact_version
from pavedroad.checks.rules.env.pythons import unit_served
from pavedroad.environments import CudaSign, Lock, LockedPackage, cuda_of_image

_INDEX = re.compile(r"^\s*(?:-i|-f|--(?:extra-)?index-url|--find-links)[=\s]+(\S+)", re.MULTILINE)


class GpuImage(msgspec.Struct, frozen=True, kw_only=True):
    """A stage of a Dockerfile that rests on an image with CUDA, and what gets installed there."""

    dockerfile: Dockerfile
    stage: Stage
    reference: str  # nvidia/cuda:12.4.1-runtime-ubuntu22.04
    sign: CudaSign
    unit: Unit | None  # None: it installs none of the project's manifests

    @property
    def script(self) -> str:
        """All that its RUN instructions run."""
        return "\n".join(run.script for run in self.stage.named("RUN"))


def gpu_images(project: Project) -> Iterator[GpuImage]:
    units = {unit.folder: unit for unit in project.units}
    for dockerfile in project.dockerfiles:
        for stage in dockerfile.stages:
            image = dockerfile.root_image(stage)
            reference = f"{image.name}:{image.tag}"
            sign = cuda_of_image(reference) if image.is_known else None
            if sign is not None:
                yield GpuImage(
                    dockerfile=dockerfile,
                    stage=stage,
                    reference=reference,
                    sign=sign,
                    unit=units.get(unit_served(project, dockerfile, stage)),
                )


def packages_of(project: Project, unit: Unit) -> Lock:
    """The unit's lock; without one, what its manifests pin, as if it were one."""
    if unit.lock:
        return project.lock(unit.lock)
    packages = []
    for manifest in unit.manifests:
        index = _INDEX.search(project.text(manifest.file)) if manifest.kind == "requirements" else None
        for declared in manifest.declared:
            version = exact_version(manifest, declared)
            if version:
                source = index.group(1) if index and "pytorch.org" in index.group(1) else ""
                source = (
                    "conda"
                    if manifest.kind == "conda" and not declared.specifier.startswith("==")
                    else source
                )
                packages.append(
                    LockedPackage(name=declared.name, version=version, source=source, line=declared.line)
                )
    return Lock(kind="pins", file=unit.manifests[0].file, packages=tuple(packages))
