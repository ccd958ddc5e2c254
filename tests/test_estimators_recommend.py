"""What to try first, told before anything is fitted."""

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.metrics import accuracy_score, make_scorer
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsClassifier
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC

from sklmeta import (
    Configuration,
    Evaluation,
    KnowledgeBase,
    MetaClassifier,
    MetaEstimator,
    MetaRegressor,
    recommend_config,
)
from sklmeta.recommenders import AverageRank, Recommendation, TaskMixture

CANDIDATES = [
    SVC,
    RandomForestClassifier,
    MLPClassifier,
    HistGradientBoostingClassifier,
    KNeighborsClassifier,
    LogisticRegression,
]


@pytest.fixture
def fitted_rows(monkeypatch):
    """Rows of every fit of a candidate's class, the landmarkers' among them."""
    rows = []
    for cls in (*CANDIDATES, Pipeline):
        _watch(monkeypatch, cls, rows)
    return rows


def _watch(monkeypatch, cls, rows):
    original = cls.fit

    def fit(self, X, *args, **kwargs):
        rows.append((cls.__name__, X.shape[0]))
        return original(self, X, *args, **kwargs)

    monkeypatch.setattr(cls, "fit", fit)


def big(n=5000):
    rng = np.random.RandomState(0)
    X = rng.normal(size=(n, 6))
    return X, (X[:, 0] + X[:, 1] ** 2 > 1).astype(int)


@pytest.mark.parametrize("how", ["function", "method"])
def test_no_candidate_is_fitted(fitted_rows, how):
    X, y = big()
    found = recommend_config(X, y) if how == "function" else MetaClassifier().recommend_config(X, y)
    assert isinstance(found, Recommendation)
    assert not [fit for fit in fitted_rows if fit[0] in ("Pipeline", "SVC", "RandomForestClassifier", "MLPClassifier")]
    assert all(rows <= 1000 for _, rows in fitted_rows)  # landmarkers see a bounded sample
    MetaClassifier(LogisticRegression(), knowledge=None, n_iter=1, cv=2).fit(X, y)
    assert ("LogisticRegression", 5000) in fitted_rows  # the spy does see candidates


def test_needs_no_fit_and_leaves_none(binary, knowledge):
    meta = MetaClassifier(knowledge=knowledge)
    before = dict(vars(meta))
    meta.recommend_config(*binary)
    assert vars(meta) == before


def test_one_or_a_list(binary, knowledge):
    one = recommend_config(*binary, knowledge=knowledge)
    three = recommend_config(*binary, 3, knowledge=knowledge)
    assert one == three[0]
    assert len({r.configuration for r in three}) == 3
    assert len(recommend_config(*binary, 100, knowledge=knowledge)) == 6
    assert one.configuration == Configuration("logistic_regression", {"C": 0.5, "class_weight": None})


def test_every_recommended_estimator_works_in_plain_scikit_learn(three_classes, knowledge):
    X, y = three_classes
    for recommendation in recommend_config(X, y, 6, knowledge=knowledge):
        estimator = clone(recommendation.estimator)
        assert estimator is not recommendation.estimator
        assert estimator.fit(X[::2], y[::2]).score(X[1::2], y[1::2]) > 0.4
        step = estimator.steps[-1][1]
        base = getattr(step, "estimator", step)
        assert {k: base.get_params()[k] for k in recommendation.params} == recommendation.params


def test_the_bundled_knowledge_answers_for_both_task_types(binary, quantity):
    assert hasattr(recommend_config(*binary).estimator.fit(*binary), "predict_proba")
    recommendation = MetaRegressor().recommend_config(*quantity)
    assert recommendation.metric == "r2"
    assert recommendation.estimator.fit(*quantity).score(*quantity) > 0
    low, high = recommendation.interval
    assert low <= high
    assert recommendation.reason in str(recommendation)


def test_messy_data(knowledge):
    frame = pd.DataFrame(
        {
            "number": [1.0, None, 3.0, 4.0] * 10,
            "text": ["a", "b", None, "c"] * 10,
            "when": pd.date_range("2020", periods=40),
            "flag": [True, False] * 20,
        }
    )
    target = ["yes", "no"] * 20
    recommendation = recommend_config(frame, target, knowledge=knowledge)
    assert recommendation.estimator.fit(frame, target).score(frame, target) > 0.9


