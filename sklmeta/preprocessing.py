"""Plain preparation of a table for one family of base estimators."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Container, Hashable, Iterable
from numbers import Integral
from typing import Any

import numpy as np
import pandas as pd
from pandas.api import types
from scipy import sparse
from sklearn.base import BaseEstimator, TransformerMixin, is_classifier, is_regressor
from sklearn.compose import ColumnTransformer
from sklearn.decomposition import PCA
from sklearn.impute import SimpleImputer
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import (
    FunctionTransformer,
    MaxAbsScaler,
    QuantileTransformer,
    SplineTransformer,
    StandardScaler,
)
from sklearn.utils.validation import check_array, check_is_fitted, validate_data

from sklmeta._sklearn import cross_fitted_target_encoder
from sklmeta.level_encoders import LevelOneHotEncoder, LevelOrdinalEncoder
from sklmeta.text import TextComponents, is_free_text

LARGEST = 1e30  # squares stay finite in float64, the value itself in the float32 of trees
DATE_PARTS = ("year", "month", "day", "day_of_week", "hour")
_QUANTILES = 200  # of a column, between which ranks are interpolated
_KNOTS = 5  # of the splines, at the quartiles
_VARIANCE, _DIGITS = 0.99, 6  # that principal components keep, in standard deviations of a column
SPLINES = _KNOTS + 1  # columns that become of one
ROTATED = 1_000  # columns at most, for principal components take the cube of them
_ONLY_ARROWS = ("date", "timestamp", "duration", "dictionary", "null")  # how the types are called


class TabularPreprocessor(TransformerMixin, BaseEstimator):
    """Numbers, categories, text, missing values, booleans and dates turned into what an estimator can take.

    Booleans become 0 and 1, dates their parts and their time in days, durations days. Columns of text or of pandas'
    category type are categories; but text of three words or more on average, most of it different, is free text, of
    which the first 30 components of its weighted words remain (see `sklmeta.text`). What remains is numbers. A column
    of objects is one of numbers, dates or durations if it holds nothing else, and then what is none of these later is
    missing, with a warning; any other is one of categories. Missing numbers are replaced by the column's median, with
    an indicator column added where some were missing; missing categories are a level of their own. Sparse input stays
    sparse unless `dense` is set.

    Parameters
    ----------
    categories : {"onehot", "ordinal", "native"}, default="onehot"
        How categories leave: as indicator columns, as integer codes, or as pandas categories next to numbers
        whose missing values stay missing (what histogram gradient boosting takes by itself).
    scale : bool or {"normal", "splines", "components"}, default=True
        Whether numbers are standardised (sparse input: divided by the largest absolute value). "normal" brings each
        column to a normal distribution first, by its ranks (normal scores), so that only the order of values counts; as
        scikit-learn's QuantileTransformer makes them, with the lowest and the highest value 5.2 standard deviations
        out. "splines" replaces a column by cubic B-splines of its ranks with knots at the quartiles, so that a linear
        model becomes an additive one (Hastie & Tibshirani 1986). "components" standardises, and adds the principal
        components of the standardised numbers and the categories' indicators, as many as 99 % of the variance need, so
        that trees can split along directions (as in rotation forests: Rodríguez, Kuncheva & Alonso 2006); where these
        are more than 1,000 columns, or categories leave as "native", it adds none.
    max_levels : int, default=30
        Levels kept per category, the most frequent ones; the others are merged.
    dense : bool, default=False
        Whether sparse input and output become dense.
    target : {"labels", "numbers"} or None, default=None
        What the target is. A category with more than `max_levels` levels then leaves as the mean target of its level,
        too, shrunk towards the mean of all: of numbers, in units of the largest, or of two labels, 0 and 1 (with more
        labels, as with None, it does not). In `fit_transform`, rows get the means of the other four fifths of the rows,
        so that fitting and transforming the same table one after the other is not the same.

    Attributes
    ----------
    transformer_ : transformer
        The fitted scikit-learn transformer that does the work.
    averaged_ : dict of str to str
        The columns of mean targets, and the category that each is of; empty where there are none.
    n_features_in_ : int
        Number of columns seen in `fit`.
    feature_names_in_ : ndarray of str
        Their names, where the input had any.

    References
    ----------
    D. Micci-Barreca (2001), "A preprocessing scheme for high-cardinality categorical attributes in classification and
    prediction problems", as in scikit-learn's `TargetEncoder`.

    Examples
    --------
    >>> import pandas as pd
    >>> from sklmeta.preprocessing import TabularPreprocessor
    >>> X = pd.DataFrame({"size": [1.0, None, 3.0], "colour": ["red", "blue", "red"]})
    >>> TabularPreprocessor(scale=False).fit_transform(X)
    array([[1., 0., 0., 1.],
           [2., 1., 1., 0.],
           [3., 0., 0., 1.]])
    """

    def __init__(
        self,
        *,
        categories: str = "onehot",
        scale: bool | str = True,
        max_levels: int = 30,
        dense: bool = False,
        target: str | None = None,
    ):
        self.categories = categories
        self.scale = scale
        self.max_levels = max_levels
        self.dense = dense
        self.target = target

    def fit(self, X: Any, y: Any = None) -> TabularPreprocessor:
        """Learn medians, scales and levels.

        Parameters
        ----------
        X : {DataFrame, array-like, sparse matrix} of shape (n_samples, n_features)
            The table.
        y : array-like of shape (n_samples,), default=None
            Looked at only where `target` says what it is.

        Returns
        -------
        TabularPreprocessor
            This object.

        Raises
        ------
        ValueError
            If `categories`, `scale` or `target` is unknown, `max_levels` is below 1, or a column has a type that is
            none of the above.
        """
        self.fit_transform(X, y)
        return self

    def fit_transform(self, X: Any, y: Any = None, **fit_params: Any) -> Any:
        """Fit, then transform the same table."""
        self._check_parameters()
        X = as_pandas(X)
        if sparse.issparse(X):
            self.transformer_, self.averaged_ = self._for_sparse(), {}
            return self._finish(self.transformer_.fit_transform(self._checked_sparse(X, reset=True)))
        frame = as_frame(X)
        validate_data(self, frame if isinstance(X, pd.DataFrame) else X, skip_check_array=True)
        self._labels = list(frame.columns)
        of_objects = isinstance(X, np.ndarray) and types.is_object_dtype(X.dtype)  # whose columns as_frame looked into
        if _is_all_numbers(frame) and not of_objects:
            self._kinds = ["number"] * frame.shape[1]
        else:
            self._kinds = [self._kind_of(name, column, of_objects) for name, column in frame.items()]
        table = plain_table(frame, self._kinds)
        values = None if y is None else self._values_of(y)
        self.averaged_ = {} if values is None else self._of_many_levels(table)
        table = self._with_averaged(table)
        self.transformer_ = self._column_transformer(table)
        return self._finish(self.transformer_.fit_transform(table, values))

    def transform(self, X: Any) -> Any:
        """Prepare a table that has the columns of the one seen in `fit`.

        Parameters
        ----------
        X : {DataFrame, array-like, sparse matrix} of shape (n_samples, n_features)
            The table.

        Returns
        -------
        ndarray, sparse matrix or DataFrame
            Prepared numbers; a DataFrame where `categories` is "native" and there are categories.
        """
        check_is_fitted(self)
        fitted_on_sparse = not isinstance(self.transformer_, ColumnTransformer)
        X = as_pandas(X)
        if sparse.issparse(X):
            X = self._checked_sparse(X, reset=False)
            if fitted_on_sparse:
                return self._finish(self.transformer_.transform(X))
            X = X.toarray()
        frame = as_frame(X)
        validate_data(self, frame if isinstance(X, pd.DataFrame) else X, skip_check_array=True, reset=False)
        if fitted_on_sparse:
            return self._finish(self.transformer_.transform(sparse.csr_matrix(frame.to_numpy(dtype=float))))
        # validate_data has compared the names; an array has none, so that from here on columns go by position
        frame = frame.set_axis(self._labels, axis=1)
        return self._finish(self.transformer_.transform(self._with_averaged(plain_table(frame, self._kinds))))

    def get_feature_names_out(self, input_features: Any = None) -> np.ndarray:
        """Names of the columns that leave.

        Parameters
        ----------
        input_features : array-like of str, default=None
            Ignored: the names are those of the table seen in `fit`.

        Returns
        -------
        ndarray of str
            One name per column.
        """
        check_is_fitted(self)
        if isinstance(self.transformer_, ColumnTransformer):
            names = (name.split("__", 1)[1] for name in self.transformer_.get_feature_names_out())
            return np.asarray(_unique_names(names), dtype=object)
        return np.asarray(getattr(self, "feature_names_in_", self._default_names()), dtype=object)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        tags.input_tags.sparse = True
        tags.input_tags.string = True
        tags.input_tags.categorical = True
        return tags

    def _check_parameters(self) -> None:
        if self.categories not in ("onehot", "ordinal", "native"):
            raise ValueError(f"categories must be 'onehot', 'ordinal' or 'native', got {self.categories!r} instead.")
        if not (isinstance(self.scale, bool | np.bool_) or self.scale in ("normal", "splines", "components")):
            raise ValueError(
                f"scale must be True, False, 'normal', 'splines' or 'components', got {self.scale!r} instead."
            )
        if not isinstance(self.max_levels, Integral) or self.max_levels < 1:
            raise ValueError(f"max_levels must be an integer of at least 1, got {self.max_levels!r} instead.")
        if self.target not in (None, "labels", "numbers"):
            raise ValueError(f"target must be 'labels', 'numbers' or None, got {self.target!r} instead.")

    def _default_names(self) -> list[str]:
        return [f"x{i}" for i in range(self.n_features_in_)]

    def _checked_sparse(self, X: Any, reset: bool) -> Any:
        return validate_data(self, X, accept_sparse="csr", dtype=float, ensure_all_finite="allow-nan", reset=reset)

    def _for_sparse(self) -> Pipeline:
        keeps_missing = self.categories == "native"
        impute = "passthrough" if keeps_missing else SimpleImputer(strategy="median", keep_empty_features=True)
        steps = [("impute", impute), ("scale", MaxAbsScaler() if self.scale else "passthrough")]
        return Pipeline(steps).set_output(transform="default")

    def _kind_of(self, name: Hashable, column: pd.Series, of_objects: bool) -> str:
        kind = kind_of(name, column)
        if kind == "category":
            return "text" if is_free_text(column, self.max_levels) else kind
        return f"{kind} object" if of_objects or types.is_object_dtype(column.dtype) else kind

    def _values_of(self, y: Any) -> np.ndarray | None:
        """The target as numbers that can be averaged, the largest 1, which no tree's float32 is too small for."""
        if self.target == "labels":
            labels, codes = np.unique(np.asarray(y), return_inverse=True)
            return codes.astype(float) if len(labels) == 2 else None
        if self.target is None:
            return None
        values = np.asarray(y, dtype=float)
        return values / (np.abs(values).max() or 1.0) if values.ndim == 1 else None

    def _of_many_levels(self, table: pd.DataFrame) -> dict[str, str]:
        """The categories whose merged levels the target's means tell apart, by the name that these get."""
        many: dict[str, str] = {}
        for name, column in table.items():
            if column.dtype == object and column.nunique() > self.max_levels:
                many[_unused(f"{name}_target", len(many), {*table.columns, *many})] = str(name)
        return many

    def _with_averaged(self, table: pd.DataFrame) -> pd.DataFrame:
        return table.assign(**{label: table[name] for label, name in self.averaged_.items()})

    def _column_transformer(self, table: pd.DataFrame) -> ColumnTransformer:
        averaged, dtypes = list(self.averaged_), dict(zip(table.columns, table.dtypes, strict=True))
        text = [c for c, dtype in dtypes.items() if isinstance(dtype, pd.StringDtype)]
        levels = [c for c, dtype in dtypes.items() if types.is_object_dtype(dtype) and c not in self.averaged_]
        others = {*text, *levels, *averaged}
        numbers = [c for c in dtypes if c not in others]
        empty = [c for c in numbers if self.categories == "native" and table[c].isna().all()]
        filled: list[str] | slice = [c for c in numbers if c not in empty]
        if filled == list(dtypes):
            filled = slice(0, len(dtypes))  # scikit-learn looks names up one by one: for thousands, that takes seconds
        steps = [
            ("numbers", self._for_numbers(len(table)), filled),
            ("components", self._for_components(), self._to_rotate(table, [*numbers, *levels])),
            # scikit-learn 1.9's histogram gradient boosting cannot bin a column without any value
            ("empty", SimpleImputer(strategy="constant", fill_value=0.0, keep_empty_features=True), empty),
            ("categories", self._for_categories(), levels),
            ("targets", self._scaled(cross_fitted_target_encoder(len(table))), averaged),
            *((f"text {k}", self._for_text(c), [c]) for k, c in enumerate(text)),
        ]
        transformer = ColumnTransformer(
            [step for step in steps if step[2]],
            verbose_feature_names_out=True,  # a level or a component may be called as another column is
            sparse_threshold=0.0,
        )
        # whatever scikit-learn is set to: what `_finish` does to the output depends on its type
        return transformer.set_output(transform="pandas" if self.categories == "native" and levels else "default")

    def _for_numbers(self, n_rows: int) -> Any:
        if self.categories == "native":
            return "passthrough"
        impute = SimpleImputer(strategy="median", add_indicator=True, keep_empty_features=True)
        if self.scale == "normal":
            return make_pipeline(impute, _ranks(n_rows, "normal"), StandardScaler())
        if self.scale == "splines":
            splines = SplineTransformer(n_knots=_KNOTS, include_bias=False)
            return make_pipeline(impute, _ranks(n_rows, "uniform"), splines)
        return make_pipeline(impute, StandardScaler()) if self.scale else impute

    def _to_rotate(self, table: pd.DataFrame, columns: list[str]) -> list[str]:
        """Those of which components are taken: all that vary, unless they become too many columns."""
        if self.scale != "components" or self.categories == "native" or len(columns) > ROTATED:
            return []
        values = {name: table[name].nunique(dropna=False) for name in columns}
        varying = [name for name in columns if values[name] > 1]
        indicators = {name: min(values[name], self.max_levels) for name in varying if table[name].dtype == object}
        return varying if sum(indicators.values()) + len(varying) - len(indicators) <= ROTATED else []

    def _for_components(self) -> Pipeline:
        # equal rows differ in the last digits, between which a tree would split
        digits = FunctionTransformer(np.round, kw_args={"decimals": _DIGITS}, feature_names_out="one-to-one")
        return make_pipeline(TabularPreprocessor(max_levels=self.max_levels), PCA(_VARIANCE), digits)

    def _for_categories(self) -> Any:
        if self.categories == "onehot":
            return LevelOneHotEncoder(
                handle_unknown="infrequent_if_exist", max_categories=self.max_levels, sparse_output=False
            )
        return LevelOrdinalEncoder(
            handle_unknown="use_encoded_value", unknown_value=np.nan, max_categories=self.max_levels
        )

    def _for_text(self, name: str) -> Any:
        return self._scaled(TextComponents(prefix=name))

    def _scaled(self, transformer: Any) -> Any:
        return make_pipeline(transformer, StandardScaler()) if self.scale else transformer

    def _finish(self, output: Any) -> Any:
        if sparse.issparse(output):
            return output.toarray() if self.dense else output.tocsr()
        if isinstance(output, pd.DataFrame):
            for name, encoder, columns in self.transformer_.transformers_:
                if name == "categories":
                    for column, levels in zip(columns, encoder.categories_, strict=True):
                        label = f"{name}__{column}"
                        output[label] = pd.Categorical(output[label], categories=range(len(levels)))
            output.columns = list(self.get_feature_names_out())
        elif self.categories == "ordinal":
            output[np.isnan(output)] = -1.0  # a level never seen
        return output


