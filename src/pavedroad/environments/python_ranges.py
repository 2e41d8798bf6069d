"""Which Pythons a project or a lock takes."""

from __future__ import annotations


def is_allowed(version: str, asked: str) -> bool:
    """Whether a Python is in a range, Poetry's `^3.11` too; what cannot be read asks for nothing."""
    from packaging.specifiers import InvalidSpecifier, SpecifierSet
    from packaging.version import Version

    text = asked.strip()
    if text.startswith("^"):
        first = text[1:].split(".")[0]
        text = f">={text[1:]},<{int(first) + 1}" if first.isdigit() else ""
    elif text[:1].isdigit():
        text = f"=={text}" if text.endswith("*") else f"=={text}.*" if text.count(".") < 2 else f"=={text}"
    try:
        return SpecifierSet(text).contains(Version(version), prereleases=True)
    except (InvalidSpecifier, ValueError):
        return True
