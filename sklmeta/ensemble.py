"""Averages of predictions: how good one is, which members to take, and how much of each."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence

import numpy as np
from scipy.special import softmax

_ROUND_SHARE = 0.25  # of the time that is left: the first rounds, in which the members are found, have most of it
_ROUNDING = 1e-9  # relative; scores that differ by less are the same


def gather_folds(
    outputs: Sequence[Sequence[np.ndarray]], tests: Sequence[np.ndarray], *, keep: np.ndarray | None = None
) -> tuple[np.ndarray, np.ndarray, list[np.ndarray]]:
    """What fold models predicted, as one table.

    Folds need be no partition: a row may be predicted several times, or never.

    Parameters
    ----------
    outputs : sequence of sequence of ndarray of shape (n_test, n_outputs)
        By member, then by fold: probabilities, or numbers in one column.
    tests : sequence of ndarray of int
        By fold, the positions of its test rows.
    keep : ndarray of int, default=None
        Positions of the rows that are wanted, where not all of a large table are; None is all.

    Returns
    -------
    predictions : ndarray of shape (n_members, n_predictions, n_outputs)
        Out-of-fold predictions. A row that several folds test has several: their mean would be that of several models,
        which is better than the one that is fitted in the end.
    rows : ndarray of shape (n_predictions,)
        Which row each is of, rising.
    folds : list of ndarray of int
        By fold, the positions of its predictions; folds without any are left out.

    Examples
    --------
    >>> import numpy as np
    >>> first, second = np.array([[1.0], [2.0]]), np.array([[4.0]])
    >>> predictions, rows, folds = gather_folds([[first, second]], [np.array([0, 3]), np.array([3])])
    >>> predictions.ravel(), rows
    (array([1., 2., 4.]), array([0, 3, 3]))
    """
    wanted = [np.ones(len(test), bool) if keep is None else np.isin(test, keep) for test in tests]
    rows = np.concatenate([test[part] for test, part in zip(tests, wanted, strict=True)])
    rising = np.argsort(rows, kind="stable")
    predictions = np.array(
        [np.concatenate([values[part] for values, part in zip(by_fold, wanted, strict=True)]) for by_fold in outputs]
    )
    ends = np.cumsum([part.sum() for part in wanted])
    folds = np.split(np.argsort(rising), ends[:-1])
    return predictions[:, rising], rows[rising], [fold for fold in folds if len(fold)]


def first_round(folds: Sequence[np.ndarray]) -> list[np.ndarray]:
    """The first folds that have every row between them: where folds are repeated, one round of them.

    Parameters
    ----------
    folds : sequence of ndarray of int
        Positions of test rows.

    Returns
    -------
    list of ndarray of int
        As few of them, in their order, as have every row that any has.

    Examples
    --------
    >>> import numpy as np
    >>> first_round([np.array([0, 1]), np.array([2]), np.array([0]), np.array([1, 2])])
    [array([0, 1]), array([2])]
    """
    missing = set(np.concatenate(folds).tolist())
    needed = []
    for fold in folds:
        if not missing:
            break
        needed.append(fold)
        missing.difference_update(fold.tolist())
    return needed


def whole_rounds(folds: Sequence[np.ndarray], most: int) -> list[np.ndarray]:
    """The first rounds of repeated folds, as many as have no more test rows than `most` together; at least one.

    Examples
    --------
    >>> import numpy as np
    >>> halves = [np.array([0, 1]), np.array([2, 3])]
    >>> len(whole_rounds(3 * halves, 8)), len(whole_rounds(3 * halves, 3))
    (4, 2)
    """
    n_folds = len(first_round(folds))
    rounds = min(len(folds) // n_folds, most // sum(map(len, folds[:n_folds])))
    return list(folds[: max(1, rounds) * n_folds])


def fold_metric(
    metric: str,
    y: np.ndarray,
    folds: Sequence[np.ndarray],
    n_classes: int | None = None,
    sample_weight: np.ndarray | None = None,
) -> Callable[[np.ndarray], float] | None:
    """The mean over folds of a metric, as a quick function of predictions.

    Parameters
    ----------
    metric : str
        A scorer's name.
    y : ndarray of shape (n_rows,)
        Class indices from 0, or a regression target.
    folds : sequence of ndarray of int
        By fold, the positions of its test rows.
    n_classes : int, default=None
        None for regression.
    sample_weight : ndarray of shape (n_rows,), default=None
        Weights of the rows in the metric.

    Returns
    -------
    callable or None
        Takes an array of shape (n_rows, n_outputs) and gives a number, greater is better; folds on which the metric
        is undefined are left out, and without any other it gives NaN. None where there is no quick way.

    Examples
    --------
    >>> import numpy as np
    >>> score = fold_metric("neg_mean_absolute_error", np.array([1.0, 2.0, 3.0]), [np.array([0, 1]), np.array([2])])
    >>> score(np.array([[1.0], [1.0], [4.0]]))
    -0.75
    """
    weight = np.ones(len(y)) if sample_weight is None else np.asarray(sample_weight, float)
    if metric == "roc_auc" and n_classes is not None and sample_weight is None:
        return _mean_auc(y, folds, n_classes)
    if metric == "neg_root_mean_squared_error" and n_classes is None:
        shares = [weight[fold] / weight[fold].sum() for fold in folds]
        parts = list(zip(folds, shares, strict=True))
        return lambda p: -float(np.mean([np.sqrt(share @ (p[fold, 0] - y[fold]) ** 2) for fold, share in parts]))
    if metric in _OF_COUNTS and n_classes is not None:
        return _mean_of_counts(y, folds, n_classes, weight, _OF_COUNTS[metric])
    quick = (_REGRESSION_GAINS if n_classes is None else _CLASSIFICATION_GAINS).get(metric)
    if quick is None:
        return None
    row_gain, row_shares = quick
    shares, offset = row_shares(y, folds, weight)
    return lambda p: float(offset + shares @ row_gain(p, y))


def _equal_shares(y: np.ndarray, folds: Sequence[np.ndarray], weight: np.ndarray) -> tuple[np.ndarray, float]:
    """What each row counts in a mean over folds of means over rows."""
    shares = np.zeros(len(y))
    for fold in folds:
        shares[fold] += weight[fold] / weight[fold].sum() / len(folds)
    return shares, 0.0


def _shares_by_class(y: np.ndarray, folds: Sequence[np.ndarray], weight: np.ndarray) -> tuple[np.ndarray, float]:
    """The same with a mean over the classes present between the two."""
    shares = np.zeros(len(y))
    for fold in folds:
        by_class = np.bincount(y[fold], weight[fold])
        own = np.where(by_class > 0, by_class, 1.0)[y[fold]]  # a class without weight counts nothing
        shares[fold] += weight[fold] / own / (by_class > 0).sum() / len(folds)
    return shares, 0.0


def _shares_of_variance(y: np.ndarray, folds: Sequence[np.ndarray], weight: np.ndarray) -> tuple[np.ndarray, float]:
    """What each squared error takes from an R2 of 1; a fold of one row, or of one value, says nothing."""
    spreads = {}
    for k, fold in enumerate(folds):
        mean = np.average(y[fold], weights=weight[fold])
        spreads[k] = weight[fold] @ (y[fold] - mean) ** 2
    defined = [k for k, spread in spreads.items() if spread > 0]
    shares = np.zeros(len(y))
    for k in defined:
        shares[folds[k]] += weight[folds[k]] / spreads[k] / len(defined)
    return shares, 1.0 if defined else np.nan


def _true_class(p: np.ndarray, y: np.ndarray) -> np.ndarray:
    return p[np.arange(len(y)), y]


def _log_likelihood(p: np.ndarray, y: np.ndarray) -> np.ndarray:
    eps = np.finfo(p.dtype).eps
    return np.log(np.clip(_true_class(p, y), eps, 1 - eps))


def _negative_brier(p: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Squared distance to the true class's corner, halved for two classes as scikit-learn does."""
    distance = (p**2).sum(axis=1) - 2 * _true_class(p, y) + 1
    return -distance / (2 if p.shape[1] == 2 else 1)


