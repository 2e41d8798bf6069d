from __future__ import annotations

from typing import Any

import pytest

from pavedroad.catalog import Fact
from pavedroad.catalog.telling import tell


def told(verb: str, artifact: str = "model/m@3", run_id: str = "", **payload: Any) -> str:
    fact = Fact(seq=1, at_ms=1, who="ada", verb=verb, artifact=artifact, run_id=run_id, payload=payload)
    return tell(fact).sentence


@pytest.mark.parametrize(
    ("sentence", "expected"),
    [
        (told("registered", source="models:/m-1"), "ada registered model/m@3"),
        (
            told("staged", **{"from": "draft", "to": "candidate"}),
            "ada staged model/m@3 from draft to candidate",
        ),
        (told("owned", **{"from": "", "to": "team-a"}), "ada owned model/m@3 by team-a, before by nobody"),
        (told("promoted", alias="champion"), "ada promoted model/m@3 as champion"),
        (
            told("promoted", alias="champion", **{"from": 2, "to": 3}),
            "ada promoted model/m@3 as champion, before it was 2",
        ),
        (
            told("refused", alias="champion", closed=["metric"]),
            "ada refused model/m@3 as champion, because metric is closed",
        ),
        (
            told("refused", alias="champion", closed=["metric", "owner"]),
            "ada refused model/m@3 as champion, because metric, owner are closed",
        ),
        (
            told("exempted", gate="latency", reason="one day\nonly"),
            "ada exempted model/m@3 from gate latency, because one day only",
        ),
        (told("approved", reason="looked at it"), "ada approved model/m@3 saying looked at it"),
        (told("ran", "pipeline/p", duration_ms=12_000), "ada ran pipeline/p in 12 s"),
        (
            told("failed", "pipeline/p", run_id="r", duration_ms=900, error="KeyError: 'x'"),
            "ada ran pipeline/p without success in 900 ms, because KeyError: 'x'",
        ),
        (told("rolled-back", alias="champion"), "ada rolled back model/m@3 as champion"),
        (
            told("served", "service/m", model="m", version=3, alias="champion"),
            "ada served service/m with model/m@3, as champion",
        ),
        (told("created", "experiment/7", name="churn"), "ada created experiment/7 named churn"),
    ],
)
def test_a_fact_is_a_sentence(sentence: str, expected: str) -> None:
    assert sentence == expected


def test_a_fact_without_a_name_was_done_by_someone() -> None:
    fact = Fact(seq=1, at_ms=1, who="", verb="ran", artifact="pipeline/p", run_id="", payload={})
    assert tell(fact).sentence == "someone ran pipeline/p"


def test_a_payload_of_any_shape_does_no_harm() -> None:
    assert told("checked", closed="all", reason=None, duration_ms="long", **{"from": None, "to": None}) == (
        "ada checked model/m@3 from nobody to nobody"
    )


@pytest.mark.parametrize(
    ("artifact", "href"),
    [
        ("model/m@3", "/models/m/3"),
        ("model/m", "/models/m"),
        ("dataset/flights@ab12", "/artifacts/dataset/flights/ab12"),
        ("dataset/a b.json", "/artifacts/dataset/a%20b%2Ejson"),
        ("run/0123", "/runs/0123"),
        ("experiment/7", "/runs?experiment=7"),
        ("something/else", ""),
    ],
)
def test_a_fact_knows_where_its_noun_is_shown(artifact: str, href: str) -> None:
    fact = Fact(seq=1, at_ms=1, who="ada", verb="did", artifact=artifact, run_id="", payload={})
    assert tell(fact).href == href
