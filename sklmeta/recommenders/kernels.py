"""The mathematics of recommending, on arrays.

Throughout, ``Y`` has shape (n_tasks, n_configurations) and greater is better; ``w`` are task weights that sum to one.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from scipy.sparse import csr_array
from scipy.spatial.distance import cdist
from scipy.stats import rankdata
from threadpoolctl import threadpool_limits

TIE = 1e-12  # sums over tasks in another order differ by rounding only
_BLOCK = 64  # columns looked at together


def completed(Y: np.ndarray, failed: np.ndarray) -> np.ndarray:
    """Scores without gaps: failures count as the task's worst score, unknown ones are estimated.

    An unknown score is the mean over the tasks that know the configuration of its place above or below a task's median,
    put there on this task, between its worst and its best score. A place is 1 at the best score, and cut at -1, so that
    no disaster makes all else look alike; a task whose scores are all one has none to tell. Where all that worked has
    one score, a failure is worse by what is typically between the worst and the best. A task without any score is flat.

    Parameters
    ----------
    Y : ndarray of shape (n_tasks, n_configurations)
        NaN where there is no score.
    failed : ndarray of bool of shape (n_tasks, n_configurations)
        Where there is no score because the configuration failed or ran over its limit.

    Returns
    -------
    ndarray of shape (n_tasks, n_configurations)
        Finite.
    """
    known = np.isfinite(Y)
    any_known = known.any(axis=1, keepdims=True)
    low = np.where(any_known, np.where(known, Y, np.inf).min(axis=1, keepdims=True, initial=np.inf), 0.0)
    high = np.where(any_known, np.where(known, Y, -np.inf).max(axis=1, keepdims=True, initial=-np.inf), 0.0)
    ranges = (high - low)[high > low]
    floor = np.where(any_known & (high == low), low - (np.median(ranges) if len(ranges) else 1.0), low)
    filled = np.where(failed & ~known, floor, Y)
    known = np.isfinite(filled)
    low = np.where(known, filled, high).min(axis=1, keepdims=True)
    medians = [np.median(row[there]) if there.any() else 0.0 for row, there in zip(filled, known, strict=True)]
    centre = np.array(medians)[:, None]
    span = np.where(high > centre, high - centre, centre - low)
    telling = known & (span > 0)
    place = np.where(telling, np.clip((filled - centre) / np.where(span > 0, span, 1.0), -1.0, 1.0), 0.0)
    typical = place.sum(axis=0) / np.maximum(telling.sum(axis=0), 1)
    return np.where(known, filled, np.clip(centre + typical * span, low, high))


def typical_errors(errors: np.ndarray) -> np.ndarray:
    """Median over tasks of each column's standard errors, shape (n_tasks, n_configurations); 0 where none is known."""
    return np.array([np.median(c[np.isfinite(c)]) if np.isfinite(c).any() else 0.0 for c in errors.T])


def scaled(Y: np.ndarray) -> np.ndarray:
    """Each task's scores from 0 (its worst) to 1 (its best); a flat task is all zeros."""
    low = Y.min(axis=1, keepdims=True)
    span = Y.max(axis=1, keepdims=True) - low
    return (Y - low) / np.where(span > 0, span, 1.0)


def above_median(Y: np.ndarray) -> np.ndarray:
    """Each task's scores with 0 at its median and 1 at its best, cut at -1, so that no disaster rules; flat: zeros.

    Where most of a task's scores are its best one, that is 0 and its worst is -1.
    """
    span = upper_span(Y)[:, None]
    return np.clip((Y - np.median(Y, axis=1, keepdims=True)) / np.where(span > 0, span, 1.0), -1.0, 1.0)


def upper_span(Y: np.ndarray) -> np.ndarray:
    """What there is to gain on each task: its best score minus its median, or minus its worst where that is 0."""
    median, best = np.median(Y, axis=1), Y.max(axis=1)
    return np.where(best > median, best - median, best - Y.min(axis=1))


def typical_span(Y: np.ndarray) -> float:
    """What there is to gain on the median task where anything is; 1 where nothing is."""
    spans = upper_span(Y)
    return float(np.median(spans[spans > 0])) if (spans > 0).any() else 1.0


def rank_places(Y: np.ndarray) -> np.ndarray:
    """Each task's ranks from 0 (last) to 1 (first), ties shared; shape of `Y`."""
    return 1 - (rankdata(-Y, axis=1, method="average") - 1) / max(Y.shape[1] - 1, 1)


