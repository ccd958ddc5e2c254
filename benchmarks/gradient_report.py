"""Writes RESULTS_gradient.md from the runs of the gradient benchmarks.

    python benchmarks/gradient_report.py runs/ benchmarks/RESULTS_gradient.md

The folder holds sinusoid.jsonl, linear.jsonl, digits.jsonl and groups.jsonl; what is missing is left out.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pandas as pd
from gradient_common import read

INTRODUCTION = """# Learning parameters across tasks: what was measured

Every figure is the mean over seeds, ± the standard deviation over seeds; (n) says over how many where they are
fewer than five. A seed draws the training tasks, the initial weights and the test tasks. CPU seconds are those
of one thread on a shared machine of two cores.

## Exactness

Measured by `pytest tests/gradient`, which asks for the bound; what was found is in brackets. Meta-gradients of maml,
meta-sgd, anil and imaml against central differences in float64, every model with smooth activation: relative
error below 1e-5 [at most 9e-9]. fomaml and reptile against one task at a time with numerical gradients: 1e-5.
Biased ridge against its closed form: 1e-8 [3e-14]. `MetaSVC` at init 0 against `LinearSVC`: 1e-4 [2e-8].
scikit-learn's estimator checks: no failure in 1.6.1 and 1.9.1.
"""
TARGETS = {"maml": 0.72, "meta-sgd": 0.46, "fomaml": 0.81, "reptile": 1.3}


def main(folder: Path, out: Path) -> None:
    parts = [INTRODUCTION]
    for name, section in (("sinusoid", sinusoid), ("linear", linear), ("digits", digits), ("groups", groups)):
        runs = read(folder / f"{name}.jsonl")
        if runs:
            minutes = sum(run["cpu_seconds"] for run in runs) / 60
            parts.append(f"{section(frame(runs))}\nAll {len(runs)} runs together: {minutes:.0f} CPU minutes.\n")
    out.write_text("\n".join(parts))


def frame(runs: list[dict[str, Any]]) -> pd.DataFrame:
    """One row a run: its setting, its results and its seconds."""
    return pd.DataFrame([{**r["setting"], **r["result"], "cpu": r["cpu_seconds"]} for r in runs])


def spread(values: pd.Series) -> str:
    """Mean ± standard deviation over seeds."""
    known = values.dropna()
    if known.empty:
        return ""
    deviation = f" ± {known.std(ddof=1):.3f}" if len(known) > 1 else ""
    return f"{known.mean():.3f}{deviation}" + ("" if len(known) == 5 else f" ({len(known)})")


def table(data: pd.DataFrame, rows: list[str], columns: str, value: str, order: list[str] | None = None) -> str:
    """Markdown of the spread of a value by rows and columns."""
    cells = data.groupby([*rows, columns], sort=order is None)[value].apply(spread).unstack(columns)
    cells = cells[sorted(cells.columns)] if order is None else cells
    lines = ["| " + " | ".join([*rows, *(f"{columns} {c}" for c in cells.columns)]) + " |"]
    lines.append("|" + "---|" * (len(rows) + len(cells.columns)))
    for key, values in cells.iterrows():
        keys = key if isinstance(key, tuple) else (key,)
        lines.append("| " + " | ".join([*map(str, keys), *values.fillna("")]) + " |")
    return "\n".join(lines) + "\n"


def sinusoid(data: pd.DataFrame) -> str:
    data["mse after 5 steps"] = data["mse_5"].fillna(data.get("mse_scratch"))
    text = """## Sinusoids (Finn et al. 2017)

`python benchmarks/gradient_sinusoid.py --runs runs/sinusoid.jsonl`. Amplitude 0.1 to 5, phase 0 to pi, x from
-5 to 5; hidden layers 40-40 ReLU; all else at its default: inner rate 0.01 on inputs and targets that are
scaled to deviation 1 (0.05 for Reptile), five inner steps, 15000 outer iterations of 25 tasks, query of 10 rows.
Mean squared error, in the sine's own unit, over 1000 test tasks of 100 query rows after five steps of
`MetaMLPRegressor`. "transfer" is joint pre-training on all tasks, then five steps; "scratch" is
`MetaMLPRegressor()` with its 300 steps of Adam on the support alone (200 test tasks).

