"""Models as files, in MLflow's layout: writing, reading, predicting, measured quality."""

from pavedroad.models.evaluation import Evaluation
from pavedroad.models.files import Model, load_model, write_model
from pavedroad.models.manifest import Manifest, read_manifest
from pavedroad.models.predictor import Predictor
from pavedroad.models.signature import Field, Signature, infer_signature

__all__ = [
    "Evaluation",
    "Field",
    "Manifest",
    "Model",
    "Predictor",
    "Signature",
    "infer_signature",
    "load_model",
    "read_manifest",
    "write_model",
]
