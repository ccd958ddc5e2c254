"""What fit searches: any cv, any scoring, what the user set, failures, and the same answer however it is run."""

import os
import signal
import subprocess
import sys
import textwrap
import time
from dataclasses import replace

import numpy as np
import pytest
from doubles import Dying, Interrupting, Majority, NanRegressor, NanScoring, NoProbabilities, Raising, WithLock
from joblib import parallel_config
from scipy.stats import loguniform, uniform
from sklearn.base import clone
from sklearn.ensemble import BaggingClassifier, RandomForestClassifier
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.metrics import accuracy_score, get_scorer, get_scorer_names, log_loss, make_scorer
from sklearn.model_selection import (
    KFold,
    LeaveOneGroupOut,
    PredefinedSplit,
    RepeatedKFold,
    ShuffleSplit,
    StratifiedKFold,
    TimeSeriesSplit,
)
from sklearn.naive_bayes import GaussianNB
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC, SVR
from sklearn.tree import DecisionTreeClassifier

from sklmeta import Configuration, MetaClassifier, MetaEstimator, MetaRegressor
from sklmeta.exceptions import EvaluationWarning

MEMBERS = [("svc", SVC()), ("lr", LogisticRegression()), ("nb", GaussianNB())]


def quick(knowledge, estimators=MEMBERS, **params):
    return MetaEstimator(estimators, knowledge=knowledge, **{"n_iter": 3, "cv": 2, "random_state": 0, **params})


# -- cv --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("cv", "n_splits"),
    [
        (3, 3),
        (KFold(4, shuffle=True, random_state=0), 4),
        (ShuffleSplit(2, random_state=0), 2),
        (ShuffleSplit(1, random_state=0), 1),
        (RepeatedKFold(n_splits=2, n_repeats=2, random_state=0), 4),
        (TimeSeriesSplit(3), 3),
        (PredefinedSplit(np.repeat([-1, 0, 1], [20, 30, 30])), 2),
        ([(np.arange(60), np.arange(60, 80))], 1),
        (iter([(np.arange(40), np.arange(40, 80)), (np.arange(40, 80), np.arange(40))]), 2),
        (None, 5),
    ],
    ids=lambda value: type(value).__name__,
)
def test_any_cv(binary, knowledge, cv, n_splits):
    meta = quick(knowledge, cv=cv).fit(*binary)
    assert meta.n_splits_ == n_splits
    scores = np.array([meta.cv_results_[f"split{k}_test_score"] for k in range(n_splits)])
    np.testing.assert_allclose(meta.cv_results_["mean_test_score"], scores.mean(axis=0))
    assert f"split{n_splits}_test_score" not in meta.cv_results_


@pytest.mark.parametrize("kind", ["lists", "masks", "from the end"])
def test_positions_that_cv_may_give(binary, knowledge, kind):
    X, y = binary
    splits = list(StratifiedKFold(2).split(X, y))
    of = {
        "lists": lambda rows: rows.tolist(),
        "masks": lambda rows: np.isin(np.arange(len(y)), rows),
        "from the end": lambda rows: rows - len(y),
    }[kind]
    plain = quick(knowledge, cv=splits).fit(X, y)
    other = quick(knowledge, cv=[(of(train), of(test)) for train, test in splits]).fit(X, y)
    np.testing.assert_array_equal(other.cv_results_["mean_test_score"], plain.cv_results_["mean_test_score"])
    np.testing.assert_array_equal(other.predict_proba(X), plain.predict_proba(X))


@pytest.mark.parametrize("n_rows", [4, 5, 6, 9])
def test_few_rows_of_numbers_have_folds_in_which_r2_is_defined(n_rows):
    rng = np.random.RandomState(0)
    X = rng.randn(n_rows, 2)
    meta = MetaRegressor(n_iter=2, random_state=0).fit(X, X[:, 0])
    assert np.isfinite(meta.best_score_)
    assert meta.n_splits_ == n_rows // 2


def test_groups(binary, knowledge):
    assert quick(knowledge, cv=LeaveOneGroupOut()).fit(*binary, groups=np.arange(80) % 3).n_splits_ == 3


def test_cv_none_is_stratified_and_shrinks_with_the_rows(knowledge):
    y = np.array([0] * 6 + [1] * 3)
    meta = quick(knowledge, cv=None).fit(np.random.RandomState(0).normal(size=(9, 2)), y)
    assert meta.n_splits_ == 5
    assert meta.fit(np.arange(6.0)[:, None], [0, 0, 0, 1, 1, 1]).n_splits_ == 3


