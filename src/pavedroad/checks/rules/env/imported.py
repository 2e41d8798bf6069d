"""What the code of a folder imports from elsewhere, and what is installed for it outside of manifests."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator

import msgspec

from pavedroad.checks.model import Place
from pavedroad.checks.project import Project, Unit
from pavedroad.checks.rules.env.import_names import PROVIDED
from pavedroad.checks.rules.env.manifest_text import line_of
from pavedroad.checks.source import Module
from pavedroad.environments import manifest_reader, normalised
from pavedroad.environments.requirements import read_declared
from pavedroad.errors import Invalid

_INSTALL = re.compile(
    r"(?:pip3?|uv|poetry|conda|mamba|micromamba|pdm|pipenv)[\"',\s]+(?:pip\s+)?(?:install|add)\b([^\n;&|`]*)"
)
_REPOSITORY = re.compile(r"/([A-Za-z0-9][\w.-]*?)(?:\.git)?/?(?=[@#\s]|$)")
_OF_COMPONENT = re.compile(r"packages_to_install\s*=\s*\[([^\]]{0,2000})\]")  # of Kubeflow Pipelines
_SCRIPT = re.compile(r"([\w-]{1,80}\.py)[\"']")
_WORD = re.compile(r"[\w.-]+")
# Files beside manifests that may install or start something, or name what is loaded by its name.
SCRIPTS = (
    ".sh", ".bash", ".yml", ".yaml", ".toml", ".cfg", ".ini", ".tf", ".ps1", ".bat", ".json", ".mk", ".conf",
    "Makefile", "Dockerfile", "Procfile", "justfile", "Justfile", ".service", ".bst", ".jsonnet",
)  # fmt: skip
LARGEST_SCRIPT_BYTES = 256 * 1024


class Import(msgspec.Struct, frozen=True, kw_only=True):
    """The first place where a file imports a module."""

    module: str  # dotted: `sklearn.model_selection.train_test_split`
    at: Place
    path: str
    is_optional: bool  # in `try`, below an `if`, or for type checkers only

    @property
    def root(self) -> str:
        return self.module.partition(".")[0]


def imports_of(project: Project, module: Module) -> Iterator[Import]:
    """Imports of packages that are neither Python's own nor the project's."""
    for dotted, line in module.imports.items():
        root = dotted.partition(".")[0]
        if not root or root in sys.stdlib_module_names or root in project.own_packages:
            continue
        if root in PROVIDED or any(dotted.startswith(f"{name}.") or dotted == name for name in PROVIDED):
            continue
        optional = dotted in module.optional_imports or dotted in module.typing_imports
        yield Import(module=dotted, at=module.place_of_line(line), path=module.path, is_optional=optional)


def declared_names(project: Project, units: list[Unit]) -> set[str]:
    """Names of what units declare; of a URL without a name, the name of its repository."""
    names = set()
    for declared in (declared for unit in units for declared in unit.declared):
        if declared.name:
            names.add(declared.name)
        elif declared.direct:
            names.update(normalised(match) for match in _REPOSITORY.findall(line_of(project, declared)))
    return names


def unit_of(project: Project, path: str) -> list[Unit]:
    """The units that hold for a file: its own folder's and those above."""
    return [unit for unit in project.units if path.startswith(unit.folder)]


def is_provided_for(module: Module) -> bool:
    """Whether it runs where hundreds of packages are installed: a notebook of Colab, Kaggle or Databricks."""
    marks = ("/kaggle/", "google.colab", "dbutils.")
    if module.text.startswith("# Databricks notebook source"):
        return True
    return module.notebook is not None and any(mark in module.text for mark in marks)


def sent_scripts(project: Project) -> set[str]:
    """Names of Python files that code names in its text: they may run elsewhere, with what is there."""
    return {name for module in project.modules for name in _SCRIPT.findall(module.text)}


def installed_by_hand(project: Project) -> set[str]:
    """Distributions that a Dockerfile, a script, CI or a notebook installs by name."""
    names = {
        name for image in _images(project) for start, brought in BROUGHT if start in image for name in brought
    }
    for text in (*_scripts(project), *_notebooks(project)):
        for match in (*_INSTALL.finditer(text), *_OF_COMPONENT.finditer(text)):
            names.update(normalised(word) for word in _WORD.findall(match.group(1)) if word[0].isalnum())
    return names


# Packages that well-known container images bring.
BROUGHT: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("apache/airflow", ("apache-airflow", "pendulum", "sqlalchemy", "requests", "jinja2")),
    ("jupyter/", ("numpy", "scipy", "pandas", "matplotlib", "seaborn", "scikit-learn", "bokeh", "sympy")),
    ("pytorch", ("torch", "torchvision", "numpy", "pillow")),
    ("tensorflow", ("tensorflow", "keras", "numpy", "h5py", "protobuf", "grpcio")),
    ("huggingface", ("transformers", "torch", "numpy", "datasets", "tokenizers", "huggingface-hub")),
    ("spark", ("pyspark",)),
    ("prefecthq/prefect", ("prefect",)),
    ("mlflow", ("mlflow",)),
    ("lambda/python", ("boto3", "botocore")),
)


def _images(project: Project) -> Iterator[str]:
    for dockerfile in project.dockerfiles:
        yield from (stage.image.name for stage in dockerfile.stages)
    for compose in project.composes:
        yield from (service.image.name for service in compose.services if service.image)


def declared_elsewhere(project: Project) -> set[str]:
    """What manifests of tests, documentation and CI declare, which are no units of their own."""
    known = {manifest.file for manifest in project.manifests}
    names: set[str] = set()
    for path in project.files:
        reader = manifest_reader(path)
        if reader is None or path in known:
            name = path.rpartition("/")[2]
            if not ("constraint" in name and name.endswith(".txt")):
                continue
            names.update(declared.name for declared in read_declared(path, project.text(path)))
            continue
        try:
            names.update(declared.name for declared in reader(path, project.text(path)).declared)
        except Invalid:
            continue
    return names


def script_words(project: Project) -> set[str]:
    """Every word of configuration and scripts, in lower case: what is loaded or started by its name."""
    return {
        word for text in _scripts(project) for word in re.findall(r"[a-z0-9_]+(?:-[a-z0-9_]+)*", text.lower())
    }


def _scripts(project: Project) -> Iterator[str]:
    for path, file in project.files.items():
        name = path.rpartition("/")[2]
        if (
            not (name.endswith(SCRIPTS) or "dockerfile" in name.lower())
            or file.size_bytes > LARGEST_SCRIPT_BYTES
        ):
            continue
        if manifest_reader(path) is None and "lock" not in name:
            yield project.text(path)


def _notebooks(project: Project) -> Iterator[str]:
    for module in project.modules:
        if module.notebook:
            yield "\n".join(cell.written for cell in module.notebook.cells if "install" in cell.written)
        elif "install" in module.text:  # of a step that is sent elsewhere
            yield module.text
