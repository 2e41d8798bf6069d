"""What each page says: is it this, is it all right, what can be done."""

from __future__ import annotations

import math
import re
from collections.abc import Callable

import msgspec
import pytest
from tests.web.conftest import Site
from tests.web.story import GRAPH

from pavedroad.catalog import Ref, set_owner
from pavedroad.kit.clock import now_ms, utc_iso
from pavedroad.pipelines.store import (
    finish_pipeline_run,
    get_pipeline_run,
    insert_pipeline_run,
)
from pavedroad.record import Record
from pavedroad.registry.decisions import exempt
from pavedroad.registry.promotion import promote
from pavedroad.registry.registration import delete_version
from pavedroad.tracking import Metric, end_run, ensure_experiment, log_batch, start_run


@pytest.fixture
def good(story: Site) -> str:
    """The newest run that finished."""
    assert story.told is not None
    return f"/runs/{story.told.runs[2]}"


@pytest.fixture
def bad(story: Site) -> str:
    assert story.told is not None
    return f"/runs/{story.told.runs[3]}"


# ---------------------------------------------------------------------------------------------- overview


def test_the_road_shows_where_every_version_stands(story: Site) -> None:
    lane = next(lane for lane in story.json("/index.json")["lanes"] if lane["name"] == "late-flights")
    stands = {marker["text"]: marker["stage"] for marker in lane["markers"] if marker["text"]}
    assert stands == {"1": "retired", "2": "production", "3": "candidate"}
    assert lane["barrier"]["verdict"] == "closed"
    assert lane["barrier"]["says"] == "2 gates are closed before late-flights@3: metric, not_worse_than"


def test_an_exempt_version_stands_before_a_barrier_with_a_date(own_story: Site) -> None:
    record = own_story.record
    for gate in ("metric", "not_worse_than"):
        exempt(
            record,
            "late-flights",
            3,
            gate,
            reason="the airport changed its hours",
            owner="grace",
            until=utc_iso(now_ms() + 3 * 86_400_000)[:10],
            who="grace",
        )
    promote(record, "late-flights", 3, "champion", who="ada")
    lane = next(lane for lane in own_story.json("/index.json")["lanes"] if lane["name"] == "late-flights")
    assert lane["barrier"]["verdict"] == "exempt"
    assert re.fullmatch(r"exempt until \d{4}-\d\d-\d\d", lane["barrier"]["words"])
    assert own_story.get("/").status == 200


def test_a_service_and_who_asks_it_travel_with_the_model(story: Site) -> None:
    lane = next(lane for lane in story.json("/index.json")["lanes"] if lane["name"] == "late-flights")
    assert {marker["kind"] for marker in lane["markers"]} == {"pipeline", "model", "service", "application"}


def test_what_needs_a_person_stands_oldest_first_with_its_command(story: Site) -> None:
    concerns = story.json("/index.json")["concerns"]
    assert [concern["at_ms"] for concern in concerns] == sorted(concern["at_ms"] for concern in concerns)
    said = " ".join(concern["says"] for concern in concerns)
    assert "the last run of late-flights failed: join_weather: KeyError: 'wind_speed'" in said
    assert "2 gates are closed before late-flights@3: metric, not_worse_than" in said
    assert "the exemption of late-flights@3 from model_card ends" in said
    assert "project churn belongs to nobody" in said
    assert all(concern["command"].startswith("paved ") for concern in concerns)


def test_with_everything_in_order_nothing_needs_a_person(own_story: Site) -> None:
    db = own_story.record.db
    for ref in (Ref("project", "churn"), Ref("pipeline", "churn")):
        db.write(lambda tx, ref=ref: set_owner(tx, ref, "carol", who="carol"))
    remaining = {concern["says"][:20] for concern in own_story.json("/index.json")["concerns"]}
    assert not [says for says in remaining if "nobody" in says]


