r"""How good an average of the first picks is, by the joint errors that the knowledge has; families left out.

    python benchmarks/averages.py [--task classification] [--knowledge FILE]

A recommender that knows nothing of the task's family picks one of the configurations with known joint errors after the
other, told the score of each (Brier, R2) and its standard error. After k picks, the best average of them is chosen
greedily (Caruana et al. 2004, 25 rounds), and its mean squared error, which follows exactly from the joint errors, is
compared with that of the best average of all; the best single pick with the best single one, likewise. What is given is
the logarithm of the ratio in per cent, cut at 50, as a mean over tasks with a 95 % bootstrap interval. "random" is the
mean over five random orders; "of one preparation" may pick no base estimator that differs from another by its
preparation of the table only, and no Gaussian process. What each base estimator contributes is how much worse the best
average of all others is. A task on which some average makes no error is left out.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd
from _report import markdown_table, with_interval

from sklmeta import Configuration, KnowledgeBase, load_knowledge
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


def is_solved(products: np.ndarray) -> bool:
    """Whether some average makes no error: there are no ratios to it."""
    ok = np.isfinite(np.diag(products))
    return best_average(products[np.ix_(ok, ok)])[1] <= 0


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


def order_by(how: How, features: pd.Series, judged: KnowledgeBase, i: int, metric: str) -> list[int]:
    """Positions of the configurations of `judged`, in the order in which they are picked on one of its tasks."""
    scores, errors = judged.scores(metric)[i], judged.standard_errors(metric)[i]
    column, observed = {c: j for j, c in enumerate(judged.configurations) if how.allowed(c)}, {}
    for _ in range(min(max(KS), len(column))):
        (best,) = how.recommender.recommend(features, n=1, observed=observed, candidates=column, average=how.average)
        pick = best.configuration
        observed[pick] = (scores[column[pick]], errors[column[pick]])
    return [column[c] for c in observed]


@dataclass(frozen=True)
class How:
    """For what a recommender picks, and among which configurations."""

    recommender: Recommender
    average: bool = False
    allowed: Callable[[Configuration], bool] = lambda _: True


def of_one_preparation(configuration: Configuration) -> bool:
    """Whether its base estimator is the first of its kind in the catalogue."""
    return not str(configuration.estimator).endswith(("_normal", "_splines", "_components", "_process"))


def contributions(knowledge: KnowledgeBase) -> str:
    """One markdown table: what the best average lacks without each base estimator, and without all that came later."""
    joint = knowledge.joint_errors
    assert joint is not None
    names = np.array([str(c.estimator) for c in joint.configurations])
    first = np.array([of_one_preparation(c) for c in joint.configurations])
    without = {name: names != name for name in dict.fromkeys(names)} | {"all but those of one preparation": first}
    found: dict[str, list[float]] = {name: [] for name in without}
    for products in joint.products:
        ok = np.isfinite(np.diag(products))
        if is_solved(products):
            continue
        every = best_average(products[np.ix_(ok, ok)])[1]
        for name, kept in without.items():
            rest = best_average(products[np.ix_(ok & kept, ok & kept)])[1]
            found[name].append(min(np.log(rest / every), CUT))
    rows = [
        [
            name,
            str(int((~without[name]).sum())),
            with_interval(np.array(v), 2, 100),
            f"{np.mean(np.array(v) > 0.01):.0%}",
        ]
        for name, v in found.items()
    ]
    header = ["without", "configurations", f"excess error, %, {len(found[names[0]])} tasks", "above 1 % on"]
    return markdown_table(header, rows)


def table(knowledge: KnowledgeBase) -> str:
    """One markdown table: orders by rows, number of picks by columns."""
    joint = knowledge.joint_errors
    if joint is None:
        raise SystemExit(f"{knowledge!r} has no joint errors.")
    metric, rng = METRIC[str(knowledge.task_type)], np.random.default_rng(0)
    judged = knowledge.select(tasks=joint.tasks, configurations=joint.configurations)
    systems = {
        "Portfolio": How(Portfolio()),
        "TaskMixture, for the best": How(TaskMixture()),
        "TaskMixture, for the average": How(TaskMixture(), average=True),
        "the same, of one preparation": How(TaskMixture(), average=True, allowed=of_one_preparation),
    }
    found: dict[str, list[np.ndarray]] = {name: [] for name in (*systems, "random")}
    for family in dict.fromkeys(judged.families):
        known = knowledge.exclude(families=[family])
        for how in systems.values():
            how.recommender.fit(known, metric=metric)
        for i in [i for i, f in enumerate(judged.families) if f == family]:
            features, products = judged.meta_features.iloc[i], joint.products[joint.tasks.index(judged.tasks[i])]
            if is_solved(products):
                continue
            for name, how in systems.items():
                order = order_by(how, features, judged, i, metric)
                found[name].append(excess(order, products))
            orders = [rng.permutation(len(judged.configurations)).tolist() for _ in range(SHUFFLES)]
            found["random"].append(np.mean([excess(order, products) for order in orders], axis=0))
    rows = []
    for what, part in (("average", 0), ("best", 1)):
        columns = {name: np.array(values)[:, part] for name, values in found.items()}
        rows += [[f"{what}: {name}", *(with_interval(v, 2, 100) for v in c.T)] for name, c in columns.items()]
        for other in ("TaskMixture, for the best", "the same, of one preparation"):
            difference = columns["TaskMixture, for the average"] - columns[other]
            name = f"{what}: for the average minus {other.split(', ')[-1]}"
            rows.append([name, *(with_interval(v, 2, 100) for v in difference.T)])
    n_tasks = len(found["random"])
    return markdown_table([f"excess error, %, {n_tasks} tasks", *(f"@{k}" for k in KS)], rows)


def report(knowledge: KnowledgeBase) -> None:
    """Both tables of one task type."""
    print(f"\n## {knowledge.task_type}\n\n{table(knowledge)}\n\n{contributions(knowledge)}", flush=True)


def main() -> None:
    """Print the tables that were asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--task", choices=["classification", "regression"], help="only this task type")
    parser.add_argument("--knowledge", help="a file in place of the bundled knowledge")
    args = parser.parse_args()
    if args.knowledge:
        report(KnowledgeBase.load(args.knowledge))
        return
    for task in [args.task] if args.task else METRIC:
        report(load_knowledge(task))


if __name__ == "__main__":
    main()
