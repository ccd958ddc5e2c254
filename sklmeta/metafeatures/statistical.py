"""Statistical meta-features: shapes of the columns, their correlations, linear ties to the target."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from sklmeta.metafeatures._table import Table
from sklmeta.metafeatures._target import Target
from sklmeta.metafeatures.learners import squared_distances

_VARIANCE_FLOOR = 1e-3  # of columns with variance 1: keeps the logarithm of a constant class finite

_SHAPES = {
    "constant_columns": "Share of columns with at most one value [2].",
    "skewness_mean": "Mean over numeric columns of |skewness| [1, 3].",
    "skewness_max": "Largest |skewness| [1, 3].",
    "log_kurtosis_mean": "Mean over numeric columns of log Pearson's kurtosis (normal: log 3) [1, 3].",
    "log_kurtosis_max": "Largest log Pearson's kurtosis [1, 3].",
    "outliers_mean": "Mean share of values beyond 3 interquartile ranges from the quartiles [2].",
    "outliers_max": "Largest such share of a column [2].",
    "zeros": "Share of numeric cells that are exactly zero [2].",
    "distinct_mean": "Mean over numeric columns of distinct values over present values [2].",
    "few_values": "Share of numeric columns with at most ten distinct values.",
    "scale_spread": "Standard deviation over numeric columns of log10 of their standard deviation.",
    "correlation_mean": "Mean |correlation| between numeric columns [1].",
    "correlation_max": "Largest |correlation| between two numeric columns [2].",
    "correlation_high": "Share of pairs of numeric columns with |correlation| above 0.5 [2].",
    "effective_dimension": "Participation ratio of the components' variances over their number [4].",
    "components_95": "Share of principal components that hold 95 % of the variance [2].",
    "first_component": "Share of variance on the first principal component [1].",
}
_CLASSES = {
    "fisher_mean": "Mean over numeric columns of the variance share between classes (eta squared) [5].",
    "fisher_max": "Largest variance share between classes of a numeric column [5].",
    "variance_differs": "Mean over numeric columns of log pooled variance less the weighted mean of log "
    "class variances: Bartlett's statistic per row, 0 where classes spread alike [1].",
    "closest_centres": "Smallest distance between the centres of two classes, over sqrt(columns) [2].",
}
_QUANTITY = {
    "target_correlation_mean": "Mean |correlation| of numeric columns with the target [3].",
    "target_correlation_max": "Largest |correlation| of a numeric column with the target [3].",
    "target_skewness": "Skewness of the target [3].",
    "target_log_kurtosis": "Logarithm of Pearson's kurtosis of the target [3].",
    "target_outliers": "Share of target values beyond 3 interquartile ranges from the quartiles [2].",
}
MEANINGS = {"classification": _SHAPES | _CLASSES, "regression": _SHAPES | _QUANTITY}


def statistical(table: Table, target: Target) -> dict[str, float]:
    """Shapes, correlations and ties to the target of numeric columns; names in `MEANINGS`.

    What has nothing to be computed from (no numeric column, one only for correlations) is 0.
    """
    of_columns = _shapes(table) | _values(table) | _correlations(table.standardised[:, table.varies])
    return of_columns | (_classes(table, target) if target.is_classification else _quantity(table, target))


def skewness(standardised: NDArray, count: NDArray) -> NDArray[np.float64]:
    """Third standardised moment of columns (n, p) that are 0 outside their `count` (p,) present cells."""
    return (standardised * standardised * standardised).sum(axis=0) / np.maximum(count, 1)


def kurtosis(standardised: NDArray, count: NDArray) -> NDArray[np.float64]:
    """Fourth standardised moment (Pearson: 3 for a normal); 1, its lower bound, for a constant column."""
    squares = standardised * standardised
    return np.maximum((squares * squares).sum(axis=0) / np.maximum(count, 1), 1.0)


def outlier_share(ordered: NDArray, count: NDArray, reach: float = 3.0) -> NDArray[np.float64]:
    """Share of values beyond `reach` interquartile ranges outside the quartiles.

    Parameters
    ----------
    ordered : ndarray of shape (n, p)
        Columns in ascending order, NaN last.
    count : ndarray of int, shape (p,)
        Values that are not NaN.
    reach : float, default=3.0
        3 marks "far out" values (Tukey 1977); a column whose quartiles coincide has none.
    """
    columns = np.arange(ordered.shape[1])
    low = ordered[count // 4, columns]
    high = ordered[np.maximum((3 * count) // 4 - (count % 4 == 0), 0), columns]
    margin = reach * (high - low)
    out = (ordered < low - margin) | (ordered > high + margin)
    return np.where(margin > 0, out.sum(axis=0) / np.maximum(count, 1), 0.0)


def _shapes(table: Table) -> dict[str, float]:
    z, count = table.standardised, table.present.sum(axis=0)
    keep = table.varies
    skew, kurt = np.abs(skewness(z, count))[keep], np.log(kurtosis(z, count))[keep]
    ordered = np.where(
        np.take_along_axis(table.present, table.order, axis=0),
        np.take_along_axis(z, table.order, axis=0),
        np.nan,
    )
    out = outlier_share(ordered, count)
    return {
        "skewness_mean": _mean(skew),
        "skewness_max": skew.max(initial=0.0),
        "log_kurtosis_mean": _mean(kurt),
        "log_kurtosis_max": kurt.max(initial=0.0),
        "outliers_mean": _mean(out),
        "outliers_max": out.max(initial=0.0),
    }


def _values(table: Table) -> dict[str, float]:
    count, distinct = table.present.sum(axis=0), table.is_new_value.sum(axis=0)
    constant = (distinct <= 1).sum() + (table.n_levels <= 1).sum()
    return {
        "constant_columns": constant / len(table.kinds),
        "zeros": (table.numeric == 0).mean() if table.numeric.size else 0.0,
        "distinct_mean": _mean(distinct / np.maximum(count, 1)),
        "few_values": _mean(distinct <= 10),
        "scale_spread": _scale_spread(table),
    }


def _scale_spread(table: Table) -> float:
    keep = table.varies
    largest = np.abs(table.numeric).max(axis=0, initial=0.0, where=table.present)[keep]
    scaled = np.where(table.present[:, keep], table.numeric[:, keep] / largest, 0.0)
    count = table.present[:, keep].sum(axis=0)
    variance = (scaled**2).sum(axis=0) / count - (scaled.sum(axis=0) / count) ** 2
    logs = np.log10(largest) + 0.5 * np.log10(np.maximum(variance, 1e-24))
    return float(logs.std()) if len(logs) else 0.0


def _correlations(z: NDArray) -> dict[str, float]:
    """Of standardised, varying columns, shape (n, p)."""
    n, p = z.shape
    matrix = z.T @ z / n
    pairs = np.minimum(np.abs(matrix[np.triu_indices(p, 1)]), 1.0)
    return {
        "correlation_mean": _mean(pairs),
        "correlation_max": pairs.max(initial=0.0),
        "correlation_high": _mean(pairs > 0.5),
        **_components(z, matrix),
    }


def _components(z: NDArray, matrix: NDArray) -> dict[str, float]:
    n, p = z.shape
    if p == 0:
        return {"effective_dimension": 0.0, "components_95": 0.0, "first_component": 0.0}
    small = matrix if p <= n else z @ z.T / n  # the same eigenvalues, zeros aside
    variances = np.maximum(np.linalg.eigvalsh(small)[::-1], 0.0)
    shares = variances / variances.sum()
    return {
        "effective_dimension": 1.0 / (shares**2).sum() / p,
        "components_95": (1 + (np.cumsum(shares) < 0.95).sum()) / p,
        "first_component": shares[0],
    }


def _classes(table: Table, target: Target) -> dict[str, float]:
    z = table.standardised[:, table.varies]
    centres, variances, shares = class_moments(z, target.indicator)
    between = shares @ centres**2
    within = shares @ variances
    fisher = between / np.maximum(between + within, 1e-12)
    pooled = np.log(np.maximum(within, _VARIANCE_FLOOR))
    differs = pooled - shares @ np.log(np.maximum(variances, _VARIANCE_FLOOR))
    return {
        "fisher_mean": _mean(fisher),
        "fisher_max": fisher.max(initial=0.0),
        "variance_differs": _mean(differs),
        "closest_centres": _closest(centres),
    }


def _closest(centres: NDArray) -> float:
    """Smallest distance between two rows (k, p), over sqrt(p)."""
    k, p = centres.shape
    if k < 2 or p == 0:
        return 0.0
    squares = squared_distances(centres, centres)[np.triu_indices(k, 1)]
    return float(np.sqrt(squares.min() / p))


def class_moments(z: NDArray, indicator: NDArray) -> tuple[NDArray, NDArray, NDArray]:
    """Means (k, p) and variances (k, p) of the classes, and their shares (k,).

    Parameters
    ----------
    z : ndarray of shape (n, p)
        Standardised columns.
    indicator : ndarray of shape (n, k)
        1 where the row is of the class; each class has a row.
    """
    counts = indicator.sum(axis=0)
    centres = indicator.T @ z / counts[:, None]
    variances = np.maximum(indicator.T @ z**2 / counts[:, None] - centres**2, 0.0)
    return centres, variances, counts / counts.sum()


def _quantity(table: Table, target: Target) -> dict[str, float]:
    y = target.indicator
    with_target = np.minimum(np.abs(table.standardised[:, table.varies].T @ y[:, 0]) / len(y), 1.0)
    count = np.array([len(y)])
    return {
        "target_correlation_mean": _mean(with_target),
        "target_correlation_max": with_target.max(initial=0.0),
        "target_skewness": skewness(y, count)[0],
        "target_log_kurtosis": np.log(kurtosis(y, count))[0],
        "target_outliers": outlier_share(np.sort(y, axis=0), count)[0],
    }


def _mean(values: NDArray) -> float:
    return float(np.mean(values)) if len(values) else 0.0
