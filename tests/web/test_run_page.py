"""The pages of runs, metrics, experiments and logged models: what they show and what they let a person do."""

from __future__ import annotations

import json
import math
from collections.abc import Callable

import pytest
from tests.web.conftest import Site
from tests.web.test_form import send

from pavedroad.kit.files import put_bytes
from pavedroad.record import Record
from pavedroad.tracking import (
    Metric,
    create_experiment,
    create_logged_model,
    delete_run,
    finish_logged_model,
    get_experiment,
    get_run,
    log_batch,
    put_file,
    root_of,
    set_tag,
    start_run,
)
from pavedroad.tracking.model import NOTE_TAG

CURVE = [
    Metric(key="loss", value=1 / (step + 1), at_ms=1_000_000 + step * 1000, step=step) for step in range(50)
]


@pytest.fixture
def run(record: Record) -> str:
    return record.db.write(lambda tx: start_run(tx, experiment_id="0", name="first", start_ms=1_000_000))


@pytest.fixture
def site(record: Record, serve: Callable[..., Site]) -> Site:
    return serve(record)


def log(record: Record, run: str, *points: Metric) -> None:
    for at in range(0, len(points), 1000):
        record.db.write(lambda tx, at=at: log_batch(tx, run, metrics=points[at : at + 1000]))


def put(record: Record, run: str, path: str, data: bytes) -> str:
    root = root_of(get_run(record.db, run).artifact_uri)
    record.db.write(lambda tx: put_file(tx, root, path, put_bytes(record.files, data)))
    return f"/files/{root}/{path}"


# ---------------------------------------------------------------------------------------------- curves


def test_a_single_value_is_a_figure_and_many_are_a_curve(record: Record, site: Site, run: str) -> None:
    log(record, run, Metric(key="auc", value=0.9876, at_ms=1), *CURVE)
    shown = site.json(f"/runs/{run}.json")["metrics"]
    assert [metric["key"] for group in shown["figures"] for metric in group["metrics"]] == ["auc"]
    assert [(curve["key"], curve["number"]) for curve in shown["curves"]] == [("loss", 50)]
    assert [(row["lowest"], row["highest"], row["last"]) for row in shown["table"]] == [(0.02, 1.0, 0.02)]
    assert "0.9876" in site.get(f"/runs/{run}").words


@pytest.mark.parametrize(
    ("query", "label", "last"),
    [
        ("", "step", 49.0),
        ("?x=step", "step", 49.0),
        ("?x=time", "seconds since the start", 49.0),
        ("?x=wall", "time, UTC", 1_049_000.0),
    ],
)
def test_the_axis_is_the_step_the_time_or_the_clock(
    record: Record, site: Site, run: str, query: str, label: str, last: float
) -> None:
    log(record, run, *CURVE)
    curve = site.json(f"/runs/{run}.json{query}")["metrics"]["curves"][0]
    assert (curve["x_label"], curve["points"][-1]["x"]) == (label, last)


def test_a_curve_without_steps_is_drawn_over_time(record: Record, site: Site, run: str) -> None:
    log(record, run, *(Metric(key="loss", value=at, at_ms=1_000_000 + at * 60_000) for at in range(30)))
    curve = site.json(f"/runs/{run}.json")["metrics"]["curves"][0]
    assert (curve["x_label"], curve["points"][-1]["x"]) == ("minutes since the start", 29.0)


def test_what_no_log_scale_can_show_is_counted(record: Record, site: Site, run: str) -> None:
    log(record, run, *(Metric(key="reward", value=step - 10.0, at_ms=step, step=step) for step in range(30)))
    assert "11 at or below 0, not on a log scale" in site.get(f"/runs/{run}?scale=log").words
    assert "not on a log scale" not in site.get(f"/runs/{run}").words


