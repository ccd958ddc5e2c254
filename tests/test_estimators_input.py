"""An hour as a stranger: odd data that work, and bad data that are refused in words that help."""

import warnings
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from doubles import Majority
from scipy import sparse
from sklearn.datasets import load_iris
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.model_selection import GridSearchCV
from sklearn.naive_bayes import GaussianNB
from sklearn.svm import SVC

from sklmeta import MetaClassifier, MetaEstimator, MetaRegressor, members
from sklmeta.exceptions import EvaluationWarning


@pytest.fixture
def classifier(knowledge):
    return MetaClassifier(knowledge=knowledge, n_iter=4, cv=2, random_state=0)


@pytest.fixture
def regressor(regression_knowledge):
    return MetaRegressor(knowledge=regression_knowledge, n_iter=3, cv=2, random_state=0)


# -- odd and fine ----------------------------------------------------------------------------------------------------


def messy(n=40):
    return pd.DataFrame(
        {
            "number": np.where(np.arange(n) % 7 == 0, np.nan, np.arange(n) * 1.0),
            "text": np.array(["red", "green", "blue", None], dtype=object)[np.arange(n) % 4],
            "category": pd.Categorical(np.array(list("uvw"))[np.arange(n) % 3]),
            "flag": np.arange(n) % 2 == 0,
            "nullable": pd.array([None if i % 5 == 0 else i for i in range(n)], dtype="Int64"),
            "maybe": pd.array([None if i % 6 == 0 else i % 2 == 0 for i in range(n)], dtype="boolean"),
            "float": pd.array([None if i % 4 == 0 else i / 2 for i in range(n)], dtype="Float64"),
            "string": pd.array([None if i % 9 == 0 else "ab"[i % 2] for i in range(n)], dtype="string"),
            "when": pd.date_range("2021-01-01", periods=n, tz="Europe/Berlin"),
            "long": pd.to_timedelta(np.arange(n), unit="D"),
            "empty": np.full(n, np.nan),
            "constant": np.ones(n),
        }
    )


def test_a_messy_frame(classifier, regressor):
    X, y = messy(), np.arange(40) % 2
    assert classifier.fit(X, y).score(X, y) > 0.9
    assert classifier.cv_results_["failure"] == [""] * 4
    assert regressor.fit(X, np.arange(40.0)).score(X, np.arange(40.0)) > 0.5
    new = X.head(3).assign(text=["purple", None, "red"], category=pd.Categorical(["z", "u", "v"]))
    assert classifier.predict(new).shape == (3,)


@pytest.mark.parametrize(
    "kind",
    [sparse.csr_matrix, sparse.csc_matrix, sparse.coo_matrix, sparse.csr_array, sparse.csc_array, sparse.coo_array],
)
def test_sparse(classifier, binary, kind):
    X, y = binary
    X = np.where(np.abs(X) > 0.5, X, 0)
    classifier.fit(kind(X), y)
    assert classifier.cv_results_["failure"] == [""] * 4
    np.testing.assert_array_equal(classifier.predict(kind(X)), classifier.predict(sparse.csr_matrix(X)))


def test_sparse_rows_are_made_dense_for_members_that_need_it(binary):
    X, y = sparse.csr_matrix(binary[0]), binary[1]
    nb = MetaEstimator([("nb", GaussianNB()), ("mine", Majority())], knowledge=None, n_iter=2, cv=2).fit(X, y)
    assert nb.cv_results_["failure"] == ["", ""]


def test_sparse_rows_that_are_too_many_to_make_dense(binary, monkeypatch):
    monkeypatch.setattr(members, "_DENSE_CELLS", 100)
    X, y = sparse.csr_matrix(binary[0]), binary[1]
    meta = MetaEstimator([("nb", GaussianNB()), ("lr", LogisticRegression())], knowledge=None, n_iter=2, cv=2)
    with pytest.warns(EvaluationWarning, match=r"nb \(needs dense data, and 80 x 5 is too large for that\)"):
        meta.fit(X, y)
    assert set(meta.cv_results_["estimator"]) == {"lr"}


def test_members_that_grow_too_slow_are_left_out(classifier, binary, monkeypatch):
    entry = members.find_entry(SVC(), "classification")
    assert entry.max_rows == 20_000
    monkeypatch.setattr(members, "find_entry", _with_rows_at_most(members.find_entry, 79))
    monkeypatch.setattr(members, "_SMALL", 50)  # as if 79 rows were many
    with pytest.warns(EvaluationWarning, match=r"svc \(slow beyond 79 rows, and there are 80; to use it all the same"):
        classifier.fit(*binary)
    assert "svc" not in classifier.cv_results_["estimator"]
    alone = MetaClassifier(SVC(), knowledge=None, n_iter=1, cv=2).fit(*binary)
    assert list(alone.cv_results_["estimator"]) == ["svc"]


