r"""How good an average of the first picks is, by the joint errors that the knowledge has; families left out.

    python benchmarks/averages.py [--task classification] [--knowledge FILE]

A recommender that knows nothing of the task's family picks one of the configurations with known joint errors after the
other, told the score of each (Brier, R2) and its standard error. After k picks, the best average of them is chosen
greedily (Caruana et al. 2004, 25 rounds), and its mean squared error, which follows exactly from the joint errors, is
compared with that of the best average of all; the best single pick with the best single one, likewise. What is given is
the logarithm of the ratio in per cent, cut at 50, as a mean over tasks with a 95 % bootstrap interval. "random" is the
mean over five random orders.
"""

from __future__ import annotations

import argparse

import numpy as np
import pandas as pd
from _report import markdown_table, with_interval

from sklmeta import KnowledgeBase, load_knowledge
from sklmeta.recommenders import Portfolio, Recommender, TaskMixture

KS = (2, 3, 5, 8, 12, 20, 30)
METRIC = {"classification": "neg_brier_score", "regression": "r2"}
ROUNDS, CUT, SHUFFLES = 25, 0.5, 5


def best_average(products: np.ndarray) -> tuple[np.ndarray, float]:
    """Weights and mean squared error of the best greedy average of at most `ROUNDS` picks with replacement."""
    n = len(products)
    cross, own, best, counts, weights = np.zeros(n), 0.0, np.inf, np.zeros(n), np.zeros(n)
    for size in range(1, ROUNDS + 1):
        errors = (own + 2 * cross + np.diag(products)) / size**2
        j = int(np.argmin(errors))
        own, cross, counts[j] = own + 2 * cross[j] + products[j, j], cross + products[j], counts[j] + 1
        if errors[j] < best:
            best, weights = errors[j], counts / size
    return weights, float(best)


def excess(order: list[int], products: np.ndarray) -> np.ndarray:
    """How far the best average, and the best one, of the first k fall short of those of all; shape (2, len(KS))."""
    ok = np.flatnonzero(np.isfinite(np.diag(products)))
    (_, every), single = best_average(products[np.ix_(ok, ok)]), np.diag(products)[ok].min()
    found = np.full((2, len(KS)), CUT)
    for position, k in enumerate(KS):
        tried = [j for j in order[:k] if j in ok]
        if tried:
            part = products[np.ix_(tried, tried)]
            ratios = best_average(part)[1] / every, np.diag(part).min() / single
            found[:, position] = np.minimum(np.log(ratios), CUT)
    return found


def order_by(
    fitted: Recommender, features: pd.Series, judged: KnowledgeBase, i: int, metric: str, average: bool
) -> list[int]:
    """Positions of the configurations of `judged`, in the order in which they are picked on one of its tasks."""
    scores, errors = judged.scores(metric)[i], judged.standard_errors(metric)[i]
    column, observed = {c: j for j, c in enumerate(judged.configurations)}, {}
    for _ in range(min(max(KS), len(column))):
        pick = fitted.recommend(features, observed=observed, candidates=column, average=average)[0].configuration
        observed[pick] = (scores[column[pick]], errors[column[pick]])
    return [column[c] for c in observed]


def table(knowledge: KnowledgeBase) -> str:
    """One markdown table: orders by rows, number of picks by columns."""
    joint = knowledge.joint_errors
    if joint is None:
        raise SystemExit(f"{knowledge!r} has no joint errors.")
    metric, rng = METRIC[str(knowledge.task_type)], np.random.default_rng(0)
    judged = knowledge.select(tasks=joint.tasks, configurations=joint.configurations)
    systems: dict[str, tuple[Recommender, bool]] = {
        "Portfolio": (Portfolio(), False),
        "TaskMixture, for the best": (TaskMixture(), False),
        "TaskMixture, for the average": (TaskMixture(), True),
    }
    found: dict[str, list[np.ndarray]] = {name: [] for name in (*systems, "random")}
    for family in dict.fromkeys(judged.families):
        known = knowledge.exclude(families=[family])
        fitted = {name: (rec.fit(known, metric=metric), average) for name, (rec, average) in systems.items()}
        for i in [i for i, f in enumerate(judged.families) if f == family]:
            features, products = judged.meta_features.iloc[i], joint.products[joint.tasks.index(judged.tasks[i])]
            for name, (recommender, average) in fitted.items():
                found[name].append(excess(order_by(recommender, features, judged, i, metric, average), products))
            orders = [rng.permutation(len(judged.configurations)).tolist() for _ in range(SHUFFLES)]
            found["random"].append(np.mean([excess(order, products) for order in orders], axis=0))
    rows = []
    for what, part in (("average", 0), ("best", 1)):
        columns = {name: np.array(values)[:, part] for name, values in found.items()}
        rows += [[f"{what}: {name}", *(with_interval(v, 2, 100) for v in c.T)] for name, c in columns.items()]
        difference = columns["TaskMixture, for the average"] - columns["TaskMixture, for the best"]
        rows.append([f"{what}: the one minus the other", *(with_interval(v, 2, 100) for v in difference.T)])
    return markdown_table([f"excess error, %, {len(judged)} tasks", *(f"@{k}" for k in KS)], rows)


def main() -> None:
    """Print the tables that were asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--task", choices=["classification", "regression"], help="only this task type")
    parser.add_argument("--knowledge", help="a file in place of the bundled knowledge")
    args = parser.parse_args()
    if args.knowledge:
        print(table(KnowledgeBase.load(args.knowledge)))
        return
    for task in [args.task] if args.task else METRIC:
        print(f"\n## {task}\n\n{table(load_knowledge(task))}")


if __name__ == "__main__":
    main()
