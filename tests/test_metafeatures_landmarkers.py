"""Landmarking learners against scikit-learn's estimators, on the same splits."""

from functools import partial

import numpy as np
import pandas as pd
import pytest
from scipy.special import log_softmax
from sklearn.base import clone
from sklearn.datasets import load_breast_cancer, load_diabetes, load_iris, load_wine, make_classification
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
from sklearn.kernel_ridge import KernelRidge
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.metrics import cohen_kappa_score, r2_score, roc_auc_score
from sklearn.model_selection import PredefinedSplit, cross_val_predict
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsClassifier, KNeighborsRegressor
from sklearn.tree import DecisionTreeClassifier, ExtraTreeRegressor

from sklmeta.metafeatures import MetaFeatureExtractor, landmarkers, learners
from sklmeta.metafeatures._sampling import stratified_folds
from sklmeta.metafeatures._table import as_table
from sklmeta.metafeatures._target import read_target


@pytest.fixture(params=[load_iris, load_wine, load_breast_cancer], ids=["iris", "wine", "cancer"])
def split(request):
    X, y = request.param(return_X_y=True)
    X = (X - X.mean(axis=0)) / X.std(axis=0)
    test = np.random.RandomState(0).rand(len(y)) < 0.3
    return X[~test], y[~test], X[test]


def indicator(y):
    return np.eye(y.max() + 1)[y]


def test_one_neighbour(split):
    X, y, X_new = split
    expected = KNeighborsClassifier(1).fit(X, y).predict(X_new)
    np.testing.assert_array_equal(learners.nearest(X, indicator(y), X_new).argmax(axis=1), expected)


def test_five_neighbours():
    X, y = load_diabetes(return_X_y=True)
    expected = KNeighborsRegressor(5).fit(X[:300], y[:300]).predict(X[300:])
    np.testing.assert_allclose(learners.nearest(X[:300], y[:300, None], X[300:], 5)[:, 0], expected)
    few = learners.nearest(X[:3], y[:3, None], X[300:], 5)
    np.testing.assert_allclose(few, y[:3].mean())


def test_ridge(split):
    X, y, X_new = split
    expected = Ridge(alpha=1.0).fit(X, indicator(y)).predict(X_new)
    np.testing.assert_allclose(learners.ridge(X, indicator(y), X_new), expected, atol=1e-8)


@pytest.mark.parametrize("load", [load_iris, load_wine])
def test_logistic_converges_to_sklearns(load):
    X, y = load(return_X_y=True)
    X = (X - X.mean(axis=0)) / X.std(axis=0)
    expected = LogisticRegression(C=1.0, tol=1e-9, max_iter=10_000).fit(X, y).predict_log_proba(X)
    got = log_softmax(learners.logistic(X, indicator(y), X, n_steps=3000), axis=1)
    np.testing.assert_allclose(got, expected, atol=1e-3)


def test_few_logistic_steps_agree_with_the_optimum(split):
    X, y, X_new = split
    expected = LogisticRegression(C=1.0, max_iter=10_000).fit(X, y).predict(X_new)
    assert (learners.logistic(X, indicator(y), X_new).argmax(axis=1) == expected).mean() > 0.9


def test_kernel_ridge(split):
    X, y, X_new = split
    mean = indicator(y).mean(axis=0)
    model = KernelRidge(alpha=0.1, kernel="rbf", gamma=1 / X.shape[1]).fit(X, indicator(y) - mean)
    expected = model.predict(X_new) + mean
    exact = partial(learners.kernel_ridge, dtype=np.float64)
    np.testing.assert_allclose(exact(X, indicator(y), X_new), expected, atol=1e-8)
    padded = exact(np.c_[X, np.zeros(len(X))], indicator(y), np.c_[X_new, np.zeros(len(X_new))])
    np.testing.assert_allclose(padded, expected, atol=1e-8)
    np.testing.assert_allclose(learners.kernel_ridge(X, indicator(y), X_new), expected, atol=1e-4)  # single precision


def test_naive_bayes(split):
    X, y, X_new = split
    expected = GaussianNB(var_smoothing=1e-3).fit(X, y).predict_log_proba(X_new)
    got = log_softmax(learners.naive_bayes(X, indicator(y), X_new), axis=1)
    np.testing.assert_allclose(got, expected, atol=1e-6, rtol=1e-6)


