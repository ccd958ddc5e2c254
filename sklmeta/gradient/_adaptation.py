"""Adapting parameters to tasks: a few gradient steps, or the exact minimum near a centre."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from sklmeta.gradient._network import Network, Tape

# A quadratic pull towards a centre: its Hessian's product with directions (n_tasks, n_parameters)
Penalty = Callable[[np.ndarray], np.ndarray]


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


class Adam:
    """Direction of Adam's step [1]_, for arrays or numbers.

    References
    ----------
    .. [1] D. P. Kingma, J. Ba (2015). Adam: a method for stochastic optimization. ICLR.
    """

    def __init__(self) -> None:
        self.n, self.mean, self.square = 0, 0.0, 0.0

    def direction(self, gradient: Any) -> Any:
        """What to subtract, times the rate."""
        self.n += 1
        self.mean = 0.9 * self.mean + 0.1 * gradient
        self.square = 0.999 * self.square + 0.001 * np.square(gradient)
        scale = np.sqrt(self.square / (1 - 0.999**self.n)) + 1e-8
        return self.mean / (1 - 0.9**self.n) / scale


def adam_steps(network: Network, theta: np.ndarray, rates: np.ndarray, rows: Rows, n_steps: int) -> np.ndarray:
    """Parameters (n_tasks, n_parameters) after full-batch Adam on each task's weighted loss."""
    adam = Adam()
    for _ in range(n_steps):
        theta = theta - rates * adam.direction(network.gradient(theta, *rows)[0])
    return theta


def uniform_penalty(strength: float | np.ndarray) -> Penalty:
    """The pull of strength / 2 * direction^2, of one strength or one a parameter."""
    return lambda direction: strength * direction


def block_penalty(precision: np.ndarray) -> Penalty:
    """The pull of a linear model's precision blocks (n_outputs, n_inputs, n_inputs), one for each output.

    Inputs count the intercept, where there is one, as the last.
    """
    n_outputs, n_inputs, _ = precision.shape

    def product(direction: np.ndarray) -> np.ndarray:
        columns = direction.reshape(-1, n_inputs, n_outputs)
        return np.einsum("tdc,cde->tec", columns, precision).reshape(direction.shape)

    return product


def precision_blocks(network: Network, theta: np.ndarray, rows: Rows) -> np.ndarray:
    """Curvature (n_outputs, n_inputs, n_inputs) of one task's loss at a linear model's parameters (n_parameters,).

    Exact but for softmax, where what couples the classes is left out.
    """
    outputs = network.outputs(theta[None], rows.X)
    X = rows.X[0]
    if network.intercepts:
        X = np.column_stack([X, np.ones(len(X), dtype=X.dtype)])
    blocks = []
    for c in range(outputs.shape[-1]):
        unit = np.zeros_like(outputs)
        unit[..., c] = 1
        bends = network.kernel.curvature(outputs, rows.targets, unit)[0, :, c] * rows.weights[0]
        blocks.append((X * bends[:, None]).T @ X)
    return np.stack(blocks)


def biased_minimum(
    network: Network,
    centre: np.ndarray,
    penalty: Penalty,
    rows: Rows,
    tol: float | None = None,
    max_iter: int = 100,
) -> np.ndarray:
    """Minimisers (n_tasks, n_parameters) of the weighted sum of losses and the pull towards a centre.

    For convex losses. Newton's method with conjugate gradients and backtracking, all tasks at once.
    `centre` is (n_tasks or 1, n_parameters); `tol` bounds the gradient's norm relative to where it started.
    """
    theta = np.broadcast_to(centre, (len(rows.X), centre.shape[1]))
    tol = tol or 10 * float(np.finfo(theta.dtype).eps) ** 0.75
    limit: np.ndarray | None = None
    for _ in range(max_iter):
        gradient, tape = network.gradient(theta, *rows)
        gradient = gradient + penalty(theta - centre)
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


def curvature(network: Network, tape: Tape, penalty: Penalty) -> Callable[[np.ndarray], np.ndarray]:
    """The penalised Hessian as a function on directions (n_tasks, n_parameters)."""
    return lambda direction: network.curvature_product(tape, direction) + penalty(direction)


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
    penalty: Penalty,
    rows: Rows,
) -> np.ndarray:
    """The parameters after the longest of 1, 1/2, 1/4 ... steps that lowers each task's objective enough."""

    def objective(moved: np.ndarray, outputs: np.ndarray) -> np.ndarray:
        distance = moved - centre
        return network.value(outputs, rows.targets, rows.weights) + (penalty(distance) * distance).sum(axis=1) / 2

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
