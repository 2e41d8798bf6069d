"""What a project declares, what it locks, and what is installed where it runs."""

from pavedroad.environments.fingerprint import environment_fingerprint, installed_distributions, this_host
from pavedroad.environments.lock import find_lock, lock_names, parse_lock, read_lock
from pavedroad.environments.model import Declared, Environment, Host, Lock, LockedPackage, normalised

__all__ = [
    "Declared",
    "Environment",
    "Host",
    "Lock",
    "LockedPackage",
    "environment_fingerprint",
    "find_lock",
    "installed_distributions",
    "lock_names",
    "normalised",
    "parse_lock",
    "read_lock",
    "this_host",
]
