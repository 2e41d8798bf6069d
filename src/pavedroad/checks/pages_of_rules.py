"""The pages of `docs/rules/`, made from the rules themselves.

`python -m pavedroad.checks.pages_of_rules docs/rules` writes them; a test fails when they differ.
"""

from __future__ import annotations

import sys
from pathlib import Path

from pavedroad.catalog import PROFILES
from pavedroad.checks.model import Rule
from pavedroad.checks.rules import FAMILIES, RULES

MADE = "<!-- made by `python -m pavedroad.checks.pages_of_rules docs/rules` from the rule's docstring -->"


def rule_pages(rules: tuple[Rule, ...] = RULES) -> dict[str, str]:
    """File name -> Markdown, with an index."""
    return {"README.md": _index(rules), **{f"{rule.code}.md": _page(rule) for rule in rules}}


def _index(rules: tuple[Rule, ...]) -> str:
    lines = [MADE, "", "# Rules", ""]
    for family, title in FAMILIES.items():
        members = [rule for rule in rules if rule.family == family]
        if members:
            lines += [f"## {family}: {title}", "", "| rule | says | explore | team | production | fix |"]
            lines += ["|---|---|---|---|---|---|", *(_row(rule) for rule in members), ""]
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


def main(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    pages = rule_pages()
    for stale in {file.name for file in folder.glob("*.md")} - pages.keys():
        (folder / stale).unlink()
    for name, text in pages.items():
        (folder / name).write_text(text, "utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
