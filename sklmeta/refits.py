"""Fits of the final model's members on all rows, as many as there is time for."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from heapq import heapify, heappop, heappush
from typing import Any

import numpy as np

from sklmeta.evaluation import refit_on
from sklmeta.exceptions import ResultNotSent
from sklmeta.search import Clock, Search
from sklmeta.workers import Unit

_CAREFUL = 0.8  # of the rows that there seems to be time for
_WORTH_MORE = 1.3  # times the rows of a fold, from where a fit on part of the rows beats the folds' models


class Refits:
    """Fits on all rows, the most important first; on as many as there is time for where that is worth more than a fold.

    Under a time budget, each member in turn is taken on if it and those before it can all end in time, whoever begins
    when; then the most important of them begins, unless a longer one would be late by it. For a member that is not
    taken on, its fold models stand in, and time to read them is kept back. What an earlier search has fitted is there.

    Parameters
    ----------
    search : Search
        Whose candidates they are.
    wanted : sequence of int
        Which, the most important first; without a budget, in the order to fit them in.
    some_rows : callable
        Positions of so many rows.
    """

    def __init__(self, search: Search, wanted: Sequence[int], some_rows: Callable[[int], np.ndarray]):
        self.fitted: dict[int, Any] = dict.fromkeys(wanted)
        self.seconds: dict[int, float] = dict.fromkeys(wanted, np.nan)
        self.rows: dict[int, int] = dict.fromkeys(wanted, search.n_rows)
        self.errors: list[Exception] = []
        self._search, self._some_rows = search, some_rows
        for k in filter(search.is_fitted, wanted):
            self.fitted[k], self.seconds[k] = search.fitted_before[k].model, search.fitted_before[k].seconds
        self._todo, self._unsent = [k for k in wanted if not search.is_fitted(k)], list[int]()
        # asked for at every look at the agenda, and settled once the search is over
        self._fit_seconds = {k: search.refit_seconds(k) for k in wanted}
        self._handover = {k: search.handover_seconds(k) for k in wanted}
        self._reading = {k: search.reading_seconds(k) for k in wanted}
        self._running: dict[int, float] = {}  # what should be left of the budget when they are done

    def next_unit(self) -> Unit | None:
        """The next fit; None where there is none that would end in time."""
        clock = self._search.clock
        if clock is None:
            return self._begin(self._todo[0]) if self._todo else None
        agenda = self._agenda(clock)
        for k in agenda:
            if self._end_in_time(clock, {k: agenda[k], **_longest_first(agenda)}):
                done = clock.left() - agenda[k]
                later = [j for j, then in self._running.items() if then < done]
                read = sum(self._handover[j] for j in [k, *later]) + self._reading_beside(agenda)
                self._running[k] = done
                return self._begin(k, self._part(self.rows[k]), clock.deadline - read)
        return None

    def take_up_unsent(self) -> bool:
        """Put models that could not be sent back on the list again; whether there are any, to be fitted here."""
        self._todo, self._unsent = self._unsent, []
        return bool(self._todo)

    def take(self, unit: Unit, outcome: Any) -> None:
        """A fitted model, or why there is none."""
        self._running.pop(unit.label, None)
        if isinstance(outcome, ResultNotSent):
            self._unsent.append(unit.label)
        elif isinstance(outcome, Exception):
            self.errors.append(outcome)
        else:
            self.fitted[unit.label], self.seconds[unit.label] = outcome

    def _begin(self, k: int, part: np.ndarray | None = None, deadline: float | None = None) -> Unit:
        self._todo.remove(k)
        return Unit(k, refit_on, (self._search.name(k), self._search.estimators[k], part), deadline)

    def _part(self, n_rows: int) -> np.ndarray | None:
        return None if n_rows == self._search.n_rows else self._some_rows(n_rows)

    # -- time ------------------------------------------------------------------------------------------------------

    def _agenda(self, clock: Clock) -> dict[int, float]:
        """Members that can all be fitted in time, the most important first, and how long each keeps a worker."""
        agenda: dict[int, float] = {}
        for k in self._todo:
            for n_rows, seconds in self._sizes(clock, k, agenda):
                if self._end_in_time(clock, _longest_first({**agenda, k: seconds})):
                    agenda[k], self.rows[k] = seconds, n_rows
                    break
        return agenda

    def _sizes(self, clock: Clock, k: int, agenda: Mapping[int, float]) -> Iterator[tuple[int, float]]:
        """All rows, or what there is time for beside the others if clearly more than a fold trains on; with seconds."""
        n_rows, fit, handover = self._search.n_rows, self._fit_seconds[k], self._handover[k]
        yield n_rows, fit + handover
        free, _ = self._timetable(clock, _longest_first(agenda))
        left = clock.left() - free - self._reading_beside([*agenda, k]) - 2 * handover
        fewer = int(n_rows * _CAREFUL * left / max(fit, 1e-9))
        if fewer > _WORTH_MORE * max(self._search.train_rows):
            yield fewer, fit * fewer / n_rows + handover

    def _end_in_time(self, clock: Clock, order: Mapping[int, float]) -> bool:
        """Whether fits that are begun in this order end in time, and so that every model can be read."""
        _, end = self._timetable(clock, order)
        return end + self._reading_beside(order) <= clock.left()

    def _timetable(self, clock: Clock, order: Mapping[int, float]) -> tuple[float, float]:
        running = [(max(0.0, clock.left() - then), self._handover[k]) for k, then in self._running.items()]
        jobs = [(seconds, self._handover[k]) for k, seconds in order.items()]
        return timetable(running, jobs, self._search.n_workers)

    def _reading_beside(self, agenda: Collection[int]) -> float:
        """What it takes to read the fold models that stand in for members without a fit."""
        out = [k for k, model in self.fitted.items() if model is None and k not in agenda and k not in self._running]
        return sum(self._reading[k] for k in out)


def _longest_first(agenda: Mapping[int, float]) -> dict[int, float]:
    return dict(sorted(agenda.items(), key=lambda item: -item[1]))


def timetable(
    running: Sequence[tuple[float, float]], jobs: Sequence[tuple[float, float]], n_workers: int
) -> tuple[float, float]:
    """When jobs that are begun in order, each by whoever falls free first (Graham 1966), are done and handed over.

    Parameters
    ----------
    running : sequence of (float, float)
        How long each busy worker will still be so, and what it takes to read its outcome; in seconds.
    jobs : sequence of (float, float)
        Seconds of each job, and of reading its outcome. Only one is read at a time, and who did it waits for that.
    n_workers : int
        All of them, busy ones included.

    Returns
    -------
    float
        When a worker is free, after the last job has begun.
    float
        When the last outcome was read.
    """
    ends, now = list(running), 0.0
    heapify(ends)

    def next_read() -> float:
        end, reading = heappop(ends)
        return max(now, end) + reading

    for seconds, reading in jobs:
        if len(ends) == n_workers:
            now = next_read()
        heappush(ends, (now + seconds, reading))
    free = now if len(ends) < n_workers else max(now, ends[0][0]) + ends[0][1]
    while ends:
        now = next_read()
    return free, now
