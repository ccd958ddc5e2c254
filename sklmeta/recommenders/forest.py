"""Forest: known tasks weighted by a forest that learned which meta-features matter for what works."""

from __future__ import annotations

from collections.abc import Mapping
from numbers import Integral
from typing import Any

import numpy as np
from sklearn.base import clone
from sklearn.ensemble import ExtraTreesRegressor

from sklmeta.exceptions import KnowledgeFormatError
from sklmeta.knowledge import KnowledgeBase
from sklmeta.knowledge.sizes import FULL_SIZE, larger_parts
from sklmeta.recommenders.kernels import principal_scores, shared_leaves, shared_leaves_among, softmax
from sklmeta.recommenders.likeness import LikenessPortfolio
from sklmeta.recommenders.trees import Trees

_BEHIND = 0.1  # who is so far behind a task's best counts e times less there
# more outputs cost time in every split and say hardly more: of scores, and of the shares of the best
_COMPONENTS, _COMPONENTS_OF_SHARES = 10, 40
_DIGITS = 9  # sums over tasks differ in the last digits by their order, and then so would the trees


class Forest(LikenessPortfolio):
    """Recommends what did well on the known tasks that share a forest's leaves with the new one.

    One forest predicts, from a task's meta-features, how all configurations do on it. A forest's prediction is a
    weighted mean over the rows it learned from, so it says how much each known task counts for the new one. Unlike a
    distance, it learns which meta-features matter. The list is then made as in `NearestTasks`.

    Without landmarkers, which say how hard a task is for whom, it predicts which configurations are the best instead:
    the softmax of the scores, to which those far behind are alike, however far that is.

    Parameters
    ----------
    n_estimators : int, default=100
        Trees.
    min_samples_leaf : int, default=1
        Known tasks in a leaf, at least.
    mixing : float, default=0.1
        Share of the weight that all known tasks have in equal parts, from 0 to 1.
    random_state : int, RandomState instance or None, default=0
        Of the trees.

    References
    ----------
    P. Geurts, D. Ernst, L. Wehenkel (2006), "Extremely randomized trees".
    Y. Lin, Y. Jeon (2006), "Random forests and adaptive nearest neighbors".

    Examples
    --------
    >>> import pandas as pd
    >>> from sklmeta import KnowledgeBase
    >>> from sklmeta.recommenders import Forest
    >>> meta_features = pd.DataFrame({"log_rows": [5.0, 5.1, 5.2, 9.0, 9.1, 9.2]})
    >>> scores = pd.DataFrame({"svc": [0.9, 0.9, 0.9, 0.7, 0.7, 0.7], "forest": [0.8, 0.8, 0.8, 0.9, 0.9, 0.9]})
    >>> rec = Forest().fit(KnowledgeBase.from_frames(meta_features, {"accuracy": scores}))
    >>> rec.recommend({"log_rows": 5.05})[0].configuration
    Configuration('svc')
    """

    def __init__(self, n_estimators: int = 100, min_samples_leaf: int = 1, mixing: float = 0.1, random_state: Any = 0):
        self.n_estimators = n_estimators
        self.min_samples_leaf = min_samples_leaf
        self.mixing = mixing
        self.random_state = random_state

    def _learn(self) -> None:
        for name in ("n_estimators", "min_samples_leaf"):
            value = getattr(self, name)
            if not isinstance(value, Integral) or value < 1:
                raise ValueError(f"{name} must be an integer of at least 1, got {value!r} instead.")
        if not 0 <= self.mixing <= 1:
            raise ValueError(f"mixing must be between 0 and 1, got {self.mixing!r} instead.")
        super()._learn()
        told = np.ptp(self.standardised_, axis=0) > 0
        self.landmarks_: np.ndarray = np.flatnonzero(
            self.groups_.get("landmarkers", np.zeros(len(told), dtype=bool)) & told
        )
        if self.standardised_.shape[1] == 0:
            return
        ahead = self.knowledge_.learned.get(self.learned_key)
        self.trees_: Trees = Trees.of(self._grown()) if ahead is None else self._stored(ahead)
        self.leaves_: np.ndarray = self.trees_.apply(self.standardised_)

    def _grown(self) -> ExtraTreesRegressor:
        forest = ExtraTreesRegressor(
            n_estimators=self.n_estimators,
            min_samples_leaf=self.min_samples_leaf,
            max_features=1 / 3,
            bootstrap=True,
            random_state=self.random_state,
        )
        # rows in an order of their own, for bootstrap draws go by position
        order = np.lexsort([*self.promise_.T, *self.standardised_.T])
        outputs = np.round(self._told_apart(order), _DIGITS)
        return forest.fit(self.standardised_[order], outputs if outputs.shape[1] > 1 else outputs.ravel())

    def _told_apart(self, order: np.ndarray) -> np.ndarray:
        """What the trees learn to tell of a task: its scores, or the shares of the best; (n_tasks, n_outputs)."""
        scores = (self.promise_ * self.stakes_[:, None])[order]
        if len(self.landmarks_):
            return principal_scores(scores, _COMPONENTS)
        return principal_scores(softmax(scores, _BEHIND), _COMPONENTS_OF_SHARES)

    def _stored(self, arrays: Mapping[str, np.ndarray]) -> Trees:
        try:
            return Trees.from_arrays(arrays, self.standardised_.shape[1])
        except ValueError as error:
            raise KnowledgeFormatError(
                f"What {self.knowledge_!r} holds under learned[{self.learned_key!r}] is of no use. {error} Restore its "
                "file from a copy, or forget what was learned by knowledge.with_learned({})."
            ) from error

    @property
    def learned_key(self) -> str:
        """What the trees depend on, besides the knowledge: under this name it may hold them, learned ahead."""
        size = ", full size" if FULL_SIZE in self.knowledge_.info else ""
        what = "trees" if len(self.landmarks_) else "trees of the best"
        return f"{what}: {self.n_estimators}, {self.min_samples_leaf}, {self.random_state!r}, {self.metric_}{size}"

    def _alike(self, features: np.ndarray) -> np.ndarray:
        return self._mixed(shared_leaves(self.leaves_, self.trees_.apply(features[None])[0]))

    def _alike_among_known(self) -> np.ndarray:
        return self._mixed(shared_leaves_among(self.leaves_))

    def _mixed(self, shared: np.ndarray) -> np.ndarray:
        return (1 - self.mixing) * shared + self.mixing / shared.shape[-1]


def learned_ahead(knowledge: KnowledgeBase, recommender: Forest) -> KnowledgeBase:
    """The same knowledge, holding what a recommender learns from it for each metric, so that fitting takes no time.

    Parameters
    ----------
    knowledge : KnowledgeBase
        What to learn from.
    recommender : Forest
        With an integer as its `random_state`.

    Returns
    -------
    KnowledgeBase
        Any part that is taken of it forgets what was learned from the whole.
    """
    fitted: list[Any] = [clone(recommender).fit(knowledge, metric=metric) for metric in knowledge.metrics]
    if larger_parts(knowledge):
        fitted += [one.at_full_size_ for one in fitted]
    return knowledge.with_learned({one.learned_key: one.trees_.arrays() for one in fitted if hasattr(one, "trees_")})