def test_every_nan_is_counted_however_long_the_curve(record: Record, site: Site, run: str) -> None:
    values = [math.nan if 1000 <= step < 1500 else math.inf if step == 3000 else 0.5 for step in range(4000)]
    log(record, run, *(Metric(key="loss", value=v, at_ms=s, step=s) for s, v in enumerate(values)))
    answer = site.get(f"/runs/{run}")
    assert "500 NaN, 1 ∞" in answer.words
    assert len([found for tag, found in answer.elements if found.get("class") == "lost"]) > 1


def test_a_spike_of_one_point_in_thousands_stays(record: Record, site: Site, run: str) -> None:
    log(
        record,
        run,
        *(Metric(key="loss", value=9.0 if s == 7777 else 0.1, at_ms=s, step=s) for s in range(20_000)),
    )
    points = site.json(f"/runs/{run}.json")["metrics"]["curves"][0]["points"]
    assert {"x": 7777.0, "y": 9.0} in points
    assert len(points) < 300


def test_smoothing_keeps_the_raw_curve_behind(record: Record, site: Site, run: str) -> None:
    log(record, run, *CURVE)
    classes = [
        found.get("class") for tag, found in site.get(f"/runs/{run}?smooth=0.9").elements if tag == "polyline"
    ]
    assert classes == ["curve faint", "curve"]
    smooth = site.json(f"/runs/{run}.json?smooth=0.9")["metrics"]["curves"][0]["smooth"]
    assert smooth[0]["y"] == pytest.approx(1.0)
    assert smooth[1]["y"] == pytest.approx((0.1 * 0.9 * 1.0 + 0.1 * 0.5) / (1 - 0.9**2))


@pytest.mark.parametrize(
    "query",
    ["x=day", "scale=cubic", "smooth=1", "smooth=-1", "smooth=much", "smooth=nan", "group=none", "curves=0"],
)
def test_an_address_that_cannot_be_drawn_is_refused(record: Record, site: Site, run: str, query: str) -> None:
    log(record, run, *CURVE)
    assert site.get(f"/runs/{run}?{query}").status in (400, 404)


def test_two_hundred_curves_are_grouped_folded_and_paged(record: Record, site: Site, run: str) -> None:
    points = [
        Metric(key=f"{group}/m{number}", value=step, at_ms=step, step=step)
        for group in ("train", "val", "layer10", "layer2")
        for number in range(50)
        for step in range(3)
    ]
    log(record, run, *points, Metric(key="system/cpu", value=1, at_ms=1, step=1))
    answer = site.get(f"/runs/{run}")
    shown = site.json(f"/runs/{run}.json")["metrics"]
    assert [group["name"] for group in shown["groups"]] == ["layer2", "layer10", "train", "val"]
    assert [group["is_open"] for group in shown["groups"]] == [True, False, False, False]
    assert [curve["key"] for curve in shown["curves"][:2]] == ["layer2/m0", "layer2/m1"]
    assert len(shown["curves"]) == 12
    assert shown["machine"]["number"] == 1
    assert answer.size < 100_000
    second = site.json(f"/runs/{run}.json?group=val&curves=5")["metrics"]
    assert [curve["key"] for curve in second["curves"]] == ["val/m48", "val/m49"]
    part = site.get(f"/runs/{run}?group=val&part=group")
    assert part.text.count("<figure>") == 12
    assert "<html" not in part.text


def test_a_part_of_a_curve_is_asked_for_by_its_steps(record: Record, site: Site, run: str) -> None:
    log(record, run, *CURVE)
    curve = site.json(f"/runs/{run}/metrics/loss.json?first=10&last=20")["curve"]
    assert [point["x"] for point in curve["points"]] == [float(step) for step in range(10, 21)]
    assert "No point has a step in this range" in site.get(f"/runs/{run}/metrics/loss?first=1000").words
    for wrong in ("first=x", "first=1.5", "last=99999999999999999999999", "first=9&last=1"):
        assert site.get(f"/runs/{run}/metrics/loss?{wrong}").status == 400


