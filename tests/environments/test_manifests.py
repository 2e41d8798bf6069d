import pytest

from pavedroad.environments import Declared, manifest_reader
from pavedroad.errors import Invalid


def declared(path: str, text: str) -> list[Declared]:
    reader = manifest_reader(path)
    assert reader is not None
    return list(reader(path, text).declared)


def names(path: str, text: str) -> list[tuple[str, str, int, str]]:
    return [(found.name, found.specifier, found.line, found.group) for found in declared(path, text)]


@pytest.mark.parametrize(
    "path",
    [
        *(
            "pyproject.toml",
            "setup.py",
            "setup.cfg",
            "Pipfile",
            "a/b/requirements.txt",
            "requirements-dev.txt",
        ),
        *(
            "requirements_gpu.txt",
            "dev-requirements.in",
            "requirements/base.txt",
            "environment.yml",
            "conda.yaml",
        ),
        "environment-gpu.yml",
    ],
)
def test_these_names_are_manifests(path: str) -> None:
    assert manifest_reader(path) is not None


@pytest.mark.parametrize(
    "path", ["constraints.txt", "notes.txt", "requirements.md", "docs/base.txt", "config.yml"]
)
def test_these_are_not(path: str) -> None:
    assert manifest_reader(path) is None


def test_pyproject_has_groups_extras_and_tables_of_tools() -> None:
    text = """
[project]
name = "rides"
dependencies = [
  "Pandas>=2.2",
  "torch[cuda] ; sys_platform == 'linux'",
]
[project.optional-dependencies]
io = ["pyarrow==17.0"]
[dependency-groups]
dev = ["pytest", {include-group = "lint"}]
lint = ["ruff>=0.6"]
[tool.poetry.dependencies]
python = "^3.11"
numpy = {version = "*", extras = ["x"]}
mine = {path = "../mine"}
[tool.poetry.group.test.dependencies]
hypothesis = "^6"
"""
    assert names("pyproject.toml", text) == [
        ("pandas", ">=2.2", 5, ""),
        ("torch", "", 6, ""),
        ("pyarrow", "==17.0", 9, "io"),
        ("pytest", "", 11, "dev"),
        ("ruff", ">=0.6", 12, "lint"),
        ("numpy", "", 15, ""),
        ("mine", "", 16, ""),
        ("hypothesis", "^6", 18, "test"),
    ]
    assert [found.name for found in declared("pyproject.toml", text) if found.is_bare] == [
        "torch",
        "pytest",
        "numpy",
    ]


def test_other_manifests_give_the_same() -> None:
    assert names("Pipfile", '[packages]\n"pandas" = "*"\n[dev-packages]\npytest = "==8"\n') == [
        ("pandas", "", 2, ""),
        ("pytest", "==8", 4, "dev"),
    ]
    assert names("setup.cfg", "[options]\ninstall_requires =\n    pandas>=2\n    numpy\n") == [
        ("pandas", ">=2", 3, ""),
        ("numpy", "", 4, ""),
    ]
    assert names(
        "setup.py", "from setuptools import setup\nsetup(\n    install_requires=['pandas>=2'],\n)\n"
    ) == [("pandas", ">=2", 3, "")]
    conda = "dependencies:\n  - python=3.11\n  - pip\n  - numpy=1.26\n  - scipy\n  - pip:\n      - mlflow\n"
    assert names("environment.yml", conda) == [
        ("numpy", "=1.26", 4, ""),
        ("scipy", "", 5, ""),
        ("mlflow", "", 7, ""),
    ]


@pytest.mark.parametrize(
    ("path", "text", "python"),
    [
        ("pyproject.toml", '[project]\nrequires-python = ">=3.11"\n', ">=3.11"),
        ("pyproject.toml", '[tool.poetry.dependencies]\npython = "^3.11"\n', "^3.11"),
        ("Pipfile", '[requires]\npython_version = "3.11"\n', "3.11"),
        ("environment.yml", "dependencies: [python=3.11]\n", "3.11"),
        ("setup.cfg", "[options]\npython_requires = >=3.9\n", ">=3.9"),
        ("setup.py", "setup(python_requires='>=3.9')\n", ">=3.9"),
        ("setup.py", "setup(python_requires=OURS)\n", "computed"),
        ("pyproject.toml", '[project]\nname = "x"\n', ""),
    ],
)
def test_the_python_asked_for_is_found(path: str, text: str, python: str) -> None:
    reader = manifest_reader(path)
    assert reader is not None
    assert reader(path, text).python == python


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("pyproject.toml", "["),
        ("Pipfile", "= 3"),
        ("setup.py", "def ("),
        ("setup.cfg", "no section"),
        ("environment.yml", "a: ["),
        ("environment.yml", "a: &a [x]\n" + "".join(f"b{n}: [*a, *a, *a, *a, *a, *a]\n" for n in range(9))),
    ],
)
def test_a_broken_manifest_is_refused_with_a_reason(path: str, text: str) -> None:
    with pytest.raises(Invalid) as caught:
        declared(path, text)

    assert caught.value.hint
