"""A model where the time was too short for even one evaluation."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np

from sklmeta.evaluation import Trial, describe_error, refit_on
from sklmeta.exceptions import EvaluationWarning, ResultNotSent, TimeLimitExceeded
from sklmeta.fold_models import means_of_folds
from sklmeta.search import Search
from sklmeta.workers import InThisProcess, Unit

_FEW_ROWS = 200  # on which everything can be fitted at once
GRACE = 1.0  # seconds beyond the budget, where there is no model yet
_TO_START = 8.0  # seconds in which a process starts on a loaded machine; it is waited for where none has started yet,
_SHORT = 4.0  # where the budget is too short for another one, and for what is known to be quick then
_SAFE_SHARE = 0.25  # of it: no fit has told yet how fast this machine is


@dataclass(frozen=True, eq=False)
class Rescued:
    """The model.

    Parameters
    ----------
    index : int
        Its candidate.
    model : estimator
        Fitted on some rows.
    seconds : float, default=nan
        What that took; NaN for a mean of fold models.
    """

    index: int
    model: Any
    seconds: float = np.nan


def rescue(search: Search, trial: Trial, workers: Any) -> Rescued:
    """A model without a score.

    It is the mean of the fold models of the candidate that came farthest; without any, the most promising candidate
    that fits quickly, or else the quickest, on as many rows as there is time for. Where nothing tells how long that
    is, it is fitted on a few rows first, which tell.

    Parameters
    ----------
    search : Search
        At the end of its time budget, without a score.
    trial : Trial
        What its folds were evaluated on.
    workers : InThisProcess, ThroughJoblib or InChildren
        Who fits.

    Returns
    -------
    Rescued
        The model.

    Raises
    ------
    TimeoutError
        If not even a few rows could be fitted in time.
    Exception
        What fitting them raised.

    Warns
    -----
    EvaluationWarning
        That nothing was evaluated, and what the model is instead.
    """
    begun = [k for k in range(len(search.candidates)) if search.folds_done(k)]
    for k in sorted(begun, key=lambda k: -search.folds_done(k)):
        model = means_of_folds(search, trial, [k])[k]
        if model is not None:
            _warn_of_no_score(f"the model is the mean of {search.folds_done(k)} fold models of {search.name(k)}")
            return Rescued(k, model)
    last = _LastFits(search, trial, workers)
    k = search.add_affordable(last.safe_seconds())
    n_rows, outcome = last.fit(k)
    if isinstance(outcome, Exception):
        search.give_up(k, describe_error(outcome))
        quickest = search.add_quickest()
        if quickest != k or n_rows > _FEW_ROWS:
            k, (n_rows, outcome) = quickest, last.fit(quickest, _FEW_ROWS)
    if isinstance(outcome, TimeLimitExceeded):
        raise TimeoutError(
            f"Nothing could be fitted within the time budget, not even {search.name(k)} on {n_rows} rows ({outcome}). "
            "Give it more time, or members that fit faster."
        ) from outcome
    if isinstance(outcome, Exception):
        raise outcome
    if n_rows < search.n_rows:
        n_rows, outcome = last.fit_on_more(k, n_rows, outcome)
    _warn_of_no_score(f"the model is {search.name(k)}, which fits quickly, on {n_rows} of {search.n_rows} rows")
    return Rescued(k, *outcome)


class _LastFits:
    """Fits of one candidate each, in what is left of the budget and a little longer."""

    def __init__(self, search: Search, trial: Trial, workers: Any):
        assert search.clock is not None
        self._search, self._trial, self._workers, self._clock = search, trial, workers, search.clock

    def safe_seconds(self) -> float:
        """That a fit may be expected to take."""
        return max(0.5 * self._left(), _SAFE_SHARE * GRACE)

    def fit(self, k: int, n_rows: int | None = None) -> tuple[int, Any]:
        """Rows that a candidate was fitted on, as many as there seems to be time for; the model and its seconds."""
        search = self._search
        if n_rows is None:
            n_rows = search.most_rows(k, self.safe_seconds()) if search.knows_seconds(k) else _FEW_ROWS
        n_rows = min(max(n_rows, _FEW_ROWS), search.n_rows)
        return n_rows, self._outcome(k, n_rows)

    def seconds_for_more(self, k: int) -> float:
        """That a second fit may be expected to take."""
        return self.safe_seconds() if self._search.knows_seconds(k) else 0.5 * self._patience()

    def fit_on_more(self, k: int, n_rows: int, outcome: Any) -> tuple[int, Any]:
        """The same on as many rows as there is time for by now, if that is many more and works."""
        seconds, search = self.seconds_for_more(k), self._search
        end = self._clock.deadline + GRACE if search.knows_seconds(k) else None  # a first fit has had its own grace
        search.costs.observe(search.candidates[k].configuration, n_rows, outcome[1])
        more = search.most_rows(k, seconds)
        larger = self._outcome(k, more, end) if more >= 2 * n_rows else outcome
        return (n_rows, outcome) if larger is outcome or isinstance(larger, Exception) else (more, larger)

    def _outcome(self, k: int, n_rows: int, end: float | None = None) -> Any:
        end = self._end(k) if end is None else end
        return fit_alone(self._search, self._trial, self._workers, k, n_rows, self._patience(), end)

    def _end(self, k: int) -> float:
        """When it is stopped even if no process was there for it by then."""
        untried = not self._search.has_begun
        waited_for = untried or self._clock.seconds < _SHORT or self._search.knows_seconds(k)
        return self._clock.deadline + GRACE + _TO_START * waited_for

    def _patience(self) -> float:
        """Seconds of a fit, once it has begun."""
        return max(GRACE, self._left())

    def _left(self) -> float:
        return max(0.0, self._clock.left())


def fit_alone(
    search: Search, trial: Trial, workers: Any, k: int, n_rows: int, seconds: float, deadline: float | None = None
) -> Any:
    """A candidate's fit on some rows, and its seconds; or what it raised, a stop included."""
    rows = trial.some_rows(max(n_rows, _FEW_ROWS))
    arguments = search.name(k), search.estimators[k], None if len(rows) == len(trial.rows[1]) else rows
    unit = Unit(k, refit_on, arguments, deadline, seconds if np.isfinite(seconds) else None)
    outcome = _OneFit(unit).by(workers)
    return _OneFit(unit).by(this_process(trial)) if isinstance(outcome, ResultNotSent) else outcome


def this_process(trial: Trial) -> InThisProcess:
    """Who fits models that cannot be pickled."""
    workers = InThisProcess()
    workers.share(trial)
    return workers


class _OneFit:
    """A single fit."""

    def __init__(self, unit: Unit):
        self._units = [unit]
        self.outcome: Any = None

    def by(self, workers: Any) -> Any:
        """What comes of it, if these do it."""
        workers.run(self)
        return self.outcome

    def next_unit(self) -> Unit | None:
        return self._units.pop() if self._units else None

    def take(self, unit: Unit, outcome: Any) -> None:
        self.outcome = outcome


def _warn_of_no_score(instead: str) -> None:
    warnings.warn(
        f"The time budget was too short to evaluate even one configuration; {instead}. Give it more time.",
        EvaluationWarning,
        stacklevel=4,
    )
