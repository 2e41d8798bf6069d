"""The MLmodel file: which flavors a model has, what it takes and gives, and where it came from."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from pavedroad.errors import Invalid
from pavedroad.models.signature import Signature, parse_signature


class Manifest(msgspec.Struct, frozen=True, kw_only=True):
    """What an MLmodel file says."""

    flavors: dict[str, dict[str, Any]]
    signature: Signature | None = None
    run_id: str = ""
    model_id: str = ""
    metadata: dict[str, Any] = {}
    example: dict[str, Any] = {}  # MLflow's saved_input_example_info
    mlflow_version: str = ""  # empty: not written by MLflow
    size_bytes: int | None = None

    @property
    def flavor(self) -> str:
        """The most specific flavor: `sklearn`, `xgboost`, ... or `python_function`."""
        return next((name for name in self.flavors if name != "python_function"), "python_function")

    @property
    def python_function(self) -> dict[str, Any]:
        return self.flavors.get("python_function", {})


def read_manifest(text: str) -> Manifest:
    """Read the text of an MLmodel file. Raises Invalid when it is not one."""
    import yaml  # 15 ms that a step returning no model need not pay

    try:
        written = yaml.load(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))  # noqa: S506 (both are safe)
    except (yaml.YAMLError, ValueError) as error:  # ValueError: a date that does not exist
        raise Invalid(
            f"the MLmodel file is not YAML: {str(error).splitlines()[0]}", hint="log the model again"
        ) from None
    if not isinstance(written, Mapping) or not isinstance(written.get("flavors"), Mapping):
        raise Invalid("the MLmodel file names no flavors", hint="log the model again with an MLflow flavor")
    signature = written.get("signature")
    try:
        return Manifest(
            flavors={str(name): dict(conf or {}) for name, conf in written["flavors"].items()},
            signature=parse_signature(signature) if isinstance(signature, Mapping) else None,
            run_id=str(written.get("run_id") or ""),
            model_id=str(written.get("model_id") or ""),
            metadata=dict(written.get("metadata") or {}),
            example=dict(written.get("saved_input_example_info") or {}),
            mlflow_version=str(written.get("mlflow_version") or ""),
            size_bytes=written.get("model_size_bytes"),
        )
    except (TypeError, ValueError) as error:
        raise Invalid(
            f"the MLmodel file has an entry of the wrong kind: {error}", hint="log the model again"
        ) from None
