import time

import numpy as np
import pytest
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.datasets import load_diabetes, load_iris
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.linear_model import LinearRegression, Ridge
from sklearn.metrics import mean_squared_error
from sklearn.model_selection import KFold, StratifiedKFold, cross_val_predict, cross_validate
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsRegressor
from sklearn.svm import SVC

from sklmeta.measuring import error_products, measure
from sklmeta.metrics import CLASSIFICATION, REGRESSION

IRIS, SPECIES = load_iris(return_X_y=True)
DISEASE, PROGRESSION = load_diabetes(return_X_y=True)
THREE = list(StratifiedKFold(3, shuffle=True, random_state=0).split(IRIS, SPECIES))
TRAIN, TEST = THREE[0]


def test_measure_equals_scikit_learns_cross_validation():
    model = LinearDiscriminantAnalysis()
    found = measure(model, IRIS, SPECIES, THREE, 3)
    assert tuple(found.scores) == CLASSIFICATION
    names = {"roc_auc": "roc_auc_ovr", **{m: m for m in CLASSIFICATION if m not in ("roc_auc", "neg_brier_score")}}
    expected = cross_validate(model, IRIS, SPECIES, cv=THREE, scoring=list(names.values()))
    for ours, theirs in names.items():
        np.testing.assert_allclose(found.scores[ours], expected[f"test_{theirs}"], err_msg=ours)
    assert found.fit_seconds.shape == found.score_seconds.shape == (3,)


def test_measure_equals_scikit_learns_cross_validation_of_numbers():
    folds = list(KFold(4, shuffle=True, random_state=0).split(DISEASE))
    found = measure(Ridge(), DISEASE, PROGRESSION, folds, None)
    assert tuple(found.scores) == REGRESSION
    expected = cross_validate(Ridge(), DISEASE, PROGRESSION, cv=folds, scoring=list(REGRESSION))
    for metric in REGRESSION:
        scale = 1 if metric == "r2" else np.std(PROGRESSION)
        np.testing.assert_allclose(found.scores[metric], expected[f"test_{metric}"] / scale)


@pytest.mark.parametrize("classes", [[0, 1], [0, 1, 2]])
def test_decision_values_become_probabilities(classes):
    rows = np.isin(SPECIES, classes)
    X, y = IRIS[rows][:, :2], SPECIES[rows]
    folds = list(StratifiedKFold(3, shuffle=True, random_state=0).split(X, y))
    found = measure(SVC(), X, y, folds, len(classes))
    np.testing.assert_allclose(
        found.scores["accuracy"], cross_validate(SVC(), X, y, cv=folds, scoring="accuracy")["test_score"]
    )
    assert (found.scores["neg_log_loss"] > -np.log(len(classes))).all()
    if len(classes) == 2:
        expected = cross_validate(SVC(), X, y, cv=folds, scoring="roc_auc")["test_score"]
        np.testing.assert_allclose(found.scores["roc_auc"], expected)


@pytest.mark.parametrize("estimator", [SVC(), LinearDiscriminantAnalysis()])
def test_a_class_that_training_lacks(estimator):
    y = SPECIES.copy()
    y[TEST[0]] = 3
    found = measure(estimator, IRIS, y, [(TRAIN, TEST), THREE[1]], 4)
    assert all(np.isfinite(scores).all() for scores in found.scores.values())


def test_measuring_takes_the_seconds_of_one_thread():
    class Sleeper(ClassifierMixin, BaseEstimator):
        def fit(self, X, y):
            time.sleep(0.3)
            self.classes_ = np.unique(y)
            return self

        def predict(self, X):
            return np.full(len(X), self.classes_[0])

        def predict_proba(self, X):
            return np.full((len(X), 3), 1 / 3)

    assert measure(Sleeper(), IRIS, SPECIES, THREE, 3).fit_seconds.max() < 0.2, "CPU seconds, not the clock's"


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_predictions_that_are_no_numbers_fail(value):
    class Broken(Ridge):
        def predict(self, X):
            return np.full(len(X), value)

    with pytest.raises(ValueError, match="predictions are not finite"):
        measure(Broken(), DISEASE, PROGRESSION, list(KFold(2).split(DISEASE)), None)


# -- errors --------------------------------------------------------------------------------------------------


def test_products_of_errors_tell_the_brier_score_of_any_average():
    models, w = [LinearDiscriminantAnalysis(), GaussianNB(), SVC()], np.array([0.5, 0.2, 0.3])
    errors = [measure(model, IRIS, SPECIES, THREE, 3, keep_errors=True).errors for model in models]
    products = error_products(errors)
    truth = np.eye(3)[SPECIES]
    given = [cross_val_predict(m, IRIS, SPECIES, cv=THREE, method="predict_proba") - truth for m in models[:2]]
    for i, j in ((0, 0), (0, 1), (1, 1)):
        assert products[i, j] == pytest.approx((given[i] * given[j]).sum(axis=1).mean(), rel=1e-5)
    blended = sum(share * e for share, e in zip(w, errors, strict=True))
    assert w @ products @ w == pytest.approx((blended**2).sum(axis=1).mean(), rel=1e-5)


def test_products_of_errors_tell_the_squared_error_of_any_average():
    models, w = [LinearRegression(), KNeighborsRegressor()], np.array([0.6, 0.4])
    folds = list(KFold(3, shuffle=True, random_state=0).split(DISEASE))
    errors = [measure(model, DISEASE, PROGRESSION, folds, None, keep_errors=True).errors for model in models]
    blended = sum(w * cross_val_predict(m, DISEASE, PROGRESSION, cv=folds) for w, m in zip(w, models, strict=True))
    expected = mean_squared_error(PROGRESSION, blended) / PROGRESSION.var()
    assert w @ error_products(errors) @ w == pytest.approx(expected, rel=1e-5)


def test_errors_are_not_kept_unasked():
    assert measure(GaussianNB(), IRIS, SPECIES, THREE, 3).errors is None
