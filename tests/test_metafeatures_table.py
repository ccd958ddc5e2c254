"""Reading tables and targets, and drawing rows from them."""

import datetime
import decimal

import numpy as np
import pandas as pd
import pytest
from scipy import sparse

from sklmeta.metafeatures import infer_task
from sklmeta.metafeatures._sampling import stratified_folds, stratified_rows, target_strata
from sklmeta.metafeatures._table import as_table, read_table, standardise
from sklmeta.metafeatures._target import read_target


def read(X, rows=None, max_columns=100):
    X = as_table(X)
    return read_table(X, np.arange(X.shape[0]) if rows is None else np.asarray(rows), max_columns)


KINDS = [
    ([1, 2, 3], "number"),
    (pd.array([1, None, 3], dtype="Int64"), "number"),
    ([True, False, True], "boolean"),
    (pd.array([True, None, False], dtype="boolean"), "boolean"),
    (pd.Series([True, None, False], dtype=object), "boolean"),
    (pd.Series([1, None, 2.5], dtype=object), "number"),
    (pd.Series([decimal.Decimal("1.5"), None, decimal.Decimal(2)], dtype=object), "number"),
    (pd.date_range("2020", periods=3), "date"),
    (pd.date_range("2020", periods=3, tz="UTC"), "date"),
    (pd.to_timedelta([1, 2, 3], "D"), "date"),
    (pd.period_range("2020", periods=3, freq="M"), "date"),
    (["a", "b", None], "category"),
    (pd.Categorical([5, 7, 5]), "category"),
    (pd.Categorical([True, False, True]), "category"),
    (pd.Series([1, "a", None], dtype=object), "category"),
    (pd.Series([(1, 2), "a", 1j], dtype=object), "category"),
    (pd.Series([datetime.date(2020, 1, 1), None, datetime.datetime(2020, 1, 2, 3)], dtype=object), "date"),
    (pd.Series([pd.Timestamp("2020", tz="UTC"), pd.Timestamp("2021", tz="Asia/Tokyo"), None], dtype=object), "date"),
    (pd.Series([datetime.timedelta(1), None, datetime.timedelta(2)], dtype=object), "date"),
    (pd.Series(["1", "2", None], dtype=object), "category"),
    (pd.Series([None, np.nan, pd.NA], dtype=object), "category"),
    (pd.interval_range(0, 3), "category"),
    (pd.arrays.SparseArray([0.0, 0.0, 1.0]), "number"),
]


@pytest.mark.parametrize(("values", "kind"), KINDS)
def test_kind_of_a_column(values, kind):
    table = read(pd.DataFrame({"column": values}))
    assert table.kinds.tolist() == [kind]
    assert table.numeric.shape[1] + table.codes.shape[1] == 1


def test_numbers_and_missing_cells_survive_every_container():
    values = np.array([[1.0, np.nan], [3.0, 4.0]])
    frame = pd.DataFrame(values)
    for X in (values, frame, frame.convert_dtypes(), frame.astype(object), sparse.csc_matrix(values), values.tolist()):
        table = read(X)
        np.testing.assert_array_equal(table.numeric, values)
        np.testing.assert_array_equal(table.missing, [0.0, 0.5])


def test_dates_keep_their_order_and_gaps():
    dates = pd.Series(pd.to_datetime(["2020-01-01", None, "2020-01-02", "2020-01-04"]))
    numbers = read(dates.to_frame()).numeric[:, 0]
    assert np.isnan(numbers[1])
    assert (numbers[3] - numbers[2]) / (numbers[2] - numbers[0]) == pytest.approx(2)


def test_arrows_types_and_tables_mean_what_pandas_own_do():
    pyarrow = pytest.importorskip("pyarrow")
    dates = pd.Series(np.array(["9999-12-31", "NaT", "1500-01-01"], dtype="datetime64[ms]"))
    typed = pd.DataFrame(
        {
            "date": dates,
            "day": dates,
            "zoned": dates.dt.tz_localize("UTC"),
            "duration": dates - dates[0],
            "level": pd.Categorical(["b", None, "a"], ["b", "a"]),
            "empty": pd.Series([None] * 3, dtype=object),
        }
    )
    cells = {name: pyarrow.array(column, from_pandas=True) for name, column in typed.items()}
    cells["day"] = cells["day"].cast(pyarrow.date32())
    arrow = pd.DataFrame({name: pd.arrays.ArrowExtensionArray(column) for name, column in cells.items()})
    expected = read(typed)
    assert expected.kinds.tolist() == ["date"] * 4 + ["category"] * 2
    for table in (read(arrow), read(pyarrow.Table.from_pandas(typed))):
        for what in ("kinds", "missing", "numeric", "codes"):
            np.testing.assert_array_equal(getattr(table, what), getattr(expected, what))


