import json
import os
import shutil
import stat
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from pavedroad.environments.doctor import report_text
from pavedroad.environments.examination import Report
from pavedroad.environments.probe import Line

Paved = Callable[..., Any]


@pytest.fixture
def project(tmp_path: Path) -> Path:
    folder = tmp_path / "churn"
    folder.mkdir()
    (folder / "pyproject.toml").write_text('[project]\nname = "churn"\n')
    return folder


def tool(folder: Path, name: str, script: str) -> dict[str, str]:
    """The environment in which this program is found first."""
    folder.mkdir(exist_ok=True)
    file = folder / name
    file.write_text(f"#!/bin/sh\n{script}\n")
    file.chmod(file.stat().st_mode | stat.S_IXUSR)
    return {"PATH": f"{folder}{os.pathsep}{os.environ['PATH']}"}


def line_of(done: Any, check: str) -> dict[str, Any]:
    return next(line for line in json.loads(done.out)["lines"] if line["check"] == check)


def test_the_screen_fits_eighty_columns_and_says_what_to_do() -> None:
    lines = [
        Line(check="python", verdict="ok", says="3.11.7 in .venv"),
        Line(
            check="aws login",
            verdict="fail",
            says="expired 3 days ago (~/.aws/sso/cache/a-long-name-of-a-session.json)",
            next_step="`aws sso login`, or new keys",
            details=["a detail"],
        ),
    ]
    report = Report(
        machine="lab",
        system="Linux x86_64",
        project="churn",
        python="3.11.7",
        at_ms=1,
        took_ms=400,
        lines=lines,
    )
    assert report_text(report, width=80).split("\n") == [
        "lab: project churn, Linux x86_64",
        "ok    python     3.11.7 in .venv",
        "fail  aws login  expired 3 days ago",
        "                 (~/.aws/sso/cache/a-long-name-of-a-session.json)",
        "                 a detail",
        "                 next: `aws sso login`, or new keys",
        "1 ok, 0 warn, 1 fail; 2 lines in 0.4 s",
    ]


def test_a_broken_driver_is_found_through_the_path(paved: Paved, project: Path, tmp_path: Path) -> None:
    env = tool(tmp_path / "bin", "nvidia-smi", "echo 'NVIDIA-SMI has failed'; exit 9")
    done = paved("doctor", "--json", cwd=project, env=env, code=1)
    assert line_of(done, "gpu")["verdict"] == "fail"
    assert json.loads(done.out)["verdict"] == "fail"


def test_an_older_system_is_examined_under_its_root(paved: Paved, project: Path, tmp_path: Path) -> None:
    root = tmp_path / "image"
    (root / "lib64").mkdir(parents=True)
    (root / "lib64" / "libc.so.6").write_bytes(b"GNU C Library stable release version 2.17.\n")
    done = paved("doctor", "--root", root, "--json", cwd=project, code=None)
    assert json.loads(done.out)["system"].endswith("glibc 2.17")


def test_what_was_pushed_is_seen_on_the_board(paved: Paved, project: Path, live: Any, tmp_path: Path) -> None:
    env = tool(tmp_path / "bin", "nvidia-smi", "echo 'NVIDIA-SMI has failed'; exit 9")
    done = paved("doctor", "--server", live.url, cwd=project, env=env, code=1)
    assert f"kept by the server: {live.url}/environments/1" in done.err

    with urllib.request.urlopen(f"{live.url}/environments.json") as answer:
        (row,) = json.loads(answer.read())["rows"]
    assert (row["project"], row["verdict"]) == ("churn", "fail")
    assert row["failing"][0]["check"] == "gpu"
    for path in ("/environments", "/environments/1", "/environments?q=churn", "/environments?q=nobody"):
        with urllib.request.urlopen(live.url + path) as answer:
            assert answer.status == 200


@pytest.mark.parametrize(
    ("server", "says", "code"),
    [("ftp://lab", "is no address of a server", 2), ("http://127.0.0.1:1", "cannot be reached", 3)],
)
def test_a_server_that_cannot_take_it_is_told(
    paved: Paved, project: Path, server: str, says: str, code: int
) -> None:
    assert says in paved("doctor", "--server", server, cwd=project, code=code).err


def test_it_still_has_the_examination_of_the_record(paved: Paved, project: Path) -> None:
    assert "database" in paved("doctor", "store", cwd=project).out


@pytest.mark.skipif(shutil.which("nvidia-smi") is None, reason="no NVIDIA GPU on this machine")
def test_a_real_gpu_is_seen(paved: Paved, project: Path) -> None:
    line = line_of(paved("doctor", "--json", cwd=project, code=None), "gpu")
    assert "driver" in line["says"]
