"""The tables behind the ENV rules are complete and can be read."""

import sys

from packaging.specifiers import SpecifierSet
from packaging.version import Version

from pavedroad.checks.rules.env.facts import table
from pavedroad.checks.rules.env.import_names import (
    CALLED_ALIKE,
    COMPANIONS,
    DISTRIBUTIONS,
    distributions_of,
    modules_of,
)
from pavedroad.environments import normalised


def test_every_row_names_its_source() -> None:
    for name in ("yanked", "renamed", "conflicts"):
        for row in table(name):
            assert row["source"].startswith("https://"), row


def test_versions_and_ranges_can_be_read() -> None:
    for row in table("conflicts"):
        assert SpecifierSet(row["versions"])
        assert SpecifierSet(row["other_versions"])
    for row in table("yanked"):
        assert Version(row["version"]) < Version(row["instead"])
    for row in table("wheels"):
        assert Version(row["first"]) <= Version(row["last"] or row["first"])


def test_a_new_name_is_not_an_old_one() -> None:
    old = {row["name"] for row in table("renamed")}

    assert not old & {row["instead"] for row in table("renamed")}


def test_names_of_distributions_are_spelled_as_indexes_compare_them() -> None:
    names = {name for names in DISTRIBUTIONS.values() for name in names}
    names |= CALLED_ALIKE | COMPANIONS.keys() | {name for row in table("renamed") for name in [row["name"]]}

    assert names == {normalised(name) for name in names}


def test_no_module_of_python_itself_is_in_the_map() -> None:
    assert not DISTRIBUTIONS.keys() & sys.stdlib_module_names


def test_modules_and_distributions_find_each_other() -> None:
    assert distributions_of("sklearn.svm.SVC")[0] == "scikit-learn"
    assert distributions_of("google.cloud.storage.Client") == ("google-cloud-storage",)
    assert distributions_of("google.cloud.unknown") == ()
    assert distributions_of("ydata_profiling") == ("ydata-profiling",)
    assert distributions_of("our_own") == ()
    assert modules_of("pyyaml") == ("yaml",)
    assert modules_of("our-own") == ()
