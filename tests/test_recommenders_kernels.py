from itertools import combinations

import numpy as np
import pandas as pd
import pytest
from scipy import special
from sklearn.decomposition import PCA
from sklearn.ensemble import ExtraTreesRegressor
from sklearn.linear_model import Ridge

from sklmeta.recommenders.kernels import (
    above_median,
    agreement_weights,
    bounded_seconds,
    completed,
    conformal_margin,
    conformal_novelty,
    greedy_portfolio,
    nearest_distances,
    neighbour_weights,
    principal_scores,
    rank_places,
    ridge_weights,
    ridge_weights_among,
    robust_scale,
    scaled,
    shared_leaves,
    shared_leaves_among,
    softmax,
    standardised,
    upper_span,
    weighted_quantile,
)

nan = np.nan


@pytest.fixture
def rng():
    return np.random.default_rng(0)


def uniform(n):
    return np.full(n, 1 / n)


# -- completing ----------------------------------------------------------------------------------------------------


def test_completed_leaves_full_tables_alone(rng):
    Y = rng.normal(size=(5, 4))
    np.testing.assert_array_equal(completed(Y, np.zeros(Y.shape, bool)), Y)


def test_completed_by_hand():
    Y = np.array([[0.0, 1.0, nan], [10.0, 20.0, 15.0], [nan, 4.0, 8.0], [nan, nan, nan], [3.0, nan, nan]])
    failed = np.zeros(Y.shape, bool)
    failed[2, 0] = True
    expected = [
        [0.0, 1.0, 0.75],  # the third one's places elsewhere: 0.5 and 1
        [10.0, 20.0, 15.0],
        [4.0, 4.0, 8.0],  # a failure is as bad as the worst
        [0.0, 0.0, 0.0],  # nothing known
        [3.0, 3.0, 3.0],  # one score known
    ]
    np.testing.assert_allclose(completed(Y, failed), expected)


def test_a_failure_is_worse_than_the_only_score():
    Y = np.array([[0.0, 2.0, 1.0], [0.0, 4.0, 2.0], [5.0, nan, nan]])
    np.testing.assert_allclose(completed(Y, np.isnan(Y))[2], [5.0, 2.0, 2.0], err_msg="by the typical range, 3")
    alone = Y[2:]
    np.testing.assert_allclose(completed(alone, np.isnan(alone)), [[5.0, 4.0, 4.0]])


def test_a_disaster_elsewhere_does_not_make_a_bad_one_look_good():
    Y = np.array([[0.9, 0.5, 0.2, -1000.0], [0.9, 0.5, 0.3, -1000.0], [0.9, 0.5, nan, 0.4]])
    full = completed(Y, np.zeros(Y.shape, bool))
    assert full[2, 2] < 0.5


@pytest.mark.parametrize("share", [0.1, 0.5, 0.9, 1.0])
def test_completed_is_finite_and_within_each_tasks_range(rng, share):
    Y = rng.normal(size=(20, 10))
    Y[rng.random(Y.shape) < share] = nan
    failed = np.isnan(Y) & (rng.random(Y.shape) < 0.3)
    full = completed(Y, failed)
    known = np.isfinite(Y)
    assert np.isfinite(full).all()
    np.testing.assert_array_equal(full[known], Y[known])
    for row in np.flatnonzero(known.any(axis=1)):
        assert full[row].max() <= Y[row, known[row]].max()
        np.testing.assert_array_equal(full[row, failed[row]], full[row].min() if failed[row].any() else 0.0)
        if known[row].sum() > 1:  # or else a failure is worse than the only score
            assert Y[row, known[row]].min() <= full[row].min()


# -- scales --------------------------------------------------------------------------------------------------------


def test_scaled_by_hand():
    Y = np.array([[1.0, 2.0, 5.0], [3.0, 3.0, 3.0], [-2.0, 0.0, -1.0]])
    np.testing.assert_array_equal(scaled(Y), [[0, 0.25, 1], [0, 0, 0], [0, 1, 0.5]])


def test_above_median_by_hand():
    Y = np.array([[1.0, 2.0, 4.0], [-90.0, 2.0, 4.0], [3.0, 3.0, 3.0], [7.0, 7.0, 5.0], [1.0, 1.0, 3.0]])
    np.testing.assert_array_equal(above_median(Y), [[-0.5, 0, 1], [-1, 0, 1], [0, 0, 0], [0, 0, -1], [0, 0, 1]])


