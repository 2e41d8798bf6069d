from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from pavedroad.advisories.matching import EXPOSED, LOCKED_SAFE, NOT_AFFECTED, NOT_FOUND, Case

CaseOf = Callable[..., Case]
FLOAT = "import numpy as np\nx = np.float(3)\n"

USES = {
    "an alias": ("BC-NPY-001", FLOAT, "a.py:2:5"),
    "an import": ("BC-SP-001", "from scipy.integrate import simps\n", "a.py:1:29"),
    "an imported module": ("BC-EVD-001", "import evidently.report\n", "a.py:1:8"),
    "a method of a read frame": (
        "BC-PD-002",
        "import pandas as pd\ndf = pd.read_csv('x')\nfor c in df.iteritems():\n    pass\n",
        "a.py:3:10",
    ),
    "a method in a loop that renews its frame": (
        "BC-PD-001",
        "import pandas as pd\ndf = pd.DataFrame()\nfor r in []:\n    df = df.append(r)\n",
        "a.py:4:10",
    ),
    "a method told by a keyword": (
        "BC-PD-001",
        "import pandas\n\ndef f(a, b):\n    return a.append(b, ignore_index=True)\n",
        "a.py:4:12",
    ),
    "a method of an annotated parameter": (
        "BC-PD-006",
        "import pandas as pd\n\ndef f(df: pd.DataFrame):\n    return df.swapaxes(0, 1)\n",
        "a.py:4:12",
    ),
    "a method of self": (
        "BC-XGB-001",
        "import xgboost as xgb\n\nclass A:\n    def __init__(self):\n        self.m = xgb.XGBClassifier()\n\n"
        "    def go(self, x):\n        self.m.fit(x, early_stopping_rounds=3)\n",
        "a.py:8:23",
    ),
    "a keyword": (
        "BC-SK-004",
        "from sklearn.preprocessing import OneHotEncoder as O\nO(sparse=False)\n",
        "a.py:2:3",
    ),
    "a missing keyword": ("BC-PT-001", "import torch\ntorch.load('x')\n", "a.py:2:1"),
    "a literal": (
        "BC-MPL-002",
        "import matplotlib.pyplot as plt\nplt.style.use('seaborn-whitegrid')\n",
        "a.py:2:15",
    ),
    "a literal in an f-string": (
        "BC-MLF-003",
        "import mlflow\nuri = f'models:/{3}/Production'\n",
        "a.py:2:7",
    ),
    "a decorator": (
        "BC-FLK-001",
        "import flask\napp = flask.Flask('x')\n\n@app.before_first_request\ndef f():\n    pass\n",
        "a.py:4:2",
    ),
    "the body of a class": (
        "BC-PYD-002",
        "from pydantic import BaseModel\n\nclass A(BaseModel):\n    class Config:\n        x = 1\n",
        "a.py:4:5",
    ),
    "a method of a class of the project": (
        "BC-PYD-002",
        "from pydantic import BaseModel\n\nclass A(BaseModel):\n    x: int\n\n"
        "def f(rows: list[A]):\n    return [row.dict() for row in rows]\n",
        "a.py:7:13",
    ),
    "a field without default": (
        "BC-PYD-003",
        "from typing import Optional\nfrom pydantic import BaseModel\n\nclass A(BaseModel):\n"
        "    x: Optional[int]\n",
        "a.py:5:5",
    ),
    "a chained assignment": (
        "BC-PD-009",
        "import pandas as pd\ndf = pd.read_csv('x')\ndf['a'][df['a'] > 1] = 2\n",
        "a.py:3:1",
    ),
    "four values of a step": (
        "BC-GYM-001",
        "import gym\nenv = gym.make('x')\no, r, d, i = env.step(0)\n",
        "a.py:1:8",
    ),
}
NO_USES = {
    "a list that grows": ("BC-PD-001", "import pandas as pd\nrows = []\nrows.append(pd.DataFrame())\n"),
    "a sized type": ("BC-NPY-001", "import numpy as np\nx = np.float64(3)\n"),
    "the project's own name": ("BC-NPY-001", "import mine as np\nx = np.float(3)\n"),
    "a guarded import": (
        "BC-PY-003",
        "try:\n    from collections.abc import Mapping\nexcept ImportError:\n"
        "    from collections import Mapping\n",
    ),
    "a look at the version": (
        "BC-NPY-007",
        "import numpy as np\nif np.__version__ < '2':\n    f = np.trapz\n",
    ),
    "a keyword of another call": ("BC-SK-004", "import scipy.sparse as s\ns.rand(3, 3, sparse=True)\n"),
    "the keyword is given": ("BC-PT-001", "import torch\ntorch.load('x', weights_only=True)\n"),
    "options that may hold the keyword": ("BC-PT-001", "import torch\ntorch.load('x', **options)\n"),
    "the loader by position": ("BC-YML-001", "import yaml\nyaml.load('x', yaml.SafeLoader)\n"),
    "a new style": (
        "BC-MPL-002",
        "import matplotlib.pyplot as plt\nplt.style.use('seaborn-v0_8-dark')\n",
    ),
    "an alias in a model's address": ("BC-MLF-003", "import mlflow\nuri = 'models:/m@champion'\n"),
    "json of a response": ("BC-PYD-002", "import pydantic, requests\nrequests.get('x').json()\n"),
    "a class Config of no model": (
        "BC-PYD-002",
        "import pydantic\n\nclass A:\n    class Config:\n        x = 1\n",
    ),
    "another package's class with the name of an own one": (
        "BC-PYD-002",
        "import pydantic, requests\n\nclass Response(pydantic.BaseModel):\n    x: int\n\n"
        "def f(answer: requests.Response):\n    return answer.json()\n",
    ),
    "a docstring": ("BC-MLF-003", '"""models:/m/Production"""\nimport mlflow\n'),
}


