"""The base estimators that sklmeta knows: name, default pipeline, search space, good first choices."""

from __future__ import annotations

import difflib
from collections.abc import Hashable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cache
from itertools import chain
from types import MappingProxyType
from typing import Any

from scipy.stats import loguniform, uniform
from sklearn.base import BaseEstimator, clone
from sklearn.compose import TransformedTargetRegressor
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.ensemble import (
    ExtraTreesClassifier,
    ExtraTreesRegressor,
    HistGradientBoostingClassifier,
    HistGradientBoostingRegressor,
    RandomForestClassifier,
    RandomForestRegressor,
)
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.gaussian_process.kernels import ConstantKernel, DotProduct, Kernel, Matern, WhiteKernel
from sklearn.linear_model import ElasticNet, LogisticRegression, Ridge
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsClassifier, KNeighborsRegressor
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC, SVR

from sklmeta.calibration import CalibratedMember, lacks_probabilities
from sklmeta.configuration import Configuration
from sklmeta.exceptions import UnknownEstimatorError
from sklmeta.preprocessing import ROTATED, TabularPreprocessor, target_of
from sklmeta.space import LogUniformInt, SearchSpace, rounded

TASK_TYPES = ("classification", "regression")
_DRAWS = 20260101  # seed of the fixed quasi-random lists; another number is another list


@dataclass(frozen=True)
class CatalogueEntry:
    """What sklmeta knows about one base estimator.

    Parameters
    ----------
    name : str
        What configurations call it, such as ``"svc"``.
    estimator : estimator
        An unfitted instance with the settings that are not searched.
    space : SearchSpace
        Its hyperparameters.
    categories : {"onehot", "ordinal", "native"}, default="onehot"
        How it takes categories; see `TabularPreprocessor`.
    scale : bool or {"normal", "splines", "components"}, default=True
        What it wants of numbers: standardised, or as `TabularPreprocessor` says.
    sparse : bool, default=True
        Whether it takes sparse input.
    target_means : bool, default=False
        Whether it sees categories of many levels as the mean target, too; see `TabularPreprocessor`.
    scale_target : bool, default=False
        Whether a regression target is standardised for it.
    max_rows : int or None, default=None
        Rows beyond which it is left out where there are other members, and not measured, for its cost grows too fast.
    max_columns : int or None, default=None
        Columns beyond which it is left out where there are other members.
    practice : tuple of dict, default=()
        Configurations that practitioners use, tried right after the default.
    n_known : int, default=25
        How many configurations of it the bundled knowledge is made of, and other knowledge at most.
    """

    name: str
    estimator: BaseEstimator
    space: SearchSpace
    categories: str = "onehot"
    scale: bool | str = True
    sparse: bool = True
    target_means: bool = False
    scale_target: bool = False
    max_rows: int | None = None
    max_columns: int | None = None
    practice: tuple[dict[str, Any], ...] = ()
    n_known: int = 25

    def configurations(self, n: int) -> list[Configuration]:
        """The first `n` of a fixed list: scikit-learn's default, good practice, then quasi-random draws."""
        default = {p: v for p, v in self.estimator.get_params().items() if p in self.space.names}
        drawn = [rounded(params) for params in self.space.sample(n, random_state=_DRAWS)]
        every = [self.space.active({**default, **p}) for p in ({}, *self.practice, *drawn)]
        return list(dict.fromkeys(Configuration(self.name, p) for p in every))[:n]

    def preprocessor(self) -> TabularPreprocessor:
        """The default preparation of a table for this base estimator."""
        target = target_of(self.estimator) if self.target_means else None
        return TabularPreprocessor(categories=self.categories, scale=self.scale, dense=not self.sparse, target=target)


def catalogue(task_type: str) -> Mapping[str, CatalogueEntry]:
    """Base estimators by name.

    Parameters
    ----------
    task_type : {"classification", "regression"}
        For which kind of task.

    Returns
    -------
    mapping of str to CatalogueEntry
        In a fixed order.

    Raises
    ------
    ValueError
        If `task_type` is neither.

    Examples
    --------
    >>> from sklmeta.catalogue import catalogue
    >>> list(catalogue("regression"))[:3]
    ['ridge', 'elastic_net', 'svr']
    """
    if task_type not in TASK_TYPES:
        raise ValueError(f"task must be 'classification' or 'regression', got {task_type!r} instead.")
    return _classification() if task_type == "classification" else _regression()


