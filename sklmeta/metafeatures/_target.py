"""The target of a task: read from whatever the user holds, checked, coded."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pandas.api import types

from sklmeta.metafeatures._sampling import target_strata
from sklmeta.metafeatures._table import factorize

TASKS = ("classification", "regression")
MAX_INTEGER_CLASSES = 20
_TIMES = ("datetime64", "datetime", "date", "time", "timedelta64", "timedelta", "period")


@dataclass(frozen=True)
class Target:
    """Target values of some rows, and the exact class counts of the whole table.

    Parameters
    ----------
    task : {"classification", "regression"}
        What kind of target it is.
    values : ndarray of shape (n,)
        Class codes from 0 (classification), or finite numbers scaled to [-1, 1] (regression).
    class_counts : ndarray of shape (n_classes,)
        Rows of each class in the whole table; empty for regression.
    """

    task: str
    values: NDArray
    class_counts: NDArray[np.intp]

    def __len__(self) -> int:
        return len(self.values)

    @property
    def is_classification(self) -> bool:
        """Whether the values are classes."""
        return self.task == "classification"

    def take(self, rows: NDArray) -> Target:
        """The target of the given rows."""
        return replace(self, values=self.values[rows])

    @cached_property
    def strata(self) -> NDArray[np.intp]:
        """Stratum of each row: its class, or its group of neighbouring values."""
        return self.values if self.is_classification else target_strata(self.values)

    @cached_property
    def indicator(self) -> NDArray[np.float64]:
        """One column per class present, or the standardised values as the only column."""
        if self.is_classification:
            present, codes = np.unique(self.values, return_inverse=True)
            return np.eye(len(present))[codes]
        centred = self.values - self.values.mean()
        spread = centred.std()
        return (centred / spread if spread > 1e-12 else np.zeros_like(centred))[:, None]


def infer_task(y: Any) -> str:
    """Tell classification from regression by the target's values.

    Strings, categories and booleans are classes. Numbers with a fraction are a quantity. Whole numbers,
    stored as integers or not, are classes while there are at most 20 distinct ones, a quantity beyond.

    Parameters
    ----------
    y : array-like of shape (n_rows,)
        The target.

    Returns
    -------
    {"classification", "regression"}
        The type of the task.

    Raises
    ------
    ValueError
        If `y` has missing or infinite values, more than one column, no rows, or holds dates or durations.

    Examples
    --------
    >>> from sklmeta.metafeatures import infer_task
    >>> infer_task(["cat", "dog", "cat"])
    'classification'
    >>> infer_task([1.5, 2.0, 3.25])
    'regression'
    >>> infer_task(range(100))
    'regression'
    """
    column = _as_column(y)
    held = types.infer_dtype(column)
    if held in _TIMES:
        raise ValueError(
            f"y holds dates or durations ({held}), which are neither classes nor numbers. Convert them to numbers, "
            "such as days; or to text, if they are classes."
        )
    if not types.is_numeric_dtype(column.dtype) or types.is_bool_dtype(column.dtype):
        return "classification"
    whole = types.is_integer_dtype(column.dtype) or bool(np.all(column.to_numpy(dtype=np.float64) % 1 == 0))
    return "classification" if whole and column.nunique() <= MAX_INTEGER_CLASSES else "regression"


def read_target(y: Any, task: str | None = None) -> Target:
    """Check and code a target.

    Parameters
    ----------
    y : array-like of shape (n_rows,)
        Classes of any hashable type, or numbers.
    task : {"classification", "regression"} or None, default=None
        What `y` means; None infers it with :func:`infer_task`.

    Returns
    -------
    Target
        Of all rows.

    Raises
    ------
    ValueError
        If `y` has missing or infinite values, more than one column, no rows, or text under regression.
    """
    if task is not None and task not in TASKS:
        raise ValueError(f"task must be 'classification', 'regression' or None, got {task!r}.")
    column = _as_column(y)
    if (task or infer_task(column)) == "classification":
        codes, classes = factorize(column, "y")
        return Target("classification", codes, np.bincount(codes, minlength=len(classes)))
    return Target("regression", _scaled_numbers(column), np.empty(0, dtype=np.intp))


def _as_column(y: Any) -> pd.Series:
    """`y` as a Series of one dtype, without missing values."""
    if isinstance(y, pd.api.extensions.ExtensionArray | pd.Index):
        y = pd.Series(y)
    if not isinstance(y, pd.Series):
        values = y.to_numpy() if isinstance(y, pd.DataFrame) else np.asarray(y)
        if values.ndim == 2 and values.shape[1] == 1:
            values = values[:, 0]
        if values.ndim != 1:
            raise ValueError(
                f"y must be one column, got shape {values.shape}. Multilabel and multi-output targets "
                "are not supported: describe one output at a time."
            )
        y = pd.Series(values)
    if types.is_object_dtype(y.dtype):
        y = y.infer_objects()
    _check_complete(y)
    return y


def _check_complete(y: pd.Series) -> None:
    if len(y) == 0:
        raise ValueError("y has 0 rows: at least one is needed.")
    if types.is_complex_dtype(y.dtype):
        raise ValueError(f"y has dtype {y.dtype}: complex targets are not supported.")
    missing = y.isna().to_numpy()
    if missing.any():
        raise ValueError(
            f"y has {missing.sum()} missing value(s), the first at row {missing.argmax()}. "
            "Drop the rows whose target is unknown."
        )
    if types.is_float_dtype(y.dtype) and np.isinf(y.to_numpy(dtype=np.float64)).any():
        row = np.isinf(y.to_numpy(dtype=np.float64)).argmax()
        raise ValueError(f"y has an infinite value at row {row}. Drop or clip it.")


def _scaled_numbers(column: pd.Series) -> NDArray[np.float64]:
    """The numbers divided by the largest magnitude, so that squares cannot overflow."""
    if not types.is_numeric_dtype(column.dtype):
        raise ValueError(
            f"y has dtype {column.dtype}, but regression needs numbers. Convert it, or pass task='classification'."
        )
    values = column.to_numpy(dtype=np.float64)
    return values / max(np.abs(values).max(), np.finfo(float).tiny)
