"""The tool of `bench/corpus.py`, and the verdicts that are kept beside it."""

import csv
import importlib.util
import json
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest

from pavedroad.checks import all_rules

ROOT = Path(__file__).parents[2]
SCRIPT = ROOT / "bench" / "corpus.py"
MakeProject = Callable[[dict[str, str]], Path]


@pytest.fixture
def corpus() -> ModuleType:
    spec = importlib.util.spec_from_file_location("corpus", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def run(*arguments: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, SCRIPT, *map(str, arguments)], capture_output=True, text=True)


def test_both_ways_of_naming_a_checkout_are_read(corpus: ModuleType, tmp_path: Path) -> None:
    for name in ("ann+rides", "bob/fares", ".git/hooks"):
        (tmp_path / name).mkdir(parents=True)

    assert list(corpus.checkouts(tmp_path)) == [
        ("ann/rides", tmp_path / "ann+rides"),
        ("bob/fares", tmp_path / "bob" / "fares"),
    ]


def test_precision_is_counted_over_what_was_judged(corpus: ModuleType) -> None:
    def hit(repository: str, verdict: str) -> object:
        return corpus.Hit(
            code="REP201",
            repository=repository,
            commit="",
            path="a.py",
            cell=0,
            line=1,
            says="",
            verdict=verdict,
        )

    (row,) = corpus.rows_of([hit("a/a", "right"), hit("a/a", "wrong"), hit("b/b", "")])

    assert (row.findings, row.repositories, row.sampled, row.right, row.precision) == (3, 2, 2, 1, 0.5)
    assert not row.is_sampled_enough
    assert corpus.line_of(row, 0.9).endswith("0.50  judge 3 at least, below 0.9")


def test_the_table_and_the_list_name_what_was_found(make_project: MakeProject, tmp_path: Path) -> None:
    make_project({"ann+rides/train.py": "import requests\n\nrequests.get(url)\n"})
    folder = tmp_path / "project"

    shown = run(folder, "--rule", "SVC604").stdout.splitlines()
    assert shown[1].split() == ["SVC604", "1", "1", "0", "0", "-", "judge", "1", "at", "least"]
    assert shown[-1] == "no rule failed, every finding has a line"

    listed = run(folder, "--rule", "SVC604", "--unjudged").stdout
    assert listed.startswith("SVC604  ann/rides  train.py:3  requests.get without a timeout")

    content = json.loads(run(folder, "--rule", "SVC604", "--json").stdout)
    assert content["overall"]["findings"] == 1
    assert content["findings"][0]["line"] == 3


def test_a_folder_without_checkouts_is_refused(tmp_path: Path) -> None:
    assert "no checkouts in" in run(tmp_path).stderr
    assert "no folder" in run(tmp_path / "none").stderr


def test_a_verdict_that_is_neither_names_its_line(corpus: ModuleType, tmp_path: Path) -> None:
    (tmp_path / "REP201.csv").write_text(
        "repository,commit,path,cell,line,verdict,why\na/a,0123456789,a.py,0,1,maybe,unsure\n"
    )

    with pytest.raises(SystemExit, match=r"REP201.csv:2: verdict 'maybe' is not right or wrong"):
        corpus.read_verdicts(tmp_path)


def test_kept_verdicts_are_of_our_rules_and_each_is_said_once(corpus: ModuleType) -> None:
    codes = {rule.code for rule in all_rules()}
    for file in corpus.VERDICTS.glob("[A-Z][A-Z][A-Z][0-9][0-9][0-9].csv"):
        with file.open(encoding="utf-8", newline="") as lines:
            rows = list(csv.DictReader(lines))
        assert file.stem in codes
        assert all(tuple(row) == corpus.COLUMNS and row["why"] for row in rows), file.name
        places = Counter(tuple(row[name] for name in corpus.COLUMNS[:5]) for row in rows)
        assert max(places.values()) == 1, file.name


def test_kept_verdicts_hold_what_is_promised(corpus: ModuleType) -> None:
    verdicts = corpus.read_verdicts(corpus.VERDICTS)
    for code in {key[0] for key in verdicts}:
        said = [verdict for key, verdict in verdicts.items() if key[0] == code]
        assert said.count("right") >= corpus.LEAST_PRECISION * len(said), code
    assert list(verdicts.values()).count("right") >= corpus.LEAST_OVERALL * len(verdicts)
