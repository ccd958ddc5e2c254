"""Hyperparameter spaces: scipy.stats-style distributions, with conditions."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from graphlib import CycleError, TopologicalSorter
from math import floor, isfinite, log10
from typing import Any

import joblib
import numpy as np
import pandas as pd
from scipy import sparse
from sklearn.utils import check_random_state

_EDGE = 1e-9  # a quantile of 0 or 1 may be infinite


class LogUniformInt:
    """Integers from `low` to `high`, both included, uniform on a logarithmic scale.

    It has the part of the interface of a frozen SciPy distribution that scikit-learn's searches use.

    Parameters
    ----------
    low, high : int
        Bounds, with ``1 <= low <= high``.

    Examples
    --------
    >>> LogUniformInt(1, 100).ppf([0.0, 0.5, 1.0])
    array([  1,  10, 100])
    """

    def __init__(self, low: int, high: int):
        if not 1 <= low <= high or low != int(low) or high != int(high):
            raise ValueError(f"LogUniformInt needs integers 1 <= low <= high, got low={low!r}, high={high!r}.")
        self.low, self.high = int(low), int(high)

    def ppf(self, q: Any) -> Any:
        """The value below which a share `q` of the draws falls."""
        logs = np.log(self.low) + np.asarray(q, float) * (np.log(self.high + 1) - np.log(self.low))
        values = np.clip(np.floor(np.exp(logs)), self.low, self.high).astype(int)
        return values if values.ndim else int(values)

    def cdf(self, x: Any) -> Any:
        """Share of the draws that are at most `x`."""
        logs = np.log(np.clip(np.floor(np.asarray(x, float)), self.low - 1, self.high) + 1)
        shares = (logs - np.log(self.low)) / (np.log(self.high + 1) - np.log(self.low))
        return shares if shares.ndim else float(shares)

    def rvs(self, size: int | None = None, random_state: Any = None) -> Any:
        """Random draws."""
        return self.ppf(check_random_state(random_state).uniform(size=size))

    def support(self) -> tuple[int, int]:
        """Lowest and highest value."""
        return self.low, self.high

    def __repr__(self) -> str:
        return f"LogUniformInt({self.low}, {self.high})"


class SearchSpace:
    """Distributions of hyperparameters, some of which only exist where others take certain values.

    Parameters
    ----------
    distributions : mapping of str to (list or distribution)
        As for :class:`sklearn.model_selection.RandomizedSearchCV`: a list is drawn from uniformly (repeat
        a value to weight it), anything else must have ``rvs``; with ``ppf`` too, draws are quasi-random.
    conditions : mapping of str to (mapping of str to collection), default=None
        ``{"gamma": {"kernel": ("rbf", "poly")}}``: gamma exists only where kernel does and is "rbf" or "poly".

    Raises
    ------
    ValueError
        If a distribution is neither, or conditions go round in a circle.

    Examples
    --------
    >>> space = SearchSpace({"kernel": ["linear", "rbf"], "gamma": [0.1, 1.0]},
    ...                     {"gamma": {"kernel": ("rbf",)}})
    >>> space.sample(3, random_state=0)
    [{'kernel': 'linear'}, {'kernel': 'rbf', 'gamma': 0.1}, {'kernel': 'rbf', 'gamma': 1.0}]
    """

    def __init__(
        self,
        distributions: Mapping[str, Any],
        conditions: Mapping[str, Mapping[str, Iterable[Any]]] | None = None,
    ):
        for name, distribution in distributions.items():
            _check_distribution(name, distribution)
        self.distributions = dict(distributions)
        self.conditions = {
            name: {parent: tuple(values) for parent, values in parents.items()}
            for name, parents in (conditions or {}).items()
        }
        _check_no_circle(self.conditions)

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the hyperparameters."""
        return tuple(self.distributions)

    def updated(self, distributions: Mapping[str, Any]) -> SearchSpace:
        """The same space with some distributions replaced or added."""
        return SearchSpace({**self.distributions, **distributions}, self.conditions)

    def without(self, names: Iterable[str]) -> SearchSpace:
        """The same space with some hyperparameters left alone."""
        left = {n: d for n, d in self.distributions.items() if n not in set(names)}
        return SearchSpace(left, self.conditions)

    def prefixed(self, prefix: str) -> SearchSpace:
        """The same space with every name behind a prefix, as a Pipeline's step has them."""
        conditions = {
            prefix + name: {prefix + parent: values for parent, values in parents.items()}
            for name, parents in self.conditions.items()
        }
        return SearchSpace({prefix + n: d for n, d in self.distributions.items()}, conditions)

    def active(self, params: Mapping[str, Any]) -> dict[str, Any]:
        """Those hyperparameters of `params` whose conditions hold; a condition on an absent one holds."""
        return {name: value for name, value in params.items() if self._holds(name, params)}

    def _holds(self, name: str, params: Mapping[str, Any]) -> bool:
        parents = self.conditions.get(name, {})
        return all(
            parent not in params or (params[parent] in values and self._holds(parent, params))
            for parent, values in parents.items()
        )

    def contains(self, params: Mapping[str, Any]) -> bool:
        """Whether every hyperparameter of `params` that the space knows has a value it could draw."""
        return self.as_drawn(params) is not None

    def as_drawn(self, params: Mapping[str, Any]) -> dict[str, Any] | None:
        """The same hyperparameters as the space itself would draw them: 10 where the user lists 10, and 10.0 is known.

        Parameters
        ----------
        params : mapping of str to object
            Hyperparameters; those that the space does not know stay as they are.

        Returns
        -------
        dict of str to object or None
            None where a value is none that could be drawn.
        """
        drawn = {}
        for name, value in params.items():
            distribution = self.distributions.get(name)
            found = [value] if distribution is None else _as_drawn(distribution, value, _is_share_or_count(name))
            if not found:
                return None
            drawn[name] = found[0]
        return drawn

    def sample(
        self,
        n: int,
        random_state: int | np.random.RandomState | None = None,
        fixed: Mapping[str, Any] | None = None,
    ) -> list[dict[str, Any]]:
        """At most `n` different draws, spread evenly over the space.

        Parameters
        ----------
        n : int
            How many. Fewer come back where the space has fewer different points.
        random_state : int, RandomState instance or None, default=None
            Shifts the quasi-random sequence. The first draws of a longer sample are the shorter one's.
        fixed : mapping of str to object, default=None
            Values that are not drawn; conditions on them are respected.

        Returns
        -------
        list of dict
            Hyperparameters, without the fixed ones.

        References
        ----------
        M. Roberts (2018), "The unreasonable effectiveness of quasirandom sequences": the additive
        recurrence behind the draws; the random shift is Cranley and Patterson's (1976).
        """
        fixed = dict(fixed or {})
        free = {name: d for name, d in self.distributions.items() if name not in fixed}
        if not free:
            return [dict[str, Any]()][:n]
        rng = check_random_state(random_state)
        shift = rng.uniform(size=len(free))
        found: dict[str, dict[str, Any]] = {}
        patience = 20 * n + 100
        for i in range(patience):
            if len(found) >= n:
                break
            point = (shift + (i + 1) * _recurrence(len(free))) % 1
            drawn = {k: _draw(d, u, rng) for (k, d), u in zip(free.items(), point, strict=True)}
            active = self.active({**fixed, **drawn})
            params = {name: active[name] for name in free if name in active}
            found.setdefault(key_of(params), params)
        return list(found.values())

    def neighbour(
        self,
        params: Mapping[str, Any],
        random_state: int | np.random.RandomState | None = None,
        *,
        scale: float = 0.2,
        fixed: Mapping[str, Any] | None = None,
    ) -> dict[str, Any]:
        """Another point of the space, near to one.

        Numbers take a normal step on the scale of their distribution's own quantiles, thrown back from its ends. Values
        of lists, and of distributions without ``cdf`` and ``ppf``, are drawn anew with the probability `scale`. What a
        changed condition brings into being is drawn.

        Parameters
        ----------
        params : mapping of str to object
            Where to start. Hyperparameters that the space does not have stay as they are; those that are left out
            though their conditions hold stay left out.
        random_state : int, RandomState instance or None, default=None
            Of the steps.
        scale : float, default=0.2
            Standard deviation of a step, where 1 is the whole distribution.
        fixed : mapping of str to object, default=None
            Values that are not changed; conditions on them are respected.

        Returns
        -------
        dict of str to object
            Hyperparameters, without the fixed ones. The same as `params` only if a hundred steps led nowhere else.

        Raises
        ------
        ValueError
            If `scale` is not between 0 and 1, without 0.

        References
        ----------
        F. Hutter, H. Hoos, K. Leyton-Brown (2011), "Sequential model-based optimization for general algorithm
        configuration": neighbours by normal steps of 0.2.

        Examples
        --------
        >>> space = SearchSpace({"kernel": ["linear", "rbf"], "depth": LogUniformInt(1, 100)})
        >>> space.neighbour({"kernel": "rbf", "depth": 10}, random_state=0)
        {'kernel': 'rbf', 'depth': 20}
        """
        if not 0 < scale <= 1:
            raise ValueError(f"scale must be above 0 and at most 1, got {scale!r} instead.")
        rng, fixed = check_random_state(random_state), dict(fixed or {})
        here = {**params, **fixed}
        left_out = {name for name in self.distributions if name not in here and self._holds(name, here)}
        free = {name: d for name, d in self.distributions.items() if name not in fixed and name not in left_out}
        given = {name: value for name, value in params.items() if name not in fixed}
        for _ in range(100):
            moved = {
                name: _near(d, params[name], scale, rng) if name in params else _draw(d, rng.uniform(), rng)
                for name, d in free.items()
            }
            found = {name: value for name, value in self.active({**here, **moved}).items() if name not in fixed}
            if key_of(found) != key_of(given):
                return found
        return given

    def __repr__(self) -> str:
        return f"SearchSpace({self.distributions!r}, {self.conditions!r})"


