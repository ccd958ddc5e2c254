import re
import warnings
from datetime import date
from decimal import Decimal

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from pandas.testing import assert_frame_equal
from scipy import sparse
from scipy.stats import skew
from sklearn import config_context
from sklearn.base import clone
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.linear_model import Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, QuantileTransformer, SplineTransformer, StandardScaler
from sklearn.tree import DecisionTreeClassifier
from sklearn.utils.estimator_checks import parametrize_with_checks

from sklmeta._sklearn import cross_fitted_target_encoder
from sklmeta.catalogue import build_estimator, catalogue
from sklmeta.preprocessing import LARGEST, ROTATED, SPLINES, TabularPreprocessor, as_frame, plain_table

ENCODINGS = ("onehot", "ordinal", "native")


@parametrize_with_checks(
    [
        *(TabularPreprocessor(categories=encoding) for encoding in ENCODINGS),
        *(TabularPreprocessor(scale=scale) for scale in ("normal", "splines", "components")),
        TabularPreprocessor(target="numbers"),
    ]
)
def test_scikit_learn_checks(estimator, check):
    check(estimator)


def messy(n=24):
    """One column of every kind that a table can have."""
    three = np.arange(n) % 3
    gaps = three == 2
    dates = pd.Series(pd.date_range("2019-12-30", periods=n, freq="37h"))
    return pd.DataFrame(
        {
            "float": np.where(gaps, np.nan, np.arange(n) / 7),
            "int": np.arange(n),
            "nullable_int": pd.array(np.where(gaps, None, three), dtype="Int64"),
            "bool": three == 0,
            "nullable_bool": pd.array(np.where(gaps, None, three == 0), dtype="boolean"),
            "text": np.array(["a", "b", None], dtype=object)[three],
            "string": pd.array(np.array(["a", "b", None], dtype=object)[three], dtype="string"),
            "category": pd.Categorical(np.where(gaps, None, three)),
            "ordered": pd.Categorical(np.array(["lo", "hi", "lo"])[three], ["lo", "hi"], ordered=True),
            "mixed": np.array([1, "x", None], dtype=object)[three],
            "date": dates.where(~gaps),
            "zoned": dates.dt.tz_localize("Europe/Berlin"),
            "duration": pd.to_timedelta(np.where(gaps, np.nan, three), unit="D"),
            "period": pd.period_range("2020", periods=n, freq="M"),
            "interval": pd.cut(np.arange(n), 3),
            "all_missing": np.nan,
            "all_missing_text": np.array([None] * n, dtype=object),
            "all_missing_date": pd.Series([pd.NaT] * n, dtype="datetime64[ns]"),
            "constant": 1.0,
            "huge": np.where(gaps, 1e300, -1e300),
        },
        index=np.arange(n)[::-1] * 10,
    )


def quiet(**params):
    return TabularPreprocessor(**params), warnings.catch_warnings(action="error")


@pytest.mark.parametrize("scale", [True, False, "normal", "splines", "components"])
@pytest.mark.parametrize("categories", ENCODINGS)
def test_every_kind_of_column(categories, scale):
    X = messy()
    untouched = X.copy(deep=True)
    preprocessor, no_warnings = quiet(categories=categories, scale=scale)
    with no_warnings:
        fitted = preprocessor.fit_transform(X)
        new = preprocessor.transform(X.iloc[:5])
    assert_frame_equal(X, untouched)
    numbers = np.asarray(fitted, dtype=float)
    assert numbers.shape == (24, len(preprocessor.get_feature_names_out()))
    assert_array_equal(np.asarray(new, dtype=float), numbers[:5])
    assert not np.isinf(numbers.astype(np.float32)).any()
    assert np.isnan(numbers).any() == (categories == "native")
    if categories == "native":
        assert_array_equal(fitted.index, X.index)


@pytest.mark.parametrize("categories", ENCODINGS)
@pytest.mark.parametrize("column", messy().columns)
def test_each_kind_of_column_alone(categories, column):
    X = messy()[[column]]
    preprocessor, no_warnings = quiet(categories=categories)
    with no_warnings:
        whole = preprocessor.fit_transform(X)
        one_row = preprocessor.transform(X.iloc[[4]])
    assert_array_equal(np.asarray(one_row, float), np.asarray(whole, float)[[4]])


@pytest.mark.parametrize("categories", ENCODINGS)
def test_set_output_names_every_column(categories):
    X = messy()
    frame = TabularPreprocessor(categories=categories).set_output(transform="pandas").fit(X).transform(X)
    assert isinstance(frame, pd.DataFrame)
    assert_array_equal(frame.index, X.index)
    plain = TabularPreprocessor(categories=categories).fit(X)
    assert list(frame.columns) == list(plain.get_feature_names_out())
    assert_array_equal(frame.to_numpy(dtype=float), np.asarray(plain.transform(X), float))
    assert frame.columns.is_unique


