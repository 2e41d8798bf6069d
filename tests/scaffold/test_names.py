import pytest
from hypothesis import given
from hypothesis import strategies as st

from pavedroad.errors import Invalid
from pavedroad.scaffold.names import check_owner, check_project_name, package_name, suggestion


@pytest.mark.parametrize("name", ["rides", "late-flights", "churn_2", "a", "a1-b2_c3"])
def test_a_name_of_words_is_taken(name: str) -> None:
    assert check_project_name(name) == name
    assert package_name(name).isidentifier()


@pytest.mark.parametrize(
    ("name", "better"),
    [
        ("my project!", "my-project"),
        ("Rides", "rides"),
        ("2013 flights", "flights"),
        ("café", "cafe"),
        ("rides-", "rides"),
        ("a/../b", "a-b"),
        ("项目", "my-project"),
        ("", "my-project"),
        ("123", "my-project"),
        ("x" * 61, "x" * 60),
    ],
)
def test_another_is_refused_with_one_that_would_do(name: str, better: str) -> None:
    with pytest.raises(Invalid) as caught:
        check_project_name(name)

    assert caught.value.hint.endswith(f": {better}")


@pytest.mark.parametrize("name", ["json", "pandas", "class", "tests", "pavedroad"])
def test_a_package_that_would_hide_another_is_refused(name: str) -> None:
    with pytest.raises(Invalid, match="would hide"):
        check_project_name(name)


@given(st.text(max_size=80))
def test_every_suggestion_is_a_name_that_would_do_or_is_taken(name: str) -> None:
    try:
        check_project_name(suggestion(name))
    except Invalid as error:
        assert "would hide" in error.message  # noqa: PT017 - taking it is right too


@pytest.mark.parametrize("owner", ["", "  ", 'the "team"', "a\nb", "a\\b", "x" * 251])
def test_an_owner_that_would_break_the_manifest_is_refused(owner: str) -> None:
    with pytest.raises(Invalid, match="cannot be an owner"):
        check_owner(owner)