@pytest.mark.parametrize("name", USES)
def test_a_use_is_found_where_it_stands(name: str, case_of: CaseOf) -> None:
    id_, code, place = USES[name]
    assert place in [str(use.at) for use in case_of(id_, {"a.py": code}).uses]


@pytest.mark.parametrize("name", NO_USES)
def test_what_only_looks_like_a_use_is_left_alone(name: str, case_of: CaseOf) -> None:
    id_, code = NO_USES[name]
    assert case_of(id_, {"a.py": code}).uses == ()


def test_a_notebook_is_read_by_cells(case_of: CaseOf) -> None:
    cells = [{"cell_type": "code", "source": source} for source in ("import numpy as np", "np.float(3)")]
    notebook = json.dumps({"cells": cells, "nbformat": 4, "nbformat_minor": 5, "metadata": {}})
    use = case_of("BC-NPY-001", {"a.ipynb": notebook}).uses[0]
    assert (str(use.at), use.fix) == ("a.ipynb:cell 2:1:1", None)


@pytest.mark.parametrize(
    ("files", "state", "decided"),
    [
        ({"requirements.txt": "numpy>=1.20"}, EXPOSED, "numpy>=1.20 in requirements.txt, no lock"),
        ({"requirements.txt": "numpy==1.19.5"}, LOCKED_SAFE, "numpy==1.19.5 in requirements.txt, no lock"),
        ({}, EXPOSED, "numpy is not declared: the newest is installed"),
        (
            {
                "pyproject.toml": '[project]\nname = "p"\ndependencies = ["numpy"]\n',
                "uv.lock": 'version = 1\n[[package]]\nname = "numpy"\nversion = "1.19.5"\n',
            },
            LOCKED_SAFE,
            "numpy 1.19.5 in uv.lock",
        ),
    ],
)
def test_the_lock_decides_else_the_range_else_the_newest(
    files: dict[str, str], state: str, decided: str, case_of: CaseOf
) -> None:
    case = case_of("BC-NPY-001", {"a.py": FLOAT, **files})
    assert (case.state, case.decided) == (state, decided)


def test_a_version_that_only_warns_is_exposed_to_a_warning(case_of: CaseOf) -> None:
    case = case_of("BC-NPY-001", {"a.py": FLOAT, "requirements.txt": "numpy==1.23.5"})
    assert (case.state, case.effect) == (EXPOSED, "warns")


def test_a_version_in_range_without_a_use_is_a_note(case_of: CaseOf) -> None:
    assert case_of("BC-NPY-001", {"a.py": "x = 1\n", "requirements.txt": "numpy==2.0"}).state == NOT_FOUND


def test_a_project_without_the_package_is_not_affected(case_of: CaseOf) -> None:
    assert case_of("BC-NPY-001", {"a.py": "x = 1\n", "requirements.txt": "polars"}).state == NOT_AFFECTED


def test_each_folder_of_a_monorepo_answers_for_its_own_code(case_of: CaseOf) -> None:
    case = case_of(
        "BC-NPY-001",
        {
            "old/requirements.txt": "numpy==1.19.5",
            "old/a.py": FLOAT,
            "new/requirements.txt": "numpy==1.26.4",
            "new/a.py": FLOAT,
        },
    )
    assert {(use.at.path, use.effect) for use in case.uses} == {("old/a.py", ""), ("new/a.py", "breaks")}


def test_what_a_cell_installs_decides_for_its_notebook(case_of: CaseOf) -> None:
    cells = [
        {"cell_type": "code", "source": source}
        for source in ("!pip install openai==0.27.8 -q", "import openai\nopenai.ChatCompletion")
    ]
    notebook = json.dumps({"cells": cells, "nbformat": 4, "nbformat_minor": 5, "metadata": {}})
    assert case_of("BC-OAI-001", {"a.ipynb": notebook}).state == LOCKED_SAFE


def test_two_locked_packages_that_do_not_fit_are_found_in_the_lock(case_of: CaseOf) -> None:
    lock = "pandas==2.1.4\nnumpy==2.0.2\nsix==1.16\npytz==2024.1\npython-dateutil==2.9\n"
    case = case_of("BC-NPY-009", {"requirements.txt": lock})
    assert (case.state, case.uses[0].symbol) == (EXPOSED, "numpy 2.0.2 beside pandas 2.1.4")


def test_a_pickle_is_compared_with_the_locked_version(case_of: CaseOf) -> None:
    pickled = "\x80\x04\x8c\x10_sklearn_version\x94\x8c\x051.2.2\x94."
    files = {"model.pkl": pickled, "requirements.txt": "scikit-learn==1.6.1"}
    assert case_of("BC-SK-009", files).uses[0].symbol == "written by scikit-learn 1.2.2"
    assert case_of("BC-SK-009", {"requirements.txt": "scikit-learn==1.2.0"}).state == LOCKED_SAFE


def test_the_python_of_an_image_decides_what_the_standard_library_still_has(case_of: CaseOf) -> None:
    files = {"a.py": "import imp\n", "Dockerfile": "FROM python:3.9-slim\n"}
    assert case_of("BC-PY-001", files).state == LOCKED_SAFE
    assert case_of("BC-PY-001", {"Dockerfile": "FROM python:3.12-slim\n"}).state == EXPOSED
