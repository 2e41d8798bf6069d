"""MLflow's unchanged client against the registry: what it can do, and that it cannot get round a gate."""

from __future__ import annotations

import contextlib
import json
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from pavedroad.catalog import Ref, edges_of, find_artifact, read_facts
from pavedroad.record import Record
from pavedroad.registry import get_version, list_evaluations, list_moves
from pavedroad.server import embedded

# MLflow warns about itself on import and about deprecated stages; its warnings are not ours to fix.
pytestmark = pytest.mark.filterwarnings("ignore")


@pytest.fixture
def refusal(mlflow: Any) -> type[Exception]:
    kind: type[Exception] = mlflow.exceptions.RestException
    return kind


@pytest.fixture
def serve(mlflow: Any, tmp_path: Path) -> Iterator[Callable[..., Any]]:
    """`serve(record, owner=True)` starts a server with these gates; gives MLflow's client of it."""
    with contextlib.ExitStack() as started:

        def start(record: Record, **gates: Any) -> Any:
            settings = msgspec.structs.replace(record.settings, gates=gates)
            server = embedded.start(msgspec.structs.replace(record, settings=settings))
            started.callback(server.stop)
            mlflow.set_tracking_uri(server.url)
            mlflow.set_registry_uri(server.url)
            return mlflow.MlflowClient(tracking_uri=server.url, registry_uri=server.url)

        yield start


def log_model(mlflow: Any, client: Any, *, auc: float = 0.9, name: str = "flights") -> Any:
    """The version of a scikit-learn model, of a run with a metric and the data that was measured on."""
    import pandas as pd
    from sklearn.linear_model import LogisticRegression

    frame = pd.DataFrame({"wind": [1.0, 30.0, 2.0, 35.0], "hour": [6.0, 18.0, 7.0, 19.0]})
    model = LogisticRegression(C=auc).fit(frame, [0, 1, 0, 1])
    mlflow.set_experiment("flights")
    with mlflow.start_run():
        mlflow.log_metric("auc", auc)
        mlflow.log_input(mlflow.data.from_pandas(frame, name="weather"), context="eval")
        logged = mlflow.sklearn.log_model(
            model,
            name="model",
            input_example=frame.head(2),
            registered_model_name=name,
            pip_requirements=["scikit-learn"],
            # The format that needs no question who trusts it.
            serialization_format="cloudpickle",
        )
    return client.get_model_version(name, logged.registered_model_version)


def quick_version(
    client: Any, *, name: str = "flights", auc: float = 0.9, tags: dict[str, str] | None = None
) -> Any:
    """A version of a run whose model nobody loads."""
    from mlflow.entities import Dataset, DatasetInput, InputTag

    with contextlib.suppress(Exception):
        client.create_registered_model(name)
    run = client.create_run("0")
    client.log_metric(run.info.run_id, "auc", auc)
    weather = Dataset(name="weather", digest="d1", source_type="local", source="{}")
    client.log_inputs(run.info.run_id, [DatasetInput(weather, [InputTag("mlflow.data.context", "eval")])])
    client.log_text(
        run.info.run_id, "flavors: {python_function: {loader_module: mlflow.sklearn}}", "model/MLmodel"
    )
    client.log_text(run.info.run_id, "a model", "model/model.pkl")
    client.set_terminated(run.info.run_id)
    return client.create_model_version(name, f"{run.info.artifact_uri}/model", run.info.run_id, tags=tags)


def post(client: Any, path: str, body: dict[str, Any]) -> tuple[int, Any]:
    """Status and answer of a call that MLflow's client would not make."""
    request = urllib.request.Request(
        f"{client.tracking_uri}/api/2.0/mlflow/{path}",
        data=json.dumps(body).encode(),
        headers={"Content-Type": "application/json"},
    )
    try:
        with urllib.request.urlopen(request, timeout=30) as response:
            return response.status, json.load(response)
    except urllib.error.HTTPError as error:
        with error:
            return error.code, json.load(error)


# -------------------------------------------------------------------------------------- what it is used for


