"""sklmeta beside scikit-learn's defaults and a random search, on held-out rows of datasets outside the knowledge.

    python benchmarks/holdout.py run DIR --out results.csv [--max-rows 4000] [--seeds 0] [--jobs 2]
    python benchmarks/holdout.py report results.csv

DIR has an ``index.csv`` (columns ``name``, ``task``, ``family``) and one ``<name>.parquet`` a dataset with the column
``target``. Tables beyond ``--max-rows`` are cut, stratified, before a quarter of the rows is held out; ROC AUC for two
classes, log loss for more, RMSE for numbers. All systems see the same rows, the same preparation of the table for the
same estimator, the same 5 folds, and the same metric; each picks one configuration and refits it. A dataset's family is
left out of the knowledge. A job that fails scores like the prior (class frequencies or mean). Finished jobs are not
repeated when the run is started again.
"""

from __future__ import annotations

import argparse
import csv
import time
import warnings
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
from _report import bootstrap_interval, markdown_table
from joblib import Parallel, delayed
from scipy.stats import rankdata
from sklearn.dummy import DummyClassifier, DummyRegressor
from sklearn.metrics import log_loss, roc_auc_score, root_mean_squared_error
from sklearn.model_selection import RandomizedSearchCV, train_test_split
from sklearn.pipeline import Pipeline

from sklmeta import Configuration, MetaClassifier, MetaRegressor, load_knowledge
from sklmeta.calibration import CalibratedMember
from sklmeta.catalogue import build_estimator, catalogue
from sklmeta.datasets import Dataset, read_folder
from sklmeta.evaluation import with_random_state

COLUMNS = ["dataset", "task", "metric", "seed", "system", "score", "prior", "seconds", "chosen", "error"]
SCORING = {"roc_auc": "roc_auc", "log_loss": "neg_log_loss", "rmse": "neg_root_mean_squared_error"}
LINEAR = {"classification": "logistic_regression", "regression": "ridge"}
KERNEL = {"classification": "svc", "regression": "svr"}
FIRST_PICK = ("sklmeta n_iter=1", "default forest", "default SVM", "default linear")
SEARCH = ("sklmeta n_iter=10", "random search of 25")
SEARCH_SAME = ("sklmeta n_iter=10", "random search of 25, same draws")


class Job:
    """Training and test rows of one dataset and seed."""

    def __init__(self, dataset: Dataset, seed: int, max_rows: int):
        self.name, self.task, self.family, self.seed = dataset.name, str(dataset.task_type), dataset.family, seed
        classes = self.task == "classification"
        y = pd.Series(dataset.y).astype(str) if classes else pd.Series(dataset.y).astype(float)
        X, y = _common_classes(dataset.X, y) if classes else (dataset.X, y)
        if len(X) > max_rows:
            X, _, y, _ = train_test_split(X, y, train_size=max_rows, random_state=seed, stratify=y if classes else None)
        self.X, self.X_test, y, y_test = train_test_split(
            X, y, test_size=0.25, random_state=seed, stratify=y if classes else None
        )
        self.y, self.y_test = y.to_numpy(), y_test.to_numpy()
        self.metric = "rmse" if not classes else "roc_auc" if y.nunique() == 2 else "log_loss"

    def score(self, model: object) -> float:
        """On the held-out rows; greater is better."""
        if self.metric == "rmse":
            return -root_mean_squared_error(self.y_test, model.predict(self.X_test))
        probabilities = model.predict_proba(self.X_test)
        if self.metric == "roc_auc":
            return roc_auc_score(self.y_test == model.classes_[1], probabilities[:, 1])
        return -log_loss(self.y_test, probabilities, labels=model.classes_)

    def prior(self) -> float:
        """The score of a model that looks at no column."""
        dummy = DummyClassifier(strategy="prior") if self.metric != "rmse" else DummyRegressor()
        return self.score(dummy.fit(np.zeros((len(self.y), 1)), self.y))


def _common_classes(X: pd.DataFrame, y: pd.Series) -> tuple[pd.DataFrame, pd.Series]:
    """Classes of fewer than 8 rows are dropped, as in the protocol that this follows."""
    keep = y.map(y.value_counts()) >= 8
    return X[keep], y[keep]


def meta(n_iter: int) -> Callable[[Job], object]:
    """The library itself."""

    def build(job: Job) -> object:
        knowledge = load_knowledge(job.task)
        if job.family in knowledge.families:
            knowledge = knowledge.exclude(families=[job.family])
        face = MetaClassifier if job.task == "classification" else MetaRegressor
        scoring, seed = SCORING[job.metric], job.seed
        return face(knowledge=knowledge, n_iter=n_iter, scoring=scoring, ensemble="best", random_state=seed)

    return build


def default(names: dict[str, str]) -> Callable[[Job], object]:
    """scikit-learn's default behind the catalogue's preparation, calibrated where it has no probabilities."""

    def build(job: Job) -> object:
        pipeline = build_estimator(Configuration(names[job.task]), job.task, probabilities=True)
        return with_random_state(pipeline, job.seed)

    return build


def random_search(job: Job) -> object:
    """RandomizedSearchCV over the catalogue's spaces: an estimator at random, then its hyperparameters.

    The draws differ from dataset to dataset. With one seed for all, the same 25 configurations would be judged on every
    dataset, and one lucky draw would count 41 times.
    """
    return _random_search(job, zlib.crc32(f"{job.name} {job.seed}".encode()))


def random_search_same_draws(job: Job) -> object:
    """The same with one seed for all datasets, so with the same 25 configurations everywhere."""
    return _random_search(job, job.seed)


