"""What all commands have in common: help, JSON, and working wherever and however they are started."""

from __future__ import annotations

import json
import os
import shlex
import signal
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple

import click
import pytest

import pavedroad.advisories
from pavedroad.cli import COMMANDS, GROUPS, Command, load
from pavedroad.config import Settings
from pavedroad.record import record_of
from pavedroad.tracking import delete_experiment, ensure_experiment


def names_of(command: Command) -> list[str]:
    """The command itself, or those of its group."""
    loaded = load(command.door)
    if not isinstance(loaded, click.Group):
        return [command.name]
    itself = [command.name] if loaded.invoke_without_command else []
    return itself + [f"{command.name} {name}" for name in loaded.commands]


NAMES = [name for command in COMMANDS for name in names_of(command)]
NEXT_MONTH = (datetime.now(UTC).date() + timedelta(days=30)).isoformat()
WIDTH = 80
ADVISORY = Path(pavedroad.advisories.__file__).parent / "data" / "bc-npy-001.toml"

# Every command with arguments that work on the record below, and with arguments that cannot.
WORKS = {
    "demo": "",  # takes a minute, so tests/demo tells it
    "new": "new fresh",
    "up": "up --port 0",
    "check": "check",
    "explain": "explain REP201",
    "advisories check": "advisories check {folder}/churn",
    "advisories publish": f"advisories publish {ADVISORY}",
    "advisories draft": "advisories draft churn {folder}/churn {folder}/churn --version 2.0",
    "env show": "env show {folder}/churn",
    "env diff": "env diff {folder}/churn {folder}/churn",
    "env drift": "env drift {folder}/churn",
    "env fits": "env fits {folder}/churn",
    "run": "run",
    "why": "why train",
    "runs": "runs",
    "triage": "triage {folder}/failed.txt",
    "oncall show": "oncall",
    "oncall people": "oncall people ada --zone Europe/Paris",
    "oncall rotation": "oncall rotation ada bob",
    "oncall override": "oncall override --remove ada --until 2100-01-01",
    "oncall swap": "oncall swap --until 2100-01-01",
    "oncall absence": "oncall absence --until 2100-01-01",
    "oncall note": "oncall note quiet",
    "oncall report": "oncall report",
    "oncall calendar": "oncall calendar",
    "register": "register last",
    "models": "models churn",
    "promote": "promote churn@2",
    "approve": "approve churn@1",
    "exempt": f"exempt churn@1 metric --reason test --owner ada --until {NEXT_MONTH}",
    "rollback": "rollback churn",
    "webhooks": "webhooks",
    "package": "package --model churn@1",
    "packages": "packages",
    "serve": "serve churn@1 --port 0",
    "list": "list",
    "show": "show last",
    "own": "own model/churn ada",
    "stage": "stage project/churn candidate",
    "lineage": "lineage model/churn@1",
    "journal": "journal",
    "docs": "docs --out {folder}/pages",
    "import mlflow": "import mlflow {folder}/mlruns",
    "export mlflow": "export mlflow http://127.0.0.1:1",
    "sync": "sync http://127.0.0.1:1",
    "delete": "delete experiment/spare --yes",
    "undelete": "undelete experiment/gone",
    "gc": "gc",
    "backup": "backup {folder}/copy",
    "restore": "restore {folder}/backup --replace --yes",
    "doctor": "doctor",
    "doctor store": "doctor store",
}
FAILS = {
    "demo": "demo /dev/null/no",
    "new": "new UPPER",
    "up": "up --host nosuch.invalid --port 0",
    "check": "check nosuch",
    "explain": "explain NOSUCH",
    "advisories check": "advisories --id NOSUCH",
    "advisories publish": "advisories publish nosuch.toml",
    "advisories draft": "advisories draft x nosuch nosuch.whl",
    "env show": "env show nosuch",
    "env diff": "env diff nosuch",
    "env drift": "env drift nosuch",
    "env fits": "env fits --python x",
    "run": "run nosuch:pipeline",
    "why": "why nosuch train",
    "runs": "runs --limit x",
    "triage": "triage nosuch",
    "oncall show": "oncall --zone nosuch",
    "oncall people": "oncall people ada --zone nosuch",
    "oncall rotation": "oncall rotation ada --at noon",
    "oncall override": "oncall override --undo 999",
    "oncall swap": "oncall swap --take 999",
    "oncall absence": "oncall absence --until yesterday",
    "oncall note": "oncall note ''",
    "oncall report": "oncall report --from tomorrow",
    "oncall calendar": "oncall calendar --out /dev/null/no",
    "register": "register nosuch",
    "models": "models nosuch",
    "promote": "promote nosuch@1",
    "approve": "approve nosuch@1",
    "exempt": "exempt churn@1 nosuch --reason r --owner o --until tomorrow",
    "rollback": "rollback nosuch",
    "webhooks": "webhooks nosuch",
    "package": "package --model nosuch@1",
    "packages": "packages --limit x",
    "serve": "serve nosuch",
    "list": "list --kind nosuch",
    "show": "show nosuch",
    "own": "own model/nosuch ada",
    "stage": "stage project/churn nosuch",
    "lineage": "lineage nosuch",
    "journal": "journal --limit x",
    "docs": "docs model/nosuch",
    "import mlflow": "import mlflow nosuch",
    "export mlflow": "export mlflow nosuch",
    "sync": "sync nosuch",
    "delete": "delete experiment/nosuch --yes",
    "undelete": "undelete experiment/nosuch",
    "gc": "gc --older-than x",
    "backup": "backup /dev/null/no",
    "restore": "restore nosuch --yes",
    "doctor": "doctor --project nosuch",
    "doctor store": "doctor store nosuch",
}
# May have nothing left to do, or say no of the machine.
ONCE = ("approve", "rollback", "delete", "undelete", "env drift", "doctor")
EXPERIMENT = """\
artifact_location: /nowhere
experiment_id: '7'
lifecycle_stage: active
name: imported
creation_time: 1700000000000
last_update_time: 1700000000000
"""
REMOTE = ("export mlflow", "sync")  # they need another server: tests/transfer starts it
SERVERS = ("up", "serve")  # they say one line when they are ready, and go on


