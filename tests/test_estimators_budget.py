"""Time budgets, interruptions, warm starts, and what becomes of the candidates."""

import multiprocessing
import pickle
import subprocess
import sys
import time
import warnings
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from doubles import FEW_TREES
from scipy.stats import loguniform
from sklearn.base import BaseEstimator, ClassifierMixin, clone
from sklearn.datasets import load_breast_cancer, load_diabetes, load_iris
from sklearn.ensemble import RandomForestClassifier, RandomForestRegressor, VotingClassifier
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.metrics import accuracy_score, get_scorer, log_loss, make_scorer
from sklearn.model_selection import GridSearchCV, RepeatedStratifiedKFold, cross_val_predict
from sklearn.naive_bayes import GaussianNB
from sklearn.neural_network import MLPClassifier
from sklearn.svm import SVC, SVR
from sklearn.tree import DecisionTreeClassifier

import sklmeta.estimators
from sklmeta import MetaClassifier, MetaEstimator, MetaRegressor
from sklmeta.blends import Average, Stack
from sklmeta.exceptions import EvaluationWarning
from sklmeta.preprocessing import TabularPreprocessor
from sklmeta.search import STOPPED, Clock, Past

CANCER = load_breast_cancer(return_X_y=True)
DIABETES = load_diabetes(return_X_y=True)
CHEAP = [("lr", LogisticRegression(max_iter=500)), ("nb", GaussianNB())]
CHEAP_REGRESSORS = [("ridge", Ridge()), ("svr", SVR())]


class Sleeper(ClassifierMixin, BaseEstimator):
    """Takes its time to learn what is most frequent."""

    def __init__(self, seconds=0.0, level=0.5):
        self.seconds = seconds
        self.level = level

    def fit(self, X, y):
        time.sleep(self.seconds)
        self.classes_ = np.unique(y)
        return self

    def predict_proba(self, X):
        return np.column_stack([np.full(len(X), 1 - self.level), np.full(len(X), self.level)])

    def predict(self, X):
        return self.classes_[self.predict_proba(X).argmax(axis=1)]


class Interrupting(GaussianNB):
    """Someone presses Ctrl-C during one of its fits."""

    fits = 0
    stop_at = 10**9

    def fit(self, X, y, sample_weight=None):
        type(self).fits += 1
        if self.fits == self.stop_at:
            raise KeyboardInterrupt
        return super().fit(X, y, sample_weight)


class BreaksOnAll(GaussianNB):
    """Can be fitted on folds only."""

    def __init__(self, n_rows=0, var_smoothing=1e-4):
        super().__init__(var_smoothing=var_smoothing)
        self.n_rows = n_rows

    def fit(self, X, y, sample_weight=None):
        if len(X) == self.n_rows:
            raise RuntimeError("not that many")
        return super().fit(X, y, sample_weight)


@pytest.fixture
def interrupted():
    def stop_at(n):
        Interrupting.fits, Interrupting.stop_at = 0, n
        space = {"var_smoothing": [1e-9, 1e-6, 1e-4, 1e-2, 0.1]}
        return MetaEstimator(Interrupting(), param_distributions=space, knowledge=None, n_iter=5, cv=3, random_state=0)

    return stop_at


# -- a budget in seconds ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("n_jobs", [1, 2])
def test_a_search_in_a_budget_leaves_nothing_behind(n_jobs):
    X, y = CANCER
    children = set(multiprocessing.active_children())
    meta = MetaClassifier(n_iter=4, time_budget=120, n_jobs=n_jobs, random_state=0, scoring="roc_auc").fit(X, y)
    assert set(multiprocessing.active_children()) <= children
    assert meta.n_evaluations_ >= 1
    assert meta.n_evaluations_ == list(meta.cv_results_["status"]).count("ok")
    assert meta.score(X, y) > 0.98
    assert meta.best_score_ == np.nanmax(meta.cv_results_["mean_test_score"])


AFTER_THREADS = """
import multiprocessing
import pickle
from sklearn.datasets import load_breast_cancer
from sklearn.ensemble import HistGradientBoostingClassifier, VotingClassifier
from sklearn.metrics import accuracy_score, make_scorer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklmeta import MetaClassifier

X, y = (part[::2] for part in load_breast_cancer(return_X_y=True))
HistGradientBoostingClassifier(max_iter=5).fit(X, y)  # OpenMP's threads are there now, and a copy has none of them

def kinds(members, **settings):
    seen = set()
    def look(progress):
        seen.update(type(child).__name__ for child in multiprocessing.active_children())
        return progress.n_evaluated >= 2
    meta = MetaClassifier(members, time_budget=60, n_jobs=2, cv=2, callback=look, random_state=0, **settings).fit(X, y)
    print(*sorted(seen), meta.score(X, y) > 0.9, *set(meta.cv_results_["status"]) - {"incomplete"})

boosting = HistGradientBoostingClassifier()
kinds(boosting)
kinds(make_pipeline(StandardScaler(), boosting))
kinds(boosting, scoring=make_scorer(accuracy_score))
kinds(VotingClassifier([("any", boosting)]))
"""


@pytest.mark.skipif(sys.platform != "linux", reason="processes are copied on Linux only")
def test_children_are_copies_where_all_in_them_is_known_to_survive_it():
    done = subprocess.run([sys.executable, "-c", AFTER_THREADS], capture_output=True, text=True, timeout=300)
    assert done.stdout.splitlines() == ["ForkProcess True ok", *["LokyProcess True ok"] * 3], done.stderr