def test_all_points_come_as_csv_and_json(record: Record, site: Site, run: str) -> None:
    odd = Metric(key="a/b", value=math.nan, at_ms=5, step=2)
    log(
        record,
        run,
        Metric(key="a/b", value=0.1, at_ms=3, step=1),
        odd,
        Metric(key="a/b", value=-math.inf, at_ms=9, step=3),
    )
    csv = site.get(f"/runs/{run}/points/a%2Fb?as=csv", accept="*/*")
    assert csv.text == "step,timestamp_ms,value\n1,3,0.1\n2,5,NaN\n3,9,-Infinity\n"
    assert csv.headers["Content-Disposition"].startswith("attachment")
    points = json.loads(site.get(f"/runs/{run}/points/a%2Fb?as=json", accept="*/*").text)
    assert points[1] == {"step": 2, "timestamp": 5, "value": "NaN"}
    assert site.get(f"/runs/{run}/points/a%2Fb?as=xml").status == 400
    assert site.get(f"/runs/{run}/points/none").status == 404


# ---------------------------------------------------------------------------------------- what a person does


def test_a_note_is_written_shown_and_taken_away(record: Record, site: Site, run: str) -> None:
    note = "# Seen\n\n**late** <script>alert(1)</script> [x](javascript:alert(1)) [y](https://example.org)"
    assert send(site, f"/runs/{run}/note", {"note": note})[:2] == (200, f"/runs/{run}#note")
    assert get_run(record.db, run).tags[NOTE_TAG] == note
    answer = site.get(f"/runs/{run}")
    assert "<strong>late</strong>" in answer.text
    assert "<script>alert" not in answer.text
    assert not [link for link in answer.links if link.startswith("javascript")]
    assert "https://example.org" in answer.links
    send(site, f"/runs/{run}/note", {"note": " \n"})
    assert NOTE_TAG not in get_run(record.db, run).tags


def test_a_note_that_mlflow_could_not_keep_is_refused(record: Record, site: Site, run: str) -> None:
    status, _, text = send(site, f"/runs/{run}/note", {"note": "x" * 8001})
    assert status == 400
    assert "8,001 characters" in text


def test_tags_are_added_changed_and_removed(record: Record, site: Site, run: str) -> None:
    send(site, f"/runs/{run}/tags", {"key": "team", "value": "night"})
    send(site, f"/runs/{run}/tags", {"key": "team", "value": "<b>day</b>"})
    assert get_run(record.db, run).tags["team"] == "<b>day</b>"
    assert "<b>day" not in site.get(f"/runs/{run}").text
    send(site, f"/runs/{run}/tags/remove", {"key": "team"})
    assert "team" not in get_run(record.db, run).tags


@pytest.mark.parametrize("key", ["mlflow.user", "paved.step", "", "../x", "a//b"])
def test_a_tag_of_programs_or_a_bad_name_is_refused(record: Record, site: Site, run: str, key: str) -> None:
    before = get_run(record.db, run).tags
    assert send(site, f"/runs/{run}/tags", {"key": key, "value": "1"})[0] == 400
    assert get_run(record.db, run).tags == before


def test_a_run_is_deleted_and_restored_and_says_so(record: Record, site: Site, run: str) -> None:
    send(site, f"/runs/{run}/delete", {})
    answer = site.get(f"/runs/{run}")
    assert "deleted" in answer.words
    assert f"/runs/erase?run={run}" in answer.links
    assert send(site, f"/runs/{run}/note", {"note": "x"})[0] == 400
    send(site, f"/runs/{run}/restore", {})
    assert get_run(record.db, run).lifecycle_stage == "active"


def test_a_run_is_not_restored_into_a_deleted_experiment(record: Record, site: Site) -> None:
    experiment = record.db.write(lambda tx: create_experiment(tx, "gone", who="ada"))
    run = record.db.write(lambda tx: start_run(tx, experiment_id=experiment.id))
    send(site, f"/experiments/{experiment.id}/delete", {})
    status, _, text = send(site, f"/runs/{run}/restore", {})
    assert status == 409
    assert "restore the experiment first" in text.lower()


