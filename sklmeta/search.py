"""The search for one task: which fold of which candidate is evaluated next, and what came of each."""

from __future__ import annotations

import math
import time
from bisect import insort
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from sklmeta.candidates import Candidate
from sklmeta.costs import CostModel
from sklmeta.evaluation import FoldResult, describe_error, evaluate_on
from sklmeta.exceptions import NotStarted, TimeLimitExceeded
from sklmeta.plan import Plan
from sklmeta.results import scores_so_far
from sklmeta.workers import Unit

_AHEAD = 3  # under a count budget a pick knows what came of those up to this many before it, whatever n_jobs is
_KEPT = 10  # candidates whose fold models are kept, in case that there is no time to fit anything on all rows
_LIKELY_MEMBERS = 8  # of a final average: their fits on all rows are what time is kept back for
_RESERVE_MARGIN = 1.1
_RESERVE_SHARE, _ONE_FOLD_SHARE = (
    0.15,
    0.25,
)  # of the budget, at most: a mean of fold models is as good, one alone is not
_OVERHEAD_SHARE = 0.03  # of the budget, for choosing the average and handing models over
_PATIENCE = 4.0  # times what a fold is expected to take, before it is stopped
_LEAST_PATIENCE = 0.1  # of the budget
_NEW_WORKER = 2.0  # seconds that stopping a fold costs: another process has to start
_FIRST_SHARE = 0.25  # for the first one, which also tells how fast this machine is
_SHARE = 0.9  # of the time that is left for searching: a candidate that is expected to take more is not begun
_PARTS = (1, 4, 16)  # of the rows, on which something is fitted where there is no time for any evaluation
_FIRST_PATIENCE = 0.35  # of the budget, for what is begun before anything has a score, where there are other members
_DOUBT = 4.0  # so many times too dear a fold may look, on tables wider than those that are known
_NEARLY = 2.0  # times what the quickest takes is nearly as quick
_NO_TIME = "no time was left for its other folds"
_FAILED, STOPPED = "a fold of it failed", "a fold of it was stopped"
_HOPELESS = 10  # candidates that failed, with nothing that did not: it is not their fault, and time will not help
_AMONG_THE_WORST = 0.75  # of those that were evaluated in full: the others may be of use in an average
_PLENTY = 30  # candidates: what costs so little that there is time for this many like it might as well cost nothing
_OUT_OF_REACH = 4.0  # standard errors behind the best on the folds done so far, where a candidate is dropped


class Clock:
    """Seconds of a budget.

    Parameters
    ----------
    seconds : float
        All that there is.
    started : float
        When it began, by ``time.monotonic()``.
    """

    def __init__(self, seconds: float, started: float):
        self.seconds, self.deadline = seconds, started + seconds

    def left(self) -> float:
        """Seconds until the end."""
        return self.deadline - time.monotonic()


@dataclass(frozen=True, eq=False)
class Fitted:
    """A member of an earlier search's model.

    Parameters
    ----------
    model : estimator
        What it was fitted to.
    seconds : float, default=nan
        What that took.
    n_rows : int, default=0
        On how many rows; 0 for what stood in for a fit.
    """

    model: Any
    seconds: float = math.nan
    n_rows: int = 0


@dataclass(frozen=True, eq=False)
class Past:
    """What an earlier search found out.

    Parameters
    ----------
    fingerprint : str, default=""
        Of the data and the settings that it was about.
    splits : sequence of (train, test), default=()
        Its folds.
    evaluated : sequence of (Candidate, estimator, list of FoldResult or None), default=()
        What was evaluated on all of them, or given up.
    given_up : mapping of int to str, default={}
        Why, by position in `evaluated`.
    seconds : float, default=inf
        Its time budget.
    fitted : mapping of (str, str) to Fitted, default={}
        What its model was made of, by the candidate's key.
    """

    fingerprint: str = ""
    splits: Sequence[tuple[np.ndarray, np.ndarray]] = ()
    evaluated: Sequence[tuple[Candidate, Any, Sequence[FoldResult | None]]] = ()
    given_up: Mapping[int, str] = field(default_factory=dict)
    seconds: float = np.inf
    fitted: Mapping[tuple[str, str], Fitted] = field(default_factory=dict)

    def for_a_budget(self, seconds: float) -> Past:
        """The same for a search of so many seconds: with more of them, what was stopped gets another chance."""
        stopped = {k for k, why in self.given_up.items() if why == STOPPED}
        if seconds <= self.seconds or not stopped:
            return self
        kept = [k for k in range(len(self.evaluated)) if k not in stopped]
        given_up = {i: self.given_up[k] for i, k in enumerate(kept) if k in self.given_up}
        return replace(self, evaluated=[self.evaluated[k] for k in kept], given_up=given_up)