def test_estimators_narrow_the_choice_and_what_is_set_stays(binary, knowledge):
    linear = recommend_config(*binary, estimators=SVC(kernel="linear", tol=0.1), knowledge=knowledge)
    assert linear.configuration == Configuration("svc", {"C": 2.0, "kernel": "linear", "class_weight": None})
    assert linear.estimator.steps[-1][1].get_params()["estimator__tol"] == 0.1
    pipeline = MetaEstimator(make_pipeline(StandardScaler(), SVC(C=3.0)), knowledge=knowledge).recommend_config(*binary)
    assert list(pipeline.estimator.named_steps) == ["standardscaler", "svc"]
    assert pipeline.estimator.named_steps["svc"].C == 3.0
    assert pipeline.params["C"] == 3.0


def test_a_recommender_of_ones_own(binary, knowledge):
    found = MetaClassifier(knowledge=knowledge, recommender=AverageRank()).recommend_config(*binary, n_configs=2)
    assert [r.configuration for r in found] == list(knowledge.configurations[:2])


def test_a_search_asks_for_an_average_where_it_makes_one_and_a_recommendation_for_the_best(binary, knowledge):
    heard = []

    class Listening(TaskMixture):
        def recommend(self, *args, average=False, **kwargs):
            heard.append(average)
            return super().recommend(*args, average=average, **kwargs)

    def asked(call, **kwargs):
        heard.clear()
        getattr(MetaClassifier(knowledge=knowledge, recommender=Listening(), n_iter=2, cv=2, **kwargs), call)(*binary)
        return set(heard)

    assert asked("fit") == asked("fit", ensemble="stack") == {True}
    assert asked("fit", ensemble="best") == asked("recommend_config") == {False}


def test_the_metric_that_was_asked_for(binary, knowledge):
    assert recommend_config(*binary, knowledge=knowledge, scoring="neg_log_loss").metric == "neg_log_loss"
    assert recommend_config(*binary, knowledge=knowledge).metric == "accuracy"
    several = MetaClassifier(knowledge=knowledge, scoring=["accuracy", "neg_log_loss"], refit="neg_log_loss")
    assert several.recommend_config(*binary).metric == "neg_log_loss"


@pytest.mark.parametrize(
    ("y", "metric"),
    [
        (np.arange(40) % 3, "accuracy"),
        (np.linspace(0, 1, 40), "r2"),
        (np.arange(40), "r2"),
        (["a", "b"] * 20, "accuracy"),
    ],
)
def test_the_task_type_is_told_from_the_target(y, metric):
    assert recommend_config(np.random.RandomState(0).normal(size=(40, 2)), y).metric == metric


def test_expected_errors_are_in_units_of_the_target(quantity):
    X, y = quantity
    unit = 1024.0  # exact in floating point, so that no landmarker's split falls otherwise by rounding
    plain, larger = (
        recommend_config(X, y * u, task="regression", scoring="neg_mean_absolute_error") for u in (1.0, unit)
    )
    assert larger.expected_score == pytest.approx(unit * plain.expected_score)
    assert larger.interval == pytest.approx(tuple(unit * bound for bound in plain.interval))
    assert -2 * np.std(y) < plain.expected_score < 0
    assert "stands in" not in plain.reason


@pytest.mark.parametrize("dtype", [np.float16, np.float32])
def test_targets_of_low_precision_have_a_spread(quantity, dtype):
    X, y = quantity
    large = (y / np.abs(y).max() * np.finfo(dtype).max / 2).astype(dtype)
    found = recommend_config(X, large, task="regression", scoring="neg_mean_absolute_error")
    assert -2 * np.std(large.astype(float)) < found.expected_score < 0


def test_expected_scores_are_in_units_of_the_metric_that_stands_in(quantity):
    X, y = quantity
    unit = 1024.0
    of_errors = [
        recommend_config(X, unit * y, task="regression", scoring=scoring)
        for scoring in ("neg_mean_squared_error", "neg_root_mean_squared_error")
    ]
    assert of_errors[0].metric == of_errors[1].metric
    assert of_errors[0].expected_score == of_errors[1].expected_score < -unit
    scores = pd.DataFrame({Configuration("ridge", {"alpha": 1.0}): [0.6, 0.7], Configuration("svr"): [0.5, 0.4]})
    only_r2 = KnowledgeBase.from_frames(None, {"r2": scores}, task_type="regression")
    found = recommend_config(X, unit * y, knowledge=only_r2, scoring="neg_mean_absolute_error")
    assert found.expected_score == pytest.approx(0.65)


def test_a_metric_that_stands_in_for_the_estimators_own_score_is_said(binary, quantity):
    scores = pd.DataFrame({Configuration("gaussian_nb"): [-0.6, -0.7]})
    of_classes = KnowledgeBase.from_frames(None, {"neg_log_loss": scores}, task_type="classification")
    assert "neg_log_loss stands in for accuracy" in recommend_config(*binary, knowledge=of_classes).reason
    scores = pd.DataFrame({Configuration("ridge", {"alpha": 1.0}): [-0.6, -0.7]})
    of_numbers = KnowledgeBase.from_frames(None, {"neg_mean_absolute_error": scores}, task_type="regression")
    assert "neg_mean_absolute_error stands in for r2" in recommend_config(*quantity, knowledge=of_numbers).reason
    assert "stands in" not in recommend_config(*binary).reason


