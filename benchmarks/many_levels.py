r"""What it brings that categories of many levels leave as the mean target, too.

    python benchmarks/many_levels.py CORPUS/train [--rows 6000]

Tables with a category of more than 30 levels, of two classes or of numbers, cut to so many rows; the first good
practice of every base estimator, three folds, behind its own preparation with and without means; change of the error
(1 - ROC AUC, or RMSE) of each, of the plain mean of all, and of that where only those see means that do in a search, in
%, with a bootstrap interval over tables.
"""

from __future__ import annotations

import argparse
import warnings

import numpy as np
import pandas as pd
from _report import markdown_table, with_interval
from sklearn.base import clone
from sklearn.metrics import roc_auc_score, root_mean_squared_error
from sklearn.model_selection import KFold, StratifiedKFold, cross_val_predict

from sklmeta.catalogue import build_estimator, catalogue, is_offered
from sklmeta.datasets import Dataset, read_folder, subsample
from sklmeta.evaluation import with_random_state
from sklmeta.preprocessing import TabularPreprocessor, plain_table, target_of

MANY = TabularPreprocessor().max_levels


def qualifies(dataset: Dataset, task_type: str) -> bool:
    """Whether a category has many levels, and the target a mean."""
    levels = [column.nunique() for _, column in plain_table(dataset.X).items() if column.dtype == object]
    return max(levels, default=0) > MANY and (task_type == "regression" or pd.Series(dataset.y).nunique() == 2)


def errors(X: pd.DataFrame, y: np.ndarray, task_type: str) -> pd.DataFrame:
    """By member, and of the mean of all: the error without and with means."""
    classes = task_type == "classification"
    folds = (StratifiedKFold if classes else KFold)(3, shuffle=True, random_state=0)
    predictions: dict[str, dict[str, np.ndarray]] = {"without": {}, "with": {}}
    for name, entry in catalogue(task_type).items():
        configuration = entry.configurations(2)[-1]
        if not is_offered(configuration, task_type, len(y)):
            continue
        model = with_random_state(build_estimator(configuration, task_type, probabilities=True), 0)
        for which, target in (("without", None), ("with", target_of(entry.estimator))):
            asked = clone(model).set_params(preprocess__target=target)
            found = cross_val_predict(asked, X, y, cv=folds, method="predict_proba" if classes else "predict")
            predictions[which][name] = found[:, 1] if classes else found
    plain, means = predictions.values()
    today = [(means if entry.target_means else plain).get(name) for name, entry in catalogue(task_type).items()]
    for found in (plain, means):
        found["mean of all"] = np.mean(list(found.values()), axis=0)
    plain["the same, as in a search"] = plain["mean of all"]
    means["the same, as in a search"] = np.mean([p for p in today if p is not None], axis=0)
    error = (lambda p: 1 - roc_auc_score(y, p)) if classes else (lambda p: root_mean_squared_error(y, p))
    return pd.DataFrame({which: {n: error(p) for n, p in found.items()} for which, found in predictions.items()})


def main() -> None:
    """Print a table a task type."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder")
    parser.add_argument("--rows", type=int, default=6000)
    args = parser.parse_args()
    warnings.simplefilter("ignore")
    for task_type in ("classification", "regression"):
        changes = {}
        for dataset in read_folder(args.folder, task_type=task_type):
            y = np.asarray(dataset.y)
            if qualifies(dataset, task_type):
                y = pd.factorize(pd.Series(y).astype(str), sort=True)[0] if task_type == "classification" else y
                X, y = subsample(dataset.X, y, args.rows, stratify=task_type == "classification", seed=0)
                found = errors(X, y, task_type)
                changes[dataset.name] = 100 * np.log(found["with"] / found["without"])
                print(dataset.name, f"{changes[dataset.name]['mean of all']:.1f}", flush=True)
        table = pd.DataFrame(changes)
        rows = [
            [name, row.notna().sum(), with_interval(row.dropna().to_numpy(), 1), f"{row.median():.1f}",
             f"{(row < -1).sum()} / {(row > 1).sum()}"]
            for name, row in table.iterrows()
        ]  # fmt: skip
        print(f"\n**{task_type}**, change of the error, %\n")
        print(markdown_table(["member", "tables", "mean", "median", "better / worse by more than 1 %"], rows))


if __name__ == "__main__":
    main()