@pytest.mark.parametrize("scale", [True, False, "normal", "splines", "components"])
@pytest.mark.parametrize("categories", ENCODINGS)
def test_scikit_learns_own_setting_changes_the_container_only(categories, scale):
    X, y = streets()
    X["text"] = np.resize(["u", "v", None], len(X))
    new = X[:3].assign(street=["nowhere", None, X["street"][0]], text=["new", None, "u"], size=[np.nan, 0.0, 1.0])
    plain, under_setting = (TabularPreprocessor(categories=categories, scale=scale, target="numbers") for _ in "ab")
    expected = [plain.fit_transform(X, y), plain.transform(new)]
    with config_context(transform_output="pandas"):
        found = [under_setting.fit_transform(X, y), under_setting.transform(new)]
    for got, wanted in zip(found, expected, strict=True):
        assert list(got.columns) == list(plain.get_feature_names_out())
        assert_array_equal(got.to_numpy(dtype=float), np.asarray(wanted, float))


def test_scikit_learns_own_setting_and_sparse_rows():
    X = sparse.csr_matrix([[0.0, -4.0], [2.0, 0.0]])
    with config_context(transform_output="pandas"):
        found = TabularPreprocessor(dense=True).fit_transform(X)
    assert_array_equal(found, [[0, -1], [1, 0]])


@pytest.mark.parametrize("scale", [True, False, "splines", "components"])
@pytest.mark.parametrize("categories", ENCODINGS)
def test_names_that_clash(categories, scale):
    sentences = [f"the row with number {i} of many" for i in range(60)]
    X = pd.DataFrame({"a": np.resize(["x", "y_z"], 60), "a_y": np.resize(["z", "q"], 60), "c": np.arange(60.0)})
    X = X.assign(desc=sentences, desc_0=1.0, desc_1=np.resize(["u", "v"], 60), missingindicator_c=2.0)
    X.loc[3, "c"] = np.nan
    step = TabularPreprocessor(categories=categories, scale=scale).fit(X)
    names = list(step.get_feature_names_out())
    assert len(set(names)) == len(names) == step.transform(X).shape[1]
    framed = TabularPreprocessor(categories=categories, scale=scale).set_output(transform="pandas").fit(X).transform(X)
    assert list(framed.columns) == names
    if scale is False:
        assert_array_equal(framed["desc_0"], np.ones(60))
    if categories == "native":
        assert set(framed.select_dtypes("category")) == {"a", "a_y", "desc_1"}
        HistGradientBoostingClassifier(max_iter=1).fit(framed, X["c"] > 20)


@pytest.mark.parametrize("categories", ["onehot", "ordinal", "native"])
@pytest.mark.parametrize("scale", [True, False, "normal", "splines"])
def test_tables_of_numbers_alone_are_prepared_as_beside_others(categories, scale):
    rng = np.random.RandomState(0)
    frame = pd.DataFrame(
        {"a": rng.randn(60), "b": rng.randint(9, size=60), "c": rng.rand(60) > 0.5, "d": rng.randn(60)}
    )
    frame.loc[::7, "a"], frame.loc[3, "d"] = np.nan, np.inf
    alone = TabularPreprocessor(categories=categories, scale=scale)
    beside = TabularPreprocessor(categories=categories, scale=scale)
    found, new = alone.fit_transform(frame), alone.transform(frame[::-1])
    wider = frame.assign(level=["x", "y"] * 30)
    expected = beside.fit_transform(wider)
    n = found.shape[1]
    assert_array_equal(found, np.asarray(expected)[:, :n].astype(float))
    assert_array_equal(new, found[::-1])
    assert list(alone.get_feature_names_out()) == list(beside.get_feature_names_out())[:n]


def test_numbers_are_imputed_and_scaled_as_scikit_learn_does():
    x = np.array([1.0, np.nan, 3.0, 8.0])
    filled, gap = np.array([1.0, 3.0, 3.0, 8.0]), np.array([0.0, 1.0, 0.0, 0.0])
    expected = StandardScaler().fit_transform(np.column_stack([filled, gap]))
    assert_allclose(TabularPreprocessor().fit_transform(x[:, None]), expected)
    assert_allclose(
        TabularPreprocessor(scale=False).fit_transform(x[:, None]),
        np.column_stack([filled, gap]),
    )
    assert_array_equal(TabularPreprocessor(categories="native").fit_transform(x[:, None]), x[:, None])


def test_numbers_become_normal_scores_as_scikit_learn_does():
    X = np.exp(np.random.RandomState(0).normal(size=(300, 2)) * 3)
    ranks = QuantileTransformer(n_quantiles=200, output_distribution="normal", random_state=0)
    expected = StandardScaler().fit_transform(ranks.fit_transform(X))
    assert_allclose(TabularPreprocessor(scale="normal").fit_transform(X), expected)
    assert abs(skew(expected)).max() < 0.1 < 5 < abs(skew(X)).min()


def test_normal_scores_do_not_ask_for_the_unit():
    X = np.random.RandomState(0).gamma(1.0, size=(80, 2))
    preprocessor = TabularPreprocessor(scale="normal").fit(X)
    assert_allclose(TabularPreprocessor(scale="normal").fit_transform(np.log(X)), preprocessor.transform(X), atol=0.02)
    far = preprocessor.transform(X * 1e6)
    assert_allclose(far, np.broadcast_to(preprocessor.transform(X).max(axis=0), far.shape))


def test_numbers_become_splines_of_their_ranks_as_scikit_learn_does():
    X = np.exp(np.random.RandomState(0).normal(size=(300, 2)) * 3)
    ranks = QuantileTransformer(n_quantiles=200, random_state=0).fit_transform(X)
    expected = SplineTransformer(n_knots=5, include_bias=False).fit_transform(ranks)
    preprocessor = TabularPreprocessor(scale="splines")
    assert_allclose(preprocessor.fit_transform(X), expected)
    assert expected.shape == (300, 2 * SPLINES)
    assert len(preprocessor.get_feature_names_out()) == 12


