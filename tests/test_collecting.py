import json
import os
import random
import signal
import subprocess
import sys
import time
import warnings
import weakref
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from joblib import parallel_config
from scipy import sparse
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.datasets import load_diabetes, load_iris

from sklmeta import Configuration, Dataset, Evaluation, KnowledgeBase, collect
from sklmeta.collecting import journal_of, measured_in, read_joint_errors
from sklmeta.exceptions import EvaluationWarning, TimeLimitExceeded, UnknownEstimatorError
from sklmeta.metrics import CLASSIFICATION, REGRESSION

module = import_module("sklmeta.collecting")
LONG = 600.0
CHEAP = [Configuration("gaussian_nb"), Configuration("lda"), Configuration("k_neighbors", {"n_neighbors": 3})]
IRIS = load_iris(return_X_y=True)
DIABETES = load_diabetes(return_X_y=True)


def tasks():
    X, y = IRIS
    return {
        "iris": (X, y),
        "two": (X[:100], np.where(y[:100] == 0, "a", "b")),
        "noise": (X, np.random.RandomState(0).permutation(y)),
    }


def assert_same_measurements(a, b):
    """Equal in all but the seconds."""
    assert a.tasks == b.tasks
    assert a.configurations == b.configurations
    assert a.metrics == b.metrics
    assert (a.status == b.status).all()
    assert a.reasons == b.reasons
    for metric in a.metrics:
        np.testing.assert_array_equal(a.scores(metric), b.scores(metric))
    pd.testing.assert_frame_equal(a.meta_features, b.meta_features)
    assert a.provenance == b.provenance
    assert a.info == b.info


def lines_of(folder):
    """(task, configuration) of every evaluation in the journals."""
    return [
        (path.stem, json.dumps(json.loads(line)["configuration"]))
        for path in sorted(Path(folder).glob("*.jsonl"))
        for line in path.read_text().splitlines()[1:]
        if "joint_errors" not in line
    ]


class Rebel(ClassifierMixin, BaseEstimator):
    """Stands in for a base estimator that misbehaves."""

    def __init__(self, how="raise"):
        self.how = how

    def fit(self, X, y):
        if self.how == "raise":
            raise ArithmeticError("this cannot\nbe fitted")
        if self.how == "hang":
            time.sleep(LONG)
        if self.how == "die":
            os._exit(9)
        self.classes_ = np.unique(y)
        return self

    def predict_proba(self, X):
        return np.full((len(X), len(self.classes_)), np.nan)

    def predict(self, X):
        return np.full(len(X), self.classes_[0])


@pytest.fixture
def rebels(monkeypatch):
    real = module.build_estimator

    def build(configuration, task):
        if configuration.estimator == "rebel":
            return Rebel(configuration.params["how"])
        return real(configuration, task)

    monkeypatch.setattr(module, "build_estimator", build)
    return [CHEAP[0], *(Configuration("rebel", {"how": how}) for how in ("raise", "hang", "die", "nan")), CHEAP[1]]


# -- what is measured ----------------------------------------------------------------------------------------


def test_what_a_classification_task_gives():
    kb = collect({"iris": IRIS}, CHEAP, time_limit=None)
    assert isinstance(kb, KnowledgeBase)
    assert kb.tasks == ("iris",)
    assert kb.configurations == tuple(CHEAP)
    assert kb.metrics == CLASSIFICATION
    assert (kb.status == "ok").all()
    assert (kb.scores("accuracy") > 0.9).all()
    assert (kb.standard_errors("accuracy") < 0.05).all()
    assert (kb.fit_seconds > 0).all()
    assert kb.meta_features.loc["iris"].notna().all()
    assert kb.task_type == "classification"
    assert kb.provenance["iris"]["rows_used"] == 150
    assert kb.info["protocol"] == {"task_type": "classification", "cv": 3, "max_rows": 3000, "random_state": 0}


def test_what_a_regression_task_gives():
    kb = collect({"diabetes": DIABETES}, [Configuration("ridge")], time_limit=None)
    assert kb.task_type == "regression"
    assert kb.metrics == REGRESSION
    assert 0.3 < kb.scores("r2").item() < 0.6
    assert -0.9 < kb.scores("neg_root_mean_squared_error").item() < -0.6, "in standard deviations of the target"


def test_a_number_means_the_catalogues_first_configurations(monkeypatch):
    def evaluate(prepared, configuration, *_):
        return Evaluation(prepared.task.name, configuration, scores={"r2": 0}), None

    monkeypatch.setattr(module, "_evaluate", evaluate)
    kb = collect({"diabetes": DIABETES}, 2)
    assert list(kb.configurations) == module.default_configurations("regression", 2)