def test_linear_discriminant(split):
    X, y, X_new = split
    model = LinearDiscriminantAnalysis(solver="lsqr", shrinkage=0.05).fit(X, y)
    got = learners.linear_discriminant(X, indicator(y), X_new)
    np.testing.assert_allclose(log_softmax(got, axis=1), log_softmax(decision(model, X_new), axis=1), atol=1e-6)


def decision(model, X):
    scores = model.decision_function(X)
    return scores if scores.ndim == 2 else np.column_stack([np.zeros(len(X)), scores])


@pytest.mark.parametrize("max_depth", [1, 4])
def test_tree_splits_by_gini(max_depth):
    X, y = make_classification(300, 6, n_informative=4, n_classes=3, random_state=0)
    expected = DecisionTreeClassifier(max_depth=max_depth, random_state=0).fit(X[:200], y[:200]).predict_proba(X[200:])
    got = learners.tree(X[:200], indicator(y[:200]), X[200:], max_depth)
    np.testing.assert_allclose(got, expected, atol=1e-12)


def test_random_trees_average_to_better_than_one_tree():
    X, y = make_classification(600, 10, n_informative=6, random_state=0)
    forest = learners.random_trees(X[:300], indicator(y[:300]), X[300:])
    assert set(np.unique(np.round(forest * 10, 9))) == set(range(11))  # ten trees, all of them different
    single = ExtraTreeRegressor(max_features="sqrt", random_state=0).fit(X[:300], y[:300]).predict(X[300:])
    assert (forest.argmax(axis=1) == y[300:]).mean() > (single == y[300:]).mean()


@pytest.mark.parametrize(("n_classes", "rounds"), [(2, 30), (4, 7), (8, 5)])
def test_classes_share_the_boosted_trees(n_classes, rounds):
    X, y = make_classification(600, 8, n_informative=6, n_classes=n_classes, n_clusters_per_class=1, random_state=0)
    model = HistGradientBoostingClassifier(
        max_iter=rounds, learning_rate=0.25, max_leaf_nodes=8, max_bins=63, early_stopping=False
    )
    expected = model.fit(X[:400], y[:400]).predict_proba(X[400:])
    np.testing.assert_allclose(learners.boosting(X[:400], indicator(y[:400]), X[400:]), expected)


def test_boosting_of_a_quantity():
    X, y = load_diabetes(return_X_y=True)
    model = HistGradientBoostingRegressor(max_iter=30, learning_rate=0.25, max_leaf_nodes=8, max_bins=63)
    expected = model.fit(X[:300], y[:300]).predict(X[300:])
    np.testing.assert_allclose(learners.boosting(X[:300], y[:300, None], X[300:])[:, 0], expected)


def test_boosting_without_all_classes():
    rng = np.random.RandomState(0)
    X, Y = rng.normal(size=(80, 2)), np.eye(4)[rng.choice([1, 3], size=80)]
    assert (learners.boosting(X, Y, X)[:, [0, 2]] == 0).all()
    np.testing.assert_array_equal(learners.boosting(X[:5], np.eye(4)[[2] * 5], X), np.eye(4)[[2] * 80])


@pytest.mark.parametrize("learn", [learners.naive_bayes, learners.linear_discriminant])
def test_generative_learners_never_predict_an_absent_class(learn):
    rng = np.random.RandomState(0)
    Y = np.eye(3)[rng.choice([0, 2], size=20)]
    assert set(learn(rng.normal(size=(20, 2)), Y, rng.normal(size=(50, 2)) * 9).argmax(axis=1)) <= {0, 2}


def test_scores_are_sklearns():
    rng = np.random.RandomState(0)
    y, scores = rng.randint(0, 3, size=90), rng.normal(size=(90, 3))
    scores[np.arange(90), y] += 1
    assert landmarkers.kappa(indicator(y), scores) == pytest.approx(cohen_kappa_score(y, scores.argmax(axis=1)))
    guess = y + rng.normal(size=90) / 2
    assert landmarkers.clipped_r2(y[:, None], guess[:, None]) == pytest.approx(r2_score(y, guess))
    assert landmarkers.clipped_r2(y[:, None], guess[:, None] * 9) == -1
    margins = landmarkers.margins(scores)
    others = [np.delete(scores, k, axis=1).max(axis=1) for k in range(3)]
    np.testing.assert_allclose(margins, scores - np.column_stack(others))
    auc = np.mean([roc_auc_score(y == k, margins[:, k]) for k in range(3)])
    assert landmarkers.separation(indicator(y), scores) == pytest.approx(2 * auc - 1)


