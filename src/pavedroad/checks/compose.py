"""A compose file as rules see it: services with their images, builds and environment, each with its line."""

from __future__ import annotations

import posixpath
import re

import msgspec

from pavedroad.checks.dockerfile import Image, read_image
from pavedroad.checks.model import Place
from pavedroad.checks.yaml_files import Yaml

_NAME = re.compile(r"(?:.*/)?(?:docker-)?compose(?:[._-][^/]*)?\.ya?ml")


class Variable(msgspec.Struct, frozen=True, kw_only=True):
    name: str
    value: str
    at: Place  # of its value


class Service(msgspec.Struct, frozen=True, kw_only=True):
    name: str
    at: Place  # of its name
    image: Image | None  # what it runs, or calls what it builds
    image_at: Place | None
    context: str | None  # the folder it is built from, from the project's root; None: it is not built
    dockerfile: str  # from the project's root; empty when it is not built
    environment: tuple[Variable, ...]
    ports: tuple[str, ...]
    user: str
    has_healthcheck: bool
    definition: Yaml


class Compose(msgspec.Struct, frozen=True, kw_only=True):
    path: str
    services: tuple[Service, ...]


def is_compose(path: str) -> bool:
    return bool(_NAME.fullmatch(path))


def read_compose(path: str, documents: tuple[Yaml, ...]) -> Compose | None:
    """None when it holds no services."""
    services = documents[0].get("services") if documents else None
    if services is None or services.kind != "mapping":
        return None
    found = tuple(
        _service(path, services.keys[name], definition)
        for name, definition in services.entries.items()
        if definition.kind == "mapping"
    )
    return Compose(path=path, services=found) if found else None


def _service(path: str, key: Yaml, definition: Yaml) -> Service:
    image = definition.get("image")
    ports = definition.get("ports")
    context, dockerfile = _build(path, definition.get("build"))
    health = definition.get("healthcheck")
    return Service(
        name=key.text,
        at=key.place(path),
        image=read_image(image.text) if image and image.kind == "scalar" else None,
        image_at=image.place(path) if image else None,
        context=context,
        dockerfile=dockerfile,
        environment=_environment(path, definition.get("environment")),
        ports=tuple(port.text for port in ports.scalars) if ports else (),
        user=definition.text_at("user"),
        has_healthcheck=health is not None and not _is_disabled(health),
        definition=definition,
    )


def _is_disabled(health: Yaml) -> bool:
    switch = health.get("disable")
    return switch is not None and switch.is_true


def _build(path: str, build: Yaml | None) -> tuple[str | None, str]:
    """The folder and the Dockerfile, as paths from the project's root."""
    if build is None or build.is_empty:
        return None, ""
    folder = posixpath.dirname(path)
    context = build.text if build.kind == "scalar" else build.text_at("context")
    name = "" if build.kind == "scalar" else build.text_at("dockerfile")
    where = posixpath.normpath(posixpath.join(folder, context or "."))
    where = "" if where == "." else where
    return where, posixpath.normpath(posixpath.join(where, name or "Dockerfile"))


def _environment(path: str, environment: Yaml | None) -> tuple[Variable, ...]:
    """Of the mapping `NAME: value` and of the list `- NAME=value`."""
    if environment is None:
        return ()
    found = [
        Variable(name=name, value=value.text, at=value.place(path))
        for name, value in environment.entries.items()
        if value.kind == "scalar"
    ]
    for item in environment.items:
        name, equals, value = item.text.partition("=")
        if equals:
            found.append(Variable(name=name, value=value, at=item.place(path)))
    return tuple(found)
