"""The meta-learning algorithms by name: what each learns, which models it fits, and where it was published."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from joblib import Parallel, delayed

from sklmeta.gradient._meta_gradients import (
    Batch,
    Meta,
    pooled_training,
    reptile,
    through_minimum,
    through_steps,
)
from sklmeta.gradient._network import Network

CONVEX = ("linear", "svm")
EVERY_MODEL = (*CONVEX, "mlp")


@dataclass(frozen=True)
class Algorithm:
    """One way to learn across tasks.

    Parameters
    ----------
    name : str
        Its name in `meta_train`.
    meta_gradient : callable
        Takes (network, meta, batch, n_steps), returns the mean loss and the meta-gradient.
    models : tuple of str, default=("linear", "svm", "mlp")
        Models that it fits.
    exact_models : tuple of str, default=()
        Models that tasks adapt by an exact minimum near the centre, rather than by gradient steps.
    learns_rates : bool, default=False
        Whether each parameter's inner rate is learned.
    head_only : bool, default=False
        Whether tasks adapt nothing but the last layer.
    surrogate : bool, default=False
        Whether its meta-gradient is a difference of parameters, which a plain step of rate 1 closes.
    by_rows : bool, default=False
        Whether tasks count by their rows rather than alike.
    """

    name: str
    meta_gradient: Callable[..., tuple[Any, Meta]]
    models: tuple[str, ...] = EVERY_MODEL
    exact_models: tuple[str, ...] = ()
    learns_rates: bool = False
    head_only: bool = False
    surrogate: bool = False
    by_rows: bool = False

    def exact(self, model: str) -> bool:
        """Whether tasks of that model adapt by an exact minimum."""
        return model in self.exact_models


ALGORITHMS = {
    algorithm.name: algorithm
    for algorithm in (
        Algorithm("maml", through_steps),
        Algorithm("fomaml", partial(through_steps, first_order=True)),
        Algorithm("reptile", reptile, surrogate=True),
        Algorithm("meta-sgd", through_steps, learns_rates=True),
        Algorithm("anil", through_steps, models=("mlp",), head_only=True),
        Algorithm("imaml", through_minimum, models=CONVEX, exact_models=CONVEX),
        Algorithm("average", partial(reptile, by_rows=True), exact_models=CONVEX, surrogate=True, by_rows=True),
        Algorithm("transfer", pooled_training, exact_models=CONVEX, by_rows=True),
    )
}


def find_algorithm(name: str, model: str) -> Algorithm:
    """The algorithm of that name, or an error listing those that fit the model."""
    if model not in EVERY_MODEL:
        raise ValueError(f"model={model!r} is unknown; choose one of {list(EVERY_MODEL)}.")
    fitting = [known for known, algorithm in ALGORITHMS.items() if model in algorithm.models]
    if name not in fitting:
        reason = "does not fit" if name in ALGORITHMS else "is unknown for"
        raise ValueError(f"algorithm={name!r} {reason} model={model!r}; choose one of {fitting}.")
    return ALGORITHMS[name]


def meta_gradient(
    algorithm: Algorithm,
    network: Network,
    meta: Meta,
    batches: Sequence[Batch],
    n_steps: int,
    tied: bool = False,
    parallel: Parallel | None = None,
) -> tuple[float, Meta]:
    """Mean loss and meta-gradient over all tasks of the batches, each batch computed at once."""
    one = delayed(_of_batch) if parallel else _of_batch
    calls = (one(algorithm, network, meta, batch, n_steps, tied) for batch in batches)
    results = parallel(calls) if parallel else list(calls)
    shares = np.array([_size(batch, algorithm.by_rows) for batch in batches])
    shares = shares / shares.sum()
    loss = sum(share * result[0] for share, result in zip(shares, results, strict=True))
    parts = zip(*(result[1] for result in results), strict=True)
    theta, rates, log_penalty = (
        sum(share * part for share, part in zip(shares, values, strict=True)) for values in parts
    )
    return float(loss), Meta(theta, rates if algorithm.learns_rates else np.zeros_like(rates), log_penalty)


def _of_batch(
    algorithm: Algorithm, network: Network, meta: Meta, batch: Batch, n_steps: int, tied: bool
) -> tuple[float, Meta]:
    if not tied:
        return algorithm.meta_gradient(network, meta, batch, n_steps)
    n_outputs = batch.support.targets.shape[-1]
    wide = network.with_outputs(n_outputs)
    tiled = Meta(network.tiled(meta.theta, n_outputs), network.tiled(meta.rates, n_outputs), meta.log_penalty)
    loss, gradient = algorithm.meta_gradient(wide, tiled, batch, n_steps)
    theta = wide.tied(gradient.theta, mean=algorithm.surrogate)
    return loss, Meta(theta, wide.tied(gradient.rates), gradient.log_penalty)


def _size(batch: Batch, by_rows: bool) -> float:
    rows = batch.support.weights.sum() + batch.query.weights.sum()
    return float(rows) if by_rows else float(len(batch.support.X))
