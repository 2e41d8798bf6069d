"""Which CUDA a lock, a package or an image is built for, and what a driver or a GPU allows.

Nothing here needs a GPU: it reads names and versions. The signs of a package are tried in a fixed order, the
most certain first: local version, index URL, companion packages, conda packages, and last what the package's
build on PyPI is known to have.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import Literal

import msgspec

from pavedroad.environments.cuda_facts import (
    BUILDS_ON_PYPI,
    CAPABILITY_FLOOR_OF_MAJOR,
    CAPABILITY_FLOOR_OF_TORCH,
    CUDA_OF_NGC_TAG,
    DRIVER_OF_TOOLKIT,
    OLDEST_DRIVER_OF_MAJOR,
    VERSIONED_AS_TOOLKIT,
    Cuda,
    Release,
)
from pavedroad.environments.model import Lock, LockedPackage

SignKind = Literal["local version", "index", "companion", "conda", "known build", "image"]
ORDER: tuple[SignKind, ...] = ("local version", "index", "companion", "conda", "known build", "image")

FRAMEWORKS = (
    "torch",
    "tensorflow",
    "jax",
    "jaxlib",
    "cupy",
    "onnxruntime-gpu",
    "xgboost",
    "paddlepaddle-gpu",
)
EXTRA_FOR_CUDA = (2, 14)  # since then TensorFlow's libraries come by its extra and-cuda; without it, no GPU
_IN_LOCAL = re.compile(r"(?:^|[.+]|pt\d+)(?:cu|cuda)(\d{2,3})(?=$|[.a-z])")
_IN_INDEX = re.compile(r"/(?:cu|cuda)(\d{2,3})(?=$|[/?#])")
_CPU_IN_LOCAL, _CPU_IN_INDEX = re.compile(r"(?:^|[.+])cpu(?=$|\.)"), re.compile(r"/cpu(?=$|[/?#])")
_ROCM = re.compile(r"(?:^|[.+/])rocm(\d+(?:\.\d+)*)")
_SUFFIX = re.compile(r"-(?:cu|cuda)(\d{2,3})(?:x)?(?=$|-(?:plugin|pjrt|libs|bindings)$)")
_CONDA = ("pytorch-cuda", "cuda-version", "cudatoolkit", "cuda-toolkit", "cuda-runtime", "cuda-cudart")
_CONDA_BUILD = re.compile(r"(?:^|_)(?:cuda|cu|gpu_cuda)(\d{2,3})(?=$|[_a-z])")
_IMAGE_CUDA = re.compile(r"(?:^|[-_.])(?:cuda|cu)[-_]?(\d{1,2})\.(\d{1,2})|(?:^|[-_.])cu(\d{3})(?=$|[-_.])")
_NVIDIA_CUDA = re.compile(r"(?:^|/)nvidia/cuda(?:-[a-z0-9]+)?:(\d{1,2})\.(\d{1,2})")
_NGC = re.compile(r"(?:^|/)nvcr\.io/nvidia/(?:pytorch|tensorflow|jax|modulus|nemo):(\d{2})\.(\d{2})")
_TF_IMAGE = re.compile(r"(?:^|/)tensorflow/tensorflow:(\d+(?:\.\d+)+)[^\s]*-gpu")


class CudaSign(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that tells a CUDA version."""

    cuda: Cuda
    kind: SignKind
    package: str  # the package, or the image
    version: str = ""
    marker: str = ""  # where the package is installed at all
    line: int = 0  # in the lock

    @property
    def says(self) -> str:
        """`torch 2.7.0+cu126 (local version)`."""
        return f"{self.package} {self.version}".strip() + f" ({self.kind})"


def cuda_of_lock(lock: Lock) -> CudaSign | None:
    """The most certain sign of a lock's CUDA, an exact version before a bare major; None without any."""
    return min(cuda_signs(lock), key=_uncertainty, default=None)


def cuda_signs(lock: Lock) -> list[CudaSign]:
    """Every sign of CUDA in a lock, the most certain kind first.

    What PyPI's build is known to have counts only where nothing else in the lock says it: a lock with the
    companions of its framework needs no guess, and one with a CPU build has none.
    """
    found = [sign for package in lock.packages if (sign := cuda_of_package(package))]
    if not found:
        found = [sign for package in lock.packages if (sign := _known_build(package))]
    return sorted(found, key=lambda sign: ORDER.index(sign.kind))


