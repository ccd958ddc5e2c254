import warnings
from fractions import Fraction

import numpy as np
import pandas as pd
import pytest
from scipy import sparse

from sklmeta import Dataset
from sklmeta.datasets import infer_task_type, read_folder, subsample
from sklmeta.metafeatures import infer_task

DATES = pd.date_range("2024-02-28", periods=4)


@pytest.fixture
def folder(tmp_path):
    frame = pd.DataFrame({"x": np.arange(6) / 2, "c": list("aabbcc"), "target": ["no", "yes"] * 3})
    frame.to_csv(tmp_path / "b_classes.csv", index=False)
    frame.assign(target=frame["x"] * 1.7 + 0.1).to_csv(tmp_path / "a_numbers.csv", index=False)
    (tmp_path / "readme.txt").write_text("not a table")
    return tmp_path


@pytest.mark.parametrize(
    ("y", "expected"),
    [
        (["a", "b", "c"], "classification"),
        ([True, False], "classification"),
        ([0, 1, 0], "classification"),
        ([0.0, 1.0, 2.0], "classification"),
        (list(range(20)), "classification"),
        (list(range(21)), "regression"),
        ([float(i) for i in range(21)], "regression"),
        ([0.5, 1.0, 2.0], "regression"),
        ([f"level {i}" for i in range(50)], "classification"),
        (pd.Categorical([1.5, 2.5, 1.5]).astype(str), "classification"),
        (np.arange(3, dtype=np.uint8), "classification"),
    ],
)
def test_infer_task_type(y, expected):
    assert infer_task_type(y) == expected
    assert infer_task(y) == expected, "meta-features and datasets must not disagree"


def test_whole_numbers_that_may_be_classes_are_called_what_they_are_taken_for():
    labels = np.arange(500) % 50
    with pytest.warns(UserWarning, match=r"50 different whole numbers.*taken for regression.*task=.classification"):
        assert infer_task_type(labels) == "regression"
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert infer_task_type(labels[:400]) == "regression"  # eight rows of each
        assert infer_task_type(np.arange(500) % 20) == "classification"
        assert infer_task_type(labels + 0.5) == "regression"


@pytest.mark.parametrize(
    ("y", "message"),
    [
        ([0.5, np.nan], r"Input y contains NaN \(the first in row 1\)\. Drop the rows without a target"),
        (["a", None, None], r"Input y contains NaN \(the first in row 1\)"),
        ([[0, 1], [1, 0]], r"y is a multilabel-indicator target; sklmeta needs one column.*sklearn\.multioutput"),
        ([[0.5, 1], [1, 0]], "y is a continuous-multioutput target"),
        (
            DATES,
            r"y holds dates or durations \(datetime64\), which are neither .*Convert them to numbers, such as days",
        ),
        (DATES.to_numpy(), r"y holds dates or durations \(datetime64\)"),
        (pd.Series(DATES.tz_localize("UTC")), r"y holds dates or durations \(datetime64\)"),
        ([date.date() for date in DATES], r"y holds dates or durations \(date\)"),
        (DATES.to_period("D"), r"y holds dates or durations \(period\)"),
        (DATES - DATES[0], r"y holds dates or durations \(timedelta64\)"),
        ([Fraction(1, 2), Fraction(3, 2)], r"y holds objects .*, such as Fraction\(1, 2\)\. Make them"),
    ],
)
def test_targets_of_no_task_type(y, message):
    with pytest.raises(ValueError, match=message):
        infer_task_type(y)


def test_quantities_held_as_objects_are_quantities():
    y = [0.5, 1.5, 2.5]
    assert infer_task_type(pd.Series(y, dtype=object)) == infer_task_type(np.array(y, dtype=object)) == "regression"
    with pytest.raises(ValueError, match=r"y holds objects .*, such as 0\. Make them numbers, for instance by astype"):
        infer_task_type(np.array([0, 1, 1], dtype=object))