def test_what_is_incomplete_is_never_chosen():
    X, y = CANCER
    members = [("quick", GaussianNB()), ("slow", Sleeper(seconds=3600.0, level=0.99))]
    with warnings.catch_warnings(record=True):
        warnings.simplefilter("always")
        # slow is stopped after a third of it: on a loaded machine a new process takes seconds to start
        meta = MetaEstimator(members, knowledge=None, n_iter=2, time_budget=16, n_jobs=2, random_state=0).fit(X, y)
    status = dict(zip(meta.cv_results_["estimator"], meta.cv_results_["status"], strict=True))
    assert status["slow"] == "timeout"
    assert meta.best_params_.keys() <= {"quick__var_smoothing"}
    slow = meta.cv_results_["estimator"] == "slow"
    assert np.isnan(meta.cv_results_["mean_test_score"][slow]).all()


def test_a_budget_is_used_and_kept():
    started = time.monotonic()
    meta = MetaRegressor(time_budget=10, n_jobs=2, random_state=0).fit(*DIABETES)
    assert 5 < time.monotonic() - started < 35  # a loaded machine is slow to start processes; benchmarks measure more
    assert meta.n_evaluations_ >= 2


def test_a_budget_too_short_for_anything_still_gives_a_model():
    X, y = CANCER
    with pytest.warns(EvaluationWarning, match="too short to evaluate even one configuration"):
        meta = MetaEstimator(
            [("slow", Sleeper(seconds=0.7)), ("slower", Sleeper(seconds=3600.0))],
            knowledge=None,
            time_budget=3,
            random_state=0,
        ).fit(X, y)
    assert meta.predict(X).shape == y.shape
    assert np.isnan(meta.best_score_)
    assert meta.n_evaluations_ == 0


def broken(estimator, X, y):
    raise RuntimeError("a scorer of one's own")


def no_number(estimator, X, y):
    return None


@pytest.mark.parametrize(
    ("scoring", "message"), [(broken, "a scorer of one's own"), (no_number, "must return a number")]
)
def test_where_everything_fails_that_is_said_and_soon(scoring, message):
    X, y = CANCER
    meta = MetaEstimator(CHEAP, time_budget=60, scoring=scoring, n_jobs=2, random_state=0)
    started = time.monotonic()
    with pytest.raises(ValueError, match=f"All configurations failed.*{message}"):
        meta.fit(X, y)
    assert time.monotonic() - started < 40


def test_one_that_fails_ends_no_search():
    X, y = CANCER
    members = [("bad", BreaksOnAll(n_rows=455)), ("nb", GaussianNB())]
    meta = MetaEstimator(members, time_budget=4, cv=5, knowledge=None, random_state=0)
    with pytest.warns(EvaluationWarning, match="configurations failed"):
        meta.fit(X, y)
    assert meta.score(X, y) > 0.9


def test_a_first_one_of_unknown_cost_leaves_time_for_others():
    X, y = CANCER
    members = [("slow", Sleeper(seconds=3600.0)), ("quick", GaussianNB())]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        meta = MetaEstimator(members, knowledge=None, n_iter=2, time_budget=25, n_jobs=1, random_state=0).fit(X, y)
    assert "quick" in meta.cv_results_["estimator"][meta.cv_results_["status"] == "ok"]
    assert meta.score(X, y) > 0.9


def test_where_nothing_can_be_fitted_that_is_said():
    X, y = CANCER
    slow = MetaEstimator(Sleeper(seconds=3600.0), knowledge=None, time_budget=5, random_state=0)
    started = time.monotonic()
    with pytest.raises(TimeoutError, match="Nothing could be fitted within the time budget, not even sleeper on 200"):
        slow.fit(X, y)
    assert time.monotonic() - started < 9, "a process is started for the last try while the first one runs"


def test_a_budget_too_short_to_start_a_process_is_enough_for_all_rows_of_a_member_of_one_s_own():
    X, y = CANCER
    with pytest.warns(EvaluationWarning, match=f"own, which fits quickly, on {len(y)} of {len(y)} rows"):
        MetaEstimator([("own", Sleeper())], knowledge=None, time_budget=0.1, random_state=0).fit(X, y)


def test_choosing_members_by_a_slow_metric_ends_in_time():
    X, y = CANCER

    def slowly(y, predicted):
        time.sleep(0.02)
        return accuracy_score(y, predicted)

    scoring = make_scorer(slowly)
    started = time.monotonic()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        meta = MetaClassifier(CHEAP, scoring=scoring, time_budget=8, random_state=0).fit(X[::2], y[::2])
    assert time.monotonic() - started < 20
    assert meta.score(X, y) > 0.9


def test_a_metric_too_slow_to_choose_members_by_leaves_that_to_another():
    X, y = CANCER

    def very_slowly(estimator, X, y):
        time.sleep(0.4)
        return estimator.score(X, y)

    meta = MetaEstimator(CHEAP, scoring=very_slowly, time_budget=6, random_state=0)
    with pytest.warns(EvaluationWarning, match="too long for the time that is left; the ensemble is chosen by neg_log"):
        meta.fit(X[::2], y[::2])
    assert meta.score(X[1::2], y[1::2]) > 0.9


