"""Every rule, in the order of their codes.

To add one: write its file, list it in its family, give it fixtures.
"""

from pavedroad.checks.model import Rule
from pavedroad.checks.rules import chk, doc, env, gpu, mod, pip, rep, sec, svc, tst

RULES: tuple[Rule, ...] = (
    *env.RULES,
    *gpu.RULES,
    *rep.RULES,
    *tst.RULES,
    *pip.RULES,
    *mod.RULES,
    *svc.RULES,
    *sec.RULES,
    *doc.RULES,
    *chk.RULES,
)
FAMILIES: dict[str, str] = {
    "ENV": "environment",
    "GPU": "graphics cards",
    "REP": "reproducibility",
    "TST": "tests",
    "PIP": "pipelines",
    "MOD": "models",
    "SVC": "services",
    "SEC": "secrets and security",
    "DOC": "documentation and ownership",
    "CHK": "the check itself",
}
