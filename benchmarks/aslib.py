"""Recommenders as algorithm selectors, on an ASlib scenario and its own folds.

    python benchmarks/aslib.py FOLDER [--seeds 10] [--recommenders Portfolio,TaskMixture] [--splits scenario]

In every fold, each recommender learns from the training instances; then it recommends one algorithm after the other
for each test instance, told after each pick what that one scored there, as a search would.

* Closed gap: how much of the way from the single best algorithm of the training instances to the best one of each
  instance the first pick goes, in percent, as means over all instances (as in the Open Algorithm Selection Challenge
  2017).
* Regret@k: the best score of any algorithm on the instance minus the best of the first k, in hundredths of the
  scenario's first measure.

Both with 95 % bootstrap intervals over instances, of means over the seeds; the figure after ± is the standard deviation
of the closed gap between seeds. A seed is the recommender's random_state, where it has one; with ``--splits random``
also that of ten random folds, instead of the scenario's. Failed and stopped runs count as the instance's worst score.
"""

from __future__ import annotations

import argparse
import inspect
from collections.abc import Iterable, Iterator, Sequence

import numpy as np
from _report import markdown_table, with_interval
from sklearn.model_selection import KFold

import sklmeta.recommenders
from sklmeta import KnowledgeBase
from sklmeta.integrations import AslibScenario, read_aslib
from sklmeta.recommenders import Recommender

KS = (1, 2, 3, 5, 10)
Split = tuple[Sequence, Sequence]


def known_recommenders() -> dict[str, type[Recommender]]:
    """Every recommender that can be made, by name."""
    exported = {name: getattr(sklmeta.recommenders, name) for name in sklmeta.recommenders.__all__}
    return {name: c for name, c in exported.items() if issubclass(c, Recommender) and not inspect.isabstract(c)}


def seeded(recommender: type[Recommender], seed: int) -> Recommender:
    """One with this random_state, if it has any."""
    takes_one = "random_state" in inspect.signature(recommender).parameters
    return recommender(random_state=seed) if takes_one else recommender()


def judged(knowledge: KnowledgeBase, metric: str) -> tuple[list, np.ndarray]:
    """Tasks that have scores, and these, with failures and gaps at each task's worst."""
    scores = knowledge.scores(metric)
    scored = np.isfinite(scores).any(axis=1)
    scores = scores[scored]
    filled = np.where(np.isfinite(scores), scores, np.nanmin(scores, axis=1, keepdims=True))
    return [task for task, has in zip(knowledge.tasks, scored, strict=True) if has], filled


def random_folds(tasks: Sequence, seed: int) -> Iterator[Split]:
    """Ten random folds."""
    for train, test in KFold(10, shuffle=True, random_state=seed).split(tasks):
        yield [tasks[i] for i in train], [tasks[i] for i in test]


def picks(recommender: Recommender, meta_features: np.ndarray, scores: dict, n: int) -> list:
    """Configurations in the order of trying, each chosen knowing the scores of the ones before."""
    observed: dict = {}
    while len(observed) < min(n, len(scores)):
        pick = recommender.recommend(meta_features, observed=observed)[0].configuration
        observed[pick] = scores[pick]
    return list(observed)


def trial(recommender: Recommender, knowledge: KnowledgeBase, metric: str, splits: Iterable[Split]) -> np.ndarray:
    """What the best of the first k picks scores on each task, less than the best of all; (n_tasks, 1 + max(KS)).

    The first column is that of the training tasks' single best. Means over the splits that test a task.
    """
    tasks, scores = judged(knowledge, metric)
    row = {task: i for i, task in enumerate(tasks)}
    regrets: list[list[np.ndarray]] = [[] for _ in tasks]
    for train, test in splits:
        recommender.fit(knowledge.select(tasks=train), metric=metric)
        single = scores[[row[task] for task in train if task in row]].mean(axis=0).argmax()
        for i in (row[task] for task in test if task in row):
            here = dict(zip(knowledge.configurations, scores[i], strict=True))
            features = knowledge.meta_features.loc[tasks[i]].to_numpy()
            found = np.maximum.accumulate([here[c] for c in picks(recommender, features, here, max(KS))])
            found = np.pad(found, (0, max(KS) - len(found)), mode="edge")
            regrets[i].append(scores[i].max() - np.array([scores[i, single], *found]))
    untested = [task for task, found in zip(tasks, regrets, strict=True) if not found]
    if untested:
        raise ValueError(f"No fold tests {untested[0]!r}; give --splits random.")
    return np.array([np.mean(found, axis=0) for found in regrets])


def closed_gap(regrets: np.ndarray) -> float:
    """How much smaller the first pick's regret is than the single best's, of the means over tasks; in percent."""
    single, first = regrets[..., :2].reshape(-1, 2).mean(axis=0)
    return 100 * (1 - first / single)


def gap_with_interval(trials: np.ndarray, draws: int = 2000) -> str:
    """Of trials of shape (n_seeds, n_tasks, 1 + max(KS)), bootstrapped over tasks."""
    means = trials.mean(axis=0)
    rng = np.random.default_rng(0)
    drawn = [closed_gap(means[rng.integers(len(means), size=len(means))]) for _ in range(draws)]
    low, high = np.quantile(drawn, [0.025, 0.975])
    spread = f" ± {np.std([closed_gap(t) for t in trials], ddof=1):.1f}" if len(trials) > 1 else ""
    return f"{closed_gap(means):.1f}{spread} [{low:.0f}, {high:.0f}]"


def table(scenario: AslibScenario, names: Sequence[str], seeds: Sequence[int], own_splits: bool) -> str:
    """One markdown table, a recommender a row."""
    knowledge, metric = scenario.knowledge, next(iter(scenario.maximize))
    tasks, _ = judged(knowledge, metric)
    rows = []
    for name in names:
        trials = np.array(
            [
                trial(
                    seeded(known_recommenders()[name], seed),
                    knowledge,
                    metric,
                    scenario.splits if own_splits else random_folds(tasks, seed),
                )
                for seed in seeds
            ]
        )
        means = trials.mean(axis=0)
        rows.append([name, gap_with_interval(trials), *(with_interval(means[:, k], 2, 100) for k in KS)])
    return markdown_table(["", "closed gap, %", *(f"regret@{k}" for k in KS)], rows)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", help="of an ASlib scenario")
    parser.add_argument("--seeds", type=int, default=10, help="how many")
    parser.add_argument("--recommenders", default=",".join(known_recommenders()), help="names, with commas")
    parser.add_argument("--splits", choices=["scenario", "random"], default="scenario")
    args = parser.parse_args()
    scenario = read_aslib(args.folder)
    metric = next(iter(scenario.maximize))
    _, scores = judged(scenario.knowledge, metric)
    print(f"**{scenario.name}**, {metric}: {scores.shape[0]} instances, {scores.shape[1]} algorithms, ", end="")
    print(f"best algorithm {scores.mean(axis=0).max():.4f}, best of each {scores.max(axis=1).mean():.4f}; ", end="")
    print(f"{args.seeds} seeds, {args.splits} folds\n")
    print(table(scenario, args.recommenders.split(","), range(args.seeds), args.splits == "scenario"))


if __name__ == "__main__":
    main()
