"""The extractor as a whole: fixed, finite, deterministic, indifferent to what should not matter."""

import warnings

import numpy as np
import pandas as pd
import pytest
from scipy import sparse
from sklearn.base import clone
from sklearn.datasets import load_breast_cancer, load_diabetes, load_iris, load_wine

from sklmeta.metafeatures import MetaFeatureExtractor
from sklmeta.metafeatures._target import read_target

GROUPS = ("simple", "missingness", "statistical", "information", "landmarkers")
N = 30


@pytest.fixture
def mixed():
    rng = np.random.RandomState(0)
    X = pd.DataFrame(
        {
            "a": rng.normal(size=200),
            "b": rng.exponential(size=200),
            "c": rng.choice(["u", "v", "w"], size=200),
            "d": rng.choice([True, False], size=200),
            "e": pd.date_range("2020", periods=200),
        }
    )
    X.loc[::9, ["b", "c"]] = None
    return X, np.where(X["a"] + (X["c"] == "u") > 0.3, "yes", "no")


def check(X, y):
    """Extract with warnings as errors; the vector is complete and finite."""
    extractor = MetaFeatureExtractor()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        got = extractor.extract(X, y)
    task = "classification" if "log_classes" in got else "regression"
    assert list(got.index) == list(extractor.get_feature_names_out(task))
    assert got.dtype == np.float64
    assert np.isfinite(got).all(), got[~np.isfinite(got)]
    return got


def nasty_tables():
    rng = np.random.RandomState(0)
    numbers, flags = rng.normal(size=(N, 3)), rng.randint(0, 2, size=(N, 3))
    frame = pd.DataFrame
    text = np.resize(np.array(["x", "y", None], dtype=object), N)
    return {
        "numbers": numbers,
        "float16": numbers.astype(np.float16),
        "uint8": flags.astype(np.uint8),
        "bool": flags.astype(bool),
        "constant": np.full((N, 3), 0.1),
        "all missing": np.full((N, 2), np.nan),
        "half missing": np.where(rng.rand(N, 5) < 0.5, np.nan, 1.0),
        "one value": np.where(np.arange(N)[:, None] == 1, 5.0, np.nan),
        "huge": numbers * 1e300,
        "largest": np.where(flags, 1, -1) * np.finfo(float).max,
        "tiny": numbers * 1e-310,
        "denormal": flags * 5e-324,
        "all scales": numbers * [1e300, 1.0, 1e-300],
        "large offset": 1e15 + numbers,
        "infinite": np.where(flags, np.inf, numbers),
        "outlier": np.vstack([np.zeros((N - 1, 2)), [[1e200, 1.0]]]),
        "500 columns": rng.normal(size=(N, 500)),
        "one column": numbers[:, :1],
        "copies": np.repeat(numbers[:, :1], 4, axis=1),
        "strings": np.resize(np.array(["a", "b", "c"]), (N, 2)),
        "lists": [[1, "a", None]] * N,
        "objects": np.resize(np.array([[1, 2.5], [None, 3]], dtype=object), (N, 2)),
        "CSR": sparse.random(N, 40, 0.1, format="csr", random_state=0),
        "CSC array": sparse.csc_array(sparse.random(N, 40, 0.1, random_state=0)),
        "wide COO": sparse.random(N, 400, 0.02, random_state=0),
        "empty sparse": sparse.csr_matrix((N, 5)),
        "sparse with NaN": sparse.csr_matrix(np.where(flags, np.nan, 0.0)),
        "sparse bool": sparse.csr_matrix(flags.astype(bool)),
        "same names": frame(numbers, columns=["a", "a", "a"]),
        "odd names": frame(numbers, columns=[3, None, ("a", 1)]),
        "name levels": frame(numbers, columns=pd.MultiIndex.from_tuples([("a", 1), ("a", 2), ("b", 1)])),
        "nullable": frame(
            {
                "i": pd.array(np.resize([1, 2, None], N), dtype="Int64"),
                "f": pd.array(np.resize([1.5, None], N), dtype="Float64"),
                "b": pd.array(np.resize([True, False, None], N), dtype="boolean"),
                "s": pd.array(text, dtype="string"),
            }
        ),
        "empty columns": frame(
            {
                "o": [None] * N,
                "s": pd.array([None] * N, dtype="string"),
                "c": pd.Categorical([None] * N),
                "i": pd.array([None] * N, dtype="Int64"),
                "t": [pd.NaT] * N,
            }
        ),
        "dates": frame(
            {
                "t": pd.date_range("2020", periods=N, tz="UTC"),
                "d": pd.to_timedelta(np.arange(N), "D"),
                "p": pd.period_range("2020", periods=N, freq="M"),
                "g": pd.Series(np.resize([pd.Timestamp("2020"), pd.NaT], N)),
            }
        ),
        "categories": frame(
            {
                "unused": pd.Categorical(["a"] * N, categories=list("abc")),
                "numbers": pd.Categorical(np.resize([5, 7], N)),
                "flags": pd.Categorical(np.resize([True, False], N)),
                "ordered": pd.Categorical(np.resize(["lo", "hi"], N), ["lo", "hi"], ordered=True),
                "intervals": pd.interval_range(0, N),
            }
        ),
        "unlike objects": frame({"o": pd.Series(np.resize(np.array([1, "a", None, True, 2.5], object), N))}),
        "text": frame({"id": [f"row {i}" for i in range(N)], "o": text}),
        "sparse frame": frame.sparse.from_spmatrix(sparse.random(N, 5, 0.2, random_state=0)),
    }


