"""What to make of a search's candidates: one model, an average of some, or a model over them; on held-out rows.

    python benchmarks/ensembling.py run DIR --out FOLDER [--tasks 16] [--max-rows 1500] [--seed 0]
    python benchmarks/ensembling.py report FOLDER

DIR has an ``index.csv`` and one ``<name>.parquet`` a dataset, as in ``holdout.py``. Of its datasets, ``--tasks`` are
drawn by the seed, half of each task type, half of those with fewer than 500 training rows. On each, the first 15
recommended configurations (its family left out of the knowledge) predict out of fold, refitted, and as fold models;
all of that is kept in FOLDER, and finished datasets are not repeated. `report` builds every kind of model from the
out-of-fold predictions and scores it on the held-out quarter: ROC AUC for two classes, log loss for more, RMSE for
numbers.
"""

from __future__ import annotations

import argparse
import time
import warnings
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
from holdout import SCORING, Job
from sklearn.base import clone
from sklearn.model_selection import KFold, StratifiedKFold
from threadpoolctl import threadpool_limits

from sklmeta import MetaClassifier, MetaRegressor, load_knowledge
from sklmeta.datasets import read_folder
from sklmeta.evaluation import align_columns, with_random_state

N_CONFIGS, N_FOLDS, SMALL = 15, 5, 500


# -- candidates' predictions -----------------------------------------------------------------------------------------


def draw(folder: Path, n_tasks: int, seed: int) -> Iterator[str]:
    """Names, the four kinds in turn: classification and regression, below and above 500 training rows."""
    index = pd.read_csv(folder / "index.csv").sample(frac=1, random_state=seed)
    small = 0.75 * index.n_rows < SMALL
    kinds = [index[(index.task == t) & (small == s)].name for t in ("classification", "regression") for s in (1, 0)]
    yield from (str(names.iloc[i]) for i in range(n_tasks // 4) for names in kinds)


def recommended(job: Job) -> list:
    """The first configurations for this data, their seeds set, by knowledge without the data's family."""
    knowledge = load_knowledge(job.task)
    if job.family in knowledge.families:
        knowledge = knowledge.exclude(families=[job.family])
    face = MetaClassifier if job.task == "classification" else MetaRegressor
    meta = face(knowledge=knowledge, scoring=SCORING[job.metric], random_state=job.seed)
    return [with_random_state(r.estimator, job.seed) for r in meta.recommend_config(job.X, job.y, N_CONFIGS)]


def outputs(model: object, X: pd.DataFrame, classes: np.ndarray | None) -> np.ndarray:
    """Probabilities by class, or numbers in one column."""
    if classes is None:
        return model.predict(X)[:, None]
    return align_columns(model.predict_proba(X), np.searchsorted(classes, model.classes_), len(classes), 0.0)


def predict_everything(estimator: object, job: Job, folds: np.ndarray, classes: np.ndarray | None) -> dict:
    """Out-of-fold predictions, and those on the held-out rows by the refitted model and by each fold model."""
    started, kept = time.process_time(), {"fold_test": []}
    for fold in range(N_FOLDS):
        rows = folds != fold
        model = clone(estimator).fit(job.X[rows], job.y[rows])
        out = outputs(model, job.X[~rows], classes)
        kept.setdefault("oof", np.empty((len(folds), out.shape[1])))[~rows] = out
        kept["fold_test"].append(outputs(model, job.X_test, classes))
    kept["test"] = outputs(clone(estimator).fit(job.X, job.y), job.X_test, classes)
    return {**kept, "seconds": time.process_time() - started}


def run_one(job: Job, path: Path) -> str:
    """Everything about one dataset, in one file; says how it went."""
    classes = np.unique(job.y) if job.task == "classification" else None
    splitter = KFold(N_FOLDS) if classes is None else StratifiedKFold(N_FOLDS)
    folds = np.empty(len(job.y), int)
    for fold, (_, test) in enumerate(splitter.split(job.X, job.y)):
        folds[test] = fold
    answers, failures = [], 0
    for estimator in recommended(job):
        try:
            answers.append(predict_everything(estimator, job, folds, classes))
        except Exception:
            failures += 1
    y, y_test = (v if classes is None else np.searchsorted(classes, v) for v in (job.y, job.y_test))
    arrays = {name: np.array([a[name] for a in answers], np.float32) for name in answers[0]}
    np.savez_compressed(path, y=y, y_test=y_test, folds=folds, metric=job.metric, **arrays)
    return f"{len(y)} rows, {len(answers)} members, {failures} failed, {arrays['seconds'].sum():.0f} CPU s"


def run(args: argparse.Namespace) -> None:
    """Predict on the datasets that are not there yet."""
    out = Path(args.out)
    out.mkdir(parents=True, exist_ok=True)
    for name in draw(Path(args.data), args.tasks, args.seed):
        path = out / f"{name}.npz"
        if not path.exists():
            with warnings.catch_warnings(), threadpool_limits(1):
                warnings.simplefilter("ignore")
                (dataset,) = read_folder(args.data, names=[name])
                print(name, run_one(Job(dataset, args.seed, args.max_rows), path), flush=True)


def main() -> None:
    """Run or report."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(required=True)
    running = commands.add_parser("run")
    running.add_argument("data")
    running.add_argument("--out", required=True)
    running.add_argument("--tasks", type=int, default=16)
    running.add_argument("--max-rows", type=int, default=1500)
    running.add_argument("--seed", type=int, default=0)
    running.set_defaults(do=run)
    args = parser.parse_args()
    args.do(args)


if __name__ == "__main__":
    main()
