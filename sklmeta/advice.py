"""What the knowledge says about one data set."""

from __future__ import annotations

import warnings
from collections import deque
from collections.abc import Callable, Collection, Hashable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache, cached_property, partial
from types import MappingProxyType
from typing import Any

import numpy as np
import sklearn
from scipy import sparse
from sklearn.base import clone
from threadpoolctl import ThreadpoolController

from sklmeta.calibration import lacks_probabilities
from sklmeta.candidates import Candidate, known_configurations
from sklmeta.configuration import Configuration
from sklmeta.costs import CostModel
from sklmeta.exceptions import VersionWarning
from sklmeta.knowledge import KnowledgeBase
from sklmeta.knowledge.releases import changes_between
from sklmeta.members import Member
from sklmeta.metafeatures import MetaFeatureExtractor
from sklmeta.metrics import DEFAULT_METRIC, recorded_metric, recorded_unit, search_unit
from sklmeta.recommenders import Recommendation, Recommender
from sklmeta.scoring import needs_probabilities

Score = tuple[float, float]  # mean and standard error; NaN for what failed
_NOTHING: Mapping[tuple[str, str], Score] = MappingProxyType({})


def same_unit(scores: dict[Configuration, Score]) -> float:
    """Where scores of the search are in the knowledge's units already."""
    return 1.0


@dataclass(frozen=True)
class _Unheard:
    """A member that the knowledge has never seen; it may be called like a kind of base estimator all the same."""

    name: str

    def called_beside(self, kinds: Collection[Hashable]) -> str:
        return self.name if self.name not in kinds else f"{self.name} (another)"


def _of_nothing() -> CostModel:
    return CostModel(None, {})