@pytest.mark.parametrize("scale", [scaled, above_median])
def test_scales_do_not_see_the_unit(rng, scale):
    Y = rng.integers(0, 4, size=(40, 5)).astype(float)  # with ties, flat rows and rows whose median is the best
    factor, shift = 2.0 ** rng.integers(-3, 4, size=(40, 1)), rng.integers(-5, 6, size=(40, 1))
    np.testing.assert_array_equal(scale(factor * Y + shift), scale(Y))


@pytest.mark.parametrize("scale", [scaled, above_median])
def test_scales_keep_the_order_down_to_the_cut(rng, scale):
    Y = rng.normal(size=(30, 7))
    S = scale(Y)
    assert (S.max(axis=1) == 1).all()
    for y, s in zip(Y, S, strict=True):
        assert (np.diff(s[np.argsort(y)]) >= 0).all()


def test_places_are_pandas_ranks(rng):
    Y = rng.integers(0, 3, size=(11, 6)).astype(float)
    expected = pd.DataFrame(Y).rank(axis=1, ascending=False)
    np.testing.assert_allclose(rank_places(Y), 1 - (expected - 1) / 5)


# -- the greedy portfolio ------------------------------------------------------------------------------------------


def value(Y, w, chosen):
    return w @ Y[:, list(chosen)].max(axis=1)


@pytest.mark.parametrize("seed", range(5))
def test_every_greedy_step_is_the_best_step(seed):
    rng = np.random.default_rng(seed)
    Y, w = rng.random((9, 7)), rng.dirichlet(np.ones(9))
    order = greedy_portfolio(Y, w, 7)
    assert sorted(order) == list(range(7))
    for step, choice in enumerate(order):
        left = [j for j in range(7) if j not in order[:step]]
        assert value(Y, w, [*order[:step], choice]) >= max(value(Y, w, [*order[:step], j]) for j in left) - 1e-12


def looking_at_all(Y, w, n, columns, tried, first, worth=None, widen=None):
    """What `greedy_portfolio` chooses, without any bound: by the sum of the best scores, before and after."""
    left, order, so_far = list(columns), [], list(tried)
    worth = np.ones(Y.shape[1]) if worth is None else worth
    while left and len(order) < n:
        many = 1 if widen is None else 1 + len(so_far) // widen
        before = np.sort(Y[:, so_far], axis=1)[:, -many:].sum(axis=1) if so_far else 0.0
        after = [np.sort(Y[:, [*so_far, j]], axis=1)[:, -many:].sum(axis=1) for j in left]
        gains = [w @ (a - before) * (worth[j] if so_far else 1.0) for a, j in zip(after, left, strict=True)]
        values = [(round(gain, 9), round(w @ Y[:, j], 9), -j) for gain, j in zip(gains, left, strict=True)]
        choice = left[values.index(max(values))] if order or first is None else first
        order.append(choice)
        so_far.append(choice)
        left.remove(choice)
    return order


@pytest.mark.parametrize("widen", [None, 2, 3])
@pytest.mark.parametrize("levels", [2, 5, 10**6])
@pytest.mark.parametrize("seed", range(3))
def test_bounds_spare_work_and_change_nothing(seed, levels, widen):
    rng = np.random.default_rng(seed)
    Y, w = rng.integers(-levels, levels + 1, size=(25, 120)) / levels, rng.dirichlet(np.ones(25))
    columns = np.sort(rng.choice(120, 100, replace=False))
    for tried, first in (((), None), ((7, 3, 50), None), ((), int(columns[3]))):
        free = np.setdiff1d(columns, tried)
        for worth in (None, rng.choice([0.5, 1.0, 4.0], 120)):
            expected = looking_at_all(Y, w, 20, free, tried, first, worth, widen)
            found = greedy_portfolio(Y, w, 20, columns=free, tried=tried, first=first, worth=worth, widen=widen)
            assert found == expected
    assert greedy_portfolio(Y, w, 20, widen=widen) == looking_at_all(Y, w, 20, range(120), (), None, None, widen)