def greedy_portfolio(
    Y: np.ndarray,
    w: np.ndarray,
    n: int,
    *,
    columns: np.ndarray | None = None,
    tried: Sequence[int] = (),
    first: int | None = None,
    worth: np.ndarray | None = None,
    widen: int | None = None,
) -> list[int]:
    """The configurations that one by one raise the weighted mean of the best scores so far the most.

    Where no configuration raises it any more, the order goes on by the weighted mean score. Ties go to the higher
    weighted mean, then to the earlier column.

    Parameters
    ----------
    Y : ndarray of shape (n_tasks, n_configurations)
        Finite; scaled to numbers of about 1.
    w : ndarray of shape (n_tasks,)
        Task weights.
    n : int
        How many to choose.
    columns : ndarray of int, default=None
        What to choose from; None is all.
    tried : sequence of int, default=()
        Columns that were tried before.
    first : int, default=None
        A choice that is already made.
    worth : ndarray of shape (n_configurations,), default=None
        What raises by each configuration are multiplied by, positive; None: all count alike.
    widen : int, default=None
        After so many choices, and as many again, one more of a task's best scores counts; at least 2. None: the best
        one alone.

    Returns
    -------
    list of int
        Columns, in the order of choice.

    References
    ----------
    M. Wistuba, N. Schilling, L. Schmidt-Thieme (2015), "Sequential model-free hyperparameter tuning".
    """
    left = np.arange(Y.shape[1]) if columns is None else columns
    worth = np.ones(Y.shape[1]) if worth is None else worth
    so_far, gains, many = list(tried), np.full(Y.shape[1], np.inf), 1

    def choose(left: np.ndarray) -> int:
        nonlocal gains, many
        if not so_far:
            return largest(left, w @ Y, Y, w)
        if widen is not None and many < 1 + len(so_far) // widen:
            many, gains = 1 + len(so_far) // widen, np.full(Y.shape[1], np.inf)  # the bounds are of another sum
        least = _nth_best(Y[:, so_far], many)
        return largest(_gain_most(left, gains, Y, w, least, worth), gains, Y, w)

    return one_by_one(left, n, first, choose, so_far.append)


def one_by_one(
    left: np.ndarray, n: int, first: int | None, choose: Callable[[np.ndarray], int], take: Callable[[int], None]
) -> list[int]:
    """Columns in the order in which they are chosen from those that are left; each choice is told before the next."""
    order = list[int]()
    while len(left) and len(order) < n:
        choice = first if first is not None and not order else choose(left)
        order.append(choice)
        take(choice)
        left = left[left != choice]
    return order


def _nth_best(Y: np.ndarray, n: int) -> np.ndarray:
    """The n-th best score of each task: who is above it raises the sum of the n best, by as much as it is above."""
    return -np.partition(-Y, n - 1, axis=1)[:, n - 1]


def _gain_most(
    left: np.ndarray, gains: np.ndarray, Y: np.ndarray, w: np.ndarray, least: np.ndarray, worth: np.ndarray
) -> np.ndarray:
    """Those columns among which the largest gain must be; their gains are up to date.

    What a column adds never grows as more is covered, so the gains from before bound those of now, and most columns
    need no second look (M. Minoux 1978, "Accelerated greedy algorithms for maximizing submodular set functions").
    """
    ordered, top, looked_at = left[np.argsort(-gains[left], kind="stable")], 0.0, 0
    while looked_at < len(ordered) and gains[ordered[looked_at]] >= top - TIE:
        block = ordered[looked_at : looked_at + _BLOCK]
        gains[block] = worth[block] * (w @ np.maximum(Y[:, block] - least[:, None], 0.0))
        top, looked_at = max(top, gains[block].max()), looked_at + _BLOCK
    return ordered[:looked_at]


def largest(columns: np.ndarray, gains: np.ndarray, Y: np.ndarray, w: np.ndarray) -> int:
    """The one of the largest gain; of ties that of the largest weighted mean; at last the first one."""
    tied = np.sort(columns[gains[columns] >= gains[columns].max() - TIE])
    if len(tied) == 1:
        return int(tied[0])
    means = w @ Y[:, tied]
    return int(tied[np.flatnonzero(means >= means.max() - TIE)[0]])


