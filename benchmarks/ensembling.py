"""What to make of a search's candidates: one model, an average of some, or a model over them; on held-out rows.

    python benchmarks/ensembling.py run DIR --out FOLDER [--tasks 16] [--max-rows 1500] [--seed 0]
    python benchmarks/ensembling.py run DIR --out FOLDER --task classification [--tasks 16] [--max-rows 1500] [--seed 0]
    python benchmarks/ensembling.py report FOLDER
    python benchmarks/ensembling.py folds FOLDER

DIR has an ``index.csv`` and one ``<name>.parquet`` a dataset, as in ``holdout.py``. Of its datasets, ``--tasks`` are
drawn by the seed, half of each task type, half of those with fewer than 500 training rows; with ``--task``, of that
type alone, with at most 100 columns, beside those that FOLDER has. On each, the first 15
recommended configurations (its family left out of the knowledge) predict out of fold, refitted, and as fold models;
all of that is kept in FOLDER, and finished datasets are not repeated. `report` builds every kind of model from the
out-of-fold predictions and scores it on the held-out quarter: ROC AUC for two classes, log loss for more, RMSE for
numbers. `folds` says what fewer folds would have cost, and more candidates brought: the default average is chosen on
the rows of one to five of the folds, drawn twice, among the first 3 to 15 candidates.
"""

from __future__ import annotations

import argparse
import time
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from _report import markdown_table, with_interval
from holdout import SCORING, Job
from scipy.special import softmax
from scipy.stats import rankdata
from sklearn.base import clone
from sklearn.metrics import get_scorer, log_loss, roc_auc_score, root_mean_squared_error
from sklearn.model_selection import KFold, StratifiedKFold
from threadpoolctl import threadpool_limits

from sklmeta import MetaClassifier, MetaRegressor, load_knowledge
from sklmeta.blends import Average, Stack
from sklmeta.datasets import read_folder
from sklmeta.ensemble import greedy_weights
from sklmeta.evaluation import align_columns, with_random_state
from sklmeta.stored import fold_score

N_CONFIGS, N_FOLDS, SMALL = 15, 5, 500


# -- candidates' predictions -----------------------------------------------------------------------------------------


def draw(folder: Path, n_tasks: int, seed: int, task: str | None, there: set[str]) -> Iterator[str]:
    """Names, the four kinds in turn: classification and regression, below and above 500 training rows."""
    index = pd.read_csv(folder / "index.csv")
    if task is not None:
        fitting = index[(index.task == task) & (index.n_features <= 100) & ~index.name.isin(there)]
        yield from fitting.name.sample(frac=1, random_state=seed)[:n_tasks]
        return
    index = index.sample(frac=1, random_state=seed)
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
    there = {path.stem for path in out.glob("*.npz")}
    for name in draw(Path(args.data), args.tasks, args.seed, args.task, there):
        path = out / f"{name}.npz"
        if not path.exists():
            with warnings.catch_warnings(), threadpool_limits(1):
                warnings.simplefilter("ignore")
                (dataset,) = read_folder(args.data, names=[name])
                print(name, run_one(Job(dataset, args.seed, args.max_rows), path), flush=True)


# -- what to make of them ----------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Task:
    """Candidates' predictions on one dataset."""

    oof: np.ndarray
    y: np.ndarray
    folds: list[np.ndarray]
    test: np.ndarray
    y_test: np.ndarray
    fold_test: np.ndarray
    metric: str

    @property
    def classes(self) -> np.ndarray | None:
        """Class indices, the columns of probabilities."""
        return None if self.metric == "rmse" else np.arange(self.oof.shape[2])

    def scored_by(self, scoring: str) -> Callable[[np.ndarray], float]:
        """A metric, mean over folds."""
        return fold_score(get_scorer(scoring), self.y, self.folds, classes=self.classes)

    @property
    def score(self) -> Callable[[np.ndarray], float]:
        """The dataset's own metric."""
        return self.scored_by(SCORING[self.metric])

    @property
    def singles(self) -> np.ndarray:
        """The candidates' scores."""
        return np.array([self.score(p) for p in self.oof])

    def error(self, answer: np.ndarray) -> float:
        """On the held-out rows: 1 - AUC, log loss, RMSE."""
        if self.metric == "rmse":
            return root_mean_squared_error(self.y_test, answer[:, 0])
        if self.metric == "roc_auc":
            return 1 - roc_auc_score(self.y_test, answer[:, 1])
        return log_loss(self.y_test, answer / answer.sum(axis=1, keepdims=True), labels=self.classes)

    def first(self, n: int) -> Task:
        """The same with the first candidates only."""
        return Task(self.oof[:n], self.y, self.folds, self.test[:n], self.y_test, self.fold_test[:n], self.metric)


