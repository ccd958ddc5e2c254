"""What a fitted MetaEstimator can do: whatever its winner can."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pandas as pd
from sklearn.base import clone, is_classifier
from sklearn.utils import check_random_state
from sklearn.utils.metadata_routing import process_routing
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import check_is_fitted, validate_data

from sklmeta._sklearn import routing_enabled
from sklmeta.checks import check_rows
from sklmeta.distillation import distill, takes_weights
from sklmeta.evaluation import with_random_state
from sklmeta.scoring import refits

_OF_BLENDS = ("predict_proba", "predict_log_proba")


def _winner_has(method: str) -> Callable[[Any], bool]:
    """Whether the fitted winner, or before `fit` every member as it would be built, has a method."""

    def check(self: Any) -> bool:
        if not refits(self.refit):
            raise AttributeError(f"{type(self).__name__} has no {method} with refit=False: there is no winner to use.")
        if hasattr(self, "best_estimator_"):
            return hasattr(self._winner(), method)
        try:
            members = self._members()
        except ValueError as error:
            raise AttributeError(f"{type(self).__name__} has no {method} yet: {error}") from error
        if self._blends():
            return method == "predict" or (method in _OF_BLENDS and self._task_type() == "classification")
        return all(hasattr(m.build({}, probabilities=self._promises_probabilities()), method) for m in members)

    return check


class Winner:
    """The part of MetaEstimator that predicts: by its `ensemble_` or `best_estimator_`, with what that one has."""

    best_estimator_: Any
    multimetric_: bool
    refit: Any
    scorer_: Any

    @available_if(_winner_has("predict"))
    def predict(self, X: Any) -> np.ndarray:
        """Labels or numbers by the winner.

        Parameters
        ----------
        X : {DataFrame, array-like, sparse matrix} of shape (n_samples, n_features)
            Rows.

        Returns
        -------
        ndarray of shape (n_samples,)
            Predictions.
        """
        return self._winner().predict(self._checked_new(X))

    @available_if(_winner_has("predict_proba"))
    def predict_proba(self, X: Any) -> np.ndarray:
        """Probabilities by the winner.

        Parameters
        ----------
        X : {DataFrame, array-like, sparse matrix} of shape (n_samples, n_features)
            Rows.

        Returns
        -------
        ndarray of shape (n_samples, n_classes)
            Columns in the order of `classes_`.
        """
        return self._winner().predict_proba(self._checked_new(X))

    @available_if(_winner_has("predict_log_proba"))
    def predict_log_proba(self, X: Any) -> np.ndarray:
        """Logarithms of probabilities by the winner.

        Parameters
        ----------
        X : {DataFrame, array-like, sparse matrix} of shape (n_samples, n_features)
            Rows.

        Returns
        -------
        ndarray of shape (n_samples, n_classes)
            Columns in the order of `classes_`.
        """
        return self._winner().predict_log_proba(self._checked_new(X))

    @available_if(_winner_has("decision_function"))
    def decision_function(self, X: Any) -> np.ndarray:
        """Decision values by the winner.

        Parameters
        ----------
        X : {DataFrame, array-like, sparse matrix} of shape (n_samples, n_features)
            Rows.

        Returns
        -------
        ndarray
            As the winner's ``decision_function`` has it.
        """
        return self._winner().decision_function(self._checked_new(X))

    def score(self, X: Any, y: Any, **params: Any) -> float:
        """The score that the search optimised, on new data.

        Parameters
        ----------
        X : {DataFrame, array-like, sparse matrix} of shape (n_samples, n_features)
            Rows.
        y : array-like of shape (n_samples,)
            Target.
        **params : dict of str to object
            For the scorer.

        Returns
        -------
        float
            Greater is better. With several metrics, the one named by `refit`.
        """
        winner, X = self._winner(), self._checked_new(X)
        if routing_enabled():
            params = process_routing(self, "score", **params).scorer["score"]
        if isinstance(self.scorer_, Mapping):
            return self.scorer_[self._deciding_metric()](winner, X, y, **params)
        score = self.scorer_(winner, X, y, **params)
        return score[self._deciding_metric()] if self.multimetric_ else score

    def distill(self, X: Any, *, student: Any = None, random_state: Any = None) -> Any:
        """One estimator that imitates the model, where an average of several is too slow or too large.

        Parameters
        ----------
        X : {DataFrame, array-like, sparse matrix} of shape (n_samples, n_features)
            Rows to imitate it on, without a target: those of `fit`, or others like them.
        student : estimator, default=None
            What learns to do so; None is another of `best_estimator_`. Where that is a classifier that takes no
            weights, it is the best configuration that does, or histogram gradient boosting.
        random_state : int, RandomState instance or None, default=None
            Of the rows that are drawn between those of `X`.

        Returns
        -------
        estimator
            The student, fitted; where the model has a tuned threshold between two classes, within scikit-learn's
            FixedThresholdClassifier, which has the same. On average it keeps about a third of what the average gains
            over the best single configuration, and on some data nothing: compare before you use it.

        Raises
        ------
        ValueError
            If the given student is of another kind than the model or takes no weights.

        See Also
        --------
        sklmeta.distillation.distill : The same for any model.
        """
        model, X = self._winner(), self._checked_new(X)
        student = _student(self, random_state) if student is None else student
        return distill(model, X, student=student, random_state=random_state)

    def _deciding_metric(self) -> str:
        if isinstance(self.refit, str):
            return self.refit
        raise ValueError(f"With several metrics, score needs refit to name one of them; got refit={self.refit!r}.")

    def _winner(self) -> Any:
        check_is_fitted(self)
        if not hasattr(self, "best_estimator_"):
            raise AttributeError(f"This {type(self).__name__} was fitted with refit=False, so it has no winner to use.")
        return getattr(self, "ensemble_", self.best_estimator_)

    def _checked_new(self, X: Any) -> Any:
        X = check_rows(X)
        validate_data(self, X, skip_check_array=True, reset=False)
        if isinstance(X, np.ndarray) and hasattr(self, "feature_names_in_"):
            return pd.DataFrame(X, columns=self.feature_names_in_)  # missing names are warned of here, and once
        if isinstance(X, pd.DataFrame) and not hasattr(self, "feature_names_in_"):
            named = all(isinstance(name, str) for name in X.columns)
            return X.set_axis(range(X.shape[1]), axis=1) if named else X  # so are names that no model knows
        return X


def _student(face: Any, random_state: Any) -> Any:
    """Another of the best; of a classifier that takes no weights, the best that does, or None where none does."""
    if not is_classifier(face) or takes_weights(face.best_estimator_):
        return clone(face.best_estimator_)
    able = {member.name: member for member in face._members() if member.takes_weights}
    board = face.leaderboard().dropna(subset="score")
    for name, params in zip(board["estimator"], board["params"], strict=True):
        if name in able:
            own = {key.removeprefix(f"{name}__"): value for key, value in params.items()}
            seed = check_random_state(random_state).randint(2**31 - 1)
            return with_random_state(able[name].build(own, probabilities=True), seed)
    return None
