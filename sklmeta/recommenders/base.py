"""The interface of recommenders, and all that they share."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator, clone
from sklearn.utils.validation import check_is_fitted

from sklmeta.configuration import Configuration
from sklmeta.knowledge import KnowledgeBase
from sklmeta.knowledge.sizes import ROWS_FEATURE, at_full_size, larger_parts, whole_tables
from sklmeta.recommenders.arms import unheard_shares
from sklmeta.recommenders.contributions import grouped
from sklmeta.recommenders.kernels import (
    bounded_seconds,
    completed,
    conformal_margin,
    conformal_novelty,
    nearest_distances,
    robust_scale,
    scaled,
    softmax,
    standardised,
    typical_errors,
    upper_span,
    weighted_quantile,
)
from sklmeta.recommenders.recommendation import Observed, Question, Recommendation, SimilarTask
from sklmeta.restoring import as_before_if_it_fails

NOVEL = 0.95  # from this novelty on, a task is unlike everything known: one in twenty known ones is
_COVERAGE = 0.8
_LOOKED_AT = 5  # first picks, whose scores intervals are to cover
_SHOWN_TASKS = 5
_NEAR_TASKS = 3
_TEMPERATURE = 0.05  # of the strategy: where a task's best is 1, a tenth less is e^2 times less probable
_LARGER = 0.01  # in logarithms of rows
_SIZE_EXPONENTS = {ROWS_FEATURE: 1.0, "log_encoded_columns": 0.5}  # of the seconds of a fit
_NEVER_EVALUATED = "nothing is known of it: the knowledge never evaluated it in this metric"


class Recommender(BaseEstimator, ABC):
    """Learns from a knowledge base to order configurations for a new task.

    What every recommender promises:

    * `fit` takes any knowledge base with at least one score in the metric, with gaps, failures and flat tasks, and
      changes nothing in it.
    * `recommend` gives at most `n` recommendations, best first, all different, none of them observed already, all
      among `candidates` where given; it is deterministic, and does not depend on the order of tasks. A shorter list is
      the beginning of a longer one.
    * Failures (``timeout``, ``failed``, an observed NaN) count as a task's worst score; what was not evaluated there is
      unknown and estimated. A task without any score in the metric says nothing and is left out.
    * A configuration that was evaluated nowhere is recommended last, with NaN for what to expect, and changes nothing
      in the order of the others.
    * Only differences within a task count for the order: adding a number to a task's scores, or multiplying all scores
      of the knowledge by a positive one, changes none.
    * Where the knowledge has larger parts of some tables, tasks with more rows than the tables were cut to are advised
      by these, and they change nothing for smaller tasks (`sklmeta.knowledge.sizes`).

    A new recommender implements `_order`, and `_prior` and `_posterior` where known tasks do not all count alike.
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
        TypeError
            If `knowledge` is no KnowledgeBase.
        ValueError
            If the knowledge has no such metric, or no score in it.
        """
        if not isinstance(knowledge, KnowledgeBase):
            raise TypeError(
                f"knowledge must be a KnowledgeBase, got {type(knowledge).__name__}; tables become one by "
                "KnowledgeBase.from_frames."
            )
        with as_before_if_it_fails(self):
            self.__dict__.pop("at_full_size_", None)  # of an earlier fit
            self._with_larger_parts = knowledge if larger_parts(knowledge) else None
            return self._fit_to(whole_tables(knowledge), metric)

    def _fit_to(self, knowledge: KnowledgeBase, metric: str) -> Recommender:
        self.metric_, self.knowledge_ = metric, _informative(knowledge, metric)
        self.unheard_ = tuple(c for c in knowledge.configurations if c not in set(self.knowledge_.configurations))
        raw, status = self.knowledge_.scores(metric), self.knowledge_.status
        failed = np.isin(status, ["timeout", "failed"])
        self.scores_ = np.asfortranarray(completed(raw, failed))  # columns are what is looked at most
        self.scaled_ = scaled(self.scores_)
        self.best_ = np.where(np.isfinite(raw), raw, -np.inf).argmax(axis=1)
        of_folds = bounded_seconds(self.knowledge_.fit_seconds, status == "timeout")
        self.seconds_ = of_folds * _rows_per_row_of_a_fold(self.knowledge_) ** _SIZE_EXPONENTS[ROWS_FEATURE]
        self.typical_errors_ = typical_errors(self.knowledge_.standard_errors(metric))
        self.position_ = {c: j for j, c in enumerate(self.knowledge_.configurations)}
        self.meta_features_ = self.knowledge_.meta_features
        M = _finite(self.meta_features_.to_numpy(dtype=float))
        self.centre_, self.spread_ = robust_scale(M)
        self.standardised_: np.ndarray = standardised(M, self.centre_, self.spread_)
        self.groups_ = grouped(list(self.meta_features_.columns), knowledge.task_type)
        self.apart_ = _apart(self.knowledge_.families)
        near = min(_NEAR_TASKS, len(self.standardised_))
        self.near_ = nearest_distances(self._evenly(self.standardised_), self.apart_, near)
        self._learn()
        self.margin_ = self._margin()
        return self

    def recommend(
        self,
        meta_features: Any = None,
        n: int = 1,
        observed: Mapping[Configuration, Any] | None = None,
        candidates: Iterable[Configuration] | None = None,
        seconds: Mapping[Configuration, float] | None = None,
        average: bool = False,
    ) -> list[Recommendation]:
        """What to try next on a task.

        Parameters
        ----------
        meta_features : Series, mapping or array-like, default=None
            Of the new task: by name, or an array in the knowledge's order. What is missing, NaN or infinite is taken as
            typical.
        n : int, default=1
            How many.
        observed : mapping of Configuration to float or (float, float), default=None
            What was already tried there: its score, or score and standard error, by which much a disagreement is no
            disagreement; without one, that which the configuration typically has on known tasks counts. A score of NaN
            means that it failed. The knowledge need not have it.
        candidates : iterable of Configuration, default=None
            What may be recommended; None is all that the knowledge has.
        seconds : mapping of Configuration to float, default=None
            What trying them takes: from the second pick on, what one is expected to add is divided by the square root
            of that. (Divided by all of it, cheap trifles came first; see docs/decisions.md.) Average ranks do not heed
            it. None: time does not count.
        average : bool, default=False
            Whether what is tried shall be averaged in the end, rather than the best taken. By the joint errors that
            the knowledge has (`KnowledgeBase.joint_errors`), what each adds to an average then counts, too, except for
            average ranks and the static portfolio.

        Returns
        -------
        list of Recommendation
            At most `n`, best first; fewer where there are fewer candidates.

        Raises
        ------
        ValueError
            If `n` is no positive integer, a candidate is unknown, or something observed is no Configuration.
        """
        check_is_fitted(self, "scores_")
        if not isinstance(n, int | np.integer) or n < 1:
            raise ValueError(f"n must be a positive integer, got {n!r} instead.")
        if self._is_large(meta_features):
            return self.at_full_size_.recommend(meta_features, n, observed, candidates, seconds, average)
        features, tried = self._features(meta_features), self._observed(observed)
        known, unheard = self._candidates(candidates)
        left = np.array([j for j in known if j not in tried], dtype=int)
        novel = self._novelty(features) > NOVEL
        telling = None if novel else features
        prior = self._prior(telling)
        w = self._posterior(prior, tried)
        asked = Question(left, n, prior, w, telling, tried, self._worth(seconds), average)
        order = self._order(asked)[:n] if len(left) else []
        similar, why = self._similar(w), self._reason(telling, w, novel, first=False)
        found = [self._recommendation(j, w, features, similar, why) for j in order]
        if found and not asked.that_worked:  # beside what failed, the first pick is as if nothing had been tried
            why, shares = self._reason(telling, w, novel, first=True), self._contributions(telling, left)
            found[0] = replace(found[0], reason=why, contributions=shares)
        found += [self._of_unheard(c, similar) for c in unheard if c not in (observed or {})]
        return found[:n]

    def strategy(
        self,
        meta_features: Any = None,
        observed: Mapping[Configuration, Any] | None = None,
        candidates: Iterable[Configuration] | None = None,
        temperature: float = _TEMPERATURE,
        unheard: Mapping[Hashable, Sequence[float]] | None = None,
        reached: Sequence[float] = (),
    ) -> dict[Hashable, float]:
        """How probably each base estimator holds the best configuration for a task.

        On every known task, a softmax over base estimators of the best score that each reached there, scaled as the
        recommender scales scores; then the mean over tasks by their weight.

        A base estimator that the knowledge has never seen starts with the mean share. Its odds then grow by a factor
        of e for every `temperature` that its best score is above the best of all others, and fall likewise, where 1 is
        what there is to gain on a typical known task: its best score minus its median.

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
        unheard : mapping of hashable to sequence of float, default=None
            Base estimators that the knowledge has never seen: by name, the scores that each reached on the task so
            far, NaN for what failed.
        reached : sequence of float, default=()
            What the others reached on the task so far with configurations that the knowledge does not have, likewise.

        Returns
        -------
        dict of hashable to float
            By name of the base estimator, most probable first; sums to one. Empty where no candidate was evaluated.

        Raises
        ------
        ValueError
            If `temperature` is not positive, a candidate is unknown, something observed is no Configuration, or a base
            estimator that is called unheard of has candidates.
        """
        check_is_fitted(self, "scores_")
        if not temperature > 0:
            raise ValueError(f"temperature must be positive, got {temperature!r} instead.")
        if self._is_large(meta_features):
            return self.at_full_size_.strategy(meta_features, observed, candidates, temperature, unheard, reached)
        members: dict[Hashable, list[int]] = {}
        for j in self._candidates(candidates)[0]:
            members.setdefault(self.knowledge_.configurations[j].estimator, []).append(j)
        for name in unheard or {}:
            if name in members:
                raise ValueError(f"{name!r} is not unheard of: there are candidates of it. Give it another name.")
        tried = self._observed(observed)
        features = self._features(meta_features)
        w = self._posterior(self._prior(None if self._novelty(features) > NOVEL else features), tried)
        shares = self._shares_of_heard(members, w, temperature)
        unit = temperature * (w @ upper_span(self.scores_) or 1.0)
        heard = [*(score for score, _ in tried.values()), *reached]
        new = unheard_shares(len(members), heard, unheard or {}, unit)
        rest = 1 - sum(new.values())
        every = {**{name: rest * share for name, share in shares.items()}, **new}
        return {name: every[name] for name in sorted(every, key=lambda name: -round(every[name], 12))}

    def novelty(self, meta_features: Any = None) -> float:
        """How unlike everything known a task is.

        The share of the known tasks that lie nearer to tasks of other families than the new one does, by the distance
        of their meta-features to the third nearest, with the new one among the others of all; each group of
        meta-features counts alike. Were the new task of the same kind as the known ones, its novelty would be anything
        from 0 to 1 with equal probability. Above 0.95, which twenty known tasks or more can tell, it counts as unlike
        everything known.

        Parameters
        ----------
        meta_features : Series, mapping or array-like, default=None
            See `recommend`.

        Returns
        -------
        float
            From 0 to 1; NaN where there are no meta-features to tell.

        References
        ----------
        R. Laxhammar, G. Falkman (2011), "Sequential conformal anomaly detection in trajectories based on Hausdorff
        distance".
        """
        check_is_fitted(self, "scores_")
        if self._is_large(meta_features):
            return self.at_full_size_.novelty(meta_features)
        return self._novelty(self._features(meta_features))

    # -- what a recommender implements -----------------------------------------------------------------------------

    def _learn(self) -> None:
        """Learn what `scores_` and `scaled_` do not say yet."""

    def _prior(self, features: np.ndarray | None) -> np.ndarray:
        """How much each known task counts before anything was observed, shape (n_tasks,), sum one.

        Without meta-features, and where they resemble nothing known, `features` is None.
        """
        return np.full(len(self.scores_), 1 / len(self.scores_))

    def _posterior(self, prior: np.ndarray, observed: Observed) -> np.ndarray:
        """How much each known task counts after that."""
        return prior

    @abstractmethod
    def _order(self, asked: Question) -> list[int]:
        """Those of the columns that are asked for, best first, at least the first `n`."""

    def _weights_among_known(self) -> np.ndarray:
        """What each known task would be weighed by, were it new; (n_tasks, n_tasks), zeros within a family."""
        equal = self.apart_.astype(float)
        return equal / np.maximum(equal.sum(axis=1, keepdims=True), 1)

    def _reason(self, features: np.ndarray | None, w: np.ndarray, novel: bool, first: bool) -> str:
        return f"learned from {len(self.knowledge_)} tasks"

    def _contributions(self, features: np.ndarray | None, columns: np.ndarray) -> dict[str, float]:
        """What each group of meta-features has to do with the first pick; empty where that is nothing."""
        return {}

    def _worth(self, seconds: Mapping[Configuration, float] | None) -> np.ndarray | None:
        """What a gain by each configuration counts for; where its seconds are unknown, what it typically does."""
        if not seconds:
            return None
        taken = np.array([seconds.get(c, np.nan) for c in self.position_])
        known = np.isfinite(taken) & (taken > 0)
        if not known.any():
            return None
        return 1 / np.sqrt(np.where(known, taken, np.median(taken[known])))

    # -- tables with more rows than most of the knowledge was measured on ---------------------------------------------

    @cached_property
    def at_full_size_(self) -> Recommender:
        """For large tables: what was learned from the larger parts of the known ones."""
        assert self._with_larger_parts is not None
        larger = clone(self)
        larger._with_larger_parts = None
        return larger._fit_to(at_full_size(self._with_larger_parts), self.metric_)

    def _is_large(self, meta_features: Any) -> bool:
        """Whether a task has more rows than the known tables were cut to, and there is knowledge of larger parts."""
        features = self._features(meta_features) if self._with_larger_parts is not None else None
        if features is None or ROWS_FEATURE not in self.meta_features_:
            return False
        rows = features[self.meta_features_.columns.get_loc(ROWS_FEATURE)]
        return bool(rows > self.meta_features_[ROWS_FEATURE].max() + _LARGER)

    # -- what they share -------------------------------------------------------------------------------------------

    def _evenly(self, features: np.ndarray) -> np.ndarray:
        """Standardised meta-features, in which each group counts alike, however many it has."""
        shares = sum((mask / np.sqrt(mask.sum()) for mask in self.groups_.values()), np.zeros(features.shape[-1]))
        return features * shares

    def _novelty(self, features: np.ndarray | None) -> float:
        if features is None:
            return np.nan
        new = standardised(features, self.centre_, self.spread_)
        return conformal_novelty(self._evenly(self.standardised_), self.near_, self._evenly(new))

    def _margin(self) -> float:
        """What makes intervals cover the scores of first picks on tasks of unknown families."""
        W = self._weights_among_known()
        first = np.argsort(-(W @ self.scaled_), axis=1, kind="stable")[:, :_LOOKED_AT]
        return conformal_margin(self.scores_, W, first, _COVERAGE)

    def _features(self, meta_features: Any) -> np.ndarray | None:
        """In the knowledge's order, NaN where unknown; None where none is known."""
        names = list(self.meta_features_.columns)
        if meta_features is None or not names:
            return None
        if isinstance(meta_features, pd.Series | Mapping):
            named = dict(meta_features.items())
            values = np.array([named.get(name, np.nan) for name in names], dtype=float)
        else:
            values = np.asarray(meta_features, dtype=float)
        if values.shape != (len(names),):
            raise ValueError(
                f"meta_features has shape {values.shape}; the knowledge has {len(names)} meta-features. Pass a "
                "Series or a mapping with their names."
            )
        return _finite(values) if np.isfinite(values).any() else None

    def _observed(self, observed: Mapping[Configuration, Any] | None) -> Observed:
        """By column; of configurations that the knowledge does not have, nothing can be learned."""
        if not isinstance(observed, Mapping | None) or not all(isinstance(c, Configuration) for c in observed or ()):
            raise ValueError(f"observed must map Configuration objects to scores, got {observed!r} instead.")
        found = {}
        for configuration, given in (observed or {}).items():
            if configuration in self.position_:
                j, (score, *error) = self.position_[configuration], np.ravel(np.asarray(given, dtype=float)).tolist()
                found[j] = score, error[0] if error and np.isfinite(error[0]) else float(self.typical_errors_[j])
        return found

    def _candidates(self, candidates: Iterable[Configuration] | None) -> tuple[list[int], list[Configuration]]:
        """Columns of the candidates that were evaluated somewhere, and the others, in the knowledge's order."""
        if candidates is None:
            return list(self.position_.values()), list(self.unheard_)
        wanted = set(candidates)
        unknown = wanted.difference(self.position_, self.unheard_)
        if unknown:
            raise ValueError(
                f"Candidate {unknown.pop()!r} is not among the {len(self.position_) + len(self.unheard_)} "
                "configurations of the knowledge; leave it out, or merge evaluations of it into the knowledge."
            )
        known = [j for configuration, j in self.position_.items() if configuration in wanted]
        return known, [configuration for configuration in self.unheard_ if configuration in wanted]

    def _shares_of_heard(
        self, members: Mapping[Hashable, list[int]], w: np.ndarray, temperature: float
    ) -> dict[Hashable, float]:
        """Of the base estimators with these columns."""
        if not members:
            return {}
        best = np.column_stack([self.scaled_[:, columns].max(axis=1) for columns in members.values()])
        return dict(zip(members, (w @ softmax(best, temperature)).tolist(), strict=True))

    def _similar(self, w: np.ndarray) -> tuple[SimilarTask, ...]:
        """The heaviest tasks, of those that weigh more than the lightest."""
        heavy = [i for i in np.argsort(-w, kind="stable")[:_SHOWN_TASKS] if w[i] > w.min() * (1 + 1e-9)]
        return tuple(
            SimilarTask(
                self.knowledge_.tasks[i],
                float(w[i]),
                self.knowledge_.configurations[self.best_[i]],
                float(self.scores_[i, self.best_[i]]),
            )
            for i in heavy
        )

    def _recommendation(
        self, j: int, w: np.ndarray, features: np.ndarray | None, similar: tuple[SimilarTask, ...], why: str
    ) -> Recommendation:
        expected = float(w @ self.scores_[:, j])
        low, high = weighted_quantile(self.scores_[:, j], w, [0.5 - self.margin_, 0.5 + self.margin_])
        return Recommendation(
            self.knowledge_.configurations[j],
            self.metric_,
            expected,
            (min(float(low), expected), max(float(high), expected)),  # where few scores are far out, a mean may be, too
            self._seconds(j, w, features),
            similar,
            why,
            self.knowledge_.task_type,
        )

    def _of_unheard(self, configuration: Configuration, similar: tuple[SimilarTask, ...]) -> Recommendation:
        return Recommendation(
            configuration,
            self.metric_,
            np.nan,
            (np.nan, np.nan),
            np.nan,
            similar,
            _NEVER_EVALUATED,
            self.knowledge_.task_type,
        )

    def _seconds(self, j: int, w: np.ndarray, features: np.ndarray | None) -> float:
        """Weighted median over tasks of the fit's seconds, each scaled from its task's size to the new one's.

        Rows count in proportion; columns by their square root, and in proportion beyond those that are known.
        """
        seconds = self.seconds_[:, j]
        known = np.isfinite(seconds)
        if not known.any() or not w[known].sum() > 0:
            return np.nan
        for name, exponent in _SIZE_EXPONENTS.items():
            if features is not None and name in self.meta_features_:
                new, sizes = features[self.meta_features_.columns.get_loc(name)], self.meta_features_[name].to_numpy()
                beyond = new - np.fmax.reduce(sizes[known])
                growth = exponent * (new - sizes) + (1 - exponent) * max(0.0, beyond)
                seconds = seconds * np.exp(np.nan_to_num(growth))
        return float(weighted_quantile(seconds[known], w[known], [0.5])[0])


