r"""What counting seconds brings: the default recommender under a budget of time, leaving families out.

    python benchmarks/budgets.py [--task classification] [--metrics accuracy,roc_auc]

Each task is searched by what the tasks of all other families teach, on recorded scores and seconds: three folds of a
configuration take three times its recorded CPU seconds; what they take is expected by the library's own cost model,
corrected by what was seen. The budget is that of 4, 10 or 30 configurations of the task's median cost. What is expected
to take more than nine tenths of the time that is left is not begun (a quarter, for the first one); what takes over four
times as long as expected, and over a tenth of the budget, is stopped, and its time is lost.

* without seconds: the next pick is what is expected to add most.
* with seconds: what it adds is divided by the square root of its expected seconds, as MetaEstimator's search does.
* small first: as without, but what takes over two fifths of the time that is left waits until there is nothing else.

The best score found, as a share of what there is to gain on the task: its best score minus its median is 1. Means over
tasks with 95 % bootstrap intervals, differences paired; \* where the interval leaves zero out.
"""

from __future__ import annotations

import argparse

import numpy as np
import pandas as pd
from _report import bootstrap_interval, markdown_table, with_interval
from recommenders import METRICS, splits, usable

from sklmeta import Configuration, KnowledgeBase, load_knowledge
from sklmeta.costs import CostModel
from sklmeta.knowledge.sizes import whole_tables
from sklmeta.recommenders import TaskMixture

BUDGETS = (4, 10, 30)
SHARE, FIRST_SHARE, SMALL = 0.9, 0.25, 0.4
PATIENCE, LEAST_PATIENCE, MOST = 4.0, 0.1, 60
FOLDS, TRAIN_SHARE = 3, 2 / 3
NEVER = 2.0  # the regret of a search that found nothing


def searched(
    rec: TaskMixture,
    costs: CostModel,
    features: pd.Series,
    scores: dict[Configuration, float],
    seconds: dict[Configuration, float],
    budget: float,
    how: str,
) -> float:
    """The best score that a search finds; NaN for none."""
    left, observed, best = budget, dict[Configuration, float](), np.nan
    n_rows = int(np.exp(features["log_rows"]) * TRAIN_SHARE)
    while left > 0 and len(observed) < MOST:
        expected = {c: FOLDS * costs.seconds(c, n_rows) for c in scores if c not in observed}
        shares = [SHARE] if observed else [FIRST_SHARE, SHARE]
        allowed: list[Configuration] = []
        for share in [SMALL, *shares] if how == "small first" and observed else shares:
            allowed = allowed or [c for c, took in expected.items() if took <= share * left]
        if not allowed:
            break
        told = {"seconds": expected} if how == "with seconds" else {}
        pick = rec.recommend(features, observed=observed, candidates=allowed, **told)[0].configuration
        patience = max(PATIENCE * expected[pick], LEAST_PATIENCE * budget)
        if seconds[pick] > min(left, patience):
            left, observed[pick] = left - min(left, patience), np.nan
            continue
        left, observed[pick] = left - seconds[pick], scores[pick]
        costs.observe(pick, n_rows, seconds[pick] / FOLDS)
        best = np.fmax(best, scores[pick])
    return float(best)


def regrets(knowledge: KnowledgeBase, metric: str, how: str) -> np.ndarray:
    """Shape (n_tasks, n_budgets)."""
    judged = whole_tables(knowledge)
    scores, result = usable(judged, metric), np.zeros((len(judged), len(BUDGETS)))
    taken = FOLDS * (judged.fit_seconds + np.nan_to_num(judged.score_seconds))
    slow = np.nanmax(taken, axis=1, keepdims=True)
    taken = np.where(np.isfinite(taken), taken, 2 * slow)
    for known, positions in splits(knowledge, None):
        rec = TaskMixture().fit(known, metric=metric)
        for i in positions:
            features, there = judged.meta_features.iloc[i], np.isfinite(scores[i])
            columns = [c for c, on in zip(judged.configurations, there, strict=True) if on]
            found, took = scores[i, there], taken[i, there]
            span = (found.max() - np.median(found)) or np.ptp(found) or 1.0
            for b, budget in enumerate(BUDGETS):
                table = dict(zip(columns, found, strict=True)), dict(zip(columns, took, strict=True))
                best = searched(rec, CostModel(known, features), features, *table, budget * np.median(took), how)
                result[i, b] = min(NEVER, (found.max() - best) / span) if np.isfinite(best) else NEVER
    return result


def table(knowledge: KnowledgeBase, metric: str) -> str:
    """One markdown table."""
    found = {how: regrets(knowledge, metric, how) for how in ("without seconds", "small first", "with seconds")}
    rows = [[how, *(with_interval(column) for column in values.T)] for how, values in found.items()]
    for other in ("without seconds", "small first"):
        cells = []
        for column in (found["with seconds"] - found[other]).T:
            low, high = bootstrap_interval(column)
            cells.append(f"{column.mean():+.3f} [{low:.3f}, {high:.3f}]" + " *" * (low > 0 or high < 0))
        rows.append([f"with seconds minus {other}", *cells])
    return markdown_table(["regret, share of the gain", *(f"{b} x median" for b in BUDGETS)], rows)


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--task", choices=list(METRICS))
    parser.add_argument("--metrics")
    args = parser.parse_args()
    for task in [args.task] if args.task else METRICS:
        knowledge = load_knowledge(task)
        for metric in args.metrics.split(",") if args.metrics else METRICS[task]:
            print(f"\n**{task}, {metric}** ({len(knowledge)} tasks)\n")
            print(table(knowledge, metric), flush=True)


if __name__ == "__main__":
    main()