def test_a_logged_model_is_registered_aliased_and_loaded_by_its_alias(
    mlflow: Any, serve: Callable[..., Any], any_record: Record
) -> None:
    client = serve(any_record)
    version = log_model(mlflow, client)
    client.set_registered_model_alias("flights", "champion", version.version)

    found = client.get_model_version_by_alias("flights", "champion")
    loaded = mlflow.pyfunc.load_model("models:/flights@champion")

    assert (found.version, found.aliases, found.status) == ("1", ["champion"], "READY")
    assert found.run_id == version.run_id
    assert list(loaded.predict({"wind": [2.0, 33.0], "hour": [6.0, 18.0]})) == [0, 1]
    assert client.get_registered_model("flights").aliases == {"champion": "1"}


def test_a_version_registered_from_a_run_is_the_same_as_one_from_its_logged_model(
    mlflow: Any, serve: Callable[..., Any], record: Record
) -> None:
    client = serve(record)
    first = log_model(mlflow, client)
    second = mlflow.register_model(f"runs:/{first.run_id}/model", "flights")
    one, two = get_version(record.db, "flights", 1), get_version(record.db, "flights", 2)
    assert second.version == "2"
    assert one.digest == two.digest
    assert one.location != two.location


def test_models_are_made_found_renamed_and_deleted(serve: Callable[..., Any], any_record: Record) -> None:
    client = serve(any_record)
    made = client.create_registered_model("flights", tags={"team": "ops"}, description="late or not")
    assert (made.name, made.description, made.tags) == ("flights", "late or not", {"team": "ops"})

    client.set_registered_model_tag("flights", "tier", "1")
    client.delete_registered_model_tag("flights", "team")
    client.update_registered_model("flights", "arrives late")
    found = client.get_registered_model("flights")
    assert (found.description, found.tags) == ("arrives late", {"tier": "1"})
    assert found.last_updated_timestamp >= found.creation_timestamp > 0

    client.rename_registered_model("flights", "late-flights")
    assert [model.name for model in client.search_registered_models()] == ["late-flights"]
    assert client.get_registered_model("late-flights").tags == {"tier": "1"}
    client.rename_registered_model("late-flights", "flights")
    client.delete_registered_model("flights")
    assert client.search_registered_models() == []


def test_versions_are_made_described_tagged_and_deleted(
    serve: Callable[..., Any], any_record: Record
) -> None:
    client = serve(any_record)
    first, second = quick_version(client, auc=0.8), quick_version(client, auc=0.9)
    assert (first.version, second.version, second.current_stage) == ("1", "2", "None")

    client.update_model_version("flights", "2", "deeper trees")
    client.set_model_version_tag("flights", "2", "depth", "8")
    client.set_model_version_tag("flights", version="2", key="gone", value="x")
    client.delete_model_version_tag("flights", "2", "gone")
    found = client.get_model_version("flights", "2")
    assert (found.description, found.tags) == ("deeper trees", {"depth": "8"})
    assert client.get_model_version_download_uri("flights", "2").startswith("mlflow-artifacts:/registry/")

    client.delete_model_version("flights", "2")
    assert [each.version for each in client.search_model_versions("name = 'flights'")] == ["1"]
    assert quick_version(client).version == "3"  # a number means one version for ever


def test_stages_other_than_production_are_as_they_were(serve: Callable[..., Any], record: Record) -> None:
    client = serve(record)
    quick_version(client), quick_version(client), quick_version(client)
    client.transition_model_version_stage("flights", "1", "Staging")
    client.transition_model_version_stage("flights", "2", "staging", archive_existing_versions=True)
    assert client.get_model_version("flights", "1").current_stage == "Archived"
    latest = {each.current_stage: each.version for each in client.get_latest_versions("flights")}
    assert latest == {"Archived": "1", "Staging": "2", "None": "3"}
    assert [each.version for each in client.get_latest_versions("flights", ["Staging"])] == ["2"]
    assert client.transition_model_version_stage("flights", "3", "Production").current_stage == "Production"


def test_aliases_move_and_go(serve: Callable[..., Any], any_record: Record) -> None:
    client = serve(any_record)
    quick_version(client), quick_version(client)
    client.set_registered_model_alias("flights", "challenger", "1")
    client.set_registered_model_alias("flights", "challenger", "2")
    client.set_registered_model_alias("flights", "night", "2")
    assert client.get_model_version_by_alias("flights", "challenger").version == "2"
    assert client.get_model_version_by_alias("flights", "latest").version == "2"
    assert sorted(client.get_model_version("flights", "2").aliases) == ["challenger", "night"]
    client.delete_registered_model_alias("flights", "night")
    client.delete_registered_model_alias("flights", "night")
    assert client.get_registered_model("flights").aliases == {"challenger": "2"}


