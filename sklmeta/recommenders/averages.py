"""What to try next where all that is tried shall be averaged."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from sklmeta.recommenders.kernels import TIE, largest, one_by_one


def portfolio_for_average(
    Y: np.ndarray,
    w: np.ndarray,
    n: int,
    average: GrowingAverage,
    v: np.ndarray,
    unit: float,
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
    average : GrowingAverage
        Nothing is in it yet; of the tasks of which it is known how errors go together.
    v : ndarray of shape (n_joint_tasks,)
        Weights of these; with those of the other tasks they sum to one.
    unit : float
        What one unit of `Y` is in the average's errors.
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
    best = np.full(len(Y), -np.inf)

    def take(j: int) -> None:
        np.maximum(best, Y[:, j], out=best)
        average.add(j)

    def choose(left: np.ndarray) -> int:
        if not np.isfinite(best).all():
            return largest(left, w @ Y, Y, w)
        raised = w @ np.maximum(Y[:, left] - best[:, None], 0.0)
        gains = average.gains(v, Y.shape[1])
        gains[left] = worth[left] * (gains[left] + unit * raised)
        return largest(left, gains, Y, w)

    for j in tried:
        take(j)
    return one_by_one(left, n, first, choose, take)


class GrowingAverage:
    """On each known task an average, to which members are added with the share that is best for it there.

    Parameters
    ----------
    products : ndarray of shape (n_tasks, n_members, n_members)
        Mean products of the errors of each two members; finite.
    columns : ndarray of int of shape (n_members,)
        Their positions among all configurations.
    """

    def __init__(self, products: np.ndarray, columns: np.ndarray):
        self.products, self.columns = products, columns
        self.error: np.ndarray | None = None  # mean squared error of the average, shape (n_tasks,)
        self.cross = np.zeros(0)  # mean products of its errors with each member's, shape (n_tasks, n_members)

    def gains(self, v: np.ndarray, n_configurations: int) -> np.ndarray:
        """By how much its weighted mean error would fall with each configuration; zero where that is unknown."""
        found = np.zeros(n_configurations)
        if self.error is not None:
            alone = np.diagonal(self.products, axis1=1, axis2=2)
            _, errors = _mixed(self.error[:, None], self.cross, alone)
            found[self.columns] = v @ (self.error[:, None] - errors)
        return found

    def add(self, j: int) -> None:
        """One more configuration; one whose errors are unknown changes nothing."""
        for k in np.flatnonzero(self.columns == j):
            own = self.products[:, k, k]
            if self.error is None:
                self.error, self.cross = own, self.products[:, k]
            else:
                share, self.error = _mixed(self.error, self.cross[:, k], own)
                self.cross = (1 - share)[:, None] * self.cross + share[:, None] * self.products[:, k]


def _mixed(error: np.ndarray, cross: np.ndarray, alone: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The best share of a member in an average, from 0 to 1, and the average's mean squared error with it."""
    apart = error - 2 * cross + alone  # mean square of the difference of the two
    inside = apart > TIE * error  # otherwise, for gaps that were filled, the better of the two alone is best
    share = np.where(inside, np.clip((error - cross) / np.where(inside, apart, 1.0), 0.0, 1.0), alone < error)
    return share, (1 - share) ** 2 * error + 2 * share * (1 - share) * cross + share**2 * alone


def typical_spread(products: np.ndarray) -> float:
    """What typically lies between a task's best mean squared error and its median one; 1 where that is nothing."""
    alone = np.diagonal(products, axis1=1, axis2=2)
    return float(np.median(np.median(alone, axis=1) - alone.min(axis=1))) or 1.0


def joint_products(products: np.ndarray, failed: np.ndarray | None = None) -> np.ndarray:
    """Mean products of errors without gaps, in units of the task's best mean squared error.

    A model that failed is as bad as the worst, and its errors go with all others'. What is unknown for another reason
    is taken from the other tasks: a model's own error is the mean there, or the worst if it is known nowhere, and the
    errors of two models go together as they do there in the mean, or as those of any two if that is known nowhere.

    Parameters
    ----------
    products : ndarray of shape (n_tasks, n_members, n_members)
        NaN where unknown; each task has some.
    failed : ndarray of bool of shape (n_tasks, n_members), default=None
        Whether a model failed on a task; None: all did whose own errors are unknown.

    Returns
    -------
    ndarray of shape (n_tasks, n_members, n_members)
        Finite.
    """
    alone = np.diagonal(products, axis1=1, axis2=2)
    worst, best = np.nanmax(alone, axis=1), np.nanmin(alone, axis=1)
    unit = np.where(best > 0, best, np.where(worst > 0, worst, 1.0))
    failed = np.isnan(alone) & (True if failed is None else failed)
    own = np.where(failed, worst[:, None], alone) / unit[:, None]
    own = np.where(np.isnan(own), _mean(own), own)
    own = np.where(np.isnan(own), (worst / unit)[:, None], own)
    sizes = np.sqrt(own)[:, :, None] * np.sqrt(own)[:, None, :]
    products = products / unit[:, None, None]
    cosines = products / np.where(sizes > 0, sizes, np.inf)
    together, known = _mean(cosines), cosines[np.isfinite(cosines)]
    together = np.where(np.isnan(together), known.mean() if len(known) else 1.0, together)
    either = failed[:, :, None] | failed[:, None, :]
    filled = np.where(np.isnan(products), sizes * np.where(either, 1.0, together), products)
    np.einsum("tii->ti", filled)[...] = own
    return filled


def _mean(values: np.ndarray) -> np.ndarray:
    """Over tasks, of what is known; NaN where nothing is."""
    known = np.isfinite(values)
    return np.where(known, values, 0.0).sum(axis=0) / np.where(known.any(axis=0), known.sum(axis=0), np.nan)