def read(path: Path) -> Task:
    """One file of `run`."""
    kept = np.load(path)
    folds = [np.flatnonzero(kept["folds"] == k) for k in range(N_FOLDS)]
    big = {name: kept[name].astype(float) for name in ("oof", "test", "fold_test")}
    return Task(y=kept["y"], y_test=kept["y_test"], folds=folds, metric=str(kept["metric"]), **big)


def top(n: int) -> Callable[[Task], np.ndarray]:
    """Equal weights of the best single candidates."""

    def weights(task: Task) -> np.ndarray:
        best = np.argsort(-task.singles, kind="stable")[:n]
        return np.bincount(best, minlength=len(task.oof)) / len(best)

    return weights


def greedy(*, scoring: str = "", relative: float = 0.0, **options: float) -> Callable[[Task], np.ndarray]:
    """Forward selection, by the metric itself or another, with a tolerance relative to the best single error."""

    def weights(task: Task) -> np.ndarray:
        score = task.scored_by(scoring) if scoring and task.metric == "roc_auc" else task.score
        best = task.singles.max()
        error = 1 - best if task.metric == "roc_auc" else -best
        return greedy_weights(task.oof, score, tolerance=relative * error, **options)

    return weights


def logs(probabilities: np.ndarray) -> np.ndarray:
    """Logarithms, as the library bounds them."""
    return np.log(np.clip(probabilities, 1e-4, 1))


def by_logarithms(task: Task) -> np.ndarray:
    """Greedy, by the metric alone, of the mean logarithms."""
    if task.metric == "rmse":
        return refitted(greedy())(task)
    weights = greedy_weights(logs(task.oof), lambda mean: task.score(softmax(mean, axis=-1)))
    return softmax(np.tensordot(weights, logs(task.test), axes=1), axis=-1)


def bagged(n_bags: int, share: float) -> Callable[[Task], np.ndarray]:
    """The mean of greedy weights over random parts of the candidates (Caruana et al. 2004, section 2.3)."""

    def weights(task: Task) -> np.ndarray:
        rng, total = np.random.default_rng(0), np.zeros(len(task.oof))
        for _ in range(n_bags):
            part = rng.permutation(len(total))[: max(1, round(share * len(total)))]
            total[part] += greedy_weights(task.oof[part], task.score) / n_bags
        return total

    return weights


def refitted(weights: Callable[[Task], np.ndarray]) -> Callable[[Task], np.ndarray]:
    """Members fitted on all training rows."""
    return lambda task: np.tensordot(weights(task), task.test, axes=1)


def fold_models(weights: Callable[[Task], np.ndarray]) -> Callable[[Task], np.ndarray]:
    """Each member the mean of its fold models, which saw four fifths of the rows each."""
    return lambda task: np.tensordot(weights(task), task.fold_test.mean(axis=1), axes=1)


def combined(blender: Average | Stack) -> Callable[[Task], np.ndarray]:
    """What the library has for it."""

    def answer(task: Task) -> np.ndarray:
        told = {"folds": task.folds, "score": task.score, "scores": task.singles, "classes": task.classes}
        blend = blender.combine(task.oof, task.y, **told)
        return blend(task.test[blend.members])

    return answer


BASELINE, REFERENCE = "best single", "greedy 25"
MODELS: dict[str, Callable[[Task], np.ndarray]] = {
    BASELINE: refitted(top(1)),
    "top 3, equal": refitted(top(3)),
    "top 5, equal": refitted(top(5)),
    "all, equal": refitted(top(N_CONFIGS)),
    "greedy 5": refitted(greedy(n_rounds=5)),
    REFERENCE: refitted(greedy(n_rounds=25)),
    "greedy 50": refitted(greedy(n_rounds=50)),
    "greedy 25, gain over 0.1 %": refitted(greedy(relative=1e-3)),
    "greedy 25, start of 3": refitted(greedy(start=3)),
    "greedy 25, start of 5": refitted(greedy(start=5)),
    "greedy 25, by log loss": refitted(greedy(scoring="neg_log_loss")),
    "greedy 25, bagged": refitted(bagged(20, 0.5)),
    "greedy 25, of logarithms": by_logarithms,
    "default, without logarithms": combined(Average(geometric=False)),
    "default": combined(Average()),
    "default, 5 members": combined(Average(max_members=5)),
    "stack of all": combined(Stack(max_members=None)),
    "stack of 5": combined(Stack()),
    "best single, fold models": fold_models(top(1)),
    "greedy 25, fold models": fold_models(greedy()),
}