@pytest.mark.parametrize("budget", [0, -1.0, "soon", float("nan"), float("inf"), True])
def test_a_budget_is_a_number_of_seconds(budget):
    with pytest.raises(ValueError, match="time_budget must be seconds above 0 or None"):
        MetaClassifier(time_budget=budget).fit(*CANCER)


def test_large_tables_are_evaluated_on_a_part_of_the_rows():
    rng = np.random.RandomState(0)
    X = rng.randn(60_000, 10)
    y = (X[:, 0] + X[:, 1] * X[:, 2] > 0).astype(int)
    y[:50] = 2  # a rare class is not lost
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        meta = MetaClassifier(time_budget=15, n_jobs=2, random_state=0).fit(X, y)
    assert meta.predict_proba(X[:5]).shape == (5, 3)
    assert meta.n_splits_ == 1
    assert accuracy_score(y[:2000], meta.predict(X[:2000])) > 0.6


def all_count(y):
    return sklmeta.estimators._Counting.of({}, {}, len(y))


@pytest.mark.parametrize(("n_rows", "n_splits"), [(4_999, 5), (5_000, 3), (50_000, 1)])
def test_a_budget_is_spent_on_candidates_rather_than_folds_where_rows_are_many(n_rows, n_splits):
    for face, y in ((MetaClassifier, np.arange(n_rows) % 2), (MetaRegressor, np.arange(n_rows) * 1.0)):
        splits = face(time_budget=10)._splits(y[:, None], y, {}, all_count(y))
        assert len(splits) == n_splits
        assert all(len(test) == pytest.approx(n_rows / 5, abs=1) for _, test in splits)
        assert face()._splitter(y).get_n_splits() == 5
    lonely = np.append(np.arange(50_000) % 2, 2)  # a class of one row cannot be in both parts
    with pytest.warns(UserWarning, match="least populated class"):
        assert len(MetaClassifier(time_budget=10)._splits(lonely[:, None], lonely, {}, all_count(lonely))) == 1


def affordable(meta, y, seconds, budget=60.0, n_workers=2):
    """The folds, where every candidate takes so long on each."""
    candidates = [SimpleNamespace(configuration=None)] * 18
    costs = SimpleNamespace(seconds=lambda configuration, n_rows: seconds)
    advice = SimpleNamespace(recommend=lambda n: candidates, costs=costs)
    splits = meta._splits(y[:, None], y, {}, all_count(y))
    clock = None if meta.time_budget is None else Clock(budget, time.monotonic())
    return meta._affordable(splits, y, all_count(y), advice, clock, n_workers)


@pytest.mark.parametrize(
    ("seconds", "n_splits"),
    # two workers, seven tenths of 60 s: 84 s, for 40 candidates on 15, or on 10 folds, or for 8 on 5
    [(0.13, 15), (0.15, 10), (0.20, 10), (0.22, 5), (2.0, 5), (2.2, 4), (9.0, 2), (np.nan, 5)],
)
def test_folds_are_repeated_where_time_is_plenty_and_fewer_where_it_is_short(seconds, n_splits):
    for face, y in ((MetaClassifier, np.arange(200) % 2), (MetaRegressor, np.arange(200) * 1.0)):
        splits = affordable(face(time_budget=60), y, seconds)
        assert len(splits) == n_splits
        for start in range(0, n_splits, 5):  # each time all rows are dealt out, in another way
            tests = np.concatenate([test for _, test in splits[start : start + 5]])
            assert len(tests) == len(set(tests)) == (200 if n_splits >= 5 else 40 * n_splits)
        assert len({test.tobytes() for _, test in splits}) == n_splits


@pytest.mark.parametrize("others", [{"cv": 5}, {"time_budget": None}, {"n_iter": 39}])
def test_folds_are_not_repeated_unasked(others):
    y = np.arange(200) % 2
    assert len(affordable(MetaClassifier(**{"time_budget": 60, **others}), y, 0.001)) == 5


def test_folds_of_many_rows_are_not_repeated():
    assert len(affordable(MetaClassifier(time_budget=60), np.arange(5_000) % 2, 0.001)) == 3


def test_repeated_folds_give_a_model_that_is_as_good(monkeypatch):
    monkeypatch.setattr(sklmeta.estimators, "_MANY", 1)
    X, y = load_iris(return_X_y=True)
    meta = MetaClassifier(CHEAP, time_budget=6, random_state=0).fit(X, y)
    assert meta.n_splits_ == 15
    assert len(meta.leaderboard()) == len(meta.cv_results_["params"])
    assert meta.cv_results_["mean_test_score"][meta.best_index_] > 0.9
    assert log_loss(y, meta.predict_proba(X)) < 0.2


class Recording(Average):
    """Remembers what it was asked to judge averages by."""

    def combine(self, predictions, y, *, rows, folds, **others):
        self.rows, self.folds = rows, folds
        return super().combine(predictions, y, rows=rows, folds=folds, **others)


