"""Columns of free text as a few numbers."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.decomposition import TruncatedSVD
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.utils.validation import check_is_fitted

_LOOKED_AT = 1000  # cells that tell what a column is
_DISTINCT = 0.5  # share of them that are different
_WORDS = 3.0  # mean number of words


def is_free_text(column: pd.Series, max_levels: int) -> bool:
    """Whether a column of text holds sentences rather than levels.

    Parameters
    ----------
    column : Series
        Of text, with missing values.
    max_levels : int
        With no more levels than this, it holds levels.

    Returns
    -------
    bool
        If more than half of its cells are different, and have three words or more on average.
    """
    cells = column.dropna()
    if not isinstance(column.dtype, np.dtype | pd.StringDtype) or len(cells) <= max_levels:
        return False
    cells = cells.iloc[:: max(1, len(cells) // _LOOKED_AT)].astype(str)
    levels = cells.nunique()
    return bool(levels > max(max_levels, _DISTINCT * len(cells)) and cells.str.split().str.len().mean() >= _WORDS)


class TextComponents(TransformerMixin, BaseEstimator):
    """One column of text as the first components of its weighted words.

    Latent semantic analysis, by scikit-learn's own `TfidfVectorizer` and `TruncatedSVD`.

    Parameters
    ----------
    n_components : int, default=30
        How many; fewer where there are fewer different words.
    max_words : int, default=20000
        Words that count, the most frequent ones.
    prefix : str, default="text"
        Of the columns' names.

    Attributes
    ----------
    vectorizer_ : TfidfVectorizer or None
        Fitted; None where there was no word.
    components_ : TruncatedSVD or None
        Fitted; None where there are fewer than two different words.

    References
    ----------
    S. Deerwester, S. Dumais, G. Furnas, T. Landauer & R. Harshman (1990), "Indexing by latent semantic analysis".

    Examples
    --------
    >>> import pandas as pd
    >>> column = pd.Series(["a red house", "a red car", "one blue car"])
    >>> TextComponents(n_components=2).fit_transform(column).shape
    (3, 2)
    """

    def __init__(self, n_components: int = 30, max_words: int = 20_000, prefix: str = "text"):
        self.n_components = n_components
        self.max_words = max_words
        self.prefix = prefix

    def fit(self, X: Any, y: Any = None) -> TextComponents:
        """Learn words and components; see `fit_transform`."""
        self.fit_transform(X, y)
        return self

    def fit_transform(self, X: Any, y: Any = None, **params: Any) -> np.ndarray:
        """Fit, then transform the same column.

        Parameters
        ----------
        X : Series, one-column DataFrame or array-like of shape (n_samples,)
            Text; a missing cell is one without words.
        y : None
            Ignored.
        **params : dict
            Ignored.

        Returns
        -------
        ndarray of shape (n_samples, n_columns)
            Components.
        """
        cells = _cells(X)
        common = 2 if len(cells) >= 100 else 1  # what occurs once tells nothing apart
        self.vectorizer_ = TfidfVectorizer(
            strip_accents="unicode", sublinear_tf=True, min_df=common, max_features=self.max_words, dtype=np.float64
        )
        self.components_ = None
        try:
            words = self.vectorizer_.fit_transform(cells)
        except ValueError:  # no word at all, or none that is common
            self.vectorizer_ = None
            return np.zeros((len(cells), 1))
        if words.shape[1] < 2:
            return words.toarray()
        self.components_ = TruncatedSVD(min(self.n_components, words.shape[1] - 1), random_state=0)
        self.components_.set_output(transform="default")  # its own names are not ours
        return self.components_.fit_transform(words)

    def transform(self, X: Any) -> np.ndarray:
        """Components of other text.

        Parameters
        ----------
        X : Series, one-column DataFrame or array-like of shape (n_samples,)
            Text.

        Returns
        -------
        ndarray of shape (n_samples, n_columns)
            As many columns as in `fit`.
        """
        check_is_fitted(self, "vectorizer_")
        cells = _cells(X)
        if self.vectorizer_ is None:
            return np.zeros((len(cells), 1))
        words = self.vectorizer_.transform(cells)
        return words.toarray() if self.components_ is None else self.components_.transform(words)

    def get_feature_names_out(self, input_features: Any = None) -> np.ndarray:
        """The prefix with the number of each component.

        Parameters
        ----------
        input_features : array-like of str, default=None
            Ignored.

        Returns
        -------
        ndarray of str
            One a column.
        """
        check_is_fitted(self, "vectorizer_")
        n = 1 if self.components_ is None else len(self.components_.components_)
        return np.array([f"{self.prefix}_{k}" for k in range(n)], dtype=object)


def _cells(X: Any) -> list[str]:
    column = pd.Series(np.asarray(X, dtype=object).ravel())
    return column.where(column.notna(), "").astype(str).tolist()