def key_of(params: Mapping[str, Any]) -> str:
    """The same for the same parameters; their values may be arrays, which ``==`` compares cell by cell."""
    return spelled_out(sorted(params.items()))


def spelled_out(value: Any) -> str:
    """What a value is, in full; the own repr of long arrays, and of estimators with many parameters, has gaps."""
    if value is None or isinstance(value, str | int | float):  # nearly all are
        return repr(value)
    if isinstance(value, Mapping):
        return f"{{{', '.join(f'{name!r}: {spelled_out(item)}' for name, item in value.items())}}}"
    if isinstance(value, list | tuple):
        inside = ", ".join(map(spelled_out, value))
        return f"[{inside}]" if isinstance(value, list) else f"({inside}{',' * (len(value) == 1)})"
    if isinstance(value, np.ndarray) and value.dtype == object:
        return f"array({spelled_out(value.tolist())})"
    if isinstance(value, np.ndarray | pd.DataFrame | pd.Series) or sparse.issparse(value):
        return f"{type(value).__name__}({joblib.hash(value)})"
    if hasattr(value, "get_params") and not isinstance(value, type):
        return f"{type(value)!r}({spelled_out(dict(sorted(value.get_params(deep=False).items())))})"
    if all(hasattr(value, name) for name in ("dist", "args", "kwds")):  # of scipy.stats, whose repr is an address
        return f"{type(value.dist)!r}({spelled_out((*value.args, dict(value.kwds)))})"
    return repr(value)


