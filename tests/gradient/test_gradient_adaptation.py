import gradient_brute as brute
import numpy as np
import pytest
from gradient_cases import LINEAR, MLP, SVM, draw_rows

from sklmeta.gradient._adaptation import (
    adam_steps,
    biased_minimum,
    conjugate_gradient,
    gradient_steps,
    precision_blocks,
    uniform_penalty,
)
from sklmeta.gradient._network import Network


def test_conjugate_gradients_solve_every_system(rng):
    factors = rng.normal(size=(4, 12, 12))
    systems = factors @ factors.swapaxes(1, 2) + 0.1 * np.eye(12)
    targets = rng.normal(size=(4, 12))
    targets[2] = 0
    solutions = conjugate_gradient(lambda v: np.einsum("tij,tj->ti", systems, v), targets)
    np.testing.assert_allclose(solutions, np.linalg.solve(systems, targets[..., None])[..., 0], rtol=1e-7)


def test_biased_ridge_equals_its_closed_form(rng):
    network = Network((6, 1), intercepts=False)
    rows = draw_rows(rng, network, 10)
    centre, strength = rng.normal(size=6), 0.7
    found = biased_minimum(network, centre[None], uniform_penalty(strength), rows)
    for i in range(3):
        X, y, w = rows.X[i], rows.targets[i, :, 0], rows.weights[i]
        hessian = 2 * (X.T * w) @ X + strength * np.eye(6)
        expected = np.linalg.solve(hessian, 2 * X.T @ (w * y) + strength * centre)
        np.testing.assert_allclose(found[i], expected, rtol=1e-8)


@pytest.mark.parametrize("network", LINEAR + SVM, ids=str)
def test_at_the_minimum_the_penalised_gradient_vanishes(network, rng):
    rows = draw_rows(rng, network, 8)
    centre = 5 * rng.normal(size=(1, network.n_parameters))
    found = biased_minimum(network, centre, uniform_penalty(0.01), rows)
    gradient = network.gradient(found, *rows)[0] + 0.01 * (found - centre)
    start = network.gradient(np.tile(centre, (3, 1)), *rows)[0]
    assert np.abs(gradient).max() < 1e-8 * np.abs(start).max()


def test_gradient_steps_equal_one_task_at_a_time(rng):
    network = MLP[2]
    rows = draw_rows(rng, network, 5)
    theta, rates = rng.normal(size=network.n_parameters), rng.uniform(size=network.n_parameters)
    found, steps = gradient_steps(network, theta[None], rates, rows.averaged(), 2)
    assert len(steps) == 2
    for i in range(3):
        expected = brute.adapted(network, theta, rates, rows.X[i], rows.targets[i], rows.weights[i], 2)
        np.testing.assert_allclose(found[i], expected, rtol=1e-6, atol=1e-8)


def test_no_step_leaves_every_task_at_the_start(rng):
    network = MLP[0]
    theta = rng.normal(size=network.n_parameters)
    found, steps = gradient_steps(network, theta[None], np.ones_like(theta), draw_rows(rng, network, 5), 0)
    assert steps == []
    np.testing.assert_array_equal(found, np.tile(theta, (3, 1)))


def test_adam_s_first_step_has_the_length_of_its_rate(rng):
    network = MLP[0]
    theta = rng.normal(size=(3, network.n_parameters))
    rows = draw_rows(rng, network, 5)
    moved = adam_steps(network, theta, np.full(network.n_parameters, 0.01), rows, 1)
    signs = np.sign(network.gradient(theta, *rows)[0])
    np.testing.assert_allclose(theta - moved, 0.01 * signs, rtol=1e-4)


@pytest.mark.parametrize("network", [LINEAR[0], LINEAR[2], SVM[1], LINEAR[1]], ids=str)
def test_precision_blocks_are_the_diagonal_blocks_of_the_hessian(network, rng):
    rows = draw_rows(rng, network, 9, n_tasks=1)
    theta = rng.normal(size=network.n_parameters)
    _, tape = network.gradient(theta[None], *rows)
    hessian = network.curvature_product(tape, np.eye(network.n_parameters))
    blocks = precision_blocks(network, theta, rows)
    n_outputs, n_inputs, _ = blocks.shape
    for c in range(n_outputs):
        own = np.arange(n_inputs) * n_outputs + c
        np.testing.assert_allclose(blocks[c], hessian[np.ix_(own, own)], rtol=1e-10)
