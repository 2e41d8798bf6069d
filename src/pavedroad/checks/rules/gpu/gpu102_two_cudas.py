from __future__ import annotations

from collections.abc import Iterator

from pavedroad.checks.model import Found
from pavedroad.checks.project import Project
from pavedroad.checks.rule import rule
from pavedroad.checks.rules.env.pinned import lock_place
from pavedroad.checks.rules.gpu.builds import pinned_in
from pavedroad.environments import CudaSign, Lock, cuda_majors, cuda_signs


@rule("GPU102", "two-cudas", since="0.1", explore="note", team="warning", production="error", of_project=True)
def two_cudas(project: Project) -> Iterator[Found]:
    """A lock, or a list of pins, brings the libraries of one CUDA.

    Why:
        Two majors put two copies of the same libraries into one process: gigabytes more in the image, and
        errors about symbols that depend on which package was imported first.
    Bad:
        ```text
        uv.lock     torch 2.7.0 with nvidia-cublas-cu12, xgboost 3.4.1 with nvidia-nccl-cu13
        ```
    Good:
        ```text
        uv.lock     torch 2.7.0 with nvidia-cublas-cu12, xgboost 2.1.4 with nvidia-nccl-cu12
        ```
    Accepts:
        A lock that offers a choice, with one package locked for several CUDA versions.
    References:
        https://docs.nvidia.com/deploy/cuda-compatibility/
    """
    locks = {unit.lock: project.lock(unit.lock) for unit in project.units if unit.lock}
    for manifest in (each for unit in project.units if not unit.lock for each in unit.manifests):
        locks[manifest.file] = pinned_in(project, manifest)
    for path, lock in locks.items():
        majors = cuda_majors(cuda_signs(lock))
        if len(majors) > 1:
            few, *_, many = sorted(majors, key=lambda major: (len(majors[major]), major))
            odd, usual = majors[few][0], majors[many][0]
            package = next(each for each in lock.packages if each.name == odd.package)
            yield Found(
                at=lock_place(project, path, package),
                says=f"{_named(lock, odd)} is for CUDA {few}, {_named(lock, usual)} for CUDA {many}",
                hint="choose versions that are built for the same CUDA, then lock again",
            )


def _named(lock: Lock, sign: CudaSign) -> str:
    """The package, and who asks for it."""
    asking = [
        package.name for package in lock.packages if any(need.name == sign.package for need in package.needs)
    ]
    behind = f" of {asking[0]}" if asking else ""
    return f"{sign.package}{behind}"
