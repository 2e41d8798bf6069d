"""About documentation and ownership."""

from pavedroad.checks.model import Rule
from pavedroad.checks.rules.doc.doc801_readme_without_steps import readme_without_steps
from pavedroad.checks.rules.doc.doc802_missing_licence import missing_licence
from pavedroad.checks.rules.doc.doc803_missing_owner import missing_owner
from pavedroad.checks.rules.doc.doc804_missing_runbook import missing_runbook

RULES: tuple[Rule, ...] = (
    readme_without_steps,
    missing_licence,
    missing_owner,
    missing_runbook,
)
