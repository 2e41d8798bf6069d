"""About models and their files."""

from pavedroad.checks.model import Rule
from pavedroad.checks.rules.mod.mod501_pickle_in_git import pickle_in_git
from pavedroad.checks.rules.mod.mod505_model_without_signature import model_without_signature

RULES: tuple[Rule, ...] = (
    pickle_in_git,
    model_without_signature,
)