def errors(folder: Path, n_configs: int) -> pd.DataFrame:
    """By dataset and model, on the held-out rows."""
    tasks = {path.stem: read(path) for path in sorted(folder.glob("*.npz"))}
    rows = {}
    for name, task in tasks.items():
        few = task.first(n_configs)
        rows[name, len(task.y) < SMALL, task.metric] = {
            model: few.error(answer(few)) for model, answer in MODELS.items()
        }
    return pd.DataFrame(rows).T.rename_axis(["dataset", "small", "metric"])


def summary(table: pd.DataFrame) -> str:
    """Mean rank, by how much each changes the best single model's error, and how often it beats the reference."""
    ranks = rankdata(table.round(6), axis=1).mean(axis=0)
    floor = 1e-3  # errors below this are all but none
    change = np.log(table + floor).sub(np.log(table[BASELINE] + floor), axis=0)
    lines = []
    for model, rank in zip(table.columns, ranks, strict=True):
        gain = change[model] - change[REFERENCE]
        wins, losses = int((gain < -1e-3).sum()), int((gain > 1e-3).sum())
        versus = "" if model == REFERENCE else f"{wins} / {len(gain) - wins - losses} / {losses}"
        lines.append([model, f"{rank:.2f}", with_interval(change[model].to_numpy(), 1, 100), versus])
    return markdown_table(["model", "mean rank", "error, % of best single", f"won / tied / lost to {REFERENCE}"], lines)


def report(args: argparse.Namespace) -> None:
    """Tables for all datasets, small ones and others, and for fewer candidates."""
    for n_configs in (N_CONFIGS, 8):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            table = errors(Path(args.folder), n_configs)
        small = table.index.get_level_values("small").astype(bool)
        parts = {"all": table, f"below {SMALL} rows": table[small], "others": table[~small]}
        parts |= {metric: table[table.index.get_level_values("metric") == metric] for metric in SCORING}
        for title, part in parts.items():
            print(f"\n**{n_configs} candidates, {title}** ({len(part)} datasets)\n\n{summary(part)}")


def on_fewer_folds(task: Task, n_configs: int, folds: np.ndarray) -> Task:
    """The same with the first candidates, and those rows alone that these folds test."""
    rows = np.sort(np.concatenate([task.folds[k] for k in folds]))
    parts = [np.searchsorted(rows, task.folds[k]) for k in folds]
    few = task.first(n_configs)
    return Task(few.oof[:, rows], few.y[rows], parts, few.test, few.y_test, few.fold_test, few.metric)


def report_folds(args: argparse.Namespace) -> None:
    """One table for all datasets, and one for those of some size."""
    answer, changes = combined(Average()), {}
    for path in sorted(Path(args.folder).glob("*.npz")):
        task = read(path)
        for n_folds in (1, 2, 3, N_FOLDS):
            for n_configs in (3, 6, 10, N_CONFIGS):
                draws = (np.random.default_rng(seed).permutation(N_FOLDS)[:n_folds] for seed in range(2))
                found = [few.error(answer(few)) for few in (on_fewer_folds(task, n_configs, d) for d in draws)]
                changes[path.stem, len(task.y) < SMALL, n_folds, n_configs] = np.log(np.mean(found) + 1e-3)
    table = pd.Series(changes).rename_axis(["dataset", "small", "folds", "configs"]).unstack([2, 3])
    table = table.sub(table[N_FOLDS, N_CONFIGS], axis=0)
    small = table.index.get_level_values("small").astype(bool)
    for title, part in {"all": table, f"from {SMALL} rows": table[~small]}.items():
        rows = [[k, *(with_interval(part[k, m].to_numpy(), 1, 100) for m in part[k])] for k in (1, 2, 3, N_FOLDS)]
        print(f"\n**Error beside that of all, %; {title}** ({len(part)} datasets)\n")
        print(markdown_table(["folds", *(f"{m} candidates" for m in part[1])], rows))


def main() -> None:
    """Run or report."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(required=True)
    running = commands.add_parser("run")
    running.add_argument("data")
    running.add_argument("--out", required=True)
    running.add_argument("--task", choices=["classification", "regression"])
    running.add_argument("--tasks", type=int, default=16)
    running.add_argument("--max-rows", type=int, default=1500)
    running.add_argument("--seed", type=int, default=0)
    running.set_defaults(do=run)
    reporting = commands.add_parser("report")
    reporting.add_argument("folder")
    reporting.set_defaults(do=report)
    folding = commands.add_parser("folds")
    folding.add_argument("folder")
    folding.set_defaults(do=report_folds)
    args = parser.parse_args()
    args.do(args)


if __name__ == "__main__":
    main()
