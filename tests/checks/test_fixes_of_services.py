"""What the fixes of the rules about services and security write."""

from collections.abc import Callable
from pathlib import Path

import pytest

from pavedroad.checks import check_project
from pavedroad.checks.fixes import plan_changes, write_changes
from pavedroad.checks.model import Finding

MakeProject = Callable[[dict[str, str]], Path]


def fixed(root: Path, rule: str, *, unsafe: bool = True) -> tuple[Finding, ...]:
    """Apply the fixes of one rule; what it still says."""
    write_changes(plan_changes(check_project(root, only=[rule]).findings, root, unsafe=unsafe), root)
    return check_project(root, only=[rule]).findings


def test_a_health_route_is_added_behind_the_app_and_answers(make_project: MakeProject) -> None:
    root = make_project({"app.py": "from flask import Flask\n\napp = Flask(__name__)  # rides\nLIMIT = 3\n"})

    assert fixed(root, "SVC601") == ()
    assert (root / "app.py").read_text() == (
        "from flask import Flask\n\napp = Flask(__name__)  # rides\n\n\n"
        '@app.route("/health")\ndef health():\n    return {"status": "ok"}\n\n\nLIMIT = 3\n'
    )


def test_a_name_that_is_taken_is_left_alone(make_project: MakeProject) -> None:
    root = make_project(
        {"app.py": "from fastapi import FastAPI\nfrom rides import health\n\napp = FastAPI()\n"}
    )

    assert len(fixed(root, "SVC601")) == 1
    assert "route" not in (root / "app.py").read_text()


def test_async_is_taken_away_only_where_nothing_awaits_the_function(make_project: MakeProject) -> None:
    route = '@app.post("/{0}")\nasync def {0}(rows):\n    return model.predict(rows)\n'
    root = make_project(
        {
            "app.py": "from fastapi import FastAPI\n\napp = FastAPI()\n\n\n"
            + "\n\n".join(route.format(name) for name in ("predict", "predict_awaited", "predict_imported")),
            "other.py": "from app import predict_imported\n",
            "more.py": "x = 1\n",
        }
    )
    (root / "app.py").write_text(
        (root / "app.py").read_text() + "\n\nasync def f(): await predict_awaited(1)\n"
    )

    left = fixed(root, "SVC603", unsafe=False)
    assert [finding.says.split()[0] for finding in left] == ["predict_awaited", "predict_imported"]
    assert "\ndef predict(rows):\n" in (root / "app.py").read_text()


@pytest.mark.parametrize(
    ("test", "is_fixed"),
    [("assert True\n", True), ("import requests\nrequests.get.assert_called_with(url)\n", False)],
)
def test_a_timeout_is_safe_unless_a_test_looks(make_project: MakeProject, test: str, is_fixed: bool) -> None:
    root = make_project({"fetch.py": "import requests\n\nrequests.get(url)\n", "tests/test_fetch.py": test})

    assert (fixed(root, "SVC604", unsafe=False) == ()) is is_fixed
    assert fixed(root, "SVC604") == ()
    assert (root / "fetch.py").read_text().endswith("requests.get(url, timeout=30)\n")


@pytest.mark.parametrize(
    ("base", "line"),
    [
        ("python:3.11-slim", "useradd --create-home --uid 10001 app"),
        ("alpine:3.20", "adduser -D -u 10001 app"),
    ],
)
def test_a_user_is_made_before_the_start(make_project: MakeProject, base: str, line: str) -> None:
    root = make_project({"Dockerfile": f'FROM {base}\nCOPY app.py .\n# go\nENTRYPOINT ["./app.py"]\n'})

    assert fixed(root, "SVC608") == ()
    assert f"# go\nRUN {line}\nUSER app\nENTRYPOINT" in (root / "Dockerfile").read_text()


def test_permissions_are_written_before_the_jobs(make_project: MakeProject) -> None:
    root = make_project(
        {".github/workflows/ci.yml": "on: push\n\n# all\njobs:\n  a:\n    steps: [{run: b}]\n"}
    )

    assert fixed(root, "SEC704") == ()
    text = (root / ".github/workflows/ci.yml").read_text()
    assert text.startswith("on: push\n\n# all\npermissions:\n  contents: read\n\njobs:\n")


def test_the_names_of_a_dotenv_file_are_kept_without_its_values(make_project: MakeProject) -> None:
    root = make_project({".env": "# ours\nDB_PASSWORD=kT9w-qLz2\nDEBUG=1\n", ".gitignore": "*.pyc"})

    assert fixed(root, "SEC702") == ()
    assert (root / ".env.example").read_text() == "DB_PASSWORD=\nDEBUG=\n"
    assert (root / ".gitignore").read_text() == "*.pyc\n/.env\n"


def test_what_git_keeps_is_told_but_not_fixed_twice(
    make_project: MakeProject, git: Callable[..., str]
) -> None:
    root = make_project({".env": "DB_PASSWORD=kT9w-qLz2\n"})
    git(root, "init", "-q")
    git(root, "add", "-f", ".env")

    (left,) = fixed(root, "SEC702")
    assert left.fix is None
    assert left.says == ".env with DB_PASSWORD is in git"
    git(root, "rm", "-q", "--cached", ".env")
    assert check_project(root, only=["SEC702"]).findings == ()


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("yaml.load(text)", "yaml.safe_load(text)"),
        ("yaml.load(text, Loader=yaml.Loader)", "yaml.load(text, Loader=yaml.SafeLoader)"),
        ("yaml.load_all(text, yaml.UnsafeLoader)", "yaml.load_all(text, yaml.SafeLoader)"),
        ("yaml.unsafe_load(text)", "yaml.safe_load(text)"),
    ],
)
def test_yaml_is_loaded_safely(make_project: MakeProject, before: str, after: str) -> None:
    root = make_project({"read.py": f"import yaml\n\nname = 'é'; rows = {before}  # ours\n"})

    assert fixed(root, "SEC703", unsafe=False) == ()
    assert (root / "read.py").read_text() == f"import yaml\n\nname = 'é'; rows = {after}  # ours\n"
