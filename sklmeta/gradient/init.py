"""Meta-learned weights as an immutable value: what tasks start from, or stay close to."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field, replace
from functools import partial
from types import MappingProxyType
from typing import Any

import numpy as np
from sklearn.utils import check_random_state

from sklmeta.archives import DAMAGE, read_archive, write_archive
from sklmeta.exceptions import KnowledgeFormatError
from sklmeta.gradient._adaptation import Rows, biased_minimum, uniform_penalty
from sklmeta.gradient._batches import Problem, batched
from sklmeta.gradient._checks import check_numbers
from sklmeta.gradient._meta_gradients import Batch, Meta
from sklmeta.gradient._network import Network
from sklmeta.gradient._scaling import Scaling
from sklmeta.gradient.algorithms import ALGORITHMS, Algorithm, meta_gradient
from sklmeta.gradient.episodes import Episode, ListedTasks, Names, Task

FORMAT = 1
_DESCRIPTION = "init.json"
_SCALING_ARRAYS = ("mean", "scale", "fourier_weights", "fourier_offset")


@dataclass(frozen=True, eq=False, repr=False)
class MetaInit:
    """What was learned across tasks: an immutable value that is passed to estimators and shares itself on clone.

    `meta_train` makes it; estimators take it as ``init``. Its arrays are read-only. Copying, cloning and
    cross-validating an estimator keep it, as it is a parameter and no fitted attribute.

    Parameters
    ----------
    model : {"linear", "svm", "mlp"}
        The model that it is for.
    algorithm : str
        How it was learned; a name of `meta_train`.
    problem : Problem
        Classification or regression, and the classes where labels mean the same in every task.
    network : Network
        Layer sizes, activation and loss. With classes of their own tasks share a head of one output.
    scaling : Scaling
        From the tasks' units to the network's, and the kernel approximation.
    weights : ndarray of shape (n_parameters,)
        Flat start (or centre): each layer's weights by rows, then its intercepts.
    rates : ndarray of shape (n_parameters,)
        Inner rate of each parameter.
    n_steps : int
        Inner steps it was trained with.
    regularization : float
        Strength lambda of ``lambda / 2 * (w - weights)^2``, against a loss summed over rows.
    n_rows : float, default=0.0
        Rows that an average has seen so far.
    history : mapping of str to ndarray, default={}
        Learning curves: iteration, loss, validation_loss and seconds.
    provenance : mapping, default={}
        How it came about: options and number of tasks, as JSON can hold them.
    feature_names : tuple of str or None, default=None
        Names of the tasks' columns, where these have any: later tasks must have the same ones in the same order.

    Examples
    --------
    >>> import numpy as np
    >>> from sklmeta.gradient import meta_train
    >>> rng = np.random.default_rng(0)
    >>> def task(slope):
    ...     X = rng.normal(size=(20, 1))
    ...     return X, slope * X[:, 0]
    >>> init = meta_train([task(s) for s in (1.9, 2.0, 2.1)], model="linear", algorithm="average")
    >>> init
    MetaInit(model='linear', algorithm='average', task='regression', n_features=1, 2 parameters)
    """

    model: str
    algorithm: str
    problem: Problem
    network: Network
    scaling: Scaling
    weights: np.ndarray
    rates: np.ndarray
    n_steps: int
    regularization: float
    n_rows: float = 0.0
    history: Mapping[str, np.ndarray] = field(default_factory=dict)
    provenance: Mapping[str, Any] = field(default_factory=dict)
    feature_names: Names = None

    def __post_init__(self) -> None:
        for name in ("weights", "rates"):
            object.__setattr__(self, name, _read_only(getattr(self, name)))
            if getattr(self, name).shape != (self.network.n_parameters,):
                raise ValueError(
                    f"{name} has shape {getattr(self, name).shape}; a network of sizes {self.network.sizes} "
                    f"needs ({self.network.n_parameters},)."
                )
            if not np.isfinite(getattr(self, name)).all():
                raise ValueError(f"{name} hold NaN or infinity: training diverged; lower its rates.")
        history = {name: _read_only(curve) for name, curve in self.history.items()}
        object.__setattr__(self, "history", MappingProxyType(history))
        object.__setattr__(self, "provenance", MappingProxyType(dict(self.provenance)))

    def __repr__(self) -> str:
        return (
            f"MetaInit(model={self.model!r}, algorithm={self.algorithm!r}, task={self.task!r}, "
            f"n_features={self.n_features}, {self.network.n_parameters} parameters)"
        )

    def __sklearn_clone__(self) -> MetaInit:
        return self

    def __copy__(self) -> MetaInit:
        return self

    def __deepcopy__(self, memo: dict) -> MetaInit:
        return self

    def __reduce__(self) -> tuple:
        values = (getattr(self, name) for name in self.__dataclass_fields__)
        return MetaInit, tuple(dict(v) if isinstance(v, MappingProxyType) else v for v in values)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, MetaInit) and self._content() == other._content()

    def __hash__(self) -> int:
        return hash((self.model, self.algorithm, self.weights.tobytes()))

    @property
    def task(self) -> str:
        """``"classification"`` or ``"regression"``."""
        return self.problem.task

    @property
    def classes(self) -> np.ndarray | None:
        """The labels that all tasks share, or None."""
        return self.problem.classes

    @property
    def n_features(self) -> int:
        """Features of the tasks."""
        return self.scaling.n_features

    @property
    def exact(self) -> bool:
        """Whether tasks adapt by an exact minimum near the weights, rather than by gradient steps."""
        return ALGORITHMS[self.algorithm].exact(self.model)

    def update(self, tasks: Task | Iterable[Task], *, rate: float = 0.01, random_state: Any = None) -> MetaInit:
        """What is known after one more task, or several at once: a new value; this one stays as it is.

        An ``"average"`` takes the task into its running mean, weighted by rows. The other algorithms take
        one step of online gradient descent on the meta-loss [1]_; ``"reptile"`` moves by `rate` towards the
        adapted parameters.

        Parameters
        ----------
        tasks : (X, y), Episode, or list of them
            What arrived. The rows of (X, y) are split into support and query at random.
        rate : float, default=0.01
            Length of the step. Not used by ``"average"``.
        random_state : int, RandomState instance or None, default=None
            Splits rows into support and query.

        Returns
        -------
        MetaInit
            With new weights (and rates and strength, where the algorithm learns them).

        Raises
        ------
        ValueError
            If a task does not fit the init, `rate` is negative, or the init came from ``"transfer"`` to
            unseen classes, whose blank head cannot be trained on.

        References
        ----------
        .. [1] G. Denevi, C. Ciliberto, R. Grazzi, M. Pontil (2019). Learning-to-learn stochastic gradient
               descent with biased regularization. ICML.

        Examples
        --------
        >>> import numpy as np
        >>> from sklmeta.gradient import meta_train
        >>> X = np.linspace(-1, 1, 20)[:, None]
        >>> init = meta_train([(X, 2 * X[:, 0])], model="linear", algorithm="average", scale=False)
        >>> later = init.update((X, 3 * X[:, 0]))
        >>> bool(init.weights[0] < later.weights[0])
        True
        """
        check_numbers(rate=rate)
        arrived = [tasks] if isinstance(tasks, Episode | tuple) else list(tasks)
        seed = check_random_state(random_state).randint(np.iinfo(np.int32).max)
        source = ListedTasks(arrived, None, None, self.feature_names).stratified(self.task == "classification")
        batches = self.batches(source.everything(np.random.default_rng(seed)))
        algorithm = ALGORITHMS[self.algorithm]
        if self.problem.tied and self.algorithm == "transfer":
            raise ValueError(
                "A transfer init for classes of their own has no head that a new task could teach: "
                "train it anew with the task among the others, or use algorithm='maml' or 'anil'."
            )
        provenance = {**self.provenance, "n_updates": self.provenance.get("n_updates", 0) + len(arrived)}
        if algorithm.exact(self.model) and algorithm.surrogate:
            return replace(averaged_exactly(self, batches), provenance=provenance)
        return replace(self._stepped(algorithm, batches, rate), provenance=provenance)

    def save(self, path: str | os.PathLike) -> None:
        """Write one zip of JSON and arrays; no pickle is involved.

        Parameters
        ----------
        path : str or path-like
            Where to; an existing file is replaced, once the new one is complete.

        Raises
        ------
        FileNotFoundError, IsADirectoryError
            If there is no such folder, or `path` is one.
        """
        write_archive(path, _DESCRIPTION, self._described(), self._arrays(), np.generic.item)

    @classmethod
    def load(cls, path: str | os.PathLike) -> MetaInit:
        """Read what `save` wrote; loading a stranger's file executes nothing.

        Parameters
        ----------
        path : str or path-like
            The file.

        Returns
        -------
        MetaInit
            Equal to the one that was saved.

        Raises
        ------
        KnowledgeFormatError
            If the file is not of this kind, damaged, or of a newer format.
        """
        place = os.fspath(path)
        try:
            return _restored(*read_archive(path, _DESCRIPTION, partial(_check_format, place=place)))
        except (KnowledgeFormatError, FileNotFoundError, IsADirectoryError, PermissionError):
            raise
        except DAMAGE as error:
            raise KnowledgeFormatError(
                f"{place!r} is no file that MetaInit.save wrote, or is damaged ({type(error).__name__}: {error})."
            ) from error

    def batches(self, episodes: list[Episode]) -> list[Batch]:
        """Episodes as arrays in this value's scale and dtype, grouped by size."""
        return batched(episodes, self.problem, self.scaling, self.network.loss, str(self.weights.dtype))

    def _stepped(self, algorithm: Algorithm, batches: list[Batch], rate: float) -> MetaInit:
        meta = Meta(self.weights, self.rates, np.log(self.regularization))
        _, gradient = meta_gradient(algorithm, self.network, meta, batches, self.n_steps, self.problem.tied)
        seen = rows_of(batches)
        if algorithm.by_rows and algorithm.surrogate:
            rate = seen / (self.n_rows + seen)
        dtype = self.weights.dtype
        return replace(
            self,
            weights=(self.weights - rate * gradient.theta).astype(dtype),
            rates=(self.rates - rate * self.rates.mean() * gradient.rates).astype(dtype),
            regularization=float(np.exp(meta.log_penalty - rate * gradient.log_penalty)),
            n_rows=self.n_rows + seen,
        )

    def _described(self) -> dict[str, Any]:
        return {
            "format": FORMAT,
            "model": self.model,
            "algorithm": self.algorithm,
            "task": self.task,
            "network": asdict(self.network),
            "y_mean": self.scaling.y_mean,
            "y_scale": self.scaling.y_scale,
            "n_steps": self.n_steps,
            "regularization": self.regularization,
            "n_rows": self.n_rows,
            "provenance": dict(self.provenance),
            "feature_names": self.feature_names,
        }

    def _arrays(self) -> dict[str, np.ndarray]:
        arrays = {"weights": self.weights, "rates": self.rates}
        optional = {name: getattr(self.scaling, name) for name in _SCALING_ARRAYS} | {"classes": self.classes}
        arrays |= {name: array for name, array in optional.items() if array is not None}
        return arrays | {f"history-{name}": array for name, array in self.history.items()}

    def _content(self) -> tuple:
        learned = {k: v for k, v in self._arrays().items() if not k.startswith("history-")}  # it has seconds
        arrays = {k: (v.dtype.str, v.shape, v.tobytes()) for k, v in learned.items()}
        return json.dumps(self._described(), sort_keys=True, default=np.generic.item), arrays


