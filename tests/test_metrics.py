import warnings

import numpy as np
import pytest
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin
from sklearn.metrics import brier_score_loss, get_scorer, get_scorer_names, make_scorer, roc_auc_score

from sklmeta.metrics import (
    _NEAREST_METRIC,
    CLASSIFICATION,
    REGRESSION,
    STANDARD_METRICS,
    classification_scores,
    recorded_metric,
    recorded_unit,
    regression_scores,
    search_unit,
    task_type_of_scorer,
)


class Oracle(ClassifierMixin, BaseEstimator):
    """A fitted classifier whose predictions are given: scikit-learn's scorers take it as any other."""

    def __init__(self, probabilities=None, labels=None):
        self.probabilities, self.labels = probabilities, labels

    def fit(self, X, y):
        return self

    def __sklearn_is_fitted__(self):
        return True

    @property
    def classes_(self):
        return np.arange(self.probabilities.shape[1])

    def predict_proba(self, X):
        return self.probabilities

    def predict(self, X):
        return self.labels


class RegressionOracle(RegressorMixin, BaseEstimator):
    def __init__(self, predicted=None):
        self.predicted = predicted

    def fit(self, X, y):
        return self

    def __sklearn_is_fitted__(self):
        return True

    def predict(self, X):
        return self.predicted


def random_predictions(n_classes, seed, n=60):
    rng = np.random.RandomState(seed)
    probabilities = rng.dirichlet(np.ones(n_classes), n)
    y = np.concatenate([np.arange(n_classes), rng.randint(0, n_classes, n - n_classes)])
    labels = np.where(rng.rand(n) < 0.5, y, rng.randint(0, n_classes, n))
    return y, labels, probabilities


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("n_classes", [2, 3, 7])
def test_classification_scores_equal_scikit_learns_scorers(n_classes, seed):
    y, labels, probabilities = random_predictions(n_classes, seed)
    found = classification_scores(y, labels, probabilities)
    assert tuple(found) == CLASSIFICATION
    oracle, rows = Oracle(probabilities, labels), np.zeros((len(y), 1))
    for metric in CLASSIFICATION:
        name = "roc_auc_ovr" if metric == "roc_auc" and n_classes > 2 else metric
        if metric == "neg_brier_score" and n_classes > 2:
            # scikit-learn < 1.7 has no Brier score of many classes
            expected = -np.mean(np.sum((np.eye(n_classes)[y] - probabilities) ** 2, axis=1))
        else:
            expected = get_scorer(name)(oracle, rows, y)
        assert found[metric] == pytest.approx(expected, rel=1e-12), metric


def test_brier_score_of_two_classes_is_scikit_learns():
    y, labels, probabilities = random_predictions(2, 5)
    expected = brier_score_loss(y, probabilities[:, 1])
    assert classification_scores(y, labels, probabilities)["neg_brier_score"] == pytest.approx(-expected)


@pytest.mark.parametrize("absent", [0, 2])
def test_a_class_missing_from_the_held_out_rows(absent):
    y, labels, probabilities = random_predictions(3, 1)
    keep = y != absent
    y, labels, probabilities = y[keep], labels[keep], probabilities[keep]
    with warnings.catch_warnings(action="error"):
        found = classification_scores(y, labels, probabilities)
    present = [c for c in range(3) if c != absent]
    assert found["roc_auc"] == pytest.approx(np.mean([roc_auc_score(y == c, probabilities[:, c]) for c in present]))
    assert found["neg_log_loss"] == pytest.approx(np.mean(np.log(probabilities[np.arange(len(y)), y])))
    recall = np.mean([np.mean(labels[y == c] == c) for c in present])
    assert found["balanced_accuracy"] == pytest.approx(recall)
    assert all(np.isfinite(score) for score in found.values())


def test_a_class_missing_from_training_costs_its_rows_and_no_more():
    y, labels, probabilities = random_predictions(3, 2)
    probabilities[:, 2] = 0
    probabilities /= probabilities.sum(axis=1, keepdims=True)
    with warnings.catch_warnings(action="error"):
        found = classification_scores(y, labels, probabilities)
    assert all(np.isfinite(score) for score in found.values())
    assert found["neg_log_loss"] < -5


def test_one_class_held_out():
    found = classification_scores(np.zeros(4, int), np.array([0, 0, 1, 0]), np.full((4, 2), 0.5))
    assert np.isnan(found["roc_auc"])
    assert found["accuracy"] == 0.75
    assert found["neg_log_loss"] == pytest.approx(np.log(0.5))


def test_perfect_predictions():
    y = np.array([0, 1, 2, 1])
    found = classification_scores(y, y, np.eye(3)[y])
    assert found == pytest.approx(
        {"accuracy": 1, "balanced_accuracy": 1, "f1_macro": 1, "roc_auc": 1, "neg_log_loss": 0, "neg_brier_score": 0}
    )


@pytest.mark.parametrize("seed", range(3))
def test_regression_scores_equal_scikit_learns_scorers(seed):
    rng = np.random.RandomState(seed)
    y, predicted = 5 * rng.randn(50), rng.randn(50)
    found = regression_scores(y, predicted)
    assert tuple(found) == REGRESSION
    for metric in REGRESSION:
        expected = get_scorer(metric)(RegressionOracle(predicted), np.zeros((50, 1)), y)
        assert found[metric] == pytest.approx(expected, rel=1e-12), metric