def bounded_seconds(seconds: np.ndarray, timeout: np.ndarray) -> np.ndarray:
    """Seconds in which a timeout took as long as the slowest configuration that finished on its task.

    Parameters
    ----------
    seconds : ndarray of shape (n_tasks, n_configurations)
        NaN where unknown.
    timeout : ndarray of bool of shape (n_tasks, n_configurations)
        Where a configuration ran over its limit.

    Returns
    -------
    ndarray of shape (n_tasks, n_configurations)
        A lower bound at timeouts; without it, what is slow on most tasks would look quick by the few it finished.
    """
    known = np.isfinite(seconds)
    slowest = np.where(known, seconds, -np.inf).max(axis=1, keepdims=True, initial=-np.inf)
    return np.where(timeout & ~known & np.isfinite(slowest), slowest, seconds)


def robust_scale(M: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Median and spread of each column, NaN left out.

    The spread is the interquartile range, or the standard deviation where that is 0, or infinite where that is 0, too:
    a column that never varied tells nobody apart.
    """
    centre = np.array([np.median(c[np.isfinite(c)]) if np.isfinite(c).any() else 0.0 for c in M.T])
    spread = []
    for column in M.T:
        values = column[np.isfinite(column)]
        quartiles = np.subtract(*np.percentile(values, [75, 25])) if len(values) else 0.0
        spread.append(quartiles or (values.std() if len(values) else 0.0) or np.inf)
    return centre, np.array(spread)


def standardised(M: np.ndarray, centre: np.ndarray, spread: np.ndarray, limit: float = 3.0) -> np.ndarray:
    """Meta-features in spreads from the centre, cut at `limit`; a missing one is at the centre."""
    return np.nan_to_num(np.clip((M - centre) / spread, -limit, limit), nan=0.0)


def ridge_weights(Z: np.ndarray, strength: float) -> tuple[np.ndarray, np.ndarray]:
    """Ridge regression as a weighted mean of the known targets, some of whose weights may be negative.

    Parameters
    ----------
    Z : ndarray of shape (n_tasks, n_features)
        Features of the known tasks.
    strength : float
        Of the penalty on squared coefficients, in units of the mean squared distance of tasks from their centre.

    Returns
    -------
    ndarray of shape (n_features,)
        The centre.
    ndarray of shape (n_features, n_tasks)
        ``B``, such that ``(1 / n_tasks + (z - centre) @ B) @ Y`` is the prediction at ``z``, whatever the targets
        ``Y`` are. Zeros where all tasks are alike, up to rounding.
    """
    centre = Z.mean(axis=0)
    away = Z - centre
    penalty = strength * (away**2).sum() / len(Z)
    if penalty <= 1e-20 * strength * (Z**2).sum():
        return centre, np.zeros(away.T.shape)
    return centre, np.linalg.solve(away.T @ away + penalty * np.eye(Z.shape[1]), away.T)


def ridge_weights_among(Z: np.ndarray, apart: np.ndarray, strength: float) -> np.ndarray:
    """`ridge_weights` for each known task by those of other families, with the penalty of all.

    Leaving a family out of a linear smoother has a closed form: with ``H`` what all tasks weigh for each other, its own
    rows of it become ``I - inv(I - H_own) (I - H)`` (as in Hastie, Tibshirani & Friedman 2009, section 7.10, for one).

    Parameters
    ----------
    Z : ndarray of shape (n_tasks, n_features)
        Features of the known tasks.
    apart : ndarray of bool of shape (n_tasks, n_tasks)
        Whether two tasks are of different families.
    strength : float
        See `ridge_weights`.

    Returns
    -------
    ndarray of shape (n_tasks, n_tasks)
        Rows sum to one; zeros within a family, and where there is no other one.
    """
    n = len(Z)
    centre, coefficients = ridge_weights(Z, strength)
    weights = (centre - Z) @ coefficients - 1 / n
    weights[np.diag_indices(n)] += 1  # I - H
    for own in {row.tobytes(): np.flatnonzero(~row) for row in apart}.values():
        within = np.ix_(own, own)
        weights[own] = -np.linalg.solve(weights[within], weights[own]) if len(own) < n else 0.0
        weights[within] = 0.0
    return weights


def neighbour_weights(distances: np.ndarray, n_neighbors: int, mixing: float) -> np.ndarray:
    """Weights that fall with distance among the nearest tasks, mixed with equal weights for all.

    The kernel is Epanechnikov's with the distance of the first task that is no neighbour as its width. Tasks as far as
    the last neighbour are neighbours, too.

    Parameters
    ----------
    distances : ndarray of shape (n_tasks,)
        From the new task.
    n_neighbors : int
        How many tasks are neighbours.
    mixing : float
        Share of the equal weights.

    Returns
    -------
    ndarray of shape (n_tasks,)
        Sums to one.
    """
    n = len(distances)
    uniform = np.full(n, 1 / n)
    last = np.sort(distances)[min(n_neighbors, n) - 1]
    farther = distances[distances > last * (1 + TIE)]
    width = farther.min() if len(farther) else last * (1 + 1 / n)
    kernel = np.clip(1 - (distances / width) ** 2, 0, None) if width > 0 else np.ones(n)
    return (1 - mixing) * kernel / kernel.sum() + mixing * uniform


def principal_scores(Z: np.ndarray, n_components: int) -> np.ndarray:
    """Coordinates of the rows of `Z` along its first principal components; (n_rows, at most n_components)."""
    centred = Z - Z.mean(axis=0)
    with threadpool_limits(1, "blas"):  # on matrices this small, threads only wait for each other
        U, s, _ = np.linalg.svd(centred, full_matrices=False)
    return U[:, :n_components] * s[:n_components]


def shared_leaves(leaves: np.ndarray, new: np.ndarray) -> np.ndarray:
    """How much each known row counts in a forest's prediction for a new one: a forest is a weighted mean of rows.

    Parameters
    ----------
    leaves : ndarray of int of shape (n_rows, n_trees)
        Leaf of each known row in each tree.
    new : ndarray of int of shape (n_trees,)
        Leaves of the new one.

    Returns
    -------
    ndarray of shape (n_rows,)
        Sums to one. In each tree, the rows of the new one's leaf share a weight equally.

    References
    ----------
    Y. Lin, Y. Jeon (2006), "Random forests and adaptive nearest neighbors".
    """
    together = leaves == new
    sizes = together.sum(axis=0)
    shares = (together[:, sizes > 0] / sizes[sizes > 0]).sum(axis=1)
    return shares / shares.sum()


def shared_leaves_among(leaves: np.ndarray) -> np.ndarray:
    """`shared_leaves` of each known row, its own weight included; shape (n_rows, n_rows).

    Parameters
    ----------
    leaves : ndarray of int of shape (n_rows, n_trees)
        Leaf of each known row in each tree.
    """
    n_trees = leaves.shape[1]
    labels = np.unique(leaves + np.arange(n_trees) * (leaves.max() + 1), return_inverse=True)[1].ravel()
    member = csr_array((np.ones(len(labels)), labels, np.arange(0, len(labels) + 1, n_trees)))
    return (member @ (member / member.sum(axis=0)).T).toarray() / n_trees


def agreement_weights(
    prior: np.ndarray,
    known: np.ndarray,
    new: np.ndarray,
    sharpness: float,
    epsilon: float,
    noise: np.ndarray | None = None,
    worst: np.ndarray | None = None,
) -> np.ndarray:
    """Weights of known tasks after scores on the new one: those that agree with what was seen there gain.

    A task disagrees by the sum over configurations of ``|log(r_new + e) - log(r_task + e)|``, where ``r`` is how far
    a configuration stays below the best of these configurations on that task, and ``e`` the root of the sum of squares
    of `epsilon` and the noise of the configuration's score on the new one: what may be chance is no disagreement. What
    failed on the new task is taken to be as far below the best as the worst configuration of each known task is there.

    Parameters
    ----------
    prior : ndarray of shape (n_tasks,)
        Weights before; their sum is kept.
    known : ndarray of shape (n_tasks, n_observed)
        Scores on the known tasks.
    new : ndarray of shape (n_observed,)
        Scores of the same configurations on the new task, one of them at least; NaN for what failed.
    sharpness : float
        How fast weight falls with disagreement; 0 leaves the prior as it is.
    epsilon : float
        Shortfalls much below it, in units of the score, are all alike.
    noise : ndarray of shape (n_observed,), default=None
        Standard errors of the new scores; None: they have none.
    worst : ndarray of shape (n_tasks,), default=None
        Each known task's worst score; None: that of these configurations.

    Returns
    -------
    ndarray of shape (n_tasks,)
        Posterior weights.
    """
    small = np.full(len(new), epsilon) if noise is None else np.hypot(epsilon, noise)
    best = known.max(axis=1, keepdims=True)
    farthest = best - (known.min(axis=1) if worst is None else worst)[:, None]
    worked = np.isfinite(new)
    here = np.where(worked, new[worked].max() - np.where(worked, new, 0.0), farthest)
    disagreement = np.abs(np.log(best - known + small) - np.log(here + small)).sum(axis=1)
    disagreement = np.where(prior > 0, disagreement, np.inf)  # what weighs nothing must not be the measure
    w = prior * np.exp(-sharpness * (disagreement - disagreement.min())) if sharpness > 0 else prior
    return w * (prior.sum() / w.sum())


def weighted_quantile(values: np.ndarray, w: np.ndarray, q: Sequence[float]) -> np.ndarray:
    """Quantiles of `values`, shape (n,), under weights: the inverse of the weighted distribution function."""
    order = np.argsort(values)
    cumulated = np.cumsum(w[order])
    positions = np.searchsorted(cumulated, np.asarray(q) * cumulated[-1] - 1e-12)
    return values[order][np.minimum(positions, len(values) - 1)]


def conformal_margin(Y: np.ndarray, W: np.ndarray, columns: np.ndarray, coverage: float) -> float:
    """How far on either side of the weighted median an interval must reach to cover scores on unknown tasks.

    Each task's own score has a place among the other tasks' scores under the weights that these have for it: the share
    of weight below it, from 0 to 1. The margin is the quantile of the distances of these places from one half that
    covers a further task, which is exchangeable with the known ones, with the probability asked for.

    Parameters
    ----------
    Y : ndarray of shape (n_tasks, n_configurations)
        Scores.
    W : ndarray of shape (n_tasks, n_tasks)
        Row by row, the weights that others have for a task as if it were new; rows of zeros are left out.
    columns : ndarray of int of shape (n_tasks, n_chosen)
        Configurations whose scores on each task are looked at.
    coverage : float
        Between 0 and 1.

    Returns
    -------
    float
        At most 0.5, which stands for the whole range, and is all that can be said of too few tasks.

    References
    ----------
    V. Chernozhukov, K. Wüthrich, Y. Zhu (2021), "Distributional conformal prediction".
    R. Barber, E. Candès, A. Ramdas, R. Tibshirani (2021), "Predictive inference with the jackknife+".
    """
    told = W.sum(axis=1) > 0
    rank = np.ceil((told.sum() + 1) * coverage)
    if rank > told.sum():
        return 0.5
    places = []
    for chosen in columns.T:  # one at a time, and without a product of W's size, for memory
        own, theirs = Y[np.arange(len(Y)), chosen, None], Y.T[chosen]
        places.append([np.einsum("ij,ij->i", W, counted) for counted in (theirs < own, theirs <= own)])
    distances = np.abs(np.mean(places, axis=1) - 0.5)[:, told]
    return float(np.quantile(distances, rank / told.sum(), method="inverted_cdf"))


def nearest_distances(M: np.ndarray, apart: np.ndarray, n_neighbors: int) -> np.ndarray:
    """Distances of each row to the `n_neighbors` others nearest to it, shape (n_tasks, n_neighbors), ascending.

    Parameters
    ----------
    M : ndarray of shape (n_tasks, n_features)
        Rows.
    apart : ndarray of bool of shape (n_tasks, n_tasks)
        Which others count for which row.
    n_neighbors : int
        At most so many as there are rows.

    Returns
    -------
    ndarray
        Infinite where too few rows count.
    """
    return np.sort(np.where(apart, cdist(M, M), np.inf), axis=1)[:, :n_neighbors]


def conformal_novelty(M: np.ndarray, near: np.ndarray, new: np.ndarray) -> float:
    """The share of rows that lie nearer to others than a new row does, by the distance to the last of the nearest.

    The new row is one of the others of all, so that rows of one kind are exchangeable: without that, the known ones
    would be of a smaller crowd.

    Parameters
    ----------
    M : ndarray of shape (n_tasks, n_features)
        Known rows.
    near : ndarray of shape (n_tasks, n_neighbors)
        As `nearest_distances` has them.
    new : ndarray of shape (n_features,)
        The new row.

    Returns
    -------
    float
        From 0 to 1; NaN where no row has so many others.
    """
    k, to_new = near.shape[1], cdist(M, new[None])
    known = np.sort(np.hstack([near, to_new]), axis=1)[:, k - 1]
    known = known[np.isfinite(known)]
    if not len(known):
        return np.nan
    return float((known < np.sort(to_new[:, 0])[k - 1]).sum() / (len(known) + 1))


def softmax(values: np.ndarray, temperature: float) -> np.ndarray:
    """Softmax along the last axis."""
    shifted = (values - values.max(axis=-1, keepdims=True)) / temperature
    powers = np.exp(shifted)
    return powers / powers.sum(axis=-1, keepdims=True)
