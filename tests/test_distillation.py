"""A student learns what a model answers, in between its rows too."""

import pickle

import numpy as np
import pandas as pd
import pytest
from scipy import sparse
from sklearn.datasets import load_diabetes, load_wine
from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier, RandomForestRegressor
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.metrics import r2_score
from sklearn.neighbors import KNeighborsClassifier, NearestNeighbors
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import LinearSVC
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor
from sklearn.utils.validation import check_is_fitted
from threadpoolctl import threadpool_limits

from sklmeta import MetaEstimator
from sklmeta.blended import BlendedClassifier, BlendedRegressor
from sklmeta.blends import WeightedBlend
from sklmeta.distillation import between_neighbours, distill

HALVES = WeightedBlend(np.array([0.5, 0.5]))


# -- the student -----------------------------------------------------------------------------------------------------


def test_a_student_of_the_models_own_kind_finds_its_probabilities(three_classes):
    X, y = three_classes
    teacher = LogisticRegression().fit(X, y)
    student = distill(teacher, X, student=LogisticRegression(C=1e4), random_state=0)
    np.testing.assert_allclose(student.predict_proba(X), teacher.predict_proba(X), atol=0.02)


@pytest.mark.parametrize("as_frame", [False, True])
def test_a_tuned_threshold_is_kept(binary, as_frame):
    X, y = binary
    X, y = pd.DataFrame(X).add_prefix("x") if as_frame else X, np.where(y, "yes", "no")
    members = [("a", LogisticRegression()), ("b", LogisticRegression(C=0.1))]
    teacher = BlendedClassifier(members, WeightedBlend(np.array([0.5, 0.5]), threshold=0.2)).fit(X, y)
    student = distill(teacher, X, student=LogisticRegression(C=1e4), random_state=0)
    check_is_fitted(student)
    assert np.mean(teacher.predict(X) == "yes") > np.mean(teacher.predict_proba(X)[:, 1] > 0.5) + 0.1
    assert np.mean(student.predict(X) == teacher.predict(X)) > 0.95
    np.testing.assert_allclose(student.predict_proba(X), teacher.predict_proba(X), atol=0.1)
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(student)).predict(X), student.predict(X))
    assert student.n_features_in_ == 5
    stays = distill(BlendedClassifier(members, HALVES).fit(X, y), X, student=LogisticRegression(), random_state=0)
    assert type(stays) is LogisticRegression


def test_the_default_student_imitates_an_average_on_rows_that_neither_saw():
    X, y = load_wine(return_X_y=True)
    rows = np.random.default_rng(0).permutation(len(y))
    seen, unseen = rows[:120], rows[120:]
    members = [
        ("lr", make_pipeline(StandardScaler(), LogisticRegression())),
        ("rf", RandomForestClassifier(20, random_state=0)),
    ]
    teacher = BlendedClassifier(members, HALVES).fit(X[seen], y[seen])
    with threadpool_limits(1):
        student = distill(teacher, X[seen], n_synthetic=200, random_state=0)
    assert (student.predict(X[unseen]) == teacher.predict(X[unseen])).mean() > 0.9


def test_a_student_of_numbers():
    X, y = load_diabetes(return_X_y=True)
    members = [("line", LinearRegression()), ("tree", DecisionTreeRegressor(max_depth=4))]
    teacher = BlendedRegressor(members, HALVES).fit(X[:300], y[:300])
    with threadpool_limits(1):
        student = distill(teacher, X[:300], n_synthetic=600, random_state=0)
    assert r2_score(teacher.predict(X[300:]), student.predict(X[300:])) > 0.8


