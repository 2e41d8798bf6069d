from __future__ import annotations

import re
from collections.abc import Iterator

from pavedroad.checks.model import Fix, Found
from pavedroad.checks.project import Project, Unit
from pavedroad.checks.rule import rule
from pavedroad.checks.rules.env.import_names import modules_of
from pavedroad.checks.rules.env.imported import script_words
from pavedroad.checks.rules.env.manifest_text import remove_entry
from pavedroad.environments import Declared, Manifest

# Used without an import: engines and backends that another package loads by itself, and commands.
LOADED_BY_OTHERS = frozenset(
    {
        "pyarrow", "fastparquet", "openpyxl", "xlrd", "xlsxwriter", "lxml", "tables", "pytables", "tabulate",
        "jinja2", "s3fs", "gcsfs", "adlfs", "psycopg2-binary", "psycopg2", "psycopg", "pymysql", "asyncpg",
        "mysqlclient", "python-multipart", "multipart", "httpx", "uvicorn", "cloudpickle", "dill", "joblib",
        "tensorboard", "ipywidgets", "numba", "sentencepiece", "accelerate", "safetensors", "tokenizers",
        "pysocks", "protobuf", "setuptools", "cython", "pydantic-settings", "tornado", "kaleido", "redis",
        "python-dotenv", "pillow", "google-cloud-storage", "boto3", "azure-storage-blob", "azure-identity",
        "sqlalchemy", "pytz", "python-dateutil", "onnxruntime", "tiktoken", "h5py", "toml", "tqdm", "grpcio",
        "grpcio-status", "wandb", "pyopenssl", "starlette", "graphviz", "orjson", "ujson", "pyspark",
        "lightning",
        "apache-airflow", "apache-airflow-core", "prefect", "mlflow", "mlflow-skinny", "streamlit", "celery",
        "evidently", "ray", "dask", "click", "jupyter", "pydantic", "absl-py", "peft", "torchaudio",
        "prometheus-fastapi-instrumentator", "psutil", "rich",
    }
)  # fmt: skip
# A saved model needs its library where it is loaded, though no code names it.
MODEL_LIBRARIES = frozenset(
    {
        "scikit-learn", "sklearn", "xgboost", "lightgbm", "catboost", "numpy", "pandas", "scipy", "torch",
        "tensorflow", "keras", "imbalanced-learn", "category-encoders", "statsmodels", "prophet", "onnx",
        "transformers", "spacy", "nltk", "gensim", "umap-learn", "mlxtend", "torchvision", "tensorflow-cpu",
        "tensorflow-gpu", "feature-engine", "shap",
    }
)  # fmt: skip
_LOADS = re.compile(
    r"\b(?:load|load_model|loads|read_pickle|restore|load_from_checkpoint|from_pretrained|pipeline)\s*\("
)
# The plots of pandas and others draw with matplotlib.
_DRAWS = re.compile(r"\.(?:plot|hist|boxplot|scatter_matrix|plot_importance|summary_plot|plot_tree)\b")
TEST_CLIENTS = ("requests", "httpx")  # what Starlette's TestClient needs, by its version
# Text that may name a module: not what is long enough to be prose.
_SHORT_TEXT = re.compile(r"""["']([^"'\n]{3,120})["']""")


@rule(
    "ENV010",
    "unused-dependency",
    since="0.1",
    team="note",
    production="warning",
    fix="unsafe",
    of_project=True,
)
def unused_dependency(project: Project) -> Iterator[Found]:
    """What is declared is imported somewhere.

    Why:
        Every package takes time to install, may bring a vulnerability, and narrows which versions of the
        others can be had.
    Bad:
        ```text
        requirements.txt    pandas, seaborn
        train.py            import pandas
        ```
    Good:
        ```text
        requirements.txt    pandas
        train.py            import pandas
        ```
    Accepts:
        Packages that others load by themselves (database drivers, file formats, plugins, servers), libraries
        of saved models where a model is loaded, names in scripts, configuration, CI and text in code, extras
        and development groups, complete lists as `pip freeze` writes them, and an exact or upper bound on
        what another declared package needs. Packages whose modules are not known are passed over.
    Fix:
        Takes the line out of a requirements file or of pyproject.toml.
    References:
        https://packaging.python.org/en/latest/discussions/install-requires-vs-requirements/
    """
    if not project.modules or not project.units:
        return
    candidates = [
        (unit, manifest, declared, modules)
        for unit in project.units
        for manifest in unit.manifests
        if manifest.file != unit.lock and not _is_compiled(project, manifest)
        for declared in manifest.declared
        if (modules := _sure_modules(declared))
    ]
    if not candidates:
        return
    uses = _Uses(project)
    for unit, manifest, declared, modules in candidates:
        if not uses.has(declared, modules) and not _bounds_others(project, unit, declared):
            yield _found(project, manifest, declared)


def _sure_modules(declared: Declared) -> tuple[str, ...]:
    if declared.group or declared.direct or declared.name in LOADED_BY_OTHERS:
        return ()
    return modules_of(declared.name)


