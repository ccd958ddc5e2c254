"""Stratified subsamples and folds: plain functions on arrays of stratum codes."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

N_TARGET_STRATA = 10


def target_strata(values: NDArray, n_strata: int = N_TARGET_STRATA) -> NDArray[np.intp]:
    """Stratum codes of a numeric target: groups of neighbouring values of about equal size.

    Parameters
    ----------
    values : ndarray of shape (n_rows,)
        Finite numbers. Equal values share a stratum.
    n_strata : int, default=10
        At most that many strata.

    Returns
    -------
    ndarray of int, shape (n_rows,)
        From 0 to ``n_strata - 1``, growing with the value.
    """
    edges = np.sort(values)[np.arange(1, n_strata) * len(values) // n_strata]
    return np.searchsorted(np.unique(edges), values, side="right")


def stratified_rows(strata: NDArray, n_rows: int, rng: np.random.RandomState) -> NDArray[np.intp]:
    """Draw rows without replacement, each stratum in proportion, small strata no less than a floor.

    Parameters
    ----------
    strata : ndarray of int, shape (n,)
        Stratum of each row, from 0.
    n_rows : int
        How many rows to draw; all of them when there are no more.
    rng : RandomState
        Source of randomness; consumes the same number of draws whatever the order of `strata`.

    Returns
    -------
    ndarray of int, shape (min(n, n_rows),)
        Row numbers in random order. A stratum whose proportional share is below ``n_rows / (5 *
        n_strata)``, or below 2, gets that many as far as it has them: what a landmarker says about a
        rare class should not rest on one row.
    """
    shuffled = rng.permutation(len(strata))
    if len(strata) <= n_rows:
        return shuffled
    counts = np.bincount(strata)
    floor = max(2, n_rows // (5 * len(counts)))
    share = np.maximum(n_rows / len(strata), floor / np.maximum(counts, 1))
    rank = _rank_within(strata[shuffled])
    priority = (rank + 0.5) / (counts * share)[strata[shuffled]]
    return shuffled[np.sort(np.argpartition(priority, n_rows - 1)[:n_rows])]


def stratified_folds(strata: NDArray, n_folds: int) -> NDArray[np.intp]:
    """Deal the rows of each stratum round to `n_folds` folds, in the order in which they stand.

    Returns
    -------
    ndarray of int, shape (n,)
        Fold of each row. Fold sizes differ by at most one, as do a stratum's shares of them.
    """
    folds = np.empty(len(strata), dtype=np.intp)
    folds[np.argsort(strata, kind="stable")] = np.arange(len(strata)) % n_folds
    return folds


def _rank_within(strata: NDArray) -> NDArray[np.intp]:
    """How many rows of the same stratum stand before each row."""
    order = np.argsort(strata, kind="stable")
    counts = np.bincount(strata)
    starts = np.cumsum(counts) - counts
    rank = np.empty(len(strata), dtype=np.intp)
    rank[order] = np.arange(len(strata)) - starts[strata[order]]
    return rank