def find_entry(estimator: Any, task_type: str, name: str | None = None) -> CatalogueEntry | None:
    """The entry for an estimator's class, or None where sklmeta does not know it.

    Of several it is the one of this name, or else the first. It may be one that `catalogue` does not list: those of
    `sklmeta.gradient` are known on request.
    """
    found = {key: entry for key, entry in catalogue(task_type).items() if _is_of(estimator, entry)}
    if found:
        return found.get(str(name), next(iter(found.values())))
    kind: Any = type(estimator)
    if kind.__module__ != _ADAPTING_MODULE or kind.__qualname__ not in _ADAPTING[task_type]:
        return None
    return _entry_on_request(kind, task_type, learned=estimator.init is not None)


def _is_of(estimator: Any, entry: CatalogueEntry) -> bool:
    """Whether it is of the entry's class; where nothing is searched, it must be the very same."""
    same_class = type(entry.estimator) is type(estimator)
    return same_class and (bool(entry.space.names) or repr(entry.estimator) == repr(estimator))


def default_configurations(
    task_type: str, n: int | None = 12, estimators: Iterable[str] | None = None
) -> list[Configuration]:
    """The fixed list that knowledge is made of: `n` configurations of each base estimator.

    Parameters
    ----------
    task_type : {"classification", "regression"}
        For which kind of task.
    n : int or None, default=12
        Configurations per base estimator; fewer where its space has fewer. The first ones of a longer list are the
        shorter list. None, and at most: `CatalogueEntry.n_known` of each.
    estimators : iterable of str, default=None
        Names of base estimators; None is all of them.

    Returns
    -------
    list of Configuration
        Base estimator by base estimator.
    """
    names = list(catalogue(task_type)) if estimators is None else list(estimators)
    entries = [_entry(name, task_type) for name in names]
    return [c for entry in entries for c in entry.configurations(entry.n_known if n is None else min(n, entry.n_known))]


def is_offered(configuration: Configuration, task_type: str, n_rows: int) -> bool:
    """Whether a base estimator takes part in a table of so many rows; one that the catalogue does not have does.

    Parameters
    ----------
    configuration : Configuration
        Of the base estimator.
    task_type : {"classification", "regression"}
        Of the table.
    n_rows : int
        Of the table.

    Returns
    -------
    bool
        False beyond `CatalogueEntry.max_rows`.

    Examples
    --------
    >>> from sklmeta import Configuration
    >>> from sklmeta.catalogue import is_offered
    >>> [is_offered(Configuration("gaussian_process"), "regression", n) for n in (1000, 1001)]
    [True, False]
    """
    entry = catalogue(task_type).get(str(configuration.estimator))
    return entry is None or entry.max_rows is None or n_rows <= entry.max_rows


def build_estimator(configuration: Configuration, task_type: str, *, probabilities: bool = False) -> Pipeline:
    """An unfitted scikit-learn pipeline for a configuration.

    Parameters
    ----------
    configuration : Configuration
        Its `estimator` is a name in the catalogue.
    task_type : {"classification", "regression"}
        For which kind of task.
    probabilities : bool, default=False
        Whether a classifier without ``predict_proba`` is calibrated to have it.

    Returns
    -------
    Pipeline
        Preparation of the table, then the base estimator.

    Raises
    ------
    UnknownEstimatorError
        If the catalogue has no such name.

    Examples
    --------
    >>> from sklmeta import Configuration
    >>> from sklmeta.catalogue import build_estimator
    >>> build_estimator(Configuration("ridge", {"alpha": 3.0}), "regression").steps[-1]
    ('ridge', Ridge(alpha=3.0))
    """
    entry = _entry(configuration.estimator, task_type)
    estimator = clone(entry.estimator).set_params(**configuration.params)
    return default_pipeline(entry, estimator, probabilities=probabilities)


def default_pipeline(
    entry: CatalogueEntry, estimator: Any, *, probabilities: bool = False, step: str | None = None
) -> Pipeline:
    """`estimator` behind the preparation that its entry names, in a step called `step` or like the entry."""
    if probabilities and lacks_probabilities(estimator):
        estimator = CalibratedMember(estimator)
    if entry.scale_target:
        estimator = TransformedTargetRegressor(estimator, transformer=StandardScaler())
    return Pipeline([("preprocess", entry.preprocessor()), (step or entry.name, estimator)])