def test_components_are_those_of_numbers_and_indicators():
    rng = np.random.RandomState(0)
    numbers = rng.normal(size=(90, 4)) @ rng.normal(size=(4, 4)) * [1, 10, 1e3, 1e-3] + 5
    X = pd.DataFrame(numbers, columns=list("abcd")).assign(constant=3.0, level=np.resize(["u", "v", "w"], 90))
    X.loc[7, "a"] = np.nan
    plain = TabularPreprocessor().fit_transform(X)
    varying = plain[:, plain.std(axis=0) > 0]
    centred = varying - varying.mean(axis=0)
    variances, directions = np.linalg.eigh(centred.T @ centred)
    shares = variances[::-1].cumsum() / variances.sum()
    n = int(np.searchsorted(shares, 0.99)) + 1
    assert n < varying.shape[1]

    step = TabularPreprocessor(scale="components").fit(X)
    found, names = step.transform(X), list(step.get_feature_names_out())
    at = [names.index(f"pca{i}") for i in range(n)]
    assert len(names) == plain.shape[1] + n
    assert_allclose(np.delete(found, at, axis=1), plain)
    assert_allclose(np.abs(found[:, at]), np.abs(centred @ directions[:, ::-1][:, :n]), atol=1e-6)


def test_equal_rows_have_equal_components():
    X = np.random.RandomState(0).normal(size=(7, 5))[np.arange(200) % 7]
    step = TabularPreprocessor(scale="components")
    found = step.fit_transform(X)
    assert len(np.unique(found, axis=0)) == 7
    assert_array_equal(step.transform(X[:3]), found[:3])


def test_trees_split_along_directions():
    X = np.random.RandomState(0).normal(size=(600, 2)) @ [[1.0, 1.0], [0.3, -0.3]]
    y = X[:, 0] > X[:, 1]
    stump = DecisionTreeClassifier(max_depth=1, random_state=0)
    plain, rotated = (make_pipeline(TabularPreprocessor(scale=s), clone(stump)).fit(X, y) for s in (True, "components"))
    assert plain.score(X, y) < 0.65
    assert rotated.score(X, y) > 0.99


@pytest.mark.parametrize("levels", [1, 40])
def test_no_components_of_too_many_columns(levels):
    rng = np.random.RandomState(0)
    n = ROTATED // min(levels, 30)
    if levels == 1:
        wide = {f"x{i}": rng.normal(size=60) for i in range(n + 1)}
    else:
        wide = {f"x{i}": rng.permutation(np.arange(60) % levels).astype(str) for i in range(n + 1)}
    X = pd.DataFrame(wide)
    plain, wider, narrower = (
        TabularPreprocessor(scale=s).fit(table).get_feature_names_out()
        for s, table in ((True, X), ("components", X), ("components", X.iloc[:, :n]))
    )
    assert list(wider) == list(plain)
    assert len(narrower) > len(plain)


@pytest.mark.parametrize("X", [[[1.0, 2.0]], [[1.0], [1.0]], [[np.nan], [2.0]], [[1e30], [-1e30]]])
def test_components_of_next_to_nothing(X):
    preprocessor, no_warnings = quiet(scale="components")
    with no_warnings:
        assert np.isfinite(preprocessor.fit_transform(X)).all()


@pytest.mark.parametrize("scale", ["normal", "splines", "components"])
def test_sparse_rows_are_scaled_alone(scale):
    X = sparse.random(30, 4, density=0.3, format="csr", random_state=0)
    plain, other = (TabularPreprocessor(scale=s).fit_transform(X).toarray() for s in (True, scale))
    assert_array_equal(other, plain)


@pytest.mark.parametrize("scale", ["normal", "splines"])
def test_a_constant_that_is_another_one_later_stays_within_bounds(scale):
    preprocessor = TabularPreprocessor(scale=scale).fit(np.ones((20, 1)))
    assert abs(preprocessor.transform([[1.0], [7.0], [-7.0]])).max() < 11


def test_a_linear_model_of_splines_is_additive():
    X = np.random.RandomState(0).uniform(-3, 3, size=(400, 2))
    y = np.sin(X[:, 0]) + X[:, 1] ** 2
    plain, additive = (make_pipeline(TabularPreprocessor(scale=s), Ridge(0.01)).fit(X, y) for s in (True, "splines"))
    assert plain.score(X, y) < 0.2
    assert additive.score(X, y) > 0.99


@pytest.mark.parametrize("scale", ["standard", None, 2])
def test_a_scale_that_is_none(scale):
    with pytest.raises(ValueError, match="scale must be True, False, 'normal', 'splines' or 'components', got"):
        TabularPreprocessor(scale=scale).fit([[1.0], [2.0]])


def test_a_number_missing_only_when_predicting_is_the_median():
    preprocessor = TabularPreprocessor(scale=False).fit(pd.DataFrame({"a": [1.0, 2.0, 9.0]}))
    assert_array_equal(preprocessor.transform(pd.DataFrame({"a": [np.nan]})), [[2.0]])