@dataclass(frozen=True)
class Advice:
    """A recommender that has heard of the data, and what its configurations mean for the members.

    Parameters
    ----------
    known : mapping of Configuration to list of Candidate, default={}
        What each known configuration stands for; empty where the knowledge has nothing to say.
    recommender : Recommender, default=None
        Fitted.
    meta_features : Series, default=None
        Of the data.
    unit : callable, default=same_unit
        What scores of the search are divided by to be in the knowledge's units, given those of known configurations.
    told_in : float, default=1.0
        What recorded scores are multiplied by to be in units of the user's target.
    measured_with : str, default=""
        The scikit-learn that measured the knowledge; empty where unknown.
    learn_costs : callable, default=_of_nothing
        Makes the model of what fits take.
    average : bool, default=False
        Whether what is tried shall be averaged in the end.
    stands_for : str, default=""
        The user's scorer, where a recorded metric stands in for it.
    silent : str, default=""
        Why there is nothing to say, where it is not that no known configuration agrees with the members.
    """

    known: dict[Configuration, list[Candidate]] = field(default_factory=dict)
    recommender: Recommender | None = None
    meta_features: Any = None
    unit: Callable[[dict[Configuration, Score]], float] = same_unit
    told_in: float = 1.0
    measured_with: str = ""
    learn_costs: Callable[[], CostModel] = _of_nothing
    average: bool = False
    stands_for: str = ""
    silent: str = ""

    @cached_property
    def costs(self) -> CostModel:
        """What fits are expected to take; learned when it is first asked for."""
        return self.learn_costs()

    def recommend(
        self,
        n: int,
        scores: Mapping[tuple[str, str], Score] = _NOTHING,
        allowed: Callable[[Candidate], bool] | None = None,
        seconds: Callable[[Candidate], float] | None = None,
    ) -> list[Candidate]:
        """At most `n` candidates, best first, each with its recommendation; none that has a score.

        Parameters
        ----------
        n : int
            How many.
        scores : mapping of (str, str) to (float, float), default={}
            Mean and standard error of the candidates that were evaluated, by their key.
        allowed : callable, default=None
            Says which candidates may be named; None is all.
        seconds : callable, default=None
            What trying a candidate takes, where time counts.

        Returns
        -------
        list of Candidate
            Fewer than `n` where the knowledge has no more.

        Warns
        -----
        VersionWarning
            If one of them scores otherwise with the scikit-learn in use than with the one that measured it.
        """
        if self.recommender is None:
            return []
        untried = {
            configuration: left
            for configuration, candidates in self.known.items()
            if (left := [c for c in candidates if c.key not in scores and (allowed is None or allowed(c))])
        }
        if not untried:
            return []
        tried = {c: score for c, score in self._observed(scores).items() if c not in untried}
        cost = {} if seconds is None else {"seconds": {c: min(map(seconds, left)) for c, left in untried.items()}}
        found: list[Recommendation] = self.recommender.recommend(
            self.meta_features, n=n, observed=tried, candidates=list(untried), average=self.average, **cost
        )
        _warn_of_changes(self.measured_with, [r.configuration for r in found])
        return [replace(c, recommendation=self._told(c, r)) for r in found for c in untried[r.configuration]][:n]

    @property
    def heard_of(self) -> set[str]:
        """Names of the members that the knowledge has evaluated in the metric."""
        return {candidate.member.name for candidates in self._heard.values() for candidate in candidates}

    @property
    def _heard(self) -> dict[Configuration, list[Candidate]]:
        """Of what is known, that which was evaluated in the metric: only of this the recommender can learn."""
        unheard = set() if self.recommender is None else set(self.recommender.unheard_)
        return {
            configuration: candidates
            for configuration, candidates in self.known.items()
            if configuration not in unheard
        }

    def strategy(
        self, scores: Mapping[tuple[str, str], Score] = _NOTHING, unheard: Sequence[str] = ()
    ) -> dict[Hashable, float]:
        """How probably each kind of base estimator holds the best configuration, given the scores so far.

        Parameters
        ----------
        scores : mapping of (str, str) to (float, float), default={}
            Mean and standard error of the candidates that were evaluated, by their key.
        unheard : sequence of str, default=()
            Names of members that the knowledge has never seen, and that take part.

        Returns
        -------
        dict of hashable to float
            The most probable first. Empty where the knowledge has nothing to say. A member that is called like a kind
            of base estimator, and none of it, is followed by "(another)".
        """
        shares = self._shares(scores, unheard)
        kinds = {arm for arm in shares if not isinstance(arm, _Unheard)}
        return {arm.called_beside(kinds) if isinstance(arm, _Unheard) else arm: share for arm, share in shares.items()}

    def shares_of(self, unheard: Sequence[str], scores: Mapping[tuple[str, str], Score] = _NOTHING) -> dict[str, float]:
        """How probably each member that the knowledge has never seen holds the best configuration.

        Parameters
        ----------
        unheard, scores
            See `strategy`.

        Returns
        -------
        dict of str to float
            By the members' names. Empty where the knowledge has nothing to say.
        """
        shares = self._shares(scores, unheard)
        return {arm.name: share for arm, share in shares.items() if isinstance(arm, _Unheard)}

    def _shares(self, scores: Mapping[tuple[str, str], Score], unheard: Sequence[str]) -> dict[Hashable, float]:
        """By kind of base estimator, and by member that was never heard of."""
        if self.recommender is None:
            return {}
        known = {candidates[0].key for candidates in self._heard.values()}  # what the recommender learns from
        unit = self.unit(self._tried(scores))
        reached: dict[Hashable, list[float]] = {_Unheard(name): [] for name in unheard}
        beside: list[float] = []
        for key, (mean, _) in scores.items():
            if key not in known:
                reached.get(_Unheard(key[0]), beside).append(mean / unit)
        told: dict[str, Any] = {"reached": beside} if beside else {}
        return self.recommender.strategy(
            self.meta_features, observed=self._observed(scores), candidates=list(self.known), unheard=reached, **told
        )

    @property
    def novelty(self) -> float:
        """How unlike everything known the data are, from 0 to 1; NaN where there is nothing to compare them with."""
        return np.nan if self.recommender is None else self.recommender.novelty(self.meta_features)

    def _told(self, candidate: Candidate, recommendation: Recommendation) -> Recommendation:
        """In the user's terms: the member's own parameters, and scores in units of the user's target."""
        low, high = recommendation.interval
        reason = recommendation.reason
        if self.stands_for:
            reason += f"; {recommendation.metric} stands in for {self.stands_for}, which was never recorded"
        return replace(
            recommendation,
            configuration=candidate.member.as_set(recommendation.configuration),
            expected_score=self.told_in * recommendation.expected_score,
            interval=(self.told_in * low, self.told_in * high),
            reason=reason,
        )

    def _tried(self, scores: Mapping[tuple[str, str], Score]) -> dict[Configuration, Score]:
        """What was found out about configurations: where several members stand for one, by the first of them."""
        first = {configuration: candidates[0].key for configuration, candidates in self.known.items()}
        return {c: scores[key] for c, key in first.items() if key in scores}

    def _observed(self, scores: Mapping[tuple[str, str], Score]) -> dict[Configuration, Score]:
        tried = self._tried(scores)
        unit = self.unit(tried)
        return {c: (mean / unit, error / unit) for c, (mean, error) in tried.items()}


