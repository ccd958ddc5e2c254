"""Where units of work run: in this process, through joblib, or in child processes that can be stopped.

A source gives units one by one, knowing what came of those before, and takes each outcome; a runner asks it
for the next unit as soon as there is someone to do it. So nobody waits for the slowest of a batch.
"""

from __future__ import annotations

import multiprocessing
import os
import shutil
import tempfile
import time
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from functools import partial
from importlib import import_module
from multiprocessing.connection import wait
from pathlib import Path
from typing import Any, Protocol

import joblib
import numpy as np
from joblib import effective_n_jobs
from joblib.parallel import get_active_backend
from sklearn import get_config, set_config
from sklearn.utils.parallel import Parallel, delayed  # joblib's, with scikit-learn's configuration in the workers
from threadpoolctl import threadpool_info, threadpool_limits

from sklmeta._joblib import LOCAL_BACKENDS, LokyBackend, cloudpickle
from sklmeta.evaluation import Trial
from sklmeta.exceptions import EvaluationWarning, NotStarted, TimeLimitExceeded, WorkerDied
from sklmeta.limits import Child, may_fork, when_orphaned
from sklmeta.warning_records import warnings_by_thread

# On tables smaller than this, threads cost more than they bring, and on a busy machine a hundred times as much, as they
# spin while they wait for one that has no core
_MANY_CELLS = 1_000_000
_A_CHANCE = 0.5  # seconds that a unit should have before it is due, or stopped


@dataclass(frozen=True, eq=False)
class Unit:
    """One call.

    Parameters
    ----------
    label : object
        What the source knows it by.
    function : callable
        Called with the trial, then `args`.
    args : tuple
        Its arguments.
    deadline : float or None, default=None
        By ``time.monotonic()``, when it is stopped for good.
    seconds : float or None, default=None
        How long it may take, from when somebody is ready to do it, before it is stopped.
    due : float or None, default=None
        By ``time.monotonic()``, when another process is started, to be there once this one is stopped.
    """

    label: Any
    function: Callable
    args: tuple
    deadline: float | None = None
    seconds: float | None = None
    due: float | None = None


class Source(Protocol):
    """What a runner works off."""

    def next_unit(self) -> Unit | None:
        """The next unit; None where there is none before another outcome is known, or none at all."""

    def take(self, unit: Unit, outcome: Any) -> None:
        """What came of a unit: its result, or the exception that it raised."""


@contextmanager
def open_workers(
    n_jobs: int | None, *, limited: bool, forked: bool = False, small: bool = True
) -> Iterator[InThisProcess | ThroughJoblib | InChildren]:
    """Somebody to do the work, for as long as the context lasts.

    Parameters
    ----------
    n_jobs : int or None
        Units at the same time; None obeys ``joblib.parallel_config``.
    limited : bool
        Whether units may have deadlines.
    forked : bool, default=False
        Whether children may be copies of this process. They are there at once, and new ones make their imports first;
        but only what survives being copied may be done in them. Where units work in several threads, they are new.
    small : bool, default=True
        Whether every unit works in one thread, however many cores there are; see `is_small`.

    Yields
    ------
    InThisProcess, ThroughJoblib or InChildren
        Children where units have deadlines, and where joblib would use its processes on this machine; another
        backend that is active is used as it is.

    Warns
    -----
    EvaluationWarning
        If units have deadlines and this process may not have children.
    """
    backend, n_workers = get_active_backend()[0], effective_n_jobs(n_jobs)
    if backend.nesting_level:  # a worker itself: it has its share of the cores
        n_workers = n_jobs = min(n_workers, threads_each(1))
    if limited and not isinstance(backend, LOCAL_BACKENDS):  # that many are elsewhere; what can be stopped is here
        n_workers = min(n_workers, joblib.cpu_count())
    if multiprocessing.current_process().daemon and limited:
        warnings.warn(
            "A daemonic process cannot start the child processes that a time limit needs; limits are checked between "
            "fits instead.",
            EvaluationWarning,
            stacklevel=5,
        )
        limited, n_workers = False, 1
    if not limited and (n_workers == 1 or not isinstance(backend, LokyBackend)):
        yield InThisProcess() if n_workers == 1 else ThroughJoblib(n_jobs)
        return
    children = InChildren(n_workers, forked=forked and (small or threads_each(n_workers) == 1))
    try:
        yield children
    finally:
        children.close()


class InThisProcess:
    """One unit after the other, here.

    A unit that runs too long is not stopped; the source finds out afterwards.
    """

    n_workers = 1

    def share(self, trial: Trial) -> None:
        """Give every unit its first argument."""
        self.trial = trial

    def run(self, source: Source) -> None:
        """Work off a source."""
        with threadpool_limits(1 if is_small(self.trial.rows[0]) else None):
            while (unit := source.next_unit()) is not None:
                source.take(unit, _outcome(unit.function, self.trial, unit.args))


