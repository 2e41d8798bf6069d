from __future__ import annotations

from collections.abc import Iterator

from pavedroad.checks.model import Found, Place
from pavedroad.checks.pickle_machine import PUT_TOGETHER
from pavedroad.checks.pickle_names import is_dangerous
from pavedroad.checks.project import Project
from pavedroad.checks.rule import rule

SHOWN = 3
# Names under which a file claims to be a pickle: there, one that cannot be read to its end is a finding.
PICKLE_NAMES = (".pkl", ".pickle", ".joblib", ".dill", ".cloudpickle", ".pt", ".pth")


@rule("MOD502", "dangerous-pickle", since="0.1", explore="error", team="error", production="error")
def dangerous_pickle(project: Project) -> Iterator[Found]:
    """A model file starts no program when it is loaded.

    Why:
        Loading a pickle calls whatever it names, before anybody has seen the model. A file from a hub or a
        mailbox can read your credentials that way. None of 29 model files of 42 public projects did; the one
        that does is worth finding before it is loaded.
    Bad:
        ```text
        models/churn.pkl    calls os.system
        ```
    Good:
        ```text
        models/churn.pkl    names sklearn and numpy alone
        ```
    Accepts:
        Names that nobody knows, such as a class of your own: they are not dangerous for being unknown. The
        file is walked through and never loaded, also within joblib, torch and compressed files.
    References:
        https://docs.python.org/3/library/pickle.html#restricting-globals
    """
    for path, facts in project.pickles.items():
        harmful = [name for name in facts.globals if is_dangerous(name)]
        if harmful:
            names = [
                "a name put together while it loads" if name == PUT_TOGETHER else str(name)
                for name in harmful
            ]
            more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
            yield Found(
                at=Place(path=path),
                says=f"loading it would call {', '.join(names[:SHOWN])}{more}",
                hint="do not load it; find out who made it, and train the model again",
            )
        elif facts.trouble and path.lower().endswith(PICKLE_NAMES):
            yield Found(
                at=Place(path=path),
                says=f"it was not read to its end: {facts.trouble}",
                hint="do not load it before somebody knows what it is",
                severity="warning",
            )
