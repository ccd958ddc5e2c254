"""Information-theoretic meta-features: what single columns, binned, tell about the target."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from sklmeta.metafeatures._sampling import target_strata
from sklmeta.metafeatures._table import Table
from sklmeta.metafeatures._target import Target

N_BINS = 8
MAX_LEVELS = 30

_MEANINGS = {
    "target_entropy": "Entropy in nats of the classes, or of the target in up to 8 groups of equal size [1].",
    "column_entropy_mean": "Mean entropy of binned columns over the largest possible [1].",
    "column_entropy_min": "Smallest such entropy.",
    "information_mean": "Mean mutual information of binned columns and target, less its expectation under "
    "independence, over the target's entropy [1, 6].",
    "information_max": "Largest such information: the best single column [1].",
    "information_top3": "Mean of the three largest.",
    "informative_columns": "Share of columns whose information is two standard deviations beyond chance (G-test).",
    "information_spread": "Columns that carry the information: exp(entropy of its shares) over columns. "
    "Near 0: one column does; 1: all alike.",
    "log_columns_needed": "Logarithm of 1 + target entropy over mean information: 'equivalent number of "
    "attributes', at most 1000 [1].",
    "log_noise_ratio": "Logarithm of 1 + uninformative over informative entropy of columns, at most 1000 [1].",
    "information_category": "Mean such information of categorical columns only.",
}
MEANINGS = {"classification": _MEANINGS, "regression": _MEANINGS}
_LARGEST_RATIO = 1000.0


def information(table: Table, target: Target) -> dict[str, float]:
    """Entropies and mutual information of single columns with the target; names in `MEANINGS`.

    Missing cells count as one more value of their column.
    """
    groups = target.values if target.is_classification else target_strata(target.values, N_BINS)
    joint = joint_counts(bin_columns(table), np.unique(groups, return_inverse=True)[1])
    columns, classes = entropy(joint.sum(axis=2)), entropy(joint[:1].sum(axis=1))[0]
    told = np.maximum(mutual_information(joint) - chance_information(joint), 0.0)
    share = told / classes if classes > 0 else told
    capacity = np.log(np.maximum((joint.sum(axis=2) > 0).sum(axis=1), 2))
    top = np.sort(share)[::-1]
    return {
        "target_entropy": classes,
        "column_entropy_mean": (columns / capacity).mean(),
        "column_entropy_min": (columns / capacity).min(),
        "information_mean": share.mean(),
        "information_max": top[0],
        "information_top3": top[:3].mean(),
        "informative_columns": _beyond_chance(joint).mean(),
        "information_spread": _spread(told),
        "log_columns_needed": _log_ratio(classes, told.mean()),
        "log_noise_ratio": _log_ratio(max(columns.mean() - told.mean(), 0.0), told.mean()),
        "information_category": share[table.numeric.shape[1] :].mean() if table.codes.size else 0.0,
    }


def bin_columns(table: Table) -> NDArray[np.intp]:
    """Bin of each cell: eighths of the rank of a number, the level of a category; missing is a bin too.

    Equal numbers share their mean rank, so a column of a few values keeps them apart. Levels beyond the
    30 most frequent ones share a bin.

    Returns
    -------
    ndarray of int, shape (n, n_numeric + n_categorical)
        Numeric columns first, then categorical ones; bins from 0 to 31.
    """
    n = len(table)
    count = table.present.sum(axis=0)
    position = np.arange(n)[:, None]
    is_last = np.roll(table.is_new_value, -1, axis=0) | (position >= count - 1)
    first = np.maximum.accumulate(np.where(table.is_new_value, position, 0), axis=0)
    last = np.minimum.accumulate(np.where(is_last, position, n)[::-1], axis=0)[::-1]
    ordered = np.where(position < count, N_BINS * (first + last + 1) // (2 * np.maximum(count, 1)), N_BINS)
    bins = np.empty_like(ordered)
    np.put_along_axis(bins, table.order, ordered, axis=0)
    levels = np.where(table.codes < 0, MAX_LEVELS + 1, np.minimum(table.codes, MAX_LEVELS))
    return np.hstack([bins, levels])


def joint_counts(bins: NDArray, groups: NDArray) -> NDArray[np.intp]:
    """How often each bin of each column meets each group: (n, p) and (n,) give (p, n_bins, n_groups)."""
    p = bins.shape[1]
    n_bins, n_groups = bins.max() + 1, groups.max() + 1
    cells = (np.arange(p) * n_bins + bins) * n_groups + groups[:, None]
    return np.bincount(cells.ravel(), minlength=p * n_bins * n_groups).reshape(p, n_bins, n_groups)


def entropy(counts: NDArray) -> NDArray[np.float64]:
    """Entropy in nats along the last axis of counts."""
    total = np.maximum(counts.sum(axis=-1), 1)
    logs = np.log(np.maximum(counts, 1))
    return np.maximum(np.log(total) - (counts * logs).sum(axis=-1) / total, 0.0)


def mutual_information(joint: NDArray) -> NDArray[np.float64]:
    """Mutual information in nats of the two last axes of joint counts, shape (p, a, b) to (p,)."""
    both = entropy(joint.reshape(len(joint), -1))
    return np.maximum(entropy(joint.sum(axis=2)) + entropy(joint.sum(axis=1)) - both, 0.0)


def chance_information(joint: NDArray) -> NDArray[np.float64]:
    """What independent variables would show on average: degrees of freedom over 2n (Miller 1955)."""
    return _freedom(joint) / (2 * joint[0].sum())


def _freedom(joint: NDArray) -> NDArray[np.intp]:
    return ((joint.sum(axis=2) > 0).sum(axis=1) - 1) * ((joint.sum(axis=1) > 0).sum(axis=1) - 1)


def _beyond_chance(joint: NDArray) -> NDArray[np.bool_]:
    """2n times the information is chi-squared under independence: mean f, standard deviation sqrt(2f)."""
    freedom = _freedom(joint)
    return 2 * joint[0].sum() * mutual_information(joint) > freedom + 2 * np.sqrt(2 * freedom) + 1e-9


def _spread(told: NDArray) -> float:
    total = told.sum()
    if total <= 0:
        return 0.0
    shares = told[told > 0] / total
    return float(np.exp(-(shares * np.log(shares)).sum()) / len(told))


def _log_ratio(above: float, below: float) -> float:
    ratio = above / below if below * _LARGEST_RATIO > above else _LARGEST_RATIO * (above > 0)
    return float(np.log1p(ratio))