def test_a_dataset_is_frozen_and_compares_by_identity():
    one, other = Dataset("a", [[1]], [1]), Dataset("a", [[1]], [1])
    assert one != other
    assert hash(one) == hash(one)
    with pytest.raises(AttributeError):
        one.name = "b"
    assert one.provenance == {}


def test_files_are_read_in_the_order_of_their_names(folder):
    numbers, classes = read_folder(folder)
    assert (numbers.name, classes.name) == ("a_numbers", "b_classes")
    assert (numbers.task_type, classes.task_type) == ("regression", "classification")
    assert list(classes.X.columns) == ["x", "c"]
    assert classes.y.tolist() == ["no", "yes"] * 3
    assert classes.family == "b_classes"
    assert classes.provenance == {
        "source": "b_classes.csv",
        "target_column": "target",
        "rows": 6,
        "columns": 2,
        "rows_without_target": 0,
    }


def test_names_and_task_types_choose(folder):
    assert [d.name for d in read_folder(folder, names=["b_classes", "a_numbers"])] == ["b_classes", "a_numbers"]
    assert [d.name for d in read_folder(folder, task_type="regression")] == ["a_numbers"]
    assert [d.name for d in read_folder(folder, task_type="classification")] == ["b_classes"]


def test_the_index_says_what_files_do_not(folder):
    index = "name,task,family,source\na_numbers,classification,twins,someone\nb_classes,classification,twins,else\n"
    (folder / "index.csv").write_text(index)
    first, second = read_folder(folder, task_type="classification")
    assert (first.name, first.task_type, first.family) == ("a_numbers", "classification", "twins")
    assert second.provenance["source"] == "else"
    assert list(read_folder(folder, task_type="regression")) == []


def test_gaps_in_the_index_are_no_answers(folder):
    (folder / "index.csv").write_text("name,task,family,source\nb_classes,,,\n")
    (dataset,) = read_folder(folder, names=["b_classes"])
    assert (dataset.task_type, dataset.family) == ("classification", "b_classes")
    assert dataset.provenance["source"] == "b_classes.csv"


def test_an_index_without_names(folder):
    (folder / "index.csv").write_text("task,family\nclassification,a\n")
    with pytest.raises(ValueError, match=r"index\.csv has no column 'name'; its columns are \['task', 'family'\]"):
        next(read_folder(folder))


def test_a_missing_name_is_told_before_anything_is_read(folder):
    with pytest.raises(FileNotFoundError, match="has no zzz"):
        next(read_folder(folder, names=["a_numbers", "zzz"]))


def test_names_that_look_like_numbers(tmp_path):
    frame = pd.DataFrame({"x": [1.0, 2.0], "target": [0, 1]})
    frame.to_csv(tmp_path / "31.csv", index=False)
    (tmp_path / "index.csv").write_text("name,family\n31,credit\n")
    assert [d.family for d in read_folder(tmp_path)] == ["credit"]


def test_rows_without_a_target_are_dropped(folder):
    frame = pd.read_csv(folder / "b_classes.csv")
    frame.loc[2, "target"] = None
    frame.to_csv(folder / "b_classes.csv", index=False)
    dataset = next(read_folder(folder, names=["b_classes"]))
    assert len(dataset.y) == 5
    assert dataset.X.index.tolist() == list(range(5))
    assert dataset.provenance["rows_without_target"] == 1


def test_csv_and_parquet_give_the_same(folder):
    pytest.importorskip("pyarrow")
    csv = next(read_folder(folder, names=["b_classes"]))
    pd.read_csv(folder / "b_classes.csv").to_parquet(folder / "b_classes.parquet")
    (folder / "b_classes.csv").unlink()
    parquet = next(read_folder(folder, names=["b_classes"]))
    pd.testing.assert_frame_equal(csv.X, parquet.X)
    assert csv.y.tolist() == parquet.y.tolist()


