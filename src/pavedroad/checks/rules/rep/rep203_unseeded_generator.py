from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from pavedroad.checks.model import UNSAFE, Edit, Fix, Found
from pavedroad.checks.project import Project
from pavedroad.checks.rule import rule
from pavedroad.checks.rules.rep.seed import DEFAULT_SEED, is_seeded, seed_fix
from pavedroad.checks.source import Call, Module
from pavedroad.kit.text import count

NUMPY = frozenset(
    {
        "rand", "randn", "randint", "random", "random_sample", "ranf", "sample", "choice", "shuffle",
        "permutation", "normal", "standard_normal", "uniform", "binomial", "poisson", "exponential", "beta",
        "gamma", "dirichlet", "multinomial", "multivariate_normal", "lognormal", "laplace", "triangular",
        "geometric", "pareto", "weibull", "chisquare", "random_integers", "logistic", "gumbel",
    }
)  # fmt: skip
PYTHON = frozenset(
    {
        "random", "randint", "randrange", "choice", "choices", "shuffle", "sample", "uniform", "gauss",
        "normalvariate", "betavariate", "expovariate", "triangular", "lognormvariate",
    }
)  # fmt: skip
# Without one of these, chance is no part of a result: a name, a colour, a pause.
LEARNS_OR_ANALYSES = frozenset(
    {
        "numpy", "pandas", "polars", "sklearn", "torch", "tensorflow", "keras", "xgboost", "lightgbm",
        "catboost", "jax", "scipy", "statsmodels", "transformers", "datasets", "pytorch_lightning",
        "lightning",
    }
)  # fmt: skip
# Generator -> the call that seeds it.
SEEDED_BY = {"numpy.random": "numpy.random.seed", "random": "random.seed"}
_SEEDS_ALL = re.compile(
    r"(set|fix|init|reset|all|global|manual)\w*_seeds?|seed_\w+|seed_?all|seed_?everything", re.I
)
_MAKES_DATA = re.compile(r"(simulat|generat|traffic|load_?test|locust|mock|fake|demo|synthetic|bench)", re.I)
# A page, a service or a load test: chance is what it shows, not what a model learns.
ANSWERS = frozenset({"fastapi", "flask", "streamlit", "starlette", "locust", "faker", "gradio", "django"})
OWN_GENERATORS = ("numpy.random.default_rng", "numpy.random.RandomState", "random.Random")
# A pause between attempts and a name for a file are meant to differ.
NOT_A_RESULT = frozenset({"sleep", "wait", "join", "Timer"})


@rule(
    "REP203",
    "unseeded-generator",
    since="0.1",
    explore="note",
    team="warning",
    production="error",
    fix="unsafe",
)
def unseeded_generator(project: Project) -> Iterator[Found]:
    """Random numbers come from a generator with a seed.

    Why:
        NumPy's and Python's shared generators start anew in every process: sampling, shuffling and noise
        differ from run to run, and so does the model. 48% of 42 public projects drew from them.
    Bad:
        ```python
        import numpy as np

        chosen = np.random.choice(rows, size=1000)
        ```
    Good:
        ```python
        import numpy as np

        chosen = np.random.default_rng(42).choice(rows, size=1000)
        ```
    Accepts:
        Files that seed the generator or call a function like seed_everything, modules of a project whose
        entry point does, pauses and names, programs that make traffic or demo data on purpose, tests.
    Fix:
        Adds random_state=42 to a pandas sample(), 42 to an empty default_rng() or RandomState(), and in a
        program that draws outside functions a line that seeds, below the imports. Results change once: look
        at them.
    References:
        https://numpy.org/doc/stable/reference/random/index.html
    """
    modules = [module for module in project.modules if not project.is_test(module.path)]
    programs = [module for module in modules if not module.notebook]
    entry_seeds = {name for name in SEEDED_BY if any(_seeds(module, name) for module in programs)}
    for module in modules:
        if _MAKES_DATA.search(module.path.rpartition("/")[2]):
            continue
        # A notebook is a program of its own: nobody else seeds for it.
        seeded = {name for name in SEEDED_BY if _seeds(module, name)} | (
            set() if module.notebook else entry_seeds
        )
        yield from _shared_draws(module, seeded)
        for call in _own_generators(module, "numpy.random" in seeded):
            yield Found(
                at=module.place(call.node),
                says=f"{call.tail} without a seed gives other numbers on every run",
                hint="pass random_state=42" if call.tail == "sample" else f"pass a seed: {call.tail}(42)",
                fix=seed_fix(module, call) if call.tail == "sample" else seed_fix(module, call, argument=""),
            )


