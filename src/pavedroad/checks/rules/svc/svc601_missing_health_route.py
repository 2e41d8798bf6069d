from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from pavedroad.checks.model import UNSAFE, Edit, Fix, Found
from pavedroad.checks.project import Project
from pavedroad.checks.rule import rule
from pavedroad.checks.rules.svc.web import apps, imports, routes, web_modules
from pavedroad.checks.source import Call, Module

_PATH = re.compile(
    r"/?([\w.-]+/)*_?(health\w*|[\w-]+[_-]health|heart[_-]?beat|live|livez|liveness|ready|readyz|readiness|alive|"
    r"ping|status|up)([_-]?check)?(/[\w.-]*)*",
    re.IGNORECASE,
)
_HINT = re.compile(r"health|heart|live|ready|readiness|ping|status|/up\b|/-/", re.IGNORECASE)
_NAME = re.compile(
    r"(\w*_)?(health\w*|heart_?beat|livez|liveness|readyz|readiness|ping|alive)(_\w*)?", re.IGNORECASE
)
# Calls that give a path to something else than a decorated function.
ADD_ROUTE = (
    "add_api_route",
    "add_url_rule",
    "add_route",
    "Route",
    "mount",
    "Mount",
    "add_get",
    "add_resource",
)
# Serve the app inside something that answers such questions itself, or install the route.
BRING_ONE = (
    "ray.serve", "mangum", "awsgi", "serverless_wsgi", "apig_wsgi", "fastapi_health", "healthcheck",
    "flask_healthz", "fastapi_healthcheck", "py_healthcheck", "functions_framework", "azure.functions",
    "gradio", "mlserver",
)  # fmt: skip
_BODY = '    return {"status": "ok"}\n'
_ROUTES = {
    "fastapi.FastAPI": '@{app}.get("/health")\ndef health() -> dict[str, str]:\n',
    "flask.Flask": '@{app}.route("/health")\ndef health():\n',
}


@rule(
    "SVC601", "missing-health-route", since="0.1", explore="note", team="warning", production="error",
    fix="unsafe", of_project=True,
)  # fmt: skip
def missing_health_route(project: Project) -> Iterator[Found]:
    """A service answers whether it is up.

    Why:
        Without a health route an orchestrator sends requests to a process that is still loading its
        model, and keeps one that hangs. 48% of 21 public services had none.
    Bad:
        ```python
        from fastapi import FastAPI

        app = FastAPI()
        ```
    Good:
        ```python
        from fastapi import FastAPI

        app = FastAPI()


        @app.get("/health")
        def health() -> dict[str, str]:
            return {"status": "ok"}
        ```
    Accepts:
        Any route, or function of a route, named for health, liveness, readiness, heartbeat, ping or
        status, in the app's own folders; apps inside Ray Serve or a serverless adapter, which answer for
        them.
    Fix:
        Adds a route /health behind the app, when it is a name of the module.
    References:
        https://kubernetes.io/docs/concepts/configuration/liveness-readiness-startup-probes/
    """
    modules = list(web_modules(project))
    made = [(module, call) for module in modules for call in apps(module)]
    if not made:
        return
    healthy = [module.path for module in project.modules if _may_be_asked(project, module)]
    folders = {module.path.rpartition("/")[0].rpartition("/")[0] for module, _ in made}
    for module, call in made:
        scope = module.path.rpartition("/")[0].rpartition("/")[0] if len(folders) > 1 else ""
        around = f"{scope}/" if scope else ""
        if any(path.startswith(around) for path in healthy) or imports(module, BRING_ONE):
            continue
        if _is_part_of_another(module, call):
            continue
        yield Found(
            at=module.place(call.node),
            says="this service has no health or ready route",
            hint='add a route such as @app.get("/health") that answers without asking the model',
            fix=_fix(module, call),
        )


def _may_be_asked(project: Project, module: Module) -> bool:
    """Whether a module has a health route; it may get the app from elsewhere and import no framework."""
    if module.notebook or project.is_test(module.path) or not _HINT.search(module.text):
        return False
    return _has_health_route(module)


def _has_health_route(module: Module) -> bool:
    if any(_PATH.fullmatch(route.path) or _NAME.fullmatch(route.function.name) for route in routes(module)):
        return True
    for call in module.calls(*ADD_ROUTE):
        for argument in call.node.args:
            if (
                isinstance(argument, ast.Constant)
                and isinstance(argument.value, str)
                and _PATH.fullmatch(argument.value)
            ):
                return True
    return False


def _is_part_of_another(module: Module, call: Call) -> bool:
    """Whether the app is handed on at once, as `app.mount("/v1", FastAPI())`."""
    return isinstance(module.parents.get(call.node), ast.Call)


def _fix(module: Module, call: Call) -> Fix | None:
    template = _ROUTES.get(call.name)
    statement = module.parents.get(call.node)
    if template is None or module.has_odd_lines or "\r" in module.text:
        return None
    if not isinstance(statement, ast.Assign) or not isinstance(module.parents.get(statement), ast.Module):
        return None
    (target, *others) = statement.targets
    taken = {function.name for function in module.functions} | set(module.aliases)
    if others or not isinstance(target, ast.Name) or "health" in taken:
        return None
    line = (statement.end_lineno or statement.lineno) + 1
    is_last = line > len(module.lines)
    at = len(module.text) if is_last else module.offset(line, 0)
    text = ("\n" if is_last else "") + "\n\n" + template.format(app=target.id) + _BODY
    if not is_last and module.lines[line - 1].strip():
        text += "\n\n"
    edit = Edit(path=module.path, start=at, end=at, text=text)
    return Fix(says="add a route /health", safety=UNSAFE, edits=(edit,))
