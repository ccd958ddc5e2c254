"""How much of an average's gain over the best single model one student keeps, on held-out rows.

    python benchmarks/distillation.py run DIR CANDIDATES --out results.csv [--max-classes 10]
    python benchmarks/distillation.py report results.csv

DIR and CANDIDATES are the two folders of ``ensembling.py run``, started with the same ``--max-rows`` and ``--seed``.
The average of the candidates is refitted, and students learn from it; the best single configuration, refitted, and the
default student fitted to the target itself stand beside them. Datasets that are in the results are not repeated.
"""

from __future__ import annotations

import argparse
import time
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
from _report import markdown_table, with_interval
from ensembling import Task, outputs, read, recommended
from holdout import Job
from sklearn.base import clone
from threadpoolctl import threadpool_limits

from sklmeta import Configuration
from sklmeta.blended import BlendedClassifier, BlendedRegressor
from sklmeta.blends import Average
from sklmeta.catalogue import build_estimator
from sklmeta.datasets import read_folder
from sklmeta.distillation import distill
from sklmeta.evaluation import with_random_state

STUDENTS = {
    "of out-of-fold answers": {"out_of_fold": True, "n_synthetic": 0},
    "of out-of-fold answers and drawn rows": {"out_of_fold": True, "n_synthetic": None},
    "of the model's own answers": {"out_of_fold": False, "n_synthetic": 0},
    "of the model's own answers and drawn rows": {"out_of_fold": False, "n_synthetic": None},
}


def run_one(job: Job, task: Task) -> dict[str, float]:
    """Held-out errors and prediction seconds of every model on one dataset."""
    told = {"folds": task.folds, "score": task.score, "scores": task.singles, "classes": task.classes}
    blend = Average().combine(task.oof, task.y, **told)
    candidates = recommended(job)
    members = [(f"m{i}", clone(candidates[i]).fit(job.X, job.y)) for i in blend.members]
    average = (BlendedRegressor if task.classes is None else BlendedClassifier).of_fitted(members, blend)
    best = clone(candidates[int(task.singles.argmax())])
    default = with_random_state(build_estimator(Configuration("hist_gradient_boosting"), job.task), job.seed)
    models = {
        "average": average,
        "best single": best.fit(job.X, job.y),
        "default student, of the target": default.fit(job.X, job.y),
    }
    answers = blend(task.oof[blend.members])
    for kind, student in (("default", None), ("best single's configuration", best)):
        for how, options in STUDENTS.items():
            learned = answers if options["out_of_fold"] else None
            settings = {"student": student, "n_synthetic": options["n_synthetic"], "random_state": job.seed}
            try:
                models[f"{kind}, {how}"] = distill(average, job.X, outputs=learned, **settings)
            except (TypeError, ValueError):
                break  # takes no weights
    classes = None if task.classes is None else np.unique(job.y)
    row = {"members": float(len(members))}
    for name, model in models.items():
        started = time.process_time()
        row[name] = task.error(outputs(model, job.X_test, classes))
        row[f"seconds: {name}"] = time.process_time() - started
    return row


def run(args: argparse.Namespace) -> None:
    """Add the datasets that are not there yet."""
    out = Path(args.out)
    rows = pd.read_csv(out).to_dict("records") if out.exists() else []
    done = {row["dataset"] for row in rows}
    for path in sorted(Path(args.candidates).glob("*.npz")):
        task = read(path)
        if path.stem in done or task.oof.shape[2] > args.max_classes:
            continue
        (dataset,) = read_folder(args.data, names=[path.stem])
        with warnings.catch_warnings(), threadpool_limits(1):
            warnings.simplefilter("ignore")
            row = run_one(Job(dataset, args.seed, args.max_rows), task)
        rows.append({"dataset": path.stem, "metric": task.metric, "rows": len(task.y), **row})
        pd.DataFrame(rows).to_csv(out, index=False)
        print(path.stem, flush=True)


def report(args: argparse.Namespace) -> None:
    """Errors beside those of the best single model, and seconds beside those of the average."""
    rows = pd.read_csv(args.out)
    names = [c.removeprefix("seconds: ") for c in rows if c.startswith("seconds: ")]
    lines = []
    for name in names:
        part = rows[rows[name].notna()]
        change = np.log((part[name] + 1e-3) / (part["best single"] + 1e-3)).to_numpy()
        beside = np.log((part["average"] + 1e-3) / (part["best single"] + 1e-3)).mean()
        faster = (part["seconds: average"] / part[f"seconds: {name}"]).median()
        versus = f"{100 * beside:.1f}"
        lines.append([name, str(len(part)), with_interval(change, 1, 100), versus, f"{faster:.1f}"])
    header = ["model", "datasets", "error, % of best single", "the average's there", "times faster than the average"]
    print(markdown_table(header, lines))


def main() -> None:
    """Run or report."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(required=True)
    running = commands.add_parser("run")
    running.add_argument("data")
    running.add_argument("candidates")
    running.add_argument("--out", required=True)
    running.add_argument("--max-classes", type=int, default=10)
    running.add_argument("--max-rows", type=int, default=1500)
    running.add_argument("--seed", type=int, default=0)
    running.set_defaults(do=run)
    reporting = commands.add_parser("report")
    reporting.add_argument("out")
    reporting.set_defaults(do=report)
    args = parser.parse_args()
    args.do(args)


if __name__ == "__main__":
    main()
