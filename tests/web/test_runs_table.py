"""The table of runs, what can be done with its rows, and runs side by side."""

from __future__ import annotations

import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable

import pytest
from tests.tracking.runs import add_runs
from tests.web.conftest import Answer, Site

from pavedroad.record import Record
from pavedroad.tracking import delete_experiment, get_run, log_param


@pytest.fixture
def runs(record: Record) -> list[str]:
    return add_runs(record)


@pytest.fixture
def site(record: Record, runs: list[str], serve: Callable[..., Site]) -> Site:
    return serve(record)


def address(path: str, **query: str) -> str:
    return f"{path}?{urllib.parse.urlencode(query)}"


def names(site: Site, **query: str) -> list[str]:
    return [row["name"] for row in site.json(address("/runs.json", **query))["rows"]]


def post(site: Site, path: str, fields: list[tuple[str, str]], **headers: str) -> Answer:
    """The page that the form leads to."""
    request = urllib.request.Request(
        site.url + path,
        data=urllib.parse.urlencode(fields).encode(),
        headers={"Accept": "text/html", **headers},
    )
    try:
        with urllib.request.urlopen(request, timeout=30) as response:
            return Answer(response.status, response.headers, response.read())
    except urllib.error.HTTPError as error:
        with error:
            return Answer(error.code, error.headers, error.read())


# ------------------------------------------------------------------------------------ columns, order


def test_without_a_choice_who_and_when_stand_before_what_tells_the_runs_apart(site: Site) -> None:
    page = site.json("/runs.json")
    assert [column["field"] for column in page["columns"]] == [
        "experiment",
        "user_id",
        "start_time",
        "duration",
        "metrics.auc",
        "metrics.`train/loss`",
        "params.depth",
        "params.`odd key`",
    ]


def test_chosen_columns_stand_in_the_order_of_the_choice(site: Site) -> None:
    page = site.json(address("/runs.json", columns="max.auc,tags.team,duration", filter="run_name = 'run-1'"))
    assert [column["label"] for column in page["columns"]] == ["auc max", "team", "Took"]
    assert page["rows"][0]["values"] == [pytest.approx(0.99), '-red, "or" blue', 250]


def test_boxes_of_a_form_become_one_list_in_the_address(site: Site) -> None:
    with urllib.request.urlopen(f"{site.url}/runs?columns=metrics.auc&columns=params.depth") as response:
        assert response.url.endswith("/runs?columns=metrics.auc%2Cparams.depth")


def test_a_head_leads_through_both_orders_and_back(site: Site) -> None:
    states = []
    path = address("/runs.json", columns="metrics.auc")
    for _ in range(4):
        (head,) = site.json(path)["columns"]
        states.append(head["sorted"])
        path = head["href"].replace("/runs?", "/runs.json?")
    assert states == ["", "descending", "ascending", ""]


@pytest.mark.parametrize(
    ("order", "first"),
    [
        ("metrics.auc DESC", "run-1"),
        ("metrics.auc ASC", "run-0"),
        ("max.auc DESC", "run-1"),
        ("params.depth ASC, run_name DESC", "run-3"),
        ("tags.team ASC", "run-1"),
        ("run_name ASC", "run-0"),
        ("start_time DESC", "run-3"),
    ],
)
def test_the_list_is_ordered_by_any_column(site: Site, order: str, first: str) -> None:
    assert names(site, order=order)[0] == first


def test_the_link_of_a_page_holds_the_whole_view(site: Site) -> None:
    query = {
        "filter": "metrics.auc > 0.6",
        "order": "metrics.auc ASC",
        "columns": "min.auc",
        "experiment": "flights",
    }
    answer = site.get(address("/runs", **query))
    hidden = {
        found["name"]: found["value"]
        for tag, found in answer.elements
        if tag == "input" and found.get("type") == "hidden"
    }
    assert query.items() - hidden.items() == {("filter", query["filter"]), ("experiment", "flights")}
    assert hidden["back"] == address(
        "/runs", experiment="flights", **{k: query[k] for k in ("filter", "order", "columns")}
    )
    exported = [href for href in answer.links if href.startswith("/runs/export.csv")]
    assert urllib.parse.parse_qs(exported[0].partition("?")[2])["filter"] == [query["filter"]]


def test_an_experiment_is_named_or_numbered(site: Site, record: Record, runs: list[str]) -> None:
    number = get_run(record.db, runs[3]).experiment_id
    assert names(site, experiment="churn") == names(site, experiment=number) == ["run-3"]
    assert "of churn" in site.get(address("/runs", experiment=number)).words


def test_more_columns_than_a_page_shows_are_refused_with_a_way_out(site: Site) -> None:
    columns = ",".join(f"params.p{at}" for at in range(41))
    answer = site.get(address("/runs", columns=columns))
    assert answer.status == 400
    assert "41 columns are more than a page shows" in answer.words


