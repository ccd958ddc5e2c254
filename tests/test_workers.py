"""Where units run: one after the other, through joblib, in children that can be stopped."""

import multiprocessing
import os
import signal
import subprocess
import sys
import threading
import time
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import joblib
import numpy as np
import pytest
import sklearn
from joblib import parallel_config, register_parallel_backend
from joblib._parallel_backends import ParallelBackendBase
from sklearn import config_context
from threadpoolctl import threadpool_info, threadpool_limits

import sklmeta.workers
from sklmeta.evaluation import Trial
from sklmeta.exceptions import NotStarted, TimeLimitExceeded, WorkerDied
from sklmeta.workers import InChildren, InThisProcess, ThroughJoblib, Unit, open_workers, threads_each

TRIAL = Trial((np.arange(600_000.0).reshape(-1, 3), np.arange(200_000)), [], max, {}, {})
SOON = 60.0


class Listed:
    """Gives a list of calls, and remembers what came of them."""

    def __init__(self, calls, seconds=None, each=None):
        self.todo = [(label, function, args) for label, (function, *args) in enumerate(calls)]
        self.each = each
        self.seconds, self.outcomes, self.most, self.running = seconds, {}, 0, 0

    def next_unit(self):
        if not self.todo:
            return None
        label, function, args = self.todo.pop(0)
        self.running += 1
        self.most = max(self.most, self.running)
        deadline = None if self.seconds is None else time.monotonic() + self.seconds
        return Unit(label, function, tuple(args), deadline, self.each)

    def take(self, unit, outcome):
        self.running -= 1
        self.outcomes[unit.label] = outcome

    def in_order(self):
        return [self.outcomes[label] for label in sorted(self.outcomes)]


class Due(Listed):
    """Units that are due at once."""

    def next_unit(self):
        unit = super().next_unit()
        return unit and replace(unit, due=time.monotonic())


class InChildrenForATest(InChildren):
    """One new process at a time, remembering when each was started; they end with the context."""

    def __init__(self):
        self.started = []
        super().__init__(1)
        self.share(TRIAL)

    def _next_process(self):
        process = super()._next_process()
        pid = process.child.process.pid
        if pid not in [other.pid for other in self.started]:
            self.started.append(SimpleNamespace(pid=pid, at=time.monotonic()))
        return process

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        self.close()


def is_loaded(trial, module):
    return module in sys.modules


def power(trial, base, exponent):
    return base**exponent + len(trial.rows[1])


def fail(trial):
    raise KeyError("nothing here")


def die(trial):
    os._exit(3)


def leave_a_file(trial, path):
    path.touch()


def process_id(trial):
    return os.getpid()


def wait(trial, seconds):
    time.sleep(seconds)
    return "awake"


def about_the_rows(trial):
    X, y = trial.rows
    return type(X), X.flags.writeable, float(X.sum()), int(y.sum())


FORK = pytest.mark.skipif(sys.platform != "linux", reason="processes are copied on Linux only")
KINDS = ["new", pytest.param("copied", marks=FORK)]


@pytest.fixture(params=KINDS)
def children(request, monkeypatch):
    monkeypatch.setattr(sklmeta.workers, "may_fork", lambda: True)  # test runners have threads that do no harm
    workers = InChildren(2, forked=request.param == "copied")
    workers.share(TRIAL)
    yield workers
    workers.close()


def run(workers, calls, seconds=None, each=None):
    source = Listed(calls, seconds, each)
    workers.run(source)
    return source


@pytest.mark.parametrize("make", [InThisProcess, lambda: ThroughJoblib(2), lambda: InChildren(2)])
def test_every_unit_is_done_and_errors_are_outcomes(make):
    workers = make()
    workers.share(TRIAL)
    calls = [(power, base, 2) for base in range(7)] + [(fail,)]
    outcomes = run(workers, calls).in_order()
    assert outcomes[:-1] == [base**2 + 200_000 for base in range(7)]
    assert isinstance(outcomes[-1], KeyError)
    if hasattr(workers, "close"):
        workers.close()


