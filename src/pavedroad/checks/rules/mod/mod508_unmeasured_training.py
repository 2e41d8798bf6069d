from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from pavedroad.checks.model import Found
from pavedroad.checks.project import Project
from pavedroad.checks.rule import rule
from pavedroad.checks.rules.mod.training import trainings
from pavedroad.checks.source import Call, Module

# Calls that keep a number where it can be found again.
LOGS = frozenset(
    {
        "log_metric", "log_metrics", "autolog", "log_artifact", "log_dict", "log_figure", "add_scalar",
        "add_scalars", "log_evaluation", "log_scalar", "report_scalar", "log_table", "log_results",
        "save_metrics", "write_metrics", "dump_metrics", "write_results", "save_results", "log_hyperparams",
    }
)  # fmt: skip
TRACKERS = (
    "wandb", "mlflow", "neptune", "comet_ml", "clearml", "dvclive", "aim", "tensorboard", "tensorboardX",
    "trackio", "sacred", "guild", "swanlab", "pavedroad", "vertexai", "evidently",
)  # fmt: skip
LOGGERS = frozenset({"TensorBoard", "CSVLogger", "WandbCallback", "MLFlowLogger", "TensorBoardLogger",
                     "WandbLogger", "SummaryWriter", "Evaluation", "ClassificationMetrics"})  # fmt: skip
# Their trainers write what they measured unless told not to.
KEEP_BY_THEMSELVES = frozenset(
    {"transformers", "trl", "pytorch_lightning", "lightning", "fastai", "ultralytics"}
)
TRAINERS = ("Trainer", "Seq2SeqTrainer", "SFTTrainer", "YOLO")
_MEASURE = re.compile(
    r"metric|\bscores?\b|accuracy|\bacc\b|\bauc\b|\bf1\b|rmse|\bmae\b|\bmse\b|\bmape\b|\bloss(es)?\b|precision|"
    r"recall|\br2\b|evaluat|confusion|history|\bstats\b|leaderboard|performance",
    re.IGNORECASE,
)
# Words of what is written beside a measure: they count where the module works one out.
_RESULT = re.compile(r"results?|report|experiment|summary|benchmark|comparison", re.IGNORECASE)
_MEASURES = ("sklearn.metrics", "torchmetrics", "evaluate", "seqeval")
WRITERS = frozenset({"dump", "dumps", "to_csv", "to_json", "to_parquet", "write_text", "write", "writerow",
                     "to_excel", "writelines", "to_sql", "save", "savefig"})  # fmt: skip
_LOGGER = re.compile(r"(^|[._])log(ger|ging)?\b", re.IGNORECASE)
MESSAGES = frozenset({"info", "debug", "warning", "log", "msg"})


@rule(
    "MOD508",
    "unmeasured-training",
    since="0.1",
    explore="note",
    team="warning",
    production="error",
    of_project=True,
)
def unmeasured_training(project: Project) -> Iterator[Found]:
    """Training keeps the quality it reached.

    Why:
        Without a kept number nobody can say whether the new model is better than the old one, or when it
        became worse. 41% of the public projects that train logged to no tracker.
    Bad:
        ```python
        from sklearn.linear_model import LogisticRegression

        model = LogisticRegression().fit(X, y)
        print(model.score(X_test, y_test))
        ```
    Good:
        ```python
        import mlflow
        from sklearn.linear_model import LogisticRegression

        model = LogisticRegression().fit(X, y)
        mlflow.log_metric("accuracy", model.score(X_test, y_test))
        ```
    Accepts:
        A call of a tracker anywhere in the project, trainers that log by themselves (transformers,
        Lightning), metrics in dvc.yaml, a file of metrics, scores or results that is written, a log message
        with a measure. A number that is only printed is not kept.
    References:
        https://mlflow.org/docs/latest/ml/tracking/
    """
    found = [(module, call) for module, call in trainings(project) if not module.notebook]
    by_dvc = any("metrics:" in project.text(path) for path in project.named("dvc.yaml"))
    if (
        not found
        or by_dvc
        or any(_keeps(module) for module in project.modules if not project.is_test(module.path))
    ):
        return
    module, call = found[0]
    yield Found(
        at=module.place(call),
        says="a model is trained here, and the project keeps no metric of it",
        hint="log the metric (paved.Evaluation, mlflow.log_metric) or write metrics.json",
    )


def _keeps(module: Module) -> bool:
    if any(
        name.partition(".")[0] in TRACKERS or name.startswith("torch.utils.tensorboard")
        for name in module.imports
    ):
        return True
    if module.import_roots().keys() & KEEP_BY_THEMSELVES and module.calls("log", "log_dict", *TRAINERS):
        return True
    measures = any(name.startswith(_MEASURES) for name in module.imports)
    return any(_is_kept(call, measures) for call in module.all_calls())


def _is_kept(call: Call, measures: bool) -> bool:
    if call.tail in LOGS or call.tail in LOGGERS:
        return True
    is_message = call.tail in MESSAGES and bool(_LOGGER.search(_receiver(call)))
    if is_message or call.tail in WRITERS:
        return _speaks_of(_MEASURE, call) or (measures and not is_message and _speaks_of(_RESULT, call))
    return False


def _receiver(call: Call) -> str:
    function = call.node.func
    return ast.unparse(function.value) if isinstance(function, ast.Attribute) else ""


def _speaks_of(words: re.Pattern[str], call: Call) -> bool:
    """Whether a name or a text among its arguments, or its receiver, has one of the words."""
    values: list[ast.AST] = [
        *call.node.args,
        *(keyword.value for keyword in call.node.keywords),
        call.node.func,
    ]
    for value in values:
        for node in ast.walk(value):
            word = getattr(node, "id", "") or getattr(node, "attr", "") or getattr(node, "value", "")
            if isinstance(word, str) and words.search(word.replace("_", " ")):
                return True
    return False
