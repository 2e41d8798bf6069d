"""What a project says of its containers, CI files and other YAML."""

from collections.abc import Callable
from pathlib import Path

from pavedroad.checks import check_project, open_project

MakeProject = Callable[[dict[str, str]], Path]


def test_containers_and_ci_files_are_read_where_they_lie(make_project: MakeProject) -> None:
    project = open_project(
        make_project(
            {
                "docker/api.Dockerfile": "FROM python:3.11\n",
                "Dockerfile.j2": "FROM {{ base }}\n",
                "deploy/compose.yml": "services: {db: {image: postgres}}\n",
                ".github/workflows/ci.yml": "on: push\njobs: {test: {steps: [{run: pytest}]}}\n",
                ".gitlab-ci.yml": "test: {script: pytest}\n",
            }
        )
    )

    assert [dockerfile.path for dockerfile in project.dockerfiles] == ["docker/api.Dockerfile"]
    assert [compose.path for compose in project.composes] == ["deploy/compose.yml"]
    assert [workflow.system for workflow in project.workflows] == ["github", "gitlab"]


def test_a_template_of_yaml_is_passed_over_without_a_word(make_project: MakeProject) -> None:
    root = make_project(
        {
            "chart/templates/values.yaml": "{{- if .Values.on }}\nname: {{ .Values.name }}\n{{- end }}\n",
            "compose.yml": "services:\n  db:\n    image: {{ image }}\n",
            ".github/workflows/ci.yml": "{% if ci %}\non: push\n{% endif %}\n",
        }
    )
    project = open_project(root)

    assert project.yaml("chart/templates/values.yaml") == ()
    assert (project.composes, project.workflows) == ([], [])
    assert check_project(root, profile="production").findings == ()


def test_a_bomb_in_a_workflow_is_passed_over(make_project: MakeProject) -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 12)]
    project = open_project(make_project({".github/workflows/ci.yml": "\n".join(lines)}))

    assert project.workflows == []


def test_a_secret_is_in_no_line_of_any_finding(make_project: MakeProject) -> None:
    password = "kT9wqLz2" + "vB7n"
    root = make_project(
        {"fetch.py": f'import requests\n\nrequests.get(url, auth=("me", PASSWORD := "{password}"))\n'}
    )
    findings = check_project(root, profile="production").findings

    assert {"SEC701", "SVC604"} <= {finding.code for finding in findings}
    assert password not in "".join(map(str, findings))
