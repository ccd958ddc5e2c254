"""What data must be: what passes is left as it is, what does not is told where."""

import numpy as np
import pandas as pd
import pytest
from scipy import sparse

from sklmeta.checks import check_rows, check_target, check_weights

X3 = np.arange(12.0).reshape(4, 3)


def test_frames_stay_frames():
    frame = pd.DataFrame({"a": [1.0, np.nan], "b": ["x", None]})
    assert check_rows(frame) is frame


def test_tables_of_other_libraries_become_frames():
    pyarrow = pytest.importorskip("pyarrow")
    frame = pd.DataFrame({"b": [1.0, np.nan], "a": ["x", None], "d": pd.to_datetime(["2020-01-01", None])})
    pd.testing.assert_frame_equal(check_rows(pyarrow.Table.from_pandas(frame)), frame)
    with pytest.raises(ValueError, match=r"infinity \(the first in row 1 of column 'c'\)"):
        check_rows(pyarrow.table({"c": [0.0, np.inf]}))


def test_columns_of_arrows_types_stay_what_they_are():
    pyarrow = pytest.importorskip("pyarrow")
    types = ["date32", "duration[ms]", "null", pyarrow.dictionary("int8", "string"), pyarrow.timestamp("s", "UTC")]
    frame = pd.DataFrame({str(t): pd.arrays.ArrowExtensionArray(pyarrow.nulls(4, t)) for t in types})
    assert check_rows(frame) is frame


def test_arrays_keep_their_missing_values():
    X = np.array([[1.0, np.nan], [2.0, 3.0]])
    np.testing.assert_array_equal(check_rows(X), X)
    mixed = np.array([[1, "a"], [None, "b"]], dtype=object)
    assert check_rows(mixed).dtype == object


@pytest.mark.parametrize("kind", [sparse.csc_matrix, sparse.coo_array, sparse.lil_matrix])
def test_sparse_becomes_csr(kind):
    got = check_rows(kind(X3))
    assert got.format == "csr"
    np.testing.assert_array_equal(got.toarray(), X3)


def test_long_indices_become_short_and_the_input_stays():
    X = sparse.csr_array(X3)
    X.indices, X.indptr = X.indices.astype(np.int64), X.indptr.astype(np.int64)
    got = check_rows(X)
    assert (got.indices.dtype, got.indptr.dtype) == (np.int32, np.int32)
    np.testing.assert_array_equal(got.toarray(), X3)
    assert X.indices.dtype == np.int64


def test_infinity_is_found():
    X = X3.copy()
    X[2, 1] = -np.inf
    with pytest.raises(
        ValueError, match=r"infinity \(the first in row 2, column 1\)\. Replace it, for instance by NaN"
    ):
        check_rows(X)
    with pytest.raises(ValueError, match="infinity"):
        check_rows(sparse.csr_matrix(X))
    frame = pd.DataFrame(X, columns=["a", "b", "c"]).assign(text="t")
    with pytest.raises(ValueError, match=r"infinity \(the first in row 2 of column 'b'\)"):
        check_rows(frame)
    nullable = pd.DataFrame({"f": pd.array([1.0, np.inf, None], dtype="Float64")})
    with pytest.raises(ValueError, match="row 1 of column 'f'"):
        check_rows(nullable)


def test_huge_numbers_are_no_infinity():
    frame = pd.DataFrame({"a": [1e308, -1e308], "b": pd.array([2**62, None], dtype="Int64")})
    assert check_rows(frame) is frame


@pytest.mark.parametrize("cell", [(1, 2), [1], {"k": 1}, {1}, np.zeros(2)], ids=repr)
def test_containers_in_cells(cell):
    column = pd.Series(["a", None, cell], dtype=object)
    with pytest.raises(TypeError, match=r"Row 2 of column 'c' holds .*must be a string or a number.*expand them"):
        check_rows(pd.DataFrame({"c": column}))


def test_text_and_mixed_cells_are_fine():
    frame = pd.DataFrame({"c": pd.Series(["a", None, 3, 2.5, True, b"raw", pd.Timestamp(0)], dtype=object)})
    assert check_rows(frame) is frame


@pytest.mark.parametrize(
    "y", [[0, 1, 0, 1], pd.Series([0, 1, 0, 1], index=[9, 7, 5, 3]), np.array([[0], [1], [0], [1]])]
)
@pytest.mark.filterwarnings("ignore:A column-vector")
def test_target_becomes_one_column(y):
    np.testing.assert_array_equal(check_target(X3, y, "classification"), [0, 1, 0, 1])
    assert check_target(X3, y, "regression").shape == (4,)


def test_regression_takes_booleans_and_objects_as_numbers():
    assert check_target(X3, np.array([1, 2, 3, 4], dtype=object), "regression").dtype.kind == "f"
    assert check_target(X3, np.array([True, False, True, False]), "regression").dtype.kind == "b"


def test_weights():
    y = np.array([0, 0, 1, 1])
    check_weights(X3, y, None, "classification")
    check_weights(X3, y, 1.0, "classification")
    check_weights(X3, y, [1, 0, 0, 1], "classification")
    check_weights(X3, y, [1, 1, 0, 0], "regression")
    with pytest.raises(ValueError, match="only one class is left with a positive sample_weight"):
        check_weights(X3, y, [1, 1, 0, 0], "classification")
    with pytest.raises(ValueError, match="inconsistent numbers of samples"):
        check_weights(X3, y, [1, 1], "regression")


@pytest.mark.parametrize("task_type", ["classification", "regression"])
@pytest.mark.parametrize(
    ("weights", "message"),
    [
        (np.ones((4, 1)), "Sample weights must be 1D array or scalar"),
        (["1", "2", "3", "4"], "sample_weight holds text, such as '1'; weights must be numbers"),
        (pd.Series(["a", "b", None, "c"]), "sample_weight holds text, such as 'a'"),
        ("balanced", "sample_weight holds text, such as 'balanced'"),
        ([1, 1, -1, 1], "Negative values in data passed to `sample_weight`"),
        (-1.0, "Negative values in data passed to `sample_weight`"),
        ([1, 1, np.nan, 1], "sample_weight contains NaN"),
        ([1, 1, np.inf, 1], "sample_weight contains infinity"),
    ],
)
def test_weights_that_are_none(weights, message, task_type):
    with pytest.raises(ValueError, match=message):
        check_weights(X3, np.array([0, 0, 1, 1]), weights, task_type)
