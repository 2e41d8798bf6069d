"""What a project declares, what it locks, and what is installed where it runs."""

from pavedroad.environments.cuda import (
    CudaSign,
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
    release_of,
)
from pavedroad.environments.cuda_facts import Cuda
from pavedroad.environments.fingerprint import environment_fingerprint, installed_distributions, this_host
from pavedroad.environments.lock import find_lock, is_locked, lock_names, parse_lock, read_lock
from pavedroad.environments.manifests import REQUIREMENT_FOLDERS, Manifest, manifest_reader
from pavedroad.environments.model import Declared, Environment, Host, Lock, LockedPackage, Need, normalised
from pavedroad.environments.wheels import Fit, Target, fit_of, fits_of, needed_on, this_target

__all__ = [
    "REQUIREMENT_FOLDERS",
    "Cuda",
    "CudaSign",
    "Declared",
    "Environment",
    "Fit",
    "Host",
    "Lock",
    "LockedPackage",
    "Manifest",
    "Need",
    "Target",
    "capability_floor",
    "cpu_builds",
    "cuda_majors",
    "cuda_of_image",
    "cuda_of_lock",
    "cuda_of_package",
    "cuda_signs",
    "driver_text",
    "environment_fingerprint",
    "find_lock",
    "fit_of",
    "fits_of",
    "full_driver",
    "installed_distributions",
    "is_locked",
    "lock_names",
    "manifest_reader",
    "needed_on",
    "newest_cuda",
    "normalised",
    "oldest_driver",
    "parse_lock",
    "read_lock",
    "release_of",
    "this_host",
    "this_target",
]
