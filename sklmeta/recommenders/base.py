"""The interface of recommenders, and all that they share."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Hashable, Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator
from sklearn.utils.validation import check_is_fitted

from sklmeta.configuration import Configuration
from sklmeta.knowledge import KnowledgeBase
from sklmeta.recommenders.kernels import completed, scaled, softmax, weighted_quantile
from sklmeta.recommenders.recommendation import Recommendation, SimilarTask

_SHOWN_TASKS = 5
_TEMPERATURE = 0.05  # of the strategy: on scores scaled to [0, 1], a tenth less is e^2 times less probable
_ROWS_FEATURE = "log_rows"


class Recommender(BaseEstimator, ABC):
    """Learns from a knowledge base to order configurations for a new task.

    What every recommender promises:

    * `fit` takes any knowledge base with at least one task and one configuration, with gaps, failures and flat tasks,
      and changes nothing in it.
    * `recommend` gives at most `n` recommendations, best first, all different, none of them observed already, all
      among `candidates` where given; it is deterministic, and does not depend on the order of tasks.
    * Failures (``timeout``, ``failed``, an observed NaN) count as a task's worst score; what was never evaluated is
      unknown and estimated.
    * A configuration that the knowledge never evaluated anywhere is recommended last.

    A new recommender implements `_weights` and `_order`.
    """

    def fit(self, knowledge: KnowledgeBase, metric: str = "accuracy") -> Recommender:
        """Learn from a knowledge base.

        Parameters
        ----------
        knowledge : KnowledgeBase
            What was measured.
        metric : str, default="accuracy"
            One of its metrics: what shall be best.

        Returns
        -------
        Recommender
            This object.

        Raises
        ------
        ValueError
            If the knowledge is empty or has no such metric.
        """
        if 0 in (len(knowledge.tasks), len(knowledge.configurations)):
            raise ValueError(f"There is nothing to learn from in {knowledge!r}.")
        raw, status = knowledge.scores(metric), knowledge.status
        self.metric_, self.knowledge_ = metric, knowledge
        self.scores_ = completed(raw, np.isin(status, ["timeout", "failed"]))
        self.scaled_ = scaled(self.scores_)
        self.evaluated_ = (status != "missing").any(axis=0)
        self.position_ = {c: j for j, c in enumerate(knowledge.configurations)}
        self._learn()
        return self

    def recommend(
        self,
        meta_features: Any = None,
        n: int = 1,
        observed: Mapping[Configuration, Any] | None = None,
        candidates: Iterable[Configuration] | None = None,
    ) -> list[Recommendation]:
        """What to try next on a task.

        Parameters
        ----------
        meta_features : Series, mapping or array-like, default=None
            Of the new task: by name, or an array in the knowledge's order. What is missing or NaN is taken as typical.
        n : int, default=1
            How many.
        observed : mapping of Configuration to float or (float, float), default=None
            What was already tried there: its score, or score and standard error. NaN means that it failed.
        candidates : iterable of Configuration, default=None
            What may be recommended; None is all that the knowledge has.

        Returns
        -------
        list of Recommendation
            At most `n`, best first; fewer where there are fewer candidates.

        Raises
        ------
        ValueError
            If `n` is no positive integer, or a candidate is unknown.
        """
        check_is_fitted(self, "scores_")
        if not isinstance(n, int | np.integer) or n < 1:
            raise ValueError(f"n must be a positive integer, got {n!r} instead.")
        features, tried = self._features(meta_features), self._observed(observed)
        left = np.array([j for j in self._candidates(candidates) if j not in tried], dtype=int)
        if not len(left):
            return []
        w = self._weights(features, tried)
        seen, unseen = left[self.evaluated_[left]], left[~self.evaluated_[left]]
        order = [*seen[self._order(seen, w, tried, n)], *unseen][:n]
        similar, why = self._similar(w), self._reason(features, w)
        return [self._recommendation(int(j), w, features, similar, why) for j in order]

    def strategy(
        self,
        meta_features: Any = None,
        observed: Mapping[Configuration, Any] | None = None,
        candidates: Iterable[Configuration] | None = None,
        temperature: float = _TEMPERATURE,
    ) -> dict[Hashable, float]:
        """How probably each base estimator holds the best configuration for a task.

        On every known task, a softmax over base estimators of the best score that each reached there, scaled to
        [0, 1]; then the mean over tasks by their weight.

        Parameters
        ----------
        meta_features : Series, mapping or array-like, default=None
            See `recommend`.
        observed : mapping, default=None
            See `recommend`.
        candidates : iterable of Configuration, default=None
            See `recommend`.
        temperature : float, default=0.05
            Of the softmax: smaller is more decided.

        Returns
        -------
        dict of hashable to float
            By name of the base estimator, most probable first; sums to one.
        """
        check_is_fitted(self, "scores_")
        columns = self._candidates(candidates)
        w = self._weights(self._features(meta_features), self._observed(observed))
        names = list(dict.fromkeys(self.knowledge_.configurations[j].estimator for j in columns))
        best = np.column_stack([self.scaled_[:, self._of(name, columns)].max(axis=1) for name in names])
        shares = w @ softmax(best, temperature)
        return {names[k]: float(shares[k]) for k in np.argsort(-shares, kind="stable")}

    # -- what a recommender implements -----------------------------------------------------------------------------

    def _learn(self) -> None:
        """Learn what `scores_` and `scaled_` do not say yet."""

    @abstractmethod
    def _weights(self, features: np.ndarray | None, observed: Mapping[int, float]) -> np.ndarray:
        """How much each known task counts, shape (n_tasks,), sum one."""

    @abstractmethod
    def _order(self, columns: np.ndarray, w: np.ndarray, observed: Mapping[int, float], n: int) -> list[int]:
        """Positions in `columns`, best first, at least the first `n`."""

    def _reason(self, features: np.ndarray | None, w: np.ndarray) -> str:
        return f"learned from {len(self.knowledge_)} tasks"

    # -- what they share -------------------------------------------------------------------------------------------

    def _features(self, meta_features: Any) -> np.ndarray | None:
        """In the knowledge's order, NaN where unknown; None where there are none."""
        names = list(self.knowledge_.meta_features.columns)
        if meta_features is None or not names:
            return None
        if isinstance(meta_features, pd.Series | Mapping):
            return np.array([meta_features.get(name, np.nan) for name in names], dtype=float)
        values = np.asarray(meta_features, dtype=float)
        if values.shape != (len(names),):
            raise ValueError(
                f"meta_features has shape {values.shape}; the knowledge has {len(names)} meta-features. Pass a "
                "Series or a mapping with their names."
            )
        return values

    def _observed(self, observed: Mapping[Configuration, Any] | None) -> dict[int, float]:
        """Scores by column; of configurations that the knowledge does not have, nothing can be learned."""
        scores = {c: float(np.ravel(v)[0]) for c, v in (observed or {}).items()}
        return {self.position_[c]: score for c, score in scores.items() if c in self.position_}

    def _candidates(self, candidates: Iterable[Configuration] | None) -> np.ndarray:
        if candidates is None:
            return np.arange(len(self.position_))
        found = []
        for candidate in candidates:
            if candidate not in self.position_:
                raise ValueError(
                    f"Candidate {candidate!r} is not in the knowledge; it has {len(self.position_)} others."
                )
            found.append(self.position_[candidate])
        return np.unique(np.array(found, dtype=int))

    def _of(self, estimator: Hashable, columns: Sequence[int]) -> list[int]:
        return [j for j in columns if self.knowledge_.configurations[j].estimator == estimator]

    def _similar(self, w: np.ndarray) -> tuple[SimilarTask, ...]:
        shown = []
        for i in np.argsort(-w, kind="stable")[:_SHOWN_TASKS]:
            best = int(np.argmax(self.scores_[i]))
            configuration = self.knowledge_.configurations[best]
            shown.append(
                SimilarTask(self.knowledge_.tasks[i], float(w[i]), configuration, float(self.scores_[i, best]))
            )
        return tuple(shown)

    def _recommendation(
        self, j: int, w: np.ndarray, features: np.ndarray | None, similar: tuple[SimilarTask, ...], why: str
    ) -> Recommendation:
        low, high = weighted_quantile(self.scores_[:, j], w, [0.1, 0.9])
        return Recommendation(
            self.knowledge_.configurations[j],
            self.metric_,
            float(w @ self.scores_[:, j]),
            (float(low), float(high)),
            self._seconds(j, w, features),
            similar,
            why,
            self.knowledge_.task_type,
        )

    def _seconds(self, j: int, w: np.ndarray, features: np.ndarray | None) -> float:
        """Weighted median over tasks of the fit's seconds, each scaled from its task's rows to the new one's."""
        seconds = self.knowledge_.fit_seconds[:, j]
        known = np.isfinite(seconds)
        if not known.any() or not w[known].sum() > 0:
            return float("nan")
        names = list(self.knowledge_.meta_features.columns)
        if features is not None and _ROWS_FEATURE in names:
            at = names.index(_ROWS_FEATURE)
            more = features[at] - self.knowledge_.meta_features.iloc[:, at].to_numpy()
            seconds = seconds * np.exp(np.nan_to_num(more))
        return float(weighted_quantile(seconds[known], w[known], [0.5])[0])
