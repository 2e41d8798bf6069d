"""The lock of a project as it was at a git revision."""

from __future__ import annotations

import subprocess
from pathlib import Path

from pavedroad.environments.lock import LARGEST_BYTES, is_locked, lock_names, parse_lock
from pavedroad.environments.model import Lock
from pavedroad.errors import Invalid, NotFound, Unavailable

LIMIT_S = 20


def is_revision(root: Path, word: str) -> bool:
    """Whether git knows this word as a commit."""
    if word.startswith("-"):
        return False
    try:
        return bool(_git(root, "rev-parse", "--verify", "--quiet", "--end-of-options", f"{word}^{{commit}}"))
    except (Invalid, Unavailable):
        return False


def lock_at(root: Path, revision: str, *, file: str = "") -> Lock:
    """The lock in this folder at a revision: `file`, else the best one that was there.

    Raises: NotFound when there was none; Invalid when git does not know the revision.
    """
    commit = _git(root, "rev-parse", "--verify", "--end-of-options", f"{revision}^{{commit}}").strip()
    listed = _git(root, "ls-tree", "-z", "--name-only", commit, "--", "./").split("\0")
    names = [file] if file else lock_names(name.removeprefix("./") for name in listed if name)
    for name in names:
        if name not in listed:
            continue
        text = _git(root, "show", f"{commit}:./{name}")
        if file or is_locked(name, lambda text=text: text):  # type: ignore[misc]
            return parse_lock(name, text)
    what = file or "no lock"
    problem = f"{what} is not in" if file else f"{what} in"
    raise NotFound(f"{problem} {root.name} at {revision}", hint="name another revision, or --lock FILE")


def _git(root: Path, *arguments: str) -> str:
    try:
        done = subprocess.run(
            ["git", "-C", str(root), *arguments],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=LIMIT_S,
            check=False,
        )
    except FileNotFoundError:
        raise Unavailable("git is not installed", hint="install git, or compare two files") from None
    except (subprocess.TimeoutExpired, OSError) as error:
        raise Unavailable(f"git did not answer: {error}", hint="try `git status` there") from None
    if done.returncode != 0:
        said = done.stderr.decode("utf-8", "replace").strip().split("\n")[-1].removeprefix("fatal: ")
        raise Invalid(f"git says: {said or 'no such revision'}", hint="see `git log --oneline`")
    if len(done.stdout) > LARGEST_BYTES:
        raise Invalid("the file at that revision is larger than a lock", hint="name another with --lock")
    return done.stdout.decode("utf-8", "replace")
