"""What fits are expected to take."""

import numpy as np
import pandas as pd
import pytest
from sklearn.datasets import make_classification

from sklmeta import Configuration, KnowledgeBase, load_knowledge
from sklmeta.advice import consult
from sklmeta.costs import CostModel, log_linear
from sklmeta.members import make_members
from sklmeta.metafeatures import MetaFeatureExtractor
from sklmeta.recommenders import TaskMixture

RIDGE, SVR = Configuration("ridge", {"alpha": 1.0}), Configuration("svr", {"C": 1.0, "kernel": "rbf"})


def known(task="regression"):
    kb = load_knowledge(task)
    return kb, dict(kb.meta_features.iloc[0])


def test_slopes_are_least_squares_where_there_is_much_to_learn_from():
    rng = np.random.RandomState(0)
    sizes = rng.normal(size=(4000, 3)) * 3
    levels, slopes = np.array([1.0, -2.0, 0.5]), np.array([1.3, 0.2, 0.7])
    values = levels + (sizes @ slopes)[:, None] + 0.1 * rng.normal(size=(4000, 3))
    values[rng.rand(4000, 3) < 0.2] = np.nan
    found, at = log_linear(values, sizes)
    i, j = np.nonzero(np.isfinite(values))
    design = np.column_stack([np.eye(3)[j], sizes[i]])
    expected = np.linalg.lstsq(design, values[i, j], rcond=None)[0]
    np.testing.assert_allclose(found, expected[3:], atol=2e-3)  # the ridge, against 4000 tasks
    np.testing.assert_allclose(at, expected[:3], atol=1e-2)


def test_slopes_are_plausible_where_there_is_little():
    slopes, levels = log_linear(np.array([[0.0, np.nan]]), np.array([[7.0, 2.0, 2.0, 1.0]]))
    np.testing.assert_allclose(slopes, [1.0, 0.25, 0.25, 0.5])
    assert np.isnan(levels[1])


def test_what_known_tasks_took_is_expected_within_a_factor():
    kb, _ = known()
    model_of = [CostModel(kb, dict(row)) for _, row in kb.meta_features.iterrows()]
    rows = np.exp(kb.meta_features["log_rows"].to_numpy()) * 2 / 3
    seconds = kb.fit_seconds + kb.score_seconds
    expected = np.array([[m.seconds(c, n) for c in kb.configurations] for m, n in zip(model_of, rows, strict=True)])
    spread = np.log(np.maximum(seconds, 1e-4)) - np.log(expected)
    assert abs(np.nanmedian(spread)) < 0.15
    assert np.nanpercentile(np.abs(spread), 90) < np.log(3)


def test_cost_grows_with_the_rows_and_a_kernel_machines_with_their_square():
    kb, sizes = known()
    model = CostModel(kb, sizes)
    configurations = {c.estimator: c for c in kb.configurations}
    for name, configuration in configurations.items():
        far = model.seconds(configuration, 40_000) / model.seconds(configuration, 20_000)
        steep = {"svr": 4.0, "svr_normal": 4.0, "gaussian_process": 8.0, "k_neighbors": 2.36}  # the last as measured
        assert far == pytest.approx(steep.get(name, 2.0), rel=0.1), name
    assert all(model.seconds(c, 2000) > model.seconds(c, 200) for c in kb.configurations)


def test_on_large_tables_what_is_expected_is_not_too_little():
    for task in ("classification", "regression"):
        kb, _ = known(task)
        rows = np.exp(kb.meta_features["log_rows"].to_numpy()) * 2 / 3
        seconds, large = kb.fit_seconds + kb.score_seconds, np.flatnonzero(rows > 6000)
        model_of = {i: CostModel(kb, dict(kb.meta_features.iloc[i])) for i in large}
        for name in dict.fromkeys(c.estimator for c in kb.configurations):
            every = [(j, c) for j, c in enumerate(kb.configurations) if c.estimator == name]
            off = [np.log(seconds[i, j] / model_of[i].seconds(c, rows[i])) for i in large for j, c in every]
            assert np.isnan(off).all() or abs(np.nanmean(off)) < np.log(1.4), name


