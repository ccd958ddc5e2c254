r"""Regret of the recommenders: on the bundled knowledge, leaving families out, or on tasks that it has never seen.

    python benchmarks/recommenders.py [--task classification] [--metrics accuracy,roc_auc] [--knowledge FILE]
    python benchmarks/recommenders.py --tasks FILE [--recommenders Portfolio,TaskMixture] [--seeds 3]

Without --tasks, each task is judged by what the tasks of all other families teach; with it, each task of FILE by the
whole knowledge. FILE holds evaluations of the same configurations on tasks of other families; nothing is learned from
it.

A recommender sees the task's meta-features and picks one configuration after the other, knowing the scores, and their
standard errors, of those that it picked before. Regret@k is the best score of any configuration on the task minus the
best score of the first k picks. Judged are tables as all configurations were measured on them; larger parts of them
teach, where the knowledge has some. Regret is given in thousandths of the metric, as a mean over tasks with a 95 %
bootstrap interval, and against the static portfolio as a paired difference, with the ratio of the means; \* where the
interval of the difference leaves zero out. What depends on random numbers is the mean over --seeds. "random" is the
expectation over all random orders of the configurations, exactly; "random x 10" may try ten times as many.

With --intervals, it is told instead how many of the 80 % intervals hold the score of the first recommendation, and of
the first five, before anything was observed; how wide that of the first one is; and how many tasks are called novel.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence

import numpy as np
import pandas as pd
from _report import bootstrap_interval, markdown_table, with_interval
from sklearn.base import clone

import sklmeta.recommenders
from sklmeta import KnowledgeBase, load_knowledge
from sklmeta.knowledge.sizes import whole_tables
from sklmeta.recommenders import Recommender
from sklmeta.recommenders.base import NOVEL

KS = (1, 2, 3, 5, 10, 25)
METRICS = {"classification": ("accuracy", "roc_auc", "neg_log_loss"), "regression": ("r2",)}
BASELINE, DEFAULT = "Portfolio", "TaskMixture"
LARGER = 10  # so many times more does the larger random search try


def ladder(names: list[str] | None = None) -> dict[str, Recommender]:
    """All recommenders that the library has, as they are by default, or some of them."""
    every = {name: getattr(sklmeta.recommenders, name) for name in sklmeta.recommenders.__all__}
    found = {n: c() for n, c in every.items() if issubclass(c, Recommender) and c is not Recommender}
    unknown = set(names or ()) - set(found)
    if unknown:
        raise SystemExit(f"There is no recommender {', '.join(sorted(unknown))}; there are {', '.join(found)}.")
    return {name: found[name] for name in names or found}


def usable(knowledge: KnowledgeBase, metric: str) -> np.ndarray:
    """Scores with failures at each task's worst; NaN where never evaluated, which the library would not try there."""
    scores = knowledge.scores(metric)
    worst = np.nanmin(scores, axis=1, keepdims=True)
    return np.where(np.isfinite(scores), scores, np.where(knowledge.status == "missing", np.nan, worst))


def splits(knowledge: KnowledgeBase, tasks: KnowledgeBase | None) -> Iterator[tuple[KnowledgeBase, list[int]]]:
    """What to learn from, and the positions of the tasks that it is judged on."""
    if tasks is not None:
        yield knowledge, list(range(len(tasks)))
        return
    families = whole_tables(knowledge).families
    for family in dict.fromkeys(families):
        yield knowledge.exclude(families=[family]), [i for i, f in enumerate(families) if f == family]


