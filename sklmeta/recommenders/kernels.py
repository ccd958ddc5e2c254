"""The mathematics of recommending, on arrays.

Throughout, ``Y`` has shape (n_tasks, n_configurations) and greater is better; ``w`` are task weights that sum to one.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy.stats import rankdata


def completed(Y: np.ndarray, failed: np.ndarray) -> np.ndarray:
    """Scores without gaps: failures count as the task's worst score, unknown ones are estimated.

    An unknown score is the mean over the tasks that know the configuration of its place between a task's worst and
    best score, put between this task's worst and best. A task without any score is flat.

    Parameters
    ----------
    Y : ndarray of shape (n_tasks, n_configurations)
        NaN where there is no score.
    failed : ndarray of bool of shape (n_tasks, n_configurations)
        Where there is no score because the configuration failed or ran over its limit.

    Returns
    -------
    ndarray of shape (n_tasks, n_configurations)
        Finite.
    """
    known = np.isfinite(Y)
    any_known = known.any(axis=1, keepdims=True)
    low = np.where(any_known, np.where(known, Y, np.inf).min(axis=1, keepdims=True, initial=np.inf), 0.0)
    high = np.where(any_known, np.where(known, Y, -np.inf).max(axis=1, keepdims=True, initial=-np.inf), 0.0)
    filled = np.where(failed & ~known, low, Y)
    known = np.isfinite(filled)
    span = np.where(high > low, high - low, 1.0)
    place = np.where(known, (np.where(known, filled, low) - low) / span, 0.0)
    counts = known.sum(axis=0)
    typical = np.where(counts > 0, place.sum(axis=0) / np.maximum(counts, 1), 0.5)
    return np.where(known, filled, low + typical * (high - low))


def scaled(Y: np.ndarray) -> np.ndarray:
    """Each task's scores from 0 (its worst) to 1 (its best); a flat task is all zeros."""
    low = Y.min(axis=1, keepdims=True)
    span = Y.max(axis=1, keepdims=True) - low
    return (Y - low) / np.where(span > 0, span, 1.0)


def mean_ranks(Y: np.ndarray, w: np.ndarray) -> np.ndarray:
    """Weighted mean over tasks of each configuration's rank, 1 for the best, ties shared; (n_configurations,)."""
    return w @ rankdata(-Y, axis=1, method="average")


def greedy_portfolio(
    Y: np.ndarray, w: np.ndarray, n: int, *, covered: np.ndarray | None = None, first: int | None = None
) -> list[int]:
    """The configurations that one by one raise the weighted mean of the best score so far the most.

    Where no configuration raises it any more, the order goes on by the weighted mean score. Ties go to the higher
    weighted mean, then to the earlier column.

    Parameters
    ----------
    Y : ndarray of shape (n_tasks, n_configurations)
        Finite.
    w : ndarray of shape (n_tasks,)
        Task weights.
    n : int
        How many to choose.
    covered : ndarray of shape (n_tasks,), default=None
        Best score on each task of what was tried before; None: nothing was.
    first : int, default=None
        A choice that is already made.

    Returns
    -------
    list of int
        Columns, in the order of choice.

    References
    ----------
    M. Wistuba, N. Schilling, L. Schmidt-Thieme (2015), "Sequential model-free hyperparameter tuning".
    """
    mean = w @ Y
    best = np.full(len(Y), -np.inf) if covered is None else np.array(covered, dtype=float)
    left = np.ones(Y.shape[1], dtype=bool)
    order: list[int] = []
    while len(order) < min(n, Y.shape[1]):
        if first is not None and not order:
            choice = first
        else:
            value = w @ np.maximum(Y, best[:, None])
            key = np.where(left, np.round(value, 12) + 1e-13 * np.argsort(np.argsort(mean)), -np.inf)
            choice = int(np.argmax(key))
        order.append(choice)
        left[choice] = False
        best = np.maximum(best, Y[:, choice])
    return order


def robust_scale(M: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Median and spread (interquartile range, or standard deviation where that is 0) of each column; NaN left out."""
    centre = np.array([np.median(c[np.isfinite(c)]) if np.isfinite(c).any() else 0.0 for c in M.T])
    spread = []
    for column in M.T:
        values = column[np.isfinite(column)]
        quartiles = np.subtract(*np.percentile(values, [75, 25])) if len(values) else 0.0
        spread.append(quartiles or (values.std() if len(values) else 0.0) or 1.0)
    return centre, np.array(spread)


def standardised(M: np.ndarray, centre: np.ndarray, spread: np.ndarray, limit: float = 3.0) -> np.ndarray:
    """Meta-features in spreads from the centre, cut at `limit`; a missing one is at the centre."""
    return np.nan_to_num(np.clip((M - centre) / spread, -limit, limit), nan=0.0)


def neighbour_weights(distances: np.ndarray, n_neighbors: int, mixing: float) -> np.ndarray:
    """Weights that fall with distance among the nearest tasks, mixed with equal weights for all.

    The kernel is Epanechnikov's with the distance of the first task that is no neighbour as its width.

    Parameters
    ----------
    distances : ndarray of shape (n_tasks,)
        From the new task.
    n_neighbors : int
        How many tasks are neighbours.
    mixing : float
        Share of the equal weights.

    Returns
    -------
    ndarray of shape (n_tasks,)
        Sums to one.
    """
    n = len(distances)
    uniform = np.full(n, 1 / n)
    width = np.sort(distances)[n_neighbors] if n_neighbors < n else distances.max() * (1 + 1 / n)
    kernel = np.clip(1 - (distances / width) ** 2, 0, None) if width > 0 else (distances == 0).astype(float)
    if kernel.sum() == 0:
        return uniform
    return (1 - mixing) * kernel / kernel.sum() + mixing * uniform


def weighted_quantile(values: np.ndarray, w: np.ndarray, q: Sequence[float]) -> np.ndarray:
    """Quantiles of `values`, shape (n,), under weights: the inverse of the weighted distribution function."""
    order = np.argsort(values)
    cumulated = np.cumsum(w[order])
    positions = np.searchsorted(cumulated, np.asarray(q) * cumulated[-1] - 1e-12)
    return values[order][np.minimum(positions, len(values) - 1)]


def softmax(values: np.ndarray, temperature: float) -> np.ndarray:
    """Softmax along the last axis."""
    shifted = (values - values.max(axis=-1, keepdims=True)) / temperature
    powers = np.exp(shifted)
    return powers / powers.sum(axis=-1, keepdims=True)