def test_separation_of_two_classes_ranks_by_their_difference():
    rng = np.random.RandomState(0)
    y, scores = rng.randint(0, 2, size=50), np.round(rng.normal(size=(50, 2)), 1)
    expected = 2 * roc_auc_score(y, scores[:, 1] - scores[:, 0]) - 1
    assert landmarkers.separation(indicator(y), scores) == pytest.approx(expected)
    assert landmarkers.separation(indicator(y), scores + 7 * rng.normal(size=(50, 1))) == pytest.approx(
        expected, abs=1e-2
    )


def test_degenerate_scores_are_zero():
    one_class = np.ones((4, 1))
    assert landmarkers.kappa(one_class, one_class) == 0
    assert landmarkers.separation(one_class, one_class) == 0
    assert landmarkers.clipped_r2(np.zeros((4, 1)), np.zeros((4, 1))) == 0


@pytest.mark.parametrize(
    ("name", "estimator"),
    [
        ("1nn", KNeighborsClassifier(1)),
        ("naive_bayes", GaussianNB(var_smoothing=1e-3)),
        ("discriminant", LinearDiscriminantAnalysis(solver="lsqr", shrinkage=0.05)),
    ],
)
@pytest.mark.parametrize("load", [load_wine, load_breast_cancer])
def test_landmarks_are_those_of_cross_validated_estimators(load, name, estimator):
    extractor = MetaFeatureExtractor(["landmarkers"])
    X, y = load(return_X_y=True)
    table, target = landmarkers._few_rows(*extractor._subsample(as_table(X), read_target(y)))
    folds = PredefinedSplit(stratified_folds(target.values, 3 if len(y) <= 400 else 2))
    predicted = cross_val_predict(clone(estimator), table.standardised, target.values, cv=folds)
    expected = cohen_kappa_score(target.values, predicted)
    assert extractor.extract(X, y)[f"landmark_{name}"] == pytest.approx(expected)


def test_ridge_landmark_is_that_of_a_cross_validated_ridge():
    extractor = MetaFeatureExtractor(["landmarkers"])
    X, y = load_diabetes(return_X_y=True)
    table, target = landmarkers._few_rows(*extractor._subsample(as_table(X), read_target(y)))
    folds = PredefinedSplit(stratified_folds(target.strata, 2))
    predicted = cross_val_predict(Ridge(), table.standardised, target.indicator[:, 0], cv=folds)
    expected = r2_score(target.indicator[:, 0], predicted)
    assert extractor.extract(X, y)["landmark_linear"] == pytest.approx(expected)


# mean accuracy of pymfe 0.4.4's landmarkers (its own ten folds) on three tasks
PYMFE_ACCURACY = {
    load_iris: {"discriminant": 0.980, "naive_bayes": 0.953, "1nn": 0.960},
    load_wine: {"discriminant": 0.977, "naive_bayes": 0.978},  # its 1-NN does not standardise
    load_breast_cancer: {"discriminant": 0.956, "naive_bayes": 0.937},
}


@pytest.mark.parametrize("load", PYMFE_ACCURACY)
def test_landmarks_are_close_to_pymfes(load):
    X, y = load(return_X_y=True)
    got, chance = MetaFeatureExtractor().extract(X, y), ((np.bincount(y) / len(y)) ** 2).sum()
    for name, accuracy in PYMFE_ACCURACY[load].items():
        assert got[f"landmark_{name}"] == pytest.approx((accuracy - chance) / (1 - chance), abs=0.06), name


def test_gains_are_differences_of_landmarks():
    got = MetaFeatureExtractor().extract(*load_iris(return_X_y=True))
    assert got["gain_depth"] == pytest.approx(got["landmark_tree"] - got["landmark_stump"])
    assert got["gain_boosting"] == pytest.approx(got["landmark_boosting"] - got["landmark_random_trees"])
    assert got["gain_neighbours"] == pytest.approx(got["landmark_5nn"] - got["landmark_1nn"])
    assert got["ranking_gain_kernel"] == pytest.approx(got["ranking_kernel"] - got["ranking_linear"])
    assert got["landmark_best"] == got.filter(like="landmark_").max()
    flexible = got[[f"landmark_{name}" for name in ("1nn", "5nn", "kernel", "random_trees", "boosting")]].max()
    assert got["gain_nonlinear"] == pytest.approx(flexible - got["landmark_linear"])