"""
    text += table(data, ["method"], "n_shots", "mse after 5 steps")
    text += "\nGoals at 5 shots: " + ", ".join(f"{m} at most {g}" for m, g in TARGETS.items()) + ".\n"
    learned = data[data.method != "scratch"]
    steps = learned.melt(["method", "n_shots", "seed"], ["mse_1", "mse_5", "mse_10"], "steps", "mse")
    steps["steps"] = steps["steps"].str.removeprefix("mse_").astype(int)
    text += "\nBy number of steps, 5 shots:\n\n" + table(steps[steps.n_shots == 5], ["method"], "steps", "mse")
    text += "\nCPU seconds of training:\n\n" + table(learned, ["method"], "n_shots", "train_cpu_seconds")
    return text


def linear(data: pd.DataFrame) -> str:
    text = """## Linear tasks around a common centre (Denevi et al. 2018, 2019)

`python benchmarks/gradient_linear.py --runs runs/linear.jsonl`. 30 dimensions, every coordinate of the centre
at 4, tasks' deviation 1 from it, x on the unit sphere, noise 0.2; 20 rows a training task, 10 a test task,
500 test tasks. Excess risk by number of training tasks. The oracle knows centre, spread and noise (the Bayes
estimate); independent learning is ridge with the strength that does best on the test tasks; "online" meta-trains
on five tasks by imaml and takes the others in one by one with `MetaInit.update`.

"""
    fixed = data[data.n_tasks == 0].groupby("method")["excess_risk"].apply(spread)
    text += "".join(f"{method}: {value}. " for method, value in fixed.items()) + "\n\n"
    learned = data[data.n_tasks > 0]
    text += table(learned, ["method"], "n_tasks", "excess_risk")
    oracle = data[data.method == "oracle"].set_index("seed")["excess_risk"]
    ratio = learned.assign(ratio=learned.excess_risk / learned.seed.map(oracle))
    text += "\nDivided by the oracle's of the same seed:\n\n" + table(ratio, ["method"], "n_tasks", "ratio")
    return text


def digits(data: pd.DataFrame) -> str:
    text = """## Few-shot digits

`python benchmarks/gradient_digits.py --runs runs/digits.jsonl`. scikit-learn's digits; test tasks tell three
digits apart out of four that neither the seed's meta-training (four others, turned and reflected) nor its choices (by
two others) saw. Accuracy by images a class. Each seed stops training, and chooses hidden layers and steps (`SVC`: C),
by its two validation digits. What they choose among comes from earlier trials in which every digit took part,
test tasks of seeds 0 and 1 included, so that the figures are not wholly free of them.

"""
    return text + table(data, ["method"], "n_shots", "accuracy")


def groups(data: pd.DataFrame) -> str:
    text = """## A group that was never seen: house prices by city, onion prices by market

`python benchmarks/gradient_groups.py --runs runs/groups.jsonl --corpus CORPUS`. `texas_housing` was chosen because all
its 46 cities have 130 rows or more, numeric columns and a level of their own (the deviation of the cities' means is 0.8
of the target's); `india_onion_price` because its 81 markets share the season and the inflation. A third of the
groups is held out; R2 on their remaining rows after 5, 10 or 20 rows of each, over all held-out rows together, and
the median over groups of the R2 within the group. Where a number in brackets says that there are fewer than five seeds,
training diverged on the others, which `meta_train` says; a lower inner rate is the remedy, and none was chosen here.

"""
    for value, title in (("r2", "R2 over all rows"), ("r2_within_median", "Median R2 within a group")):
        text += f"{title}:\n\n" + table(data, ["data", "method"], "n_shots", value) + "\n"
    return text


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
