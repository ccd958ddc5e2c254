"""Fitted models that are blends of several: they predict with every member and make one answer of that."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from sklearn.base import ClassifierMixin, MetaEstimatorMixin, RegressorMixin, clone
from sklearn.utils import get_tags
from sklearn.utils.validation import check_is_fitted

from sklmeta._sklearn import BaseComposition, VisualBlock
from sklmeta.preparations import Rows, united
from sklmeta.scoring import CompletedClassifier
from sklmeta.thresholds import shifted


class _Blended(MetaEstimatorMixin, BaseComposition):
    """Several estimators whose answers a blend makes one of."""

    estimators: list[tuple[str, Any]]
    blend: Any
    estimators_: list[Any]

    def __init__(self, estimators: list[tuple[str, Any]], blend: Any):
        self.estimators = estimators
        self.blend = blend

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        """Parameters, and with `deep` the members and their own.

        Parameters
        ----------
        deep : bool, default=True
            Whether to include ``name`` and ``name__parameter`` of the members.

        Returns
        -------
        dict of str to object
            By name.
        """
        return self._get_params("estimators", deep=deep)

    def set_params(self, **params: Any) -> Any:
        """Set parameters, members or their parameters.

        Parameters
        ----------
        **params : dict of str to object
            By name.

        Returns
        -------
        estimator
            This object.
        """
        self._set_params("estimators", **params)
        return self

    def fit(self, X: Any, y: Any, **params: Any) -> Any:
        """Fit clones of all members; the blend stays what it is.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Rows.
        y : array-like of shape (n_samples,)
            Target.
        **params : dict of str to object
            For every member's `fit`.

        Returns
        -------
        estimator
            This object, fitted.
        """
        return self._adopt(united([clone(estimator).fit(X, y, **params) for _, estimator in self.estimators]), y)

    @classmethod
    def of_fitted(cls, estimators: Sequence[tuple[str, Any]], blend: Any, classes: Any = None) -> Any:
        """A fitted blend of members that are fitted already.

        Parameters
        ----------
        estimators : sequence of (str, estimator)
            Fitted, in the order of ``blend.members``.
        blend : WeightedBlend or StackedBlend
            What makes one answer of theirs.
        classes : ndarray of shape (n_classes,), default=None
            All labels, where they are classifiers; None takes those that the members have seen.

        Returns
        -------
        estimator
            Fitted.

        Raises
        ------
        ValueError
            If there are not as many estimators as the blend has members.
        """
        if len(estimators) != len(blend.members):
            raise ValueError(f"The blend has {len(blend.members)} members, got {len(estimators)} estimators.")
        return cls(list(estimators), blend)._adopt([estimator for _, estimator in estimators], classes)

    def _adopt(self, fitted: list[Any], labels: Any) -> Any:
        self.estimators_ = fitted
        return self

    def _outputs(self, X: Any, ask: Callable[[Any, Any], np.ndarray]) -> list[np.ndarray]:
        check_is_fitted(self)
        return (X if isinstance(X, Rows) else Rows(X)).answers(self.estimators_, ask, _KINDS)

    @property
    def n_features_in_(self) -> int:
        """Columns seen in `fit`."""
        return self._of_first("n_features_in_")

    @property
    def feature_names_in_(self) -> np.ndarray:
        """Names of the columns seen in `fit`, where they had any."""
        return self._of_first("feature_names_in_")

    def _of_first(self, name: str) -> Any:
        fitted = vars(self).get("estimators_")
        if not fitted:
            raise AttributeError(f"This {type(self).__name__} is not fitted, so it has no {name}.")
        return getattr(fitted[0], name)

    def _sk_visual_block_(self) -> Any:
        names = [name for name, _ in self.estimators]
        shares = self.blend.shares
        labels = names if shares is None else [f"{share:.2f} {n}" for n, share in zip(names, shares, strict=True)]
        return VisualBlock(
            "parallel", [estimator for _, estimator in self.estimators], names=labels, dash_wrapped=False
        )

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        inner = [get_tags(estimator).input_tags for _, estimator in self.estimators]
        for kind in ("allow_nan", "sparse", "categorical", "string"):
            setattr(tags.input_tags, kind, all(getattr(t, kind) for t in inner))
        return tags


class BlendedClassifier(ClassifierMixin, _Blended):
    """Several classifiers whose probabilities a blend makes one of.

    Parameters
    ----------
    estimators : list of (str, classifier)
        In the order of ``blend.members``. `fit` fits clones of them; see `of_fitted` for fitted ones.
    blend : WeightedBlend or StackedBlend
        What makes one answer of theirs.

    Attributes
    ----------
    estimators_ : list of classifier
        Fitted.
    classes_ : ndarray of shape (n_classes,)
        Labels; a member that has not seen one gives it probability 0.
    n_features_in_ : int
        Columns seen in `fit`.
    feature_names_in_ : ndarray of str
        Their names, where they have any.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.datasets import load_iris
    >>> from sklearn.naive_bayes import GaussianNB
    >>> from sklearn.tree import DecisionTreeClassifier
    >>> from sklmeta.blends import WeightedBlend
    >>> X, y = load_iris(return_X_y=True)
    >>> members = [("tree", DecisionTreeClassifier(random_state=0)), ("nb", GaussianNB())]
    >>> BlendedClassifier(members, WeightedBlend(np.array([0.4, 0.6]))).fit(X, y).predict_proba(X[:1]).round(2)
    array([[1., 0., 0.]])
    """

    classes_: np.ndarray

    def _adopt(self, fitted: list[Any], labels: Any) -> Any:
        labels = np.concatenate([e.classes_ for e in fitted]) if labels is None else labels
        self.classes_ = np.unique(labels)
        return super()._adopt(fitted, labels)

    def predict_proba(self, X: Any) -> np.ndarray:
        """Probabilities.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Rows.

        Returns
        -------
        ndarray of shape (n_samples, n_classes)
            Columns in the order of `classes_`.
        """
        return self.blend(np.array(self._outputs(X, self._probabilities)))

    def _probabilities(self, model: Any, X: Any) -> np.ndarray:
        return CompletedClassifier(model, self.classes_).predict_proba(X)

    def predict_log_proba(self, X: Any) -> np.ndarray:
        """Logarithms of the probabilities.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Rows.

        Returns
        -------
        ndarray of shape (n_samples, n_classes)
            Columns in the order of `classes_`; minus infinity where the probability is 0.
        """
        with np.errstate(divide="ignore"):
            return np.log(self.predict_proba(X))

    def predict(self, X: Any) -> np.ndarray:
        """The most probable labels; of two, the second from the blend's threshold on.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Rows.

        Returns
        -------
        ndarray of shape (n_samples,)
            The first of `classes_` where several are as probable.
        """
        probabilities, threshold = self.predict_proba(X), self.blend.threshold
        if threshold != 0.5 and len(self.classes_) == 2:
            probabilities = shifted(probabilities, threshold)
        return self.classes_[probabilities.argmax(axis=1)]


class BlendedRegressor(RegressorMixin, _Blended):
    """Several regressors whose predictions a blend makes one of.

    Parameters
    ----------
    estimators : list of (str, regressor)
        In the order of ``blend.members``. `fit` fits clones of them; see `of_fitted` for fitted ones.
    blend : WeightedBlend or StackedBlend
        What makes one answer of theirs.

    Attributes
    ----------
    estimators_ : list of regressor
        Fitted.
    n_features_in_ : int
        Columns seen in `fit`.
    feature_names_in_ : ndarray of str
        Their names, where they have any.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.datasets import load_diabetes
    >>> from sklearn.linear_model import Ridge
    >>> from sklearn.tree import DecisionTreeRegressor
    >>> from sklmeta.blends import WeightedBlend
    >>> X, y = load_diabetes(return_X_y=True)
    >>> members = [("tree", DecisionTreeRegressor(max_depth=3)), ("ridge", Ridge())]
    >>> BlendedRegressor(members, WeightedBlend(np.array([0.5, 0.5]))).fit(X, y).score(X, y) > 0.5
    True
    """

    def predict(self, X: Any) -> np.ndarray:
        """Numbers.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Rows.

        Returns
        -------
        ndarray of shape (n_samples,)
            Predictions.
        """
        outputs = self._outputs(X, lambda model, rows: np.asarray(model.predict(rows), float))
        return self.blend(np.array(outputs).reshape(len(outputs), -1, 1))[:, 0]


_KINDS = (BlendedClassifier, BlendedRegressor)  # and none of their subclasses, which may do else with their rows