def test_folds_that_train_on_one_class_are_left_out_and_counted(knowledge):
    X, y = np.arange(40.0)[:, None], np.repeat([0, 1], 20)
    with pytest.warns(EvaluationWarning, match="2 of 4 folds of cv have one class only to train on"):
        meta = quick(knowledge, cv=TimeSeriesSplit(4)).fit(X, y)
    assert meta.n_splits_ == 2
    with pytest.warns(EvaluationWarning), pytest.raises(ValueError, match="gives no fold to train on"):
        quick(knowledge, cv=[(np.arange(20), np.arange(20, 40))]).fit(X, y)


# -- scoring ---------------------------------------------------------------------------------------------------------


def accuracy_and_loss(estimator, X, y):
    return {"right": accuracy_score(y, estimator.predict(X)), "rows": float(len(y))}


def test_scoring_by_name_and_by_callable_agree(binary, knowledge):
    by_name = quick(knowledge, scoring="accuracy").fit(*binary)
    by_callable = quick(knowledge, scoring=lambda e, X, y: accuracy_score(y, e.predict(X))).fit(*binary)
    default = quick(knowledge).fit(*binary)
    for other in (by_callable, default):
        np.testing.assert_array_equal(other.cv_results_["mean_test_score"], by_name.cv_results_["mean_test_score"])
        assert other.score(*binary) == by_name.score(*binary)


@pytest.mark.parametrize(
    "scoring", [["accuracy", "f1"], ("accuracy", "f1"), {"accuracy": "accuracy", "f1": get_scorer("f1")}]
)
def test_several_metrics(binary, knowledge, scoring):
    meta = quick(knowledge, scoring=scoring, refit="f1").fit(*binary)
    assert meta.multimetric_
    assert set(meta.scorer_) == {"accuracy", "f1"}
    assert meta.best_index_ == np.argmax(meta.cv_results_["mean_test_f1"])
    assert meta.cv_results_["rank_test_accuracy"].min() == 1
    assert meta.score(*binary) == get_scorer("f1")(meta, *binary)


def test_a_callable_that_gives_several_metrics(binary, knowledge):
    meta = quick(knowledge, scoring=accuracy_and_loss, refit="right").fit(*binary)
    assert meta.multimetric_
    assert (meta.cv_results_["split0_test_rows"] == 40).all()
    assert meta.score(*binary) == accuracy_score(binary[1], meta.predict(binary[0]))
    unchosen = quick(knowledge, scoring=accuracy_and_loss, refit=False).fit(*binary)
    assert unchosen.multimetric_
    with pytest.raises(ValueError, match=r"True was passed; the keys are \['right', 'rows'\]"):
        quick(knowledge, scoring=accuracy_and_loss).fit(*binary)


def test_a_metric_that_is_called_score_decides_only_where_it_is_asked_to(binary, knowledge):
    both = {"score": "accuracy", "loss": "neg_log_loss"}
    meta = quick(knowledge, scoring=both, refit="loss").fit(*binary)
    assert meta.multimetric_
    assert meta.best_score_ == meta.cv_results_["mean_test_loss"].max()


@pytest.mark.parametrize("refit", [True, "recall"])
def test_several_metrics_need_one_that_decides(binary, knowledge, refit):
    with pytest.raises(ValueError, match=r"refit must be set to a scorer key.*the keys are \['accuracy', 'f1'\]"):
        quick(knowledge, scoring=["accuracy", "f1"], refit=refit).fit(*binary)


def test_of_several_metrics_one_that_raises_is_nan(three_classes):
    meta = quick(None, GaussianNB(), scoring=["accuracy", "roc_auc"], refit="accuracy").fit(*three_classes)
    assert meta.best_score_ > 0.5
    assert np.isnan(meta.cv_results_["mean_test_roc_auc"]).all()
    assert list(meta.cv_results_["status"]) == ["ok"] * len(meta.cv_results_["params"])
    assert "The metric 'roc_auc' raised ValueError: multi_class must be" in str(meta.cv_results_["warnings"][0])
    with pytest.raises(ValueError, match=r"All configurations failed.*The metric 'roc_auc' raised ValueError: multi_"):
        quick(None, GaussianNB(), scoring=["accuracy", "roc_auc"], refit="roc_auc").fit(*three_classes)


def test_a_metric_of_several_that_gives_no_number(binary, knowledge):
    with pytest.raises(ValueError, match="scoring must return a number, got 'good'"):
        quick(knowledge, scoring={"a": "accuracy", "b": lambda e, X, y: "good"}, refit="a").fit(*binary)


