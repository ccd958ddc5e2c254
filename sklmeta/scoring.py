"""What the user's `scoring` means for a search."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from sklearn.metrics import check_scoring, log_loss, make_scorer


def make_search_scorer(
    scoring: Any, refit: Any, estimator: Any, classes: np.ndarray | None
) -> tuple[Callable, str | None]:
    """The scorer of a search, and the metric that decides where it gives several.

    Parameters
    ----------
    scoring : str, callable, list, tuple, dict or None
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
        return scoring, refit if isinstance(refit, str) else None
    if scoring is None or isinstance(scoring, str):
        return _one_scorer(scoring, estimator, classes), None
    named = dict(scoring) if isinstance(scoring, Mapping) else {name: name for name in scoring}
    if refit is not False and not callable(refit) and refit not in named:
        raise ValueError(
            "For multi-metric scoring, the parameter refit must be set to a scorer key or a callable to refit an "
            f"estimator with the best parameter setting; got {refit!r}, the keys are {list(named)}."
        )
    scorers = {name: s if callable(s) else _one_scorer(s, estimator, classes) for name, s in named.items()}
    return check_scoring(scoring=scorers), refit if isinstance(refit, str) else next(iter(named))


def _one_scorer(scoring: str | None, estimator: Any, classes: np.ndarray | None) -> Callable:
    if scoring == "neg_log_loss" and classes is not None:
        # told all classes, it also works on folds that lack one
        return make_scorer(log_loss, greater_is_better=False, response_method="predict_proba", labels=classes)
    return check_scoring(estimator, scoring=scoring)


def deciding_scoring(scoring: Any, refit: Any) -> Any:
    """The one scoring, a name or a callable or None, by which configurations are to be ranked."""
    if isinstance(scoring, Mapping):
        return scoring[refit] if isinstance(refit, str) else next(iter(scoring.values()))
    if isinstance(scoring, list | tuple | set):
        return refit if isinstance(refit, str) else next(iter(scoring))
    return scoring


def needs_probabilities(scoring: Any) -> bool:
    """Whether a scorer among `scoring` takes nothing but probabilities."""
    if isinstance(scoring, Mapping):
        return any(map(needs_probabilities, scoring.values()))
    if isinstance(scoring, list | tuple | set):
        return any(map(needs_probabilities, scoring))
    if isinstance(scoring, str):
        try:
            scoring = check_scoring(scoring=scoring)
        except ValueError:
            return False  # an unknown name is reported where it is used
    response = getattr(scoring, "_response_method", ())
    return "predict_proba" in response and "decision_function" not in response


def accepts_weights(scorer: Any) -> bool:
    """Whether a scorer (of several, every one) takes sample_weight."""
    several = getattr(scorer, "_scorers", None)
    if several is not None:
        return all(map(accepts_weights, several.values()))
    metric = getattr(scorer, "_score_func", None)
    if metric is None and hasattr(scorer, "_estimator"):
        return True  # an estimator's own score method
    return "sample_weight" in inspect.signature(metric or scorer).parameters