def _finite(meta_features: np.ndarray) -> np.ndarray:
    """Where one is infinite, nothing is known."""
    return np.where(np.isfinite(meta_features), meta_features, np.nan)


def _rows_per_row_of_a_fold(knowledge: KnowledgeBase) -> float:
    """How many rows a table has for each that a fit of its cross-validation saw; 1 where the protocol is unknown."""
    protocol = knowledge.info.get("protocol")
    n_folds = protocol.get("cv") if isinstance(protocol, Mapping) else None
    return n_folds / (n_folds - 1) if isinstance(n_folds, int) and n_folds > 1 else 1.0


def _apart(families: Sequence[Hashable]) -> np.ndarray:
    """Which tasks are of different families, shape (n_tasks, n_tasks)."""
    number = {family: k for k, family in enumerate(families)}
    numbers = np.array([number[family] for family in families])
    return numbers[:, None] != numbers


def _informative(knowledge: KnowledgeBase, metric: str) -> KnowledgeBase:
    """The tasks with a score in the metric, and the configurations that have one, or failed, on some of them."""
    scored = np.isfinite(knowledge.scores(metric))
    rows = scored.any(axis=1)
    if not rows.any():
        raise ValueError(f"There is nothing to learn from: {knowledge!r} has no score in {metric!r}.")
    columns = (scored | np.isin(knowledge.status, ["timeout", "failed"]))[rows].any(axis=0)
    if rows.all() and columns.all():
        return knowledge
    return knowledge.select(
        tasks=[task for task, kept in zip(knowledge.tasks, rows, strict=True) if kept],
        configurations=[c for c, kept in zip(knowledge.configurations, columns, strict=True) if kept],
    )
