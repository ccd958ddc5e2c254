"""Work that can be stopped: a function call in a child process with a time limit.

joblib cannot stop one running task, and a signal does not interrupt compiled code such as libsvm's. A process
can be killed. The child is started by joblib's own loky, so it needs no importable ``__main__`` and works the
same on Linux, macOS and Windows; it is kept for the next call, because starting it costs a second.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import signal
import sys
import threading
import time
import traceback
import warnings
from collections.abc import Callable
from queue import SimpleQueue
from typing import Any

import numpy as np

from sklmeta._joblib import cloudpickle, get_context
from sklmeta.exceptions import EvaluationWarning, ResultNotSent, TimeLimitExceeded, WorkerDied

_STARTUP_SECONDS = 120.0
_TO_DIE = 2.0  # seconds after its pipes were closed
_last_acts: list[Callable[[], Any]] = []
_local = threading.local()


def call_with_limit(function: Callable, *args: Any, seconds: float | None) -> Any:
    """What `function` returns, from a process that is killed when it takes longer than `seconds`.

    Parameters
    ----------
    function : callable
        Called in the child; it and its arguments are pickled with cloudpickle.
    *args : object
        Its arguments.
    seconds : float or None
        Wall-clock limit, in seconds, without the child's start. None: no limit, but still a process of its
        own, so that a crash costs this call alone.

    Returns
    -------
    object
        The function's result.

    Raises
    ------
    TimeLimitExceeded
        If it took longer. The process is gone.
    WorkerDied
        If the process ended without an answer.
    Exception
        Whatever the function raised.

    Notes
    -----
    Where no child process can be had (inside a daemonic process), the function runs in this process, its time
    is compared with the limit afterwards, and a warning says so.

    Examples
    --------
    >>> call_with_limit(max, 1, 2, seconds=60)
    2
    """
    if multiprocessing.current_process().daemon:
        return _call_here(function, args, seconds)
    return _child().call(function, args, seconds)


class Child:
    """A process that answers one call after the other, and can be killed.

    It starts at once and is waited for only when it is called: its imports take seconds, in which others can work.

    Parameters
    ----------
    forked : bool, default=False
        Whether it is a copy of this process, which has made all imports, instead of a new one. See `may_fork`.
    """

    def __init__(self, forked: bool = False) -> None:
        self.owner = os.getpid()
        self.connection, theirs = multiprocessing.Pipe()
        self.process: Any = None
        if forked:
            with contextlib.suppress(OSError):  # there may be no room for two of this size
                self.process = _copied(theirs, self.owner)
        if self.process is None:
            self.process = _new(theirs, self.owner)
        theirs.close()
        self.up = False

    def answers(self) -> bool:
        """Whether it may be called: a fork has inherited the process of another one."""
        return self.owner == os.getpid() and self.process.is_alive()

    def call(self, function: Callable, args: tuple, seconds: float | None) -> Any:
        """What the function returns, or raises; the process is killed when it takes longer."""
        payload = cloudpickle.dumps((function, args))
        try:
            if not self.up:
                self._hear(_STARTUP_SECONDS)
            self._send(payload)
            # imports and the data's way are no part of the limit: the clock starts when the child has both
            answer = self._hear(_STARTUP_SECONDS)
            returned, value = self._hear(seconds) if answer == "started" else answer
        except BaseException:
            self.kill()
            raise
        if returned:
            return value
        raise value

    def post(self, function: Callable, args: tuple) -> None:
        """Hand over a call, without waiting for its answer.

        Raises
        ------
        WorkerDied
            If the process is gone.
        """
        self._send(cloudpickle.dumps((function, args)))

    def hear(self) -> tuple[bool, Any] | None:
        """The next message: whether a call returned and what it did; None for one that only says how far it is.

        Raises
        ------
        WorkerDied
            If the process is gone.
        """
        try:
            received = self.connection.recv_bytes()
        except (EOFError, OSError) as error:
            raise self._died() from error
        try:
            message = cloudpickle.loads(received)
        except Exception as error:  # a result's own business, as where it cannot be pickled
            return False, ResultNotSent(f"The result could not be read: {_one_line(error)}")
        if message == "ready":
            self.up = True
        return None if isinstance(message, str) else message

    def _send(self, payload: bytes) -> None:
        try:
            self.connection.send_bytes(payload)
        except OSError as error:
            raise self._died() from error

    def _hear(self, seconds: float | None) -> Any:
        try:
            if not self.connection.poll(seconds):
                raise TimeLimitExceeded(f"stopped after {seconds:g} seconds", seconds or np.nan)
        except (EOFError, OSError) as error:
            raise self._died() from error
        return self.hear() or "started"

    def _died(self) -> WorkerDied:
        self.process.join(1.0)
        return WorkerDied(f"the worker process ended with exit code {self.process.exitcode}")

    def kill(self) -> None:
        """End it, and what it has started."""
        for kill in (getattr(os, "killpg", os.kill), os.kill):  # what it has started, too; loky's have no kill()
            with contextlib.suppress(ProcessLookupError):
                kill(self.process.pid, getattr(signal, "SIGKILL", signal.SIGTERM))
        self.process.join(5.0)
        self.connection.close()
        if getattr(_local, "child", None) is self:
            del _local.child

    def __del__(self) -> None:
        with contextlib.suppress(Exception):
            self.connection.close()  # the child reads the end of the pipe and leaves


def _child() -> Child:
    child = getattr(_local, "child", None)
    if child is None or not child.answers():
        child = _local.child = Child()
    return child


def _new(connection: Any, owner: int) -> Any:
    # on shared cores, threads that spin while they wait make a fit take a hundred times longer
    quietly = {"OMP_WAIT_POLICY": os.environ.get("OMP_WAIT_POLICY", "PASSIVE")}
    process = get_context("loky").Process(target=_serve, args=(connection, owner), daemon=True, env=quietly)
    process.start()
    return process


def _copied(connection: Any, owner: int) -> Any:
    process = multiprocessing.get_context("fork").Process(target=_serve_copy, args=(connection, owner), daemon=True)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # of threads that do not matter here, see `may_fork`
        process.start()
    return process


def may_fork() -> bool:
    """Whether this process may be copied, with nothing but single-threaded code to run in the copy.

    A copy has only the thread that made it. Locks that others hold stay locked for ever, so there must be no others
    of Python's. Those of OpenMP and BLAS do not count: OpenBLAS starts its own anew, and OpenMP needs none where it is
    limited to one thread, as it must be in the copy (with more, GNU's waits for ever). On macOS, system libraries do
    not survive it.

    Returns
    -------
    bool
        On Linux, from the only thread.
    """
    return sys.platform == "linux" and threading.active_count() == 1


def _serve_copy(connection: Any, parent: int) -> None:
    """The same in a copy, which must not draw what its brothers draw."""
    np.random.seed()
    _serve(connection, parent)


def _serve(connection: Any, parent: int) -> None:
    """Answer calls until the pipe is closed or the parent is gone."""
    if hasattr(os, "setpgid"):
        os.setpgid(0, 0)  # a group of its own: it ends with all that it started, and Ctrl-C is the parent's matter
    calls: SimpleQueue[bytes] = SimpleQueue()
    threading.Thread(target=_watch, args=(connection, parent, calls), daemon=True).start()
    connection.send_bytes(cloudpickle.dumps("ready"))
    while True:
        payload = calls.get()
        try:
            function, args = cloudpickle.loads(payload)
            connection.send_bytes(cloudpickle.dumps("started"))
            answer = True, function(*args)
        except Exception as error:
            error.add_note("Raised in a worker process:\n" + traceback.format_exc())
            answer = False, error
        connection.send_bytes(_dumps(*answer))


def _dumps(returned: bool, value: Any) -> bytes:
    try:
        answer = cloudpickle.dumps((returned, value))
        if not returned:
            cloudpickle.loads(answer)  # some exceptions can be pickled and not unpickled
        return answer
    except Exception as error:
        if returned:
            return cloudpickle.dumps((False, ResultNotSent(f"The result could not be sent back: {_one_line(error)}")))
        return cloudpickle.dumps((False, RuntimeError(_one_line(value))))


def _one_line(error: Exception) -> str:
    return "".join(traceback.format_exception_only(type(error), error)).split("\n")[0]


def when_orphaned(last_act: Callable[[], Any]) -> None:
    """In a child: what it does before it ends because its parent died, and could not do itself."""
    _last_acts.append(last_act)


def _watch(connection: Any, parent: int, calls: SimpleQueue[bytes]) -> None:
    """Pass calls on; end this process soon after its parent died or closed the pipe, whatever it is doing."""
    with contextlib.suppress(EOFError, OSError):
        while os.getppid() == parent:
            if connection.poll(0.5):
                calls.put(connection.recv_bytes())
    until = time.monotonic() + (_TO_DIE if _last_acts else 0.0)
    while os.getppid() == parent and time.monotonic() < until:  # pipes are closed first
        time.sleep(0.05)
    if os.getppid() != parent:
        for act in _last_acts:
            with contextlib.suppress(Exception):
                act()
    if hasattr(os, "killpg"):
        os.killpg(0, signal.SIGKILL)
    os._exit(1)


def _call_here(function: Callable, args: tuple, seconds: float | None) -> Any:
    if seconds is not None:
        warnings.warn(
            "A daemonic process cannot start the child process that a time limit needs; limits are checked "
            "after each evaluation instead.",
            EvaluationWarning,
            stacklevel=3,
        )
    started = time.perf_counter()
    result = function(*args)
    if seconds is not None and time.perf_counter() - started > seconds:
        raise TimeLimitExceeded(f"took longer than {seconds:g} seconds", seconds)
    return result