def test_large_tables_are_cut():
    rng = np.random.RandomState(0)
    X, y = rng.randn(500, 3), rng.choice(["many", "few"], 500, p=[0.9, 0.1])
    kb = collect({"t": (X, y)}, CHEAP[:1], max_rows=100, time_limit=None)
    assert kb.provenance["t"]["rows_used"] == 100


def test_labels_of_any_kind_and_gaps_in_rows():
    X, y = IRIS
    frame = pd.DataFrame(X).rename(columns=str).assign(text=np.where(X[:, 0] > 5, "a", None))
    codes = collect({"t": (frame, y)}, CHEAP[:1], time_limit=None)
    for labels in (y.astype(str), pd.Categorical(y), pd.Series(y, index=y * 0), pd.array(y, dtype="Int64")):
        assert_same_measurements(collect({"t": (frame, labels)}, CHEAP[:1], time_limit=None), codes)


def test_the_same_for_any_number_of_workers_and_any_limit():
    one = collect(tasks(), CHEAP, time_limit=None)
    assert_same_measurements(collect(tasks(), CHEAP, time_limit=LONG, n_jobs=2), one)
    with parallel_config(n_jobs=2):
        assert_same_measurements(collect(tasks(), CHEAP, time_limit=None), one)


def test_random_state_decides():
    configurations = [Configuration("extra_trees", {"max_features": 0.5})]
    noise = {"noise": tasks()["noise"]}
    first, again, other = (collect(noise, configurations, time_limit=None, random_state=k) for k in (1, 1, 2))
    assert_same_measurements(first, again)
    assert first.scores("neg_log_loss") != other.scores("neg_log_loss")


def test_a_configuration_that_is_asked_for_twice_is_measured_once():
    told = []
    kb = collect({"iris": IRIS}, [CHEAP[0], CHEAP[0]], time_limit=None, progress=told.append)
    assert kb.configurations == (CHEAP[0],)
    assert len(told) == 1


# -- what goes wrong -----------------------------------------------------------------------------------------


def test_what_fails_is_recorded_and_costs_nothing_else(rebels):
    told = []
    with warnings.catch_warnings(action="error"):
        kb = collect({"iris": IRIS}, rebels, time_limit=4.0, n_jobs=2, progress=told.append)
    assert kb.status.tolist() == [["ok", "failed", "timeout", "failed", "failed", "ok"]]
    reasons = [kb.reasons.get(("iris", c), "") for c in kb.configurations]
    assert reasons == [
        "",
        "ArithmeticError: this cannot be fitted",
        "stopped after 4 seconds",
        "WorkerDied: the worker process ended with exit code 9",
        "ValueError: probabilities or decision values are not finite",
        "",
    ]
    assert np.isnan(kb.scores("accuracy")[:, 1:5]).all()
    assert len(told) == 6
    assert any("iris" in line and "timeout: stopped after 4 seconds" in line for line in told)
    assert {line.split()[1] for line in told} == {f"{k}/6" for k in range(1, 7)}


def test_a_journal_without_a_whole_line_tells_of_nothing(tmp_path):
    (tmp_path / "killed.jsonl").write_text('{"journal": 1, "ta')
    with pytest.raises(ValueError, match=r"0 journals in .* have no configuration in common"):
        measured_in(tmp_path)
    collect({"iris": IRIS}, CHEAP[:1], time_limit=None, checkpoint=tmp_path)
    assert measured_in(tmp_path) == (["iris"], CHEAP[:1])


@pytest.mark.parametrize("joint", [False, True])
def test_what_is_too_slow_for_as_many_rows_is_left_out(tmp_path, joint):
    rng = np.random.RandomState(0)
    X = rng.normal(size=(1100, 2))
    tables = {"many": (X, X[:, 0] + 0.1 * rng.normal(size=1100)), "few": (X[:60], X[:60, 0])}
    chosen = [Configuration("gaussian_process"), Configuration("ridge")]
    kb = collect(tables, chosen, time_limit=None, checkpoint=tmp_path, joint_errors=joint)
    process, ridge = (kb.configurations.index(c) for c in chosen)
    assert kb.status[:, process].tolist() == ["missing", "ok"]
    assert kb.status[:, ridge].tolist() == ["ok", "ok"]
    assert kb.scores("r2")[1, process] > 0.99
    assert set(measured_in(tmp_path)[1]) == set(chosen)
    assert measured_in(tmp_path, ["many"])[1] == chosen[1:]
    if joint:
        at = kb.joint_errors.configurations.index(chosen[0])
        np.testing.assert_array_equal(np.isfinite(kb.joint_errors.products[:, at, at]), [False, True])
        again = collect(tables, chosen, time_limit=None, checkpoint=tmp_path, joint_errors=True)
        np.testing.assert_allclose(again.joint_errors.products, kb.joint_errors.products, rtol=1e-4)
    alone = collect({"many": tables["many"]}, chosen, time_limit=None, joint_errors=joint)
    assert alone.configurations == tuple(chosen[1:])
    assert alone.joint_errors is None or alone.joint_errors.configurations == alone.configurations
    assert (alone.joint_errors is not None) == joint


