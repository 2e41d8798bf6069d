import os
import pickle
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pavedroad.checks import RULES, Finding, Report, check_project
from pavedroad.checks.fixes import apply_fixes, plan_changes
from pavedroad.errors import ConfigError, Invalid, NotFound, PavedError, Unavailable

MakeProject = Callable[[dict[str, str | bytes]], Path]
SPLIT = "from sklearn.model_selection import train_test_split as tts\ntts([1, 2])\n"


def codes(report: Report) -> list[str]:
    return sorted({finding.code for finding in report.findings})


def only(report: Report, code: str) -> list[Finding]:
    return [finding for finding in report.findings if finding.code == code]


def test_an_empty_folder_has_no_findings(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    report = check_project(tmp_path / "empty")

    assert (report.findings, report.files, report.is_clean) == ((), 0, True)


@pytest.mark.parametrize(
    ("profile", "severities"), [("explore", {"note"}), ("team", {"warning"}), ("production", {"error"})]
)
def test_the_profile_decides_how_much_it_matters(
    make_project: MakeProject, profile: str, severities: set[str]
) -> None:
    report = check_project(make_project({"train.py": SPLIT}), profile=profile)

    assert {finding.severity for finding in only(report, "REP201")} == severities
    assert ("TST301" in codes(report)) is (profile != "explore")
    assert report.is_clean is (profile == "explore")


def test_the_profile_of_the_manifest_holds_unless_another_is_asked_for(make_project: MakeProject) -> None:
    root = make_project({"pyproject.toml": '[tool.paved]\nprofile = "production"\n', "train.py": SPLIT})

    assert check_project(root).profile == "production"
    assert check_project(root, profile="explore").profile == "explore"


def test_a_single_file_is_checked_without_the_rules_about_projects(make_project: MakeProject) -> None:
    root = make_project({"a/train.py": SPLIT, "b.py": SPLIT, "pyproject.toml": '[project]\nname = "rides"\n'})
    report = check_project(root / "a" / "train.py")

    assert [str(finding.place) for finding in report.findings] == ["a/train.py:2:1"]
    assert report.project == "rides"


def test_findings_of_one_rule_can_be_asked_for_by_code_name_and_family(make_project: MakeProject) -> None:
    root = make_project({"train.py": SPLIT})

    for word in ("REP201", "rep201", "unseeded-split", "REP"):
        assert codes(check_project(root, only=[word])) == ["REP201"], word
    assert codes(check_project(root, profile="explore", only=["TST301"])) == ["TST301"]


def test_nothing_of_the_project_is_run(make_project: MakeProject, tmp_path: Path) -> None:
    marker = tmp_path / "ran"
    code = f"open({str(marker)!r}, 'w')\n"
    check_project(make_project({"setup.py": code, "conftest.py": code, "pkg/__init__.py": code}))

    assert not marker.exists()


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\xef\xbb\xbfx = 1\n",
        b"x = 1\r\ny = 2\r\n",
        b"name = 'Andr\xe9'\n",
        b"# coding: latin-1\nname = 'Andr\xe9'\n",
        b"# coding: no-such-thing\nx = 1\n",
        b"x = 1\0\n",
        b"(" * 5000,
        b"x = " + b"-" * 50_000 + b"1\n",
        b"x = '" + b"a" * 1_000_000 + b"'\n",
        b"'\\d' # an escape that warns\n",
        b"\x0c\nx = 1\n",
        b"x = 1\ry = 2\r",
        "x = 'é'; y = '中文'\n".encode(),
    ],
    ids=range(14),
)
def test_any_bytes_in_a_python_file_are_read_or_complained_about(
    make_project: MakeProject, content: bytes
) -> None:
    report = check_project(make_project({"a.py": content, "train.py": SPLIT}), only=["REP201", "CHK904"])

    assert len(only(report, "REP201")) == 1
    assert all(finding.place.path == "a.py" for finding in only(report, "CHK904"))


PIECES = st.sampled_from(
    [
        *(
            SPLIT,
            "[project]\n",
            "dependencies = [",
            '"pandas"',
            "]",
            "(",
            "'",
            '"""',
            "\\\n",
            "\r",
            "\x00",
            "\x0c",
        ),
        *("{", '"cells": [', "}", "pandas\n", "- pip:\n", "[[package]]\n", "name = ", "\ufeff", "\u2028"),
        "# paved: ignore[REP201] x until 9999-99-99\n",
    ]
)


@given(
    name=st.sampled_from(
        ["a.py", "b.ipynb", "requirements.txt", "environment.yml", "uv.lock", "setup.py", "setup.cfg"]
    ),
    text=st.lists(PIECES | st.text(max_size=8), max_size=12).map("".join),
)
@settings(max_examples=150, deadline=None)
def test_no_text_in_any_file_ends_in_a_crash_and_fixes_settle(name: str, text: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / name).write_bytes(text.encode(errors="replace"))
        report, _ = apply_fixes(
            lambda: check_project(Path(folder), only=[rule.code for rule in RULES]), unsafe=True
        )

        assert report.failures == ()
        assert plan_changes(report.findings, Path(folder), unsafe=True) == []


