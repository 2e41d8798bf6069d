from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from pavedroad.checks.model import Found
from pavedroad.checks.project import Project
from pavedroad.checks.rule import rule
from pavedroad.checks.rules.mod.training import trainings
from pavedroad.checks.source import Call, Module

READERS = (
    "read_csv", "read_parquet", "read_json", "read_excel", "read_sql", "read_sql_query", "read_sql_table",
    "read_feather", "read_table", "read_gbq", "scan_csv", "scan_parquet", "read_database", "read_orc",
)  # fmt: skip
FRAMES = ("pandas", "polars", "dask", "modin", "pyspark", "cudf", "geopandas", "awswrangler", "pyarrow")
VALIDATORS = (
    "pandera", "great_expectations", "evidently", "deepchecks", "tensorflow_data_validation", "whylogs",
    "soda", "cerberus", "jsonschema", "frictionless", "patito", "dataframely", "pointblank", "voluptuous",
    "schema", "marshmallow", "pandas_schema", "pydeequ", "datatest", "alibi_detect", "nannyml", "giskard",
    "typedframe", "strictly_typed_pandas", "bulwark", "engarde",
)  # fmt: skip
_VALIDATES = re.compile(
    r"valid|schema|expect|sanity|quality|integrity|drift|verify|assert_|ensure_|"
    r"check_(data|columns|missing|null|input|range|types?|frame|df)",
    re.IGNORECASE,
)
_VALIDATION_FILE = re.compile(
    r"(^|/)(great_expectations|gx|soda|dbt_project\.yml|schemas?|expectations?)(/|\.|$)", re.IGNORECASE
)
# Names with such a word that have nothing to do with data.
_SOMETHING_ELSE = re.compile(
    r"cross_val|validation_(split|data|curve|set|steps|loader)|val(id)?_?(loader|loss|set|data|df|split)|"
    r"[xy]_valid|train_valid|infer_signature|model_validate",
    re.IGNORECASE,
)
DATA_WORDS = {"columns", "isnull", "isna", "notna", "notnull", "shape", "empty", "dtypes", "duplicated"}


@rule("TST305", "unvalidated-data", since="0.1", team="note", production="warning", of_project=True)
def unvalidated_data(project: Project) -> Iterator[Found]:
    """Data are checked before a model learns from them.

    Why:
        A column that became empty, a unit that changed, a day that came twice: the training ends well and the
        model is wrong. A few expectations (columns, types, ranges, share of empty values) stop it in time.
    Bad:
        ```python
        import pandas as pd
        from sklearn.linear_model import LinearRegression

        rides = pd.read_parquet("rides.parquet")
        model = LinearRegression().fit(rides[["distance"]], rides["fare"])
        ```
    Good:
        ```python
        import pandas as pd
        import pandera as pa
        from sklearn.linear_model import LinearRegression

        schema = pa.DataFrameSchema({"distance": pa.Column(float, pa.Check.ge(0)), "fare": pa.Column(float)})
        rides = schema.validate(pd.read_parquet("rides.parquet"))
        model = LinearRegression().fit(rides[["distance"]], rides["fare"])
        ```
    Accepts:
        A validation library, a function or a file whose name says schema, validation, expectation or quality,
        an assert about columns or values, a raise on what was read. Projects of notebooks alone are left.
    References:
        https://pandera.readthedocs.io/en/stable/
    """
    modules = [
        module for module in project.modules if not module.notebook and not project.is_test(module.path)
    ]
    if not any(not module.notebook for module, _ in trainings(project)):
        return
    reads = [(module, call) for module in modules for call in _reads(module)]
    if not reads or any(_VALIDATION_FILE.search(path) for path in project.files):
        return
    if any(_validates(module) for module in project.modules):
        return
    module, call = min(reads, key=lambda pair: "train" not in pair[0].path.lower())
    yield Found(
        at=module.place(call.node),
        says=f"{call.tail} feeds a training, and nothing in the project checks the data",
        hint="check columns, types, ranges and empty values before the training, e.g. with pandera",
    )


def _reads(module: Module) -> Iterator[Call]:
    for call in module.calls(*READERS):
        if any(call.is_from(package) for package in FRAMES):
            yield call


def _validates(module: Module) -> bool:
    if any(name.partition(".")[0] in VALIDATORS for name in module.imports):
        return True
    names = [*module.function_names, *module.class_names]
    names += [name.rpartition(".")[2] for name in module.call_names]
    if any(_VALIDATES.search(name) and not _SOMETHING_ELSE.search(name) for name in names):
        return True
    return any(word in module.text for word in DATA_WORDS) and any(
        _is_about_data(node) for node in ast.walk(module.tree) if isinstance(node, ast.Assert | ast.If)
    )


def _is_about_data(node: ast.Assert | ast.If) -> bool:
    """`assert set(frame.columns) >= ...`, or an `if` about columns or empty values that raises."""
    if isinstance(node, ast.If) and not any(isinstance(inner, ast.Raise) for inner in node.body):
        return False
    words = {getattr(part, "attr", "") for part in ast.walk(node.test)}
    return bool(words & DATA_WORDS)
