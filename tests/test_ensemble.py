"""Averages of predictions: gathering them from folds, scoring them, and choosing weights."""

import itertools
import time
from types import SimpleNamespace

import numpy as np
import pytest
from scipy.optimize import minimize, minimize_scalar
from sklearn import metrics
from sklearn.model_selection import RepeatedKFold

from sklmeta.ensemble import best_temperature, first_round, fold_metric, gather_folds, greedy_weights, tempered

# -- gathering -------------------------------------------------------------------------------------------------------


def test_a_partition_puts_every_prediction_at_its_row():
    tests = [np.array([4, 0]), np.array([1, 3, 2])]
    outputs = [[np.column_stack([test, 10 * test]) + 100 * m for test in tests] for m in range(2)]
    predictions, rows, folds = gather_folds(outputs, tests)
    np.testing.assert_array_equal(rows, range(5))
    np.testing.assert_array_equal(predictions[1], np.column_stack([rows, 10 * rows]) + 100)
    assert [fold.tolist() for fold in folds] == [[4, 0], [1, 3, 2]]


def test_of_repeated_folds_the_first_round_has_every_row_once():
    rows = np.arange(20)
    folds = [test for _, test in RepeatedKFold(n_splits=4, n_repeats=3, random_state=0).split(rows)]
    assert first_round(folds) == folds[:4]
    assert first_round(folds[:4]) == folds[:4]
    np.testing.assert_array_equal(np.sort(np.concatenate(first_round(folds))), rows)


def test_folds_that_are_no_partition_are_taken_until_every_row_is_there():
    folds = [np.array([0, 1, 2]), np.array([2, 3]), np.array([0, 3]), np.array([4]), np.array([1])]
    assert first_round(folds) == folds[:4]


def test_rows_predicted_twice_are_there_twice_and_others_left_out():
    tests = [np.array([2, 5]), np.array([5, 7])]
    predictions, rows, folds = gather_folds([[np.array([[1.0], [2.0]]), np.array([[4.0], [8.0]])]], tests)
    assert rows.tolist() == [2, 5, 5, 7]
    np.testing.assert_array_equal(predictions[0, :, 0], [1, 2, 4, 8])
    assert [fold.tolist() for fold in folds] == [[0, 1], [2, 3]]
    assert [rows[fold].tolist() for fold in folds] == [[2, 5], [5, 7]]


def test_a_fold_may_have_a_row_twice():
    predictions, rows, folds = gather_folds([[np.array([[1.0], [2.0], [4.0]])]], [np.array([3, 1, 3])])
    assert rows.tolist() == [1, 3, 3]
    np.testing.assert_array_equal(predictions[0, :, 0], [2, 1, 4])
    assert [fold.tolist() for fold in folds] == [[1, 0, 2]]


def test_of_a_large_table_some_rows_will_do():
    tests = [np.array([4, 0]), np.array([1, 3, 2])]
    outputs = [[test[:, None] + 0.5 for test in tests]]
    predictions, rows, folds = gather_folds(outputs, tests, keep=np.array([3, 4]))
    assert rows.tolist() == [3, 4]
    assert predictions[0, :, 0].tolist() == [3.5, 4.5]
    assert [rows[fold].tolist() for fold in folds] == [[4], [3]]
    assert len(gather_folds(outputs, tests, keep=np.array([0]))[2]) == 1


# -- quick metrics ---------------------------------------------------------------------------------------------------


