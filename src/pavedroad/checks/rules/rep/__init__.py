"""About reproducibility: the same code and data give the same result."""

from pavedroad.checks.model import Rule
from pavedroad.checks.rules.rep.rep201_unseeded_split import unseeded_split
from pavedroad.checks.rules.rep.rep202_unseeded_estimator import unseeded_estimator
from pavedroad.checks.rules.rep.rep203_unseeded_generator import unseeded_generator
from pavedroad.checks.rules.rep.rep204_absolute_path import absolute_path
from pavedroad.checks.rules.rep.rep205_home_path_in_output import home_path_in_output
from pavedroad.checks.rules.rep.rep206_notebook_out_of_order import notebook_out_of_order
from pavedroad.checks.rules.rep.rep207_unclean_notebook_run import unclean_notebook_run
from pavedroad.checks.rules.rep.rep208_install_in_notebook import install_in_notebook
from pavedroad.checks.rules.rep.rep209_data_in_git import data_in_git
from pavedroad.checks.rules.rep.rep210_unpinned_download import unpinned_download

RULES: tuple[Rule, ...] = (
    unseeded_split,
    unseeded_estimator,
    unseeded_generator,
    absolute_path,
    home_path_in_output,
    notebook_out_of_order,
    unclean_notebook_run,
    install_in_notebook,
    data_in_git,
    unpinned_download,
)
