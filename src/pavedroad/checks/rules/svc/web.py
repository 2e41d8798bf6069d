"""What the rules about services share: the apps of a project and the routes of their functions."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

import msgspec

from pavedroad.checks.model import Place
from pavedroad.checks.project import Project
from pavedroad.checks.source import Call, Module, Scope

FRAMEWORKS = ("fastapi", "flask", "starlette", "sanic", "quart", "litestar", "falcon", "aiohttp.web", "robyn")
APPS = ("FastAPI", "Flask", "Starlette", "Sanic", "Quart", "Litestar", "App", "Application", "Robyn")
_ROUTE_DECORATORS = (
    "get", "post", "put", "patch", "delete", "head", "options", "route", "api_route", "websocket",
)  # fmt: skip
_ROUTE = re.compile(rf"^[ \t]*@.*\.({'|'.join(_ROUTE_DECORATORS)})\b", re.MULTILINE)
_PREDICTS = re.compile(
    r"predict|infer(?!no)|forecast|(?<![a-z])scor(e|ing)(?![a-z])|classif|recommend(?!ed)|estimate|embed(?!ded)|"
    r"(?<![a-z])generate(?![a-z])|(?<![a-z])detect",
    re.IGNORECASE,
)


class Route(msgspec.Struct, frozen=True):
    """A function that answers requests."""

    function: Scope
    decorator: Call
    path: str  # empty when it is no constant

    @property
    def method(self) -> str:
        return self.decorator.tail

    @property
    def predicts(self) -> bool:
        """Whether its path, or else its name, says that a model answers."""
        return bool(_PREDICTS.search(self.path) or _PREDICTS.search(self.function.name))


def web_modules(project: Project, *, frameworks: tuple[str, ...] = FRAMEWORKS) -> Iterator[Module]:
    """Modules that import a web framework: no tests, and no notebooks, where an app is only shown."""
    for module in project.modules:
        if not module.notebook and not project.is_test(module.path) and imports(module, frameworks):
            yield module


def imports(module: Module, packages: tuple[str, ...]) -> bool:
    return any(
        name == package or name.startswith(f"{package}.") for name in module.imports for package in packages
    )


def header(module: Module, function: Scope) -> Place:
    """The line with `def`."""
    place = module.place(function)
    line = module.lines[function.lineno - 1].rstrip()
    return msgspec.structs.replace(place, end_line=0, end_column=len(line) + 1)


def apps(module: Module) -> list[Call]:
    """Where a module makes an app."""
    return [call for call in module.calls(*APPS) if any(call.is_from(name) for name in FRAMEWORKS)]


def routes(module: Module) -> Iterator[Route]:
    """Functions with a decorator such as `@app.post("/predict")`."""
    if not _ROUTE.search(module.text):
        return
    for function in module.functions:
        for decorator in function.decorator_list:
            if isinstance(decorator, ast.Call) and isinstance(decorator.func, ast.Attribute):
                call = Call(module.names_of(decorator.func)[0], decorator)
                if call.tail in _ROUTE_DECORATORS and not call.is_from("unittest"):
                    path = call.argument(0, "path")
                    value = path.value if isinstance(path, ast.Constant) else ""
                    yield Route(function, call, value if isinstance(value, str) else "")
