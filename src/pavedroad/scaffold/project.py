"""Making a project: all of it or nothing."""

from __future__ import annotations

import shutil
import tempfile
from importlib.metadata import version
from pathlib import Path

import msgspec

from pavedroad.errors import Exists, Invalid, Unavailable, did_you_mean
from pavedroad.scaffold.names import check_owner, check_project_name, package_name
from pavedroad.scaffold.templates import TEMPLATES, Template, fill


class NewProject(msgspec.Struct, frozen=True, kw_only=True):
    name: str
    template: str
    owner: str
    folder: str
    files: tuple[str, ...]


def make_project(parent: Path, name: str, *, template: str, owner: str) -> NewProject:
    """Make folder `name` in `parent` from a template. The folder appears whole, or not at all.

    Raises: Invalid for a name, an owner or a template that cannot be used; Exists when the folder holds
    something; Unavailable when it cannot be written.
    """
    chosen = find_template(template)
    folder = parent.absolute() / check_project_name(name)
    values = {
        "name": name,
        "package": package_name(name),
        "owner": check_owner(owner),
        "pavedroad": version("pavedroad"),
    }
    if folder.is_symlink() or (folder.exists() and (not folder.is_dir() or any(folder.iterdir()))):
        raise Exists(f"{folder} exists and is not an empty folder", hint="choose another name, or remove it")
    texts = fill(chosen, values)
    try:
        parent.mkdir(parents=True, exist_ok=True)
        _write(folder, texts)
    except OSError as error:
        raise Unavailable(
            f"cannot make {folder}: {error.strerror}",
            hint="check the permissions and the free space of its folder",
        ) from None
    return NewProject(
        name=name, template=chosen.name, owner=values["owner"], folder=str(folder), files=tuple(texts)
    )


def find_template(name: str) -> Template:
    for template in TEMPLATES:
        if template.name == name:
            return template
    raise Invalid(f"no template {name!r}", hint=did_you_mean(name, [template.name for template in TEMPLATES]))


def _write(folder: Path, texts: dict[str, str]) -> None:
    """Into a folder of another name beside it, then renamed."""
    unfinished = Path(tempfile.mkdtemp(dir=folder.parent, prefix=f".{folder.name}."))
    try:
        for path, text in texts.items():
            file = unfinished / path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text, "utf-8")
        unfinished.chmod(0o755)
        unfinished.replace(folder)
    except OSError:
        shutil.rmtree(unfinished, ignore_errors=True)
        raise
