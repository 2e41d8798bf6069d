"""About the environment: what is installed, and whether it can be installed again."""

from pavedroad.checks.model import Rule
from pavedroad.checks.rules.env.env002_unlocked_dependencies import unlocked_dependencies
from pavedroad.checks.rules.env.env003_bare_dependency import bare_dependency
from pavedroad.checks.rules.env.env005_unstated_python import unstated_python

RULES: tuple[Rule, ...] = (
    unlocked_dependencies,
    bare_dependency,
    unstated_python,
)