@pytest.mark.parametrize("refit", [False, lambda results: 0])
def test_a_metric_that_raises_where_none_decides(three_classes, refit):
    meta = quick(None, GaussianNB(), scoring=["roc_auc", "accuracy"], refit=refit).fit(*three_classes)
    assert (meta.cv_results_["mean_test_accuracy"] > 0.5).all()


def test_refit_by_a_function(binary, knowledge):
    meta = quick(knowledge, scoring=["accuracy", "f1"], refit=lambda results: 2).fit(*binary)
    assert (meta.best_index_, meta.best_params_) == (2, meta.cv_results_["params"][2])
    assert not hasattr(meta, "best_score_")
    with pytest.raises(ValueError, match="score needs refit to name one of them"):
        meta.score(*binary)
    for wrong in (3, -1, "first"):
        with pytest.raises(IndexError, match="which is no row of cv_results_"):
            quick(knowledge, refit=lambda results, wrong=wrong: wrong).fit(*binary)


def test_scoring_that_nobody_knows(binary, knowledge):
    with pytest.raises(ValueError, match="nonsense"):
        quick(knowledge, scoring="nonsense").fit(*binary)
    with pytest.raises(ValueError, match="scoring must return a number, got 'good'"):
        quick(knowledge, scoring=lambda e, X, y: "good").fit(*binary)


# -- rare classes ----------------------------------------------------------------------------------------------------


@pytest.fixture
def rare():
    """Three classes, of which one has a single row: it is in no training part, or in no test part."""
    rng = np.random.RandomState(0)
    y = np.array(["a"] * 25 + ["b"] * 1 + ["c"] * 25)
    return rng.normal(size=(51, 3)) + 2.0 * (y == "c")[:, None], y


@pytest.mark.filterwarnings("ignore:The least populated class")
@pytest.mark.parametrize("scoring", ["accuracy", "balanced_accuracy", "f1_macro", "neg_log_loss", "top_k_accuracy"])
def test_a_class_that_a_fold_lacks_costs_no_member(rare, knowledge, scoring):
    meta = MetaClassifier(MEMBERS, knowledge=knowledge, n_iter=3, cv=5, scoring=scoring, random_state=0).fit(*rare)
    assert meta.cv_results_["failure"] == [""] * 3
    assert np.isfinite(meta.cv_results_["mean_test_score"]).all()
    assert list(meta.classes_) == ["a", "b", "c"]
    assert meta.predict_proba(rare[0]).shape == (51, 3)


@pytest.mark.filterwarnings("ignore:The least populated class")
def test_a_metric_that_is_undefined_on_a_fold_is_left_out_of_the_mean(rare, knowledge):
    meta = MetaClassifier(LogisticRegression(), knowledge=knowledge, n_iter=1, cv=5, scoring="roc_auc_ovr").fit(*rare)
    scores = np.array([meta.cv_results_[f"split{k}_test_score"][0] for k in range(5)])
    assert np.isnan(scores).sum() == 4  # only the fold that tests on the row of "b" has all classes
    assert meta.best_score_ == scores[np.isfinite(scores)][0]


@pytest.mark.filterwarnings("ignore:The least populated class")
def test_log_loss_gives_an_unseen_class_probability_zero(rare, knowledge):
    X, y = rare
    meta = MetaClassifier(LogisticRegression(), knowledge=None, n_iter=1, cv=5, scoring="neg_log_loss").fit(X, y)
    for k, (train, test) in enumerate(StratifiedKFold(5).split(X, y)):
        model = make_pipeline(StandardScaler(), LogisticRegression(max_iter=100)).fit(X[train], y[train])
        probabilities = np.zeros((len(test), 3))
        probabilities[:, np.searchsorted(["a", "b", "c"], model.classes_)] = model.predict_proba(X[test])
        expected = -log_loss(y[test], probabilities, labels=["a", "b", "c"])
        assert meta.cv_results_[f"split{k}_test_score"][0] == pytest.approx(expected)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("scoring", sorted(n for n in get_scorer_names() if n not in ("max_error", "neg_max_error")))
def test_every_scorer_of_scikit_learn_that_fits_the_task(binary, quantity, scoring):
    """A scorer that GridSearchCV could use here gives the number that it would see."""
    for (X, y), model in ((binary, LogisticRegression()), (quantity, Ridge())):
        fitted = clone(model).fit(X[:40], y[:40])
        try:
            expected = get_scorer(scoring)(fitted, X[40:], y[40:])
        except Exception:
            continue
        meta = MetaEstimator(model, knowledge=None, n_iter=1, cv=[(np.arange(40), np.arange(40, 80))], scoring=scoring)
        assert meta.set_params(preprocessor=None).fit(X, y).best_score_ == pytest.approx(expected)


