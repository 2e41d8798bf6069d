"""Models on the record without MLflow: a run, what it measured on which data, and a folder of model files."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import msgspec
import pytest

from pavedroad.kit.files import put_bytes
from pavedroad.models.signature import Field, Signature, format_signature
from pavedroad.record import Record
from pavedroad.registry import ModelVersion, ensure_model, register_version
from pavedroad.tracking import (
    DatasetInput,
    Metric,
    create_logged_model,
    end_run,
    ensure_experiment,
    finish_logged_model,
    log_batch,
    log_input,
    put_file,
    root_of,
    start_run,
)

COLUMNS = (Field(name="dep_delay", type="double"), Field(name="carrier", type="string"))
SIGNATURE = Signature(inputs=COLUMNS, outputs=(Field(type="double"),))
EXAMPLE = {"columns": ["dep_delay", "carrier"], "data": [[3.0, "UA"], [-2.5, "DL"]]}


class Maker:
    """Makes runs, logged models and versions on one record, each like a small pipeline would."""

    def __init__(self, record: Record) -> None:
        self.record = record

    def run(
        self,
        *,
        metrics: Mapping[str, float] | None = None,
        data: str = "d1",
        context: str = "eval",
        user: str = "ada",
        tags: Mapping[str, str] | None = None,
        profile: Mapping[str, Any] | None = None,
        start_ms: int = 1,
    ) -> str:
        """A finished run; `data` is the digest of what it was evaluated on, empty for none."""

        def write(tx: Any) -> str:
            experiment = ensure_experiment(tx, "flights", who=user)
            run_id = start_run(
                tx,
                experiment_id=experiment.id,
                name="train",
                user=user,
                start_ms=start_ms,
                tags=tags or {},
                params={},
            )
            log_batch(
                tx,
                run_id,
                metrics=[Metric(key=key, value=value, at_ms=1) for key, value in (metrics or {}).items()],
            )
            if data:
                log_input(
                    tx,
                    run_id,
                    DatasetInput(
                        name="flights",
                        digest=data,
                        source_type="local",
                        source="{}",
                        profile=msgspec.json.encode(profile or {}).decode(),
                        tags={"mlflow.data.context": context},
                    ),
                )
            end_run(tx, run_id, "FINISHED", 2)
            return run_id

        return self.record.db.write(write)

    def logged_model(
        self,
        run_id: str,
        *,
        signature: Signature | None = SIGNATURE,
        example: Any = EXAMPLE,
        card: str = "",
        files: Mapping[str, bytes] | None = None,
        name: str = "model",
    ) -> str:
        manifest: dict[str, Any] = {"flavors": {"python_function": {"loader_module": "mlflow.sklearn"}}}
        contents: dict[str, bytes] = {"model.pkl": b"a model of " + run_id.encode(), **(files or {})}
        if signature is not None:
            manifest["signature"] = format_signature(signature)
        if example is not None:
            manifest["saved_input_example_info"] = {
                "artifact_path": "input_example.json",
                "type": "dataframe",
            }
            contents["input_example.json"] = msgspec.json.encode(example)
        if card:
            contents["README.md"] = card.encode()
        contents.setdefault("MLmodel", msgspec.json.encode(manifest))  # JSON is YAML
        stored = {path: put_bytes(self.record.files, data) for path, data in contents.items()}

        def write(tx: Any) -> str:
            experiment = ensure_experiment(tx, "flights", who="ada")
            model = create_logged_model(tx, experiment_id=experiment.id, name=name, source_run_id=run_id)
            for path, one in stored.items():
                put_file(tx, root_of(model.artifact_location), path, one)
            return finish_logged_model(tx, model.id).id

        return self.record.db.write(write)

    def version(
        self, name: str = "flights", *, who: str = "ada", description: str = "", **options: Any
    ) -> ModelVersion:
        """A version of a model with its run; takes the options of `run` and `logged_model`."""
        of_model = {
            key: options.pop(key) for key in ("signature", "example", "card", "files") if key in options
        }
        run_id = self.run(**options)
        model_id = self.logged_model(run_id, **of_model)

        def write(tx: Any) -> ModelVersion:
            ensure_model(tx, name, who=who)
            return register_version(
                tx, name, source=f"models:/{model_id}", model_id=model_id, who=who, description=description
            )

        return self.record.db.write(write)


@pytest.fixture
def make(record: Record) -> Maker:
    return Maker(record)


@pytest.fixture
def any_make(any_record: Record) -> Maker:
    return Maker(any_record)


@pytest.fixture
def with_gates() -> Callable[..., Record]:
    """The same record seen with these gates of the team."""

    def see(record: Record, **gates: Any) -> Record:
        settings = msgspec.structs.replace(record.settings, gates=gates)
        return msgspec.structs.replace(record, settings=settings)

    return see