def nasty_targets():
    rng = np.random.RandomState(0)
    return {
        "two": np.resize(["a", "b"], N),
        "own": np.array([f"class {i}" for i in range(N)]),
        "one": np.zeros(N, dtype=int),
        "one against all": np.arange(N) == 0,
        "category": pd.Series(pd.Categorical(np.resize(["a", "b"], N), list("abc")), index=[0] * N),
        "numbers": rng.normal(size=N),
        "constant": np.full(N, 0.1),
        "huge": rng.normal(size=N) * 1e300,
        "tiny": rng.normal(size=N) * 1e-310,
        "mostly zero": np.r_[np.zeros(N - 1), 0.5],
        "column": rng.normal(size=(N, 1)),
        "nullable": pd.Series(rng.normal(size=N), dtype="Float64"),
    }


def head(values, n):
    return values.iloc[:n] if hasattr(values, "iloc") else values[:n]


@pytest.mark.parametrize("n_rows", [N, 3, 2, 1])
@pytest.mark.parametrize("table", nasty_tables())
def test_every_valid_table_has_a_finite_vector(table, n_rows):
    X = nasty_tables()[table]
    X = X.tocsr()[:n_rows] if sparse.issparse(X) else head(X, n_rows)
    targets = nasty_targets()
    check(X, head(targets["two"], n_rows))
    check(X, head(targets["numbers"], n_rows))


@pytest.mark.parametrize("n_rows", [N, 3, 2, 1])
@pytest.mark.parametrize("target", nasty_targets())
def test_every_valid_target_has_a_finite_vector(target, n_rows):
    tables = nasty_tables()
    for table in ("numbers", "nullable", "all missing"):
        check(head(tables[table], n_rows), head(nasty_targets()[target], n_rows))


def test_fifty_classes_and_500_columns():
    X = np.random.RandomState(0).normal(size=(400, 500))
    got = check(X, [f"class {i % 50}" for i in range(400)])
    assert got["log_classes"] == pytest.approx(np.log(50))
    assert got["log_columns"] == pytest.approx(np.log(500))


def test_pyarrow_backed_columns_are_read_as_others(mixed):
    pytest.importorskip("pyarrow")
    X, y = mixed
    arrow = X.convert_dtypes(dtype_backend="pyarrow")
    pd.testing.assert_series_equal(check(arrow, y), check(X, y))


@pytest.mark.parametrize("load", [load_iris, load_wine, load_breast_cancer, load_diabetes])
def test_containers_agree_on_bundled_data(load):
    X, y = load(return_X_y=True)
    expected = check(X, y)
    for given in (pd.DataFrame(X), pd.DataFrame(X).astype(object), sparse.csr_matrix(X), X.tolist()):
        pd.testing.assert_series_equal(check(given, y), expected)
    pd.testing.assert_series_equal(check(X, pd.Series(y, index=range(7, 7 + len(y)))), expected)


@pytest.mark.parametrize("load", [load_wine, load_diabetes])
def test_row_order_does_not_matter_below_max_rows(load):
    X, y = load(return_X_y=True)
    order = np.random.RandomState(1).permutation(len(y))
    pd.testing.assert_series_equal(check(X[order], y[order]), check(X, y), rtol=1e-9)


def test_row_order_does_not_matter_with_categories(mixed):
    X, y = mixed
    order = np.random.RandomState(1).permutation(len(y))
    pd.testing.assert_series_equal(check(X.iloc[order], y[order]), check(X, y), rtol=1e-9)


def test_names_index_units_and_labels_do_not_matter(mixed):
    X, y = mixed
    expected = check(X, y)
    renamed = X.set_axis(["e", "a", "a", 7, None], axis=1).set_axis(np.zeros(len(X), dtype=int))
    pd.testing.assert_series_equal(check(renamed, y), expected)
    pd.testing.assert_series_equal(check(X, y == "yes"), expected)
    rescaled = X.assign(a=X["a"] * 2.0**800, b=X["b"] * 2.0**800)
    free = expected.index.drop("scale_spread")  # dates were not rescaled
    pd.testing.assert_series_equal(check(rescaled, y)[free], expected[free], rtol=1e-6)


def test_unit_of_a_quantity_does_not_matter():
    X, y = load_diabetes(return_X_y=True)
    pd.testing.assert_series_equal(check(X, y * 2.0**-600), check(X, y), rtol=1e-6)


def test_input_is_not_modified(mixed):
    X, y = mixed
    before, labels = X.copy(deep=True), y.copy()
    check(X, y)
    pd.testing.assert_frame_equal(X, before)
    np.testing.assert_array_equal(y, labels)
    block = np.array([[np.inf, 1.0], [2.0, np.nan], [3.0, 4.0]])
    copied = block.copy()
    check(block, [0, 1, 0])
    np.testing.assert_array_equal(block, copied)


