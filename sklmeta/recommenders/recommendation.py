"""What a recommender answers."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass, field
from math import isnan
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator

from sklmeta.catalogue import build_estimator
from sklmeta.configuration import Configuration
from sklmeta.exceptions import UnknownEstimatorError

# by column: score and standard error of what was tried on the new task; NaN for what failed, 0 where no error is known
Observed = Mapping[int, tuple[float, float]]


@dataclass(frozen=True, eq=False)
class Question:
    """What a recommender is asked to put in order.

    Parameters
    ----------
    columns : ndarray of int
        Positions of the configurations to choose from.
    n : int
        How many are wanted.
    prior : ndarray of shape (n_tasks,)
        How much each known task counts before anything was observed.
    w : ndarray of shape (n_tasks,)
        How much it counts now.
    features : ndarray of shape (n_features,) or None
        The new task's meta-features; None where they tell nothing.
    observed : mapping of int to (float, float)
        By column, what was tried on the new task.
    worth : ndarray of shape (n_configurations,) or None, default=None
        What a gain by each configuration counts for; None: all alike.
    average : bool, default=False
        Whether they are to be averaged, rather than the best of them taken.
    """

    columns: np.ndarray
    n: int
    prior: np.ndarray
    w: np.ndarray
    features: np.ndarray | None
    observed: Observed
    worth: np.ndarray | None = None
    average: bool = False

    @property
    def that_worked(self) -> list[int]:
        """Columns of what was tried on the new task; what failed there covers nothing."""
        return [j for j, (score, _) in self.observed.items() if np.isfinite(score)]


@dataclass(frozen=True)
class SimilarTask:
    """A known task that had a say in a recommendation.

    Parameters
    ----------
    task : hashable
        Its id.
    weight : float
        Its share in the recommendation.
    best_configuration : Configuration
        What did best there.
    best_score : float
        How well that did.
    """

    task: Hashable
    weight: float
    best_configuration: Configuration
    best_score: float


@dataclass(frozen=True)
class Recommendation:
    """A configuration to try, what to expect of it, and why.

    Parameters
    ----------
    configuration : Configuration
        What to try.
    metric : str
        What the scores are in.
    expected_score : float
        Weighted mean over the known tasks, on the metric's own scale (errors in standard deviations of the target; from
        `recommend_config` and in a search in units of the target); greater is better. NaN where no known task evaluated
        the configuration.
    interval : tuple of float
        Expected to hold the score on four of five tasks: quantiles over the known tasks, likewise weighted, as far out
        as covers the scores of what would have been recommended for each known task if its family were unknown.
    expected_seconds : float
        CPU seconds of one fit on a table of this many rows; NaN where the knowledge has no times.
    similar_tasks : tuple of SimilarTask
        The tasks that weighed most, first the one that weighed most; empty where all weighed the same.
    reason : str
        One sentence.
    task_type : {"classification", "regression"} or None, default=None
        What it is for.
    contributions : mapping of str to float, default={}
        How much of the first pick's advantage, over what would be picked if all known tasks counted alike, is due to
        each group of meta-features: shares whose absolute values sum to one. Empty for other picks.
    """

    configuration: Configuration
    metric: str
    expected_score: float
    interval: tuple[float, float]
    expected_seconds: float
    similar_tasks: tuple[SimilarTask, ...]
    reason: str
    task_type: str | None = None
    contributions: Mapping[str, float] = field(default_factory=dict, hash=False)
    _build: Callable[[Configuration], Any] | None = field(default=None, repr=False, compare=False)

    @property
    def params(self) -> dict[str, Any]:
        """Hyperparameters under the base estimator's own names."""
        return dict(self.configuration.params)

    @property
    def estimator(self) -> BaseEstimator:
        """A new unfitted scikit-learn estimator, ready for `fit`.

        Raises
        ------
        UnknownEstimatorError
            If the configuration's base estimator is not in the catalogue.
        """
        if self._build is not None:
            return self._build(self.configuration)
        if self.task_type is None:
            raise UnknownEstimatorError(
                f"The knowledge does not say what {self.configuration!r} is. Give it a task_type whose catalogue has "
                "that name, or make the estimator yourself, from its name and `params`."
            )
        return build_estimator(self.configuration, self.task_type)

    def __str__(self) -> str:
        low, high = self.interval
        settings = ", ".join(f"{name}={value!r}" for name, value in self.params.items())
        seconds = "unknown time" if isnan(self.expected_seconds) else f"{self.expected_seconds:.2g} s"
        return (
            f"{self.configuration.estimator}({settings})\n"
            f"  expected {self.metric}: {self.expected_score:.3g} (80 % interval {low:.3g} to {high:.3g}), "
            f"{seconds} a fit\n"
            f"  why: {self.reason}"
        )