def found_by(fitted: Recommender, features: pd.Series, judged: KnowledgeBase, i: int, metric: str) -> np.ndarray:
    """Score of each pick on a task of `judged`, one pick at a time; at most max(KS)."""
    scores, errors, usables = judged.scores(metric)[i], judged.standard_errors(metric)[i], usable(judged, metric)[i]
    column = {c: j for j, c in enumerate(judged.configurations) if np.isfinite(usables[j])}
    observed: dict = {}
    for _ in range(min(max(KS), len(column))):
        pick = fitted.recommend(features, n=1, observed=observed, candidates=column)[0].configuration
        j = column[pick]
        observed[pick] = (scores[j], errors[j]) if np.isfinite(errors[j]) else scores[j]
    return usables[[column[c] for c in observed]]


def regrets(
    recommender: Recommender,
    knowledge: KnowledgeBase,
    metric: str,
    tasks: KnowledgeBase | None = None,
    seeds: int = 1,
    parts: Sequence[tuple[KnowledgeBase, list[int]]] | None = None,
) -> np.ndarray:
    """Regret after 1, 2, ... picks, mean over seeds; shape (n_tasks, max(KS)). `parts` are `splits` made before."""
    judged = whole_tables(knowledge) if tasks is None else tasks
    best = np.nanmax(usable(judged, metric), axis=1)
    features = judged.meta_features
    random = "random_state" in recommender.get_params()
    result = np.zeros((seeds if random else 1, len(judged), max(KS)))
    for seed, regret in enumerate(result):
        seeded = clone(recommender).set_params(**({"random_state": seed} if random else {}))
        for known, positions in parts or splits(knowledge, tasks):
            fitted = seeded.fit(known, metric=metric)
            for i in positions:
                reached = np.maximum.accumulate(found_by(fitted, features.iloc[i], judged, i, metric))
                regret[i] = best[i] - np.pad(reached, (0, max(KS) - len(reached)), mode="edge")
    return result.mean(axis=0)


def random_regrets(knowledge: KnowledgeBase, metric: str) -> np.ndarray:
    """Expected regret of the best of k draws without replacement; shape (n_tasks, LARGER * max(KS))."""
    return np.array([expected_regrets(row[np.isfinite(row)], LARGER * max(KS)) for row in usable(knowledge, metric)])


def expected_regrets(scores: np.ndarray, most: int) -> list[float]:
    """For k = 1, 2, ..., `most`: the best score of a task minus the expected best of k draws without replacement."""
    ordered, n = -np.sort(-scores), len(scores)
    result = []
    for k in range(1, most + 1):
        none_before = np.cumprod([1.0] + [max(n - i - k, 0) / (n - i) for i in range(n - 1)])
        first_here = none_before * np.minimum(k / (n - np.arange(n)), 1)
        result.append(float(ordered[0] - ordered @ first_here))
    return result


def comparable(knowledge: KnowledgeBase, tasks: KnowledgeBase) -> KnowledgeBase:
    """The tasks with the configurations that the knowledge has; refuses tasks that it could have learned from."""
    shared = set(tasks.families) & set(knowledge.families)
    if shared:
        raise SystemExit(f"The knowledge has families of these tasks: {sorted(map(str, shared))[:5]}; leave them out.")
    known = set(knowledge.configurations)
    return tasks.select(configurations=[c for c in tasks.configurations if c in known])


def table(
    knowledge: KnowledgeBase,
    metric: str,
    systems: dict[str, Recommender],
    tasks: KnowledgeBase | None = None,
    seeds: int = 1,
) -> str:
    """One markdown table for one metric."""
    found = {name: regrets(rec, knowledge, metric, tasks, seeds) for name, rec in systems.items()}
    random, at = random_regrets(whole_tables(knowledge) if tasks is None else tasks, metric), np.array(KS)
    columns = {name: values[:, at - 1] for name, values in found.items()}
    columns |= {"random": random[:, at - 1], f"random x {LARGER}": random[:, LARGER * at - 1]}
    rows = [[name, *(with_interval(column, 1, 1000) for column in values.T)] for name, values in columns.items()]
    pairs = [(name, BASELINE) for name in systems if name != BASELINE] if BASELINE in systems else []
    pairs += [(DEFAULT, f"random x {LARGER}")] if DEFAULT in systems else []
    for one, other in pairs:
        both = zip(columns[one].T, columns[other].T, strict=True)
        rows.append([f"{one} minus {other}", *(difference(a, b) for a, b in both)])
    return markdown_table(["regret x 1000", *(f"@{k}" for k in KS)], rows)


