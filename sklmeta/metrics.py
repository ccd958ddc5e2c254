"""All standard metrics from one set of predictions; greater is better everywhere."""

from __future__ import annotations

import warnings
from collections.abc import Callable

import numpy as np
from sklearn.metrics import (
    accuracy_score,
    balanced_accuracy_score,
    f1_score,
    log_loss,
    mean_absolute_error,
    median_absolute_error,
    r2_score,
    roc_auc_score,
    root_mean_squared_error,
)

CLASSIFICATION = ("accuracy", "balanced_accuracy", "f1_macro", "roc_auc", "neg_log_loss", "neg_brier_score")
REGRESSION = ("r2", "neg_root_mean_squared_error", "neg_mean_absolute_error", "neg_median_absolute_error")
STANDARD_METRICS = {"classification": CLASSIFICATION, "regression": REGRESSION}
_SHARES, _ERRORS = CLASSIFICATION[:4], REGRESSION[1:]

# scikit-learn's other scorers, each with the recorded metric whose ranking of configurations is nearest to its own:
# mean rank correlation on 16 + 16 tables, by benchmarks/nearest_metrics.py
_NEAREST_METRIC = {
    "f1": "accuracy",
    "f1_micro": "accuracy",
    "f1_weighted": "accuracy",
    "jaccard": "accuracy",
    "jaccard_macro": "f1_macro",
    "jaccard_micro": "accuracy",
    "jaccard_weighted": "accuracy",
    "matthews_corrcoef": "f1_macro",
    "precision": "balanced_accuracy",
    "precision_macro": "accuracy",
    "precision_micro": "accuracy",
    "precision_weighted": "f1_macro",
    "recall": "accuracy",
    "recall_macro": "balanced_accuracy",
    "recall_micro": "accuracy",
    "recall_weighted": "accuracy",
    "top_k_accuracy": "roc_auc",
    "average_precision": "roc_auc",
    "roc_auc_ovr": "roc_auc",
    "roc_auc_ovo": "roc_auc",
    "roc_auc_ovr_weighted": "roc_auc",
    "roc_auc_ovo_weighted": "roc_auc",
    "d2_log_loss_score": "neg_log_loss",
    "d2_brier_score": "neg_brier_score",
    "neg_mean_squared_error": "neg_root_mean_squared_error",
    "explained_variance": "r2",
    "neg_max_error": "neg_root_mean_squared_error",
    "max_error": "neg_root_mean_squared_error",
    "neg_mean_absolute_percentage_error": "neg_mean_absolute_error",
    "neg_mean_squared_log_error": "neg_mean_absolute_error",
    "neg_root_mean_squared_log_error": "neg_mean_absolute_error",
    "neg_mean_poisson_deviance": "r2",
    "neg_mean_gamma_deviance": "r2",
    "d2_absolute_error_score": "neg_mean_absolute_error",
}
DEFAULT_METRIC = {"classification": "accuracy", "regression": "r2"}  # the estimators' own score
_BY_RESPONSE = {"predict_proba": "neg_log_loss", "decision_function": "roc_auc"}


def task_type_of_scorer(name: str) -> str | None:
    """What kind of estimators one of scikit-learn's scorers is for; None where that is not known."""
    nearest = _NEAREST_METRIC.get(name, name)
    return next((kind for kind, metrics in STANDARD_METRICS.items() if nearest in metrics), None)


def recorded_metric(scoring: str | Callable | None, recorded: tuple[str, ...], task_type: str) -> str:
    """The recorded metric to rank configurations by when the user optimises `scoring`.

    Parameters
    ----------
    scoring : str, callable or None
        A scorer's name, a scorer, or None for the estimators' own score.
    recorded : tuple of str
        Metrics that the knowledge has.
    task_type : {"classification", "regression"}
        Decides what None means: accuracy or R2.

    Returns
    -------
    str
        `scoring` itself where it was recorded; else its nearest relative; for a callable a metric of the same
        response (probabilities: log loss; labels: accuracy; numbers: R2).
    """
    default = DEFAULT_METRIC[task_type]
    if isinstance(scoring, str):
        wanted = scoring if scoring in recorded else _NEAREST_METRIC.get(scoring, default)
    elif scoring is None:
        wanted = default
    else:
        response = getattr(scoring, "_response_method", "predict")
        first = response if isinstance(response, str) else response[0]
        wanted = _BY_RESPONSE.get(first, default)
    if wanted in recorded:
        return wanted
    return default if default in recorded else recorded[0]