# by metric: what a row gains, and what each row counts
_CLASSIFICATION_GAINS: dict[str, tuple[Callable, Callable]] = {
    "accuracy": (lambda p, y: p.argmax(axis=1) == y, _equal_shares),
    "balanced_accuracy": (lambda p, y: p.argmax(axis=1) == y, _shares_by_class),
    "neg_log_loss": (_log_likelihood, _equal_shares),
    "neg_brier_score": (_negative_brier, _equal_shares),
}
_REGRESSION_GAINS: dict[str, tuple[Callable, Callable]] = {
    "r2": (lambda p, y: -((p[:, 0] - y) ** 2), _shares_of_variance),
    "neg_mean_squared_error": (lambda p, y: -((p[:, 0] - y) ** 2), _equal_shares),
    "neg_mean_absolute_error": (lambda p, y: -np.abs(p[:, 0] - y), _equal_shares),
}


def _mean_of_counts(
    y: np.ndarray, folds: Sequence[np.ndarray], n_classes: int, weight: np.ndarray, of_counts: Callable
) -> Callable[[np.ndarray], float]:
    """What depends only on how often each class is hit, is there, and is predicted."""
    truths = [np.bincount(y[fold], weight[fold], minlength=n_classes) for fold in folds]

    def score(p: np.ndarray) -> float:
        labels, by_fold = p.argmax(axis=1), []
        right = np.where(labels == y, weight, 0.0)
        for fold, true in zip(folds, truths, strict=True):
            hits = np.bincount(y[fold], right[fold], minlength=n_classes)
            by_fold.append(of_counts(hits, true, np.bincount(labels[fold], weight[fold], minlength=n_classes)))
        return float(np.mean(by_fold))

    return score


