from __future__ import annotations

import re
from collections.abc import Iterator

from pavedroad.checks.model import Found
from pavedroad.checks.project import Project
from pavedroad.checks.rule import rule
from pavedroad.checks.rules.mod.training import trainings

_CARD = re.compile(
    r"(^|/)(model[-_ ]?cards?[^/]*|modelcard[^/]*|cards?/[^/]+)\.(md|rst|txt|ya?ml|json|html|ipynb)$", re.I
)
_HEADING = re.compile(
    r"^(#{1,6}\s*|\*\*|=+\s*)?\W*(model card|intended use|out[- ]of[- ]scope|limitations?|known limits|"
    r"ethical considerations|bias(es)? and limitations|model details)\b",
    re.IGNORECASE | re.MULTILINE,
)
CARD_MAKERS = ("model_card_toolkit", "modelcards", "huggingface_hub.ModelCard", "skops.card", "verifyml")


@rule("MOD506", "missing-model-card", since="0.1", team="note", production="warning", of_project=True)
def missing_model_card(project: Project) -> Iterator[Found]:
    """A project that trains a model says what the model is for.

    Why:
        Whoever gets the model must know what it was trained on, how good it is and for whom, and where it
        must not be used. 90% of 42 public projects had no such page.
    Bad:
        ```text
        train.py  README.md
        ```
    Good:
        ```text
        train.py  README.md  MODEL_CARD.md
        ```
    Accepts:
        A file model_card.md, a folder of cards, a section "Model card", "Intended use" or "Limitations" in
        the README, code that writes a card. Projects of notebooks alone are left.
    References:
        https://huggingface.co/docs/hub/model-cards
    """
    found = [(module, call) for module, call in trainings(project) if not module.notebook]
    if not found or _has_card(project):
        return
    module, call = found[0]
    yield Found(
        at=module.place(call),
        says="a model is trained here, and no model card says what it is for",
        hint="add MODEL_CARD.md: purpose, data, quality by group, where it must not be used, who answers",
    )


def _has_card(project: Project) -> bool:
    if any(_CARD.search(path) for path in project.files):
        return True
    readmes = [path for path in project.files if re.search(r"(^|/)readme(\.\w+)?$", path, re.IGNORECASE)]
    if any(_HEADING.search(project.text(path)) for path in readmes):
        return True
    return any(
        name.startswith(CARD_MAKERS) or name.endswith(".ModelCard")
        for module in project.modules
        for name in module.imports
    )
