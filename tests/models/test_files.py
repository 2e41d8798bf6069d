"""Models on disk: written without MLflow, read whoever wrote them, pickles only when trusted."""

from __future__ import annotations

import json
import pickle
import subprocess
import sys
import textwrap
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from sklearn.compose import make_column_transformer
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, OneHotEncoder, StandardScaler

from pavedroad.errors import Invalid, MissingExtra, NotFound, Refused, Unavailable
from pavedroad.models import Field, Model, Predictor, Signature, load_model, read_manifest, write_model


def flights(rows: int = 60) -> tuple[pd.DataFrame, np.ndarray]:
    random = np.random.default_rng(3)
    frame = pd.DataFrame(
        {
            "distance": random.uniform(100, 2500, rows),
            "wind": random.uniform(0, 40, rows),
            "hour": np.arange(rows) % 24,
        }
    )
    return frame, np.asarray(frame["wind"] > 20).astype(int)


def numeric() -> Model:
    frame, late = flights()
    return Model(
        estimator=make_pipeline(StandardScaler(), LogisticRegression()).fit(frame, late), example=frame
    )


def tensor() -> Model:
    frame, late = flights()
    array = frame.to_numpy()
    return Model(estimator=LinearRegression().fit(array, late), example=array)


def mixed() -> Model:
    frame, late = flights()
    frame["origin"] = ["EWR", "JFK", "LGA"] * (len(frame) // 3)
    columns = make_column_transformer((OneHotEncoder(), ["origin"]), (StandardScaler(), ["wind", "hour"]))
    fitted = make_pipeline(columns, LogisticRegression()).fit(frame, np.where(late, "late", "in time"))
    return Model(estimator=fitted, example=frame)


def written(folder: Path, model: Model) -> Predictor:
    write_model(folder, model)
    return load_model(folder, trusted=True)


# ------------------------------------------------------------------------------------------ round trips


@pytest.mark.parametrize("make", [numeric, tensor, mixed])
def test_a_written_model_predicts_the_same_when_it_is_loaded(tmp_path: Path, make: Any) -> None:
    model = make()
    loaded = written(tmp_path, model)
    assert np.array_equal(loaded.predict(model.example), model.estimator.predict(model.example))


def test_equal_models_are_equal_bytes(tmp_path: Path) -> None:
    def everything(folder: Path) -> dict[str, bytes]:
        write_model(folder, numeric())
        return {
            str(file.relative_to(folder)): file.read_bytes() for file in folder.rglob("*") if file.is_file()
        }

    assert everything(tmp_path / "one") == everything(tmp_path / "two")


def test_a_model_says_which_run_and_logged_model_it_is(tmp_path: Path) -> None:
    write_model(tmp_path, tensor(), run_id="r" * 32, model_id="m-1")
    manifest = read_manifest((tmp_path / "MLmodel").read_text())
    assert (manifest.run_id, manifest.model_id) == ("r" * 32, "m-1")


def test_card_metrics_and_params_travel_with_the_model(tmp_path: Path) -> None:
    frame, late = flights()
    model = Model(
        estimator=LinearRegression().fit(frame, late),
        name="delay",
        card="# Delay\n\nFails in fog.",
        metrics={"auc": np.float64(0.75)},
        params={"depth": np.int64(8), "loss": "log", "grid": [1, 2]},
    )
    loaded = written(tmp_path, model)
    assert (tmp_path / "README.md").read_text() == "# Delay\n\nFails in fog.\n"
    assert loaded.manifest.metadata == {
        "name": "delay",
        "metrics": {"auc": 0.75},
        "params": {"depth": 8, "loss": "log", "grid": "[1, 2]"},
    }


def test_without_an_example_there_is_no_signature_and_nothing_is_checked(tmp_path: Path) -> None:
    frame, late = flights()
    loaded = written(tmp_path, Model(estimator=LinearRegression().fit(frame.to_numpy(), late)))
    assert loaded.signature is None
    assert loaded.predict(frame.to_numpy()[:2]).shape == (2,)


def test_a_given_signature_is_kept(tmp_path: Path) -> None:
    frame, late = flights()
    signature = Signature(inputs=(Field(type="float64", shape=(-1, 3)),))
    loaded = written(
        tmp_path, Model(estimator=LinearRegression().fit(frame.to_numpy(), late), signature=signature)
    )
    assert loaded.signature == signature


@pytest.mark.parametrize(
    "take",
    [
        lambda frame: frame,
        pl.from_pandas,
        lambda frame: pa.Table.from_pandas(frame, preserve_index=False),
        lambda frame: frame.to_dict("records"),
        lambda frame: frame.to_dict("list"),
        lambda frame: frame.to_numpy().tolist(),
        lambda frame: frame[frame.columns[::-1]],
        lambda frame: frame.assign(airline="UA"),
    ],
    ids=["pandas", "polars", "arrow", "rows", "columns", "lists", "other order", "one column more"],
)
def test_a_model_of_named_columns_takes_the_same_rows_in_any_form(
    tmp_path: Path, take: Callable[[Any], Any]
) -> None:
    model = numeric()
    loaded = written(tmp_path, model)
    rows = model.example.head(7)
    assert np.array_equal(loaded.predict(take(rows)), model.estimator.predict(rows))


@pytest.mark.parametrize("take", [pl.from_pandas, lambda frame: frame.to_dict("records")])
def test_an_example_may_be_a_polars_frame_or_rows(tmp_path: Path, take: Callable[[Any], Any]) -> None:
    frame, late = flights()
    model = Model(estimator=LinearRegression().fit(frame, late), example=take(frame))
    loaded = written(tmp_path, model)
    assert loaded.columns == {"distance": "float64", "wind": "float64", "hour": "int64"}
    assert json.loads((tmp_path / "input_example.json").read_text())["columns"] == list(frame.columns)


def test_only_the_first_rows_of_an_example_are_kept_but_all_are_looked_at(tmp_path: Path) -> None:
    frame, late = flights()
    fitted = LinearRegression().fit(frame, late)
    frame.loc[50, "wind"] = np.nan
    loaded = written(tmp_path, Model(estimator=fitted, example=frame))
    assert len(json.loads((tmp_path / "input_example.json").read_text())["data"]) == 5
    assert loaded.signature is not None
    assert [field.required for field in loaded.signature.inputs] == [True, False, True]


def test_a_classifier_gives_probabilities_too(tmp_path: Path) -> None:
    model = numeric()
    loaded = written(tmp_path, model)
    assert loaded.output_names == ("predict", "predict_proba")
    assert np.array_equal(loaded.predict_proba(model.example), model.estimator.predict_proba(model.example))


def test_a_regression_has_no_probabilities(tmp_path: Path) -> None:
    model = tensor()
    with pytest.raises(Invalid, match="no output 'predict_proba'"):
        written(tmp_path, model).predict_proba(model.example)


@pytest.mark.parametrize(("make", "looks_at_names"), [(numeric, False), (mixed, True)])
def test_a_matrix_replaces_the_frame_only_where_the_model_does_not_look_at_it(
    tmp_path: Path, make: Any, looks_at_names: bool
) -> None:
    model = make()
    assert written(tmp_path, model).prefer_matrix(model.example) is not looks_at_names


def test_a_model_with_a_function_of_the_project_keeps_its_frame(tmp_path: Path) -> None:
    frame, late = flights()
    fitted = make_pipeline(FunctionTransformer(np.sqrt), LinearRegression()).fit(frame, late)
    assert not written(tmp_path, Model(estimator=fitted, example=frame)).prefer_matrix(frame)


# --------------------------------------------------------------------------------- what does not fit


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda frame: frame.drop(columns="wind"), "missing 1 column: wind"),
        (lambda frame: frame.drop(columns=["wind", "hour"]), "missing 2 columns: wind, hour"),
        (lambda frame: frame.assign(wind="strong"), "column 'wind' takes double values"),
        (lambda frame: frame.assign(wind=True), "column 'wind' takes double values, got bool"),
        (lambda frame: frame.assign(hour=1.5), "column 'hour' takes long values, got float64"),
        (lambda frame: frame.assign(wind=np.nan), "column 'wind' has a null in row 0"),
        (lambda frame: frame.assign(wind=[1.0, None, 2.0]).to_dict("records"), "has a null in row 1"),
        (lambda frame: {**frame.to_dict("list"), "hour": [1]}, "unequal lengths"),
        (lambda frame: frame.to_numpy()[:, :2], "the rows have 2 values, the model takes 3"),
        (lambda frame: [[1.0, 2.0, 3], [1.0]], "the rows have 1 or 3 values"),
        (lambda frame: [{"wind": 1.0}], "missing 2 columns: distance, hour"),
        (lambda frame: {**frame.to_dict("list"), "hour": [1, 2, 2**70]}, "column 'hour'"),
        (lambda frame: [], "no rows"),
        (lambda frame: 3, "no rows"),
    ],
)
def test_input_that_does_not_fit_is_refused_with_the_column(
    tmp_path: Path, change: Callable[[pd.DataFrame], Any], says: str
) -> None:
    model = numeric()
    with pytest.raises(Invalid, match=says) as refusal:
        written(tmp_path, model).predict(change(model.example.head(3)))
    assert refusal.value.hint


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (np.zeros((2, 4)), r"shape \[2, 4\], the model takes \[-1, 3\]"),
        (np.zeros(3), r"shape \[3\]"),
        ([[1, 2, "x"]], "takes float64 values"),
        ([[1, 2], [3]], "unequal length"),
        ([[1, 2, None]], "null or something that is not a number"),
        (np.zeros((2, 3), dtype=complex), "takes float64 values, got complex128"),
    ],
)
def test_a_tensor_that_does_not_fit_is_refused(tmp_path: Path, data: Any, says: str) -> None:
    with pytest.raises(Invalid, match=says):
        written(tmp_path, tensor()).predict(data)