def _of_second(rate: Callable) -> Callable:
    return lambda *counts: rate(*counts)[1]


def _of_all(rate: Callable) -> Callable:
    return lambda *counts: rate(*(count.sum(keepdims=True) for count in counts))[0]


def _of_each(rate: Callable) -> Callable:
    """In equal parts of the classes that are there or predicted."""
    return lambda hits, true, guessed: rate(hits, true, guessed)[true + guessed > 0].mean()


def _of_each_by_weight(rate: Callable) -> Callable:
    return lambda hits, true, guessed: true @ rate(hits, true, guessed) / true.sum()


def _correlation(hits: np.ndarray, true: np.ndarray, guessed: np.ndarray) -> float:
    """Matthews' coefficient, of any number of classes (Gorodkin 2004)."""
    total = true.sum()
    spread = (total**2 - true @ true) * (total**2 - guessed @ guessed)
    return (hits.sum() * total - true @ guessed) / np.sqrt(spread) if spread > 0 else 0.0


def _ratio(part: np.ndarray, whole: np.ndarray) -> np.ndarray:
    return part / np.where(whole > 0, whole, 1.0)  # of nothing, nothing is right


# of a class, by how often it is hit, there, and predicted
RATES: dict[str, Callable] = {
    "f1": lambda hits, true, guessed: _ratio(2 * hits, true + guessed),
    "jaccard": lambda hits, true, guessed: _ratio(hits, true + guessed - hits),
    "precision": lambda hits, true, guessed: _ratio(hits, guessed),
    "recall": lambda hits, true, guessed: _ratio(hits, true),
}
_MEANS = {"": _of_second, "_micro": _of_all, "_macro": _of_each, "_weighted": _of_each_by_weight}
_OF_COUNTS: dict[str, Callable] = {
    rate + mean: over(RATES[rate]) for rate in RATES for mean, over in _MEANS.items()
} | {"matthews_corrcoef": _correlation}


def _mean_auc(y: np.ndarray, folds: Sequence[np.ndarray], n_classes: int) -> Callable[[np.ndarray], float]:
    """Area under the ROC curve of two classes, or the mean of one-versus-rest over the classes that are present."""
    columns = [1] if n_classes == 2 else range(n_classes)
    contests = [[(c, fold[y[fold] == c], fold[y[fold] != c]) for c in columns] for fold in folds]
    contests = [[(c, of, rest) for c, of, rest in fold if len(of) and len(rest)] for fold in contests]
    contests = [fold for fold in contests if fold]

    def score(p: np.ndarray) -> float:
        by_column = {c: np.ascontiguousarray(p[:, c]) for c in columns}
        by_fold = [np.mean([_auc(by_column[c][of], by_column[c][rest]) for c, of, rest in fold]) for fold in contests]
        return float(np.mean(by_fold)) if by_fold else np.nan

    return score


def _auc(positive: np.ndarray, negative: np.ndarray) -> float:
    """How often a positive lies above a negative, ties counted half (the Mann-Whitney statistic)."""
    positive, negative = np.sort(positive), np.sort(negative)
    below, not_above = (np.searchsorted(negative, positive, side).sum() for side in ("left", "right"))
    return (below + not_above) / (2 * len(positive) * len(negative))


