"""Few-shot sinusoid regression (Finn et al. 2017): test error after five inner steps.

python benchmarks/gradient_sinusoid.py --runs runs/sinusoid.jsonl
"""

from __future__ import annotations

import time
from itertools import product
from typing import Any

import numpy as np
from gradient_common import arguments, run_missing

from sklmeta.gradient import Episode, MetaMLPRegressor, meta_train

METHODS = ("maml", "meta-sgd", "fomaml", "reptile", "transfer", "scratch")
N_TEST_TASKS, N_TEST_QUERY, N_TRAIN_QUERY = 1000, 100, 10
STEPS = (1, 5, 10)


def sinusoid(rng: np.random.Generator, n_support: int, n_query: int) -> Episode:
    """A sine of amplitude 0.1 to 5 and phase 0 to pi, on inputs from -5 to 5."""
    amplitude, phase = rng.uniform(0.1, 5), rng.uniform(0, np.pi)
    X = rng.uniform(-5, 5, size=(n_support + n_query, 1))
    y = amplitude * np.sin(X[:, 0] - phase)
    return Episode(X[:n_support], y[:n_support], X[n_support:], y[n_support:])


def measure(method: str, n_shots: int, seed: int) -> dict[str, Any]:
    began, cpu = time.perf_counter(), time.process_time()
    init = None
    if method != "scratch":
        init = meta_train(
            lambda rng: sinusoid(rng, n_shots, N_TRAIN_QUERY),
            model="mlp",
            algorithm=method,
            hidden_layer_sizes=(40, 40),
            random_state=seed,
        )
    result: dict[str, Any] = {
        "train_seconds": round(time.perf_counter() - began, 1),
        "train_cpu_seconds": round(time.process_time() - cpu, 1),
    }
    rng = np.random.default_rng(1000 + seed)
    n_tasks = N_TEST_TASKS if init is not None else N_TEST_TASKS // 5  # 300 steps each take their time
    tasks = [sinusoid(rng, n_shots, N_TEST_QUERY) for _ in range(n_tasks)]
    for n_steps in STEPS if init is not None else (None,):
        errors = [squared_error(MetaMLPRegressor(init=init, n_steps=n_steps, random_state=seed), t) for t in tasks]
        result[f"mse_{n_steps or 'scratch'}"] = float(np.mean(errors))
    return result


def squared_error(model: MetaMLPRegressor, task: Episode) -> float:
    predicted = model.fit(task.X_support, task.y_support).predict(task.X_query)
    return float(np.mean((predicted - task.y_query) ** 2))


if __name__ == "__main__":
    given = arguments(__doc__.splitlines()[0])
    settings = (
        {"method": method, "n_shots": n_shots, "seed": seed}
        for seed, n_shots, method in product(range(given.seeds), (5, 10), METHODS)
    )
    run_missing(given.runs, settings, measure)