@cache
def _thread_pools() -> ThreadpoolController:
    return ThreadpoolController()  # to look for them takes longer than to ask the recommender


def _warn_of_changes(measured: str, configurations: Sequence[Configuration]) -> None:
    for change in changes_between(measured, sklearn.__version__, configurations) if measured else ():
        concerned = [c for c in configurations if change.concerns(c)]
        warnings.warn(
            f"The knowledge was measured with scikit-learn {measured}, this is {sklearn.__version__}: {concerned} may "
            f"score otherwise here, for {change.what}. Update scikit-learn, or take the expected scores with a grain "
            "of salt.",
            VersionWarning,
            stacklevel=4,
        )


def consult(
    knowledge: KnowledgeBase | None,
    recommender: Recommender,
    members: Sequence[Member],
    X: Any,
    y: Any,
    task_type: str,
    scoring: Any,
    *,
    average: bool = False,
) -> Advice:
    """Ask the knowledge about a data set.

    Parameters
    ----------
    knowledge : KnowledgeBase or None
        None has nothing to say.
    recommender : Recommender
        Cloned and fitted.
    members : sequence of Member
        Who may be recommended.
    X, y : array-likes
        The data.
    task_type : {"classification", "regression"}
        What it is.
    scoring : str, callable or None
        What should be best.
    average : bool, default=False
        Whether what is tried shall be averaged in the end.

    Returns
    -------
    Advice
        Empty where no known configuration agrees with the members, or none has a score.

    Raises
    ------
    ValueError
        If the knowledge is about the other task type.
    """
    if knowledge is None:
        return Advice(silent="There is no knowledge to recommend from: knowledge=None.")
    if knowledge.task_type not in (None, task_type):
        raise ValueError(
            f"knowledge is about {knowledge.task_type}, the estimators are for {task_type}; use "
            f"load_knowledge({task_type!r}) or one that was collected from such tasks."
        )
    known = known_configurations(members, knowledge.configurations)
    if not known:
        return Advice(silent=_unheard_of(members, knowledge))
    recorded = tuple(metric for metric in knowledge.metrics if np.isfinite(knowledge.scores(metric)).any())
    if not recorded:
        return Advice(silent=f"There is nothing to learn from: {knowledge!r} has no score.")
    metric = recorded_metric(scoring, recorded, task_type)
    with _thread_pools().limit(limits=1):  # on tables this small, threads only wait for each other
        meta_features = MetaFeatureExtractor().extract(X, y, task=task_type)
        fitted = _fitted(recommender, knowledge, metric)
    spread = _spread(y) if task_type == "regression" else 1.0
    return Advice(
        known,
        fitted,
        meta_features,
        unit=_Unit(search_unit(scoring, metric, spread), metric, knowledge),
        told_in=recorded_unit(metric, spread),
        measured_with=str(knowledge.info.get("scikit-learn", "")),
        learn_costs=partial(
            CostModel,
            knowledge,
            meta_features,
            _calibrated(members, task_type, average or needs_probabilities(scoring)),
            X.nnz / X.shape[0] if sparse.issparse(X) else None,
        ),
        average=average,
        stands_for=_stood_for(scoring, metric, task_type),
    )


