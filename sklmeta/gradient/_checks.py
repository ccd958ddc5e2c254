"""Checks of parameters that `meta_train` and the estimators share."""

from __future__ import annotations

from collections.abc import Collection
from numbers import Integral, Real

LEAST = {
    "n_steps": 0,
    "max_iter": 0,
    "n_shots": 1,
    "n_query": 1,
    "meta_batch_size": 1,
    "n_iter_no_change": 1,
    "n_components": 1,
}


def check_choice(name: str, value: object, known: Collection[object]) -> None:
    """An error listing what is known where `value` is not."""
    if value not in known:
        raise ValueError(f"{name}={value!r} is unknown; choose one of {list(known)}.")


def check_gamma(gamma: object) -> None:
    """An error where a kernel's width is neither "scale" nor a number above 0; None is left alone."""
    number = isinstance(gamma, Real) and not isinstance(gamma, bool)
    if gamma is not None and gamma != "scale" and not (number and gamma > 0):  # type: ignore[operator]
        raise ValueError(f"gamma={gamma!r} must be 'scale' or a number above 0.")


def check_numbers(**given: object) -> None:
    """An error where a count, a rate or a strength is no such number; None is left alone."""
    for name, value in given.items():
        if value is None:
            continue
        number = isinstance(value, Real) and not isinstance(value, bool)
        if name in LEAST:
            if not isinstance(value, Integral) or value < LEAST[name]:
                raise ValueError(f"{name}={value!r} must be an integer of at least {LEAST[name]}.")
        elif name == "regularization":
            if not number or not value > 0:  # type: ignore[operator]
                raise ValueError(f"{name}={value!r} must be a number above 0.")
        elif not number or not value >= 0:  # type: ignore[operator]
            raise ValueError(f"{name}={value!r} must be a number that is not negative.")