# -- what the user set -----------------------------------------------------------------------------------------------


def test_a_choice_that_was_set_never_comes_back_as_another(binary, knowledge):
    meta = quick(knowledge, SVC(kernel="linear"), n_iter=8, ensemble="best").fit(*binary)
    assert meta.best_estimator_.steps[-1][1].kernel == "linear"
    assert all("svc__kernel" not in p and "svc__gamma" not in p for p in meta.cv_results_["params"])
    assert meta.recommendations_[0].params["C"] == 2.0
    assert all(r.params["kernel"] == "linear" for r in meta.recommendations_)
    assert len(meta.cv_results_["params"]) == 8


def test_a_number_that_was_set_replaces_the_known_one(binary, knowledge):
    meta = quick(knowledge, SVC(C=7.5), n_iter=4, ensemble="best").fit(*binary)
    assert meta.best_estimator_.steps[-1][1].C == 7.5
    assert all("svc__C" not in p for p in meta.cv_results_["params"])
    assert [r.params["C"] for r in meta.recommendations_] == [7.5, 7.5]
    assert all(r.estimator.steps[-1][1].C == 7.5 for r in meta.recommendations_)


def test_what_is_not_searched_stays_too(binary, knowledge):
    pipeline = make_pipeline(StandardScaler(with_mean=False), SVC(tol=0.01))
    meta = quick(knowledge, pipeline, n_iter=3, ensemble="best").fit(*binary)
    assert meta.best_estimator_.named_steps["svc"].tol == 0.01
    assert meta.best_estimator_.named_steps["standardscaler"].with_mean is False
    assert meta.cv_results_["params"][0]["pipeline__svc__C"] == 10.0


def tried(meta, name):
    return [p[name] for p in meta.cv_results_["params"] if name in p]


@pytest.mark.parametrize("form", ["flat", "named"])
def test_distributions_replace_the_catalogues(binary, knowledge, form):
    flat = {"C": loguniform(0.1, 1.0)}
    meta = quick(knowledge, SVC(), n_iter=6, param_distributions=flat if form == "flat" else {"svc": flat}).fit(*binary)
    assert len(tried(meta, "svc__C")) == 6
    assert all(0.1 <= C <= 1.0 for C in tried(meta, "svc__C"))


def test_values_come_as_they_were_given(binary):
    values = [0.123456, 7.654321]
    meta = quick(None, SVC(), n_iter=6, param_distributions={"C": values, "kernel": ["linear"]}).fit(*binary)
    assert set(tried(meta, "svc__C")) == set(values)
    narrow = quick(None, SVC(), n_iter=4, param_distributions={"C": uniform(0.99991, 0.00001)}).fit(*binary)
    assert all(0.99991 <= C <= 0.99992 for C in tried(narrow, "svc__C"))


def test_estimators_among_the_values_stay_as_they_were_given(binary):
    tree = DecisionTreeClassifier(random_state=0)
    space = {"estimator": [tree], "estimator__max_depth": [1, 2, 3]}
    bag = BaggingClassifier(DecisionTreeClassifier(), n_estimators=2)
    meta = quick(None, bag, param_distributions=space, n_iter=3, ensemble="best").fit(*binary)
    assert tree.max_depth is None
    assert sorted(tried(meta, "baggingclassifier__estimator__max_depth")) == [1, 2, 3]
    assert {p.max_depth for p in tried(meta, "baggingclassifier__estimator")} == {None}


def test_one_value_pins(binary, knowledge):
    meta = quick(knowledge, SVC(), n_iter=5, param_distributions={"C": [5.0], "kernel": ["linear"]}).fit(*binary)
    assert set(tried(meta, "svc__C")) == {5.0}
    assert set(tried(meta, "svc__kernel")) == {"linear"}
    assert meta.recommendations_[0].params["C"] == 5.0


def test_what_the_knowledge_does_not_mention_is_drawn_too(binary, knowledge):
    meta = quick(knowledge, SVC(), n_iter=2, param_distributions={"tol": uniform(1e-4, 1e-4)}).fit(*binary)
    assert len(meta.recommendations_) == 2
    assert all(1e-4 <= tol <= 2e-4 for tol in tried(meta, "svc__tol"))
    assert len(set(tried(meta, "svc__tol"))) == 2


