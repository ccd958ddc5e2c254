from itertools import pairwise

import numpy as np
import pandas as pd
import pytest
from scipy.optimize import minimize_scalar

from sklmeta import Configuration, KnowledgeBase
from sklmeta.knowledge import JointErrors
from sklmeta.recommenders import Forest, NearestTasks, Portfolio, TaskMixture
from sklmeta.recommenders.averages import GrowingAverage, joint_products, portfolio_for_average, typical_spread
from sklmeta.recommenders.kernels import greedy_portfolio

UNIT = 0.3


def made_up_errors(seed=0, n_tasks=6, n_members=5, n_rows=40):
    """Errors on rows of each member on each task: a part that all share, and one of its own."""
    rng = np.random.default_rng(seed)
    shared = rng.normal(size=(n_tasks, 1, n_rows))
    return shared + rng.uniform(0.2, 1.5, size=(n_tasks, n_members, 1)) * rng.normal(size=(n_tasks, n_members, n_rows))


def products_of(errors):
    return errors @ errors.swapaxes(1, 2) / errors.shape[2]


def best_share(one, other):
    """Of another's errors beside one's: the share and the mean square that are best, by search."""
    found = minimize_scalar(
        lambda s: (((1 - s) * one + s * other) ** 2).mean(), bounds=(0, 1), options={"xatol": 1e-10}
    )
    return found.x, found.fun


@pytest.mark.parametrize("seed", range(4))
def test_each_step_gives_a_member_the_share_that_is_best_for_the_average(seed):
    errors = made_up_errors(seed)
    v = np.random.default_rng(seed).dirichlet(np.ones(6))
    average, blend = GrowingAverage(products_of(errors), np.arange(5)), errors[:, 3].copy()
    average.add(3)
    for j in (0, 4, 1):
        own = (blend**2).mean(axis=1)
        after = [[best_share(blend[i], errors[i, k])[1] for k in range(5)] for i in range(6)]
        np.testing.assert_allclose(average.gains(v, 5), v @ (own[:, None] - after), atol=1e-6)
        for i in range(6):
            share, _ = best_share(blend[i], errors[i, j])
            blend[i] = (1 - share) * blend[i] + share * errors[i, j]
        average.add(j)
        np.testing.assert_allclose(average.error, (blend**2).mean(axis=1), rtol=1e-6)
        np.testing.assert_allclose(average.cross, np.einsum("ir,ijr->ij", blend, errors) / 40, atol=1e-5)


def test_what_is_in_already_what_is_worse_and_what_is_unknown_adds_nothing():
    errors = np.array([[[1.0, -1.0], [2.0, -2.0], [1.0, 1.0]]])
    average = GrowingAverage(products_of(errors), np.array([0, 2, 3]))
    for j in (0, 1, 0):
        average.add(j)
        np.testing.assert_allclose(average.gains(np.ones(1), 5), [0, 0, 0, 0.5, 0])
        assert average.error == 1


def test_without_members_there_is_nothing_to_gain():
    assert not GrowingAverage(np.ones((2, 3, 3)), np.arange(3)).gains(np.ones(2) / 2, 3).any()


def test_a_failure_is_as_bad_as_the_worst_and_units_do_not_matter():
    products = products_of(made_up_errors())
    np.testing.assert_allclose(joint_products(products), joint_products(1000 * products))
    assert np.diagonal(joint_products(products), axis1=1, axis2=2).min(axis=1) == pytest.approx(np.ones(6))
    gaps = products.copy()
    gaps[2, 1], gaps[2, :, 1] = np.nan, np.nan
    filled = joint_products(gaps)
    alone = np.diag(filled[2])
    assert alone[1] == alone.max() == np.diag(joint_products(products)[2])[[0, 2, 3, 4]].max()
    np.testing.assert_allclose(filled[2, 1], np.sqrt(alone * alone[1]), err_msg="its errors go with all others'")
    np.testing.assert_array_equal(filled[2, :, 1], filled[2, 1])
    np.testing.assert_array_equal(filled[3], joint_products(products)[3])
    assert np.isfinite(joint_products(np.zeros((1, 2, 2)))).all()


