r"""How good the average is that a search of some seconds ends with, simulated on recorded errors and seconds.

    python benchmarks/budgeted_averages.py [--task classification] [--seconds 10] [--knowledge FILE]

On each table of which the knowledge has joint errors, with the rows that these were measured on, a search over these
configurations is played through: what is tried next, how many folds there are and what is affordable are decided as
the library does, by a recommender and a cost model that know nothing of the table's family; trying takes the CPU
seconds that were recorded, on two workers. Two seconds are for the start of the workers, 15 % of the budget for the
end. The average is then chosen greedily by errors on the test rows of these folds, which are drawn from the normal
distribution with the recorded mean products, four times; its true mean squared error follows from these products.
Errors of real models have heavier tails, so few test rows cost more than it says here.

Given is the logarithm of its ratio to that of the best average of all configurations, in per cent, cut at 100, as a
mean over tables with a 95 % bootstrap interval, and by how many rows they have; how many folds and picks there were.
"""

from __future__ import annotations

import argparse

import numpy as np
import pandas as pd
from _report import markdown_table, with_interval
from averages import best_average

from sklmeta import KnowledgeBase, load_knowledge, search
from sklmeta.costs import CostModel
from sklmeta.estimators import _FIRST_SHARE, _LARGE, _ONE_FOLD
from sklmeta.recommenders import Recommender, TaskMixture

METRIC = {"classification": "neg_log_loss", "regression": "r2"}
START, EACH = 2.0, 0.03  # seconds, and seconds between picks
TRAIN_SHARE, MEASURED_SHARE = 0.8, 2 / 3  # of the rows, that a fold trains on here and when it was measured
NEVER, DRAWS = 1.0, 4
SIZES = (0, 300, 1000, np.inf)


class Table:
    """A known table as a new one: its rows, scores, seconds, and how errors go together."""

    def __init__(self, judged: KnowledgeBase, i: int, metric: str, products: np.ndarray):
        self.features, self.products = judged.meta_features.iloc[i], products
        self.rows = float(np.exp(self.features["log_rows"]))
        self.configurations = judged.configurations
        seconds = (judged.fit_seconds[i] + judged.score_seconds[i]) * TRAIN_SHARE / MEASURED_SHARE
        self.seconds = np.where(np.isfinite(seconds), seconds, np.inf)
        self.scores, self.errors = judged.scores(metric)[i], judged.standard_errors(metric)[i]


def folds_for(table: Table, rec: Recommender, costs: CostModel, budget: float, room: int | None, average: bool) -> int:
    """As many as leave room for so many recommendations; None: five, or three for large tables."""
    n_folds = 5 if table.rows * 0.75 < _LARGE else 3
    first = rec.recommend(table.features, n=room or 1, candidates=table.configurations, average=average)
    each = sum(costs.seconds(r.configuration, int(TRAIN_SHARE * table.rows)) for r in first)
    while room and n_folds > (1 if table.rows >= _ONE_FOLD else 2) and n_folds * each / 2 > _FIRST_SHARE * budget:
        n_folds -= 1
    return n_folds


def searched(table: Table, rec: Recommender, costs: CostModel, budget: float, n_folds: int, average: bool) -> list[int]:
    """Positions of the configurations that were evaluated in time."""
    left, rounds, picks, observed = budget * (1 - search._RESERVE_SHARE) - START, max(1, n_folds) / 2, list[int](), {}
    n_rows, column = int(TRAIN_SHARE * table.rows), {c: j for j, c in enumerate(table.configurations)}
    while left > 0:
        expected = {c: costs.at_most(c, n_rows) for c in column if c not in observed}
        share = search._SHARE if picks else search._FIRST_SHARE
        allowed = [c for c, seconds in expected.items() if rounds * seconds <= share * left]
        if not allowed and not picks and expected:
            allowed = [min(expected, key=expected.__getitem__)]
        if not allowed:
            break
        told = {"observed": observed, "candidates": allowed, "seconds": expected, "average": average}
        pick = rec.recommend(table.features, **told)[0].configuration
        j = column[pick]
        takes = rounds * table.seconds[j] + EACH
        patience = rounds * max(search._PATIENCE * expected[pick], search._LEAST_PATIENCE * budget)
        if takes > min(left, patience):
            left, observed[pick] = left - min(left, patience), np.nan
            continue
        left, observed[pick] = left - takes, (table.scores[j], table.errors[j])
        costs.observe(pick, n_rows, table.seconds[j])
        picks.append(j)
    return picks


