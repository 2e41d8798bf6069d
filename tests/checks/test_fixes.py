import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from pavedroad.checks import check_project
from pavedroad.checks.fixes import diff_text, plan_changes, write_changes
from pavedroad.checks.rules.env import env003_bare_dependency
from pavedroad.errors import Unavailable

MakeProject = Callable[[dict[str, str | bytes]], Path]
HEAD = "from sklearn.model_selection import train_test_split as split\n"


def fixed(root: Path, *rules: str) -> None:
    write_changes(plan_changes(check_project(root, only=rules).findings, root, unsafe=True), root)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("split(rows)", "split(rows, random_state=42)"),
        ("split(rows, )", "split(rows, random_state=42 )"),
        ("split(rows, test_size=0.2)", "split(rows, test_size=0.2, random_state=42)"),
        ("split(rows, random_state=None)", "split(rows, random_state=42)"),
        (
            "split(split(rows)[0], test_size=(0.2))",
            "split(split(rows, random_state=42)[0], test_size=(0.2), random_state=42)",
        ),
        (
            "split(\n    rows,\n    test_size=0.2,\n)",
            "split(\n    rows,\n    test_size=0.2,\n    random_state=42,\n)",
        ),
        (
            "split(\n    rows,\n    test_size=0.2\n)",
            "split(\n    rows,\n    test_size=0.2,\n    random_state=42\n)",
        ),
        (
            "split(rows,  # all\n      test_size=0.2)  # a fifth",
            "split(rows,  # all\n      test_size=0.2, random_state=42)  # a fifth",
        ),
        ("split(\n    rows,  # all of them\n)", "split(\n    rows, random_state=42  # all of them\n)"),
        ("x = 'é中'; split('é中', rows)", "x = 'é中'; split('é中', rows, random_state=42)"),
        ("SEED = 7\nsplit(rows)", "SEED = 7\nsplit(rows, random_state=SEED)"),
        (
            "from settings import RANDOM_STATE\nsplit(rows)",
            "from settings import RANDOM_STATE\nsplit(rows, random_state=RANDOM_STATE)",
        ),
        ("split(rows)\r\nx = 1\r\n", "split(rows, random_state=42)\r\nx = 1\r\n"),
        ("split(\r\n    rows,\r\n)\r\n", "split(\r\n    rows,\r\n    random_state=42,\r\n)\r\n"),
    ],
)
def test_a_seed_is_written_as_a_person_would(make_project: MakeProject, before: str, after: str) -> None:
    root = make_project({"train.py": HEAD + before})
    fixed(root, "REP201")

    assert (root / "train.py").read_bytes().decode() == HEAD + after
    assert check_project(root, only=["REP201"]).findings == ()


def test_a_generator_alone_is_left_to_a_person(make_project: MakeProject) -> None:
    root = make_project({"train.py": HEAD + "split(row for row in [1, 2])\n"})

    assert plan_changes(check_project(root, only=["REP201"]).findings, root, unsafe=True) == []


@pytest.mark.parametrize("prefix", [b"\xef\xbb\xbf", b"# coding: latin-1\nname = 'Andr\xe9'\n"])
def test_the_encoding_stays(make_project: MakeProject, prefix: bytes) -> None:
    root = make_project({"train.py": prefix + HEAD.encode() + b"split([1, 2])\n"})
    fixed(root, "REP201")

    assert (root / "train.py").read_bytes() == prefix + HEAD.encode() + b"split([1, 2], random_state=42)\n"


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (
            '[project]\nname = "rides"\nversion = "1"\ndependencies = []\n',
            '[project]\nname = "rides"\nversion = "1"\nrequires-python = ">={v}"\ndependencies = []\n',
        ),
        (
            '[tool.x]\ny = 1\n\n[project]  # us\ndynamic = ["version"]\n',
            '[tool.x]\ny = 1\n\n[project]  # us\nrequires-python = ">={v}"\ndynamic = ["version"]\n',
        ),
        (
            '[tool.poetry.dependencies]\npandas = "^2"\n',
            '[tool.poetry.dependencies]\npython = ">={v}"\npandas = "^2"\n',
        ),
        ('[project]\r\nname = "rides"\r\n', '[project]\r\nname = "rides"\r\nrequires-python = ">={v}"\r\n'),
    ],
)
def test_python_is_stated_in_the_manifest(make_project: MakeProject, before: str, after: str) -> None:
    root = make_project({"pyproject.toml": before, "train.py": "x = 1\n"})
    write_changes(plan_changes(check_project(root, only=["ENV005"]).findings, root, unsafe=False), root)
    version = f"{sys.version_info.major}.{sys.version_info.minor}"

    assert (root / "pyproject.toml").read_bytes().decode() == after.replace("{v}", version)
    assert check_project(root, only=["ENV005"]).findings == ()


