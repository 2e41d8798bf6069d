"""Entries are added to and taken out of manifests without touching the rest."""

import pytest
from tests.checks.conftest import MakeProject

from pavedroad.checks.engine import open_project
from pavedroad.checks.model import Edit
from pavedroad.checks.rules.env.manifest_text import add_entries, remove_entry

HEAD = '[project]\nname = "a"\n'


def applied(text: str, edit: Edit | None) -> str:
    assert edit is not None
    return text[: edit.start] + edit.text + text[edit.end :]


@pytest.mark.parametrize(
    ("name", "before", "after"),
    [
        ("requirements.txt", "pandas", "pandas\nscipy\n"),
        ("requirements.txt", "pandas\r\n", "pandas\r\nscipy\r\n"),
        ("pyproject.toml", HEAD + "dependencies = []\n", HEAD + 'dependencies = ["scipy"]\n'),
        (
            "pyproject.toml",
            HEAD + 'dependencies = ["pandas"]\n',
            HEAD + 'dependencies = ["scipy", "pandas"]\n',
        ),
        (
            "pyproject.toml",
            HEAD + 'dependencies = [  # ours\n  "pandas",\n]\n',
            HEAD + 'dependencies = [\n  "scipy",  # ours\n  "pandas",\n]\n',
        ),
    ],
)
def test_an_entry_is_added_in_the_manner_of_the_file(
    make_project: MakeProject, name: str, before: str, after: str
) -> None:
    project = open_project(make_project({name: before.encode()}))

    assert applied(before, add_entries(project, project.manifests[0], ["scipy"])) == after


def test_poetrys_own_table_is_left_alone(make_project: MakeProject) -> None:
    project = open_project(
        make_project({"pyproject.toml": '[tool.poetry.dependencies]\npython = "^3.12"\npandas = "*"\n'})
    )

    assert add_entries(project, project.manifests[0], ["scipy"]) is None


@pytest.mark.parametrize(
    ("name", "before", "after"),
    [
        ("requirements.txt", "pandas\nscipy==1.2  # why\nnumpy\n", "pandas\nnumpy\n"),
        ("requirements.txt", "pandas\nscipy", "pandas\n"),
        (
            "pyproject.toml",
            HEAD + 'dependencies = [\n  "pandas",\n  "scipy>=1",\n]\n',
            HEAD + 'dependencies = [\n  "pandas",\n]\n',
        ),
    ],
)
def test_an_entry_is_taken_out_with_its_line(
    make_project: MakeProject, name: str, before: str, after: str
) -> None:
    project = open_project(make_project({name: before}))
    (manifest,) = project.manifests
    scipy = next(declared for declared in manifest.declared if declared.name == "scipy")

    assert applied(before, remove_entry(project, manifest, scipy)) == after


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("pyproject.toml", HEAD + 'dependencies = ["pandas", "scipy"]\n'),
        ("requirements.txt", "scipy==1.2 \\\n  --hash=sha256:00\n"),
    ],
)
def test_a_line_that_holds_more_is_left_alone(make_project: MakeProject, name: str, text: str) -> None:
    project = open_project(make_project({name: text}))
    (manifest,) = project.manifests
    scipy = next(declared for declared in manifest.declared if declared.name == "scipy")

    assert remove_entry(project, manifest, scipy) is None