def test_each_round_of_repeated_folds_has_its_say_in_the_average(monkeypatch):
    X, y = CANCER
    cv = RepeatedStratifiedKFold(n_splits=3, n_repeats=2, random_state=0)
    for most, rounds in ((5_000, 2), (1_000, 1)):
        monkeypatch.setattr("sklmeta.conclusion._MANY_LOOKS", most)
        ensemble = Recording()
        meta = MetaClassifier(CHEAP, n_iter=2, cv=cv, ensemble=ensemble, random_state=0).fit(X, y)
        assert meta.n_splits_ == 6
        assert len(ensemble.folds) == 3 * rounds
        np.testing.assert_array_equal(np.bincount(ensemble.rows), np.full(len(y), rounds))


# -- Ctrl-C ----------------------------------------------------------------------------------------------------------


def test_ctrl_c_keeps_the_best_so_far(interrupted):
    X, y = CANCER
    with pytest.warns(EvaluationWarning, match="The search was interrupted"):
        meta = interrupted(8).fit(X, y)  # in the third of five candidates
    assert meta.n_evaluations_ == 2
    assert list(meta.cv_results_["status"][:3]) == ["ok", "ok", "incomplete"]
    assert meta.score(X, y) > 0.9
    assert Interrupting.fits == 8  # nothing more was fitted


def test_ctrl_c_before_anything_was_found_out_ends_fit(interrupted):
    with pytest.raises(KeyboardInterrupt):
        interrupted(2).fit(*CANCER)


@pytest.mark.parametrize("last", [1, 5])  # batches: in the first fold, or once three folds of three are done
def test_ctrl_c_in_a_network_which_ends_that_with_a_warning(monkeypatch, last):
    X, y = CANCER[0][:90], CANCER[1][:90]
    done, backprop = [], MLPClassifier._backprop

    def interrupted(self, *args):
        done.append(1)
        if len(done) == last:
            raise KeyboardInterrupt
        return backprop(self, *args)

    monkeypatch.setattr(MLPClassifier, "_backprop", interrupted)
    member = MLPClassifier(hidden_layer_sizes=(2,), max_iter=1, batch_size=60)
    meta = MetaEstimator(member, knowledge=None, n_iter=2, cv=[(np.arange(60), np.arange(60, 90))] * 2, random_state=0)
    if last == 1:
        with pytest.raises(KeyboardInterrupt):
            meta.fit(X, y)
        return
    with pytest.warns(EvaluationWarning, match="Fitting the model on all rows was interrupted"):
        meta.fit(X, y)  # four folds of a batch each, and then the model
    assert list(meta.cv_results_["status"]) == ["ok", "ok"]


def test_ctrl_c_while_members_are_chosen_leaves_the_best(interrupted, monkeypatch):
    X, y = CANCER

    class Interrupted(Average):
        def combine(self, *args, **others):
            raise KeyboardInterrupt

    meta = interrupted(10**9).set_params(ensemble=Interrupted())
    with pytest.warns(EvaluationWarning, match="Choosing the model's members was interrupted"):
        meta.fit(X, y)
    assert Interrupting.fits == 15, "nothing more was fitted"
    assert meta.score(X, y) > 0.85


def test_ctrl_c_after_a_warm_start_still_gives_a_model(interrupted):
    X, y = CANCER
    meta = interrupted(10**9).set_params(n_iter=2, warm_start=True).fit(X, y)
    Interrupting.stop_at = Interrupting.fits + 1
    with pytest.warns(EvaluationWarning, match="The search was interrupted"):
        meta.set_params(n_iter=5).fit(X, y)
    assert meta.n_evaluations_ == 2
    assert meta.score(X, y) > 0.85


def test_a_fit_that_breaks_at_the_end_says_why():
    X, y = CANCER
    breaks = MetaEstimator(BreaksOnAll(n_rows=len(y)), knowledge=None, n_iter=1, cv=3, ensemble="best")
    with pytest.warns(EvaluationWarning, match=r"1 mean of fold models\. The first error: RuntimeError: not"):
        breaks.fit(X, y)
    assert breaks.score(X, y) > 0.85


def test_ctrl_c_in_the_last_fit_leaves_the_fold_models(interrupted):
    X, y = CANCER
    with pytest.warns(EvaluationWarning, match="mean of fold models"):
        meta = interrupted(16).fit(X, y)
    assert meta.n_evaluations_ == 5
    assert meta.score(X, y) > 0.85


def test_fold_models_that_stand_in_share_what_prepares_their_fold(monkeypatch):
    X, y = CANCER
    members = [
        (name, BreaksOnAll(n_rows=len(y), var_smoothing=v)) for name, v in (("a", 1e-9), ("b", 1e-3), ("c", 1.0))
    ]
    meta = MetaEstimator(members, knowledge=None, n_iter=3, time_budget=20, ensemble=Stack(), random_state=0)
    with pytest.warns(EvaluationWarning, match=r"[23] mean of fold models"):
        blend = meta.fit(X, y).ensemble_
    models = [model for mean in blend.estimators_ for model in mean.estimators_]
    by_hand = np.array([np.mean([m.predict_proba(X) for m in mean.estimators_], axis=0) for mean in blend.estimators_])
    transformed = []
    real = TabularPreprocessor.transform
    monkeypatch.setattr(TabularPreprocessor, "transform", lambda self, X: transformed.append(1) or real(self, X))
    np.testing.assert_allclose(blend.predict_proba(X), blend.blend(by_hand))
    assert len(transformed) == len(blend.estimators_[0].estimators_) < len(models)