def cuda_of_package(package: LockedPackage) -> CudaSign | None:
    """What a package says itself, without a guess; None when it says nothing, or is a CPU or ROCm build."""
    for kind, read in _READERS:
        cuda = read(package)
        if cuda is not None:
            return _sign(package, cuda, kind)
    return None


def cuda_majors(signs: Iterable[CudaSign]) -> dict[int, list[CudaSign]]:
    """The signs by major; more than one key means that two CUDA runtimes get installed together.

    A package that is locked for several CUDA versions marks a choice (extras, forks by marker): then there is
    no telling which companions belong to which, and the answer is empty.
    """
    by_package: dict[str, set[int]] = {}
    by_major: dict[int, list[CudaSign]] = {}
    for sign in signs:
        by_package.setdefault(sign.package, set()).add(sign.cuda.major)
        by_major.setdefault(sign.cuda.major, []).append(sign)
    if any(len(majors) > 1 for majors in by_package.values()):
        return {}
    return by_major


def cpu_builds(lock: Lock) -> list[LockedPackage]:
    """Frameworks that are locked without GPU support: a `+cpu` version or index, jax without its plugin,
    TensorFlow without `[and-cuda]`'s libraries, onnxruntime without `-gpu`."""
    names = {package.name for package in lock.packages}
    has_runtime = any(cuda_of_package(package) for package in lock.packages)
    return [package for package in lock.packages if _is_cpu_build(package, names, has_runtime)]


def rocm_of_package(package: LockedPackage) -> str:
    """The ROCm version of an AMD build, or empty."""
    match = _ROCM.search(_local(package)) or _ROCM.search(package.source)
    return match.group(1) if match else ""


def cuda_of_image(image: str) -> CudaSign | None:
    """The CUDA of a container image by its reference, e.g. `nvidia/cuda:12.4.1-runtime-ubuntu22.04`."""
    return _image_sign(image, _cuda_in_image(image.strip().lower()))


def oldest_driver(cuda: Cuda) -> Release:
    """The oldest Linux driver on which a program built for this CUDA starts; empty when it is not known.

    From CUDA 11 on any minor of a major shares one minimum; features newer than the driver may be missing.
    """
    if cuda.major in OLDEST_DRIVER_OF_MAJOR:
        return OLDEST_DRIVER_OF_MAJOR[cuda.major]
    return DRIVER_OF_TOOLKIT.get(cuda, ())


def full_driver(cuda: Cuda) -> Release:
    """The driver that came with this toolkit: all its features, and kernels compiled at first use, work."""
    return DRIVER_OF_TOOLKIT.get(cuda, ())


def newest_cuda(driver: str) -> Cuda | None:
    """The newest CUDA whose own driver this one is not older than, by the table; None below all of them."""
    release = release_of(driver)
    return max((cuda for cuda, needed in DRIVER_OF_TOOLKIT.items() if release >= needed), default=None)


def capability_floor(cuda: Cuda, *, package: str = "") -> tuple[int, int] | None:
    """The oldest GPU (compute capability) for a build of this CUDA; PyTorch's wheels leave out more."""
    floor = CAPABILITY_FLOOR_OF_MAJOR.get(cuda.major)
    if package == "torch":
        built = [least for since, least in CAPABILITY_FLOOR_OF_TORCH if cuda.is_exact and cuda >= since]
        floor = max([*built[:1], *([floor] if floor else [])], default=None)
    return floor


def release_of(version: str) -> Release:
    """`560.28.03` as numbers that compare: (560, 28, 3)."""
    match = re.match(r"\d+(?:\.\d+)*", version.strip())
    return tuple(int(part) for part in match.group().split(".")) if match else ()


def driver_text(release: Release) -> str:
    """As NVIDIA writes it: (560, 28, 3) is `560.28.03`."""
    return ".".join(str(part) if at < 2 else f"{part:02}" for at, part in enumerate(release))


def cuda_from_digits(digits: str) -> Cuda | None:
    """`126` is 12.6, `12` is 12 with any minor, `92` is 9.2; None for what is no CUDA version."""
    if len(digits) == 3:
        cuda = Cuda(int(digits[:2]), int(digits[2]))
    elif len(digits) == 2:
        cuda = Cuda(int(digits)) if digits[0] == "1" else Cuda(int(digits[0]), int(digits[1]))
    else:
        return None
    return cuda if 8 <= cuda.major <= 19 else None


def _uncertainty(sign: CudaSign) -> tuple[bool, int, int]:
    plain = _SUFFIX.sub("", sign.package)
    named = VERSIONED_AS_TOOLKIT.index(plain) if plain in VERSIONED_AS_TOOLKIT else len(VERSIONED_AS_TOOLKIT)
    return not sign.cuda.is_exact, ORDER.index(sign.kind), named


