"""A table as meta-features see it: a numeric block and coded categories of a bounded number of rows."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pandas.api import types
from scipy import sparse

from sklmeta.preprocessing import as_pandas, without_arrow, without_objects

NUMBER, BOOLEAN, DATE, CATEGORY = "number", "boolean", "date", "category"
CONSTANT_BELOW = 1e-12  # standard deviation of a column scaled to [-1, 1]: rounding, not variation


@dataclass(frozen=True)
class Table:
    """Some rows and columns of a table, and what is known exactly about the whole of it.

    Parameters
    ----------
    n_rows, n_columns : int
        Size of the whole table.
    kinds : ndarray of str, shape (n_picked,)
        Kind of each picked column: "number", "boolean", "date" or "category".
    missing : ndarray of shape (n_picked,)
        Share of missing cells of each picked column in the whole table.
    numeric : ndarray of shape (n, n_numeric)
        Picked columns that are no categories, NaN where missing or infinite.
    codes : ndarray of int, shape (n, n_categorical)
        Levels of the picked categories, 0 the most frequent one, -1 where missing.
    """

    n_rows: int
    n_columns: int
    kinds: NDArray[np.str_]
    missing: NDArray[np.float64]
    numeric: NDArray[np.float64]
    codes: NDArray[np.intp]

    def __len__(self) -> int:
        return len(self.numeric)

    def take(self, rows: NDArray) -> Table:
        """The same table with other rows of it at hand."""
        return replace(self, numeric=self.numeric[rows], codes=self.codes[rows])

    @cached_property
    def present(self) -> NDArray[np.bool_]:
        """Where the numeric block has a value, shape (n, n_numeric)."""
        return ~np.isnan(self.numeric)

    @cached_property
    def standardised(self) -> NDArray[np.float64]:
        """Numeric block with mean 0 and variance 1 over present values; 0 where missing or constant."""
        return standardise(self.numeric, self.present)

    @cached_property
    def varies(self) -> NDArray[np.bool_]:
        """Which numeric columns have more than one value, shape (n_numeric,)."""
        return (self.standardised != 0).any(axis=0)

    @cached_property
    def order(self) -> NDArray[np.intp]:
        """Row numbers that sort each numeric column, missing values last, shape (n, n_numeric)."""
        return np.argsort(self.numeric, axis=0)

    @cached_property
    def is_new_value(self) -> NDArray[np.bool_]:
        """In sorted order, where a value differs from the one before it, shape (n, n_numeric)."""
        ordered = np.take_along_axis(self.numeric, self.order, axis=0)
        starts = np.ones(ordered.shape, dtype=bool)
        starts[1:] = ordered[1:] != ordered[:-1]
        return starts & ~np.isnan(ordered)

    @cached_property
    def n_levels(self) -> NDArray[np.intp]:
        """Distinct levels of each categorical column, shape (n_categorical,)."""
        return self.codes.max(axis=0, initial=-1) + 1


def standardise(values: NDArray, present: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Centre and scale the columns over their present values; missing cells and constant columns get 0.

    Works for magnitudes up to the largest float: columns are first divided by their largest one.
    """
    largest = np.abs(values).max(axis=0, initial=0.0, where=present)
    scaled = np.where(present, values / np.where(largest > 0, largest, 1.0), 0.0)
    count = np.maximum(present.sum(axis=0), 1)
    centred = np.where(present, scaled - scaled.sum(axis=0) / count, 0.0)
    spread = np.sqrt((centred**2).sum(axis=0) / count)
    return np.where(spread > CONSTANT_BELOW, centred / np.where(spread > CONSTANT_BELOW, spread, 1.0), 0.0)


def as_table(X: Any) -> Any:
    """`X` as one of the three things that are read: DataFrame, two-dimensional array, CSR matrix.

    Raises
    ------
    ValueError
        If `X` is not two-dimensional, has no rows or no columns, or has columns of complex numbers.
    """
    X = as_pandas(X)
    if sparse.issparse(X):
        X = sparse.csr_array(X)
    elif not isinstance(X, pd.DataFrame):
        X = np.asarray(X)
        if X.ndim != 2:
            raise ValueError(f"X must have two dimensions (rows, columns), got shape {X.shape}.")
        if X.dtype.kind not in "buif":
            X = pd.DataFrame(X)
    if 0 in X.shape:
        raise ValueError(f"X has shape {X.shape}: at least one row and one column are needed.")
    if not isinstance(X, pd.DataFrame) and X.dtype.kind not in "buif":
        raise ValueError(f"X has dtype {X.dtype}: a sparse matrix must hold real numbers.")
    return X


