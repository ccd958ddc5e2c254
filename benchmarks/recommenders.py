"""Leave-one-family-out regret of the recommenders on the bundled knowledge.

    python benchmarks/recommenders.py [--task classification] [--metrics accuracy,roc_auc] [--knowledge FILE]

For each task, the recommender learns from the tasks of all other families, sees the task's meta-features, and
recommends k configurations at once. Regret@k is the best score of any configuration on the task minus the best score of
the first k. It is given in thousandths of the metric, as a mean over tasks with a 95 % bootstrap interval, and
against the static portfolio as a paired difference. "random" is the expectation over all random orders, exactly.
"""

from __future__ import annotations

import argparse

import numpy as np
from _report import bootstrap_interval, markdown_table, with_interval

from sklmeta import KnowledgeBase, load_knowledge
from sklmeta.recommenders import AverageRank, NearestTasks, Portfolio, Recommender

KS = (1, 2, 3, 5, 10, 25)
METRICS = {"classification": ("accuracy", "roc_auc", "neg_log_loss"), "regression": ("r2",)}
SYSTEMS = {"average rank": AverageRank(), "portfolio": Portfolio(), "nearest tasks (default)": NearestTasks()}


def usable(knowledge: KnowledgeBase, metric: str) -> np.ndarray:
    """Scores with failures at each task's worst."""
    scores = knowledge.scores(metric)
    return np.where(np.isfinite(scores), scores, np.nanmin(scores, axis=1, keepdims=True))


def regrets(recommender: Recommender, knowledge: KnowledgeBase, metric: str) -> np.ndarray:
    """Regret after 1, 2, ... picks, each task judged by what the other families teach; shape (n_tasks, max(KS))."""
    scores, column = usable(knowledge, metric), {c: j for j, c in enumerate(knowledge.configurations)}
    result = np.zeros((len(knowledge), max(KS)))
    for i, family in enumerate(knowledge.families):
        fitted = recommender.fit(knowledge.exclude(families=[family]), metric=metric)
        picks = fitted.recommend(knowledge.meta_features.iloc[i], n=max(KS))
        found = np.maximum.accumulate(scores[i, [column[p.configuration] for p in picks]])
        found = np.pad(found, (0, max(KS) - len(found)), mode="edge")
        result[i] = scores[i].max() - found
    return result


def random_regrets(knowledge: KnowledgeBase, metric: str) -> np.ndarray:
    """Expected regret of the best of k draws without replacement; shape (n_tasks, max(KS))."""
    ordered = -np.sort(-usable(knowledge, metric), axis=1)
    n = ordered.shape[1]
    result = []
    for k in range(1, max(KS) + 1):
        none_before = np.cumprod([1.0] + [max(n - i - k, 0) / (n - i) for i in range(n - 1)])
        first_here = none_before * np.minimum(k / (n - np.arange(n)), 1)
        result.append(ordered[:, 0] - ordered @ first_here)
    return np.array(result).T


def table(knowledge: KnowledgeBase, metric: str, systems: dict[str, Recommender]) -> str:
    """One markdown table for one metric."""
    found = {name: regrets(rec, knowledge, metric) for name, rec in systems.items()}
    found["random"] = random_regrets(knowledge, metric)
    at = [k - 1 for k in KS]
    rows = [[name, *(with_interval(values[:, k], 1, 1000) for k in at)] for name, values in found.items()]
    for name, values in found.items():
        if name not in ("portfolio", "random"):
            rows.append(
                [f"{name} minus portfolio", *(_difference(values[:, k] - found["portfolio"][:, k]) for k in at)]
            )
    return markdown_table(["regret x 1000", *(f"@{k}" for k in KS)], rows)


def _difference(values: np.ndarray) -> str:
    low, high = bootstrap_interval(values)
    mark = " *" if low > 0 or high < 0 else ""
    return f"{1000 * values.mean():+.1f} [{1000 * low:.1f}, {1000 * high:.1f}]{mark}"


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--task", choices=["classification", "regression"])
    parser.add_argument("--metrics")
    parser.add_argument("--knowledge", help="a knowledge file; default: the bundled one")
    args = parser.parse_args()
    for task in [args.task] if args.task else METRICS:
        knowledge = KnowledgeBase.load(args.knowledge) if args.knowledge else load_knowledge(task)
        for metric in args.metrics.split(",") if args.metrics else METRICS[task]:
            print(f"\n**{task}, {metric}** ({len(knowledge)} tasks, {len(set(knowledge.families))} families)\n")
            print(table(knowledge, metric, SYSTEMS))


if __name__ == "__main__":
    main()