@pytest.mark.parametrize("seed", range(5))
def test_greedy_is_near_the_best_subset(seed):
    """Nemhauser, Wolsey, Fisher (1978): at least 1 - 1/e of the best subset (the value is monotone submodular)."""
    rng = np.random.default_rng(seed)
    Y, w = rng.random((8, 9)), uniform(8)
    for n in (1, 2, 3, 4):
        best = max(value(Y, w, subset) for subset in combinations(range(9), n))
        assert (1 - 1 / np.e) * best <= value(Y, w, greedy_portfolio(Y, w, n)) <= best + 1e-12
    assert value(Y, w, greedy_portfolio(Y, w, 1)) == pytest.approx(max(Y.mean(axis=0)))


def test_weights_are_repeated_tasks(rng):
    Y, repeats = rng.random((6, 8)), np.array([3, 1, 2, 1, 1, 4])
    assert greedy_portfolio(Y, repeats / repeats.sum(), 8) == greedy_portfolio(
        np.repeat(Y, repeats, axis=0), uniform(repeats.sum()), 8
    )


def test_once_all_is_covered_the_mean_decides():
    Y = np.array([[1.0, 0.0, 0.2, 0.9], [1.0, 0.3, 0.0, 0.9]])
    assert greedy_portfolio(Y, uniform(2), 4) == [0, 3, 1, 2]


def test_ties_go_to_the_higher_mean_then_to_the_earlier_column():
    assert greedy_portfolio(np.ones((3, 4)), uniform(3), 4) == [0, 1, 2, 3]
    assert greedy_portfolio(np.array([[1.0, 0.0, 0.0], [0.0, 1.0, 1.0], [0.5, 0.0, 0.5]]), uniform(3), 2) == [0, 2]


def test_what_is_covered_needs_no_covering():
    Y = np.array([[1.0, 0.0, 0.5], [0.0, 0.8, 0.1]])
    assert greedy_portfolio(Y, uniform(2), 1) == [0]
    assert greedy_portfolio(Y, uniform(2), 1, tried=[0], columns=np.array([1, 2])) == [1]
    assert greedy_portfolio(Y, uniform(2), 1, tried=[1], columns=np.array([0, 2])) == [0]


def test_a_given_first_choice_comes_first_and_counts(rng):
    Y, w = rng.random((6, 5)), uniform(6)
    for first in range(5):
        order = greedy_portfolio(Y, w, 5, first=first)
        rest = np.array([j for j in range(5) if j != first])
        assert order == [first, *greedy_portfolio(Y, w, 4, columns=rest, tried=[first])]


def test_the_order_of_tasks_does_not_matter(rng):
    Y, w = rng.integers(0, 4, size=(30, 12)) / 3, rng.dirichlet(np.ones(30))
    order = greedy_portfolio(Y, w, 12)
    for _ in range(20):
        p = rng.permutation(30)
        assert greedy_portfolio(Y[p], w[p], 12) == order


def test_at_most_all_are_chosen(rng):
    assert len(greedy_portfolio(rng.random((3, 4)), uniform(3), 99)) == 4


# -- meta-features and weights -------------------------------------------------------------------------------------


def test_robust_scale_leaves_missing_values_out(rng):
    M = rng.normal(size=(30, 3))
    M[::4, 1] = nan
    centre, spread = robust_scale(M)
    np.testing.assert_allclose(centre, np.nanmedian(M, axis=0))
    np.testing.assert_allclose(spread, np.nanpercentile(M, 75, axis=0) - np.nanpercentile(M, 25, axis=0))


def test_columns_that_say_little_or_nothing():
    rare = np.r_[np.zeros(9), 1.0]
    M = np.column_stack([rare, np.full(10, 3.0), np.full(10, nan)])
    centre, spread = robust_scale(M)
    np.testing.assert_allclose(spread, [rare.std(), np.inf, np.inf])
    new = standardised(np.array([0.0, 77.0, 77.0]), centre, spread)
    np.testing.assert_array_equal(new, [0, 0, 0])  # a new value tells no known task from another


def test_standardised_cuts_and_puts_missing_values_at_the_centre():
    centre, spread = np.array([1.0, 1.0, 1.0, 1.0]), np.array([2.0, 2.0, 2.0, 2.0])
    np.testing.assert_array_equal(standardised(np.array([2.0, 99.0, -np.inf, nan]), centre, spread), [0.5, 3, -3, 0])


def test_neighbour_weights_by_hand():
    kernel = np.array([1.0, 0.75, 0.0, 0.0])  # Epanechnikov's with width 2
    np.testing.assert_allclose(neighbour_weights(np.array([0.0, 1.0, 2.0, 5.0]), 2, 0.0), kernel / 1.75)
    np.testing.assert_allclose(neighbour_weights(np.array([0.0, 1.0, 2.0, 5.0]), 2, 0.4), 0.6 * kernel / 1.75 + 0.1)