def test_a_run_whose_process_is_gone_is_lost_and_needs_a_person(own_story: Site) -> None:
    assert own_story.told is not None
    db = own_story.record.db
    row = get_pipeline_run(db, own_story.told.runs[0])
    lost = msgspec.structs.replace(row, run_id="f" * 32, status="RUNNING", pid=2**22 + 1, graph=GRAPH)
    experiment = db.write(lambda tx: ensure_experiment(tx, "late-flights", who="ada"))
    db.write(lambda tx: start_run(tx, experiment_id=experiment.id, run_id="f" * 32, name="late-flights"))
    db.write(lambda tx: insert_pipeline_run(tx, lost))
    assert own_story.json(f"/runs/{'f' * 32}.json")["status"] == "LOST"
    says = [concern["says"] for concern in own_story.json("/index.json")["concerns"]]
    assert "a run of late-flights was lost: its process is gone" in says
    assert "Resume" in own_story.get(f"/runs/{'f' * 32}").words


def test_sixty_lanes_are_grouped_by_owner_and_the_quiet_ones_wait(big: Site) -> None:
    answer = big.get("/")
    owners = re.findall(r'<h2 class="group">(\S+)', answer.text)
    assert len(owners) > 3
    assert owners == sorted(owners)
    assert "quieter lanes are not drawn" in answer.words
    assert answer.text.count('class="lane"') == 40
    assert big.get("/?lanes=all").text.count('class="lane"') == 65


# ---------------------------------------------------------------------------------------------- runs


def test_the_list_of_runs_shows_only_runs_that_stand_alone(story: Site) -> None:
    assert story.json("/runs.json")["number"] == 4
    assert story.json("/runs.json?nested=1")["number"] == 4 + 9 * 3 + 4


def test_the_filter_of_the_address_is_mlflows(story: Site) -> None:
    found = story.json("/runs.json?filter=metrics.auc+%3E+0.7+and+params.depth+%3D+%278%27")
    assert found["number"] == 2


def test_an_order_is_kept_and_shown(story: Site) -> None:
    path = "/runs?order=metrics.auc+DESC&columns=metrics.auc"
    values = [row["values"][0] for row in story.json(path.replace("?", ".json?"))["rows"]]
    assert values[:3] == sorted(values[:3], reverse=True)
    assert any(
        found.get("aria-sort") == "descending" for tag, found in story.get(path).elements if tag == "th"
    )


def test_a_filter_that_cannot_be_read_is_explained_where_it_was_typed(story: Site) -> None:
    answer = story.get("/runs?filter=metrics.auc+%3E+high")
    field = next(found for tag, found in answer.elements if found.get("name") == "filter")
    assert field["value"] == "metrics.auc > high"
    assert field["aria-invalid"] == "true"
    assert "Expected numeric value type for metric. Found high" in answer.words
    assert "metrics.auc >= 0.8" in answer.words


def test_columns_are_those_that_tell_the_runs_apart(big: Site) -> None:
    columns = [column["field"] for column in big.json("/runs.json")["columns"]][4:]
    assert columns[:4] == ["metrics.accuracy", "metrics.auc", "metrics.f1", "metrics.log_loss"]
    assert all(column.startswith("params.") for column in columns[4:])


def test_ten_thousand_runs_are_paged_to_the_end(big: Site) -> None:
    last = big.json("/runs.json?page=200")
    assert last["number"] == 10_000
    assert len(last["rows"]) == 50
    assert last["pages"]["next"] == ""
    assert big.json("/runs.json?page=999")["rows"] == []


def test_a_run_tells_its_graph_with_verdicts_and_durations(story: Site, good: str) -> None:
    steps = {step["name"]: step for step in story.json(f"{good}.json")["steps"]}
    assert list(steps) == [node.name for node in GRAPH]
    assert steps["load_flights"]["verdict"] == "hit"
    assert steps["train"]["verdict"] == "miss"
    answer = story.get(good)
    assert "cached, 4 ms" in answer.words
    assert "9 steps, 7 from the cache" in answer.words


def test_a_failed_run_says_which_step_why_and_how_to_resume(story: Site, bad: str) -> None:
    answer = story.get(bad)
    assert "join_weather failed; 3 of 4 steps came from the cache" in answer.words
    assert "KeyError: 'wind_speed'" in answer.words
    assert answer.commands[1].startswith("paved run late_flights.pipeline:late_flights --depth 8")
    assert [step["verdict"] for step in story.json(f"{bad}.json")["steps"]][4:] == ["skipped"] * 5


