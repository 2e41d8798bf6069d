import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from pavedroad.checks import Report, cache, check_project
from pavedroad.checks.running import Spent

MakeProject = Callable[[dict[str, str | bytes]], Path]
SPLIT = "from sklearn.model_selection import train_test_split\ntrain_test_split([1, 2])\n"


def looked(root: Path, folder: Path, **options: object) -> tuple[Report, bool]:
    """The report, and whether the rules were run for it."""
    spent: list[Spent] = []
    report = check_project(root, cache=folder, spent=spent, **options)  # type: ignore[arg-type]
    return report, bool(spent)


def test_a_tree_that_did_not_change_is_not_looked_at_again(make_project: MakeProject, tmp_path: Path) -> None:
    root = make_project({"train.py": SPLIT})
    first, ran = looked(root, tmp_path / "cache")
    second, ran_again = looked(root, tmp_path / "cache")

    assert (ran, ran_again) == (True, False)
    assert second.findings == first.findings
    assert (second.digest, second.root) == (first.digest, first.root)


@pytest.mark.parametrize(
    "change",
    [
        lambda root: (root / "train.py").write_text(f"{SPLIT}\n"),
        lambda root: (root / "new.py").write_text(""),
        lambda root: (root / "train.py").unlink(),
        lambda root: (root / "train.py").rename(root / "other.py"),
        lambda root: (root / "pyproject.toml").write_text("[tool.paved]\nprofile = 'production'\n"),
    ],
    ids=["content", "new file", "file gone", "file renamed", "manifest"],
)
def test_every_change_is_looked_at(
    make_project: MakeProject, tmp_path: Path, change: Callable[[Path], object]
) -> None:
    root = make_project({"train.py": SPLIT, "pyproject.toml": "[tool.paved]\n"})
    looked(root, tmp_path / "cache")
    change(root)

    assert looked(root, tmp_path / "cache")[1]


def test_another_profile_or_rule_is_another_report(make_project: MakeProject, tmp_path: Path) -> None:
    root = make_project({"train.py": SPLIT})
    looked(root, tmp_path / "cache")

    assert looked(root, tmp_path / "cache", profile="production")[1]
    assert looked(root, tmp_path / "cache", only=["REP201"])[1]
    assert not looked(root, tmp_path / "cache")[1]


def test_an_edited_rule_is_another_rule(
    make_project: MakeProject, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = make_project({"train.py": SPLIT})
    looked(root, tmp_path / "cache")
    monkeypatch.setattr(cache, "_digest_of_sources", lambda folders: "edited")

    assert looked(root, tmp_path / "cache")[1]


@pytest.mark.parametrize(
    "damage",
    [
        lambda data: b"",
        lambda data: data[:-1],
        lambda data: data[:40] + b"x" + data[41:],
        lambda data: b"\0" * 99,
    ],
    ids=["empty", "cut short", "a byte changed", "something else"],
)
def test_a_damaged_report_is_not_there(
    make_project: MakeProject, tmp_path: Path, damage: Callable[[bytes], bytes]
) -> None:
    root = make_project({"train.py": SPLIT})
    first, _ = looked(root, tmp_path / "cache")
    (kept,) = (tmp_path / "cache").iterdir()
    kept.write_bytes(damage(kept.read_bytes()))
    again, ran = looked(root, tmp_path / "cache")

    assert ran
    assert again.findings == first.findings
    assert not looked(root, tmp_path / "cache")[1]


def test_a_folder_that_cannot_be_written_stops_nothing(make_project: MakeProject, tmp_path: Path) -> None:
    (tmp_path / "cache").write_text("a file where a folder should be")

    assert looked(make_project({"train.py": SPLIT}), tmp_path / "cache")[0].findings


def test_what_was_used_longest_ago_goes_first(
    make_project: MakeProject, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cache, "MOST_REPORTS", 2)
    folder = tmp_path / "cache"
    root = make_project({"train.py": SPLIT})
    for at, profile in enumerate(("explore", "team")):
        looked(root, folder, profile=profile)
        for file in folder.iterdir():
            os.utime(file, (at, at))
    looked(root, folder, profile="explore")  # used again
    looked(root, folder, profile="production")

    assert len(list(folder.iterdir())) == 2
    assert not looked(root, folder, profile="explore")[1]
    assert looked(root, folder, profile="team")[1]


def test_processes_share_the_folder(make_project: MakeProject, tmp_path: Path) -> None:
    root = make_project({"train.py": SPLIT})
    code = (
        "import sys; from pathlib import Path; from pavedroad.checks import check_project\n"
        "for _ in range(5):\n"
        "    for profile in ('explore', 'team', 'production'):\n"
        "        assert check_project(Path(sys.argv[1]), profile=profile, cache=Path(sys.argv[2])).findings\n"
    )
    command = [sys.executable, "-c", code, str(root), str(tmp_path / "cache")]
    running = [subprocess.Popen(command) for _ in range(3)]

    assert [process.wait() for process in running] == [0, 0, 0]
    assert len(list((tmp_path / "cache").iterdir())) == 3


def test_the_folder_lies_in_the_home_of_paved_else_among_the_caches(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PAVED_HOME", str(tmp_path / "home"))
    assert cache.cache_folder() == tmp_path / "home" / "cache" / "checks"
    monkeypatch.delenv("PAVED_HOME")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "caches"))
    assert cache.cache_folder() == tmp_path / "caches" / "pavedroad" / "checks"