def test_text_is_one_hot_encoded_as_scikit_learn_does():
    X = pd.DataFrame({"a": ["u", "v", "u", "w"], "b": ["x", "x", "y", "y"]})
    expected = OneHotEncoder(sparse_output=False).fit_transform(X)
    assert_array_equal(TabularPreprocessor().fit_transform(X), expected)


def test_the_most_frequent_levels_are_kept():
    levels = [f"l{i}" for i in range(40) for _ in range(40 - i)]
    X = pd.DataFrame({"a": levels})
    onehot = TabularPreprocessor(max_levels=5).fit(X)
    names = list(onehot.get_feature_names_out())
    assert names == ["a_l0", "a_l1", "a_l2", "a_l3", "a_infrequent_sklearn"]
    never_seen = onehot.transform(pd.DataFrame({"a": ["l1", "l30", "new"]}))
    assert_array_equal(never_seen, [[0, 1, 0, 0, 0], [0, 0, 0, 0, 1], [0, 0, 0, 0, 1]])
    ordinal = TabularPreprocessor(categories="ordinal", scale=False, max_levels=5).fit(X)
    assert len(np.unique(ordinal.transform(X))) == 5


def test_unseen_levels():
    seen, new = pd.DataFrame({"a": ["u", "v"]}), pd.DataFrame({"a": ["v", "new", None]})
    with warnings.catch_warnings(action="error"):
        assert_array_equal(TabularPreprocessor().fit(seen).transform(new), [[0, 1], [0, 0], [0, 0]])
        ordinal = TabularPreprocessor(categories="ordinal").fit(seen).transform(new)
        native = TabularPreprocessor(categories="native").fit(seen).transform(new)
    assert_array_equal(ordinal, [[1], [-1], [-1]])
    assert_array_equal(native["a"].isna(), [False, True, True])
    assert native["a"].dtype == pd.CategoricalDtype([0, 1])


def test_native_categories_are_what_boosting_takes():
    rng = np.random.RandomState(0)
    X = pd.DataFrame({"c": rng.choice([f"l{i}" for i in range(300)], 400), "x": rng.randn(400)})
    preprocessor = TabularPreprocessor(categories="native").fit(X)
    y = X["x"] > 0
    model = HistGradientBoostingClassifier(max_iter=3, categorical_features="from_dtype")
    model.fit(preprocessor.transform(X), y)
    assert_array_equal(model.is_categorical_, [name == "c" for name in preprocessor.get_feature_names_out()])
    model.predict(preprocessor.transform(pd.DataFrame({"c": ["new", None], "x": [0.0, np.nan]})))


def test_levels_that_are_equal_numbers_are_one_level():
    fitted = TabularPreprocessor().fit(pd.DataFrame({"a": pd.Categorical([1, 2, 1])}))
    for same in ([1.0, 2.0], np.array([1, 2], dtype=np.int8), ["1", "2"], pd.Categorical([1.0, 2.0]), [True, 2]):
        new = pd.DataFrame({"a": same})
        expected = [[0, 0], [0, 1]] if isinstance(same, list) and same[0] is True else [[1, 0], [0, 1]]
        assert_array_equal(fitted.transform(new), expected)


def test_a_boolean_column_with_gaps_and_one_without_mean_the_same():
    whole, gaps = pd.DataFrame({"a": [True, False]}), pd.DataFrame({"a": [True, False, None]}, dtype=object)
    assert_array_equal(TabularPreprocessor(scale=False).fit(whole).transform(gaps), [[1], [0], [0.5]])
    assert_array_equal(
        TabularPreprocessor().fit(gaps).transform(whole),
        TabularPreprocessor().fit_transform(gaps)[:2],
    )


def test_numbers_written_as_text_when_predicting():
    preprocessor = TabularPreprocessor(scale=False).fit(pd.DataFrame({"a": [1.0, 2.0]}))
    assert_array_equal(preprocessor.transform(pd.DataFrame({"a": ["1", "2.5", None]})), [[1], [2.5], [1.5]])


def column(values):
    return pd.DataFrame({"a": values})


DATES = pd.to_datetime(["2020-01-01", "2021-05-17"])


@pytest.mark.parametrize(
    ("fitted", "new", "message"),
    [
        ([1.0, 2.0], ["x", "2"], r"Column 'a' held numbers when fitting and holds text now: .*Convert it to numbers"),
        ([1.0, 2.0], DATES, r"Column 'a' held numbers when fitting and holds datetime64.* now\. Convert it"),
        (["u", "v"], DATES, r"Column 'a' held categories when fitting and holds datetime64.* now\. Convert it"),
        (DATES, [1.0, 2.0], r"Column 'a' held dates when fitting and holds float64 now\. Convert it"),
        (DATES, ["2020-01-01", "x"], r"Column 'a' held dates when fitting and holds (object|str) now\. Convert it"),
    ],
)
def test_a_column_that_changes_its_kind(fitted, new, message):
    with pytest.raises(ValueError, match=message):
        TabularPreprocessor().fit(column(fitted)).transform(column(new))


@pytest.mark.parametrize("fitted", [[1.0, 2.0], ["u", "v"], DATES])
@pytest.mark.parametrize("missing", [[None], [np.nan], pd.to_datetime([None])])
def test_a_column_without_any_value_has_every_kind(fitted, missing):
    preprocessor = TabularPreprocessor().fit(column(fitted))
    assert np.isfinite(preprocessor.transform(column(missing))).all()


