from __future__ import annotations

import re
from collections.abc import Iterator

from pavedroad.checks.model import Found, Place
from pavedroad.checks.project import Project
from pavedroad.checks.rule import rule

_BACKSTAGE_OWNER = re.compile(r"^[ \t]+owner:[ \t]*\S", re.MULTILINE)
MANIFESTS = ("pyproject.toml", "setup.cfg", "setup.py")
_MAINTAINER = re.compile(
    r"^[ \t]*(maintainers|authors)[ \t]*=[ \t]*\[[^\]]{0,2000}\S@\S|"
    r"^[ \t]*(maintainer|author)_email[ \t]*=[^\n]{0,400}\S@\S",
    re.MULTILINE,
)
_OWNED = re.compile(
    r"^[ \t]*[^#\s]\S*[ \t]+\S{0,200}@\S", re.MULTILINE
)  # a pattern and at least one @owner or address


@rule("DOC803", "missing-owner", since="0.1", team="warning", production="error", of_project=True)
def missing_owner(project: Project) -> Iterator[Found]:
    """A project names the person or team that answers for it.

    Why:
        When its model fails at night or a library breaks it, somebody must be told. 98% of 42 public
        projects named nobody.
    Bad:
        ```toml
        [tool.paved]
        profile = "team"
        ```
    Good:
        ```toml
        [tool.paved]
        profile = "team"
        owner = "pricing-team"
        ```
    Accepts:
        owner in [tool.paved], a CODEOWNERS file with an entry, owner in catalog-info.yaml, maintainers or
        authors with an address in pyproject.toml, setup.cfg or setup.py.
    References:
        https://docs.github.com/articles/about-code-owners
    """
    holds_something = project.modules or project.manifests
    if not holds_something or project.settings.owner.strip() or _is_owned_elsewhere(project):
        return
    yield Found(
        at=project.place_of("pyproject.toml", "[tool.paved]")
        if "pyproject.toml" in project.files
        else Place(path=project.front_page),
        says="nobody is named as its owner",
        hint='add owner = "a person or a team" to [tool.paved] in pyproject.toml',
    )


def _is_owned_elsewhere(project: Project) -> bool:
    owned = any(_OWNED.search(project.text(path)) for path in project.named("CODEOWNERS"))
    described = project.named("catalog-info.yaml", "catalog-info.yml")
    if any(_MAINTAINER.search(project.text(path)) for path in MANIFESTS if path in project.files):
        return True
    return owned or any(_BACKSTAGE_OWNER.search(project.text(path)) for path in described)