# ---------------------------------------------------------------------------------------------- the chooser


def test_a_few_letters_find_a_column_among_thousands(site: Site, record: Record, runs: list[str]) -> None:
    record.db.write(lambda tx: [log_param(tx, runs[0], f"layer/{at}/width", "1") for at in range(300)])
    page = site.json("/runs.json?choose=1&find=yer%2F29")["chooser"]
    (params,) = page["groups"]
    assert [line["key"] for line in params["lines"]] == [
        "layer/29/width",
        *(f"layer/{at}/width" for at in range(290, 300)),
    ]
    assert page["number"] > 300
    assert len(site.get("/runs?choose=1").text) < 100_000
    assert "more: type some letters" in site.get("/runs?choose=1").words


def test_what_is_chosen_stays_chosen_while_one_looks_for_more(site: Site) -> None:
    answer = site.get("/runs?part=columns&find=odd&columns=metrics.auc&columns=max.auc")
    boxes = {found["value"]: "checked" in found for tag, found in answer.elements if tag == "input"}
    assert boxes == {"metrics.auc": True, "max.auc": True, "params.`odd key`": False}


# ---------------------------------------------------------------------------------------------- refusals


def test_the_place_of_a_filter_that_cannot_be_read_is_marked(site: Site) -> None:
    answer = site.get(address("/runs", filter="metrics.auc > 0.5 andd params.depth = '8'"))
    assert answer.status == 400
    assert "<mark>andd</mark>" in answer.text
    assert "Expected AND, OR or the end" in answer.words
    assert "parentRunId" not in answer.words  # only what was typed


def test_a_word_that_was_meant_is_one_click_away(site: Site) -> None:
    answer = site.get(address("/runs", filter="metrcs.auc > 0.6"))
    assert answer.status == 400
    meant = next(href for href in answer.links if "filter=metrics.auc" in href)
    assert names(site, filter="metrics.auc > 0.6") == [
        row["name"] for row in site.json(meant.replace("/runs?", "/runs.json?"))["rows"]
    ]


def test_a_key_that_no_run_has_is_named_with_the_nearest(site: Site) -> None:
    answer = site.get(address("/runs", filter="metrics.aucc > 0.6 and params.`no such` = '1'"))
    assert "No run has metrics.aucc: did you mean metrics.auc?" in answer.words
    assert "No run has params.`no such`." in answer.words


def test_the_end_of_the_list_is_said(site: Site) -> None:
    assert "1\u20134 of 4" in site.get("/runs").words
    assert "The list ends before page 9" in site.get("/runs?page=9").words


# ---------------------------------------------------------------------------------------------- actions


def test_selected_runs_are_deleted_and_restored(site: Site, runs: list[str]) -> None:
    fields = [("run", runs[0]), ("run", runs[1]), ("back", "/runs?order=run_name+ASC")]
    answer = post(site, "/runs/actions", [*fields, ("action", "delete")])
    assert "2 runs deleted. They can be restored." in answer.words
    assert names(site, order="run_name") == ["run-2", "run-3"]
    assert names(site, view="deleted", order="run_name") == ["run-0", "run-1"]
    assert "1 run restored." in post(site, "/runs/actions", [("run", runs[0]), ("action", "restore")]).words
    assert names(site, view="deleted") == ["run-1"]


def test_runs_are_deleted_for_good_only_after_a_second_look(
    site: Site, record: Record, runs: list[str]
) -> None:
    assert site.get(address("/runs/erase", run=runs[0])).status == 409
    assert post(site, "/runs/erase", [("run", runs[0])]).status == 409
    post(site, "/runs/actions", [("run", runs[0]), ("action", "delete")])
    asked = site.get(address("/runs/erase", run=runs[0], back="/runs?view=deleted"))
    assert "Delete 1 run for good?" in asked.words
    assert get_run(record.db, runs[0]).name == "run-0"
    done = post(site, "/runs/erase", [("run", runs[0]), ("back", "/runs?view=deleted")])
    assert "1 run deleted for good." in done.words
    assert site.get(f"/runs/{runs[0]}").status == 404


def test_a_run_of_a_deleted_experiment_is_not_restored_alone(
    site: Site, record: Record, runs: list[str]
) -> None:
    number = get_run(record.db, runs[3]).experiment_id
    record.db.write(lambda tx: delete_experiment(tx, number, who="ada"))
    assert "churn (deleted)" in site.get("/runs?view=deleted").words
    answer = post(site, "/runs/actions", [("run", runs[3]), ("action", "restore")])
    assert answer.status == 409
    assert "Restore the experiment first" in answer.words


