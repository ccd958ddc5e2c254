"""NearestTasks: what did well on the known tasks that look most like the new one."""

from __future__ import annotations

from numbers import Integral

import numpy as np

from sklmeta.recommenders.kernels import neighbour_weights
from sklmeta.recommenders.likeness import LikenessPortfolio


class NearestTasks(LikenessPortfolio):
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
        super()._learn()

    def _alike(self, features: np.ndarray) -> np.ndarray:
        distances = np.sqrt(((self.standardised_ - features) ** 2).mean(axis=1))
        return neighbour_weights(distances, self.n_neighbors, self.mixing)
