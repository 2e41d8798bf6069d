from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from pavedroad.checks.model import Found
from pavedroad.checks.project import Project
from pavedroad.checks.rule import rule
from pavedroad.checks.source import Module

# What these learn are numbers of all rows: means, quantiles, directions, scores against the target.
LEARN_FROM_ROWS = frozenset(
    {
        "StandardScaler", "MinMaxScaler", "RobustScaler", "MaxAbsScaler", "QuantileTransformer",
        "PowerTransformer", "KBinsDiscretizer", "SimpleImputer", "KNNImputer", "IterativeImputer", "PCA",
        "IncrementalPCA", "KernelPCA", "TruncatedSVD", "FastICA", "NMF", "FactorAnalysis",
        "LatentDirichletAllocation", "SelectKBest", "SelectPercentile", "SelectFromModel", "RFE", "RFECV",
        "VarianceThreshold", "TfidfVectorizer", "TargetEncoder", "SMOTE", "SMOTENC", "ADASYN",
        "BorderlineSMOTE", "RandomOverSampler", "RandomUnderSampler", "SMOTETomek", "SMOTEENN",
        "NearMiss", "MeanMedianImputer",
    }
)  # fmt: skip
PACKAGES = ("sklearn", "imblearn", "feature_engine", "category_encoders")
FITS = ("fit_transform", "fit_resample", "fit_sample")
SPLITS = ("train_test_split", "cross_val_score", "cross_val_predict", "cross_validate")
_TEST_ROWS = re.compile(
    r"([xX]|df|data|features|rows|frame)_?(test|TEST)(_\w+)?|[xX]test\w*|test_?([xX]|df|data|features|set)(_\w+)?"
)
_TRAINING_ROWS = re.compile(r"train|_tr$|^tr_|fold", re.IGNORECASE)
# A picture of the test rows, or a question about them, trains nothing that is tested on them.
_LOOKS_ONLY = re.compile(r"tsne|umap|mds|isomap|explain|detect|drift|reducer|plot|visuali", re.IGNORECASE)
Scope = ast.Module | ast.FunctionDef | ast.AsyncFunctionDef


@rule(
    "MOD507",
    "leaking-fit",
    since="0.1",
    explore="warning",
    team="warning",
    production="error",
    by_module=True,
)
def leaking_fit(project: Project) -> Iterator[Found]:
    """Nothing learns from the rows it is tested on.

    Why:
        A scaler or a selection of columns that saw the test rows, or rows made up from them, make the score
        better than the model: it falls on the first real day. 19% of the public projects that split fitted
        something before.
    Bad:
        ```python
        from sklearn.model_selection import train_test_split
        from sklearn.preprocessing import StandardScaler

        scaled = StandardScaler().fit_transform(X)
        X_train, X_test = train_test_split(scaled, random_state=42)
        ```
    Good:
        ```python
        from sklearn.model_selection import train_test_split
        from sklearn.preprocessing import StandardScaler

        X_train, X_test = train_test_split(X, random_state=42)
        scaler = StandardScaler().fit(X_train)
        X_train, X_test = scaler.transform(X_train), scaler.transform(X_test)
        ```
    Accepts:
        Encoders that learn only which categories exist, steps of a pipeline that is fitted after the split,
        pictures of the test rows (t-SNE, UMAP), explainers and detectors.
        Names are followed within one function or module.
    References:
        https://scikit-learn.org/stable/common_pitfalls.html#data-leakage
    """
    for module in project.modules:
        if project.is_test(module.path) or not _may_leak(module):
            continue
        scopes: list[Scope] = [module.tree, *module.functions]
        for scope in scopes:
            yield from _Reading(module).findings(scope)


def _may_leak(module: Module) -> bool:
    """Whether it fits something of these packages, and parts rows or has some to test on."""
    if not any(name.partition(".")[0] in PACKAGES for name in module.imports):
        return False
    parts = bool(module.calls(*SPLITS, package="sklearn")) or _TEST_ROWS.search(module.text) is not None
    return parts and bool(module.calls("fit", *FITS))