def has_many_levels(X: Any, max_levels: int) -> bool:
    """Whether a category of a table has more levels than that, so that `target` may make a difference to its rows."""
    if sparse.issparse(X):
        return False
    return any(kind_of(name, c) == "category" and c.nunique() > max_levels for name, c in as_frame(X).items())


def target_of(estimator: Any) -> str | None:
    """What `TabularPreprocessor` calls the target of an estimator."""
    return "labels" if is_classifier(estimator) else "numbers" if is_regressor(estimator) else None


def _ranks(n_rows: int, distribution: str) -> QuantileTransformer:
    """Each column's ranks, as quantiles of a distribution."""
    return QuantileTransformer(n_quantiles=min(_QUANTILES, n_rows), output_distribution=distribution, random_state=0)


def as_pandas(X: Any) -> Any:
    """Another library's table of named and typed columns (pyarrow's, polars') as a DataFrame; others as they are."""
    return X.to_pandas() if hasattr(X, "to_pandas") else X


def as_frame(X: Any) -> pd.DataFrame:
    """A table as a DataFrame with unique column names, none `without_arrow` would change; others are not copied.

    Raises
    ------
    ValueError
        If it has no row or no column, or is no table.
    """
    frame = X if isinstance(X, pd.DataFrame) else _frame_from_array(X)
    if 0 in frame.shape:
        raise ValueError(
            f"Found array with {frame.shape[0]} sample(s) and {frame.shape[1]} feature(s) (shape="
            f"{frame.shape}) while a minimum of 1 is required."
        )
    frame = frame if frame.columns.is_unique else frame.set_axis(_unique_names(frame.columns), axis=1)
    if not any(map(_is_only_arrows, frame.dtypes)):
        return frame
    return pd.DataFrame({name: without_arrow(column) for name, column in frame.items()})


