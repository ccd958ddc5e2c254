"""What the data must be before anything is learned from them."""

from __future__ import annotations

from collections.abc import Collection, Hashable, Iterable, Mapping
from typing import Any

import numpy as np
import pandas as pd
from scipy import sparse
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_array, check_consistent_length, column_or_1d

from sklmeta._sklearn import check_sample_weight
from sklmeta.preprocessing import as_pandas, kind_of, without_arrow

_FEWEST_ROWS = 4  # two folds of two rows: with less there is nothing to compare models on


def check_rows(X: Any) -> Any:
    """A DataFrame as it is, anything else as one, as an array or as a CSR matrix; never empty, never infinite.

    Parameters
    ----------
    X : {DataFrame, array-like, sparse matrix} of shape (n_samples, n_features)
        Rows. Another library's table, with a method ``to_pandas``, becomes a DataFrame.

    Returns
    -------
    DataFrame, ndarray or CSR matrix
        Missing values are left alone.

    Raises
    ------
    ValueError
        If there are no rows or columns, if a number is infinite or complex, if a column has a type that is none of
        the kinds that are understood, or `X` is not a table.
    TypeError
        If a cell holds a list, a dict or the like.
    """
    X = as_pandas(X)
    if isinstance(X, pd.DataFrame):
        _check_frame(X)
        foreign = {name: _native(dtype) for name, dtype in X.dtypes.items() if not _is_native(dtype)}
        return X.astype(foreign) if foreign else X
    if sparse.issparse(X):
        return _with_short_indices(check_array(X, accept_sparse="csr", ensure_all_finite="allow-nan"))
    array = check_array(X, dtype=None, ensure_all_finite=False)
    if array.dtype.kind == "c":
        raise ValueError("Complex data not supported: X has complex numbers. Split them into two columns each.")
    if array.dtype == object:
        _check_frame(pd.DataFrame(array).infer_objects())
    if array.dtype.kind == "f" and np.isinf(array).any():
        row, column = np.argwhere(np.isinf(array))[0]
        raise ValueError(f"Input X contains infinity (the first in row {row}, column {column}). {_NO_INFINITY}")
    return array if _is_native(array.dtype) else array.astype(_native(array.dtype))


def _is_native(dtype: Any) -> bool:
    """Whether numbers lie in memory as this machine has them; pandas takes no others."""
    return not isinstance(dtype, np.dtype) or dtype.isnative


def _native(dtype: np.dtype) -> np.dtype:
    return dtype.newbyteorder("=")


def positions(rows: Any, n_rows: int) -> np.ndarray:
    """Row positions from what a `cv` may give: integers, negative ones counted from the end, or a mask.

    Examples
    --------
    >>> positions([0, -1], 4), positions([True, False, False, True], 4)
    (array([0, 3]), array([0, 3]))
    """
    return np.arange(n_rows)[np.asarray(rows) if len(rows) else []]


def _with_short_indices(X: Any) -> Any:
    """The same CSR matrix with 32-bit indices where they suffice: several estimators take no others."""
    if X.indices.dtype == np.int32 or X.nnz > np.iinfo(np.int32).max:
        return X
    return type(X)((X.data, X.indices.astype(np.int32), X.indptr.astype(np.int32)), shape=X.shape)


_NO_INFINITY = "Replace it, for instance by NaN, which is taken as missing."


def _check_frame(X: pd.DataFrame) -> None:
    if 0 in X.shape:
        raise ValueError(
            f"Found array with {X.shape[0]} sample(s) and {X.shape[1]} feature(s) (shape={X.shape}) while a "
            "minimum of 1 is required."
        )
    if not X.columns.is_unique:
        twice = X.columns[X.columns.duplicated()].unique().tolist()
        raise ValueError(f"X has several columns of the same name: {twice}. Rename or drop them.")
    for name, column in X.items():
        kind_of(name, without_arrow(column))  # raises on a type that is none of the kinds
        if pd.api.types.is_object_dtype(column.dtype):
            _check_cells(name, column)
    numbers = X.select_dtypes("number").select_dtypes(exclude="timedelta")
    infinite = np.isinf(numbers.to_numpy(dtype=float, na_value=np.nan))
    if infinite.any():
        row, column = np.argwhere(infinite)[0]
        where = f"the first in row {row} of column {numbers.columns[column]!r}"
        raise ValueError(f"Input X contains infinity ({where}). {_NO_INFINITY}")


def _check_cells(name: Hashable, column: pd.Series) -> None:
    """Cells of a column of objects are text, numbers, dates; never containers."""
    if pd.api.types.infer_dtype(column, skipna=True) not in ("mixed", "complex"):
        return
    for row, value in enumerate(column):
        if isinstance(value, complex):
            raise ValueError(f"Complex data not supported: row {row} of column {name!r} holds {value!r}.")
        if isinstance(value, Collection) and not isinstance(value, str | bytes):
            raise TypeError(
                f"Row {row} of column {name!r} holds {value!r}; the argument must be a string or a number. Nested "
                "values are not supported: expand them into columns."
            )
        if isinstance(value, float) and np.isinf(value):
            raise ValueError(f"Input X contains infinity (row {row} of column {name!r}). {_NO_INFINITY}")


