"""A network for many tasks at once: outputs, gradient, and exact Hessian-vector products.

Without hidden layers it is the linear model, with a hinge loss the support vector machine. Each task has its
own parameters, one flat row of an array (n_tasks, n_parameters); products over tasks are batched matmuls.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np

from sklmeta.gradient._losses import Loss, make_loss

ACTIVATIONS = ("relu", "tanh")

Layer = tuple[np.ndarray, np.ndarray | None]


def layer_sizes(given: Any) -> tuple[int, ...]:
    """Hidden layers' widths as plain integers; a single number is one layer."""
    sizes = np.atleast_1d(np.asarray(given))
    if sizes.size and (sizes.dtype.kind not in "iu" or (sizes < 1).any()):
        raise ValueError(f"hidden_layer_sizes={given!r}: every layer needs at least one unit, a whole number of them.")
    return tuple(int(size) for size in sizes)


class Tape(NamedTuple):
    """What the backward pass saw: enough for Hessian-vector products at the same parameters.

    Lists run over layers. `inputs` are (n_tasks, n_rows, fan_in), `deltas` the loss's derivatives by each
    layer's sums (n_tasks, n_rows, fan_out), `pulled` the deltas pulled back through the weights.
    """

    weights: list[np.ndarray]
    inputs: list[np.ndarray]
    outputs: np.ndarray
    deltas: list[np.ndarray]
    pulled: list[np.ndarray]
    targets: np.ndarray
    row_weights: np.ndarray