def _unheard_of(members: Sequence[Member], knowledge: KnowledgeBase) -> str:
    """What to say where the knowledge has no estimator of these; nothing where it has some, set otherwise."""
    kinds = {str(c.estimator) for c in knowledge.configurations}
    if any(m.entry is not None and m.entry.name in kinds for m in members):
        return ""
    return f"The knowledge has none of {[m.name for m in members]}; it is about {sorted(kinds)}. Use fit."


def _calibrated(members: Sequence[Member], task_type: str, probabilities: bool) -> set[Hashable]:
    """Names of the base estimators that are calibrated before they are tried."""
    if task_type != "classification" or not probabilities:
        return set()
    return {m.entry.name for m in members if m.entry is not None and lacks_probabilities(m.base)}


def _spread(y: Any) -> float:
    """The target's standard deviation; in double precision, for the squares of large numbers overflow in others."""
    return float(np.std(np.asarray(y, dtype=float))) or 1.0


def _stood_for(scoring: Any, metric: str, task_type: str) -> str:
    """What the user optimises, where that is not the recorded metric."""
    wanted = DEFAULT_METRIC[task_type] if scoring is None else scoring
    if wanted == metric:
        return ""
    return wanted if isinstance(wanted, str) else "your scorer"


_RECENT: deque[tuple[KnowledgeBase, tuple, Recommender]] = deque(maxlen=8)


def _fitted(recommender: Recommender, knowledge: KnowledgeBase, metric: str) -> Recommender:
    """A clone that has learned; what was learned lately from this very object is not learned again."""
    params = recommender.get_params()
    if not all(isinstance(value, int | float | str) for value in params.values()):
        return clone(recommender).fit(knowledge, metric=metric)  # who knows what it depends on
    key = (type(recommender), metric, tuple(sorted(params.items())))
    for known, learned, fitted in tuple(_RECENT):
        if known is knowledge and learned == key:
            return fitted
    fitted = clone(recommender).fit(knowledge, metric=metric)
    _RECENT.append((knowledge, key, fitted))
    return fitted


class _Unit:
    """What scores of the search are divided by to be in the knowledge's units.

    Where the user's metric is in units that the knowledge does not have, scores are stretched until they are as far
    apart as those of the same configurations are on a typical known task; only their differences count.
    """

    def __init__(self, unit: float | None, metric: str, knowledge: KnowledgeBase):
        self.unit = unit
        self.table = knowledge.scores(metric)
        self.position = {configuration: j for j, configuration in enumerate(knowledge.configurations)}

    def __call__(self, scores: dict[Configuration, Score]) -> float:
        return self._matched(scores) if self.unit is None else self.unit

    def _matched(self, scores: dict[Configuration, Score]) -> float:
        found = np.array([mean for mean, _ in scores.values()])
        finite = np.isfinite(found)
        if finite.sum() < 2 or np.ptp(found[finite]) == 0:
            return 1.0
        known = self.table[:, [self.position[c] for c in scores]][:, finite]
        complete = known[np.isfinite(known).all(axis=1)]
        typical = np.median(np.ptp(complete, axis=1)) if len(complete) else 0.0
        return float(np.ptp(found[finite]) / typical) if typical > 0 else 1.0
