"""Episodes: support and query rows of one task, given as they are or drawn from a task's rows."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from itertools import zip_longest
from typing import Any

import numpy as np
import pandas as pd
from scipy import sparse

N_PROBED = 1000  # episodes of a sampler that are looked at to learn scales and classes
N_TOLD = 3  # columns that an error names

Names = tuple[str, ...] | None


@dataclass(frozen=True, eq=False)
class Episode:
    """Rows to adapt on and rows to judge the adapted model by, both of one task.

    Parameters
    ----------
    X_support : array-like of shape (n_support, n_features)
        Rows to adapt on.
    y_support : array-like of shape (n_support,)
        Their targets.
    X_query : array-like of shape (n_query, n_features)
        Rows to judge by.
    y_query : array-like of shape (n_query,)
        Their targets.

    Attributes
    ----------
    feature_names : tuple of str or None
        Names of the columns, where they have any.

    Examples
    --------
    >>> from sklmeta.gradient import Episode
    >>> episode = Episode([[0.0], [1.0]], [0.0, 2.0], [[0.5]], [1.0])
    >>> episode.X_support.shape, episode.y_query.shape
    ((2, 1), (1,))
    """

    X_support: Any
    y_support: Any
    X_query: Any
    y_query: Any
    feature_names: Names = field(default=None, init=False)

    def __post_init__(self) -> None:
        names, of_query = names_of(self.X_support), names_of(self.X_query)
        check_names(of_query, names, "The episode's query")
        object.__setattr__(self, "feature_names", names or of_query)
        for part in ("support", "query"):
            X, y = checked_rows(getattr(self, f"X_{part}"), getattr(self, f"y_{part}"), f"episode's {part}")
            object.__setattr__(self, f"X_{part}", X)
            object.__setattr__(self, f"y_{part}", y)
        if self.X_support.shape[1] != self.X_query.shape[1]:
            raise ValueError(
                f"X_support has {self.X_support.shape[1]} features and X_query {self.X_query.shape[1]}: "
                "rows of one task need the same features."
            )

    def __repr__(self) -> str:
        n_support, n_features = self.X_support.shape
        return f"Episode({n_support} support rows, {len(self.y_query)} query rows, {n_features} features)"


Task = Episode | tuple[Any, Any]
Rows = tuple[np.ndarray, np.ndarray]
Sampler = Callable[[np.random.Generator], Episode]


def names_of(X: Any) -> Names:
    """Names of the columns of a DataFrame; None where they are not strings, or where there are none."""
    names = tuple(getattr(X, "columns", ()))
    return names if names and all(isinstance(name, str) for name in names) else None


def check_names(names: Names, expected: Names, where: str) -> None:
    """An error where columns have other names than expected, or another order; columns without names may be any."""
    if names is None or expected is None or names == expected:
        return
    wrong = [f"{a!r} where {b!r} was expected" for a, b in zip_longest(names, expected) if a != b]
    raise ValueError(
        f"{where} has the column {', '.join(wrong[:N_TOLD])}{' and so on' * (len(wrong) > N_TOLD)}: give every task "
        "the same columns in the same order, as X[columns] does with the list of their names."
    )


def checked_rows(X: Any, y: Any, where: str) -> tuple[np.ndarray, np.ndarray]:
    """X as a finite 2-d array of floats and y as a 1-d array of as many values, or an error that says where."""
    if sparse.issparse(X):
        raise ValueError(f"X of the {where} is sparse; make it dense, as X.toarray() does.")
    try:
        X = np.asarray(X, dtype=None if getattr(X, "dtype", None) in (np.float32, np.float64) else float)
    except (TypeError, ValueError) as error:
        raise ValueError(f"X of the {where} is no dense array of numbers ({error}); encode categories.") from error
    y = np.asarray(y)
    if X.ndim != 2 or y.ndim != 1 or len(X) != len(y):
        raise ValueError(
            f"The {where} has X of shape {X.shape} and y of shape {y.shape}: "
            "X needs rows and features, y one value a row."
        )
    if len(y) == 0:
        raise ValueError(f"The {where} has no rows.")
    gone = ~np.isfinite(y) if y.dtype.kind == "f" else pd.isna(y)
    if not np.isfinite(X).all() or gone.any():
        raise ValueError(f"The {where} contains NaN or infinity; impute or drop those rows first.")
    return X, y


class ListedTasks:
    """Tasks given as a list: each draw takes some of them, and splits the rows of (X, y) anew.

    Parameters
    ----------
    tasks : iterable of (X, y) or Episode
        The tasks.
    n_shots : int or None
        Rows in the support of a split: of each class where stratified, else of the task. None: half.
    n_query : int or None
        Most rows in the query of a split. None: all that are left.
    names : tuple of str or None, default=None
        What the columns must be called. None: as in the first task whose columns have names.
    """

    def __init__(self, tasks: Iterable[Task], n_shots: int | None, n_query: int | None, names: Names = None):
        self.names = names
        self.tasks = [self._checked(task, i) for i, task in enumerate(tasks)]
        if not self.tasks:
            raise ValueError("No tasks were given: meta-learning needs at least one, better dozens.")
        self.n_shots, self.n_query = n_shots, n_query
        self.by_class = False

    def stratified(self, by_class: bool) -> ListedTasks:
        """The same source, splitting class by class if so told, once every task has enough rows for that."""
        self.by_class = by_class
        for i, task in enumerate(self.tasks):
            if not isinstance(task, Episode):
                _check_enough(task[1], self.n_shots, by_class, i)
        return self

    def probe(self, rng: np.random.Generator) -> list[Rows]:
        """All rows of every task."""
        return [_all_rows(task) for task in self.tasks]

    def draw(self, rng: np.random.Generator, n: int) -> list[Episode]:
        """Episodes of n tasks drawn without replacement, or of all where there are fewer."""
        chosen = rng.choice(len(self.tasks), size=min(n, len(self.tasks)), replace=False)
        return [self._episode(self.tasks[i], rng) for i in chosen]

    def everything(self, rng: np.random.Generator) -> list[Episode]:
        """One episode of each task."""
        return [self._episode(task, rng) for task in self.tasks]

    def _checked(self, task: Any, i: int) -> Task:
        checked, names = _checked_task(task, i)
        check_names(names, self.names, f"Task {i}")
        self.names = self.names or names
        return checked

    def _episode(self, task: Task, rng: np.random.Generator) -> Episode:
        if isinstance(task, Episode):
            return task
        X, y = task
        support = split_support(y, self.n_shots, self.by_class, rng)
        query = rng.permutation(np.flatnonzero(~support))[: self.n_query]
        return unchecked_episode(X[support], y[support], X[query], y[query])


class SampledTasks:
    """Tasks drawn by a function of a random generator."""

    def __init__(self, sampler: Sampler, names: Names = None):
        self.sampler = sampler
        self.names = names

    def stratified(self, by_class: bool) -> SampledTasks:
        """The same source: a sampler splits its rows itself."""
        return self

    def probe(self, rng: np.random.Generator) -> list[Rows]:
        """All rows of enough episodes to learn scales and classes from."""
        return [_all_rows(episode) for episode in self.draw(rng, N_PROBED)]

    def draw(self, rng: np.random.Generator, n: int) -> list[Episode]:
        """Episodes that the sampler draws."""
        return [self._episode(rng) for _ in range(n)]

    def _episode(self, rng: np.random.Generator) -> Episode:
        episode = self.sampler(rng)
        if not isinstance(episode, Episode):
            raise TypeError(
                f"The sampler returned {type(episode).__name__}; it takes a numpy Generator and returns an Episode."
            )
        check_names(episode.feature_names, self.names, "An episode of the sampler")
        self.names = self.names or episode.feature_names
        return episode


def _all_rows(task: Task) -> Rows:
    if not isinstance(task, Episode):
        return task
    X = np.concatenate([task.X_support, task.X_query])
    return X, np.concatenate([task.y_support, task.y_query])


def split_support(y: np.ndarray, n_shots: int | None, stratify: bool, rng: np.random.Generator) -> np.ndarray:
    """Random mask of support rows: `n_shots` (or half, at least one) of all rows, or of each class."""
    support = np.zeros(len(y), dtype=bool)
    order = rng.permutation(len(y))
    if not stratify:
        support[order[: n_shots or max(len(y) // 2, 1)]] = True
        return support
    for label in np.unique(y):
        rows = order[y[order] == label]
        support[rows[: n_shots or max(len(rows) // 2, 1)]] = True
    return support


def unchecked_episode(
    X_support: np.ndarray, y_support: np.ndarray, X_query: np.ndarray, y_query: np.ndarray
) -> Episode:
    """An episode of rows that were checked as part of their task."""
    episode = object.__new__(Episode)
    for name, value in zip(
        ("X_support", "y_support", "X_query", "y_query"),
        (X_support, y_support, X_query, y_query),
        strict=True,
    ):
        object.__setattr__(episode, name, value)
    return episode


def _checked_task(task: Any, i: int) -> tuple[Task, Names]:
    if isinstance(task, Episode):
        return task, task.feature_names
    if not isinstance(task, tuple | list) or len(task) != 2:
        raise TypeError(f"Task {i} is {type(task).__name__}; a task is (X, y) or an Episode.")
    X, y = task
    return checked_rows(X, y, f"task {i}"), names_of(X)


def _check_enough(y: np.ndarray, n_shots: int | None, stratify: bool, i: int) -> None:
    labels, counts = np.unique(y, return_counts=True) if stratify else (None, np.array([len(y)]))
    needed = (n_shots or 1) + 1
    if labels is not None and len(labels) == 1:
        raise ValueError(
            f"Task {i} has one class, {labels.tolist()[0]!r}: leave it out, a task needs two classes or more."
        )
    if counts.max() < needed:
        raise ValueError(
            f"Task {i} has too few rows for support and query: {counts.max()} "
            f"{'of its largest class' if stratify else 'in all'}, and {needed} are needed"
            f"{'' if n_shots is None else f' with n_shots={n_shots}'}; leave it out or lower n_shots."
        )
