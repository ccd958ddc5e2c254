import gradient_brute as brute
import numpy as np
import pytest
from gradient_cases import LINEAR, MLP, SVM, draw_batch, draw_meta

from sklmeta.gradient._adaptation import Rows
from sklmeta.gradient._meta_gradients import Batch, Meta, adapted_loss
from sklmeta.gradient._network import Network
from sklmeta.gradient.algorithms import ALGORITHMS, find_algorithm, meta_gradient

EVERY = LINEAR + SVM + MLP


def flat(meta):
    return np.concatenate([meta.theta, meta.rates, [meta.log_penalty]])


def unflat(vector):
    P = len(vector) // 2
    return Meta(vector[:P], vector[P : 2 * P], vector[-1])


def relative_error(found, expected):
    return np.linalg.norm(found - expected) / np.linalg.norm(expected)


@pytest.mark.parametrize("n_steps", [1, 3])
@pytest.mark.parametrize("network", EVERY, ids=str)
def test_second_order_meta_gradient_of_start_and_rates_equals_finite_differences(network, n_steps, rng):
    batch, meta = draw_batch(rng, network), draw_meta(rng, network)
    algorithm = ALGORITHMS["meta-sgd"]
    _, found = meta_gradient(algorithm, network, meta, [batch], n_steps)
    expected = brute.derivative(lambda v: meta_gradient(algorithm, network, unflat(v), [batch], n_steps)[0], flat(meta))
    assert relative_error(flat(found), expected) < 1e-5


@pytest.mark.parametrize("network", MLP, ids=str)
def test_anil_meta_gradient_equals_finite_differences(network, rng):
    batch, meta = draw_batch(rng, network), draw_meta(rng, network)
    meta = meta._replace(rates=0.1 * network.head)
    algorithm = ALGORITHMS["anil"]
    _, found = meta_gradient(algorithm, network, meta, [batch], 3)
    expected = brute.derivative(
        lambda theta: meta_gradient(algorithm, network, meta._replace(theta=theta), [batch], 3)[0], meta.theta
    )
    assert relative_error(found.theta, expected) < 1e-5


@pytest.mark.parametrize("network", LINEAR + SVM, ids=str)
def test_implicit_meta_gradient_of_centre_and_strength_equals_finite_differences(network, rng):
    batch, meta = draw_batch(rng, network), draw_meta(rng, network)
    algorithm = ALGORITHMS["imaml"]
    _, found = meta_gradient(algorithm, network, meta, [batch], 0)
    expected = brute.derivative(lambda v: meta_gradient(algorithm, network, unflat(v), [batch], 0)[0], flat(meta))
    assert relative_error(flat(found), expected) < 1e-5


@pytest.mark.parametrize("name", ["maml", "imaml"])
def test_meta_gradient_of_a_tied_head_equals_finite_differences(name, rng):
    one = Network((4, 1) if name == "imaml" else (4, 5, 1), "tanh", loss="softmax")
    batch, meta = draw_batch(rng, one.with_outputs(3)), draw_meta(rng, one)
    algorithm = ALGORITHMS[name]
    meta = meta._replace(theta=meta.theta + 0.1)
    _, found = meta_gradient(algorithm, one, meta, [batch], 2, tied=True)
    expected = brute.derivative(
        lambda theta: meta_gradient(algorithm, one, meta._replace(theta=theta), [batch], 2, tied=True)[0],
        meta.theta,
    )
    np.testing.assert_allclose(found.theta, expected, atol=1e-6 * np.abs(expected).max() + 1e-9)


@pytest.mark.parametrize("network", EVERY, ids=str)
def test_fomaml_is_the_mean_query_gradient_at_the_adapted_parameters(network, rng):
    batch, meta = draw_batch(rng, network), draw_meta(rng, network)
    _, found = meta_gradient(ALGORITHMS["fomaml"], network, meta, [batch], 2)
    expected = []
    for i in range(3):
        support, query = ([part[i] for part in rows] for rows in batch)
        adapted = brute.adapted(network, meta.theta, meta.rates, *support, 2)
        X, targets, weights = query
        expected.append(brute.gradient(network, adapted, X, targets, weights / weights.sum()))
    assert relative_error(found.theta, np.mean(expected, axis=0)) < 1e-5
    assert not found.rates.any()


