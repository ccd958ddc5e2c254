"""Adapting parameters to tasks: a few gradient steps, or the exact minimum near a centre."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from sklmeta.gradient._network import Network, Tape


class Rows(NamedTuple):
    """Rows of several tasks, padded to one length: padding has weight zero.

    X is (n_tasks, n_rows, n_features), targets (n_tasks, n_rows, n_outputs), weights (n_tasks, n_rows).
    """

    X: np.ndarray
    targets: np.ndarray
    weights: np.ndarray

    def averaged(self) -> Rows:
        """The same rows with weights that sum to one in each task."""
        return self._replace(weights=self.weights / self.weights.sum(axis=1, keepdims=True))


def gradient_steps(
    network: Network, theta: np.ndarray, rates: np.ndarray, rows: Rows, n_steps: int
) -> tuple[np.ndarray, list[tuple[np.ndarray, Tape]]]:
    """Parameters (n_tasks, n_parameters) after steps on each task's weighted loss, and every step's gradient and tape.

    `theta` is (n_tasks, n_parameters), or (1, n_parameters) for a common start; `rates` (n_parameters,).
    """
    steps = []
    for _ in range(n_steps):
        gradient, tape = network.gradient(theta, *rows)
        steps.append((gradient, tape))
        theta = theta - rates * gradient
    return np.broadcast_to(theta, (len(rows.X), theta.shape[1])), steps


def biased_minimum(
    network: Network,
    centre: np.ndarray,
    penalty: np.ndarray | float,
    rows: Rows,
    tol: float | None = None,
    max_iter: int = 100,
) -> np.ndarray:
    """Minimisers (n_tasks, n_parameters) of the weighted loss + penalty / 2 * (theta - centre)^2, summed.

    For convex losses. Newton's method with conjugate gradients and backtracking, all tasks at once.
    `centre` is (n_tasks or 1, n_parameters), `penalty` a number or (n_parameters,); `tol` bounds the gradient's
    norm relative to where it started.
    """
    theta = np.broadcast_to(centre, (len(rows.X), centre.shape[1]))
    tol = tol or 10 * float(np.finfo(theta.dtype).eps) ** 0.75
    limit: np.ndarray | None = None
    for _ in range(max_iter):
        gradient, tape = network.gradient(theta, *rows)
        gradient = gradient + penalty * (theta - centre)
        norm = np.linalg.norm(gradient, axis=1)
        limit = tol * norm if limit is None else limit
        if (norm <= limit).all():
            break
        step = conjugate_gradient(curvature(network, tape, penalty), -gradient)
        moved = _backtracked(network, theta, step, gradient, tape, centre, penalty, rows)
        if (moved == theta).all():  # rounding leaves nothing to gain
            break
        theta = moved
    return theta


def curvature(network: Network, tape: Tape, penalty: np.ndarray | float) -> Callable[[np.ndarray], np.ndarray]:
    """The penalised Hessian as a function on directions (n_tasks, n_parameters)."""
    return lambda direction: network.curvature_product(tape, direction) + penalty * direction


def conjugate_gradient(
    product: Callable[[np.ndarray], np.ndarray], target: np.ndarray, tol: float | None = None
) -> np.ndarray:
    """Solutions (n_tasks, n) of product(solution) = target, one symmetric positive system a task.

    Hestenes and Stiefel's method on all systems at once; those that are solved wait for the others.
    """
    tol = tol or float(np.finfo(target.dtype).eps) ** 0.75
    solution = np.zeros_like(target)
    residual = direction = target
    squared = np.square(residual).sum(axis=1, keepdims=True)
    limit = tol**2 * squared
    for _ in range(2 * target.shape[1] + 10):
        open_ = squared > limit
        if not open_.any():
            break
        pushed = product(direction)
        along = (direction * pushed).sum(axis=1, keepdims=True)
        length = np.divide(squared, along, out=np.zeros_like(squared), where=open_ & (along > 0))
        solution = solution + length * direction
        residual = residual - length * pushed
        previous, squared = squared, np.square(residual).sum(axis=1, keepdims=True)
        ratio = np.divide(squared, previous, out=np.zeros_like(squared), where=previous > 0)
        direction = residual + ratio * direction
    return solution


def _backtracked(
    network: Network,
    theta: np.ndarray,
    step: np.ndarray,
    gradient: np.ndarray,
    tape: Tape,
    centre: np.ndarray,
    penalty: np.ndarray | float,
    rows: Rows,
) -> np.ndarray:
    """The parameters after the longest of 1, 1/2, 1/4 ... steps that lowers each task's objective enough."""

    def objective(moved: np.ndarray, outputs: np.ndarray) -> np.ndarray:
        distance = (penalty * np.square(moved - centre)).sum(axis=1) / 2
        return network.value(outputs, rows.targets, rows.weights) + distance

    before = objective(theta, tape.outputs)
    slope = (step * gradient).sum(axis=1)
    slack = 10 * np.finfo(theta.dtype).eps * np.abs(before)
    length = np.ones_like(before)
    for _ in range(40):
        moved = theta + length[:, None] * step
        high = objective(moved, network.outputs(moved, rows.X)) > before + 1e-4 * length * slope + slack
        if not high.any():
            return moved
        length[high] /= 2
    return np.where(high[:, None], theta, moved)
