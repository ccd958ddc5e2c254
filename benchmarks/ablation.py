r"""What each part of the default recommender contributes: its regret without it, leaving families out.

    python benchmarks/ablation.py [--task classification] [--metrics accuracy,roc_auc] [--seeds 3]

Each task is judged by what the tasks of all other families teach, one pick at a time, as in recommenders.py. Each
variant is the default with one part taken away:

* without forest: before anything is observed, all known tasks count alike, but for the ridge regression.
* without ridge: what is expected is the forest's alone.
* without both: before anything is observed, all known tasks count alike.
* without landmarkers: the forest sees the other meta-features only, and there is no ridge regression; its trees tell
  apart who is best, as they do without landmarkers.
* without diversity: always what is best by weighted mean, whatever was tried.
* without adaptivity: what was observed changes no weights.
* without noise: standard errors of what was observed do not count.
* without shift: the forest weighs tasks, and what is expected moves no scores.
* without stakes: tasks count alike however much there is to gain on them.
* without fallback: tasks unlike everything known go through the forest, too.

What learning the constants would contribute is in meta_parameters.py; what counting seconds does, in budgets.py.

Regret@k in thousandths of the metric, mean over tasks with a 95 % bootstrap interval, and the paired difference to the
default: positive where the part helps; \* where its interval leaves zero out. Means over --seeds.
"""

from __future__ import annotations

import argparse
from typing import Any

import numpy as np
from _report import markdown_table, with_interval
from recommenders import KS, METRICS, difference, regrets, splits

from sklmeta import KnowledgeBase, load_knowledge
from sklmeta.knowledge.sizes import whole_tables
from sklmeta.metafeatures import MetaFeatureExtractor
from sklmeta.recommenders import Recommender, TaskMixture
from sklmeta.recommenders.kernels import nearest_distances
from sklmeta.recommenders.recommendation import Observed, Question


class WithoutLandmarkers(TaskMixture):
    """Every task has the same landmarkers."""

    @property
    def learned_key(self) -> str:
        """Other trees than those of the default."""
        return f"without landmarkers, {super().learned_key}"

    def _learn(self) -> None:
        task = self.knowledge_.task_type
        landmarkers = MetaFeatureExtractor(["landmarkers"]).get_feature_names_out(task)
        told = ~self.meta_features_.columns.isin(landmarkers)
        self.spread_ = np.where(told, self.spread_, np.inf)
        self.standardised_ = self.standardised_ * told
        self.near_ = nearest_distances(self._evenly(self.standardised_), self.apart_, self.near_.shape[1])
        super()._learn()


class WithoutDiversity(TaskMixture):
    """The best by weighted mean."""

    def _order(self, asked: Question) -> list[int]:
        w = asked.w if asked.that_worked else self._expecting(asked)
        return asked.columns[np.argsort(-self._merits(asked.columns, w), kind="stable")].tolist()


class WithoutNoise(TaskMixture):
    """Takes what was observed for exact."""

    def _observed(self, observed: Any) -> Observed:
        return {j: (score, 0.0) for j, (score, _) in super()._observed(observed).items()}


class WithoutStakes(TaskMixture):
    """Every task has as much to gain."""

    @property
    def learned_key(self) -> str:
        """Other trees than those of the default."""
        return f"without stakes, {super().learned_key}"

    @property
    def stakes_(self) -> np.ndarray:
        """Ones."""
        return np.ones(len(self.scores_))

    @stakes_.setter
    def stakes_(self, stakes: np.ndarray) -> None:
        """Keep none."""


class WithoutFallback(TaskMixture):
    """Calls nothing novel."""

    def _novelty(self, features: np.ndarray | None) -> float:
        return np.nan


VARIANTS: dict[str, Recommender] = {
    "without forest": TaskMixture(mixing=1.0),
    "without ridge": TaskMixture(linear=0.0),
    "without both": TaskMixture(mixing=1.0, linear=0.0),
    "without landmarkers": WithoutLandmarkers(),
    "without diversity": WithoutDiversity(),
    "without adaptivity": TaskMixture(caution=1.0),
    "without noise": WithoutNoise(),
    "without shift": TaskMixture(shift=0.0),
    "without stakes": WithoutStakes(),
    "without fallback": WithoutFallback(),
}


def parts_with_trees(knowledge: KnowledgeBase, metric: str, seeds: int) -> list[tuple[KnowledgeBase, list[int]]]:
    """What the tasks of all families but one teach, the default's trees included: most variants share them."""
    parts = []
    for known, positions in splits(knowledge, None):
        fitted = [TaskMixture(random_state=seed).fit(known, metric=metric) for seed in range(seeds)]
        parts.append((known.with_learned({one.learned_key: one.trees_.arrays() for one in fitted}), positions))
    return parts


def table(knowledge: KnowledgeBase, metric: str, seeds: int) -> str:
    """One markdown table."""
    at, parts = np.array(KS) - 1, parts_with_trees(knowledge, metric, seeds)
    whole = regrets(TaskMixture(), knowledge, metric, seeds=seeds, parts=parts)[:, at]
    rows = [["default", *(with_interval(column, 1, 1000) for column in whole.T)]]
    for name, variant in VARIANTS.items():
        found = regrets(variant, knowledge, metric, seeds=seeds, parts=parts)[:, at]
        rows.append([name, *(difference(a, b) for a, b in zip(found.T, whole.T, strict=True))])
    return markdown_table(["regret x 1000", *(f"@{k}" for k in KS)], rows)


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--task", choices=list(METRICS))
    parser.add_argument("--metrics")
    parser.add_argument("--seeds", type=int, default=3)
    args = parser.parse_args()
    for task in [args.task] if args.task else METRICS:
        knowledge = load_knowledge(task)
        for metric in args.metrics.split(",") if args.metrics else METRICS[task]:
            print(f"\n**{task}, {metric}** ({len(whole_tables(knowledge))} tasks, {args.seeds} seeds)\n")
            print(table(knowledge, metric, args.seeds), flush=True)


if __name__ == "__main__":
    main()
