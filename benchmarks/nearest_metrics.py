r"""Which recorded metric ranks configurations most like each of scikit-learn's other scorers: the table in metrics.py.

    python benchmarks/nearest_metrics.py CORPUS/train [--tables 12] [--per-estimator 4] [--seed 0]

On tables drawn by a seed (at most 1,500 rows), configurations of the known list are cross-validated in three folds with
every scorer that takes the table; then Spearman's rank correlation over configurations with each recorded metric, mean
over tables. The recorded metric of the highest mean stands in for the scorer. Scorers of two classes are judged on
tables of two classes.
"""

from __future__ import annotations

import argparse
import warnings

import numpy as np
import pandas as pd
from _report import markdown_table
from scipy.stats import spearmanr
from sklearn.metrics import get_scorer, get_scorer_names
from sklearn.model_selection import KFold, StratifiedKFold, cross_validate

from sklmeta.catalogue import build_estimator, default_configurations
from sklmeta.datasets import read_folder, subsample
from sklmeta.evaluation import with_random_state
from sklmeta.metrics import STANDARD_METRICS

ALIASES = {"roc_auc": "roc_auc_ovr"}  # what is recorded under the first name is the second for several classes
LEFT_OUT = ("samples", "_score", "rand", "mutual_info", "homogeneity", "completeness", "v_measure", "fowlkes")
MOST_ROWS, SLOW = 1500, ("mlp",)


def asked(task_type: str) -> list[str]:
    """Names of the scorers that judge such a task."""
    names = [n for n in get_scorer_names() if not any(part in n for part in LEFT_OUT) or n.startswith("d2_")]
    numbers = {"r2", "explained_variance", "max_error", "neg_max_error"}
    regression = [
        n for n in names if "error" in n or n in numbers or "deviance" in n or "pinball" in n or "absolute" in n
    ]
    return regression if task_type == "regression" else [n for n in names if n not in regression]


def tables(folder: str, task_type: str, n: int, seed: int) -> list[str]:
    """Names of tables drawn by a seed."""
    index = pd.read_csv(f"{folder}/index.csv")
    fitting = index[(index["task"] == task_type) & (index["n_features"] <= 60) & (index["n_rows"] >= 200)]
    return fitting["name"].sample(n, random_state=seed).tolist()


def scores_on(X: pd.DataFrame, y: np.ndarray, task_type: str, per: int) -> pd.DataFrame:
    """Configurations x scorers: mean over folds."""
    classes = task_type == "classification"
    folds = (StratifiedKFold if classes else KFold)(3, shuffle=True, random_state=0)
    recorded = {m: ALIASES.get(m, m) for m in STANDARD_METRICS[task_type]}
    scorers = {name: get_scorer(name) for name in {*asked(task_type), *recorded.values()}}
    rows = []
    for configuration in default_configurations(task_type, per):
        if configuration.estimator not in SLOW:
            model = with_random_state(build_estimator(configuration, task_type, probabilities=True), 0)
            found = cross_validate(model, X, y, cv=folds, scoring=scorers, error_score=np.nan)
            rows.append({name: found[f"test_{name}"].mean() for name in scorers})
    return pd.DataFrame(rows)


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder")
    parser.add_argument("--tables", type=int, default=12)
    parser.add_argument("--per-estimator", type=int, default=4)
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    warnings.simplefilter("ignore")
    for task_type, metrics in STANDARD_METRICS.items():
        correlations: dict[tuple[str, str], list[float]] = {}
        names = tables(args.folder, task_type, args.tables, args.seed)
        for dataset in read_folder(args.folder, task_type=task_type, names=names):
            y = np.asarray(dataset.y)
            if task_type == "classification":
                y = pd.factorize(pd.Series(y).astype(str), sort=True)[0]
            X, y = subsample(dataset.X, y, MOST_ROWS, stratify=task_type == "classification", seed=0)
            found = scores_on(X, y, task_type, args.per_estimator)
            for scorer in found:
                for metric in metrics:
                    one, other = found[scorer].to_numpy(), found[ALIASES.get(metric, metric)].to_numpy()
                    known = np.isfinite(one) & np.isfinite(other)
                    if known.sum() > 4 and np.ptp(one[known]) > 0 and np.ptp(other[known]) > 0:
                        rho = spearmanr(one[known], other[known]).statistic
                        correlations.setdefault((scorer, metric), []).append(float(rho))
        rows = []
        for scorer in sorted({s for s, _ in correlations} - {ALIASES.get(m, m) for m in metrics} - set(metrics)):
            means = {m: np.mean(correlations[scorer, m]) for m in metrics if (scorer, m) in correlations}
            best = max(means, key=lambda m: means[m])
            rows.append(
                [scorer, best, len(correlations[scorer, best]), *(f"{means.get(m, np.nan):.2f}" for m in metrics)]
            )
        print(f"\n**{task_type}** ({', '.join(names)})\n")
        print(markdown_table(["scorer", "stand-in", "tables", *metrics], rows), flush=True)


if __name__ == "__main__":
    main()
