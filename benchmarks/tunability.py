"""What tuning is worth, by base estimator and by hyperparameter, after Probst, Boulesteix and Bischl (2019).

    python benchmarks/tunability.py [--task classification] [--metric roc_auc] [--knowledge FILE | --journals DIR]

DIR holds journals of `sklmeta knowledge build`, finished or not. Only tasks that evaluated all configurations of a base
estimator count for it. All scores are those of the cross-validation that also chooses, so "tuned" flatters a little. R2
below 0 counts as 0, and a failure or timeout as the task's worst score.

Base estimators. "default" is scikit-learn's. "ours" is the one configuration with the best mean score; what it gains
over the default is measured on tasks of other families than those that chose it. "tuned" is the best of the list on
each task. A configuration dominates the default if it is nowhere worse and somewhere better. Scores within 0.0001 are
the same.

Hyperparameters. The list is drawn at random, so no two configurations differ in one hyperparameter only. A surrogate
stands in: for each base estimator one random forest from its hyperparameters to the scores on all tasks at once, each
task scaled to 0 at its median and 1 at its best (cut at -1). "alone" is the gain from moving this one hyperparameter
away from ours to the best of its values on each task, as a share of the gain from moving all (Probst et al.).
"variance" is the share of the surrogate's variance over the list that is left when all others are averaged out, mean
over tasks (van Rijn and Hutter 2018, "Hyperparameter importance across datasets"). The surrogate's out-of-bag R2 says
how much to believe of both.

P. Probst, A.-L. Boulesteix, B. Bischl (2019), "Tunability: importance of hyperparameters of machine learning
algorithms".
"""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Hashable
from pathlib import Path

import numpy as np
from _report import markdown_table, with_interval
from recommenders import usable
from sklearn.ensemble import RandomForestRegressor

from sklmeta import Configuration, Evaluation, KnowledgeBase, load_knowledge
from sklmeta.knowledge.sizes import whole_tables
from sklmeta.recommenders.kernels import above_median

METRIC = {"classification": "roc_auc", "regression": "r2"}
SAME = 1e-4  # scores nearer than this are the same
FOLDS = 3


def read_journals(folder: str | Path) -> KnowledgeBase:
    """The evaluations in a folder of journals; a line that is still being written is left out."""
    evaluations = []
    for path in sorted(Path(folder).glob("*.jsonl")):
        text = path.read_text(encoding="utf-8")
        evaluations += [Evaluation.from_json(line) for line in text[: text.rfind("\n") + 1].splitlines()[1:]]
    return KnowledgeBase.from_evaluations(evaluations)


class Lists:
    """Scores of one base estimator's configurations, (n_tasks, n_configurations), where all were evaluated."""

    def __init__(self, knowledge: KnowledgeBase, name: Hashable, metric: str):
        columns = [j for j, c in enumerate(knowledge.configurations) if c.estimator == name]
        scores = usable(knowledge, metric)[:, columns]
        rows = np.flatnonzero(np.isfinite(scores).all(axis=1))
        self.name = name
        self.configurations = [knowledge.configurations[j] for j in columns]
        self.families = [knowledge.families[i] for i in rows]
        self.scores = np.maximum(scores[rows], 0.0) if metric == "r2" else scores[rows]
        self.scaled = above_median(self.scores)
        self.status = knowledge.status[:, columns]
        self.seconds = float(np.nansum(knowledge.fit_seconds[:, columns] + knowledge.score_seconds[:, columns]))
        self.ours = best_on_average(self.scores)

    def ours_elsewhere(self) -> np.ndarray:
        """Score on each task of the configuration that the tasks of other families choose; shape (n_tasks,)."""
        others = [np.array([f != family for f in self.families]) for family in self.families]
        chosen = [best_on_average(self.scores[o]) if o.any() else 0 for o in others]
        return self.scores[np.arange(len(chosen)), chosen]


def best_on_average(scores: np.ndarray) -> int:
    """Column with the best mean."""
    return int(scores.mean(axis=0).argmax())


# -- base estimators ---------------------------------------------------------------------------------------------


def estimator_row(found: Lists) -> list[str]:
    """What the default, ours and tuning reach on average, and what was measured."""
    default, ours, tuned = found.scores[:, 0], found.ours_elsewhere(), found.scores.max(axis=1)
    counts = Counter(found.status[found.status != "missing"].tolist())
    total = max(sum(counts.values()), 1)
    return [
        str(found.name),
        f"{len(found.scores)} x {len(found.configurations)}",
        f"{1000 * default.mean():.0f}",
        with_interval(ours - default, 1, 1000),
        with_interval(tuned - default, 1, 1000),
        with_interval(tuned - ours, 1, 1000),
        " / ".join(f"{100 * counts[s] / total:.1f}" for s in ("ok", "timeout", "failed")),
        f"{found.seconds * FOLDS / 3600:.2f}",
    ]