# -- going on --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("n_jobs", [1, 2])
def test_a_callback_ends_the_search(n_jobs):
    X, y = CANCER
    told = []

    def enough(progress):
        told.append(progress)
        return progress.best_score > 0.9

    meta = MetaClassifier(CHEAP, n_iter=6, callback=enough, n_jobs=n_jobs, random_state=0)
    with pytest.warns(EvaluationWarning, match="The callback ended the search"):
        meta.fit(X, y)
    assert told[-1].best_score > 0.9
    assert meta.n_evaluations_ < 6
    assert meta.score(X, y) > 0.9
    assert meta.best_score_ == pytest.approx(max(one.score for one in told))


def test_a_callback_that_says_nothing_changes_nothing():
    X, y = CANCER
    told = []
    MetaClassifier(CHEAP, n_iter=3, callback=told.append, random_state=0).fit(X, y)
    assert [one.n_evaluated for one in told] == [1, 2, 3]
    assert {one.estimator for one in told} <= {name for name, _ in CHEAP}
    with pytest.raises(ValueError, match="callback must be callable"):
        MetaClassifier(CHEAP, callback="stop").fit(X, y)
    with pytest.raises(ValueError, match=r"callback must return something true or false, got array\(\["):
        MetaClassifier(CHEAP, n_iter=1, cv=2, callback=lambda progress: np.zeros(2)).fit(*CANCER)


def test_a_warm_start_evaluates_the_rest_and_ends_like_one_fit(interrupted):
    X, y = CANCER
    meta = interrupted(10**9).set_params(n_iter=2, warm_start=True).fit(X, y)
    before = Interrupting.fits
    meta.set_params(n_iter=5).fit(X, y)
    assert Interrupting.fits - before <= 3 * 3 + 5  # three candidates on three folds, and the members on all rows
    whole = clone(meta).set_params(warm_start=False).fit(X, y)
    assert meta.cv_results_["params"] == whole.cv_results_["params"]
    np.testing.assert_array_equal(meta.cv_results_["mean_test_score"], whole.cv_results_["mean_test_score"])
    np.testing.assert_allclose(meta.predict_proba(X), whole.predict_proba(X))


def test_a_warm_start_fits_no_member_again_that_is_fitted(interrupted):
    X, y = CANCER
    meta = interrupted(10**9).set_params(warm_start=True).fit(X, y)
    fits, before = Interrupting.fits, meta.predict_proba(X)
    meta.fit(X, y)
    assert Interrupting.fits == fits
    assert np.isfinite(meta.refit_time_)
    np.testing.assert_array_equal(meta.predict_proba(X), before)


def test_ctrl_c_in_a_warm_start_leaves_what_it_started_from(interrupted):
    X, y = CANCER
    meta = interrupted(10**9).set_params(n_iter=2, warm_start=True).fit(X, y)
    before = meta.predict_proba(X)
    Interrupting.fits, Interrupting.stop_at = 0, 1  # in the first fold of the third
    with pytest.warns(EvaluationWarning):
        meta.set_params(n_iter=5).fit(X, y)
    assert Interrupting.fits == 1  # nothing is fitted after it
    np.testing.assert_array_equal(meta.predict_proba(X), before)


def test_where_size_is_capped_no_mean_of_fold_models_stands_in(interrupted):
    X, y = CANCER
    space = {"min_samples_leaf": [1, 2, 4]}
    members = [("trees", RandomForestClassifier(n_estimators=20, random_state=0))]

    def size_of(blend):
        def stop(progress):
            raise KeyboardInterrupt

        meta = MetaEstimator(
            members, param_distributions=space, knowledge=None, n_iter=3, ensemble=blend, callback=stop
        )
        with pytest.warns(EvaluationWarning):
            meta.fit(X, y)
        return len(pickle.dumps(meta.ensemble_)) / 1e6

    alone = len(pickle.dumps(RandomForestClassifier(n_estimators=20, random_state=0).fit(X, y))) / 1e6
    assert size_of(Average()) > 3 * alone
    assert size_of(Average(max_size=1.5 * alone)) < 1.5 * alone


def test_nothing_to_choose_from_is_said_without_a_refit():
    X, y = CANCER
    with pytest.warns(EvaluationWarning, match="refit is False: there is no model"):
        meta = MetaClassifier(time_budget=0.05, refit=False, random_state=0).fit(X, y)
    assert meta.n_evaluations_ == 0


def test_a_warm_start_goes_on_from_a_file(tmp_path):
    X, y = CANCER
    space = {"C": loguniform(1e-2, 1e2)}
    meta = MetaEstimator(LogisticRegression(), param_distributions=space, knowledge=None, n_iter=2, warm_start=True)
    pickled = pickle.dumps(meta.set_params(random_state=0).fit(X, y))
    seen = []
    pickle.loads(pickled).set_params(n_iter=3, callback=seen.append).fit(X, y)
    assert len(seen) == 1  # the third


def folds(n, n_train):
    return [(np.arange(n_train), np.arange(n_train, n_train + 10))] * n


PAST = Past("of the data", folds(5, 800), ["fast", "slow", "hopeless"], {1: STOPPED, 2: "a fold of it failed"}, 10.0)


