from __future__ import annotations

from collections.abc import Iterator

from pavedroad.checks.model import Found, Place
from pavedroad.checks.project import Project
from pavedroad.checks.rule import rule
from pavedroad.checks.source import Module
from pavedroad.kit.text import count


@rule("TST301", "missing-tests", since="0.1", team="warning", production="error", of_project=True)
def missing_tests(project: Project) -> Iterator[Found]:
    """A project has tests.

    Why:
        A change of the features or of the split is seen by nobody until the model misbehaves. 29% of 42
        public projects had no test at all. One test of the feature code and one of a prediction go a long
        way.
    Bad:
        ```text
        features.py  train.py
        ```
    Good:
        ```text
        features.py  train.py  tests/test_features.py
        ```
    Accepts:
        Functions `test_*` and classes `Test*` in files named test_*.py, *_test.py or tests.py, or below a
        folder tests/.
    """
    modules = [module for module in project.modules if not module.notebook]
    code = [module for module in modules if not project.is_test(module.path) and module.has_code]
    if not code or any(_holds_tests(module) for module in modules if _is_test_file(project, module)):
        return
    empty = [module for module in modules if project.is_test(module.path) and module.has_code]
    verb = "holds" if len(empty) == 1 else "hold"
    seen = f"; {count(len(empty), 'test file')} {verb} no test function" if empty else ""
    yield Found(
        at=Place(path=project.front_page),
        says=f"no tests for {count(len(code), 'Python file')}{seen}",
        hint="start with tests/test_features.py: known rows in, known values out",
    )


def _is_test_file(project: Project, module: Module) -> bool:
    name = module.path.rpartition("/")[2]
    return project.is_test(module.path) or name in ("tests.py", "test.py")


def _holds_tests(module: Module) -> bool:
    return any(name.startswith("test") for name in module.function_names) or any(
        "doctest" in name for name in module.imports
    )
