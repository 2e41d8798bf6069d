"""`paved triage` reads a file or standard input, and says whose it is."""

from __future__ import annotations

import json

TEXT = """Traceback (most recent call last):
  File "/home/ada/train.py", line 3, in <module>
    frame["wind_speed"]
  File "/opt/venv/lib/python3.11/site-packages/pandas/core/frame.py", line 4102, in __getitem__
    indexer = self.columns.get_loc(key)
KeyError: 'wind_speed'
"""


def test_a_file(paved, tmp_path):
    (tmp_path / "log.txt").write_text(TEXT)
    said = paved("triage", "log.txt").out
    assert said.startswith("data, ")
    assert "the reporter can cure it" in said
    assert "KeyError: 'wind_speed'" in said
    assert all(len(line) <= 80 for line in said.splitlines())


def test_standard_input_as_json(paved):
    verdict = json.loads(paved("triage", "-", "--json", input=TEXT).out)
    assert (verdict["label"], verdict["acts"]) == ("data", "reporter")
    assert verdict["probability"] > 0.5
    assert verdict["evidence"][0]["says"]
    assert verdict["next_check"]


def test_no_verdict_has_an_exit_code_of_its_own(paved):
    said = paved("triage", "-", input="all went well\n", code=1).out
    assert said.startswith("no verdict")


def test_what_is_secret_is_not_shown(paved):
    secret = "hunter2" + "hunter2"
    said = paved("triage", "-", input=f"ValueError: cannot log in with password={secret}\n", code=None)
    assert secret not in said.out + said.err