@pytest.mark.parametrize(
    ("fields", "status", "says"),
    [
        ([("action", "delete")], 400, "no run is selected"),
        ([("action", "drop"), ("run", "a")], 400, "action='drop'"),
        ([("action", "delete"), ("run", "f" * 32)], 404, "f" * 32),
    ],
)
def test_an_action_that_cannot_be_done_changes_nothing(
    site: Site, fields: list[tuple[str, str]], status: int, says: str
) -> None:
    answer = post(site, "/runs/actions", fields)
    assert answer.status == status
    assert says in answer.words
    assert len(names(site)) == 4


def test_one_run_that_is_not_there_keeps_all(site: Site, runs: list[str]) -> None:
    assert (
        post(site, "/runs/actions", [("action", "delete"), ("run", runs[0]), ("run", "f" * 32)]).status == 404
    )
    assert len(names(site)) == 4


def test_another_sites_page_may_not_delete(site: Site, runs: list[str]) -> None:
    fields = [("action", "delete"), ("run", runs[0])]
    assert post(site, "/runs/actions", fields, Origin="https://evil.example").status == 403
    assert len(names(site)) == 4


@pytest.mark.parametrize("back", ["https://evil.example/", "//evil.example", "/models", "/runs/x?y"])
def test_an_action_leads_back_only_to_a_list_of_runs(site: Site, runs: list[str], back: str) -> None:
    answer = post(site, "/runs/actions", [("action", "delete"), ("run", runs[0]), ("back", back)])
    assert "1 run deleted" in answer.words


# ---------------------------------------------------------------------------------------------- side by side


def test_a_comparison_says_what_differs_first(site: Site, runs: list[str]) -> None:
    answer = site.get(f"/runs/compare?run={runs[0]}&run={runs[1]}")
    assert "They differ in 2 params, 1 metric and tags." in answer.words
    assert answer.words.index("Params that differ") < answer.words.index("Metrics that differ")
    assert "Metrics: 1 equal in all" in answer.words
    assert "best: 0.9" in answer.words
    assert "Highest auc 0.9 in B" in answer.words


def test_a_comparison_is_kept_in_its_address(site: Site, runs: list[str]) -> None:
    page = site.get(f"/runs/compare?run={','.join(runs)}&x=time&scale=log&smooth=0.6&lower=auc")
    assert "lower is better" in page.words
    without = next(
        found["href"] for tag, found in page.elements if found.get("aria-label", "").startswith("Leave out A")
    )
    query = urllib.parse.parse_qs(without.partition("?")[2])
    assert query == {
        "run": [",".join(runs[1:])], "x": ["time"], "scale": ["log"], "smooth": ["0.6"], "lower": ["auc"],
    }  # fmt: skip
    assert site.get(without).status == 200


def test_two_axes_are_a_scatter_and_more_are_parallel(site: Site, runs: list[str]) -> None:
    path = f"/runs/compare?run={','.join(runs)}&axis=params.depth&axis=metrics.auc"
    assert '<a href="/runs/' in site.json(path.replace("compare?", "compare.json?"))["relation"]["picture"]
    more = site.json(path.replace("compare?", "compare.json?") + "&axis=metrics.`train/loss`")
    assert more["relation"]["picture"].count("<polyline") >= 3


@pytest.mark.parametrize(
    ("query", "status", "says"),
    [
        ("", 400, "no run was named; a comparison takes 2 to 20"),
        ("run={a}", 400, "1 run was named"),
        ("run={a},ffff,eeee", 404, "no run 'ffff', 'eeee'"),
        ("run={a}&run={b}&x=stp", 400, "x='stp'"),
        ("run={a}&run={b}&smooth=1", 400, "smooth='1'"),
        ("run={a}&run={b}&curve=loss", 404, "'loss'"),
        ("run={a}&run={b}&axis=params.depth", 400, "one axis draws nothing"),
        ("run={a}&run={b}&axis=params.dept&axis=metrics.auc", 404, "params.dept"),
        ("run={a}&run={b}&axis=dept&axis=metrics.auc", 400, "'dept' is not a column"),
    ],
)
def test_a_comparison_that_cannot_be_made_says_why(
    site: Site, runs: list[str], query: str, status: int, says: str
) -> None:
    answer = site.get(f"/runs/compare?{query.format(a=runs[0], b=runs[1])}")
    assert answer.status == status
    assert says in answer.words


def test_twenty_runs_can_be_compared_and_twenty_one_cannot(big: Site) -> None:
    ids = [row["id"] for row in big.json("/runs.json")["rows"]][:21]
    page = big.get(f"/runs/compare?run={','.join(ids[:20])}")
    assert page.status == 200
    assert "20 runs side by side" in page.words
    refused = big.get(f"/runs/compare?run={','.join(ids)}")
    assert refused.status == 400
    assert "21 runs are too many" in refused.words