def test_models_and_versions_are_searched(serve: Callable[..., Any], any_record: Record) -> None:
    client = serve(any_record)
    versions = [
        quick_version(client, name=name, tags={"depth": depth})
        for name, depth in (("a", "4"), ("a", "8"), ("b", "8"))
    ]
    client.set_registered_model_tag("b", "team", "ops")

    def found(text: str, **options: Any) -> list[str]:
        return [f"{each.name}{each.version}" for each in client.search_model_versions(text, **options)]

    assert found("name = 'a'", order_by=["version_number ASC"]) == ["a1", "a2"]
    assert found("name LIKE 'a%' AND tags.depth = '8'") == ["a2"]
    assert found("tags.`depth` = '8'", order_by=["name ASC"]) == ["a2", "b1"]
    assert found(f"run_id = '{versions[2].run_id}'") == ["b1"]
    assert found(f"run_id IN ('{versions[0].run_id}', '{versions[2].run_id}')", order_by=["name"]) == [
        "a1",
        "b1",
    ]
    assert found(f"source_path = '{versions[1].source}'") == ["a2"]
    assert found("version_number > 1") == ["a2"]
    assert found("name = 'z'") == []
    models = client.search_registered_models
    assert [model.name for model in models("name ILIKE 'B%'")] == ["b"]
    assert [model.name for model in models("tags.team = 'ops'")] == ["b"]
    assert [model.name for model in models(order_by=["name DESC"])] == ["b", "a"]


def test_searches_come_in_pages(serve: Callable[..., Any], any_record: Record) -> None:
    client = serve(any_record)
    for number in range(5):
        client.create_registered_model(f"m{number}")
    first = client.search_registered_models(max_results=2)
    second = client.search_registered_models(max_results=2, page_token=first.token)
    third = client.search_registered_models(max_results=2, page_token=second.token)
    assert [model.name for page in (first, second, third) for model in page] == [f"m{n}" for n in range(5)]
    assert not third.token


def test_prompts_are_kept_apart_from_models(mlflow: Any, serve: Callable[..., Any], record: Record) -> None:
    client = serve(record)
    mlflow.genai.register_prompt("greeting", "Say hello to {{name}}")
    mlflow.genai.set_prompt_alias("greeting", "champion", 1)
    client.create_registered_model("flights")
    assert mlflow.genai.load_prompt("prompts:/greeting@champion").template == "Say hello to {{name}}"
    assert [model.name for model in client.search_registered_models()] == ["flights"]
    assert [prompt.name for prompt in client.search_prompts()] == ["greeting"]


