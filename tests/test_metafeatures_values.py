"""Values of descriptive meta-features: closed forms, brute force, scikit-learn, SciPy and pymfe."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from sklearn.datasets import load_breast_cancer, load_diabetes, load_iris, load_wine
from sklearn.decomposition import PCA
from sklearn.feature_selection import f_classif
from sklearn.metrics import mutual_info_score

from sklmeta.metafeatures import MetaFeatureExtractor, infer_task
from sklmeta.metafeatures._table import as_table, read_table
from sklmeta.metafeatures.information import (
    bin_columns,
    chance_information,
    entropy,
    joint_counts,
    mutual_information,
)
from sklmeta.metafeatures.statistical import class_moments, kurtosis, outlier_share, skewness


def describe(X, y, group, task=None):
    return MetaFeatureExtractor([group]).extract(X, y, task)


@pytest.fixture
def columns():
    rng = np.random.RandomState(0)
    X = np.column_stack([rng.exponential(size=90), rng.normal(size=90), rng.standard_t(2, size=90)])
    X[::7, 1] = np.nan
    return X


# simple


def test_size_and_classes():
    X = np.zeros((8, 3))
    got = describe(X, ["a"] * 4 + ["b"] * 3 + ["c"], "simple")
    assert got["log_rows"] == pytest.approx(np.log(8))
    assert got["log_columns"] == pytest.approx(np.log(3))
    assert got["log_columns_per_row"] == pytest.approx(np.log(3 / 8))
    assert got["log_classes"] == pytest.approx(np.log(3))
    assert got["class_balance"] == pytest.approx(stats.entropy([4, 3, 1]) / np.log(3))
    assert (got["minority_share"], got["majority_share"]) == (1 / 8, 1 / 2)
    assert got["log_imbalance"] == pytest.approx(np.log(4))
    assert got["log_rows_per_class"] == pytest.approx(np.log(8 / 3))
    assert got["share_rare_classes"] == 1


def test_kinds_of_columns_and_levels():
    X = pd.DataFrame(
        {
            "number": [0.5, 1.5, 2.5, 2.5],
            "count": [1, 2, 3, 3],
            "flag": [True, False, True, True],
            "when": pd.date_range("2020", periods=4),
            "two": ["a", "b", "a", None],
            "many": pd.Categorical(["u", "v", "w", "x"]),
        }
    )
    got = describe(X, [0, 1, 0, 1], "simple") * 6
    assert got["share_number"] == pytest.approx(2)
    assert got["share_boolean"] == got["share_date"] == pytest.approx(1)
    assert got["share_category"] == pytest.approx(2)
    assert got["share_binary"] == pytest.approx(2)  # flag, two
    assert got["share_whole"] == pytest.approx(1)  # count
    assert got["log_levels_mean"] / 6 == pytest.approx((np.log(3) + np.log(5)) / 2)
    assert got["log_levels_max"] / 6 == pytest.approx(np.log(5))
    assert got["log_encoded_columns"] / 6 == pytest.approx(np.log(4 + 2 + 4))


def test_quantity_as_target():
    got = describe(np.zeros((6, 1)), [0.0, 0.0, 0.0, 2.0, 4.0, 10.0], "simple", "regression")
    assert got["target_distinct"] == pytest.approx(4 / 6)
    assert got["target_mode_share"] == pytest.approx(0.5)
    assert (got["target_whole"], got["target_one_sided"]) == (1, 1)
    got = describe(np.zeros((4, 1)), [-1.0, 0.0, 0.3, 2.71], "simple", "regression")
    assert (got["target_whole"], got["target_one_sided"]) == (0, 0)


# missingness


@pytest.mark.parametrize("y", [pd.date_range("2024", periods=3), np.arange(3).astype("m8[D]")])
def test_dates_and_durations_are_no_target_unless_they_are_called_classes(y):
    for read in (infer_task, lambda y: MetaFeatureExtractor().extract([[0.0], [1.0], [2.0]], y)):
        with pytest.raises(ValueError, match=r"y holds dates or durations .*Convert them to numbers"):
            read(y)
    assert MetaFeatureExtractor().extract([[0.0], [1.0], [2.0]], y, task="classification")[
        "log_classes"
    ] == pytest.approx(np.log(3))


def test_missing_cells():
    X = pd.DataFrame({"full": range(8), "half": [1.0, None] * 4, "empty": [np.nan] * 8, "text": ["a"] * 6 + [None] * 2})
    got = describe(X, [0, 1] * 4, "missingness")
    shares = [0, 0.5, 1, 0.25]
    assert got["missing_cells"] == pytest.approx(np.mean(shares))
    assert got["missing_columns"] == 0.75
    assert got["missing_rows"] == 1
    assert got["missing_max"] == 1
    assert got["missing_spread"] == pytest.approx(np.std(shares))
    assert got["empty_columns"] == 0.25


def test_missingness_that_tells_the_target():
    y = np.array([0, 1] * 20)
    X = np.zeros((40, 2))
    X[y == 1, 0] = np.nan
    assert describe(X, y, "missingness")["missing_tells"] == pytest.approx(1)
    X[:, 0] = np.where(np.arange(40) % 4 < 2, np.nan, 0)
    assert describe(X, y, "missingness")["missing_tells"] == pytest.approx(0)
    count = np.isnan(X).sum(axis=1)
    target = count + np.random.RandomState(0).normal(size=40)
    r2 = np.corrcoef(count, target)[0, 1] ** 2
    assert describe(X, target, "missingness")["missing_tells"] == pytest.approx(r2)


# statistical


def test_moments_are_scipys(columns):
    table = read_table(as_table(columns), np.arange(90), 9)
    count = table.present.sum(axis=0)
    np.testing.assert_allclose(skewness(table.standardised, count), stats.skew(columns, nan_policy="omit"), rtol=1e-9)
    np.testing.assert_allclose(
        kurtosis(table.standardised, count), stats.kurtosis(columns, fisher=False, nan_policy="omit"), rtol=1e-9
    )


def test_shapes_are_summaries_of_the_moments(columns):
    got = describe(columns, np.arange(90) % 2, "statistical")
    skew = np.abs(stats.skew(columns, nan_policy="omit"))
    kurt = np.log(stats.kurtosis(columns, fisher=False, nan_policy="omit"))
    assert got["skewness_mean"] == pytest.approx(skew.mean())
    assert got["skewness_max"] == pytest.approx(skew.max())
    assert got["log_kurtosis_mean"] == pytest.approx(kurt.mean())
    assert got["log_kurtosis_max"] == pytest.approx(kurt.max())
    assert got["scale_spread"] == pytest.approx(np.std(np.log10(np.nanstd(columns, axis=0))))


def test_outliers_by_hand():
    ordered = np.array([[-100.0, 0.0], [1, 0], [2, 0], [3, 0], [4, 0], [5, 0], [6, 0], [7, np.nan]])
    # quartiles of the first column are 2 and 5, so its far values are below -7 or above 14; the second one's coincide
    np.testing.assert_allclose(outlier_share(ordered, np.array([8, 7])), [1 / 8, 0])
    for largest, share in ((14, 1 / 8), (14.5, 2 / 8)):
        ordered[-1, 0] = largest
        np.testing.assert_allclose(outlier_share(ordered, np.array([8, 7])), [share, 0])


def test_values_of_columns():
    X = np.column_stack([np.zeros(40), np.arange(40), np.arange(40) % 4])
    got = describe(pd.DataFrame(X).assign(text="same"), np.arange(40) % 2, "statistical")
    assert got["constant_columns"] == 0.5
    assert got["zeros"] == pytest.approx((40 + 1 + 10) / 120)
    assert got["distinct_mean"] == pytest.approx((1 + 40 + 4) / 120)
    assert got["few_values"] == pytest.approx(2 / 3)


def test_correlations_and_components_are_numpys_and_sklearns(columns):
    X, y = load_wine(return_X_y=True)
    got = describe(X, y, "statistical")
    pairs = np.abs(np.corrcoef(X.T)[np.triu_indices(13, 1)])
    assert got["correlation_mean"] == pytest.approx(pairs.mean())
    assert got["correlation_max"] == pytest.approx(pairs.max())
    assert got["correlation_high"] == pytest.approx((pairs > 0.5).mean())
    shares = PCA().fit((X - X.mean(axis=0)) / X.std(axis=0)).explained_variance_ratio_
    assert got["effective_dimension"] == pytest.approx(1 / (shares**2).sum() / 13)
    assert got["components_95"] == pytest.approx((1 + (np.cumsum(shares) < 0.95).sum()) / 13)
    assert got["first_component"] == pytest.approx(shares[0])


def test_components_of_more_columns_than_rows():
    X = np.random.RandomState(0).normal(size=(12, 40))
    shares = PCA().fit((X - X.mean(axis=0)) / X.std(axis=0)).explained_variance_ratio_
    got = describe(X, np.arange(12) % 2, "statistical")
    assert got["effective_dimension"] == pytest.approx(1 / (shares**2).sum() / 40)
    assert got["first_component"] == pytest.approx(shares[0])


def test_fisher_is_eta_squared_of_the_analysis_of_variance():
    X, y = load_wine(return_X_y=True)
    f = f_classif(X, y)[0]
    eta = f * 2 / (f * 2 + len(y) - 3)
    got = describe(X, y, "statistical")
    assert got["fisher_mean"] == pytest.approx(eta.mean())
    assert got["fisher_max"] == pytest.approx(eta.max())


def test_class_moments_and_what_follows_from_them():
    z = np.array([[0.0], [2], [10], [14], [18]])
    centres, variances, shares = class_moments(z, np.eye(2)[[0, 0, 1, 1, 1]])
    np.testing.assert_allclose(centres, [[1], [14]])
    np.testing.assert_allclose(variances, [[1], [32 / 3]])
    np.testing.assert_allclose(shares, [0.4, 0.6])
    got = describe(z, [0, 0, 1, 1, 1], "statistical")
    variance = z.var()
    pooled, classes = np.log((0.4 * 1 + 0.6 * 32 / 3) / variance), np.log(np.array([1, 32 / 3]) / variance)
    assert got["variance_differs"] == pytest.approx(pooled - 0.4 * classes[0] - 0.6 * classes[1])
    assert got["closest_centres"] == pytest.approx(13 / np.sqrt(variance))


def test_closest_centres_are_of_the_closest_pair():
    X = np.repeat([[0.0, 0.0], [1.0, 0.0], [0.0, 9.0]], 5, axis=0)
    got = describe(X, np.repeat([0, 1, 2], 5), "statistical")
    assert got["closest_centres"] == pytest.approx(1 / X[:, 0].std() / np.sqrt(2))


def test_ties_of_a_quantity_with_columns_and_its_shape():
    X, y = load_diabetes(return_X_y=True)
    got = describe(X, y, "statistical")
    with_target = np.abs([stats.pearsonr(x, y)[0] for x in X.T])
    assert got["target_correlation_mean"] == pytest.approx(with_target.mean())
    assert got["target_correlation_max"] == pytest.approx(with_target.max())
    assert got["target_skewness"] == pytest.approx(stats.skew(y))
    assert got["target_log_kurtosis"] == pytest.approx(np.log(stats.kurtosis(y, fisher=False)))
    assert got["target_outliers"] == 0


# information


def test_bins_are_eighths_of_the_mean_rank(columns):
    columns = np.column_stack([columns, np.arange(90) % 3, np.arange(90) < 81])
    bins = bin_columns(read_table(as_table(columns), np.arange(90), 9))
    for x, got in zip(columns.T, bins.T, strict=True):
        known = ~np.isnan(x)
        expected = np.floor(8 * (stats.rankdata(x[known]) - 0.5) / known.sum())
        np.testing.assert_array_equal(got[known], expected)
        assert (got[~known] == 8).all()
    assert len(np.unique(bins[:, 4])) == 2  # a column of one tenth zeros is still two bins


def test_bins_of_categories_pool_rare_levels():
    levels = [f"v{i:02d}" for i in range(40)]
    X = pd.DataFrame({"column": [*np.repeat(levels, np.arange(41, 1, -1)).tolist(), None]})
    bins = bin_columns(read_table(X, np.arange(len(X)), 9))[:, 0]
    assert bins[0] == 0
    assert set(bins) == {*range(31), 31}
    assert bins[-1] == 31
    assert (bins[:-1] == 30).sum() == np.arange(11, 1, -1).sum()


def test_entropy_and_mutual_information_are_scipys_and_sklearns():
    rng = np.random.RandomState(0)
    bins, groups = rng.randint(0, 6, size=(200, 4)), rng.randint(0, 3, size=200)
    bins[:, 0] = groups
    joint = joint_counts(bins, groups)
    np.testing.assert_allclose(mutual_information(joint), [mutual_info_score(b, groups) for b in bins.T], atol=1e-12)
    np.testing.assert_allclose(entropy(joint.sum(axis=2)), [stats.entropy(np.bincount(b)) for b in bins.T], atol=1e-12)


def test_chance_information_is_the_mean_under_independence():
    rng = np.random.RandomState(0)
    bins, groups = rng.randint(0, 5, size=(300, 400)), rng.randint(0, 3, size=300)
    joint = joint_counts(bins, groups)
    assert mutual_information(joint).mean() == pytest.approx(chance_information(joint).mean(), rel=0.05)


def test_information_about_a_copy_and_about_noise():
    rng = np.random.RandomState(0)
    y = rng.randint(0, 4, size=800)
    X = pd.DataFrame({"copy": y.astype(str), **{f"noise{i}": rng.normal(size=800) for i in range(9)}})
    got = describe(X, y, "information")
    assert got["target_entropy"] == pytest.approx(stats.entropy(np.bincount(y)))
    assert got["information_max"] == pytest.approx(1, abs=0.01)
    assert got["information_category"] == pytest.approx(got["information_max"])
    assert got["information_mean"] == pytest.approx(0.1, abs=0.01)
    assert got["informative_columns"] == pytest.approx(0.1, abs=0.11)
    assert got["information_spread"] < 0.15
    assert got["log_columns_needed"] == pytest.approx(np.log1p(1 / got["information_mean"]))
    noise = describe(X.drop(columns="copy"), y, "information")
    assert noise["information_mean"] < 0.01


def test_information_about_a_quantity_needs_no_straight_line():
    x = np.random.RandomState(0).uniform(-1, 1, size=1000)
    got = MetaFeatureExtractor(["statistical", "information"]).extract(x[:, None], x**2)
    assert got["target_correlation_max"] < 0.1
    assert got["information_max"] > 0.5


# pymfe 0.4.4, MFE(groups=["general", "statistical", "info-theory", "complexity"]).fit(X, y), scikit-learn 1.9.1

PYMFE = {
    load_iris: {
        "cor.mean": 0.594116025760156,
        "cor.max": 0.9628654314027961,
        "nr_cor_attr": 0.5,
        "class_ent": 1.584962500721156,
        "freq_class.min": 0.3333333333333333,
        "attr_to_inst": 0.02666666666666667,
        "f1.mean": 0.2775641932566493,
        "f1.min": 0.05862828094263208,
        "kurtosis.max": 0.13870467668072406,
    },
    load_wine: {
        "cor.mean": 0.3049574813503491,
        "cor.max": 0.8645635000951151,
        "nr_cor_attr": 0.1794871794871795,
        "class_ent": 1.5668222768551812,
        "freq_class.min": 0.2696629213483146,
        "attr_to_inst": 0.07303370786516854,
        "f1.mean": 0.5617908025792526,
        "f1.min": 0.2722245078469153,
        "kurtosis.max": 1.9566405579973543,
    },
    load_breast_cancer: {
        "cor.mean": 0.3948966255659125,
        "cor.max": 0.9978552814938105,
        "nr_cor_attr": 0.3333333333333333,
        "class_ent": 0.9526351224018599,
        "freq_class.min": 0.37258347978910367,
        "attr_to_inst": 0.05272407732864675,
        "f1.mean": 0.7155573134478208,
        "f1.min": 0.3702529764385415,
        "kurtosis.max": 48.58539699544825,
    },
}


@pytest.mark.parametrize("load", PYMFE)
def test_agrees_with_pymfe_where_definitions_do(load):
    X, y = load(return_X_y=True)
    got, n = MetaFeatureExtractor().extract(X, y), len(y)
    ours = {
        "cor.mean": got["correlation_mean"],
        "cor.max": got["correlation_max"],
        "nr_cor_attr": got["correlation_high"],
        "class_ent": got["target_entropy"] / np.log(2),
        "freq_class.min": got["minority_share"],
        "attr_to_inst": np.exp(got["log_columns_per_row"]),
        "f1.mean": 1 - got["fisher_mean"],
        "f1.min": 1 - got["fisher_max"],
        "kurtosis.max": np.exp(got["log_kurtosis_max"]) * (1 - 1 / n) ** 2 - 3,  # theirs uses n - 1
    }
    for name, theirs in PYMFE[load].items():
        assert ours[name] == pytest.approx(theirs, rel=1e-6), name
