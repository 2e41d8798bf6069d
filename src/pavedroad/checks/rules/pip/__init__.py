"""About pipelines: how the work is started, repeated and watched."""

from pavedroad.checks.model import Rule

RULES: tuple[Rule, ...] = ()