def test_joblibs_own_processes_do_the_same():
    with parallel_config("multiprocessing", n_jobs=2):
        workers = ThroughJoblib(2)
        workers.share(TRIAL)
        assert run(workers, [(power, base, 2) for base in range(3)]).in_order() == [200_000, 200_001, 200_004]


def test_a_unit_that_cannot_be_sent_costs_itself_alone(children):
    outcomes = run(children, [(power, 2, 2), (power, threading.Lock(), 2), (power, 3, 2)]).in_order()
    assert isinstance(outcomes[1], TypeError)
    assert outcomes[::2] == [200_004, 200_009]


def test_a_folder_for_files_is_made_where_there_is_none(tmp_path, monkeypatch):
    monkeypatch.setenv("JOBLIB_TEMP_FOLDER", str(tmp_path / "not" / "yet"))
    workers = InChildren(1)
    assert workers.folder.parent == tmp_path / "not" / "yet"
    workers.close()
    assert not workers.folder.exists()


ORPHANING = """
import os, signal, sys
import numpy as np
from sklmeta.evaluation import Trial
from sklmeta.workers import InChildren, Unit

def wait(trial, seconds):
    import time
    print(trial.rows[0].shape, flush=True)
    time.sleep(seconds)

class Source:
    units = [Unit(k, wait, (600,)) for k in range(2)]
    def next_unit(self):
        return self.units.pop() if self.units else None

if __name__ == "__main__":
    workers = InChildren(2)
    workers.share(Trial((np.ones((1000, 10)), np.ones(1000)), [], None, {}, {}))
    print(workers.folder, flush=True)
    workers.run(Source())
"""


@pytest.mark.skipif(sys.platform == "win32", reason="signals")
@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGKILL], ids=str)
def test_no_rows_lie_about_after_the_program_was_killed(tmp_path, how):
    path = tmp_path / "program.py"
    path.write_text(ORPHANING)
    process = subprocess.Popen([sys.executable, str(path)], stdout=subprocess.PIPE, text=True)
    folder = Path(process.stdout.readline().strip())
    assert [process.stdout.readline() for _ in range(2)] == ["(1000, 10)\n"] * 2
    assert folder.exists()
    process.send_signal(how)
    process.wait()
    process.stdout.close()
    until = time.monotonic() + 10
    while folder.exists() and time.monotonic() < until:
        time.sleep(0.1)
    assert not folder.exists()


def test_children_work_at_the_same_time_and_map_the_rows(children):
    source = run(children, [(about_the_rows,)] * 3)
    assert source.most == 2
    X, y = TRIAL.rows
    assert source.in_order() == [(np.memmap, False, X.sum(), y.sum())] * 3


def test_a_unit_beyond_its_deadline_is_stopped_and_the_others_go_on(children):
    run(children, [(wait, 0.0)] * 2)  # both are up
    started = time.monotonic()
    outcomes = run(children, [(wait, 600.0), *[(wait, 0.01)] * 20], seconds=6.0).in_order()
    assert isinstance(outcomes[0], TimeLimitExceeded)
    assert outcomes[0].seconds == pytest.approx(6.0, abs=5.0)
    assert outcomes[1:] == ["awake"] * 20
    assert time.monotonic() - started < 100
    assert run(children, [(power, 2, 3)] * 3, seconds=SOON).in_order() == [200_008] * 3


def test_modules_are_imported_before_the_first_unit():
    with open_workers(1, limited=True) as workers:
        workers.share(replace(TRIAL, modules=("nowhere.to.be.found", "wave")))
        assert run(workers, [(is_loaded, "wave"), (is_loaded, "chunk_of_something_else")]).in_order() == [True, False]


