"""Settings: where they come from, which wins, and what is refused."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from pavedroad import config
from pavedroad.config import Settings, login_name, read_settings, setting_names
from pavedroad.errors import ConfigError


def write(folder: Path, text: str) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "paved.toml").write_text(text, "utf-8")
    return folder


def read(start: Path, **environ: str) -> Settings:
    return read_settings(start=start, environ={"HOME": "/nonexistent", **environ})


# ------------------------------------------------------------------------------------------ where from


def test_without_anything_the_record_is_in_the_home_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path / "user"))
    settings = read(tmp_path)
    assert settings.home == tmp_path / "user" / ".paved"
    assert settings.database_url == f"sqlite:///{tmp_path}/user/.paved/paved.db"
    assert settings.files_url == f"{tmp_path}/user/.paved/files"
    assert (settings.host, settings.port) == ("127.0.0.1", 8400)


def test_the_nearest_file_up_the_tree_counts_and_the_record_lies_beside_it(tmp_path: Path) -> None:
    write(tmp_path, "port = 1")
    write(tmp_path / "project", "port = 2")
    deep = tmp_path / "project" / "src" / "deep"
    deep.mkdir(parents=True)
    settings = read(deep)
    assert (settings.port, settings.home) == (2, tmp_path / "project" / ".paved")


def test_paved_home_wins_over_files_up_the_tree(tmp_path: Path) -> None:
    write(tmp_path, "port = 1")
    write(tmp_path / "home", "port = 2")
    settings = read(tmp_path, PAVED_HOME=str(tmp_path / "home"))
    assert (settings.port, settings.home) == (2, tmp_path / "home")


def test_the_record_is_the_same_one_when_asked_from_inside_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    write(tmp_path / ".paved", "port = 1")
    assert read(tmp_path / ".paved").home == read(tmp_path).home == tmp_path / ".paved"


def test_a_relative_paved_home_starts_at_the_working_directory(tmp_path: Path) -> None:
    assert read(tmp_path, PAVED_HOME="some/home").home == tmp_path / "some" / "home"


def test_a_tilde_in_paved_home_is_the_home_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path / "user"))
    assert read(tmp_path, PAVED_HOME="~/record").home == tmp_path / "user" / "record"


def test_a_paved_home_that_is_not_there_is_taken_as_it_is(tmp_path: Path) -> None:
    assert read(tmp_path, PAVED_HOME=str(tmp_path / "not" / "yet")).home == tmp_path / "not" / "yet"


def test_an_empty_paved_home_is_no_paved_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    assert read(tmp_path, PAVED_HOME="").home == tmp_path / ".paved"


def test_later_sources_win(tmp_path: Path) -> None:
    write(tmp_path, 'port = 1\nhost = "0.0.0.0"\nuser = "file"')
    settings = read_settings(
        start=tmp_path,
        environ={"PAVED_PORT": "2", "PAVED_USER": "variable"},
        overrides={"port": 3, "user": None},
    )
    assert (settings.port, settings.host, settings.user) == (3, "0.0.0.0", "variable")


def test_the_file_may_hold_every_key(tmp_path: Path) -> None:
    write(
        tmp_path,
        'database = "postgresql://db/paved"\nfiles = "s3://bucket/x"\nuser = "ada"\nhost = "::"\nport = 0\n'
        'max_body_bytes = 1000\nopenlineage = "https://lineage/api"\nwebhook_hosts = "10.0.0.0/8"\n'
        'advisories = "https://x/a.git"\n'
        "[gates.owner]\n",
    )
    settings = read(tmp_path)
    assert {name: getattr(settings, name) for name in setting_names()} == {
        "database": "postgresql://db/paved",
        "files": "s3://bucket/x",
        "user": "ada",
        "host": "::",
        "port": 0,
        "max_body_bytes": 1000,
        "openlineage": "https://lineage/api",
        "webhook_hosts": "10.0.0.0/8",
        "advisories": "https://x/a.git",
        "gates": {"owner": {}},
    }


def test_every_key_but_gates_has_a_variable(tmp_path: Path) -> None:
    for name in set(setting_names()) - {"gates"}:
        value = "7" if isinstance(getattr(Settings(home=tmp_path), name), int) else "postgresql://x/y"
        settings = read(tmp_path, **{"PAVED_HOME": str(tmp_path), f"PAVED_{name.upper()}": value})
        assert str(getattr(settings, name)) == value


def test_an_empty_variable_is_as_good_as_none(tmp_path: Path) -> None:
    assert read(tmp_path, PAVED_HOME=str(tmp_path), PAVED_PORT="", PAVED_USER="").port == 8400


def test_what_kubernetes_sets_for_a_service_named_paved_is_left_alone(tmp_path: Path) -> None:
    settings = read(
        tmp_path,
        PAVED_HOME=str(tmp_path),
        PAVED_SERVICE_HOST="10.0.0.1",
        PAVED_SERVICE_PORT="8400",
        PAVED_SERVICE_PORT_HTTP="8400",
        PAVED_PORT="tcp://10.0.0.1:8400",
        PAVED_PORT_8400_TCP="tcp://10.0.0.1:8400",
        PAVED_PORT_8400_TCP_ADDR="10.0.0.1",
    )
    assert settings.port == 8400


def test_paths_in_the_file_start_at_the_file_and_in_a_variable_at_the_working_directory(
    tmp_path: Path,
) -> None:
    write(
        tmp_path, 'database = "sqlite:///data/paved.db"\nfiles = "artifacts"\nopenlineage = "events.ndjson"'
    )
    deep = tmp_path / "deep"
    deep.mkdir()
    settings = read(deep)
    assert settings.database == f"sqlite:///{tmp_path}/data/paved.db"
    assert (settings.files, settings.openlineage) == (f"{tmp_path}/artifacts", f"{tmp_path}/events.ndjson")
    settings = read(
        deep, PAVED_DATABASE="sqlite:///x.db", PAVED_FILES="/srv/files", PAVED_OPENLINEAGE="o.ndjson"
    )
    assert settings.database == f"sqlite:///{deep}/x.db"
    assert (settings.files, settings.openlineage) == ("/srv/files", f"{deep}/o.ndjson")


def test_a_file_may_begin_with_a_byte_order_mark(tmp_path: Path) -> None:
    (tmp_path / "paved.toml").write_bytes(b"\xef\xbb\xbfport = 7")
    assert read(tmp_path).port == 7


# ------------------------------------------------------------------------------------------ who


def test_who_acts_is_the_setting_or_the_login_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOGNAME", "grace")
    assert Settings(home=tmp_path).who == "grace"
    assert Settings(home=tmp_path, user="ada").who == "ada"


def test_an_account_without_name_is_unknown(monkeypatch: pytest.MonkeyPatch) -> None:
    for variable in ("LOGNAME", "USER", "LNAME", "USERNAME"):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setattr(os, "getuid", lambda: 4_000_000_000)
    assert login_name() == "unknown"


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become a user without passwd entry")
def test_a_user_without_home_and_passwd_entry_gets_one_clear_line() -> None:
    program = """
