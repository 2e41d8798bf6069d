from __future__ import annotations

import re
from collections.abc import Iterator

from pavedroad.checks.model import UNSAFE, Edit, Fix, Found, Place
from pavedroad.checks.project import Project
from pavedroad.checks.rule import rule
from pavedroad.checks.workflows import Workflow

_COMMIT = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}|sha256:[0-9a-f]{64}")
_RELEASE = re.compile(r"v?\d[\w.+-]*")
OWN = ("actions", "github")  # GitHub's


@rule("SEC704", "loose-workflow", since="0.1", team="warning", production="error", fix="unsafe")
def loose_workflow(project: Project) -> Iterator[Found]:
    """A workflow runs code of others by commit, with no more rights than it needs.

    Why:
        The tag of an action can be moved to other code, which then reads the secrets of the job: it
        happened to tj-actions/changed-files in 2025. None of 42 public projects pinned commits; 73% of
        those with workflows set no permissions.
    Bad:
        ```yaml
        jobs:
          deploy:
            steps:
              - uses: some/deploy-action@main
        ```
    Good:
        ```yaml
        permissions:
          contents: read
        jobs:
          deploy:
            steps:
              - uses: some/deploy-action@8f4b7f84864484a7bf31766abe9204da3cbe65b3 # v3.5.0
        ```
    Accepts:
        Actions of GitHub itself and of the repository. A release's tag is a note, a branch is more.
    Fix:
        Adds `permissions: contents: read` for the whole workflow. A job that writes needs its own: look
        at it.
    References:
        https://docs.github.com/actions/reference/security/secure-use
    """
    for workflow in project.workflows:
        if not workflow.path.startswith((".github/", "action.y")):
            continue  # GitHub runs those at the root only
        if workflow.system == "github":
            if not workflow.has_permissions and not all(job.has_permissions for job in workflow.jobs):
                yield _without_permissions(project, workflow)
            yield from _unpinned(workflow)
        elif workflow.system == "action":
            yield from _unpinned(workflow)


def _unpinned(workflow: Workflow) -> Iterator[Found]:
    seen: set[str] = set()
    used = [
        *((step.uses, step.uses_at) for step in workflow.steps),
        *((job.uses, job.uses_at) for job in workflow.jobs),
    ]
    for uses, at in used:
        name, _, version = uses.partition("@")
        if not at or uses in seen or uses.startswith((".", "docker://")) or name.partition("/")[0] in OWN:
            continue
        if "/" not in name or _COMMIT.fullmatch(version) or "${{" in uses:
            continue
        seen.add(uses)
        is_release = bool(_RELEASE.fullmatch(version))
        by = f"by the {'tag' if is_release else 'branch'} {version}" if version else "without a version"
        yield Found(
            at=at,
            says=f"{name} is taken {by}, so its owner can change what runs",
            hint="name the commit, with the release behind it as a comment",
            severity="note" if is_release else "",
        )


def _without_permissions(project: Project, workflow: Workflow) -> Found:
    document = next(found for found in reversed(project.yaml(workflow.path)) if found.kind == "mapping")
    jobs = document.keys["jobs"]
    return Found(
        at=Place(path=workflow.path, line=jobs.line, column=jobs.column, end_column=jobs.end_column),
        says="jobs of this workflow get all the rights that the repository hands out by default",
        hint="add `permissions:` with `contents: read`, and more only where a job needs it",
        fix=_fix(project, workflow.path, jobs.line, jobs.column),
    )


def _fix(project: Project, path: str, line: int, column: int) -> Fix | None:
    text = project.text(path)
    lines = text.split("\n")
    if column != 1 or "\r" in text or "�" in text or text.startswith("\ufeff"):
        return None
    at = sum(len(before) + 1 for before in lines[: line - 1])
    edit = Edit(path=path, start=at, end=at, text="permissions:\n  contents: read\n\n")
    return Fix(says="add permissions: contents: read", safety=UNSAFE, edits=(edit,))