def excess(table: Table, picks: list[int], n_folds: int) -> float:
    """Of the average that is chosen by the test rows of the folds, over the best one of all."""
    ok = np.isfinite(np.diag(table.products))
    picks = [j for j in picks if ok[j]]
    if not picks:
        return NEVER
    products, rng = table.products[np.ix_(picks, picks)], np.random.default_rng(0)
    values, vectors = np.linalg.eigh(products)
    root = vectors * np.sqrt(np.clip(values, 0, None))
    found = []
    for _ in range(DRAWS):
        errors = rng.standard_normal((max(20, int(n_folds * table.rows / 5)), len(picks))) @ root.T
        w, _ = best_average(errors.T @ errors / len(errors))
        found.append(w @ products @ w)
    _, every = best_average(table.products[np.ix_(ok, ok)])
    return min(NEVER, float(np.log(np.mean(found) / every)))


def table_of(knowledge: KnowledgeBase, budget: float) -> str:
    """One markdown table."""
    joint, metric = knowledge.joint_errors, METRIC[str(knowledge.task_type)]
    if joint is None:
        raise SystemExit(f"{knowledge!r} has no joint errors.")
    judged = knowledge.select(tasks=joint.tasks, configurations=joint.configurations)
    policies = {
        "for the average, room for 8": (8, True),
        "for the average, room for 16": (16, True),
        "for the average, five folds": (None, True),
        "for the best, room for 8": (8, False),
    }
    rows = []
    for family in dict.fromkeys(judged.families):
        known = knowledge.exclude(families=[family])
        rec = TaskMixture().fit(known, metric=metric)
        for i in [i for i, f in enumerate(judged.families) if f == family]:
            one = Table(judged, i, metric, joint.products[joint.tasks.index(judged.tasks[i])])
            for name, (room, average) in policies.items():
                costs = CostModel(known, one.features)
                n_folds = folds_for(one, rec, costs, budget, room, average)
                picks = searched(one, rec, costs, budget, n_folds, average)
                rows.append((judged.tasks[i], one.rows, name, excess(one, picks, n_folds), n_folds, len(picks)))
    found = pd.DataFrame(rows, columns=["task", "rows", "policy", "excess", "folds", "picks"])
    found["size"] = pd.cut(found.rows, SIZES)
    lines, wide = [], found.pivot(index="task", columns="policy", values="excess")
    baseline = wide[next(iter(policies))]
    for name in policies:
        part = found[found.policy == name]
        by_size = part.groupby("size", observed=True).excess.mean() * 100
        minus = with_interval((wide[name] - baseline).to_numpy(), 2, 100)
        cells = [with_interval(part.excess.to_numpy(), 2, 100), minus, *(f"{v:.2f}" for v in by_size)]
        lines.append([name, *cells, f"{part.folds.mean():.1f}", f"{part.picks.mean():.1f}"])
    sizes = [f"{int(s.left)} to {s.right:g} rows" for s in sorted(found["size"].unique())]
    header = [f"excess error, %, {len(wide)} tables", "all", "minus the first", *sizes, "folds", "picks"]
    return markdown_table(header, lines)


def main() -> None:
    """Print the tables that were asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--task", choices=list(METRIC))
    parser.add_argument("--seconds", type=float, default=10.0)
    parser.add_argument("--knowledge", help="a file in place of the bundled knowledge")
    args = parser.parse_args()
    if args.knowledge:
        print(table_of(KnowledgeBase.load(args.knowledge), args.seconds))
        return
    for task in [args.task] if args.task else METRIC:
        print(f"\n**{task}, {args.seconds:g} s**\n\n{table_of(load_knowledge(task), args.seconds)}", flush=True)


if __name__ == "__main__":
    main()
