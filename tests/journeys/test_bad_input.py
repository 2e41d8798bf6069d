"""Bad input on the command line and in settings: one line says what with the value, one what to do next."""

from __future__ import annotations

import json
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import pytest


class Case(NamedTuple):
    command: str
    code: int
    says: str
    next: str


COMMANDS = (
    Case("nosuch", 2, "no command 'nosuch'", "paved --help"),
    Case("lst", 2, "no command 'lst'", "did you mean 'list'"),
    Case("--nosuch", 2, "'--nosuch'", "paved --help"),
    Case("list --nosuch", 2, "'--nosuch'", "paved list --help"),
    Case("list --kind modle", 2, "'modle'", "did you mean 'model'"),
    Case("list --stage prod", 2, "'prod'", "production"),
    Case("list --limit -1", 2, "-1", "paved list --help"),
    Case("list --limit many", 2, "'many'", "paved list --help"),
    Case("show", 2, "'WHAT'", "paved show --help"),
    Case("show none", 2, "'none'", "paved runs"),
    Case("show model/none", 2, "'model/none'", "paved list"),
    Case("show modle/m", 2, "'modle'", "did you mean 'model'"),
    Case("show model/", 2, "'model/'", "kind/name"),
    Case("show model/a@", 2, "''", "1 to 500 characters"),
    Case("show model/m@77", 2, "77", "paved "),
    Case("own model/m", 2, "'OWNER'", "paved own --help"),
    Case("own model/none ops", 2, "'model/none'", "paved list"),
    Case("own m ops", 2, "'m'", "kind/name"),
    Case("stage model/m Moon", 2, "'Moon'", "production"),
    Case("stage model/none draft", 2, "'model/none'", "paved list"),
    Case("lineage m", 2, "'m'", "kind/name"),
    Case("lineage model/none", 2, "'model/none'", "paved list"),
    Case("journal --limit x", 2, "'x'", "paved journal --help"),
    Case("journal --who", 2, "'--who'", "--help"),
    Case("register", 2, "'RUN'", "paved register --help"),
    Case("register none", 2, "'none'", "paved runs"),
    Case("models none", 2, "none", "paved models"),
    Case("promote", 2, "MODEL@VERSION", "paved promote --help"),
    Case("promote m", 2, "'m'", "MODEL@VERSION"),
    Case("promote none@1", 2, "none", "paved models"),
    Case("promote m@77", 2, "77", "paved models m"),
    Case("promote m@x", 2, "x", "paved models m"),
    Case("promote m@1 --to v1", 2, "'v1'", ""),
    Case(f"promote m@{'9' * 30}", 2, "9" * 30, "paved models m"),
    Case("approve none@1", 2, "none", "paved models"),
    Case("exempt m@1", 2, "'GATE'", "paved exempt --help"),
    Case("rollback none", 2, "none", "paved models"),
    Case("rollback m", 1, "m", ""),
    Case("serve none", 2, "'none'", "paved models"),
    Case("serve m@77", 2, "77", "paved models"),
    Case("serve m@1 --port 99999", 2, "99999", "paved serve --help"),
    Case("up --port 99999", 2, "99999", "paved up --help"),
    Case("up --host nosuch.invalid --port 0", 3, "nosuch.invalid", "--host"),
    Case("up now", 2, "now", "paved up --help"),
    Case("check nosuch", 2, "nosuch", "check the path"),
    Case("check --profile best", 2, "'best'", "paved check --help"),
    Case("explain NOSUCH", 2, "'NOSUCH'", "paved explain"),
    Case("demo --nosuch", 2, "'--nosuch'", "paved demo --help"),
)
SETTINGS = (
    Case("prt = 1", 2, "unknown setting 'prt'", "did you mean 'port'"),
    Case("port = 'many'", 2, "'many' is not a whole number", "whole number"),
    Case("port = 99999", 2, "99999", "another port"),
    Case("port =", 2, "not valid TOML", "correct that line"),
    Case("gates = 1", 2, "1 is not a table", "a table"),
    Case("database = 'mysql://ada:hush@host/x'", 2, "mysql://ada:***@host/x", "postgresql://"),
    Case("database = 'postgresql://ada:hush@127.0.0.1:1/x'", 3, "ada:***@127.0.0.1:1", "PostgreSQL is up"),
    Case("database = 'sqlite:///paved.toml'", 2, "paved.toml is not a SQLite database", "another file"),
    Case("database = 'sqlite:///paved.toml/x.db'", 3, "cannot make the folder", "PAVED_HOME"),
    Case("files = 'ftp://host'", 2, "ftp://host", "s3://bucket"),
    Case("files = 's3://'", 2, "without a plain bucket name", "s3://bucket"),
)
VARIABLES = (
    Case("PAVED_DATABSE=x", 2, "PAVED_DATABSE", "did you mean 'PAVED_DATABASE'"),
    Case("PAVED_PORT=many", 2, "'many'", "whole number"),
    Case("PAVED_HOME=/proc/nosuch", 3, "/proc/nosuch", "PAVED_HOME"),
    Case("PAVED_HOME=/dev/null", 3, "/dev/null", "PAVED_HOME"),
    Case("PAVED_HOME=~nosuchuser/x", 2, "'~nosuchuser/x'", "PAVED_HOME"),
    Case("PAVED_DATABASE=paved.db", 2, "'paved.db'", "sqlite:///"),
)


