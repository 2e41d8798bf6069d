"""CI files as rules see them: GitHub Actions, GitLab CI, Azure Pipelines and CircleCI in one shape."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

import msgspec

from pavedroad.checks.dockerfile import read_image
from pavedroad.checks.model import Place
from pavedroad.checks.yaml_files import Yaml

_SYSTEMS = {
    "github": re.compile(r"(?:.*/)?\.github/workflows/[^/]+\.ya?ml"),
    "action": re.compile(r"(?:.*/)?action\.ya?ml"),
    "gitlab": re.compile(r"(?:.*/)?(?:\.gitlab-ci\.ya?ml|\.gitlab/.*\.ya?ml|[^/]+\.gitlab-ci\.ya?ml)"),
    "azure": re.compile(
        r"(?:.*/)?(?:azure-pipelines[^/]*|\.azure-pipelines/.*|\.azuredevops/.*|\.pipelines/.*)\.ya?ml"
    ),
    "circleci": re.compile(r"(?:.*/)?\.circleci/config\.ya?ml"),
}
_MATRIX = re.compile(
    r"\$\{\{\s*matrix\.([\w-]+)\s*\}\}|\$\(([\w.-]+)\)|<<\s*(?:matrix|parameters)\.([\w-]+)\s*>>"
)
_VERSION = re.compile(r"^\d+(\.(\d+|x|\*)){0,2}(-dev|t)?$")
_PYTHON_IMAGES = ("python", "cimg/python", "circleci/python")
# Sections of a .gitlab-ci.yml that are no jobs.
_NO_JOBS = frozenset(
    {
        "stages", "variables", "default", "include", "workflow", "image", "services", "cache",
        "before_script", "after_script", "pages:deploy", "spec", "types",
    }
)  # fmt: skip


class Step(msgspec.Struct, frozen=True, kw_only=True):
    """One thing a job does: a script, or something ready-made with its options."""

    at: Place
    name: str = ""
    run: str = ""
    run_line: int = 0  # where the first line of `run` stands
    is_block: bool = False  # whether each line of `run` stands on its own line of the file
    uses: str = ""  # an action, a task, an orb's command
    uses_at: Place | None = None
    options: dict[str, Yaml] = {}  # `with`, `inputs`

    def line_of(self, offset: int) -> int:
        """The line of the file for a place in `run`."""
        return self.run_line + (self.run.count("\n", 0, offset) if self.is_block else 0)


class PythonVersion(msgspec.Struct, frozen=True, kw_only=True):
    version: str  # 3.11, 3.x
    at: Place


class Job(msgspec.Struct, frozen=True, kw_only=True):
    name: str
    at: Place
    steps: tuple[Step, ...] = ()
    image: str = ""  # of the container it runs in
    image_at: Place | None = None
    uses: str = ""  # a workflow that it calls instead of having steps
    uses_at: Place | None = None
    has_permissions: bool = False
    pythons: tuple[PythonVersion, ...] = ()


class Workflow(msgspec.Struct, frozen=True, kw_only=True):
    path: str
    system: str  # github, action (one of GitHub's own making), gitlab, azure, circleci
    jobs: tuple[Job, ...]
    triggers: tuple[str, ...] = ()  # of GitHub: push, schedule, ...
    has_permissions: bool = False  # for all its jobs

    @property
    def steps(self) -> Iterator[Step]:
        for job in self.jobs:
            yield from job.steps

    @property
    def pythons(self) -> tuple[PythonVersion, ...]:
        return tuple(python for job in self.jobs for python in job.pythons)


def system_of(path: str) -> str:
    """Which CI reads this file; empty when none does."""
    return next((system for system, pattern in _SYSTEMS.items() if pattern.fullmatch(path)), "")


def read_workflow(path: str, documents: tuple[Yaml, ...]) -> Workflow | None:
    """None when the file holds nothing that this CI would run."""
    readers: dict[str, Callable[[str, Yaml], Workflow]] = {
        "github": _github,
        "action": _action,
        "gitlab": _gitlab,
        "azure": _azure,
        "circleci": _circleci,
    }
    reader = readers.get(system_of(path))
    document = next((document for document in reversed(documents) if document.kind == "mapping"), None)
    if reader is None or document is None:
        return None
    workflow = reader(path, document)
    return workflow if workflow.jobs else None


# ---------------------------------------------------------------------------------------------- GitHub


def _github(path: str, document: Yaml) -> Workflow:
    jobs = document.get("jobs")
    on = document.get("on") or document.get("true")
    return Workflow(
        path=path,
        system="github",
        jobs=tuple(
            _github_job(path, name, job, _key_place(path, jobs, name))
            for name, job in (jobs.entries if jobs else {}).items()
        ),
        triggers=tuple(on.entries) or tuple(item.text for item in on.scalars) if on else (),
        has_permissions="permissions" in document.entries,
    )


def _action(path: str, document: Yaml) -> Workflow:
    runs = document.get("runs")
    steps = _github_steps(path, document.get("runs", "steps"))
    jobs: tuple[Job, ...] = ()
    if runs is not None and steps:
        jobs = (Job(name="runs", at=runs.place(path), steps=steps, pythons=_pythons(path, steps, None)),)
    return Workflow(path=path, system="action", jobs=jobs, has_permissions=True)


def _github_job(path: str, name: str, job: Yaml, at: Place) -> Job:
    container = job.get("container")
    image = container.get("image") if container and container.kind == "mapping" else container
    uses = job.get("uses")
    steps = _github_steps(path, job.get("steps"))
    return Job(
        name=name,
        at=at,
        steps=steps,
        image=image.text if image else "",
        image_at=image.place(path) if image else None,
        uses=uses.text if uses else "",
        uses_at=uses.place(path) if uses else None,
        has_permissions="permissions" in job.entries,
        pythons=(*_pythons(path, steps, job.get("strategy", "matrix")), *_of_image(path, image)),
    )


def _github_steps(path: str, steps: Yaml | None) -> tuple[Step, ...]:
    found = []
    for step in steps.items if steps else ():
        run, uses, options = step.get("run"), step.get("uses"), step.get("with")
        found.append(
            Step(
                at=step.place(path),
                name=step.text_at("name"),
                run=run.text if run else "",
                run_line=run.first_text_line if run else 0,
                is_block=run is not None and run.style == "|",
                uses=uses.text if uses else "",
                uses_at=uses.place(path) if uses else None,
                options=options.entries if options else {},
            )
        )
    return tuple(found)


# ---------------------------------------------------------------------------------------------- GitLab


def _gitlab(path: str, document: Yaml) -> Workflow:
    common = document.get("default", "image") or document.get("image")
    shared = [
        step
        for holder in (document, document.get("default"))
        for step in _scripts(path, holder, ("before_script",))
    ]
    jobs = []
    for name, job in document.entries.items():
        if job.kind != "mapping" or name in _NO_JOBS:
            continue
        own = _scripts(path, job, ("before_script", "script", "after_script"))
        if not own:
            continue
        image = job.get("image") or common
        if image and image.kind == "mapping":
            image = image.get("name")
        steps = tuple(own if "before_script" in job.entries else [*shared, *own])
        jobs.append(_job_in(path, name, _key_place(path, document, name), steps, image))
    return Workflow(path=path, system="gitlab", jobs=tuple(jobs), has_permissions=True)


def _job_in(path: str, name: str, at: Place, steps: tuple[Step, ...], image: Yaml | None) -> Job:
    """A job that runs in an image, if one is named."""
    return Job(
        name=name,
        at=at,
        steps=steps,
        image=image.text if image else "",
        image_at=image.place(path) if image else None,
        pythons=_of_image(path, image),
    )


def _scripts(path: str, holder: Yaml | None, names: tuple[str, ...]) -> list[Step]:
    found = []
    for name in names:
        script = holder.get(name) if holder else None
        for item in (script.items or (script,)) if script else ():
            found += [_script_step(path, scalar) for scalar in item.scalars]
    return found


def _script_step(path: str, scalar: Yaml, name: str = "") -> Step:
    return Step(
        at=scalar.place(path),
        name=name,
        run=scalar.text,
        run_line=scalar.first_text_line,
        is_block=scalar.style == "|",
    )


# ---------------------------------------------------------------------------------------------- Azure


def _azure(path: str, document: Yaml) -> Workflow:
    jobs = []
    for holder in document.walk():
        steps = holder.get("steps")
        if steps is None or steps.kind != "list":
            continue
        found = tuple(step for item in steps.items for step in _azure_step(path, item))
        container = holder.get("container")
        matrix = holder.get("strategy", "matrix")
        jobs.append(
            Job(
                name=holder.text_at("job") or holder.text_at("deployment") or holder.text_at("stage"),
                at=holder.place(path),
                steps=found,
                image=container.text if container else "",
                image_at=container.place(path) if container else None,
                pythons=_pythons(path, found, matrix, document.get("variables")),
            )
        )
    return Workflow(path=path, system="azure", jobs=tuple(jobs), has_permissions=True)


def _azure_step(path: str, item: Yaml) -> Iterator[Step]:
    name = item.text_at("displayName")
    for kind in ("script", "bash", "pwsh", "powershell"):
        if script := item.get(kind):
            yield _script_step(path, script, name)
    task = item.get("task") or item.get("template")
    if task:
        options = item.get("inputs") or item.get("parameters")
        script = item.get("inputs", "inlineScript") or item.get("inputs", "script")
        yield Step(
            at=item.place(path),
            name=name,
            uses=task.text,
            uses_at=task.place(path),
            options=options.entries if options else {},
            run=script.text if script else "",
            run_line=script.first_text_line if script else 0,
            is_block=script is not None and script.style == "|",
        )


# ---------------------------------------------------------------------------------------------- CircleCI


def _circleci(path: str, document: Yaml) -> Workflow:
    holders = document.get("jobs")
    jobs = []
    for name, job in (holders.entries if holders else {}).items():
        steps = job.get("steps")
        found = tuple(step for item in (steps.items if steps else ()) for step in _circleci_step(path, item))
        docker = job.get("docker") or document.get("executors", job.text_at("executor"), "docker")
        image = docker.items[0].get("image") if docker and docker.items else None
        jobs.append(_job_in(path, name, _key_place(path, holders, name), found, image))
    return Workflow(path=path, system="circleci", jobs=tuple(jobs), has_permissions=True)


def _circleci_step(path: str, item: Yaml) -> Iterator[Step]:
    if item.kind == "scalar":
        yield Step(at=item.place(path), uses=item.text, uses_at=item.place(path))
    for name, value in item.entries.items():
        if name == "run":
            command = value if value.kind == "scalar" else value.get("command")
            if command is not None:
                yield _script_step(path, command, value.text_at("name"))
        else:
            key = item.keys[name]
            yield Step(at=key.place(path), uses=name, uses_at=key.place(path), options=value.entries)


# ---------------------------------------------------------------------------------------------- Python


def _pythons(
    path: str, steps: tuple[Step, ...], matrix: Yaml | None, variables: Yaml | None = None
) -> tuple[PythonVersion, ...]:
    """The versions that steps ask for; a variable is looked up in the matrix."""
    found: list[PythonVersion] = []
    for step in steps:
        for name in ("python-version", "versionSpec", "pythonVersion"):
            option = step.options.get(name)
            if option is None:
                continue
            for scalar in option.scalars:
                for line in scalar.text.split("\n"):
                    found += _versions(path, line.strip(), scalar, matrix, variables)
    return tuple(dict.fromkeys(found))


def _versions(
    path: str, text: str, scalar: Yaml, matrix: Yaml | None, variables: Yaml | None
) -> list[PythonVersion]:
    match = _MATRIX.fullmatch(text)
    if match:
        name = next(group for group in match.groups() if group)
        values = [*_matrix_values(matrix, name), *_matrix_values(variables, name)]
    else:
        values = [scalar]
    return [
        PythonVersion(version=value.text if match else text, at=value.place(path))
        for value in values
        if _VERSION.match(value.text if match else text)
    ]


def _matrix_values(matrix: Yaml | None, name: str) -> list[Yaml]:
    """Of GitHub's lists, its `include`, and Azure's named rows."""
    if matrix is None:
        return []
    direct = matrix.get(name)
    found = list(direct.scalars) if direct else []
    include = matrix.get("include")
    for row in (*(include.items if include else ()), *matrix.entries.values()):
        if row.kind == "mapping" and (value := row.get(name)):
            found += value.scalars
    return found


def _of_image(path: str, image: Yaml | None) -> tuple[PythonVersion, ...]:
    if image is None or image.kind != "scalar":
        return ()
    reference = read_image(image.text)
    version = reference.tag.partition("-")[0]
    if not reference.name.endswith(_PYTHON_IMAGES) or not _VERSION.match(version):
        return ()
    return (PythonVersion(version=version, at=image.place(path)),)


def _key_place(path: str, holder: Yaml | None, name: str) -> Place:
    key = holder.keys.get(name) if holder else None
    return key.place(path) if key else Place(path=path)