def _frame_from_array(X: Any) -> pd.DataFrame:
    array = check_array(X, dtype=None, ensure_all_finite=False)
    names = [f"x{i}" for i in range(array.shape[1])]
    frame = pd.DataFrame(array, columns=names)
    return frame.infer_objects() if array.dtype == object else frame


def _unique_names(names: Iterable[Any]) -> list[str]:
    unique: dict[str, None] = {}
    for position, name in enumerate(names):
        unique[_unused(str(name), position, unique)] = None
    return list(unique)


def _unused(name: str, position: int, taken: Container[str]) -> str:
    if name in taken:
        name = f"{name}_{position}"
    while name in taken:
        name += "_"
    return name


def plain_table(frame: pd.DataFrame, kinds: Iterable[str] | None = None) -> pd.DataFrame:
    """A new DataFrame of float64 (numbers, parts of dates), object (levels, NaN missing) and string (text) columns.

    Parameters
    ----------
    frame : DataFrame of shape (n_samples, n_features)
        Not changed.
    kinds : iterable of {"number", "category", "date", "text", "number object", "date object"}, default=None
        What each column is taken for; None: by its type, see `kind_of`. In the last two a cell of another kind is
        missing.

    Returns
    -------
    DataFrame
        Its column names are strings and unique.

    Raises
    ------
    ValueError
        If a column cannot be taken for its kind.

    Warns
    -----
    UserWarning
        If a cell is missing because it is of another kind.
    """
    if _is_all_numbers(frame) and (kinds is None or set(kinds) == {"number"}):
        values = np.array(frame.to_numpy(dtype=float), order="F")  # one by one, thousands of columns take seconds
        np.clip(values, -LARGEST, LARGEST, out=values)
        return pd.DataFrame(values, columns=_unique_names(frame.columns), index=frame.index)
    if kinds is None:
        kinds = [kind_of(name, column) for name, column in frame.items()]
    plain: dict[str, pd.Series] = {}
    for position, ((name, column), kind) in enumerate(zip(frame.items(), kinds, strict=True)):
        for label, values in _PLAIN[kind](str(name), column).items():
            plain[_unused(label, position, plain)] = values
    return pd.DataFrame(plain, index=frame.index)