@FORK
def test_copies_are_there_at_once_and_draw_their_own_numbers(monkeypatch):
    monkeypatch.setattr(sklmeta.workers, "may_fork", lambda: True)
    started = time.monotonic()
    with open_workers(2, limited=True, forked=True) as workers:
        workers.share(TRIAL)
        first, second = run(workers, [(draw,)] * 2).in_order()
    copied = time.monotonic() - started
    started = time.monotonic()
    with open_workers(2, limited=True) as workers:
        workers.share(TRIAL)
        run(workers, [(draw,)] * 2)
    assert copied < (time.monotonic() - started) / 2
    assert first != second


@FORK
@pytest.mark.parametrize(("small", "threads", "copied"), [(True, 2, True), (False, 1, True), (False, 2, False)])
def test_children_that_work_in_several_threads_are_no_copies(monkeypatch, small, threads, copied):
    monkeypatch.setattr(sklmeta.workers, "threads_each", lambda n_workers: threads)
    monkeypatch.setattr(sklmeta.workers, "InChildren", lambda n, forked: SimpleNamespace(forked=forked, close=int))
    with open_workers(2, limited=True, forked=True, small=small) as workers:
        assert workers.forked is copied


def draw(trial):
    time.sleep(0.05)  # the other one has the second unit
    return np.random.rand()


@FORK
def test_copies_are_made_where_no_other_thread_holds_a_lock():
    program = "import threading; from sklmeta.limits import may_fork; print(may_fork()); "
    program += "threading.Thread(target=lambda: print(may_fork())).start()"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["True", "False"]


def test_a_unit_s_seconds_do_not_count_while_its_child_is_still_starting(children):
    run(children, [(wait, 0.0)] * 2)
    calls = [(wait, 600.0), (wait, 600.0), *[(wait, 0.01)] * 6]
    outcomes = run(children, calls, each=0.5).in_order()  # far less than a new child takes to start
    assert [type(outcome) for outcome in outcomes[:2]] == [TimeLimitExceeded] * 2
    assert outcomes[2:] == ["awake"] * 6


def test_a_child_that_is_not_there_in_time_is_not_started_again(tmp_path):
    workers = InChildren(1)
    workers.share(TRIAL)
    first = workers._seats[0].process.child.process.pid
    late = run(workers, [(leave_a_file, tmp_path / "late")], seconds=0.0)
    assert isinstance(late.outcomes[0], NotStarted)
    assert run(workers, [(process_id,)], seconds=SOON).in_order() == [first]
    assert not list(tmp_path.iterdir())
    workers.close()


def test_where_a_unit_is_due_another_process_is_started_before_it_is_stopped():
    with InChildrenForATest() as workers:
        run(workers, [(wait, 0.0)])
        began = time.monotonic()
        source = Due([(wait, 600.0), (process_id,)], each=4.0)
        workers.run(source)
        stopped, (_, spare) = began + 4.0, workers.started
    assert isinstance(source.outcomes[0], TimeLimitExceeded)
    assert source.outcomes[1] == spare.pid
    assert began + 0.5 <= spare.at < stopped - 1.0


def test_what_ends_in_time_leaves_the_spare_to_whoever_is_stopped_next():
    with InChildrenForATest() as workers:
        source = Due([(wait, 1.5), (process_id,), (wait, 600.0), (process_id,)], each=3.0)
        workers.run(source)
        first, spare = (process.pid for process in workers.started[:2])
    assert [source.outcomes[i] for i in (0, 1, 3)] == ["awake", first, spare]


def test_a_unit_with_hardly_any_time_left_is_not_begun(tmp_path, monkeypatch):
    monkeypatch.setattr("sklmeta.workers._A_CHANCE", 3600.0)
    workers = InChildren(1)
    workers.share(TRIAL)
    late = run(workers, [(leave_a_file, tmp_path / "late")], seconds=8.0)
    workers.close()
    assert isinstance(late.outcomes[0], NotStarted)
    assert not list(tmp_path.iterdir())


def test_a_child_that_dies_costs_its_unit_alone(children):
    outcomes = run(children, [(power, 2, 1), (die,), (power, 3, 1), (die,), (power, 4, 1)]).in_order()
    assert [isinstance(outcome, WorkerDied) for outcome in outcomes] == [False, True, False, True, False]
    assert "exit code 3" in str(outcomes[1])
    assert [outcomes[i] for i in (0, 2, 4)] == [200_002, 200_003, 200_004]