def test_a_warm_start_with_more_time_gives_what_was_stopped_another_chance():
    again = PAST.for_a_budget(60.0)
    assert (again.evaluated, again.given_up) == (["fast", "hopeless"], {1: "a fold of it failed"})
    assert PAST.for_a_budget(np.inf).evaluated == again.evaluated
    for seconds in (10.0, 5.0):
        assert PAST.for_a_budget(seconds) is PAST


@pytest.mark.parametrize(
    ("then", "now", "anew"),
    [
        (folds(1, 100), folds(5, 800), True),
        (folds(2, 400), folds(2, 800), True),
        (folds(1, 800), folds(2, 800), True),
        (folds(2, 800), folds(5, 800), False),  # of use as it is
        (folds(5, 800), folds(2, 800), False),
        (folds(5, 800), folds(1, 100), False),
        (folds(1, 100), folds(1, 100), False),
        (folds(5, 800), folds(15, 800), False),
    ],
)
def test_a_warm_start_with_more_time_is_not_left_with_the_folds_of_an_emergency(then, now, anew):
    past = replace(PAST, splits=then)
    if not anew:
        assert sklmeta.estimators._unless_in_need(past, folds(5, 800), now) is past
        return
    message = f"had no time for more than {len(then)} folds of {len(then[0][0])} training rows, and there is for"
    with pytest.warns(EvaluationWarning, match=message):
        begun = sklmeta.estimators._unless_in_need(past, folds(5, 800), now)
    assert (begun.fingerprint, begun.evaluated, begun.given_up) == ("of the data", (), {})


def test_a_warm_start_on_other_data_begins_anew():
    X, y = CANCER
    meta = MetaEstimator(GaussianNB(), knowledge=None, n_iter=2, warm_start=True, random_state=0).fit(X, y)
    with pytest.warns(EvaluationWarning, match="evaluated anew"):
        meta.fit(X[:300], y[:300])
    assert meta.n_evaluations_ == 2
    assert meta.n_features_in_ == 30


# -- from candidates to a model --------------------------------------------------------------------------------------


@pytest.mark.parametrize("ensemble", ["average", "stack", "best", Average(max_members=2), Stack(max_members=3)])
@pytest.mark.parametrize(("face", "data"), [(MetaClassifier, CANCER), (MetaRegressor, DIABETES)])
def test_every_way_to_a_model(ensemble, face, data):
    X, y = data[0][:200], data[1][:200]
    meta = face(n_iter=4, cv=2, ensemble=ensemble, random_state=0).set_params(**FEW_TREES).fit(X, y)
    assert meta.score(X, y) > (0.9 if face is MetaClassifier else 0.3)
    assert hasattr(meta, "ensemble_") == (ensemble != "best")
    model = meta.best_estimator_ if ensemble == "best" else meta.ensemble_
    np.testing.assert_array_equal(meta.predict(X), model.predict(X))
    if isinstance(ensemble, Average):
        assert len(meta.ensemble_.estimators) <= 2
    assert meta.get_params()["ensemble"] is ensemble


def test_the_average_is_what_its_members_say():
    X, y = CANCER
    meta = MetaEstimator(
        [("lr", LogisticRegression(max_iter=500)), ("nb", GaussianNB())],
        n_iter=6,
        knowledge=None,
        scoring="neg_log_loss",
        ensemble=Average(calibrate=False),
        random_state=0,
    ).fit(X, y)
    shares = meta.ensemble_.blend.shares
    by_hand = sum(w * e.predict_proba(X) for w, (_, e) in zip(shares, meta.ensemble_.estimators, strict=True))
    np.testing.assert_allclose(meta.predict_proba(X), by_hand)
    assert shares.sum() == pytest.approx(1)
    board = meta.leaderboard()
    assert board["weight"].sum() == pytest.approx(1)
    assert sorted(board["weight"][board["weight"] > 0]) == pytest.approx(sorted(shares))


def test_the_average_is_chosen_by_the_users_metric():
    X, y = CANCER
    seen = []

    def metric(truth, probabilities):
        seen.append(len(truth))
        return -log_loss(truth, probabilities)

    scorer = make_scorer(metric, response_method="predict_proba")
    meta = MetaClassifier(CHEAP, n_iter=3, scoring=scorer, random_state=0, cv=3).fit(X, y)
    named = clone(meta).set_params(scoring="neg_log_loss").fit(X, y)
    np.testing.assert_allclose(meta.cv_results_["mean_test_score"], named.cv_results_["mean_test_score"])
    np.testing.assert_allclose(meta.predict_proba(X), named.predict_proba(X))
    assert len(seen) > 9


def test_of_many_rows_all_that_were_tested_choose_the_average(monkeypatch):
    monkeypatch.setattr("sklmeta.conclusion._SOME_ROWS", 40)
    X, y = CANCER
    asked = []

    def metric(truth, probabilities):
        asked.append(len(truth))
        return -log_loss(truth, probabilities)

    cv = [(np.arange(100, len(y)), np.arange(30))]
    scorer = make_scorer(metric, response_method="predict_proba")
    MetaEstimator(CHEAP, n_iter=2, knowledge=None, cv=cv, scoring=scorer, random_state=0).fit(X, y)
    assert len(asked) > 2, "twice for the search"
    assert set(asked) == {30}