def read_table(X: Any, rows: NDArray, max_columns: int) -> Table:
    """Read the given rows of at most `max_columns` columns.

    Parameters
    ----------
    X : DataFrame, ndarray or CSR matrix
        As `as_table` returned it.
    rows : ndarray of int
        Rows to read.
    max_columns : int
        Of more columns, evenly spaced ones are read; of a sparse matrix, those with most entries.

    Returns
    -------
    Table
        The rows in the order given.
    """
    if isinstance(X, pd.DataFrame):
        return _read_frame(X, rows, _spaced(X.shape[1], max_columns))
    if sparse.issparse(X):
        columns = _fullest(X, max_columns)
        block, missing = X[rows][:, columns].toarray(), _missing_in_sparse(X)[columns]
    else:
        columns = _spaced(X.shape[1], max_columns)
        block, missing = X[np.ix_(rows, columns)], _missing_in_array(X, columns)
    kind = BOOLEAN if X.dtype.kind == "b" else NUMBER
    return Table(
        n_rows=X.shape[0],
        n_columns=X.shape[1],
        kinds=np.full(len(columns), kind),
        missing=missing,
        numeric=_without_infinity(block),
        codes=np.empty((len(rows), 0), dtype=np.intp),
    )


def _read_frame(X: pd.DataFrame, rows: NDArray, columns: NDArray) -> Table:
    picked = X if len(columns) == X.shape[1] else X.iloc[:, columns]
    sample = picked.iloc[rows]
    read = [_read_column(sample.iloc[:, j]) for j in range(len(columns))]
    numeric = [values for kind, values in read if kind != CATEGORY]
    codes = [values for kind, values in read if kind == CATEGORY]
    return Table(
        n_rows=X.shape[0],
        n_columns=X.shape[1],
        kinds=np.array([kind for kind, _ in read]),
        missing=picked.isna().to_numpy().mean(axis=0),
        numeric=_without_infinity(np.column_stack(numeric)) if numeric else np.empty((len(rows), 0)),
        codes=np.column_stack(codes) if codes else np.empty((len(rows), 0), dtype=np.intp),
    )


def _read_column(column: pd.Series) -> tuple[str, NDArray]:
    """Kind of a column, and its numbers or level codes."""
    column = without_objects(without_arrow(column))
    dtype = column.dtype
    content = types.infer_dtype(column, skipna=True) if types.is_object_dtype(dtype) else ""
    is_flag = types.is_bool_dtype(dtype) and not isinstance(dtype, pd.CategoricalDtype)
    if is_flag or content == "boolean":
        return BOOLEAN, column.to_numpy(dtype=np.float64, na_value=np.nan)
    if types.is_complex_dtype(dtype) or content == "complex":
        raise ValueError(
            f"Column {column.name!r} of X has dtype {dtype}: complex numbers are not supported. "
            "Split it into a real and an imaginary column, or drop it."
        )
    if types.is_numeric_dtype(dtype):
        return NUMBER, column.to_numpy(dtype=np.float64, na_value=np.nan)
    if isinstance(dtype, pd.PeriodDtype):
        column = column.dt.to_timestamp()
    if types.is_datetime64_any_dtype(column.dtype) or types.is_timedelta64_dtype(column.dtype):
        return DATE, _date_numbers(column)
    return CATEGORY, _level_codes(column)


def _date_numbers(column: pd.Series) -> NDArray[np.float64]:
    numbers = column.astype("int64").to_numpy(dtype=np.float64)
    return np.where(column.isna(), np.nan, numbers)


def _level_codes(column: pd.Series) -> NDArray[np.intp]:
    """Codes by decreasing frequency, ties by value; -1 where missing."""
    codes, levels = factorize(column, f"Column {column.name!r} of X")
    frequency = np.bincount(codes[codes >= 0], minlength=len(levels))
    rank = np.empty(len(levels) + 1, dtype=np.intp)
    rank[np.argsort(-frequency, kind="stable")] = np.arange(len(levels))
    rank[-1] = -1  # code -1 looks up the last entry
    return rank[codes]


def factorize(column: pd.Series, place: str) -> tuple[NDArray[np.intp], Any]:
    """Codes of the values, -1 where missing, and the distinct values, sorted where they can be.

    `place` says in the error where values stand that cannot be told apart.
    """
    for sort in (True, False):  # not every mix of types has an order
        try:
            return pd.factorize(column, sort=sort)
        except TypeError as error:
            reason = error
    raise ValueError(
        f"{place} holds values that are no plain categories ({reason}). "
        "Convert them to strings or numbers, or drop them."
    )


def _spaced(n_columns: int, at_most: int) -> NDArray[np.intp]:
    return np.linspace(0, n_columns - 1, min(n_columns, at_most)).astype(np.intp)


def _fullest(X: Any, at_most: int) -> NDArray[np.intp]:
    entries = np.bincount(X.indices, minlength=X.shape[1])
    return np.sort(np.argsort(-entries, kind="stable")[:at_most])


def _missing_in_sparse(X: Any) -> NDArray[np.float64]:
    if X.dtype.kind != "f":
        return np.zeros(X.shape[1])
    return np.bincount(X.indices[np.isnan(X.data)], minlength=X.shape[1]) / X.shape[0]


def _missing_in_array(X: NDArray, columns: NDArray) -> NDArray[np.float64]:
    if X.dtype.kind != "f":
        return np.zeros(len(columns))
    return np.isnan(X[:, columns]).mean(axis=0)


def _without_infinity(block: NDArray) -> NDArray[np.float64]:
    block = block.astype(np.float64)
    block[~np.isfinite(block)] = np.nan
    return block