def test_what_an_interrupted_source_left_undone_reaches_no_other(children):
    class Interrupted(Listed):
        def take(self, unit, outcome):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        children.run(Interrupted([(power, 2, 1), (wait, 600.0)]))
    assert run(children, [(power, 3, 1)] * 3, seconds=SOON).in_order() == [200_003] * 3


def test_nothing_is_left_behind():
    before = {child.pid for child in multiprocessing.active_children()}
    with open_workers(2, limited=True) as workers:
        workers.share(TRIAL)
        run(workers, [(wait, 0.0), (wait, 600.0)], seconds=0.2)
        folder = workers.folder
        assert folder.exists()
    assert not folder.exists()
    assert {child.pid for child in multiprocessing.active_children()} <= before


def test_children_have_the_configuration_and_their_share_of_threads():
    with config_context(assume_finite=True), open_workers(2, limited=True) as workers:
        workers.share(TRIAL)
        (config, threads), *_ = run(workers, [(about_the_process,)] * 2).in_order()
    assert config["assume_finite"]
    assert threads <= threads_each(2)


def about_the_process(trial):
    return sklearn.get_config(), max(pool["num_threads"] for pool in threadpool_info())


def test_threads_times_workers_are_at_most_what_this_process_may_use():
    with threadpool_limits(1):
        assert threads_each(1) == threads_each(4) == 1
    assert threads_each(10_000) == 1


@pytest.mark.parametrize(
    ("n_jobs", "limited", "backend", "expected"),
    [
        (1, False, "loky", InThisProcess),
        (2, False, "loky", InChildren),
        (1, True, "loky", InChildren),
        (2, False, "threading", ThroughJoblib),
        (1, False, "threading", InThisProcess),
        (2, True, "threading", InChildren),
    ],
)
def test_who_works_where(n_jobs, limited, backend, expected):
    with parallel_config(backend), open_workers(n_jobs, limited=limited) as workers:
        assert type(workers) is expected
        assert workers.n_workers == n_jobs


def n_jobs_there(trial):
    return joblib.effective_n_jobs(None)


@pytest.mark.parametrize("forked", [False, True])
def test_what_was_said_of_the_search_is_not_for_the_fits(forked):
    with parallel_config("threading", n_jobs=2), open_workers(None, limited=True, forked=forked) as workers:
        assert type(workers) is InChildren
        workers.share(TRIAL)
        assert run(workers, [(n_jobs_there,)] * 2).in_order() == [1, 1]


class Cluster(ParallelBackendBase):
    """Has many workers elsewhere."""

    def effective_n_jobs(self, n_jobs):
        return 500

    apply_async = submit = None  # nothing is sent there


def test_the_workers_of_a_cluster_are_not_started_here():
    register_parallel_backend("cluster", Cluster)
    with parallel_config("cluster", n_jobs=-1):
        with open_workers(None, limited=True) as workers:
            assert type(workers) is InChildren
            assert workers.n_workers == joblib.cpu_count()
        with open_workers(None, limited=False) as workers:
            assert type(workers) is ThroughJoblib
            assert workers.n_workers == 500


def n_workers_here(limited):
    with open_workers(-1, limited=limited) as workers:
        return workers.n_workers


@pytest.mark.parametrize("limited", [False, True])
def test_a_worker_of_an_outer_search_keeps_to_its_share_of_the_cores(limited):
    most = max(2, joblib.cpu_count())
    assert sum(joblib.Parallel(n_jobs=2)(joblib.delayed(n_workers_here)(limited) for _ in range(2))) <= most


def test_shared_rows_may_be_of_any_kind(children):
    children.share(replace(TRIAL, rows=([["a", 1], ["b", 2]], np.array([0, 1]))))
    assert run(children, [(lambda trial: trial.rows[0],)]).in_order() == [[["a", 1], ["b", 2]]]
