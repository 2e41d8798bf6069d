"""What is installed into an image, as far as it decides about CUDA: a unit's lock, else its pins."""

from __future__ import annotations

import re
from collections.abc import Iterator

import msgspec

from pavedroad.checks.dockerfile import Dockerfile, Stage
from pavedroad.checks.project import Project, Unit
from pavedroad.checks.rules.env.pinned import exact_version
from pavedroad.checks.rules.env.pythons import unit_served
from pavedroad.environments import CudaSign, Lock, LockedPackage, Manifest, cuda_of_image

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


def pinned_in(project: Project, manifest: Manifest) -> Lock:
    """What one manifest pins, as if it were a lock. Conda's `=12.1` is as exact as its users mean it."""
    index = _INDEX.search(project.text(manifest.file)) if manifest.kind == "requirements" else None
    source = index.group(1) if index and "pytorch.org" in index.group(1) else ""
    packages = []
    for declared in manifest.declared:
        version = exact_version(manifest, declared)
        is_conda = manifest.kind == "conda" and declared.specifier.startswith("=") and not version
        if is_conda:
            version = declared.specifier.lstrip("=").removesuffix(".*").partition("=")[0]
        if version:
            where = "conda" if is_conda else source
            packages.append(
                LockedPackage(name=declared.name, version=version, source=where, line=declared.line)
            )
    return Lock(kind="pins", file=manifest.file, packages=tuple(packages))


def packages_of(project: Project, unit: Unit) -> Lock:
    """The unit's lock; without one, what its manifests pin, as if it were one."""
    if unit.lock:
        return project.lock(unit.lock)
    pinned = [pinned_in(project, manifest) for manifest in unit.manifests]
    return Lock(kind="pins", file="", packages=tuple(package for lock in pinned for package in lock.packages))
