"""About models and their files."""

from pavedroad.checks.model import Rule
from pavedroad.checks.rules.mod.mod501_pickle_in_git import pickle_in_git
from pavedroad.checks.rules.mod.mod502_dangerous_pickle import dangerous_pickle
from pavedroad.checks.rules.mod.mod503_pickle_version_mismatch import pickle_version_mismatch
from pavedroad.checks.rules.mod.mod504_unrestricted_torch_load import unrestricted_torch_load
from pavedroad.checks.rules.mod.mod505_model_without_signature import model_without_signature
from pavedroad.checks.rules.mod.mod506_missing_model_card import missing_model_card
from pavedroad.checks.rules.mod.mod507_leaking_fit import leaking_fit
from pavedroad.checks.rules.mod.mod508_unmeasured_training import unmeasured_training
from pavedroad.checks.rules.mod.mod509_tracking_data_in_git import tracking_data_in_git

RULES: tuple[Rule, ...] = (
    pickle_in_git,
    dangerous_pickle,
    pickle_version_mismatch,
    unrestricted_torch_load,
    model_without_signature,
    missing_model_card,
    leaking_fit,
    unmeasured_training,
    tracking_data_in_git,
)
