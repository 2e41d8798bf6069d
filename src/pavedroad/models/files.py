"""Models on disk, in MLflow's layout: MLflow loads what we write, we load what MLflow's client logged.

Writing needs no MLflow. The same model gives the same bytes (no times, no random ids), so that equal models
have equal digests. Loading runs code when the file is a pickle, and is therefore refused unless the caller
says it is trusted.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec

from pavedroad.errors import Invalid, NotFound
from pavedroad.kit.files import digest_of, digest_of_file
from pavedroad.models.code import copy_code, requirements_of
from pavedroad.models.example import Example, take_example
from pavedroad.models.manifest import read_manifest
from pavedroad.models.pickled import dump_model
from pavedroad.models.predictor import Predictor, load_predictor
from pavedroad.models.signature import (
    Signature,
    format_signature,
    infer_signature,
    library_of,
    parse_signature,
)

MANIFEST = "MLmodel"
CARD = "README.md"
LOADER = "mlflow.sklearn"  # unpickles anything with predict(), scikit-learn or not


class Model(msgspec.Struct, frozen=True, kw_only=True, eq=False):
    """A fitted model on its way to the record; return it from a step.

    `example` is some real input: a frame, an array, or rows as dicts. The signature is read from it and from
    what the model predicts for it, and serving, gates and the documentation of the service use its first
    rows.
    """

    estimator: Any  # anything that pickles and has predict()
    name: str = ""  # what it is registered as; empty: the step's name
    example: Any = None
    signature: Signature | None = None  # given instead of inferred; MLflow's ModelSignature works too
    card: str = ""  # Markdown: what it is for, what it was trained on, where it fails
    metrics: dict[str, float] = {}
    params: dict[str, Any] = {}

    def __post_init__(self) -> None:
        if not callable(getattr(self.estimator, "predict", None)):
            raise Invalid(
                f"{type(self.estimator).__name__} has no predict()",
                hint="give a fitted estimator or an object with predict()",
            )


def write_model(folder: Path, model: Model, *, run_id: str = "", model_id: str = "") -> None:
    """Write `model` into `folder` (made if missing) so that `mlflow.pyfunc.load_model` and `load_model` read
    it.

    Raises: Invalid when the model cannot be pickled, or its example cannot be described or predicted.
    """
    folder.mkdir(parents=True, exist_ok=True)
    example = None if model.example is None else take_example(model.example)
    signature = _signature_of(model, example)
    pickled = dump_model(model.estimator, folder / "model.pkl")
    has_code = copy_code(pickled.modules, folder / "code")
    needs_frame = signature is not None and signature.is_named and not signature.is_tensor
    requirements = requirements_of(pickled, frames=needs_frame)
    _write_environment(folder, requirements)
    if example is not None:
        _write_json(folder / "input_example.json", example.stored)
        _write_json(folder / "serving_input_example.json", example.request)
    if model.card:
        (folder / CARD).write_text(model.card.rstrip() + "\n", "utf-8")
    files = sorted(path for path in folder.rglob("*") if path.is_file() and path.name != MANIFEST)
    written = {
        "flavors": _flavors(model.estimator, pickled.format, has_code),
        "metadata": _metadata(model),
        "model_id": model_id or None,
        "model_size_bytes": sum(path.stat().st_size for path in files),
        "model_uuid": _content_id(folder, files),
        **({"run_id": run_id} if run_id else {}),
        **({"saved_input_example_info": example.info} if example else {}),
        **({"signature": format_signature(signature)} if signature else {}),
    }
    (folder / MANIFEST).write_text(_yaml(written), "utf-8")


def load_model(folder: Path, *, trusted: bool) -> Predictor:
    """Load the model in `folder`, whoever wrote it.

    Raises: Refused when loading would run code and `trusted` is false; NotFound without an MLmodel file;
    Invalid when a file is not what the MLmodel file says; MissingExtra for a flavor that needs MLflow;
    Unavailable when a package is missing.
    """
    file = folder / MANIFEST
    if not file.is_file():
        raise NotFound(
            f"no MLmodel file in {folder}", hint="log the model with MLflow or return paved.Model from a step"
        )
    try:
        manifest = read_manifest(file.read_text("utf-8"))
    except UnicodeDecodeError:
        raise Invalid(f"{file} is not text", hint="log the model again") from None
    return load_predictor(folder, manifest, trusted=trusted)


# ------------------------------------------------------------------------------------------------ the parts


def _signature_of(model: Model, example: Example | None) -> Signature | None:
    if isinstance(model.signature, Signature):
        return model.signature
    if model.signature is not None:
        if not hasattr(model.signature, "to_dict"):
            raise Invalid(
                f"signature is a {type(model.signature).__name__}",
                hint="use pavedroad.tracking.Signature, or leave it out",
            )
        return parse_signature(model.signature.to_dict())
    if example is None:
        return None
    try:
        prediction = model.estimator.predict(example.head)
    except Exception as error:
        raise Invalid(
            f"{type(model.estimator).__name__} cannot predict its own example: {_first_line(error)}",
            hint="give rows as the model was fitted on",
        ) from error
    inputs = infer_signature(example.data)
    try:
        return infer_signature(example.data, prediction)
    except Invalid:
        return inputs  # a prediction without a form that MLflow knows, say a list of dicts of lists


def _flavors(estimator: Any, pickle_format: str, has_code: bool) -> dict[str, Any]:
    import platform

    flavors: dict[str, Any] = {
        "python_function": {
            "env": {"conda": "conda.yaml", "virtualenv": "python_env.yaml"},
            "loader_module": LOADER,
            "model_path": "model.pkl",
            "predict_fn": "predict",
            "python_version": platform.python_version(),
            **({"code": "code"} if has_code else {}),
        }
    }
    if _is_sklearn(estimator):
        import sklearn

        flavors["sklearn"] = {
            "code": "code" if has_code else None,
            "pickled_model": "model.pkl",
            "serialization_format": pickle_format,
            "sklearn_version": sklearn.__version__,
        }
    return flavors


def _is_sklearn(estimator: Any) -> bool:
    """scikit-learn's own estimators and classes derived from them; the library is loaded by then, never by
    us.
    """
    return any(kind.__module__.partition(".")[0] == "sklearn" for kind in type(estimator).__mro__)


def _metadata(model: Model) -> dict[str, Any] | None:
    parts = {
        "name": model.name,
        "metrics": {key: float(value) for key, value in model.metrics.items()},
        "params": {key: _plain(value) for key, value in model.params.items()},
    }
    return {key: value for key, value in parts.items() if value} or None


def _plain(value: Any) -> Any:
    if library_of(value) == "numpy" and hasattr(value, "item") and getattr(value, "size", 0) == 1:
        return value.item()
    return value if isinstance(value, bool | int | float | str | None) else str(value)


def _content_id(folder: Path, files: list[Path]) -> str:
    named = "".join(f"{file.relative_to(folder)} {digest_of_file(file)}\n" for file in files)
    return digest_of(named.encode())[:32]


def _write_environment(folder: Path, requirements: list[str]) -> None:
    import platform

    python = platform.python_version()
    (folder / "requirements.txt").write_text("".join(f"{line}\n" for line in requirements), "utf-8")
    dependencies = [f"python={python}", "pip", {"pip": requirements}]
    conda = {"channels": ["conda-forge"], "dependencies": dependencies, "name": "mlflow-env"}
    (folder / "conda.yaml").write_text(_yaml(conda), "utf-8")
    env = {"python": python, "build_dependencies": ["pip"], "dependencies": ["-r requirements.txt"]}
    (folder / "python_env.yaml").write_text(_yaml(env), "utf-8")


def _write_json(file: Path, value: Any) -> None:
    file.write_bytes(msgspec.json.format(msgspec.json.encode(value), indent=0))


def _yaml(value: Any) -> str:
    import yaml  # late, as in read_manifest

    return str(yaml.safe_dump(value, sort_keys=True, allow_unicode=True, width=100))


def _first_line(error: BaseException) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0]
