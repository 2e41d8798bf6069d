import pytest

from pavedroad.environments import (
    Cuda,
    Lock,
    LockedPackage,
    capability_floor,
    cpu_builds,
    cuda_majors,
    cuda_of_image,
    cuda_of_lock,
    cuda_of_package,
    cuda_signs,
    driver_text,
    full_driver,
    newest_cuda,
    oldest_driver,
)
from pavedroad.environments.cuda import rocm_of_package


def package(name: str, version: str, source: str = "", build: str = "") -> LockedPackage:
    return LockedPackage(name=name, version=version, source=source, build=build)


def lock(*packages: LockedPackage) -> Lock:
    return Lock(kind="uv", file="uv.lock", packages=packages)


@pytest.mark.parametrize(
    ("of", "expected", "kind"),
    [
        (package("torch", "2.7.0+cu126"), "12.6", "local version"),
        (package("torch-scatter", "2.1.2+pt21cu118"), "11.8", "local version"),
        (package("flash-attn", "2.6.3+cu123torch2.4cxx11abiFALSE"), "12.3", "local version"),
        (package("jaxlib", "0.4.30+cuda12.cudnn89"), "12", "local version"),
        (package("torch", "2.7.0", "https://download.pytorch.org/whl/cu118"), "11.8", "index"),
        (package("nvidia-cuda-runtime-cu12", "12.6.77"), "12.6", "companion"),
        (package("nvidia-cudnn-cu13", "9.19.0.56"), "13", "companion"),
        (package("nvidia-cublas-cu11", "11.10.3.66"), "11", "companion"),
        (package("nvidia-cuda-runtime", "13.0.96"), "13.0", "companion"),
        (package("nvidia-cublas", "13.1.0.3"), "13", "companion"),
        (package("cuda-toolkit", "13.2.2"), "13.2", "companion"),
        (package("jax-cuda13-plugin", "0.12.0"), "13", "companion"),
        (package("cupy-cuda12x", "13.3.0"), "12", "companion"),
        (package("cupy-cuda118", "12.0.0"), "11.8", "companion"),
        (package("cudf-cu12", "24.6.0"), "12", "companion"),
        (package("pytorch-cuda", "12.1", "conda"), "12.1", "conda"),
        (package("cudatoolkit", "11.8.0", "conda"), "11.8", "conda"),
        (package("cuda-version", "12.4", "conda"), "12.4", "conda"),
        (package("pytorch", "2.5.1", "conda", "cuda126_py311_h0_303"), "12.6", "conda"),
    ],
)
def test_a_package_tells_its_cuda(of: LockedPackage, expected: str, kind: str) -> None:
    sign = cuda_of_package(of)
    assert sign is not None
    assert (str(sign.cuda), sign.kind) == (expected, kind)


@pytest.mark.parametrize(
    "of",
    [
        package("torch", "2.7.0"),
        package("torch", "2.7.0+cpu"),
        package("torch", "2.7.0+cpu", "https://download.pytorch.org/whl/cu126"),
        package("jinja2", "3.1.4", "https://download.pytorch.org/whl/cu126"),
        package("torch", "2.7.0+rocm6.3"),
        package("nvidia-cufft", "12.0.0.61"),  # its version counts for itself, also in CUDA 13
        package("curl-cffi", "0.7.0"),
        package("pytorch", "2.5.1", "conda", "cpu_generic_py311_h0_3"),
    ],
)
def test_a_package_without_a_sign_tells_none(of: LockedPackage) -> None:
    assert cuda_of_package(of) is None


def test_an_amd_build_tells_its_rocm() -> None:
    assert rocm_of_package(package("torch", "2.7.0+rocm6.3")) == "6.3"
    assert rocm_of_package(package("torch", "2.7.0+cu126")) == ""


def test_an_exact_companion_wins_over_a_bare_major() -> None:
    found = cuda_of_lock(
        lock(
            package("nvidia-cudnn-cu12", "9.5.1.17"),
            package("nvidia-nvjitlink-cu12", "12.9.86"),
            package("nvidia-cuda-runtime-cu12", "12.6.77"),
        )
    )
    assert found is not None
    assert found.says == "nvidia-cuda-runtime-cu12 12.6.77 (companion)"


