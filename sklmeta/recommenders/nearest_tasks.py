"""NearestTasks: what did well on the known tasks that look most like the new one."""

from __future__ import annotations

from collections.abc import Mapping
from numbers import Integral

import numpy as np

from sklmeta.recommenders.kernels import (
    above_median,
    greedy_portfolio,
    mean_ranks,
    neighbour_weights,
    robust_scale,
    standardised,
)
from sklmeta.recommenders.portfolio import Portfolio


class NearestTasks(Portfolio):
    """Recommends what did well on the known tasks whose meta-features are nearest.

    Known tasks are weighted by a kernel on the distance of their meta-features, mixed with equal weights. The first
    pick has the best weighted mean of two views of a score, how far it is above the task's median and its rank; the
    next ones raise the weighted mean of the best score so far the most. (The k nearest alone, as in auto-sklearn
    1, or a list sorted by expected score, did worse: see benchmarks/RESULTS.md.)

    Parameters
    ----------
    n_neighbors : int, default=10
        How many known tasks count as near.
    mixing : float, default=0.3
        Share of the weight that all known tasks have in equal parts, from 0 to 1.

    References
    ----------
    P. Brazdil, C. Soares, J. da Costa (2003), "Ranking learning algorithms: using IBL and meta-learning on accuracy
    and time results".
    M. Feurer, J. Springenberg, F. Hutter (2015), "Initializing Bayesian hyperparameter optimization via meta-learning".

    Examples
    --------
    >>> import pandas as pd
    >>> from sklmeta import KnowledgeBase
    >>> from sklmeta.recommenders import NearestTasks
    >>> meta_features = pd.DataFrame({"log_rows": [5.0, 5.1, 9.0, 9.1]})
    >>> scores = pd.DataFrame({"svc": [0.9, 0.9, 0.7, 0.7], "forest": [0.8, 0.8, 0.9, 0.9]})
    >>> kb = KnowledgeBase.from_frames(meta_features, {"accuracy": scores})
    >>> rec = NearestTasks(n_neighbors=2).fit(kb)
    >>> rec.recommend({"log_rows": 5.05})[0].configuration
    Configuration('svc')
    """

    def __init__(self, n_neighbors: int = 10, mixing: float = 0.3):
        self.n_neighbors = n_neighbors
        self.mixing = mixing

    def _learn(self) -> None:
        if not isinstance(self.n_neighbors, Integral) or self.n_neighbors < 1 or not 0 <= self.mixing <= 1:
            raise ValueError(
                "n_neighbors must be an integer of at least 1 and mixing between 0 and 1; got "
                f"n_neighbors={self.n_neighbors!r}, mixing={self.mixing!r}."
            )
        self.scaled_ = above_median(self.scores_)
        M = self.knowledge_.meta_features.to_numpy(dtype=float)
        centre, spread = robust_scale(M)
        self.centre_: np.ndarray = centre
        self.spread_: np.ndarray = spread
        self.standardised_: np.ndarray = standardised(M, centre, spread)

    def _weights(self, features: np.ndarray | None, observed: Mapping[int, float]) -> np.ndarray:
        if features is None:
            return super()._weights(features, observed)
        new = standardised(features, self.centre_, self.spread_)
        distances = np.sqrt(((self.standardised_ - new) ** 2).mean(axis=1))
        return neighbour_weights(distances, self.n_neighbors, self.mixing)

    def _order(self, columns: np.ndarray, w: np.ndarray, observed: Mapping[int, float], n: int) -> list[int]:
        covered = self._covered(observed)
        first = int(np.argmax(self._promise(w)[columns])) if covered is None else None
        return greedy_portfolio(self.scaled_[:, columns], w, n, covered=covered, first=first)

    def _promise(self, w: np.ndarray) -> np.ndarray:
        """Weighted mean of height above the median and rank, both at most 1; shape (n_configurations,)."""
        n = max(self.scores_.shape[1] - 1, 1)
        return np.round((w @ self.scaled_ + 1 - (mean_ranks(self.scores_, w) - 1) / n) / 2, 9)

    def _reason(self, features: np.ndarray | None, w: np.ndarray, first: bool) -> str:
        nearest = [str(task.task) for task in self._similar(w)[:3]]
        if features is None or not nearest:
            why = super()._reason(features, w, first)
            return f"{why}, all alike, for there are no meta-features to tell them apart"
        what = "did best on balance" if first else "adds most to what is tried before it"
        return f"it {what}, on the known tasks most like this one: {', '.join(nearest)}"