def _with_rows_at_most(find_entry, rows):
    def find(estimator, task_type, name=None):
        entry = find_entry(estimator, task_type, name)
        return replace(entry, max_rows=rows) if entry is not None and entry.max_rows else entry

    return find


def test_sparse_rows_of_many_columns_are_searched_in_short_time_by_what_is_quick_there():
    X = sparse.random(200, 6000, density=0.005, format="csr", random_state=0)
    total = np.asarray(X[:, :300].sum(axis=1)).ravel()
    y = (total > np.median(total)).astype(int)
    with pytest.warns(EvaluationWarning, match=r"mlp \(slow beyond 5000 columns, and there are 6000") as caught:
        meta = MetaClassifier(time_budget=10, random_state=0).fit(X, y)
    assert meta.n_evaluations_ >= 1
    out = {"hist_gradient_boosting", "mlp", "lda"}
    assert all(f"{name} (" in str(caught[0].message) for name in out)
    assert not out & set(meta.cv_results_["estimator"])
    alone = MetaClassifier(LinearDiscriminantAnalysis(), n_iter=1, cv=2, random_state=0)
    assert alone.fit(X[:, :2500], y).best_params_


def test_many_classes(classifier):
    y = np.repeat(np.arange(50), 4)
    X = np.column_stack([y, -y]) + np.random.RandomState(0).normal(scale=0.01, size=(200, 2))
    assert classifier.fit(X, y).predict_proba(X).shape == (200, 50)
    assert classifier.score(X, y) > 0.9


@pytest.mark.parametrize(
    "X",
    [
        np.arange(30.0)[:, None],
        pd.DataFrame(np.arange(60.0).reshape(30, 2), columns=[0, 1]),
        np.arange(60).reshape(30, 2).tolist(),
        np.array([["a", 1.0], ["b", 2.0], ["c", None]] * 10, dtype=object),
        np.ones((30, 3)),
        np.full((30, 2), np.nan),
        np.arange(60, dtype=np.uint8).reshape(30, 2),
        np.arange(60, dtype=np.float16).reshape(30, 2),
        np.arange(60).reshape(30, 2) % 2 == 0,
        np.arange(60.0).reshape(30, 2) * 1e300,
        np.asfortranarray(np.arange(60.0).reshape(30, 2)),
        pd.DataFrame({"d": pd.arrays.SparseArray(np.arange(30.0) % 3)}),
        pd.DataFrame({"p": pd.period_range("2020", periods=30, freq="D")}),
    ],
    ids=[
        "one column", "numbered", "lists", "mixed objects", "constant", "all missing", "uint8", "float16",
        "booleans", "huge", "Fortran", "sparse column", "periods",
    ],
)  # fmt: skip
def test_odd_tables(classifier, regressor, X):
    classifier.fit(X, [0, 0, 1] * 10)
    assert classifier.cv_results_["failure"] == [""] * 4
    assert len(classifier.predict(X)) == 30
    regressor.fit(X, np.arange(30.0))
    assert regressor.cv_results_["failure"] == [""] * 3
    assert np.isfinite(regressor.predict(X)).all()


@pytest.mark.parametrize(
    ("y", "classes"),
    [
        (np.array(["no", "yes"], dtype=object), ["no", "yes"]),
        (np.array([False, True]), [False, True]),
        (np.array([-5, 7], dtype=np.int8), [-5, 7]),
        (np.array([1.0, 2.0]), [1.0, 2.0]),
        (pd.Series(["a", "b"], dtype="category"), ["a", "b"]),
        (pd.Series(["a", "b"], dtype="string"), ["a", "b"]),
        (pd.Series([3, 4], dtype="Int64"), [3, 4]),
        (pd.Series([True, False], dtype="boolean"), [False, True]),
        (pd.DataFrame({"y": ["a", "b"]}), ["a", "b"]),
        (["a", "b"], ["a", "b"]),
    ],
    ids=lambda value: str(getattr(value, "dtype", type(value).__name__)),
)
@pytest.mark.filterwarnings("ignore:A column-vector y was passed")
def test_odd_classes(classifier, binary, y, classes):
    rows = np.tile([0, 1], 40)
    target = y.iloc[rows] if hasattr(y, "iloc") else [y[i] for i in rows] if isinstance(y, list) else y[rows]
    classifier.fit(binary[0], target)
    assert list(classifier.classes_) == classes
    assert set(classifier.predict(binary[0])) <= set(classes)