def _is_all_numbers(frame: pd.DataFrame) -> bool:
    """Whether every column is of one of numpy's own types of numbers, or of booleans."""
    return all(isinstance(dtype, np.dtype) and dtype.kind in "biuf" for dtype in frame.dtypes)


def kind_of(name: Hashable, column: pd.Series) -> str:
    """Whether a column holds numbers (booleans and durations, too), categories or dates.

    Returns
    -------
    {"number", "category", "date"}
        By its type alone; of a column of objects, by what these are: one of booleans holds categories.

    Raises
    ------
    ValueError
        If its type is none of these.
    """
    if types.is_object_dtype(column.dtype):
        return _KINDS_OF_OBJECTS.get(types.infer_dtype(column, skipna=True), "category")
    dtype = column.dtype
    if types.is_datetime64_any_dtype(dtype):
        return "date"
    if isinstance(dtype, pd.CategoricalDtype | pd.PeriodDtype | pd.IntervalDtype) or types.is_string_dtype(dtype):
        return "category"
    if types.is_complex_dtype(dtype):
        raise ValueError(
            f"Complex data not supported: column {name!r} has type {dtype}. Split it into real and imaginary parts."
        )
    if types.is_numeric_dtype(dtype) or types.is_bool_dtype(dtype) or types.is_timedelta64_dtype(dtype):
        return "number"
    raise ValueError(
        f"Column {name!r} has type {dtype}, which is neither number, boolean, category, text nor date. "
        "Convert it first, for instance with astype(float) or astype('category')."
    )


