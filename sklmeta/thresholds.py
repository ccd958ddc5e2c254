"""From which probability on a row counts as the second of two classes, where the metric judges labels."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import numpy as np

from sklmeta.ensemble import is_over

_CANDIDATES = 101  # thresholds that are tried


def shifted(probabilities: np.ndarray, threshold: float) -> np.ndarray:
    """Probabilities whose odds are divided by those of a threshold: what was at it is one half then.

    Parameters
    ----------
    probabilities : ndarray of shape (n_rows, 2)
        Of two classes.
    threshold : float
        Between 0 and 1, both excluded.

    Returns
    -------
    ndarray of shape (n_rows, 2)
        Their order stays.

    Examples
    --------
    >>> shifted(np.array([[0.8, 0.2], [0.9, 0.1]]), 0.2).round(2)
    array([[0.5 , 0.5 ],
           [0.69, 0.31]])
    """
    weighted = probabilities * np.array([threshold, 1 - threshold])
    total = weighted.sum(axis=1, keepdims=True)
    return weighted / np.where(total > 0, total, 1.0)


def best_threshold(
    probabilities: np.ndarray, score: Callable[[np.ndarray], float], deadline: float | None = None
) -> float:
    """The threshold with the best score, as scikit-learn's TunedThresholdClassifierCV looks for it.

    Parameters
    ----------
    probabilities : ndarray of shape (n_rows, 2)
        Of two classes.
    score : callable
        Of probabilities whose larger one is the label, greater is better.
    deadline : float, default=None
        By ``time.monotonic()``, after which one half is the answer.

    Returns
    -------
    float
        Midway between two probabilities of the second class that occur; of equally good ones the nearest to one half,
        which is itself among those that are tried.
    """
    levels = np.unique(np.quantile(probabilities[:, 1], np.linspace(0, 1, _CANDIDATES)))
    tried = np.append((levels[1:] + levels[:-1]) / 2, 0.5)
    tried = tried[(tried > 0) & (tried < 1)]
    scores = np.array([np.nan if is_over(deadline) else score(shifted(probabilities, t)) for t in tried])
    if is_over(deadline) or not np.isfinite(scores).any():
        return 0.5
    best = tried[scores >= np.nanmax(scores) - 1e-12]
    return float(best[np.abs(best - 0.5).argmin()])


def proven_threshold(
    probabilities: np.ndarray,
    splits: Iterable[tuple[np.ndarray, np.ndarray]],
    scored: Callable[[np.ndarray], Callable[[np.ndarray], float]],
    deadline: float | None = None,
) -> float:
    """The best threshold of all rows, if those of the other rows help on each part; else one half.

    It helps if the mean gain over parts is more than its standard error: few rows, or few of one class, prove little.

    Parameters
    ----------
    probabilities : ndarray of shape (n_rows, 2)
        Of two classes.
    splits : iterable of (train, test)
        Row positions.
    scored : callable
        ``scored(rows)(probabilities)`` is the score of probabilities of these rows, greater is better; NaN where it is
        undefined. Where it raises, nothing is proven.
    deadline : float, default=None
        By ``time.monotonic()``, after which nothing is proven.

    Returns
    -------
    float
        Between 0 and 1.
    """
    gains = []
    for train, test in splits:
        try:
            threshold, score = best_threshold(probabilities[train], scored(train), deadline), scored(test)
            gain = score(shifted(probabilities[test], threshold)) - score(probabilities[test])
        except Exception:  # a metric of one's own may need what a part lacks, such as rows of both classes
            return 0.5
        if is_over(deadline):
            return 0.5
        gains.append(0.0 if np.isnan(gain) else gain)
    if len(gains) < 2 or not np.mean(gains) > np.std(gains, ddof=1) / np.sqrt(len(gains)):
        return 0.5
    return best_threshold(probabilities, scored(np.arange(len(probabilities))), deadline)
