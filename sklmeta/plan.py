"""What a search evaluates next."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence

import numpy as np

from sklmeta.advice import Advice, Score
from sklmeta.candidates import Candidate
from sklmeta.members import Member
from sklmeta.recommenders.arms import next_turn

_FIRST_DRAWS = 8  # of a member's space, where the knowledge has no more to say; twice as many once they are used up
_LISTED_FIRST = 25  # picks by the knowledge; from then on, every other one is a neighbour of the best so far
_PARENTS = 5  # the best so far, around whom candidates are looked for
_STEPS = (0.2, 0.05)  # how far, in turn, where 1 is a whole distribution
_TRIES = 20  # to find a neighbour that is new and allowed


class Plan:
    """Candidates to evaluate, most promising first, in the light of what came of those before.

    Members that the knowledge has seen follow its advice, then draw from their spaces. Once 25 candidates of theirs
    were named, every other one is a neighbour, in its space, of one of the five best so far (the best of five members,
    where an average shall be made of them): the knowledge's list is finite, and has less and less to say of the task's
    own optimum.

    The other members start as they are and then draw. Each of them gets the share of the picks that the strategy gives
    it: that of the mean member at first, more or less once it was tried. Without knowledge, all have the same share.

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
    taken : iterable of Candidate, default=()
        What an earlier plan has given.

    References
    ----------
    F. Hutter, H. Hoos, K. Leyton-Brown (2011), "Sequential model-based optimization for general algorithm
    configuration": local search around the best, in turn with other picks.
    """

    def __init__(
        self,
        members: Sequence[Member],
        advice: Advice,
        n_iter: int,
        random_state: np.random.RandomState,
        taken: Iterable[Candidate] = (),
    ):
        seeds = random_state.randint(2**31 - 1, size=len(members)).tolist()
        self._seeds: dict[Hashable, tuple[Member, int]] = {
            m.name: (m, seed) for m, seed in zip(members, seeds, strict=True)
        }
        heard = [m.name for m in members if m.name in advice.heard_of]
        unheard = [m.name for m in members if m.name not in advice.heard_of]
        self._advice, self._left = advice, n_iter
        self._heard, self._unheard = heard, unheard
        taken = list(taken)
        # by name; None stands for all that were heard of
        self._picks = Counter[Hashable](c.member.name if c.member.name in unheard else None for c in taken)
        self._draws: dict[Hashable, list[Candidate]] = {}
        self._asked: Counter[Hashable] = Counter()  # draws, by name; where the space has fewer points, fewer came
        self._taken = {candidate.key: candidate for candidate in taken}
        self._rng = np.random.RandomState(random_state.randint(2**31 - 1))
        self._most_draws = n_iter + len(self._taken)

    @property
    def for_average(self) -> bool:
        """Whether what is tried shall be averaged in the end."""
        return self._advice.average

    def has_others_than(self, name: Hashable) -> bool:
        """Whether there is another member than this one."""
        return any(other != name for other in self._seeds)

    def next(
        self,
        scores: Mapping[tuple[str, str], Score],
        allowed: Callable[[Candidate], bool] | None = None,
        seconds: Callable[[Candidate], float] | None = None,
    ) -> Candidate | None:
        """The next candidate.

        Parameters
        ----------
        scores : mapping
            Mean and standard error of what was evaluated so far, by the candidate's key. What was given before and has
            no score yet counts as tried: the advice is for what goes well with it.
        allowed : callable, default=None
            Says which candidates may be named now; None is all.
        seconds : callable, default=None
            What evaluating a candidate takes, where time counts.

        Returns
        -------
        Candidate or None
            Not given before; None when there are no more.
        """
        if not self._left:
            return None
        pending = len(self._taken.keys() - scores.keys())
        advised = self._advice.recommend(1 + pending, scores, allowed, seconds)
        shares = self._shares(scores)
        while shares:
            turn = next_turn(shares, self._picks)
            sources: list[Iterable[Candidate]] = [self._draws_of(turn, allowed)]
            if turn is None:
                around_the_best = self._picks[None] >= _LISTED_FIRST and self._picks[None] % 2
                near = self._near_the_best(scores, allowed) if around_the_best else iter(())
                sources = [near, advised, *sources]
            candidate = next((c for source in sources for c in source if c.key not in self._taken), None)
            if candidate is not None:
                self._taken[candidate.key] = candidate
                self._picks[turn] += 1
                self._left -= 1
                return candidate
            del shares[turn]  # nothing is left of it
        return None

    def beyond(self, allowed: Callable[[Candidate], bool]) -> Candidate | None:
        """What is recommended first of all that was not given, however many were asked for.

        Parameters
        ----------
        allowed : callable
            Says which candidates may be named.

        Returns
        -------
        Candidate or None
            It counts as given, and not in the number of those that were asked for.
        """
        found = self._advice.recommend(1, {}, lambda c: c.key not in self._taken and allowed(c))
        self._taken.update({candidate.key: candidate for candidate in found})
        return found[0] if found else None

    def untried(self) -> list[Candidate]:
        """What was not given, without asking which is promising: all that the knowledge has, and a draw of the others.

        Returns
        -------
        list of Candidate
            In no particular order. They do not count as given.
        """
        known = [candidate for candidates in self._advice.known.values() for candidate in candidates]
        drawn = [candidate for name in self._unheard for candidate in self._drawn(name)[:1]]
        return [candidate for candidate in [*known, *drawn] if candidate.key not in self._taken]

    def _shares(self, scores: Mapping[tuple[str, str], Score]) -> dict[Hashable, float]:
        """Of the picks: for each that was never heard of, and under None for all others together."""
        if not self._unheard:
            return {None: 1.0}
        told = self._advice.shares_of(self._unheard, scores)
        equal = 1 / (len(self._heard) + len(self._unheard))
        shares: dict[Hashable, float] = {name: told.get(name, equal) for name in self._unheard}
        return {None: 1 - sum(shares.values()), **shares} if self._heard else shares

    def _near_the_best(
        self, scores: Mapping[tuple[str, str], Score], allowed: Callable[[Candidate], bool] | None
    ) -> Iterator[Candidate]:
        """Neighbours of the best of the members that were heard of, in turn; a few of each."""
        ranked = sorted((-mean, key) for key, (mean, _) in scores.items() if np.isfinite(mean) and key in self._taken)
        best = [self._taken[key] for _, key in ranked if key[0] in self._heard]
        parents = [candidate for candidate in best if candidate.member.space.names]
        parents = (_one_of_each_first(parents) if self.for_average else parents)[:_PARENTS]
        for k in range(_TRIES if parents else 0):
            turn, position = divmod(self._picks[None] // 2 + k, len(parents))
            parent, step = parents[position], _STEPS[turn % len(_STEPS)]
            params = parent.member.neighbour(parent.params, step, self._rng)
            neighbour = Candidate(parent.member, params, follows=parent.follows)
            if allowed is None or allowed(neighbour):
                yield neighbour

    def _drawn(self, name: Hashable) -> list[Candidate]:
        """A member's draws so far; made when they are first needed, for most searches never do."""
        if name not in self._draws:
            self._draw(name, _FIRST_DRAWS)
        return self._draws[name]

    def _draw(self, name: Hashable, n: int) -> None:
        member, seed = self._seeds[name]
        self._asked[name] = min(n, self._most_draws)
        draws = member.drawn(self._asked[name], np.random.RandomState(seed))
        self._draws[name] = [Candidate(member, params) for params in draws]

    def _draw_more(self, name: Hashable) -> bool:
        """Add as many draws again where all are given; whether there are more."""
        n, asked = len(self._drawn(name)), self._asked[name]
        if n < asked or asked >= self._most_draws or any(c.key not in self._taken for c in self._drawn(name)):
            return False
        self._draw(name, 2 * asked)  # they begin with those that there were
        return len(self._drawn(name)) > n

    def _draws_of(self, turn: Hashable, allowed: Callable[[Candidate], bool] | None) -> Iterator[Candidate]:
        names = self._heard if turn is None else [turn]
        more = True
        while more:
            untried = (c for c in _interleaved([self._drawn(name) for name in names]) if c.key not in self._taken)
            yield from (candidate for candidate in untried if allowed is None or allowed(candidate))
            more = sum(self._draw_more(name) for name in names) > 0


def _one_of_each_first(candidates: Sequence[Candidate]) -> list[Candidate]:
    """The first of each member, in their order, then the second of each, and so on."""
    by_member: dict[str, list[Candidate]] = {}
    for candidate in candidates:
        by_member.setdefault(candidate.member.name, []).append(candidate)
    return list(_interleaved(list(by_member.values())))


def _interleaved(lists: Sequence[Sequence[Candidate]]) -> Iterator[Candidate]:
    """One of each list in turn, as long as any has more."""
    for position in range(max(map(len, lists), default=0)):
        yield from (items[position] for items in lists if position < len(items))
