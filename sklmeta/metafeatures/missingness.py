"""Meta-features of what is missing, and of whether that tells about the target."""

from __future__ import annotations

import numpy as np

from sklmeta.metafeatures._table import Table
from sklmeta.metafeatures._target import Target

_MEANINGS = {
    "missing_cells": "Share of cells that are missing, in the whole table [2].",
    "missing_columns": "Share of columns with at least one missing cell, in the whole table [2].",
    "missing_rows": "Share of rows with at least one missing cell, in the subsample [2].",
    "missing_max": "Largest share of missing cells in a column, in the whole table.",
    "missing_spread": "Standard deviation over columns of their share of missing cells.",
    "empty_columns": "Share of columns without a single value, in the whole table.",
    "missing_tells": "Multiple R2 of the target (its classes, averaged by variance) on the number of missing "
    "cells of a row: 0 where missingness is unrelated to it.",
}
MEANINGS = {"classification": _MEANINGS, "regression": _MEANINGS}


def missingness(table: Table, target: Target) -> dict[str, float]:
    """How much is missing, where, and whether it is informative; names in `MEANINGS`."""
    per_row = (~table.present).sum(axis=1) + (table.codes < 0).sum(axis=1)
    return {
        "missing_cells": table.missing.mean(),
        "missing_columns": (table.missing > 0).mean(),
        "missing_rows": (per_row > 0).mean(),
        "missing_max": table.missing.max(),
        "missing_spread": table.missing.std(),
        "empty_columns": (table.missing == 1).mean(),
        "missing_tells": _explained(per_row.astype(np.float64), target.indicator),
    }


def _explained(x: np.ndarray, targets: np.ndarray) -> float:
    """Share of the total variance of `targets` (n, k) that a line in `x` (n,) explains."""
    x = x - x.mean()
    centred = targets - targets.mean(axis=0)
    total = (centred**2).sum() * (x @ x)
    return float(((x @ centred) ** 2).sum() / total) if total > 0 else 0.0
