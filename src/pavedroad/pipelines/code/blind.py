"""Code that chooses code at run time: what no reading of the source can follow."""

from __future__ import annotations

import ast
from collections.abc import Collection
from typing import Any, NamedTuple


class Blind(NamedTuple):
    callee: tuple[Any, ...]  # the chain that is called or indexed; ("importlib", "import_module")
    subject: (
        tuple[Any, ...] | None
    )  # what is looked into, if that matters; ("features",) in getattr(features, name)
    text: str  # the source, `getattr(features, name)`
    line: int
    literals: tuple[str, ...] = ()  # the text constants among the arguments


VARYING_PATH = "path"  # the callee of a path that is put together from variables
CHOOSES = "chooses code at run time"
# What is called -> what it does that cannot be followed.
CALLS = {
    "builtins.getattr": CHOOSES,
    "builtins.vars": CHOOSES,
    "operator.attrgetter": CHOOSES,
    "operator.methodcaller": CHOOSES,
    "builtins.eval": "runs text as code",
    "builtins.exec": "runs text as code",
    "builtins.globals": CHOOSES,
    "builtins.__import__": "imports a module chosen at run time",
    "importlib.import_module": "imports a module chosen at run time",
    "importlib.metadata.entry_points": "loads plug-ins chosen by what is installed",
    "pkg_resources.iter_entry_points": "loads plug-ins chosen by what is installed",
    "runpy.run_path": "runs a file as code",
    "runpy.run_module": "runs a module by name",
    "sys.modules": CHOOSES,
    "pickle.load": "loads objects whose code is not visible here",
    "pickle.loads": "loads objects whose code is not visible here",
    "pickle.Unpickler": "loads objects whose code is not visible here",
    "cloudpickle.load": "loads code from a pickle",
    "cloudpickle.loads": "loads code from a pickle",
    "dill.load": "loads code from a pickle",
    "dill.loads": "loads code from a pickle",
    "joblib.load": "loads objects whose code is not visible here",
    "subprocess.run": "starts a script of this project",
    "subprocess.Popen": "starts a script of this project",
    "subprocess.call": "starts a script of this project",
    "subprocess.check_call": "starts a script of this project",
    "subprocess.check_output": "starts a script of this project",
    "os.system": "starts a script of this project",
    "os.popen": "starts a script of this project",
}
# Only a finding when what they look into is code of the project.
LOOKS_INTO = {"builtins.getattr", "builtins.vars"}
# Only a finding when a literal argument names a script or a module of the project.
STARTS = {name for name in CALLS if name.startswith(("subprocess.", "os."))}
_LAST_NAMES = {name.rpartition(".")[2] for name in CALLS} - {"globals", "vars", "modules"}
_INDEXED = {"globals", "vars"}


def is_candidate(name: str) -> bool:
    """Whether something of that name may be one of the calls; it may then be imported under another name."""
    return name in _LAST_NAMES


def blind_call(node: ast.Call, aliases: Collection[str] = ()) -> Blind | None:
    """`node` as a candidate: whether its name means what it seems to, only its module can say."""
    callee = chain_of(node.func)
    if callee is None:
        return _looked_up(node)
    if callee[-1] not in _LAST_NAMES and callee[0] not in aliases:
        return None
    arguments = [*node.args, *(keyword.value for keyword in node.keywords)]
    if callee[-1] == "getattr":
        return _getattr(node, callee)
    if callee[-1] in ("import_module", "__import__") and arguments and _is_text(arguments[0]):
        return None
    return Blind(callee, None, shown(node), node.lineno, _literals(arguments))


def _getattr(node: ast.Call, callee: tuple[str, ...]) -> Blind | None:
    if len(node.args) < 2 or _is_text(node.args[1]):
        return None
    subject = chain_of(node.args[0])
    return Blind(callee, subject, shown(node), node.lineno) if subject else None


def _looked_up(node: ast.Call) -> Blind | None:
    """`globals().get(name)`"""
    is_asked = isinstance(node.func, ast.Attribute) and is_globals(node.func.value) and node.args
    if not is_asked or _is_text(node.args[0]):
        return None
    return Blind(("globals",), None, shown(node), node.lineno)


def is_globals(node: ast.expr) -> bool:
    return isinstance(node, ast.Call) and chain_of(node.func) == ("globals",)


def blind_subscript(node: ast.Subscript) -> Blind | None:
    """`globals()[name]`, `vars(features)[name]`, `sys.modules[name]`."""
    if _is_text(node.slice):
        return None
    if isinstance(node.value, ast.Call):
        callee = chain_of(node.value.func)
        if callee is None or callee[-1] not in _INDEXED:
            return None
        subject = chain_of(node.value.args[0]) if node.value.args else None
        return Blind(callee, subject, shown(node), node.lineno)
    callee = chain_of(node.value)
    if callee is None or callee[-1] != "modules":
        return None
    return Blind(callee, None, shown(node), node.lineno)


def chain_of(node: ast.expr) -> tuple[str, ...] | None:
    """("a", "b", "c") for the expression `a.b.c`, else None."""
    attributes: list[str] = []
    while isinstance(node, ast.Attribute):
        attributes.append(node.attr)
        node = node.value
    return (node.id, *reversed(attributes)) if isinstance(node, ast.Name) else None


def _literals(arguments: list[ast.expr]) -> tuple[str, ...]:
    return tuple(
        inner.value
        for argument in arguments
        for inner in ast.walk(argument)
        if isinstance(inner, ast.Constant) and isinstance(inner.value, str)
    )


def _is_text(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and isinstance(node.value, str)


def shown(node: ast.expr) -> str:
    """Source for a message."""
    text = ast.unparse(node)
    return text if len(text) <= 60 else f"{text[:57]}..."