def test_dates_become_parts_and_days():
    X = column(pd.to_datetime(["2020-02-29 13:30", None]))
    preprocessor = TabularPreprocessor(categories="native").fit(X)
    expected = [[2020, 2, 29, 5, 13, 18321 + 13.5 / 24], [np.nan] * 6]
    assert_allclose(preprocessor.transform(X), expected)
    names = [f"a_{part}" for part in ("year", "month", "day", "day_of_week", "hour", "days")]
    assert list(preprocessor.get_feature_names_out()) == names


def test_dates_in_time_zones_are_moments():
    berlin = column(pd.to_datetime(["2020-01-01 01:00"]).tz_localize("Europe/Berlin"))
    plain = column(pd.to_datetime(["2020-01-01 00:00"]))
    preprocessor = TabularPreprocessor(categories="native").fit(plain)
    assert_array_equal(preprocessor.transform(berlin), preprocessor.transform(plain))


@pytest.mark.parametrize("unit", ["s", "ms", "us", "ns"])
def test_dates_of_any_resolution(unit):
    table = plain_table(column(pd.Series(pd.to_datetime(["2020-01-02"])).astype(f"datetime64[{unit}]")))
    assert table["a_days"].tolist() == [18263.0]


@pytest.mark.parametrize("unit", ["s", "ms", "us"])
def test_dates_and_durations_that_nanoseconds_cannot_hold(unit):
    dates = pd.Series(np.array(["9999-12-31", "1500-01-01T12", "NaT"], dtype=f"datetime64[{unit}]"), index=[2, 0, 1])
    table = plain_table(pd.DataFrame({"a": dates, "b": dates - dates.iloc[1]}))
    assert_array_equal(table["a_days"], [2932896, -171663.5, np.nan])
    assert_array_equal(table["a_year"], [9999, 1500, np.nan])
    assert_array_equal(table["b"], [2932896 + 171663.5, 0, np.nan])


@pytest.mark.parametrize("categories", ENCODINGS)
def test_arrows_types_mean_what_pandas_own_do(categories):
    pyarrow = pytest.importorskip("pyarrow")
    names = ["float", "date", "zoned", "duration", "category", "ordered", "all_missing_text", "all_missing_date"]
    typed = messy()[names].assign(day=lambda X: X["date"].dt.normalize())
    cells = {name: pyarrow.array(column, from_pandas=True) for name, column in typed.items()}
    cells["day"] = cells["day"].cast(pyarrow.date32())
    arrow = pd.DataFrame({n: pd.Series(pd.arrays.ArrowExtensionArray(c), typed.index) for n, c in cells.items()})
    untouched = arrow.copy(deep=True)
    expected, found = (TabularPreprocessor(categories=categories).fit(X) for X in (typed, arrow))
    for step in (expected, found):
        for X in (typed, arrow):
            assert_array_equal(np.asarray(step.transform(X), float), np.asarray(expected.transform(typed), float))
    assert_frame_equal(arrow, untouched)


def test_a_table_of_another_library_keeps_its_types_and_names():
    pyarrow = pytest.importorskip("pyarrow")
    frame = pd.DataFrame({"b": [1.0, 2.0], "a": ["u", "v"], "d": DATES})
    table = pyarrow.Table.from_pandas(frame)
    step = TabularPreprocessor().fit(table)
    assert_array_equal(step.feature_names_in_, ["b", "a", "d"])
    assert_array_equal(step.transform(table), TabularPreprocessor().fit_transform(frame))
    with pytest.raises(ValueError, match="same order"):
        step.transform(table.select(["a", "b", "d"]))


@pytest.mark.parametrize(
    "names",
    [["a", "a", "a"], ["a", "a_2", "a"], ["a", "a_1", "a"], [0, 1, 2], [2, 0, 1], ["", "", "x"]],
)
def test_any_column_names(names):
    values = np.array([[1.0, 2, 3], [4, 5, 7]])
    X = pd.DataFrame(values, columns=names)
    preprocessor = TabularPreprocessor(scale=False)
    assert_array_equal(preprocessor.fit_transform(X), values)
    assert_array_equal(preprocessor.transform(X), values)
    assert len(set(preprocessor.get_feature_names_out())) == 3
    assert X.columns.tolist() == names


def test_a_date_part_does_not_displace_a_column_of_that_name():
    X = pd.DataFrame({"d_year": [7.0, 8.0], "d": DATES, "d_days": [1.0, 2.0]})
    result = TabularPreprocessor(scale=False).fit_transform(X)
    assert result.shape == (2, 8)
    assert_array_equal(result[:, 0], [7, 8])
    assert_array_equal(result[:, -1], [1, 2])


def test_an_array_is_taken_by_position_after_a_frame():
    frame = pd.DataFrame({"b": [1.0, 2.0], "a": ["u", "v"]})
    preprocessor = TabularPreprocessor(scale=False).fit(frame)
    with pytest.warns(UserWarning, match="does not have valid feature names"):
        result = preprocessor.transform(frame.to_numpy(dtype=object))
    assert_array_equal(result, preprocessor.transform(frame))


