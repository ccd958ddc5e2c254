"""How the errors of configurations go together: what any average of them scores."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Sequence
from typing import Any

import numpy as np

from sklmeta.configuration import Configuration
from sklmeta.knowledge.tables import check_unique, positions, read_only


class JointErrors:
    """Of some tasks, the mean products of the errors of each two of some configurations: an immutable value.

    The mean squared error of an average with weights ``w`` is exactly ``w @ products @ w``: in classification its Brier
    score, in regression its mean squared error in variances of the target.

    Parameters
    ----------
    tasks : sequence of hashable
        Ids, each once.
    configurations : sequence of Configuration
        Each once.
    products : ndarray of shape (n_tasks, n_configurations, n_configurations)
        Symmetric; NaN where unknown.

    Raises
    ------
    ValueError
        If labels repeat, shapes disagree, or products are infinite or not symmetric.

    References
    ----------
    A. Krogh, J. Vedelsby (1994), "Neural network ensembles, cross validation, and active learning".

    Examples
    --------
    >>> import numpy as np
    >>> from sklmeta import Configuration
    >>> from sklmeta.knowledge import JointErrors
    >>> pair = [Configuration("svc"), Configuration("random_forest")]
    >>> JointErrors(["iris"], pair, np.array([[[0.10, 0.06], [0.06, 0.12]]]))
    JointErrors(1 tasks, 2 configurations)
    """

    def __init__(self, tasks: Sequence[Hashable], configurations: Sequence[Configuration], products: Any):
        self.tasks, self.configurations = tuple(tasks), tuple(configurations)
        check_unique("task", self.tasks)
        check_unique("configuration", self.configurations)
        shape = (len(self.tasks), len(self.configurations), len(self.configurations))
        copied = np.array(products, dtype=float)
        if copied.shape != shape:
            raise ValueError(f"The products of joint errors have shape {copied.shape}; their labels need {shape}.")
        if np.isinf(copied).any() or not np.array_equal(copied, copied.swapaxes(1, 2), equal_nan=True):
            raise ValueError("The products of joint errors must be symmetric and finite, NaN where unknown.")
        self.products = read_only(copied)

    def part(self, tasks: Iterable[Hashable], configurations: Iterable[Configuration]) -> JointErrors | None:
        """Of those of these tasks and configurations that it knows, in this order; None where it knows nothing."""
        row, column = positions(self.tasks), positions(self.configurations)
        rows, columns = [row[t] for t in tasks if t in row], [column[c] for c in configurations if c in column]
        if not rows or not columns:
            return None
        chosen = [self.tasks[i] for i in rows], [self.configurations[j] for j in columns]
        return JointErrors(*chosen, self.products[np.ix_(rows, columns, columns)])

    def merged(self, other: JointErrors) -> JointErrors:
        """The tasks and configurations of both; where both know a product, `other` counts."""
        tasks = list(dict.fromkeys([*self.tasks, *other.tasks]))
        configurations = list(dict.fromkeys([*self.configurations, *other.configurations]))
        row, column = positions(tasks), positions(configurations)
        products = np.full((len(tasks), len(configurations), len(configurations)), np.nan)
        for one in (self, other):
            columns = [column[c] for c in one.configurations]
            at = np.ix_([row[task] for task in one.tasks], columns, columns)
            products[at] = np.where(np.isnan(one.products), products[at], one.products)
        return JointErrors(tasks, configurations, products)

    def without(self, evaluations: np.ndarray) -> JointErrors:
        """Nothing known of these any more, a mask of shape (n_tasks, n_configurations)."""
        gone = evaluations[:, :, None] | evaluations[:, None, :]
        return JointErrors(self.tasks, self.configurations, np.where(gone, np.nan, self.products))

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        read_only(self.products)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, JointErrors):
            return NotImplemented
        same = self.tasks == other.tasks and self.configurations == other.configurations
        return same and np.array_equal(self.products, other.products, equal_nan=True)

    def __hash__(self) -> int:
        return hash((self.tasks, self.configurations))

    def __repr__(self) -> str:
        return f"JointErrors({len(self.tasks)} tasks, {len(self.configurations)} configurations)"


def united(first: JointErrors | None, second: JointErrors | None) -> JointErrors | None:
    """Both, where there are any."""
    return first.merged(second) if first is not None and second is not None else first or second
