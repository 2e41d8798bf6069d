"""What a run says about its code, without secrets."""

from __future__ import annotations

import subprocess

import pytest

from pavedroad.pipelines.surroundings import LARGEST_DIFF_BYTES, Source, read_source, without_secrets


@pytest.fixture
def repository(tmp_path):
    def git(*arguments: str) -> str:
        command = ["git", "-C", str(tmp_path), "-c", "user.name=a", "-c", "user.email=a@b.c", *arguments]
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()

    git("init", "-q", "-b", "main")
    (tmp_path / "a.py").write_text("x = 1\n")
    git("add", "-A")
    git("commit", "-q", "-m", "start")
    return tmp_path, git


def test_a_clean_repository(repository):
    root, git = repository
    assert read_source(root) == Source(commit=git("rev-parse", "HEAD"), branch="main")


def test_changes_are_kept_as_a_diff_and_new_files_by_name(repository):
    root, _ = repository
    (root / "a.py").write_text("x = 2\n")
    (root / "new.py").write_text("y = 1\n")
    source = read_source(root)
    assert source.is_dirty
    assert "+x = 2" in source.diff
    assert source.untracked == ("new.py",)


@pytest.mark.parametrize(
    "name",
    [
        ".env",
        "deep/.env.local",
        "prod.env",
        "server.pem",
        "id_rsa",
        "aws_credentials.json",
        "my-secrets.toml",
    ],
)
def test_files_that_may_hold_secrets_are_left_out(repository, name):
    root, git = repository
    file = root / name
    file.parent.mkdir(exist_ok=True)
    file.write_text("first")
    git("add", "-f", name)
    git("commit", "-q", "-m", "more")
    file.write_text("second-secret")
    (root / "a.py").write_text("x = 2\n")
    source = read_source(root)
    assert "+x = 2" in source.diff
    assert "second-secret" not in source.diff


@pytest.mark.parametrize(
    ("line", "kept"),
    [
        ('PASSWORD = "hunter2-hunter2"', 'PASSWORD = "***"'),
        ("api_key: 'abcdefgh'", "api_key: '***'"),
        ('{"token": "abcdefgh"}', '{"token": "***"}'),
        ('os.environ["SECRET_KEY"] = "abcdefgh"', 'os.environ["SECRET_KEY"] = "***"'),
        ("postgres://ada:hunter2@db/x", "postgres://ada:***@db/x"),
        ("token = tokenizer(text)", "token = tokenizer(text)"),
        ("password = getpass()", "password = getpass()"),
        ("https://example.com/a@b", "https://example.com/a@b"),
    ],
)
def test_secrets_in_lines_are_masked_and_code_stays_code(line, kept):
    assert without_secrets(line) == kept


def test_a_huge_diff_is_cut(repository):
    root, _ = repository
    (root / "a.py").write_text("x = 1\n" * (LARGEST_DIFF_BYTES // 4))
    diff = read_source(root).diff
    assert len(diff) < LARGEST_DIFF_BYTES + 100
    assert diff.endswith("(cut here)\n")


def test_without_a_repository_or_without_git_there_is_nothing(tmp_path, repository, monkeypatch):
    assert read_source(tmp_path.parent) == Source()
    monkeypatch.setenv("PATH", str(tmp_path))
    assert read_source(repository[0]) == Source()


def test_a_repository_without_commits_has_none(tmp_path):
    subprocess.run(["git", "init", "-q", str(tmp_path / "new")], check=True)
    assert read_source(tmp_path / "new") == Source()
