"""About tests."""

from pavedroad.checks.model import Rule
from pavedroad.checks.rules.tst.tst301_missing_tests import missing_tests
from pavedroad.checks.rules.tst.tst302_tests_outside_ci import tests_outside_ci
from pavedroad.checks.rules.tst.tst303_test_without_assertion import test_without_assertion
from pavedroad.checks.rules.tst.tst304_untested_prediction import untested_prediction
from pavedroad.checks.rules.tst.tst305_unvalidated_data import unvalidated_data

RULES: tuple[Rule, ...] = (
    missing_tests,
    tests_outside_ci,
    test_without_assertion,
    untested_prediction,
    unvalidated_data,
)