_NUMBERS = ("integer", "floating", "mixed-integer-float", "decimal")
_DURATIONS = ("timedelta", "timedelta64")
_DATES = ("date", "datetime", "datetime64")
_KINDS_OF_OBJECTS = {**dict.fromkeys(_NUMBERS + _DURATIONS, "number"), **dict.fromkeys(_DATES, "date")}


def without_arrow(column: pd.Series) -> pd.Series:
    """A column of Arrow's dates, durations, dictionaries or nulls in pandas' own type; any other column as it is."""
    if not _is_only_arrows(column.dtype):
        return column
    plain = column.array.__arrow_array__().to_pandas(date_as_object=False)
    return plain.set_axis(column.index).rename(column.name)


def _is_only_arrows(dtype: Any) -> bool:
    return isinstance(dtype, pd.ArrowDtype) and dtype.name.startswith(_ONLY_ARROWS)


def without_objects(column: pd.Series) -> pd.Series:
    """A column of objects as one of the numbers, durations or dates that it holds; any other column as it is.

    Raises
    ------
    ValueError
        If it holds an integer that no float can hold.
    """
    content = types.infer_dtype(column, skipna=True) if types.is_object_dtype(column.dtype) else ""
    if content in _DATES:
        return _as_dates(column)
    if content in _DURATIONS:
        return pd.to_timedelta(column)
    if content not in _NUMBERS:
        return column
    try:
        numbers = column.to_numpy(dtype=float, na_value=np.nan)
    except OverflowError as error:
        raise ValueError(
            f"Column {column.name!r} of X holds integers beyond the largest float. Take their logarithm."
        ) from error
    return pd.Series(numbers, index=column.index, name=column.name)


