"""Losses of one row: their value, gradient and curvature with respect to the network's outputs.

Outputs and targets have shape (n_tasks, n_rows, n_outputs). A classifier of two classes has one output and
targets -1 and +1; of more, one output a class, with one-hot targets (softmax) or -1 and +1 (squared hinge).
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import NamedTuple

import numpy as np
from scipy.special import expit, log_softmax, softmax

Kernel = Callable[..., np.ndarray]


class Loss(NamedTuple):
    """Three functions of (outputs, targets); `curvature` takes a direction as well.

    `value` has shape (n_tasks, n_rows); `gradient` and `curvature` (the Hessian times the direction) have
    the shape of the outputs.
    """

    value: Kernel
    gradient: Kernel
    curvature: Kernel


def make_loss(name: str, epsilon: float = 0.1) -> Loss:
    """The loss of that name; `epsilon` is the width of the insensitive zone of support vector regression."""
    if name == "squared_epsilon_insensitive":
        kernels = (_insensitive, _insensitive_gradient, _insensitive_curvature)
        return Loss(*(partial(kernel, epsilon=epsilon) for kernel in kernels))
    return LOSSES[name]


def _squared_error(outputs: np.ndarray, targets: np.ndarray) -> np.ndarray:
    return np.square(outputs - targets).sum(axis=-1)


def _squared_error_gradient(outputs: np.ndarray, targets: np.ndarray) -> np.ndarray:
    return 2 * (outputs - targets)


def _squared_error_curvature(outputs: np.ndarray, targets: np.ndarray, direction: np.ndarray) -> np.ndarray:
    return 2 * direction


def _logistic(outputs: np.ndarray, targets: np.ndarray) -> np.ndarray:
    return np.logaddexp(0, -targets * outputs).sum(axis=-1)


def _logistic_gradient(outputs: np.ndarray, targets: np.ndarray) -> np.ndarray:
    return -targets * expit(-targets * outputs)


def _logistic_curvature(outputs: np.ndarray, targets: np.ndarray, direction: np.ndarray) -> np.ndarray:
    return expit(outputs) * expit(-outputs) * direction


def _softmax(outputs: np.ndarray, targets: np.ndarray) -> np.ndarray:
    return -(targets * log_softmax(outputs, axis=-1)).sum(axis=-1)


def _softmax_gradient(outputs: np.ndarray, targets: np.ndarray) -> np.ndarray:
    # a padded row has all-zero targets: its weight is zero, so the value here does not matter
    return softmax(outputs, axis=-1) - targets


def _softmax_curvature(outputs: np.ndarray, targets: np.ndarray, direction: np.ndarray) -> np.ndarray:
    probabilities = softmax(outputs, axis=-1)
    return probabilities * (direction - (probabilities * direction).sum(axis=-1, keepdims=True))


def _squared_hinge(outputs: np.ndarray, targets: np.ndarray) -> np.ndarray:
    return np.square(np.maximum(1 - targets * outputs, 0)).sum(axis=-1)


def _squared_hinge_gradient(outputs: np.ndarray, targets: np.ndarray) -> np.ndarray:
    return -2 * targets * np.maximum(1 - targets * outputs, 0)


def _squared_hinge_curvature(outputs: np.ndarray, targets: np.ndarray, direction: np.ndarray) -> np.ndarray:
    return 2 * direction * (targets * outputs < 1)


def _excess(outputs: np.ndarray, targets: np.ndarray, epsilon: float) -> np.ndarray:
    residuals = outputs - targets
    return np.sign(residuals) * np.maximum(np.abs(residuals) - epsilon, 0)


def _insensitive(outputs: np.ndarray, targets: np.ndarray, epsilon: float) -> np.ndarray:
    return np.square(_excess(outputs, targets, epsilon)).sum(axis=-1)


def _insensitive_gradient(outputs: np.ndarray, targets: np.ndarray, epsilon: float) -> np.ndarray:
    return 2 * _excess(outputs, targets, epsilon)


def _insensitive_curvature(
    outputs: np.ndarray, targets: np.ndarray, direction: np.ndarray, epsilon: float
) -> np.ndarray:
    return 2 * direction * (_excess(outputs, targets, epsilon) != 0)


LOSSES = {
    "squared_error": Loss(_squared_error, _squared_error_gradient, _squared_error_curvature),
    "logistic": Loss(_logistic, _logistic_gradient, _logistic_curvature),
    "softmax": Loss(_softmax, _softmax_gradient, _softmax_curvature),
    "squared_hinge": Loss(_squared_hinge, _squared_hinge_gradient, _squared_hinge_curvature),
}
