from __future__ import annotations

import ast
from collections.abc import Iterator

from pavedroad.checks.arguments import add_argument
from pavedroad.checks.model import Fix, Found
from pavedroad.checks.project import Project
from pavedroad.checks.rule import rule
from pavedroad.checks.rules.gpu.cuda_uses import is_conditional
from pavedroad.checks.source import Call, Module

MAP_LOCATION_POSITION = 1


@rule(
    "GPU104", "load-without-map-location", since="0.1", explore="note", team="warning", production="error",
    fix="safe", by_module=True,
)  # fmt: skip
def load_without_map_location(project: Project) -> Iterator[Found]:
    """torch.load says where the tensors go.

    Why:
        A file that was saved on a GPU is put back on that GPU: on a machine without one, or with fewer, it
        cannot be read at all. Four of seven public projects that load did not say.
    Bad:
        ```python
        import torch

        state = torch.load("model.pt")
        ```
    Good:
        ```python
        import torch

        state = torch.load("model.pt", map_location="cpu")
        ```
    Accepts:
        A second argument, arguments passed on with `**`, a call below a condition about the device, and
        tests.
    Fix:
        Adds map_location="cpu". Safe where the result goes into load_state_dict, which copies it to wherever
        the model is; elsewhere look at what uses it.
    References:
        https://docs.pytorch.org/docs/stable/generated/torch.load.html
    """
    for module in project.modules:
        if project.is_test(module.path):
            continue  # it loads what it saved itself
        for call in module.calls("load", package="torch"):
            if call.name not in ("torch.load", "torch.serialization.load") or call.is_open:
                continue
            if call.argument(MAP_LOCATION_POSITION, "map_location") or is_conditional(module, call.node):
                continue
            yield Found(
                at=module.place(call.node),
                says="torch.load without map_location puts tensors back on the device they were saved from",
                hint='pass map_location="cpu", or the device that the model is on',
                fix=_fix(module, call),
            )


def _fix(module: Module, call: Call) -> Fix | None:
    edit = add_argument(module, call, 'map_location="cpu"')
    if edit is None:
        return None
    safety = "safe" if _goes_into_state(module, call) else "unsafe"
    return Fix(says='add map_location="cpu"', safety=safety, edits=(edit,))


def _goes_into_state(module: Module, call: Call) -> bool:
    """Whether all that happens with the result is load_state_dict."""
    parent = module.parents.get(call.node)
    if isinstance(parent, ast.Call):
        return isinstance(parent.func, ast.Attribute) and parent.func.attr == "load_state_dict"
    if not isinstance(parent, ast.Assign) or not isinstance(parent.targets[0], ast.Name):
        return False
    name, function = parent.targets[0].id, module.function_of(call.node)
    scope: ast.AST = function or module.tree
    uses = [node for node in ast.walk(scope) if isinstance(node, ast.Name) and node.id == name]
    read = [node for node in uses if isinstance(node.ctx, ast.Load)]
    return bool(read) and all(_is_loaded(module, node) for node in read)


def _is_loaded(module: Module, node: ast.AST) -> bool:
    above = module.parents.get(node)
    while isinstance(above, ast.Subscript):
        above = module.parents.get(above)
    return isinstance(above, ast.Call) and getattr(above.func, "attr", "") == "load_state_dict"