def recorded_unit(metric: str, spread: float) -> float:
    """What a recorded score is multiplied by to be in the user's units.

    Parameters
    ----------
    metric : str
        A recorded metric.
    spread : float
        Standard deviation of the user's target, which is the unit of recorded errors.

    Returns
    -------
    float
        `spread` for errors, else 1.
    """
    return spread if metric in _ERRORS else 1.0


def search_unit(scoring: str | Callable | None, metric: str, spread: float) -> float | None:
    """What a score of the user's metric is divided by to be in units of the recorded one.

    Parameters
    ----------
    scoring : str, callable or None
        What the user optimises.
    metric : str
        The recorded metric that stands for it.
    spread : float
        See `recorded_unit`.

    Returns
    -------
    float or None
        None where there is no telling: a scorer of the user's own, foreign metrics, two metrics on different scales,
        such as errors in other powers of the target's unit.
    """
    if callable(scoring):
        return None
    own = DEFAULT_METRIC["regression" if metric in REGRESSION else "classification"]
    scale = _scale(own if scoring is None else scoring)
    return recorded_unit(metric, spread) if scale is not None and scale == _scale(metric) else None


def _scale(metric: str) -> str | None:
    """The same for metrics whose values can be compared; None where that is unknown."""
    if metric in _ERRORS:
        return "errors in units of the target"
    if metric in ("r2", "explained_variance"):
        return "share of the variance"
    if metric in _SHARES or _NEAREST_METRIC.get(metric) in _SHARES:
        return "share of the rows,"
    return metric if metric in CLASSIFICATION else None


def classification_scores(y: np.ndarray, labels: np.ndarray, probabilities: np.ndarray) -> dict[str, float]:
    """Every standard metric of one held-out part.

    Parameters
    ----------
    y : ndarray of shape (n_samples,)
        True classes as indices into the columns of `probabilities`.
    labels : ndarray of shape (n_samples,)
        Predicted classes, likewise.
    probabilities : ndarray of shape (n_samples, n_classes)
        Rows sum to one; a class that was absent in training has zeros.

    Returns
    -------
    dict of str to float
        NaN where a metric is undefined on these rows.
    """
    n_classes = probabilities.shape[1]
    every = np.arange(n_classes)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # undefined on these rows is told by NaN
        return {
            "accuracy": accuracy_score(y, labels),
            "balanced_accuracy": balanced_accuracy_score(y, labels),
            "f1_macro": f1_score(y, labels, average="macro"),
            "roc_auc": _roc_auc(y, probabilities),
            "neg_log_loss": -log_loss(y, probabilities, labels=every),
            "neg_brier_score": -_brier(y, probabilities),
        }


def regression_scores(y: np.ndarray, predicted: np.ndarray, scale: float = 1.0) -> dict[str, float]:
    """Every standard metric of one held-out part.

    Parameters
    ----------
    y, predicted : ndarray of shape (n_samples,)
        True and predicted targets.
    scale : float, default=1.0
        What errors are divided by: in the knowledge, the target's standard deviation on the task.

    Returns
    -------
    dict of str to float
        Greater is better, so errors are negative.
    """
    return {
        "r2": r2_score(y, predicted) if len(y) > 1 else np.nan,
        "neg_root_mean_squared_error": -root_mean_squared_error(y, predicted) / scale,
        "neg_mean_absolute_error": -mean_absolute_error(y, predicted) / scale,
        "neg_median_absolute_error": -median_absolute_error(y, predicted) / scale,
    }


def _roc_auc(y: np.ndarray, probabilities: np.ndarray) -> float:
    """Binary, or the mean of one-versus-rest over the classes that are present; NaN with one class."""
    present = np.unique(y)
    if len(present) < 2:
        return np.nan
    if probabilities.shape[1] == 2:
        return roc_auc_score(y, probabilities[:, 1])
    return float(np.mean([roc_auc_score(y == c, probabilities[:, c]) for c in present]))


def _brier(y: np.ndarray, probabilities: np.ndarray) -> float:
    """Mean squared distance to the true class's corner, halved for two classes as scikit-learn does."""
    corners = np.eye(probabilities.shape[1])[y]
    half = 2 if probabilities.shape[1] == 2 else 1
    return float(((probabilities - corners) ** 2).sum(axis=1).mean() / half)
