"""What a project declares, what it locks, and what is installed where it runs."""

from pavedroad.environments.fingerprint import environment_fingerprint, installed_distributions, this_host
from pavedroad.environments.lock import find_lock, is_locked, lock_names, parse_lock, read_lock
from pavedroad.environments.manifests import REQUIREMENT_FOLDERS, Manifest, manifest_reader
from pavedroad.environments.model import Declared, Environment, Host, Lock, LockedPackage, normalised

__all__ = [
    "REQUIREMENT_FOLDERS",
    "Declared",
    "Environment",
    "Host",
    "Lock",
    "LockedPackage",
    "Manifest",
    "environment_fingerprint",
    "find_lock",
    "installed_distributions",
    "is_locked",
    "lock_names",
    "manifest_reader",
    "normalised",
    "parse_lock",
    "read_lock",
    "this_host",
]
