import time
import warnings
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from scipy import sparse
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.datasets import load_diabetes, load_iris
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.ensemble import BaggingClassifier, RandomForestClassifier
from sklearn.linear_model import Ridge
from sklearn.metrics import get_scorer
from sklearn.model_selection import StratifiedKFold, cross_validate
from sklearn.naive_bayes import GaussianNB
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC

from sklmeta.evaluation import (
    FoldResult,
    Trial,
    align_columns,
    describe_error,
    evaluate_fold,
    evaluate_on,
    with_random_state,
)

IRIS, SPECIES = load_iris(return_X_y=True)
DISEASE, PROGRESSION = load_diabetes(return_X_y=True)
THREE = list(StratifiedKFold(3, shuffle=True, random_state=0).split(IRIS, SPECIES))
TRAIN, TEST = THREE[0]


def fold(estimator, X=IRIS, y=SPECIES, scorer=None, fit_params=None, score_params=None):
    scorer = scorer or get_scorer("accuracy")
    return evaluate_fold(estimator, X, y, TRAIN, TEST, scorer, fit_params or {}, score_params or {})


class Recorder(ClassifierMixin, BaseEstimator):
    """Keeps what `fit` was given, warns when told to, fails when told to."""

    def __init__(self, fails=None, warns=()):
        self.fails, self.warns = fails, warns

    def fit(self, X, y, sample_weight=None, note=None):
        Recorder.seen = sample_weight, note
        for text in self.warns:
            warnings.warn(text, UserWarning, stacklevel=2)
        if self.fails == "fit":
            raise RuntimeError("broken\nin two lines")
        self.classes_ = np.unique(y)
        return self

    def predict(self, X):
        if self.fails == "predict":
            raise RuntimeError("cannot predict")
        return np.full(len(X), self.classes_[0])


# -- one fold ------------------------------------------------------------------------------------------------


def test_a_fold_is_scored_as_scikit_learn_does():
    model = make_pipeline(StandardScaler(), LinearDiscriminantAnalysis())
    result = fold(model)
    expected = cross_validate(model, IRIS, SPECIES, cv=[(TRAIN, TEST)], scoring="accuracy")["test_score"]
    assert result.scores == {"score": expected[0]}
    assert result.reason == ""
    assert result.fit_seconds > 0
    assert result.score_seconds > 0
    assert not hasattr(model, "classes_"), "a clone is fitted, never the estimator itself"


@pytest.mark.parametrize("kind", [pd.DataFrame, np.ndarray.tolist, sparse.csr_matrix])
def test_rows_of_any_kind(kind):
    assert fold(SVC(), X=kind(IRIS)).scores == fold(SVC()).scores


def test_a_scorer_may_give_several_numbers():
    result = fold(SVC(), scorer=lambda estimator, X, y: {"a": np.float32(0.5), "b": 1})
    assert result.scores == {"a": 0.5, "b": 1.0}
    assert {type(score) for score in result.scores.values()} == {float}


def test_params_with_an_entry_for_each_row_are_split():
    weights = np.arange(150.0)
    scored = []

    def scorer(estimator, X, y, sample_weight=None):
        scored.append(sample_weight)
        return 0.0

    fold(
        Recorder(),
        scorer=scorer,
        fit_params={"sample_weight": weights, "note": "x"},
        score_params={"sample_weight": weights},
    )
    np.testing.assert_array_equal(Recorder.seen[0], weights[TRAIN])
    assert Recorder.seen[1] == "x"
    np.testing.assert_array_equal(scored[0], weights[TEST])


@pytest.mark.parametrize(
    ("fails", "reason"),
    [("fit", "RuntimeError: broken in two lines"), ("predict", "RuntimeError: cannot predict")],
)
def test_a_failure_is_a_result(fails, reason):
    result = fold(Recorder(fails=fails))
    assert result.reason == reason
    assert result.scores == {}
    assert np.isnan([result.fit_seconds, result.score_seconds]).all()


@pytest.mark.parametrize("value", ["good", None, True, [0.5]])
def test_a_scorer_that_gives_no_number_is_an_error_as_in_scikit_learn(value):
    with pytest.raises(ValueError, match=r"scoring must return a number, got .* instead"):
        fold(Recorder(), scorer=lambda *_: {"score": value})


def test_an_interrupt_is_no_result():
    def interrupted(*_):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fold(Recorder(), scorer=interrupted)


