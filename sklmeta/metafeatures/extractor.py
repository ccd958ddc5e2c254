"""The class that turns a table and its target into one fixed vector of numbers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from numbers import Integral
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.base import BaseEstimator
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_scalar

from sklmeta.metafeatures import information, landmarkers, missingness, simple, statistical
from sklmeta.metafeatures._sampling import stratified_rows
from sklmeta.metafeatures._table import Table, as_table, read_table
from sklmeta.metafeatures._target import TASKS, Target, read_target

_COMPUTE: dict[str, Callable[[Table, Target], dict[str, float]]] = {
    "simple": simple.simple,
    "missingness": missingness.missingness,
    "statistical": statistical.statistical,
    "information": information.information,
    "landmarkers": landmarkers.landmarkers,
}
_MEANINGS: dict[str, dict[str, dict[str, str]]] = {
    "simple": simple.MEANINGS,
    "missingness": missingness.MEANINGS,
    "statistical": statistical.MEANINGS,
    "information": information.MEANINGS,
    "landmarkers": landmarkers.MEANINGS,
}


class MetaFeatureExtractor(BaseEstimator):
    """Describe a task by a fixed-length vector of numbers, at a cost that is bounded for any table.

    Every value is finite for every valid input. Sizes, class counts and shares of missing cells are those
    of the whole table; all else is computed on one stratified subsample of `max_rows` rows, landmarkers
    on at most 2,000 of these. Infinite cells of `X` are treated as missing, except where the whole table's
    missing cells are counted.

    Neither the index nor the column names matter. As long as a table has no more than `max_rows` rows,
    nor does the order of the rows, up to rounding.

    Parameters
    ----------
    groups : sequence of str, default=("simple", "missingness", "statistical", "information", "landmarkers")
        Groups to compute; the vector holds them in the order given.
    max_rows : int, default=2000
        Rows of the subsample.
    max_columns : int, default=100
        Of more columns, so many evenly spaced ones are described (of a sparse matrix, those with most
        entries).
    random_state : int, RandomState instance or None, default=0
        Draws the subsample. An int makes equal inputs give equal vectors.

    References
    ----------
    The meanings that `describe` returns point here.

    .. [1] Michie, D., Spiegelhalter, D., and Taylor, C. (1994). Machine Learning, Neural and Statistical
       Classification (STATLOG). Ellis Horwood.
    .. [2] Rivolli, A., Garcia, L., Soares, C., Vanschoren, J., and de Carvalho, A. (2022). Meta-features for
       meta-learning. Knowledge-Based Systems 240.
    .. [3] Vanschoren, J. (2019). Meta-learning. In: Automated Machine Learning. Springer.
    .. [4] Gao, P., Trautmann, E., Yu, B., et al. (2017). A theory of multineuronal dimensionality, dynamics and
       measurement. bioRxiv 214262.
    .. [5] Ho, T. K., and Basu, M. (2002). Complexity measures of supervised classification problems. IEEE
       Transactions on Pattern Analysis and Machine Intelligence 24.
    .. [6] Miller, G. (1955). Note on the bias of information estimates. In: Information Theory in Psychology.
    .. [7] Pfahringer, B., Bensusan, H., and Giraud-Carrier, C. (2000). Meta-learning by landmarking various
       learning algorithms. ICML.
    .. [8] Suykens, J., and Vandewalle, J. (1999). Least squares support vector machine classifiers. Neural
       Processing Letters 9.
    .. [9] Geurts, P., Ernst, D., and Wehenkel, L. (2006). Extremely randomized trees. Machine Learning 63.
    .. [10] Fürnkranz, J., and Petrak, J. (2001). An evaluation of landmarking variants. ECML/PKDD workshop on
       Integrating Aspects of Data Mining, Decision Support and Meta-Learning.
    .. [11] Leite, R., and Brazdil, P. (2005). Predicting relative performance of classifiers from samples. ICML.
    .. [12] Friedman, J. (2001). Greedy function approximation: a gradient boosting machine. Annals of Statistics 29.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklmeta.metafeatures import MetaFeatureExtractor
    >>> X, y = load_iris(return_X_y=True)
    >>> described = MetaFeatureExtractor().extract(X, y)
    >>> described[["log_classes", "majority_share", "landmark_discriminant"]].round(2)
    log_classes              1.10
    majority_share           0.33
    landmark_discriminant    0.96
    dtype: float64
    """

    def __init__(
        self,
        groups: Sequence[str] = ("simple", "missingness", "statistical", "information", "landmarkers"),
        *,
        max_rows: int = 2000,
        max_columns: int = 100,
        random_state: Any = 0,
    ):
        self.groups = groups
        self.max_rows = max_rows
        self.max_columns = max_columns
        self.random_state = random_state

    def extract(self, X: Any, y: Any, task: str | None = None) -> pd.Series:
        """Meta-features of the task "predict `y` from `X`".

        Parameters
        ----------
        X : {DataFrame, array-like, sparse matrix} of shape (n_rows, n_columns)
            Numbers, booleans, categories, text, dates; missing cells are welcome. Not modified.
        y : array-like of shape (n_rows,)
            Classes, or numbers.
        task : {"classification", "regression"} or None, default=None
            What to predict; None infers it with :func:`infer_task`.

        Returns
        -------
        pandas.Series of float64
            Finite values by name, in the order of ``get_feature_names_out(task)``.

        Raises
        ------
        ValueError
            If `X` and `y` differ in length or are empty, `y` has missing values, or a column of `X`
            holds complex numbers or objects that are no categories.
        """
        self._check_parameters()
        target = read_target(y, task)
        table, target = self._subsample(as_table(X), target)
        values: dict[str, float] = {}
        for group in self.groups:
            values |= _COMPUTE[group](table, target)
        return pd.Series(values, dtype=np.float64)[self._names(target.task)]

    def get_feature_names_out(self, task: str) -> NDArray[Any]:
        """Names of the meta-features of a type of task, in order.

        Parameters
        ----------
        task : {"classification", "regression"}
            Each type has its own vector: class entropy means nothing for a quantity.

        Returns
        -------
        ndarray of str
            Names.
        """
        return np.array(self._names(task), dtype=object)

    def describe(self, task: str) -> pd.Series:
        """What each meta-feature means, with the number of its reference.

        Parameters
        ----------
        task : {"classification", "regression"}
            Type of the task.

        Returns
        -------
        pandas.Series of str
            Meanings by name.
        """
        return pd.Series(self._meanings(task))

    def _names(self, task: str) -> list[str]:
        return list(self._meanings(task))

    def _meanings(self, task: str) -> dict[str, str]:
        self._check_parameters()
        if task not in TASKS:
            raise ValueError(f"task must be 'classification' or 'regression', got {task!r}.")
        return {name: text for group in self.groups for name, text in _MEANINGS[group][task].items()}

    def _check_parameters(self) -> None:
        unknown = [group for group in self.groups if group not in _COMPUTE]
        if unknown or isinstance(self.groups, str) or not self.groups:
            raise ValueError(f"groups must be one or more of {list(_COMPUTE)}, got {self.groups!r}.")
        check_scalar(self.max_rows, "max_rows", Integral, min_val=2)
        check_scalar(self.max_columns, "max_columns", Integral, min_val=1)

    def _subsample(self, X: Any, target: Target) -> tuple[Table, Target]:
        """The rows that are looked at, in an order that depends on their content only."""
        if X.shape[0] != len(target):
            raise ValueError(f"X has {X.shape[0]} rows but y has {len(target)} values: they must be equal.")
        rng = check_random_state(self.random_state)
        rows = stratified_rows(target.strata, self.max_rows, rng)
        table, target = read_table(X, rows, self.max_columns), target.take(rows)
        order = _content_order(table, target, rng)[rng.permutation(len(rows))]
        return table.take(order), target.take(order)


def _content_order(table: Table, target: Target, rng: np.random.RandomState) -> NDArray[np.intp]:
    """Row numbers sorted by a random projection of the rows' content."""
    content = np.column_stack([table.standardised, table.codes, target.values])
    return np.argsort(content @ rng.normal(size=content.shape[1]), kind="stable")