def test_levels_are_coded_by_frequency_then_by_value():
    X = pd.DataFrame({"column": ["rare", "b", "a", "b", None, "a", "c", "c"]})
    table = read(X)
    assert table.codes[:, 0].tolist() == [3, 1, 0, 1, -1, 0, 2, 2]
    assert table.n_levels.tolist() == [4]
    assert read(X.astype("category")).codes.tolist() == table.codes.tolist()


def test_infinite_cells_are_missing_in_the_block_only():
    table = read(np.array([[1.0], [np.inf], [-np.inf], [np.nan]]))
    assert np.isnan(table.numeric[:, 0]).tolist() == [False, True, True, True]
    assert table.missing.tolist() == [0.25]


def test_missing_share_and_size_are_of_the_whole_table():
    X = np.zeros((10, 2))
    X[:4, 1] = np.nan
    for given in (X, pd.DataFrame(X), sparse.csr_matrix(X)):
        table = read(given, rows=[8, 9])
        assert (table.n_rows, table.n_columns, len(table)) == (10, 2, 2)
        np.testing.assert_allclose(table.missing, [0, 0.4])


def test_of_many_columns_evenly_spaced_ones_are_read_and_the_fullest_of_sparse_ones():
    X = np.tile(np.arange(1.0, 12.0), (3, 1))
    assert read(X, max_columns=3).numeric[0].tolist() == [1, 6, 11]
    assert read(pd.DataFrame(X), max_columns=3).numeric[0].tolist() == [1, 6, 11]
    lower = np.triu(np.ones((4, 6)))[:, ::-1]
    assert read(sparse.csr_matrix(lower), max_columns=2).numeric.tolist() == lower[:, :2].tolist()


@pytest.mark.parametrize("scale", [1.0, 1e300, 1e-300])
def test_standardise_is_exact_at_every_magnitude(scale):
    values = np.array([[1.0, 7.0, np.nan], [2.0, 7.0, np.nan], [6.0, 7.0, 5.0]]) * scale
    got = standardise(values, ~np.isnan(values))
    expected = (np.array([1, 2, 6]) - 3) / np.std([1, 2, 6])
    np.testing.assert_allclose(got[:, 0], expected)
    np.testing.assert_array_equal(got[:, 1:], 0)


@pytest.mark.parametrize(
    ("X", "message"),
    [
        (np.zeros(3), r"X must have two dimensions \(rows, columns\), got shape \(3,\)"),
        (np.zeros((0, 2)), r"X has shape \(0, 2\): at least one row and one column"),
        (pd.DataFrame(index=[0, 1]), r"X has shape \(2, 0\)"),
        (np.zeros((2, 2), dtype=complex), r"Column 0 of X has dtype complex128: .* imaginary column, or drop it"),
        (pd.DataFrame({"z": pd.Series([1j, 2j], dtype=object)}), "Column 'z' of X has dtype object: complex"),
        (sparse.csr_matrix(np.eye(2, dtype=complex)), "X has dtype complex128: a sparse matrix must hold real numbers"),
        (pd.DataFrame({"tags": [["a"], ["b"]]}), "Column 'tags' of X holds values that are no plain categories"),
        (pd.DataFrame({"n": pd.Series([10**400, 1], dtype=object)}), "Column 'n' of X holds integers beyond the larg"),
    ],
)
def test_tables_that_cannot_be_read_say_why(X, message):
    with pytest.raises(ValueError, match=message):
        read(X)


@pytest.mark.parametrize(
    ("y", "task"),
    [
        (["b", "a", "b"], "classification"),
        ([True, False], "classification"),
        (pd.Categorical([1.5, 2.5, 1.5]), "classification"),
        ([0, 1, 2], "classification"),
        ([0.0, 1.0, 0.0], "classification"),
        (np.arange(20), "classification"),
        (np.arange(21), "regression"),
        (np.arange(21.0), "regression"),
        (pd.array(np.arange(21), dtype="Int64"), "regression"),
        ([0.5, 1.0, 0.5], "regression"),
        (pd.array([0.5, 1.0], dtype="Float64"), "regression"),
        (pd.Series([1.5, 2], dtype=object), "regression"),
        ([[0.5], [1.5]], "regression"),
    ],
)
def test_task_is_inferred_from_the_target(y, task):
    assert infer_task(y) == task
    assert read_target(y).task == task