class ThroughJoblib:
    """All units that a source has at a time, by joblib's active backend.

    Parameters
    ----------
    n_jobs : int or None
        Units at the same time.
    """

    def __init__(self, n_jobs: int | None):
        self.n_jobs, self.n_workers = n_jobs, effective_n_jobs(n_jobs)

    def share(self, trial: Trial) -> None:
        """Give every unit its first argument."""
        self.trial = trial

    def run(self, source: Source) -> None:
        """Work off a source."""
        one_by_one = get_active_backend()[0].supports_return_generator
        threads = 1 if is_small(self.trial.rows[0]) else threads_each(self.n_workers)
        while units := list(iter(source.next_unit, None)):
            calls = (delayed(_outcome)(unit.function, self.trial, unit.args) for unit in units)
            with warnings_by_thread(), threadpool_limits(threads):  # its workers may be threads of this process
                outcomes = Parallel(n_jobs=self.n_jobs, return_as="generator" if one_by_one else "list")(calls)
                for unit, outcome in zip(units, outcomes, strict=True):
                    source.take(unit, outcome)


class InChildren:
    """Child processes, each busy with one unit, which it can be stopped in.

    They share the data through one file, mapped into the memory of all.

    Parameters
    ----------
    n_workers : int
        How many. They start at once, so that their imports go on while the caller does other things.
    forked : bool, default=False
        Whether they are copies of this process, as long as it has no other threads, instead of new ones.
    """

    def __init__(self, n_workers: int, forked: bool = False):
        self.n_workers, self.forked = n_workers, forked
        self.folder = _new_folder()
        self._preparation: tuple = ()
        self._n_shared = 0
        self._seats: list[_Seat] = []
        self._spare: _Process | None = None  # takes over from the next one that is stopped
        try:
            for _ in range(n_workers):
                self._seats.append(_Seat(self._next_process))
        except BaseException:
            self.close()
            raise

    def share(self, trial: Trial) -> None:
        """Give every unit its first argument, whose rows all children map into their memory."""
        self._n_shared += 1  # in files of their own: a child that is still starting may not have read what was before
        rows, rest = (self.folder / f"{name}_{self._n_shared}" for name in ("rows", "trial"))
        joblib.dump(trial.rows, rows)
        rest.write_bytes(cloudpickle.dumps(replace(trial, rows=(None, None), folder=self.folder)))
        threads = 1 if is_small(trial.rows[0]) else threads_each(self.n_workers)
        self._preparation = (str(rows), str(rest), get_config(), threads)
        for process in self._processes():
            process.prepare(self._preparation)

    def run(self, source: Source) -> None:
        """Work off a source; what a source before it has left undone is stopped."""
        for seat in self._seats:
            if seat.unit is not None:
                seat.stop()
        while True:
            for seat in self._seats:
                if seat.unit is None and (unit := source.next_unit()) is not None:
                    seat.begin(unit)
            busy = [seat for seat in self._seats if seat.unit is not None]
            if not busy:
                return
            heard = wait([seat.process.child.connection for seat in busy], self._seconds_to_look(busy))
            if self._wants_a_spare() and any(seat.seconds_to_due() == 0.0 for seat in busy):
                self._spare = self._next_process()
            for seat in busy:
                unit, outcome = seat.unit, seat.outcome(seat.process.child.connection in heard)
                if unit is not None and outcome is not _STILL_BUSY:
                    if isinstance(outcome, WorkerDied):
                        seat.replace()
                    elif isinstance(outcome, TimeLimitExceeded):
                        seat.stop()
                    source.take(unit, outcome)

    def _seconds_to_look(self, busy: Sequence[_Seat]) -> float | None:
        """Until some unit has to be stopped, or is due."""
        left = [seat.seconds_left() for seat in busy]
        due = [seat.seconds_to_due() for seat in busy] if self._wants_a_spare() else []
        return min((seconds for seconds in left + due if seconds is not None), default=None)

    def _wants_a_spare(self) -> bool:
        return self._spare is None and not self.forked  # a copy is there at once

    def _next_process(self) -> _Process:
        process, self._spare = self._spare, None
        if process is None:
            process = _Process(self.forked and may_fork())
            if self._preparation:
                process.prepare(self._preparation)
        return process

    def _processes(self) -> list[_Process]:
        at_work = [seat.process for seat in self._seats]
        return at_work if self._spare is None else [*at_work, self._spare]

    def close(self) -> None:
        """End all children and delete what they shared."""
        for process in self._processes():
            process.child.kill()
        shutil.rmtree(self.folder, ignore_errors=True)


def _new_folder() -> Path:
    """Where joblib, too, would put what is mapped into the memory of all."""
    place = os.environ.get("JOBLIB_TEMP_FOLDER")
    if place:
        os.makedirs(place, exist_ok=True)
    return Path(tempfile.mkdtemp(prefix="sklmeta-", dir=place or None))


_STILL_BUSY = object()