def test_same_seed_same_vector_and_exact_counts_of_large_tables():
    rng = np.random.RandomState(0)
    X, y = rng.normal(size=(5000, 4)), rng.choice(["a", "b", "c"], p=[0.9, 0.09, 0.01], size=5000)
    X[rng.uniform(size=X.shape) < 0.003] = np.nan
    first, again = check(X, y), check(X, y)
    pd.testing.assert_series_equal(first, again)
    other = MetaFeatureExtractor(random_state=1).extract(X, y)
    assert (first != other).any()
    exact = ["log_rows", "class_balance", "minority_share", "missing_cells", "missing_max"]
    pd.testing.assert_series_equal(first[exact], other[exact])
    assert first["minority_share"] == np.mean(y == "c")
    assert first["missing_cells"] == pytest.approx(np.isnan(X).mean())
    steady = ~first.index.str.contains("relative")  # nothing is to be learned here, so who is ahead is chance
    np.testing.assert_allclose(first[steady], other[steady], atol=0.7)


def test_state_of_numpy_is_left_alone():
    np.random.seed(3)
    before = np.random.get_state()[1].copy()
    check(*load_iris(return_X_y=True))
    np.testing.assert_array_equal(np.random.get_state()[1], before)


@pytest.mark.parametrize("task", ["classification", "regression"])
def test_names_are_unique_described_and_in_the_order_of_the_groups(task):
    extractor = MetaFeatureExtractor()
    names = extractor.get_feature_names_out(task)
    assert len(set(names)) == len(names)
    by_group = [MetaFeatureExtractor([group]).get_feature_names_out(task) for group in GROUPS]
    assert list(names) == list(np.concatenate(by_group))
    meanings = extractor.describe(task)
    assert list(meanings.index) == list(names)
    assert meanings.str.endswith(".").all()
    assert meanings.is_unique


def test_groups_select_the_same_values():
    X, y = load_iris(return_X_y=True)
    whole = MetaFeatureExtractor().extract(X, y)
    part = MetaFeatureExtractor(["information", "simple"]).extract(X, y)
    pd.testing.assert_series_equal(part, whole[part.index])
    assert part.index[0] == "target_entropy"


def test_task_can_be_told():
    X, y = load_iris(return_X_y=True)
    extractor = MetaFeatureExtractor(["simple"])
    assert list(extractor.extract(X, y, task="regression").index) == list(extractor.get_feature_names_out("regression"))


def test_is_a_scikit_learn_object():
    extractor = MetaFeatureExtractor(["simple"], max_rows=50)
    assert clone(extractor).get_params() == {
        "groups": ["simple"],
        "max_rows": 50,
        "max_columns": 100,
        "random_state": 0,
    }
    assert extractor.set_params(max_rows=60).max_rows == 60


@pytest.mark.parametrize(
    ("params", "message"),
    [
        (
            {"groups": ["simple", "complex"]},
            r"groups must be one or more of \['simple', .*\], got \['simple', 'complex'\]",
        ),
        ({"groups": "simple"}, r"groups must be one or more of .* got 'simple'"),
        ({"groups": ()}, r"groups must be one or more of .* got \(\)"),
        ({"max_rows": 1}, r"max_rows == 1, must be >= 2"),
        ({"max_columns": 0}, r"max_columns == 0, must be >= 1"),
    ],
)
def test_bad_parameters_are_refused_at_use(params, message):
    extractor = MetaFeatureExtractor(**params)
    with pytest.raises(ValueError, match=message):
        extractor.extract(np.zeros((3, 1)), [0, 1, 0])


def test_bad_calls_are_refused():
    with pytest.raises(ValueError, match="X has 3 rows but y has 2 values: they must be equal"):
        MetaFeatureExtractor().extract(np.zeros((3, 1)), [0, 1])
    with pytest.raises(ValueError, match="task must be 'classification' or 'regression', got 'clustering'"):
        MetaFeatureExtractor().get_feature_names_out("clustering")


def test_max_rows_and_max_columns_bound_what_is_read():
    rng = np.random.RandomState(0)
    X, y = rng.normal(size=(300, 30)), rng.randint(0, 2, size=300)
    extractor = MetaFeatureExtractor(max_rows=20, max_columns=4)
    table, target = extractor._subsample(X, read_target(y))
    assert table.numeric.shape == (20, 4)
    assert len(target) == 20
    assert np.isfinite(extractor.extract(X, y)).all()


@pytest.mark.parametrize(
    ("X", "y"),
    [
        (pd.DataFrame({"a": [None] * 30}), [0, 1] * 15),
        (np.random.RandomState(0).normal(size=(100, 3)), [f"class {k}" for k in range(50)] * 2),
    ],
)
def test_odd_tables_are_described_without_warnings(X, y):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert np.isfinite(MetaFeatureExtractor().extract(X, y, task="classification")).all()
