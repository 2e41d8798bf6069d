"""The pages of `docs/rules/`, made from the rules themselves.

`python -m pavedroad.checks.pages_of_rules docs/rules` writes them; a test fails when they differ. With the
name of another package as a second argument, the pages are those of its rules.
"""

from __future__ import annotations

import sys
from pathlib import Path

from pavedroad.catalog import PROFILES
from pavedroad.checks.model import OURS, Rule
from pavedroad.checks.plugins import all_rules
from pavedroad.checks.rules import FAMILIES

MADE = "<!-- made by `python -m pavedroad.checks.pages_of_rules docs/rules` from the rule's docstring -->"


def rule_pages(package: str = OURS) -> dict[str, str]:
    """File name -> Markdown, with an index, for the rules that a package brings."""
    rules = tuple(rule for rule in all_rules() if rule.package == package)
    return {"README.md": _index(rules), **{f"{rule.code}.md": _page(rule) for rule in rules}}


def _index(rules: tuple[Rule, ...]) -> str:
    lines = [MADE, "", "# Rules", ""]
    for family in dict.fromkeys(rule.family for rule in rules):
        title = FAMILIES.get(family)
        lines += [f"## {family}: {title}" if title else f"## {family}", ""]
        lines += ["| rule | says | explore | team | production | fix |", "|---|---|---|---|---|---|"]
        lines += [*(_row(rule) for rule in rules if rule.family == family), ""]
    return "\n".join(lines).rstrip() + "\n"


def _row(rule: Rule) -> str:
    levels = " | ".join(rule.levels.get(profile, "") for profile in PROFILES)
    return f"| [{rule.code}]({rule.code}.md) {rule.name} | {rule.title} | {levels} | {rule.fix} |"


def _page(rule: Rule) -> str:
    levels = ", ".join(f"{profile} {rule.levels.get(profile, 'off')}" for profile in PROFILES)
    since = f"Profiles: {levels}. Since {rule.since}."
    lines = [MADE, "", f"# {rule.code} {rule.name}", "", rule.title, "", since]
    for name, text in rule.sections.items():
        lines += ["", f"## {name}", "", text]
    lines += ["", "## Keep it", "", keep_it(rule)]
    return "\n".join(lines) + "\n"


def keep_it(rule: Rule) -> str:
    """How to ignore a finding of this rule."""
    return (
        f"```text\n# paved: ignore[{rule.code}] why this one stays\n```\n\n"
        f"at the end of the line or above it, or in pyproject.toml:\n\n"
        f'```toml\n[tool.paved.checks]\nignore = [{{ rule = "{rule.code}", reason = "why" }}]\n```'
    )


def main(folder: Path, package: str = OURS) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    pages = rule_pages(package)
    for stale in {file.name for file in folder.glob("*.md")} - pages.keys():
        (folder / stale).unlink()
    for name, text in pages.items():
        (folder / name).write_text(text, "utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]), *sys.argv[2:])
