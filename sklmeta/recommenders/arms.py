"""Base estimators as arms to bet on, those that the knowledge has never seen included."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence

import numpy as np


def unheard_shares(
    n_heard: int, heard: Sequence[float], unheard: Mapping[Hashable, Sequence[float]], unit: float
) -> dict[Hashable, float]:
    """How probably each arm that the knowledge has never seen holds the best configuration, of all arms.

    Before it was tried, such an arm has the share of the mean arm. Its odds are then multiplied by
    ``exp((own - others) / unit)``, where `own` is the best score that it reached so far, and `others` the best that any
    other arm did. An arm of which all failed has no share, once another one did not fail.

    Parameters
    ----------
    n_heard : int
        How many arms the knowledge has seen; they have the rest of the probability.
    heard : sequence of float
        Scores of these so far, NaN for what failed.
    unheard : mapping of hashable to sequence of float
        Scores of each of the others so far, likewise.
    unit : float
        What difference in score is worth a factor of e; positive.

    Returns
    -------
    dict of hashable to float
        In the order given; the sum is one where `n_heard` is 0, and else less.
    """
    reached = np.array([_best(scores) for scores in unheard.values()] + [_best(heard)])
    log_odds = np.zeros(len(unheard))
    for k, own in enumerate(reached[:-1]):
        others = np.delete(reached, k)
        others = others[np.isfinite(others)]
        if len(others) and not np.isnan(own):
            log_odds[k] = (own - others.max()) / unit
    top = log_odds.max(initial=0.0)
    odds = np.exp(log_odds - top)
    shares = odds / (odds.sum() + n_heard * np.exp(-top))
    return dict(zip(unheard, shares.tolist(), strict=True))


def next_turn(shares: Mapping[Hashable, float], picks: Mapping[Hashable, int]) -> Hashable:
    """Whose turn the next pick is: that of the arm that is furthest behind its share of the picks.

    Probability matching, as in Thompson's rule, without its dice: after any number of picks, each arm had as many as
    its share says, give or take one for two arms, or little more for many. A Plan calls it with the shares of the arms
    that the knowledge has never seen, and the sum of all the others' shares under one name.

    Parameters
    ----------
    shares : mapping of hashable to float
        Probability of each arm that can still be picked; at least one.
    picks : mapping of hashable to int
        How many picks each had; who is not in it had none.

    Returns
    -------
    hashable
        One of `shares`; of those equally far behind, the first.

    References
    ----------
    W. Thompson (1933), "On the likelihood that one unknown probability exceeds another in view of the evidence of two
    samples".

    Examples
    --------
    >>> picks = {"known": 0, "new": 0}
    >>> for _ in range(6):
    ...     turn = next_turn({"known": 0.7, "new": 0.3}, picks)
    ...     picks[turn] += 1
    ...     print(turn, end=" ")
    known new known known known new
    """
    n = sum(picks.get(arm, 0) for arm in shares) + 1
    total = sum(shares.values()) or 1.0
    return max(shares, key=lambda arm: round(n * shares[arm] / total - picks.get(arm, 0), 9))


def _best(scores: Sequence[float]) -> float:
    """NaN where nothing was tried, minus infinity where all failed."""
    if not len(scores):
        return np.nan
    return float(np.max(np.where(np.isnan(scores), -np.inf, scores)))
