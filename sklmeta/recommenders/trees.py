"""The trees of a forest as arrays: what is learned ahead is stored, and loaded without executing anything."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from sklearn.ensemble import ExtraTreesRegressor

_ARRAYS = ("feature", "threshold", "left", "right")


@dataclass(frozen=True, eq=False)
class Trees:
    """Where each tree sends a row.

    Parameters
    ----------
    feature : ndarray of int of shape (n_trees, n_nodes)
        Column that a node looks at; -1 in a leaf.
    threshold : ndarray of float of shape (n_trees, n_nodes)
        Rows with at most this go left.
    left, right : ndarray of int of shape (n_trees, n_nodes)
        Next nodes, which come after their parent.
    """

    feature: np.ndarray
    threshold: np.ndarray
    left: np.ndarray
    right: np.ndarray

    def __post_init__(self) -> None:
        inner, position = self.feature >= 0, np.arange(self.feature.shape[1])
        for children in (self.left, self.right):
            if not ((children > position) & (children < self.feature.shape[1]))[inner].all():
                raise ValueError("The stored trees are damaged: a node's child does not come after it.")

    @classmethod
    def of(cls, forest: ExtraTreesRegressor) -> Trees:
        """Those of a fitted forest of scikit-learn; thresholds are rounded to single precision."""
        trees = [estimator.tree_ for estimator in forest.estimators_]
        width = max(tree.node_count for tree in trees)
        index = np.int16 if max(width, forest.n_features_in_) < 2**15 else np.int32

        def padded(name: str, dtype: type, fill: int) -> np.ndarray:
            rows = [np.pad(getattr(t, name), (0, width - t.node_count), constant_values=fill) for t in trees]
            return np.array(rows).astype(dtype)

        left = padded("children_left", index, -1)
        feature = np.where(left < 0, -1, padded("feature", index, -1)).astype(index)
        return cls(feature, padded("threshold", np.float32, 0), left, padded("children_right", index, -1))

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, np.ndarray], n_features: int) -> Trees:
        """What `arrays` gave, for rows of so many features."""
        missing = [name for name in _ARRAYS if name not in arrays]
        if missing:
            raise ValueError(f"The stored trees are damaged: there is no array {missing[0]!r}.")
        if arrays["feature"].max(initial=-1) >= n_features:
            raise ValueError(
                f"The stored trees are damaged: one looks at meta-feature {arrays['feature'].max()} of {n_features}, "
                "counted from 0."
            )
        return cls(*(arrays[name] for name in _ARRAYS))

    def arrays(self) -> dict[str, np.ndarray]:
        """To be stored."""
        return {name: getattr(self, name) for name in _ARRAYS}

    def apply(self, rows: np.ndarray) -> np.ndarray:
        """Leaf of each row, shape (n_rows, n_features), in each tree; shape (n_rows, n_trees)."""
        rows = rows.astype(np.float32)
        row, tree = np.arange(len(rows))[:, None], np.arange(len(self.feature))
        node = np.zeros((len(rows), len(self.feature)), dtype=int)
        while (inner := self.feature[tree, node] >= 0).any():
            goes_left = rows[row, self.feature[tree, node]] <= self.threshold[tree, node]
            node = np.where(inner, np.where(goes_left, self.left[tree, node], self.right[tree, node]), node)
        return node
