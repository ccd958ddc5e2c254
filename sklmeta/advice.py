"""What the knowledge says about one data set."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from sklearn.base import clone

from sklmeta.configuration import Configuration
from sklmeta.knowledge import KnowledgeBase
from sklmeta.members import Member
from sklmeta.metafeatures import MetaFeatureExtractor
from sklmeta.metrics import recorded_metric
from sklmeta.recommenders import Recommendation, Recommender
from sklmeta.search import Candidate, known_configurations


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
    """

    known: dict[Configuration, list[Candidate]] = field(default_factory=dict)
    recommender: Recommender | None = None
    meta_features: Any = None

    def recommend(self, n: int) -> list[Candidate]:
        """At most `n` candidates, best first, each with its recommendation."""
        if self.recommender is None:
            return []
        found: list[Recommendation] = self.recommender.recommend(self.meta_features, n=n, candidates=list(self.known))
        return [replace(c, recommendation=_for(c, r)) for r in found for c in self.known[r.configuration]][:n]

    @property
    def heard_of(self) -> set[str]:
        """Names of the members that the knowledge has configurations of."""
        return {candidate.member.name for candidates in self.known.values() for candidate in candidates}

    def strategy(self) -> dict[Hashable, float]:
        """How probably each kind of base estimator holds the best configuration."""
        if self.recommender is None:
            return {}
        return self.recommender.strategy(self.meta_features, candidates=list(self.known))


def _for(candidate: Candidate, recommendation: Recommendation) -> Recommendation:
    return replace(recommendation, configuration=candidate.member.as_set(recommendation.configuration))


def consult(
    knowledge: KnowledgeBase | None,
    recommender: Recommender,
    members: Sequence[Member],
    X: Any,
    y: Any,
    task_type: str,
    scoring: Any,
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

    Returns
    -------
    Advice
        Empty where no known configuration agrees with the members.

    Raises
    ------
    ValueError
        If the knowledge is about the other task type.
    """
    if knowledge is None:
        return Advice()
    if knowledge.task_type not in (None, task_type):
        raise ValueError(
            f"knowledge is about {knowledge.task_type}, the estimators are for {task_type}; use "
            f"load_knowledge({task_type!r}) or one that was collected from such tasks."
        )
    known = known_configurations(members, knowledge.configurations)
    if not known:
        return Advice()
    metric = recorded_metric(scoring, knowledge.metrics, task_type)
    meta_features = MetaFeatureExtractor().extract(X, y, task=task_type)
    return Advice(known, clone(recommender).fit(knowledge, metric=metric), meta_features)