class LabelsOnly(ClassifierMixin, BaseEstimator):
    """Right where the first column says so, and sure of nothing."""

    def __init__(self, threshold=0.0):
        self.threshold = threshold

    def fit(self, X, y):
        self.classes_ = np.unique(y)
        self.n_features_in_ = X.shape[1]
        return self

    def predict(self, X):
        return self.classes_[(np.asarray(X)[:, 0] > self.threshold).astype(int)]


def test_a_best_one_without_probabilities_is_the_model():
    rng = np.random.RandomState(0)
    X = rng.randn(120, 3)
    y = np.where(X[:, 0] > 0, "yes", "no")
    members = [("labels", LabelsOnly()), ("nb", GaussianNB())]
    meta = MetaEstimator(members, knowledge=None, n_iter=4, preprocessor=None, random_state=0).fit(X, y)
    assert meta.best_params_.keys() <= {"labels__threshold"}
    assert not hasattr(meta, "ensemble_")
    assert not hasattr(meta, "predict_proba")
    assert meta.score(X, y) == 1.0
    assert meta.leaderboard()["weight"].tolist() == [1.0] + [0.0] * (meta.n_evaluations_ - 1)
    meta.set_params(labels="drop").fit(X, y)
    assert meta.predict_proba(X).shape == (120, 2)
    meta.set_params(estimators=members).fit(X, y)
    assert not hasattr(meta, "ensemble_")


def test_a_short_budget_with_labels_only_leaves_a_fold_model():
    X, y = CANCER
    slow = MetaEstimator(
        [("slow", SlowLabels(first=0.0, later=3600.0))], knowledge=None, time_budget=5, preprocessor=None, cv=3
    )
    with pytest.warns(EvaluationWarning, match="too short to evaluate even one configuration"):
        slow.fit(X, y)
    assert slow.predict(X).shape == y.shape


class SlowLabels(LabelsOnly):
    """Quick on the rows that begin the first fold's training part, slow on the others."""

    def __init__(self, first=0.0, later=0.0, threshold=0.0):
        super().__init__(threshold)
        self.first = first
        self.later = later

    def fit(self, X, y):
        time.sleep(self.first if X[0, 0] != CANCER[0][0, 0] else self.later)
        return super().fit(X, y)


@pytest.mark.parametrize(
    ("face", "members", "data", "scoring"),
    [
        (MetaClassifier, CHEAP, CANCER, "neg_log_loss"),
        (MetaRegressor, CHEAP_REGRESSORS, DIABETES, "neg_mean_absolute_error"),
    ],
)
def test_score_is_by_what_was_optimised(face, members, data, scoring):
    X, y = data
    meta = face(members, n_iter=2, cv=3, scoring=scoring, random_state=0).fit(X, y)
    assert meta.score(X, y) == get_scorer(scoring)(meta, X, y) < 0


def test_the_leaderboard_is_sorted_and_says_what_is_used():
    meta = MetaClassifier(CHEAP, n_iter=4, cv=3, random_state=0).fit(*CANCER)
    board = meta.leaderboard()
    assert list(board["score"]) == sorted(meta.cv_results_["mean_test_score"], reverse=True)
    assert board["score"][0] == meta.best_score_
    assert board["weight"][0] > 0
    assert list(board["status"]) == ["ok"] * 4
    assert board["params"][0] == meta.best_params_
    several = MetaClassifier(
        CHEAP, n_iter=2, scoring=["accuracy", "neg_log_loss"], refit="neg_log_loss", random_state=0
    )
    board = several.fit(*CANCER).leaderboard()
    assert board["score"][0] == several.cv_results_["mean_test_neg_log_loss"].max()


def test_a_member_that_is_out_of_fold_is_scored_like_scikit_learn_would():
    X, y = CANCER
    meta = MetaEstimator(LogisticRegression(max_iter=500), knowledge=None, n_iter=1, preprocessor=None, cv=5)
    meta.fit(X, y)
    expected = cross_val_predict(LogisticRegression(max_iter=500), X, y, cv=5, method="predict_proba")
    kept = meta.set_params(warm_start=True).fit(X, y)._evaluated.evaluated[0][2]
    found = np.concatenate([fold.outputs for fold in kept])
    tests = np.concatenate([test for _, test in meta._evaluated.splits])
    np.testing.assert_allclose(found, expected[tests])


def test_the_model_is_refitted_on_all_rows_by_the_same_settings():
    X, y = DIABETES
    meta = MetaEstimator([("ridge", Ridge()), ("svr", SVR())], n_iter=4, knowledge=None, random_state=0).fit(X, y)
    for _, member in meta.ensemble_.estimators:
        np.testing.assert_allclose(clone(member).fit(X, y).predict(X), member.predict(X))


@pytest.mark.parametrize(
    ("face", "members", "data"), [(MetaClassifier, CHEAP, CANCER), (MetaRegressor, CHEAP_REGRESSORS, DIABETES)]
)
def test_one_estimator_that_imitates_the_average(face, members, data):
    X, y = data[0][:120], data[1][:120]
    meta = face(members, n_iter=3, cv=3, random_state=0).fit(X, y)
    student = meta.distill(X, random_state=0)
    assert type(student[-1]) is type(meta.best_estimator_[-1])
    if face is MetaClassifier:
        assert np.mean(student.predict(X) == meta.predict(X)) > 0.95
    else:
        assert np.corrcoef(student.predict(X), meta.predict(X))[0, 1] > 0.95
    own = meta.distill(X, student=LogisticRegression(max_iter=5000) if face is MetaClassifier else Ridge())
    assert own.score(X, y) > 0.3
    forest = RandomForestClassifier if face is MetaClassifier else RandomForestRegressor  # without a length, unfitted
    assert type(meta.distill(X, student=forest(5, random_state=0))) is forest