def test_an_unknown_estimator_is_searched_from_its_distributions(binary, knowledge):
    space = {"shift": uniform(0, 1), "kind": ["plain", "fancy"]}
    meta = quick(knowledge, Majority(), n_iter=5, param_distributions=space).fit(*binary)
    assert len(set(tried(meta, "majority__shift"))) == 5
    assert set(tried(meta, "majority__kind")) == {"plain", "fancy"}
    assert meta.recommendations_ == []


def test_an_unknown_estimator_without_distributions_is_fitted_as_it_is(binary, knowledge):
    meta = quick(knowledge, Majority(shift=0.5), n_iter=5).fit(*binary)
    assert meta.cv_results_["params"] == [{}]
    assert meta.best_estimator_.steps[-1][1].shift == 0.5


def test_known_and_unknown_estimators_share_the_picks(binary, knowledge):
    members = [("svc", SVC()), ("mine", Majority())]
    meta = quick(knowledge, members, n_iter=6, param_distributions={"mine": {"shift": uniform(0, 1)}}).fit(*binary)
    names = list(meta.cv_results_["estimator"])
    assert set(names[:2]) == {"svc", "mine"}
    assert names.count("svc") > names.count("mine")  # which is tried, found wanting, and has fewer turns from then on
    assert meta.strategy_["svc"] > meta.strategy_["mine"] > 0
    assert len({repr(p) for p in meta.cv_results_["params"]}) == 6


@pytest.mark.parametrize(
    ("distributions", "message"),
    [
        ({"nonsense": [1]}, r"\['nonsense'\] for 'svc', which are not parameters of SVC\(\)"),
        ([1], r"must be a mapping, got \[1\]"),
        ({"C": []}, r"'C' has distribution \[\]"),
        ({"C": 3.0}, r"'C' has distribution 3.0"),
    ],
)
def test_distributions_that_make_no_sense(binary, distributions, message):
    with pytest.raises(ValueError, match=message):
        quick(None, SVC(), param_distributions=distributions).fit(*binary)


def test_distributions_of_several_go_by_name(binary):
    with pytest.raises(ValueError, match=r"mapping of their names \['svc', 'lr', 'nb'\].*got the keys \['C'\]"):
        quick(None, param_distributions={"C": [1.0]}).fit(*binary)


# -- failures --------------------------------------------------------------------------------------------------------


def test_an_estimator_that_raises_costs_only_itself(binary):
    with pytest.warns(EvaluationWarning, match="1 of 2 configurations failed.*this estimator always raises"):
        meta = quick(None, [("bad", Raising()), ("nb", GaussianNB())], n_iter=2).fit(*binary)
    assert meta.best_estimator_.steps[-1][0] == "nb"
    bad = list(meta.cv_results_["estimator"]).index("bad")
    assert meta.cv_results_["failure"][bad] == "RuntimeError: this estimator always raises"
    assert np.isnan(meta.cv_results_["mean_test_score"][bad])
    assert meta.cv_results_["rank_test_score"][bad] == 2


def test_an_estimator_that_answers_nan_costs_only_itself(quantity, binary):
    members = [("bad", NanRegressor()), ("ridge", Ridge())]
    with pytest.warns(EvaluationWarning, match="1 of 2 configurations failed.*NaN"):
        meta = MetaRegressor(members, knowledge=None, n_iter=2, cv=2).fit(*quantity)
    assert meta.best_estimator_.steps[-1][0] == "ridge"
    with pytest.warns(EvaluationWarning, match="Every score is NaN"):
        meta = quick(None, [("bad", NanScoring()), ("nb", GaussianNB())], n_iter=2, scoring=own_score).fit(*binary)
    assert meta.cv_results_["estimator"][meta.best_index_] == "nb"


def own_score(estimator, X, y):
    return estimator.score(X, y)


def test_an_estimator_that_ends_its_process_costs_only_itself(binary):
    members = [("bad", Dying()), ("nb", GaussianNB()), ("lr", LogisticRegression())]
    with pytest.warns(EvaluationWarning, match="1 of 3 configurations failed.*ended with exit code 3"):
        meta = quick(None, members, n_iter=3, n_jobs=2).fit(*binary)
    assert meta.cv_results_["failure"].count("") == 2
    assert "WorkerDied" in meta.cv_results_["failure"][list(meta.cv_results_["estimator"]).index("bad")]


def test_when_everything_fails_the_first_reason_is_told(binary):
    with pytest.raises(ValueError, match=r"All configurations failed.*RuntimeError: this estimator always raises"):
        quick(None, Raising()).fit(*binary)