def _entry(name: Hashable, task_type: str) -> CatalogueEntry:
    known = catalogue(task_type)
    if isinstance(name, str) and name in known:
        return known[name]
    near = difflib.get_close_matches(str(name), known, n=1)
    raise UnknownEstimatorError(
        f"Unknown base estimator {name!r} for {task_type}"
        + (f"; did you mean {near[0]!r}? " if near else ". ")
        + f"The catalogue has {', '.join(known)}. To use an estimator of your own, pass it as a member: "
        "MetaEstimator([('name', estimator)], param_distributions={'name': {...}})."
    )


# -- the spaces ----------------------------------------------------------------------------------------------
# Ranges follow auto-sklearn's (Feurer et al. 2015) and Probst et al. (2019), "Tunability", where they agree.
# A value that is repeated in a list is drawn more often.

_KERNEL_ROWS = 20_000  # a kernel machine's cost grows with the square of the rows and more
_PROCESS_ROWS = 1_000  # a Gaussian process's with their cube
_WIDE = 5_000  # columns: networks and boosting take seconds for some hundred rows of them, linear models hundredths
_COVARIANCE_COLUMNS = 2_000  # discriminant analysis has a matrix of columns by columns, and solves it
_GAMMA = ["scale", "scale", "scale", 0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1.0]
_KERNEL = ["rbf", "rbf", "rbf", "rbf", "linear", "poly"]
_KERNEL_CONDITIONS: dict[str, dict[str, tuple[str, ...]]] = {
    "gamma": {"kernel": ("rbf", "poly", "sigmoid")},
    "degree": {"kernel": ("poly",)},
}
_CLASS_WEIGHT = [None, None, None, "balanced"]
_FOREST: dict[str, Any] = {
    "max_features": uniform(0.05, 0.95),
    "min_samples_leaf": LogUniformInt(1, 20),
    "bootstrap": [True, False],
}
# Breiman (2001): a third of the features; Probst, Wright & Boulesteix (2019): more where few of them matter; Howard's
# "Introduction to Machine Learning for Coders" (2018): half of them, leaves of 3 or 5; R's randomForest for regression
# (Liaw & Wiener 2002): a third and 5
_FOREST_PRACTICE = (
    {"max_features": 0.35, "min_samples_leaf": 2},
    {"max_features": 0.7, "min_samples_leaf": 1},
    {"max_features": 0.5, "min_samples_leaf": 5},
    {"max_features": 0.5, "min_samples_leaf": 3},
    {"max_features": 0.33, "min_samples_leaf": 5},
)
_BOOSTING: dict[str, Any] = {
    "learning_rate": loguniform(0.01, 0.5),
    "max_iter": LogUniformInt(25, 300),
    "max_leaf_nodes": LogUniformInt(4, 128),
    "min_samples_leaf": LogUniformInt(2, 100),
    "l2_regularization": loguniform(1e-8, 10.0),
    "max_features": uniform(0.3, 0.7),
}
# Friedman (2001), and Hastie, Tibshirani & Friedman (2009), 10.11: slow learning, trees of 4 to 8 leaves; the others go
# from there to scikit-learn's default, within the ranges that Probst et al. (2019) found worth tuning
_BOOSTING_PRACTICE = (
    {
        "learning_rate": 0.05,
        "max_iter": 200,
        "max_leaf_nodes": 8,
        "min_samples_leaf": 10,
        "max_features": 0.6,
    },
    {
        "learning_rate": 0.06,
        "max_iter": 120,
        "max_leaf_nodes": 16,
        "min_samples_leaf": 15,
        "max_features": 0.6,
    },
    {
        "learning_rate": 0.05,
        "max_iter": 250,
        "max_leaf_nodes": 6,
        "min_samples_leaf": 5,
        "l2_regularization": 1.0,
        "max_features": 0.6,
    },
    {"learning_rate": 0.1, "max_iter": 60, "max_leaf_nodes": 4, "l2_regularization": 1.0},
    {"learning_rate": 0.1, "max_iter": 300, "max_features": 0.4},
)
_NEIGHBORS = {
    "n_neighbors": LogUniformInt(1, 50),
    "weights": ["uniform", "distance"],
    "p": [1, 2],
}
# Cover & Hart (1967): the nearest one; Dudani (1976): weights by distance, AutoGluon's choice; Aggarwal et al. (2001):
# the Manhattan distance where there are many columns
_NEIGHBORS_PRACTICE = (
    {"n_neighbors": 1},
    {"n_neighbors": 10, "weights": "distance", "p": 1},
    {"n_neighbors": 20, "weights": "distance"},
    {"weights": "distance"},
    {"n_neighbors": 3, "weights": "distance", "p": 1},
)
_NETWORK = {
    "hidden_layer_sizes": [(32,), (64,), (100,), (200,), (32, 32), (64, 64), (128, 128), (64, 64, 64)],
    "alpha": loguniform(1e-6, 3.0),
    "learning_rate_init": loguniform(3e-4, 2e-2),
    "activation": ["relu", "relu", "tanh"],
    "max_iter": [30, 60, 120, 200],
    "early_stopping": [False, False, True],
}
# Gorishniy et al. (2021), "Revisiting Deep Learning Models for Tabular Data": one to three layers of 64 to 256, rates
# near 0.001; Kadra et al. (2021), "Well-tuned Simple Nets Excel on Tabular Datasets": the regularisation decides
_NETWORK_PRACTICE = (
    {"hidden_layer_sizes": (128,), "alpha": 1e-3, "learning_rate_init": 2e-3, "max_iter": 60},
    {"hidden_layer_sizes": (64, 64), "alpha": 0.1, "learning_rate_init": 5e-3, "max_iter": 60},
    {"hidden_layer_sizes": (100,), "alpha": 1.0, "learning_rate_init": 1e-3, "max_iter": 100},
    {"hidden_layer_sizes": (128, 128), "alpha": 0.01, "learning_rate_init": 1e-3, "max_iter": 120},
    {"hidden_layer_sizes": (64,), "alpha": 0.01, "learning_rate_init": 3e-3, "activation": "tanh", "max_iter": 120},
)
# Hsu, Chang & Lin (2003), "A Practical Guide to Support Vector Classification": powers of C and gamma, linear first
_SVC_PRACTICE = (
    {"C": 10.0},
    {"C": 100.0},
    {"kernel": "linear", "C": 0.1},
    {"C": 1.0, "gamma": 0.01},
    {"C": 10.0, "gamma": 0.03},
)
# scikit-learn's own path (LogisticRegressionCV: powers of ten), King & Zeng (2001) for rare classes, and the
# unpenalised fit that statistics begins with
_LOGISTIC_PRACTICE = (
    {"C": 0.1},
    {"C": 0.01},
    {"C": 10.0},
    {"C": 0.1, "class_weight": "balanced"},
    {"C": 1000.0},
)
# Ledoit & Wolf (2004), and Friedman's (1989) path between the pooled covariance and the identity
_LDA_PRACTICE = (
    {"solver": "lsqr", "shrinkage": "auto"},
    {"solver": "lsqr", "shrinkage": 0.01},
    {"solver": "lsqr", "shrinkage": 0.1},
    {"solver": "lsqr", "shrinkage": 0.5},
    {"solver": "lsqr", "shrinkage": 0.9},
)
# the grid of powers of ten that is usually searched: from the bare estimate to one width for all
_BAYES_PRACTICE = tuple({"var_smoothing": v} for v in (1e-6, 1e-3, 0.01, 0.1, 1.0))
# RidgeCV's grid, and one step beyond it on either side and one more above
_RIDGE_PRACTICE = tuple({"alpha": v} for v in (10.0, 100.0, 0.1, 1000.0, 0.01))
# Zou & Hastie (2005) in the middle, Tibshirani's (1996) lasso at the end, as ElasticNetCV's documentation advises
_ELASTIC_NET_PRACTICE = (
    {"alpha": 0.01},
    {"alpha": 0.01, "l1_ratio": 1.0},
    {"alpha": 0.1},
    {"alpha": 0.001},
    {"alpha": 0.1, "l1_ratio": 0.9},
)