def test_what_the_model_itself_refuses_is_said_in_its_words(tmp_path: Path) -> None:
    frame, late = flights()
    loaded = written(tmp_path, Model(estimator=LinearRegression().fit(frame.to_numpy(), late)))
    with pytest.raises(Invalid, match="the model refused the input: ValueError: X has 2 features"):
        loaded.predict(np.zeros((1, 2)))


def test_a_model_without_predict_is_refused_at_once() -> None:
    with pytest.raises(Invalid, match=r"StandardScaler has no predict\(\)"):
        Model(estimator=StandardScaler())


@pytest.mark.parametrize(
    ("example", "says"),
    [
        (pd.DataFrame({"other": [1.0]}), "cannot predict its own example"),
        (pd.DataFrame({"distance": []}), "no rows"),
        (3, "an example cannot be a int"),
        ("text", "an example cannot be a str"),
        ([[1, 2], [3]], "unequal length"),
    ],
)
def test_an_example_that_the_model_cannot_predict_is_refused(tmp_path: Path, example: Any, says: str) -> None:
    with pytest.raises(Invalid, match=says):
        write_model(tmp_path, Model(estimator=numeric().estimator, example=example))


# --------------------------------------------------------------------------------------------- trust


def test_a_pickle_is_not_loaded_unless_trusted(tmp_path: Path) -> None:
    write_model(tmp_path, tensor())
    with pytest.raises(Refused, match="runs code when it is loaded") as refusal:
        load_model(tmp_path, trusted=False)
    assert "--trust" in refusal.value.hint