def test_a_plain_torch_has_the_cuda_of_its_build_on_pypi() -> None:
    found = cuda_of_lock(lock(package("torch", "2.6.0")))
    assert found is not None
    assert (found.cuda, found.kind) == (Cuda(12, 4), "known build")


def test_no_build_is_guessed_beside_a_sign() -> None:
    signs = cuda_signs(lock(package("tensorflow-gpu", "2.4.0"), package("torch", "2.7.0+cu118")))
    assert [str(sign.cuda) for sign in signs] == ["11.8"]


def test_tensorflow_without_its_extra_has_no_cuda() -> None:
    bare = lock(package("tensorflow", "2.18.0"))
    assert cuda_of_lock(bare) is None
    assert [found.name for found in cpu_builds(bare)] == ["tensorflow"]


def test_two_majors_in_one_lock_are_told_apart() -> None:
    both = lock(package("torch", "2.9.0+cu126"), package("nvidia-nccl-cu13", "2.28.9"))
    assert sorted(cuda_majors(cuda_signs(both))) == [12, 13]


def test_a_package_locked_twice_for_a_choice_is_no_contradiction() -> None:
    choice = lock(package("torch", "2.7.0+cu118"), package("torch", "2.7.0+cu126"))
    assert cuda_majors(cuda_signs(choice)) == {}


def test_jax_without_its_plugin_has_no_gpu() -> None:
    bare = [package("jax", "0.5.0"), package("jaxlib", "0.5.0")]
    assert [found.name for found in cpu_builds(lock(*bare))] == ["jaxlib"]
    assert cpu_builds(lock(*bare, package("jax-cuda12-plugin", "0.5.0"))) == []


@pytest.mark.parametrize(
    ("image", "expected"),
    [
        ("nvidia/cuda:12.4.1-cudnn-runtime-ubuntu22.04", "12.4"),
        ("docker.io/nvidia/cuda:11.8.0-base-ubuntu20.04", "11.8"),
        ("pytorch/pytorch:2.3.0-cuda12.1-cudnn8-runtime", "12.1"),
        ("nvcr.io/nvidia/pytorch:24.05-py3", "12.4"),
        ("rapidsai/base:24.06-cuda12.2-py3.11", "12.2"),
        ("tensorflow/tensorflow:2.15.0-gpu-jupyter", "12.2"),
        ("gcr.io/deeplearning-platform-release/pytorch-cu121.2-2.py310", "12.1"),
        ("python:3.11-slim", None),
        ("tensorflow/tensorflow:2.15.0", None),
        ("", None),
    ],
)
def test_an_image_tells_its_cuda(image: str, expected: str | None) -> None:
    sign = cuda_of_image(image)
    assert (sign and str(sign.cuda)) == expected


def test_a_driver_is_compared_with_a_cuda() -> None:
    assert oldest_driver(Cuda(12, 8)) == (525, 60, 13)
    assert oldest_driver(Cuda(13)) == (580,)
    assert oldest_driver(Cuda(10, 2)) == (440, 33)
    assert full_driver(Cuda(12, 8)) == (570, 26)
    assert full_driver(Cuda(14, 0)) == ()
    assert newest_cuda("535.104.05") == Cuda(12, 2)
    assert newest_cuda("300.1") is None
    assert driver_text((560, 28, 3)) == "560.28.03"
    assert driver_text((570, 26)) == "570.26"


def test_a_floor_of_capability_is_higher_for_the_wheels_of_torch() -> None:
    assert capability_floor(Cuda(12, 8)) == (5, 0)
    assert capability_floor(Cuda(12, 8), package="torch") == (7, 5)
    assert capability_floor(Cuda(12, 6), package="torch") == (5, 0)
    assert capability_floor(Cuda(13, 0)) == (7, 5)
    assert capability_floor(Cuda(20)) is None
