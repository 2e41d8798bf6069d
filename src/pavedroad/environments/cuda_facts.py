"""What NVIDIA and the frameworks publish about CUDA, as data.

Sources, read in November 2026:
- drivers: the tables "minimum required driver for minor version compatibility" and "toolkit driver
  versions" of the release notes, https://docs.nvidia.com/cuda/cuda-toolkit-release-notes/
- floors of compute capability: the same notes (toolkits), the build matrix in pytorch's RELEASE.md (wheels)
- builds on PyPI: the requirements of each release's own metadata, resolved for Linux
- older builds: "tested build configurations" of TensorFlow's install guide, and the requirements table of
  ONNX Runtime's CUDA execution provider
- images: the names of their tags; for NGC the framework support matrix of NVIDIA's deep learning containers
"""

from __future__ import annotations

from typing import NamedTuple


class Cuda(NamedTuple):
    """A CUDA version; `minor` is -1 where only the major is known."""

    major: int
    minor: int = -1

    def __str__(self) -> str:
        return f"{self.major}" if self.minor < 0 else f"{self.major}.{self.minor}"

    @property
    def is_exact(self) -> bool:
        return self.minor >= 0


Release = tuple[int, ...]

# An application built for any minor of the major runs from this driver on, without features newer than it.
OLDEST_DRIVER_OF_MAJOR: dict[int, Release] = {13: (580,), 12: (525, 60, 13), 11: (450, 80, 2)}

# The driver that came with the toolkit: everything works, also kernels compiled at first use (PTX).
DRIVER_OF_TOOLKIT: dict[Cuda, Release] = {
    Cuda(13, 0): (580, 65, 6),
    Cuda(12, 9): (575, 51, 3),
    Cuda(12, 8): (570, 26),
    Cuda(12, 6): (560, 28, 3),
    Cuda(12, 5): (555, 42, 2),
    Cuda(12, 4): (550, 54, 14),
    Cuda(12, 3): (545, 23, 6),
    Cuda(12, 2): (535, 54, 3),
    Cuda(12, 1): (530, 30, 2),
    Cuda(12, 0): (525, 60, 13),
    Cuda(11, 8): (520, 61, 5),
    Cuda(11, 7): (515, 43, 4),
    Cuda(11, 6): (510, 39, 1),
    Cuda(11, 5): (495, 29, 5),
    Cuda(11, 4): (470, 42, 1),
    Cuda(11, 3): (465, 19, 1),
    Cuda(11, 2): (460, 27, 3),
    Cuda(11, 1): (455, 23),
    Cuda(11, 0): (450, 36, 6),
    Cuda(10, 2): (440, 33),
    Cuda(10, 1): (418, 39),
    Cuda(10, 0): (410, 48),
    Cuda(9, 2): (396, 26),
    Cuda(9, 1): (390, 46),
    Cuda(9, 0): (384, 81),
}

# Oldest GPU (compute capability) that programs of this toolkit can be built for.
CAPABILITY_FLOOR_OF_MAJOR: dict[int, tuple[int, int]] = {13: (7, 5), 12: (5, 0), 11: (3, 5), 10: (3, 0)}
# PyTorch's wheels are built for fewer: from this CUDA on they need this capability.
CAPABILITY_FLOOR_OF_TORCH: tuple[tuple[Cuda, tuple[int, int]], ...] = (
    (Cuda(12, 8), (7, 5)),
    (Cuda(11, 8), (5, 0)),
    (Cuda(11, 0), (3, 7)),
)

# CUDA of the build that PyPI gives on Linux, by the first release that has it.
BUILDS_ON_PYPI: dict[str, tuple[tuple[Release, Cuda], ...]] = {
    "torch": (
        ((1, 5), Cuda(10, 2)),
        ((1, 13), Cuda(11, 7)),
        ((2, 1), Cuda(12, 1)),
        ((2, 5), Cuda(12, 4)),
        ((2, 7), Cuda(12, 6)),
        ((2, 8), Cuda(12, 8)),
        ((2, 11), Cuda(13, 0)),
        ((2, 15), Cuda(13, 2)),
    ),
    "tensorflow": (
        ((2, 1), Cuda(10, 1)),
        ((2, 4), Cuda(11, 0)),
        ((2, 5), Cuda(11, 2)),
        ((2, 12), Cuda(11, 8)),
        ((2, 15), Cuda(12, 2)),
        ((2, 16), Cuda(12, 3)),
        ((2, 18), Cuda(12, 5)),
    ),
    "tensorflow-gpu": (
        ((1, 13), Cuda(10, 0)),
        ((2, 1), Cuda(10, 1)),
        ((2, 4), Cuda(11, 0)),
        ((2, 5), Cuda(11, 2)),
    ),
    "onnxruntime-gpu": (
        ((1, 5), Cuda(10, 2)),
        ((1, 7), Cuda(11)),
        ((1, 19), Cuda(12)),
        ((1, 27), Cuda(13)),
    ),
}

# Packages of NVIDIA's runtime whose version is the toolkit's. Since CUDA 13 their names have no `-cuNN`.
VERSIONED_AS_TOOLKIT = (
    "cuda-toolkit",
    "nvidia-cuda-runtime",
    "nvidia-cuda-nvrtc",
    "nvidia-cuda-cupti",
    "nvidia-cuda-nvcc",
    "nvidia-nvjitlink",
    "nvidia-nvtx",
    "nvidia-nvvm",
)

# CUDA of NVIDIA's framework images (nvcr.io/nvidia/pytorch, tensorflow, jax), by the first tag that has it.
CUDA_OF_NGC_TAG: tuple[tuple[tuple[int, int], Cuda], ...] = (
    ((20, 6), Cuda(11, 0)),
    ((20, 10), Cuda(11, 1)),
    ((21, 3), Cuda(11, 2)),
    ((21, 4), Cuda(11, 3)),
    ((21, 7), Cuda(11, 4)),
    ((21, 11), Cuda(11, 5)),
    ((22, 1), Cuda(11, 6)),
    ((22, 5), Cuda(11, 7)),
    ((22, 9), Cuda(11, 8)),
    ((23, 1), Cuda(12, 0)),
    ((23, 3), Cuda(12, 1)),
    ((23, 8), Cuda(12, 2)),
    ((23, 11), Cuda(12, 3)),
    ((24, 3), Cuda(12, 4)),
    ((24, 6), Cuda(12, 5)),
    ((24, 9), Cuda(12, 6)),
    ((25, 1), Cuda(12, 8)),
    ((25, 4), Cuda(12, 9)),
    ((25, 8), Cuda(13, 0)),
)
