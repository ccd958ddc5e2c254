"""What a search evaluates next."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import cycle

import numpy as np

from sklmeta.advice import Advice, Score
from sklmeta.candidates import Candidate
from sklmeta.members import Member


class Plan:
    """Candidates to evaluate, most promising first, in the light of what came of those before.

    Each member has an equal share of the picks. Those that the knowledge has seen put theirs together and follow its
    advice, then draw from their spaces; the others start as they are and then draw.

    Parameters
    ----------
    members : sequence of Member
        Who may be tried.
    advice : Advice
        What the knowledge says about them.
    n_iter : int
        How many candidates, at most.
    random_state : RandomState instance
        Of the draws.
    """

    def __init__(self, members: Sequence[Member], advice: Advice, n_iter: int, random_state: np.random.RandomState):
        seeds = random_state.randint(2**31 - 1, size=len(members)).tolist()
        drawn = {
            m.name: [Candidate(m, params) for params in m.drawn(n_iter, np.random.RandomState(seed))]
            for m, seed in zip(members, seeds, strict=True)
        }
        unheard = [m.name for m in members if m.name not in advice.heard_of]
        self._advice, self._left, self._round = advice, n_iter, len(members)
        self._advised_draws = _interleaved([drawn[m.name] for m in members if m.name in advice.heard_of])
        self._drawn = [iter(drawn[name]) for name in unheard]
        followers = [None] * (len(members) - len(unheard))
        self._turns = cycle([*followers, *range(len(unheard))])
        self._taken: set[tuple[str, str]] = set()

    def next(self, n: int, scores: Mapping[tuple[str, str], Score]) -> list[Candidate]:
        """The next candidates.

        Parameters
        ----------
        n : int
            How many; fewer are left at the end.
        scores : mapping
            Mean and standard error of what was evaluated so far, by the candidate's key.

        Returns
        -------
        list of Candidate
            None of which was given before; empty when there are no more.
        """
        n = min(n, self._left)
        if not n:
            return []
        advised = iter(self._advice.recommend(n, scores))
        found: list[Candidate] = []
        idle = 0  # turns in a row that brought nothing: after a whole round of them, nothing is left
        while len(found) < n and idle < self._round:
            turn = next(self._turns)
            sources = [advised, self._advised_draws] if turn is None else [self._drawn[turn]]
            candidate = next((c for source in sources for c in source if c.key not in self._taken), None)
            idle = idle + 1 if candidate is None else 0
            if candidate is not None:
                self._taken.add(candidate.key)
                found.append(candidate)
        self._left -= len(found)
        return found


def _interleaved(lists: Sequence[Sequence[Candidate]]) -> Iterator[Candidate]:
    """One of each list in turn, as long as any has more."""
    for position in range(max(map(len, lists), default=0)):
        yield from (items[position] for items in lists if position < len(items))
