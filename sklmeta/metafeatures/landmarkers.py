"""Landmarkers: how well small, quick learners do on a subsample, and how they differ."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import partial
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.stats import rankdata
from sklearn import config_context

from sklmeta.metafeatures import learners
from sklmeta.metafeatures._sampling import stratified_folds, stratified_rows
from sklmeta.metafeatures._table import Table, standardise
from sklmeta.metafeatures._target import Target

MAX_ROWS = 2000
MAX_CLASSES = 50
MAX_ENCODED = 100
MAX_LEVELS_EACH = 10
THREE_FOLDS_UP_TO = 400
CHANCE = 0.01  # a lead that says nothing

_RANKED = ("linear", "kernel", "random_trees", "boosting", "naive_bayes", "discriminant")
_FLEXIBLE = ("1nn", "5nn", "kernel", "random_trees", "boosting")
_HALVED = ("linear", "kernel", "tree")

_SCORE = {
    "classification": "Cohen's kappa of {} on out-of-fold predictions (0: chance, 1: perfect).",
    "regression": "R2 of {} on out-of-fold predictions, not below -1.",
}
_LEARNERS = {
    "1nn": "1-nearest-neighbour [7]",
    "5nn": "5-nearest-neighbours [7]",
    "linear": "logistic regression (regression: ridge)",
    "kernel": "kernel ridge with a Gaussian kernel, a least-squares SVM [8]",
    "stump": "a decision stump [7]",
    "tree": "a tree of depth 4 [7]",
    "random_trees": "10 to 20 extremely randomised trees [9]",
    "boosting": "histogram gradient boosting with 30 small trees [12]",
}
_GENERATIVE = {
    "naive_bayes": "Gaussian naive Bayes [7]",
    "discriminant": "linear discriminant analysis [7]",
}
_GAINS = {
    "landmark_best": "The best of the landmarks [2].",
    "gain_nonlinear": "Best of 1-NN, 5-NN, kernel, random trees and boosting, less linear: non-linearity [10].",
    "gain_smooth": "Kernel less random trees: whether smooth or axis-parallel boundaries fit [10].",
    "gain_depth": "Tree less stump: interactions beyond one column [10].",
    "gain_averaging": "Random trees less tree: what averaging removes.",
    "gain_boosting": "Boosting less random trees.",
    "gain_neighbours": "5-NN less 1-NN: noise [10].",
    "curve_linear": "Linear model on all training rows less on half of them [11].",
    "curve_kernel": "Kernel on all training rows less on half of them [11].",
    "curve_tree": "Tree of depth 4 on all training rows less on half of them [11].",
}
_RANKINGS = {
    **{
        f"ranking_{name}": f"2 AUC - 1 of {(_LEARNERS | _GENERATIVE)[name]}, mean of each class against the "
        "rest: tells learners apart where one class is rare and kappa is 0 for all."
        for name in _RANKED
    },
    "ranking_gain_kernel": "`ranking_kernel` less `ranking_linear`.",
    "ranking_gain_trees": "`ranking_random_trees` less `ranking_linear`.",
    "ranking_gain_boosting": "`ranking_boosting` less `ranking_random_trees`.",
    "ranking_gain_smooth": "`ranking_kernel` less `ranking_random_trees`.",
}


def _scores_of(names: Mapping[str, str], task: str) -> dict[str, str]:
    return {f"landmark_{name}": _SCORE[task].format(meaning) for name, meaning in names.items()}


def _places_of(names: Iterable[str], prefix: str = "") -> dict[str, str]:
    """Where a learner stands among the others, which on easy tables and hard ones says who does well here."""
    return {
        f"{prefix}relative_{name}": f"Where `{prefix or 'landmark_'}{name}` stands among these: 0 at their median, 1 "
        "at the best, cut at -1."
        for name in names
    }


MEANINGS = {
    "classification": _scores_of(_LEARNERS | _GENERATIVE, "classification")
    | _GAINS
    | _places_of(_LEARNERS | _GENERATIVE)
    | _RANKINGS
    | _places_of(_RANKED, "ranking_"),
    "regression": _scores_of(_LEARNERS, "regression") | _GAINS | _places_of(_LEARNERS),
}


class _Features(NamedTuple):
    """What learners see: encoded and standardised columns, or columns with coded categories for trees."""

    encoded: NDArray[np.float64]
    coded: NDArray[np.float64]


def landmarkers(table: Table, target: Target) -> dict[str, float]:
    """Cross-validated scores of small learners and their differences; names in `MEANINGS`.

    Whatever the size of the table, learners see at most 2,000 rows, 100 encoded columns and the 50 most
    frequent classes. Three folds up to 400 rows, two beyond. A single row scores 0 throughout.
    """
    table, target = _few_rows(table, target)
    features, Y = _features(table), target.indicator
    predicted = _out_of_fold(features, target, _suite(target.is_classification))
    score = kappa if target.is_classification else clipped_r2
    scores = {name: score(Y, predicted[name]) for name in predicted}
    full = {name: value for name, value in scores.items() if not name.endswith("_half")}
    landmarks = {f"landmark_{name}": value for name, value in full.items()} | {"landmark_best": max(full.values())}
    rankings = _rankings(Y, predicted) if target.is_classification else {}
    return landmarks | _gains(scores) | _places(full) | rankings


def _few_rows(table: Table, target: Target) -> tuple[Table, Target]:
    frequent = np.argsort(-target.class_counts, kind="stable")[:MAX_CLASSES]
    if len(target.class_counts) > MAX_CLASSES:
        known = np.flatnonzero(np.isin(target.values, frequent))
        table, target = table.take(known), target.take(known)
    rows = stratified_rows(target.strata, MAX_ROWS, np.random.RandomState(0))
    return table.take(rows), target.take(rows)


def _suite(is_classification: bool) -> dict[str, tuple[str, learners.Learner]]:
    """For each score the features that its learner sees, and the learner."""
    suite: dict[str, tuple[str, learners.Learner]] = {
        "1nn": ("encoded", learners.nearest),
        "5nn": ("encoded", partial(learners.nearest, n_neighbors=5)),
        "linear": ("encoded", learners.logistic if is_classification else learners.ridge),
        "kernel": ("encoded", learners.kernel_ridge),
        "stump": ("coded", partial(learners.tree, max_depth=1)),
        "tree": ("coded", partial(learners.tree, max_depth=4)),
        "random_trees": ("coded", learners.random_trees),
        "boosting": ("coded", learners.boosting),
    }
    if is_classification:
        suite["naive_bayes"] = ("encoded", learners.naive_bayes)
        suite["discriminant"] = ("encoded", learners.linear_discriminant)
    return suite | {f"{name}_half": suite[name] for name in _HALVED}


def _gains(score: Mapping[str, float]) -> dict[str, float]:
    return {
        "gain_nonlinear": max(score[name] for name in _FLEXIBLE) - score["linear"],
        "gain_smooth": score["kernel"] - score["random_trees"],
        "gain_depth": score["tree"] - score["stump"],
        "gain_averaging": score["random_trees"] - score["tree"],
        "gain_boosting": score["boosting"] - score["random_trees"],
        "gain_neighbours": score["5nn"] - score["1nn"],
        **{f"curve_{name}": score[name] - score[f"{name}_half"] for name in _HALVED},
    }


def _rankings(Y: NDArray, predicted: Mapping[str, NDArray]) -> dict[str, float]:
    ranking = {name: separation(Y, predicted[name]) for name in _RANKED}
    return (
        {f"ranking_{name}": value for name, value in ranking.items()}
        | _places(ranking, "ranking_")
        | {
            "ranking_gain_kernel": ranking["kernel"] - ranking["linear"],
            "ranking_gain_trees": ranking["random_trees"] - ranking["linear"],
            "ranking_gain_boosting": ranking["boosting"] - ranking["random_trees"],
            "ranking_gain_smooth": ranking["kernel"] - ranking["random_trees"],
        }
    )


def _places(score: Mapping[str, float], prefix: str = "") -> dict[str, float]:
    return dict(zip((f"{prefix}relative_{name}" for name in score), places(np.array([*score.values()])), strict=True))


def _out_of_fold(
    features: _Features, target: Target, suite: Mapping[str, tuple[str, learners.Learner]]
) -> dict[str, NDArray]:
    """Scores of each row by learners that did not see it, shape (n, k) each."""
    Y, n = target.indicator, len(target)
    predicted = {name: np.tile(Y.mean(axis=0), (n, 1)) for name in suite}
    n_folds = min(3 if n <= THREE_FOLDS_UP_TO else 2, n)
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
    encoded = np.hstack([numeric, one_hot(table.codes)])[:, :MAX_ENCODED]
    return _Features(
        encoded=standardise(encoded, np.ones(encoded.shape, dtype=bool)),
        coded=np.hstack([numeric, table.codes]),
    )


def one_hot(codes: NDArray) -> NDArray[np.float64]:
    """Indicator columns of the ten most frequent levels of each column, shape (n, at most 10 * q).

    The most frequent levels of all columns come first, then the second most frequent ones, and so on.
    """
    columns = [codes == level for level in range(min(MAX_LEVELS_EACH, codes.max(initial=-1) + 1))]
    return np.hstack(columns, dtype=np.float64) if columns else np.empty((len(codes), 0))


def kappa(Y: NDArray, scores: NDArray) -> float:
    """Cohen's kappa between classes (indicators, (n, k)) and the largest of their scores (n, k)."""
    n, k = Y.shape
    predicted = scores.argmax(axis=1)
    right = Y[np.arange(n), predicted].mean()
    by_chance = np.bincount(predicted, minlength=k) @ Y.sum(axis=0) / n**2
    return float((right - by_chance) / (1 - by_chance)) if by_chance < 1 else 0.0


