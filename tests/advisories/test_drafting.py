from __future__ import annotations

import zipfile
from pathlib import Path

import pytest

from pavedroad.advisories.drafting import draft_advisories, version_of
from pavedroad.advisories.reading import read_advisory
from pavedroad.advisories.surfaces import read_surface
from pavedroad.errors import Invalid, NotFound

OLD = {
    "acme/__init__.py": "from ._core import *\nfrom .io import load\n",
    "acme/_core.py": "__all__ = ['mean', 'old_mean']\n"
    "def mean(x): ...\ndef old_mean(x): ...\ndef hidden(): ...\n",
    "acme/io.py": "def load(path, mode='r'): ...\ndef save(path, **options): ...\n",
    "acme/legacy.py": "class Thing: ...\n",
    "acme/tests/test_io.py": "def test_load(): ...\n",
}
NEW = {
    "acme/__init__.py": "from ._core import *\nfrom .io import load\n",
    "acme/_core.py": "__all__ = ['mean']\ndef mean(x): ...\n",
    "acme/io.py": "raise RuntimeError('never run')\ndef load(path): ...\ndef save(path): ...\n",
}


def wheel(folder: Path, version: str, files: dict[str, str]) -> Path:
    path = folder / f"acme-{version}-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as archive:
        for name, text in files.items():
            archive.writestr(name, text)
    return path


def test_what_a_release_no_longer_offers_becomes_drafts_that_can_be_read(tmp_path: Path) -> None:
    before = read_surface(wheel(tmp_path, "1.0", OLD))
    after = read_surface(wheel(tmp_path, "2.0", NEW))
    drafts = draft_advisories("acme", before, after, version="2.0")
    read = [read_advisory(draft.file, draft.text) for draft in drafts]
    assert {match.symbols for one in read for match in one.match if match.symbols} == {
        ("acme.legacy", "acme.old_mean")
    }
    assert [(match.callable, match.names) for one in read for match in one.match if match.names] == [
        (("acme.io.load",), ("mode",))
    ]
    assert {one.broken for one in read} == {">=2.0"}


def test_private_names_tests_and_open_arguments_are_nobody_elses_business(tmp_path: Path) -> None:
    surface = read_surface(wheel(tmp_path, "1.0", OLD))
    assert "acme.mean" in surface.names
    assert not any("hidden" in name or "_core" in name or "test" in name for name in surface.names)
    assert "acme.io.save" not in surface.arguments


def test_two_equal_releases_give_no_draft(tmp_path: Path) -> None:
    surface = read_surface(wheel(tmp_path, "1.0", OLD))
    assert draft_advisories("acme", surface, surface, version="1.0") == []


def test_what_is_no_wheel_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.whl").write_bytes(b"PK\x03\x04 no")
    with pytest.raises(Invalid, match="is no wheel"):
        read_surface(tmp_path / "a.whl")
    with pytest.raises(NotFound):
        read_surface(tmp_path / "b.whl")


def test_the_version_is_read_from_the_name_of_the_wheel() -> None:
    assert version_of("x/acme-2.1.0-py3-none-any.whl") == "2.1.0"
    with pytest.raises(Invalid, match="names no version"):
        version_of("folder/acme")