def _is_compiled(project: Project, manifest: Manifest) -> bool:
    """Whether a tool wrote it from another file: then the packages behind others stand in it too."""
    return bool(re.search(r"autogenerated by|^\s*#\s*via\b", project.text(manifest.file), re.MULTILINE))


class _Uses:
    """All the ways in which code names a module."""

    def __init__(self, project: Project) -> None:
        self.imported: set[str] = set()
        self.in_text: set[str] = set()
        self.loads_models = False
        self.draws = False
        for module in project.modules:
            for dotted in module.imports:
                parts = dotted.split(".")
                self.imported.update(".".join(parts[:length]) for length in range(1, min(len(parts), 4) + 1))
                self.imported.update(parts)  # `ray.tune.search.hyperopt` needs hyperopt
                if "testclient" in parts:
                    self.imported.update(TEST_CLIENTS)
            for text in _SHORT_TEXT.findall(module.text):
                self.in_text.update(re.findall(r"[A-Za-z0-9_-]{3,40}", text))
            self.loads_models = self.loads_models or bool(_LOADS.search(module.text))
            self.draws = self.draws or bool(_DRAWS.search(module.text))
        self.in_scripts = script_words(project)

    def has(self, declared: Declared, modules: tuple[str, ...]) -> bool:
        if any(module in self.imported for module in modules):
            return True
        names = {*(module.partition(".")[0] for module in modules), declared.name}
        if names & self.in_text or {name.lower() for name in names} & self.in_scripts:
            return True
        return (declared.name in MODEL_LIBRARIES and self.loads_models) or (
            declared.name == "matplotlib" and self.draws
        )


def _bounds_others(project: Project, unit: Unit, declared: Declared) -> bool:
    """Whether it holds back a package that another declared one needs, as far as the lock or we know."""
    if not re.search(r"<|==|~=|\^|^=", declared.specifier):
        return False
    if {entry.name for entry in unit.declared} & NEEDED_BY.get(declared.name, frozenset()):
        return True
    packages = project.lock(unit.lock).packages if unit.lock else ()
    return any(need.name == declared.name for package in packages for need in package.needs)


# Who needs the packages that are most often held back.
_ARRAYS = frozenset(
    {"pandas", "scikit-learn", "scipy", "matplotlib", "torch", "tensorflow", "xgboost", "lightgbm", "mlflow",
     "statsmodels", "seaborn", "shap", "opencv-python", "transformers", "keras", "catboost", "evidently",
     "jax"}
)  # fmt: skip
NEEDED_BY: dict[str, frozenset[str]] = {
    "numpy": _ARRAYS,
    "scipy": frozenset({"scikit-learn", "xgboost", "lightgbm", "statsmodels", "shap", "mlflow", "evidently"}),
    "pandas": frozenset({"mlflow", "evidently", "seaborn", "statsmodels", "shap", "streamlit", "plotly"}),
    "scikit-learn": frozenset({"mlflow", "evidently", "shap", "imbalanced-learn", "mlxtend"}),
    "matplotlib": frozenset({"mlflow", "seaborn", "shap", "prophet", "catboost"}),
    "requests": frozenset({"mlflow", "evidently", "streamlit", "transformers", "datasets", "apache-airflow"}),
    "flask": frozenset({"mlflow"}),
    "werkzeug": frozenset({"flask", "mlflow"}),
    "jinja2": frozenset({"flask", "torch"}),
    "pyyaml": frozenset({"mlflow", "evidently", "transformers", "dvc"}),
    "gitpython": frozenset({"mlflow", "wandb"}),
    "plotly": frozenset({"evidently"}),
    "aiohttp": frozenset({"datasets", "s3fs", "gcsfs", "fsspec"}),
    "pyjwt": frozenset({"msal"}),
    "prometheus-client": frozenset({"prometheus-flask-exporter", "prometheus-fastapi-instrumentator"}),
    "torchmetrics": frozenset({"pytorch-lightning", "lightning"}),
    "imageio": frozenset({"scikit-image", "imageio-ffmpeg", "albumentations", "imgaug"}),
    "starlette": frozenset({"fastapi"}),
    "tokenizers": frozenset({"transformers"}),
    "huggingface-hub": frozenset({"transformers", "datasets", "diffusers", "timm"}),
    "networkx": frozenset({"torch", "scikit-image"}),
    "sympy": frozenset({"torch"}),
    "typer": frozenset({"spacy", "prefect", "fastapi"}),
    "jsonschema": frozenset({"altair", "jupyter"}),
    "tenacity": frozenset({"langchain"}),
    "ruamel-yaml": frozenset({"strictyaml", "great-expectations"}),
}


def _found(project: Project, manifest: Manifest, declared: Declared) -> Found:
    edit = remove_entry(project, manifest, declared)
    fix = None
    if edit is not None and manifest.kind in ("requirements", "pyproject"):
        fix = Fix(says=f"take out {declared.name}", safety="unsafe", edits=(edit,))
    return Found(
        at=project.line(declared.file, declared.line),
        says=f"{declared.name} is declared, and nothing imports it",
        hint="remove it, or say there what uses it: `# paved: ignore[ENV010] <what uses it>`",
        fix=fix,
    )