class Bomb:
    """Leaves a file behind when it is unpickled."""

    def __init__(self, target: Path) -> None:
        self.target = target

    def __reduce__(self) -> Any:
        return (Path.touch, (self.target,))


def test_an_untrusted_pickle_is_not_even_opened(tmp_path: Path) -> None:
    write_model(tmp_path / "model", tensor())
    (tmp_path / "model" / "model.pkl").write_bytes(pickle.dumps(Bomb(tmp_path / "ran")))
    with pytest.raises(Refused):
        load_model(tmp_path / "model", trusted=False)
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize("name", ["/etc/passwd", "../../model.pkl", "code/../../x"])
def test_a_manifest_cannot_point_out_of_its_folder(tmp_path: Path, name: str) -> None:
    write_model(tmp_path, tensor())
    text = (tmp_path / "MLmodel").read_text().replace("model.pkl", name)
    (tmp_path / "MLmodel").write_text(text)
    with pytest.raises(Invalid, match="points outside of its folder"):
        load_model(tmp_path, trusted=True)


# ---------------------------------------------------------------------------- the code of the project


def run_python(code: str, *, cwd: Path, pythonpath: Path | None = None) -> str:
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", textwrap.dedent(code)],
        cwd=cwd,
        env={"PYTHONPATH": str(pythonpath)} if pythonpath else {},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