def averaged_exactly(init: MetaInit, batches: list[Batch]) -> MetaInit:
    """The running mean, weighted by rows, of tasks' own minima, with these tasks taken in.

    Each task's minimum is regularised towards zero, so that it does not depend on the order of the tasks.
    """
    total, seen = init.weights * init.n_rows, init.n_rows
    for batch in batches:
        rows = batch.pooled()
        k = rows.targets.shape[-1]
        network = init.network.with_outputs(k) if init.problem.tied else init.network
        zero = np.zeros((1, network.n_parameters), dtype=init.weights.dtype)
        minima = biased_minimum(network, zero, uniform_penalty(init.regularization), rows)
        counts = rows.weights.sum(axis=1)
        mean = np.average(minima, axis=0, weights=counts)
        total = total + counts.sum() * (network.tied(mean, mean=True) if init.problem.tied else mean)
        seen = seen + float(counts.sum())
    return replace(init, weights=(total / seen).astype(init.weights.dtype), n_rows=seen)


def pooled_exactly(init: MetaInit, batches: list[Batch]) -> MetaInit:
    """The minimum of the loss over all rows of all tasks, regularised towards zero."""
    parts = [batch.pooled() for batch in batches]
    rows = Rows(*(_joined([part[i] for part in parts]) for i in range(3)))
    zero = np.zeros_like(init.weights)[None]
    minimum = biased_minimum(init.network, zero, uniform_penalty(init.regularization), rows)
    return replace(init, weights=minimum[0], n_rows=float(rows.weights.sum()))