@pytest.mark.parametrize(
    "y",
    [
        pd.Series(np.arange(80.0), dtype="Float64"),
        pd.Series(np.arange(80), dtype="Int64"),
        np.arange(80).astype(object),
        np.arange(80) % 2 == 0,
        list(range(80)),
    ],
    ids=lambda value: str(getattr(value, "dtype", "list")),
)
def test_odd_quantities(regressor, quantity, y):
    assert np.isfinite(regressor.fit(quantity[0], y).predict(quantity[0])).all()


def test_four_rows_are_enough(knowledge, regression_knowledge):
    X = [[0.0], [1.0], [10.0], [11.0]]
    classifier = MetaClassifier(knowledge=knowledge, n_iter=3, random_state=0).fit(X, [0, 0, 1, 1])
    assert list(classifier.predict(X)) == [0, 0, 1, 1]
    for scoring in ("neg_mean_absolute_error", "r2"):  # R2 needs two rows a fold
        ridge = MetaRegressor(Ridge(), knowledge=regression_knowledge, n_iter=2, scoring=scoring)
        assert ridge.fit(X, [0.0, 1.0, 10.0, 11.0]).n_splits_ == 2
        assert np.isfinite(ridge.best_score_)


def test_knowledge_none_searches_without(binary):
    members = [("svc", SVC()), ("lr", LogisticRegression())]
    meta = MetaClassifier(members, knowledge=None, n_iter=4, cv=2, random_state=0).fit(*binary)
    assert (meta.recommendations_, meta.strategy_) == ([], {})
    assert meta.score(*binary) > 0.6


def test_dates_that_nanoseconds_cannot_hold(classifier):
    dates = np.array(["9999-12-31", "1500-01-01", "NaT", "2020-02-02"], dtype="datetime64[s]")
    X = pd.DataFrame({"until": np.tile(dates, 10), "size": np.arange(40.0)})
    classifier.fit(X, [0, 1] * 20)
    assert classifier.cv_results_["failure"] == [""] * 4
    assert len(classifier.predict(X)) == 40


@pytest.mark.parametrize("kind", ["table", "columns"])
def test_tables_of_another_library_and_of_its_types(classifier, kind):
    pyarrow = pytest.importorskip("pyarrow")
    X, y = messy().drop(columns=["maybe", "nullable"]), [0, 1] * 20
    table = pyarrow.Table.from_pandas(X)
    given = table if kind == "table" else table.to_pandas(types_mapper=pd.ArrowDtype)
    expected = classifier.fit(X, y).predict_proba(X)
    classifier.fit(given, y)
    assert classifier.cv_results_["failure"] == [""] * 4
    assert list(classifier.feature_names_in_) == list(X.columns)
    np.testing.assert_allclose(classifier.predict_proba(given), expected)
    with pytest.raises(ValueError, match="feature names should match those that were passed during fit"):
        classifier.predict(given.select(X.columns[::-1]) if kind == "table" else given[X.columns[::-1]])


def test_an_array_in_place_of_the_table_is_warned_of_once(classifier):
    X, y = messy()[["number", "text"]], [0, 1] * 20
    expected = classifier.fit(X, y).predict_proba(X)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        np.testing.assert_allclose(classifier.predict_proba(X.to_numpy()), expected)
    assert [str(w.message).split(",")[0] for w in caught] == ["X does not have valid feature names"]


def test_a_table_in_place_of_the_array_is_warned_of_once(classifier):
    X, y = messy()[["number", "text"]], [0, 1] * 20
    expected = classifier.fit(X.to_numpy(), y).predict_proba(X.to_numpy())
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        np.testing.assert_allclose(classifier.predict_proba(X), expected)
    assert [str(w.message).split(",")[0] for w in caught] == ["X has feature names"]


def test_new_rows_in_another_order_of_columns_or_with_one_missing(classifier):
    X, y = messy()[["number", "text", "flag"]], [0, 1] * 20
    classifier.fit(X, y)
    with pytest.raises(ValueError, match="feature names should match those that were passed during fit"):
        classifier.predict(X[["text", "number", "flag"]])
    with pytest.raises(ValueError, match="seen at fit time, yet now missing"):
        classifier.predict(X[["number", "text"]])
    with pytest.raises(ValueError, match="expecting 3 features"):
        classifier.predict(np.zeros((2, 2)))


def test_nested_in_a_search_with_workers(binary, classifier):
    search = GridSearchCV(classifier, {"n_iter": [1, 2]}, cv=2, n_jobs=2).fit(*binary)
    assert search.score(*binary) > 0.6


