"""Exact versions and ranges, as pip, Poetry and conda write them."""

import pytest
from packaging.version import Version

from pavedroad.checks.rules.env.pinned import as_specifiers, exact_version, is_within
from pavedroad.environments import Declared, Manifest


@pytest.mark.parametrize(
    ("specifier", "inside", "outside"),
    [
        ("^1.2", "1.9", "2.0"),
        ("^0.2.3", "0.2.9", "0.3.0"),
        ("~1.2", "1.2.9", "1.3"),
        ("~1", "1.9", "2"),
        ("1.2.*", "1.2.5", "1.3"),
        (">=1.2,<2", "1.5", "2.0"),
        (">=1.2 <2", "1.5", "2.0"),
        ("<1 || >=2", "2.5", "1.5"),
        ("~=1.4", "1.9", "2.0"),
    ],
)
def test_a_range_holds_what_its_tool_means(specifier: str, inside: str, outside: str) -> None:
    ranges = as_specifiers(specifier, is_poetry=True) or []

    assert any(Version(inside) in each for each in ranges)
    assert not any(Version(outside) in each for each in ranges)


def test_a_star_allows_all_and_nonsense_is_not_read() -> None:
    assert [str(each) for each in as_specifiers("*", is_poetry=True) or []] == [""]
    assert as_specifiers("=1.26=py311_0") is None


@pytest.mark.parametrize(
    ("kind", "specifier", "expected"),
    [
        ("requirements", "==1.2.3", "1.2.3"),
        ("requirements", "===1.2.3", "1.2.3"),
        ("requirements", "==1.2.*", ""),
        ("requirements", ">=1.2", ""),
        ("pyproject", "1.2.3", "1.2.3"),
        ("pyproject", "^1.2.3", ""),
        ("conda", "=1.2", ""),
        ("conda", "==1.2", "1.2"),
    ],
)
def test_an_exact_version_is_one_that_allows_no_other(kind: str, specifier: str, expected: str) -> None:
    declared = Declared(name="numpy", specifier=specifier, file="x", line=1)

    assert exact_version(Manifest(file="x", kind=kind, declared=(declared,)), declared) == expected


def test_a_version_that_nobody_can_read_is_in_no_range() -> None:
    assert not is_within("2021-final-x", "<2")
