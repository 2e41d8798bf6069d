from textwrap import dedent

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pavedroad.checks.dockerfile import Dockerfile, is_dockerfile, read_dockerfile, read_image


def read(text: str) -> Dockerfile:
    dockerfile = read_dockerfile("Dockerfile", dedent(text))
    assert dockerfile is not None
    return dockerfile


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("Dockerfile", True),
        ("docker/Dockerfile.train", True),
        ("Dockerfile-gpu", True),
        ("train.dockerfile", True),
        ("Containerfile", True),
        ("Dockerfile.dockerignore", False),
        ("Dockerfile.j2", False),
        ("dockerfile_lint.py", False),
        ("DockerfileNotes.md", False),
    ],
)
def test_a_dockerfile_is_known_by_its_name(path: str, expected: bool) -> None:
    assert is_dockerfile(path) is expected


def test_continued_lines_are_one_instruction_and_comments_between_them_are_left_out() -> None:
    _, run, user = read(
        """\
        # syntax=docker/dockerfile:1
        FROM python:3.11
        RUN apt-get update \\
            # the compiler
            && apt-get install gcc \\

            && true
        user app
        """
    ).instructions

    assert run.value == "apt-get update && apt-get install gcc && true"
    assert (run.line, run.end_line) == (3, 7)
    assert (user.name, user.value, user.line) == ("USER", "app", 8)


def test_a_heredoc_belongs_to_its_instruction() -> None:
    _, run, copy, user = read(
        """\
        FROM python:3.11
        RUN <<EOF
        USER not-an-instruction
        pip install pandas
        EOF
        COPY <<-"A" <<B /etc/
        FROM a
        A
        FROM b
        B
        USER app
        """
    ).instructions

    assert run.heredoc == "USER not-an-instruction\npip install pandas"
    assert copy.heredoc == "FROM a\nFROM b"
    assert (user.value, user.line) == ("app", 11)


def test_the_escape_character_may_be_another() -> None:
    run = read("# escape=`\nFROM python:3.11\nRUN dir C:\\ `\n  && echo\n").instructions[1]

    assert run.value == "dir C:\\ && echo"


def test_arguments_before_the_first_stage_fill_in_its_image() -> None:
    dockerfile = read(
        "ARG TAG=3.11\nARG BASE=python:${TAG}-slim\nFROM --platform=$BUILDPLATFORM ${BASE} AS build\n"
    )
    (stage,) = dockerfile.stages

    assert (stage.name, stage.image.name, stage.image.tag) == ("build", "python", "3.11-slim")
    assert stage.base.flags == {"platform": "$BUILDPLATFORM"}


def test_an_image_nobody_gives_a_value_is_not_known() -> None:
    (stage,) = read("ARG BASE\nFROM ${BASE}\n").stages

    assert not stage.image.is_known
    assert not stage.image.is_floating


def test_a_stage_takes_the_user_of_the_one_it_builds_on() -> None:
    dockerfile = read(
        """\
        FROM python:3.11 AS base
        USER app
        FROM base AS test
        RUN pytest
        FROM python:3.11
        COPY --from=base /app /app
        """
    )
    _, test, final = dockerfile.stages

    assert dockerfile.user_of(test).value == "app"  # type: ignore[union-attr]
    assert dockerfile.root_image(test).name == "python"
    assert final is dockerfile.last_stage
    assert dockerfile.user_of(final) is None


@pytest.mark.parametrize(
    ("text", "name", "tag", "digest", "is_floating"),
    [
        ("python", "python", "", "", True),
        ("python:latest", "python", "latest", "", True),
        ("python:3.11", "python", "3.11", "", False),
        ("localhost:5000/team/app", "localhost:5000/team/app", "", "", True),
        ("ghcr.io/a/b:1@sha256:abc", "ghcr.io/a/b", "1", "sha256:abc", False),
        ("redis:${TAG:-7}", "redis", "7", "", False),
        ("redis:${TAG}", "redis", "${TAG}", "", False),
    ],
)
def test_an_image_is_taken_apart(text: str, name: str, tag: str, digest: str, is_floating: bool) -> None:
    image = read_image(text)

    assert (image.name, image.tag, image.digest, image.is_floating) == (name, tag, digest, is_floating)


def test_the_json_form_gives_its_words() -> None:
    command = read('FROM python:3.11\nCMD ["uvicorn", "app:api"]\nRUN ["pip", "install", "x y"]\n')

    assert command.instructions[1].arguments == ("uvicorn", "app:api")
    assert command.instructions[2].script == "pip install x y"


@pytest.mark.parametrize(
    "text", ["", "# only words\n", "{% if gpu %}\nFROM x\n{% endif %}\n", "FROM {{ base }}\n"]
)
def test_a_template_and_a_file_without_from_are_no_dockerfile(text: str) -> None:
    assert read_dockerfile("Dockerfile", text) is None


@given(st.text(alphabet="FROM RUNCOPY<E\\\n#$={}[]\"':@`", max_size=120))
def test_any_text_is_read(text: str) -> None:
    dockerfile = read_dockerfile("Dockerfile", "FROM a\n" + text)

    assert dockerfile is None or dockerfile.instructions[0].line == 1


@pytest.mark.parametrize(
    "text",
    [
        "RUN <<A\n" * 200_000,
        "\n" * 1_000_000,
        "ARG A=xx\n" + "ARG A=$A$A$A$A\n" * 4_000 + "FROM $A\n",
        "COPY " + "a " * 500_000 + "\n",
        "RUN " + "pip install " * 80_000 + "\n",
        "RUN a \\\n" * 200_000,
    ],
)
def test_a_file_made_to_be_slow_is_read(text: str) -> None:
    dockerfile = read_dockerfile("Dockerfile", text + "FROM python:3.11\nCOPY . .\n")

    assert dockerfile is None or all(instruction.arguments for instruction in dockerfile.named("COPY"))