def _seeds(module: Module, generator: str) -> bool:
    """Whether it seeds a shared generator, itself or through a function whose name says so."""
    return any(
        name == SEEDED_BY[generator]
        or (_SEEDS_ALL.fullmatch(name.rpartition(".")[2]) and not name.startswith(("torch.", "tensorflow.")))
        for name in module.call_names
    )


def _shared_draws(module: Module, seeded: set[str]) -> Iterator[Found]:
    """One finding for each shared generator, at the first draw from it."""
    roots = module.import_roots().keys()
    if not LEARNS_OR_ANALYSES & roots or ANSWERS & roots:
        return
    for package, functions in (("numpy.random", NUMPY), ("random", PYTHON)):
        if package in seeded:
            continue
        draws = [
            call
            for call in module.calls(*sorted(functions))
            if call.name == f"{package}.{call.tail}" and not _is_pause_or_name(module, call)
        ]
        if draws:
            more = f", and {count(len(draws) - 1, 'draw')} more below" if len(draws) > 1 else ""
            maker = "np.random.default_rng(42)" if package == "numpy.random" else "random.Random(42)"
            yield Found(
                at=module.place(draws[0].node),
                says=f"{package}.{draws[0].tail} draws from the shared generator, which nobody seeds{more}",
                hint=f"make rng = {maker} once and pass it on",
                fix=_seed_at_the_top(module, draws[0]),
            )


def _seed_at_the_top(module: Module, draw: Call) -> Fix | None:
    """Seed the generator below the imports; only where the program itself draws, not a function of it."""
    function = draw.node.func
    if module.notebook or module.has_odd_lines or not isinstance(function, ast.Attribute):
        return None
    if _stands_in_function(module, draw.node):
        return None
    imports = [
        statement
        for statement in module.tree.body
        if isinstance(statement, ast.Import | ast.ImportFrom) and statement.lineno < draw.node.lineno
    ]
    local = ast.unparse(function.value).partition(".")[0]
    if not any(local in _bound_by(statement) for statement in imports):
        return None
    line = imports[-1].end_lineno or 0
    end = module.offset(line + 1, 0) - 1
    end -= module.text[end - 1 : end] == "\r"
    newline = "\r\n" if module.text[end : end + 1] == "\r" else "\n"
    seed = f"{ast.unparse(function.value)}.seed({DEFAULT_SEED})"
    edit = Edit(path=module.path, start=end, end=end, text=f"{newline}{newline}{seed}")
    return Fix(says=f"add {seed}", safety=UNSAFE, edits=(edit,))


def _bound_by(statement: ast.Import | ast.ImportFrom) -> set[str]:
    return {name.asname or name.name.partition(".")[0] for name in statement.names}


def _stands_in_function(module: Module, node: ast.AST) -> bool:
    parent = module.parents.get(node)
    while parent is not None:
        if isinstance(parent, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda | ast.ClassDef):
            return True
        parent = module.parents.get(parent)
    return False


def _is_pause_or_name(module: Module, call: Call) -> bool:
    """Whether the number becomes a pause or letters of a name."""
    if any("string.ascii" in name or "string.digits" in name for name in _names_in(module, call)):
        return True
    parent = module.parents.get(call.node)
    for _ in range(4):
        function = getattr(parent, "func", None)
        if function is not None and any(
            name.rpartition(".")[2] in NOT_A_RESULT for name in module.names_of(function)
        ):
            return True
        parent = module.parents.get(parent) if parent is not None else None
    return False


def _names_in(module: Module, call: Call) -> list[str]:
    return [name for argument in call.node.args for name in module.names_of(argument)]


def _own_generators(module: Module, numpy_is_seeded: bool) -> Iterator[Call]:
    for call in module.calls("default_rng", "RandomState", "Random"):
        given = [*call.node.args, *(keyword.value for keyword in call.node.keywords)]
        if call.name in OWN_GENERATORS and not given and LEARNS_OR_ANALYSES & module.import_roots().keys():
            yield call
    # frac= is a word of pandas alone; its sample() draws from NumPy's shared generator.
    if "pandas" in module.import_roots() and not numpy_is_seeded:
        for call in module.calls("sample"):
            if call.keyword("frac") is not None and not is_seeded(call):
                yield call