def _as_dates(column: pd.Series, **settings: Any) -> pd.Series:
    """Moments, as dates without a time zone and with several ones may stand in one column."""
    return pd.to_datetime(column, utc=True, errors="coerce", **settings)


def _numbers_among(name: str, column: pd.Series) -> dict[str, pd.Series]:
    if kind_of(name, column) == "category":
        column = _only(name, column, "numbers", lambda cells: pd.to_numeric(cells.replace(_TRUTH), errors="coerce"))
    return _numbers(name, column)


def _date_parts_among(name: str, column: pd.Series) -> dict[str, pd.Series]:
    if kind_of(name, column) == "category":
        column = _only(name, column, "dates", lambda cells: _as_dates(cells, format="ISO8601"))
    return _date_parts(name, column)


def _only(name: str, column: pd.Series, expected: str, read: Callable[[pd.Series], pd.Series]) -> pd.Series:
    """The cells that can be read, the others missing: folds of a column with a rare word may not have seen it."""
    cells = _level_names(column)
    known = read(cells)
    other = cells[known.isna() & cells.notna()]
    if len(other):
        warnings.warn(
            f"Column {name!r} held {expected} when fitting. Cells that hold something else, such as {other.iloc[0]!r}, "
            "are taken for missing.",
            UserWarning,
            stacklevel=2,
        )
    return known