def rounded(params: Mapping[str, Any]) -> dict[str, Any]:
    """Three significant digits: a configuration is for people to read, too."""
    return {name: _short(value) if isinstance(value, float) else value for name, value in params.items()}


def _short(value: float) -> float:
    return round(value, 2 - floor(log10(abs(value)))) if value and isfinite(value) else value


def _recurrence(dimension: int) -> np.ndarray:
    """Steps of the R sequence, shape (dimension,): powers of the inverse generalised golden ratio."""
    phi = 2.0
    for _ in range(40):
        phi = (1 + phi) ** (1 / (dimension + 1))
    return phi ** -np.arange(1.0, dimension + 1)


def _check_distribution(name: str, distribution: Any) -> None:
    if isinstance(distribution, str) or not (
        hasattr(distribution, "rvs") or (hasattr(distribution, "__len__") and len(distribution) > 0)
    ):
        raise ValueError(
            f"Hyperparameter {name!r} has distribution {distribution!r}; give a non-empty list of values or "
            "an object with an rvs method, such as scipy.stats.loguniform(0.01, 100)."
        )


def _check_no_circle(conditions: Mapping[str, Mapping[str, Any]]) -> None:
    try:
        TopologicalSorter({name: list(parents) for name, parents in conditions.items()}).prepare()
    except CycleError as error:
        raise ValueError(f"Conditions go round in a circle: {' -> '.join(error.args[1])}. Drop one of them.") from error