@pytest.fixture(scope="module")
def with_a_model(shared_live: Any) -> dict[str, str]:
    """The environment of a record that has a run, a model and a version of it."""

    def post(path: str, **body: str) -> Any:
        request = urllib.request.Request(
            f"{shared_live.url}/api/2.0/mlflow/{path}",
            data=json.dumps(body).encode(),
            headers={"Content-Type": "application/json"},
        )
        with urllib.request.urlopen(request) as response:
            return json.load(response)

    post("experiments/create", name="e")
    run_id = post("runs/create", experiment_id="1")["run"]["info"]["run_id"]
    post("registered-models/create", name="m")
    post("model-versions/create", name="m", source=f"runs:/{run_id}/model", run_id=run_id)
    return {"PAVED_HOME": str(shared_live.home)}


def check(ran: Any, case: Case) -> None:
    assert ran.err.startswith("error: "), ran.err
    what, _, hint = ran.err.partition("\n next: ")
    assert case.says in what, ran.err
    assert case.next in hint, ran.err
    assert hint.strip(), "no next step"
    assert "hush" not in ran.err + ran.out


@pytest.mark.parametrize("case", COMMANDS, ids=lambda case: case.command)
def test_a_wrong_command_says_what_and_what_next(
    paved: Callable[..., Any], with_a_model: dict[str, str], case: Case
) -> None:
    check(paved(*case.command.split(), code=case.code, env=with_a_model), case)


@pytest.mark.parametrize("case", SETTINGS, ids=lambda case: case.command)
def test_a_wrong_file_of_settings_says_what_and_what_next(
    paved: Callable[..., Any], tmp_path: Path, case: Case
) -> None:
    (tmp_path / "paved.toml").write_text(case.command)
    check(paved("list", code=case.code, env={"PAVED_HOME": str(tmp_path)}), case)


@pytest.mark.parametrize("case", VARIABLES, ids=lambda case: case.command)
def test_a_wrong_variable_says_what_and_what_next(paved: Callable[..., Any], case: Case) -> None:
    variable, _, value = case.command.partition("=")
    check(paved("list", code=case.code, env={variable: value}), case)


@pytest.mark.parametrize("command", ["list --kind modle", "show model/none", "nosuch", "list --nosuch"])
def test_with_json_the_refusal_is_json(paved: Callable[..., Any], command: str) -> None:
    error = paved(*command.split(), "--json", code=2).json["error"]
    assert error["code"]
    assert error["message"]
    assert error["hint"]


def test_bytes_that_are_no_text_are_refused(paved: Callable[..., Any], with_a_model: dict[str, str]) -> None:
    for command in (
        ("show", "model/\udcff"),
        ("list", "\udcff"),
        ("own", "model/m", "\udcff"),
        ("journal", "--who", "\udcff"),
        ("check", "\udcff"),
    ):
        ran = paved(*command, code=2, env=with_a_model)
        assert ran.err.startswith("error: "), ran.err
