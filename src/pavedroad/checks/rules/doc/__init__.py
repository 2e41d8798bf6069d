"""About documentation and ownership."""

from pavedroad.checks.model import Rule
from pavedroad.checks.rules.doc.doc803_missing_owner import missing_owner

RULES: tuple[Rule, ...] = (missing_owner,)