class _Process:
    """A child, and how often it was told what to prepare without having answered yet."""

    def __init__(self, forked: bool) -> None:
        self.child, self.unanswered = Child(forked), 0

    def prepare(self, preparation: tuple) -> None:
        self.child.post(_prepare, preparation)
        self.unanswered += 1


class _Seat:
    """A process, a new one whenever it has to be stopped, and what it is doing."""

    def __init__(self, next_process: Callable[[], _Process]) -> None:
        self._next_process = next_process
        self._take_place()

    def _take_place(self) -> None:
        self.process = self._next_process()
        self.unit: Unit | None = None
        self.begun = np.inf  # when it could get to work
        self._unsent: Exception | None = None  # why it never will

    def begin(self, unit: Unit) -> None:
        """Take a unit on; it is handed over once the child is there, which need not be killed if time is over first."""
        self.unit, self.begun = unit, np.inf
        if self.process.unanswered:
            return
        try:
            self._hand_over()
        except WorkerDied:  # while it had nothing to do
            self.replace()
            self.unit = unit

    def _hand_over(self) -> None:
        assert self.unit is not None
        self.begun = time.monotonic()
        try:
            self.process.child.post(_on_trial, (self.unit.function, self.unit.args))
        except WorkerDied:
            raise
        except Exception as error:  # it cannot be pickled: then that is what comes of it
            self._unsent = error

    def _is_worth_beginning(self) -> bool:
        """Whether there is time for more than to be stopped at once, which costs another process."""
        assert self.unit is not None
        return self.unit.deadline is None or self.unit.deadline - time.monotonic() > _A_CHANCE

    def stop(self) -> None:
        """Leave the unit undone."""
        if self.begun < np.inf:
            self.replace()
        self.unit = None

    def outcome(self, heard: bool) -> Any:
        """What came of its unit, if anything has."""
        try:
            message = self.process.child.hear() if heard else None
            if message is not None and self.process.unanswered:
                self.process.unanswered -= 1
                if not message[0]:
                    raise message[1]  # the shared data did not arrive
                if not self.process.unanswered and self._is_worth_beginning():
                    self._hand_over()
                message = None
        except WorkerDied as error:
            return error
        if self._unsent is not None:
            reason, self._unsent, self.unit = self._unsent, None, None
            return reason
        if message is not None:
            self.unit = None
            return message[1]
        if self.seconds_left() == 0.0:
            if self.begun == np.inf:
                return NotStarted("no process had started for it by then")
            return TimeLimitExceeded("stopped, for its time was over", time.monotonic() - self.begun)
        return _STILL_BUSY

    def seconds_left(self) -> float | None:
        if self.unit is None:
            return None
        if self._unsent is not None:
            return 0.0
        ends = [self.unit.deadline, None if self.unit.seconds is None else self.begun + self.unit.seconds]
        return _seconds_until(min((end for end in ends if end is not None), default=np.inf))

    def seconds_to_due(self) -> float | None:
        """Until its unit has had time enough; None where it has no such time, or has not begun."""
        if self.unit is None or self.unit.due is None:
            return None
        return _seconds_until(max(self.unit.due, self.begun + _A_CHANCE))

    def replace(self) -> None:
        self.process.child.kill()
        self._take_place()


def _seconds_until(then: float) -> float | None:
    return None if then == np.inf else max(0.0, then - time.monotonic())


_trial: Trial | None = None


def _prepare(rows: str, trial: str, configuration: Mapping[str, Any], threads: int) -> None:
    """In a child, before its first unit. All that is large is in files: who starts a child must not wait for it."""
    global _trial
    when_orphaned(partial(shutil.rmtree, Path(rows).parent, ignore_errors=True))
    os.environ["OMP_NUM_THREADS"] = str(threads)  # for libraries that are not loaded yet
    threadpool_limits(threads)
    set_config(**configuration)
    joblib.parallel_config(n_jobs=1)  # for good; a copy has the caller's, which is about the search
    _trial = replace(cloudpickle.loads(Path(trial).read_bytes()), rows=joblib.load(rows, mmap_mode="r"))
    for module in _trial.modules:
        with suppress(Exception):  # a unit that needs it will say what is wrong with it
            import_module(module)


def _on_trial(function: Callable, args: tuple) -> Any:
    return function(_trial, *args)


def _outcome(function: Callable, trial: Trial, args: tuple) -> Any:
    try:
        return function(trial, *args)
    except Exception as error:
        return error


def is_small(X: Any) -> bool:
    """Whether work on these rows is done by one thread."""
    cells = int(np.prod(X.shape)) if hasattr(X, "shape") else len(X)
    return cells < _MANY_CELLS


def threads_each(n_workers: int) -> int:
    """Threads that each of some processes may use, so that together they are no more than the cores.

    What this process was itself limited to, as a worker of an outer search, counts as its cores.
    """
    limits = [pool["num_threads"] for pool in threadpool_info()]
    return max(1, min([joblib.cpu_count(), *limits]) // n_workers)