def test_what_is_unknown_is_what_it_is_elsewhere():
    products = products_of(made_up_errors(n_tasks=3, n_members=3))
    whole, none_failed = joint_products(products), np.zeros((3, 3), dtype=bool)
    alone = np.diagonal(whole, axis1=1, axis2=2)
    cosines = whole / np.sqrt(alone[:, :, None] * alone[:, None, :])

    gaps = products.copy()
    gaps[0, 2], gaps[0, :, 2] = np.nan, np.nan
    filled = joint_products(gaps, none_failed)
    np.testing.assert_allclose(filled[1:], whole[1:])
    unit = np.diag(products[0])[:2].min()
    np.testing.assert_allclose(filled[0, :2, :2], products[0, :2, :2] / unit)
    np.testing.assert_allclose(filled[0, 2, 2], alone[1:, 2].mean())
    expected = cosines[1:, 2, :2].mean(axis=0) * np.sqrt(filled[0, 2, 2] * np.diag(filled[0])[:2])
    np.testing.assert_allclose(filled[0, 2, :2], expected)
    np.testing.assert_allclose(filled[0, :2, 2], expected)
    assert joint_products(gaps)[0, 2, 2] == np.diag(products[0])[:2].max() / unit, "what failed is the worst"

    pair = products.copy()
    pair[0, 0, 1] = pair[0, 1, 0] = np.nan
    expected = cosines[1:, 0, 1].mean() * np.sqrt(alone[0, 0] * alone[0, 1])
    for failed in (None, none_failed):
        np.testing.assert_allclose(joint_products(pair, failed)[0, 0, 1], expected)


def test_what_is_known_nowhere_is_neither_hoped_for_nor_lost():
    products = products_of(made_up_errors(n_tasks=1, n_members=3))
    gaps = products.copy()
    gaps[0, 2], gaps[0, :, 2] = np.nan, np.nan
    filled = joint_products(gaps, np.zeros((1, 3), dtype=bool))
    assert filled[0, 2, 2] == np.diag(filled[0])[:2].max()
    assert np.isfinite(filled).all()
    np.testing.assert_array_equal(filled, filled.swapaxes(1, 2))


def test_beside_a_member_that_failed_any_other_takes_all_of_the_average():
    products = products_of(made_up_errors(n_tasks=1, n_members=3))
    products[0, 0], products[0, :, 0] = np.nan, np.nan
    filled = joint_products(products)
    average = GrowingAverage(filled, np.arange(3))
    average.add(0)
    good = int(np.argmin(np.diag(filled[0])))
    assert average.gains(np.ones(1), 3)[good] == pytest.approx(filled[0, 0, 0] - 1)
    average.add(good)
    assert average.error == pytest.approx(1)


@pytest.mark.parametrize(("alone", "share"), [(0.5, 1.0), (2.0, 0.0)])
def test_where_products_contradict_each_other_the_better_of_two_is_the_average(alone, share):
    average = GrowingAverage(np.array([[[1.0, 3.0], [3.0, alone]]]), np.arange(2))
    average.add(0)
    assert average.gains(np.ones(1), 2)[1] == pytest.approx(share * (1 - alone))


def test_the_typical_spread_is_between_the_best_and_the_median():
    alone = np.array([[1.0, 3.0, 1.5], [1.0, 1.2, 9.0], [1.0, 1.1, 1.1]])
    assert typical_spread(np.array([np.diag(row) for row in alone])) == pytest.approx(0.2)
    assert typical_spread(np.ones((4, 1, 1))) == 1


def looking_at_all(Y, w, n, errors, v, worth):
    """What `portfolio_for_average` chooses after its first pick, from the errors themselves."""
    order = [int(np.argmax(w @ Y))]
    blend = errors[:, order[0]].copy()
    while len(order) < n:
        left = [j for j in range(Y.shape[1]) if j not in order]
        best, own = Y[:, order].max(axis=1), (blend**2).mean(axis=1)
        raised = np.array([worth[j] * (w @ np.maximum(Y[:, j] - best, 0)) for j in left])
        mixed = [blend[:, None] * (1 - s) + s * errors[:, left] for s in np.linspace(0, 1, 2001)]
        after = np.min([(m**2).mean(axis=2) for m in mixed], axis=0)
        fallen = worth[left] * (v @ (own[:, None] - after))
        total = UNIT * raised + fallen
        choice = left[int(np.argmax(total))]
        shares = np.argmin([(m[:, left.index(choice)] ** 2).mean(axis=1) for m in mixed], axis=0) / 2000
        blend = (1 - shares)[:, None] * blend + shares[:, None] * errors[:, choice]
        order.append(choice)
    return order