@cache
def _classification() -> Mapping[str, CatalogueEntry]:
    forest = {**_FOREST, "criterion": ["gini", "entropy"], "class_weight": _CLASS_WEIGHT}
    entries = [
        CatalogueEntry(
            "logistic_regression",
            LogisticRegression(max_iter=500),
            SearchSpace({"C": loguniform(1e-4, 1e3), "class_weight": _CLASS_WEIGHT}),
            target_means=True,
            practice=_LOGISTIC_PRACTICE,
        ),
        CatalogueEntry(
            "svc",
            SVC(cache_size=500),
            SearchSpace(
                {
                    "kernel": _KERNEL,
                    "C": loguniform(1e-2, 1e3),
                    "gamma": _GAMMA,
                    "degree": [2, 3],
                    "class_weight": _CLASS_WEIGHT,
                },
                _KERNEL_CONDITIONS,
            ),
            max_rows=_KERNEL_ROWS,
            practice=_SVC_PRACTICE,
            n_known=40,
        ),
        CatalogueEntry(
            "random_forest",
            RandomForestClassifier(),
            SearchSpace(forest),
            categories="ordinal",
            scale=False,
            practice=_FOREST_PRACTICE,
        ),
        CatalogueEntry(
            "extra_trees",
            ExtraTreesClassifier(),
            SearchSpace(forest),
            categories="ordinal",
            scale=False,
            target_means=True,
            practice=_FOREST_PRACTICE,
        ),
        CatalogueEntry(
            "hist_gradient_boosting",
            HistGradientBoostingClassifier(),
            SearchSpace({**_BOOSTING, "class_weight": _CLASS_WEIGHT}),
            categories="native",
            scale=False,
            sparse=False,
            max_columns=_WIDE,
            practice=_BOOSTING_PRACTICE,
            n_known=40,
        ),
        CatalogueEntry("k_neighbors", KNeighborsClassifier(), SearchSpace(_NEIGHBORS), practice=_NEIGHBORS_PRACTICE),
        CatalogueEntry(
            "mlp",
            MLPClassifier(),
            SearchSpace(_NETWORK),
            max_columns=_WIDE,
            practice=_NETWORK_PRACTICE,
            n_known=40,
        ),
        CatalogueEntry(
            "lda",
            LinearDiscriminantAnalysis(),
            SearchSpace({"solver": ["lsqr"], "shrinkage": loguniform(1e-3, 1.0)}, {"shrinkage": {"solver": ("lsqr",)}}),
            sparse=False,
            target_means=True,
            max_columns=_COVARIANCE_COLUMNS,
            practice=_LDA_PRACTICE,
            n_known=18,
        ),
        CatalogueEntry(
            "gaussian_nb",
            GaussianNB(),
            SearchSpace({"var_smoothing": loguniform(1e-10, 3.0)}),
            sparse=False,
            practice=_BAYES_PRACTICE,
            n_known=18,
        ),
    ]
    others = chain.from_iterable(_prepared_otherwise(entries, how) for how in (_OTHERWISE, _OTHERWISE_FOR_CLASSES))
    return _by_name([*entries, *others])