def test_without_a_limit_everything_stays_in_the_process(monkeypatch):
    def no_child(*args, **kwargs):
        raise AssertionError("a child process was asked for")

    monkeypatch.setattr(module, "call_with_limit", no_child)
    kb = collect({"iris": IRIS}, CHEAP[:1], time_limit=None)
    assert kb.status.item() == "ok"
    assert collect({"iris": IRIS}, CHEAP[:1], time_limit=1.0).status.item() == "failed"


def test_an_unknown_estimator_fails_by_itself():
    with pytest.warns(EvaluationWarning, match=r"1 of 2 configurations cannot be built; the first, .*scv"):
        kb = collect({"iris": IRIS}, [Configuration("scv"), CHEAP[0]], time_limit=None)
    assert kb.status.tolist() == [["failed", "ok"]]
    assert UnknownEstimatorError.__name__ in kb.reasons["iris", Configuration("scv")]


def test_where_nothing_succeeded_that_is_said():
    with pytest.warns(EvaluationWarning, match=r"No evaluation succeeded.*the first, .*svc.* on 'iris': .*'C'"):
        kb = collect({"iris": IRIS}, [Configuration("svc", {"C": -1.0})], time_limit=None)
    assert kb.status.item() == "failed"


@pytest.mark.parametrize("wrong", [["lda"], Configuration("lda"), [CHEAP[0], {"C": 1.0}]])
def test_configurations_are_configurations(wrong):
    with pytest.raises(ValueError, match="configurations must be a list of Configuration, or how many of each"):
        collect({"iris": IRIS}, wrong, time_limit=None)


def test_where_all_configurations_are_mistyped_nothing_is_begun():
    mistyped = [Configuration("nope"), Configuration("lda", {"solvr": "svd"})]
    with pytest.raises(ValueError, match=r"2 of 2 configurations cannot be built; the first, .*nope"):
        collect({"iris": IRIS}, mistyped, time_limit=None)
    with pytest.raises(ValueError, match=r"1 of 1 configurations cannot be built; the first, .*'solvr'"):
        collect({"iris": IRIS}, mistyped[1:], time_limit=None)


@pytest.mark.parametrize(
    ("y", "message"),
    [
        ([0, 1, None] * 50, "Task 't' cannot be evaluated: Input y contains NaN"),
        ([0] * 150, "Task 't' cannot be evaluated: Classifier can't train when only one class is present"),
        (np.arange(140) % 2, "Task 't' cannot be evaluated: Found input variables with inconsistent numbers"),
        (np.eye(2)[[0, 1] * 75].astype(int), "Task 't' cannot be evaluated"),
    ],
)
def test_targets_that_nothing_can_be_learned_from(y, message):
    with pytest.raises(ValueError, match=message):
        collect({"t": (IRIS[0], y)}, CHEAP, task="classification", time_limit=None)


def test_too_few_rows_for_the_folds():
    with pytest.raises(ValueError, match=r"Task 't' cannot be evaluated: .*n_splits=5"):
        collect({"t": (IRIS[0][:4], [0, 1, 0, 1])}, CHEAP, cv=5, time_limit=None)


@pytest.mark.parametrize(
    ("datasets", "configurations", "task", "message"),
    [
        ({}, CHEAP, None, "There are no datasets of task type None to collect from"),
        ({"iris": IRIS}, CHEAP, "regression", r"There are no datasets of task type 'regression' to .* only 'iris'\.$"),
        (iter([Dataset(name, *IRIS) for name in "abcde"]), CHEAP, "regression", r"only 'a', 'b', 'c' and 2 more\.$"),
        (iter([]), CHEAP, None, r"There are no datasets of task type None to collect from\.$"),
        ({"iris": IRIS}, CHEAP, "foo", "task must be 'classification', 'regression' or None, got 'foo'"),
        ({"iris": IRIS}, [], None, "There are no configurations to evaluate; give a list of them, or how many"),
        ({"iris": IRIS}, 0, None, "configurations == 0, must be >= 1"),
        ({"iris": IRIS}, np.int64(-3), None, "configurations == -3, must be >= 1"),
        ({"iris": IRIS, "d": DIABETES}, CHEAP[:1], None, r"Task 'd' is regression, the ones before it are "
         r"classification\. Pass task="),
        ([Dataset("a", *IRIS), Dataset("a", *IRIS)], CHEAP[:1], None, "Two datasets are called 'a'"),
    ],
)  # fmt: skip
def test_calls_that_make_no_sense(datasets, configurations, task, message):
    with pytest.raises(ValueError, match=message):
        collect(datasets, configurations, task=task, time_limit=None)