@pytest.mark.parametrize("n_neighbors", [1, 3, 12, 99])
@pytest.mark.parametrize("mixing", [0.0, 0.3, 1.0])
def test_neighbour_weights_fall_with_distance_and_sum_to_one(rng, n_neighbors, mixing):
    distances = np.sort(rng.random(12))
    w = neighbour_weights(distances, n_neighbors, mixing)
    assert w.sum() == pytest.approx(1)
    assert (np.diff(w) <= 1e-15).all()
    heavier = (w > mixing / 12 + 1e-12).sum()
    assert heavier == (0 if mixing == 1 else min(n_neighbors, 12))


@pytest.mark.parametrize(
    ("distances", "neighbours"),
    [
        ([1.0, 1.0, 1.0, 5.0], [0, 1, 2]),
        ([0.0, 0.0, 0.0, 5.0], [0, 1, 2]),
        ([2.0, 2.0, 2.0, 2.0], [0, 1, 2, 3]),
        ([0.0, 0.0, 0.0, 0.0], [0, 1, 2, 3]),
        ([0.0, 1.0, 1.0, 1.0], [0, 1, 2, 3]),
    ],
)
def test_tasks_that_are_equally_far_are_neighbours_alike(distances, neighbours):
    w = neighbour_weights(np.array(distances), 2, 0.0)
    assert np.flatnonzero(w > 0).tolist() == neighbours
    for far in set(distances):
        assert len(set(w[np.array(distances) == far])) == 1


# -- summaries -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("q", [0.0, 0.1, 0.25, 0.5, 0.9, 1.0])
def test_weighted_quantiles_are_quantiles_of_repeated_values(rng, q):
    values, repeats = rng.normal(size=15), rng.integers(1, 5, size=15)
    expected = np.quantile(np.repeat(values, repeats), q, method="inverted_cdf")
    assert weighted_quantile(values, repeats / repeats.sum(), [q])[0] == expected


def test_quantiles_need_no_tasks_without_weight():
    np.testing.assert_array_equal(
        weighted_quantile(np.array([9.0, 1.0, 5.0]), np.array([0, 0.5, 0.5]), [0.1, 0.9]), [1, 5]
    )


def test_softmax_is_scipys_and_survives_large_values(rng):
    values = rng.normal(size=(4, 3))
    np.testing.assert_allclose(softmax(values, 0.5), special.softmax(values / 0.5, axis=-1))
    np.testing.assert_array_equal(softmax(np.array([[1e300, -1e300]]), 1.0), [[1, 0]])


def test_timeouts_are_as_slow_as_the_slowest_that_finished():
    seconds = np.array([[1.0, nan, 3.0], [nan, nan, nan], [2.0, nan, 0.5]])
    timeout = np.array([[False, True, False], [True, False, False], [True, False, False]])
    np.testing.assert_array_equal(bounded_seconds(seconds, timeout), [[1, 3, 3], [nan, nan, nan], [2, nan, 0.5]])


# -- likeness of tasks -------------------------------------------------------------------------------------------------


def test_shared_leaves_are_the_weights_of_a_forests_prediction():
    rng = np.random.default_rng(0)
    M, Z = rng.normal(size=(40, 5)), rng.normal(size=(40, 3))
    forest = ExtraTreesRegressor(20, min_samples_leaf=3, random_state=0).fit(M, Z)
    for new in rng.normal(size=(5, 5)):
        w = shared_leaves(forest.apply(M), forest.apply(new[None])[0])
        assert w.sum() == pytest.approx(1)
        np.testing.assert_allclose(w @ Z, forest.predict(new[None])[0])


def test_what_known_rows_share_among_each_other():
    rng = np.random.default_rng(0)
    leaves = rng.integers(0, 6, size=(20, 7))
    expected = [shared_leaves(leaves, row) for row in leaves]
    np.testing.assert_allclose(shared_leaves_among(leaves), expected)


def test_a_leaf_that_no_known_row_is_in_is_left_out():
    np.testing.assert_allclose(shared_leaves(np.array([[0, 5], [0, 6], [1, 7]]), np.array([0, 9])), [0.5, 0.5, 0.0])


