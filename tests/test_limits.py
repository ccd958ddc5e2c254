import contextlib
import multiprocessing
import os
import signal
import subprocess
import sys
import textwrap
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from joblib import Parallel, delayed
from sklearn.svm import SVC

from sklmeta.exceptions import EvaluationWarning, ResultNotSent, TimeLimitExceeded, WorkerDied
from sklmeta.limits import Child, call_with_limit

LONG = 600.0
needs_proc = pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="reads processes from /proc (Linux)")


def never_ends():
    """Compiled code that no signal handler interrupts: libsvm on noise with a huge C."""
    rng = np.random.RandomState(0)
    X, y = rng.randn(20_000, 20), rng.randint(0, 2, 20_000)
    SVC(C=1e9, kernel="linear", cache_size=50).fit(X, y)


def alive(pid):
    """Whether a process runs; one that has ended and was not yet waited for does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] not in "ZX"
    except (FileNotFoundError, ProcessLookupError):
        return False


def wait_until(condition, seconds):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if condition():
            return True
        time.sleep(0.05)
    return condition()


# -- one call ------------------------------------------------------------------------------------------------


def test_the_result_comes_back_from_another_process():
    factor = 3
    assert call_with_limit(lambda x: x * factor, 14, seconds=LONG) == 42
    assert call_with_limit(os.getpid, seconds=LONG) != os.getpid()
    assert call_with_limit(os.getpid, seconds=None) != os.getpid()


def test_one_process_answers_many_calls():
    assert len({call_with_limit(os.getpid, seconds=LONG) for _ in range(5)}) == 1


def test_large_data_travel_both_ways():
    array = np.arange(3_000_000.0)
    assert np.array_equal(call_with_limit(np.negative, array, seconds=LONG), -array)


@needs_proc
def test_a_runaway_fit_in_compiled_code_is_stopped():
    pid = call_with_limit(os.getpid, seconds=LONG)
    started = time.monotonic()
    with pytest.raises(TimeLimitExceeded, match=r"stopped after 0\.5 seconds"):
        call_with_limit(never_ends, seconds=0.5)
    assert time.monotonic() - started < 10
    assert wait_until(lambda: not alive(pid), 2)
    assert call_with_limit(os.getpid, seconds=LONG) != pid


@needs_proc
def test_what_a_runaway_has_started_is_stopped_too(tmp_path):
    def starts_another():
        child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
        file.write_text(str(child.pid))
        child.wait()

    file = tmp_path / "pid"
    with pytest.raises(TimeLimitExceeded):
        call_with_limit(starts_another, seconds=1.0)
    assert wait_until(lambda: not alive(int(file.read_text())), 2)


@pytest.mark.parametrize("how", [lambda: os._exit(7), lambda: os.kill(os.getpid(), signal.SIGTERM)])
def test_a_process_that_dies_costs_its_call_alone(how):
    with pytest.raises(WorkerDied, match=r"the worker process ended with exit code (7|-15)"):
        call_with_limit(how, seconds=LONG)
    assert call_with_limit(max, 1, 2, seconds=LONG) == 2


@needs_proc
def test_a_process_that_died_between_calls_is_replaced():
    pid = call_with_limit(os.getpid, seconds=LONG)
    os.kill(pid, signal.SIGKILL)
    assert wait_until(lambda: pid not in [child.pid for child in multiprocessing.active_children()], 5)
    assert call_with_limit(os.getpid, seconds=LONG) != pid


def test_exceptions_come_back_with_their_origin():
    def raises():
        raise KeyError("no such column")

    pid = call_with_limit(os.getpid, seconds=LONG)
    with pytest.raises(KeyError, match="no such column") as caught:
        call_with_limit(raises, seconds=LONG)
    assert "in raises" in caught.value.__notes__[0]
    assert call_with_limit(os.getpid, seconds=LONG) == pid, "an exception is an answer like any other"


def test_exceptions_that_do_not_survive_pickling():
    class Awkward(Exception):
        def __init__(self, a, b):
            super().__init__(f"{a} and {b}")

    def raises():
        raise Awkward(1, 2)

    with pytest.raises(RuntimeError, match="Awkward: 1 and 2"):
        call_with_limit(raises, seconds=LONG)


def test_results_that_cannot_be_pickled():
    pid = call_with_limit(os.getpid, seconds=LONG)
    with pytest.raises(RuntimeError, match="The result could not be sent back: TypeError: cannot pickle"):
        call_with_limit(threading.Lock, seconds=LONG)
    assert call_with_limit(os.getpid, seconds=LONG) == pid


def raises():
    raise RuntimeError("cannot be loaded")


class Unreadable:
    def __reduce__(self):
        return raises, ()


def test_results_that_cannot_be_unpickled():
    with pytest.raises(ResultNotSent, match="The result could not be read: RuntimeError: cannot be loaded"):
        call_with_limit(Unreadable, seconds=60)
    assert call_with_limit(max, 1, 2, seconds=60) == 2


def test_arguments_that_cannot_be_pickled():
    pid = call_with_limit(os.getpid, seconds=LONG)
    with pytest.raises(TypeError, match="cannot pickle"):
        call_with_limit(repr, threading.Lock(), seconds=LONG)
    assert call_with_limit(os.getpid, seconds=LONG) == pid


def test_sending_to_a_process_that_is_gone():
    def unpickled_by_dying():
        class Deadly:
            def __reduce__(self):
                return os._exit, (3,)

        return Deadly()

    with pytest.raises(WorkerDied, match="exit code 3"):
        call_with_limit(repr, unpickled_by_dying(), seconds=LONG)


# -- threads and processes around it -------------------------------------------------------------------------


def test_each_thread_has_its_own_process():
    def two_calls(_):
        barrier.wait()
        return {call_with_limit(os.getpid, seconds=LONG) for _ in range(2)}

    barrier = threading.Barrier(2)
    with ThreadPoolExecutor(2) as pool:
        first, second = pool.map(two_calls, range(2))
    assert len(first) == len(second) == 1
    assert first != second


@needs_proc
def test_the_process_of_a_thread_that_ended_leaves():
    pids = []
    thread = threading.Thread(target=lambda: pids.append(call_with_limit(os.getpid, seconds=LONG)))
    thread.start()
    thread.join()
    assert wait_until(lambda: not alive(pids[0]), 3)


def in_worker(seconds):
    pid = call_with_limit(os.getpid, seconds=LONG)
    with contextlib.suppress(TimeLimitExceeded):
        call_with_limit(time.sleep, 600, seconds=seconds)
        return None
    return os.getpid(), pid


def test_nested_in_workers_of_joblib():
    (worker_a, a), (worker_b, b) = Parallel(n_jobs=2)(delayed(in_worker)(0.3) for _ in range(2))
    assert os.getpid() not in (worker_a, worker_b)
    assert a != worker_a
    assert b != worker_b
    assert a != b


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork on this platform")
@pytest.mark.filterwarnings("ignore:.*multi-threaded:DeprecationWarning")
def test_a_fork_gets_a_process_of_its_own():
    pid = call_with_limit(os.getpid, seconds=LONG)
    context = multiprocessing.get_context("fork")
    ours, theirs = context.Pipe()
    fork = context.Process(target=lambda: theirs.send(call_with_limit(os.getpid, seconds=LONG)))
    fork.start()
    assert ours.poll(60)
    assert ours.recv() != pid
    fork.join()
    assert call_with_limit(os.getpid, seconds=LONG) == pid


def test_daemonic_processes_check_the_limit_afterwards(monkeypatch):
    monkeypatch.setitem(multiprocessing.current_process()._config, "daemon", True)
    with pytest.warns(EvaluationWarning, match="A daemonic process cannot start the child process"):
        assert call_with_limit(os.getpid, seconds=LONG) == os.getpid()
    with (
        pytest.warns(EvaluationWarning, match="limits are checked after each evaluation instead"),
        pytest.raises(TimeLimitExceeded, match=r"took longer than 0\.01 seconds"),
    ):
        call_with_limit(time.sleep, 0.05, seconds=0.01)
    assert call_with_limit(os.getpid, seconds=None) == os.getpid()


# -- whole programs ------------------------------------------------------------------------------------------

PROGRAM = """
import os, sys, threading, time
from sklmeta.limits import Child, call_with_limit

