from __future__ import annotations

import re
from collections.abc import Iterator

from pavedroad.checks.model import Found
from pavedroad.checks.project import Project, Unit
from pavedroad.checks.rule import rule
from pavedroad.checks.rules.gpu.builds import GpuImage, gpu_images, packages_of
from pavedroad.environments import LockedPackage, cpu_builds

FRAMEWORKS = ("torch", "tensorflow", "tensorflow-cpu", "jaxlib")
_CPU_INDEX = re.compile(
    r"pip3?\s+install[^\n;&|]*download\.pytorch\.org/whl/cpu|\btorch==[\w.]+\+cpu|\btensorflow-cpu\b"
)
_GPU_INSTALL = re.compile(
    r"whl/cu\d|\+cu\d|\[and-cuda\]|jax\[[^\]]*cuda|tensorflow-gpu|pytorch-cuda|cudatoolkit"
)
_BRINGS_FRAMEWORK = re.compile(r"nvcr\.io/|(^|/)(pytorch|tensorflow|huggingface)/")


@rule(
    "GPU106", "framework-without-gpu", since="0.1", explore="warning", team="error", production="error",
    of_project=True,
)  # fmt: skip
def framework_without_gpu(project: Project) -> Iterator[Found]:
    """An image with CUDA gets a framework that can use it.

    Why:
        The CPU build runs without a word, ten to a hundred times slower, on a machine whose GPU stays idle.
    Bad:
        ```text
        Dockerfile          FROM nvidia/cuda:12.6.3-runtime-ubuntu22.04
        requirements.txt    torch==2.7.0+cpu
        ```
    Good:
        ```text
        Dockerfile          FROM nvidia/cuda:12.6.3-runtime-ubuntu22.04
        requirements.txt    torch==2.7.0+cu126
        ```
    Accepts:
        TensorFlow in an image with cuDNN, whose libraries it then uses, images that bring a framework of
        their own, and a GPU build that the Dockerfile installs itself.
    References:
        https://pytorch.org/get-started/locally/
        https://www.tensorflow.org/install/pip
        https://docs.jax.dev/en/latest/installation.html
    """
    for image in gpu_images(project):
        if _BRINGS_FRAMEWORK.search(image.reference):
            continue
        yield from _in_script(project, image)
        if image.unit and image.stage.parent is None and not _GPU_INSTALL.search(image.script):
            yield from _in_lock(project, image, image.unit)


def _in_script(project: Project, image: GpuImage) -> Iterator[Found]:
    for run in image.stage.named("RUN"):
        match = _CPU_INDEX.search(run.script)
        if match:
            yield Found(
                at=project.line(image.dockerfile.path, run.line),
                says=f"a CPU build is installed into {image.reference}",
                hint=f"take the build for CUDA {image.sign.cuda}, or an image without CUDA",
            )


def _in_lock(project: Project, image: GpuImage, unit: Unit) -> Iterator[Found]:
    found = [package for package in cpu_builds(packages_of(project, unit)) if _counts(package, image)]
    if found:
        first = found[0]
        yield Found(
            at=project.line(image.dockerfile.path, image.stage.base.line),
            says=f"the image has CUDA {image.sign.cuda}, and {first.name} {first.version} is built without",
            hint=_hint(first),
        )


def _counts(package: LockedPackage, image: GpuImage) -> bool:
    if package.name not in FRAMEWORKS:
        return False
    return not (package.name == "tensorflow" and "cudnn" in image.reference)


def _hint(package: LockedPackage) -> str:
    return {
        "tensorflow": "ask for tensorflow[and-cuda], or an image with cudnn",
        "jaxlib": "ask for jax[cuda12]",
        "tensorflow-cpu": "ask for tensorflow[and-cuda]",
    }.get(package.name, "take torch from https://download.pytorch.org/whl/cu126, or an image without CUDA")