# -- refused ---------------------------------------------------------------------------------------------------------

X30 = np.random.RandomState(0).normal(size=(30, 3))
Y30 = np.arange(30) % 2


def with_cell(value):
    X = X30.astype(object)
    X[4, 1] = value
    return X


@pytest.mark.parametrize(
    ("X", "y", "error", "message"),
    [
        (X30, None, ValueError, "requires y to be passed, but the target y is None"),
        (X30, np.zeros(30), ValueError, r"only one class is present: every y is 0\.0"),
        (X30, np.where(Y30, 1.0, np.nan), ValueError, r"Input y contains NaN \(the first in row 0\)\. Drop the rows"),
        (X30, np.where(Y30, 1.0, np.inf), ValueError, "Input y contains infinity"),
        (X30, np.array([*"ab" * 14, "a", None], dtype=object), ValueError, r"NaN \(the first in row 29\)"),
        (X30, pd.Series([1, None] * 15, dtype="Int64"), ValueError, r"Input y contains NaN \(the first in row 1\)"),
        (X30, np.linspace(0, 1, 30), ValueError, "Unknown label type: continuous"),
        (X30, Y30[:29], ValueError, r"inconsistent numbers of samples: \[30, 29\]"),
        (X30, np.column_stack([Y30, Y30]), ValueError, r"y should be a 1d array, got an array of shape \(30, 2\)"),
        (X30, np.array([0, "a"] * 15, dtype=object), (TypeError, ValueError), "y mixes|not supported|Unknown label"),
        (X30[:0], Y30[:0], ValueError, "Found array with 0 sample"),
        (X30[:, :0], Y30, ValueError, r"0 feature\(s\)"),
        (pd.DataFrame(X30)[:0], Y30[:0], ValueError, r"0 sample\(s\)"),
        (X30[:2], Y30[:2], ValueError, r"2 sample\(s\) while a minimum of 4 is required to compare models"),
        (X30[:3], Y30[:3], ValueError, r"3 sample\(s\) while a minimum of 4 is required"),
        (X30[:, 0], Y30, ValueError, "Expected 2D array, got 1D array"),
        (X30[:, :, None], Y30, ValueError, "dim 3"),
        (np.where(X30 > 1.5, np.inf, X30), Y30, ValueError, r"contains infinity \(the first in row \d+, column \d\)"),
        (pd.DataFrame(np.where(X30 > 1.5, np.inf, X30), columns=list("abc")), Y30, ValueError, "of column '[abc]'"),
        (pd.DataFrame(X30, columns=list("aba")), Y30, ValueError, r"several columns of the same name: \['a'\]"),
        (X30 + 1j, Y30, ValueError, "Complex data not supported"),
        (pd.DataFrame(X30 + 1j, columns=list("abc")), Y30, ValueError, "Complex data not supported: column 'a'"),
        (with_cell(2j), Y30, ValueError, "Complex data not supported"),
        (with_cell([1, 2]), Y30, TypeError, r"Row 4 of column 1 holds \[1, 2\]; the argument must be"),
        (with_cell({"a": 1}), Y30, TypeError, "expand them into columns"),
        ([[1, 2], [3]] * 15, Y30, ValueError, "inhomogeneous|sequence"),
        ("not a table", Y30, ValueError, "Expected 2D array"),
    ],
)  # fmt: skip
def test_bad_data(classifier, X, y, error, message):
    with pytest.raises(error, match=message):
        classifier.fit(X, y)


@pytest.mark.parametrize(
    ("y", "message"),
    [
        (np.array(["a", "b"] * 15), "not compatible with arrays of bytes/strings"),
        (np.where(Y30, 1.0, np.nan), "Input y contains NaN"),
        (np.where(Y30, 1.0, -np.inf), "Input y contains infinity"),
        (np.linspace(0, 1, 30) + 1j, "Complex data not supported|regression needs numbers"),
        (np.zeros((30, 2)), r"got an array of shape \(30, 2\)"),
    ],
)
def test_bad_quantities(regressor, y, message):
    with pytest.raises(ValueError, match=message):
        regressor.fit(X30, y)


