"""About pipelines: how the work is started, repeated and watched."""

from pavedroad.checks.model import Rule
from pavedroad.checks.rules.pip.pip401_missing_entry_point import missing_entry_point
from pavedroad.checks.rules.pip.pip402_task_without_retry import task_without_retry
from pavedroad.checks.rules.pip.pip403_unwatched_schedule import unwatched_schedule

RULES: tuple[Rule, ...] = (
    missing_entry_point,
    task_without_retry,
    unwatched_schedule,
)