def test_a_frame_is_taken_by_position_after_an_array():
    frame = pd.DataFrame({"b": [1.0, 2.0], "a": ["u", "v"]})
    preprocessor = TabularPreprocessor().fit(frame.to_numpy(dtype=object))
    with pytest.warns(UserWarning, match="fitted without feature names"):
        result = preprocessor.transform(frame)
    assert_array_equal(result, preprocessor.transform(frame.to_numpy(dtype=object)))


def test_columns_in_another_order_are_refused():
    frame = pd.DataFrame({"b": [1.0, 2.0], "a": [3.0, 4.0]})
    with pytest.raises(ValueError, match="same order"):
        TabularPreprocessor().fit(frame).transform(frame[["a", "b"]])


def test_an_object_array_finds_its_numbers():
    X = np.array([[1.0, "u"], [None, "v"], [3, None]], dtype=object)
    assert plain_table(as_frame(X)).dtypes.tolist() == [np.dtype(float), np.dtype(object)]


def of_objects(n=24):
    """A table, and the same one of objects."""
    gaps = np.arange(n) % 5 == 2
    moments = pd.Series(pd.date_range("2019-12-30 01:00", periods=n, freq="37h"))
    typed = pd.DataFrame(
        {
            "number": np.where(gaps, np.nan, np.arange(n) / 8),
            "whole": np.arange(n) * 1.0,
            "decimal": np.arange(n) / 4,
            "day": moments.dt.normalize().where(~gaps),
            "moment": moments,
            "zoned": moments,
            "duration": pd.to_timedelta(np.arange(n), unit="h"),
        }
    )
    zoned = [m.tz_localize("UTC").tz_convert(("UTC", "Europe/Berlin")[i % 2]) for i, m in moments.items()]
    objects = pd.DataFrame(
        {
            "number": typed["number"].astype(object).where(~gaps, None),
            "whole": pd.Series(range(n), dtype=object),
            "decimal": pd.Series([Decimal(i) / 4 for i in range(n)], dtype=object),
            "day": pd.Series([None if gap else m.date() for m, gap in zip(moments, gaps, strict=True)], dtype=object),
            "moment": pd.Series(moments.dt.to_pydatetime(), dtype=object),
            "zoned": pd.Series(zoned, dtype=object),
            "duration": typed["duration"].astype(object),
        }
    )
    return typed, objects


@pytest.mark.parametrize("categories", ENCODINGS)
def test_columns_of_objects_are_what_they_hold(categories):
    typed, objects = of_objects()
    untouched = objects.copy(deep=True)
    expected, found = (TabularPreprocessor(categories=categories).fit(X) for X in (typed, objects))
    with warnings.catch_warnings(action="error"):
        for step in (expected, found):
            for X in (typed, objects):
                assert_allclose(step.transform(X), expected.transform(typed))
                assert_allclose(step.transform(X[7:8]), expected.transform(typed)[7:8])
    of_array = TabularPreprocessor(categories=categories).fit(objects.to_numpy())
    assert_allclose(of_array.transform(objects.to_numpy()), expected.transform(typed))
    assert_frame_equal(objects, untouched)


@pytest.mark.parametrize(
    "values",
    [
        pd.Series(["1", "2", "1"], dtype=object),
        pd.Series([1, "2", 1], dtype=object),
        pd.Series([True, False, True], dtype=object),
        pd.Series([1, 2, 1], dtype=object).astype("category"),
        pd.Series([date(2020, 1, 1), date(2021, 1, 1)] * 2, dtype=object).astype("category")[:3],
        pd.Series([date(2020, 1, 1), 1.5, None], dtype=object),
        pd.Series([None, None, None], dtype=object),
        pd.Series([np.nan, pd.NA, None], dtype=object),
    ],
    ids=str,
)
def test_what_is_said_to_be_categories_or_holds_several_things_is_categories(values):
    table = plain_table(column(values))
    assert table.columns.tolist() == ["a"]
    assert table["a"].dtype == object


@pytest.mark.parametrize("container", [pd.DataFrame, np.asarray])
@pytest.mark.parametrize(
    ("cells", "other", "written"),
    [([1, 2.5, None, 9], "?", "2.5"), ([date(2020, 2, 28), None, date(2021, 5, 1)], "never", "2020-02-28")],
)
def test_what_is_no_number_or_date_among_objects_is_missing_later(cells, other, written, container):
    def rows(*values):
        return container(pd.DataFrame({"a": pd.Series(values, dtype=object)}))

    step = TabularPreprocessor().fit(rows(*cells))
    gap = step.transform(rows(None))
    with pytest.warns(
        UserWarning, match=rf"Column '\w+' held \w+ when fitting.*such as '{re.escape(other)}', are taken"
    ):
        found = step.transform(rows(other, cells[0], None))
    assert_array_equal(found, np.vstack([gap, step.transform(rows(cells[0])), gap]))
    with warnings.catch_warnings(action="error"):
        assert np.isfinite(step.transform(rows(written))).all()


def test_levels_that_are_all_numbers_or_dates_in_some_rows():
    X = pd.DataFrame({"a": pd.Series([2**60 + 1, date(2020, 1, 1), "x", None], dtype=object)})
    step = TabularPreprocessor(scale=False).fit(X)
    for i in range(4):
        assert_array_equal(step.transform(X[i : i + 1]), step.transform(X)[i : i + 1])


