from __future__ import annotations

from collections.abc import Iterator

from pavedroad.checks.model import Found
from pavedroad.checks.project import Project
from pavedroad.checks.rule import rule
from pavedroad.checks.rules.rep.seed import is_seeded, seed_fix
from pavedroad.checks.source import Call

ALWAYS_RANDOM = (
    "train_test_split", "ShuffleSplit", "StratifiedShuffleSplit", "GroupShuffleSplit", "RepeatedKFold",
    "RepeatedStratifiedKFold", "shuffle", "resample",
)  # fmt: skip
RANDOM_WHEN_SHUFFLED = ("KFold", "StratifiedKFold", "StratifiedGroupKFold")
SHUFFLE_POSITION = 1  # KFold(5, True), as old versions allowed


@rule(
    "REP201",
    "unseeded-split",
    since="0.1",
    explore="note",
    team="warning",
    production="error",
    fix="unsafe",
    by_module=True,
)
def unseeded_split(project: Project) -> Iterator[Found]:
    """A random split names its seed.

    Why:
        Without one, two runs train and test on different rows: their scores cannot be compared, and a bad
        result cannot be repeated. 22% of the public projects that split did not say.
    Bad:
        ```python
        from sklearn.model_selection import train_test_split

        X_train, X_test = train_test_split(X, test_size=0.2)
        ```
    Good:
        ```python
        from sklearn.model_selection import train_test_split

        X_train, X_test = train_test_split(X, test_size=0.2, random_state=42)
        ```
    Accepts:
        shuffle=False, arguments passed on with `**`, and files that call numpy.random.seed or a function like
        seed_everything.
    Fix:
        Adds random_state=42, or the constant SEED or RANDOM_STATE of the module. Scores change once: look
        at them.
    """
    for module in project.modules:
        for call in module.calls(*ALWAYS_RANDOM, *RANDOM_WHEN_SHUFFLED, package="sklearn"):
            if _is_random(call) and not is_seeded(call) and not module.sets_seed:
                yield Found(
                    at=module.place(call.node),
                    says=f"{call.tail} without random_state gives another split on every run",
                    hint="pass random_state=42",
                    fix=seed_fix(module, call),
                )


def _is_random(call: Call) -> bool:
    if call.tail not in RANDOM_WHEN_SHUFFLED:
        return call.literal("shuffle") is not False
    position = call.node.args[SHUFFLE_POSITION : SHUFFLE_POSITION + 1]
    return call.literal("shuffle") is True or any(getattr(value, "value", None) is True for value in position)
