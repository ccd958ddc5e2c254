"""A configuration: which base estimator, with which hyperparameters."""

from __future__ import annotations

import json
from collections.abc import Hashable, Iterator, Mapping
from dataclasses import dataclass, field
from math import isfinite, isnan, nan
from typing import Any


@dataclass(frozen=True, init=False)
class Configuration:
    """A base estimator's name and its hyperparameters: frozen, hashable, comparable.

    Parameters
    ----------
    estimator : hashable
        Name of the base estimator in the catalogue, such as ``"svc"``, or any label of a foreign
        performance matrix.
    params : mapping of str to object, default=None
        Hyperparameters under the base estimator's own names; None is none. Lists become tuples; other values must be
        hashable.

    Raises
    ------
    TypeError
        If the name or a value is not hashable.

    Examples
    --------
    >>> from sklmeta import Configuration
    >>> Configuration("svc", {"C": 10.0, "kernel": "rbf"})
    Configuration('svc', C=10.0, kernel='rbf')
    >>> Configuration("svc", {"C": 1.0}) == Configuration("svc", {"C": 1.0})
    True
    """

    estimator: Hashable
    params: Mapping[str, Any]
    _key: tuple = field(repr=False, compare=False)

    def __init__(self, estimator: Hashable, params: Mapping[str, Any] | None = None):
        hash(estimator)
        estimator = frozen_value(estimator)
        frozen = FrozenParams({str(k): frozen_value(v) for k, v in sorted((params or {}).items())})
        _check_hashable(estimator, frozen)
        object.__setattr__(self, "estimator", estimator)
        object.__setattr__(self, "params", frozen)
        # True == 1 == 1.0 in Python, yet max_features=1 and max_features=1.0 are different forests
        object.__setattr__(self, "_key", (estimator, tuple((k, type(v), v) for k, v in frozen.items())))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Configuration) and self._key == other._key

    def __hash__(self) -> int:
        return hash(self._key)

    def __repr__(self) -> str:
        inside = ", ".join([repr(self.estimator), *(f"{k}={v!r}" for k, v in self.params.items())])
        return f"Configuration({inside})"

    def __reduce__(self) -> tuple:
        return Configuration, (self.estimator, dict(self.params))

    def to_json(self) -> str:
        """One line of JSON; estimator labels that are not strings, numbers or None are stored as text."""
        return json.dumps([_jsonable(self.estimator), {k: _jsonable(v) for k, v in self.params.items()}])

    @classmethod
    def from_json(cls, text: str) -> Configuration:
        """The configuration that `to_json` wrote."""
        estimator, params = json.loads(text)
        return cls(_from_jsonable(estimator), {k: _from_jsonable(v) for k, v in params.items()})


class FrozenParams(Mapping[str, Any]):
    """A read-only, hashable mapping of hyperparameters."""

    def __init__(self, params: Mapping[str, Any]):
        self._params = dict(params)

    def __getitem__(self, name: str) -> Any:
        return self._params[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._params)

    def __len__(self) -> int:
        return len(self._params)

    def __hash__(self) -> int:
        return hash(frozenset(self._params.items()))

    def __repr__(self) -> str:
        return repr(self._params)


def frozen_value(value: Any) -> Any:
    """As configurations keep it: plain Python numbers, tuples instead of lists."""
    if hasattr(value, "item") and not hasattr(value, "__len__"):
        value = value.item()  # NumPy scalars print and store as plain numbers
    if isinstance(value, float) and isnan(value):
        return nan  # one object, which equals itself in tuples
    if isinstance(value, list | tuple):
        return tuple(frozen_value(v) for v in value)
    return value


def _check_hashable(estimator: Hashable, params: Mapping[str, Any]) -> None:
    for name, value in params.items():
        try:
            hash(value)
        except TypeError as error:
            raise TypeError(
                f"The parameter {name!r} of a configuration of {estimator!r} is {value!r}, which is not hashable. Use "
                "a number, text, None or a tuple, or set it on the estimator and leave it out here."
            ) from error


def _jsonable(value: Any) -> Any:
    if isinstance(value, tuple):
        return {"tuple": [_jsonable(v) for v in value]}
    if isinstance(value, float) and not isfinite(value):
        return {"float": repr(value)}  # JSON has no such numbers
    if value is None or isinstance(value, str | bool | int | float):
        return value
    return str(value)


def _from_jsonable(value: Any) -> Any:
    if isinstance(value, dict):
        if "float" in value:
            return float(value["float"])
        return tuple(_from_jsonable(v) for v in value["tuple"])
    return value