def check_target_given(y: Any, who: str) -> None:
    """Raise a ValueError, in scikit-learn's words, where there is no target."""
    if y is None:
        raise ValueError(f"{who} requires y to be passed, but the target y is None.")


def check_target(X: Any, y: Any, task_type: str) -> np.ndarray:
    """The target as one column that fits the rows and the task.

    Parameters
    ----------
    X : {DataFrame, ndarray, sparse matrix} of shape (n_samples, n_features)
        Checked rows.
    y : array-like of shape (n_samples,)
        Target.
    task_type : {"classification", "regression"}
        What it is for.

    Returns
    -------
    ndarray of shape (n_samples,)
        Classes as they are, numbers as numbers.

    Raises
    ------
    ValueError
        If lengths differ, rows are too few, values are missing, infinite or of the wrong kind, or there is one class.
    """
    y = column_or_1d(y, warn=True)
    y = y if _is_native(y.dtype) else y.astype(_native(y.dtype))
    check_consistent_length(X, y)
    if len(y) < _FEWEST_ROWS:
        raise ValueError(
            f"Found array with {len(y)} sample(s) while a minimum of {_FEWEST_ROWS} is required to compare models on "
            "rows that they were not fitted on."
        )
    gone = pd.isna(y)
    if gone.any():
        raise ValueError(
            f"Input y contains NaN (the first in row {int(np.flatnonzero(gone)[0])}). Drop the rows without a target."
        )
    return _check_classes(y) if task_type == "classification" else _check_numbers(y)


def _check_classes(y: np.ndarray) -> np.ndarray:
    check_array(y, ensure_2d=False, dtype=None, input_name="y")  # infinity
    check_classification_targets(y)
    classes = np.unique(y)
    if len(classes) < 2:
        raise ValueError(f"Classifier can't train when only one class is present: every y is {classes.tolist()[0]!r}.")
    return y


def _check_numbers(y: np.ndarray) -> np.ndarray:
    numbers = check_array(y, ensure_2d=False, dtype="numeric", input_name="y")
    if numbers.dtype.kind not in "fiub":
        raise ValueError(f"Unknown label type: y has type {numbers.dtype}; regression needs numbers.")
    return numbers


def weights_in(params: Mapping[str, Any]) -> list[Any]:
    """What is called ``sample_weight`` among what is passed on to an estimator or its steps.

    Parameters
    ----------
    params : mapping of str to object
        Passed on.

    Returns
    -------
    list of object
        Arrays, numbers or None.

    Examples
    --------
    >>> from sklmeta.checks import weights_in
    >>> weights_in({"sample_weight": 1.0, "svc__sample_weight": 2.0, "eval_sample_weight": [3.0]})
    [1.0, 2.0]
    """
    return [value for name, value in params.items() if name.rsplit("__", 1)[-1] == "sample_weight"]


def rows_with_weight(passed_on: Iterable[Mapping[str, Any]], n_rows: int) -> np.ndarray:
    """Which rows have a positive weight, wherever weights are passed on; shape (n_rows,), of bool."""
    weights = (weight for params in passed_on for weight in weights_in(params) if weight is not None)
    return np.all([np.broadcast_to(np.asarray(weight) > 0, n_rows) for weight in (1.0, *weights)], axis=0)


def check_weights(X: Any, y: np.ndarray, sample_weight: Any, task_type: str) -> None:
    """Whether weights fit the rows and leave something to learn.

    Parameters
    ----------
    X : {DataFrame, ndarray, sparse matrix} of shape (n_samples, n_features)
        Checked rows.
    y : ndarray of shape (n_samples,)
        Checked target.
    sample_weight : array-like of shape (n_samples,), float or None
        One weight a row, or the same for all.
    task_type : {"classification", "regression"}
        What it is for.

    Raises
    ------
    ValueError
        If they are no column of numbers of at least 0, their number is not that of the rows, or fewer than two classes
        have a weight.
    """
    if sample_weight is None:
        return
    given = np.asarray(sample_weight)
    if given.ndim:
        check_consistent_length(X, given)
    if pd.api.types.infer_dtype(given.ravel()) == "string":  # scikit-learn reads "1" as a number, not every member does
        raise ValueError(f"sample_weight holds text, such as {given.ravel().tolist()[0]!r}; weights must be numbers.")
    weights = check_sample_weight(sample_weight, y, ensure_non_negative=True)
    if task_type == "classification" and len(np.unique(y[weights > 0])) < 2:
        raise ValueError("Classifier can't train when only one class is left with a positive sample_weight.")