def test_a_failed_step_shows_its_traceback(story: Site, bad: str) -> None:
    failed = next(step for step in story.json(f"{bad}.json")["steps"] if step["verdict"] == "FAILED")
    answer = story.get(f"/runs/{failed['step_run_id']}")
    assert "Traceback (most recent call last)" in answer.words
    assert any(command.startswith("paved why ") for command in answer.commands)


def test_a_run_tells_what_was_not_committed_and_where_it_ran(story: Site, good: str) -> None:
    answer = story.get(good)
    assert "+LIMIT = 15" in answer.words
    assert "3.11.7 cpython" in answer.words
    assert "uv.lock" in answer.words
    assert "4 installed packages" in answer.words


def test_a_curve_says_what_it_does_and_links_to_its_points(story: Site, good: str) -> None:
    curves = story.json(f"{good}.json")["metrics"]["curves"]
    curve = next(curve for curve in curves if curve["key"] == "train/log_loss")
    assert curve["finding"] == "fell from 0.69 to 0.2976"
    points = story.json(curve["href"] + ".json")
    assert points["curve"]["number"] == 120
    assert len(points["points"]) == 50
    assert story.json(points["next"].partition("#")[0].replace("?", ".json?"))["points"][0]["step"] == 50


def test_a_running_run_keeps_itself_fresh_until_it_ends(own_story: Site) -> None:
    db = own_story.record.db
    experiment = db.write(lambda tx: ensure_experiment(tx, "live", who="ada"))
    run_id = db.write(lambda tx: start_run(tx, experiment_id=experiment.id, name="live"))
    answer = own_story.get(f"/runs/{run_id}")
    live = next(found for _, found in answer.elements if "data-refresh" in found)
    assert "data-finished" not in own_story.get(live["data-refresh"]).text
    db.write(lambda tx: end_run(tx, run_id))
    assert "data-finished" in own_story.get(live["data-refresh"]).text
    assert "data-refresh" not in own_story.get(f"/runs/{run_id}").text


def test_a_running_step_is_seen_while_it_runs(own_story: Site) -> None:
    assert own_story.told is not None
    db = own_story.record.db
    experiment = db.write(lambda tx: ensure_experiment(tx, "late-flights", who="ada"))
    run_id = db.write(lambda tx: start_run(tx, experiment_id=experiment.id, name="late-flights"))
    row = msgspec.structs.replace(
        get_pipeline_run(db, own_story.told.runs[0]), run_id=run_id, status="RUNNING"
    )
    db.write(lambda tx: insert_pipeline_run(tx, row))
    tags = {"paved.step": "train", "mlflow.parentRunId": run_id}
    db.write(lambda tx: start_run(tx, experiment_id=experiment.id, name="train", tags=tags))
    steps = {step["name"]: step["verdict"] for step in own_story.json(f"/runs/{run_id}.json")["steps"]}
    assert steps["train"] == "RUNNING"
    assert steps["evaluate"] == "SCHEDULED"
    db.write(lambda tx: finish_pipeline_run(tx, run_id, "KILLED", 1))
    db.write(lambda tx: end_run(tx, run_id, "KILLED"))
    steps = {step["name"]: step["verdict"] for step in own_story.json(f"/runs/{run_id}.json")["steps"]}
    assert steps["evaluate"] == "skipped"


def test_nan_and_infinity_are_shown_as_what_they_are(own_story: Site) -> None:
    db = own_story.record.db
    experiment = db.write(lambda tx: ensure_experiment(tx, "odd", who="ada"))
    run_id = db.write(lambda tx: start_run(tx, experiment_id=experiment.id, name="odd"))
    values = {"nan": math.nan, "inf": math.inf}
    points = [
        Metric(key=key, value=value, at_ms=step, step=step)
        for key, value in values.items()
        for step in (1, 2)
    ]
    db.write(lambda tx: log_batch(tx, run_id, metrics=points))
    answer = own_story.get(f"/runs/{run_id}")
    assert "NaN" in answer.words
    assert "∞" in answer.words
    assert own_story.get(f"/runs/{run_id}/metrics/nan").status == 200


def test_a_run_is_found_by_the_start_of_its_id(story: Site, good: str) -> None:
    assert story.json(f"{good[:14]}.json")["run"]["id"] == good.removeprefix("/runs/")


