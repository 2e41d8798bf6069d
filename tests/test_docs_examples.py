"""Every example of README.md and docs/ is run here or by a test named here; what cannot be run says why."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parent.parent
PAGES = (ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md")))
FENCED = re.compile(r"^```(?:python|sh|console)\n(.*?)^```", re.DOTALL | re.MULTILINE)

# By page and first line of the example.
RUN_BY_ANOTHER_TEST = {
    ("advisories.md", "import numpy as np"): "tests/advisories/test_docs.py",
    ("advisories.md", "$ paved advisories"): "tests/advisories/test_docs.py",
    ("advisories.md", "paved advisories publish acme-1.toml"): "tests/advisories/test_docs.py",
    ("checks.md", "import pandas as pd"): "tests/checks/test_docs.py",
    ("checks.md", "$ paved check --rule REP"): "tests/checks/test_docs.py",
    ("checks.md", "$ paved check --write-baseline"): "tests/checks/test_docs.py",
    ("checks.md", "from collections.abc import Iterator"): "tests/checks/test_plugins.py",
    ("checks.md", "import pytest\nfrom pathlib import Path"): "tests/checks/test_plugins.py",
    ("code-in-the-cache.md", "# late/settings.py"): "tests/pipelines/code/test_page.py",
    ("documents.md", "$ paved docs --out site"): "tests/documents/test_page.py",
    ("documents.md", "from pavedroad.documents import Document, Prose, Table"): (
        "tests/documents/test_site.py"
    ),
    ("environments.md", "$ paved env show"): "tests/environments/test_page.py",
    ("environments.md", "$ paved env diff HEAD~1 HEAD"): "tests/environments/test_page.py",
    ("environments.md", "$ paved env drift"): "tests/environments/test_page.py",
    ("environments.md", "$ paved env fits --python 3.14"): "tests/environments/test_page.py",
    ("gates.md", "import msgspec"): "tests/registry/test_gates_page.py",
    ("housekeeping.md", "$ paved delete experiment/flights"): "tests/housekeeping/test_page.py",
    ("housekeeping.md", "$ paved gc --older-than 0 --grace 0"): "tests/housekeeping/test_page.py",
    ("housekeeping.md", "$ paved backup keep"): "tests/housekeeping/test_page.py",
    ("housekeeping.md", "$ paved doctor store"): "tests/housekeeping/test_page.py",
    ("oncall.md", "$ paved oncall rotation ada bob cyd"): "tests/desk/test_rota_cli.py",
    ("packaging.md", "$ paved package\n"): "tests/delivery/test_page.py",
    ("packaging.md", "$ paved packages\n"): "tests/delivery/test_page.py",
    ("runs.md", "$ paved runs --filter"): "tests/pipelines/test_runs_cli.py",
    ("storage.md", "$ PAVED_DATABASE=postgresql://ada:secret@127.0.0.1:1/paved paved list"): (
        "tests/test_storage_page.py"
    ),
    ("tracking.md", "from pavedroad.config import read_settings"): "tests/tracking/test_tracking_page.py",
    ("triage.md", "$ paved triage failed.log"): "tests/desk/test_page.py",
    ("webhooks.md", "from mlflow import MlflowClient"): "tests/registry/test_webhooks_page.py",
    ("webhooks.md", "import base64"): "tests/registry/test_webhooks_page.py",
}
NOT_RUN = {
    ("README.md", "make demo"): "installs; .ci/run and a fresh clone do it",
    ("README.md", "export MLFLOW_TRACKING_URI=http://127.0.0.1:8400"): "one variable, used in tracking.md",
    ("checks.md", 'frame = pd.read_csv("/lab/rides.csv")'): "one line; ignores are tested in tests/checks",
    ("scaffold.md", "python -m pavedroad.scaffold.relock"): "asks the package index",
    ("serving.md", "$ paved serve flights@champion"): "tests/serving serves such a model",
    ("serving.md", "$ curl -s http://127.0.0.1:8500/v2/models/flights/infer -d '{"): "the same",
    ("tracking.md", "$ paved up"): "the servers of these tests are started so",
}
RUN_HERE = (
    ("README.md", 'pip install ".[demo]"'),
    ("README.md", "import pavedroad as paved"),
    ("models.md", "import pavedroad as paved"),
    ("models.md", "from pathlib import Path"),
    (
        "pages.md",
        "$ curl -s 'http://127.0.0.1:8400/runs.json?filter=metrics.auc+>+0.7&columns=metrics.auc' |",
    ),
    ("pipelines.md", "# letters.py"),
    ("scaffold.md", "$ paved new churn --template pipeline --owner retention-team"),
    ("tracking.md", "import mlflow"),
)


def examples() -> list[tuple[str, str]]:
    return [
        (page.name, text)
        for page in PAGES
        for text in FENCED.findall(page.read_text("utf-8"))
        if text.strip()
    ]


def example(page: str, start: str) -> str:
    (text,) = [text for name, text in examples() if name == page and text.startswith(start)]
    return text


def shell(script: str, home: Path, cwd: Path) -> str:
    """What a script prints; it fails with its first command that fails."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(
        ["bash", "-e", "-o", "pipefail", "-c", script],
        cwd=cwd,
        env={"PATH": path, "HOME": str(home), "PAVED_HOME": str(home), "LANG": "C.UTF-8"},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def run_python(code: str, cwd: Path) -> dict[str, Any]:
    """Run an example as a file of its own, as a reader would; the names that it defines."""
    (cwd / "example.py").write_text(code, "utf-8")
    names: dict[str, Any] = {"__name__": "example", "__file__": str(cwd / "example.py")}
    exec(compile(code, str(cwd / "example.py"), "exec"), names)
    return names


