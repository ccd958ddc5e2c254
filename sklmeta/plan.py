"""What a search evaluates next."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from functools import cached_property

import numpy as np

from sklmeta.advice import Advice, Score
from sklmeta.candidates import Candidate
from sklmeta.members import Member
from sklmeta.recommenders.arms import next_turn

_MOST_DRAWS = 100  # of a member's space, where the knowledge has no more to say


class Plan:
    """Candidates to evaluate, most promising first, in the light of what came of those before.

    Members that the knowledge has seen follow its advice, then draw from their spaces; the others start as they are and
    then draw. Each of the others gets the share of the picks that the strategy gives it: that of the mean member at
    first, more or less once it was tried. Without knowledge, all have the same share.

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
    taken : iterable of (str, str), default=()
        Keys of candidates that an earlier plan has given.
    """

    def __init__(
        self,
        members: Sequence[Member],
        advice: Advice,
        n_iter: int,
        random_state: np.random.RandomState,
        taken: Iterable[tuple[str, str]] = (),
    ):
        seeds = random_state.randint(2**31 - 1, size=len(members)).tolist()
        self._seeds: dict[Hashable, tuple[Member, int]] = {
            m.name: (m, seed) for m, seed in zip(members, seeds, strict=True)
        }
        heard = [m.name for m in members if m.name in advice.heard_of]
        unheard = [m.name for m in members if m.name not in advice.heard_of]
        self._advice, self._left = advice, n_iter
        self._heard, self._unheard = heard, unheard
        self._picks: Counter[Hashable] = Counter()  # by name; None stands for all that were heard of
        self._draws: dict[Hashable, list[Candidate]] = {}
        self._taken: set[tuple[str, str]] = set(taken)
        self._n_draws = min(n_iter + len(self._taken), _MOST_DRAWS)

    def next(
        self,
        n: int,
        scores: Mapping[tuple[str, str], Score],
        allowed: Callable[[Candidate], bool] | None = None,
    ) -> list[Candidate]:
        """The next candidates.

        Parameters
        ----------
        n : int
            How many; fewer are left at the end.
        scores : mapping
            Mean and standard error of what was evaluated so far, by the candidate's key. What was given before and has
            no score yet counts as tried: the advice is for what goes well with it.
        allowed : callable, default=None
            Says which candidates may be named now; None is all.

        Returns
        -------
        list of Candidate
            None of which was given before; empty when there are no more.
        """
        n = min(n, self._left)
        if not n:
            return []
        pending = len(self._taken - scores.keys())
        advised = iter(self._advice.recommend(n + pending, scores, allowed))
        shares = self._shares(scores)
        found: list[Candidate] = []
        while len(found) < n and shares:
            turn = next_turn(shares, self._picks)
            sources = [advised, self._draws_of(None, allowed)] if turn is None else [self._draws_of(turn, allowed)]
            candidate = next((c for source in sources for c in source if c.key not in self._taken), None)
            if candidate is None:
                del shares[turn]  # nothing is left of it
                continue
            self._taken.add(candidate.key)
            self._picks[turn] += 1
            found.append(candidate)
        self._left -= len(found)
        return found

    def _shares(self, scores: Mapping[tuple[str, str], Score]) -> dict[Hashable, float]:
        """Of the picks: for each that was never heard of, and under None for all others together."""
        if not self._unheard:
            return {None: 1.0}
        strategy = self._advice.strategy(scores, self._unheard)
        equal = 1 / (len(self._heard) + len(self._unheard))
        shares: dict[Hashable, float] = {name: strategy.get(name, equal) for name in self._unheard}
        return {None: 1 - sum(shares.values()), **shares} if self._heard else shares

    @cached_property
    def _advised_draws(self) -> list[Candidate]:
        return list(_interleaved([self._drawn(name) for name in self._heard]))

    def _drawn(self, name: Hashable) -> list[Candidate]:
        """A member's draws; made when they are first needed, for most searches never do."""
        if name not in self._draws:
            member, seed = self._seeds[name]
            draws = member.drawn(self._n_draws, np.random.RandomState(seed))
            self._draws[name] = [Candidate(member, params) for params in draws]
        return self._draws[name]

    def _draws_of(self, turn: Hashable, allowed: Callable[[Candidate], bool] | None) -> Iterator[Candidate]:
        drawn = self._advised_draws if turn is None else self._drawn(turn)
        yield from (candidate for candidate in drawn if allowed is None or allowed(candidate))


def _interleaved(lists: Sequence[Sequence[Candidate]]) -> Iterator[Candidate]:
    """One of each list in turn, as long as any has more."""
    for position in range(max(map(len, lists), default=0)):
        yield from (items[position] for items in lists if position < len(items))
