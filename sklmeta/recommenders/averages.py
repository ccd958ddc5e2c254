"""What to try next where all that is tried shall be averaged."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from sklmeta.recommenders.kernels import TIE, largest


def portfolio_for_average(
    Y: np.ndarray,
    w: np.ndarray,
    n: int,
    averages: Averages,
    v: np.ndarray,
    *,
    columns: np.ndarray | None = None,
    tried: Sequence[int] = (),
    first: int | None = None,
    worth: np.ndarray | None = None,
) -> list[int]:
    """The configurations that one by one do the most for an average of all of them, and for the best of them.

    Two views of what a choice adds are summed: by how much it raises the weighted mean of the best scores so far, as in
    `greedy_portfolio`, in units of the average's errors; and by how much the weighted mean error of the average falls
    when the configuration gets, on each task, the share that is best for it there.

    Parameters
    ----------
    Y : ndarray of shape (n_tasks, n_configurations)
        Finite; scaled so that from a task's median to its best it is about 1.
    w : ndarray of shape (n_tasks,)
        Task weights.
    n : int
        How many to choose.
    averages : Averages
        How errors go together on the tasks of which that is known; nothing in it yet.
    v : ndarray of shape (n_joint_tasks,)
        Weights of these.
    columns, tried, first, worth
        As for `greedy_portfolio`.

    Returns
    -------
    list of int
        Columns, in the order of choice.

    References
    ----------
    M. Frank, P. Wolfe (1956), "An algorithm for quadratic programming": the average's step towards one member.
    R. Caruana, A. Niculescu-Mizil, G. Crew, A. Ksikes (2004), "Ensemble selection from libraries of models".
    """
    left = np.arange(Y.shape[1]) if columns is None else columns
    worth = np.ones(Y.shape[1]) if worth is None else worth
    best, order = np.full(len(Y), -np.inf), list[int]()
    for j in tried:
        best, averages = np.maximum(best, Y[:, j]), averages.joined_by(j)
    while len(left) and len(order) < n:
        if first is not None and not order:
            choice = first
        elif not np.isfinite(best).all():
            choice = largest(left, w @ Y, Y, w)
        else:
            raised = w @ np.maximum(Y[:, left] - best[:, None], 0.0)
            gains = averages.gains(v, Y.shape[1])
            gains[left] = worth[left] * (gains[left] + averages.unit * raised)
            choice = largest(left, gains, Y, w)
        order.append(choice)
        best, averages = np.maximum(best, Y[:, choice]), averages.joined_by(choice)
        left = left[left != choice]
    return order


@dataclass(frozen=True, eq=False)
class Averages:
    """An average on each known task, and what it would gain by one member more.

    Parameters
    ----------
    products : ndarray of shape (n_tasks, n_members, n_members)
        Mean products of the errors of each two members; finite.
    columns : ndarray of int of shape (n_members,)
        Their positions among all configurations.
    own : ndarray of shape (n_tasks,) or None, default=None
        Mean squared error of the average; None: nothing is in it.
    cross : ndarray of shape (n_tasks, n_members) or None, default=None
        Mean products of its errors with each member's.
    """

    products: np.ndarray
    columns: np.ndarray
    own: np.ndarray | None = None
    cross: np.ndarray | None = None

    @cached_property
    def unit(self) -> float:
        """What typically lies between a task's best error and its median one."""
        alone = np.diagonal(self.products, axis1=1, axis2=2)
        return float(np.median(np.median(alone, axis=1) - alone.min(axis=1))) or 1.0

    def gains(self, v: np.ndarray, n_configurations: int) -> np.ndarray:
        """By how much its weighted mean error would fall with each configuration; zero where that is unknown."""
        found = np.zeros(n_configurations)
        if self.own is not None:
            found[self.columns] = v @ (self.own[:, None] - self._with_each()[1])
        return found

    def joined_by(self, j: int) -> Averages:
        """With that configuration as one more member, as much of it on each task as is best; others change nothing."""
        at = np.flatnonzero(self.columns == j)
        if not len(at):
            return self
        k = int(at[0])
        if self.own is None or self.cross is None:
            return replace(self, own=self.products[:, k, k], cross=self.products[:, k])
        share, error = (both[:, k] for both in self._with_each())
        cross = (1 - share)[:, None] * self.cross + share[:, None] * self.products[:, k]
        return replace(self, own=error, cross=cross)

    def _with_each(self) -> tuple[np.ndarray, np.ndarray]:
        """The best share of each member, from 0 to 1, and the mean squared error with it; (n_tasks, n_members) both."""
        assert self.own is not None
        assert self.cross is not None
        own, alone = self.own[:, None], np.diagonal(self.products, axis1=1, axis2=2)
        apart = own - 2 * self.cross + alone  # mean square of the difference of the two
        share = np.clip((own - self.cross) / np.where(apart > TIE * own, apart, np.inf), 0.0, 1.0)
        return share, (1 - share) ** 2 * own + 2 * share * (1 - share) * self.cross + share**2 * alone


def joint_products(products: np.ndarray) -> np.ndarray:
    """Mean products of errors without gaps, in units of the task's best mean squared error.

    Where a model's errors are unknown, for it failed, it is as bad as the worst, and its errors as all others'.

    Parameters
    ----------
    products : ndarray of shape (n_tasks, n_members, n_members)
        NaN where unknown; each task has some.

    Returns
    -------
    ndarray of shape (n_tasks, n_members, n_members)
        Finite.
    """
    alone = np.diagonal(products, axis1=1, axis2=2)
    worst, best = np.nanmax(alone, axis=1), np.nanmin(alone, axis=1)
    filled = np.where(np.isnan(products), worst[:, None, None], products)
    return filled / np.where(best > 0, best, np.where(worst > 0, worst, 1.0))[:, None, None]
