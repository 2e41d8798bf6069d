"""About secrets and security."""

from pavedroad.checks.model import Rule
from pavedroad.checks.rules.sec.sec701_secret_in_text import secret_in_text
from pavedroad.checks.rules.sec.sec702_env_file_in_git import env_file_in_git
from pavedroad.checks.rules.sec.sec703_unsafe_call import unsafe_call
from pavedroad.checks.rules.sec.sec704_loose_workflow import loose_workflow

RULES: tuple[Rule, ...] = (
    secret_in_text,
    env_file_in_git,
    unsafe_call,
    loose_workflow,
)
