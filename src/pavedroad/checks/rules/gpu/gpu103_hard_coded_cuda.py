from __future__ import annotations

from collections.abc import Iterator

from pavedroad.checks.model import Edit, Fix, Found
from pavedroad.checks.project import Project
from pavedroad.checks.rule import rule
from pavedroad.checks.rules.gpu.cuda_uses import GPU_ONLY, CudaUse, asks_first, cuda_uses, is_conditional
from pavedroad.checks.source import Module
from pavedroad.kit.text import count

ASKED = "torch.cuda.is_available()"


@rule(
    "GPU103", "hard-coded-cuda", since="0.1", explore="note", team="warning", production="warning",
    fix="unsafe", by_module=True,
)  # fmt: skip
def hard_coded_cuda(project: Project) -> Iterator[Found]:
    """Code that can run on a CPU does so where there is no GPU.

    Why:
        Tests in CI, a colleague's laptop and a small service have none, and the code stops at its first
        tensor. Of the public projects with PyTorch more than half named cuda without a way around it.
    Bad:
        ```python
        import torch

        model = torch.nn.Linear(2, 1).to("cuda")
        ```
    Good:
        ```python
        import torch

        device = "cuda" if torch.cuda.is_available() else "cpu"
        model = torch.nn.Linear(2, 1).to(device)
        ```
    Accepts:
        Files that call torch.cuda.is_available, uses below a condition about the device, a device that is an
        argument or a setting, tests, and code for GPUs only, such as kernels in Triton.
    Fix:
        Writes `"cuda" if torch.cuda.is_available() else "cpu"` in each place.
    References:
        https://docs.pytorch.org/docs/stable/notes/cuda.html#device-agnostic-code
    """
    for module in project.modules:
        if project.is_test(module.path) or "cuda" not in module.text or asks_first(module):
            continue
        if GPU_ONLY & module.import_roots().keys():
            continue
        uses = [use for use in cuda_uses(module) if not is_conditional(module, use.call.node)]
        if uses:
            more = f", here and in {count(len(uses) - 1, 'more place')}" if len(uses) > 1 else ""
            yield Found(
                at=module.place(uses[0].literal or uses[0].call.node),
                says=f"{uses[0].written} is the only way{more}: without a GPU this stops",
                hint=f'device = "cuda" if {ASKED} else "cpu", and .to(device)',
                fix=_fix(module, uses),
            )


def _fix(module: Module, uses: list[CudaUse]) -> Fix | None:
    if module.notebook or module.has_odd_lines or module.aliases.get("torch") != "torch":
        return None
    edits = [edit for use in uses if (edit := _edit(module, use))]
    if not edits:
        return None
    return Fix(says="use the CPU where there is no GPU", safety="unsafe", edits=tuple(edits))


def _edit(module: Module, use: CudaUse) -> Edit | None:
    node = use.call.node
    if use.literal is not None:
        start = module.offset(use.literal.lineno, use.literal.col_offset)
        end = module.offset(use.literal.end_lineno or 0, use.literal.end_col_offset or 0)
        text = f'{use.written} if {ASKED} else "cpu"'
        return Edit(path=module.path, start=start, end=end, text=text)
    if node.args or node.keywords:
        return None
    start = module.offset(node.func.value.end_lineno, node.func.value.end_col_offset)  # type: ignore[attr-defined]
    end = module.offset(node.end_lineno or 0, node.end_col_offset or 0)
    return Edit(path=module.path, start=start, end=end, text=f'.to("cuda" if {ASKED} else "cpu")')
