from __future__ import annotations

import re
from collections.abc import Iterator

from pavedroad.checks.model import Found
from pavedroad.checks.project import Project
from pavedroad.checks.rule import rule
from pavedroad.checks.rules.gpu.cuda_uses import cuda_uses
from pavedroad.checks.source import Module

_ABOUT_GPU = re.compile(
    r"mark\.\w*(gpu|cuda)|is_available|device_count|requires?_(gpu|cuda)|[\"']cuda|\.cuda\(", re.I
)
_TEST = re.compile(r"^\s*(?:async\s+)?def\s+test_", re.MULTILINE)


@rule("GPU105", "untested-gpu-code", since="0.1", team="note", production="warning", of_project=True)
def untested_gpu_code(project: Project) -> Iterator[Found]:
    """Code that runs on a GPU has a test that runs there, and is skipped elsewhere.

    Why:
        Tests on a CPU never see tensors on two devices, too little memory, or half precision. A marker lets
        the same suite run in both places.
    Bad:
        ```text
        train.py            model.to("cuda" if torch.cuda.is_available() else "cpu")
        tests/test_train.py no test names a GPU
        ```
    Good:
        ```text
        tests/test_train.py @pytest.mark.gpu
                            @pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
                            def test_one_step_on_the_gpu(): ...
        ```
    Accepts:
        Any test that asks for a device or is marked gpu or cuda. Projects without tests have another finding.
    References:
        https://docs.pytest.org/en/stable/how-to/skipping.html
    """
    tests = [module for module in project.modules if project.is_test(module.path)]
    if not any(_has_tests(module) for module in tests) or any(
        _ABOUT_GPU.search(module.text) for module in tests
    ):
        return
    for module in project.modules:
        if project.is_test(module.path) or module.notebook or "cuda" not in module.text:
            continue
        use = next(iter(cuda_uses(module)), None)
        if use is not None:
            yield Found(
                at=module.place(use.literal or use.call.node),
                says="this runs on a GPU, and no test does",
                hint='mark one: @pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")',
            )
            return


def _has_tests(module: Module) -> bool:
    return bool(_TEST.search(module.text))