WRONG: list[tuple[Callable[[Any], Any], str, str]] = [
    (
        lambda c: c.get_registered_model("none"),
        "RESOURCE_DOES_NOT_EXIST",
        "Registered Model with name=none not found",
    ),
    (
        lambda c: c.get_model_version("flights", "9"),
        "RESOURCE_DOES_NOT_EXIST",
        "Model Version (name=flights, version=9)",
    ),
    (
        lambda c: c.get_model_version("none", "1"),
        "RESOURCE_DOES_NOT_EXIST",
        "Registered Model with name=none",
    ),
    (
        lambda c: c.get_model_version("flights", "one"),
        "INVALID_PARAMETER_VALUE",
        "must be an integer, got 'one'",
    ),
    (
        lambda c: c.get_model_version_by_alias("flights", "none"),
        "INVALID_PARAMETER_VALUE",
        "alias none not found",
    ),
    (
        lambda c: c.create_registered_model("flights"),
        "RESOURCE_ALREADY_EXISTS",
        "(name=flights) already exists",
    ),
    (lambda c: c.create_registered_model("a/b"), "INVALID_PARAMETER_VALUE", "cannot contain '/' or ':'"),
    (
        lambda c: c.create_registered_model(" "),
        "INVALID_PARAMETER_VALUE",
        "Missing value for required parameter 'name'",
    ),
    (
        lambda c: c.rename_registered_model("flights", "other"),
        "RESOURCE_ALREADY_EXISTS",
        "(name=other) already exists",
    ),
    (lambda c: c.rename_registered_model("none", "x"), "RESOURCE_DOES_NOT_EXIST", "name=none not found"),
    (lambda c: c.delete_registered_model("none"), "RESOURCE_DOES_NOT_EXIST", "name=none not found"),
    (lambda c: c.delete_model_version("flights", "9"), "RESOURCE_DOES_NOT_EXIST", "version=9) not found"),
    (
        lambda c: c.set_registered_model_alias("flights", "latest", "1"),
        "INVALID_PARAMETER_VALUE",
        "is reserved",
    ),
    (
        lambda c: c.set_registered_model_alias("flights", "v3", "1"),
        "INVALID_PARAMETER_VALUE",
        "'v3' is reserved",
    ),
    (
        lambda c: c.set_registered_model_alias("flights", "a b", "1"),
        "INVALID_PARAMETER_VALUE",
        "Invalid alias name: 'a b'",
    ),
    (
        lambda c: c.set_registered_model_alias("flights", "x" * 256, "1"),
        "INVALID_PARAMETER_VALUE",
        "maximum length of 255",
    ),
    (
        lambda c: c.set_registered_model_alias("flights", "night", "9"),
        "RESOURCE_DOES_NOT_EXIST",
        "version=9) not found",
    ),
    (
        lambda c: c.set_registered_model_tag("flights", "k" * 251, "v"),
        "INVALID_PARAMETER_VALUE",
        "maximum length of 250",
    ),
    (lambda c: c.set_registered_model_tag("flights", "../k", "v"), "INVALID_PARAMETER_VALUE", "resolve to"),
    (
        lambda c: c.set_model_version_tag("flights", "1", "k", "v" * 100_001),
        "INVALID_PARAMETER_VALUE",
        "100000",
    ),
    (
        lambda c: c.transition_model_version_stage("flights", "1", "Live"),
        "INVALID_PARAMETER_VALUE",
        "Value must be one of",
    ),
    (
        lambda c: c.search_model_versions("nam = 'x'"),
        "INVALID_PARAMETER_VALUE",
        "Invalid attribute key 'nam'",
    ),
    (
        lambda c: c.search_model_versions("metrics.a > 1"),
        "INVALID_PARAMETER_VALUE",
        "Invalid entity type 'metrics'",
    ),
    (
        lambda c: c.search_model_versions("name = flights"),
        "INVALID_PARAMETER_VALUE",
        "Parameter value is either not quoted",
    ),
    (
        lambda c: c.search_model_versions(order_by=["size"]),
        "INVALID_PARAMETER_VALUE",
        "Invalid attribute key 'size'",
    ),
    (
        lambda c: c.search_registered_models(page_token="x"),
        "INVALID_PARAMETER_VALUE",
        "could not base64-decode",
    ),
    (lambda c: c.search_registered_models(max_results=1001), "INVALID_PARAMETER_VALUE", "1001"),
    (lambda c: c.create_model_version("none", "s3://b/m"), "RESOURCE_DOES_NOT_EXIST", "name=none not found"),
    (
        lambda c: c.create_model_version("flights", "/etc/passwd"),
        "INVALID_PARAMETER_VALUE",
        "To use a local path",
    ),
    (lambda c: c.create_model_version("flights", "s3://b/../m"), "INVALID_PARAMETER_VALUE", "relative path"),
    (
        lambda c: c.create_model_version("flights", "s3://b/%2e%2e/m"),
        "INVALID_PARAMETER_VALUE",
        "relative path",
    ),
    (
        lambda c: c.create_model_version("flights", "mlflow-artifacts:/1/x/artifacts"),
        "INVALID_PARAMETER_VALUE",
        "run_id request",
    ),
    (
        lambda c: c.create_model_version("flights", "models:/m-" + "0" * 32),
        "INVALID_PARAMETER_VALUE",
        "model_id request",
    ),
    (
        lambda c: c.create_model_version("flights", "models:/flights/9"),
        "RESOURCE_DOES_NOT_EXIST",
        "version=9) not found",
    ),
]


