"""SARIF 2.1.0 as its schema asks: required fields, enumerations, numbers from 1, references that hold."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from pavedroad.checks import RULES, check_project
from pavedroad.checks.sarif import report_sarif

MakeProject = Callable[[dict[str, str | bytes]], Path]
NOTEBOOK = {
    "cells": [
        {"cell_type": "markdown", "source": ["open('/home/ann/rides.csv')\n"]},
        {"cell_type": "code", "source": ["x = 'é'\n", "open('/home/ann/rides.csv')"]},
    ]
}


@pytest.fixture
def sarif(make_project: MakeProject) -> dict[str, Any]:
    root = make_project(
        {
            "my train.py": "from sklearn.model_selection import train_test_split\ntrain_test_split([1])\n"
            "open('/home/ann/x.csv')  # paved: ignore[REP204] one machine\n",
            "pyproject.toml": '[project]\nname = "rides"\n\n[tool.paved.checks]\n'
            'ignore = [{ rule = "DOC803", reason = "soon" }]\n',
            "look.ipynb": json.dumps(NOTEBOOK, indent=1),
        }
    )
    return json.loads(json.dumps(report_sarif(check_project(root), RULES)))  # type: ignore[no-any-return]


def results(sarif: dict[str, Any], code: str) -> list[dict[str, Any]]:
    return [result for result in sarif["runs"][0]["results"] if result["ruleId"] == code]


def test_the_log_has_what_the_schema_requires(sarif: dict[str, Any]) -> None:
    assert sarif["version"] == "2.1.0"
    assert sarif["$schema"].endswith("sarif-2.1.0.json")
    (run,) = sarif["runs"]
    driver = run["tool"]["driver"]
    assert driver["name"] == "Pavedroad"
    assert run["columnKind"] in ("utf16CodeUnits", "unicodeCodePoints")
    assert run["invocations"] == [{"executionSuccessful": True, "toolExecutionNotifications": []}]
    for rule in driver["rules"]:
        assert rule["id"]
        assert rule["shortDescription"]["text"]
        assert rule["help"]["text"]
        assert rule["defaultConfiguration"]["level"] in ("none", "note", "warning", "error")


def test_every_result_points_at_a_rule_and_a_region(sarif: dict[str, Any]) -> None:
    (run,) = sarif["runs"]
    rules = run["tool"]["driver"]["rules"]
    assert run["results"]
    for result in run["results"]:
        assert rules[result["ruleIndex"]]["id"] == result["ruleId"]
        assert result["level"] in ("none", "note", "warning", "error")
        assert result["message"]["text"]
        (location,) = result["locations"]
        region = location["physicalLocation"]["region"]
        uri = location["physicalLocation"]["artifactLocation"]["uri"]
        assert not uri.startswith("/")
        assert " " not in uri
        assert all(value >= 1 for key, value in region.items() if key != "snippet")
        assert list(result["partialFingerprints"]) == ["paved/v1"]


def test_an_ignored_finding_is_there_with_its_reason(sarif: dict[str, Any]) -> None:
    (in_place,) = [result for result in results(sarif, "REP204") if "suppressions" in result]
    (in_manifest,) = results(sarif, "DOC803")

    assert in_place["suppressions"] == [
        {"kind": "inSource", "status": "accepted", "justification": "one machine"}
    ]
    assert in_manifest["suppressions"][0]["kind"] == "external"


def test_a_fix_gives_the_characters_to_replace(sarif: dict[str, Any]) -> None:
    (result,) = results(sarif, "REP201")
    (change,) = result["fixes"][0]["artifactChanges"]
    (replacement,) = change["replacements"]

    assert change["artifactLocation"]["uri"] == "my%20train.py"
    assert replacement["insertedContent"]["text"] == ", random_state=42"
    assert replacement["deletedRegion"]["charLength"] == 0


def test_a_finding_in_a_notebook_gives_the_line_of_the_file(sarif: dict[str, Any]) -> None:
    (result,) = [found for found in results(sarif, "REP204") if "suppressions" not in found]
    lines = json.dumps(NOTEBOOK, indent=1).split("\n")
    region = result["locations"][0]["physicalLocation"]["region"]

    assert "open('/home/ann/rides.csv')" in lines[region["startLine"] - 1]
    assert region["startLine"] > 8  # not the markdown cell with the same words
    assert result["locations"][0]["logicalLocations"] == [{"name": "cell 2", "kind": "module"}]