def separation(Y: NDArray, scores: NDArray) -> float:
    """Mean over classes of 2 AUC - 1 of a class's margin over the best other class.

    Parameters
    ----------
    Y : ndarray of shape (n, k)
        Indicators of the classes; each has a row.
    scores : ndarray of shape (n, k)
        Only comparisons within a row are used, so log posteriors need not be normalised.

    Returns
    -------
    float
        Between -1 and 1; 0 for a single class.
    """
    if Y.shape[1] < 2:
        return 0.0
    ranks = rankdata(margins(scores), axis=0)
    inside = Y.sum(axis=0)
    wins = (ranks * Y).sum(axis=0) - inside * (inside + 1) / 2
    return float((2 * wins / (inside * (len(Y) - inside)) - 1).mean())


def margins(scores: NDArray) -> NDArray[np.float64]:
    """Each score less the largest of the others in its row, shape (n, k) with k >= 2."""
    second, first = np.partition(scores, -2, axis=1)[:, -2:].T[:, :, None]
    best = np.arange(scores.shape[1]) == scores.argmax(axis=1)[:, None]
    return scores - np.where(best, second, first)


def places(scores: NDArray) -> NDArray[np.float64]:
    """Each score less their median, in units of what the best is above it (0.01 at least), from -1 to 1."""
    median = np.median(scores)
    return np.clip((scores - median) / max(scores.max() - median, CHANCE), -1.0, 1.0)


def clipped_r2(Y: NDArray, predicted: NDArray) -> float:
    """Share of the variance explained, between -1 and 1; 0 for a constant target."""
    total = ((Y - Y.mean(axis=0)) ** 2).sum()
    if total == 0:
        return 0.0
    return float(np.clip(1 - ((Y - predicted) ** 2).sum() / total, -1.0, 1.0))
