"""What the rules about tests share: the test files of a project and the functions that are tests."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from pavedroad.checks.project import Project
from pavedroad.checks.source import Module, Scope


def test_files(project: Project) -> list[Module]:
    """Modules that a test runner collects, or that stand beside one."""
    return [
        module
        for module in project.modules
        if not module.notebook
        and (project.is_test(module.path) or module.path.rpartition("/")[2] in ("tests.py", "test.py"))
    ]


def has_tests(project: Project) -> bool:
    return any(next(tests_of(module), None) is not None for module in test_files(project))


def tests_of(module: Module) -> Iterator[tuple[Scope, ast.ClassDef | None]]:
    """Test functions, as pytest and unittest collect them, each with the class around it."""
    for function in module.functions:
        parent = module.parents.get(function)
        holder = parent if isinstance(parent, ast.ClassDef) else None
        if not function.name.startswith("test") or not isinstance(parent, ast.Module | ast.ClassDef | ast.If):
            continue
        if holder is not None and not _collects(module, holder):
            continue
        if not any("fixture" in name for name in decorators_of(module, function)):
            yield function, holder


def _collects(module: Module, holder: ast.ClassDef) -> bool:
    bases = [name for base in holder.bases for name in module.names_of(base)]
    return holder.name.startswith("Test") or any("Test" in base for base in bases)


def decorators_of(module: Module, function: Scope) -> list[str]:
    """The dotted names of its decorators."""
    found = []
    for decorator in function.decorator_list:
        found += module.names_of(decorator.func if isinstance(decorator, ast.Call) else decorator)
    return found
