"""From candidates' out-of-fold predictions to which of them to use, and how."""

import pickle
import time
from types import SimpleNamespace

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.ensemble import RandomForestRegressor
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import get_scorer, log_loss
from sklearn.svm import LinearSVC

from sklmeta.blends import (
    Average,
    Best,
    Stack,
    StackedBlend,
    WeightedBlend,
    _against_others,
    _splits,
    find_blender,
    stacking_features,
)
from sklmeta.ensemble import greedy_weights, tempered
from sklmeta.exceptions import EvaluationWarning
from sklmeta.stored import fold_score

N, N_MEMBERS = 200, 4
FOLDS = np.array_split(np.arange(N), 5)
LABELS = np.array(["ant", "bee", "cat"])


def told(predictions, y, scoring, classes=None):
    score = fold_score(get_scorer(scoring), y, FOLDS, classes=classes)
    return {"folds": FOLDS, "score": score, "scores": np.array([score(p) for p in predictions]), "classes": classes}


@pytest.fixture
def numbers():
    rng = np.random.default_rng(0)
    y = rng.normal(size=N)
    predictions = (y + rng.normal(size=(N_MEMBERS, N)) * np.array([0.7, 0.8, 1.0, 4.0])[:, None])[:, :, None]
    return predictions, y, told(predictions, y, "neg_root_mean_squared_error")


@pytest.fixture
def classes():
    """Members that err alone, each too cautious."""
    rng = np.random.default_rng(1)
    y = rng.integers(3, size=N)
    logits = 1.5 * np.eye(3)[y] + rng.normal(size=(N_MEMBERS, N, 3)) * np.array([0.8, 0.9, 1.0, 3.0])[:, None, None]
    predictions = np.array([tempered(np.exp(z) / np.exp(z).sum(axis=1, keepdims=True), 2.0) for z in logits])
    return predictions, LABELS[y], told(predictions, LABELS[y], "neg_log_loss", LABELS)


# -- the average -----------------------------------------------------------------------------------------------------


def test_the_average_has_greedy_weights_and_beats_every_member(numbers):
    predictions, y, rest = numbers
    blend = Average().combine(predictions, y, **rest)
    weights = greedy_weights(predictions, rest["score"], shrinkage=30 / N)
    np.testing.assert_array_equal(blend.members, np.flatnonzero(weights))
    np.testing.assert_array_equal(blend.shares, weights[weights > 0])
    mean = blend(predictions[blend.members])
    np.testing.assert_allclose(mean, np.tensordot(weights, predictions, axes=1))
    assert rest["score"](mean) > rest["scores"].max()


