from textwrap import dedent

import pytest

from pavedroad.checks.compose import Compose, is_compose, read_compose
from pavedroad.checks.yaml_files import read_yaml


def read(text: str, path: str = "deploy/compose.yml") -> Compose:
    compose = read_compose(path, read_yaml(dedent(text)))
    assert compose is not None
    return compose


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("docker-compose.yml", True),
        ("deploy/compose.yaml", True),
        ("docker-compose.dev.yml", True),
        ("composer.yml", False),
        ("docker-compose.md", False),
    ],
)
def test_a_compose_file_is_known_by_its_name(path: str, expected: bool) -> None:
    assert is_compose(path) is expected


def test_a_service_says_what_it_runs_and_where() -> None:
    db, api = read(
        """\
        services:
          db:
            image: postgres:${PG:-15}
            environment:
              POSTGRES_PASSWORD: secret
            healthcheck: {test: pg_isready}
          api:
            build: {context: .., dockerfile: docker/Dockerfile}
            user: "1000"
            ports: ["8000:8000"]
            environment:
              - A=b=c
              - TAKEN_FROM_OUTSIDE
            healthcheck: {disable: true}
        """
    ).services

    assert db.image is not None
    assert (db.image.name, db.image.tag, db.at.line, db.image_at.line) == ("postgres", "15", 2, 3)  # type: ignore[union-attr]
    assert [(entry.name, entry.value, entry.at.line) for entry in db.environment] == [
        ("POSTGRES_PASSWORD", "secret", 5)
    ]
    assert (db.context, db.dockerfile, db.has_healthcheck) == (None, "", True)
    assert (api.context, api.dockerfile) == ("", "docker/Dockerfile")
    assert [(entry.name, entry.value) for entry in api.environment] == [("A", "b=c")]
    assert (api.user, api.ports, api.has_healthcheck) == ("1000", ("8000:8000",), False)


def test_a_build_given_as_a_folder_uses_its_dockerfile() -> None:
    (service,) = read("services: {api: {build: ./api}}\n").services

    assert (service.context, service.dockerfile) == ("deploy/api", "deploy/api/Dockerfile")


@pytest.mark.parametrize("text", ["", "services: [a]\n", "version: '3'\n", "services: {a: text}\n", "- a\n"])
def test_a_file_without_services_is_no_compose_file(text: str) -> None:
    assert read_compose("compose.yml", read_yaml(text)) is None
