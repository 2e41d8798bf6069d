from __future__ import annotations

import re
from collections.abc import Iterator

from pavedroad.checks.model import UNSAFE, Edit, Fix, Found, Place
from pavedroad.checks.project import Project
from pavedroad.checks.rule import rule
from pavedroad.checks.rules.tst.suite import has_tests

# CI systems whose files are read as text alone.
_OTHER_CI = re.compile(
    r"(^|/)(Jenkinsfile[\w.-]*|[\w.-]+\.jenkinsfile|\.travis\.yml|bitbucket-pipelines\.yml|\.drone\.ya?ml|"
    r"appveyor\.yml|\.cirrus\.yml|\.semaphore/[\w-]+\.yml|\.buildkite/[\w.-]+|\.woodpecker/?[\w-]*\.ya?ml|"
    r"(cloudbuild|buildspec|cloud-build|codebuild)[\w.-]*(/[\w./-]+)?\.ya?ml|\.tekton/[\w.-]+)$"
)
_RUNS_TESTS = re.compile(
    r"\b(pytest|py\.test|unittest|nosetests|tox|nox|nbmake|manage\.py test|setup\.py test|coverage run|"
    r"testbook|hatch (run |test)[\w:.-]*|robot|behave|paved package)\b",
    re.IGNORECASE,
)
_TARGET = re.compile(
    r"\b(?:make|just|task|invoke|inv|poe|pdm run|poetry run|rye run|doit|hatch run)\s+"
    r"(?:-\S+\s+)*([\w:./-]{1,80})"
)
_RECIPE = re.compile(r"(?:def |@\w+\s+)?([\w./-]+)")
_NAMED_TEST = re.compile(
    r"(^|[-_:./])(tests?|ci|check|verify|unit|integration|coverage)($|[-_:./])", re.IGNORECASE
)
# Files of the project that a script may start or hand on: their text counts as well.
_FILE_WORD = re.compile(r"(?<![\w./-])(?:[\w./-]{1,200}\.(?:sh|bash|ya?ml|py)\b|\./[\w./-]{1,200})")
_TEST_WORD = re.compile(r"pytest|run[-_]tests?|unit[-_]?tests?|[-_./]tests?([-_]\w+)*\.ya?ml", re.IGNORECASE)
FILES_DEEP = 3
_RECIPE_FILES = (
    "Makefile", "makefile", "GNUmakefile", "justfile", "Justfile", "tasks.py", "Taskfile.yml",
    "pyproject.toml", "noxfile.py", "dodo.py",
)  # fmt: skip
_STATED = re.compile(
    r"(?:requires-python\s*=\s*[\"']>=\s*|^python\s*=\s*[\"'][\^~>=]*|\A\s*)(3\.\d+)", re.MULTILINE
)
CHECKOUT = "actions/checkout@11bd71901bbe5b1630ceea73d27597364c9af683 # v4.2.2"
SETUP_PYTHON = "actions/setup-python@0b93645e9fea7318ecaed2b359559ac225c90a2b # v5.3.0"
WORKFLOW = ".github/workflows/tests.yml"


@rule(
    "TST302",
    "tests-outside-ci",
    since="0.1",
    team="warning",
    production="error",
    fix="unsafe",
    of_project=True,
)
def tests_outside_ci(project: Project) -> Iterator[Found]:
    """CI runs the tests on every change.

    Why:
        Tests that wait for somebody to remember them are red by the time somebody does. 57% of the public
        projects with tests did not run them in CI, and 60% had no CI at all.
    Bad:
        ```text
        tests/test_features.py    and no workflow that runs pytest
        ```
    Good:
        ```text
        tests/test_features.py
        .github/workflows/tests.yml    run: pytest
        ```
    Accepts:
        pytest, unittest, tox or nox in a workflow of GitHub, GitLab, Azure, CircleCI or another CI, also
        behind a make target, a script or an action whose name says tests; CI outside git that nothing here
        shows needs an ignore with its reason.
    Fix:
        Adds .github/workflows/tests.yml, when there is no CI yet and the project says how it is installed.
    References:
        https://docs.github.com/en/actions/tutorials/build-and-test-code/python
    """
    if not project.files or not has_tests(project):
        return
    others = [path for path in project.files if _OTHER_CI.search(path)]
    scripts = list(_scripts(project, others))
    reader = _Reader(project)
    if any(reader.runs_tests(script) for _, script in scripts):
        return
    ci = sorted({path for path, _ in scripts})
    yield Found(
        at=Place(path=ci[0] if ci else project.front_page),
        says=f"the tests run in none of {', '.join(ci[:3])}" if ci else "no CI runs the tests",
        hint="add a step that runs pytest" if ci else f"add {WORKFLOW} with a step that runs pytest",
        fix=None if ci else _fix(project),
    )


