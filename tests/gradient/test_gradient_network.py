import pickle

import gradient_brute as brute
import numpy as np
import pytest
from gradient_cases import LINEAR, MLP, SVM, draw_meta, draw_rows

from sklmeta.gradient._network import Network

RELU = [Network((4, 6, 5, 2), "relu", loss="softmax")]
EVERY = LINEAR + SVM + MLP + RELU


@pytest.mark.parametrize("network", EVERY, ids=str)
def test_value_and_gradient_equal_those_of_one_row_and_one_task_at_a_time(network, rng):
    rows = draw_rows(rng, network, 6)
    thetas = rng.normal(size=(3, network.n_parameters))
    gradients, tape = network.gradient(thetas, *rows)
    values = network.value(tape.outputs, rows.targets, rows.weights)
    for i, theta in enumerate(thetas):
        task = (rows.X[i], rows.targets[i], rows.weights[i])
        np.testing.assert_allclose(values[i], brute.loss(network, theta, *task), rtol=1e-12)
        np.testing.assert_allclose(gradients[i], brute.gradient(network, theta, *task), rtol=1e-5, atol=1e-7)


@pytest.mark.parametrize("network", EVERY, ids=str)
def test_curvature_product_equals_the_gradient_s_difference(network, rng):
    rows = draw_rows(rng, network, 6)
    theta, direction = rng.normal(size=(2, 3, network.n_parameters))
    step = 1e-6
    ahead, _ = network.gradient(theta + step * direction, *rows)
    behind, _ = network.gradient(theta - step * direction, *rows)
    _, tape = network.gradient(theta, *rows)
    product = network.curvature_product(tape, direction)
    np.testing.assert_allclose(product, (ahead - behind) / (2 * step), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("network", MLP, ids=str)
def test_curvature_is_symmetric(network, rng):
    rows = draw_rows(rng, network, 6)
    theta, u, v = rng.normal(size=(3, 3, network.n_parameters))
    _, tape = network.gradient(theta, *rows)
    left = (u * network.curvature_product(tape, v)).sum(axis=1)
    right = (v * network.curvature_product(tape, u)).sum(axis=1)
    np.testing.assert_allclose(left, right, rtol=1e-10)


def test_rows_of_weight_zero_do_not_count(rng):
    network = MLP[2]
    rows = draw_rows(rng, network, 6)
    rows.weights[:, 4:] = 0
    theta = rng.normal(size=(3, network.n_parameters))
    all_rows, tape = network.gradient(theta, *rows)
    kept = [part[:, :4] for part in rows]
    fewer, short_tape = network.gradient(theta, *kept)
    np.testing.assert_allclose(all_rows, fewer, atol=1e-14)
    np.testing.assert_allclose(
        network.curvature_product(tape, theta), network.curvature_product(short_tape, theta), atol=1e-13
    )


def test_one_start_for_all_tasks_is_the_start_repeated(rng):
    network = MLP[0]
    rows = draw_rows(rng, network, 6)
    theta = draw_meta(rng, network).theta
    shared, _ = network.gradient(theta[None], *rows)
    repeated, _ = network.gradient(np.tile(theta, (3, 1)), *rows)
    np.testing.assert_array_equal(shared, repeated)


def test_tying_a_head_is_the_adjoint_of_tiling_it(rng):
    one = Network((4, 5, 1), loss="softmax")
    wide = one.with_outputs(3)
    flat, by_wide = rng.normal(size=one.n_parameters), rng.normal(size=wide.n_parameters)
    np.testing.assert_allclose(one.tiled(flat, 3) @ by_wide, flat @ wide.tied(by_wide))
    np.testing.assert_allclose(wide.tied(one.tiled(flat, 3), mean=True), flat)


def test_relu_starts_with_he_s_variance_and_linear_models_at_zero():
    theta = Network((200, 300, 1)).initial(np.random.default_rng(0))
    assert np.std(theta[: 200 * 300]) == pytest.approx(np.sqrt(2 / 200), rel=0.02)
    assert not Network((5, 1)).initial(np.random.default_rng(0)).any()


@pytest.mark.parametrize("network", EVERY, ids=str)
def test_a_used_network_pickles(network, rng):
    network.gradient(np.zeros((3, network.n_parameters)), *draw_rows(rng, network, 6))
    assert pickle.loads(pickle.dumps(network)) == network
