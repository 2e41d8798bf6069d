"""Shared by all tests: a record on SQLite or on a real PostgreSQL, the command, a running server.

No test sees the developer's own record: every test has its own PAVED_HOME and no other PAVED_* variable.
"""

from __future__ import annotations

import contextlib
import importlib.util
import json
import os
import pwd
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from pavedroad.config import Settings
from pavedroad.record import Record, open_record

PASSWORD = "open-sesame-8400"  # of a cluster that lives as long as the tests
TEST_ALL = os.environ.get("PAVED_TEST_ALL") == "1"
SERVER_START_TIMEOUT_S = 30.0


def need(present: object, reason: str) -> None:
    """Skip a test that cannot run here; fail when PAVED_TEST_ALL=1 promises that everything is there."""
    if not present:
        (pytest.fail if TEST_ALL else pytest.skip)(reason)


# ------------------------------------------------------------------------------------------ environment


@pytest.fixture(autouse=True)
def home(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A PAVED_HOME of this test's own, in the environment, and an empty HOME; neither is in tmp_path."""
    account = tmp_path_factory.mktemp("account")
    for variable in [name for name in os.environ if name.startswith(("PAVED_", "MLFLOW_"))]:
        if variable != "PAVED_TEST_ALL":
            monkeypatch.delenv(variable)
    (account / "user").mkdir()
    monkeypatch.setenv("HOME", str(account / "user"))
    monkeypatch.setenv("PAVED_HOME", str(account / "home"))
    return account / "home"


@pytest.fixture
def settings(home: Path) -> Settings:
    return Settings(home=home, user="ada")


@pytest.fixture(params=["sqlite", "postgresql"])
def any_settings(request: pytest.FixtureRequest, settings: Settings) -> Iterator[Settings]:
    """Settings that point at an empty SQLite file, then at an empty PostgreSQL database."""
    if request.param == "sqlite":
        yield settings
        return
    with request.getfixturevalue("postgres").database() as url:
        yield Settings(home=settings.home, user=settings.user, database=url)


@pytest.fixture(autouse=True)
def forget_mlflow() -> Iterator[None]:
    """MLflow's client remembers its server, its experiment and its runs until the process ends: not here."""
    yield
    fluent = sys.modules.get("mlflow.tracking.fluent")
    if fluent is not None:
        fluent._active_run_stack.set([])
        fluent._active_experiment_id = None
        sys.modules["mlflow"].set_registry_uri(None)
        sys.modules["mlflow"].set_tracking_uri(None)


# ------------------------------------------------------------------------------------------ records


@pytest.fixture
def record(settings: Settings, migrated_file: Path) -> Iterator[Record]:
    """An open record on SQLite."""
    settings.home.mkdir(parents=True)
    shutil.copyfile(migrated_file, settings.home / "paved.db")
    opened = open_record(settings)
    yield opened
    opened.close()


@pytest.fixture(params=["sqlite", "postgresql"])
def any_record(request: pytest.FixtureRequest, settings: Settings) -> Iterator[Record]:
    """An open record on SQLite, then on PostgreSQL."""
    if request.param == "sqlite":
        yield request.getfixturevalue("record")
        return
    with request.getfixturevalue("postgres").database(migrated=True) as url:
        opened = open_record(Settings(home=settings.home, user=settings.user, database=url))
        yield opened
        opened.close()


@pytest.fixture(scope="session")
def migrated_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A SQLite file with every table, to be copied: quicker than migrating anew for each test."""
    home = tmp_path_factory.mktemp("migrated")
    open_record(Settings(home=home)).close()
    return home / "paved.db"


# ------------------------------------------------------------------------------------------ PostgreSQL

# Runs the server until its own standard input ends, which also happens when the tests are killed.
KEEPER = """
import json, shutil, signal, subprocess, sys
folder, become, *command = sys.argv[1:]
server = subprocess.Popen(command, **json.loads(become))
sys.stdin.read()
server.send_signal(signal.SIGQUIT)  # at once: nothing of it is kept
server.wait()
shutil.rmtree(folder, ignore_errors=True)
"""


class Cluster:
    """A PostgreSQL server of these tests' own, with fsync on and passwords asked for."""

    def __init__(self, folder: Path, port: int) -> None:
        self.folder = folder
        self.port = port
        self._made = 0
        self._has_template = False

    def url(self, database: str) -> str:
        return f"postgresql://paved:{PASSWORD}@127.0.0.1:{self.port}/{database}"

    def new_database(self, *, migrated: bool = False) -> str:
        """The address of a fresh database, with or without our tables."""
        if migrated and not self._has_template:
            self.execute("CREATE DATABASE migrated")
            open_record(Settings(home=self.folder, database=self.url("migrated"))).close()
            self._has_template = True
        self._made += 1
        name = f"test_{self._made}"
        self.execute(f"CREATE DATABASE {name} TEMPLATE {'migrated' if migrated else 'template0'}")
        return self.url(name)

    @contextlib.contextmanager
    def database(self, *, migrated: bool = False) -> Iterator[str]:
        """A fresh database that is gone afterwards: hundreds of them fill a small disk."""
        url = self.new_database(migrated=migrated)
        try:
            yield url
        finally:
            self.execute(f"DROP DATABASE {url.rpartition('/')[2]} WITH (FORCE)")

    def execute(self, statement: str, *values: object) -> list[tuple[Any, ...]]:
        """Run one statement as the administrator."""
        import psycopg

        with psycopg.connect(self.url("postgres"), autocommit=True) as connection:
            cursor = connection.execute(statement, values)  # type: ignore[call-overload]
            return cursor.fetchall() if cursor.description else []


@pytest.fixture(scope="session")
def postgres() -> Iterator[Cluster]:
    """A real PostgreSQL, started for these tests; skipped where its programs are not installed."""
    programs = _postgres_programs()
    need(programs, "PostgreSQL's initdb and postgres are neither on PATH nor in /usr/lib/postgresql")
    need(importlib.util.find_spec("psycopg"), "psycopg is not installed (extra 'postgres')")
    folder = Path(tempfile.mkdtemp(prefix="paved-pg-"))
    owner = _postgres_owner()
    if owner:
        os.chown(folder, owner.pw_uid, owner.pw_gid)
    become: dict[str, Any] = (
        {"user": owner.pw_uid, "group": owner.pw_gid, "extra_groups": []} if owner else {}
    )
    port = free_port()
    keeper = _start_cluster(programs, folder, become, port)
    cluster = Cluster(folder, port)
    try:
        _wait_until_up(cluster, keeper)
        yield cluster
    finally:
        assert keeper.stdin is not None
        keeper.stdin.close()
        keeper.wait(timeout=120)


def _postgres_programs() -> Path | None:
    on_path = shutil.which("initdb")
    folders = [Path(on_path).resolve().parent] if on_path else []
    folders += sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    return next((folder for folder in folders if (folder / "postgres").exists()), None)


def _postgres_owner() -> pwd.struct_passwd | None:
    """The user that runs the server: ourselves, except that PostgreSQL refuses to run as root."""
    if os.geteuid() != 0:
        return None
    for name in ("postgres", "nobody"):
        with contextlib.suppress(KeyError):
            return pwd.getpwnam(name)
    need(False, "PostgreSQL does not run as root, and there is no user postgres or nobody")
    raise AssertionError("unreachable")


def _start_cluster(
    programs: Path, folder: Path, become: dict[str, Any], port: int
) -> subprocess.Popen[bytes]:
    (folder / "password").write_text(PASSWORD)
    (folder / "password").chmod(0o644)
    initdb = [
        str(programs / "initdb"),
        "-D",
        str(folder / "data"),
        "-U",
        "paved",
        "--encoding=UTF8",
        "--locale=C",
    ]
    initdb += ["--auth=scram-sha-256", f"--pwfile={folder / 'password'}", "--no-sync"]
    subprocess.run(initdb, check=True, capture_output=True, cwd=folder, **become)
    options = {
        "listen_addresses": "127.0.0.1",
        "unix_socket_directories": folder,
        "port": port,
        "max_connections": 100,
        "shared_buffers": "32MB",
        "log_destination": "stderr",
    }
    server = [str(programs / "postgres"), "-D", str(folder / "data")]
    server += [part for name, value in options.items() for part in ("-c", f"{name}={value}")]
    with (folder / "server.log").open("wb") as log:
        return subprocess.Popen(
            [sys.executable, "-c", KEEPER, str(folder), json.dumps(become), *server],
            stdin=subprocess.PIPE,
            stdout=log,
            stderr=log,
            cwd=folder,
            start_new_session=True,  # Ctrl-C reaches the tests only; the keeper sees them end
        )


def _wait_until_up(cluster: Cluster, keeper: subprocess.Popen[bytes]) -> None:
    import psycopg

    deadline = time.monotonic() + 30
    while True:
        try:
            cluster.execute("SELECT 1")
            return
        except psycopg.OperationalError:
            if keeper.poll() is not None or time.monotonic() > deadline:
                pytest.fail(f"PostgreSQL did not start:\n{(cluster.folder / 'server.log').read_text()}")
            time.sleep(0.1)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


# ------------------------------------------------------------------------------------------ the command


class Ran:
    """What a command answered."""

    def __init__(self, done: subprocess.CompletedProcess[str]) -> None:
        self.code = done.returncode
        self.out = done.stdout
        self.err = done.stderr

    @property
    def json(self) -> Any:
        return json.loads(self.out)


@pytest.fixture
def paved(tmp_path: Path, home: Path) -> Callable[..., Ran]:
    """`paved("list", "--json", cwd=folder, code=0)` runs the real command; `code=None` takes any code."""

    def run(
        *arguments: str | Path,
        cwd: Path | None = None,
        code: int | None = 0,
        env: Mapping[str, str] | None = None,
        input: str | None = None,  # noqa: A002 - subprocess's own word
        timeout_s: float = 120,
    ) -> Ran:
        done = subprocess.run(
            [sys.executable, "-m", "pavedroad.cli", *map(str, arguments)],
            cwd=cwd or tmp_path,
            env={**clean_environment(home), **(env or {})},
            input=input,
            stdin=subprocess.DEVNULL if input is None else None,
            capture_output=True,
            text=True,
            timeout=timeout_s,
        )
        command = " ".join(["paved", *map(str, arguments)])
        shown = f"{command} ended with {done.returncode}\n{done.stdout}\n{done.stderr}"
        assert "/pavedroad/cli.py" not in done.stderr, shown  # a traceback of ours; a step's own may be shown
        assert code is None or done.returncode == code, shown
        return Ran(done)

    return run


def clean_environment(home: Path) -> dict[str, str]:
    """What a fresh account has, without a user name: the path, a home folder, a language."""
    return {
        "PATH": os.environ["PATH"],
        "HOME": str(home.parent / "user"),
        "PAVED_HOME": str(home),
        "LANG": "C.UTF-8",
        "PYTHONDONTWRITEBYTECODE": os.environ.get("PYTHONDONTWRITEBYTECODE", ""),
    }


# ------------------------------------------------------------------------------------------ a running server


class Live:
    """A running `paved up` and a second door to its record."""

    def __init__(self, settings: Settings, *, port: int = 0) -> None:
        self.settings = settings
        self.home = settings.home
        environment = clean_environment(settings.home)
        if settings.database:
            environment["PAVED_DATABASE"] = settings.database
        self.log = settings.home.parent / "server.log"
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "pavedroad.cli", "up", "--port", str(port), "--json"],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=log,
                env=environment,
                cwd=settings.home.parent,
            )
        try:
            self.url = self._read_url()
        except BaseException:
            self.kill()
            raise
        self._record: Record | None = None

    def _read_url(self) -> str:
        """The address from the first line that the server prints, when it is ready."""
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        if not line:
            pytest.fail(f"paved up ended with {self.process.wait()}:\n{self.log.read_text()}")
        return str(json.loads(line)["url"]).rstrip("/")

    @property
    def record(self) -> Record:
        """The server's record, opened by this process."""
        if self._record is None:
            self._record = open_record(self.settings)
        return self._record

    def get(self, path: str) -> str:
        """The body of a page. Raises urllib's HTTPError for 4xx and 5xx."""
        with urllib.request.urlopen(self.url + path, timeout=30) as response:
            return str(response.read().decode())

    def kill(self) -> None:
        """End it at once, as a power cut would."""
        self._end(signal.SIGKILL)

    def stop(self) -> int:
        """Ask it to end; its exit code."""
        if self._record is not None:
            self._record.close()
        return self._end(signal.SIGTERM)

    def _end(self, how: signal.Signals) -> int:
        self.process.send_signal(how)
        try:
            return self.process.wait(timeout=SERVER_START_TIMEOUT_S)
        finally:
            self.process.kill()
            assert self.process.stdout is not None
            self.process.stdout.close()


@pytest.fixture
def start_server() -> Iterator[Callable[..., Live]]:
    """`start_server(settings)` runs `paved up`; what still runs at the end of the test is killed."""
    started: list[Live] = []

    def start(settings: Settings, *, port: int = 0) -> Live:
        started.append(Live(settings, port=port))
        return started[-1]

    yield start
    for server in started:
        if server.process.poll() is None:
            server.kill()


@pytest.fixture
def live(settings: Settings) -> Iterator[Live]:
    """A running `paved up` on SQLite."""
    server = Live(settings)
    yield server
    server.stop()


@pytest.fixture(scope="module")
def shared_live(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    """One running `paved up` on SQLite for all tests of a file that do not mind each other's rows."""
    account = tmp_path_factory.mktemp("account")
    (account / "user").mkdir()
    server = Live(Settings(home=account / "home", user="ada"))
    yield server
    server.stop()


@pytest.fixture
def any_live(any_settings: Settings) -> Iterator[Live]:
    """A running `paved up` on SQLite, then on PostgreSQL."""
    server = Live(any_settings)
    yield server
    server.stop()
