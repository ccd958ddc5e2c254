"""Small made-up knowledge that several tests share."""

import numpy as np
import pandas as pd

from sklmeta import Configuration, KnowledgeBase
from sklmeta.knowledge import JointErrors

ESTIMATORS = ("svc", "random_forest", "k_neighbors")


def made_up_configurations(n):
    return [Configuration(ESTIMATORS[j % 3], {"p": float(j)}) for j in range(n)]


def made_up_frames(n_tasks=12, n_configurations=9, n_meta_features=4, seed=0):
    """Meta-features and scores without ties; tasks that are near each other have similar scores."""
    rng = np.random.default_rng(seed)
    tasks = [f"task{i}" for i in range(n_tasks)]
    M = rng.normal(size=(n_tasks, n_meta_features))
    taste = rng.normal(size=(n_meta_features, n_configurations))
    Y = 0.7 + 0.05 * (M @ taste) + 0.02 * rng.normal(size=(n_tasks, n_configurations))
    meta_features = pd.DataFrame(M, index=tasks, columns=["log_rows", *(f"m{k}" for k in range(1, n_meta_features))])
    return meta_features, pd.DataFrame(Y, index=tasks, columns=made_up_configurations(n_configurations))


def made_up_knowledge(n_tasks=12, n_configurations=9, **kwargs):
    meta_features, scores = made_up_frames(n_tasks, n_configurations, **kwargs)
    seconds = np.outer(np.exp(meta_features["log_rows"]), 1.0 + np.arange(n_configurations))
    return KnowledgeBase(
        list(scores.index),
        list(scores.columns),
        {"accuracy": scores.to_numpy()},
        meta_features=meta_features,
        fit_seconds=seconds,
        task_type="classification",
    )


def rich_knowledge():
    """A bit of everything: two metrics, errors, seconds, a timeout, a failure, gaps, families, provenance."""
    rng = np.random.default_rng(1)
    status = np.array([[1, 1, 2], [1, 3, 1], [0, 1, 1], [1, 1, 1]])
    accuracy = np.where(status == 1, rng.uniform(0.5, 1, size=status.shape), np.nan)
    configurations = [Configuration("svc", {"C": 1.0}), Configuration("mlp", {"layers": (8, 8)}), Configuration("lda")]
    products = [[[0.4, np.nan], [np.nan, 0.5]], [[0.2, 0.1], [0.1, 0.3]]]
    return KnowledgeBase(
        ["a", "b", "c", ("d", 1)],
        configurations,
        {"accuracy": accuracy, "neg_log_loss": -3 * accuracy},
        status=status,
        meta_features=pd.DataFrame({"log_rows": [5.0, 6.0, np.nan, 8.0], 7: [1.0, 2.0, 3.0, 4.0]}),
        standard_errors={"accuracy": accuracy / 50},
        fit_seconds=np.where(status == 1, rng.uniform(0.01, 5, size=status.shape), np.nan),
        score_seconds=np.where(status == 1, 0.01, np.nan),
        families=["one", "two", "two", ("d", 0)],
        reasons={("a", configurations[2]): "over 60 s", ("b", configurations[1]): "ValueError: no"},
        provenance={"a": {"from": "a paper"}},
        joint_errors=JointErrors(["a", "c"], configurations[:2], products),
        task_type="classification",
        info={"cv": 3},
    )