def _numbers(name: str, column: pd.Series) -> dict[str, pd.Series]:
    column = without_objects(column)
    kind = kind_of(name, column)
    if kind == "date":
        _refuse_kind(name, column, "numbers")
    if types.is_timedelta64_dtype(column.dtype):
        return {name: _days(column)}
    if kind == "category":
        column = _numbers_from_text(name, _level_names(column))
    values = column.to_numpy(dtype=float, na_value=np.nan)
    return {name: pd.Series(np.clip(values, -LARGEST, LARGEST), index=column.index)}


def _levels(name: str, column: pd.Series) -> dict[str, pd.Series]:
    if not types.is_object_dtype(column.dtype) and kind_of(name, column) == "date":
        _refuse_kind(name, column, "categories")
    return {name: _level_names(column)}


def _refuse_kind(name: str, column: pd.Series, expected: str) -> None:
    if column.notna().any():
        raise ValueError(
            f"Column {name!r} held {expected} when fitting and holds {column.dtype} now. Convert it to the type that "
            "it had."
        )


def _date_parts(name: str, column: pd.Series) -> dict[str, pd.Series]:
    column = without_objects(column)
    if kind_of(name, column) != "date":
        _refuse_kind(name, column, "dates")
        column = pd.Series(pd.NaT, index=column.index, dtype="datetime64[ns]")
    if getattr(column.dtype, "tz", None) is not None:
        column = column.dt.tz_convert("UTC").dt.tz_localize(None)
    parts = {f"{name}_{part}": getattr(column.dt, part).astype(float) for part in DATE_PARTS}
    return {**parts, f"{name}_days": _days(column)}


def _days(column: pd.Series) -> pd.Series:
    """Durations, or the time since 1970 of dates, in days; by numpy, as pandas may go by nanoseconds, of 292 years."""
    values = column.to_numpy()
    durations = values - np.datetime64(0, "D") if values.dtype.kind == "M" else values
    return pd.Series(durations / np.timedelta64(1, "D"), index=column.index)


def _level_names(column: pd.Series) -> pd.Series:
    """Levels as text: 1, 1.0 and numpy's 1 are the same level; what pandas calls missing is NaN."""
    values = column.astype(object)
    missing = pd.isna(values).to_numpy()
    if types.infer_dtype(values, skipna=True) == "string":
        return values.mask(missing, np.nan)
    names = [np.nan if gone else _level_name(v) for v, gone in zip(values, missing, strict=True)]
    return pd.Series(names, index=column.index, dtype=object)


def _level_name(value: Any) -> str:
    if isinstance(value, dict | list | set | np.ndarray):
        raise TypeError(
            f"A cell holds {value!r}; the argument must be a string or a number. "
            "Nested values are not supported: expand them into columns."
        )
    if isinstance(value, float | np.floating) and float(value).is_integer():
        return str(int(value))
    return str(value)


def _numbers_from_text(name: str, column: pd.Series) -> pd.Series:
    try:
        return pd.to_numeric(column.replace(_TRUTH)).astype(float)
    except (ValueError, TypeError) as error:
        raise ValueError(
            f"Column {name!r} held numbers when fitting and holds text now: {error}. "
            "Convert it to numbers, or fit with text in that column."
        ) from error


def _text(name: str, column: pd.Series) -> dict[str, pd.Series]:
    return {name: _levels(name, column)[name].astype("string")}


_TRUTH = {"True": 1.0, "False": 0.0}
_PLAIN = {
    "number": _numbers,
    "category": _levels,
    "date": _date_parts,
    "text": _text,
    "number object": _numbers_among,
    "date object": _date_parts_among,
}
