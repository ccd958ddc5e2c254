"""AverageRank: what ranks best on average over all known tasks."""

from __future__ import annotations

import numpy as np

from sklmeta.recommenders.base import Recommender
from sklmeta.recommenders.kernels import rank_places
from sklmeta.recommenders.recommendation import Question


class AverageRank(Recommender):
    """Recommends by mean rank over all known tasks, whatever the new one looks like.

    The simplest thing that learns at all, and a strong first pick; a bad list, for its first picks resemble each other.

    References
    ----------
    P. Brazdil, C. Soares (2000), "A comparison of ranking methods for classification algorithm selection".
    S. Abdulrahman, P. Brazdil, J. van Rijn, J. Vanschoren (2018), "Speeding up algorithm selection using average
    ranking and active testing by introducing runtime".

    Examples
    --------
    >>> import pandas as pd
    >>> from sklmeta import KnowledgeBase
    >>> from sklmeta.recommenders import AverageRank
    >>> scores = pd.DataFrame({"svc": [0.9, 0.7, 0.8], "forest": [0.8, 0.9, 0.9]}, index=["a", "b", "c"])
    >>> rec = AverageRank().fit(KnowledgeBase.from_frames(None, {"accuracy": scores}))
    >>> rec.recommend()[0].configuration
    Configuration('forest')
    """

    def _order(self, asked: Question) -> list[int]:
        places = np.round(asked.w @ rank_places(self.scores_), 9)  # equal whatever the order of the tasks
        means = np.round(asked.w @ self.scaled_, 9)  # decides between equal places
        columns = asked.columns
        return columns[np.lexsort((-means[columns], -places[columns]))].tolist()

    def _reason(self, features: np.ndarray | None, w: np.ndarray, novel: bool, first: bool) -> str:
        return f"it comes next by average rank over {len(self.scores_)} known tasks"