@pytest.mark.parametrize("noise", [None, np.array([0.0, 0.1, 0.02, 0.3])])
@pytest.mark.parametrize("sharpness", [0.0, 0.5, 3.0])
def test_agreement_is_what_its_formula_says(sharpness, noise):
    rng = np.random.default_rng(1)
    known, new, prior = rng.random((6, 4)), rng.random(4), rng.dirichlet(np.ones(6))
    expected = []
    for i in range(6):
        disagreement = 0.0
        for j in range(4):
            r_new, r_known = max(new) - new[j], max(known[i]) - known[i, j]
            small = 0.005 if noise is None else np.sqrt(0.005**2 + noise[j] ** 2)
            disagreement += abs(np.log(r_new + small) - np.log(r_known + small))
        expected.append(prior[i] * np.exp(-sharpness * disagreement))
    found = agreement_weights(prior, known, new, sharpness, 0.005, noise)
    np.testing.assert_allclose(found, np.array(expected) / sum(expected))


def test_what_failed_is_as_far_from_the_best_as_each_tasks_worst():
    known, prior = np.array([[0.9, 0.8, 0.1], [0.9, 0.2, 0.1]]), np.array([0.5, 0.5])
    new, worst = np.array([0.7, np.nan]), known.min(axis=1)
    expected = []
    for row, least in zip(known, worst, strict=True):
        apart = np.log(max(row[:2]) - row[1] + 0.01) - np.log(max(row[:2]) - least + 0.01)
        expected.append(np.exp(-2.0 * abs(apart)))
    found = agreement_weights(prior, known[:, :2], new, 2.0, 0.01, worst=worst)
    np.testing.assert_allclose(found, np.array(expected) / sum(expected))
    of_these = agreement_weights(prior, known[:, :2], new, 2.0, 0.01)
    np.testing.assert_allclose(of_these, [0.5, 0.5], err_msg="of two, the other one is the worst on both")


def test_agreement_survives_many_observations_and_tasks_without_weight():
    known = np.vstack([np.linspace(0, 1, 500), np.linspace(1, 0, 500), np.linspace(1, 0, 500)])
    w = agreement_weights(np.array([0.0, 0.5, 0.5]), known, np.linspace(0, 1, 500), 2.0, 0.005)
    np.testing.assert_allclose(w, [0.0, 0.5, 0.5])


def test_places_go_from_last_to_first():
    np.testing.assert_allclose(
        rank_places(np.array([[0.1, 0.3, 0.2], [0.5, 0.5, 0.1]])), [[0, 1, 0.5], [0.75, 0.75, 0]]
    )
    np.testing.assert_allclose(rank_places(np.array([[0.3]])), [[1.0]])


def test_the_span_is_from_the_median_or_else_from_the_worst():
    np.testing.assert_allclose(
        upper_span(np.array([[0.0, 0.5, 0.8], [0.2, 0.8, 0.8], [0.5, 0.5, 0.5]])), [0.3, 0.6, 0.0]
    )


def test_principal_scores_are_those_of_scikit_learn():
    Z = np.random.default_rng(2).normal(size=(20, 6))
    np.testing.assert_allclose(np.abs(principal_scores(Z, 3)), np.abs(PCA(3).fit_transform(Z)))
    assert principal_scores(Z[:2], 10).shape == (2, 2)


# -- what is known of new tasks ----------------------------------------------------------------------------------------


def test_the_margin_by_hand():
    Y = np.array([[1.0], [2.0], [3.0], [4.0]])
    W = (1 - np.eye(4)) / 3
    columns = np.zeros((4, 1), int)
    assert conformal_margin(Y, W, columns, 0.8) == pytest.approx(0.5)  # the places are 0, 1/3, 2/3 and 1
    assert conformal_margin(Y, W, columns, 0.4) == pytest.approx(1 / 6)
    assert conformal_margin(Y[:3], W[:3, :3] * 1.5, columns[:3], 0.8) == 0.5  # three cannot tell
    ties = conformal_margin(np.ones((4, 1)), W, columns, 0.8)
    assert ties == 0  # as many above as below


@pytest.mark.parametrize("coverage", [0.5, 0.8])
def test_the_margin_covers_a_further_task(coverage):
    """Of exchangeable tasks, what the others say covers the last as often as it should, over many draws of all."""
    rng, inside = np.random.default_rng(0), []
    n = 29
    for _ in range(400):
        Y = rng.standard_cauchy((n + 1, 2))
        W = (1 - np.eye(n)) / (n - 1)
        margin = conformal_margin(Y[:n], W, np.ones((n, 1), int), coverage)
        low, high = weighted_quantile(Y[:n, 1], uniform(n), [0.5 - margin, 0.5 + margin])
        inside.append(low <= Y[n, 1] <= high)
    assert np.mean(inside) == pytest.approx(coverage, abs=0.07)


