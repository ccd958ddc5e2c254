"""How the default recommender's time and memory grow with the knowledge: up to ten times the tasks and configurations.

    python benchmarks/growth.py [--task classification] [--metric accuracy] [--plot growth.png]

Larger knowledge is simulated from the bundled one: tasks, and configurations, are drawn with replacement, with noise on
scores and meta-features. Milliseconds are CPU time of one thread, the least of several calls: to fit; to fit where the
trees were learned ahead; to recommend before anything was observed, one configuration or 25; and to recommend the next
one after the sixth observation. Memory is what a fitted recommender holds besides the knowledge, and what fitting and
recommending take at most.
"""

from __future__ import annotations

import argparse
import time
import tracemalloc
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
from _report import markdown_table
from threadpoolctl import threadpool_limits

from sklmeta import Configuration, KnowledgeBase, load_knowledge
from sklmeta.recommenders import TaskMixture
from sklmeta.recommenders.forest import learned_ahead

SIZES = ((1, 1), (2, 1), (5, 1), (10, 1), (1, 10), (10, 10))  # times the tasks, times the configurations
OBSERVED = 6


def grown(knowledge: KnowledgeBase, metric: str, more_tasks: int, more_configurations: int) -> KnowledgeBase:
    """Knowledge of so many times the size, with the same tasks and configurations again and again, and noise."""
    rng = np.random.default_rng(0)
    n_tasks, n_configurations = more_tasks * len(knowledge), more_configurations * len(knowledge.configurations)
    rows = np.arange(n_tasks) % len(knowledge)
    columns = np.arange(n_configurations) % len(knowledge.configurations)
    M = knowledge.meta_features
    noisy = M.to_numpy()[rows] + 0.3 * M.std().to_numpy() * rng.normal(size=(n_tasks, M.shape[1]))
    scores, seconds = knowledge.scores(metric)[np.ix_(rows, columns)], knowledge.fit_seconds[np.ix_(rows, columns)]
    spread = np.nanstd(knowledge.scores(metric), axis=1)[rows, None]
    return KnowledgeBase(
        range(n_tasks),
        [Configuration(knowledge.configurations[j].estimator, {"number": i}) for i, j in enumerate(columns)],
        {metric: scores + 0.1 * np.minimum(spread, 0.1) * rng.normal(size=scores.shape)},
        meta_features=pd.DataFrame(noisy, columns=M.columns),
        fit_seconds=seconds,
        task_type=knowledge.task_type,
    )


def least_milliseconds(call: Callable[[], Any], repeats: int = 7) -> float:
    """CPU time of the quickest call."""
    spent = []
    for _ in range(repeats):
        started = time.process_time()
        call()
        spent.append(time.process_time() - started)
    return 1000 * min(spent)


def megabytes(call: Callable[[], Any]) -> tuple[float, float]:
    """What the result of a call holds, and the most that was held meanwhile."""
    tracemalloc.start()
    result = call()
    held, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    del result
    return held / 1e6, most / 1e6


def measured(knowledge: KnowledgeBase, metric: str) -> list[float]:
    """Milliseconds of each kind of call, and megabytes."""
    ahead = learned_ahead(knowledge, TaskMixture())
    fitted = TaskMixture().fit(ahead, metric=metric)
    features = knowledge.meta_features.iloc[0] + 0.01
    scores = knowledge.scores(metric)[0]
    observed: dict[Configuration, float] = {}
    for _ in range(OBSERVED):
        pick = fitted.recommend(features, observed=observed)[0].configuration
        observed[pick] = float(scores[fitted.position_[pick]])

    def from_fit_to_answer() -> TaskMixture:
        one = TaskMixture().fit(knowledge, metric=metric)
        one.recommend(features, n=25)
        one.recommend(features, observed=observed)
        return one

    return [
        least_milliseconds(lambda: TaskMixture().fit(knowledge, metric=metric), repeats=3),
        least_milliseconds(lambda: TaskMixture().fit(ahead, metric=metric)),
        least_milliseconds(lambda: fitted.recommend(features)),
        least_milliseconds(lambda: fitted.recommend(features, n=25)),
        least_milliseconds(lambda: fitted.recommend(features, observed=observed)),
        *megabytes(from_fit_to_answer),
    ]


def draw(path: str, tasks: list[int], fit_ms: list[float]) -> None:
    """Fit time by number of tasks."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    figure, ax = plt.subplots(figsize=(5, 3.5), layout="constrained")
    ax.plot(tasks, np.array(fit_ms) / 1000, marker="o")
    ax.set(xlabel="known tasks", ylabel="seconds to fit", ylim=(0, None))
    figure.savefig(path, dpi=150)


def main() -> None:
    """Print the table, and draw."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--task", choices=["classification", "regression"], default="classification")
    parser.add_argument("--metric", default=None, help="default: the first")
    parser.add_argument("--plot", metavar="FILE")
    args = parser.parse_args()
    knowledge = load_knowledge(args.task)
    metric = args.metric or knowledge.metrics[0]
    rows, tasks, fit_ms = [], [], []
    with threadpool_limits(1):
        for more_tasks, more_configurations in SIZES:
            larger = grown(knowledge, metric, more_tasks, more_configurations)
            found = measured(larger, metric)
            rows.append([f"{len(larger):,} x {len(larger.configurations):,}", *(f"{value:.1f}" for value in found)])
            if more_configurations == 1:
                tasks.append(len(larger))
                fit_ms.append(found[0])
    columns = ["fit", "fit, trees learned ahead", "recommend 1", "recommend 25", "recommend after an observation"]
    header = ["tasks x configurations", *(f"{name}, ms" for name in columns), "held, MB", "at most, MB"]
    print(markdown_table(header, rows))
    if args.plot:
        draw(args.plot, tasks, fit_ms)


if __name__ == "__main__":
    main()