class Road(NamedTuple):
    """A project that was run, with two versions that were champion one after the other."""

    project: Path
    environment: dict[str, str]

    def start(self, command: str, **options: Any) -> subprocess.Popen[bytes]:
        options = {
            "stdin": subprocess.DEVNULL,
            "stdout": subprocess.PIPE,
            "stderr": subprocess.PIPE,
        } | options
        options["env"] = self.environment | options.get("env", {})
        options.setdefault("cwd", self.project)
        command = command.replace("{folder}", str(Path(self.environment.get("PAVED_HOME", "/none")).parent))
        return subprocess.Popen([sys.executable, "-m", "pavedroad", *shlex.split(command)], **options)

    def run(self, command: str, **options: Any) -> subprocess.CompletedProcess[bytes]:
        with self.start(command, **options) as process:
            out, err = process.communicate(timeout=120)
        return subprocess.CompletedProcess(command, process.returncode, out or b"", err or b"")


@pytest.fixture(scope="module")
def road(tmp_path_factory: pytest.TempPathFactory) -> Road:
    folder = tmp_path_factory.mktemp("road")
    (folder / "user").mkdir()
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(folder / "user"),
        "PAVED_HOME": str(folder / "home"),
    }
    made = Road(folder, environment | {"LANG": "C.UTF-8", "COLUMNS": str(WIDTH), "PAVED_USER": "ada"})
    commands = ("new churn --owner team", "run", "register last", "register last")
    for command in (*commands, "promote churn@1", "promote churn@2"):
        done = made.run(command)
        assert done.returncode == 0, done
        made = Road(folder / "churn", made.environment)
    (folder / "mlruns" / "7").mkdir(parents=True)
    (folder / "mlruns" / "7" / "meta.yaml").write_text(EXPERIMENT, "utf-8")
    (folder / "failed.txt").write_text("ModuleNotFoundError: No module named 'lightgbm'", "utf-8")
    with record_of(Settings(home=folder / "home")) as record:
        for name in ("spare", "gone"):
            made_id = record.db.write(lambda tx, name=name: ensure_experiment(tx, name, who="ada")).id  # type: ignore[misc]
        record.db.write(lambda tx: delete_experiment(tx, made_id, who="ada"))
    assert made.run("backup {folder}/backup").returncode == 0
    return made


def check_manners(done: subprocess.CompletedProcess[bytes]) -> None:
    """However it ends, it ends with words and with one of the four codes."""
    assert b"Traceback" not in done.stderr, done
    assert b"Exception ignored" not in done.stderr, done
    assert done.returncode in (0, 1, 2, 3), done