def greedy_weights(
    predictions: np.ndarray,
    score: Callable[[np.ndarray], float],
    *,
    n_rounds: int = 25,
    start: int = 1,
    tolerance: float = 0.0,
    patience: int = 10,
    shrinkage: float = 0.0,
    perfect: float = 0.0,
    costs: np.ndarray | None = None,
    limits: np.ndarray | None = None,
    deadline: float | None = None,
) -> np.ndarray:
    """Weights of a good average, by forward selection with replacement (Caruana et al. 2004).

    The best `start` members are taken to begin with. Then each round adds the member, taken already or not, that makes
    the average best. Of all averages on that way the best one is the answer, the earliest where several are.

    With `shrinkage`, each weight costs its square times its member's loss: what an average gains by being other than
    weights inversely proportional to losses (Bates & Granger 1969) has to be more than that.

    Parameters
    ----------
    predictions : ndarray of shape (n_members, n_rows, n_outputs)
        Out-of-fold predictions.
    score : callable
        Of an average, an array of shape (n_rows, n_outputs); greater is better, and NaN is the worst.
    n_rounds : int, default=25
        How often a member is taken, those of the start included.
    start : int, default=1
        How many of the best single members are taken at the start (Caruana's sorted initialisation).
    tolerance : float, default=0.0
        An average counts as better where it gains more than this.
    patience : int, default=10
        After how many rounds without a better average to stop.
    shrinkage : float, default=0.0
        What the squared weights, each times its member's loss, count for beside the loss of the average.
    perfect : float, default=0.0
        The score without any loss; losses are how far scores are below it. Only needed for `shrinkage`.
    costs : ndarray of shape (n_limits, n_members), default=None
        What each member costs, however much of it is taken.
    limits : ndarray of shape (n_limits,), default=None
        What all members together may cost. A member that alone costs more is never taken.
    deadline : float, default=None
        By ``time.monotonic()``, when the best average so far is the answer. Each round has a share of the time that is
        left, and looks at those members first that were best in the round before; one is always looked at. None:
        whenever it ends.

    Returns
    -------
    ndarray of shape (n_members,)
        Not negative, with sum 1.

    Raises
    ------
    ValueError
        If there is no member, or none within the limits.

    References
    ----------
    J. Bates & C. Granger (1969), "The combination of forecasts".
    R. Caruana, A. Niculescu-Mizil, G. Crew & A. Ksikes (2004), "Ensemble selection from libraries of models".

    Examples
    --------
    Members that err in opposite directions share the weight:

    >>> import numpy as np
    >>> y = np.array([[0.0], [1.0], [2.0]])
    >>> greedy_weights(np.array([y + 1, y - 1, y + 5]), lambda average: -np.abs(average - y).mean())
    array([0.5, 0.5, 0. ])
    """
    costs = np.zeros((0, len(predictions))) if costs is None else np.asarray(costs, float)
    limits = np.zeros(0) if limits is None else np.asarray(limits, float)
    counts, total = np.zeros(len(predictions)), np.zeros(predictions.shape[1:])
    possible = np.flatnonzero(_affordable(counts, costs, limits))
    if not len(possible):
        raise ValueError(f"None of {len(predictions)} members is within the limits {limits.tolist()}.")
    singles = _scored(score, (predictions[j] for j in possible), len(possible), deadline)
    best_first = possible[_best_first(singles)]
    prices = np.zeros(len(predictions))
    prices[possible] = shrinkage * _losses(singles, perfect) if shrinkage else 0.0
    for j in best_first[:start]:
        if _affordable(counts, costs, limits)[j]:
            counts[j] += 1
            total += predictions[j]
    best, chosen = _or_worst(score(total / counts.sum())) - _price(counts, prices), counts.copy()
    idle = 0  # rounds since the average was best
    while counts.sum() < n_rounds and idle < patience and not is_over(deadline):
        pool = possible if deadline is None else best_first
        pool = pool[_affordable(counts, costs, limits)[pool]]
        averages = ((total + predictions[j]) / (counts.sum() + 1) for j in pool)
        trials = _scored(score, averages, len(pool), within(deadline, _ROUND_SHARE))
        if shrinkage:
            trials -= _price(counts + np.eye(len(counts))[pool], prices)
        order = _best_first(trials)
        best_first, winner = pool[order], order[0]
        counts[pool[winner]] += 1
        total += predictions[pool[winner]]
        idle += 1
        if trials[winner] > best + tolerance and not np.isclose(trials[winner], best, rtol=_ROUNDING, atol=0.0):
            best, chosen, idle = trials[winner], counts.copy(), 0
    return chosen / chosen.sum()


