"""Prices in a city (or market) never seen, from a few of its rows, after learning across the others.

    python benchmarks/gradient_groups.py --runs runs/groups.jsonl --corpus CORPUS

`CORPUS` is a folder with ``train/texas_housing.parquet`` and ``train/india_onion_price.parquet``. In both a
column names the group, which has a level and trends of its own: 46 Texan cities of some 170 months of house
prices, and 81 Indian markets of 20 to 150 months of onion prices. A seed draws two thirds of the groups to
learn from; the others are test tasks.
"""

from __future__ import annotations

from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from gradient_common import arguments, run_missing
from sklearn.ensemble import RandomForestRegressor
from sklearn.linear_model import Ridge, RidgeCV
from sklearn.metrics import r2_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sklmeta.gradient import MetaLinearRegressor, MetaMLPRegressor, meta_train

SHOTS = (5, 10, 20)
LINEAR = {"model": "linear", "max_iter": 300}
MLP = {"model": "mlp", "max_iter": 1500}
LEARNED: dict[str, dict[str, Any]] = {
    "linear imaml": {**LINEAR, "algorithm": "imaml"},
    "linear average": {**LINEAR, "algorithm": "average"},
    "linear transfer": {**LINEAR, "algorithm": "transfer"},
    "mlp maml": {**MLP, "algorithm": "maml"},
    "mlp meta-sgd": {**MLP, "algorithm": "meta-sgd"},
    "mlp reptile": {**MLP, "algorithm": "reptile", "inner_rate": 0.01},
}
SCRATCH = ("ridge", "forest", "mlp", "mean")
POOLED = ("pooled ridge", "pooled forest", "pooled forest, shifted")

Task = tuple[np.ndarray, np.ndarray]


def texas(corpus: Path) -> list[Task]:
    """House prices of 46 cities, by year, month, and logarithms of sales and listings."""
    frame = pd.read_parquet(corpus / "train" / "texas_housing.parquet").dropna()
    frame[["sales", "listings"]] = np.log1p(frame[["sales", "listings"]])
    return _groups(frame, "city", ["year", "month", "sales", "listings", "inventory"])


def onions(corpus: Path) -> list[Task]:
    """Onion prices of 81 markets, by year, season, and logarithm of quantity."""
    frame = pd.read_parquet(corpus / "train" / "india_onion_price.parquet").dropna()
    months = pd.to_datetime(frame["month"].astype(str).str.strip(), format="%B").dt.month
    frame["cos"], frame["sin"] = np.cos(months * np.pi / 6), np.sin(months * np.pi / 6)
    frame["quantity"] = np.log1p(frame["quantity"])
    return _groups(frame, "market", ["year", "cos", "sin", "quantity"])


def _groups(frame: pd.DataFrame, group: str, columns: list[str]) -> list[Task]:
    parts = (part for _, part in frame.groupby(group, observed=True) if len(part) >= 40)
    return [(part[columns].to_numpy(float), part["target"].to_numpy(float)) for part in parts]


DATA = {"texas_housing": texas, "india_onion_price": onions}


def measure(data: str, method: str, n_shots: int, seed: int) -> dict[str, Any]:
    tasks = DATA[data](CORPUS)
    order = np.random.default_rng(seed).permutation(len(tasks))
    n_train = 2 * len(tasks) // 3
    train = [tasks[i] for i in order[:n_train]]
    try:
        predict = learner(method, train, n_shots, seed)
    except ValueError as error:
        if "training diverged" not in str(error):
            raise
        return {"r2": np.nan, "r2_within_median": np.nan, "n_test_groups": 0}
    rng = np.random.default_rng(1000 + seed)
    scores, truth, predictions = [], [], []
    for X, y in (tasks[i] for i in order[n_train:]):
        rows = rng.permutation(len(y))
        support, query = rows[:n_shots], rows[n_shots:]
        predicted = predict(X[support], y[support], X[query])
        scores.append(r2_score(y[query], predicted))
        truth.append(y[query])
        predictions.append(predicted)
    overall = r2_score(np.concatenate(truth), np.concatenate(predictions))
    return {"r2": float(overall), "r2_within_median": float(np.median(scores)), "n_test_groups": len(scores)}


def learner(method: str, train: list[Task], n_shots: int, seed: int) -> Any:
    """A function of support rows and query rows that predicts the query's targets."""
    if method in LEARNED:
        options = LEARNED[method]
        init = meta_train(train, n_shots=n_shots, random_state=seed, **options)
        kind = MetaMLPRegressor if options["model"] == "mlp" else MetaLinearRegressor
        return lambda X, y, X_query: kind(init=init).fit(X, y).predict(X_query)
    if method in POOLED:
        return _pooled(method, train)
    models = {
        "ridge": make_pipeline(StandardScaler(), RidgeCV(np.logspace(-3, 3, 13))),
        "forest": RandomForestRegressor(random_state=0),
        "mlp": MetaMLPRegressor(random_state=0),
    }
    if method == "mean":
        return lambda X, y, X_query: np.full(len(X_query), y.mean())
    return lambda X, y, X_query: models[method].fit(X, y).predict(X_query)


def _pooled(method: str, train: list[Task]) -> Any:
    """One model of all groups' rows; "shifted" by its mean error on the support."""
    X_all, y_all = (np.concatenate(parts) for parts in zip(*train, strict=True))
    model: Any = RandomForestRegressor(random_state=0, min_samples_leaf=3)
    if method == "pooled ridge":
        model = make_pipeline(StandardScaler(), Ridge())
    model.fit(X_all, y_all)
    if not method.endswith("shifted"):
        return lambda X, y, X_query: model.predict(X_query)
    return lambda X, y, X_query: model.predict(X_query) + np.mean(y - model.predict(X))


if __name__ == "__main__":
    given = arguments(__doc__.splitlines()[0], corpus="folder of the corpus")
    CORPUS = given.corpus
    settings = (
        {"data": data, "method": method, "n_shots": n_shots, "seed": seed}
        for seed, data, n_shots, method in product(range(given.seeds), DATA, SHOTS, (*LEARNED, *SCRATCH, *POOLED))
    )
    run_missing(given.runs, settings, measure)
