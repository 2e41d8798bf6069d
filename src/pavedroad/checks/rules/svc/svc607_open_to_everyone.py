from __future__ import annotations

import ast
from collections.abc import Iterator

from pavedroad.checks.model import UNSAFE, Edit, Fix, Found, Place
from pavedroad.checks.project import Project
from pavedroad.checks.rule import rule
from pavedroad.checks.rules.svc.web import APPS, imports, web_modules
from pavedroad.checks.source import Call, Module

ORIGINS = ("allow_origins", "origins", "allow_origin_regex")
OWN_MACHINE = ("127.0.0.1", "localhost", "::1")
ANY_ORIGIN = ("*", ".*")


@rule(
    "SVC607",
    "open-to-everyone",
    since="0.1",
    explore="note",
    team="warning",
    production="error",
    fix="unsafe",
    by_module=True,
)
def open_to_everyone(project: Project) -> Iterator[Found]:
    """A service runs without its debugger and names who may call it from a browser.

    Why:
        debug=True shows source and variables to whoever causes an error, and Flask's debugger runs the
        code they send. CORS for `*` lets every web page ask the service with its visitor's access. Of 21
        public services 14% did the first, 19% the second.
    Bad:
        ```python
        from flask import Flask

        app = Flask(__name__)
        app.run(host="0.0.0.0", debug=True)
        ```
    Good:
        ```python
        from flask import Flask

        app = Flask(__name__)
        app.run(host="127.0.0.1")
        ```
    Accepts:
        debug taken from a setting or bound to 127.0.0.1 by name, and origins that are listed or come from
        a setting.
    Fix:
        Writes debug=False. Whose pages may call the service, only its owner knows.
    References:
        https://flask.palletsprojects.com/en/stable/debugging/
        https://developer.mozilla.org/docs/Web/HTTP/Guides/CORS
    """
    for module in web_modules(project):
        yield from _debuggers(module)
        yield from _any_origins(module)


def _debuggers(module: Module) -> Iterator[Found]:
    for call in module.calls("run", *APPS):
        is_app = call.tail in APPS and imports(module, (call.name.partition(".")[0],))
        is_run = call.tail == "run" and imports(module, ("flask", "quart", "sanic")) and _is_app(module, call)
        value = call.keyword("debug")
        if not (is_app or is_run) or call.literal("host") in OWN_MACHINE:
            continue
        if isinstance(value, ast.Constant) and value.value is True:
            yield Found(
                at=module.place(value),
                says=f"{call.tail} is called with debug=True",
                hint="leave it out, or take it from a setting that is off by default",
                fix=_turned_off(module, value),
            )


def _is_app(module: Module, call: Call) -> bool:
    receiver = call.node.func.value if isinstance(call.node.func, ast.Attribute) else None
    return receiver is not None and not call.is_from("uvicorn") and not call.is_from("subprocess")


def _turned_off(module: Module, value: ast.Constant) -> Fix | None:
    if module.has_odd_lines:
        return None
    start = module.offset(value.lineno, value.col_offset)
    edit = Edit(path=module.path, start=start, end=start + len("True"), text="False")
    return Fix(says="write debug=False", safety=UNSAFE, edits=(edit,))


def _any_origins(module: Module) -> Iterator[Found]:
    for call in module.calls("add_middleware", "CORSMiddleware", "Middleware", "CORS", "cross_origin"):
        if call.tail in ("CORS", "cross_origin") and call.is_from("flask_cors"):
            if not _names_origins(call) and not call.is_open:
                yield _found(module.place(call.node), call)
                continue
        elif not _is_cors(module, call):
            continue
        for name in ORIGINS:
            value = call.keyword(name)
            if value is not None and _is_any(module, value):
                yield _found(module.place(value), call)


def _names_origins(call: Call) -> bool:
    return any(call.keyword(name) is not None for name in ("origins", "resources")) or len(call.node.args) > 1


def _is_cors(module: Module, call: Call) -> bool:
    if call.tail == "CORSMiddleware":
        return True
    middleware = call.argument(0, "middleware_class")
    return middleware is not None and any(
        name.endswith("CORSMiddleware") for name in module.names_of(middleware)
    )


def _is_any(module: Module, value: ast.expr) -> bool:
    given = module.values_of(value) if isinstance(value, ast.Name) else [value]
    if len(given) != 1:
        return False
    items = given[0].elts if isinstance(given[0], ast.List | ast.Tuple | ast.Set) else [given[0]]
    return any(isinstance(item, ast.Constant) and item.value in ANY_ORIGIN for item in items)


def _found(place: Place, call: Call) -> Found:
    return Found(
        at=place,
        says="pages of every origin may call this service (CORS *)",
        hint="list the origins of your own pages, or take them from a setting",
    )