def test_forms_of_unknown_runs_and_experiments_are_refused(site: Site) -> None:
    for path in ("/runs/none/note", "/runs/none/delete", "/experiments/77/rename", "/experiments/x/delete"):
        assert send(site, path, {"note": "x", "name": "x"})[0] in (400, 404), path


# ---------------------------------------------------------------------------------------------- experiments


def test_an_experiment_is_made_renamed_described_deleted_restored_and_erased(
    record: Record, site: Site
) -> None:
    status, address, _ = send(site, "/experiments", {"name": "late flights"})
    assert (status, address) == (200, "/experiments/1")
    send(site, "/experiments/1/rename", {"name": "later flights"})
    send(site, "/experiments/1/note", {"note": "Will it be **late**?\n\nAsked at departure."})
    send(site, "/experiments/1/tags", {"key": "team", "value": "ops"})
    run = record.db.write(lambda tx: start_run(tx, experiment_id="1", name="night"))
    row = next(row for row in site.json("/experiments.json")["rows"] if row["id"] == "1")
    assert (row["name"], row["runs"], row["about"]) == ("later flights", 1, "Will it be **late**?")
    page = site.json("/experiments/1.json")
    assert (page["runs"], page["tags"], page["newest"][0]["id"]) == (1, {"team": "ops"}, run)
    assert "<strong>late</strong>" in site.get("/experiments/1").text
    send(site, "/experiments/1/delete", {})
    assert [row["id"] for row in site.json("/experiments.json?view=deleted")["rows"]] == ["1"]
    send(site, "/experiments/1/restore", {})
    assert get_experiment(record.db, "1").lifecycle_stage == "active"
    assert send(site, "/experiments/1/erase", {"sure": "yes"})[0] == 409  # not deleted
    send(site, "/experiments/1/delete", {})
    assert send(site, "/experiments/1/erase", {})[0] == 400  # the box was not ticked
    assert send(site, "/experiments/1/erase", {"sure": "yes"})[:2] == (200, "/experiments?view=deleted")
    assert site.get("/experiments/1").status == 404
    assert site.get(f"/runs/{run}").status == 404


def test_the_default_experiment_cannot_be_erased(record: Record, site: Site) -> None:
    send(site, "/experiments/0/delete", {})
    assert send(site, "/experiments/0/erase", {"sure": "yes"})[0] == 403
    assert get_experiment(record.db, "0").lifecycle_stage == "deleted"


def test_experiments_are_found_by_a_part_of_their_name(record: Record, site: Site) -> None:
    for name in ("Late_flights", "lateXflights", "100% sure"):
        record.db.write(lambda tx, name=name: create_experiment(tx, name, who="ada"))
    assert [row["name"] for row in site.json("/experiments.json?q=late_f")["rows"]] == ["Late_flights"]
    assert [row["name"] for row in site.json("/experiments.json?q=100%25")["rows"]] == ["100% sure"]
    assert "No experiment is like that" in site.get("/experiments?q=zzz").words


# ---------------------------------------------------------------------------------------------- files, models


def test_html_and_svg_of_a_run_never_run_in_our_origin(record: Record, site: Site, run: str) -> None:
    html = put(record, run, "report.html", b"<script>alert(1)</script>")
    svg = put(
        record, run, "figure.svg", b"<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>"
    )
    page = site.get(html)
    assert "<script>alert" not in page.text
    sandbox = site.get(next(link for link in page.links if link.startswith("/sandbox/")))
    assert sandbox.text == "<script>alert(1)</script>"
    policy = sandbox.headers["Content-Security-Policy"]
    assert policy.startswith("sandbox allow-scripts; default-src 'none';")
    assert "allow-same-origin" not in policy
    picture = next(found for tag, found in site.get(svg).elements if tag == "img")
    raw = site.get(picture["src"])
    assert raw.headers["Content-Disposition"].startswith("attachment")
    assert raw.headers["X-Content-Type-Options"] == "nosniff"
    assert raw.headers["Content-Security-Policy"].startswith("sandbox;")