# -- where datasets come from --------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", [dict, list])
@pytest.mark.parametrize(
    ("last", "message"),
    [
        ((IRIS[0], np.where(np.arange(150) == 3, np.nan, IRIS[1])), "Task 'last' cannot be evaluated: .*NaN"),
        (DIABETES, "Task 'last' is regression, the ones before it are classification"),
    ],
)
def test_a_broken_table_is_told_before_anything_is_measured(last, message, kind):
    tables, told = {"iris": IRIS, "last": last}, []
    if kind is list:
        tables = [Dataset(name, *table) for name, table in tables.items()]
    with pytest.raises(ValueError, match=message):
        collect(tables, CHEAP, time_limit=None, progress=told.append)
    assert told == []


def test_what_a_journal_cannot_hold_is_refused_before_anything_is_measured(tmp_path):
    def distance(a, b):
        return float(abs(a - b).sum())

    own = Configuration("k_neighbors", {"metric": distance})
    with pytest.raises(ValueError, match=r"metric=<function.* cannot be written into a journal.*without a checkpoint"):
        collect({"iris": IRIS}, [CHEAP[0], own], time_limit=None, checkpoint=tmp_path)
    assert list(tmp_path.iterdir()) == []
    assert collect({"iris": IRIS}, [own], time_limit=None).status.tolist() == [["ok"]]


def test_a_task_type_picks_from_a_mixed_collection():
    mixed = {"diabetes": DIABETES, "iris": IRIS}
    assert collect(mixed, CHEAP[:1], task="classification", time_limit=None).tasks == ("iris",)
    assert collect(mixed, [Configuration("ridge")], task="regression", time_limit=None).tasks == ("diabetes",)


def test_datasets_bring_their_family_and_provenance():
    about = Dataset("a", *IRIS, family="flowers", provenance={"source": "Fisher 1936"})
    kb = collect(iter([about, Dataset("b", *IRIS)]), CHEAP[:1], time_limit=None)
    assert kb.families == ("flowers", "b")
    assert kb.provenance == {"a": {"source": "Fisher 1936", "rows_used": 150}, "b": {"rows_used": 150}}


def test_a_folder_of_files(tmp_path):
    X, y = IRIS
    frame = pd.DataFrame(X, columns=list("abcd")).assign(species=y)
    frame.to_csv(tmp_path / "flat.csv", index=False)
    names = ("flat",)
    if find_spec("pyarrow"):
        frame.to_parquet(tmp_path / "columnar.parquet")
        names = ("columnar", "flat")
    (tmp_path / "index.csv").write_text("name,task,family,source\nflat,classification,iris,UCI\n")
    kb = collect(tmp_path, CHEAP, target="species", time_limit=None)
    assert kb.tasks == names
    assert kb.families == (*names[:-1], "iris")
    assert kb.provenance["flat"]["source"] == "UCI"
    np.testing.assert_array_equal(kb.scores("neg_log_loss")[0], kb.scores("neg_log_loss")[-1])


def test_a_folder_without_the_task_is_named(tmp_path):
    pd.DataFrame(IRIS[0]).assign(target=IRIS[1]).to_csv(tmp_path / "iris.csv", index=False)
    with pytest.raises(ValueError, match=r"of task type 'regression' to collect from in .*test_a_folder_without"):
        collect(tmp_path, CHEAP, task="regression")


def test_no_rows_are_kept_after_their_evaluations():
    class Rows(np.ndarray):
        """An array that a weak reference can follow."""

    tables = []

    def stream():
        for i in range(6):
            X = IRIS[0].copy().view(Rows)
            tables.append(weakref.ref(X))
            yield Dataset(f"t{i}", X, IRIS[1])

    in_memory = []
    told = lambda line: in_memory.append(sum(table() is not None for table in tables))  # noqa: E731
    collect(stream(), CHEAP[:1], time_limit=None, progress=told)
    assert len(in_memory) == 6
    assert max(in_memory) <= 3