def test_integers_that_no_float_can_hold():
    with pytest.raises(ValueError, match="Column 'a' of X holds integers beyond the largest float"):
        TabularPreprocessor().fit(pd.DataFrame({"a": pd.Series([10**400, 1], dtype=object)}))


SPARSE_KINDS = [sparse.csr_matrix, sparse.csc_matrix, sparse.coo_matrix, sparse.lil_matrix, sparse.csr_array]


@pytest.mark.parametrize("kind", SPARSE_KINDS)
@pytest.mark.parametrize("categories", ENCODINGS)
def test_sparse_input_stays_sparse(kind, categories):
    dense = np.array([[0.0, -4.0, 0.0], [2.0, 0.0, 0.0], [1.0, 1.0, 0.0]])
    X = kind(dense)
    scaled = TabularPreprocessor(categories=categories).fit_transform(X)
    assert sparse.issparse(scaled)
    assert_array_equal(scaled.toarray(), dense / [2, 4, 1])
    same = TabularPreprocessor(categories=categories, scale=False).fit(X).transform(X)
    assert_array_equal(same.toarray(), dense)
    assert_array_equal(X.toarray(), dense)
    filled = TabularPreprocessor(categories=categories, scale=False, dense=True).fit(X).transform(X)
    assert_array_equal(filled, dense)


def test_sparse_input_with_missing_values():
    X = sparse.csr_matrix([[1.0, 0.0], [np.nan, 2.0], [3.0, 0.0]])
    result = TabularPreprocessor(scale=False).fit_transform(X).toarray()
    assert_array_equal(result, [[1, 0], [2, 2], [3, 0]])
    kept = TabularPreprocessor(scale=False, categories="native").fit_transform(X).toarray()
    assert np.isnan(kept[1, 0])


@pytest.mark.parametrize("categories", ENCODINGS)
def test_dense_rows_after_sparse_ones_and_the_reverse(categories):
    dense = np.array([[0.0, -4.0], [2.0, 0.0], [1.0, 1.0]])
    preprocessor = TabularPreprocessor(categories=categories)
    on_sparse = clone(preprocessor).fit(sparse.csr_matrix(dense))
    assert_array_equal(on_sparse.transform(dense).toarray(), on_sparse.transform(sparse.csr_matrix(dense)).toarray())
    on_dense = clone(preprocessor).fit(dense)
    assert_array_equal(on_dense.transform(sparse.csr_matrix(dense)), on_dense.transform(dense))


def test_pandas_sparse_columns_are_numbers():
    X = column(pd.arrays.SparseArray([0.0, 0.0, 3.0]))
    assert_array_equal(TabularPreprocessor(scale=False).fit_transform(X), [[0], [0], [3]])


def test_numbers_stay_within_what_trees_take():
    X = np.array([[1e300], [-np.inf], [np.inf]])
    assert_array_equal(plain_table(as_frame(X)), [[LARGEST], [-LARGEST], [LARGEST]])


def streets(n=400, n_levels=40):
    """Categories with many levels, of which the target depends on each."""
    rng = np.random.default_rng(0)
    level = rng.integers(0, n_levels, n)
    names = np.array([f"street {chr(65 + i % 26)}{i}" for i in range(n_levels)], dtype=object)[level]
    return pd.DataFrame({"size": rng.normal(size=n), "street": names}), np.sin(level * 7.0) + rng.normal(size=n) / 5


@pytest.mark.parametrize("categories", ENCODINGS)
@pytest.mark.parametrize("scale", [True, False, "normal", "splines", "components"])
def test_many_levels_leave_as_the_mean_target_too(categories, scale):
    X, y = streets()
    with warnings.catch_warnings(action="error"):
        plain = TabularPreprocessor(categories=categories, scale=scale).fit(X)
        found = TabularPreprocessor(categories=categories, scale=scale, target="numbers").fit(X, y)
        values = np.asarray(found.transform(X), float)
    assert_array_equal(found.get_feature_names_out(), [*plain.get_feature_names_out(), "street_target"])
    assert_array_equal(values[:, :-1], np.asarray(plain.transform(X), float))
    assert np.corrcoef(values[:, -1], y)[0, 1] > 0.9


def test_rows_get_means_of_other_rows_as_in_scikit_learn():
    X, y = streets()
    found = TabularPreprocessor(scale=False, target="numbers")
    fitted = np.asarray(found.fit_transform(X, y))[:, -1]
    theirs = cross_fitted_target_encoder(len(y))
    largest = np.abs(y).max()
    assert_allclose(fitted * largest, theirs.fit_transform(X[["street"]], y)[:, 0], atol=1e-12)
    new = pd.DataFrame({"size": 0.0, "street": [X.street[0], "nowhere", None]})
    means = np.asarray(found.transform(new))[:, -1] * largest
    assert_allclose(means, theirs.transform(new[["street"]])[:, 0], atol=1e-12)
    assert_allclose(means[1:], y.mean())
    by_hand = [y[(X.street == s) & (np.arange(len(y)) != i)].mean() for i, s in enumerate(X.street)]
    assert np.corrcoef(fitted, by_hand)[0, 1] > 0.95
    noise = np.random.default_rng(1).permutation(y)
    cross_fitted = np.asarray(TabularPreprocessor(target="numbers").fit_transform(X, noise))[:, -1]
    assert abs(np.corrcoef(cross_fitted, noise)[0, 1]) < 0.15, "a row's own target is not among its columns"


