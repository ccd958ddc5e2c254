"""What recommenders share that weigh the known tasks by how like the new one they are."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from sklmeta.recommenders.kernels import (
    above_median,
    greedy_portfolio,
    rank_places,
    robust_scale,
    standardised,
    upper_span,
)
from sklmeta.recommenders.portfolio import Portfolio


class LikenessPortfolio(Portfolio):
    """A portfolio over weighted tasks; how alike two tasks are is up to the subclass.

    The first pick has the best weighted mean of two views of a score, how far it is above the task's median and its
    rank; the next ones raise the weighted mean of the best score so far the most. A task where more is to be gained
    counts more, by the square root of its span: halfway between scores that are all scaled alike, which care for
    trifles, and scores as they are, which the hardest tasks rule.
    """

    def _learn(self) -> None:
        self.scaled_ = above_median(self.scores_)
        self.promise_: np.ndarray = (self.scaled_ + rank_places(self.scores_)) / 2
        self.stakes_: np.ndarray = np.sqrt(upper_span(self.scores_))
        M = self.knowledge_.meta_features.to_numpy(dtype=float)
        centre, spread = robust_scale(M)
        self.centre_: np.ndarray = centre
        self.spread_: np.ndarray = spread
        self.standardised_: np.ndarray = standardised(M, centre, spread)

    def _weights(self, features: np.ndarray | None, observed: Mapping[int, float]) -> np.ndarray:
        if features is None:
            return super()._weights(features, observed)
        return self._alike(standardised(features, self.centre_, self.spread_))

    def _alike(self, features: np.ndarray) -> np.ndarray:
        """How much each known task counts for a new one with these standardised meta-features; sums to one."""
        raise NotImplementedError

    def _order(self, columns: np.ndarray, w: np.ndarray, observed: Mapping[int, float], n: int) -> list[int]:
        covered, weights = self._covered(observed), w * self.stakes_
        weights = weights / weights.sum() if weights.sum() > 0 else w
        first = int(np.argmax(np.round(weights @ self.promise_[:, columns], 9))) if covered is None else None
        return greedy_portfolio(self.scaled_[:, columns], weights, n, covered=covered, first=first)

    def _reason(self, features: np.ndarray | None, w: np.ndarray, first: bool) -> str:
        nearest = [str(task.task) for task in self._similar(w)[:3]]
        if features is None or not nearest:
            why = super()._reason(features, w, first)
            return f"{why}, all alike, for there are no meta-features to tell them apart"
        what = "did best on balance" if first else "adds most to what is tried before it"
        return f"it {what}, on the known tasks most like this one: {', '.join(nearest)}"
