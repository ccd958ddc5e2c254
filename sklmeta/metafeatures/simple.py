"""Simple meta-features: size, kinds of columns, classes."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from sklmeta.metafeatures._table import BOOLEAN, CATEGORY, DATE, NUMBER, Table
from sklmeta.metafeatures._target import Target

_COLUMNS = {
    "log_rows": "Natural logarithm of the number of rows [1].",
    "log_columns": "Natural logarithm of the number of columns [1].",
    "log_columns_per_row": "Natural logarithm of columns over rows [3].",
    "share_number": "Share of columns that hold numbers [2].",
    "share_boolean": "Share of boolean columns [1].",
    "share_date": "Share of dates and durations.",
    "share_category": "Share of columns that hold categories or text [2].",
    "share_binary": "Share of columns with exactly two distinct values [1].",
    "share_whole": "Share of columns that hold whole numbers only, of more than two values.",
    "log_levels_mean": "Mean over categorical columns of log(1 + levels); levels in the subsample [1].",
    "log_levels_max": "Largest log(1 + levels) of a categorical column [1].",
    "log_encoded_columns": "Logarithm of the columns after one-hot encoding: other columns plus levels [3].",
}
_CLASSES = {
    "log_classes": "Natural logarithm of the number of classes [1].",
    "class_balance": "Entropy of the classes over its maximum, log(classes); 1 is balanced [3].",
    "minority_share": "Share of rows in the rarest class [2].",
    "majority_share": "Share of rows in the commonest class: accuracy of the constant guess [2].",
    "log_imbalance": "Logarithm of rows of the commonest over rows of the rarest class [2].",
    "log_rows_per_class": "Natural logarithm of rows over classes [3].",
    "share_rare_classes": "Share of classes with fewer than ten rows.",
}
_QUANTITY = {
    "target_distinct": "Distinct target values over rows, in the subsample [2].",
    "target_mode_share": "Share of rows with the commonest target value (many zeros, say).",
    "target_whole": "1 if the target holds whole multiples of its smallest step (counts), else 0.",
    "target_one_sided": "1 if the target has no negative or no positive values, else 0.",
}
MEANINGS = {"classification": _COLUMNS | _CLASSES, "regression": _COLUMNS | _QUANTITY}


def simple(table: Table, target: Target) -> dict[str, float]:
    """Size, kinds of columns and classes; names in `MEANINGS`."""
    about_target = _classes(target.class_counts) if target.is_classification else _quantity(target.values)
    return _size(table) | _kinds(table) | _levels(table) | about_target


def _size(table: Table) -> dict[str, float]:
    rows, columns = np.log(table.n_rows), np.log(table.n_columns)
    return {"log_rows": rows, "log_columns": columns, "log_columns_per_row": columns - rows}


def _kinds(table: Table) -> dict[str, float]:
    shares = {kind: (table.kinds == kind).mean() for kind in (NUMBER, BOOLEAN, DATE, CATEGORY)}
    distinct = np.concatenate([table.is_new_value.sum(axis=0), table.n_levels])
    numbers = table.kinds[table.kinds != CATEGORY] == NUMBER
    whole = numbers & _is_whole(table.numeric, table.present) & (table.is_new_value.sum(axis=0) > 2)
    return {
        **{f"share_{kind}": share for kind, share in shares.items()},
        "share_binary": (distinct == 2).mean(),
        "share_whole": whole.sum() / len(distinct),
    }


def _is_whole(numeric: NDArray, present: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Which columns (n, p) hold whole numbers only; beyond 2**53 every float is one, so none counts."""
    return (((np.rint(numeric) == numeric) & (np.abs(numeric) < 2.0**53)) | ~present).all(axis=0)


def _levels(table: Table) -> dict[str, float]:
    logs = np.log1p(table.n_levels)
    others = table.n_columns * (table.kinds != CATEGORY).mean()
    levels = table.n_levels.sum() * table.n_columns / len(table.kinds)
    return {
        "log_levels_mean": logs.mean() if len(logs) else 0.0,
        "log_levels_max": logs.max(initial=0.0),
        "log_encoded_columns": np.log(max(others + levels, 1.0)),
    }


def _classes(counts: NDArray) -> dict[str, float]:
    shares = counts / counts.sum()
    n_classes = len(counts)
    entropy = -(shares * np.log(shares)).sum()
    return {
        "log_classes": np.log(n_classes),
        "class_balance": entropy / np.log(n_classes) if n_classes > 1 else 0.0,
        "minority_share": shares.min(),
        "majority_share": shares.max(),
        "log_imbalance": np.log(counts.max() / counts.min()),
        "log_rows_per_class": np.log(counts.sum() / n_classes),
        "share_rare_classes": (counts < 10).mean(),
    }


def _quantity(values: NDArray) -> dict[str, float]:
    distinct, counts = np.unique(values, return_counts=True)
    return {
        "target_distinct": len(distinct) / len(values),
        "target_mode_share": counts.max() / len(values),
        "target_whole": float(_has_step(distinct)),
        "target_one_sided": float(distinct[0] >= 0 or distinct[-1] <= 0),
    }


def _has_step(distinct: NDArray) -> bool:
    """Whether all gaps between sorted distinct values are multiples of the smallest one."""
    gaps = np.diff(distinct)
    if len(gaps) == 0:
        return True
    if gaps.min() < 1e-9:  # of values scaled to [-1, 1]
        return False
    multiples = gaps / gaps.min()
    return bool(np.abs(multiples - np.rint(multiples)).max() < 1e-6)