def test_a_fit_that_fails_leaves_what_an_earlier_one_learned(binary, three_classes):
    X, y = binary
    meta = quick(None, GaussianNB(), n_iter=1)
    with pytest.raises(ValueError, match="nothing to choose from"):
        meta.set_params(scoring=lambda e, X, y: np.nan).fit(X, y)
    assert set(vars(meta)) == set(meta.get_params(deep=False)), "unfitted"
    before = meta.set_params(scoring=None).fit(X, y).predict_proba(X)
    scores = meta.cv_results_["mean_test_score"]
    other, labels = three_classes
    with pytest.raises(ValueError, match="nothing to choose from"):
        meta.set_params(scoring=lambda e, X, y: np.nan).fit(other[:, :3], labels)
    assert (meta.n_features_in_, list(meta.classes_), meta.cv_results_["mean_test_score"] is scores) == (
        5,
        [0, 1],
        True,
    )
    np.testing.assert_array_equal(meta.predict_proba(X), before)


def test_a_fit_that_fails_keeps_what_a_warm_start_goes_on_from(binary):
    X, y = binary
    space = {"shift": uniform()}
    meta = quick(None, Majority(), param_distributions=space, n_iter=2, warm_start=True).fit(X, y)
    first = meta.cv_results_["params"]
    with pytest.raises(ValueError, match="inconsistent"):
        meta.fit(X, y[:-1])
    seen = []
    meta.set_params(n_iter=3, callback=lambda progress: seen.append(progress) and False).fit(X, y)
    assert meta.cv_results_["params"][:2] == first
    assert len(seen) == 1


def test_an_interrupt_is_an_interrupt(binary):
    with pytest.raises(KeyboardInterrupt):
        quick(None, [("stop", Interrupting()), ("nb", GaussianNB())]).fit(*binary)


SLOW_SEARCH = """
    import os, signal, sys, time
    from sklearn.base import BaseEstimator, ClassifierMixin
    from sklearn.datasets import load_iris
    from sklmeta import MetaEstimator

    signal.signal(signal.SIGINT, signal.default_int_handler)  # a job in the background is born deaf to Ctrl-C

    class Slow(ClassifierMixin, BaseEstimator):
        def __init__(self, folder=None):
            self.folder = folder
        def fit(self, X, y):
            open(os.path.join(self.folder, str(os.getpid())), "w").close()
            time.sleep(60)

    if __name__ == "__main__":
        MetaEstimator(Slow(sys.argv[1]), knowledge=None, cv=2, n_jobs=2).fit(*load_iris(return_X_y=True))
"""


@pytest.mark.skipif(os.name != "posix", reason="needs signals and process ids as POSIX has them")
def test_ctrl_c_ends_the_search_and_leaves_no_process(tmp_path):
    script = tmp_path / "slow.py"
    script.write_text(textwrap.dedent(SLOW_SEARCH))
    started = tmp_path / "started"
    started.mkdir()
    process = subprocess.Popen([sys.executable, script, started], stderr=subprocess.PIPE, text=True)
    _wait_until(lambda: len(list(started.iterdir())) == 2, 60)
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=30)
    assert "KeyboardInterrupt" in errors
    assert process.returncode != 0
    workers = [int(path.name) for path in started.iterdir()]
    _wait_until(lambda: not any(map(_alive, workers)), 20)


def _wait_until(condition, seconds):
    for _ in range(int(seconds / 0.1)):
        if condition():
            return
        time.sleep(0.1)
    raise AssertionError(f"not within {seconds} seconds")


def _alive(pid):
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


IN_MAIN = """
    import os, warnings
    import numpy as np
    from scipy.stats import uniform
    from sklearn.base import BaseEstimator, ClassifierMixin
    from sklearn.datasets import load_iris
    from sklearn.naive_bayes import GaussianNB
    from sklmeta import MetaEstimator

    class Mine(ClassifierMixin, BaseEstimator):
        def __init__(self, share=0.5, die=False):
            self.share, self.die = share, die
        def fit(self, X, y):
            if self.die:
                os._exit(1)
            self.classes_ = np.unique(y)
            return self
        def predict(self, X):
            return np.full(len(X), self.classes_[0])

    def mine_is_right(estimator, X, y):
        return np.mean(estimator.predict(X) == y)

    if __name__ == "__main__":
        X, y = load_iris(return_X_y=True)
        distributions = {"mine": {"share": uniform(0, 1)}}
        members = [("mine", Mine()), ("nb", GaussianNB())]
        meta = MetaEstimator(members, param_distributions=distributions, knowledge=None, n_iter=4, cv=2, n_jobs=2,
                             scoring=mine_is_right)
        meta.fit(X, y)
        assert meta.cv_results_["failure"] == [""] * 4, meta.cv_results_["failure"]
        warnings.simplefilter("ignore")
        meta.set_params(mine__die=True).fit(X, y)
        print(meta.cv_results_["failure"].count(""), meta.best_estimator_.steps[-1][0])
"""


