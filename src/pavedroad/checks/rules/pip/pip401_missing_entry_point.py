from __future__ import annotations

import re
from collections.abc import Iterator

from pavedroad.checks.model import Found, Place
from pavedroad.checks.project import Project
from pavedroad.checks.rule import rule
from pavedroad.checks.source import Module
from pavedroad.kit.text import count

# Files that start the work by one command.
_STARTER = re.compile(
    r"(^|/)(Makefile|makefile|GNUmakefile|[Jj]ustfile|Taskfile\.ya?ml|dvc\.yaml|MLproject|noxfile\.py|dodo\.py|"
    r"tasks\.py|Snakefile|main\.nf|prefect\.yaml|dagster\.yaml|workspace\.yaml|__main__\.py|Procfile|tox\.ini|"
    r"(docker-)?compose(\.[\w-]+)?\.ya?ml|pipeline[\w-]*\.ya?ml|azureml[\w-]*\.ya?ml|kedro\.yml)$|"
    r"(^|/)(main|run|pipeline|cli|app|manage|workflow|flow|entrypoint|orchestrat\w*|run_\w+|\w+_(pipeline|flow))\.(py|sh)$",
)
_SCRIPTS = re.compile(
    r"^\s*\[(project\.scripts|project\.gui-scripts|tool\.poetry\.scripts|tool\.pdm\.scripts|tool\.poe\.tasks|"
    r"tool\.hatch\.envs\.[\w.-]+\.scripts|tool\.pixi\.tasks|tool\.taskipy\.tasks|scripts|options\.entry_points)\]|"
    r"console_scripts",
    re.MULTILINE,
)
FLOWS = (
    "prefect", "airflow", "kfp", "dagster", "metaflow", "luigi", "kedro", "zenml", "flytekit", "pavedroad",
    "ploomber", "mage_ai", "clearml", "sagemaker", "azureml", "azure.ai.ml", "argo_workflows", "hera",
    "invoke", "hamilton", "tfx",
)  # fmt: skip
MOST_STARTS = 1  # more programs than this need an order
_MAIN = re.compile(r"^if\b.*__name__", re.MULTILINE)


@rule("PIP401", "missing-entry-point", since="0.1", team="warning", production="error", of_project=True)
def missing_entry_point(project: Project) -> Iterator[Found]:
    """One command starts the work.

    Why:
        Several programs and no word which runs first: the order lives in one head, and the scheduler, CI and
        the next colleague each guess it anew.
    Bad:
        ```text
        prepare.py  train.py  evaluate.py    and nothing that starts them
        ```
    Good:
        ```text
        prepare.py  train.py  evaluate.py
        Makefile    train: prepare.py ...    or dvc.yaml, or a flow
        ```
    Accepts:
        A Makefile, justfile, Taskfile or dvc.yaml, scripts in pyproject.toml, a flow of Prefect, Airflow,
        Kubeflow, Dagster, Metaflow or ours, main.py, run.sh and the like, a compose file; a README that
        names the programs in their order; a project with one program only.
    References:
        https://dvc.org/doc/user-guide/pipelines/defining-pipelines
    """
    programs = [module for module in project.modules if _is_program(project, module)]
    if len(programs) <= MOST_STARTS or _has_starter(project) or _is_written_down(project, programs):
        return
    names = ", ".join(module.path for module in programs[:3]) + (" and more" if len(programs) > 3 else "")
    yield Found(
        at=Place(path=project.front_page),
        says=f"{count(len(programs), 'program')} and nothing that starts them in order: {names}",
        hint="add a Makefile, a dvc.yaml or a paved pipeline that runs them in their order",
    )


def _is_program(project: Project, module: Module) -> bool:
    """Whether it is started by itself: it says so with `__main__`."""
    if module.notebook or project.is_test(module.path) or module.path.endswith("setup.py"):
        return False
    return _MAIN.search(module.text) is not None


def _has_starter(project: Project) -> bool:
    if any(_STARTER.search(path) for path in project.files):
        return True
    manifests = project.named("pyproject.toml", "setup.cfg", "setup.py", "Pipfile", "pixi.toml")
    if any(_SCRIPTS.search(project.text(path)) for path in manifests):
        return True
    return any(
        name == flow or name.startswith(f"{flow}.")
        for module in project.modules
        for name in module.imports
        for flow in FLOWS
    )


def _is_written_down(project: Project, programs: list[Module]) -> bool:
    """Whether a README names more than one of the programs: then their order lies in no head."""
    readmes = [path for path in project.files if path.rpartition("/")[2].lower().startswith("readme")]
    text = "\n".join(project.text(path) for path in readmes)
    return sum(module.path.rpartition("/")[2] in text for module in programs) > MOST_STARTS
