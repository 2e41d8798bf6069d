from __future__ import annotations

from collections.abc import Iterator

from pavedroad.checks.arguments import add_argument
from pavedroad.checks.model import UNSAFE, Fix, Found
from pavedroad.checks.project import Project
from pavedroad.checks.rule import rule
from pavedroad.checks.source import Call, Module

LOADERS = ("torch.load", "torch.serialization.load")


@rule(
    "MOD504",
    "unrestricted-torch-load",
    since="0.1",
    explore="note",
    team="warning",
    production="error",
    fix="unsafe",
    by_module=True,
)
def unrestricted_torch_load(project: Project) -> Iterator[Found]:
    """torch.load says that it takes weights only.

    Why:
        Before torch 2.6 the default loads a pickle and calls whatever it names; since then it refuses files
        that hold more than weights. Said in the code, both behave alike. 6 of 7 public projects that load
        torch files did not say it.
    Bad:
        ```python
        import torch

        state = torch.load("model.pt")
        ```
    Good:
        ```python
        import torch

        state = torch.load("model.pt", weights_only=True)
        ```
    Accepts:
        weights_only=False, which says that the file is trusted, and arguments passed on with `**`.
    Fix:
        Adds weights_only=True. A file that holds a whole model, not its state, is then refused: save
        model.state_dict() instead.
    References:
        https://pytorch.org/docs/stable/generated/torch.load.html
    """
    for module in project.modules:
        for call in module.calls("load", package="torch"):
            if call.name in LOADERS and call.keyword("weights_only") is None and not call.is_open:
                yield Found(
                    at=module.place(call.node),
                    says="torch.load without weights_only runs what the file names, before torch 2.6",
                    hint="pass weights_only=True",
                    fix=_fix(module, call),
                )


def _fix(module: Module, call: Call) -> Fix | None:
    edit = add_argument(module, call, "weights_only=True")
    return Fix(says="add weights_only=True", safety=UNSAFE, edits=(edit,)) if edit else None