def test_only_html_is_answered_by_the_sandbox(record: Record, site: Site, run: str) -> None:
    path = put(record, run, "x.svg", b"<svg/>").replace("/files/", "/sandbox/")
    assert site.get(path).status == 400
    assert site.get("/sandbox/none.html").status == 404
    assert site.get("/sandbox/..%2f..%2fetc/x.html").status == 400


def test_a_folder_of_thousands_is_paged(record: Record, site: Site, run: str) -> None:
    root = root_of(get_run(record.db, run).artifact_uri)
    stored = put_bytes(record.files, b"x")

    def fill(tx: object) -> None:
        for number in range(450):
            put_file(tx, root, f"parts/{number:04}.bin", stored)  # type: ignore[arg-type]

    record.db.write(fill)
    page = site.json(f"/files/{root}/parts.json?page=3")
    assert (page["number"], page["first"], len(page["entries"])) == (450, 401, 50)
    assert page["next"] == ""
    assert site.get(f"/files/{root}/parts").size < 100_000
    assert site.get(f"/files/{root}/parts?page=4").status == 400


def test_pictures_that_mlflow_logged_are_shown_the_newest_of_each_series(
    record: Record, site: Site, run: str
) -> None:
    for step in (2, 10):
        for name in (".png", "+compressed.webp"):
            put(record, run, f"images/val~cats+step+{step}+timestamp+17+uuid{name}", b"png")
    put(record, run, "plots/roc.png", b"png")
    pictures = site.json(f"/runs/{run}.json")["pictures"]
    assert [picture["label"] for picture in pictures] == ["val/cats, step 10", "roc.png"]
    assert pictures[0]["source"].endswith("compressed.webp")


def test_a_logged_model_shows_its_measures_with_their_data(record: Record, site: Site, run: str) -> None:
    model = record.db.write(
        lambda tx: create_logged_model(
            tx, experiment_id="0", name="clf", source_run_id=run, params={"C": "0.3"}
        )
    )
    point = Metric(
        key="acc", value=0.9, at_ms=1, model_id=model.id, dataset_name="iris", dataset_digest="ab12"
    )
    later = Metric(
        key="acc", value=0.95, at_ms=2, step=1, model_id=model.id, dataset_name="iris", dataset_digest="ab12"
    )
    record.db.write(lambda tx: log_batch(tx, run, metrics=[point, later]))
    record.db.write(
        lambda tx: put_file(tx, root_of(model.artifact_location), "MLmodel", put_bytes(record.files, b"x"))
    )
    record.db.write(lambda tx: finish_logged_model(tx, model.id))
    page = site.json(f"/logged-models/{model.id}.json")
    assert [(m["key"], m["value"], m["dataset_name"]) for m in page["metrics"]] == [("acc", 0.95, "iris")]
    assert page["register"] == f"paved register {run[:8]} --name clf"
    answer = site.get(f"/logged-models/{model.id}")
    assert "No version yet" in answer.words
    assert f"/logged-models/{model.id}" in site.get(f"/runs/{run}").links
    assert site.get("/logged-models/m-none").status == 404


def test_the_page_of_a_deleted_run_offers_no_form_but_to_bring_it_back(
    record: Record, site: Site, run: str
) -> None:
    record.db.write(lambda tx: set_tag(tx, run, "team", "night"))
    record.db.write(lambda tx: delete_run(tx, run, who="ada"))
    forms = [
        found["action"]
        for tag, found in site.get(f"/runs/{run}").elements
        if tag == "form" and "method" in found
    ]
    assert forms == [f"/runs/{run}/restore"]