def test_in_regression_few_rows_have_less_to_say_about_weights(numbers):
    predictions, y, rest = numbers
    spread = {}
    for shrinkage in (0.0, 30.0, 3000.0):
        shares = Average(shrinkage=shrinkage).combine(predictions, y, **rest).shares
        spread[shrinkage] = np.sum(shares**2)
    assert spread[0.0] > spread[30.0] > spread[3000.0]
    four_times = {**rest, "rows": np.repeat(np.arange(N // 4), 4)}  # the same rows again say nothing new
    fewer = Average().combine(predictions, y, **four_times).shares
    np.testing.assert_array_equal(fewer, Average(shrinkage=120.0).combine(predictions, y, **rest).shares)
    weighted = Average().combine(predictions, y, **rest, n_rows=N / 4).shares
    np.testing.assert_array_equal(weighted, fewer)


def test_probabilities_are_weighted_without_shrinkage(classes):
    predictions, y, rest = classes
    trusting, doubting = (Average(shrinkage=s).combine(predictions, y, **rest) for s in (0.0, 1e6))
    np.testing.assert_array_equal(trusting.shares, doubting.shares)


def test_a_metric_that_has_no_value_for_the_target_itself_still_chooses():
    y = np.tile([0.0, 1.0, 4.0], 70)[:N]
    predictions = (np.abs(y + np.random.default_rng(0).normal(size=(N_MEMBERS, N))) + 0.1)[:, :, None]
    rest = told(predictions, y, "neg_mean_poisson_deviance")  # log(0)
    blend = Average().combine(predictions, y, **rest)
    np.testing.assert_array_equal(blend.shares, Average(shrinkage=0.0).combine(predictions, y, **rest).shares)


def test_probabilities_are_averaged_by_their_logarithms(classes):
    predictions, y, rest = classes
    blend = Average(calibrate=False).combine(predictions, y, **rest)
    logs = np.log(predictions[blend.members])
    product = np.exp(np.tensordot(blend.shares, logs, axes=1))
    np.testing.assert_allclose(blend(predictions[blend.members]), product / product.sum(axis=1, keepdims=True))
    weights = greedy_weights(np.log(predictions), lambda z: rest["score"](np.exp(z) / np.exp(z).sum(1, keepdims=True)))
    np.testing.assert_allclose(blend.shares, weights[weights > 0])
    plain = Average(calibrate=False, geometric=False).combine(predictions, y, **rest)
    weights = greedy_weights(predictions, rest["score"])
    np.testing.assert_allclose(plain.shares, weights[weights > 0])
    np.testing.assert_allclose(plain(predictions[plain.members]), np.tensordot(weights, predictions, axes=1))


def test_half_of_the_weights_are_those_of_log_loss(classes):
    predictions, y, rest = classes
    by_accuracy = told(predictions, y, "accuracy", LABELS)
    blend = Average(geometric=False).combine(predictions, y, **by_accuracy)
    both = [greedy_weights(predictions, one["score"]) for one in (by_accuracy, rest)]
    expected = (both[0] + both[1]) / 2
    np.testing.assert_array_equal(blend.members, np.flatnonzero(expected))
    np.testing.assert_allclose(blend.shares, expected[expected > 0])
    few = Average(max_members=1).combine(predictions, y, **by_accuracy)
    assert len(few.members) == 1, "caps hold for both halves together"


def test_a_member_that_is_alone_or_sure_keeps_its_say():
    sure = np.array([[1.0, 0.0], [0.3, 0.7]])
    np.testing.assert_array_equal(WeightedBlend(np.ones(1), geometric=True)(sure[None]), sure)
    doubtful = np.array([[0.2, 0.8], [0.5, 0.5]])
    both = WeightedBlend(np.array([0.5, 0.5]), geometric=True)(np.array([sure, doubtful]))
    assert 0.5 < both[0, 0] < 1, "nobody's zero forbids what others hold possible"


def test_of_some_keeps_what_is_not_weights():
    blend = WeightedBlend(np.array([0.2, 0.3, 0.5]), 0.7, 0.3, True).of_some(np.array([0.2, 0.3]))
    np.testing.assert_allclose(blend.shares, [0.4, 0.6])
    assert (blend.temperature, blend.threshold, blend.geometric) == (0.7, 0.3, True)


def test_probabilities_get_a_temperature_where_that_helps(classes):
    predictions, y, rest = classes
    plain, calibrated = (Average(calibrate=c).combine(predictions, y, **rest) for c in (False, True))
    np.testing.assert_array_equal(plain.shares, calibrated.shares)
    assert plain.temperature == 1
    assert calibrated.temperature < 0.8
    before, after = (blend(predictions[blend.members]) for blend in (plain, calibrated))
    assert log_loss(y, after, labels=LABELS) < log_loss(y, before, labels=LABELS) - 0.02
    np.testing.assert_array_equal(before.argmax(axis=1), after.argmax(axis=1))
    np.testing.assert_allclose(after.sum(axis=1), 1)


def test_no_temperature_where_the_metric_does_not_gain_by_it(classes):
    predictions, y, rest = classes
    assert Average().combine(predictions, y, **rest | told(predictions, y, "accuracy", LABELS)).temperature == 1
    true = np.random.default_rng(0).dirichlet(np.ones(3), size=N)
    drawn = LABELS[[np.random.default_rng(i).choice(3, p=row) for i, row in enumerate(true)]]
    honest = Average().combine(true[None], drawn, **told(true[None], drawn, "neg_log_loss", LABELS))
    assert honest.temperature == pytest.approx(1, abs=0.25)


def test_a_slow_metric_leaves_time_for_log_loss_and_a_temperature(classes, monkeypatch):
    clock = SimpleNamespace(now=0.0)
    monkeypatch.setattr("sklmeta.ensemble.time", SimpleNamespace(monotonic=lambda: clock.now))
    predictions, y, rest = classes
    of_log_loss, quick = rest["score"], Average().combine(predictions, y, **rest)

    def slow(p):
        clock.now += 0.02
        return of_log_loss(p) / 2  # of the same opinion, and not the same

    hurried = Average().combine(predictions, y, **{**rest, "score": slow}, deadline=1.5)
    assert hurried.temperature == pytest.approx(quick.temperature, rel=0.3)
    assert np.isin(quick.members, hurried.members).all(), "what log loss would take is taken"


@pytest.mark.parametrize("n_classes", [2, 3])
def test_a_geometric_mean_is_that_of_probabilities(n_classes):
    p = np.random.default_rng(0).dirichlet(np.ones(n_classes), size=(3, 50)).clip(1e-4)
    shares = np.array([0.2, 0.3, 0.5])
    plain = np.prod(p ** shares[:, None, None], axis=0)
    found = WeightedBlend(shares, geometric=True)(p)
    np.testing.assert_allclose(found, plain / plain.sum(axis=1, keepdims=True), rtol=1e-6)


def test_a_deadline_that_is_over_leaves_an_average_as_it_is(classes):
    predictions, y, rest = classes
    over = Average().combine(predictions, y, **rest, deadline=time.monotonic() - 1)
    assert over.temperature == 1.0
    assert len(over.members) == 1


def test_in_a_time_budget_a_stack_sees_some_rows_of_a_large_table():
    rng = np.random.default_rng(0)
    y = rng.integers(0, 10, 30_000)
    sure = np.eye(10)[y] + rng.gamma(1.0, size=(5, len(y), 10))
    predictions = sure / sure.sum(axis=2, keepdims=True)
    seen = []

    class Watching(LogisticRegression):
        def fit(self, X, y):
            seen.append(len(X))
            return super().fit(X, y)

    folds = [np.arange(0, 15_000), np.arange(15_000, 30_000)]
    told = {"folds": folds, "score": lambda p: 0.0, "scores": np.ones(5), "classes": np.arange(10)}
    blend = Stack(Watching()).combine(predictions, y, **told, deadline=time.monotonic() + 60)
    assert seen == [2000]
    assert blend(predictions[:, :50]).shape == (50, 10)


def test_caps_hold(numbers):
    predictions, y, rest = numbers
    assert len(Average(max_members=2).combine(predictions, y, **rest).members) == 2
    seconds = np.array([1.0, 0.3, 0.3, 0.1])
    quick = Average(max_predict_seconds=0.65).combine(predictions, y, **rest, predict_seconds=seconds)
    assert quick.members.tolist() == [1, 2]
    assert Average(max_size=0.35).combine(predictions, y, **rest, sizes=seconds).members.tolist() == [1]
    assert Stack(max_size=0.65).combine(predictions, y, **rest, sizes=seconds).members.tolist() == [1, 2]


@pytest.mark.parametrize("blender", [Average(max_size=1.0), Stack(max_size=1.0)])
def test_where_nothing_is_within_the_caps_the_cheapest_is_used_and_that_is_said(numbers, blender):
    predictions, y, rest = numbers
    sizes = np.array([4.0, np.nan, 3.0, 8.0])
    with pytest.warns(EvaluationWarning, match=r"No candidate is within .*max_size=1.0.*, 3 times what is allowed"):
        blend = blender.combine(predictions, y, **rest, sizes=sizes)
    assert blend.members.tolist() == [2]


@pytest.mark.parametrize(
    ("blender", "message"),
    [
        (Average(max_members=0), "max_members must be a positive integer or None, got 0"),
        (Stack(max_members=1.5), "max_members must be a positive integer or None, got 1.5"),
        (Average(max_predict_seconds=-1), "max_predict_seconds must be a positive number or None, got -1"),
        (Average(max_size="1 MB"), "max_size must be a positive number or None, got '1 MB'"),
        (Average(n_rounds=0), "n_rounds must be a positive integer, got 0"),
        (Average(shrinkage=-1), "shrinkage must be a number, at least 0, got -1"),
        (Average(shrinkage=float("nan")), "shrinkage must be a number, at least 0, got nan"),
        (Average(shrinkage=None), "shrinkage must be a number, at least 0, got None"),
    ],
)
def test_bad_caps_are_refused(numbers, blender, message):
    predictions, y, rest = numbers
    with pytest.raises(ValueError, match=message):
        blender.combine(predictions, y, **rest, predict_seconds=np.ones(4), sizes=np.ones(4))
    with pytest.raises(ValueError, match=message):
        find_blender(blender)  # before an hour of search


# -- the stack and the best ------------------------------------------------------------------------------------------


def test_the_stack_beats_every_member_and_averages_of_what_is_miscalibrated(classes):
    predictions, y, rest = classes
    blend = Stack().combine(predictions, y, **rest)
    answer = blend(predictions[blend.members])
    plain = Average(calibrate=False).combine(predictions, y, **rest)
    np.testing.assert_allclose(answer.sum(axis=1), 1)
    assert rest["score"](answer) > rest["score"](plain(predictions[plain.members])) > rest["scores"].max()


def test_the_stack_of_numbers_has_weights_that_are_not_negative(numbers):
    predictions, y, rest = numbers
    blend = Stack().combine(predictions, y, **rest)
    assert (blend.model.coef_ >= 0).all()
    assert rest["score"](blend(predictions[blend.members])) > rest["scores"].max()


def test_the_stack_takes_the_best_members_first(numbers):
    predictions, y, rest = numbers
    worst_first = predictions[::-1]
    blend = Stack(max_members=2).combine(worst_first, y, **rest | {"scores": rest["scores"][::-1]})
    assert blend.members.tolist() == [2, 3]


def test_a_final_estimator_of_the_users_own(numbers, classes):
    predictions, y, rest = numbers
    forest = RandomForestRegressor(5, random_state=0)
    blend = Stack(forest).combine(predictions, y, **rest)
    assert isinstance(blend.model, RandomForestRegressor)
    assert not hasattr(forest, "estimators_")
    assert blend(predictions).shape == (N, 1)
    predictions, y, rest = classes
    blend = Stack(LogisticRegression(C=0.5)).combine(predictions, y, **rest)
    np.testing.assert_array_equal(blend.model.classes_, range(3))


def test_a_final_estimator_of_the_wrong_kind_is_refused(numbers, classes):
    predictions, y, rest = numbers
    with pytest.raises(ValueError, match="final_estimator must be a regressor here, got LogisticRegression"):
        Stack(LogisticRegression()).combine(predictions, y, **rest)
    predictions, y, rest = classes
    with pytest.raises(ValueError, match="must be a classifier with predict_proba here, got LinearSVC"):
        Stack(LinearSVC()).combine(predictions, y, **rest)


def test_caps_need_to_know_what_members_take(numbers):
    predictions, y, rest = numbers
    with pytest.raises(ValueError, match=r"max_size=1\.0 needs to know what every candidate takes"):
        Average(max_size=1.0).combine(predictions, y, **rest)


def test_a_class_that_no_predicted_row_has_gets_probability_0(classes):
    predictions, y, rest = classes
    seen = np.flatnonzero(y != "cat")
    folds = np.array_split(np.arange(len(seen)), 3)
    blend = Stack().combine(predictions[:, seen], y[seen], **rest | {"folds": folds})
    answer = blend(predictions[blend.members])
    assert answer.shape == (N, 3)
    assert (answer[:, 2] == 0).all()


def test_what_the_stack_sees():
    p = np.array([[[0.2, 0.8]], [[0.5, 0.5]]])
    np.testing.assert_allclose(stacking_features(p), [[np.log(4), 0]])
    three = np.array([[[0.2, 0.2, 0.6]], [[0.0, 0.5, 0.5]]])
    features = stacking_features(three)
    assert features.shape == (1, 6)
    assert np.isfinite(features).all()
    assert features[0, 2] - features[0, 1] == pytest.approx(np.log(3))
    assert stacking_features(np.array([[[1.0], [2.0]], [[3.0], [4.0]]])).tolist() == [[1, 3], [2, 4]]


def test_the_best_is_the_first_of_the_best(numbers):
    predictions, y, rest = numbers
    blend = Best().combine(predictions, y, **rest | {"scores": np.array([np.nan, 0.5, 0.9, 0.9])})
    assert blend.members.tolist() == [2]
    np.testing.assert_array_equal(blend(predictions[[2]]), predictions[2])


# -- values and names ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("blender", [Average(max_members=3), Stack(max_members=3), Best()])
def test_blends_and_their_makers_survive_pickle_and_clone(classes, blender):
    predictions, y, rest = classes
    blend = blender.combine(predictions, y, **rest)
    again = pickle.loads(pickle.dumps(clone(blender))).combine(predictions, y, **rest)
    copied = pickle.loads(pickle.dumps(blend))
    expected = blend(predictions[blend.members])
    np.testing.assert_array_equal(copied(predictions[blend.members]), expected)
    np.testing.assert_array_equal(again(predictions[blend.members]), expected)


def test_names_stand_for_objects():
    own = Average(max_members=3)
    assert find_blender(own) is own
    assert [type(find_blender(name)) for name in ("average", "stack", "best")] == [Average, Stack, Best]
    for wrong in ("mean", Average, None, StackedBlend):
        with pytest.raises(ValueError, match="ensemble must be 'average', 'stack', 'best', or an object"):
            find_blender(wrong)


def test_a_stack_is_fitted_where_some_folds_have_one_class_to_learn_from():
    rng = np.random.RandomState(0)
    y = np.repeat([0, 1], 20)
    p = np.clip(y[:, None] * 0.4 + 0.3 + 0.2 * rng.rand(40, 1), 0, 1)
    predictions = np.stack([np.hstack([1 - p, p]), np.hstack([1 - p**2, p**2])])
    halves = [np.arange(20), np.arange(20, 40)]
    score = fold_score(get_scorer("neg_log_loss"), y, halves, classes=np.arange(2))
    told = {"folds": halves, "score": score, "scores": np.array([-0.5, -0.6]), "classes": np.arange(2)}
    blend = Stack().combine(predictions, y, **told)
    assert (blend(predictions[blend.members]).argmax(axis=1) == y).mean() > 0.9


def test_what_is_tried_on_a_fold_was_not_chosen_on_other_predictions_of_its_rows():
    rows = np.repeat(np.arange(12), 3)
    rounds = [np.random.RandomState(seed).permutation(12).reshape(3, 4) for seed in range(3)]
    folds = [3 * part + k for k, parts in enumerate(rounds) for part in parts]
    for splits, n in ((_splits(rows, folds), 3), (_against_others(rows, folds), 9)):
        assert len(splits) == n
        for (train, test), fold in zip(splits, folds, strict=False):
            assert test is fold
            assert not set(rows[train]) & set(rows[test])
            assert len(train) == 3 * 8
    (train, test), *_ = _splits(np.arange(10), [np.arange(10)])
    assert (test.tolist(), train.tolist()) == ([0, 5], [1, 2, 3, 4, 6, 7, 8, 9])


def test_repeated_folds_are_judged_one_by_one_for_their_mean_is_better_than_any_model():
    rng = np.random.RandomState(0)
    y, rows = np.repeat(rng.randint(0, 2, 200), 3), np.repeat(np.arange(200), 3)
    logit = 2.0 * (y - 0.5) + 3.0 * rng.randn(600)  # each model is too sure, the mean of three less so
    p = 1 / (1 + np.exp(-logit))
    predictions = np.column_stack([1 - p, p])[None]
    folds = [3 * np.arange(200)[part::4] + k for k in range(3) for part in range(4)]
    told = {"classes": np.arange(2), "scores": np.array([-1.0])}
    score = fold_score(get_scorer("neg_log_loss"), y, folds, classes=np.arange(2))
    blend = Average().combine(predictions, y, rows=rows, folds=folds, score=score, **told)
    assert blend.temperature > 2
    assert log_loss(y, blend(predictions)) < log_loss(y, predictions[0]) - 0.1
