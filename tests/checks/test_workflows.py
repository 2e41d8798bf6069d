from textwrap import dedent

import pytest

from pavedroad.checks.workflows import Workflow, read_workflow, system_of
from pavedroad.checks.yaml_files import read_yaml


def read(path: str, text: str) -> Workflow:
    workflow = read_workflow(path, read_yaml(dedent(text)))
    assert workflow is not None
    return workflow


@pytest.mark.parametrize(
    ("path", "system"),
    [
        (".github/workflows/ci.yml", "github"),
        (".github/actions/setup/action.yaml", "action"),
        (".gitlab-ci.yml", "gitlab"),
        ("azure-pipelines.yml", "azure"),
        (".circleci/config.yml", "circleci"),
        (".github/dependabot.yml", ""),
        ("dvc.yaml", ""),
    ],
)
def test_a_ci_file_is_known_by_where_it_lies(path: str, system: str) -> None:
    assert system_of(path) == system


def test_steps_of_github_have_their_lines() -> None:
    workflow = read(
        ".github/workflows/ci.yml",
        """\
        on: [push, pull_request]
        permissions:
          contents: read
        jobs:
          test:
            runs-on: ubuntu-latest
            steps:
              - uses: actions/checkout@v4
              - name: tests
                run: |
                  pip install .
                  pytest
          call:
            uses: ./.github/workflows/other.yml
        """,
    )
    test, call = workflow.jobs
    checkout, tests = test.steps

    assert (workflow.triggers, workflow.has_permissions) == (("push", "pull_request"), True)
    assert (test.name, test.at.line) == ("test", 5)
    assert checkout.uses == "actions/checkout@v4"
    assert checkout.uses_at is not None
    assert (checkout.uses_at.line, checkout.uses_at.column) == (8, 15)
    assert tests.line_of(tests.run.index("pytest")) == 12
    assert call.uses == "./.github/workflows/other.yml"


def test_pythons_come_from_options_the_matrix_and_its_include() -> None:
    workflow = read(
        ".github/workflows/ci.yml",
        """\
        on: push
        jobs:
          test:
            strategy:
              matrix:
                python-version: ["3.11", "3.12"]
                include:
                  - python-version: "3.13"
            steps:
              - uses: actions/setup-python@v5
                with:
                  python-version: ${{ matrix.python-version }}
          other:
            container: python:3.10-slim
            steps:
              - uses: actions/setup-python@v5
                with:
                  python-version: |
                    3.8
                    3.9
              - uses: actions/setup-python@v5
                with:
                  python-version: ${{ env.PYTHON }}
        """,
    )

    assert [(python.version, python.at.line) for python in workflow.pythons] == [
        ("3.11", 6), ("3.12", 6), ("3.13", 8), ("3.8", 18), ("3.9", 18), ("3.10", 14)
    ]  # fmt: skip


def test_an_action_of_ones_own_has_steps() -> None:
    workflow = read(
        "action.yml", "runs:\n  using: composite\n  steps:\n    - run: pytest\n      shell: bash\n"
    )

    assert [step.run for step in workflow.steps] == ["pytest"]


def test_jobs_of_gitlab_have_scripts_and_the_common_image() -> None:
    workflow = read(
        ".gitlab-ci.yml",
        """\
        image: python:3.11
        stages: [test]
        before_script:
          - pip install .
        test:
          script:
            - pytest
            - |
              one
              two
        .hidden:
          script: echo
        lint:
          image:
            name: ghcr.io/astral-sh/ruff:0.6
          before_script: []
          script: ruff check
        """,
    )
    test, hidden, lint = workflow.jobs

    assert [step.run for step in test.steps] == ["pip install .", "pytest", "one\ntwo\n"]
    assert [step.run_line for step in test.steps] == [4, 7, 9]
    assert [python.version for python in test.pythons] == ["3.11"]
    assert hidden.name == ".hidden"
    assert [step.run for step in lint.steps] == ["ruff check"]
    assert lint.image == "ghcr.io/astral-sh/ruff:0.6"


def test_jobs_of_azure_may_lie_in_stages() -> None:
    workflow = read(
        "azure-pipelines.yml",
        """\
        stages:
          - stage: Build
            jobs:
              - job: test
                strategy:
                  matrix:
                    old: {python.version: "3.10"}
                steps:
                  - task: UsePythonVersion@0
                    inputs:
                      versionSpec: "$(python.version)"
                  - script: pytest
                    displayName: tests
        """,
    )
    (job,) = workflow.jobs
    task, script = job.steps

    assert (job.name, task.uses) == ("test", "UsePythonVersion@0")
    assert (script.name, script.run, script.run_line) == ("tests", "pytest", 12)
    assert [python.version for python in job.pythons] == ["3.10"]


def test_jobs_of_circleci_have_commands_and_an_image() -> None:
    workflow = read(
        ".circleci/config.yml",
        """\
        executors:
          default:
            docker:
              - image: cimg/python:3.11.1
        jobs:
          test:
            executor: default
            steps:
              - checkout
              - run: pip install .
              - run:
                  name: tests
                  command: |
                    pytest
              - store_artifacts:
                  path: out
        """,
    )
    (job,) = workflow.jobs

    assert [step.uses or step.run for step in job.steps] == [
        "checkout", "pip install .", "pytest\n", "store_artifacts"
    ]  # fmt: skip
    assert [python.version for python in job.pythons] == ["3.11.1"]


@pytest.mark.parametrize(
    ("path", "text"),
    [
        (".github/workflows/ci.yml", ""),
        (".github/workflows/ci.yml", "- a\n"),
        (".github/workflows/ci.yml", "jobs: none\n"),
        (".gitlab-ci.yml", "stages: [a]\n"),
        ("azure-pipelines.yml", "trigger: [main]\n"),
        (".circleci/config.yml", "jobs: []\n"),
        ("action.yml", "runs:\n  using: node20\n"),
        ("train.yml", "jobs: {a: {steps: []}}\n"),
    ],
)
def test_a_file_that_runs_nothing_is_no_workflow(path: str, text: str) -> None:
    assert read_workflow(path, read_yaml(text)) is None


@pytest.mark.parametrize(
    "job",
    ["x", "[a]", "{steps: x}", "{steps: [x, [y], {run: [z]}, {uses: {a: b}}, {with: 1}]}", "{container: [a]}",
     "{strategy: {matrix: {python-version: {a: b}}}, steps: [{uses: a, with: {python-version: {c: d}}}]}"],
)  # fmt: skip
@pytest.mark.parametrize("path", [".github/workflows/a.yml", ".gitlab-ci.yml", ".circleci/config.yml"])
def test_a_job_of_an_odd_shape_is_read_as_far_as_it_goes(path: str, job: str) -> None:
    workflow = read_workflow(path, read_yaml(f"jobs:\n  test: {job}\ntest: {job}\n"))

    assert workflow is None or workflow.path == path
