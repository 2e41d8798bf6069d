"""About tests."""

from pavedroad.checks.model import Rule
from pavedroad.checks.rules.tst.tst301_missing_tests import missing_tests

RULES: tuple[Rule, ...] = (missing_tests,)
