"""Portfolio: a fixed list whose members complement each other."""

from __future__ import annotations

import numpy as np

from sklmeta.recommenders.average_rank import AverageRank
from sklmeta.recommenders.kernels import greedy_portfolio
from sklmeta.recommenders.recommendation import Question


class Portfolio(AverageRank):
    """Recommends a list of which, on every known task, some member does well; whatever the new task looks like.

    Greedy on scores scaled to [0, 1] within each task: every next configuration is the one that most raises the mean
    over tasks of the best score so far.

    References
    ----------
    M. Wistuba, N. Schilling, L. Schmidt-Thieme (2015), "Sequential model-free hyperparameter tuning".
    M. Feurer, K. Eggensperger, S. Falkner, M. Lindauer, F. Hutter (2022), "Auto-sklearn 2.0".

    Examples
    --------
    >>> import pandas as pd
    >>> from sklmeta import KnowledgeBase
    >>> from sklmeta.recommenders import Portfolio
    >>> scores = pd.DataFrame({"a": [1.0, 0.8, 0.0], "b": [0.9, 1.0, 0.1], "c": [0.0, 0.0, 1.0]})
    >>> rec = Portfolio().fit(KnowledgeBase.from_frames(None, {"accuracy": scores}))
    >>> [r.configuration.estimator for r in rec.recommend(n=2)]
    ['b', 'c']
    """

    def _order(self, asked: Question) -> list[int]:
        return greedy_portfolio(
            self.scaled_, asked.w, asked.n, columns=asked.columns, tried=asked.that_worked, worth=asked.worth
        )

    def _reason(self, features: np.ndarray | None, w: np.ndarray, novel: bool, first: bool) -> str:
        what = "did best on balance" if first else "adds most to what is tried before it"
        return f"it {what}, over {len(self.scores_)} known tasks"