def _random_search(job: Job, draws: int) -> object:
    grids = []
    for entry in catalogue(job.task).values():
        pipeline = build_estimator(Configuration(entry.name), job.task, probabilities=job.metric != "rmse")
        preprocess, estimator = pipeline.steps[0][1], with_random_state(pipeline.steps[1][1], job.seed)
        wrapped = isinstance(estimator, CalibratedMember)
        inside = "estimator__" if wrapped else "regressor__" if entry.scale_target else ""
        space = {f"model__{inside}{name}": d for name, d in entry.space.distributions.items()}
        grids.append({"preprocess": [preprocess], "model": [estimator], **space})
    pipeline = Pipeline([("preprocess", grids[0]["preprocess"][0]), ("model", grids[0]["model"][0])])
    return RandomizedSearchCV(pipeline, grids, n_iter=25, scoring=SCORING[job.metric], random_state=draws)


SYSTEMS: dict[str, Callable[[Job], object]] = {
    "sklmeta n_iter=1": meta(1),
    "sklmeta n_iter=10": meta(10),
    "sklmeta n_iter=25": meta(25),
    "default forest": default(dict.fromkeys(KERNEL, "random_forest")),
    "default SVM": default(KERNEL),
    "default linear": default(LINEAR),
    "random search of 25": random_search,
    "random search of 25, same draws": random_search_same_draws,
}


def run_one(job: Job, system: str) -> dict[str, object]:
    """One row of results."""
    row = {"dataset": job.name, "task": job.task, "metric": job.metric, "seed": job.seed, "system": system}
    row |= {"prior": job.prior(), "error": "", "chosen": ""}
    started = time.perf_counter()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            model = SYSTEMS[system](job).fit(job.X, job.y)
            row |= {"seconds": time.perf_counter() - started, "score": job.score(model)}
            row["chosen"] = str(getattr(model, "best_params_", ""))
        except Exception as error:
            row |= {"seconds": time.perf_counter() - started, "score": row["prior"], "error": repr(error)[:200]}
    return row


def run(args: argparse.Namespace) -> None:
    """Append the rows that are not there yet."""
    out, systems = Path(args.out), args.systems.split(",") if args.systems else list(SYSTEMS)
    done = set()
    if out.exists():
        done = {(r.dataset, r.seed, r.system) for r in pd.read_csv(out).itertuples()}
    else:
        out.write_text(",".join(COLUMNS) + "\n")
    seeds = [int(s) for s in args.seeds.split(",")]
    jobs = (
        (Job(dataset, seed, args.max_rows), system)
        for seed in seeds
        for dataset in read_folder(args.data)
        for system in systems
        if (dataset.name, seed, system) not in done
    )
    workers = Parallel(n_jobs=args.jobs, return_as="generator_unordered", pre_dispatch="n_jobs", batch_size=1)
    for row in workers(delayed(run_one)(*job) for job in jobs):
        with out.open("a", newline="") as file:
            csv.DictWriter(file, COLUMNS).writerow(row)
        print(
            f"{row['dataset']:25} {row['system']:22} {row['score']:10.4f} {row['seconds']:7.1f} s {row['error']}",
            flush=True,
        )


def report(args: argparse.Namespace) -> None:
    """Mean ranks and wins."""
    rows = pd.read_csv(args.out, keep_default_na=False)
    for title, systems in (
        ("One fit against defaults", FIRST_PICK),
        ("Ten against a random search of 25", SEARCH),
        ("Ten against a random search of the same 25 everywhere", SEARCH_SAME),
        ("All", tuple(SYSTEMS)),
    ):
        table = (
            rows[rows.system.isin(systems)].pivot_table("score", ["dataset", "seed"], "system").reindex(columns=systems)
        )
        table = table.dropna()
        if len(table):
            print(f"\n**{title}** ({table.index.get_level_values(0).nunique()} datasets, {len(table)} splits)\n")
            print(_ranking(table, rows))
    print(f"\nFailed jobs: {(rows.error != '').sum()} of {len(rows)}.")


def _ranking(table: pd.DataFrame, rows: pd.DataFrame) -> str:
    ranks = pd.DataFrame(rankdata(-table, axis=1), table.index, table.columns).groupby("dataset").mean()
    first = table.columns[0]
    lines = []
    for system in table.columns:
        low, high = bootstrap_interval(ranks[system].to_numpy())
        margin = 1e-3 * (table.max(axis=1) - table.min(axis=1))
        difference = table[first] - table[system]
        wins, losses = int((difference > margin).sum()), int((difference < -margin).sum())
        versus = "" if system == first else f"{wins} / {len(table) - wins - losses} / {losses}"
        seconds = rows[rows.system == system].seconds.astype(float)
        lines.append([system, f"{ranks[system].mean():.2f} [{low:.2f}, {high:.2f}]", versus, f"{seconds.median():.1f}"])
    header = ["system", "mean rank", f"won / tied / lost by {first}", "median seconds"]
    return markdown_table(header, lines)


def main() -> None:
    """Run or report."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(required=True)
    running = commands.add_parser("run")
    running.add_argument("data")
    running.add_argument("--out", required=True)
    running.add_argument("--max-rows", type=int, default=4000)
    running.add_argument("--seeds", default="0")
    running.add_argument("--jobs", type=int, default=1)
    running.add_argument("--systems")
    running.set_defaults(do=run)
    reporting = commands.add_parser("report")
    reporting.add_argument("out")
    reporting.set_defaults(do=report)
    args = parser.parse_args()
    args.do(args)


if __name__ == "__main__":
    main()