def _scripts(project: Project, others: list[str]) -> Iterator[tuple[str, str]]:
    """Path and text of everything CI runs."""
    for workflow in project.workflows:
        for job in workflow.jobs:
            yield workflow.path, f"{job.name} {job.uses}" if job.uses else ""
            for step in job.steps:
                options = " ".join(
                    scalar.text for option in step.options.values() for scalar in option.scalars
                )
                yield workflow.path, f"{step.run}\n{step.uses} {options}"
    for path in others:
        yield path, project.text(path)


class _Reader:
    """Follows what CI runs through the files of the project. Guards which it has read."""

    def __init__(self, project: Project) -> None:
        self.project = project
        self.seen: set[str] = set()
        self.recipes = _recipes(project)

    def runs_tests(self, script: str, depth: int = FILES_DEEP) -> bool:
        if _RUNS_TESTS.search(script):
            return True
        if any(_NAMED_TEST.search(target) or target in self.recipes for target in _TARGET.findall(script)):
            return True
        if "pre-commit" in script and _RUNS_TESTS.search(_text(self.project, ".pre-commit-config.yaml")):
            return True
        return any(self._starts_tests(word, depth) for word in _FILE_WORD.findall(script))

    def _starts_tests(self, word: str, depth: int) -> bool:
        if _TEST_WORD.search(word):
            return True
        path = word.removeprefix("./")
        for file in (path, f"{path}/action.yml", f"{path}/action.yaml"):
            if depth and file in self.project.files and file not in self.seen:
                self.seen.add(file)
                if self.runs_tests(self.project.text(file), depth - 1):
                    return True
        return False


def _recipes(project: Project) -> set[str]:
    """Targets of Makefiles and their like whose recipe runs tests."""
    found: set[str] = set()
    for path in project.named(*_RECIPE_FILES):
        target = ""
        for line in project.text(path).split("\n"):
            if line[:1] not in (" ", "\t", "#", ""):
                match = _RECIPE.match(line)
                target = match.group(1) if match else ""
            if target and _RUNS_TESTS.search(line):
                found.add(target)
    return found


def _fix(project: Project) -> Fix | None:
    install = _install(project)
    if not install or WORKFLOW in project.files:
        return None
    version = _python(project)
    text = (
        "name: tests\n\non:\n  push:\n    branches: [main]\n  pull_request:\n\n"
        "permissions:\n  contents: read\n\n"
        "jobs:\n  tests:\n    runs-on: ubuntu-latest\n    timeout-minutes: 20\n    steps:\n"
        f"      - uses: {CHECKOUT}\n      - uses: {SETUP_PYTHON}\n"
        f'        with:\n          python-version: "{version}"\n'
        f"{''.join(f'      - run: {line}{chr(10)}' for line in install)}"
    )
    edit = Edit(path=WORKFLOW, start=0, end=0, text=text)
    return Fix(says=f"add {WORKFLOW}", safety=UNSAFE, edits=(edit,))


def _install(project: Project) -> list[str]:
    """How the project is installed and tested; nothing when the root does not say."""
    if "uv.lock" in project.files:
        return ["pip install uv", "uv sync --locked --all-groups", "uv run pytest"]
    if "poetry.lock" in project.files:
        return ["pip install poetry", "poetry install", "poetry run pytest"]
    if "requirements.txt" in project.files:
        return ["pip install -r requirements.txt pytest", "python -m pytest"]
    if "pyproject.toml" in project.files and "[project]" in project.text("pyproject.toml"):
        return ["pip install -e . pytest", "python -m pytest"]
    return []


def _python(project: Project) -> str:
    for path in (".python-version", "pyproject.toml"):
        if match := _STATED.search(_text(project, path)):
            return match.group(1)
    return "3.12"


def _text(project: Project, path: str) -> str:
    return project.text(path) if path in project.files else ""
