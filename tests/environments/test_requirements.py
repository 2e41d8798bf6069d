import pytest

from pavedroad.environments.requirements import parse_requirement, read_declared


def test_options_includes_comments_and_blank_lines_are_no_requirements() -> None:
    text = (
        "--index-url https://example.org/simple\n-r other.txt\n-c limits.txt\n# note\n\npandas>=2  # frames\n"
    )

    assert [
        (found.name, found.specifier, found.line) for found in read_declared("requirements.txt", text)
    ] == [("pandas", ">=2", 6)]


@pytest.mark.parametrize(
    ("text", "bare", "pinned"),
    [
        ("numpy", True, False),
        ("numpy[extra] ; python_version < '3.13'", True, False),
        ("numpy >= 1.0, < 2", False, False),
        ("numpy~=1.26", False, False),
        ("numpy==1.26.4", False, True),
        ("numpy==1.26.*", False, False),
        ("numpy @ https://example.org/numpy.whl", False, True),
        ("git+https://example.org/numpy.git@v1#egg=numpy", False, True),
        ("-e .", False, True),
        ("./wheels/numpy.whl", False, True),
    ],
)
def test_how_tightly_a_requirement_is_written(text: str, bare: bool, pinned: bool) -> None:
    (found,) = read_declared("requirements.txt", text)

    assert (found.is_bare, found.is_pinned) == (bare, pinned)


def test_a_continued_line_counts_from_its_start() -> None:
    (numpy, scipy) = read_declared("r.txt", "\nnumpy \\\n  ==1.0 \\\n  --hash=sha256:aa\nscipy\n")

    assert (numpy.specifier, numpy.line, scipy.line) == ("==1.0", 2, 5)


@pytest.mark.parametrize("text", ["", "!!!", "<<<<<<< HEAD", "name with spaces"])
def test_noise_is_no_requirement(text: str) -> None:
    assert parse_requirement(text) is None
