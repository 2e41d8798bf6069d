"""About the check itself: ignores and files that cannot be read."""

from pavedroad.checks.model import Rule
from pavedroad.checks.rules.chk.chk901_unexplained_ignore import unexplained_ignore
from pavedroad.checks.rules.chk.chk902_expired_ignore import expired_ignore
from pavedroad.checks.rules.chk.chk903_unknown_ignore import unknown_ignore
from pavedroad.checks.rules.chk.chk904_unreadable_file import unreadable_file

RULES: tuple[Rule, ...] = (
    unexplained_ignore,
    expired_ignore,
    unknown_ignore,
    unreadable_file,
)
