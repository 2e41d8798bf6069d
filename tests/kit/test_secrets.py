from __future__ import annotations

import stat
from pathlib import Path

import pytest

from pavedroad.errors import Damaged
from pavedroad.kit.secrets import SecretFile


def test_a_secret_comes_back_and_is_forgotten_when_removed(tmp_path: Path) -> None:
    secrets = SecretFile(tmp_path / "home" / "secrets.json")
    secrets.put("a", "one")
    secrets.put("b", "two")
    secrets.remove("a")
    assert (secrets.get("a"), secrets.get("b")) == (None, "two")


def test_only_the_owner_may_read_the_file(tmp_path: Path) -> None:
    SecretFile(tmp_path / "secrets.json").put("a", "one")
    assert stat.S_IMODE((tmp_path / "secrets.json").stat().st_mode) == 0o600
    assert [file.name for file in tmp_path.iterdir()] == ["secrets.json"]


def test_no_file_is_made_where_there_is_no_secret(tmp_path: Path) -> None:
    secrets = SecretFile(tmp_path / "secrets.json")
    secrets.remove("a")
    assert secrets.get("a") is None
    assert not list(tmp_path.iterdir())


def test_a_damaged_file_is_said_to_be_damaged(tmp_path: Path) -> None:
    (tmp_path / "secrets.json").write_text("{")
    with pytest.raises(Damaged, match=r"secrets\.json is not what was written"):
        SecretFile(tmp_path / "secrets.json").get("a")