def rows_of(batches: list[Batch]) -> float:
    """Rows in support and query of all tasks."""
    return float(sum(batch.support.weights.sum() + batch.query.weights.sum() for batch in batches))


def _joined(arrays: list[np.ndarray]) -> np.ndarray:
    """Tasks' rows (n_tasks, n_rows, ...) one after another as the rows of a single task (1, all rows, ...)."""
    return np.concatenate([array.reshape(-1, *array.shape[2:]) for array in arrays])[None]


def _read_only(array: Any) -> np.ndarray:
    fixed = np.array(array)
    fixed.flags.writeable = False
    return fixed


def _check_format(described: Any, place: str) -> None:
    if described["format"] != FORMAT:
        raise KnowledgeFormatError(
            f"{place!r} has format {described['format']!r}; this version of sklmeta reads format {FORMAT}. Upgrade "
            "sklmeta, or train anew."
        )


def _restored(described: dict[str, Any], arrays: dict[str, np.ndarray]) -> MetaInit:
    network = described["network"]
    return MetaInit(
        model=described["model"],
        algorithm=described["algorithm"],
        problem=Problem(described["task"], arrays.get("classes")),
        network=Network(**{**network, "sizes": tuple(network["sizes"])}),
        scaling=Scaling(
            y_mean=described["y_mean"],
            y_scale=described["y_scale"],
            **{name: arrays[name] for name in _SCALING_ARRAYS if name in arrays},
        ),
        weights=arrays["weights"],
        rates=arrays["rates"],
        n_steps=described["n_steps"],
        regularization=described["regularization"],
        n_rows=described["n_rows"],
        history={n.removeprefix("history-"): a for n, a in arrays.items() if n.startswith("history-")},
        provenance=described["provenance"],
        feature_names=tuple(described.get("feature_names") or ()) or None,
    )