def test_every_example_is_run_or_says_why_not() -> None:
    named = [*RUN_BY_ANOTHER_TEST, *NOT_RUN, *RUN_HERE]
    for page, text in examples():
        found = [start for name, start in named if name == page and text.startswith(start)]
        assert len(found) == 1, f"{page}: nothing says how this example is run:\n{text}"
    assert len(named) == len(examples()), "an example that is named here has gone"


@pytest.mark.parametrize("test", sorted(set(RUN_BY_ANOTHER_TEST.values())))
def test_a_test_that_is_said_to_run_an_example_reads_its_page(test: str) -> None:
    page = next(page for (page, _), named in RUN_BY_ANOTHER_TEST.items() if named == test)
    assert page in (ROOT / test).read_text("utf-8")


def test_the_readmes_road_leads_to_a_champion(home: Path, tmp_path: Path) -> None:
    pytest.importorskip("sklearn")
    lines = example("README.md", "pip install").splitlines()
    road = [line for line in lines if not line.startswith(("pip install", "paved serve", "paved up"))]
    assert len(lines) - len(road) == 3
    assert "churn@1 is champion" in shell("\n".join(road), home, tmp_path)


def test_the_readmes_pipeline_runs_as_it_says(home: Path, tmp_path: Path) -> None:
    (tmp_path / "doubled.py").write_text(example("README.md", "import pavedroad as paved"))
    said = shell("paved run doubled.py --upto 8", home, tmp_path)
    assert "`paved run doubled.py --upto 8` runs it" in (ROOT / "README.md").read_text("utf-8")
    assert re.search(r"add +ran .* 56\n", said), said


def test_the_page_of_pipelines_shows_what_is_printed(home: Path, tmp_path: Path) -> None:
    page = (ROOT / "docs" / "pipelines.md").read_text("utf-8")
    (tmp_path / "letters.py").write_text(example("pipelines.md", "# letters.py"))
    (told,) = re.findall(r"```text\n\$ (paved run letters.py .*?)```", page, re.DOTALL)
    command, _, expected = told.partition("\n")
    assert _steady(shell(command, home, tmp_path)) == _steady(expected)