def test_two_labels_have_a_mean_and_three_have_none():
    X, y = streets()
    two = np.where(y > 0, "yes", "no")
    found = TabularPreprocessor(scale=False, target="labels").fit(X, two)
    means = np.asarray(found.transform(X))[:, -1]
    assert_array_equal(found.get_feature_names_out()[-1:], ["street_target"])
    assert means.min() >= 0
    assert means.max() <= 1
    assert np.corrcoef(means, two == "yes")[0, 1] > 0.8
    for other in (np.arange(400) % 3, np.zeros(400), None):
        names = TabularPreprocessor(target="labels").fit(X, other).get_feature_names_out()
        assert "street_target" not in names


@pytest.mark.parametrize("categories", ENCODINGS)
def test_nothing_is_added_for_more_than_two_labels(categories):
    X, y = streets()
    three = np.array(["low", "middle", "high"])[np.digitize(y, [-0.3, 0.3])]
    plain, told = (
        TabularPreprocessor(categories=categories),
        TabularPreprocessor(categories=categories, target="labels"),
    )
    assert_array_equal(np.asarray(told.fit_transform(X, three), float), np.asarray(plain.fit_transform(X), float))
    assert_array_equal(np.asarray(told.transform(X), float), np.asarray(plain.transform(X), float))
    assert_array_equal(told.get_feature_names_out(), plain.get_feature_names_out())
    assert told.averaged_ == {}


def test_no_default_pipeline_adds_anything_for_more_than_two_labels():
    X, y = streets()
    for name, entry in catalogue("classification").items():
        step = (
            build_estimator(entry.configurations(1)[0], "classification").steps[0][1].fit(X, np.digitize(y, [0, 0.5]))
        )
        assert not step.averaged_, name


def test_few_levels_and_a_target_that_is_not_named_are_left_alone():
    X, y = streets()
    few = X.assign(street=X.street.str[:8])
    assert few.street.nunique() <= 30
    for rows, target in ((few, "numbers"), (X, None)):
        assert "street_target" not in TabularPreprocessor(target=target).fit(rows, y).get_feature_names_out()


def test_means_of_targets_of_any_size_and_of_few_rows():
    X, y = streets()
    for scale in (1e200, 1e-200, 0.0):
        values = np.asarray(TabularPreprocessor(scale=False, target="numbers").fit_transform(X, y * scale))
        assert np.isfinite(values.astype(np.float32)).all()
    tiny = TabularPreprocessor(max_levels=1, target="numbers").fit(X[:3], y[:3])
    assert "street_target" in tiny.get_feature_names_out()


def test_means_do_not_displace_a_column_of_that_name():
    X, y = streets()
    X["street_target"] = X["size"]
    found = TabularPreprocessor(target="numbers").set_output(transform="pandas").fit(X, y).transform(X)
    assert found.columns.is_unique
    assert len(found.columns) == len(TabularPreprocessor().fit(X).get_feature_names_out()) + 1


def test_which_default_pipelines_see_means():
    X, y = streets()
    seen = {}
    for task, target in (("regression", y), ("classification", y > 0)):
        prepared = {
            name: build_estimator(entry.configurations(1)[0], task).steps[0][1].fit(X, target)
            for name, entry in catalogue(task).items()
        }
        seen[task] = {name for name, step in prepared.items() if "street_target" in step.get_feature_names_out()}
    assert seen["regression"] == set(catalogue("regression"))
    linear = {"logistic_regression", "logistic_regression_normal", "logistic_regression_splines", "lda"}
    assert seen["classification"] == {*linear, "extra_trees"}


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"categories": "target"}, "categories must be 'onehot', 'ordinal' or 'native', got 'target' instead"),
        ({"max_levels": 0}, "max_levels must be an integer of at least 1, got 0 instead"),
        ({"target": "auto"}, "target must be 'labels', 'numbers' or None, got 'auto' instead"),
        ({"max_levels": 2.5}, r"max_levels must be an integer of at least 1, got 2\.5 instead"),
    ],
)
def test_wrong_parameters(params, message):
    with pytest.raises(ValueError, match=message):
        TabularPreprocessor(**params).fit(column(["u", "v"]))


@pytest.mark.parametrize("empty", [pd.DataFrame(), pd.DataFrame({"a": []}), pd.DataFrame(index=[1, 2])])
def test_empty_tables(empty):
    with pytest.raises(ValueError, match="while a minimum of 1 is required"):
        TabularPreprocessor().fit(empty)


def test_cells_that_hold_containers():
    with pytest.raises(TypeError, match=r"A cell holds \[1, 2\].*expand them into columns"):
        TabularPreprocessor().fit(column([[1, 2], "x"]))


def test_complex_numbers():
    with pytest.raises(ValueError, match="column 'a' has type complex128"):
        TabularPreprocessor().fit(column([1j, 2.0]))


def test_an_unknown_type_of_column():
    pyarrow = pytest.importorskip("pyarrow")
    times = pd.Series([None, None], dtype=pd.ArrowDtype(pyarrow.time64("us")))
    with pytest.raises(ValueError, match=r"Column 'a' has type time64.*neither number, boolean.*Convert it first"):
        TabularPreprocessor().fit(column(times))