def test_cost_grows_with_the_columns_beyond_those_that_are_known_but_for_sparse_rows_with_their_values():
    kb, features = known()
    forest = next(c for c in kb.configurations if c.estimator == "random_forest")
    most = kb.meta_features["log_encoded_columns"].max()

    def seconds(configuration, columns, **how):
        wide = {**features, "log_columns": np.log(columns), "log_encoded_columns": np.log(columns)}
        return CostModel(kb, wide, **how).seconds(configuration, 500)

    widest = np.exp(most)
    for configuration in (RIDGE, SVR, forest):
        assert seconds(configuration, 10 * widest) == pytest.approx(10 * seconds(configuration, widest))
        assert seconds(configuration, widest) < 10 * seconds(configuration, widest / 10)
    assert seconds(RIDGE, 10 * widest, values_per_row=20.0) == pytest.approx(seconds(RIDGE, 20.0))
    assert seconds(RIDGE, 5.0, values_per_row=20.0) == pytest.approx(seconds(RIDGE, 5.0))
    assert seconds(forest, 10 * widest, values_per_row=20.0) == pytest.approx(seconds(forest, 10 * widest))


def test_columns_count_as_each_base_estimator_sees_them():
    rng = np.random.default_rng(0)
    sizes = pd.DataFrame({"log_rows": rng.uniform(5, 8, 4000), "log_columns": rng.uniform(1, 5, 4000)})
    sizes["log_encoded_columns"] = sizes["log_columns"] + rng.exponential(1, 4000)
    log_seconds = np.column_stack([0.8 * sizes["log_columns"], 0.8 * sizes["log_encoded_columns"]]) - 6
    kb = KnowledgeBase(
        range(4000), [RIDGE, SVR], {"r2": np.full((4000, 2), 0.5)}, meta_features=sizes, fit_seconds=np.exp(log_seconds)
    )

    def growth(configuration, **columns):
        narrow = {"log_columns": 1.0, "log_encoded_columns": 1.0}
        wide, narrow = (CostModel(kb, features) for features in ({**narrow, **columns}, narrow))
        return np.log(wide.seconds(configuration, 500) / narrow.seconds(configuration, 500))

    assert growth(RIDGE, log_columns=4.0) == pytest.approx(0.8 * 3, abs=0.1)
    assert growth(RIDGE, log_encoded_columns=4.0) == pytest.approx(0, abs=0.1)
    assert growth(SVR, log_columns=4.0) == pytest.approx(0, abs=0.1)
    assert growth(SVR, log_encoded_columns=4.0) == pytest.approx(0.8 * 3, abs=0.1)


def test_tables_of_unknown_size_tell_nothing():
    sizes = pd.DataFrame({"log_rows": np.log([100.0, 1000.0, 3000.0, np.nan]), "log_encoded_columns": 1.0})
    seconds = np.array([[0.01], [0.1], [0.3], [50.0]])

    def model(n):
        scores = {"r2": np.full((n, 1), 0.5)}
        kb = KnowledgeBase(range(n), [RIDGE], scores, meta_features=sizes[:n], fit_seconds=seconds[:n])
        return CostModel(kb, {"log_encoded_columns": 1.0})

    assert model(4).seconds(RIDGE, 500) == pytest.approx(model(3).seconds(RIDGE, 500))


def test_what_was_timed_on_small_tables_only_grows_from_there():
    rows = np.log([100.0, 1000.0, 10_000.0])
    sizes = pd.DataFrame({"log_rows": rows, "log_encoded_columns": 1.0}, index=list("abc"))
    scores = np.array([[0.5, 0.5], [0.5, 0.5], [0.5, np.nan]])
    seconds = np.where(np.isfinite(scores), 0.1, np.nan)  # fixed costs hide the growth
    kb = KnowledgeBase(
        list("abc"), [RIDGE, SVR], {"r2": scores}, meta_features=sizes, fit_seconds=seconds, task_type="regression"
    )
    model = CostModel(kb, {"log_encoded_columns": 1.0})
    ridge, svr = (model.seconds(c, 6000) / model.seconds(c, 600) for c in (RIDGE, SVR))
    assert ridge < 8
    assert svr > 60