def test_warnings_are_collected_and_not_shown():
    with warnings.catch_warnings(action="error"):
        result = fold(Recorder(warns=("first", "second\nline", "first")))
        failed = fold(Recorder(warns=("before it broke",), fails="fit"))
    assert result.warnings == ("UserWarning: first", "UserWarning: second")
    assert failed.warnings == ("UserWarning: before it broke",)


def test_fold_results_have_defaults():
    assert FoldResult().scores == {}
    assert FoldResult().warnings == ()


def test_describe_error_is_one_short_line():
    assert describe_error(ValueError("a\nb")) == "ValueError: a b"
    assert describe_error(KeyboardInterrupt()) == "KeyboardInterrupt:"
    assert len(describe_error(ValueError("x" * 1000))) == 300


def test_with_random_state_sets_what_is_open():
    nested = make_pipeline(StandardScaler(), BaggingClassifier(RandomForestClassifier()))
    seeded = with_random_state(nested, 7)
    params = seeded.get_params()
    assert params["baggingclassifier__random_state"] == 7
    assert params["baggingclassifier__estimator__random_state"] == 7
    assert nested.get_params()["baggingclassifier__random_state"] is None
    assert with_random_state(RandomForestClassifier(random_state=3), 7).random_state == 3
    assert with_random_state(RandomForestClassifier(), None).random_state is None
    assert with_random_state(Ridge(alpha=2), 7).random_state == 7


def test_align_columns():
    values = np.array([[0.3, 0.7], [0.6, 0.4]])
    np.testing.assert_array_equal(align_columns(values, np.array([0, 2]), 3, 0.0), [[0.3, 0, 0.7], [0.6, 0, 0.4]])
    assert np.isnan(align_columns(values, np.array([1, 2]), 3, np.nan)[:, 0]).all()
    with pytest.raises(ValueError, match="probabilities or decision values are not finite"):
        align_columns(values * np.nan, np.array([0, 1]), 2, 0.0)


def test_some_rows_have_weights_and_every_class():
    y = np.repeat([0, 1, 2], [900, 90, 10])
    weights = np.where(np.arange(1000) % 2, 1.0, 0.0)
    params = {"a": {"sample_weight": weights}, "b": {"eval_sample_weight": [np.zeros(3)]}}
    trial = Trial((np.zeros((1000, 1)), y), [], None, {}, params, classes=np.arange(3))
    some = trial.some_rows(100)
    assert len(some) == 100
    assert (weights[some] == 1).all()
    assert set(y[some]) == {0, 1, 2}
    assert len(trial.some_rows(800)) == 500, "no more have any"
    assert trial.some_rows(1000).tolist() == list(range(1000))


class Slow(GaussianNB):
    def predict_proba(self, X):
        time.sleep(0.02 + 1e-5 * len(X))
        return super().predict_proba(X)


def test_the_time_of_an_answer_is_that_of_a_thousand_rows():
    X, y = load_iris(return_X_y=True)
    splits = [(np.arange(0, 150, 2), np.arange(1, 150, 2))]

    def slow_score(model, X, y):
        time.sleep(0.3)
        return 0.5

    trial = Trial((X, y), splits, slow_score, {}, {"slow": {}}, np.arange(3), keep_outputs=True, measure_speed=True)
    result = evaluate_on(trial, 0, "slow", Slow())
    assert 0.03 <= result.answer_seconds < result.score_seconds, "the scorer sleeps ten times as long"
    assert result.model is None
    assert np.isnan(evaluate_on(replace(trial, measure_speed=False), 0, "slow", Slow()).answer_seconds)
    assert evaluate_on(replace(trial, keep_models=True), 0, "slow", Slow()).model is not None


class Speechless(GaussianNB):
    def predict_proba(self, X):
        raise RuntimeError("says nothing")


def test_what_cannot_answer_costs_nothing_but_its_place_in_an_average():
    splits = [(np.arange(0, 150, 2), np.arange(1, 150, 2))]
    trial = Trial((IRIS, SPECIES), splits, get_scorer("accuracy"), {}, {"nb": {}}, np.arange(3))
    result = evaluate_on(replace(trial, keep_outputs=True, measure_speed=True), 0, "nb", Speechless())
    assert (result.status, result.outputs) == ("ok", None)
    assert np.isnan(result.answer_seconds)
