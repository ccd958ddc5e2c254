import warnings

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy import sparse
from sklearn import config_context
from sklearn.base import BaseEstimator, ClassifierMixin, clone
from sklearn.calibration import CalibratedClassifierCV, _SigmoidCalibration
from sklearn.datasets import load_iris, make_classification
from sklearn.exceptions import UnsetMetadataPassedError
from sklearn.linear_model import Perceptron
from sklearn.metrics import log_loss
from sklearn.model_selection import StratifiedKFold
from sklearn.pipeline import make_pipeline
from sklearn.svm import SVC, LinearSVC
from sklearn.utils.estimator_checks import parametrize_with_checks

from sklmeta.calibration import CalibratedMember, cross_fitted_probabilities

IRIS, SPECIES = load_iris(return_X_y=True)
WEIGHTS = np.random.RandomState(0).uniform(0.1, 2, 150)


def known_failures(estimator):
    # the same two that scikit-learn lists for its own SVC and CalibratedClassifierCV
    return {
        f"check_sample_weight_equivalence_on_{kind}_data": "folds differ when rows are repeated or left out"
        for kind in ("dense", "sparse")
    }


@parametrize_with_checks(
    [CalibratedMember(SVC()), CalibratedMember(SVC(kernel="linear"), cv=2)], expected_failed_checks=known_failures
)
def test_scikit_learn_checks(estimator, check):
    check(estimator)


def two_species():
    return IRIS[:100, :1], np.where(SPECIES[:100] == 1, "b", "a")


@pytest.mark.parametrize("data", [(IRIS, SPECIES), two_species()])
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("cv", [2, 3, StratifiedKFold(4)])
def test_probabilities_equal_scikit_learns_calibration(data, weighted, cv):
    X, y = data
    weights = WEIGHTS[: len(y)] if weighted else None
    ours = CalibratedMember(SVC(), cv=cv).fit(X, y, sample_weight=weights)
    folds = StratifiedKFold(cv) if isinstance(cv, int) else cv
    theirs = CalibratedClassifierCV(SVC(), ensemble=False, cv=folds).fit(X, y, sample_weight=weights)
    assert_array_equal(ours.predict_proba(X), theirs.predict_proba(X))


@pytest.mark.parametrize("data", [(IRIS, SPECIES), two_species()])
def test_labels_and_decisions_are_the_classifiers_own(data):
    X, y = data
    ours, own = CalibratedMember(SVC(C=0.3)).fit(X, y), SVC(C=0.3).fit(X, y)
    assert_array_equal(ours.predict(X), own.predict(X))
    assert_array_equal(ours.decision_function(X), own.decision_function(X))
    assert_array_equal(ours.classes_, own.classes_)
    assert ours.n_features_in_ == X.shape[1]


def with_rare_class(rows):
    y = np.where(np.arange(150) % 2 == 0, "many", "some").astype(object)
    y[-rows:] = "rare"
    X = IRIS.copy()
    X[-rows:] += 3
    return X, y


@pytest.mark.parametrize("rows", [1, 2, 3])
@pytest.mark.parametrize("weights", [None, WEIGHTS])
def test_rare_classes(rows, weights):
    X, y = with_rare_class(rows)
    with warnings.catch_warnings(action="error"):
        model = CalibratedMember(SVC(), cv=5).fit(X, y, sample_weight=weights)
    probabilities = model.predict_proba(X)
    assert_array_equal(model.classes_, ["many", "rare", "some"])
    assert_allclose(probabilities.sum(axis=1), 1)
    assert np.isfinite(probabilities).all()
    assert probabilities[-1, 1] > probabilities[:-rows, 1].max()
    own = SVC().fit(X, y, sample_weight=weights)
    assert_array_equal(model.predict(X), own.predict(X))