@pytest.mark.parametrize(
    ("student", "rows"),
    [
        (GaussianProcessRegressor(), 1000),
        (make_pipeline(StandardScaler(), GaussianProcessRegressor(random_state=0)), 1000),
        (LinearRegression(), 1500),
    ],
)
def test_no_more_rows_are_drawn_than_the_student_can_bear(student, rows, monkeypatch):
    X, y = load_diabetes(return_X_y=True)
    fitted_on = []
    last = student[-1] if hasattr(student, "steps") else student
    monkeypatch.setattr(type(last), "fit", lambda self, X, y: fitted_on.append(len(X)) or self)
    distill(DecisionTreeRegressor(max_depth=4).fit(X[:300], y[:300]), X[:300], student=student, random_state=0)
    assert fitted_on == [rows]


def test_drawn_rows_help_a_student_to_imitate():
    X, y = load_diabetes(return_X_y=True)
    teacher = LinearRegression().fit(X[:150], y[:150])

    def likeness(n_synthetic):
        forest = RandomForestRegressor(20, random_state=0)
        student = distill(teacher, X[:150], student=forest, n_synthetic=n_synthetic, random_state=0)
        return r2_score(teacher.predict(X[150:]), student.predict(X[150:]))

    assert likeness(1500) > likeness(0) + 0.02


def test_out_of_fold_answers_are_learned_instead_of_the_models_own(quantity):
    X, y = quantity
    teacher = LinearRegression().fit(X, y)
    student = distill(teacher, X, outputs=np.full((len(y), 1), 7.0), student=LinearRegression(), n_synthetic=0)
    np.testing.assert_allclose(student.predict(X), 7.0)


def test_the_last_step_of_a_pipeline_gets_the_weights(three_classes):
    X, y = three_classes
    teacher = LogisticRegression().fit(X, y)
    scaled = make_pipeline(StandardScaler(), LogisticRegression(C=1e4))
    student = distill(teacher, X, student=scaled, random_state=0)
    np.testing.assert_allclose(student.predict_proba(X), teacher.predict_proba(X), atol=0.03)
    assert not hasattr(scaled[-1], "coef_")


def test_a_class_that_is_never_probable_stays_a_class(three_classes):
    X, y = three_classes
    teacher = LogisticRegression().fit(X, y)
    rare = np.column_stack([np.full(len(y), 0.499), np.full(len(y), 0.499), np.full(len(y), 0.002)])
    student = distill(teacher, X, outputs=rare, student=DecisionTreeClassifier(max_depth=1), n_synthetic=0)
    np.testing.assert_allclose(student.predict_proba(X), rare, atol=1e-3)


def test_sparse_rows(binary):
    X, y = binary
    teacher = LogisticRegression().fit(sparse.csr_matrix(X), y)
    student = distill(teacher, sparse.csr_matrix(X), student=LogisticRegression(C=1e4))
    np.testing.assert_allclose(student.predict_proba(X), teacher.predict_proba(X), atol=0.02)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"student": LinearRegression()}, "The model does classification; student=LinearRegression.. does not"),
        ({"student": KNeighborsClassifier()}, "KNeighborsClassifier.. takes no sample_weight"),
        ({"outputs": np.ones((3, 2))}, "outputs has 3 rows and X has 80"),
    ],
)
def test_what_makes_no_sense_is_refused(binary, options, message):
    X, y = binary
    with pytest.raises(ValueError, match=message):
        distill(LogisticRegression().fit(X, y), X, **options)


@pytest.mark.parametrize("means_of_folds", [False, True])
def test_where_the_best_takes_no_weights_another_learns(three_classes, means_of_folds):
    X, y = three_classes
    members = [("tree", DecisionTreeClassifier(max_depth=1)), ("knn", KNeighborsClassifier())]
    meta = MetaEstimator(members, knowledge=None, n_iter=2, cv=2, random_state=0).fit(X, y)
    assert type(meta.best_estimator_[-1]) is KNeighborsClassifier
    if means_of_folds:
        folds = [("fold0", meta.best_estimator_), ("fold1", meta.best_estimator_)]
        meta.best_estimator_ = BlendedClassifier.of_fitted(folds, HALVES)
    student = meta.distill(X, random_state=0)
    assert type(student[-1]) is DecisionTreeClassifier
    assert student[-1].max_depth == 1
    np.testing.assert_array_equal(meta.distill(X, random_state=0).predict_proba(X), student.predict_proba(X))
    with pytest.raises(ValueError, match=r"KNeighborsClassifier\(\) takes no sample_weight"):
        meta.distill(X, student=KNeighborsClassifier())


