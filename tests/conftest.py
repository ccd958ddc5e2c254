"""Data and knowledge that several test files use: small, so that the tests stay quick."""

import os

# where cores are shared, threads that spin while they wait make small fits take a hundred times longer
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import numpy as np
import pandas as pd
import pytest
from sklearn.datasets import make_classification, make_regression

from sklmeta import Configuration, KnowledgeBase


@pytest.fixture
def binary():
    return make_classification(n_samples=80, n_features=5, n_informative=3, random_state=0)


@pytest.fixture
def three_classes():
    X, y = make_classification(n_samples=90, n_features=5, n_informative=4, n_redundant=0, n_classes=3, random_state=1)
    return X, np.array(["ant", "bee", "cat"])[y]


@pytest.fixture
def quantity():
    return make_regression(n_samples=80, n_features=4, n_informative=3, noise=5.0, random_state=0)


def _knowledge(configurations, task_type, metrics, n_tasks=6):
    """The first configuration is the best on every task, the second the next best, and so on."""
    falling = np.linspace(0.9, 0.5, len(configurations))
    scores = pd.DataFrame([falling - 0.01 * i for i in range(n_tasks)], columns=configurations)
    return KnowledgeBase.from_frames(None, dict.fromkeys(metrics, scores), task_type=task_type)


@pytest.fixture
def knowledge():
    """Of classifiers that fit in no time."""
    configurations = [
        Configuration("logistic_regression", {"C": 0.5, "class_weight": None}),
        Configuration("svc", {"C": 10.0, "kernel": "rbf", "gamma": "scale", "class_weight": None}),
        Configuration("svc", {"C": 2.0, "kernel": "linear", "class_weight": None}),
        Configuration("gaussian_nb", {"var_smoothing": 1e-6}),
        Configuration("logistic_regression", {"C": 20.0, "class_weight": "balanced"}),
        Configuration("k_neighbors", {"n_neighbors": 7, "weights": "distance", "p": 1}),
    ]
    return _knowledge(configurations, "classification", ["accuracy", "neg_log_loss"])


@pytest.fixture
def regression_knowledge():
    configurations = [
        Configuration("ridge", {"alpha": 3.0}),
        Configuration("ridge", {"alpha": 30.0}),
        Configuration("k_neighbors", {"n_neighbors": 4, "weights": "distance", "p": 2}),
    ]
    return _knowledge(configurations, "regression", ["r2"])