LOAD = """
    from pathlib import Path
    from pavedroad.models import load_model
    print(load_model(Path("model"), trusted=True).predict({"x": [1.0, 2.0]}))
"""


def test_a_class_of_the_project_is_loaded_where_the_project_is_not(tmp_path: Path) -> None:
    project = tmp_path / "project"
    (project / "shop").mkdir(parents=True)
    (project / "shop" / "__init__.py").touch()
    (project / "shop" / "factors.py").write_text("import shop_settings\nFACTOR = shop_settings.FACTOR\n")
    (project / "shop_settings.py").write_text("FACTOR = 10\n")
    (project / "shop" / "predictors.py").write_text(
        "from shop.factors import FACTOR\nclass Times:\n    def predict(self, data):\n"
        "        return data['x'].to_numpy() * FACTOR\n"
    )
    run_python(
        """
        from pathlib import Path
        import pandas as pd
        from shop.predictors import Times
        from pavedroad.models import Model, write_model
        write_model(Path("model"), Model(estimator=Times(), example=pd.DataFrame({"x": [1.0]})))
        """,
        cwd=tmp_path,
        pythonpath=project,
    )
    copied = sorted(path.name for path in (tmp_path / "model" / "code").rglob("*.py"))
    assert copied == ["__init__.py", "factors.py", "predictors.py", "shop_settings.py"]
    assert run_python(LOAD, cwd=tmp_path).strip() == "[10. 20.]"


def test_a_class_of_the_script_itself_travels_by_value(tmp_path: Path) -> None:
    run_python(
        """
        from pathlib import Path
        import pandas as pd
        from pavedroad.models import Model, write_model
        class Twice:
            def predict(self, data):
                return data["x"].to_numpy() * 2
        write_model(Path("model"), Model(estimator=Twice(), example=pd.DataFrame({"x": [1.0]})))
        """,
        cwd=tmp_path,
    )
    assert run_python(LOAD, cwd=tmp_path).strip() == "[2. 4.]"
    assert "cloudpickle" in (tmp_path / "model" / "requirements.txt").read_text()


def test_what_cannot_be_pickled_is_said_and_leaves_no_file(tmp_path: Path) -> None:
    class Open:
        def __init__(self) -> None:
            self.file = (tmp_path / "open").open("w")

        def predict(self, data: Any) -> Any:
            return data

    held = Open()
    with pytest.raises(Invalid, match="Open cannot be pickled"):
        write_model(tmp_path / "model", Model(estimator=held))
    held.file.close()
    assert not (tmp_path / "model" / "model.pkl").exists()


