import re
from collections.abc import Callable
from pathlib import Path

from pavedroad.checks import all_rules, check_project
from pavedroad.checks.html_report import MOST_SHOWN, report_html

MakeProject = Callable[[dict[str, str | bytes]], Path]
SPLIT = "from sklearn.model_selection import train_test_split\ntrain_test_split([1, 2])\n"


def html(root: Path, **options: object) -> str:
    return report_html(check_project(root, **options), all_rules())  # type: ignore[arg-type]


def test_it_needs_nothing_else(make_project: MakeProject) -> None:
    page = html(make_project({"train.py": SPLIT}))

    assert "<script" not in page
    assert not re.findall(r'(?:src|href)="(?!#)[^"]+"|url\((?!#)[^)]+\)|@import', page)


def test_it_says_what_was_found_where(make_project: MakeProject) -> None:
    page = html(make_project({"train.py": SPLIT}), only=["REP201"])

    assert '<p class="verdict warn">1 warning</p>' in page
    assert "<mark>train_test_split([1, 2])</mark>" in page
    assert "A random split names its seed." in page
    assert 'aria-label="reproducibility: 1 warning"' in page


def test_text_of_the_project_is_text(make_project: MakeProject) -> None:
    page = html(make_project({"train.py": f'{SPLIT}train_test_split("<b>&")\n'}), only=["REP201"])

    assert "<mark>train_test_split(&#34;&lt;b&gt;&amp;&#34;)</mark>" in page


def test_of_very_many_findings_the_first_are_shown(make_project: MakeProject) -> None:
    many = SPLIT + "".join(f"train_test_split([{number}])\n" for number in range(MOST_SHOWN))
    page = html(make_project({"train.py": many}), only=["REP201"])

    assert page.count('<div class="finding') == MOST_SHOWN
    assert "and 1 more: <code>paved check --rule REP201</code>" in page


def test_a_clean_project_has_an_empty_page(make_project: MakeProject) -> None:
    page = html(make_project({"train.py": "x = 1\n"}), only=["REP201"])

    assert '<p class="verdict good">no findings</p>' in page
    assert "Nothing to do." in page
