"""What is generated is as it was generated; what is shown was shown by the program."""

from pathlib import Path

import pytest

from pavedroad.checks.pages_of_rules import rule_pages

DOCS = Path(__file__).parents[2] / "docs"


@pytest.mark.parametrize("name", rule_pages())
def test_the_page_of_a_rule_is_what_its_docstring_says(name: str) -> None:
    assert (DOCS / "rules" / name).read_text("utf-8") == rule_pages()[name], (
        "run `python -m pavedroad.checks.pages_of_rules docs/rules`"
    )


def test_no_page_is_left_from_a_rule_that_is_gone() -> None:
    assert {file.name for file in (DOCS / "rules").iterdir()} == set(rule_pages())
