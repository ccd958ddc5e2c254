"""Small learners for landmarking: one function each, on arrays of up to two thousand rows.

All take ``(X, Y, X_new)`` and return scores of shape (n_new, k):

* X, of shape (n, p), holds standardised columns;
* Y, of shape (n, k), one indicator column per class, or the standardised target as its only column;
* for classes, the largest score of a row is the prediction.

A class without rows in `Y` is never predicted by the two generative learners.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import linalg
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
from sklearn.tree import DecisionTreeRegressor, ExtraTreeRegressor

from sklmeta.warning_records import recorded_warnings

Learner = Callable[[NDArray, NDArray, NDArray], NDArray]

N_BOOSTED = 30
_NEVER = -1e30


def nearest(X: NDArray, Y: NDArray, X_new: NDArray, n_neighbors: int = 1) -> NDArray[np.float64]:
    """Mean of the targets of the nearest rows (Euclidean)."""
    distances, rows = squared_distances(X_new, X), np.arange(len(X_new))
    found = []
    for _ in range(min(n_neighbors, len(X))):  # for a few of them quicker than a partition
        found.append(distances.argmin(axis=1))
        distances[rows, found[-1]] = np.inf
    return np.mean([Y[neighbours] for neighbours in found], axis=0)


def ridge(X: NDArray, Y: NDArray, X_new: NDArray, alpha: float = 1.0) -> NDArray[np.float64]:
    """Least squares with an intercept and penalty ``alpha * ||W||^2``."""
    x_mean, y_mean = X.mean(axis=0), Y.mean(axis=0)
    centred = X - x_mean
    gram = centred.T @ centred
    gram[np.diag_indices_from(gram)] += alpha
    return (X_new - x_mean) @ np.linalg.solve(gram, centred.T @ (Y - y_mean)) + y_mean


def logistic(X: NDArray, Y: NDArray, X_new: NDArray, alpha: float = 1.0, n_steps: int = 25) -> NDArray[np.float64]:
    """Multinomial logistic regression with penalty ``alpha / 2 * ||W||^2``, by Böhning's bound.

    Each step solves with one fixed matrix that bounds the Hessian, so the loss falls at each of them
    (Böhning 1992).
    """
    design = np.column_stack([np.ones(len(X)), X])
    penalty = np.full(design.shape[1], alpha)
    penalty[0] = 1e-6
    bound = 0.5 * design.T @ design
    bound[np.diag_indices_from(bound)] += penalty
    step = np.linalg.inv(bound)
    W = np.zeros((design.shape[1], Y.shape[1]))
    for _ in range(n_steps):
        W += step @ (design.T @ (Y - softmax(design @ W)) - penalty[:, None] * W)
    return X_new @ W[1:] + W[0]


def kernel_ridge(
    X: NDArray, Y: NDArray, X_new: NDArray, alpha: float = 0.1, dtype: Any = np.float32
) -> NDArray[np.float64]:
    """Ridge regression in the space of a Gaussian kernel whose width is the number of varying columns.

    For indicator targets this is the least-squares support vector machine (Suykens & Vandewalle 1999).
    """
    width = max(np.ptp(X, axis=0).astype(bool).sum(), 1)
    near, new = X.astype(dtype), X_new.astype(dtype)  # single precision: half the time, its rounding far below alpha
    kernel = _gaussian(near, near, width)
    kernel[np.diag_indices_from(kernel)] += alpha
    y_mean = Y.mean(axis=0)
    factor = linalg.cho_factor(kernel, overwrite_a=True, check_finite=False)
    weights = linalg.cho_solve(factor, (Y - y_mean).astype(dtype), check_finite=False)
    return (_gaussian(new, near, width) @ weights).astype(np.float64) + y_mean


def naive_bayes(X: NDArray, Y: NDArray, X_new: NDArray, smoothing: float = 1e-3) -> NDArray[np.float64]:
    """Log posterior, up to a constant, of Gaussians with one variance per class and column.

    `smoothing` times the largest variance of a column is added to all variances.
    """
    counts, means = _class_means(X, Y)
    variances = np.maximum(Y.T @ X**2 / np.maximum(counts, 1)[:, None] - means**2, 0.0)
    variances += max(smoothing * X.var(axis=0).max(initial=0.0), 1e-12)
    precision = 1.0 / variances
    squares = X_new**2 @ precision.T - 2 * X_new @ (precision * means).T + (precision * means**2).sum(axis=1)
    return -0.5 * (squares + np.log(variances).sum(axis=1)) + _log_priors(counts)


def linear_discriminant(X: NDArray, Y: NDArray, X_new: NDArray, shrinkage: float = 0.05) -> NDArray[np.float64]:
    """Log posterior, up to a constant, of Gaussians that share one covariance, shrunk to a sphere."""
    counts, means = _class_means(X, Y)
    within = X - Y @ means
    covariance = (1 - shrinkage) * (within.T @ within) / len(X)
    covariance[np.diag_indices_from(covariance)] += max(shrinkage * np.square(within).sum() / max(within.size, 1), 1e-9)
    weights = np.linalg.solve(covariance, means.T)
    return X_new @ weights - 0.5 * (means.T * weights).sum(axis=0) + _log_priors(counts)


def tree(X: NDArray, Y: NDArray, X_new: NDArray, max_depth: int | None = None) -> NDArray[np.float64]:
    """A decision tree; squared error on indicator columns is the Gini criterion."""
    model = DecisionTreeRegressor(max_depth=max_depth, random_state=0)
    return _fit_predict(model, X, Y, X_new)


def random_trees(X: NDArray, Y: NDArray, X_new: NDArray) -> NDArray[np.float64]:
    """Mean of extremely randomised trees (Geurts, Ernst & Wehenkel 2006): one for fifty rows, 10 to 20."""
    n_trees = min(max(len(X) // 50, 10), 20)
    model = ExtraTreeRegressor(max_features="sqrt", random_state=np.random.RandomState(0))  # each fit draws on from it
    return np.mean([_fit_predict(model, X, Y, X_new) for _ in range(n_trees)], axis=0)


def boosting(X: NDArray, Y: NDArray, X_new: NDArray) -> NDArray[np.float64]:
    """Histogram gradient boosting (Friedman 2001; Ke et al. 2017) of thirty trees of eight leaves.

    All classes share these trees, but none has less than five.
    """
    if Y.shape[1] == 1:
        return _boosted(HistGradientBoostingRegressor, N_BOOSTED).fit(X, Y.ravel()).predict(X_new)[:, None]
    seen = np.flatnonzero(Y.any(axis=0))
    if len(seen) == 1:
        return np.tile(Y[0], (len(X_new), 1))
    n_each_round = 1 if len(seen) == 2 else len(seen)
    model = _boosted(HistGradientBoostingClassifier, max(N_BOOSTED // n_each_round, 5))
    scores = np.zeros((len(X_new), Y.shape[1]))
    with recorded_warnings():  # that many classes might be a quantity
        scores[:, seen] = model.fit(X, Y.argmax(axis=1)).predict_proba(X_new)
    return scores


def squared_distances(A: NDArray, B: NDArray) -> NDArray[np.float64]:
    """Squared Euclidean distances between rows, (n, p) and (m, p) to (n, m); never negative."""
    squares = A @ (-2.0 * B).T
    squares += np.einsum("ij,ij->i", A, A)[:, None]
    squares += np.einsum("ij,ij->i", B, B)
    return np.maximum(squares, 0.0, out=squares)


def softmax(scores: NDArray) -> NDArray[np.float64]:
    """Rows turned into probabilities."""
    powers = np.exp(scores - scores.max(axis=1, keepdims=True))
    return powers / powers.sum(axis=1, keepdims=True)


def _gaussian(A: NDArray, B: NDArray, width: int) -> NDArray[np.float64]:
    """Kernel ``exp(-distance^2 / width)`` between rows."""
    kernel = squared_distances(A, B)
    kernel /= -width
    return np.exp(kernel, out=kernel)


def _boosted(kind: type, n_rounds: int) -> Any:
    return kind(
        max_iter=n_rounds, learning_rate=0.25, max_leaf_nodes=8, max_bins=63, early_stopping=False, random_state=0
    )


def _class_means(X: NDArray, Y: NDArray) -> tuple[NDArray, NDArray]:
    counts = Y.sum(axis=0)
    return counts, Y.T @ X / np.maximum(counts, 1)[:, None]


def _log_priors(counts: NDArray) -> NDArray[np.float64]:
    return np.where(counts > 0, np.log(np.maximum(counts, 1) / counts.sum()), _NEVER)


def _fit_predict(model: DecisionTreeRegressor, X: NDArray, Y: NDArray, X_new: NDArray) -> NDArray[np.float64]:
    model.fit(X.astype(np.float32), Y, check_input=False)
    return model.predict(X_new.astype(np.float32), check_input=False).reshape(len(X_new), -1)