def test_what_cannot_be_is_refused_in_the_words_of_mlflow(
    mlflow: Any, serve: Callable[..., Any], record: Record
) -> None:
    client = serve(record)
    quick_version(client)
    client.create_registered_model("other")
    for attempt, code, words in WRONG:
        with pytest.raises(mlflow.exceptions.MlflowException) as caught:
            attempt(client)
        assert (caught.value.error_code, words in str(caught.value)) == (code, True), str(caught.value)


# ------------------------------------------------------------------------------------------ what it may not


GATES: dict[str, Any] = {"metric": [{"name": "auc", "at_least": 0.75}], "not_worse_than": {"metric": "auc"}}


@pytest.fixture
def gated(serve: Callable[..., Any], any_record: Record) -> Any:
    """A client; flights@1 is champion with auc 0.9, flights@2 has 0.8 and would be worse."""
    client = serve(any_record, **GATES)
    quick_version(client, auc=0.9)
    quick_version(client, auc=0.8)
    client.set_registered_model_alias("flights", "champion", "1")
    return client


def test_a_refused_alias_says_which_gates_are_closed_and_what_to_run(
    gated: Any, refusal: type[Exception], any_record: Record
) -> None:
    with pytest.raises(refusal) as caught:
        gated.set_registered_model_alias("flights", "champion", "2")
    said = str(caught.value)
    assert said.startswith("PERMISSION_DENIED: flights@2 cannot become champion: 1 gate is closed")
    assert "not_worse_than: auc is 0.8, flights@1 (champion) has 0.9: worse by 0.1" in said
    assert said.endswith("\nrun `paved promote flights@2 --to champion` to see each next step")
    last = list_evaluations(any_record.db, get_version(any_record.db, "flights", 2).uid)[0]
    assert [evidence.gate for evidence in last.closed] == ["not_worse_than"]
    assert read_facts(any_record.db, verb="refused")[0].payload["closed"] == ["not_worse_than"]


def set_it(client: Any) -> None:
    client.set_registered_model_alias("flights", "champion", "2")


def take_it_away_and_set_it(client: Any) -> None:
    client.delete_registered_model_alias("flights", "champion")
    client.set_registered_model_alias("flights", "champion", "2")


def delete_the_champion_first(client: Any) -> None:
    client.delete_model_version("flights", "1")


def forget_the_champion_first(client: Any) -> None:
    client.delete_registered_model_alias("flights", "champion")
    client.delete_model_version("flights", "1")
    client.set_registered_model_alias("flights", "champion", "2")


def delete_the_model(client: Any) -> None:
    client.delete_registered_model("flights")


def make_the_model_anew(client: Any) -> None:
    run_id = client.get_model_version("flights", "2").run_id
    client.delete_registered_model_alias("flights", "champion")
    client.delete_registered_model("flights")
    client.create_registered_model("flights")
    version = client.create_model_version("flights", f"runs:/{run_id}/model", run_id)
    client.set_registered_model_alias("flights", "champion", version.version)


def rename_the_champion_away(client: Any) -> None:
    client.rename_registered_model("flights", "flights-old")


def rename_another_champion_into_its_place(client: Any) -> None:
    client.copy_model_version("models:/flights/2", "scratch")
    client.set_registered_model_alias("scratch", "champion", "1")  # the first there, so it passes
    client.delete_registered_model_alias("flights", "champion")
    client.rename_registered_model("flights", "flights-old")
    client.rename_registered_model("scratch", "flights")


def copy_it_to_the_same_model(client: Any) -> None:
    copy = client.copy_model_version("models:/flights/2", "flights")
    client.set_registered_model_alias("flights", "champion", copy.version)


def use_the_stage_instead(client: Any) -> None:
    client.transition_model_version_stage("flights", "2", "Production", archive_existing_versions=True)


def move_it_by_a_tag(client: Any) -> None:
    client.set_registered_model_tag("flights", "mlflow.registeredmodel.alias.champion", "2")
    client.set_registered_model_alias("flights", "champion", 2)


