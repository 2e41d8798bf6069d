"""About secrets and security."""

from pavedroad.checks.model import Rule

RULES: tuple[Rule, ...] = ()