def test_a_file_is_shown_as_what_it_is(story: Site, good: str) -> None:
    outputs = {output["name"]: output["href"] for output in story.json(f"{good}.json")["outputs"]}
    table = story.json(outputs["errors_by_airport.csv"] + ".json")
    assert table["kind"] == "table"
    assert table["shown"]["rows"][1] == ["EWR", "120835", "0.21"]
    model = story.json(outputs["late-flights"] + ".json")
    assert [file["name"] for file in model["files"]] == ["MLmodel", "README.md", "model.pkl"]
    kinds = [story.json(file["href"] + ".json")["kind"] for file in model["files"][:2]]
    assert kinds == ["text", "markdown"]
    assert len(story.json(model["all_files"] + ".json")["entries"]) == 3


def test_a_file_can_be_downloaded(story: Site, good: str) -> None:
    outputs = {output["name"]: output["href"] for output in story.json(f"{good}.json")["outputs"]}
    page = story.get(outputs["errors_by_airport.csv"])
    download = next(found["href"] for tag, found in page.elements if "download" in found)
    assert story.get(download, accept="*/*").text.startswith("airport,flights,errors\n")


# ---------------------------------------------------------------------------------------------- models


def test_the_gates_stand_with_their_evidence_closed_ones_first(story: Site) -> None:
    answer = story.get("/models/late-flights/3")
    assert "2 gates are closed" in answer.words
    assert answer.words.index("auc is 0.694; it must be at least 0.7") < answer.words.index(
        "owned by flight-ops"
    )
    assert "train a better model and register it" in answer.words
    assert '"metric": "auc"' in answer.words


def test_earlier_evidence_stays_readable(own_story: Site) -> None:
    promote(own_story.record, "late-flights", 3, "champion", who="bob")
    page = own_story.json("/models/late-flights/3.json")
    assert len(page["evaluations"]) == 2
    first = page["evaluations"][-1]["id"]
    answer = own_story.get(f"/models/late-flights/3?evaluation={first}")
    assert "asked by ada" in answer.words
    assert "show the latest" in answer.words


def test_a_champion_is_called_so_and_can_be_rolled_back(story: Site) -> None:
    answer = story.get("/models/late-flights/champion")
    assert "all 7 gates are open champion" in answer.words
    assert "paved rollback late-flights" in answer.commands
    assert "paved serve late-flights@2" in answer.commands


def test_versions_stand_side_by_side_with_what_differs_first(story: Site) -> None:
    page = story.json("/models/late-flights.json")
    assert [row["version"] for row in page["versions"]] == [3, 2, 1]
    assert page["metrics"][:2] == ["accuracy", "auc"]
    assert "rows" not in page["metrics"][:3]
    auc = page["metrics"].index("auc")
    assert [row["values"][auc] for row in page["versions"]] == pytest.approx([0.694, 0.752, 0.731])


def test_a_version_shows_its_signature_card_and_digests(story: Site) -> None:
    answer = story.get("/models/late-flights/2")
    assert "5 inputs" in answer.words
    assert "wind_speed optional" in answer.words
    assert "any \u00d7 2" in answer.words
    assert "more than 15 minutes late" in answer.words
    assert '<script>alert("a card is text")</script>' in answer.words
    assert len(story.json("/models/late-flights/2.json")["files"]) == 3


def test_a_deleted_version_is_shown_as_the_catalog_knows_it(own_story: Site) -> None:
    own_story.record.db.write(
        lambda tx: delete_version(tx, "late-flights", 1, who="ada", gated=("champion",))
    )
    answer = own_story.get("/models/late-flights/1")
    assert answer.status == 200
    assert "retired" in answer.words
    assert own_story.json("/models/late-flights/1.json")["artifact"]["stage"] == "retired"


def test_an_unknown_model_and_version_are_404(story: Site) -> None:
    assert story.get("/models/unknown").status == 404
    answer = story.get("/models/late-flights/99")
    assert answer.status == 404
    assert "paved models late-flights" in answer.words


# ---------------------------------------------------------------------------------------------- catalog