def test_the_tables_of_these_tests_are_complete() -> None:
    assert [*WORKS] == NAMES
    assert [*FAILS] == NAMES
    assert {command.group for command in COMMANDS} == set(GROUPS)


# ------------------------------------------------------------------------------------------------- help


@pytest.mark.parametrize("name", ["", *NAMES])
def test_help_fits_eighty_columns_and_says_what_it_is_for(road: Road, name: str) -> None:
    done = road.run(f"{name} --help", cwd="/", env={"LC_ALL": "C", "PYTHONUTF8": "0"})
    lines = done.stdout.decode().splitlines()
    assert (done.returncode, done.stderr) == (0, b"")
    assert lines[0].startswith(f"Usage: paved {name}".rstrip())
    assert [line for line in lines if len(line) > WIDTH] == []
    assert lines[2].strip().endswith((".", ",")) or lines[3].strip(), lines  # a sentence says what it does
    assert name == "" or any(line.strip().startswith("--json") for line in lines)
    assert not any("TEXT" in line and line.rstrip().endswith("TEXT") for line in lines), (
        "an option unexplained"
    )


# ------------------------------------------------------------------------------------------------- JSON


@pytest.mark.parametrize("name", [name for name in NAMES if WORKS[name] and name not in (*SERVERS, *REMOTE)])
def test_with_json_the_answer_is_json_and_nothing_else(road: Road, tmp_path: Path, name: str) -> None:
    env = {"PAVED_USER": "bob"} if name == "approve" else {}
    done = road.run(f"{WORKS[name]} --json", env=env, **({"cwd": tmp_path} if name == "new" else {}))
    assert done.returncode == 0 or name in ONCE, done
    if name == "run":  # an event a line
        assert [json.loads(line)["event"] for line in done.stdout.splitlines()][-1] == "run_finished"
    else:
        assert json.loads(done.stdout) or name == "webhooks"  # there is none


@pytest.mark.parametrize("name", SERVERS)
def test_a_server_says_in_json_when_it_is_ready_and_stops_when_told(road: Road, name: str) -> None:
    with road.start(f"{WORKS[name]} --json") as server:
        assert server.stdout is not None
        said = json.loads(server.stdout.readline())
        server.send_signal(signal.SIGTERM)
        rest, errors = server.communicate(timeout=60)
    assert said["ready"] is True
    assert said["url"].startswith("http://127.0.0.1:")
    assert (server.returncode, rest, errors) == (0, b"", b"")


@pytest.mark.parametrize("name", NAMES)
def test_with_json_a_refusal_is_json_too(road: Road, name: str) -> None:
    done = road.run(f"{FAILS[name]} --json")
    check_manners(done)
    error = json.loads(done.stdout)["error"]
    assert done.returncode in (2, 3)
    assert error["code"].isupper()
    assert error["message"]
    assert error["hint"], "no next step"


# ------------------------------------------------------------------------------- wherever, however started

ANYWHERE = [name for name in NAMES if WORKS[name] and name not in (*SERVERS, *REMOTE, "new", "check", "run")]


@pytest.mark.parametrize("name", ANYWHERE)
def test_a_command_works_from_any_folder_and_without_an_account(road: Road, name: str) -> None:
    """No HOME, no USER, a folder without project."""
    environment = {name: value for name, value in road.environment.items() if name not in ("HOME", "USER")}
    done = Road(Path("/"), environment).run(WORKS[name])
    check_manners(done)
    assert done.returncode == 0 or name in ONCE, done


def test_the_whole_disk_is_not_a_project(road: Road) -> None:
    done = road.run("check", cwd="/")
    assert (done.returncode, done.stdout) == (2, b"")
    assert done.stderr.decode() == (
        "error: / is not a project\n next: change to a project, or name a folder: paved check PATH\n"
    )


@pytest.fixture
def gone(tmp_path: Path) -> Callable[[], None]:
    """To be called in the new process: its working directory is removed under it."""

    def leave() -> None:
        folder = tmp_path / "gone"
        folder.mkdir()
        os.chdir(folder)
        folder.rmdir()

    return leave


NEED_NO_FOLDER = ("explain", "triage", "advisories check")


@pytest.mark.parametrize("name", [name for name in NAMES if name not in NEED_NO_FOLDER])
def test_a_removed_working_directory_is_told_in_one_line(
    road: Road, gone: Callable[[], None], name: str
) -> None:
    done = road.run(WORKS[name] or name, preexec_fn=gone)
    assert done.returncode == 2, done
    assert done.stderr.decode() == (
        "error: the working directory is gone\n next: change to a folder that exists\n"
    )