def test_parquet_without_pyarrow(folder, monkeypatch):
    (folder / "c.parquet").write_bytes(b"")

    def missing(path):
        raise ImportError("no pyarrow")

    monkeypatch.setattr(pd, "read_parquet", missing)
    with pytest.raises(ImportError, match=r'Reading .*c\.parquet needs pyarrow; .*pip install "sklmeta\[parquet\]"'):
        list(read_folder(folder, names=["c"]))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", r"c\.csv cannot be read \(No columns to parse from file\)\. Mend it, or take it out of the folder"),
        (b"a,target\n1,2\n1,2,3\n", r"c\.csv cannot be read \(Error tokenizing data"),
        (b"a,target\n\xff,2\n", r"c\.csv cannot be read \('utf-8' codec can't decode"),
        (b"a,target\n", r"c\.csv, column 'target': y has 0 rows"),
    ],
)
def test_a_file_that_cannot_be_read_is_named(folder, content, message):
    (folder / "c.csv").write_bytes(content)
    with pytest.raises(ValueError, match=message):
        list(read_folder(folder))


def test_an_empty_index_is_named(folder):
    (folder / "index.csv").write_bytes(b"")
    with pytest.raises(ValueError, match=r"index\.csv cannot be read \(No columns"):
        list(read_folder(folder))


def test_several_folders(folder, tmp_path):
    other = tmp_path / "other"
    other.mkdir()
    pd.DataFrame({"x": [1.0, 2.0], "target": [0.5, 1.5]}).to_csv(other / "z.csv", index=False)
    (other / "index.csv").write_text("name,family\nz,last\n")
    names = [d.name for d in read_folder([folder, other])]
    assert names == [*(d.name for d in read_folder(folder)), "z"]
    (last,) = read_folder([other, folder], names=["z"])
    assert last.family == "last"
    (first,) = read_folder([other, folder], names=["b_classes"])
    assert first.family == next(read_folder(folder, names=["b_classes"])).family
    with pytest.raises(FileNotFoundError, match=r"other and .*has no iris\.parquet"):
        list(read_folder([other, folder], names=["iris"]))
    (other / "b_classes.csv").write_text("x,target\n1,2\n")
    with pytest.raises(ValueError, match=r"b_classes\.csv and .*b_classes\.csv have one name; a table's name must be"):
        list(read_folder([folder, other]))


def test_two_files_of_one_name(folder):
    (folder / "b_classes.parquet").write_bytes(b"")
    with pytest.raises(ValueError, match=r"b_classes\.csv and .*b_classes\.parquet have one name; a table's name must"):
        list(read_folder(folder))


def test_an_index_of_other_files(folder):
    (folder / "index.csv").write_text("name,family\nb_classes.csv,a\n")
    message = (
        r"index\.csv describes \['b_classes\.csv'\], and no file there is called so.* \['a_numbers', 'b_classes'\]"
    )
    with pytest.raises(ValueError, match=message):
        list(read_folder(folder))


def test_none_is_a_class_among_others(tmp_path):
    how = {"a": range(8), "target": ["None", "Mild", "Severe", ""] * 2}
    pd.DataFrame(how).to_csv(tmp_path / "t.csv", index=False)
    (dataset,) = read_folder(tmp_path)
    assert sorted(set(dataset.y)) == ["Mild", "None", "Severe"]
    assert dataset.provenance["rows_without_target"] == 2
    pd.DataFrame({"a": range(4), "target": ["None", "1.5", "NA", "2.5"]}).to_csv(tmp_path / "t.csv", index=False)
    (numbers,) = read_folder(tmp_path)
    assert list(numbers.y) == [1.5, 2.5]


def test_what_cannot_be_read(folder):
    with pytest.raises(FileNotFoundError, match=r"nowhere is not a folder\. Give one that holds"):
        list(read_folder(folder / "nowhere"))
    with pytest.raises(FileNotFoundError, match="is not a folder"):
        list(read_folder(folder / "a_numbers.csv"))
    with pytest.raises(FileNotFoundError, match=r"has no iris\.parquet or iris\.csv"):
        list(read_folder(folder, names=["iris"]))
    with pytest.raises(ValueError, match=r"a_numbers\.csv has no column 'label'; its columns are \['x', 'c', 't"):
        list(read_folder(folder, target="label"))
    (folder / "empty").mkdir()
    with pytest.raises(ValueError, match=r"holds no \.parquet or \.csv file"):
        list(read_folder(folder / "empty"))