def _draw(distribution: Any, u: float, rng: np.random.RandomState) -> Any:
    if not hasattr(distribution, "rvs"):
        return distribution[int(u * len(distribution))]
    value = distribution.ppf(u) if hasattr(distribution, "ppf") else distribution.rvs(random_state=rng)
    value = value.item() if hasattr(value, "item") else value
    return int(value) if _is_whole(distribution) else value  # SciPy's ppf gives whole numbers as floats


def _near(distribution: Any, value: Any, scale: float, rng: np.random.RandomState) -> Any:
    if not (is_number(value) and hasattr(distribution, "cdf") and hasattr(distribution, "ppf")):
        return _draw(distribution, rng.uniform(), rng) if rng.uniform() < scale else value
    below = distribution.cdf(value - 1 if _is_whole(distribution) else value)
    u = (below + distribution.cdf(value)) / 2 + scale * rng.normal()
    thrown_back = 1 - abs(1 - u % 2)
    return _draw(distribution, min(max(thrown_back, _EDGE), 1 - _EDGE), rng)


def _is_whole(distribution: Any) -> bool:
    return isinstance(distribution, LogUniformInt) or hasattr(distribution, "pmf")


def _is_share_or_count(name: str) -> bool:
    """Whether 1 and 1.0 are not the same: one of them, or all."""
    return name.rsplit("__", 1)[-1] in ("max_features", "max_samples", "min_samples_leaf", "min_samples_split")


def _as_drawn(distribution: Any, value: Any, exact: bool) -> list[Any]:
    """The value, as the distribution has it; empty where it could not be drawn."""
    if not hasattr(distribution, "rvs"):
        return [v for v in map(_as_tuple, distribution) if _equal(value, v, exact)][:1]
    if not is_number(value) or not hasattr(distribution, "support"):
        return []
    low, high = distribution.support()
    if not low <= value <= high:
        return []
    if isinstance(value, int) or not _is_whole(distribution):
        return [value]
    return [int(value)] if value.is_integer() and not exact else []


def _equal(value: Any, other: Any, exact: bool) -> bool:
    if isinstance(value, np.ndarray):
        return isinstance(other, np.ndarray) and np.array_equal(value, other)
    of_a_kind = type(value) is type(other) or (not exact and is_number(value) and is_number(other))
    return of_a_kind and bool(value == other)


def is_number(value: Any) -> bool:
    """Whether it is an int or a float, and no truth value."""
    return isinstance(value, int | float) and not isinstance(value, bool)


def _as_tuple(value: Any) -> Any:
    if isinstance(value, np.generic):
        return value.item()
    return tuple(value) if isinstance(value, list) else value