class _Reading:
    """Reads one scope from top to bottom. Guards what each name is by then."""

    def __init__(self, module: Module) -> None:
        self.module = module
        self.learners: dict[str, str] = {}  # name -> class of what it holds
        self.fitted: set[str] = set()
        self.touched: dict[str, str] = {}  # name of rows -> class that learned from all of them
        self.parts: set[str] = set()  # names of rows that a split gave

    def findings(self, scope: Scope) -> Iterator[Found]:
        for statement in _statements(scope.body):
            calls = [node for node in _own_nodes(statement) if isinstance(node, ast.Call)]
            for call in calls:
                yield from self._split(call)
                yield from self._fit_on_test(call)
            if isinstance(statement, ast.Assign | ast.AnnAssign) and statement.value is not None:
                targets = statement.targets if isinstance(statement, ast.Assign) else [statement.target]
                self._assign([name for target in targets for name in _names(target)], statement.value)
            else:
                for call in calls:
                    self._learned_by(call)

    def _split(self, call: ast.Call) -> Iterator[Found]:
        if not any(
            name.startswith("sklearn.") and name.rpartition(".")[2] in SPLITS
            for name in self.module.names_of(call.func)
        ):
            return
        function = self.module.names_of(call.func)[0].rpartition(".")[2]
        rows = call.args if function == "train_test_split" else call.args[1:2]
        for argument in rows:
            name = next((name for name in _names(argument) if name in self.touched), "")
            if name:
                yield Found(
                    at=self.module.place(call),
                    says=f"{self.touched[name]} learned from all rows of {name} before {function} parts them",
                    hint="split first and fit on the training rows, or put it into a Pipeline",
                )
                return

    def _fit_on_test(self, call: ast.Call) -> Iterator[Found]:
        function = call.func
        if not isinstance(function, ast.Attribute) or function.attr not in ("fit", "fit_transform"):
            return
        first = call.args[0] if call.args else next((k.value for k in call.keywords if k.arg == "X"), None)
        looks_only = _LOOKS_ONLY.search(ast.unparse(function.value)) is not None
        if isinstance(first, ast.Name) and _TEST_ROWS.fullmatch(first.id) and not looks_only:
            yield Found(
                at=self.module.place(call),
                says=f"{ast.unparse(function)[:60]} learns from the test rows {first.id}",
                hint="fit on the training rows, and only transform or predict the test rows",
            )

    def _assign(self, targets: list[str], value: ast.expr) -> None:
        cls = self._class_of(value)
        calls = [node for node in (value, *_own_nodes(value)) if isinstance(node, ast.Call)]
        learned = next((cls for cls in map(self._learned_by, calls) if cls), "")
        inherited = next((self.touched[name] for name in _names(value) if name in self.touched), "")
        is_split = isinstance(value, ast.Call) and any(
            name.rpartition(".")[2] in SPLITS for name in self.module.names_of(value.func)
        )
        is_part = is_split or any(name in self.parts for name in _names(value))
        for target in targets:
            (self.parts.add if is_part else self.parts.discard)(target)
            self.learners.pop(target, None)
            if cls:
                self.learners[target] = cls
            if learned or (inherited and not is_split):
                self.touched[target] = learned or inherited
            elif target not in _names(value):
                self.touched.pop(target, None)

    def _class_of(self, value: ast.expr) -> str:
        """`StandardScaler(...)`, with or without `.fit(...)` behind it."""
        if isinstance(value, ast.Call):
            for name in self.module.names_of(value.func):
                tail = name.rpartition(".")[2]
                if tail in LEARN_FROM_ROWS and name.partition(".")[0] in PACKAGES:
                    return tail
            if isinstance(value.func, ast.Attribute) and value.func.attr == "fit":
                return self._class_of(value.func.value)
        return ""

    def _learned_by(self, call: ast.Call) -> str:
        """The class, when the result of the call are rows that it learned from as a whole."""
        function = call.func
        if not isinstance(function, ast.Attribute):
            return ""
        holder: ast.expr = function.value
        is_fitted = False
        while isinstance(holder, ast.Call) and isinstance(holder.func, ast.Attribute):
            if holder.func.attr != "fit":
                break
            is_fitted = not self._is_a_part(holder)
            holder = holder.func.value
        held = holder.id if isinstance(holder, ast.Name) else ""
        cls = self.learners.get(held, "") or self._class_of(holder)
        if not cls or self._is_a_part(call):
            return ""
        if function.attr == "fit":
            self.fitted.add(held)
            return ""
        is_transform = function.attr == "transform" and (is_fitted or held in self.fitted)
        return cls if function.attr in FITS or is_transform else ""

    def _is_a_part(self, call: ast.Call) -> bool:
        """Whether the rows are a part already: a split gave them, or they are called training rows."""
        names = _names(*call.args[:1])
        return any(name in self.parts or _TRAINING_ROWS.search(name) for name in names)


def _statements(body: list[ast.stmt]) -> Iterator[ast.stmt]:
    """Statements in their order, those within blocks too, not those of inner functions."""
    for statement in body:
        if isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            continue
        yield statement
        for block in ("body", "orelse", "finalbody"):
            yield from _statements(getattr(statement, block, []))
        for handler in getattr(statement, "handlers", []):
            yield from _statements(handler.body)


def _own_nodes(statement: ast.stmt | ast.expr) -> Iterator[ast.AST]:
    """The expressions of a statement itself, not of the statements in it, nor of a lambda."""
    left = [
        child
        for child in ast.iter_child_nodes(statement)
        if not isinstance(child, ast.stmt | ast.ExceptHandler)
    ]
    while left:
        node = left.pop()
        yield node
        if not isinstance(node, ast.Lambda):
            left += ast.iter_child_nodes(node)


def _names(*nodes: ast.expr) -> list[str]:
    """The variables in an expression; of a call only what it is given, of `a.b` and `a[b]` only `a`."""
    found: list[str] = []
    left: list[ast.AST] = list(nodes)
    while left:
        node = left.pop()
        if isinstance(node, ast.Name):
            found.append(node.id)
        elif isinstance(node, ast.Call):
            left += [*node.args, *(keyword.value for keyword in node.keywords)]
            if isinstance(node.func, ast.Attribute):
                left.append(node.func.value)
        elif isinstance(node, ast.Attribute | ast.Subscript | ast.Starred):
            left.append(node.value)
        elif isinstance(node, ast.Tuple | ast.List):
            left += node.elts
        elif isinstance(node, ast.BinOp):
            left += [node.left, node.right]
    return found