def test_inside_a_grid_search_with_two_jobs():
    X, y = CANCER
    search = GridSearchCV(
        MetaClassifier([("svc", SVC()), ("rf", RandomForestClassifier(20))], n_iter=2, cv=2, n_jobs=2, random_state=0),
        {"ensemble": ["best", "average"]},
        cv=2,
        n_jobs=2,
    ).fit(X, y)
    assert search.best_score_ > 0.9


def test_frames_with_text_and_gaps():
    rng = np.random.RandomState(0)
    frame = pd.DataFrame({"a": rng.randn(120), "b": rng.choice(["x", "y", None], 120), "c": rng.rand(120)})
    frame.loc[::7, "a"] = np.nan
    target = np.where(frame["b"].eq("x") | (frame["c"] > 0.8), "yes", "no")
    meta = MetaClassifier(n_iter=4, time_budget=120, n_jobs=2, random_state=0).fit(frame, target)
    assert set(meta.predict(frame)) <= {"yes", "no"}


def test_a_rescue_asks_for_no_recommendations(monkeypatch):
    X, y = load_iris(return_X_y=True)
    asked = []
    real = sklmeta.estimators.Plan.next
    monkeypatch.setattr(sklmeta.estimators.Plan, "next", lambda self, n, *a: asked.append(n) or real(self, n, *a))
    with pytest.warns(EvaluationWarning, match="too short to evaluate even one configuration"):
        MetaClassifier(time_budget=1e-3, random_state=0).fit(X, y)
    assert max(asked, default=1) == 1, "a list of all takes seconds that nobody has"


def test_tuning_a_threshold_by_a_slow_metric_ends_in_time():
    X, y = CANCER

    def slow(truth, labels):
        time.sleep(0.02)
        return -np.sum((truth == 1) & (labels == 0)) * 5 - np.sum((truth == 0) & (labels == 1))

    started = time.monotonic()
    meta = MetaEstimator(CHEAP[:1], n_iter=2, time_budget=5, knowledge=None, scoring=make_scorer(slow), random_state=0)
    meta.fit(X, y)
    assert time.monotonic() - started < 5 * 1.1 + 1


@pytest.mark.parametrize("change", ["long parameters", "refit"])
def test_warm_start_sees_what_a_shortened_repr_hides(change):
    X, y = load_iris(return_X_y=True)

    def members(level):
        trees = [(f"a_long_name_{i}", DecisionTreeClassifier(max_depth=level if i == 3 else 5)) for i in range(8)]
        return [("vote", VotingClassifier(trees, voting="soft")), *CHEAP]

    meta = MetaEstimator(members(1), n_iter=3, knowledge=None, warm_start=True, random_state=0, cv=3)
    meta.set_params(refit=change != "refit").fit(X, y)
    with pytest.warns(EvaluationWarning, match="everything is evaluated anew"):
        meta.set_params(**{"refit": True} if change == "refit" else {"estimators": members(3)}).fit(X, y)
    assert hasattr(meta, "ensemble_")
    with warnings.catch_warnings():
        warnings.simplefilter("error", EvaluationWarning)
        meta.set_params(estimators=members(1 if change == "refit" else 3)).fit(X, y)


def always(value):
    return make_scorer(lambda truth, labels: value)


def test_warm_start_tells_scorers_of_one_name_apart():
    meta = MetaEstimator(GaussianNB(), n_iter=1, knowledge=None, warm_start=True, random_state=0, cv=2)
    meta.set_params(scoring=always(1.0)).fit(*CANCER)
    with pytest.warns(EvaluationWarning, match="everything is evaluated anew"):
        meta.set_params(scoring=always(2.0)).fit(*CANCER)
    assert meta.best_score_ == 2.0
    with warnings.catch_warnings():
        warnings.simplefilter("error", EvaluationWarning)
        meta.set_params(scoring=always(2.0)).fit(*CANCER)
    meta.set_params(scoring={"a": always(2.0), "b": "accuracy"}, refit="a")
    with pytest.warns(EvaluationWarning, match="everything is evaluated anew"):
        meta.fit(*CANCER)
    with pytest.warns(EvaluationWarning, match="everything is evaluated anew"):
        meta.set_params(scoring={"a": always(3.0), "b": "accuracy"}).fit(*CANCER)


def test_ctrl_c_in_a_second_search_with_children_leaves_a_model():
    X, y = load_iris(return_X_y=True)
    space = {"level": np.linspace(0.1, 0.9, 50).tolist()}
    meta = MetaEstimator(
        Sleeper(), param_distributions=space, n_iter=2, n_jobs=2, cv=2, warm_start=True, knowledge=None
    )
    meta.set_params(random_state=0).fit(X, y > 0)

    def press(progress):
        raise KeyboardInterrupt

    with pytest.warns(EvaluationWarning, match="interrupted"):
        meta.set_params(n_iter=9, callback=press).fit(X, y > 0)
    assert len(meta.predict(X)) == len(X)