@pytest.mark.parametrize("name", ["reptile", "average"])
@pytest.mark.parametrize("network", [LINEAR[0], SVM[1], MLP[2]], ids=str)
def test_reptile_and_average_point_to_the_mean_of_the_adapted_parameters(network, name, rng):
    batch, meta = draw_batch(rng, network), draw_meta(rng, network)
    batch.support.weights[1] *= 3
    _, found = meta_gradient(ALGORITHMS[name], network, meta, [batch], 2)
    adapted, sizes = [], []
    for i in range(3):
        rows = [np.concatenate([a[i], b[i]]) for a, b in zip(*batch, strict=True)]
        adapted.append(brute.adapted(network, meta.theta, meta.rates, *rows, 2))
        sizes.append(rows[2].sum())
    mean = np.average(adapted, axis=0, weights=sizes if name == "average" else None)
    assert relative_error(found.theta, meta.theta - mean) < 1e-5


@pytest.mark.parametrize("network", [LINEAR[0], SVM[1], MLP[2]], ids=str)
def test_transfer_is_the_gradient_of_all_rows_together(network, rng):
    batch, meta = draw_batch(rng, network), draw_meta(rng, network)
    _, found = meta_gradient(ALGORITHMS["transfer"], network, meta, [batch], 2)
    rows = [np.concatenate([a.reshape(-1, *a.shape[2:]) for a in pair]) for pair in zip(*batch, strict=True)]
    rows[2] = rows[2] / rows[2].sum()
    assert relative_error(found.theta, brute.gradient(network, meta.theta, *rows)) < 1e-5


@pytest.mark.parametrize("network", [LINEAR[3], SVM[0], MLP[1]], ids=str)
def test_maml_without_inner_steps_is_joint_training_on_the_query(network, rng):
    batch, meta = draw_batch(rng, network), draw_meta(rng, network)
    batch = batch._replace(query=batch.query.averaged())
    empty = batch.query._replace(weights=0 * batch.query.weights)
    loss, found = meta_gradient(ALGORITHMS["maml"], network, meta, [batch], 0)
    joint_loss, joint = meta_gradient(ALGORITHMS["transfer"], network, meta, [Batch(empty, batch.query)], 0)
    assert loss == pytest.approx(joint_loss, rel=1e-12)
    np.testing.assert_allclose(found.theta, joint.theta, rtol=1e-10, atol=1e-14)


@pytest.mark.parametrize("name", [name for name in ALGORITHMS if name != "imaml"])
def test_groups_of_ragged_tasks_count_like_one_padded_batch(name, rng):
    network = MLP[2]
    batch, meta = draw_batch(rng, network), draw_meta(rng, network)
    for rows in batch:
        rows.weights[:] = 1
        rows.weights[2, 4:] = 0
    parts = [
        Batch(*(Rows(*(part[:2] for part in rows)) for rows in batch)),
        Batch(*(Rows(*(part[2:, :4] for part in rows)) for rows in batch)),
    ]
    whole = meta_gradient(ALGORITHMS[name], network, meta, [batch], 2)
    split = meta_gradient(ALGORITHMS[name], network, meta, parts, 2)
    assert whole[0] == pytest.approx(split[0], rel=1e-10)
    np.testing.assert_allclose(flat(whole[1]), flat(split[1]), rtol=1e-8, atol=1e-12)


def test_the_judging_loss_is_the_loss_that_maml_descends(rng):
    network = MLP[2]
    batch, meta = draw_batch(rng, network), draw_meta(rng, network)
    assert adapted_loss(network, meta, batch, 2)[0] == pytest.approx(
        meta_gradient(ALGORITHMS["maml"], network, meta, [batch], 2)[0]
    )


def test_an_algorithm_that_does_not_fit_names_those_that_do():
    with pytest.raises(ValueError, match=r"algorithm='imaml' does not fit model='mlp'; choose one of \['maml'"):
        find_algorithm("imaml", "mlp")
    with pytest.raises(ValueError, match=r"algorithm='mamal' is unknown for model='linear'; .*'imaml'"):
        find_algorithm("mamal", "linear")
    with pytest.raises(ValueError, match=r"model='forest' is unknown; choose one of \['linear', 'svm', 'mlp'\]"):
        find_algorithm("maml", "forest")
