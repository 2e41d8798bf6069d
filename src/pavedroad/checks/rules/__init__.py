"""Every rule, in the order of their codes. To add one: write its file, list it here, give it fixtures."""

from pavedroad.checks.model import Rule
from pavedroad.checks.rules.chk.chk901_unexplained_ignore import unexplained_ignore
from pavedroad.checks.rules.chk.chk902_expired_ignore import expired_ignore
from pavedroad.checks.rules.chk.chk903_unknown_ignore import unknown_ignore
from pavedroad.checks.rules.chk.chk904_unreadable_file import unreadable_file
from pavedroad.checks.rules.doc.doc803_missing_owner import missing_owner
from pavedroad.checks.rules.env.env002_unlocked_dependencies import unlocked_dependencies
from pavedroad.checks.rules.env.env003_bare_dependency import bare_dependency
from pavedroad.checks.rules.env.env005_unstated_python import unstated_python
from pavedroad.checks.rules.mod.mod501_pickle_in_git import pickle_in_git
from pavedroad.checks.rules.mod.mod505_model_without_signature import model_without_signature
from pavedroad.checks.rules.rep.rep201_unseeded_split import unseeded_split
from pavedroad.checks.rules.rep.rep202_unseeded_estimator import unseeded_estimator
from pavedroad.checks.rules.rep.rep204_absolute_path import absolute_path
from pavedroad.checks.rules.tst.tst301_missing_tests import missing_tests

RULES: tuple[Rule, ...] = (
    unlocked_dependencies,
    bare_dependency,
    unstated_python,
    unseeded_split,
    unseeded_estimator,
    absolute_path,
    missing_tests,
    pickle_in_git,
    model_without_signature,
    missing_owner,
    unexplained_ignore,
    expired_ignore,
    unknown_ignore,
    unreadable_file,
)
FAMILIES: dict[str, str] = {
    "ENV": "environment",
    "REP": "reproducibility",
    "TST": "tests",
    "MOD": "models",
    "DOC": "documentation and ownership",
    "CHK": "the check itself",
}