@dataclass(frozen=True)
class Network:
    """A fully connected network and its loss, without its parameters.

    Parameters
    ----------
    sizes : tuple of int
        Width of every layer: features, hidden layers, outputs.
    activation : {"relu", "tanh"}, default="relu"
        Of the hidden layers; outputs are linear.
    loss : str, default="squared_error"
        A name of :mod:`sklmeta.gradient._losses`.
    epsilon : float, default=0.1
        Insensitive zone of the loss ``"squared_epsilon_insensitive"``.
    intercepts : bool, default=True
        Whether layers add an intercept.
    """

    sizes: tuple[int, ...]
    activation: str = "relu"
    loss: str = "squared_error"
    epsilon: float = 0.1
    intercepts: bool = True

    @cached_property
    def kernel(self) -> Loss:
        """The loss as functions."""
        return make_loss(self.loss, self.epsilon)

    @cached_property
    def layout(self) -> list[tuple[slice, slice, tuple[int, int]]]:
        """Where each layer's weights and intercepts lie in a flat row, and the weights' shape."""
        layout, start = [], 0
        for fan_in, fan_out in zip(self.sizes[:-1], self.sizes[1:], strict=True):
            middle = start + fan_in * fan_out
            stop = middle + fan_out * self.intercepts
            layout.append((slice(start, middle), slice(middle, stop), (fan_in, fan_out)))
            start = stop
        return layout

    @property
    def n_parameters(self) -> int:
        """Length of a flat row of parameters."""
        return self.layout[-1][1].stop

    @cached_property
    def head(self) -> np.ndarray:
        """Mask (n_parameters,) of the last layer."""
        return np.arange(self.n_parameters) >= self.layout[-1][0].start

    @cached_property
    def intercept_mask(self) -> np.ndarray:
        """Mask (n_parameters,) of the intercepts."""
        mask = np.zeros(self.n_parameters, dtype=bool)
        for _, intercepts, _ in self.layout:
            mask[intercepts] = True
        return mask

    def with_outputs(self, n_outputs: int) -> Network:
        """The same network with another number of outputs."""
        return replace(self, sizes=(*self.sizes[:-1], n_outputs))

    def tiled(self, flat: np.ndarray, n_outputs: int) -> np.ndarray:
        """Parameters (n_parameters,) of this one-output network with the head repeated for every output."""
        weights, _, _ = self.layout[-1]
        head = flat[weights.start :].reshape(-1, 1)  # fan_in rows, then the intercept's
        return np.concatenate([flat[: weights.start], np.repeat(head, n_outputs, axis=1).ravel()])

    def tied(self, flat: np.ndarray, mean: bool = False) -> np.ndarray:
        """The reverse of `tiled`: this network's parameters with each head row summed (or averaged) over outputs.

        The sum is the gradient by a head that all outputs share.
        """
        weights, _, _ = self.layout[-1]
        head = flat[weights.start :].reshape(-1, self.sizes[-1])
        return np.concatenate([flat[: weights.start], head.mean(axis=1) if mean else head.sum(axis=1)])

    def layers(self, theta: np.ndarray) -> Iterator[Layer]:
        """Views of flat parameters (n_tasks, n_parameters): per layer, weights (n_tasks, in, out) and intercepts."""
        for weights, intercepts, shape in self.layout:
            W = theta[:, weights].reshape(len(theta), *shape)
            yield W, theta[:, None, intercepts] if self.intercepts else None

    def initial(self, rng: np.random.Generator) -> np.ndarray:
        """Flat random parameters (n_parameters,): He's or Glorot's normal weights, intercepts at zero.

        A network without hidden layers starts at zero: its loss is convex.
        """
        theta = np.zeros(self.n_parameters)
        for weights, _, (fan_in, fan_out) in self.layout if len(self.sizes) > 2 else []:
            variance = 2 / fan_in if self.activation == "relu" else 2 / (fan_in + fan_out)
            theta[weights] = rng.normal(scale=np.sqrt(variance), size=fan_in * fan_out)
        return theta

    def inputs_and_outputs(self, theta: np.ndarray, X: np.ndarray) -> tuple[list[np.ndarray], np.ndarray]:
        """What enters each layer, and the outputs (n_tasks, n_rows, n_outputs), of X (n_tasks, n_rows, n_features)."""
        inputs: list[np.ndarray] = []
        rows = X
        for W, b in self.layers(theta):
            if inputs:
                rows = np.maximum(rows, 0) if self.activation == "relu" else np.tanh(rows)
            inputs.append(rows)
            rows = rows @ W
            if b is not None:
                rows += b
        return inputs, rows

    def outputs(self, theta: np.ndarray, X: np.ndarray) -> np.ndarray:
        """Outputs (n_tasks, n_rows, n_outputs) of rows X (n_tasks, n_rows, n_features)."""
        return self.inputs_and_outputs(theta, X)[1]

    def value(self, outputs: np.ndarray, targets: np.ndarray, row_weights: np.ndarray) -> np.ndarray:
        """Weighted sum of the rows' losses (n_tasks,); `row_weights` is (n_tasks, n_rows)."""
        return (row_weights * self.kernel.value(outputs, targets)).sum(axis=1)

    def gradient(
        self, theta: np.ndarray, X: np.ndarray, targets: np.ndarray, row_weights: np.ndarray
    ) -> tuple[np.ndarray, Tape]:
        """Gradient (n_tasks, n_parameters) of the weighted sum of losses, and the tape of its computation."""
        inputs, outputs = self.inputs_and_outputs(theta, X)
        weights = [W for W, _ in self.layers(theta)]
        delta = self.kernel.gradient(outputs, targets) * row_weights[:, :, None]
        gradient = np.empty((len(X), self.n_parameters), dtype=delta.dtype)
        deltas, pulled = [delta], list[np.ndarray]()
        for i in reversed(range(len(weights))):
            self._write(gradient, i, inputs[i].swapaxes(1, 2) @ delta, delta)
            if i:
                pull = delta @ weights[i].swapaxes(1, 2)
                delta = pull * self._slope(inputs[i])
                pulled.insert(0, pull)
                deltas.insert(0, delta)
        return gradient, Tape(weights, inputs, outputs, deltas, pulled, targets, row_weights)

    def curvature_product(self, tape: Tape, direction: np.ndarray) -> np.ndarray:
        """Hessian of the weighted sum of losses at the tape's parameters, times `direction` (n_tasks, n_parameters).

        Pearlmutter's R-operator: the gradient's own computation, differentiated along the direction.
        """
        steps = list(self.layers(direction))
        moved, slopes = self._moved(tape, steps)
        delta = self.kernel.curvature(tape.outputs, tape.targets, moved[-1]) * tape.row_weights[:, :, None]
        product = np.empty((len(moved[-1]), self.n_parameters), dtype=delta.dtype)
        for i in reversed(range(len(steps))):
            by_weight = tape.inputs[i].swapaxes(1, 2) @ delta
            if i:
                by_weight += (slopes[i] * moved[i - 1]).swapaxes(1, 2) @ tape.deltas[i]
            self._write(product, i, by_weight, delta)
            if i:
                pull = delta @ tape.weights[i].swapaxes(1, 2) + tape.deltas[i] @ steps[i][0].swapaxes(1, 2)
                delta = pull * slopes[i]
                if self.activation == "tanh":
                    delta -= 2 * tape.pulled[i - 1] * tape.inputs[i] * slopes[i] * moved[i - 1]
        return product

    def _moved(self, tape: Tape, steps: list[Layer]) -> tuple[list[np.ndarray], dict[int, np.ndarray]]:
        """How each layer's sums move along the direction, and the slopes of the activations before layer i."""
        moved: list[np.ndarray] = []
        slopes: dict[int, np.ndarray] = {}
        for i, (V, c) in enumerate(steps):
            move = tape.inputs[i] @ V
            if i:
                slopes[i] = self._slope(tape.inputs[i])
                move = move + (slopes[i] * moved[-1]) @ tape.weights[i]
            moved.append(move if c is None else move + c)
        return moved, slopes

    def _slope(self, activations: np.ndarray) -> np.ndarray:
        return activations > 0 if self.activation == "relu" else 1 - np.square(activations)

    def _write(self, flat: np.ndarray, layer: int, by_weight: np.ndarray, delta: np.ndarray) -> None:
        weights, intercepts, _ = self.layout[layer]
        flat[:, weights] = by_weight.reshape(len(flat), -1)
        if self.intercepts:
            flat[:, intercepts] = delta.sum(axis=1)