@pytest.mark.parametrize("name", ["new", "list", "run", "runs", "promote", "up"])
def test_a_home_that_cannot_be_written_is_told_in_one_line(road: Road, tmp_path: Path, name: str) -> None:
    environment = road.environment | {"HOME": "/proc/none"}
    del environment["PAVED_HOME"]
    folder = tmp_path if name == "new" else road.project
    done = Road(folder, environment).run(WORKS[name])
    check_manners(done)
    if name == "new":  # needs no record
        assert done.returncode == 0, done
    else:
        assert done.returncode == 3, done
        assert done.stderr.decode().splitlines() == [
            "error: cannot make the folder /proc/none/.paved: No such file or directory",
            " next: choose another PAVED_HOME",
        ]


LETTERS = (
    {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"},
    {"PYTHONIOENCODING": "ascii"},
    {"PYTHONIOENCODING": "latin-1"},
)


@pytest.mark.parametrize("letters", LETTERS, ids=lambda letters: " ".join(letters.values()))
@pytest.mark.parametrize("name", ["promote", "run", "why", "show", "journal", "check", "explain"])
def test_a_terminal_of_few_letters_is_no_error(road: Road, name: str, letters: dict[str, str]) -> None:
    done = road.run(WORKS[name], env=letters)
    check_manners(done)
    assert done.returncode == 0, done


@pytest.mark.parametrize("name", ["list", "show", "journal", "explain", "promote", "run"])
def test_a_reader_that_stops_reading_is_no_error(road: Road, name: str) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    try:
        done = road.run(WORKS[name], stdout=writing)
    finally:
        os.close(writing)
    check_manners(done)
    assert done.returncode == 0, done


def test_a_run_goes_on_when_nobody_reads_what_it_says(road: Road) -> None:
    for say in ("run --no-cache", "run --no-cache --json"):
        with Path("/dev/full").open("wb") as full:
            check_manners(road.run(say, stdout=full))
    newest = json.loads(road.run("runs --json --limit 2").stdout)
    assert [run["status"] for run in newest] == ["FINISHED", "FINISHED"]


@pytest.mark.parametrize("options", ["", "--json"])
def test_a_full_disk_behind_the_output_is_told_in_one_line(road: Road, options: str) -> None:
    with Path("/dev/full").open("wb") as full:
        done = road.run(f"list {options}", stdout=full)
    assert done.returncode == 3
    assert done.stderr.decode() == "error: the system says: No space left on device\n next: free some space\n"


@pytest.mark.parametrize("closed", [0, 1, 2])
@pytest.mark.parametrize("name", ["list", "run", "check", "promote"])
def test_a_stream_that_was_closed_is_not_missed(road: Road, name: str, closed: int) -> None:
    done = road.run(WORKS[name], preexec_fn=lambda: os.close(closed))
    check_manners(done)
    assert done.returncode == 0, done


@pytest.fixture
def terminal() -> Callable[..., str]:
    """Run a command at a terminal of 80 columns; what it shows."""
    import fcntl
    import pty
    import struct
    import termios

    def run(road: Road, command: str, **environment: str) -> str:
        ours, theirs = pty.openpty()
        fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, WIDTH, 0, 0))
        streams: dict[str, Any] = {"stdin": theirs, "stdout": theirs, "stderr": theirs}
        with road.start(command, env={"TERM": "xterm", **environment}, **streams) as process:
            os.close(theirs)
            shown = b""
            while True:
                try:
                    part = os.read(ours, 65536)
                except OSError:  # EIO: the other end was closed
                    break
                if not part:
                    break
                shown += part
        os.close(ours)
        assert process.returncode in (0, 1)
        return shown.decode()

    return run


@pytest.mark.parametrize("name", ["promote", "run", "show", "check"])
def test_colours_are_for_a_person_who_wants_them(road: Road, terminal: Callable[..., str], name: str) -> None:
    command = {"check": "check --profile production"}.get(name, WORKS[name])
    assert "\x1b[" not in terminal(road, command, TERM="dumb", NO_COLOR="1").replace("\x1b[?25", "")
    assert b"\x1b[" not in road.run(command).stdout
    if name in ("promote", "run"):
        assert "\x1b[" in terminal(road, command)