@cache
def _regression() -> Mapping[str, CatalogueEntry]:
    entries = [
        CatalogueEntry(
            "ridge",
            Ridge(),
            SearchSpace({"alpha": loguniform(1e-3, 1e4)}),
            practice=_RIDGE_PRACTICE,
            n_known=16,
        ),
        CatalogueEntry(
            "elastic_net",
            ElasticNet(),
            SearchSpace({"alpha": loguniform(1e-4, 1.0), "l1_ratio": uniform(0.05, 0.95)}),
            scale_target=True,
            practice=_ELASTIC_NET_PRACTICE,
        ),
        CatalogueEntry(
            "svr",
            SVR(cache_size=500),
            SearchSpace(
                {
                    "kernel": _KERNEL,
                    "C": loguniform(1e-2, 1e3),
                    "gamma": _GAMMA,
                    "degree": [2, 3],
                    "epsilon": loguniform(1e-3, 0.5),
                },
                _KERNEL_CONDITIONS,
            ),
            scale_target=True,
            max_rows=_KERNEL_ROWS,
            practice=_SVC_PRACTICE,
            n_known=40,
        ),
        CatalogueEntry(
            "random_forest",
            RandomForestRegressor(),
            SearchSpace(_FOREST),
            categories="ordinal",
            scale=False,
            practice=_FOREST_PRACTICE,
        ),
        CatalogueEntry(
            "extra_trees",
            ExtraTreesRegressor(),
            SearchSpace(_FOREST),
            categories="ordinal",
            scale=False,
            practice=_FOREST_PRACTICE,
        ),
        CatalogueEntry(
            "hist_gradient_boosting",
            HistGradientBoostingRegressor(),
            SearchSpace({**_BOOSTING, "loss": ["squared_error", "squared_error", "absolute_error"]}),
            categories="native",
            scale=False,
            sparse=False,
            max_columns=_WIDE,
            practice=_BOOSTING_PRACTICE,
            n_known=40,
        ),
        CatalogueEntry("k_neighbors", KNeighborsRegressor(), SearchSpace(_NEIGHBORS), practice=_NEIGHBORS_PRACTICE),
        CatalogueEntry(
            "mlp",
            MLPRegressor(),
            SearchSpace(_NETWORK),
            scale_target=True,
            max_columns=_WIDE,
            practice=_NETWORK_PRACTICE,
            n_known=40,
        ),
    ]
    process = CatalogueEntry(
        "gaussian_process",
        GaussianProcessRegressor(_smooth_around_a_line(), normalize_y=True),
        SearchSpace({}),  # what there is to choose, it learns by itself
        sparse=False,
        max_rows=_PROCESS_ROWS,
        n_known=1,
    )
    every = [*entries, *_prepared_otherwise(entries, _OTHERWISE), process]
    return _by_name(replace(entry, target_means=True) for entry in every)


