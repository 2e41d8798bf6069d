from __future__ import annotations

import ast
from collections.abc import Iterator

from pavedroad.checks.model import Found
from pavedroad.checks.project import Project
from pavedroad.checks.rule import rule
from pavedroad.checks.rules.rep.seed import is_seeded, seed_fix
from pavedroad.checks.source import Call, Module

ALWAYS_RANDOM = (
    # trees and ensembles; a single tree draws the order of its features
    "RandomForestClassifier", "RandomForestRegressor", "ExtraTreesClassifier", "ExtraTreesRegressor",
    "RandomTreesEmbedding", "IsolationForest", "GradientBoostingClassifier", "GradientBoostingRegressor",
    "HistGradientBoostingClassifier", "HistGradientBoostingRegressor", "BaggingClassifier",
    "BaggingRegressor", "AdaBoostClassifier", "AdaBoostRegressor", "DecisionTreeClassifier",
    "DecisionTreeRegressor", "ExtraTreeClassifier", "ExtraTreeRegressor",
    # networks and stochastic descent
    "MLPClassifier", "MLPRegressor", "BernoulliRBM", "SGDClassifier", "SGDRegressor", "SGDOneClassSVM",
    "Perceptron", "PassiveAggressiveClassifier", "PassiveAggressiveRegressor", "RANSACRegressor",
    "TheilSenRegressor",
    # clusters, mixtures, decompositions
    "KMeans", "MiniBatchKMeans", "BisectingKMeans", "SpectralClustering", "GaussianMixture",
    "BayesianGaussianMixture", "FastICA", "TruncatedSVD", "LatentDirichletAllocation",
    "MiniBatchDictionaryLearning", "DictionaryLearning", "TSNE", "GaussianRandomProjection",
    "SparseRandomProjection", "RBFSampler", "Nystroem",
    # searches
    "RandomizedSearchCV", "HalvingRandomSearchCV",
)  # fmt: skip
# Random only with this argument.
RANDOM_WHEN: dict[str, tuple[str, tuple[object, ...]]] = {
    "LogisticRegression": ("solver", ("sag", "saga", "liblinear")),
    "LogisticRegressionCV": ("solver", ("sag", "saga", "liblinear")),
    "Ridge": ("solver", ("sag", "saga")),
    "RidgeClassifier": ("solver", ("sag", "saga")),
    "Lasso": ("selection", ("random",)),
    "ElasticNet": ("selection", ("random",)),
    "SVC": ("probability", (True,)),
    "NuSVC": ("probability", (True,)),
    "LinearSVC": ("dual", (True,)),
    "PCA": ("svd_solver", ("randomized",)),
    "NMF": ("init", ("random",)),
}
# Stateless by this argument: the same rows on every run.
NOT_RANDOM_WHEN: dict[str, tuple[str, tuple[object, ...]]] = {"TruncatedSVD": ("algorithm", ("arpack",))}


# Ensembles that hand their own seed to the estimator inside.
SEED_THEIR_MEMBERS = ("BaggingClassifier", "BaggingRegressor", "AdaBoostClassifier", "AdaBoostRegressor")


@rule(
    "REP202",
    "unseeded-estimator",
    since="0.1",
    explore="note",
    team="warning",
    production="error",
    fix="unsafe",
    by_module=True,
)
def unseeded_estimator(project: Project) -> Iterator[Found]:
    """A random estimator names its seed.

    Why:
        Trained twice on the same data it gives two models. Whether a change of the features helped, or the
        seed did, nobody can tell. 55% of 42 public projects had one.
    Bad:
        ```python
        from sklearn.ensemble import RandomForestClassifier

        model = RandomForestClassifier(n_estimators=200)
        ```
    Good:
        ```python
        from sklearn.ensemble import RandomForestClassifier

        model = RandomForestClassifier(n_estimators=200, random_state=42)
        ```
    Accepts:
        Estimators that draw no random numbers as they are set up (LogisticRegression with lbfgs, SVC
        without probability), members of a bagging or boosting ensemble, arguments passed on with `**`, and
        files that call numpy.random.seed or a function like seed_everything.
    Fix:
        Adds random_state=42, or the constant SEED or RANDOM_STATE of the module. Scores change once: look
        at them.
    """
    for module in project.modules:
        for call in module.calls(*ALWAYS_RANDOM, *RANDOM_WHEN, package="sklearn"):
            if (
                _is_random(call)
                and not is_seeded(call)
                and not module.sets_seed
                and not _is_member(module, call)
            ):
                yield Found(
                    at=module.place(call.node),
                    says=f"{call.tail} without random_state trains another model on every run",
                    hint="pass random_state=42",
                    fix=seed_fix(module, call),
                )


def _is_member(module: Module, call: Call) -> bool:
    """Whether it stands inside an ensemble that seeds it; whether that one is seeded is its own finding."""
    parent = module.parents.get(call.node)
    if isinstance(parent, ast.keyword):
        parent = module.parents.get(parent)
    if not isinstance(parent, ast.Call):
        return False
    return any(name.rpartition(".")[2] in SEED_THEIR_MEMBERS for name in module.names_of(parent.func))


def _is_random(call: Call) -> bool:
    if call.tail in RANDOM_WHEN:
        argument, values = RANDOM_WHEN[call.tail]
        return call.literal(argument) in values
    argument, values = NOT_RANDOM_WHEN.get(call.tail, ("", ()))
    return not argument or call.literal(argument) not in values