class Mine:
    def __init__(self, value):
        self.value = value

def double(mine):
    return Mine(2 * mine.value), os.getpid()

if __name__ == "__main__":
    result, pid = call_with_limit(double, Mine(21), seconds=600)
    print(result.value, type(result) is Mine, pid, flush=True)
"""


def program(tmp_path, ending):
    path = tmp_path / "program.py"
    path.write_text(PROGRAM + textwrap.indent(textwrap.dedent(ending), "    "))
    return subprocess.Popen(
        [sys.executable, str(path)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
    )


def first_line(process):
    value, is_mine, pid = process.stdout.readline().split()
    assert (value, is_mine) == ("42", "True")
    return int(pid)


@needs_proc
@pytest.mark.parametrize(
    ("ending", "code"),
    [("", 0), ("raise RuntimeError('boom')", 1), ("os._exit(4)", 4)],
    ids=["end", "exception", "hard exit"],
)
def test_nothing_is_left_when_a_program_ends(tmp_path, ending, code):
    process = program(tmp_path, ending)
    pid = first_line(process)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == code
    assert ("boom" in errors) == ("boom" in ending)
    assert "resource_tracker" not in errors
    assert wait_until(lambda: not alive(pid), 2)


RUNAWAY = """
import signal
import numpy as np
from sklearn.svm import SVC

signal.signal(signal.SIGINT, signal.default_int_handler)  # a job in the background is born deaf to Ctrl-C

def never_ends():
    rng = np.random.RandomState(0)
    SVC(C=1e9, kernel="linear").fit(rng.randn(20_000, 20), rng.randint(0, 2, 20_000))

threading.Timer(1.0, lambda: print("running", flush=True)).start()
call_with_limit(never_ends, seconds=600)
"""


@needs_proc
def test_nothing_is_left_after_kill_9(tmp_path):
    process = program(tmp_path, RUNAWAY)
    pid = first_line(process)
    assert process.stdout.readline() == "running\n"
    assert alive(pid)
    process.kill()
    process.wait()
    assert wait_until(lambda: not alive(pid), 2)
    process.communicate()


@needs_proc
def test_ctrl_c_stops_the_child_and_the_program(tmp_path):
    process = program(tmp_path, RUNAWAY)
    pid = first_line(process)
    assert process.stdout.readline() == "running\n"
    os.killpg(process.pid, signal.SIGINT)  # as a terminal does: the whole group gets it
    _, errors = process.communicate(timeout=30)
    assert wait_until(lambda: not alive(pid), 2)
    assert errors.count("Traceback") <= 1
    assert errors.rstrip().endswith("KeyboardInterrupt")
    assert process.returncode != 0


@pytest.mark.skipif(sys.platform != "linux", reason="processes are copied on Linux only")
def test_where_there_is_no_room_for_a_copy_a_new_process_is_started(monkeypatch):
    def no_room():
        raise OSError("Cannot allocate memory")

    monkeypatch.setattr(os, "fork", no_room)
    child = Child(forked=True)
    assert child.call(max, (1, 2), seconds=60) == 2
    child.kill()