def test_a_class_with_one_row_is_calibrated_on_the_training_rows():
    X, y = with_rare_class(1)
    decisions = SVC().fit(X, y).decision_function(X)
    each = [_SigmoidCalibration().fit(decisions[:, k], y == c).predict(decisions[:, k])
            for k, c in enumerate(["many", "rare", "some"])]  # fmt: skip
    expected = np.column_stack(each)
    expected /= expected.sum(axis=1, keepdims=True)
    assert_allclose(CalibratedMember(SVC()).fit(X, y).predict_proba(X), expected)


def test_sparse_rows():
    model = CalibratedMember(LinearSVC()).fit(sparse.csr_matrix(IRIS), SPECIES)
    assert_allclose(model.predict_proba(sparse.csr_matrix(IRIS)).sum(axis=1), 1)


class Spy(ClassifierMixin, BaseEstimator):
    """A classifier that counts its weights, or takes none."""

    def fit(self, X, y, sample_weight=None):
        self.classes_, self.total_ = np.unique(y), None if sample_weight is None else np.sum(sample_weight)
        return self

    def decision_function(self, X):
        return np.asarray(X)[:, 0]

    def predict(self, X):
        return self.classes_[(self.decision_function(X) > 5).astype(int)]


@pytest.mark.parametrize("y", [two_species()[1], with_rare_class(1)[1][49:]], ids=["folds", "one row"])
def test_weights_are_routed_where_they_are_requested(y):
    X, w = IRIS[: len(y)], WEIGHTS[: len(y)]
    classifier = SVC()
    plain = CalibratedMember(classifier).fit(X, y, sample_weight=w).predict_proba(X)
    unweighted = CalibratedMember(classifier).fit(X, y).predict_proba(X)
    assert np.abs(plain - unweighted).max() > 1e-3
    with config_context(enable_metadata_routing=True):
        asking = CalibratedMember(SVC().set_fit_request(sample_weight=True))
        assert_array_equal(asking.fit(X, y, sample_weight=w).predict_proba(X), plain)
        in_pipeline = make_pipeline("passthrough", clone(asking))
        assert_array_equal(in_pipeline.fit(X, y, sample_weight=w).predict_proba(X), plain)
        renamed = CalibratedMember(SVC().set_fit_request(sample_weight="importance"))
        assert_array_equal(renamed.fit(X, y, importance=w).predict_proba(X), plain)
        assert_array_equal(CalibratedMember(SVC()).fit(X, y).predict_proba(X), unweighted)
        with pytest.raises(UnsetMetadataPassedError, match="sample_weight"):
            CalibratedMember(SVC()).fit(X, y, sample_weight=w)
        with pytest.raises(TypeError, match="sample_weight"):
            CalibratedMember(SVC().set_fit_request(sample_weight=False)).fit(X, y, sample_weight=w)


def test_weights_reach_the_classifier():
    X, y = two_species()
    assert CalibratedMember(Spy()).fit(X, y).estimator_.total_ is None
    model = CalibratedMember(Spy()).fit(X, y, sample_weight=WEIGHTS[:100])
    assert model.estimator_.total_ == WEIGHTS[:100].sum()


def test_tags_are_the_classifiers():
    assert CalibratedMember(SVC()).__sklearn_tags__().input_tags.sparse
    assert not CalibratedMember(Spy()).__sklearn_tags__().input_tags.sparse


# -- probabilities from held-out decision values -------------------------------------------------------------


def held_out(estimator, X, y, n_folds):
    """Decision values and class indices of every fold; NaN in the columns of classes unseen in training."""
    n_classes = len(np.unique(y))
    decisions, labels, splits = [], [], list(StratifiedKFold(n_folds, shuffle=True, random_state=0).split(X, y))
    for train, test in splits:
        model = clone(estimator).fit(X[train], y[train])
        values = model.decision_function(X[test])
        if values.ndim == 2:
            full = np.full((len(test), n_classes), np.nan)
            full[:, model.classes_] = values
            values = full
        decisions.append(values)
        labels.append(y[test])
    return decisions, labels, splits


