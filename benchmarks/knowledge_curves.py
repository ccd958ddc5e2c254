"""How regret falls as the knowledge grows: in tasks, and in configurations of each base estimator.

    python benchmarks/knowledge_curves.py [--task classification] [--knowledge FILE] [--seeds 5] [--plot curves.png]
    python benchmarks/knowledge_curves.py --of tasks [--more FILE]

Each task is judged by what the tasks of other families teach, as in recommenders.py: regret@k is the best score of any
configuration on the task minus the best score of the first k picks, in thousandths of the metric, mean over tasks with
a 95 % bootstrap interval.

Tasks: for each seed the tasks come in a random order, and a task is judged by the first 10, 20, ... of it that are of
other families; the mean over seeds. Those of --more teach beside all of them, and are not judged. Configurations: only
the first 3, 6, ... of each base estimator are known, its default and good practice first; the regret is against the
best of all.

The curve pays as long as it falls: all tasks, and all configurations, are set against fewer of them as paired
differences.
"""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Callable

import numpy as np
from _report import bootstrap_interval, markdown_table, with_interval
from recommenders import BASELINE, DEFAULT, METRICS, found_by, ladder, usable

from sklmeta import Configuration, KnowledgeBase, load_knowledge
from sklmeta.knowledge.sizes import whole_tables
from sklmeta.recommenders import Recommender

KS = (1, 5, 10)
TASKS = (10, 20, 40, 80)
CONFIGURATIONS = (3, 6, 12, 25, 40)


def regrets(
    recommender: Recommender, knowledge: KnowledgeBase, metric: str, known: Callable[[int], KnowledgeBase]
) -> np.ndarray:
    """Regret@KS of each task, after learning from ``known(i)``; shape (n_tasks, len(KS))."""
    best, features = np.nanmax(usable(knowledge, metric), axis=1), knowledge.meta_features
    result = np.zeros((len(knowledge), len(KS)))
    for i in range(len(knowledge)):
        learned = known(i)
        judged = knowledge.select(tasks=[knowledge.tasks[i]], configurations=learned.configurations)
        fitted = recommender.fit(learned, metric=metric)
        reached = np.maximum.accumulate(found_by(fitted, features.iloc[i], judged, 0, metric))
        result[i] = best[i] - reached[[min(k, len(reached)) - 1 for k in KS]]
    return result


def by_tasks(
    recommender: Recommender, knowledge: KnowledgeBase, metric: str, seeds: int, more: KnowledgeBase | None
) -> dict[str, np.ndarray]:
    """Regrets by how many tasks are known."""
    found = {}
    for size in [size for size in TASKS if size < len(knowledge) - 1]:
        every = []
        for seed in range(seeds):
            order = np.random.default_rng(seed).permutation(len(knowledge))
            every.append(regrets(recommender, knowledge, metric, _first_of(knowledge, order, size)))
        found[str(size)] = np.mean(every, axis=0)
    found["all"] = regrets(recommender, knowledge, metric, _first_of(knowledge, range(len(knowledge)), None))
    if more is not None:
        shared = [c for c in more.configurations if c in set(knowledge.configurations)]
        both, families = knowledge.merge(more.select(configurations=shared)), knowledge.families
        label = f"all, and {len(more)} more"
        found[label] = regrets(recommender, knowledge, metric, lambda i: both.exclude(families=[families[i]]))
    return found


def _first_of(knowledge: KnowledgeBase, order: np.ndarray | range, size: int | None) -> Callable[[int], KnowledgeBase]:
    def known(i: int) -> KnowledgeBase:
        others = [j for j in order if knowledge.families[j] != knowledge.families[i]]
        return knowledge.select(tasks=[knowledge.tasks[j] for j in others[:size]])

    return known


def by_configurations(recommender: Recommender, knowledge: KnowledgeBase, metric: str) -> dict[str, np.ndarray]:
    """Regrets by how many configurations of each base estimator are known."""
    longest = max(Counter(c.estimator for c in knowledge.configurations).values())
    found = {}
    for size in [*(size for size in CONFIGURATIONS if size < longest), longest]:
        part = knowledge.select(configurations=first_configurations(knowledge, size))
        label = f"{size} ({len(part.configurations)} in all)"
        found[label] = regrets(
            recommender, knowledge, metric, lambda i, part=part: part.exclude(families=[knowledge.families[i]])
        )
    return found


