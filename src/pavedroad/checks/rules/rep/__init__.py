"""About reproducibility: the same code and data give the same result."""

from pavedroad.checks.model import Rule
from pavedroad.checks.rules.rep.rep201_unseeded_split import unseeded_split
from pavedroad.checks.rules.rep.rep202_unseeded_estimator import unseeded_estimator
from pavedroad.checks.rules.rep.rep204_absolute_path import absolute_path

RULES: tuple[Rule, ...] = (
    unseeded_split,
    unseeded_estimator,
    absolute_path,
)
