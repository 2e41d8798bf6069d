from __future__ import annotations

import logging
import subprocess
from pathlib import Path

import msgspec
import pytest

from pavedroad.advisories.registering import Held, Registration, SymbolUse
from pavedroad.advisories.store import known_advisories, register
from pavedroad.advisories.watching import Watcher, is_repository
from pavedroad.record import Record

TEXT = """id = "ACME-1"
package = "acme"
title = "acme.old is gone"
effect = "breaks"
broken = ">=2.0"
source = "https://example.org"
[[match]]
kind = "attribute"
symbols = ["acme.old"]
"""


def watching(record: Record, place: str) -> Watcher:
    settings = msgspec.structs.replace(record.settings, advisories=place)
    return Watcher(msgspec.structs.replace(record, settings=settings))


def test_a_file_that_appears_is_published_once_and_again_when_it_changes(
    record: Record, tmp_path: Path
) -> None:
    one = Registration(
        project="rides",
        owner="grace",
        commit="",
        packages=(Held(package="acme", version="2.1", decided_by="lock", path="uv.lock"),),
        symbols=(SymbolUse(symbol="acme.old", path="a.py", line=1, number=1),),
        cases=(),
    )
    record.db.write(lambda tx: register(tx, one, who="ada"))
    watcher = watching(record, str(tmp_path))
    assert watcher.look() == []
    (tmp_path / "new.toml").write_text(TEXT)
    [(advisory, affected)] = watcher.look()
    assert (advisory.id, [found.project for found in affected]) == ("ACME-1", ["rides"])
    assert watcher.look() == []
    (tmp_path / "new.toml").write_text(TEXT.replace("is gone", "went away"))
    assert [advisory.title for advisory, _ in watcher.look()] == ["acme.old went away"]


def test_a_restarted_server_does_not_publish_the_same_text_again(record: Record, tmp_path: Path) -> None:
    (tmp_path / "new.toml").write_text(TEXT)
    assert len(watching(record, str(tmp_path)).look()) == 1
    assert watching(record, str(tmp_path)).look() == []


def test_a_broken_file_is_said_once_and_the_others_are_published(
    record: Record, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "a.toml").write_text("id = ")
    (tmp_path / "b.toml").write_text(TEXT)
    watcher = watching(record, str(tmp_path))
    with caplog.at_level(logging.WARNING):
        assert len(watcher.look()) == 1
        watcher.look()
    assert caplog.text.count("an advisory was left out") == 1


def test_a_git_repository_is_cloned_into_the_home(record: Record, tmp_path: Path) -> None:
    origin = tmp_path / "advisories.git"
    identity = ["-c", "user.name=ada", "-c", "user.email=ada@example.org"]
    subprocess.run(["git", "init", "--quiet", str(origin)], check=True)
    (origin / "new.toml").write_text(TEXT)
    for command in (["add", "new.toml"], [*identity, "commit", "--quiet", "-m", "Add"]):
        subprocess.run(["git", "-C", str(origin), *command], check=True)
    assert [advisory.id for advisory, _ in watching(record, str(origin)).look()] == ["ACME-1"]
    assert known_advisories(record.db)["ACME-1"].published_ms > 0


@pytest.mark.parametrize(
    ("place", "remote"),
    [
        ("/srv/advisories", False),
        ("advisories", False),
        ("https://host/a", True),
        ("git@host:a.git", True),
        ("/srv/a.git", True),
    ],
)
def test_a_repository_is_told_from_a_folder(place: str, remote: bool) -> None:
    assert is_repository(place) is remote