# -- journals ------------------------------------------------------------------------------------------------


def test_journals_are_knowledge_that_a_second_call_goes_on_with(tmp_path, monkeypatch):
    whole = collect(tasks(), CHEAP, time_limit=None, checkpoint=tmp_path)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["iris.jsonl", "noise.jsonl", "two.jsonl"]
    assert len(lines_of(tmp_path)) == len(set(lines_of(tmp_path))) == 9
    monkeypatch.setattr(module, "_evaluate", lambda *_: pytest.fail("evaluated again"))
    assert collect(tasks(), CHEAP, time_limit=None, checkpoint=tmp_path) == whole


def test_more_configurations_and_tasks_join_what_is_there(tmp_path):
    first = {"two": tasks()["two"]}
    collect(first, CHEAP[1:2], time_limit=None, checkpoint=tmp_path)
    joined = collect(tasks(), CHEAP, time_limit=None, checkpoint=tmp_path)
    assert_same_measurements(joined, collect(tasks(), CHEAP, time_limit=None))
    assert len(lines_of(tmp_path)) == 9
    fewer = collect(first, CHEAP[2:], time_limit=None, checkpoint=tmp_path)
    assert fewer.configurations == tuple(CHEAP[2:])


@pytest.mark.parametrize("rest", [b"", b'{"task": "iris", "conf', b'{"task": "iris"}', b"\xff\x00"])
def test_a_line_that_a_kill_has_torn_is_measured_again(tmp_path, rest):
    whole = collect({"iris": IRIS}, CHEAP, time_limit=None, checkpoint=tmp_path)
    journal = tmp_path / "iris.jsonl"
    kept = b"".join(journal.read_bytes().splitlines(keepends=True)[:-1])
    journal.write_bytes(kept + rest)
    assert_same_measurements(collect({"iris": IRIS}, CHEAP, time_limit=None, checkpoint=tmp_path), whole)
    assert journal.read_bytes().startswith(kept)
    assert len(lines_of(tmp_path)) == 3


def test_who_only_reads_leaves_a_journal_that_is_being_written(tmp_path):
    collect({"iris": IRIS}, CHEAP, time_limit=None, checkpoint=tmp_path)
    journal = tmp_path / "iris.jsonl"
    begun = journal.read_bytes() + b'{"task": "ir'
    journal.write_bytes(begun)
    tasks, configurations = measured_in(tmp_path)
    assert (tasks, set(configurations)) == (["iris"], set(CHEAP))
    assert read_joint_errors(journal) is None
    assert journal.read_bytes() == begun


@pytest.mark.parametrize("header", [b"", b'{"journal": 1, "ta'])
def test_a_header_that_a_kill_has_torn(tmp_path, header):
    (tmp_path / "iris.jsonl").write_bytes(header)
    collect({"iris": IRIS}, CHEAP, time_limit=None, checkpoint=tmp_path)
    assert len(lines_of(tmp_path)) == 3


@pytest.mark.parametrize("change", [{"cv": 4}, {"max_rows": 100}, {"random_state": 1}])
def test_another_protocol_is_refused(tmp_path, change):
    collect({"iris": IRIS}, CHEAP[:1], time_limit=None, checkpoint=tmp_path)
    with pytest.raises(ValueError, match=r"iris\.jsonl was collected as .*; this call asks for .*another checkpoint"):
        collect({"iris": IRIS}, CHEAP[:1], time_limit=None, checkpoint=tmp_path, **change)


def changed_tables():
    X, y = IRIS
    frame = pd.DataFrame(X, columns=list("abcd")).assign(
        text=np.where(y == 0, "low", None), whole=(10 * X[:, 0]).astype(int)
    )
    other = X.copy()
    other[7, 2] += 0.1
    few = sparse.csr_matrix(X > 3, dtype=float)
    return {
        "a number": (X, y, other, y),
        "the order": (X, y, X[::-1], y[::-1]),
        "a class": (X, y, X, np.where(np.arange(150) == 3, 1, y)),
        "a text": (frame, y, frame.replace({"text": {"low": "high"}}), y),
        "a kind": (frame, y, frame.astype({"whole": "category"}), y),
        "an entry": (few, y, few + sparse.csr_matrix(([1.0], ([3], [2])), shape=few.shape), y),
    }


@pytest.mark.parametrize("change", changed_tables())
def test_a_table_that_has_changed_is_refused(tmp_path, change):
    X, y, other_X, other_y = changed_tables()[change]
    collect({"t": (X, y)}, CHEAP[:1], time_limit=None, checkpoint=tmp_path)
    message = r"t\.jsonl has evaluations on other rows \(.*150, .*\) than 't' has now .*checkpoint folder, or delete"
    with pytest.raises(ValueError, match=message):
        collect({"t": (other_X, other_y)}, CHEAP, time_limit=None, checkpoint=tmp_path)
    assert len(lines_of(tmp_path)) == 1