def test_a_new_project_says_what_its_page_shows(home: Path, tmp_path: Path) -> None:
    command, _, expected = example("scaffold.md", "$ paved new").removeprefix("$ ").partition("\n")
    assert shell(command, home, tmp_path) == expected.replace("/home/you", str(tmp_path))


def test_the_models_page_makes_saves_and_loads_a_model(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pandas = pytest.importorskip("pandas")
    pytest.importorskip("sklearn")
    from pavedroad.models import write_model

    before = (
        "import pandas as pd\n"
        "from sklearn.ensemble import HistGradientBoostingClassifier\n"
        "CARD = 'For tests.'\n"
    )
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    rows = 120
    rides = pandas.DataFrame(
        {
            "distance": [float(100 + row) for row in range(rows)],
            "wind": [float(row % 40) for row in range(rows)],
            "hour": [row % 24 for row in range(rows)],
            "late": [row % 40 > 20 for row in range(rows)],
        }
    )
    train = run_python(before + example("models.md", "import pavedroad"), tmp_path)["train"]
    write_model(tmp_path / "model", train(rides, depth=3))
    model = run_python(example("models.md", "from pathlib import Path"), tmp_path)["model"]
    assert model.predict({"distance": [300.0], "wind": [31.5], "hour": [7]}) is not None


@pytest.mark.filterwarnings("ignore")  # MLflow's own
def test_the_page_of_tracking_logs_a_run(live: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("mlflow", "pandas", "sklearn"):
        pytest.importorskip(name)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", live.url)
    monkeypatch.chdir(tmp_path)
    before = (
        "import pandas as pd\nfrom sklearn.linear_model import LogisticRegression\n"
        "frame = pd.DataFrame({'wind': [1.0, 30.0, 2.0, 35.0]})\n"
        "model = LogisticRegression().fit(frame, [0, 1, 0, 1])\n"
    )
    (tmp_path / "train.py").write_text(before + example("tracking.md", "import mlflow"))
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "train.py"], capture_output=True, text=True, timeout=240, check=False
    )
    assert done.returncode == 0, done.stderr

    from pavedroad.tracking import run_inputs, search_runs

    experiment = live.record.db.value("SELECT id FROM experiments WHERE name = :name", name="flights")
    (run,), _ = search_runs(live.record.db, [str(experiment)], "params.depth = '8' AND metrics.auc = 0.91")
    assert run.name == "depth 8"
    assert [data.name for data in run_inputs(live.record.db, run.id)] == ["weather"]


def test_the_page_of_pages_asks_for_runs_as_json(live: Any, tmp_path: Path) -> None:
    from pavedroad.tracking import Metric, ensure_experiment, log_batch, start_run

    def write(tx: Any) -> None:
        experiment = ensure_experiment(tx, "late-flights", who="ada")
        for value in (0.6, 0.752):
            run_id = start_run(
                tx,
                experiment_id=experiment.id,
                name="late-flights",
                user="ada",
                start_ms=time.time_ns() // 1_000_000,
                tags={},
                params={},
            )
            log_batch(tx, run_id, metrics=[Metric(key="auc", value=value, at_ms=1, step=0)])

    live.record.db.write(write)
    lines = example("pages.md", "$ curl").splitlines()
    command = "\n".join(line[2:] for line in lines if line.startswith(("$ ", "> ")))
    said = shell(command.replace("http://127.0.0.1:8400", live.url), tmp_path, tmp_path)
    assert said == "late-flights RUNNING 0.752\n"


def _steady(text: str) -> str:
    """Without what differs from run to run: ids and durations."""
    text = re.sub(r"\b[0-9a-f]{8}\b", "ID", text)
    text = re.sub(r" +[0-9.]+ m?s\b", " TIME", text)
    return text.strip()


def test_what_is_left_out_of_a_comparison_is_only_ids_and_times() -> None:
    assert (
        _steady("run bb1b0e78\n  words   ran   1.5 ms  list of 3") == "run ID\n  words   ran TIME  list of 3"
    )