def test_where_nothing_takes_weights_the_default_student_learns(three_classes):
    X, y = three_classes
    meta = MetaEstimator(KNeighborsClassifier(), knowledge=None, n_iter=1, cv=2).fit(X, y)
    with threadpool_limits(1):
        assert type(meta.distill(X, random_state=0)[-1]) is HistGradientBoostingClassifier


# -- drawn rows ------------------------------------------------------------------------------------------------------


def table():
    rng = np.random.default_rng(0)
    return pd.DataFrame(
        {
            "length": rng.normal(size=50).astype(np.float32),
            "legs": rng.integers(0, 100, size=50),
            "colour": pd.Categorical(rng.choice(["red", "blue"], size=50)),
            "name": rng.choice(["ann", "bob", "cyd"], size=50),
            "gap": np.where(rng.random(50) < 0.4, np.nan, rng.normal(size=50)),
            "whole": rng.integers(0, 5, size=50).astype(float),
            "tame": rng.random(50) < 0.5,
        },
        index=np.arange(100, 150),
    )


def test_drawn_rows_have_the_columns_types_and_values_of_the_table():
    X = table()
    drawn = between_neighbours(X, 300, random_state=0)
    assert drawn.shape == (300, 7)
    pd.testing.assert_series_equal(drawn.dtypes, X.dtypes)
    for name in ("legs", "colour", "name", "whole", "tame"):
        assert set(drawn[name]) <= set(X[name])
    assert 0.2 < drawn["gap"].isna().mean() < 0.6
    assert len(set(drawn["length"]) - set(X["length"])) > 100


def test_cells_come_from_a_row_or_from_around_its_nearest_neighbour():
    X = np.random.default_rng(0).normal(size=(40, 3))
    drawn = between_neighbours(X, 200, swap=0.5, spread=1e12, random_state=0)
    scaled = StandardScaler().fit_transform(X)
    nearest = NearestNeighbors(n_neighbors=1).fit(scaled).kneighbors(return_distance=False)[:, 0]
    pairs = np.stack([X, X[nearest]], axis=1)  # (40, 2, 3)
    fits = np.isclose(drawn[:, None, None, :], pairs[None]).any(axis=2).all(axis=2)
    assert fits.any(axis=1).all()
    assert 0.05 < np.isclose(drawn[:, None, :], X[None]).all(axis=2).any(axis=1).mean() < 0.5


def test_arrays_stay_arrays_of_their_type():
    assert between_neighbours(np.arange(20).reshape(10, 2), 5, random_state=0).dtype == int
    same = [between_neighbours(np.eye(6) * 0.5, 4, random_state=3) for _ in range(2)]
    np.testing.assert_array_equal(*same)


def test_rows_are_drawn_of_arrows_numbers_too():
    pytest.importorskip("pyarrow")
    table = pd.DataFrame({"a": np.linspace(0.1, 2.1, 30), "b": np.arange(30.0)})
    drawn = between_neighbours(table.astype("float64[pyarrow]"), 40, random_state=0)
    np.testing.assert_allclose(drawn.astype(float), between_neighbours(table, 40, random_state=0))


def test_a_classifier_without_probabilities_has_nothing_to_teach():
    X, y = load_wine(return_X_y=True)
    with pytest.raises(ValueError, match="has no predict_proba, and a student learns probabilities"):
        distill(LinearSVC().fit(X, y), X)


def test_a_single_row_has_no_neighbour():
    X, y = load_diabetes(return_X_y=True)
    model = LinearRegression().fit(X, y)
    student = distill(model, X[:1], student=DecisionTreeRegressor())
    np.testing.assert_allclose(student.predict(X[:1]), model.predict(X[:1]))