def test_how_rows_lie_in_memory_does_not_matter(tmp_path, monkeypatch):
    frame = changed_tables()["a text"][0]
    few = changed_tables()["an entry"][0]
    tables = {"array": IRIS[0], "frame": frame, "sparse": few}
    collect({name: (X, IRIS[1]) for name, X in tables.items()}, CHEAP[:1], time_limit=None, checkpoint=tmp_path)
    monkeypatch.setattr(module, "_evaluate", lambda *_: pytest.fail("evaluated again"))
    in_blocks = pd.concat([frame[[name]] for name in frame], axis=1).set_index(frame.index + 5)
    tables = {"array": np.asfortranarray(IRIS[0]), "frame": in_blocks, "sparse": few.tocsc()}
    collect({name: (X, IRIS[1]) for name, X in tables.items()}, CHEAP[:1], time_limit=None, checkpoint=tmp_path)


def test_an_old_journal_knows_only_how_many_rows_it_is_of(tmp_path):
    whole = collect({"iris": IRIS}, CHEAP, time_limit=None, checkpoint=tmp_path)
    journal = tmp_path / "iris.jsonl"
    header, *lines = journal.read_text().splitlines(keepends=True)
    about = json.loads(header)
    del about["rows"]
    journal.write_text(json.dumps(about) + "\n" + "".join(lines))
    assert collect({"iris": IRIS}, CHEAP, time_limit=None, checkpoint=tmp_path) == whole
    fewer = {"iris": (IRIS[0][:120], IRIS[1][:120])}
    with pytest.raises(ValueError, match=r'other rows \(\{"n_rows": 150\}\) than .*"n_rows": 120, .*table has changed'):
        collect(fewer, CHEAP, time_limit=None, checkpoint=tmp_path)


def stop_neighbours(function, estimator, *args, seconds):
    """Instead of `call_with_limit`, whatever the limit."""
    if "KNeighbors" in repr(estimator):
        raise TimeLimitExceeded(f"stopped after {seconds:g} seconds")
    return function(estimator, *args)


@pytest.mark.parametrize("joint", [False, True])
def test_what_was_stopped_is_measured_again_under_a_higher_limit_only(tmp_path, monkeypatch, joint):
    def at(limit):
        return collect({"iris": IRIS}, CHEAP, time_limit=limit, checkpoint=tmp_path, joint_errors=joint)

    real = module.call_with_limit
    monkeypatch.setattr(module, "call_with_limit", stop_neighbours)
    first = at(5)
    assert first.status.tolist() == [["ok", "ok", "timeout"]]
    monkeypatch.setattr(module, "call_with_limit", lambda *_, **__: pytest.fail("measured again"))
    for limit in (1, 5):
        assert_same_measurements(at(limit), first)
    monkeypatch.setattr(module, "call_with_limit", stop_neighbours)
    assert at(6).reasons == {("iris", CHEAP[2]): "stopped after 6 seconds"}
    assert at(5).reasons == {("iris", CHEAP[2]): "stopped after 6 seconds"}
    monkeypatch.setattr(module, "call_with_limit", real)
    again = at(None)
    assert_same_measurements(again, collect({"iris": IRIS}, CHEAP, time_limit=None))
    np.testing.assert_array_equal(again.fit_seconds[:, :2], first.fit_seconds[:, :2])
    assert len(lines_of(tmp_path)) == 5
    if joint:
        assert read_joint_errors(tmp_path / "iris.jsonl")[0] == CHEAP
        assert np.isfinite(again.joint_errors.products).all()


def test_a_timeout_of_an_unknown_limit_is_final(tmp_path, monkeypatch):
    monkeypatch.setattr(module, "call_with_limit", stop_neighbours)
    whole = collect({"iris": IRIS}, CHEAP, time_limit=5, checkpoint=tmp_path)
    journal = tmp_path / "iris.jsonl"
    told = journal.read_text()
    journal.write_text(told.replace(', "time_limit": 5.0', ""))
    assert journal.read_text() != told
    assert collect({"iris": IRIS}, CHEAP, time_limit=None, checkpoint=tmp_path) == whole