def test_a_column_of_a_kind_that_nobody_knows(classifier):
    pyarrow = pytest.importorskip("pyarrow")
    odd = pd.Series([[1], [2]] * 15, dtype=pd.ArrowDtype(pyarrow.list_(pyarrow.int64())))
    with pytest.raises(ValueError, match=r"Column 'odd' has type list<.*neither number, boolean, category"):
        classifier.fit(pd.DataFrame({"fine": X30[:, 0], "odd": odd}), Y30)


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"n_iter": 0}, "n_iter must be a positive integer or None, got 0"),
        ({"n_iter": True}, "n_iter must be a positive integer or None, got True"),
        ({"warm_start": "yes"}, "warm_start must be True or False, got .yes."),
        ({"refit": 0}, "refit must be True, False, a metric's name or a callable, got 0 instead"),
        ({"n_iter": 2.5}, "n_iter must be a positive integer or None, got 2.5"),
        ({"ensemble": "median"}, "ensemble must be .*got 'median'"),
        ({"knowledge": "defautl"}, r"knowledge must be 'default', None .*, got 'defautl'.*KnowledgeBase\.load"),
        ({"knowledge": 3}, "knowledge must be 'default', None or a KnowledgeBase, got 3"),
        ({"preprocessor": "none"}, "preprocessor must be 'auto', None or a transformer, got 'none'"),
        ({"preprocessor": 3}, "preprocessor must be 'auto', None or a transformer, got 3"),
        ({"cv": 1}, "cv|n_splits"),
        ({"cv": "five"}, "cv"),
        ({"estimators": "svc"}, r"estimators must be an estimator, a list of \(name, estimator\) pairs.*got 'svc'"),
        ({"estimators": [SVC()]}, "estimators must be an estimator, a list"),
        ({"estimators": SVC}, "estimators must be an estimator, a list"),
        ({"estimators": []}, "No estimator is left"),
        ({"estimators": [("a", "drop")]}, "No estimator is left"),
        ({"estimators": [("a", "svc")]}, "estimators must be an estimator"),
        ({"estimators": [("a", SVC()), ("a", SVC())]}, r"unique and without '__'; got \['a', 'a'\]"),
        ({"estimators": [("a__b", SVC())]}, "unique and without '__'"),
        ({"estimators": [("a", SVC()), ("b", Ridge())]}, "all classifiers or all regressors.*'b': 'regressor'"),
        ({"estimators": Ridge()}, "MetaClassifier needs estimators for classification, got some for regression"),
    ],
)  # fmt: skip
def test_bad_parameters(params, message):
    with pytest.raises(ValueError, match=message):
        MetaClassifier(**{"n_iter": 1, "cv": 2, "knowledge": None, **params}).fit(X30, Y30)


def test_knowledge_of_the_other_task_type(regression_knowledge):
    with pytest.raises(ValueError, match=r"knowledge is about regression.*use load_knowledge\('classification'\)"):
        MetaClassifier(knowledge=regression_knowledge).fit(X30, Y30)


def test_the_general_one_has_no_members_of_its_own():
    with pytest.raises(
        ValueError, match="MetaEstimator needs estimators to choose from; MetaClassifier and MetaRegressor"
    ):
        MetaEstimator().fit(X30, Y30)


def test_a_recommender_that_is_none():
    with pytest.raises(ValueError, match="recommender must be None or a Recommender, got 'nearest'"):
        MetaClassifier(recommender="nearest").fit(X30, Y30)


@pytest.mark.parametrize("given", ["frame", "array"])
def test_numbers_in_the_byte_order_of_another_machine(given):
    rng = np.random.RandomState(0)
    X, y = rng.normal(size=(60, 3)), np.arange(60) % 2
    foreign = X.astype(">f8") if given == "array" else pd.DataFrame(X.astype(">f8"))
    meta = MetaClassifier(n_iter=1, random_state=0)
    expected = meta.fit(X, y).predict_proba(X)
    np.testing.assert_array_equal(meta.fit(foreign, y.astype(">i4")).predict_proba(foreign), expected)
    assert meta.recommend_config(foreign, y.astype(">i4")).configuration


def test_boosting_takes_part_where_a_class_is_rare():
    X = np.random.RandomState(0).normal(size=(12_700, 4))
    y = (X[:, 0] > 0).astype(int)
    y[:2] = 7
    members = [("hgb", HistGradientBoostingClassifier(max_iter=5)), ("nb", GaussianNB())]
    meta = MetaEstimator(members, n_iter=3, cv=5, random_state=0).fit(X, y)
    assert set(meta.cv_results_["status"]) == {"ok"}
    assert {"hgb"} <= set(meta.cv_results_["estimator"])


def test_one_weight_for_all_rows_changes_nothing():
    X, y = load_iris(return_X_y=True)
    meta = MetaEstimator(GaussianNB(), n_iter=2, knowledge=None, random_state=0)
    found = meta.fit(X, y, sample_weight=2.0).cv_results_["mean_test_score"]
    np.testing.assert_allclose(found, meta.fit(X, y).cv_results_["mean_test_score"])