def test_landmarks_tell_a_ring_from_a_plane_from_a_checkerboard():
    rng = np.random.RandomState(0)
    X = rng.uniform(-1, 1, size=(1000, 2))
    extract = MetaFeatureExtractor(["landmarkers"]).extract
    plane, ring = extract(X, X.sum(axis=1) > 0), extract(X, (X**2).sum(axis=1) > 0.6)
    stripes = extract(np.c_[X, rng.normal(size=(1000, 8))], X[:, 0] > 0.3)
    assert plane["landmark_linear"] > 0.9
    assert abs(plane["gain_nonlinear"]) < 0.1
    assert ring["gain_nonlinear"] > 0.7
    assert stripes["landmark_stump"] > 0.95
    assert stripes["gain_smooth"] < plane["gain_smooth"]


def test_rankings_tell_rare_classes_apart_where_kappa_is_blind():
    rng = np.random.RandomState(0)
    X = rng.normal(size=(2000, 3))
    y = rng.uniform(size=2000) < 0.1 / (1 + np.exp(2 - 2 * X[:, 0]))
    got = MetaFeatureExtractor().extract(X, y)
    assert got["landmark_best"] < 0.3
    assert got["ranking_linear"] > 0.4


def test_noise_scores_nothing():
    rng = np.random.RandomState(0)
    X = rng.normal(size=(1000, 5))
    assert MetaFeatureExtractor().extract(X, rng.randint(0, 2, size=1000))["landmark_best"] < 0.15
    assert MetaFeatureExtractor().extract(X, rng.normal(size=1000))["landmark_best"] < 0.05


def test_learners_see_a_bounded_number_of_rows_columns_and_classes():
    rng = np.random.RandomState(0)
    X = pd.DataFrame(rng.randint(0, 30, size=(4500, 40))).astype(str)
    y = np.repeat(np.arange(75), 60)
    table, target = MetaFeatureExtractor(max_rows=4500)._subsample(X, read_target(y, "classification"))
    table, target = landmarkers._few_rows(table, target)
    assert len(table) == len(target) == 2000
    assert target.indicator.shape[1] == 50
    assert landmarkers._features(table).encoded.shape == (2000, 100)
    assert landmarkers._features(table).coded.shape == (2000, 40)


def test_one_hot_has_the_most_frequent_levels_first():
    codes = np.array([[0, 0], [1, 0], [2, -1]])
    assert landmarkers.one_hot(codes).tolist() == [
        [1, 1, 0, 0, 0, 0],
        [0, 1, 1, 0, 0, 0],
        [0, 0, 0, 0, 1, 0],
    ]
    assert landmarkers.one_hot(np.full((3, 2), -1)).shape == (3, 0)


@pytest.mark.parametrize(
    ("load", "task", "counts"), [(load_diabetes, "regression", (8, 0)), (load_wine, "classification", (10, 6))]
)
def test_where_each_learner_stands_among_the_others_by_hand(load, task, counts):
    names = MetaFeatureExtractor(["landmarkers"]).get_feature_names_out(task)
    found = MetaFeatureExtractor(["landmarkers"]).extract(*load(return_X_y=True))
    kinds = ("relative_", "landmark_"), ("ranking_relative_", "ranking_")
    for (prefix, scores), count in zip(kinds, counts, strict=True):
        learners = [name.removeprefix(prefix) for name in names if name.startswith(prefix)]
        assert len(learners) == count
        values = sorted(found[f"{scores}{name}"] for name in learners)
        for name in learners:
            middle = (values[(len(values) - 1) // 2] + values[len(values) // 2]) / 2
            place = (found[f"{scores}{name}"] - middle) / max(values[-1] - middle, 0.01)
            assert found[f"{prefix}{name}"] == pytest.approx(max(-1.0, place))
    assert max(found.filter(like="relative")) <= 1.0


def test_learners_that_are_alike_have_no_places():
    np.testing.assert_allclose(landmarkers.places(np.array([0.5, 0.5, 0.5, 0.5])), 0.0)
    np.testing.assert_allclose(landmarkers.places(np.array([0.5, 0.5, 0.501])), [0.0, 0.0, 0.1])
    np.testing.assert_allclose(landmarkers.places(np.array([-1.0, 0.5, 0.7])), [-1.0, 0.0, 1.0])
