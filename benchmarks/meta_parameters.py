r"""What learning the constants of `TaskMixture` by meta-gradient descent is worth, out of sample.

    python benchmarks/meta_parameters.py [--task classification] [--metrics accuracy,roc_auc] [--seeds 3]

Sharpness, epsilon, mixing and caution minimise the mean over the known tasks of a smooth stand-in for regret: each
known task is taken for new (the weights of its own family are zero), some configurations are observed on it, the
others get a softmax of the value that the recommender gives them, and the loss is the expected shortfall, from the
task's best score, of the best one after a draw from that softmax. The gradient is analytic; scipy's L-BFGS descends in
logarithms and log-odds. (The default has no scales of meta-features to learn: its forest does not see them.) While
constants are learned, what is expected is the forest's alone (``linear=0``); what is judged is the default with them.

Each task is judged by what was learned, forest and constants, from the tasks of all other families. The table has the
constants, as median and range over families, and regret@k as in recommenders.py; \* where the interval of the paired
difference leaves zero out.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from _report import markdown_table, with_interval
from recommenders import KS, METRICS, difference, regrets
from scipy.optimize import minimize
from scipy.special import expit, logit

from sklmeta import KnowledgeBase, load_knowledge
from sklmeta.knowledge.sizes import whole_tables
from sklmeta.recommenders import TaskMixture
from sklmeta.recommenders.kernels import greedy_portfolio, shared_leaves, softmax, typical_span, upper_span

NAMES = ("sharpness", "epsilon", "mixing", "caution")
OBSERVED = (2, 4, 8)  # how many configurations a known task has behind it when it asks again
TEMPERATURE = 0.02  # of the softmax over values, in which a task's median is 0 and its best is 1
FARTHEST = 4.0  # from the constants in use, in logarithms and log-odds: what is flat must not run away


@dataclass(frozen=True)
class Question:
    """A known task that asks, as if it were new, what to try next.

    Parameters
    ----------
    prior : ndarray of shape (n_tasks,)
        What the forest weighs the known tasks by; zeros within the family.
    equal : ndarray of shape (n_tasks,)
        Equal weights outside the family.
    stakes : ndarray of shape (n_tasks,)
        What the weights of known tasks are multiplied by.
    flatter : float
        Share of the weights that is made equal.
    known : ndarray of shape (n_tasks, n_observed)
        Shortfalls there of what was observed, below the best of it, in units of the typical span.
    new : ndarray of shape (n_observed,)
        The same here.
    value : ndarray of shape (n_tasks, n_left)
        What each configuration would be worth on each known task.
    loss : ndarray of shape (n_left,)
        Regret here after that configuration.
    """

    prior: np.ndarray
    equal: np.ndarray
    stakes: np.ndarray
    flatter: float
    known: np.ndarray
    new: np.ndarray
    value: np.ndarray
    loss: np.ndarray


def loss_and_gradient(theta: np.ndarray, question: Question) -> tuple[float, np.ndarray]:
    """Expected regret of a softmax pick, and its gradient by `theta`, which is as in `unconstrained`."""
    q = question
    sharpness, epsilon, mixing, caution = constrained(theta)
    p = (1 - q.flatter) * ((1 - mixing) * q.prior + mixing * q.equal) + q.flatter * q.equal
    told = p > 0
    apart = np.log(q.new + epsilon) - np.log(q.known + epsilon)
    disagreement = np.abs(apart).sum(axis=1)
    powers = np.where(told, p * np.exp(-sharpness * (disagreement - disagreement[told].min())), 0.0)
    posterior = powers / powers.sum()
    w = (1 - caution) * posterior + caution * p

    d_p = (1 - q.flatter) * mixing * (1 - mixing) * (q.equal - q.prior)
    by_epsilon = (np.sign(apart) * (1 / (q.new + epsilon) - 1 / (q.known + epsilon))).sum(axis=1)
    d_log = np.array(
        [
            -sharpness * disagreement,
            -sharpness * epsilon * by_epsilon,
            np.divide(d_p, p, out=np.zeros_like(p), where=told),
        ]
    )
    d_posterior = posterior * (d_log - (d_log @ posterior)[:, None])
    d_w = np.vstack([(1 - caution) * d_posterior, caution * (1 - caution) * (p - posterior)])
    d_w[2] += caution * d_p

    weighted, d_weighted = w * q.stakes, d_w * q.stakes
    total = weighted.sum()
    shares = weighted / total
    d_shares = (d_weighted - shares * d_weighted.sum(axis=1, keepdims=True)) / total
    chance = softmax(shares @ q.value, TEMPERATURE)
    loss = float(chance @ q.loss)
    return loss, (d_shares @ q.value) @ (chance * (q.loss - loss)) / TEMPERATURE


def constrained(theta: np.ndarray) -> np.ndarray:
    """The constants, in the order of `NAMES`."""
    return np.r_[np.exp(theta[:2]), expit(theta[2:])]


def unconstrained(constants: Sequence[float]) -> np.ndarray:
    """Logarithms of sharpness and epsilon, log-odds of mixing and caution."""
    return np.r_[np.log(constants[:2]), logit(constants[2:])]


def questions(fitted: TaskMixture) -> list[Question]:
    """Every known task's: for a first pick, and after two, four and eight picks of the recommender's own."""
    spans, n_configurations = upper_span(fitted.scores_), fitted.scores_.shape[1]
    unit = typical_span(fitted.scores_)  # epsilon's
    found = []
    for t, apart in enumerate(fitted.apart_):
        shared = shared_leaves(fitted.leaves_, fitted.leaves_[t]) * apart
        if not shared.sum() > 0:
            continue
        shared, equal = shared / shared.sum(), apart / apart.sum()
        prior = (1 - fitted.mixing) * shared + fitted.mixing * equal
        scenarios = fitted.unexpected_ + fitted.shift * (prior @ fitted.at_stake_)
        first = int(np.argmax((prior * fitted.stakes_) @ fitted.promise_))
        found.append(
            Question(
                shared,
                equal,
                fitted.stakes_,
                0.0,
                np.zeros((len(apart), 0)),
                np.zeros(0),
                fitted.promise_,
                spans[t] * (fitted.scaled_[t].max() - fitted.scaled_[t]),
            )
        )
        picks = greedy_portfolio(scenarios, prior, max(OBSERVED), first=first)
        for n in OBSERVED:
            tried, left = picks[:n], np.setdiff1d(np.arange(n_configurations), picks[:n])
            shortfall = (fitted.scores_[:, tried].max(axis=1, keepdims=True) - fitted.scores_[:, tried]) / unit
            value = np.maximum(scenarios[:, left], scenarios[:, tried].max(axis=1, keepdims=True))
            reached = np.maximum(fitted.scaled_[t, left], fitted.scaled_[t, tried].max())
            loss = spans[t] * (fitted.scaled_[t].max() - reached)
            found.append(
                Question(shared, equal, np.ones(len(apart)), fitted.shift, shortfall, shortfall[t], value, loss)
            )
    return found


def learned_constants(fitted: TaskMixture) -> dict[str, float]:
    """Of the smallest mean loss near the constants that a recommender has."""
    asked = questions(fitted)
    start = unconstrained([getattr(fitted, name) for name in NAMES])

    def mean(theta: np.ndarray) -> tuple[float, np.ndarray]:
        losses, gradients = zip(*(loss_and_gradient(theta, q) for q in asked), strict=True)
        return float(np.mean(losses)) / scale, np.mean(gradients, axis=0) / scale

    scale = 1.0
    scale = mean(start)[0] or 1.0  # L-BFGS stops by absolute tolerances
    bounds = [(value - FARTHEST, value + FARTHEST) for value in start]
    result = minimize(mean, start, jac=True, method="L-BFGS-B", bounds=bounds, options={"maxiter": 50})
    return dict(zip(NAMES, constrained(result.x).tolist(), strict=True))


class MetaLearned(TaskMixture):
    """Its `fit` gives a `TaskMixture` whose constants are learned from the same knowledge as its forest."""

    history: ClassVar[list[dict[str, float]]] = []

    def fit(self, knowledge: KnowledgeBase, metric: str = "accuracy") -> TaskMixture:
        """Learn the constants, then all else; `self` stays as it is."""
        constants = learned_constants(TaskMixture(**{**self.get_params(), "linear": 0.0}).fit(knowledge, metric=metric))
        self.history.append(constants)
        return TaskMixture(**{**self.get_params(), **constants}).fit(knowledge, metric=metric)


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
            MetaLearned.history.clear()
            at = np.array(KS) - 1
            ours = regrets(MetaLearned(), knowledge, metric, seeds=args.seeds)[:, at]
            constants = regrets(TaskMixture(), knowledge, metric, seeds=args.seeds)[:, at]
            print(f"\n**{task}, {metric}** ({len(whole_tables(knowledge))} tasks)\n")
            start = [getattr(TaskMixture(), name) for name in NAMES]
            spread = [np.quantile([found[name] for found in MetaLearned.history], [0.5, 0, 1]) for name in NAMES]
            rows = [
                [name, f"{used:.3g}", "{:.3g} ({:.3g} to {:.3g})".format(*values)]
                for name, used, values in zip(NAMES, start, spread, strict=True)
            ]
            print(markdown_table(["constant", "in use", "learned"], rows), "\n")
            rows = [
                ["in use", *(with_interval(column, 1, 1000) for column in constants.T)],
                ["learned", *(with_interval(column, 1, 1000) for column in ours.T)],
                ["learned minus in use", *(difference(a, b) for a, b in zip(ours.T, constants.T, strict=True))],
            ]
            print(markdown_table(["regret x 1000", *(f"@{k}" for k in KS)], rows), flush=True)


if __name__ == "__main__":
    main()
