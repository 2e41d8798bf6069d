"""About services."""

from pavedroad.checks.model import Rule

RULES: tuple[Rule, ...] = ()
