"""From a project or a version to one file, with what its stages found on the record."""

from __future__ import annotations

import tarfile
import zipfile

import msgspec
import pytest
from tests.registry.conftest import Maker

from pavedroad.catalog import read_facts, read_project
from pavedroad.delivery import list_packages
from pavedroad.delivery.packaging import package_model, package_project
from pavedroad.errors import Invalid

# A build backend of the project's own asks no package index.
BACKEND = """
import zipfile
def build_wheel(folder, config_settings=None, metadata_directory=None):
    name = "rides-1.2.0-py3-none-any.whl"
    with zipfile.ZipFile(f"{folder}/{name}", "w") as wheel:
        wheel.write("rides.py")
    return name
"""
MANIFEST = """
[project]
name = "rides"
version = "1.2.0"
[build-system]
requires = []
build-backend = "backend"
backend-path = ["."]
[tool.paved]
owner = "team"
[tool.paved.stages]
"""


@pytest.fixture
def make(tmp_path):
    def make_project(stages: str):
        root = tmp_path / "rides"
        root.mkdir(exist_ok=True)
        (root / "rides.py").write_text("RIDES = 1\n")
        (root / "backend.py").write_text(BACKEND)
        (root / "pyproject.toml").write_text(MANIFEST + stages)
        return read_project(root)

    return make_project


def test_a_project_whose_stages_pass_becomes_a_wheel(any_record, make, tmp_path):
    project = make('unit = "true"\ndata = "true"\n')
    done = package_project(any_record, project, out=tmp_path / "dist")
    assert (done.version, done.file, done.passed) == ("1.2.0", "rides-1.2.0-py3-none-any.whl", True)
    assert zipfile.ZipFile(tmp_path / "dist" / done.file).namelist() == ["rides.py"]
    assert [path.name for path in (tmp_path / "dist").iterdir()] == [done.file]
    assert list_packages(any_record.db, "rides") == [done]
    fact = read_facts(any_record.db)[0]
    assert (fact.verb, fact.artifact, fact.payload["stages"]) == (
        "packaged",
        "project/rides",
        {"unit": "passed", "data": "passed"},
    )


def test_after_a_stage_that_fails_nothing_more_runs_and_nothing_is_built(record, make, tmp_path):
    project = make('unit = "true"\ndata = "false"\nmodel = "touch ran"\n')
    done = package_project(record, project, out=tmp_path / "dist")
    assert [stage.status for stage in done.stages] == ["passed", "failed", "not run"]
    assert (done.passed, done.file, done.digest) == (False, "", "")
    assert not (project.root / "ran").exists()
    assert not (tmp_path / "dist").exists()
    assert read_facts(record.db)[0].payload["stopped_by"] == "data"


def test_one_stage_alone_builds_nothing(record, make, tmp_path):
    project = make('unit = "true"\ndata = "false"\n')
    done = package_project(record, project, out=tmp_path / "dist", only=("unit",))
    assert ([stage.name for stage in done.stages], done.passed, done.file) == (["unit"], True, "")


def test_a_build_that_fails_says_what_the_backend_said(record, make, tmp_path):
    project = make("")
    (project.root / "backend.py").write_text("def build_wheel(*a, **k): raise SystemExit('no wheel today')\n")
    with pytest.raises(Invalid, match="no wheel today"):
        package_project(record, project, out=tmp_path / "dist")


def test_a_folder_without_a_project_table_is_refused_before_its_stages_run(record, make, tmp_path):
    project = make('unit = "touch ran"\n')
    (project.root / "pyproject.toml").write_text('[tool.paved.stages]\nunit = "touch ran"\n')
    with pytest.raises(Invalid, match=r"no \[project\]"):
        package_project(record, project, out=tmp_path / "dist")
    assert not (project.root / "ran").exists()


def test_a_model_version_becomes_an_archive_and_its_stages_see_the_files(any_record, make, tmp_path):
    version = Maker(any_record).version()
    project = make("model = \"sh -c 'ls $PAVED_MODEL > seen; echo $PAVED_MODEL_NAME >> seen'\"\n")
    done = package_model(any_record, version, project, out=tmp_path)
    assert (done.kind, done.title, done.file) == ("model", "flights@1", "flights-1.tar.gz")
    seen = (project.root / "seen").read_text().split()
    with tarfile.open(tmp_path / done.file) as archive:
        names = sorted(name.removeprefix("flights-1/") for name in archive.getnames())
        about = msgspec.json.decode(archive.extractfile("flights-1/paved.json").read())
    assert names == sorted([*seen[:-1], "paved.json"])
    assert seen[-1] == "flights@1"
    assert (about["model"], about["version"], about["digest"]) == ("flights", 1, version.digest)


def test_the_same_version_gives_the_same_bytes(record, tmp_path):
    version = Maker(record).version()
    first = package_model(record, version, None, out=tmp_path / "a")
    again = package_model(record, version, None, out=tmp_path / "b")
    assert first.digest == again.digest
