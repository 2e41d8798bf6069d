import re
import tomllib

import pytest
from packaging.markers import Marker
from packaging.requirements import Requirement

from pavedroad.environments import parse_lock
from pavedroad.scaffold import TEMPLATES, Template
from pavedroad.scaffold.templates import fill

VALUES = {"name": "late-flights", "package": "late_flights", "owner": "the team", "pavedroad": "0.1.0"}
every_template = pytest.mark.parametrize("template", TEMPLATES, ids=lambda template: template.name)


@every_template
def test_nothing_is_left_to_fill_in(template: Template) -> None:
    for path, text in fill(template, VALUES).items():
        assert "{{" not in path
        assert not re.search(r"(?<!\$)\{\{", text), path


@every_template
def test_it_has_what_a_project_needs(template: Template) -> None:
    files = fill(template, VALUES)

    needed = {"README.md", ".gitignore", "pyproject.toml", "requirements.lock", ".github/workflows/ci.yml"}
    assert needed <= files.keys()
    assert {"src/late_flights/pipeline.py", "tests/test_training.py"} <= files.keys()
    manifest = tomllib.loads(files["pyproject.toml"])
    assert manifest["tool"]["paved"]["owner"] == "the team"
    assert manifest["tool"]["paved"]["entry"] == "late_flights.pipeline:tumours"
    assert all(file.endswith("\n") for file in files.values())


@every_template
@pytest.mark.parametrize("python", ["3.11", "3.12", "3.13"])
def test_the_lock_holds_every_dependency_in_a_version_the_manifest_allows(
    template: Template, python: str
) -> None:
    files = fill(template, VALUES)
    lock = parse_lock("requirements.lock", files["requirements.lock"])
    manifest = tomllib.loads(files["pyproject.toml"])
    here = {"python_version": python, "python_full_version": f"{python}.0", "sys_platform": "linux"}
    holding = [
        package for package in lock.packages if not package.marker or Marker(package.marker).evaluate(here)
    ]
    versions = {package.name: package.version for package in holding}

    for text in (*manifest["project"]["dependencies"], *manifest["dependency-groups"]["dev"]):
        requirement = Requirement(text)
        if requirement.name == "pavedroad":
            assert str(requirement.specifier) == "==0.1.0"
        else:
            assert requirement.specifier.contains(versions[requirement.name]), text
    assert len(versions) == len(holding)
    assert all(package.hashes for package in lock.packages)


def test_the_lock_holds_what_pavedroad_itself_needs() -> None:
    import importlib.metadata

    lock = parse_lock("requirements.lock", fill(TEMPLATES[0], VALUES)["requirements.lock"])
    needed = [Requirement(text) for text in importlib.metadata.requires("pavedroad") or []]

    for requirement in needed:
        if requirement.marker is None:
            assert lock.versions_of(requirement.name), requirement
