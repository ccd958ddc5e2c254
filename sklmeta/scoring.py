"""What the user's `scoring` means for a search."""

from __future__ import annotations

import inspect
import warnings
from collections.abc import Callable, Collection, Iterator, Mapping
from copy import copy
from typing import Any

import joblib
import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin
from sklearn.metrics import check_scoring
from sklearn.pipeline import Pipeline
from sklearn.utils.metaestimators import available_if

from sklmeta._joblib import cloudpickle
from sklmeta.exceptions import EvaluationWarning


def make_search_scorer(
    scoring: Any, refit: Any, estimator: Any, classes: np.ndarray | None
) -> tuple[Callable, str | None]:
    """The scorer of a search, and the metric that decides where it gives several.

    Parameters
    ----------
    scoring : str, callable, list, tuple, set, dict or None
        As for :class:`sklearn.model_selection.GridSearchCV`.
    refit : bool, str or callable
        Likewise.
    estimator : estimator
        Whose own score None stands for.
    classes : ndarray of shape (n_classes,) or None
        All labels, of which a fold may lack some.

    Returns
    -------
    scorer : callable
        ``scorer(estimator, X, y)`` gives a number or a mapping of numbers.
    deciding : str or None
        Name of the deciding metric; None where there is one metric only.

    Raises
    ------
    ValueError
        If `scoring` is unknown, or there are several metrics and `refit` names none of them.
    """
    if callable(scoring):
        return _one_scorer(scoring, estimator, classes), refit if isinstance(refit, str) else None
    if scoring is None or isinstance(scoring, str):
        return _one_scorer(scoring, estimator, classes), None
    if not isinstance(scoring, Collection):
        raise ValueError(
            f"scoring must be the name of a metric, a callable, or a list or mapping of them, got {scoring!r} instead."
        )
    named = dict(scoring) if isinstance(scoring, Mapping) else {name: name for name in scoring}
    check_refit(refit, named)
    scorers = {name: _one_scorer(s, estimator, classes) for name, s in named.items()}
    return check_scoring(scoring=scorers, raise_exc=False), refit if isinstance(refit, str) else next(iter(named), None)


def refits(refit: Any) -> bool:
    """Whether there is to be a model in the end."""
    return not (isinstance(refit, bool | np.bool_) and not refit)


def check_refit(refit: Any, metrics: Collection[str]) -> None:
    """Raise a ValueError where `refit` says nothing about which of several metrics decides."""
    if refits(refit) and not callable(refit) and refit not in metrics:
        raise ValueError(
            "For multi-metric scoring, the parameter refit must be set to a scorer key or a callable to refit an "
            "estimator with the best parameter setting on the whole data and make the best_* attributes available "
            f"for that metric. If this is not needed, refit should be set to False explicitly. {refit!r} was passed; "
            f"the keys are {list(metrics)}."
        )


def _one_scorer(scoring: Any, estimator: Any, classes: np.ndarray | None) -> Callable:
    scorer = scoring if callable(scoring) else check_scoring(estimator, scoring=scoring)
    return _told_all_classes(scorer, classes)


def _told_all_classes(scorer: Any, classes: np.ndarray | None) -> Callable:
    """The same scorer; one of probabilities then works on test rows that lack a class."""
    if classes is None or not asks_for_responses(scorer) or not _takes_probabilities(scorer):
        return scorer
    if "labels" in scorer._kwargs or "labels" not in inspect.signature(scorer._score_func).parameters:
        return scorer
    told = copy(scorer)  # with what it asks of metadata
    told._kwargs = {**scorer._kwargs, "labels": classes}
    return told


def has_standard_score(estimator: Any) -> bool:
    """Whether an estimator's own score, or that of a Pipeline's last step, is scikit-learn's: accuracy, or R2."""
    last = estimator.steps[-1][1] if type(estimator) is Pipeline else estimator  # another kind may score otherwise
    return getattr(type(last), "score", None) in (ClassifierMixin.score, RegressorMixin.score)


def asks_for_responses(scorer: Any) -> bool:
    """Whether a scorer takes nothing of a model but what it answers: one of scikit-learn's, or several of them."""
    scorer = getattr(scorer, "scorer", scorer)
    several = getattr(scorer, "_scorers", None)
    if several is not None:
        return all(map(asks_for_responses, several.values()))
    return hasattr(scorer, "_response_method") and hasattr(scorer, "_score_func")


def looks_at_no_rows(scorer: Any) -> bool:
    """Whether a scorer hands the rows on to the model as they are: one of scikit-learn's, or a model's own score."""
    return asks_for_responses(scorer) or hasattr(getattr(scorer, "scorer", scorer), "_estimator")