@pytest.mark.parametrize(
    "attempt",
    [
        set_it,
        take_it_away_and_set_it,
        delete_the_champion_first,
        forget_the_champion_first,
        delete_the_model,
        make_the_model_anew,
        rename_the_champion_away,
        rename_another_champion_into_its_place,
        copy_it_to_the_same_model,
        use_the_stage_instead,
        move_it_by_a_tag,
    ],
    ids=lambda attempt: attempt.__name__,
)
def test_there_is_no_way_round_a_gate(
    attempt: Callable[[Any], None], gated: Any, refusal: type[Exception], any_record: Record
) -> None:
    with pytest.raises(refusal) as caught:
        attempt(gated)
    assert caught.value.error_code == "PERMISSION_DENIED"  # type: ignore[attr-defined]
    moves = list_moves(any_record.db, "flights", alias="champion")
    assert {move.version for move in moves} <= {1, 0}, "only version 1 ever was champion"


def test_calling_a_model_a_prompt_opens_no_gate(gated: Any) -> None:
    """MLflow's client keeps the two apart by itself; other callers may not."""
    tag = {"key": "mlflow.prompt.is_prompt", "value": "true"}
    post(gated, "registered-models/set-tag", {"name": "flights", **tag})
    post(gated, "model-versions/set-tag", {"name": "flights", "version": "2", **tag})
    elsewhere = {"name": "flights", "source": "s3://bucket/model", "tags": [tag]}
    assert post(gated, "model-versions/create", elsewhere)[0] == 200
    for version in ("2", "3"):
        status, said = post(
            gated, "registered-models/alias", {"name": "flights", "alias": "champion", "version": version}
        )
        assert (status, said["error_code"]) == (403, "PERMISSION_DENIED"), said


def test_files_of_a_registered_version_stay_what_they_were(
    mlflow: Any, serve: Callable[..., Any], record: Record
) -> None:
    """What the run's artifacts become later is nobody's champion."""
    client = serve(record)
    version = quick_version(client)
    client.set_registered_model_alias("flights", "champion", "1")
    client.log_text(version.run_id, "something else", "model/model.pkl")
    folder = mlflow.artifacts.download_artifacts("models:/flights@champion")
    assert (Path(folder) / "model.pkl").read_text() == "a model"


@pytest.mark.parametrize("method", ["PUT", "DELETE"])
def test_files_of_a_registered_version_cannot_be_written_or_removed(
    serve: Callable[..., Any], record: Record, method: str
) -> None:
    client = serve(record)
    quick_version(client)
    place = get_version(record.db, "flights", 1).location.removeprefix("mlflow-artifacts:/")
    for prefix in ("/api", "/ajax-api"):
        url = f"{client.tracking_uri}{prefix}/2.0/mlflow-artifacts/artifacts/{place}/model.pkl"
        with pytest.raises(urllib.error.HTTPError) as caught:
            urllib.request.urlopen(urllib.request.Request(url, data=b"other", method=method), timeout=30)
        with caught.value as answer:
            assert (answer.code, json.load(answer)["error_code"]) == (403, "PERMISSION_DENIED")


def test_a_file_of_a_version_is_given_by_its_path(serve: Callable[..., Any], record: Record) -> None:
    client = serve(record)
    quick_version(client)
    query = "model-versions/get-artifact?name=flights&version=1&path="
    with urllib.request.urlopen(f"{client.tracking_uri}/{query}model.pkl", timeout=30) as answer:
        assert answer.read() == b"a model"
    for path, code in (
        (f"/{query}none", 404),
        (f"/{query}../model.pkl", 400),
        (f"//{query}../x", 400),
        (f"/{query}", 400),
    ):
        with pytest.raises(urllib.error.HTTPError) as caught:
            urllib.request.urlopen(f"{client.tracking_uri}{path}", timeout=30)
        caught.value.close()
        assert caught.value.code == code, path


def test_a_registered_version_is_on_the_lineage_and_the_journal(
    serve: Callable[..., Any], record: Record
) -> None:
    client = serve(record)
    version = quick_version(client)
    client.set_registered_model_alias("flights", "champion", "1")
    artifact = find_artifact(record.db, Ref("model", "flights", "1"))
    assert artifact is not None
    assert artifact.stage == "production"
    facts = [(fact.verb, fact.run_id) for fact in read_facts(record.db, artifact="model/flights@1")]
    assert facts[0] == ("promoted", version.run_id)
    assert ("registered", version.run_id) in facts
    assert [(edge.verb, edge.target) for edge in edges_of(record.db, "model/flights@1")] == [
        ("used", "dataset/weather@d1")
    ]
