from __future__ import annotations

import ast
from collections.abc import Iterator

from pavedroad.checks.arguments import add_argument
from pavedroad.checks.model import SAFE, UNSAFE, Fix, Found
from pavedroad.checks.project import Project
from pavedroad.checks.rule import rule
from pavedroad.checks.source import Call, Module

METHODS = ("get", "post", "put", "patch", "delete", "head", "options", "request")
SESSIONS = ("requests.Session", "requests.session", "requests.sessions.Session")
URLOPEN = "urllib.request.urlopen"
TIMEOUT_POSITION = 2  # urlopen(url, data, timeout)


@rule(
    "SVC604",
    "request-without-timeout",
    since="0.1",
    explore="note",
    team="warning",
    production="error",
    fix="unsafe",
    by_module=True,
)
def request_without_timeout(project: Project) -> Iterator[Found]:
    """A request to another service ends, whatever the other side does.

    Why:
        requests and urlopen wait for ever when nothing answers: one dead feature store holds every
        worker, and a nightly job never ends. 69% of 13 public projects that send requests set no timeout.
    Bad:
        ```python
        import requests

        rows = requests.get("https://example.org/rides").json()
        ```
    Good:
        ```python
        import requests

        rows = requests.get("https://example.org/rides", timeout=30).json()
        ```
    Accepts:
        Arguments passed on with `**`, httpx and aiohttp, which have a timeout of their own, notebooks,
        where somebody watches, and tests.
    Fix:
        Adds timeout=30. It is safe unless tests of the project look at how requests is called.
    References:
        https://requests.readthedocs.io/en/latest/user/advanced/#timeouts
    """
    safety = ""
    for module in project.modules:
        if module.notebook or project.is_test(module.path):
            continue
        if "requests" not in module.text and "urlopen" not in module.text:
            continue
        for call in module.calls(*METHODS, "urlopen"):
            if _waits_for_ever(module, call):
                safety = safety or (UNSAFE if _is_looked_at(project) else SAFE)
                edit = None if call.keyword("timeout") else add_argument(module, call, "timeout=30")
                yield Found(
                    at=module.place(call.node),
                    says=f"{_shown(call)} without a timeout waits for ever when nothing answers",
                    hint="pass timeout=30",
                    fix=Fix(says="add timeout=30", safety=safety, edits=(edit,)) if edit else None,
                )


def _waits_for_ever(module: Module, call: Call) -> bool:
    timeout = call.keyword("timeout")
    if call.name == URLOPEN:
        return timeout is None and not call.is_open and len(call.node.args) <= TIMEOUT_POSITION
    if not _is_of_requests(module, call):
        return False
    if timeout is None:
        return not call.is_open and bool(call.node.args or call.node.keywords)
    return isinstance(timeout, ast.Constant) and timeout.value is None


def _is_of_requests(module: Module, call: Call) -> bool:
    if call.name in {f"requests.{method}" for method in METHODS}:
        return True
    receiver = call.node.func.value if isinstance(call.node.func, ast.Attribute) else None
    if receiver is None or not any(name.partition(".")[0] == "requests" for name in module.imports):
        return False
    return any(name in SESSIONS for name in module.made_by(receiver))


def _is_looked_at(project: Project) -> bool:
    """Whether a test may assert how requests was called."""
    for path in project.files:
        if path.endswith(".py") and project.is_test(path):
            text = project.text(path)
            if "requests" in text or "urlopen" in text:
                return True
    return False


def _shown(call: Call) -> str:
    return (
        call.name
        if call.name.startswith("requests.")
        else f"{call.tail} of a session"
        if call.tail != "urlopen"
        else "urlopen"
    )
