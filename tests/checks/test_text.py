import msgspec

from pavedroad.checks import Finding, Place
from pavedroad.checks.text import finding_text
from pavedroad.kit.terminal import len_shown

FINDING = Finding(
    code="REP204",
    name="absolute-path",
    severity="warning",
    says="the path '/home/ann/rides.csv' is not there on other machines",
    hint="start from Path(__file__).parent",
    place=Place(path="train.py", line=7, column=13, end_line=7, end_column=34),
    source=('    x = open("/home/ann/rides.csv")',),
)


def test_the_line_is_shown_with_the_place_marked() -> None:
    assert finding_text(FINDING, width=80) == (
        "train.py:7:13  warning  REP204 absolute-path\n"
        "  the path '/home/ann/rides.csv' is not there on other machines\n"
        '  7 | x = open("/home/ann/rides.csv")\n'
        "    |         ^^^^^^^^^^^^^^^^^^^^^\n"
        "  next: start from Path(__file__).parent"
    )


def test_a_long_line_is_cut_around_the_place() -> None:
    line = "x = [" + "1, " * 200 + 'open("/home/ann/rides.csv")' + ", 2" * 200 + "]"
    start = line.index('"/home') + 1
    place = msgspec.structs.replace(FINDING.place, column=start, end_column=start + 21)
    text = finding_text(msgspec.structs.replace(FINDING, source=(line,), place=place), width=80)

    shown, marks = text.split("\n")[2:4]
    assert shown[marks.index("^") : marks.rindex("^") + 1] == '"/home/ann/rides.csv"'
    assert all(len_shown(one) <= 80 for one in text.split("\n"))


def test_wide_letters_and_control_characters_keep_the_mark_in_place() -> None:
    line = '中文\t\x1b[31m = open("/home/ann/rides.csv")'
    start = line.index('"') + 1
    place = msgspec.structs.replace(FINDING.place, column=start, end_column=start + 21)
    text = finding_text(msgspec.structs.replace(FINDING, source=(line,), place=place), width=80)
    shown, marks = text.split("\n")[2:4]

    assert "\x1b" not in shown
    assert len_shown(shown[: shown.index('"')]) == marks.index("^")


def test_a_finding_about_a_whole_file_shows_no_line() -> None:
    text = finding_text(msgspec.structs.replace(FINDING, source=(), place=Place(path="README.md")), width=80)

    assert text.count("\n") == 2