def test_the_margin_leaves_out_tasks_that_nobody_tells_of(rng):
    Y, W = rng.normal(size=(12, 3)), rng.dirichlet(np.ones(12), size=12)
    columns = rng.integers(0, 3, size=(12, 2))
    W[[2, 7]] = 0
    kept = np.delete(np.arange(12), [2, 7])
    expected = []
    for t in kept:
        for j in columns[t]:
            below = sum(W[t, i] * ((Y[i, j] < Y[t, j]) + (Y[i, j] == Y[t, j]) / 2) for i in range(12))
            expected.append(abs(below - 0.5))
    assert conformal_margin(Y, W, columns, 0.8) == pytest.approx(np.sort(expected)[17])  # ceil(20 * ceil(8.8) / 10) - 1
    assert conformal_margin(Y, 0 * W, columns, 0.8) == 0.5


def test_nearest_distances_are_those_of_brute_force(rng):
    M, apart = rng.normal(size=(9, 4)), rng.random((9, 9)) < 0.6
    apart[3] = False
    for k in (1, 3, 9):
        far = [[*np.sort(np.linalg.norm(M[a] - x, axis=1)), *[np.inf] * 9] for x, a in zip(M, apart, strict=True)]
        np.testing.assert_allclose(nearest_distances(M, apart, k), [distances[:k] for distances in far])


@pytest.mark.parametrize("k", [1, 3])
def test_novelty_ranks_each_row_among_all_of_them(rng, k):
    M, apart = rng.normal(size=(9, 4)), ~np.eye(9, dtype=bool)
    for new in (rng.normal(size=4), np.full(4, 9.0)):
        every = np.vstack([M, new])
        own = [np.sort(np.linalg.norm(every - x, axis=1))[k] for x in every]  # the nearest is the row itself
        expected = sum(distance < own[-1] for distance in own[:-1]) / 10
        assert conformal_novelty(M, nearest_distances(M, apart, k), new) == pytest.approx(expected)
    assert expected == 0.9
    assert np.isnan(conformal_novelty(M, nearest_distances(M, np.zeros((9, 9), dtype=bool), 3), new))


@pytest.mark.parametrize(("n_tasks", "n_features"), [(12, 5), (6, 20), (2, 1)])
def test_ridge_weights_are_ridge_regression(n_tasks, n_features):
    rng = np.random.default_rng(0)
    Z, Y, new = (rng.normal(size=(k, m)) for k, m in ((n_tasks, n_features), (n_tasks, 3), (4, n_features)))
    penalty = 0.7 * ((Z - Z.mean(axis=0)) ** 2).sum() / n_tasks
    centre, coefficients = ridge_weights(Z, 0.7)
    weights = 1 / n_tasks + (new - centre) @ coefficients
    np.testing.assert_allclose(weights.sum(axis=1), 1)
    np.testing.assert_allclose(weights @ Y, Ridge(alpha=penalty, solver="svd").fit(Z, Y).predict(new), atol=1e-9)

    families = rng.integers(0, max(2, n_tasks // 2), n_tasks)
    families[:2] = 0, 1
    among = ridge_weights_among(Z, families[:, None] != families, 0.7)
    for i in range(n_tasks):
        others = families != families[i]
        expected = Ridge(alpha=penalty, solver="svd").fit(Z[others], Y[others]).predict(Z[[i]])[0]
        np.testing.assert_allclose(among[i] @ Y, expected, atol=1e-9)
        assert not among[i][~others].any()


def test_ridge_weights_where_there_is_nothing_to_tell_by():
    for Z in (np.ones((4, 2)), np.ones((4, 0))):
        _, coefficients = ridge_weights(Z, 1.0)
        assert not coefficients.any()
        assert coefficients.shape == Z.T.shape
        np.testing.assert_allclose(ridge_weights_among(Z, ~np.eye(4, dtype=bool), 1.0), (1 - np.eye(4)) / 3)
    assert not ridge_weights_among(np.ones((3, 2)), np.zeros((3, 3), dtype=bool), 1.0).any(), "of one family, all"
