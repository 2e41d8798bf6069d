from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from packaging.specifiers import SpecifierSet

from pavedroad.advisories.ranges import holds, overlaps


@pytest.mark.parametrize(
    ("declared", "versions", "meets"),
    [
        ("", ">=2.0", True),
        (">=1.26", ">=2.0", True),
        (">=1.26,<2", ">=2.0", False),
        ("==1.26.4", ">=2.0", False),
        ("==2.*", ">=2.0", True),
        ("~=1.26", ">=2.0", False),
        ("^1.26", ">=2.0", False),  # Poetry
        ("^0.3", ">=0.4", False),
        ("^1.2.3 || ^2.1", ">=2.0", True),
        ("~1.4", ">=1.5", False),
        ("=1.19", ">=1.20", False),  # conda: a prefix
        ("=1.19.2=py39_0", ">=1.20", False),
        (">=1.0,!=2.0", "==2.0", False),
        (">=2.0.1", ">2.0,<2.0.2", True),
        ("no version at all", ">=2", True),
        (">=1", "", False),
    ],
)
def test_a_declaration_and_a_range_meet_or_do_not(declared: str, versions: str, meets: bool) -> None:
    assert overlaps(declared, versions) is meets


@pytest.mark.parametrize(
    ("version", "versions", "inside"),
    [("2.6.0+cu124", ">=2.6", True), ("1.9", ">=2", False), ("2.0rc1", ">=1.9", True), ("x", ">=0", False)],
)
def test_a_locked_version_is_in_a_range_or_not(version: str, versions: str, inside: bool) -> None:
    assert holds(version, versions) is inside


NUMBERS = st.builds("{}.{}".format, st.integers(0, 4), st.integers(0, 4))
SPECIFIERS = st.lists(
    st.builds("{}{}".format, st.sampled_from([">=", "<", "<=", ">", "!=", "=="]), NUMBERS), max_size=3
).map(",".join)


@given(SPECIFIERS, SPECIFIERS)
def test_no_version_that_satisfies_both_is_overlooked(left: str, right: str) -> None:
    both = SpecifierSet(",".join(filter(None, (left, right))))
    witnesses = [f"{major}.{minor}.{patch}" for major in range(6) for minor in range(6) for patch in (0, 1)]
    if right and any(both.contains(version) for version in witnesses):
        assert overlaps(left, right)