def test_a_metric_that_stands_in_for_another_is_said(binary):
    assert "accuracy stands in for f1, which was never recorded" in recommend_config(*binary, scoring="f1").reason
    own = make_scorer(accuracy_score)
    assert "accuracy stands in for your scorer" in recommend_config(*binary, scoring=own).reason


def test_the_task_type_can_be_said(quantity):
    whole = np.arange(80) % 5
    assert recommend_config(quantity[0], whole, task="regression").metric == "r2"
    assert recommend_config(quantity[0], whole, estimators=Ridge()).metric == "r2"


# -- what it refuses -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("n_configs", [0, -1, 1.5, "two", None])
def test_n_configs_that_make_no_sense(binary, n_configs):
    with pytest.raises(ValueError, match="n_configs must be a positive integer, got"):
        recommend_config(*binary, n_configs)


def test_task_that_nobody_knows(binary):
    with pytest.raises(ValueError, match="task must be 'classification', 'regression' or None, got 'clustering'"):
        recommend_config(*binary, task="clustering")


def test_scoring_that_makes_no_sense(binary, quantity, knowledge):
    with pytest.raises(ValueError, match="'acuracy'"):
        recommend_config(*binary, knowledge=knowledge, scoring="acuracy")
    with pytest.raises(ValueError, match="scoring='r2' is for regression, the estimators are for classification"):
        recommend_config(*binary, knowledge=knowledge, scoring="r2")
    with pytest.raises(ValueError, match="scoring='f1' is for classification, the estimators are for regression"):
        recommend_config(*quantity, scoring="f1")
    several = MetaClassifier(knowledge=knowledge, scoring=["accuracy", "neg_log_loss"], refit="roc_auc")
    with pytest.raises(ValueError, match="'roc_auc' was passed; the keys are"):
        several.recommend_config(*binary)


def test_knowledge_without_a_score(binary, knowledge):
    failed = [Evaluation("a", c, status="failed", reason="no") for c in knowledge.configurations]
    for silent in (KnowledgeBase.from_evaluations(failed), knowledge.exclude(tasks=knowledge.tasks)):
        with pytest.raises(ValueError, match=r"There is nothing to learn from: KnowledgeBase.* has no score"):
            recommend_config(*binary, knowledge=silent)
        alone = MetaEstimator(GaussianNB(), knowledge=silent, n_iter=1, cv=2)
        assert alone.fit(*binary).strategy_ == {}


def test_a_metric_without_a_score_is_none(binary):
    scores = pd.DataFrame({Configuration("gaussian_nb"): [0.6, 0.7]})
    kb = KnowledgeBase.from_frames(None, {"accuracy": scores * np.nan, "roc_auc": scores})
    assert recommend_config(*binary, knowledge=kb).metric == "roc_auc"


def test_no_target(binary):
    with pytest.raises(ValueError, match="requires y to be passed, but the target y is None"):
        recommend_config(binary[0], None)
    with pytest.raises(ValueError, match="requires y to be passed, but the target y is None"):
        MetaClassifier().recommend_config(binary[0], None)


def test_estimators_of_the_other_task_type(binary):
    with pytest.raises(ValueError, match="MetaClassifier needs estimators for classification, got some for regression"):
        recommend_config(*binary, task="classification", estimators=Ridge())


def test_labels_that_the_catalogue_does_not_know_are_no_candidates(binary):
    scores = pd.DataFrame({"foreign": [0.9, 0.8], Configuration("gaussian_nb"): [0.5, 0.5]})
    foreign = KnowledgeBase.from_frames(None, {"accuracy": scores}, task_type="classification")
    assert recommend_config(*binary, knowledge=foreign).configuration == Configuration("gaussian_nb")


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"knowledge": None}, "no knowledge to recommend from: knowledge=None"),
        ({"estimators": RandomForestClassifier()}, "none of .*; it is about .*'svc'"),
        ({"estimators": SVC(kernel="sigmoid", C=3.0)}, "no configuration for .*'svc'.* that agrees with what is set"),
    ],
)
def test_why_there_is_nothing_to_recommend_is_said(binary, knowledge, settings, message):
    meta = MetaClassifier(**{"estimators": SVC(), "knowledge": knowledge, **settings})
    with pytest.raises(ValueError, match=message):
        meta.recommend_config(*binary)