def test_lineage_shows_the_data_of_the_models_own_run(story: Site) -> None:
    page = story.json("/artifacts/model/late-flights/2.json")
    names = {step["artifact"] for step in page["lineage"]["steps"]}
    assert names == {
        "model/late-flights@2",
        "pipeline/late-flights",
        "dataset/flights@ab12cd34ef56",
        "dataset/weather@7788aa0011ff",
        "dataset/planes@00ff11ee22dd",
        "dataset/flights-test@5511aa33cc77",
        "service/late-flights",
        "application/gate-board",
    }
    answer = story.get("/artifacts/model/late-flights/2")
    assert "service/late-flights serves model/late-flights@2" in answer.words


def test_artifacts_are_filtered_by_kind_owner_stage_and_words(story: Site) -> None:
    def names(query: str) -> list[str]:
        return [f"{row['kind']}/{row['name']}" for row in story.json(f"/artifacts.json?{query}")["rows"]]

    assert names("kind=project") == ["project/churn", "project/late-flights"]
    assert names("owner=nobody") == ["pipeline/churn", "project/churn"]
    assert names("stage=experiment") == ["application/gate-board"]
    assert names("q=leave") == ["project/churn"]
    assert names("q=100%25_") == []


def test_a_long_list_of_artifacts_goes_on_where_it_stopped(big: Site) -> None:
    seen, path = [], "/artifacts.json"
    while path:
        page = big.json(path)
        seen += [(row["kind"], row["name"]) for row in page["rows"]]
        path = page["next"].replace("/artifacts?", "/artifacts.json?")
    assert len(seen) == len(set(seen)) == page["number"]


def test_the_journal_tells_facts_as_sentences_by_day(story: Site) -> None:
    answer = story.get("/journal")
    assert (
        "ada refused model/late-flights@3 as champion, because metric, not_worse_than are closed"
        in answer.words
    )
    assert "ada ran pipeline/late-flights without success in 3.0 s" in answer.words
    assert re.search(r'<h2 class="day">\d{4}-\d\d-\d\d</h2>', answer.text)


def test_the_journal_is_filtered_and_goes_on_by_number(story: Site) -> None:
    facts = story.json("/journal.json?verb=promoted")["facts"]
    assert [fact["artifact"] for fact in facts] == ["model/late-flights@2", "model/late-flights@1"]
    older = story.json(f"/journal.json?before={facts[0]['seq']}")["facts"]
    assert max(fact["seq"] for fact in older) < facts[0]["seq"]
    of_model = story.json("/journal.json?artifact=model/late-flights")["facts"]
    assert {fact["artifact"].partition("@")[0] for fact in of_model} == {"model/late-flights"}


def test_the_search_finds_models_runs_experiments_and_artifacts(story: Site) -> None:
    sorts = {hit["sort"] for hit in story.json("/search.json?q=late")["hits"]}
    assert sorts == {"model", "run", "experiment", "pipeline", "project", "service", "application"}
    assert story.told is not None
    hits = story.json(f"/search.json?q={story.told.runs[0][:10]}")["hits"]
    assert [hit["href"] for hit in hits] == [f"/runs/{story.told.runs[0]}"]


def test_the_search_takes_wildcards_as_letters(story: Site) -> None:
    assert story.json("/search.json?q=%25")["hits"] == []
    assert story.json("/search.json?q=_")["hits"] != []  # join_weather and others, not everything
    assert all("_" in hit["name"] for hit in story.json("/search.json?q=_")["hits"])


# ---------------------------------------------------------------------------------------------- cost


class Counting:
    """A database that counts its queries."""

    def __init__(self, db: object) -> None:
        self._db = db
        self.queries = 0

    def __getattr__(self, name: str) -> object:
        found = getattr(self._db, name)
        if name in ("all", "one", "value"):
            self.queries += 1
        return found


@pytest.mark.parametrize("path", ["/runs", "/artifacts", "/models", "/journal", "/search?q=late", "/"])
def test_the_queries_of_a_page_do_not_grow_with_the_record(
    story: Site, big: Site, serve: Callable[..., Site], path: str
) -> None:
    def queries(record: Record) -> int:
        counting = Counting(record.db)
        site = serve(msgspec.structs.replace(record, db=counting))
        counting.queries = 0
        assert site.get(path).status == 200
        return counting.queries

    # Params that tell runs apart, and a condition that is read in the other way once there are many.
    assert queries(big.record) <= queries(story.record) + 2