def first_configurations(knowledge: KnowledgeBase, size: int) -> list[Configuration]:
    """The first ones of each base estimator."""
    seen: Counter = Counter()
    kept = []
    for configuration in knowledge.configurations:
        seen[configuration.estimator] += 1
        if seen[configuration.estimator] <= size:
            kept.append(configuration)
    return kept


def table(what: str, curves: dict[str, dict[str, np.ndarray]]) -> str:
    """One markdown table: a row for each recommender and size, and what the last one gains over each."""
    rows = []
    for name, found in curves.items():
        rows += [[name, size, *(with_interval(v, 1, 1000) for v in values.T)] for size, values in found.items()]
        *before, last = found
        for size in before:
            gains = (found[last] - found[size]).T
            rows.append([name, f"{last} minus {size}", *map(_difference, gains)])
    return markdown_table(["regret x 1000", what, *(f"@{k}" for k in KS)], rows)


def _difference(values: np.ndarray) -> str:
    low, high = bootstrap_interval(values)
    return f"{1000 * values.mean():+.1f} [{1000 * low:.1f}, {1000 * high:.1f}]" + (" *" if low > 0 or high < 0 else "")


def draw(path: str, panels: dict[str, dict[str, dict[str, np.ndarray]]]) -> None:
    """One panel for each metric and kind of growth, one line for each recommender and k."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    n_rows = -(-len(panels) // 2)
    figure, axes = pyplot.subplots(n_rows, 2, figsize=(9, 3 * n_rows), squeeze=False)
    for axis in axes.flat[len(panels) :]:
        axis.remove()
    for axis, (title, curves) in zip(axes.flat, panels.items(), strict=False):
        for name, style in zip(curves, ("-", "--", ":"), strict=False):
            for colour, k in enumerate(KS):
                means = [1000 * values[:, colour].mean() for values in curves[name].values()]
                axis.plot(means, style, color=f"C{colour}", marker="o", markersize=3, label=f"{name} @{k}")
        axis.set_xticks(range(len(curves[name])), [size.split(" ")[0] for size in curves[name]])
        axis.set(title=title, ylabel="regret x 1000", ylim=(0, None))
    axes.flat[0].legend(fontsize=7)
    figure.tight_layout()
    figure.savefig(path, dpi=120)


def main() -> None:
    """Print the tables, and draw them."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--task", choices=["classification", "regression"])
    parser.add_argument("--metrics")
    parser.add_argument("--knowledge", metavar="FILE", help="default: what comes with sklmeta")
    parser.add_argument("--recommenders", default=f"{BASELINE},{DEFAULT}", help=f"default: {BASELINE},{DEFAULT}")
    parser.add_argument("--of", choices=["tasks", "configurations"], nargs="+", default=["tasks", "configurations"])
    parser.add_argument("--more", metavar="FILE", help="knowledge file of further tasks, only to learn from")
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--plot", metavar="PNG")
    args = parser.parse_args()
    given = KnowledgeBase.load(args.knowledge) if args.knowledge else None
    more = KnowledgeBase.load(args.more) if args.more else None
    systems, panels = ladder(args.recommenders.split(",")), {}
    asked = given.task_type if given else args.task
    for task in [asked] if asked else METRICS:
        knowledge = whole_tables(given or load_knowledge(task))
        for metric in args.metrics.split(",") if args.metrics else METRICS[task]:
            curves = {}
            if "tasks" in args.of:
                found = {name: by_tasks(rec, knowledge, metric, args.seeds, more) for name, rec in systems.items()}
                curves["tasks known"] = found
            if "configurations" in args.of:
                found = {name: by_configurations(rec, knowledge, metric) for name, rec in systems.items()}
                curves["of each estimator"] = found
            print(f"\n**{task}, {metric}** ({len(knowledge)} tasks, {len(knowledge.configurations)} configurations)\n")
            print("\n\n".join(table(what, found) for what, found in curves.items()), flush=True)
            panels |= {f"{metric}: {what}": found for what, found in curves.items()}
    if args.plot:
        draw(args.plot, panels)


if __name__ == "__main__":
    main()