def overlapping_folds(n):
    return [np.arange(0, n // 2), np.arange(n // 3, n), np.arange(0, n, 3)]


def probabilities(n_classes, n=120):
    rng = np.random.default_rng(n_classes)
    y = np.concatenate([np.arange(n_classes)] * 3 + [rng.integers(n_classes, size=n - 3 * n_classes)])
    p = rng.dirichlet(np.ones(n_classes), size=n).round(2) + 0.5 * np.eye(n_classes)[y] * rng.random((n, 1))
    return y, p / p.sum(axis=1, keepdims=True)


def halved_for_two(y, p):
    return ((p - np.eye(p.shape[1])[y]) ** 2).sum(axis=1).mean() / (2 if p.shape[1] == 2 else 1)


def auc(y, p):
    return metrics.roc_auc_score(y, p[:, 1] if p.shape[1] == 2 else p, multi_class="ovr")


OF_CLASSES = {
    "accuracy": lambda y, p: metrics.accuracy_score(y, p.argmax(axis=1)),
    "balanced_accuracy": lambda y, p: metrics.balanced_accuracy_score(y, p.argmax(axis=1)),
    "matthews_corrcoef": lambda y, p: metrics.matthews_corrcoef(y, p.argmax(axis=1)),
    "roc_auc": auc,
    "neg_log_loss": lambda y, p: -metrics.log_loss(y, p),
    "neg_brier_score": lambda y, p: -halved_for_two(y, p),
}
OF_NUMBERS = {
    "r2": metrics.r2_score,
    "neg_mean_squared_error": lambda y, p: -metrics.mean_squared_error(y, p),
    "neg_root_mean_squared_error": lambda y, p: -metrics.root_mean_squared_error(y, p),
    "neg_mean_absolute_error": lambda y, p: -metrics.mean_absolute_error(y, p),
}


@pytest.mark.parametrize("n_classes", [2, 4])
@pytest.mark.parametrize("metric", OF_CLASSES)
def test_metrics_of_classes_are_scikit_learns_fold_by_fold(metric, n_classes):
    y, p = probabilities(n_classes)
    folds = overlapping_folds(len(y))
    expected = np.mean([OF_CLASSES[metric](y[fold], p[fold]) for fold in folds])
    assert fold_metric(metric, y, folds, n_classes)(p) == pytest.approx(expected, rel=1e-12)


RATES = {
    "f1": metrics.f1_score,
    "jaccard": metrics.jaccard_score,
    "precision": metrics.precision_score,
    "recall": metrics.recall_score,
}


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("mean", ["", "_micro", "_macro", "_weighted"])
@pytest.mark.parametrize("rate", RATES)
def test_rates_of_classes_are_scikit_learns_fold_by_fold(rate, mean, weighted):
    y, p = probabilities(4 if mean else 2)
    p[:, 0] = 0.0  # a class that is never predicted
    weight = np.random.default_rng(0).random(len(y)) if weighted else None
    folds = [*overlapping_folds(len(y)), np.flatnonzero(y == 1)]  # one where others are predicted that are not there
    options = {"average": mean[1:] or "binary", "zero_division": 0}
    expected = np.mean(
        [
            RATES[rate](y[f], p[f].argmax(axis=1), sample_weight=None if weight is None else weight[f], **options)
            for f in folds
        ]
    )
    found = fold_metric(rate + mean, y, folds, p.shape[1], weight)(p)
    assert found == pytest.approx(expected, rel=1e-12)


def test_labels_that_are_all_the_same_correlate_with_nothing():
    y, p = np.array([0, 1, 1]), np.eye(2)[[1, 1, 1]]
    assert fold_metric("matthews_corrcoef", y, [np.arange(3)], 2)(p) == metrics.matthews_corrcoef(y, [1, 1, 1]) == 0.0


@pytest.mark.parametrize("metric", OF_NUMBERS)
def test_metrics_of_numbers_are_scikit_learns_fold_by_fold(metric):
    rng = np.random.default_rng(0)
    y, noise = rng.normal(size=(2, 60))
    folds = overlapping_folds(60)
    expected = np.mean([OF_NUMBERS[metric](y[fold], (y + noise)[fold]) for fold in folds])
    assert fold_metric(metric, y, folds)((y + noise)[:, None]) == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("metric", ["accuracy", "balanced_accuracy", "neg_log_loss"])
def test_weighted_rows_of_classes(metric):
    y, p = probabilities(3)
    weight = np.random.default_rng(0).random(len(y))
    reference = {
        "accuracy": lambda f: metrics.accuracy_score(y[f], p[f].argmax(axis=1), sample_weight=weight[f]),
        "balanced_accuracy": lambda f: metrics.balanced_accuracy_score(
            y[f], p[f].argmax(axis=1), sample_weight=weight[f]
        ),
        "neg_log_loss": lambda f: -metrics.log_loss(y[f], p[f], sample_weight=weight[f]),
    }[metric]
    folds = overlapping_folds(len(y))
    found = fold_metric(metric, y, folds, 3, sample_weight=weight)(p)
    assert found == pytest.approx(np.mean([reference(f) for f in folds]), rel=1e-12)


@pytest.mark.parametrize("metric", ["r2", "neg_root_mean_squared_error"])
def test_weighted_rows_of_numbers(metric):
    rng = np.random.default_rng(0)
    y, noise = rng.normal(size=(2, 60))
    weight, p = rng.random(60), y + noise
    sign, reference = {
        "r2": (1, metrics.r2_score),
        "neg_root_mean_squared_error": (-1, metrics.root_mean_squared_error),
    }[metric]
    folds = overlapping_folds(60)
    expected = np.mean([sign * reference(y[f], p[f], sample_weight=weight[f]) for f in folds])
    assert fold_metric(metric, y, folds, sample_weight=weight)(p[:, None]) == pytest.approx(expected, rel=1e-12)


def test_folds_on_which_a_metric_is_undefined_are_left_out():
    y, p = probabilities(2)
    one_class = np.flatnonzero(y == 1)
    whole = np.arange(len(y))
    assert fold_metric("roc_auc", y, [whole, one_class], 2)(p) == fold_metric("roc_auc", y, [whole], 2)(p)
    assert np.isnan(fold_metric("roc_auc", y, [one_class], 2)(p))
    numbers = np.arange(5.0)
    single, most = np.array([0]), np.arange(1, 5)
    guess = numbers[::-1, None]
    assert fold_metric("r2", numbers, [single, most])(guess) == fold_metric("r2", numbers, [most])(guess)
    assert np.isnan(fold_metric("r2", numbers, [single])(guess))


def test_what_has_no_quick_way():
    y, _ = probabilities(2)
    folds = overlapping_folds(len(y))
    assert fold_metric("top_k_accuracy", y, folds, 2) is None
    assert fold_metric("accuracy", y, folds) is None
    assert fold_metric("roc_auc", y, folds, 2, sample_weight=np.ones(len(y))) is None


# -- weights ---------------------------------------------------------------------------------------------------------


def negative_error(y):
    return lambda average: -float(np.sqrt(((average[:, 0] - y) ** 2).mean()))


@pytest.fixture
def members():
    rng = np.random.default_rng(0)
    y = rng.normal(size=60)
    noise = rng.normal(size=(5, 60)) * np.array([0.6, 0.7, 0.8, 1.0, 3.0])[:, None]
    return y, (y + noise)[:, :, None]


def by_hand(predictions, score, n_rounds):
    """Forward selection as the paper has it, with lists of members in place of running sums."""
    bag, best = [], (-np.inf, None)
    for _ in range(n_rounds):
        tries = [(score(predictions[[*bag, j]].mean(axis=0)), -j) for j in range(len(predictions))]
        value, j = max(tries)
        bag.append(-j)
        best = max(best, (value, tuple(bag)), key=lambda pair: pair[0])
    return np.bincount(best[1], minlength=len(predictions)) / len(best[1])


@pytest.mark.parametrize("n_rounds", [1, 4, 20])
def test_weights_are_those_of_forward_selection_written_out(members, n_rounds):
    y, predictions = members
    weights = greedy_weights(predictions, negative_error(y), n_rounds=n_rounds)
    np.testing.assert_allclose(weights, by_hand(predictions, negative_error(y), n_rounds))


def test_the_average_comes_near_the_best_of_all_that_could_be_formed(members):
    y, predictions = members
    score = negative_error(y)
    bags = itertools.combinations_with_replacement(range(5), 6)
    best = max(score(predictions[list(bag)].mean(axis=0)) for bag in bags)
    weights = greedy_weights(predictions, score, n_rounds=6)
    found = score(np.tensordot(weights, predictions, axes=1))
    single = max(map(score, predictions))
    assert single < found <= best + 1e-12
    assert found - single > 0.95 * (best - single)


def test_one_member_takes_all_where_averaging_does_not_help():
    y = np.arange(4.0)
    predictions = np.stack([y + 3, y, y + 1])[:, :, None]
    np.testing.assert_array_equal(greedy_weights(predictions, negative_error(y)), [0, 1, 0])


def test_gains_below_the_tolerance_do_not_count(members):
    y, predictions = members
    weights = greedy_weights(predictions, negative_error(y), tolerance=10.0)
    assert sorted(weights) == [0, 0, 0, 0, 1]


def test_it_stops_when_patience_is_over(members):
    _, predictions = members
    tries = []

    def score(average):
        tries.append(average)
        return 0.0

    greedy_weights(predictions, score, n_rounds=100, patience=3)
    assert len(tries) == 5 * (1 + 3) + 1


def test_classes_neither_there_nor_predicted_do_not_count():
    y, p = np.array([0, 0, 2, 2]), np.eye(4)[[0, 2, 2, 2]]
    expected = metrics.f1_score(y, p.argmax(axis=1), average="macro")
    assert fold_metric("f1_macro", y, [np.arange(4)], 4)(p) == pytest.approx(expected)


def test_the_sorted_start_takes_the_best_single_members(members):
    y, predictions = members
    np.testing.assert_allclose(
        greedy_weights(predictions, negative_error(y), start=3, n_rounds=3), [1 / 3, 1 / 3, 1 / 3, 0, 0]
    )


def test_at_the_deadline_the_best_so_far_is_the_answer(members):
    (y, predictions), asked = members, []
    score = negative_error(y)

    def counting(average):
        asked.append(1)
        return score(average)

    over = greedy_weights(predictions, counting, deadline=time.monotonic() - 1)
    np.testing.assert_array_equal(over, np.eye(len(predictions))[0])
    assert len(asked) == 2, "one member, and it as the average"
    never = greedy_weights(predictions, score, deadline=time.monotonic() + 1e6)
    np.testing.assert_array_equal(never, greedy_weights(predictions, score))


def test_with_little_time_what_is_weak_alone_is_found_too(monkeypatch):
    rng, clock = np.random.default_rng(0), SimpleNamespace(now=0.0)
    monkeypatch.setattr("sklmeta.ensemble.time", SimpleNamespace(monotonic=lambda: clock.now))
    y, error = rng.normal(size=100), rng.normal(size=100)
    alike = [y + error + 0.1 * rng.normal(size=100) for _ in range(39)]
    predictions = np.array([*alike, y - 2 * error])[:, :, None]  # the last is the worst alone, and what they lack

    def slow(average):
        clock.now += 0.005
        return negative_error(y)(average)

    weights = greedy_weights(predictions, slow, deadline=1.5)
    assert weights[-1] == pytest.approx(1 / 3, abs=0.1)
    assert clock.now < 1.6


@pytest.mark.parametrize("shrinkage", [0.0, 0.3])
def test_rounding_decides_nothing(members, shrinkage):
    y, predictions = members
    alike = np.concatenate([predictions, predictions[:2]])  # two that are there twice
    noise = 1 + 1e-13 * np.random.RandomState(0).normal(size=alike.shape)
    expected = greedy_weights(alike, negative_error(y), shrinkage=shrinkage)
    np.testing.assert_array_equal(greedy_weights(alike * noise, negative_error(y), shrinkage=shrinkage), expected)


def squared(y):
    return lambda average: -float(np.mean((average[:, 0] - y) ** 2))


@pytest.mark.parametrize("shrinkage", [0.03, 0.3, 3.0])
def test_shrinkage_is_a_penalty_on_squared_weights(members, shrinkage):
    y, predictions = members
    errors = predictions[:, :, 0] - y
    gram = errors @ errors.T / len(y)
    penalised = gram + shrinkage * np.diag(np.diag(gram))
    sums_to_one = {"type": "eq", "fun": lambda w: w.sum() - 1}
    best = minimize(
        lambda w: w @ penalised @ w, np.full(5, 0.2), bounds=[(0, 1)] * 5, constraints=sums_to_one, tol=1e-12
    ).x
    weights = greedy_weights(predictions, squared(y), n_rounds=400, patience=400, shrinkage=shrinkage)
    np.testing.assert_allclose(weights, best, atol=0.01)


def test_with_all_shrinkage_weights_are_inverse_to_losses(members):
    y, predictions = members
    losses = -np.array([squared(y)(p) for p in predictions])
    weights = greedy_weights(predictions, squared(y), n_rounds=500, patience=500, shrinkage=1e6)
    np.testing.assert_allclose(weights, (1 / losses) / (1 / losses).sum(), atol=0.005)
    moved = greedy_weights(
        predictions, lambda p: 7 + squared(y)(p), n_rounds=500, patience=500, shrinkage=1e6, perfect=7.0
    )
    np.testing.assert_array_equal(moved, weights)


def test_without_a_perfect_score_there_is_no_shrinkage(members):
    y, predictions = members
    score = negative_error(y)
    plain = greedy_weights(predictions, score)
    np.testing.assert_array_equal(greedy_weights(predictions, score, shrinkage=1.0, perfect=np.nan), plain)
    np.testing.assert_array_equal(greedy_weights(predictions, score, shrinkage=1.0, perfect=-np.inf), plain)
    over = greedy_weights(predictions, score, shrinkage=1.0, deadline=time.monotonic() - 1)
    np.testing.assert_array_equal(over, np.eye(5)[0])


def test_undefined_scores_are_the_worst(members):
    y, predictions = members

    def partly_undefined(average):
        return np.nan if np.array_equal(average, predictions[0]) else negative_error(y)(average)

    assert greedy_weights(predictions, partly_undefined, n_rounds=1).tolist() == [0, 1, 0, 0, 0]
    assert greedy_weights(predictions, lambda average: np.nan).tolist() == [1, 0, 0, 0, 0]


# -- limits ----------------------------------------------------------------------------------------------------------


def test_what_the_members_cost_together_stays_within_the_limits(members):
    y, predictions = members
    costs = np.array([[5.0, 2.0, 2.0, 1.0, 1.0], [1.0, 1.0, 1.0, 1.0, 1.0]])
    limits = np.array([4.0, 2.0])
    weights = greedy_weights(predictions, negative_error(y), costs=costs, limits=limits)
    assert (costs[:, weights > 0].sum(axis=1) <= limits).all()
    np.testing.assert_array_equal(weights > 0, [False, True, True, False, False])
    started = greedy_weights(predictions, negative_error(y), costs=costs, limits=limits, start=5)
    assert (costs[:, started > 0].sum(axis=1) <= limits).all()


def test_no_member_within_the_limits_is_an_error(members):
    y, predictions = members
    with pytest.raises(ValueError, match=r"None of 5 members is within the limits \[1.0\]"):
        greedy_weights(predictions, negative_error(y), costs=np.full((1, 5), 2.0), limits=np.array([1.0]))


# -- temperature -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("distortion", [0.3, 1.0, 3.0])
@pytest.mark.parametrize("n_classes", [2, 5])
def test_the_temperature_is_the_one_with_the_least_log_loss(n_classes, distortion):
    rng = np.random.default_rng(0)
    honest = rng.dirichlet(np.ones(n_classes), size=500)
    y = np.array([rng.choice(n_classes, p=row) for row in honest])
    p = tempered(honest, distortion)
    searched = minimize_scalar(
        lambda t: metrics.log_loss(y, tempered(p, t)), bounds=(0.2, 5), method="bounded", options={"xatol": 1e-8}
    ).x
    assert best_temperature(p, y) == pytest.approx(searched, rel=1e-3)
    assert best_temperature(p, y) == pytest.approx(1 / distortion, rel=0.25)


def test_a_temperature_keeps_the_order_and_the_sum():
    _, p = probabilities(4)
    bold = tempered(p, 0.3)
    np.testing.assert_allclose(bold.sum(axis=1), 1)
    np.testing.assert_array_equal(p.argsort(axis=1), bold.argsort(axis=1))
    np.testing.assert_allclose(tempered(p, 1.0), p, atol=1e-5)


def test_temperatures_stay_within_bounds():
    always_right = np.array([[0.6, 0.4], [0.4, 0.6]])
    assert best_temperature(always_right, np.array([0, 1])) == pytest.approx(0.2)
    assert best_temperature(always_right, np.array([1, 0])) == pytest.approx(5.0)
    assert best_temperature(np.full((3, 2), 0.5), np.array([0, 1, 1])) == 1.0


def test_a_class_without_weight_in_a_fold_does_not_count_there():
    y, weight = np.array([0, 0, 1, 1]), np.array([1.0, 1.0, 0.0, 0.0])
    p = np.array([[0.9, 0.1], [0.2, 0.8], [0.3, 0.7], [0.4, 0.6]])
    expected = metrics.balanced_accuracy_score(y, p.argmax(axis=1), sample_weight=weight)
    assert fold_metric("balanced_accuracy", y, [np.arange(4)], 2, weight)(p) == pytest.approx(expected)
