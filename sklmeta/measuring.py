"""Cross-validate one configuration in all standard metrics: what knowledge is made of."""

from __future__ import annotations

import time
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from sklearn.base import clone
from threadpoolctl import threadpool_limits

from sklmeta._sklearn import safe_indexing
from sklmeta.calibration import cross_fitted_probabilities
from sklmeta.evaluation import align_columns
from sklmeta.metrics import classification_scores, regression_scores


@dataclass(frozen=True)
class Measurement:
    """What cross-validating one configuration gave in every standard metric.

    Parameters
    ----------
    scores : mapping of str to ndarray of shape (n_folds,)
        By metric, greater is better; NaN where a metric is undefined on a fold.
    fit_seconds, score_seconds : ndarray of shape (n_folds,)
        CPU seconds of one thread.
    errors : ndarray of shape (n_tested, n_outputs) or None, default=None
        Where asked for, of every test row: probabilities minus one for the class it has and zero for the others, or
        predictions minus the target, in its standard deviations.
    """

    scores: Mapping[str, np.ndarray]
    fit_seconds: np.ndarray
    score_seconds: np.ndarray
    errors: np.ndarray | None = None


def measure(
    estimator: Any,
    X: Any,
    y: np.ndarray,
    splits: Sequence[tuple[np.ndarray, np.ndarray]],
    n_classes: int | None,
    *,
    keep_errors: bool = False,
) -> Measurement:
    """Cross-validate one configuration on one thread, scoring the same predictions in every standard metric.

    A classifier without ``predict_proba`` gets probabilities from sigmoids fitted across its held-out
    decision values.

    Parameters
    ----------
    estimator : estimator
        Unfitted; cloned for each fold.
    X : array-like of shape (n_samples, n_features)
        Rows.
    y : ndarray of shape (n_samples,)
        Class indices from 0, or a regression target.
    splits : sequence of (train, test)
        Row positions.
    n_classes : int or None
        Number of classes; None for regression.
    keep_errors : bool, default=False
        Whether the errors on each row are wanted, too.

    Returns
    -------
    Measurement
        Scores and seconds per fold.
    """
    answers, fit_seconds, score_seconds = [], [], []
    with warnings.catch_warnings(), threadpool_limits(1):
        warnings.simplefilter("ignore")
        for train, test in splits:
            started = time.thread_time()
            fitted = clone(estimator).fit(safe_indexing(X, train), y[train])
            between = time.thread_time()
            answers.append(_answers(fitted, safe_indexing(X, test), n_classes))
            fit_seconds.append(between - started)
            score_seconds.append(time.thread_time() - between)
    truths = [y[test] for _, test in splits]
    if n_classes is None:
        scale = float(np.std(y)) or 1.0
        outputs = [predicted for predicted, *_ in answers]
        folds = [regression_scores(t, predicted, scale) for t, predicted in zip(truths, outputs, strict=True)]
        errors = [(predicted - t)[:, None] / scale for t, predicted in zip(truths, outputs, strict=True)]
    else:
        outputs = _probabilities(truths, answers)
        labels = [predicted for predicted, *_ in answers]
        folds = [classification_scores(*of_fold) for of_fold in zip(truths, labels, outputs, strict=True)]
        errors = [p - np.eye(n_classes)[t] for t, p in zip(truths, outputs, strict=True)]
    scores = {metric: np.array([fold[metric] for fold in folds]) for metric in folds[0]}
    kept = np.concatenate(errors).astype(np.float32) if keep_errors else None
    return Measurement(scores, np.array(fit_seconds), np.array(score_seconds), kept)


def error_products(errors: Sequence[np.ndarray]) -> np.ndarray:
    """Mean over rows of the products of errors of each two models: what any average of them scores.

    The mean squared error of an average with weights ``w`` is exactly ``w @ products @ w``: in classification its Brier
    score, in regression that of the target in standard deviations.

    Parameters
    ----------
    errors : sequence of ndarray of shape (n_tested, n_outputs)
        One a model, all of the same rows.

    Returns
    -------
    ndarray of shape (n_models, n_models)
        Symmetric.

    References
    ----------
    A. Krogh, J. Vedelsby (1994), "Neural network ensembles, cross validation, and active learning".

    Examples
    --------
    >>> error_products([np.array([[1.0], [0.0]]), np.array([[-1.0], [2.0]])])
    array([[ 0.5, -0.5],
           [-0.5,  2.5]])
    """
    stacked = np.stack([np.asarray(e, dtype=float).ravel() for e in errors])
    return stacked @ stacked.T / len(errors[0])


def _answers(fitted: Any, X: Any, n_classes: int | None) -> tuple[np.ndarray, np.ndarray | None, bool]:
    """Labels or numbers, and for a classifier one column a class with whether these are probabilities."""
    predicted = fitted.predict(X)
    if n_classes is None:
        if not np.isfinite(predicted).all():
            raise ValueError("predictions are not finite")
        return predicted, None, False
    if hasattr(fitted, "predict_proba"):
        return predicted, align_columns(fitted.predict_proba(X), fitted.classes_, n_classes, 0.0), True
    decision = fitted.decision_function(X)
    if decision.ndim == 1:
        decision = np.column_stack([-decision, decision])
    return predicted, align_columns(decision, fitted.classes_, n_classes, np.nan), False


def _probabilities(truths: list, answers: list) -> list[np.ndarray]:
    """Of each fold; from sigmoids across the held-out decision values where the model has none."""
    columns = [values for _, values, _ in answers]
    if answers[0][2]:
        return columns
    n_classes = columns[0].shape[1]
    return cross_fitted_probabilities([c[:, 1] if n_classes == 2 else c for c in columns], truths, n_classes)
