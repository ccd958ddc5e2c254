"""Meta-losses and their exact gradients, one function an algorithm, batched over tasks.

Each takes the network, the meta-parameters and a batch of episodes, and returns the mean over tasks of the
query loss after adaptation, and its gradient (or the published surrogate of it) with respect to the
meta-parameters.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from sklmeta.gradient._adaptation import (
    Rows,
    biased_minimum,
    conjugate_gradient,
    curvature,
    gradient_steps,
    uniform_penalty,
)
from sklmeta.gradient._network import Network


class Meta(NamedTuple):
    """What is learned across tasks: start or centre (n_parameters,), rates (n_parameters,), log of the penalty."""

    theta: np.ndarray
    rates: np.ndarray
    log_penalty: float | np.ndarray


class Batch(NamedTuple):
    """Support and query rows of the same tasks."""

    support: Rows
    query: Rows

    def pooled(self) -> Rows:
        """Support and query rows of each task together."""
        return Rows(*(np.concatenate(pair, axis=1) for pair in zip(self.support, self.query, strict=True)))


def through_steps(
    network: Network, meta: Meta, batch: Batch, n_steps: int, first_order: bool = False
) -> tuple[float, Meta]:
    """Query loss after `n_steps` inner gradient steps, and its gradient by start and rates.

    Backwards through the steps theta' = theta - rates * g(theta), the adjoint u of theta' becomes
    u - H (rates * u) for theta, and adds -u * g to the rates' gradient. First order leaves H out.
    """
    support, query = batch.support.averaged(), batch.query.averaged()
    adapted, steps = gradient_steps(network, meta.theta[None], meta.rates, support, n_steps)
    adjoint, tape = network.gradient(adapted, *query)
    loss = network.value(tape.outputs, query.targets, query.weights).mean()
    by_rates = np.zeros_like(adjoint)
    for gradient, step_tape in reversed(steps):
        by_rates -= adjoint * gradient
        if not first_order:
            adjoint = adjoint - network.curvature_product(step_tape, meta.rates * adjoint)
    return loss, Meta(adjoint.mean(axis=0), by_rates.mean(axis=0), 0.0)


def adapted_loss(network: Network, meta: Meta, batch: Batch, n_steps: int) -> tuple[float, Meta]:
    """Query loss after `n_steps` inner gradient steps, without a gradient."""
    adapted, _ = gradient_steps(network, meta.theta[None], meta.rates, batch.support.averaged(), n_steps)
    query = batch.query.averaged()
    loss = network.value(network.outputs(adapted, query.X), query.targets, query.weights).mean()
    return loss, Meta(np.zeros_like(meta.theta), np.zeros_like(meta.rates), 0.0)


def reptile(network: Network, meta: Meta, batch: Batch, n_steps: int, by_rows: bool = False) -> tuple[float, Meta]:
    """Start minus the tasks' mean after `n_steps` steps on all their rows: a step of rate 1 goes to that mean.

    With `by_rows` the mean weighs each task by its rows: one round of federated averaging.
    """
    pooled = batch.pooled()
    rows = pooled.averaged()
    shares = pooled.weights.sum(axis=1) if by_rows else None
    adapted, _ = gradient_steps(network, meta.theta[None], meta.rates, rows, n_steps)
    losses = network.value(network.outputs(adapted, rows.X), rows.targets, rows.weights)
    centre = np.average(adapted, axis=0, weights=shares)
    return np.average(losses, weights=shares), Meta(meta.theta - centre, np.zeros_like(meta.rates), 0.0)


def pooled_training(network: Network, meta: Meta, batch: Batch, n_steps: int) -> tuple[float, Meta]:
    """Mean loss over all rows of all tasks without any adaptation, and its gradient: joint training."""
    rows = batch.pooled()
    rows = rows._replace(weights=rows.weights / rows.weights.sum())
    gradient, tape = network.gradient(meta.theta[None], *rows)
    loss = network.value(tape.outputs, rows.targets, rows.weights).sum()
    return loss, Meta(gradient.sum(axis=0), np.zeros_like(meta.rates), 0.0)


def through_minimum(network: Network, meta: Meta, batch: Batch, n_steps: int = 0) -> tuple[float, Meta]:
    """Query loss at the minimum of the support loss + penalty / 2 * (theta - centre)^2, and its gradient.

    At that minimum theta* the implicit function theorem gives, with u = (H + penalty)^-1 q and q the query
    loss's gradient at theta*: penalty * u for the centre, and -u (theta* - centre) for the penalty. There are
    no inner steps: `n_steps` is there for the common interface.
    """
    penalty = np.exp(meta.log_penalty)
    query = batch.query.averaged()
    adapted = biased_minimum(network, meta.theta[None], uniform_penalty(penalty), batch.support)
    by_query, query_tape = network.gradient(adapted, *query)
    loss = network.value(query_tape.outputs, query.targets, query.weights).mean()
    _, tape = network.gradient(adapted, *batch.support)
    adjoint = conjugate_gradient(curvature(network, tape, uniform_penalty(penalty)), by_query)
    by_log_penalty = -penalty * (adjoint * (adapted - meta.theta)).sum(axis=1).mean()
    return loss, Meta(penalty * adjoint.mean(axis=0), np.zeros_like(meta.rates), by_log_penalty)
