r"""A few picks by knowledge against many random draws from the spaces.

    python benchmarks/random_draws.py FILE [--draws 50] [--recommenders TaskMixture,Portfolio]

FILE is knowledge of tasks on which the whole list of `sklmeta knowledge build --configurations all` was measured. What
a random search would try are those of the list that are neither a default nor good practice, but quasi-random draws
from the spaces. Its regret after --draws of them is the expectation over all orders, exactly. Recommenders pick from
the list that comes with the package, one at a time, by what it knows of the tasks of other families. Regret is the best
score of the whole list on the task minus the best score found, in thousandths, mean over tasks with a 95 % bootstrap
interval; then the paired difference to the random search, \* where its interval leaves zero out.
"""

from __future__ import annotations

import argparse

import numpy as np
from _report import markdown_table, with_interval
from recommenders import BASELINE, DEFAULT, METRICS, difference, expected_regrets, found_by, ladder, usable

from sklmeta import KnowledgeBase, load_knowledge
from sklmeta.catalogue import default_configurations
from sklmeta.recommenders import Recommender

KS = (1, 3, 5, 10, 25)
CURATED = 6  # of each base estimator: its default and good practice, which come first


def reached(recommender: Recommender, knowledge: KnowledgeBase, judged: KnowledgeBase, metric: str) -> np.ndarray:
    """Best score after each pick on each task, by what `knowledge` has of other families."""
    known = set(knowledge.configurations)
    listed = judged.select(configurations=[c for c in judged.configurations if c in known])
    found = []
    for i, family in enumerate(listed.families):
        others = knowledge.exclude(families=[family]) if family in knowledge.families else knowledge
        fitted = recommender.fit(others, metric=metric)
        found.append(np.maximum.accumulate(found_by(fitted, listed.meta_features.iloc[i], listed, i, metric)))
    return np.array(found)


def table(names: list[str], judged: KnowledgeBase, metric: str, n_draws: int) -> str:
    """One markdown table."""
    scores, knowledge = usable(judged, metric), load_knowledge(judged.task_type)
    best = np.nanmax(scores, axis=1)
    curated = set(default_configurations(judged.task_type, CURATED))
    drawn = [j for j, configuration in enumerate(judged.configurations) if configuration not in curated]
    # its own best draw, and how far that is from the best of all
    draws = np.array([expected_regrets(row[np.isfinite(row)], n_draws)[-1] for row in scores[:, drawn]])
    draws += best - np.nanmax(scores[:, drawn], axis=1)
    rows = [[f"{n_draws} of {len(drawn)} draws", with_interval(draws, 1, 1000), *[""] * (len(KS) - 1)]]
    for name, recommender in ladder(names).items():
        found = (best[:, None] - reached(recommender, knowledge, judged, metric))[:, np.array(KS) - 1]
        rows.append([name, *(with_interval(column, 1, 1000) for column in found.T)])
        rows.append([f"{name} minus the draws", *(difference(column, draws) for column in found.T)])
    return markdown_table(["regret x 1000", *(f"@{k}" for k in KS)], rows)


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("file", metavar="FILE")
    parser.add_argument("--draws", type=int, default=50)
    parser.add_argument("--recommenders", default=f"{DEFAULT},{BASELINE}", help=f"default: {DEFAULT},{BASELINE}")
    args = parser.parse_args()
    judged = KnowledgeBase.load(args.file)
    for metric in METRICS[judged.task_type]:
        print(
            f"\n**{judged.task_type}, {metric}** ({len(judged)} tasks, {len(judged.configurations)} configurations)\n"
        )
        print(table(args.recommenders.split(","), judged, metric, args.draws), flush=True)


if __name__ == "__main__":
    main()
