from __future__ import annotations

import re
from collections.abc import Iterator

from pavedroad.checks.model import Found, Place
from pavedroad.checks.project import Project, Unit
from pavedroad.checks.rule import rule
from pavedroad.checks.rules.env.pinned import is_within
from pavedroad.checks.rules.gpu.builds import GpuImage, gpu_images, packages_of
from pavedroad.environments import CudaSign, cuda_of_lock, oldest_driver

_DRIVER = re.compile(
    r"(?:nvidia-(?:headless-|utils-|open-)?driver-|nvidia-headless-|cuda-drivers-(?:fabricmanager-)?|"
    r"NVIDIA-Linux-x86_64-|nvidia-driver:|driver[-_]version\W{1,4})"
    r"(\d{3})(?=$|[\s.\"'\-_])"
)
WHERE_DRIVERS_ARE = (".sh", ".tf", ".yml", ".yaml", ".toml", ".cfg", ".pkr.hcl", "Makefile")
LARGEST_BYTES = 256 * 1024


@rule(
    "GPU101",
    "cuda-mismatch",
    since="0.1",
    explore="warning",
    team="error",
    production="error",
    of_project=True,
)
def cuda_mismatch(project: Project) -> Iterator[Found]:
    """The CUDA of the locked packages runs on the declared driver and in the declared image.

    Why:
        Nothing fails at build time: the service starts, finds no GPU or dies at its first kernel, on a
        machine that costs by the hour.
    Bad:
        ```text
        requirements.txt    torch==2.7.0+cu126
        Dockerfile          FROM nvidia/cuda:11.8.0-runtime-ubuntu22.04
        ```
    Good:
        ```text
        requirements.txt    torch==2.7.0+cu126
        Dockerfile          FROM nvidia/cuda:12.6.3-runtime-ubuntu22.04
        ```
    Accepts:
        An image with a newer CUDA than wheels that bring their own libraries, another minor version of the
        same major, and images that install none of the project's packages. A driver counts as declared where
        a script, Terraform or a Dockerfile installs it: nvidia-driver-535, cuda-drivers-535.
    References:
        https://docs.nvidia.com/deploy/cuda-compatibility/
    """
    for image in gpu_images(project):
        if image.unit is not None and image.stage.parent is None:
            yield from _in_image(project, image, image.unit)
    drivers = list(_drivers(project))
    for unit in project.units if drivers else ():
        sign = cuda_of_lock(packages_of(project, unit))
        for driver, at in drivers if sign else ():
            yield from _with_driver(driver, at, sign)


def _in_image(project: Project, image: GpuImage, unit: Unit) -> Iterator[Found]:
    sign = cuda_of_lock(packages_of(project, unit))
    if sign is None or sign.cuda.major == image.sign.cuda.major:
        return
    brings_its_own = not _needs_libraries_of_image(sign)
    if brings_its_own and sign.cuda.major < image.sign.cuda.major:
        return
    consequence = (
        f"which needs a driver from {_dotted(oldest_driver(sign.cuda))} on"
        if brings_its_own
        else "and takes its libraries from the image"
    )
    built = f"{sign.package} {sign.version} is built for CUDA {sign.cuda}"
    yield Found(
        at=project.line(image.dockerfile.path, image.stage.base.line),
        says=f"the image has CUDA {image.sign.cuda}, {built}, {consequence}",
        hint=f"take an image with CUDA {sign.cuda.major}, or packages for CUDA {image.sign.cuda.major}",
    )


def _needs_libraries_of_image(sign: CudaSign) -> bool:
    """Wheels of PyTorch bring CUDA's libraries; TensorFlow's and ONNX Runtime's did not, or do not."""
    return sign.kind == "known build" and (
        sign.package == "onnxruntime-gpu"
        or (sign.package in ("tensorflow", "tensorflow-gpu") and is_within(sign.version, "<2.14"))
    )


def _with_driver(driver: int, at: Place, sign: CudaSign | None) -> Iterator[Found]:
    needed = oldest_driver(sign.cuda) if sign else ()
    if sign and needed and driver < needed[0]:
        yield Found(
            at=at,
            says=f"driver {driver} is too old for CUDA {sign.cuda} of {sign.package} {sign.version}, "
            f"which needs {_dotted(needed)} or newer",
            hint=f"install driver {needed[0]} or newer, or a build of {sign.package} for an older CUDA",
        )


def _drivers(project: Project) -> Iterator[tuple[int, Place]]:
    for path, file in project.files.items():
        name = path.rpartition("/")[2]
        if not (name.endswith(WHERE_DRIVERS_ARE) or "dockerfile" in name.lower()):
            continue
        if file.size_bytes > LARGEST_BYTES:
            continue
        for number, line in enumerate(project.text(path).split("\n"), 1):
            match = None if line.lstrip().startswith("#") else _DRIVER.search(line)
            if match:
                yield int(match.group(1)), project.line(path, number)


def _dotted(release: tuple[int, ...]) -> str:
    return ".".join(str(number) for number in release) or "a newer release"