def tempered(probabilities: np.ndarray, temperature: float) -> np.ndarray:
    """Probabilities made bolder (a temperature below 1) or more cautious (above); their order stays.

    Parameters
    ----------
    probabilities : ndarray of shape (n_rows, n_classes)
        Rows sum to one.
    temperature : float
        What logarithms are divided by.

    Returns
    -------
    ndarray of shape (n_rows, n_classes)
        Rows sum to one.
    """
    return softmax(_logs(probabilities) / temperature, axis=1)


def best_temperature(probabilities: np.ndarray, y: np.ndarray, sample_weight: np.ndarray | None = None) -> float:
    """The temperature with the least log loss (Guo et al. 2017), by Newton's method on its inverse.

    Parameters
    ----------
    probabilities : ndarray of shape (n_rows, n_classes)
        Out-of-fold predictions.
    y : ndarray of shape (n_rows,)
        Class indices.
    sample_weight : ndarray of shape (n_rows,), default=None
        Of the rows in the log loss.

    Returns
    -------
    float
        Between 0.2 and 5.

    References
    ----------
    C. Guo, G. Pleiss, Y. Sun & K. Weinberger (2017), "On calibration of modern neural networks".

    Examples
    --------
    A model that is right three times in four, and says that it is right always:

    >>> import numpy as np
    >>> p, y = np.array([[0.999, 0.001]] * 4), np.array([0, 0, 0, 1])
    >>> tempered(p, best_temperature(p, y))[0].round(2)
    array([0.8, 0.2])
    """
    logs, inverse = _logs(probabilities), 1.0
    share = np.full(len(y), 1 / len(y)) if sample_weight is None else sample_weight / sample_weight.sum()
    of_true = share @ logs[np.arange(len(y)), y]
    for _ in range(50):
        weights = softmax(inverse * logs, axis=1)
        means = (weights * logs).sum(axis=1)
        slope, curvature = share @ means - of_true, share @ ((weights * logs**2).sum(axis=1) - means**2)
        if curvature <= 0:
            break  # all classes alike in every row: no temperature changes anything
        following = np.clip(inverse - slope / curvature, max(0.2, inverse / 2), min(5.0, inverse * 2))
        if abs(following - inverse) < 1e-6:
            break
        inverse = float(following)
    return 1.0 / inverse


def _logs(probabilities: np.ndarray) -> np.ndarray:
    return np.log(np.clip(probabilities, 1e-6, 1.0))


def _affordable(counts: np.ndarray, costs: np.ndarray, limits: np.ndarray) -> np.ndarray:
    """Which members may be added to those taken: these again, and others as far as the limits go."""
    spent = costs[:, counts > 0].sum(axis=1, keepdims=True)
    return (counts > 0) | (spent + costs <= limits[:, None]).all(axis=0)


def _scored(
    score: Callable[[np.ndarray], float], averages: Iterable[np.ndarray], n: int, deadline: float | None
) -> np.ndarray:
    """Of each average; minus infinity where it is NaN, and for those, after the first, that there is no time for."""
    found = np.full(n, -np.inf)
    for i, average in enumerate(averages):
        if i and is_over(deadline):
            break
        found[i] = _or_worst(score(average))
    return found


def _best_first(scores: np.ndarray) -> np.ndarray:
    """Positions, the best first; of those that are alike up to rounding, which repeated rows change, the first."""
    finite = np.abs(scores[np.isfinite(scores)])
    unit = _ROUNDING * finite.max(initial=0.0) or 1.0
    return np.argsort(-np.rint(scores / unit), kind="stable")


def _losses(scores: np.ndarray, perfect: float) -> np.ndarray:
    """How far below a perfect score each is; nobody's where that is no number, and the worst's without a score."""
    known = np.isfinite(scores)
    if not known.any() or not np.isfinite(perfect):
        return np.zeros(len(scores))
    return np.maximum(perfect - np.where(known, scores, scores[known].min()), 0.0)


def _price(counts: np.ndarray, prices: np.ndarray) -> np.ndarray:
    """Of averages, (..., n_members): the squares of their weights, each times its price."""
    return (counts / counts.sum(axis=-1, keepdims=True)) ** 2 @ prices


def within(deadline: float | None, share: float) -> float | None:
    """When this share of the time until then will be over; None is never."""
    return None if deadline is None else time.monotonic() + share * (deadline - time.monotonic())


def is_over(deadline: float | None) -> bool:
    """Whether it is later than that, by ``time.monotonic()``; None is never over."""
    return deadline is not None and time.monotonic() > deadline


def _or_worst(score: float) -> float:
    return -np.inf if np.isnan(score) else float(score)
