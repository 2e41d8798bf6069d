"""Where PyTorch code asks for a GPU by name."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

import msgspec

from pavedroad.checks.source import Call, Module

_CUDA = re.compile(r"cuda(:\d+)?")
_ABOUT_GPU = re.compile(r"cuda|gpu|device", re.IGNORECASE)
PYTORCH = frozenset(
    {
        "torch", "torchvision", "transformers", "diffusers", "sentence_transformers", "timm", "peft",
        "lightning", "pytorch_lightning", "accelerate",
    }
)  # fmt: skip
# Code that is for GPUs only has no other way to run.
GPU_ONLY = frozenset({"triton", "pycuda", "cupy", "cuda", "apex"})


class CudaUse(msgspec.Struct, frozen=True):
    call: Call
    literal: ast.Constant | None  # the text `"cuda"`; None for `.cuda()`

    @property
    def written(self) -> str:
        return f'"{self.literal.value!s}"' if self.literal else ".cuda()"


def cuda_uses(module: Module) -> Iterator[CudaUse]:
    """Each `.cuda()`, `.to("cuda")`, `torch.device("cuda")`, `torch.zeros(2, device="cuda")`, in order."""
    if not PYTORCH & module.import_roots().keys():
        return
    found = [CudaUse(call, None) for call in module.calls("cuda") if _is_method(call)]
    for call in module.calls("to", "device"):
        if call.name == "torch.device" or (call.tail == "to" and isinstance(call.node.func, ast.Attribute)):
            literal = _cuda_literal(module, call.argument(0, "device"))
            found += [CudaUse(call, literal)] if literal else []
    if "device=" in module.text.replace(" ", ""):
        for call in module.all_calls():
            is_ours = call.name.partition(".")[0] in PYTORCH
            literal = _cuda_literal(module, call.keyword("device")) if is_ours else None
            if literal and call.name != "torch.device":
                found.append(CudaUse(call, literal))
    seen: set[ast.AST] = set()
    for use in sorted(found, key=lambda use: (use.call.node.lineno, use.call.node.col_offset)):
        if (place := use.literal or use.call.node) not in seen:
            seen.add(place)
            yield use


def asks_first(module: Module) -> bool:
    """Whether the file looks for a GPU before it uses one."""
    return bool(
        re.search(r"cuda\.(is_available|device_count)|is_cuda_available|get_default_device", module.text)
    )


def is_conditional(module: Module, node: ast.AST) -> bool:
    """Whether a condition about the GPU stands above: `if args.cuda:`."""
    above = module.parents.get(node)
    while above is not None:
        if isinstance(above, ast.If | ast.IfExp) and _ABOUT_GPU.search(ast.dump(above.test)):
            return True
        above = module.parents.get(above)
    return False


def _is_method(call: Call) -> bool:
    """`model.cuda()`, `batch.cuda(0)`; not a device that was chosen elsewhere: `x.cuda(args.gpu)`."""
    node = call.node
    if not isinstance(node.func, ast.Attribute) or call.name in ("torch.cuda", "numba.cuda"):
        return False
    return all(isinstance(argument, ast.Constant) for argument in node.args)


def _cuda_literal(module: Module, value: ast.expr | None) -> ast.Constant | None:
    """The text `"cuda"`, also where it is the one value that a name gets in this file."""
    if isinstance(value, ast.Name):
        values = module.values_of(value)
        value = values[0] if len(values) == 1 and not module.calls("exec") else None
    if isinstance(value, ast.Constant) and isinstance(value.value, str) and _CUDA.fullmatch(value.value):
        return value
    return None
