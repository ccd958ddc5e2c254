import numpy as np
import pytest
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.datasets import make_classification
from sklearn.ensemble import RandomForestClassifier
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import balanced_accuracy_score, confusion_matrix, f1_score, make_scorer, matthews_corrcoef
from sklearn.model_selection import PredefinedSplit, TunedThresholdClassifierCV, train_test_split
from sklearn.neighbors import KNeighborsClassifier

from sklmeta import MetaClassifier, MetaEstimator
from sklmeta.blends import Average
from sklmeta.thresholds import best_threshold, proven_threshold, shifted

MEMBERS = [
    ("lr", LogisticRegression(max_iter=500)),
    ("knn", KNeighborsClassifier()),
    ("rf", RandomForestClassifier(10)),
]


class ColumnClassifier(ClassifierMixin, BaseEstimator):
    """Its only column is the probability of the second class."""

    def fit(self, X, y):
        self.classes_ = np.unique(y)
        return self

    def predict_proba(self, X):
        return np.column_stack([1 - X[:, 0], X[:, 0]])

    def predict(self, X):
        return self.classes_[(X[:, 0] > 0.5).astype(int)]


def rare(n=400, seed=0):
    """Honest probabilities of a rare class, and labels drawn by them."""
    rng = np.random.RandomState(seed)
    p = rng.beta(0.6, 4, n)
    return np.column_stack([1 - p, p]), (rng.uniform(size=n) < p).astype(int)


def f1_of(y):
    return lambda p: f1_score(y, p.argmax(axis=1), zero_division=0)


def test_what_is_at_the_threshold_is_one_half():
    p = np.array([[0.7, 0.3], [0.2, 0.8], [1.0, 0.0], [0.0, 1.0]])
    found = shifted(p, 0.3)
    np.testing.assert_allclose(found[0], [0.5, 0.5])
    np.testing.assert_allclose(found.sum(axis=1), 1)
    np.testing.assert_array_equal(found[2:], p[2:])
    np.testing.assert_allclose(shifted(p, 0.5), p)
    for t in (0.1, 0.3, 0.6):
        np.testing.assert_array_equal(shifted(p, t)[:, 1] > 0.5 + 1e-12, p[:, 1] > t + 1e-12)


@pytest.mark.parametrize("metric", [f1_score, balanced_accuracy_score, matthews_corrcoef])
def test_the_threshold_is_as_good_as_scikit_learns(metric):
    p, y = rare()
    theirs = TunedThresholdClassifierCV(
        FrozenEstimator(ColumnClassifier().fit(p[:, 1:], y)),
        scoring=make_scorer(metric),
        cv="prefit",
        refit=False,
        thresholds=400,
    ).fit(p[:, 1:], y)
    ours = best_threshold(p, lambda q: metric(y, q.argmax(axis=1)))
    assert metric(y, p[:, 1] > ours) >= 0.98 * theirs.best_score_
    assert metric(y, p[:, 1] > ours) > metric(y, p[:, 1] > 0.5)


def test_of_equally_good_thresholds_the_one_nearest_to_one_half():
    p = np.column_stack([1 - np.linspace(0, 1, 11), np.linspace(0, 1, 11)])
    assert best_threshold(p, lambda q: 1.0) == 0.5
    assert best_threshold(p, lambda q: np.nan) == 0.5
    assert best_threshold(np.full((5, 2), 0.5), lambda q: 1.0) == 0.5


def test_a_threshold_that_helps_is_proven_and_noise_is_not():
    p, y = rare(2000)
    every = np.arange(2000)
    parts = [(np.setdiff1d(every, every[k::5]), every[k::5]) for k in range(5)]
    assert 0.1 < proven_threshold(p, parts, lambda rows: f1_of(y[rows])) < 0.45
    assert proven_threshold(p, parts[:1], lambda rows: f1_of(y[rows])) == 0.5, "one part proves nothing"
    unproven = 0
    for seed in range(10):
        rng = np.random.RandomState(seed)
        coin, even = rng.randint(0, 2, 2000), rng.uniform(0.45, 0.55, 2000)
        noise = np.column_stack([1 - even, even])
        found = proven_threshold(noise, parts, lambda rows, y=coin: lambda q: np.mean(q.argmax(axis=1) == y[rows]))
        unproven += found == 0.5
    assert unproven >= 7


@pytest.fixture(scope="module")
def imbalanced():
    X, y = make_classification(900, 8, weights=[0.93], flip_y=0.05, class_sep=0.7, random_state=0)
    return train_test_split(X, np.where(y, "yes", "no"), stratify=y, random_state=0)


@pytest.mark.parametrize("n_jobs", [1, 2])
def test_a_search_by_labels_tunes_its_threshold(imbalanced, n_jobs):
    X, X_test, y, y_test = imbalanced
    scoring = make_scorer(f1_score, pos_label="yes", zero_division=0.0)
    meta = MetaClassifier(MEMBERS, n_iter=6, cv=3, scoring=scoring, n_jobs=n_jobs, random_state=0).fit(X, y)
    threshold = meta.ensemble_.blend.threshold
    assert 0.05 < threshold < 0.5
    p = meta.predict_proba(X_test)
    np.testing.assert_array_equal(meta.predict(X_test), np.where(p[:, 1] >= threshold, "yes", "no"))
    np.testing.assert_allclose(p.sum(axis=1), 1)
    fixed = f1_score(y_test, np.where(p[:, 1] > 0.5, "yes", "no"), pos_label="yes", zero_division=0.0)
    assert meta.score(X_test, y_test) > fixed


@pytest.mark.parametrize("scoring", ["accuracy", "roc_auc", "neg_log_loss", None])
def test_what_does_not_depend_on_a_threshold_leaves_it(imbalanced, scoring):
    X, _, y, _ = imbalanced
    meta = MetaClassifier(MEMBERS, n_iter=3, cv=3, scoring=scoring, random_state=0)
    assert meta.fit(X, y).ensemble_.blend.threshold == 0.5


def test_it_can_be_left_alone(imbalanced):
    X, _, y, _ = imbalanced
    alone = Average(tune_threshold=False)
    meta = MetaClassifier(MEMBERS, n_iter=3, cv=3, scoring="f1_macro", ensemble=alone, random_state=0)
    assert meta.fit(X, y).ensemble_.blend.threshold == 0.5


def test_a_metric_that_needs_both_classes_leaves_the_threshold_as_it_is():
    def cost(y_true, y_pred):
        _, false_alarms, missed, _ = confusion_matrix(y_true, y_pred).ravel()
        return -(missed + 5 * false_alarms) / len(y_true)

    X, y = make_classification(400, 6, weights=[0.06], flip_y=0.0, random_state=1)
    fold = PredefinedSplit(np.r_[np.full(300, -1), np.zeros(100)])
    members = [("lr", LogisticRegression()), ("knn", KNeighborsClassifier())]
    meta = MetaEstimator(members, n_iter=4, random_state=0, scoring=make_scorer(cost), cv=fold)
    assert meta.fit(X, y).ensemble_.blend.threshold == 0.5

    def raising(rows):
        raise ValueError("one class only")

    assert proven_threshold(np.full((10, 2), 0.5), [(np.arange(5), np.arange(5, 10))] * 2, raising) == 0.5
