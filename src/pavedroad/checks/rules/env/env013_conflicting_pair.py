from __future__ import annotations

import re
from collections.abc import Iterator

from pavedroad.checks.model import Fix, Found
from pavedroad.checks.project import Project, Unit
from pavedroad.checks.rule import rule
from pavedroad.checks.rules.env.facts import table
from pavedroad.checks.rules.env.manifest_text import add_entries, replace_in_line
from pavedroad.checks.rules.env.pinned import Pin, as_specifiers, is_within, pins_of, version_of
from pavedroad.checks.rules.env.pythons import stated_pythons
from pavedroad.environments import Declared

NEWEST = "9999"  # stands for whatever is released next
# The last release of the other package for Pythons up to this one lies below the conflict.
NEEDS_PYTHON = {("numpy", ">=2"): (3, 9), ("scipy", ">=1.13"): (3, 9)}
# What installs the other package though nobody asks for it.
BRINGS: dict[str, tuple[str, ...]] = {
    "numpy": ("pandas", "scikit-learn", "scipy", "matplotlib", "opencv-python", "opencv-python-headless",
              "pyarrow", "onnxruntime", "numba"),
    "werkzeug": ("flask",),
    "jinja2": ("flask",),
    "itsdangerous": ("flask",),
    "markupsafe": ("jinja2",),
    "pydantic": ("fastapi",),
    "httpx": ("openai",),
    "click": ("black",),
    "protobuf": ("tensorflow",),
    "scipy": ("gensim",),
}  # fmt: skip
# Ranges that a package's own metadata excludes: without a lock, pip does not choose them.
EXCLUDED_BY_ITSELF: dict[tuple[str, str], str] = {
    ("scikit-learn", "numpy"): ">=1.3.1",
    ("scipy", "numpy"): ">=1.6.2",
    ("matplotlib", "numpy"): ">=3.7.5",
    ("pyarrow", "numpy"): ">=15,<16",
    ("numba", "numpy"): ">=0.55",
    ("onnxruntime", "numpy"): ">=1.18.1,<1.19",
    ("pandas", "numpy"): ">=2.1.2,<2.2.2",
    ("fastapi", "pydantic"): "<0.100",
    ("flask", "jinja2"): ">=1.1.3,<2",
    ("flask", "itsdangerous"): ">=1.1.3,<2",
}


@rule(
    "ENV013",
    "conflicting-pair",
    since="0.1",
    explore="warning",
    team="error",
    production="error",
    fix="unsafe",
    of_project=True,
)
def conflicting_pair(project: Project) -> Iterator[Found]:
    """Packages that are known not to work together are not installed together.

    Why:
        An installer only knows the bounds that were written when a package was released. pandas 1.5 asks for
        any NumPy from 1.20 on, gets NumPy 2, and fails at import with a message about binary incompatibility.
    Bad:
        ```text
        requirements.txt    pandas==1.5.3
                            numpy
        ```
    Good:
        ```text
        requirements.txt    pandas==1.5.3
                            numpy<2
        ```
    Accepts:
        A lock that holds versions which do work together, a bound on the other package, and a stated Python
        for which the conflicting release was never made.
    Fix:
        Adds the bound on the other package beside the pin, or to the entry that is there.
    References:
        https://numpy.org/doc/stable/numpy_2_0_migration_guide.html
        https://github.com/numpy/numpy/issues/26191
    """
    for unit in project.units:
        pins: dict[str, list[Pin]] = {}
        for pin in pins_of(project, unit):
            if pin.declared is None or not pin.declared.group:
                pins.setdefault(pin.name, []).append(pin)
        for row in table("conflicts"):
            ours = pins.get(row["package"], [])
            if ours and all(is_within(pin.version, row["versions"]) for pin in ours):
                yield from _with_other(project, row, ours[0], pins.get(row["other"], []))


def _with_other(project: Project, row: dict[str, str], pin: Pin, others: list[Pin]) -> Iterator[Found]:
    unit, version = pin.unit, pin.version
    if others:
        if all(is_within(other.version, row["other_versions"]) for other in others):
            yield Found(
                at=pin.place(project),
                says=f"{row['package']} {version} and {row['other']} {others[0].version} do not work "
                f"together: {row['effect']}",
                hint=f"take {row['package']}{_outside(row['versions'])} or "
                f"{row['other']}{_outside(row['other_versions'])}; see {row['source']}",
            )
        return
    if unit.lock or not _may_come(project, unit, row, version):
        return
    bound = row["other"] + _outside(row["other_versions"])
    at = pin.place(project)
    yield Found(
        at=at,
        says=f"nothing keeps {row['other']} {row['other_versions']} away from {row['package']} {version}: "
        f"{row['effect']}",
        hint=f"add {bound}, or take {row['package']}{_outside(row['versions'])}; see {row['source']}",
        fix=_fix(project, unit, row, bound, at.path),
    )


def _outside(specifier: str) -> str:
    """The versions beside a range with one end: `<2` for `>=2`."""
    operator, version = specifier.rstrip("0123456789."), specifier.lstrip("<>=")
    return {"<": ">=", "<=": ">", ">=": "<", ">": "<="}[operator] + version


def _fix(project: Project, unit: Unit, row: dict[str, str], bound: str, path: str) -> Fix | None:
    """Add the bound where the pin stands; an entry that is there already gets it too."""
    manifest = next((manifest for manifest in unit.manifests if manifest.file == path), None)
    if manifest is None or manifest.kind not in ("requirements", "pyproject"):
        return None
    entry = next((entry for entry in unit.declared if entry.name == row["other"]), None)
    if entry is None:
        edit = add_entries(project, manifest, [bound])
    else:
        written = re.escape(entry.specifier)
        name = rf"(?i)(?<![\w.-]){re.escape(entry.name)}{written}(?![\w.<>=!~^-])"
        text = (
            f"{entry.name}{entry.specifier}{',' if entry.specifier else ''}{_outside(row['other_versions'])}"
        )
        edit = replace_in_line(project, entry, name, text)
    return Fix(says=f"add {bound}", safety="unsafe", edits=(edit,)) if edit else None


def _may_come(project: Project, unit: Unit, row: dict[str, str], version: str) -> bool:
    """Whether a fresh installation takes the newest release of the other package."""
    own_bound = EXCLUDED_BY_ITSELF.get((row["package"], row["other"]))
    if own_bound and is_within(version, own_bound):
        return False
    entries = [entry for entry in unit.declared if entry.name == row["other"]]
    if any(not _is_open(entry) for entry in entries):
        return False
    names = {entry.name for entry in unit.declared}
    if not entries and not names & set(BRINGS.get(row["other"], ())):
        return False
    return not _python_is_too_old(project, row) and not _is_held_back(project, unit, row)


def _is_open(entry: Declared) -> bool:
    ranges = as_specifiers(entry.specifier, is_poetry=True)
    return not entry.direct and any(each.contains(NEWEST) for each in ranges or ())


def _python_is_too_old(project: Project, row: dict[str, str]) -> bool:
    needed = NEEDS_PYTHON.get((row["other"], row["other_versions"]))
    if needed is None:
        return False
    return any(max(stated.allowed) < needed for stated in stated_pythons(project))


def _is_held_back(project: Project, unit: Unit, row: dict[str, str]) -> bool:
    """Whether another pinned package of the unit asks itself for an older release of the other."""
    for manifest in unit.manifests:
        for entry in manifest.declared:
            bound = EXCLUDED_BY_ITSELF.get((entry.name, row["other"]))
            version = entry.specifier.lstrip("=")
            if bound and version_of(version) and is_within(version, bound):
                return True
    return False
