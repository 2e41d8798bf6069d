"""What the rules about training share: where a project trains a model."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from pavedroad.checks.project import Project
from pavedroad.checks.source import Call, Module

# Packages whose objects learn by `fit`, and others whose function trains.
LEARNERS = (
    "sklearn", "xgboost", "lightgbm", "catboost", "keras", "tensorflow", "statsmodels", "prophet",
    "lifelines", "imblearn", "pytorch_lightning", "lightning", "fastai", "river", "pyspark",
)  # fmt: skip
TRAINING_CALLS = ("xgboost.train", "lightgbm.train", "xgboost.cv", "lightgbm.cv", "catboost.train")
# Objects that learn how to change columns, not how to predict.
NO_MODELS = (
    "preprocessing", "impute", "feature_extraction", "feature_selection", "decomposition", "compose",
    "random_projection", "manifold", "model_selection",
)  # fmt: skip
STEPS = ("fit", "fit_generator", "partial_fit")


# Parts of scikit-learn beside its models.
NOT_LEARNING = (*NO_MODELS, "metrics", "utils", "datasets", "base", "pipeline", "exceptions")
_CHANGES_COLUMNS = re.compile(
    r"scaler|encoder|vectori[sz]er|imputer|tokenizer|transformer|binari[sz]er|\bpca\b|\bsvd\b|vocab|selector|explainer|"
    r"\benc\b|\ble\b|\bohe\b|\bmms\b",
    re.IGNORECASE,
)


def trainings(project: Project) -> list[tuple[Module, ast.Call]]:
    """The first call of each module, outside tests, that trains a model; programs named so come first."""
    return project.remember(_trainings)


def _trainings(project: Project) -> list[tuple[Module, ast.Call]]:
    found = []
    for module in project.modules:
        first = None if project.is_test(module.path) else next(_in_module(module), None)
        if first is not None:
            found.append((module, first))
    return sorted(found, key=lambda pair: (pair[0].notebook is not None, "train" not in pair[0].path.lower()))


def _in_module(module: Module) -> Iterator[ast.Call]:
    roots = module.import_roots()
    for call in module.calls("train", "cv"):
        if call.name in TRAINING_CALLS:
            yield call.node
    if module.calls("Trainer", "Seq2SeqTrainer", package="transformers"):
        yield from (
            call.node for call in module.calls("train") if call.name.endswith(("?.train", "trainer.train"))
        )
    if "torch" in roots:
        for call in module.calls("backward"):
            yield call.node
    if any(name.partition(".")[0] in LEARNERS for name in module.imports) and makes_models(module):
        for call in module.calls(*STEPS):
            if not is_of_transformer(call):
                yield call.node


def makes_models(module: Module) -> bool:
    """Whether it names something that predicts, and not only something that changes columns."""
    for name in module.imports:
        package, _, rest = name.partition(".")
        if package in LEARNERS and (
            package != "sklearn" or rest.partition(".")[0] not in ("", *NOT_LEARNING)
        ):
            return True
    return False


def is_of_transformer(call: Call) -> bool:
    """Whether its receiver is, by the text, something that only changes columns."""
    function = call.node.func
    return isinstance(function, ast.Attribute) and bool(_CHANGES_COLUMNS.search(ast.unparse(function.value)))