def test_classes_from_main_in_worker_processes(tmp_path):
    script = tmp_path / "script.py"
    script.write_text(textwrap.dedent(IN_MAIN))
    done = subprocess.run([sys.executable, script], capture_output=True, text=True, timeout=120, check=False)
    assert done.stdout.split() == ["2", "nb"], done.stderr


def test_what_an_estimator_does_to_its_rows_is_its_own(quantity):
    X, y = quantity
    own = [
        ("a", make_pipeline(StandardScaler(copy=False), Ridge())),
        ("b", make_pipeline(StandardScaler(copy=False), SVR())),
    ]
    careful = [(name, clone(model).set_params(standardscaler__copy=True)) for name, model in own]
    before = X.copy()
    for params in ({}, {"n_jobs": 2}, {"scoring": "r2"}):
        one, other = (
            MetaEstimator(members, n_iter=4, knowledge=None, random_state=0, **params).fit(X, y)
            for members in (own, careful)
        )
        np.testing.assert_array_equal(X, before)
        np.testing.assert_allclose(one.predict(X.copy()), other.predict(X), err_msg=repr(params))


def test_a_model_that_cannot_be_pickled_is_fitted_here(binary):
    for params in ({"n_jobs": 2}, {"time_budget": 60.0}):
        meta = MetaEstimator(WithLock(), n_iter=1, knowledge=None, random_state=0, **params).fit(*binary)
        assert hasattr(meta.best_estimator_[-1], "lock_")


def test_what_is_named_best_is_what_became_the_model(binary):
    class FailsOnAllRows(LogisticRegression):
        def fit(self, X, y):
            if len(y) == len(binary[1]):
                raise MemoryError("too many rows")
            return super().fit(X, y)

    members = [("all", FailsOnAllRows()), ("majority", Majority())]
    meta = quick(None, members, n_iter=2, warm_start=True).fit(*binary)
    assert meta.cv_results_["estimator"][meta.best_index_] == "all"  # the mean of its fold models
    before = meta.predict_proba(binary[0])
    meta.fit(*binary)  # which goes on standing in
    assert meta.cv_results_["estimator"][meta.best_index_] == "all"
    assert meta.best_score_ == meta.cv_results_["mean_test_score"][meta.best_index_]
    np.testing.assert_array_equal(meta.predict_proba(binary[0]), before)
    meta._evaluated = replace(meta._evaluated, fitted={})
    meta.fit(*binary)
    assert meta.cv_results_["estimator"][meta.best_index_] == "majority"
    assert meta.best_score_ == meta.cv_results_["mean_test_score"][meta.best_index_]
    assert isinstance(meta.best_estimator_[-1], Majority)


def test_answers_that_cannot_be_had_cost_the_average_only(binary):
    members = [("majority", Majority()), ("labels", NoProbabilities())]
    meta = quick(None, members, n_iter=2, scoring="accuracy").fit(*binary)
    assert list(meta.cv_results_["status"]) == ["ok", "ok"]
    assert [name for name, _ in meta.ensemble_.estimators] == ["majority"]
    alone = quick(None, members[1:], n_iter=1, scoring="accuracy").fit(*binary)
    np.testing.assert_array_equal(alone.predict(binary[0]), meta.predict(binary[0]))


def test_values_to_draw_from_may_be_arrays(binary):
    priors = [None, np.array([0.3, 0.7]), np.array([0.8, 0.2])]
    meta = MetaEstimator(GaussianNB(), param_distributions={"priors": priors}, n_iter=3, knowledge=None).fit(*binary)
    assert len(meta.cv_results_["params"]) == 3


# -- the same answer -------------------------------------------------------------------------------------------------


def without_times(results):
    return {k: v for k, v in results.items() if "time" not in k}