def test_timings_here_correct_what_is_expected():
    kb, sizes = known()
    model = CostModel(kb, sizes)
    first, *_ = (c for c in kb.configurations if c.estimator == "ridge")
    other, *_ = (c for c in kb.configurations if c.estimator == "mlp")
    before, before_other, before_most = model.seconds(first, 500), model.seconds(other, 500), model.at_most(first, 500)
    assert before_most > before
    for _ in range(20):
        model.observe(first, 500, 10 * before)
    assert model.seconds(first, 500) == pytest.approx(10 * before, rel=0.15)
    assert model.seconds(other, 500) == pytest.approx(10 * before_other, rel=0.15)  # a slow machine is slow for all
    assert model.at_most(first, 500) / model.seconds(first, 500) < before_most / before  # and it is surer by now


def test_what_was_stopped_takes_longer_than_that_and_others_do_until_something_was_timed():
    kb, sizes = known()
    model = CostModel(kb, sizes)
    first, other = (next(c for c in kb.configurations if c.estimator == name) for name in ("ridge", "mlp"))
    before, before_other = model.seconds(first, 500), model.seconds(other, 500)
    model.observe_stopped(first, 500, 0.5 * before)  # before anybody had expected it to end
    assert model.seconds(first, 500) == before
    for _ in range(5):
        model.observe_stopped(first, 500, 10 * before)
    assert model.seconds(first, 500) > 10 * before
    assert model.seconds(other, 500) > 5 * before_other
    model.observe(other, 500, before_other)
    assert model.seconds(first, 500) > 4 * before
    assert model.seconds(other, 500) == pytest.approx(before_other)


def test_what_is_calibrated_takes_as_long_as_its_four_fits():
    kb, sizes = known("classification")
    svc = next(c for c in kb.configurations if c.estimator == "svc" and c.params["kernel"] == "rbf")
    plain, calibrated = (CostModel(kb, sizes, names).seconds(svc, 3000) for names in ((), {"svc"}))
    assert 2.0 < calibrated / plain < 4.0
    X, y = make_classification(200, random_state=0)
    members = make_members(None, "classification")
    for average, scoring, factor in [(True, "accuracy", calibrated / plain), (False, "accuracy", 1.0)]:
        costs = consult(kb, TaskMixture(), members, X, y, "classification", scoring, average=average).costs
        alone = CostModel(kb, MetaFeatureExtractor().extract(X, y, task="classification"))
        assert costs.seconds(svc, 3000) / alone.seconds(svc, 3000) == pytest.approx(factor)


def test_what_was_stopped_says_nothing_of_others_that_were_timed_without_knowledge_of_them():
    model = CostModel(None, {})
    model.observe(RIDGE, 100, 1.0)
    model.observe(SVR, 100, 0.1)
    model.observe_stopped(SVR, 100, 10.0)
    assert model.seconds(RIDGE, 100) == pytest.approx(1.0)
    assert model.seconds(SVR, 100) > 1.0


def test_without_knowledge_the_first_timing_is_all_that_is_known():
    model = CostModel(None, {})
    assert np.isnan(model.seconds(RIDGE, 100))
    model.observe(RIDGE, 100, 2.0)
    assert model.seconds(RIDGE, 100) == pytest.approx(2.0)
    assert model.seconds(Configuration("ridge", {"alpha": 9.0}), 200) == pytest.approx(4.0)
    assert np.isnan(model.seconds(SVR, 100))


def test_knowledge_without_sizes_or_seconds_says_nothing():
    from sklmeta import KnowledgeBase

    scores = pd.DataFrame([[0.5, 0.6]], index=["t"], columns=["a", "b"])
    kb = KnowledgeBase.from_frames(pd.DataFrame({"m": [1.0]}, index=["t"]), {"accuracy": scores})
    model = CostModel(kb, {"m": 1.0})
    assert np.isnan(model.seconds(kb.configurations[0], 10))
