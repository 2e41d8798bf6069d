"""About the environment: what is installed, and whether it can be installed again."""

from pavedroad.checks.model import Rule
from pavedroad.checks.rules.env.env001_missing_manifest import missing_manifest
from pavedroad.checks.rules.env.env002_unlocked_dependencies import unlocked_dependencies
from pavedroad.checks.rules.env.env003_bare_dependency import bare_dependency
from pavedroad.checks.rules.env.env004_stale_lock import stale_lock
from pavedroad.checks.rules.env.env005_unstated_python import unstated_python
from pavedroad.checks.rules.env.env006_end_of_life_python import end_of_life_python
from pavedroad.checks.rules.env.env007_disagreeing_pythons import disagreeing_pythons
from pavedroad.checks.rules.env.env008_competing_manifests import competing_manifests
from pavedroad.checks.rules.env.env009_undeclared_import import undeclared_import
from pavedroad.checks.rules.env.env010_unused_dependency import unused_dependency
from pavedroad.checks.rules.env.env011_no_wheel import no_wheel
from pavedroad.checks.rules.env.env012_yanked_pin import yanked_pin
from pavedroad.checks.rules.env.env013_conflicting_pair import conflicting_pair
from pavedroad.checks.rules.env.env015_deprecated_name import deprecated_name

RULES: tuple[Rule, ...] = (
    missing_manifest,
    unlocked_dependencies,
    bare_dependency,
    stale_lock,
    unstated_python,
    end_of_life_python,
    disagreeing_pythons,
    competing_manifests,
    undeclared_import,
    unused_dependency,
    no_wheel,
    yanked_pin,
    conflicting_pair,
    deprecated_name,
)