@pytest.mark.parametrize("content", [b"not json\n", b"[1]\n", b"\xff\xfe\n"])
def test_a_file_that_is_no_journal_is_refused_and_kept(tmp_path, content):
    (tmp_path / "iris.jsonl").write_bytes(content)
    with pytest.raises(ValueError, match=r"iris\.jsonl"):
        collect({"iris": IRIS}, CHEAP[:1], time_limit=None, checkpoint=tmp_path)
    assert (tmp_path / "iris.jsonl").read_bytes() == content


def test_a_damaged_line_is_named(tmp_path):
    collect({"iris": IRIS}, CHEAP, time_limit=None, checkpoint=tmp_path)
    journal = tmp_path / "iris.jsonl"
    lines = journal.read_text().splitlines(keepends=True)
    journal.write_text("".join([*lines[:2], '{"task": "iris"}\n', *lines[3:]]))
    with pytest.raises(ValueError, match=r"iris\.jsonl, line 3: This is no line .*Delete the line"):
        collect({"iris": IRIS}, CHEAP, time_limit=None, checkpoint=tmp_path)


@pytest.mark.parametrize("name", ["openml/31", "..", "a:b*c?", "ünï cödé", "x" * 60, 31])
def test_task_names_that_are_no_file_names(tmp_path, name):
    folder = tmp_path / "journals"
    kb = collect({name: IRIS}, CHEAP[:1], time_limit=None, checkpoint=folder)
    assert kb.tasks == (name,)
    assert len(list(folder.glob("*.jsonl"))) == len(list(tmp_path.rglob("*.jsonl"))) == 1
    assert collect({name: IRIS}, CHEAP[:1], time_limit=None, checkpoint=folder) == kb


PROGRAM = """
import sys
import numpy as np
from sklearn.datasets import load_iris
from sklmeta import Configuration, collect

X, y = load_iris(return_X_y=True)
tasks = {f"t{i}": (X + i, np.roll(y, 17 * i)) for i in range(4)}
configurations = [Configuration("k_neighbors", {"n_neighbors": k}) for k in range(1, 13)]
collect(tasks, configurations, checkpoint=sys.argv[1], time_limit=None,
        progress=lambda line: print("done", flush=True))
print("finished", flush=True)
"""


@pytest.mark.skipif(os.name != "posix", reason="kills a program with SIGKILL")
def test_killed_at_any_moment_it_goes_on(tmp_path):
    folder, program = tmp_path / "journals", tmp_path / "program.py"
    program.write_text(PROGRAM)
    dice = random.Random(0)
    printed, kills, finished = 0, 0, False
    while not finished:
        command = [sys.executable, str(program), str(folder)]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        to_live = dice.randint(1, 14) if kills < 3 else 1000
        for line in process.stdout:
            finished = line == "finished\n"
            printed += not finished
            to_live -= 1
            if not to_live:
                time.sleep(dice.uniform(0, 0.05))
                os.kill(process.pid, signal.SIGKILL)
                kills += 1
                break
        process.stdout.close()
        process.wait()
    assert kills == 3
    found = lines_of(folder)
    assert len(found) == len(set(found)) == 48, "nothing lost and nothing done twice"
    assert printed <= 48
    namespace = {}
    exec(PROGRAM.split("collect(tasks")[0], namespace)
    resumed = collect(namespace["tasks"], namespace["configurations"], checkpoint=folder, time_limit=None)
    assert_same_measurements(resumed, collect(namespace["tasks"], namespace["configurations"], time_limit=None))


def test_an_interrupted_call_keeps_what_it_has(tmp_path):
    def interrupt(line):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        collect(tasks(), CHEAP, time_limit=None, checkpoint=tmp_path, progress=interrupt)
    assert len(lines_of(tmp_path)) == 1


# -- how errors go together ----------------------------------------------------------------------------------


def test_joint_errors_are_written_when_a_task_is_done(tmp_path):
    collect(tasks(), CHEAP, task="classification", checkpoint=tmp_path, joint_errors=True, time_limit=LONG)
    for name in tasks():
        configurations, products = read_joint_errors(tmp_path / f"{name}.jsonl")
        assert configurations == CHEAP
        assert products.shape == (3, 3)
    kb = collect(tasks(), CHEAP, task="classification", checkpoint=tmp_path, joint_errors=True)
    np.testing.assert_allclose(np.diag(products), -kb.scores("neg_brier_score")[-1], rtol=0.02)


def test_a_task_without_joint_errors_is_evaluated_anew_and_written_once(tmp_path):
    first = collect(tasks(), CHEAP, task="classification", checkpoint=tmp_path, joint_errors=True, time_limit=None)
    journal = tmp_path / "two.jsonl"
    whole = journal.read_text().splitlines()
    journal.write_text("\n".join(whole[:-2]) + "\n")  # a kill came before the last evaluation
    again = collect(tasks(), CHEAP, task="classification", checkpoint=tmp_path, joint_errors=True, time_limit=None)
    assert_same_measurements(first, again)
    assert len(lines_of(tmp_path)) == 9
    assert journal.read_text().splitlines()[-1] == whole[-1]


