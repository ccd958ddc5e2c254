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
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
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
from sklmeta.exceptions import EvaluationWarning, TimeLimitExceeded, WorkerDied
from sklmeta.limits import Child, may_fork
from sklmeta.warning_records import warnings_by_thread

# On tables smaller than this, threads cost more than they bring, and on a busy machine a hundred times as much, as they
# spin while they wait for one that has no core
_MANY_CELLS = 1_000_000


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
    """

    label: Any
    function: Callable
    args: tuple
    deadline: float | None = None
    seconds: float | None = None


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
        self.n_workers = n_workers
        self.folder = Path(tempfile.mkdtemp(prefix="sklmeta-", dir=os.environ.get("JOBLIB_TEMP_FOLDER")))
        self._preparation: tuple = ()
        self._n_shared = 0
        self._seats: list[_Seat] = []
        try:
            for _ in range(n_workers):
                self._seats.append(_Seat(forked))
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
        for seat in self._seats:
            seat.prepare(self._preparation)

    def run(self, source: Source) -> None:
        """Work off a source; what a source before it has left undone is stopped."""
        for seat in self._seats:
            if seat.unit is not None:
                seat.stop(self._preparation)
        while True:
            for seat in self._seats:
                if seat.unit is None and (unit := source.next_unit()) is not None:
                    seat.begin(unit, self._preparation)
            busy = [seat for seat in self._seats if seat.unit is not None]
            if not busy:
                return
            heard = wait([seat.child.connection for seat in busy], _shortest([seat.seconds_left() for seat in busy]))
            for seat in busy:
                unit, outcome = seat.unit, seat.outcome(seat.child.connection in heard)
                if unit is not None and outcome is not _STILL_BUSY:
                    if isinstance(outcome, WorkerDied):
                        seat.replace(self._preparation)
                    elif isinstance(outcome, TimeLimitExceeded):
                        seat.stop(self._preparation)
                    source.take(unit, outcome)

    def close(self) -> None:
        """End all children and delete what they shared."""
        for seat in self._seats:
            seat.child.kill()
        shutil.rmtree(self.folder, ignore_errors=True)


_STILL_BUSY = object()


class _Seat:
    """A child process and what it is doing."""

    def __init__(self, forked: bool = False) -> None:
        self.forked = forked
        self.take_place()

    def take_place(self) -> None:
        """With a new child, that knows nothing yet."""
        self.child, self.unanswered = Child(self.forked and may_fork()), 0
        self.unit: Unit | None = None
        self.begun = np.inf  # when it could get to work

    def prepare(self, preparation: tuple) -> None:
        self.child.post(_prepare, preparation)
        self.unanswered += 1

    def begin(self, unit: Unit, preparation: tuple) -> None:
        """Take a unit on; it is handed over once the child is there, which need not be killed if time is over first."""
        self.unit, self.begun = unit, np.inf
        if self.unanswered:
            return
        try:
            self._hand_over()
        except WorkerDied:  # while it had nothing to do
            self.replace(preparation)
            self.unit = unit

    def _hand_over(self) -> None:
        assert self.unit is not None
        self.child.post(_on_trial, (self.unit.function, self.unit.args))
        self.begun = time.monotonic()

    def stop(self, preparation: tuple) -> None:
        """Leave the unit undone."""
        if self.begun < np.inf:
            self.replace(preparation)
        self.unit = None

    def outcome(self, heard: bool) -> Any:
        """What came of its unit, if anything has."""
        try:
            message = self.child.hear() if heard else None
            if message is not None and self.unanswered:
                self.unanswered -= 1
                if not message[0]:
                    raise message[1]  # the shared data did not arrive
                if not self.unanswered:
                    self._hand_over()
                message = None
        except WorkerDied as error:
            return error
        if message is not None:
            self.unit = None
            return message[1]
        if self.seconds_left() == 0.0:
            return TimeLimitExceeded("stopped, for its time was over")
        return _STILL_BUSY

    def seconds_left(self) -> float | None:
        if self.unit is None:
            return None
        ends = [self.unit.deadline, None if self.unit.seconds is None else self.begun + self.unit.seconds]
        first = min((end for end in ends if end is not None), default=np.inf)
        return None if first == np.inf else max(0.0, first - time.monotonic())

    def replace(self, preparation: tuple) -> None:
        self.child.kill()
        self.take_place()
        self.prepare(preparation)


def _shortest(seconds: list[float | None]) -> float | None:
    return min((s for s in seconds if s is not None), default=None)


_trial: Trial | None = None


def _prepare(rows: str, trial: str, configuration: Mapping[str, Any], threads: int) -> None:
    """In a child, before its first unit. All that is large is in files: who starts a child must not wait for it."""
    global _trial
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
