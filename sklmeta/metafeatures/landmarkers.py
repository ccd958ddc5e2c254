"""Landmarkers: how well small, quick learners do on a subsample, and how they differ."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray
from sklearn import config_context

from sklmeta.metafeatures import learners
from sklmeta.metafeatures._sampling import stratified_folds, stratified_rows
from sklmeta.metafeatures._table import Table, standardise
from sklmeta.metafeatures._target import Target

MAX_ROWS = 500
MAX_ENCODED = 100
MAX_LEVELS_EACH = 10
N_FOLDS = 3

_SCORE = {
    "classification": "Cohen's kappa of {} on out-of-fold predictions (0: chance, 1: perfect)",
    "regression": "R2 of {} on out-of-fold predictions, not below -1",
}
_LEARNERS = {
    "landmark_1nn": "1-nearest-neighbour [7]",
    "landmark_5nn": "5-nearest-neighbours [7]",
    "landmark_linear": "logistic regression (regression: ridge)",
    "landmark_kernel": "kernel ridge with a Gaussian kernel, a least-squares SVM [8]",
    "landmark_stump": "a decision stump [7]",
    "landmark_tree": "a tree of depth 4 [7]",
    "landmark_random_trees": "eight extremely randomised trees [9]",
}
_GENERATIVE = {
    "landmark_naive_bayes": "Gaussian naive Bayes [7]",
    "landmark_discriminant": "linear discriminant analysis [7]",
}
_DIFFERENCES = {
    "landmark_best": "The best of the landmarks [2].",
    "gain_nonlinear": "Best of 1-NN, 5-NN, kernel and random trees, less linear: non-linearity [10].",
    "gain_smooth": "Kernel less random trees: whether smooth or axis-parallel boundaries fit [10].",
    "gain_depth": "Tree less stump: interactions beyond one column [10].",
    "gain_averaging": "Random trees less tree: what averaging removes.",
    "gain_neighbours": "5-NN less 1-NN: noise [10].",
    "curve_linear": "Linear model on all training rows less on half of them [11].",
    "curve_kernel": "Kernel on all training rows less on half of them [11].",
    "curve_tree": "Tree of depth 4 on all training rows less on half of them [11].",
}


def _meanings(task: str, names: dict[str, str]) -> dict[str, str]:
    return {name: _SCORE[task].format(meaning) + "." for name, meaning in names.items()} | _DIFFERENCES


MEANINGS = {
    "classification": _meanings("classification", _LEARNERS | _GENERATIVE),
    "regression": _meanings("regression", _LEARNERS),
}


@dataclass(frozen=True)
class _Features:
    """What learners see: encoded and standardised columns, or columns with coded categories for trees."""

    encoded: NDArray[np.float64]
    coded: NDArray[np.float64]


def landmarkers(table: Table, target: Target) -> dict[str, float]:
    """Cross-validated scores of small learners and their differences; names in `MEANINGS`.

    Three folds of at most 500 rows and 100 encoded columns, whatever the size of the table. A single row
    scores 0 throughout.
    """
    rows = stratified_rows(target.strata, MAX_ROWS, np.random.RandomState(0))
    table, target = table.take(rows), target.take(rows)
    suite = _suite(target.is_classification)
    predicted = _out_of_fold(_features(table), target, suite)
    score = kappa if target.is_classification else clipped_r2
    scores = {name: score(target.indicator, predicted[name]) for name in predicted}
    return {name: scores[name] for name in scores if not name.endswith("_half")} | _differences(scores)


def _suite(is_classification: bool) -> dict[str, tuple[str, learners.Learner]]:
    """For each score the features that its learner sees, and the learner."""
    linear = learners.logistic if is_classification else learners.ridge
    suite: dict[str, tuple[str, learners.Learner]] = {
        "landmark_1nn": ("encoded", learners.nearest),
        "landmark_5nn": ("encoded", partial(learners.nearest, n_neighbors=5)),
        "landmark_linear": ("encoded", linear),
        "landmark_kernel": ("encoded", learners.kernel_ridge),
        "landmark_stump": ("coded", partial(learners.tree, max_depth=1)),
        "landmark_tree": ("coded", partial(learners.tree, max_depth=4)),
        "landmark_random_trees": ("coded", learners.random_trees),
    }
    if is_classification:
        suite["landmark_naive_bayes"] = ("encoded", learners.naive_bayes)
        suite["landmark_discriminant"] = ("encoded", learners.linear_discriminant)
    halves = {f"{name}_half": suite[name] for name in ("landmark_linear", "landmark_kernel", "landmark_tree")}
    return suite | halves


def _differences(score: dict[str, float]) -> dict[str, float]:
    def gain(better: str, than: str) -> float:
        return score[f"landmark_{better}"] - score[f"landmark_{than}"]

    flexible = ("1nn", "5nn", "kernel", "random_trees")
    return {
        "landmark_best": max(value for name, value in score.items() if not name.endswith("_half")),
        "gain_nonlinear": max(gain(name, "linear") for name in flexible),
        "gain_smooth": gain("kernel", "random_trees"),
        "gain_depth": gain("tree", "stump"),
        "gain_averaging": gain("random_trees", "tree"),
        "gain_neighbours": gain("5nn", "1nn"),
        **{f"curve_{name}": gain(name, f"{name}_half") for name in ("linear", "kernel", "tree")},
    }


def _out_of_fold(
    features: _Features, target: Target, suite: dict[str, tuple[str, learners.Learner]]
) -> dict[str, NDArray]:
    """Predictions for each row by learners that did not see it, shape (n, k) each."""
    Y = target.indicator
    predicted = {name: np.tile(Y.mean(axis=0), (len(Y), 1)) for name in suite}
    n_folds = min(N_FOLDS, len(Y))
    folds = stratified_folds(target.strata, n_folds)
    with config_context(assume_finite=True, skip_parameter_validation=True):
        for fold in range(n_folds if n_folds > 1 else 0):
            train, test = np.flatnonzero(folds != fold), folds == fold
            half = train[stratified_folds(target.strata[train], 2) == 0]
            for name, (view, learn) in suite.items():
                seen, X = half if name.endswith("_half") else train, getattr(features, view)
                predicted[name][test] = learn(X[seen], Y[seen], X[test])
    return predicted


def _features(table: Table) -> _Features:
    numeric = table.standardised
    return _Features(
        encoded=standardise_all(np.hstack([numeric, one_hot(table.codes)])[:, :MAX_ENCODED]),
        coded=np.hstack([numeric, table.codes]),
    )


def standardise_all(values: NDArray) -> NDArray[np.float64]:
    """Columns without missing cells to mean 0 and variance 1; constant ones become 0."""
    return standardise(values, np.ones(values.shape, dtype=bool))


def one_hot(codes: NDArray) -> NDArray[np.float64]:
    """Indicator columns of the ten most frequent levels of each column, shape (n, at most 10 * q)."""
    columns = [codes == level for level in range(min(MAX_LEVELS_EACH, codes.max(initial=-1) + 1))]
    return np.hstack(columns, dtype=np.float64) if columns else np.empty((len(codes), 0))


def kappa(Y: NDArray, scores: NDArray) -> float:
    """Cohen's kappa between classes (indicators, (n, k)) and the largest of their scores (n, k)."""
    n, k = Y.shape
    predicted = np.bincount(scores.argmax(axis=1), minlength=k)
    right = Y[np.arange(n), scores.argmax(axis=1)].sum() / n
    by_chance = (predicted * Y.sum(axis=0)).sum() / n**2
    return float((right - by_chance) / (1 - by_chance)) if by_chance < 1 else 0.0


def clipped_r2(Y: NDArray, predicted: NDArray) -> float:
    """Share of the variance explained, between -1 and 1; 0 for a constant target."""
    total = ((Y - Y.mean(axis=0)) ** 2).sum()
    if total == 0:
        return 0.0
    return float(np.clip(1 - ((Y - predicted) ** 2).sum() / total, -1.0, 1.0))