def test_a_file_larger_than_code_ever_is_is_named_and_left_out(make_project: MakeProject) -> None:
    report = check_project(make_project({"data.py": b"x = 1\n" * 1_000_000}), only=["CHK904"])

    assert [finding.says for finding in report.findings] == ["it is larger than 4 MiB and was not read"]


def test_links_are_not_followed(make_project: MakeProject, tmp_path: Path) -> None:
    root = make_project({"train.py": SPLIT})
    (tmp_path / "outside.py").write_text(SPLIT)
    (root / "round").symlink_to(root, target_is_directory=True)
    (root / "self.py").symlink_to("self.py")
    (root / "outside.py").symlink_to(tmp_path / "outside.py")

    assert check_project(root).files == 1


def test_an_unreadable_file_is_a_finding(make_project: MakeProject, monkeypatch: pytest.MonkeyPatch) -> None:
    root = make_project({"train.py": SPLIT})
    real = Path.read_bytes

    def refuse(path: Path) -> bytes:  # root reads everything, so permissions alone would not do
        if path.name == "train.py":
            raise PermissionError(13, "Permission denied")
        return real(path)

    monkeypatch.setattr(Path, "read_bytes", refuse)

    assert [finding.says for finding in check_project(root, only=["CHK904"]).findings] == [
        "it cannot be read: Permission denied"
    ]


def test_tool_folders_and_ignored_files_are_no_part_of_the_project(make_project: MakeProject) -> None:
    root = make_project(
        {
            ".venv/lib/a.py": SPLIT,
            "node_modules/b.py": SPLIT,
            "pkg/__pycache__/c.py": SPLIT,
            ".gitignore": "# ours\n/build/\n*.tmp.py\n!keep.tmp.py\nout/**/deep\n",
            "build/d.py": SPLIT,
            "src/build/e.py": SPLIT,
            "f.tmp.py": SPLIT,
            "keep.tmp.py": SPLIT,
            "out/x/deep/g.py": SPLIT,
            "src/.gitignore": "local.py\n",
            "src/local.py": SPLIT,
            "local.py": SPLIT,
        }
    )
    report = check_project(root, only=["REP201"])

    assert [finding.place.path for finding in report.findings] == [
        "keep.tmp.py",
        "local.py",
        "src/build/e.py",
    ]


def test_excluded_paths_are_not_looked_at(make_project: MakeProject) -> None:
    manifest = '[tool.paved.checks]\nexclude = ["vendored/", "gen/*.py", "*_pb2.py"]\n'
    root = make_project(
        {
            "pyproject.toml": manifest,
            "vendored/x/a.py": SPLIT,
            "gen/b.py": SPLIT,
            "x/d_pb2.py": SPLIT,
            "c.py": SPLIT,
        }
    )

    assert [finding.place.path for finding in check_project(root, only=["REP201"]).findings] == ["c.py"]


@pytest.mark.parametrize(
    ("manifest", "error", "says"),
    [
        ("[tool.paved", ConfigError, "not valid TOML"),
        ('[tool.paved]\nprofile = "teem"\n', ConfigError, "unknown profile 'teem'"),
        ("[tool.paved.checks]\nignroe = []\n", ConfigError, "unknown key 'ignroe'"),
        (
            '[tool.paved.checks]\nignore = [{ rule = "REP204", reson = "x" }]\n',
            ConfigError,
            "unknown key 'reson'",
        ),
        ('[tool.paved.checks]\nignore = ["REP204"]\n', ConfigError, r"\[tool.paved.checks\]"),
        ('[tool.paved.checks]\nignore = [{ reason = "x" }]\n', ConfigError, "rule"),
        ('[tool.paved.checks]\nignore = [{ rule = "REP204", until = "soon" }]\n', ConfigError, "until"),
        ('[tool.paved.checks]\nexclude = "x"\n', ConfigError, "exclude"),
    ],
)
def test_a_manifest_that_cannot_be_used_is_refused(
    make_project: MakeProject, manifest: str, error: type[PavedError], says: str
) -> None:
    with pytest.raises(error, match=says) as caught:
        check_project(make_project({"pyproject.toml": manifest}))

    assert caught.value.hint


def test_a_path_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="no file or folder"):
        check_project(tmp_path / "missing")


def test_a_folder_that_may_not_be_read_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "access", lambda *_: False)  # root may read everything

    with pytest.raises(Unavailable, match="Permission denied"):
        check_project(tmp_path)


def test_a_path_that_no_system_takes_is_refused(tmp_path: Path) -> None:
    for name in ("a\0b", "x" * 5000):
        with pytest.raises(NotFound):
            check_project(tmp_path / name)