import os
from pathlib import Path
from pavedroad.config import read_settings
from pavedroad.errors import ConfigError
os.setuid(4_000_000)
try:
    read_settings(start=Path("/"))
except ConfigError as error:
    print(error)
os.environ["PAVED_HOME"] = "/srv/record"
print(read_settings(start=Path("/")).who)
"""
    path = {"PATH": os.environ["PATH"]}
    done = subprocess.run([sys.executable, "-c", program], env=path, capture_output=True, text=True)
    assert done.stdout.splitlines() == [
        "no home directory for '~/.paved', the default PAVED_HOME; set PAVED_HOME to a folder you can write",
        "unknown",
    ], done.stderr


# ------------------------------------------------------------------------------------------ refusals


@pytest.mark.parametrize(
    ("text", "says", "hint"),
    [
        ("prt = 1", "unknown setting 'prt' in ", "did you mean 'port'?"),
        ("home = '/x'", "unknown setting 'home' in ", "known: advisories, database"),
        ("zzz = 1", "unknown setting 'zzz' in ", "known: advisories, database, files, gates"),
        ("[server]\nport = 1", "unknown setting 'server' in ", "did you mean"),
        ("port = 'many'", "port in .*: 'many' is not a whole number", "write a whole number or remove it"),
        ("port = true", "port in .*: True is not a whole number", "whole number"),
        ("port = 80.5", "port in .*: 80.5 is not a whole number", "whole number"),
        ("host = 1", "host in .*: 1 is not a text", "write a text"),
        ("gates = 1", "gates in .*: 1 is not a table", "write a table"),
        ("database = ['postgresql://u:hush@h/d']", "database in .*: the value is not a text", "write a text"),
        ("port = 65536", "port 65536 is not between 0 and 65535", "choose another port"),
        ("port = -1", "port -1 is not between 0 and 65535", "choose another port"),
        ("host = ''", "host is empty", "use 127.0.0.1"),
        ("max_body_bytes = 0", "max_body_bytes 0 leaves no room", "33554432"),
        ('user = "a\\nb"', "user 'a.*b' holds control characters", "use a plain name"),
        ("port = ", "is not valid TOML: Invalid value .at end of document.", "correct that line"),
        ("port = 1\nport = 2", "is not valid TOML: Cannot overwrite a value", "correct that line"),
        (
            "files = '~nobody-of-that-name/x'",
            "no home directory for '~nobody-of-that-name/x', files",
            "PAVED_HOME",
        ),
    ],
)
def test_a_wrong_file_is_refused_with_the_next_step(tmp_path: Path, text: str, says: str, hint: str) -> None:
    write(tmp_path, text)
    with pytest.raises(ConfigError, match=says) as caught:
        read(tmp_path)
    assert hint in caught.value.hint
    assert "hush" not in str(caught.value)


@pytest.mark.parametrize(
    ("variable", "value", "says", "hint"),
    [
        ("PAVED_DATABSE", "x", "unknown setting PAVED_DATABSE", "did you mean 'PAVED_DATABASE'?"),
        ("PAVED_GATES", "{}", "unknown setting PAVED_GATES", "PAVED_"),
        (
            "PAVED_XYZZY_PLUGH",
            "1",
            "unknown setting PAVED_XYZZY_PLUGH",
            "known: PAVED_ADVISORIES, PAVED_DATABASE, PAVED_FILES",
        ),
        ("PAVED_PORT", "many", "PAVED_PORT: 'many' is not a whole number", "whole number"),
        ("PAVED_PORT", "70000", "port 70000 is not between", "choose another port"),
        ("PAVED_PORT", "80.5", "PAVED_PORT: '80.5' is not a whole number", "whole number"),
        ("PAVED_USER", "\udcff", "PAVED_USER='.*' is not valid UTF-8", "plain characters"),
        ("PAVED_HOME", "\udcff", "PAVED_HOME='.*' is not valid UTF-8", "plain characters"),
        (
            "PAVED_HOME",
            "~nobody-of-that-name",
            "no home directory for '~nobody-of-that-name'",
            "set PAVED_HOME",
        ),
    ],
)
def test_a_wrong_variable_is_refused_with_the_next_step(
    tmp_path: Path, variable: str, value: str, says: str, hint: str
) -> None:
    with pytest.raises(ConfigError, match=says) as caught:
        read_settings(start=tmp_path, environ={"PAVED_HOME": str(tmp_path), variable: value})
    assert hint in caught.value.hint


def test_a_file_that_is_not_utf8_is_refused(tmp_path: Path) -> None:
    (tmp_path / "paved.toml").write_bytes(b"user = '\xff'")
    with pytest.raises(ConfigError, match="is not valid TOML"):
        read(tmp_path)


def test_a_file_that_may_not_be_read_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path, "port = 1")

    def refuse(*_values: object, **_options: object) -> str:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "read_text", refuse)
    with pytest.raises(ConfigError, match=r"cannot read .*paved\.toml: Permission denied"):
        read(tmp_path)


def test_a_folder_named_like_the_file_is_no_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "paved.toml").mkdir()
    assert read(tmp_path).home == tmp_path / ".paved"


def test_a_working_directory_that_is_gone_is_said_so(monkeypatch: pytest.MonkeyPatch) -> None:
    def gone() -> Path:
        raise FileNotFoundError(2, "No such file or directory")

    monkeypatch.setattr(config.Path, "cwd", gone)
    with pytest.raises(ConfigError, match="the working directory is gone"):
        read_settings(environ={})


def test_settings_cannot_be_changed(tmp_path: Path) -> None:
    with pytest.raises(AttributeError):
        read(tmp_path, PAVED_HOME=str(tmp_path)).port = 1  # type: ignore[misc]


def test_the_page_of_settings_has_a_row_for_each() -> None:
    page = (Path(__file__).parent.parent / "docs" / "settings.md").read_text("utf-8")
    for name in setting_names():
        assert f"| `{name}` |" in page, f"write a comment beside {name} in config.py, then run `make docs`"