@pytest.mark.parametrize("n_classes", [2, 3])
def test_cross_fitted_probabilities_equal_brute_force(n_classes):
    X, y = make_classification(300, 6, n_informative=4, n_classes=n_classes, random_state=0)
    decisions, labels, _ = held_out(SVC(), X, y, 3)
    result = cross_fitted_probabilities(decisions, labels, n_classes)
    for k in range(3):
        others = [i for i in range(3) if i != k]
        known, targets = np.concatenate([decisions[i] for i in others]), np.concatenate([labels[i] for i in others])
        if n_classes == 2:
            positive = _SigmoidCalibration().fit(known, targets).predict(decisions[k])
            expected = np.column_stack([1 - positive, positive])
        else:
            expected = np.column_stack(
                [_SigmoidCalibration().fit(known[:, c], targets == c).predict(decisions[k][:, c]) for c in range(3)]
            )
            expected /= expected.sum(axis=1, keepdims=True)
        assert_allclose(result[k], expected)


@pytest.mark.parametrize("n_classes", [2, 3])
@pytest.mark.parametrize("estimator", [SVC(), LinearSVC(), Perceptron()])
def test_cross_fitted_probabilities_measure_what_calibration_gives(n_classes, estimator):
    X, y = make_classification(500, 6, n_informative=4, n_classes=n_classes, random_state=1)
    decisions, labels, splits = held_out(estimator, X, y, 3)
    quick = cross_fitted_probabilities(decisions, labels, n_classes)
    slow = [CalibratedMember(estimator).fit(X[a], y[a]).predict_proba(X[b]) for a, b in splits]
    losses = [[log_loss(t, p) for t, p in zip(labels, probabilities, strict=True)] for probabilities in (quick, slow)]
    assert np.mean(losses[0]) == pytest.approx(np.mean(losses[1]), abs=0.03)
    assert np.mean(losses[0]) < np.log(n_classes)


def test_a_class_that_a_fold_lacked():
    rng = np.random.RandomState(0)
    decisions = [rng.randn(20, 3) for _ in range(3)]
    labels = [np.repeat([0, 1], 10) for _ in range(3)]
    labels[0][0] = 2
    decisions[0][:, 2] = np.nan
    result = cross_fitted_probabilities(decisions, labels, 3)
    assert_allclose([p.sum(axis=1) for p in result], 1)
    assert (result[0][:, 2] == 0).all(), "the fold's model did not know the class"
    assert (np.vstack(result[1:])[:, 2] == 0).all(), "no held-out row of the class has a decision value"


def test_one_fold_is_calibrated_on_itself():
    values, labels = np.array([-1.0, -0.2, 0.3, 2.0]), np.array([0, 1, 0, 1])
    expected = _SigmoidCalibration().fit(values, labels).predict(values)
    assert_allclose(cross_fitted_probabilities([values], [labels], 2)[0][:, 1], expected)


@pytest.mark.parametrize("labels", [(0, 1), (1, 2), (-1, 1), ("no", "yes")])
def test_weights_of_classes_go_by_the_users_labels(labels):
    X, y = make_classification(120, 5, flip_y=0.3, random_state=0)
    named, weights = np.asarray(labels)[y], np.random.RandomState(0).rand(120)
    expected = CalibratedClassifierCV(SVC(class_weight={0: 20.0}), ensemble=False, cv=StratifiedKFold(3))
    expected = expected.fit(X, y, sample_weight=weights).predict_proba(X)
    member = CalibratedMember(SVC(class_weight={labels[0]: 20.0})).fit(X, named, sample_weight=weights)
    np.testing.assert_allclose(member.predict_proba(X), expected)
    assert list(member.estimator_.classes_) == list(member.classes_) == list(labels)
    assert set(member.predict(X)) <= set(labels)
    with config_context(enable_metadata_routing=True):
        routed = CalibratedMember(SVC(class_weight={labels[0]: 20.0}).set_fit_request(sample_weight=True))
        np.testing.assert_allclose(routed.fit(X, named, sample_weight=weights).predict_proba(X), expected)