def test_without_a_manifest_a_version_file_is_made(make_project: MakeProject) -> None:
    root = make_project({"train.py": "x = 1\n"})
    fixed(root, "ENV005")

    assert (root / ".python-version").read_text() == f"{sys.version_info.major}.{sys.version_info.minor}\n"


def test_bounds_come_from_the_lock_else_from_what_is_installed(
    make_project: MakeProject, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        env003_bare_dependency, "installed_distributions", lambda: {"pandas": "1.0", "fastapi": "0.110.0"}
    )
    lock = 'version = 1\n\n[[package]]\nname = "pandas"\nversion = "2.2.3"\n'
    manifest = '[project]\nname = "rides"\ndependencies = ["Pandas", "fastapi[all]", "unknown", "numpy>=1"]\n'
    root = make_project({"pyproject.toml": manifest, "uv.lock": lock})
    fixed(root, "ENV003")

    assert (
        '["Pandas>=2.2.3", "fastapi[all]>=0.110.0", "unknown", "numpy>=1"]'
        in (root / "pyproject.toml").read_text()
    )


def test_requirements_keep_their_markers_and_comments(
    make_project: MakeProject, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        env003_bare_dependency, "installed_distributions", lambda: {"pandas": "2.2.3", "torch": "2.7.0+cu126"}
    )
    root = make_project(
        {"requirements.txt": "# us\npandas[io] ; python_version > '3.10'\ntorch  # the big one\n"}
    )
    fixed(root, "ENV003")

    assert (root / "requirements.txt").read_text() == (
        "# us\npandas[io]>=2.2.3 ; python_version > '3.10'\ntorch>=2.7.0  # the big one\n"
    )


def test_safe_fixes_alone_leave_the_seeds(make_project: MakeProject) -> None:
    root = make_project({"train.py": HEAD + "split([1, 2])\n"})
    changes = plan_changes(check_project(root).findings, root, unsafe=False)

    assert [change.path for change in changes] == [".python-version"]


def test_the_diff_is_one_that_git_applies(
    make_project: MakeProject, git: Callable[..., str], tmp_path: Path
) -> None:
    root = make_project({"train.py": HEAD + "split([1, 2])", "pkg/more.py": HEAD + "split([1])\n"})
    changes = plan_changes(check_project(root).findings, root, unsafe=True)
    (tmp_path / "fix.diff").write_text(diff_text(changes))
    subprocess.run(["git", "apply", str(tmp_path / "fix.diff")], cwd=root, check=True)

    for change in changes:
        assert (root / change.path).read_text() == change.after


def test_the_mode_of_a_file_stays(make_project: MakeProject) -> None:
    root = make_project({"train.py": HEAD + "split([1, 2])\n"})
    (root / "train.py").chmod(0o755)
    fixed(root, "REP201")

    assert (root / "train.py").stat().st_mode & 0o777 == 0o755
    assert [file.name for file in root.iterdir()] == ["train.py"]


def test_a_folder_that_cannot_be_written_gives_one_clear_error(
    make_project: MakeProject, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = make_project({"train.py": HEAD + "split([1, 2])\n"})

    def refuse(*_: object, **__: object) -> None:
        raise OSError(30, "Read-only file system")

    monkeypatch.setattr("pavedroad.checks.fixes.tempfile.mkstemp", refuse)

    with pytest.raises(Unavailable, match="Read-only file system"):
        fixed(root, "REP201")


def test_a_change_that_would_not_parse_is_not_made(make_project: MakeProject) -> None:
    import msgspec

    root = make_project({"train.py": HEAD + "split([1, 2])\n"})
    (finding,) = check_project(root, only=["REP201"]).findings
    assert finding.fix is not None
    (edit,) = finding.fix.edits
    broken = msgspec.structs.replace(finding.fix, edits=(msgspec.structs.replace(edit, text=", ("),))

    assert plan_changes([msgspec.structs.replace(finding, fix=broken)], root, unsafe=True) == []