# -- fewer rows ----------------------------------------------------------------------------------------------


def rows_of(X):
    return X.toarray()[:, 0] if sparse.issparse(X) else np.asarray(X)[:, 0]


@pytest.mark.parametrize("kind", [np.asarray, pd.DataFrame, sparse.csr_matrix, np.ndarray.tolist])
@pytest.mark.parametrize("stratify", [True, False])
def test_subsample_keeps_rows_and_targets_together(kind, stratify):
    rng = np.random.RandomState(0)
    y = rng.choice(3, 300, p=[0.6, 0.3, 0.1])
    X = np.column_stack([np.arange(1, 301), y]).astype(float)
    less, y_less = subsample(kind(X), y, 100, stratify=stratify, seed=0)
    kept = rows_of(less)
    assert len(kept) == len(y_less) == 100
    assert (np.diff(kept) > 0).all(), "in their old order, each once"
    np.testing.assert_array_equal(y[kept.astype(int) - 1], y_less)
    if stratify:
        np.testing.assert_allclose(np.bincount(y_less) / 100, np.bincount(y) / 300, atol=0.011)
    again, _ = subsample(kind(X), y, 100, stratify=stratify, seed=0)
    other, _ = subsample(kind(X), y, 100, stratify=stratify, seed=1)
    assert (rows_of(again) == kept).all()
    assert (rows_of(other) != kept).any()


@pytest.mark.parametrize("max_rows", [None, 5, 6])
def test_small_tables_are_left_alone(max_rows):
    X, y = [[i] for i in range(5)], np.arange(5)
    assert subsample(X, y, max_rows, stratify=True, seed=0) == (X, y)


def test_no_class_is_lost():
    y = np.array([0] * 500 + [1] + [2] * 2)
    for seed in range(5):
        X, less = subsample(y[:, None], y, 50, stratify=True, seed=seed)
        assert len(less) == 50
        assert np.bincount(less)[1:].tolist() == [1, 2]
        np.testing.assert_array_equal(X[:, 0], less)
    rare = np.append(np.zeros(60_000, int), np.ones(20, int))
    assert np.bincount(subsample(rare[:, None], rare, 1000, stratify=True, seed=0)[1])[1] >= 1
    for left_out in (1, 2, 3):  # fewer than classes, as many, and more
        two = np.arange(2000 + left_out) % 3
        assert len(subsample(two[:, None], two, 2000, stratify=True, seed=0)[1]) == 2000
    many = np.repeat(np.arange(40), 3)
    assert len(np.unique(subsample(many[:, None], many, 60, stratify=True, seed=0)[1])) == 40


def test_an_index_of_names_and_families_that_look_like_numbers(tmp_path):
    for name in ("001", "2"):
        pd.DataFrame({"x": range(30), "target": [0, 1] * 15}).to_csv(tmp_path / f"{name}.csv", index=False)
    (tmp_path / "index.csv").write_text("name,task,family\n001,regression,10\n2,regression,1.5\n,,\n")
    found = [(d.name, d.task_type, d.family) for d in read_folder(tmp_path)]
    assert found == [("001", "regression", "10"), ("2", "regression", "1.5")]


def test_a_mistyped_task_in_the_index(folder):
    (folder / "index.csv").write_text("name,task\nb_classes,Classification\n")
    with pytest.raises(ValueError, match=r"index\.csv calls 'b_classes' 'Classification'; task must be"):
        list(read_folder(folder))


def test_a_table_that_is_named_twice_is_read_once(folder):
    assert [d.name for d in read_folder(folder, names=["b_classes", "b_classes"])] == ["b_classes"]
