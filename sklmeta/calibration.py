"""Probabilities for classifiers that only have decision values."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from numbers import Integral
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin, MetaEstimatorMixin, clone
from sklearn.calibration import CalibratedClassifierCV
from sklearn.frozen import FrozenEstimator
from sklearn.model_selection import StratifiedKFold
from sklearn.utils import get_tags
from sklearn.utils.metadata_routing import MetadataRouter, MethodMapping, get_routing_for_object, process_routing
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted, column_or_1d, validate_data

from sklmeta._sklearn import SigmoidCalibration, routing_enabled

CALIBRATION_FOLDS = 3


class CalibratedMember(ClassifierMixin, MetaEstimatorMixin, BaseEstimator):
    """A classifier that keeps its own labels and gains probabilities.

    The probabilities are those of ``CalibratedClassifierCV(estimator, ensemble=False)``, which scikit-learn
    recommends in place of ``SVC(probability=True)``: a sigmoid fitted to held-out decision values (Platt 1999),
    around one classifier fitted on all rows. Unlike there, a class with few rows lowers the number of folds
    instead of raising, and `predict` is the classifier's own, so that what was measured for labels holds.

    Parameters
    ----------
    estimator : classifier
        Has ``decision_function`` and no ``predict_proba``.
    cv : int, cross-validation splitter or iterable, default=3
        Folds that hold out the decision values. A number is lowered to the rows that the rarest class has; with one
        row in a class nothing can be held out, and the sigmoid is fitted to the training rows' own values.

    Attributes
    ----------
    calibrated_ : CalibratedClassifierCV
        The fitted classifier with its sigmoids.
    estimator_ : classifier
        The classifier fitted on all rows.
    classes_ : ndarray of shape (n_classes,)
        The labels.

    References
    ----------
    J. Platt (1999), "Probabilistic outputs for support vector machines".

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklearn.svm import SVC
    >>> X, y = load_iris(return_X_y=True)
    >>> CalibratedMember(SVC()).fit(X, y).predict_proba(X[:1]).round(1)
    array([[1., 0., 0.]])
    """

    def __init__(self, estimator: Any, cv: Any = CALIBRATION_FOLDS):
        self.estimator = estimator
        self.cv = cv

    def fit(self, X: Any, y: Any, sample_weight: Any = None, **fit_params: Any) -> CalibratedMember:
        """Fit the classifier and its sigmoids.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Training rows.
        y : array-like of shape (n_samples,)
            Labels.
        sample_weight : array-like of shape (n_samples,), default=None
            Weights, for the classifier and the sigmoids.
        **fit_params : dict
            For the classifier's own ``fit``; with metadata routing, its requests decide.

        Returns
        -------
        CalibratedMember
            This object.
        """
        validate_data(self, X, y, skip_check_array=True)
        check_classification_targets(y)
        y = column_or_1d(y, warn=True)
        weights = {} if sample_weight is None else {"sample_weight": sample_weight}
        inner, fit_params = self._routed({**weights, **fit_params})
        self.classes_ = np.unique(y)
        if _knows_labels(inner):
            inner, y = _Decoding(inner, self.classes_), np.searchsorted(self.classes_, y)
        folds = self._folds(y)
        if folds is None:
            folds, inner = [(np.arange(len(y)), np.arange(len(y)))], FrozenEstimator(inner.fit(X, y, **fit_params))
        self.calibrated_ = CalibratedClassifierCV(inner, ensemble=False, cv=folds)
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", "Since FrozenEstimator does not")  # it has had its weights
            self.calibrated_.fit(X, y, **fit_params)
        fitted = self.calibrated_.calibrated_classifiers_[0].estimator
        fitted = fitted.estimator if isinstance(fitted, FrozenEstimator) else fitted
        self.estimator_ = fitted.estimator_ if isinstance(fitted, _Decoding) else fitted
        return self

    def _routed(self, params: dict[str, Any]) -> tuple[Any, dict[str, Any]]:
        """An unfitted classifier, and what its ``fit`` takes of `params`; the sigmoids take its weights."""
        inner = clone(self.estimator)
        if not routing_enabled():
            return inner, params
        params = process_routing(self, "fit", **params).estimator.fit
        if hasattr(inner, "set_fit_request"):  # CalibratedClassifierCV routes again, now by the classifier's own names
            inner.set_fit_request(**dict.fromkeys(params, True))
        return inner, params

    def _folds(self, y: np.ndarray) -> Any:
        """What to hold out by; None where a class has one row."""
        if not isinstance(self.cv, Integral):
            return self.cv
        rarest = int(np.unique(y, return_counts=True)[1].min())
        return StratifiedKFold(min(self.cv, rarest)) if rarest >= 2 else None

    def predict(self, X: Any) -> np.ndarray:
        """Labels, by the classifier itself; shape (n_samples,)."""
        check_is_fitted(self)
        return self.estimator_.predict(X)

    def predict_proba(self, X: Any) -> np.ndarray:
        """Calibrated probabilities, shape (n_samples, n_classes)."""
        check_is_fitted(self)
        return self.calibrated_.predict_proba(X)

    def decision_function(self, X: Any) -> np.ndarray:
        """Decision values of the classifier itself."""
        check_is_fitted(self)
        return self.estimator_.decision_function(X)

    def get_metadata_routing(self) -> MetadataRouter:
        """Where metadata go: to the classifier, as its requests say.

        Returns
        -------
        MetadataRouter
            Of the classifier.
        """
        router = MetadataRouter(owner=type(self).__name__)
        return router.add(estimator=self.estimator, method_mapping=MethodMapping().add(caller="fit", callee="fit"))

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        inner = get_tags(self.estimator)
        tags.input_tags = inner.input_tags
        tags.classifier_tags = inner.classifier_tags
        return tags


def _knows_labels(estimator: Any) -> bool:
    """Whether weights of classes go by their labels."""
    return any(name.endswith("class_weight") and isinstance(v, Mapping) for name, v in estimator.get_params().items())


class _Decoding(ClassifierMixin, BaseEstimator):
    """A classifier of labels, for CalibratedClassifierCV, which numbers them before it holds out decision values."""

    def __init__(self, estimator: Any, labels: np.ndarray):
        self.estimator = estimator
        self.labels = labels

    def fit(self, X: Any, y: np.ndarray, sample_weight: Any = None, **fit_params: Any) -> _Decoding:
        weights = {} if sample_weight is None else {"sample_weight": sample_weight}
        self.estimator_ = clone(self.estimator).fit(X, self.labels[y], **weights, **fit_params)
        self.classes_ = np.searchsorted(self.labels, self.estimator_.classes_)
        return self

    def decision_function(self, X: Any) -> np.ndarray:
        return self.estimator_.decision_function(X)

    def predict(self, X: Any) -> np.ndarray:
        return np.searchsorted(self.labels, self.estimator_.predict(X))

    def get_metadata_routing(self) -> Any:
        return get_routing_for_object(self.estimator)

    def __sklearn_tags__(self) -> Any:
        return get_tags(self.estimator)


def lacks_probabilities(estimator: Any) -> bool:
    """Whether a classifier is to be calibrated; one with an init knows labels of its own, which that numbers anew."""
    if hasattr(estimator, "predict_proba") or getattr(estimator, "init", None) is not None:
        return False
    return hasattr(estimator, "decision_function")


def cross_fitted_probabilities(
    decisions: list[np.ndarray], labels: list[np.ndarray], n_classes: int
) -> list[np.ndarray]:
    """Probabilities for held-out decision values by sigmoids fitted to the other folds' held-out values.

    Measures what calibration would give at the cost of none of its inner fits.

    Parameters
    ----------
    decisions : list of ndarray of shape (n_test, n_classes), or (n_test,) for two classes
        One array a fold; NaN in the column of a class that the fold's training part lacked.
    labels : list of ndarray of shape (n_test,)
        Class indices of the same rows.
    n_classes : int
        Number of classes.

    Returns
    -------
    list of ndarray of shape (n_test, n_classes)
        Rows sum to one.
    """
    columns = [d[:, None] if d.ndim == 1 else d for d in decisions]
    result = []
    for k, held_out in enumerate(columns):
        others = [i for i in range(len(columns)) if i != k] or [k]
        known = np.vstack([columns[i] for i in others])
        targets = np.concatenate([labels[i] for i in others])
        result.append(_sigmoids(known, targets, held_out, n_classes))
    return result


def _sigmoids(known: np.ndarray, targets: np.ndarray, new: np.ndarray, n_classes: int) -> np.ndarray:
    """One-versus-rest sigmoids, normalised, as CalibratedClassifierCV does; shape (n_new, n_classes)."""
    if n_classes == 2:
        second = _sigmoid(known[:, 0], targets == 1, new[:, 0])
        return np.column_stack([1 - second, second])
    each = [_sigmoid(known[:, c], targets == c, new[:, c]) for c in range(n_classes)]
    probabilities = np.nan_to_num(np.column_stack(each), nan=0.0)
    total = probabilities.sum(axis=1, keepdims=True)
    return np.where(total > 0, probabilities / np.where(total > 0, total, 1), 1 / n_classes)


def _sigmoid(known: np.ndarray, positive: np.ndarray, new: np.ndarray) -> np.ndarray:
    usable = np.isfinite(known)
    if not positive[usable].any():
        return np.where(np.isfinite(new), 0.0, np.nan)
    fitted = SigmoidCalibration().fit(known[usable], positive[usable])
    return np.where(np.isfinite(new), fitted.predict(np.nan_to_num(new)), np.nan)