@pytest.mark.parametrize("seed", range(6))
def test_the_order_is_that_of_brute_force(seed):
    rng = np.random.default_rng(seed)
    errors, Y, w = made_up_errors(seed), rng.random((6, 5)), rng.dirichlet(np.ones(6))

    def found(n, **kwargs):
        average = GrowingAverage(products_of(errors), np.arange(5))
        return portfolio_for_average(Y, w, n, average, w, UNIT, **kwargs)

    for worth in (np.ones(5), rng.choice([0.5, 1.0, 2.0], 5)):
        expected = looking_at_all(Y, w, 4, errors, w, worth)
        assert found(4, worth=worth) == expected
        first, *rest = expected
        columns = np.setdiff1d(np.arange(5), [first])
        assert found(3, columns=columns, tried=[first], worth=worth) == rest, "what was tried counts as chosen"
        assert found(4, first=first, worth=worth) == expected


def test_where_nothing_is_known_of_errors_it_is_the_greedy_portfolio():
    rng = np.random.default_rng(0)
    Y, w = rng.random((9, 30)), rng.dirichlet(np.ones(9))
    nothing = GrowingAverage(np.ones((1, 1, 1)), np.array([29]))
    assert portfolio_for_average(Y, w, 8, nothing, np.ones(1), UNIT) == greedy_portfolio(Y, w, 8)


# -- recommenders ----------------------------------------------------------------------------------------------------


@pytest.fixture
def kb():
    """Everywhere a is best, b nearly as good with the same errors, c a bit worse with others, d bad."""
    tasks = [f"t{i}" for i in range(8)]
    names = [Configuration(name) for name in "abcd"]
    scores = np.array([[0.90, 0.895, 0.88, 0.5]] * 8) + np.arange(8)[:, None] / 100
    products = np.array([[10, 10, 2, 9], [10, 10.5, 2, 9], [2, 2, 12, 9], [9, 9, 9, 50]])
    M = pd.DataFrame({"log_rows": np.arange(8.0)}, index=tasks)
    joint = JointErrors(tasks, names, np.repeat(products[None], 8, axis=0))
    return KnowledgeBase(tasks, names, {"accuracy": scores}, meta_features=M, joint_errors=joint)


def names_of(recommendations):
    return "".join(r.configuration.estimator for r in recommendations)


@pytest.mark.parametrize("recommender", [NearestTasks(), Forest(n_estimators=10), TaskMixture(n_estimators=10)])
def test_for_an_average_what_errs_otherwise_comes_early(kb, recommender):
    fitted = recommender.fit(kb)
    assert names_of(fitted.recommend([5.5], n=4)) == "abcd"
    assert names_of(fitted.recommend([5.5], n=4, average=True)) == "acbd"
    observed = {kb.configurations[0]: 0.9, kb.configurations[2]: 0.88}
    assert names_of(fitted.recommend([5.5], n=4, observed=observed, average=True)) == "bd"
    assert names_of(fitted.recommend(None, n=4, average=True)) == "acbd"


@pytest.mark.parametrize("recommender", [NearestTasks(), Forest(n_estimators=10), TaskMixture(n_estimators=10)])
def test_without_joint_errors_an_average_is_advised_as_the_best_is(kb, recommender):
    fitted = recommender.fit(kb.with_joint_errors(None))
    assert names_of(fitted.recommend([5.5], n=4, average=True)) == "abcd"
    nothing = JointErrors(kb.tasks, kb.configurations, np.full((8, 4, 4), np.nan))
    assert names_of(recommender.fit(kb.with_joint_errors(nothing)).recommend([5.5], n=4, average=True)) == "abcd"


def test_tasks_without_joint_errors_say_nothing_of_averages(kb):
    for some in (["t3"], ["t3", "t4"]):
        part = kb.with_joint_errors(kb.joint_errors.part(some, kb.configurations))
        assert names_of(TaskMixture(n_estimators=10).fit(part).recommend([5.5], n=4, average=True)) == "acbd"


def test_a_portfolio_does_not_ask_what_it_is_for(kb):
    fitted = Portfolio().fit(kb)
    for shorter, longer in pairwise(fitted.recommend(n=n, average=True) for n in (1, 2, 3, 4)):
        assert longer[: len(shorter)] == shorter
    assert names_of(fitted.recommend(n=4, average=True)) == names_of(fitted.recommend(n=4)) == "abcd"
