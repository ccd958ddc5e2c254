"""TaskMixture: a posterior over the known tasks, from meta-features first and from evaluations as they come."""

from __future__ import annotations

from typing import Any

import numpy as np

from sklmeta.recommenders.forest import Forest
from sklmeta.recommenders.kernels import agreement_weights, ridge_weights, ridge_weights_among, typical_span
from sklmeta.recommenders.recommendation import Observed, Question

_ALIKE = 1e-12  # difference of weights that is none
_STRENGTH = 1.0  # of the ridge regression's penalty


class TaskMixture(Forest):
    """Takes the new task for a mixture of known ones, and learns the mixture while the search goes on.

    Before anything was evaluated, the weights of the known tasks are a `Forest`'s. Every evaluation then gives weight
    to the tasks on which the configurations tried so far stood to each other as they do on the new one. The next
    configuration is the one that most raises the weighted mean of the best score so far; in classification after four
    picks of the best two scores, after eight of the best three, and so on. Where what is tried shall be averaged, it is
    the one that adds most to an average and to the best score together, as far as it is known how errors go together.

    What is expected before that is the mean of what two models say: the forest, and a ridge regression on the
    landmarkers, which also goes beyond what is known. The first pick is what is expected to do best. Where the next
    ones are looked for, half of what is expected moves the known tasks' scores, from what would have been expected
    there to what is expected here, and half of what the forest says weighs the tasks: it has its say, and tasks that
    look otherwise still tell which configurations do well where others fail. Where what is tried shall be averaged, the
    forest alone moves scores.

    Parameters
    ----------
    n_estimators, min_samples_leaf, mixing
        See `Forest`.
    sharpness : float, default=0.5
        How fast a task loses weight as it disagrees with what was observed.
    epsilon : float, default=0.2
        Differences in score well below it, or below the standard error of what was observed, are no disagreement. Its
        unit is what there is to gain on the median known task: its best score minus its median.
    caution : float, default=0.1
        Share of the weights from before any evaluation that stays, from 0 to 1.
    shift : float, default=0.5
        Share of what is expected that moves scores; the rest of what the forest says weighs tasks.
    linear : float, default=0.5
        Share of the ridge regression in what is expected, from 0 to 1. Without landmarkers that tell tasks apart, none.
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
        epsilon: float = 0.2,
        caution: float = 0.1,
        shift: float = 0.5,
        linear: float = 0.5,
        random_state: Any = 0,
    ):
        super().__init__(n_estimators, min_samples_leaf, mixing, random_state)
        self.sharpness = sharpness
        self.epsilon = epsilon
        self.caution = caution
        self.shift = shift
        self.linear = linear

    def _learn(self) -> None:
        shares = {"caution": self.caution, "shift": self.shift, "linear": self.linear}
        if not (self.sharpness >= 0 and self.epsilon > 0 and all(0 <= share <= 1 for share in shares.values())):
            raise ValueError(
                "sharpness must not be negative, epsilon must be positive, caution, shift and linear between 0 and 1; "
                f"got sharpness={self.sharpness!r}, epsilon={self.epsilon!r}, "
                f"{', '.join(f'{name}={share!r}' for name, share in shares.items())}."
            )
        super()._learn()
        self.small_ = self.epsilon * typical_span(self.scores_)
        known = self.standardised_[:, self.landmarks_]
        self.ridge_: tuple[np.ndarray, np.ndarray] = ridge_weights(known, _STRENGTH)
        W = self._weights_among_known()
        self.unexpected_by_forest_ = self.unexpected_ = self._unexpected(W)
        if len(self.landmarks_):
            W *= 1 - self.linear
            W += self.linear * ridge_weights_among(known, self.apart_, _STRENGTH)
            self.unexpected_ = self._unexpected(W)

    def _unexpected(self, W: np.ndarray) -> np.ndarray:
        """Scores of the known tasks without the share that moves of what the others lead to expect there."""
        return np.asfortranarray(self.at_stake_ - self.shift * (W @ self.at_stake_))

    def _expecting_by(self, row: np.ndarray, prior: np.ndarray) -> np.ndarray:
        if not len(self.landmarks_):
            return prior
        centre, coefficients = self.ridge_
        by_ridge = 1 / len(prior) + (row[self.landmarks_] - centre) @ coefficients
        return (1 - self.linear) * prior + self.linear * by_ridge

    def _posterior(self, prior: np.ndarray, observed: Observed) -> np.ndarray:
        columns, (new, noise) = list(observed), np.reshape(list(observed.values()), (-1, 2)).T
        if np.isfinite(new).sum() == 0 or len(columns) < 2:
            return prior
        known, worst = self.scores_[:, columns], self.scores_.min(axis=1)
        posterior = agreement_weights(prior, known, new, self.sharpness, self.small_, noise, worst)
        return (1 - self.caution) * posterior + self.caution * prior

    def _order(self, asked: Question) -> list[int]:
        # among many picks, what the ridge regression expects is too narrow (docs/decisions.md)
        expecting = asked.prior if asked.average else self._expecting(asked)
        if np.ptp(expecting) < _ALIKE:  # nothing tells what to expect
            return super()._order(asked)
        unexpected = self.unexpected_by_forest_ if asked.average else self.unexpected_
        scenarios = unexpected + self.shift * (expecting @ self.at_stake_)
        flatter = (1 - self.shift) * asked.prior + self.shift / len(asked.prior)
        return self._list(asked, scenarios, self._posterior(flatter, asked.observed))