def test_requirements_name_what_the_pickle_needs_with_its_version(tmp_path: Path) -> None:
    import sklearn

    write_model(tmp_path, mixed())
    lines = (tmp_path / "requirements.txt").read_text().splitlines()
    assert f"scikit-learn=={sklearn.__version__}" in lines
    assert f"pandas=={pd.__version__}" in lines
    assert f"numpy=={np.__version__}" in lines


# -------------------------------------------------------------------------------- what cannot be loaded


def test_a_folder_without_a_model_is_not_found(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="no MLmodel file"):
        load_model(tmp_path, trusted=True)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "just words",
        "- a\n- list",
        "flavors: 3",
        "flavors: {sklearn: [1]}",
        "flavors: {}\nmetadata: 3",
        "flavors: {}\nsaved_input_example_info: text",
        "flavors: {}\nmodel_size_bytes: many\nsignature: {inputs: 'x'}",
        "flavors: {}\nsignature: {inputs: '{}'}",
        'flavors: {}\nsignature: {inputs: \'[{"name": "a"}]\'}',
        'flavors: {}\nsignature: {inputs: \'[{"type": "colour", "name": "a"}]\'}',
        'flavors: {}\nsignature: {inputs: \'[{"type": "tensor"}]\'}',
        'flavors: {}\nsignature: {inputs: \'[{"type": "tensor", "tensor-spec": {"dtype": "f8"}}]\'}',
        "flavors: {}\nsignature: {inputs: 3}",
        "flavors: !!python/object/apply:os.getcwd []",
        "utc_time_created: 2026-99-99 00:00:00",
    ],
)
def test_a_manifest_that_is_none_is_invalid(text: str) -> None:
    with pytest.raises(Invalid) as refusal:
        read_manifest(text)
    assert refusal.value.hint


def test_a_manifest_that_is_not_text_is_invalid(tmp_path: Path) -> None:
    (tmp_path / "MLmodel").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(Invalid, match="is not text"):
        load_model(tmp_path, trusted=True)


@pytest.mark.parametrize("raw", [b"", b"junk", b"\x80\x05.", pickle.dumps("no model")])
def test_a_damaged_pickle_is_invalid_and_not_a_traceback(tmp_path: Path, raw: bytes) -> None:
    write_model(tmp_path, tensor())
    (tmp_path / "model.pkl").write_bytes(raw)
    with pytest.raises(Invalid, match=r"model\.pkl"):
        load_model(tmp_path, trusted=True)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    write_model(tmp_path, tensor())
    (tmp_path / "model.pkl").unlink()
    with pytest.raises(Invalid, match=r"no file model\.pkl"):
        load_model(tmp_path, trusted=True)


def test_a_missing_package_is_named(tmp_path: Path) -> None:
    write_model(tmp_path, tensor())
    (tmp_path / "model.pkl").write_bytes(b"cnot_installed_here\nThing\n.")
    with pytest.raises(Unavailable, match="'not_installed_here'"):
        load_model(tmp_path, trusted=True)


def test_another_flavor_without_mlflow_names_the_extra(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "MLmodel").write_text("flavors: {python_function: {loader_module: mlflow.xgboost}}")
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(MissingExtra, match="'mlflow'"):
        load_model(tmp_path, trusted=True)


def test_a_flavor_without_python_function_is_refused(tmp_path: Path) -> None:
    (tmp_path / "MLmodel").write_text("flavors: {spark: {model_data: sparkml}}")
    with pytest.raises(Invalid, match="only the flavors spark"):
        load_model(tmp_path, trusted=True)


def test_the_module_costs_a_step_no_heavy_import(tmp_path: Path) -> None:
    heavy = ("numpy", "sklearn", "pandas", "polars", "pyarrow", "mlflow", "yaml", "importlib.metadata")
    code = f"""
        import sys
        import pavedroad.models.files
        print([name for name in {heavy!r} if name in sys.modules])
    """
    assert run_python(code, cwd=tmp_path).strip() == "[]"
