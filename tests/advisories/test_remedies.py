from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from pavedroad.advisories.matching import Case
from pavedroad.checks.fixes import plan_changes
from pavedroad.checks.model import Finding

CaseOf = Callable[..., Case]
PATCHES = {
    "a builtin for an alias": (
        "BC-NPY-001",
        "import numpy as np\nx = np.float(3)  # three\n",
        "x = float(3)  # three",
    ),
    "a name of the same module": ("BC-NPY-003", "import numpy\nx = numpy.Inf\n", "x = numpy.inf"),
    "an import under the old name": (
        "BC-SP-001",
        "from scipy.integrate import simps, quad\nsimps([1])\n",
        "from scipy.integrate import simpson as simps, quad",
    ),
    "an import from elsewhere": ("BC-SK-010", "from sklearn.externals import joblib\n", "import joblib"),
    "an abstract class": (
        "BC-PY-003",
        "from collections import Mapping\n",
        "from collections.abc import Mapping",
    ),
    "a keyword": (
        "BC-SK-004",
        "from sklearn.preprocessing import OneHotEncoder\nOneHotEncoder(drop=None, sparse=False)\n",
        "OneHotEncoder(drop=None, sparse_output=False)",
    ),
    "a method": (
        "BC-PD-002",
        "import pandas as pd\ns = pd.Series([1])\nlist(s.iteritems())\n",
        "list(s.items())",
    ),
    "a fill": (
        "BC-PD-007",
        "import pandas\ny = x.fillna(method='ffill', inplace=True)\n",
        "y = x.ffill(inplace=True)",
    ),
    "a root": (
        "BC-SK-006",
        "from sklearn.metrics import mean_squared_error as m\nr = m(a, b, squared=False)\n",
        "r = m(a, b) ** 0.5",
    ),
    "a root within a sum": (
        "BC-SK-006",
        "from sklearn.metrics import mean_squared_error as m\nr = -m(a, b, squared=False)\n",
        "r = -(m(a, b) ** 0.5)",
    ),
    "a frequency": (
        "BC-PD-008",
        "import pandas as pd\npd.date_range('2024', periods=3, freq='2M')\n",
        "pd.date_range('2024', periods=3, freq='2ME')",
    ),
    "a style": (
        "BC-MPL-002",
        "import matplotlib.pyplot as plt\nplt.style.use('seaborn-dark')\n",
        "plt.style.use('seaborn-v0_8-dark')",
    ),
    "an argument to leave out": (
        "BC-XGB-001",
        "import xgboost\nxgboost.XGBClassifier(max_depth=3, use_label_encoder=False)\n",
        "xgboost.XGBClassifier(max_depth=3)",
    ),
}


def findings(case: Case) -> list[Finding]:
    return [
        Finding(code=case.id, name="", severity="note", says="", hint="", place=use.at, fix=use.fix)
        for use in case.uses
    ]


@pytest.mark.parametrize("name", PATCHES)
def test_the_safe_patch_writes_the_new_form_and_leaves_the_rest(
    name: str, case_of: CaseOf, tmp_path: Path
) -> None:
    id_, code, line = PATCHES[name]
    changes = plan_changes(findings(case_of(id_, {"a.py": code})), tmp_path, unsafe=False)
    assert line in changes[0].after.split("\n")
    (tmp_path / "a.py").write_text(changes[0].after)
    assert case_of(id_, {}).uses == ()


def test_a_patch_that_needs_a_newer_release_than_is_locked_is_not_safe(case_of: CaseOf) -> None:
    files = {
        "a.py": "from sklearn.preprocessing import OneHotEncoder\nOneHotEncoder(sparse=False)\n",
        "requirements.txt": "scikit-learn==1.1.3",
    }
    fix = case_of("BC-SK-004", files).uses[0].fix
    assert fix is not None
    assert fix.safety == "unsafe"


def test_a_chained_assignment_becomes_one_step_when_asked_for(case_of: CaseOf, tmp_path: Path) -> None:
    code = "import pandas as pd\ndf = pd.read_csv('x')\ndf['a'][df['a'] > 1] = 2\n"
    found = findings(case_of("BC-PD-009", {"a.py": code}))
    assert plan_changes(found, tmp_path, unsafe=False) == []
    assert "df.loc[df['a'] > 1, 'a'] = 2" in plan_changes(found, tmp_path, unsafe=True)[0].after


def test_the_dead_name_of_a_requirement_is_replaced(case_of: CaseOf, tmp_path: Path) -> None:
    found = findings(case_of("BC-SKL-001", {"requirements.txt": "numpy\nsklearn\n"}))
    assert plan_changes(found, tmp_path, unsafe=False)[0].after == "numpy\nscikit-learn\n"
