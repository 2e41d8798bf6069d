"""New advisories by themselves: a folder, or a git repository, that the server looks at while it runs."""

from __future__ import annotations

import logging
import re
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pavedroad.advisories.model import Advisory
from pavedroad.advisories.reading import read_advisory, read_advisory_text
from pavedroad.advisories.store import SQL, Affected, publish
from pavedroad.errors import PavedError, Unavailable
from pavedroad.record import Record

LOG = logging.getLogger(__name__)
LOOK_EVERY_S = 5.0
PULL_EVERY_S = 300.0
GIT_LIMIT_S = 60
_REPOSITORY = re.compile(r"(https?|ssh|git|file)://|[\w.-]+@[\w.-]+:")


class Watcher:
    """Guards what was read already: a file is published again only when it changed."""

    def __init__(self, record: Record) -> None:
        self._record = record
        self._place = record.settings.advisories
        self._seen: dict[Path, tuple[int, int]] = {}
        self._said: set[str] = set()
        self._pulled: float | None = None

    @property
    def folder(self) -> Path:
        if is_repository(self._place):
            return self._record.settings.home / "advisories"
        return Path(self._place)

    def look(self) -> list[tuple[Advisory, list[Affected]]]:
        """Publish what is new or changed. A file that cannot be used is said once, and left out."""
        if is_repository(self._place) and self._is_time_to_pull():
            fetch(self._place, self.folder)
        found = []
        for file in sorted(self.folder.rglob("*.toml")):
            try:
                if published := self._publish(file):
                    found.append(published)
            except (PavedError, OSError) as error:
                self._say(str(error))
        return found

    def _is_time_to_pull(self) -> bool:
        now = time.monotonic()
        if self._pulled is not None and now - self._pulled < PULL_EVERY_S:
            return False
        self._pulled = now
        return True

    def _publish(self, file: Path) -> tuple[Advisory, list[Affected]] | None:
        state = file.stat()
        if self._seen.get(file) == (state.st_mtime_ns, state.st_size):
            return None
        text = read_advisory_text(file)
        advisory = read_advisory(str(file), text)
        self._seen[file] = (state.st_mtime_ns, state.st_size)
        known = {row["id"]: row["text"] for row in self._record.db.all(SQL.advisories)}
        if known.get(advisory.id) == text:
            return None
        who = self._record.settings.who
        return advisory, self._record.db.write(lambda tx: publish(tx, advisory, text, who=who))

    def _say(self, problem: str) -> None:
        if problem not in self._said:
            self._said.add(problem)
            LOG.warning("an advisory was left out: %s", problem)


@contextmanager
def watching_advisories(record: Record) -> Iterator[None]:
    """Publish what appears in the place that the settings name, until the block ends."""
    if not record.settings.advisories:
        yield
        return
    watcher, stopped = Watcher(record), threading.Event()

    def look() -> None:
        while not stopped.is_set():
            try:
                watcher.look()
            except Exception as error:  # the database or the network is away: the next look may reach it
                LOG.warning("could not look for advisories: %s", error)
            stopped.wait(LOOK_EVERY_S)

    thread = threading.Thread(target=look, name="advisories", daemon=True)
    thread.start()
    try:
        yield
    finally:
        stopped.set()
        thread.join(timeout=GIT_LIMIT_S)


def is_repository(place: str) -> bool:
    return bool(_REPOSITORY.match(place)) or place.endswith(".git")


def fetch(repository: str, folder: Path) -> None:
    """Clone a repository, or bring its clone up to date. Raises Unavailable."""
    if (folder / ".git").is_dir():
        command = ["git", "-C", str(folder), "pull", "--quiet", "--ff-only"]
    else:
        command = ["git", "clone", "--quiet", "--depth", "1", "--", repository, str(folder)]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=GIT_LIMIT_S, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise Unavailable(f"cannot fetch the advisories: {error}", hint="check git and the network") from None
    if done.returncode:
        says = done.stderr.strip().splitlines()
        raise Unavailable(
            f"cannot fetch the advisories: {says[-1] if says else 'git failed'}",
            hint="check the setting `advisories`",
        )