def test_errors_are_divided_by_the_scale_and_r2_is_not():
    rng = np.random.RandomState(0)
    y, predicted = rng.randn(20), rng.randn(20)
    plain, scaled = regression_scores(y, predicted), regression_scores(y, predicted, scale=4.0)
    assert scaled["r2"] == plain["r2"]
    assert all(scaled[m] == plain[m] / 4 for m in REGRESSION[1:])
    in_other_units = regression_scores(1000 * y, 1000 * predicted, scale=4000.0)
    assert in_other_units == pytest.approx(scaled)


def test_r2_of_one_row_is_undefined():
    with warnings.catch_warnings(action="error"):
        found = regression_scores(np.array([1.0]), np.array([2.0]))
    assert np.isnan(found["r2"])
    assert found["neg_root_mean_squared_error"] == -1


# -- metrics that were never recorded ------------------------------------------------------------------------

NO_RANKING_OF_ITS_OWN = {
    # clusterings, and ratios that only exist for two classes: they fall back on the default
    "adjusted_mutual_info_score",
    "adjusted_rand_score",
    "completeness_score",
    "fowlkes_mallows_score",
    "homogeneity_score",
    "mutual_info_score",
    "neg_negative_likelihood_ratio",
    "normalized_mutual_info_score",
    "positive_likelihood_ratio",
    "rand_score",
    "v_measure_score",
    "jaccard_samples",
    "f1_samples",
    "precision_samples",
    "recall_samples",
}


@pytest.mark.parametrize("task_type", ["classification", "regression"])
@pytest.mark.parametrize("name", get_scorer_names())
def test_every_scorer_has_a_recorded_metric(name, task_type):
    recorded = STANDARD_METRICS[task_type]
    assert recorded_metric(name, recorded, task_type) in recorded


@pytest.mark.parametrize("name", get_scorer_names())
def test_every_scorer_of_a_task_has_a_relative_that_was_chosen(name):
    assert name in (*CLASSIFICATION, *REGRESSION, *_NEAREST_METRIC, *NO_RANKING_OF_ITS_OWN)


@pytest.mark.parametrize(
    ("scoring", "task_type", "expected"),
    [
        (None, "classification", "accuracy"),
        (None, "regression", "r2"),
        ("roc_auc", "classification", "roc_auc"),
        ("roc_auc_ovo_weighted", "classification", "roc_auc"),
        ("recall_macro", "classification", "balanced_accuracy"),
        ("neg_mean_squared_error", "regression", "neg_root_mean_squared_error"),
        ("accuracy", "regression", "r2"),
        ("neg_log_loss", "regression", "r2"),
        ("unheard of", "classification", "accuracy"),
        (make_scorer(roc_auc_score, response_method="predict_proba"), "classification", "neg_log_loss"),
        (
            make_scorer(roc_auc_score, response_method=("decision_function", "predict_proba")),
            "classification",
            "roc_auc",
        ),
        (make_scorer(roc_auc_score), "classification", "accuracy"),
        (lambda estimator, X, y: 0.0, "classification", "accuracy"),
        (lambda estimator, X, y: 0.0, "regression", "r2"),
        (make_scorer(roc_auc_score, response_method="predict_proba"), "regression", "r2"),
    ],
)
def test_the_nearest_recorded_metric(scoring, task_type, expected):
    assert recorded_metric(scoring, STANDARD_METRICS[task_type], task_type) == expected


@pytest.mark.parametrize("name", get_scorer_names())
def test_a_scorer_is_of_the_task_type_of_its_recorded_metric(name):
    kind = task_type_of_scorer(name)
    assert (kind is None) == (name in NO_RANKING_OF_ITS_OWN)
    assert kind is None or recorded_metric(name, STANDARD_METRICS[kind], kind) in STANDARD_METRICS[kind]


def test_foreign_knowledge_has_its_own_metrics():
    assert recorded_metric("accuracy", ("runtime", "par10"), "classification") == "runtime"
    assert recorded_metric("par10", ("runtime", "par10"), "classification") == "par10"
    assert recorded_metric("roc_auc", ("par10", "accuracy"), "classification") == "accuracy"


# -- units -------------------------------------------------------------------------------------------------------------

SPREAD = 50.0


@pytest.mark.parametrize("metric", [*CLASSIFICATION, *REGRESSION, "runtime"])
def test_only_recorded_errors_are_in_standard_deviations(metric):
    assert recorded_unit(metric, SPREAD) == (SPREAD if metric.endswith("_error") else 1.0)


@pytest.mark.parametrize(
    ("scoring", "metric", "expected"),
    [
        (None, "accuracy", 1.0),
        (None, "balanced_accuracy", 1.0),
        (None, "neg_log_loss", None),
        (None, "r2", 1.0),
        (None, "neg_mean_absolute_error", None),
        (None, "runtime", None),
        ("f1", "accuracy", 1.0),
        ("average_precision", "roc_auc", 1.0),
        ("neg_log_loss", "neg_log_loss", 1.0),
        ("neg_log_loss", "accuracy", None),
        ("d2_log_loss_score", "neg_log_loss", None),
        ("explained_variance", "r2", 1.0),
        ("neg_mean_absolute_error", "neg_mean_absolute_error", SPREAD),
        ("neg_mean_absolute_error", "neg_root_mean_squared_error", SPREAD),
        ("neg_mean_absolute_error", "r2", None),
        ("r2", "neg_mean_absolute_error", None),
        ("neg_mean_squared_error", "neg_root_mean_squared_error", None),
        ("neg_mean_squared_error", "neg_mean_squared_error", None),
        (len, "r2", None),
    ],
)
def test_scores_of_a_search_are_in_recorded_units_where_both_are_on_one_scale(scoring, metric, expected):
    assert search_unit(scoring, metric, SPREAD) == expected