def test_an_unknown_rule_or_profile_names_the_nearest(make_project: MakeProject) -> None:
    root = make_project({})

    with pytest.raises(Invalid, match="did you mean 'REP201'"):
        check_project(root, only=["REP2011"])
    with pytest.raises(Invalid, match="did you mean 'team'"):
        check_project(root, profile="teams")


def test_git_decides_what_is_in_the_project(make_project: MakeProject, git: Callable[..., str]) -> None:
    model = pickle.dumps([1, 2])
    root = make_project(
        {"kept.pkl": model, "later.pkl": model, "ignored.pkl": model, ".gitignore": "ignored.pkl\n"}
    )
    git(root, "init", "-q")
    git(root, "add", "kept.pkl", ".gitignore")
    git(root, "commit", "-q", "-m", "Start")
    report = check_project(root, only=["MOD501"])

    assert [(finding.place.path, finding.says) for finding in report.findings] == [
        ("kept.pkl", f"a pickle of {len(model)} B in git"),
        ("later.pkl", f"a pickle of {len(model)} B that git does not ignore"),
    ]
    assert report.commit == git(root, "rev-parse", "HEAD").strip()


def test_a_changed_tree_says_so_in_its_commit(make_project: MakeProject, git: Callable[..., str]) -> None:
    root = make_project({"train.py": SPLIT})
    git(root, "init", "-q")
    git(root, "add", ".")
    git(root, "commit", "-q", "-m", "Start")
    (root / "train.py").write_text("x = 1\n")

    assert check_project(root).commit.endswith("-dirty")


def test_a_tracked_file_that_was_removed_is_no_problem(
    make_project: MakeProject, git: Callable[..., str]
) -> None:
    root = make_project({"train.py": SPLIT, "gone.py": SPLIT})
    git(root, "init", "-q")
    git(root, "add", ".")
    (root / "gone.py").unlink()

    assert check_project(root, only=["CHK904"]).findings == ()


def test_a_folder_that_the_repository_around_it_ignores_is_still_checked(
    make_project: MakeProject, git: Callable[..., str]
) -> None:
    root = make_project({".gitignore": "demo/\n", "demo/train.py": SPLIT})
    git(root, "init", "-q")

    assert codes(check_project(root / "demo", only=["REP201"])) == ["REP201"]


def test_a_broken_repository_is_walked(make_project: MakeProject, git: Callable[..., str]) -> None:
    root = make_project({"train.py": SPLIT, ".git": "gitdir: /nowhere\n"})

    assert codes(check_project(root, only=["REP201"])) == ["REP201"]


def test_without_git_nothing_else_changes(make_project: MakeProject, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")

    assert codes(check_project(make_project({"train.py": SPLIT}), only=["REP201"])) == ["REP201"]


def test_a_name_that_is_no_text_does_not_stop_the_check(make_project: MakeProject) -> None:
    root = make_project({"train.py": SPLIT})
    (root / os.fsdecode(b"caf\xe9.py")).write_text(SPLIT)
    report = check_project(root, only=["REP201", "CHK904"])

    assert codes(report) == ["CHK904", "REP201"]


def test_equal_trees_have_equal_digests(make_project: MakeProject, tmp_path: Path) -> None:
    root = make_project({"train.py": SPLIT})
    first = check_project(root).digest
    (tmp_path / "copy").mkdir()
    (tmp_path / "copy" / "train.py").write_text(SPLIT)

    assert check_project(tmp_path / "copy").digest == first
    (root / "train.py").write_text(SPLIT + "\n")
    assert check_project(root).digest != first


def test_a_finding_keeps_its_fingerprint_when_it_moves(make_project: MakeProject) -> None:
    root = make_project({"train.py": SPLIT + "tts([1, 2])\n"})
    before = [finding.fingerprint for finding in check_project(root, only=["REP201"]).findings]
    (root / "train.py").write_text("\n\n" + SPLIT + "tts([1, 2])\n")
    after = [finding.fingerprint for finding in check_project(root, only=["REP201"]).findings]

    assert before == after
    assert len(set(before)) == 2


def test_every_file_is_parsed_once(make_project: MakeProject, monkeypatch: pytest.MonkeyPatch) -> None:
    from pavedroad.checks import source

    parsed: list[str] = []
    real = source.parse_quietly
    monkeypatch.setattr(source, "parse_quietly", lambda text: parsed.append(text) or real(text))
    check_project(make_project({"a.py": SPLIT, "b.py": "x = 1\n"}), only=[rule.code for rule in RULES])

    assert len(parsed) == 2


def test_ten_thousand_lines_take_well_under_a_second(make_project: MakeProject) -> None:
    """A guard against a quadratic mistake, far from the real figure (see docs/checks.md)."""
    body = "".join(
        f"def step_{n}(rows, limit={n}):\n    return [row['k{n}'] for row in rows][:limit]\n\n"
        for n in range(34)
    )
    root = make_project({f"pkg/m{n}.py": body for n in range(100)})
    started = time.perf_counter()
    report = check_project(root)

    assert report.lines >= 10_000
    assert time.perf_counter() - started < 5