@dataclass(frozen=True)
class Progress:
    """What a search has just found out.

    Parameters
    ----------
    n_evaluated : int
        Configurations that were evaluated on all folds.
    estimator : str
        Name of the member that was evaluated last.
    params : mapping of str to object
        Its parameters.
    score : float
        Its mean score, greater is better; NaN where it failed.
    best_score : float
        The best mean score so far; NaN while there is none.
    """

    n_evaluated: int
    estimator: str
    params: Mapping[str, Any]
    score: float
    best_score: float

    def __str__(self) -> str:
        return f"{self.n_evaluated}: {self.estimator} {dict(self.params)} {self.score:.5g}"


class Search:
    """Gives the units of a search one by one, and takes what comes of them.

    Under a count budget, the k-th candidate is chosen by what came of those up to the (k - 3)rd, in order: so the
    answer is the same for any number of workers, and none of them waits for the slowest. Under a time budget it is
    chosen when a worker falls free, by all that is known by then; what would not end in time is not begun, and what
    turns out hopeless on its first folds is dropped.

    Parameters
    ----------
    plan : Plan
        Names candidates.
    prepare : callable
        The estimator of a candidate, ready to be cloned; called once each, in order.
    train_rows : sequence of int
        Rows that each fold is trained on.
    n_rows : int
        All rows.
    deciding : str or None
        The metric that decides, where there are several.
    costs : CostModel
        What folds take.
    clock : Clock or None, default=None
        The time budget.
    n_workers : int, default=1
        Who share the work.
    past : Past, default=None
        What an earlier search has found out already.
    report : callable, default=None
        Told a `Progress` after each candidate; once it answers with something true, nothing more is begun.
    """

    def __init__(
        self,
        plan: Plan,
        prepare: Callable[[Candidate], Any],
        train_rows: Sequence[int],
        n_rows: int,
        deciding: str | None,
        costs: CostModel,
        *,
        clock: Clock | None = None,
        n_workers: int = 1,
        past: Past | None = None,
        report: Callable[[Progress], Any] | None = None,
    ):
        self.plan, self.prepare, self.deciding = plan, prepare, deciding
        self.train_rows, self.n_rows, self.n_workers = train_rows, n_rows, n_workers
        self.costs, self.clock, self.report = costs, clock, report
        past = Past() if past is None else past
        self.candidates: list[Candidate] = [candidate for candidate, _, _ in past.evaluated]
        self.estimators: list[Any] = [estimator for _, estimator, _ in past.evaluated]
        self.results: list[list[FoldResult | None]] = [list(folds) for _, _, folds in past.evaluated]
        self.fitted_before = {k: past.fitted[c.key] for k, c in enumerate(self.candidates) if c.key in past.fitted}
        self._queue: deque[tuple[int, int]] = deque()
        self._given_up: dict[int, str] = dict(past.given_up)
        self._tried_anyway: int | None = None  # though nothing was affordable
        # of what was evaluated in full: scores by fold, mean and standard error, and the order of those that count
        self._complete: dict[int, np.ndarray] = {}
        self._summaries: dict[int, tuple[float, float]] = {}
        self._ranked: list[tuple[float, int]] = []
        self._offered: list[Candidate] | None = None
        for k in range(len(self.candidates)):
            self._note(k)
        self._reserve = self._needed_at_the_end() if clock is not None and self.candidates else 0.0
        self._has_a_fold = self.has_a_score()
        self.has_begun = self._has_a_fold
        self.was_told_to_stop = False

    # -- what a runner calls ---------------------------------------------------------------------------------------

    def next_unit(self) -> Unit | None:
        """The next fold to evaluate; None while there is nothing to do, or nothing more at all."""
        while not self.was_told_to_stop and (self._queue or self._pick()):
            k, fold = self._queue.popleft()
            if k not in self._given_up and self._can_end(k, fold):
                arguments = fold, self.candidates[k].member.name, self.estimators[k]
                patience = self._patience(k, fold)
                return Unit((k, fold), evaluate_on, arguments, self._search_end(), patience, self._due())
        return None

    def take(self, unit: Unit, outcome: Any) -> None:
        """What came of a fold."""
        k, fold = unit.label
        self.has_begun = self.has_begun or not isinstance(outcome, NotStarted)
        self.results[k][fold] = result = _as_result(outcome)
        if result.status == "ok":
            self._has_a_fold = True
            seconds = result.fit_seconds + result.score_seconds - result.spared_seconds
            self.costs.observe(self.candidates[k].configuration, self.train_rows[fold], seconds)
        elif isinstance(outcome, TimeLimitExceeded):
            self.costs.observe_stopped(self.candidates[k].configuration, self.train_rows[fold], outcome.seconds)
        self._note(k)
        if self.clock is not None:
            self._reconsider(k, result)
            self._reserve = self._needed_at_the_end()
        if self.is_complete(k):
            self._forget_models()
            if self.report is not None and self.report(self._progress(k)):
                self.was_told_to_stop = True

    # -- what was found out ----------------------------------------------------------------------------------------

    def is_complete(self, k: int) -> bool:
        """Whether a candidate was evaluated on all folds."""
        return k in self._complete

    def _note(self, k: int) -> None:
        """Sum up a candidate once it was evaluated on all folds."""
        if all(self.results[k]):
            self._complete[k] = by_fold = self._by_fold(k)
            summary = scores_so_far([self.candidates[k]], [self._folds(k)], self.deciding)
            self._summaries[k] = summary[self.candidates[k].key]
            if all(f.status == "ok" for f in self._folds(k)) and np.isfinite(by_fold).any():
                insort(self._ranked, (-float(np.nanmean(by_fold)), k))

    def finished(self) -> list[list[FoldResult]]:
        """Results by candidate and fold; a fold that was not evaluated has a reason."""
        why = [self._given_up.get(k, "the search ended before") for k in range(len(self.results))]
        return [
            [fold or FoldResult(ended="incomplete", reason=reason) for fold in folds]
            for folds, reason in zip(self.results, why, strict=True)
        ]

    def scores(self) -> dict[tuple[str, str], tuple[float, float]]:
        """Mean and standard error of what was evaluated in full, by the candidate's key."""
        return self._scores(range(len(self.candidates)))

    def for_later(self, past: Past) -> Past:
        """What this search found out, without models: what was evaluated in full, or given up for good."""
        done = [k for k in range(len(self.candidates)) if k in self._complete or self._is_settled(k)]
        evaluated = [
            (self.candidates[k], self.estimators[k], [f and replace(f, model=None) for f in self.results[k]])
            for k in done
        ]
        given_up = {i: self._given_up[k] for i, k in enumerate(done) if k in self._given_up}
        return replace(past, evaluated=evaluated, given_up=given_up)

    def _is_settled(self, k: int) -> bool:
        return self._given_up.get(k, _NO_TIME) != _NO_TIME

    def is_hopeless(self) -> bool:
        """Whether all of many candidates failed, of more than one member where there are others."""
        failed = [self.name(k) for k, why in self._given_up.items() if why == _FAILED]
        if self._has_a_fold or len(failed) < _HOPELESS:
            return False
        return len(set(failed)) > 1 or not self.plan.has_others_than(failed[0])

    def has_a_score(self) -> bool:
        """Whether any candidate can be chosen."""
        return bool(self.best_first())

    def best_first(self) -> list[int]:
        """Candidates that were evaluated in full and have a score, the best first."""
        return [k for _, k in self._ranked]

    def score(self, k: int) -> float:
        """The mean score of a candidate over the folds where it is defined."""
        return float(np.nanmean(self._by_fold(k)))

    def has_outputs(self, k: int) -> bool:
        """Whether its fold models' answers are known."""
        return all(fold is not None and fold.outputs is not None for fold in self.results[k])

    def outputs(self, k: int) -> list[np.ndarray]:
        """What its fold models answered on their test rows."""
        return [fold.outputs for fold in self._folds(k) if fold.outputs is not None]

    def predict_seconds(self, k: int) -> float:
        """What its fold models took for 1,000 rows, in the mean; NaN where it was not measured."""
        return float(np.mean([fold.answer_seconds for fold in self._folds(k)]))

    def megabytes(self, k: int) -> float:
        """Mean size of its fold models, pickled; NaN where it was not measured."""
        return float(np.mean([fold.megabytes for fold in self._folds(k)]))

    def _folds(self, k: int) -> list[FoldResult]:
        """Those that are done."""
        return [fold for fold in self.results[k] if fold is not None]

    def name(self, k: int) -> str:
        """Its member."""
        return self.candidates[k].member.name

    def folds_done(self, k: int) -> int:
        """On how many folds it was evaluated."""
        return sum(fold is not None and fold.status == "ok" for fold in self.results[k])

    def most_rows(self, k: int, seconds: float) -> int:
        """Rows that it is expected to be fitted on in that time, halved from all until they are."""
        n_rows = self.n_rows
        while n_rows > 1 and self.costs.at_most(self.candidates[k].configuration, n_rows) > seconds:
            n_rows //= 2
        return n_rows

    def add_affordable(self, seconds: float) -> int:
        """What is recommended first of all that is expected to be fitted in that time, on some of the rows if need be.

        Without any, the quickest.
        """
        for part in _PARTS:
            candidate = self.plan.beyond(partial(self._ends_in, seconds, self.n_rows // part))
            if candidate is not None:
                self._append(candidate)
                return len(self.candidates) - 1
        return self.add_quickest()

    def _ends_in(self, seconds: float, n_rows: int, candidate: Candidate) -> bool:
        return self.costs.at_most(candidate.configuration, n_rows) <= seconds

    def add_quickest(self) -> int:
        """The candidate that is expected to be fitted soonest, as one that is not evaluated."""
        if self._offered is None:
            self._offered = self.plan.untried()
        every = [*self.candidates, *self._offered]
        seconds = [self._seconds(candidate) for candidate in every]
        k = min(range(len(every)), key=lambda k: (k in self._given_up, math.isnan(seconds[k]), seconds[k]))
        if k >= len(self.candidates):
            self._append(self._offered.pop(k - len(self.candidates)))
            return len(self.candidates) - 1
        return k

    def give_up(self, k: int, why: str) -> None:
        """Look at it no more, if there are others."""
        self._given_up[k] = why

    def knows_seconds(self, k: int) -> bool:
        """Whether anything tells how long it takes."""
        return not math.isnan(self._seconds(self.candidates[k]))

    def _seconds(self, candidate: Candidate) -> float:
        return self.costs.seconds(candidate.configuration, self.n_rows)

    # -- choosing --------------------------------------------------------------------------------------------------

    def _pick(self) -> bool:
        """Queue the folds of one more candidate, if there is one whose turn has come."""
        known = self._known_now()
        if known is None or (self.clock is not None and self.is_hopeless()):
            return False
        if self.clock is None:
            candidate = self.plan.next(self._scores(known))
        else:
            allowed = partial(self._is_affordable, _SHARE if self.candidates else _FIRST_SHARE)
            candidate = self.plan.next({**self._scores(known), **self._guesses()}, allowed, self._price)
            if candidate is None and not self.candidates:
                candidate = self.plan.next({}, partial(self._is_affordable, _SHARE), self._price) or self._something()
        if candidate is None:
            return False
        self._append(candidate)
        self._queue.extend((len(self.candidates) - 1, fold) for fold in range(len(self.train_rows)))
        return True

    def _something(self) -> Candidate | None:
        """Where nothing is affordable, what may well be less dear than it looks; after that, costs are known better."""
        assert self.clock is not None
        patience = _FIRST_PATIENCE * self.clock.left()
        quickest = min(map(self._seconds_of_a_fold, self.plan.untried()), default=np.inf)
        most = max(patience, min(_NEARLY * quickest, _DOUBT * patience))
        candidate = self.plan.next({}, lambda c: self._seconds_of_a_fold(c) <= most, self._price)
        self._tried_anyway = 0 if candidate else None
        return candidate

    def _seconds_of_a_fold(self, candidate: Candidate) -> float:
        return self.costs.seconds(candidate.configuration, self.train_rows[0])

    def _append(self, candidate: Candidate) -> None:
        self.candidates.append(candidate)
        self.estimators.append(self.prepare(candidate))
        self.results.append([None] * len(self.train_rows))

    def _known_now(self) -> list[int] | None:
        """The candidates whose results the next pick goes by; None where it must wait for more, or time is over."""
        n = len(self.candidates)
        if self.clock is None:
            known = list(range(max(0, n - _AHEAD + 1)))
            return known if all(k in self._complete or k in self._given_up for k in known) else None
        return [k for k in range(n) if self.is_complete(k)] if self._search_left() > 0 else None

    def _scores(self, known: Sequence[int]) -> dict[tuple[str, str], tuple[float, float]]:
        return {self.candidates[k].key: self._summaries[k] for k in known if k in self._summaries}

    def _guesses(self) -> dict[tuple[str, str], tuple[float, float]]:
        """Of what was given up: how far it was from the best on the folds that were done; NaN for what failed."""
        known = self.best_first()
        guesses = {}
        for k in self._given_up:
            if not self.is_complete(k):
                behind = self._by_fold(k) - self._by_fold(known[0]) if known else np.array([np.nan])
                done = behind[np.isfinite(behind)]
                guesses[self.candidates[k].key] = (self.score(known[0]) + done.mean() if len(done) else np.nan, np.nan)
        return guesses

    # -- time ------------------------------------------------------------------------------------------------------

    def _search_left(self) -> float:
        return np.inf if self.clock is None else self.clock.left() - self._reserve

    def _expected(self, candidate: Candidate, fold: int = 0) -> float:
        """Seconds of a fold that are rarely exceeded; 0 where nothing is known."""
        seconds = self.costs.at_most(candidate.configuration, self.train_rows[fold])
        return 0.0 if math.isnan(seconds) else seconds

    def _price(self, candidate: Candidate) -> float:
        """Seconds of a fold, as far as they are scarce; 0 where nothing is known."""
        expected = self._expected(candidate)
        free = self._search_left() * self.n_workers / (_PLENTY * len(self.train_rows))
        return max(expected, free) if expected else 0.0

    def _is_affordable(self, share: float, candidate: Candidate) -> bool:
        """Whether its folds are expected to take no more than this share of the time that is left for searching."""
        rounds = -(-len(self.train_rows) // self.n_workers)
        return rounds * self._expected(candidate) <= share * self._search_left()

    def _can_end(self, k: int, fold: int) -> bool:
        untold = k == self._tried_anyway and not any(self.results[k])
        if untold or self._expected(self.candidates[k], fold) <= self._search_left():
            return True
        self._given_up[k] = _NO_TIME
        return False

    def _search_end(self) -> float | None:
        return None if self.clock is None else time.monotonic() + max(0.0, self._search_left())

    def _due(self) -> float | None:
        """When another process must be started for what is fitted in the end, if no fold has ended by then."""
        return None if self.clock is None or self._has_a_fold else self.clock.deadline - _NEW_WORKER

    def _patience(self, k: int, fold: int) -> float | None:
        """Seconds after which a fold is stopped, where there is something to fall back on, or others to try."""
        if self.clock is None:
            return None
        if not self.has_a_score():
            return _FIRST_PATIENCE * self.clock.seconds if self.plan.has_others_than(self.name(k)) else None
        least = max(_LEAST_PATIENCE * self.clock.seconds, _NEW_WORKER)
        return max(_PATIENCE * self._expected(self.candidates[k], fold), least)

    def _needed_at_the_end(self) -> float:
        """Seconds to keep back for choosing the final model and fitting its members on all rows."""
        assert self.clock is not None
        most = _RESERVE_SHARE if len(self.train_rows) > 1 else _ONE_FOLD_SHARE
        return min(_OVERHEAD_SHARE * self.clock.seconds + self._needed_by_refits(), most * self.clock.seconds)

    def _needed_by_refits(self) -> float:
        likely = self.best_first()[: _LIKELY_MEMBERS if self.plan.for_average else 1]
        likely = [k for k in likely if not self.is_fitted(k)]
        fits = [self.refit_seconds(k) for k in likely]
        handovers = sum(self.handover_seconds(k) for k in likely)
        return _RESERVE_MARGIN * max([0.0, *fits, sum(fits) / self.n_workers]) + handovers

    def handover_seconds(self, k: int) -> float:
        """What it takes to write a candidate's model down where it was fitted on all rows, or to read it elsewhere."""
        folds = self._folds(k)
        if not folds:
            return 0.0
        return float(np.mean([fold.handover_seconds for fold in folds])) * self.n_rows / float(np.mean(self.train_rows))

    def reading_seconds(self, k: int) -> float:
        """What it takes to read those of its fold models that were kept."""
        return float(sum(fold.handover_seconds for fold in self._folds(k) if fold.model is not None))

    def refit_seconds(self, k: int) -> float:
        """What fitting a candidate on all rows will take, by what its folds took: at least in proportion to rows."""
        taken = [f.fit_seconds for f in self.results[k] if f is not None and np.isfinite(f.fit_seconds)]
        n_train = int(np.mean(self.train_rows))
        per_fold, whole = (self.costs.seconds(self.candidates[k].configuration, n) for n in (n_train, self.n_rows))
        growth = whole / per_fold if per_fold > 0 else 0.0  # NaN where nothing is known
        return float(np.mean(taken)) * max(self.n_rows / n_train, growth) if taken else np.inf

    def is_fitted(self, k: int) -> bool:
        """Whether an earlier search has fitted it on all rows."""
        return k in self.fitted_before and self.fitted_before[k].n_rows == self.n_rows

    def blend_end(self) -> float | None:
        """When choosing members must be done, by ``time.monotonic()``, to leave time for their fits; None: whenever."""
        if self.clock is None:
            return None
        least = time.monotonic() + _OVERHEAD_SHARE * self.clock.seconds
        return max(least, self.clock.deadline - self._needed_by_refits())

    # -- dropping --------------------------------------------------------------------------------------------------

    def _reconsider(self, k: int, result: FoldResult) -> None:
        """Give a candidate up that has failed, ran out of time, or is out of reach of the best."""
        if result.status == "timeout":
            self._given_up[k] = STOPPED if self._search_left() > 0 else _NO_TIME
        elif result.status != "ok":
            self._given_up[k] = _FAILED
        elif not self.is_complete(k) and self._is_out_of_reach(k):
            self._given_up[k] = "its first folds are out of reach of the best"

    def _is_out_of_reach(self, k: int) -> bool:
        complete = [j for j in self.best_first() if j != k]
        if len(complete) < 3 or (self.plan.for_average and not self._is_behind_its_kind(k)):
            return False
        best, *others = (self._by_fold(j) for j in complete)
        gap = out_of_reach(self._by_fold(k), best, np.array(others))
        return bool(gap > _OUT_OF_REACH)

    def _is_behind_its_kind(self, k: int) -> bool:
        """Whether another candidate of its member is better; even a weak kind's best adds to an average."""
        own = self._by_fold(k)
        behind = (self._by_fold(j) - own for j in self.best_first() if self.name(j) == self.name(k))
        return any(np.nansum(gap) > 0 for gap in behind)

    def _by_fold(self, k: int) -> np.ndarray:
        if k in self._complete:
            return self._complete[k]
        return np.array([np.nan if fold is None else fold.score(self.deciding) for fold in self.results[k]])

    # -- fold models -----------------------------------------------------------------------------------------------

    def _forget_models(self) -> None:
        """Keep the fold models of the best only; without a budget all members are fitted on all rows, so of one."""
        kept = self.best_first()[: 1 if self.clock is None else _KEPT]
        for k in set(range(len(self.results))) - set(kept):
            if self.is_complete(k) or k in self._given_up:
                for fold, result in enumerate(self.results[k]):
                    if result is not None and result.model is not None:
                        if isinstance(result.model, Path):
                            result.model.unlink(missing_ok=True)
                        self.results[k][fold] = replace(result, model=None)

    def _progress(self, k: int) -> Progress:
        (score, _), every = self._scores([k])[self.candidates[k].key], [mean for mean, _ in self.scores().values()]
        best = max((mean for mean in every if np.isfinite(mean)), default=np.nan)
        return Progress(len(every), self.name(k), dict(self.candidates[k].params), score, best)


def out_of_reach(candidate: np.ndarray, best: np.ndarray, others: np.ndarray) -> float:
    """How many standard errors a candidate is behind the best on its first folds; 0 where it is not among the worst.

    Racing, in the spirit of F-Race (Birattari, Stuetzle, Paquete & Varrentrapp 2002): differences are paired by fold,
    and their spread is that of the candidates which were evaluated in full.

    Parameters
    ----------
    candidate : ndarray of shape (n_folds,)
        Scores, NaN for folds that are not done.
    best : ndarray of shape (n_folds,)
        Those of the best.
    others : ndarray of shape (n_others, n_folds)
        Those of the other candidates that are complete.

    Returns
    -------
    float
        Zero or more.
    """
    behind = (best - candidate)[np.isfinite(candidate) & np.isfinite(best)]
    if not len(behind):
        return 0.0
    known = best - others
    typical = np.nanmean(known, axis=1)
    if behind.mean() <= np.quantile(typical, _AMONG_THE_WORST):
        return 0.0
    spread = float(np.median(np.nanstd(known, axis=1, ddof=1))) if known.shape[1] > 1 else np.inf
    return float(behind.mean() / max(spread / np.sqrt(len(behind)), 1e-12))


def _as_result(outcome: Any) -> FoldResult:
    if isinstance(outcome, FoldResult):
        return outcome
    return FoldResult(ended="timeout" * isinstance(outcome, TimeLimitExceeded), reason=describe_error(outcome))
