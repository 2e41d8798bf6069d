"""About graphics cards: CUDA of what is locked, and code that needs a card."""

from pavedroad.checks.model import Rule

RULES: tuple[Rule, ...] = ()