@pytest.mark.parametrize(("n_jobs", "backend"), [(2, "loky"), (2, "threading"), (1, "loky")])
def test_the_same_answer_for_any_number_of_jobs_and_backend(three_classes, knowledge, n_jobs, backend):
    X, y = three_classes
    members = [*MEMBERS, ("weak", LogisticRegression(max_iter=2))]
    meta = MetaClassifier(members, knowledge=knowledge, n_iter=7, cv=2, random_state=3)
    alone = clone(meta).fit(X, y)
    with parallel_config(backend=backend, n_jobs=n_jobs):
        other = clone(meta).fit(X, y)
    np.testing.assert_equal(without_times(other.cv_results_), without_times(alone.cv_results_))
    np.testing.assert_array_equal(other.predict_proba(X), alone.predict_proba(X))
    assert other.best_params_ == alone.best_params_
    assert other.recommendations_ == alone.recommendations_


def test_random_state_decides(binary, knowledge):
    def params(seed):
        return quick(knowledge, n_iter=9, random_state=seed).fit(*binary).cv_results_["params"]

    assert params(0) == params(0)
    assert params(0) != params(1)
    assert params(0)[:5] == params(1)[:5]  # what the knowledge says does not depend on the draw


def test_random_members_get_seeds_of_their_own(binary):
    X, y = binary
    forest = RandomForestClassifier(n_estimators=3)
    meta = quick(None, forest, n_iter=2, random_state=1)
    np.testing.assert_array_equal(meta.fit(X, y).predict_proba(X), clone(meta).fit(X, y).predict_proba(X))
    set_seed = quick(None, RandomForestClassifier(n_estimators=3, random_state=42), n_iter=1).fit(X, y)
    assert set_seed.best_estimator_.steps[-1][1].random_state == 42


def test_picks_follow_the_knowledge(binary, knowledge):
    meta = quick(knowledge, n_iter=6).fit(*binary)
    assert meta.recommendations_[0].configuration == Configuration(
        "logistic_regression", {"C": 0.5, "class_weight": None}
    )
    assert meta.cv_results_["params"][0] == {"lr__C": 0.5, "lr__class_weight": None}
    assert len({repr(p) for p in meta.cv_results_["params"]}) == 6


def test_without_knowledge_every_member_gets_its_turn(binary):
    meta = quick(None, n_iter=6).fit(*binary)
    assert sorted(meta.cv_results_["estimator"]) == ["lr", "lr", "nb", "nb", "svc", "svc"]
    assert np.isnan(meta.cv_results_["expected_score"]).all()
    assert (meta.recommendations_, meta.strategy_, meta.similar_tasks_) == ([], {}, ())


def test_n_iter_none_is_25(binary):
    meta = quick(None, GaussianNB(), n_iter=None).fit(*binary)
    assert len(meta.cv_results_["params"]) == 25


def test_scorers_made_by_hand_see_probabilities(binary, knowledge):
    scoring = make_scorer(log_loss, greater_is_better=False, response_method="predict_proba")
    meta = MetaEstimator(SVC(), knowledge=knowledge, n_iter=1, cv=2, scoring=scoring).fit(*binary)
    assert meta.best_score_ < 0
    assert meta.predict_proba(binary[0]).shape == (80, 2)


def simplest(results):
    """scikit-learn's example of a callable: the fastest within a standard deviation of the best."""
    best = np.argmax(results["mean_test_score"])
    least = results["mean_test_score"][best] - results["std_test_score"][best]
    good = np.flatnonzero(results["mean_test_score"] >= least)
    return good[results["mean_fit_time"][good].argmin()]


class FailsAbove(GaussianNB):
    def fit(self, X, y, sample_weight=None):
        if self.var_smoothing > 0.5:
            raise RuntimeError("too smooth")
        return super().fit(X, y, sample_weight)


def test_a_callable_refit_sees_no_rows_without_a_score(binary):
    space = {"var_smoothing": [0.9, 1e-9, 0.8, 1e-2]}
    for refit in (simplest, lambda results: int(np.argmax(results["mean_test_score"]))):
        meta = MetaEstimator(
            FailsAbove(), param_distributions=space, n_iter=9, knowledge=None, refit=refit, random_state=0
        )
        with pytest.warns(EvaluationWarning, match="2 of 4 configurations failed"):
            meta.fit(*binary)
        assert next(iter(meta.best_params_.values())) < 0.5
        assert meta.cv_results_["params"][meta.best_index_] == meta.best_params_
        assert len(meta.cv_results_["params"]) == 4
    meta.set_params(refit=lambda results: 2)
    message = "refit returned 2, which is no row of cv_results_; the 2 with a score were given"
    with pytest.warns(EvaluationWarning, match="failed"), pytest.raises(IndexError, match=message):
        meta.fit(*binary)
