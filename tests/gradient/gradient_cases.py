"""Networks and random rows that the tests of gradients share."""

import numpy as np

from sklmeta.gradient._adaptation import Rows
from sklmeta.gradient._meta_gradients import Batch, Meta
from sklmeta.gradient._network import Network


def draw_rows(rng, network, n_rows, n_tasks=3):
    k = network.sizes[-1]
    X = rng.normal(size=(n_tasks, n_rows, network.sizes[0]))
    if network.loss == "softmax":
        targets = np.eye(k)[rng.integers(k, size=(n_tasks, n_rows))]
    elif network.loss in ("logistic", "squared_hinge"):
        targets = rng.choice([-1.0, 1.0], size=(n_tasks, n_rows, k))
    else:
        targets = rng.normal(size=(n_tasks, n_rows, k))
    return Rows(X, targets, rng.uniform(0.5, 1.5, size=(n_tasks, n_rows)))


def draw_batch(rng, network):
    return Batch(draw_rows(rng, network, 6), draw_rows(rng, network, 7))


def draw_meta(rng, network):
    P = network.n_parameters
    return Meta(0.5 * rng.normal(size=P), rng.uniform(0.01, 0.1, size=P), 0.3)


LINEAR = [
    Network((4, 1)),
    Network((4, 1), intercepts=False),
    Network((4, 1), loss="logistic"),
    Network((4, 3), loss="softmax"),
]
SVM = [
    Network((4, 1), loss="squared_hinge"),
    Network((4, 3), loss="squared_hinge"),
    Network((4, 1), loss="squared_epsilon_insensitive"),
]
MLP = [
    Network((4, 5, 1), "tanh"),
    Network((4, 5, 3, 1), "tanh", loss="logistic"),
    Network((4, 5, 4, 3), "tanh", loss="softmax"),
]