def default_row(found: Lists) -> list[str]:
    """How ours compares with the default, and whether something dominates it."""
    gain = found.scores[:, found.ours] - found.scores[:, 0]
    counts = [(gain > SAME).sum(), (np.abs(gain) <= SAME).sum(), (gain < -SAME).sum()]
    over = found.scores - found.scores[:, :1]
    dominating = np.flatnonzero((over >= -SAME).all(axis=0) & (over > SAME).any(axis=0))
    best = (over.max(axis=1) <= SAME).sum()
    return [
        str(found.name),
        settings(found.configurations[found.ours]) if found.ours else "scikit-learn's default",
        " / ".join(map(str, counts)),
        f"{len(dominating)}, as {settings(found.configurations[dominating[0]])}" if len(dominating) else "none",
        f"on {best}" if best else "never",
    ]


def settings(configuration: Configuration) -> str:
    """Hyperparameters on one line."""
    return ", ".join(f"{name}={value}" for name, value in configuration.params.items())


# -- hyperparameters ---------------------------------------------------------------------------------------------


def encoded(configurations: list[Configuration]) -> tuple[np.ndarray, dict[str, list[int]]]:
    """Numbers as they are, -1 where there is none, and a column for each other value; and which columns are whose."""
    names = list(dict.fromkeys(name for c in configurations for name in c.params))
    columns, groups = [], {}
    for name in names:
        values = [c.params.get(name) for c in configurations]
        numbers = [v if isinstance(v, int | float) and not isinstance(v, bool) else -1.0 for v in values]
        others = {repr(v) for v in values if not isinstance(v, int | float) or isinstance(v, bool)}
        made = [numbers, *([repr(v) == other for v in values] for other in sorted(others))]
        groups[name] = list(range(len(columns), len(columns) + len(made)))
        columns += made
    return np.array(columns, dtype=float).T, groups


def surrogate(found: Lists) -> RandomForestRegressor:
    """From hyperparameters to the scaled scores on all tasks."""
    forest = RandomForestRegressor(300, max_features=0.7, oob_score=True, random_state=0)
    return forest.fit(encoded(found.configurations)[0], found.scaled.T)


def hyperparameter_rows(found: Lists) -> list[list[str]]:
    """One row for each hyperparameter that has more than one value."""
    X, groups = encoded(found.configurations)
    forest = surrogate(found)
    at_ours, everywhere = X[found.ours], forest.predict(X)
    start = everywhere[found.ours]
    full = np.mean(everywhere.max(axis=0) - start)
    variance = everywhere.var(axis=0)
    rows = []
    for name, columns in groups.items():
        values = np.unique(X[:, columns], axis=0)
        if len(values) < 2:
            continue
        alone = np.tile(at_ours, (len(values), 1))
        alone[:, columns] = values
        gain = np.mean(np.maximum(forest.predict(alone).max(axis=0) - start, 0))
        share = _marginal_variance(forest, X, columns)[variance > 0] / variance[variance > 0]
        rows.append([str(found.name), name, _percent(gain, full), f"{100 * min(share.mean(), 1):.0f} %"])
    return sorted(rows, key=lambda row: -float(row[3].split()[0]))


def _marginal_variance(forest: RandomForestRegressor, X: np.ndarray, columns: list[int]) -> np.ndarray:
    """Variance, over one hyperparameter's values in the list, of the mean over all others; shape (n_tasks,)."""
    grid = np.repeat(X[None], len(X), axis=0)  # grid[v, i]: configuration i with the value that configuration v has
    grid[:, :, columns] = X[:, None, columns]
    return forest.predict(grid.reshape(-1, X.shape[1])).reshape(len(X), len(X), -1).mean(axis=1).var(axis=0)


def _percent(part: float, whole: float) -> str:
    return f"{100 * part / whole:.0f} %" if whole > 0 else ""


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--task", choices=["classification", "regression"], default="classification")
    parser.add_argument("--metric", help="default: roc_auc or r2")
    source = parser.add_mutually_exclusive_group()
    source.add_argument("--knowledge", metavar="FILE", help="default: what comes with sklmeta")
    source.add_argument("--journals", metavar="DIR")
    args = parser.parse_args()
    if args.journals:
        knowledge = read_journals(args.journals)
    else:
        knowledge = whole_tables(KnowledgeBase.load(args.knowledge) if args.knowledge else load_knowledge(args.task))
    metric = args.metric or next(m for m in METRIC.values() if m in knowledge.metrics)
    names = dict.fromkeys(c.estimator for c in knowledge.configurations)
    lists = [found for found in (Lists(knowledge, name, metric) for name in names) if len(found.scores) > 1]
    print(f"**{metric} x 1000**, {len(knowledge)} tasks\n")
    gains = ["default", "ours minus default", "tuned minus default", "tuned minus ours"]
    header = ["estimator", "tasks x configurations", *gains, "% ok / timeout / failed", "CPU hours"]
    print(markdown_table(header, [estimator_row(found) for found in lists]))
    header = ["estimator", "ours", "better / same / worse than the default", "dominates the default", "default is best"]
    print("\n" + markdown_table(header, [default_row(found) for found in lists]))
    searched = [found for found in lists if len(found.configurations) > 1]
    quality = ", ".join(f"{found.name} {surrogate(found).oob_score_:.2f}" for found in searched)
    print(f"\nSurrogates' out-of-bag R2: {quality}\n")
    rows = [row for found in searched for row in hyperparameter_rows(found)]
    print(markdown_table(["estimator", "hyperparameter", "alone", "variance"], rows))


if __name__ == "__main__":
    main()
