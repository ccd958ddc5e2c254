"""TaskMixture: a posterior over the known tasks, from meta-features first and from evaluations as they come."""

from __future__ import annotations

from typing import Any

import numpy as np

from sklmeta.recommenders.forest import Forest
from sklmeta.recommenders.kernels import agreement_weights
from sklmeta.recommenders.recommendation import Observed, Question

_ALIKE = 1e-12  # difference of weights that is none


class TaskMixture(Forest):
    """Takes the new task for a mixture of known ones, and learns the mixture while the search goes on.

    Before anything was evaluated, the weights of the known tasks are a `Forest`'s. Every evaluation then gives weight
    to the tasks on which the configurations tried so far stood to each other as they do on the new one. The next
    configuration is the one that most raises the weighted mean of the best score so far; in classification after four
    picks of the best two scores, after eight of the best three, and so on. Where what is tried shall be averaged, it is
    the one that adds most to an average and to the best score together, as far as it is known how errors go together.

    The first pick is the forest's. Where the next ones are looked for, half of what the forest says moves the known
    tasks' scores, from what it would have expected there to what it expects here, and half of it weighs the tasks: it
    has its say, and tasks that look otherwise still tell which configurations do well where others fail.

    Parameters
    ----------
    n_estimators, min_samples_leaf, mixing
        See `Forest`.
    sharpness : float, default=0.5
        How fast a task loses weight as it disagrees with what was observed.
    epsilon : float, default=0.005
        Differences in score well below it, or below the standard error of what was observed, are no disagreement.
    caution : float, default=0.1
        Share of the weights from before any evaluation that stays, from 0 to 1.
    shift : float, default=0.5
        Share of what the forest says that moves scores; the rest of it weighs tasks.
    random_state : int, RandomState instance or None, default=0
        Of the forest's trees.

    References
    ----------
    R. Leite, P. Brazdil, J. Vanschoren (2012), "Selecting classification algorithms with active testing".
    M. Wistuba, N. Schilling, L. Schmidt-Thieme (2015), "Sequential model-free hyperparameter tuning".

    Examples
    --------
    >>> import pandas as pd
    >>> from sklmeta import Configuration, KnowledgeBase
    >>> from sklmeta.recommenders import TaskMixture
    >>> columns = {"a": [0.9, 0.9, 0.7], "b": [0.8, 0.8, 0.9], "c": [0.95, 0.95, 0.6], "d": [0.5, 0.5, 0.95]}
    >>> rec = TaskMixture().fit(KnowledgeBase.from_frames(None, {"accuracy": pd.DataFrame(columns)}))
    >>> seen = {Configuration("a"): 0.6, Configuration("b"): 0.8}
    >>> rec.recommend(n=1, observed=seen)[0].configuration
    Configuration('d')
    """

    def __init__(
        self,
        n_estimators: int = 100,
        min_samples_leaf: int = 1,
        mixing: float = 0.1,
        sharpness: float = 0.5,
        epsilon: float = 0.005,
        caution: float = 0.1,
        shift: float = 0.5,
        random_state: Any = 0,
    ):
        super().__init__(n_estimators, min_samples_leaf, mixing, random_state)
        self.sharpness = sharpness
        self.epsilon = epsilon
        self.caution = caution
        self.shift = shift

    def _learn(self) -> None:
        if not (self.sharpness >= 0 and self.epsilon > 0 and 0 <= self.caution <= 1 and 0 <= self.shift <= 1):
            raise ValueError(
                "sharpness must not be negative, epsilon must be positive, caution and shift between 0 and 1; got "
                f"sharpness={self.sharpness!r}, epsilon={self.epsilon!r}, caution={self.caution!r}, "
                f"shift={self.shift!r}."
            )
        super()._learn()

        expected = self._weights_among_known() @ self.at_stake_
        self.unexpected_: np.ndarray = np.asfortranarray(self.at_stake_ - self.shift * expected)

    def _posterior(self, prior: np.ndarray, observed: Observed) -> np.ndarray:
        columns, (new, noise) = list(observed), np.reshape(list(observed.values()), (-1, 2)).T
        if np.isfinite(new).sum() == 0 or len(columns) < 2:
            return prior
        known, worst = self.scores_[:, columns], self.scores_.min(axis=1)
        posterior = agreement_weights(prior, known, new, self.sharpness, self.epsilon, noise, worst)
        return (1 - self.caution) * posterior + self.caution * prior

    def _order(self, asked: Question) -> list[int]:
        if np.ptp(asked.prior) < _ALIKE:  # nothing tells what to expect
            return super()._order(asked)
        scenarios = self.unexpected_ + self.shift * (asked.prior @ self.at_stake_)
        flatter = (1 - self.shift) * asked.prior + self.shift / len(asked.prior)
        return self._list(asked, scenarios, self._posterior(flatter, asked.observed))
