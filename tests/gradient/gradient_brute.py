"""Slow, obvious counterparts: one task at a time, gradients by central differences."""

import numpy as np

LOSSES = {
    "squared_error": lambda f, y: (f[0] - y[0]) ** 2,
    "logistic": lambda f, y: np.log1p(np.exp(-y[0] * f[0])),
    "softmax": lambda f, y: np.log(np.exp(f).sum()) - (f * y).sum(),
    "squared_hinge": lambda f, y: sum(max(0.0, 1 - y[k] * f[k]) ** 2 for k in range(len(f))),
    "squared_epsilon_insensitive": lambda f, y: max(0.0, abs(f[0] - y[0]) - 0.1) ** 2,
}
ACTIVATIONS = {"tanh": np.tanh, "relu": lambda z: np.maximum(z, 0)}


def loss(network, theta, X, targets, weights):
    """Weighted sum of one task's losses, row by row."""
    total = 0.0
    for x, y, weight in zip(X, targets, weights, strict=True):
        start, rows = 0, x
        for layer, (fan_in, fan_out) in enumerate(zip(network.sizes[:-1], network.sizes[1:], strict=True)):
            W = theta[start : start + fan_in * fan_out].reshape(fan_in, fan_out)
            start += fan_in * fan_out
            rows = (ACTIVATIONS[network.activation](rows) if layer else rows) @ W
            if network.intercepts:
                rows = rows + theta[start : start + fan_out]
                start += fan_out
        total += weight * LOSSES[network.loss](rows, y)
    return total


def derivative(function, at, step=1e-6):
    """Central differences of a function of a vector."""
    return np.array([(function(at + unit) - function(at - unit)) / (2 * step) for unit in step * np.eye(len(at))])


def gradient(network, theta, X, targets, weights):
    return derivative(lambda moved: loss(network, moved, X, targets, weights), theta)


def adapted(network, theta, rates, X, targets, weights, n_steps):
    """Parameters after gradient steps on the weighted mean loss."""
    for _ in range(n_steps):
        theta = theta - rates * gradient(network, theta, X, targets, weights / weights.sum())
    return theta