def _smooth_around_a_line() -> Kernel:
    """Rasmussen & Williams (2006), 2.7 and 4.2: a linear trend, deviations of which slopes exist, and noise."""
    return 0.1 * DotProduct() + ConstantKernel() * Matern(3.0, nu=1.5) + WhiteKernel(0.1)


# What numbers look like decides for those that measure distances or add up, and for trees, along what they split. In
# an average, a member that sees them otherwise errs otherwise (docs/decisions.md has what that is worth)
_OTHERWISE = {
    "logistic_regression": ("normal", "splines"),
    "ridge": ("normal", "splines"),
    "svc": ("normal",),
    "svr": ("normal",),
    "mlp": ("normal",),
}
_OTHERWISE_FOR_CLASSES = {"hist_gradient_boosting": ("components",)}  # averages of numbers do not gain by it


def _prepared_otherwise(
    entries: Iterable[CatalogueEntry], otherwise: Mapping[str, tuple[str, ...]]
) -> Iterator[CatalogueEntry]:
    """The same base estimators behind other preparations of numbers."""
    for entry in entries:
        for scale in otherwise.get(entry.name, ()):
            name, most = f"{entry.name}_{scale}", ROTATED if scale == "components" else _WIDE
            yield replace(entry, name=name, categories="onehot", scale=scale, n_known=6, max_columns=most)


def _by_name(entries: Iterable[CatalogueEntry]) -> Mapping[str, CatalogueEntry]:
    return MappingProxyType({entry.name: entry for entry in entries})


# -- on request ----------------------------------------------------------------------------------------------
# Estimators that adapt what was learned across tasks. They are for those who bring an init, so no default list and
# no knowledge has them; and known by name alone, for importing them would make every `import sklmeta` slower.

_ADAPTING_MODULE = "sklmeta.gradient.estimators"
# a strength asks for the exact minimum, steps or their rate for steps: where the user set one, the other has no place
_NEAR_A_CENTRE = SearchSpace(
    {"regularization": loguniform(1e-2, 1e2), "n_steps": [None], "inner_rate": [None]},
    {"regularization": {"n_steps": (None,), "inner_rate": (None,)}},
)
_BY_STEPS = SearchSpace({"n_steps": LogUniformInt(1, 300)})
_ADAPTING = {
    "classification": {
        "MetaLinearClassifier": ("meta_linear", _NEAR_A_CENTRE),
        "MetaSVC": ("meta_svc", _NEAR_A_CENTRE),
        "MetaMLPClassifier": ("meta_mlp", _BY_STEPS),
    },
    "regression": {
        "MetaLinearRegressor": ("meta_linear", _NEAR_A_CENTRE),
        "MetaSVR": ("meta_svr", _NEAR_A_CENTRE),
        "MetaMLPRegressor": ("meta_mlp", _BY_STEPS),
    },
}


@cache
def _entry_on_request(kind: type[BaseEstimator], task_type: str, learned: bool) -> CatalogueEntry:
    """The entry of an estimator that adapts; an init that was learned scales numbers itself, as it saw them."""
    name, space = _ADAPTING[task_type][kind.__qualname__]
    return CatalogueEntry(name, kind(), space, scale=not learned, sparse=False)
