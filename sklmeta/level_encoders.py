"""scikit-learn's encoders of categories, for text: they then look at numbers, not at each cell in Python."""

from __future__ import annotations

from copy import copy
from typing import Any

import numpy as np
import pandas as pd
from sklearn.preprocessing import OneHotEncoder, OrdinalEncoder


class _ByCode:
    """Hands an encoder the levels' positions in alphabetical order, which are what it would sort them into itself.

    `fit` and `transform` take DataFrames of text and NaN.
    """

    def fit(self, X: pd.DataFrame, y: Any = None) -> Any:
        """Learn the levels of each column, and what the encoder learns of them."""
        self.levels_ = [np.sort(column.dropna().unique()) for _, column in X.items()]
        return super().fit(self._codes(X), y)  # type: ignore[misc]

    def transform(self, X: pd.DataFrame) -> Any:
        """As the encoder does; a level never seen is one to it, too."""
        return super().transform(self._codes(X))  # type: ignore[misc]

    def _codes(self, X: pd.DataFrame) -> pd.DataFrame:
        codes = {}
        for (name, column), levels in zip(X.items(), self.levels_, strict=True):
            found = pd.Index(levels, dtype=object).get_indexer(column)
            codes[name] = np.where(column.isna(), np.nan, np.where(found < 0, len(levels), found))
        return pd.DataFrame(codes, index=X.index)


class LevelOneHotEncoder(_ByCode, OneHotEncoder):
    """A column a level; see :class:`sklearn.preprocessing.OneHotEncoder`."""

    def get_feature_names_out(self, input_features: Any = None) -> np.ndarray:
        """Names of the columns that leave, by the levels themselves."""
        named = copy(self)
        named.categories_ = [
            np.append(levels, np.nan) if len(codes) > len(levels) else levels
            for codes, levels in zip(self.categories_, self.levels_, strict=True)
        ]
        return OneHotEncoder.get_feature_names_out(named, input_features)


class LevelOrdinalEncoder(_ByCode, OrdinalEncoder):
    """The levels' numbers; see :class:`sklearn.preprocessing.OrdinalEncoder`."""