def interval_row(recommender: Recommender, knowledge: KnowledgeBase, metric: str, tasks: KnowledgeBase | None) -> list:
    """Share of the intervals that hold the score of the first pick and of the first five, and their median width.

    Then the share of the tasks that are called novel.
    """
    judged = whole_tables(knowledge) if tasks is None else tasks
    scores, features = usable(judged, metric), judged.meta_features
    inside, widths, novel = [], [], []
    for known, positions in splits(knowledge, tasks):
        fitted = clone(recommender).fit(known, metric=metric)
        for i in positions:
            column = {c: j for j, c in enumerate(judged.configurations) if np.isfinite(scores[i, j])}
            found = fitted.recommend(features.iloc[i], n=5, candidates=column)
            low, high = np.array([r.interval for r in found]).T
            score = scores[i, [column[r.configuration] for r in found]]
            inside.append((low <= score + 1e-12) & (score <= high + 1e-12))
            widths.append(high[0] - low[0])
            novel.append(fitted.novelty(features.iloc[i]) > NOVEL)
    first, five = np.array([hits[0] for hits in inside]), np.array([hits.mean() for hits in inside])
    return [with_interval(first), with_interval(five), f"{np.median(widths):.3f}", f"{np.mean(novel):.3f}"]


def difference(ours: np.ndarray, theirs: np.ndarray) -> str:
    """Mean paired difference in thousandths, its interval, whether that leaves zero out, and the ratio of the means."""
    values = ours - theirs
    low, high = bootstrap_interval(values)
    mark = " *" if low > 0 or high < 0 else ""
    ratio = f" (x {ours.mean() / theirs.mean():.2f})" if theirs.mean() > 0 else ""
    return f"{1000 * values.mean():+.1f} [{1000 * low:.1f}, {1000 * high:.1f}]{mark}{ratio}"


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--task", choices=["classification", "regression"])
    parser.add_argument("--metrics")
    parser.add_argument("--knowledge", metavar="FILE", help="what to learn from; default: what comes with sklmeta")
    parser.add_argument("--tasks", metavar="FILE", help="knowledge file of other tasks, to judge on")
    parser.add_argument("--recommenders", help="names; default: all")
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--intervals", action="store_true", help="judge these, with the first seed")
    args = parser.parse_args()
    tasks = KnowledgeBase.load(args.tasks) if args.tasks else None
    systems = ladder(args.recommenders.split(",") if args.recommenders else None)
    given = KnowledgeBase.load(args.knowledge) if args.knowledge else None
    asked = args.task or (given or tasks).task_type if args.task or given or tasks else None
    for task in [asked] if asked else METRICS:
        knowledge = given or load_knowledge(task)
        judged = comparable(knowledge, tasks) if tasks is not None else whole_tables(knowledge)
        for metric in args.metrics.split(",") if args.metrics else METRICS[task]:
            how = "leaving families out" if tasks is None else f"learned from {len(whole_tables(knowledge))} others"
            counts = f"{len(judged)} tasks, {len(set(judged.families))} families"
            print(f"\n**{task}, {metric}** ({counts}, {len(judged.configurations)} configurations, {how})\n")
            of = None if tasks is None else judged
            if args.intervals:
                rows = [[name, *interval_row(rec, knowledge, metric, of)] for name, rec in systems.items()]
                header = ["80 % intervals", "hold the first", "hold the first five", "width, median", "novel tasks"]
                print(markdown_table(header, rows), flush=True)
            else:
                print(table(knowledge, metric, systems, of, args.seeds), flush=True)


if __name__ == "__main__":
    main()
