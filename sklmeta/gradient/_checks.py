"""Checks of parameters that `meta_train` and the estimators share."""

from __future__ import annotations

from collections.abc import Collection


def check_choice(name: str, value: object, known: Collection[str]) -> None:
    """An error listing what is known where `value` is not."""
    if value not in known:
        raise ValueError(f"{name}={value!r} is unknown; choose one of {list(known)}.")
