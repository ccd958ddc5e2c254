"""Linear tasks around a common centre (Denevi et al. 2018, 2019): excess risk against the number of tasks.

    python benchmarks/gradient_linear.py --runs runs/linear.jsonl

Each task is y = x . w + noise, x uniform on the unit sphere of 30 dimensions, w normal around a centre that
has every coordinate at 4, noise of deviation 0.2. A task of training has 20 rows, one of test 10. The excess
risk of an estimate is its mean squared distance to x . w. The oracle knows the centre and the best strength;
independent learning gets the strength that turns out best on the test tasks. "online" meta-trains on the first five
tasks by imaml, and takes each later one in by `MetaInit.update`.
"""

from __future__ import annotations

from itertools import product
from typing import Any

import numpy as np
from gradient_common import arguments, run_missing
from sklearn.linear_model import Ridge

from sklmeta.gradient import MetaInit, MetaLinearRegressor, meta_train

DIMENSION, CENTRE, SPREAD, NOISE = 30, 4.0, 1.0, 0.2
TRAIN_ROWS, TEST_ROWS, N_TEST_TASKS = 20, 10, 500
N_TASKS = (5, 10, 25, 50, 100, 200, 400)
METHODS = ("imaml", "average", "transfer", "maml", "online")
N_FIRST = 5  # tasks that online learning starts from
STRENGTHS = np.logspace(-4, 2, 13)


def draw(rng: np.random.Generator, n_rows: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Rows, targets and true weights of a task."""
    w = CENTRE + SPREAD * rng.normal(size=DIMENSION)
    X = rng.normal(size=(n_rows, DIMENSION))
    X /= np.linalg.norm(X, axis=1, keepdims=True)
    return X, X @ w + NOISE * rng.normal(size=n_rows), w


def excess_risk(coef: np.ndarray, intercept: float, w: np.ndarray) -> float:
    """Mean squared distance to the true function over the sphere."""
    return float(np.square(coef - w).sum() / DIMENSION + intercept**2)


def oracle(X: np.ndarray, y: np.ndarray) -> np.ndarray:
    """The best estimate that knows the centre, the spread and the noise."""
    centre = np.full(DIMENSION, CENTRE)
    ridge = Ridge(alpha=(NOISE / SPREAD) ** 2, fit_intercept=False)
    return centre + ridge.fit(X, y - X @ centre).coef_


def measure(method: str, n_tasks: int, seed: int) -> dict[str, Any]:
    rng = np.random.default_rng(seed)
    train = [draw(rng, TRAIN_ROWS)[:2] for _ in range(max(N_TASKS))][:n_tasks]
    rng = np.random.default_rng(1000 + seed)
    test = [draw(rng, TEST_ROWS) for _ in range(N_TEST_TASKS)]
    if method == "oracle":
        return {"excess_risk": float(np.mean([excess_risk(oracle(X, y), 0.0, w) for X, y, w in test]))}
    if method == "independent":
        return {"excess_risk": min(_risk(Ridge(alpha=alpha), test) for alpha in STRENGTHS)}
    init = _online(train, seed) if method == "online" else _offline(train, method, seed)
    return {"excess_risk": _risk(MetaLinearRegressor(init=init), test), "regularization": init.regularization}


def _offline(train: list[tuple[np.ndarray, np.ndarray]], method: str, seed: int) -> MetaInit:
    return meta_train(train, model="linear", algorithm=method, random_state=seed)


def _online(train: list[tuple[np.ndarray, np.ndarray]], seed: int) -> MetaInit:
    """A few tasks at once, then one update a task."""
    init = _offline(train[:N_FIRST], "imaml", seed)
    for task in train[N_FIRST:]:
        init = init.update(task, random_state=seed)
    return init


def _risk(model: Any, test: list[tuple[np.ndarray, np.ndarray, np.ndarray]]) -> float:
    fitted = ((model.fit(X, y), w) for X, y, w in test)
    return float(np.mean([excess_risk(m.coef_, m.intercept_, w) for m, w in fitted]))


if __name__ == "__main__":
    given = arguments(__doc__.splitlines()[0])
    settings = [
        {"method": method, "n_tasks": n_tasks, "seed": seed}
        for seed, n_tasks, method in product(range(given.seeds), N_TASKS, METHODS)
    ]
    fixed = [
        {"method": method, "n_tasks": 0, "seed": seed}
        for seed, method in product(range(given.seeds), ("oracle", "independent"))
    ]
    run_missing(given.runs, fixed + settings, measure)