def test_classes_are_coded_and_counted():
    target = read_target(pd.Series(["b", "a", "b", "c"], index=[9, 9, 9, 9]))
    assert target.values.tolist() == [1, 0, 1, 2]
    assert target.class_counts.tolist() == [1, 2, 1]
    part = target.take(np.array([0, 2]))
    assert part.indicator.tolist() == [[1], [1]]
    assert part.class_counts.tolist() == [1, 2, 1]
    assert read_target(pd.Categorical(["a", "a"], categories=["a", "b"])).class_counts.tolist() == [2]


def test_regression_target_is_standardised_without_overflow():
    target = read_target(np.array([1.0, 2.0, 6.0]) * 1e307, "regression")
    np.testing.assert_allclose(target.indicator[:, 0], (np.array([1, 2, 6]) - 3) / np.std([1, 2, 6]))
    assert not read_target([0.1] * 5, "regression").indicator.any()


@pytest.mark.parametrize(
    ("y", "task", "message"),
    [
        (["a", None, "b", None], None, r"y has 2 missing value\(s\), the first at row 1\. Drop the rows"),
        ([0.5, 1.0, np.nan], None, r"y has 1 missing value\(s\), the first at row 2"),
        ([0.5, np.inf], None, r"y has an infinite value at row 1\. Drop or clip it"),
        ([], None, "y has 0 rows"),
        (np.eye(3), None, r"y must be one column, got shape \(3, 3\)\. Multilabel and multi-output"),
        (["a", "b"], "regression", "but regression needs numbers"),
        (pd.date_range("2020", periods=2), "regression", "y has dtype datetime64.*but regression needs numbers"),
        ([1j, 2j], None, "y has dtype complex128: complex targets"),
        ([1, 2], "ranking", "task must be 'classification', 'regression' or None, got 'ranking'"),
        (pd.Series([[1], [2]], dtype=object), None, "y holds values that are no plain categories"),
    ],
)
def test_targets_that_cannot_be_read_say_why(y, task, message):
    with pytest.raises(ValueError, match=message):
        read_target(y, task)


def test_subsample_keeps_proportions():
    strata = np.repeat([0, 1, 2], [6000, 3000, 1000])
    rows = stratified_rows(strata, 500, np.random.RandomState(0))
    assert len(np.unique(rows)) == 500
    np.testing.assert_allclose(np.bincount(strata[rows]), [300, 150, 50], atol=1)


def test_subsample_lifts_rare_strata_to_a_floor():
    strata = np.repeat([0, 1, 2], [10_000, 90, 1])
    drawn = np.bincount(strata[stratified_rows(strata, 600, np.random.RandomState(0))])
    assert drawn[1] == pytest.approx(40, abs=3)  # 600 // (5 * 3 strata), where 5.4 are proportional
    assert drawn[2] == 1
    assert drawn.sum() == 600


def test_subsample_of_no_more_rows_is_a_permutation():
    rows = stratified_rows(np.zeros(7, dtype=int), 7, np.random.RandomState(0))
    assert sorted(rows) == list(range(7))


def test_subsample_picks_every_row_equally_often():
    strata = np.repeat([0, 1], [30, 10])
    rng = np.random.RandomState(0)
    times = np.bincount(np.concatenate([stratified_rows(strata, 20, rng) for _ in range(2000)]), minlength=40)
    np.testing.assert_allclose(times / 2000, 0.5, atol=0.06)


def test_subsample_has_more_strata_than_rows():
    rows = stratified_rows(np.arange(100), 10, np.random.RandomState(0))
    assert len(np.unique(rows)) == 10


@pytest.mark.parametrize("n_folds", [2, 3])
def test_folds_are_balanced_in_size_and_strata(n_folds):
    strata = np.random.RandomState(0).choice(4, p=[0.6, 0.3, 0.08, 0.02], size=101)
    folds = stratified_folds(strata, n_folds)
    table = np.array([np.bincount(strata[folds == fold], minlength=4) for fold in range(n_folds)])
    assert np.ptp(table, axis=0).max() <= 1
    assert np.ptp(table.sum(axis=1)) <= 1


def test_target_strata_are_groups_of_neighbours():
    values = np.random.RandomState(0).normal(size=1000)
    strata = target_strata(values)
    np.testing.assert_allclose(np.bincount(strata), 100, atol=1)
    assert all(values[strata == low].max() < values[strata == low + 1].min() for low in range(9))
    assert len(np.unique(target_strata(np.r_[np.zeros(90), np.arange(10.0)]))) <= 10
    assert set(target_strata(np.full(5, 3.0))) == {1}