def test_joint_errors_leave_out_what_failed(tmp_path):
    broken = Configuration("k_neighbors", {"n_neighbors": 10_000})
    every = [broken, *CHEAP]
    kb = collect({"iris": IRIS}, every, checkpoint=tmp_path, joint_errors=True, time_limit=None)
    assert read_joint_errors(tmp_path / "iris.jsonl")[0] == CHEAP
    unknown = np.isnan(kb.joint_errors.products[0])
    assert unknown[0].all()
    assert not unknown[1:, 1:].any()


def test_joint_errors_are_known_the_same_in_memory_from_the_journal_and_of_a_part(tmp_path):
    direct = collect(tasks(), CHEAP, task="classification", joint_errors=True, time_limit=None).joint_errors
    assert direct.tasks == tuple(tasks())
    for _ in range(2):
        kb = collect(tasks(), CHEAP, task="classification", checkpoint=tmp_path, joint_errors=True, time_limit=None)
    assert kb.joint_errors.configurations == direct.configurations == tuple(CHEAP)
    np.testing.assert_allclose(kb.joint_errors.products, direct.products, rtol=1e-4)
    part = collect(tasks(), CHEAP[1:], task="classification", checkpoint=tmp_path, joint_errors=True, time_limit=None)
    np.testing.assert_array_equal(part.joint_errors.products, kb.joint_errors.products[:, 1:, 1:])


def test_joint_errors_are_measured_only_where_they_are_asked_for(tmp_path):
    assert collect({"iris": IRIS}, CHEAP, checkpoint=tmp_path).joint_errors is None
    assert read_joint_errors(tmp_path / "iris.jsonl") is None


@pytest.mark.parametrize("time_limit", ["60", float("nan"), 0, True, -1.0])
def test_a_limit_that_is_no_time_is_nobody_elses_failure(tmp_path, time_limit):
    with pytest.raises(ValueError, match="time_limit must be seconds above 0 or None"):
        collect({"iris": IRIS}, CHEAP, time_limit=time_limit, checkpoint=tmp_path)
    assert not list(tmp_path.iterdir())


def test_numbers_may_be_numpys(tmp_path):
    how = {"cv": np.int64(3), "random_state": np.int64(0), "max_rows": np.int64(100), "time_limit": None}
    first = collect({"iris": IRIS}, np.int64(1), checkpoint=tmp_path, **how)
    assert first == collect({"iris": IRIS}, 1, cv=3, random_state=0, max_rows=100, time_limit=None, checkpoint=tmp_path)


@pytest.mark.parametrize(
    ("broken", "message"),
    [
        (pd.DataFrame({"a": range(4), "target": list("xxyy")}), "'z' cannot be evaluated: .*n_splits=3"),
        (pd.DataFrame({"target": [0, 1] * 20}), "'z' cannot be evaluated: there is no column beside the target"),
    ],
)
def test_a_table_that_can_never_be_evaluated_is_named_before_any_is(tmp_path, broken, message):
    pd.DataFrame({"a": range(40), "target": [0, 1] * 20}).to_csv(tmp_path / "a.csv", index=False)
    broken.to_csv(tmp_path / "z.csv", index=False)
    told = []
    with pytest.raises(ValueError, match=message):
        collect(tmp_path, CHEAP, task="classification", time_limit=None, progress=told.append)
    assert told == []


def test_a_journal_of_a_long_name_has_a_short_one_of_its_own(tmp_path):
    names = ["\u044f" * 60, "\u044f" * 60 + "2"]
    files = {journal_of(tmp_path, name).name for name in names}
    assert len(files) == 2
    assert max(map(len, files)) < 255
    kb = collect(dict.fromkeys(names, IRIS), CHEAP[:1], time_limit=None, checkpoint=tmp_path)
    assert kb == collect(dict.fromkeys(names, IRIS), CHEAP[:1], time_limit=None, checkpoint=tmp_path)


def test_a_damaged_journal_is_named(tmp_path):
    collect({"iris": IRIS}, CHEAP[:1], time_limit=None, checkpoint=tmp_path)
    (tmp_path / "other.jsonl").write_text("no json\n")
    with pytest.raises(ValueError, match=r"other\.jsonl is no journal that sklmeta\.collect wrote"):
        measured_in(tmp_path)