def _in_local_version(package: LockedPackage) -> Cuda | None:
    match = _IN_LOCAL.search(_local(package))
    return cuda_from_digits(match.group(1)) if match else None


def _in_index(package: LockedPackage) -> Cuda | None:
    match = _IN_INDEX.search(package.source)
    if match is None or _CPU_IN_LOCAL.search(_local(package)):
        return None
    # PyTorch's index also has plain packages (jinja2): only those of its own build tell a CUDA.
    return cuda_from_digits(match.group(1)) if package.name.startswith(("torch", "xformers")) else None


def _as_companion(package: LockedPackage) -> Cuda | None:
    match = _SUFFIX.search(package.name)
    plain = package.name[: match.start()] if match else package.name
    release = release_of(package.version)
    if plain in VERSIONED_AS_TOOLKIT and package.source != "conda" and len(release) > 1:
        return Cuda(release[0], release[1])
    if plain == "nvidia-cublas" and not match and release and release[0] >= 13:
        return Cuda(release[0])
    return cuda_from_digits(match.group(1)) if match else None


def _in_conda(package: LockedPackage) -> Cuda | None:
    if package.source != "conda":
        return None
    release = release_of(package.version)
    if package.name in _CONDA and release:
        return Cuda(release[0], release[1]) if len(release) > 1 else Cuda(release[0])
    match = _CONDA_BUILD.search(package.build)
    return cuda_from_digits(match.group(1)) if match else None


def _known_build(package: LockedPackage) -> CudaSign | None:
    """The CUDA of PyPI's build of this release on Linux, if it has one and the lock takes it from there."""
    builds = BUILDS_ON_PYPI.get(package.name, ())
    release = release_of(package.version)
    if package.source or _local(package):
        return None
    if package.name == "tensorflow" and release >= EXTRA_FOR_CUDA:
        return None
    known = [cuda for since, cuda in builds if release >= since]
    return _sign(package, known[-1], "known build") if known else None


def _is_cpu_build(package: LockedPackage, names: set[str], has_runtime: bool) -> bool:
    if _CPU_IN_LOCAL.search(_local(package)) or package.name in (
        "tensorflow-cpu",
        "onnxruntime",
        "faiss-cpu",
    ):
        return not (package.name == "onnxruntime" and "onnxruntime-gpu" in names)
    if package.name.startswith("torch") and _CPU_IN_INDEX.search(package.source):
        return True
    if package.name == "tensorflow" and release_of(package.version) >= EXTRA_FOR_CUDA:
        return not has_runtime
    if package.name == "jaxlib" and not _local(package):
        return not any(name.startswith(("jax-cuda", "jax-rocm")) for name in names)
    return package.source == "conda" and re.search(r"(?:^|_)cpu(?=$|_)", package.build) is not None


def _cuda_in_image(image: str) -> Cuda | None:
    if match := _NVIDIA_CUDA.search(image):
        return Cuda(int(match.group(1)), int(match.group(2)))
    if match := _NGC.search(image):
        tag = int(match.group(1)), int(match.group(2))
        known = [cuda for since, cuda in CUDA_OF_NGC_TAG if tag >= since]
        return known[-1] if known else None
    if match := _TF_IMAGE.search(image):
        release = release_of(match.group(1))
        known = [cuda for since, cuda in BUILDS_ON_PYPI["tensorflow"] if release >= since]
        return known[-1] if known else None
    match = _IMAGE_CUDA.search(image.partition(":")[2].partition("@")[0] or image)
    if match is None:
        return None
    return (
        cuda_from_digits(match.group(3)) if match.group(3) else Cuda(int(match.group(1)), int(match.group(2)))
    )


def _image_sign(image: str, cuda: Cuda | None) -> CudaSign | None:
    return None if cuda is None else CudaSign(cuda=cuda, kind="image", package=image.strip())


def _sign(package: LockedPackage, cuda: Cuda, kind: SignKind) -> CudaSign:
    return CudaSign(
        cuda=cuda,
        kind=kind,
        package=package.name,
        version=package.version,
        marker=package.marker,
        line=package.line,
    )


def _local(package: LockedPackage) -> str:
    return package.version.partition("+")[2].lower()


_READERS: tuple[tuple[SignKind, Callable[[LockedPackage], Cuda | None]], ...] = (
    ("local version", _in_local_version),
    ("index", _in_index),
    ("companion", _as_companion),
    ("conda", _in_conda),
)
