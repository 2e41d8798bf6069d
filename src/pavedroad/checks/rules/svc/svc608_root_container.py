from __future__ import annotations

import re
from collections.abc import Iterator

from pavedroad.checks.dockerfile import Dockerfile, Image, Instruction, Stage, is_dockerfile
from pavedroad.checks.model import UNSAFE, Edit, Fix, Found
from pavedroad.checks.project import Project
from pavedroad.checks.rule import rule

ROOT = ("root", "0")
# Images whose own user is not root, and those whose platform chooses the user.
_OTHER_USER = re.compile(
    r".*(nonroot|rootless|unprivileged|sagemaker|lambda).*|.*jupyter/.*|.*/bitnami/.*|bitnami/.*|.*chainguard.*|"
    r".*apache/(airflow|superset|spark|beam).*|.*grafana/.*|.*prom/.*|.*mambaorg/.*|.*selenium/.*|.*codercom/.*|"
    r".*gitpod/.*|.*rapidsai/.*|.*azureml.*|.*tritonserver.*|.*cloud-functions.*|.*databricksruntime.*|scratch",
    re.IGNORECASE,
)
_PUBLIC = re.compile(
    r"(docker\.io|index\.docker\.io|ghcr\.io|quay\.io|gcr\.io|nvcr\.io|mcr\.microsoft\.com|public\.ecr\.aws|"
    r"registry\.access\.redhat\.com)/"
)
_STEPS_DOWN = re.compile(r"\b(gosu|su-exec|setpriv|runuser|s6-setuidgid|tini-user|fixuid)\b")
_ALPINE = re.compile(r"alpine", re.IGNORECASE)
NOT_SHIPPED = (".devcontainer", ".gitpod", ".github", ".ci", "ci", "tests", "test", ".docker-dev")


@rule(
    "SVC608", "root-container", since="0.1", team="warning", production="error", fix="unsafe", of_project=True
)
def root_container(project: Project) -> Iterator[Found]:
    """A container runs as a user who is not root.

    Why:
        Root inside is root outside when something breaks out, and files it writes to a mounted folder
        belong to root. 76% of 21 public projects with a Dockerfile ran as root.
    Bad:
        ```dockerfile
        FROM python:3.11-slim
        COPY app.py .
        CMD ["python", "app.py"]
        ```
    Good:
        ```dockerfile
        FROM python:3.11-slim
        RUN useradd --create-home --uid 10001 app
        COPY app.py .
        USER app
        CMD ["python", "app.py"]
        ```
    Accepts:
        Base images that come with a user of their own (distroless nonroot, Jupyter, Airflow) or that a
        platform runs as one (Lambda, SageMaker), unknown base images of a company, start scripts that
        step down (gosu), `user:` in compose, runAsNonRoot in Kubernetes, containers for development, and
        images to work in, which start nothing.
    Fix:
        Makes a user before CMD. Look whether the program writes to folders that root made.
    References:
        https://docs.docker.com/build/building/best-practices/#user
    """
    lowered = _with_another_user(project) if project.dockerfiles else set()
    for dockerfile in project.dockerfiles:
        stage = dockerfile.last_stage
        if stage is None or set(dockerfile.path.split("/")[:-1]) & set(NOT_SHIPPED):
            continue
        user = dockerfile.user_of(stage)
        is_root = _is_root(user) if user else _is_root_by_default(dockerfile.root_image(stage))
        if not is_root or dockerfile.path in lowered or _steps_down(project, dockerfile):
            continue
        if user is None and not _starts_something(dockerfile, stage):
            continue
        at = user if user in stage.instructions and user is not None else stage.base
        yield Found(
            at=dockerfile.place(at, project.lines_of(dockerfile.path)[at.line - 1]),
            says="this container runs as root",
            hint="make a user and name it: RUN useradd --create-home app, then USER app",
            fix=_fix(project, dockerfile, stage),
        )


def _is_root(user: Instruction) -> bool:
    return user.value.partition(":")[0].strip() in ROOT


def _is_root_by_default(image: Image) -> bool:
    if not image.is_known or _OTHER_USER.fullmatch(image.name) or _OTHER_USER.fullmatch(image.tag or "-"):
        return False
    registry = image.name.partition("/")[0]
    is_elsewhere = "/" in image.name and ("." in registry or ":" in registry or registry == "localhost")
    return not is_elsewhere or bool(_PUBLIC.match(image.name))


def _starts_something(dockerfile: Dockerfile, stage: Stage) -> bool:
    return any(one.named("CMD", "ENTRYPOINT", "EXPOSE") for one in dockerfile.lineage(stage))


def _steps_down(project: Project, dockerfile: Dockerfile) -> bool:
    scripts = [path for path in project.files if path.endswith(("entrypoint.sh", "start.sh", "run.sh"))]
    return any(
        _STEPS_DOWN.search(project.text(path))
        for path in (dockerfile.path, *scripts)
        if path == dockerfile.path or path.startswith(dockerfile.folder)
    )


def _with_another_user(project: Project) -> set[str]:
    """Dockerfiles whose container gets a user from compose, or all of them from Kubernetes."""
    for path in project.files:
        if path.endswith((".yml", ".yaml")) and "runAsNonRoot: true" in project.text(path):
            return {path for path in project.files if is_dockerfile(path)}
    return {
        service.dockerfile
        for compose in project.composes
        for service in compose.services
        if service.dockerfile and service.user and service.user.partition(":")[0] not in ROOT
    }


def _fix(project: Project, dockerfile: Dockerfile, stage: Stage) -> Fix | None:
    text = project.text(dockerfile.path)
    starts = stage.named("CMD", "ENTRYPOINT")
    if (
        not starts
        or "useradd" in text
        or "adduser" in text
        or "\r" in text
        or "�" in text
        or text.startswith("\ufeff")
    ):
        return None
    image = dockerfile.root_image(stage)
    is_alpine = bool(_ALPINE.search(image.tag + image.name))
    add = "adduser -D -u 10001 app" if is_alpine else "useradd --create-home --uid 10001 app"
    lines = text.split("\n")
    at = sum(len(line) + 1 for line in lines[: starts[0].line - 1])
    edit = Edit(path=dockerfile.path, start=at, end=at, text=f"RUN {add}\nUSER app\n")
    return Fix(says="make a user and run as it", safety=UNSAFE, edits=(edit,))