class FoldScorer:
    """Scores fold models, of which some have not seen every class.

    Parameters
    ----------
    scorer : callable
        ``scorer(estimator, X, y)`` gives a number or a mapping of numbers.
    classes : ndarray of shape (n_classes,) or None
        All labels; None for regression.
    deciding : str, default=None
        Of several metrics, the one without which there is no score at all.
    """

    def __init__(self, scorer: Callable, classes: np.ndarray | None, deciding: str | None = None):
        self.scorer = scorer
        self.classes = classes
        self.deciding = deciding

    def __call__(self, estimator: Any, X: Any, y: Any, **params: Any) -> Any:
        """The scorer's answer; a class that the model has not seen has probability 0.

        Of several metrics, one that raised is NaN, which a warning says.
        """
        if self.classes is not None and len(getattr(estimator, "classes_", self.classes)) < len(self.classes):
            estimator = CompletedClassifier(estimator, self.classes)
        scores = self.scorer(estimator, X, y, **params)
        if hasattr(self.scorer, "_scorers"):
            return {name: self._unless_it_raised(name, score) for name, score in scores.items()}
        return scores

    def _unless_it_raised(self, name: str, score: Any) -> Any:
        if not (isinstance(score, str) and score.startswith("Traceback")):
            return score
        what = f"The metric {name!r} raised {score.strip().splitlines()[-1]}"
        if name == self.deciding:
            raise ValueError(what)
        warnings.warn(f"{what}; it is NaN here.", EvaluationWarning, stacklevel=3)
        return np.nan


def _has(method: str) -> Callable[[Any], bool]:
    return lambda self: hasattr(self.estimator, method)


class CompletedClassifier(ClassifierMixin, BaseEstimator):
    """A fitted classifier with a column for each class, those that it has not seen included.

    Parameters
    ----------
    estimator : classifier
        Fitted.
    classes : ndarray of shape (n_classes,)
        All labels, sorted; those of `estimator` are among them.
    """

    def __init__(self, estimator: Any, classes: np.ndarray):
        self.estimator = estimator
        self.classes = classes

    @property
    def classes_(self) -> np.ndarray:
        """All labels."""
        return self.classes

    def predict(self, X: Any) -> np.ndarray:
        """Labels, shape (n_samples,)."""
        return self.estimator.predict(X)

    @available_if(_has("predict_proba"))
    def predict_proba(self, X: Any) -> np.ndarray:
        """Probabilities, shape (n_samples, n_classes): 0 for a class never seen."""
        return self._completed(self.estimator.predict_proba(X), 0.0)

    @available_if(_has("decision_function"))
    def decision_function(self, X: Any) -> np.ndarray:
        """Decision values, shape (n_samples, n_classes): the least possible for a class never seen."""
        values = self.estimator.decision_function(X)
        if values.ndim == 1:
            values = np.column_stack([-values, values])
        return self._completed(values, np.finfo(values.dtype).min)

    def score(self, X: Any, y: Any, **params: Any) -> float:
        """The classifier's own score."""
        return self.estimator.score(X, y, **params)

    def __sklearn_is_fitted__(self) -> bool:
        return True

    def _completed(self, values: np.ndarray, absent: float) -> np.ndarray:
        completed = np.full((len(values), len(self.classes)), absent, dtype=values.dtype)
        completed[:, np.searchsorted(self.classes, self.estimator.classes_)] = values
        return completed


def deciding_scoring(scoring: Any, refit: Any) -> Any:
    """The one scoring, a name or a callable or None, by which configurations are to be ranked."""
    if isinstance(scoring, Mapping):
        return scoring[refit] if isinstance(refit, str) else next(iter(scoring.values()))
    if isinstance(scoring, list | tuple | set):
        return refit if isinstance(refit, str) else next(iter(scoring))
    return scoring


def identity_of(scoring: Any) -> str:
    """The same for the same scoring; of functions not by their names, which several may have."""
    if isinstance(scoring, Mapping):
        return repr({name: identity_of(scorer) for name, scorer in scoring.items()})
    if not callable(scoring):
        return repr(scoring)
    try:
        return joblib.hash(cloudpickle.dumps(scoring))
    except Exception:  # whatever pickling it may raise
        return repr(scoring)


def needs_probabilities(scoring: Any) -> bool:
    """Whether a scorer among `scoring` takes nothing but probabilities."""
    return any("predict_proba" in taken and "decision_function" not in taken for taken in _responses(scoring))


def needs_decisions(scoring: Any) -> bool:
    """Whether a scorer among `scoring` takes nothing but decision values, which an average does not have."""
    return any(taken == {"decision_function"} for taken in _responses(scoring))


def _responses(scoring: Any) -> Iterator[set[str]]:
    """Of each scorer, which methods of an estimator it takes; nothing of those that do not say so."""
    if isinstance(scoring, Mapping):
        scoring = list(scoring.values())
    if isinstance(scoring, list | tuple | set):
        for one in scoring:
            yield from _responses(one)
        return
    if isinstance(scoring, str):
        try:
            scoring = check_scoring(scoring=scoring)
        except ValueError:
            return  # an unknown name is reported where it is used
    taken = getattr(scoring, "_response_method", ())
    yield {taken} if isinstance(taken, str) else set(taken)


def _takes_probabilities(scorer: Any) -> bool:
    return any("predict_proba" in taken for taken in _responses(scorer))


def accepts_weights(scorer: Any) -> bool:
    """Whether a scorer (of several, every one) takes sample_weight."""
    several = getattr(scorer, "_scorers", None)
    if several is not None:
        return all(map(accepts_weights, several.values()))
    metric = getattr(scorer, "_score_func", None)
    if metric is None and hasattr(scorer, "_estimator"):
        return True  # an estimator's own score method
    return "sample_weight" in inspect.signature(metric or scorer).parameters
