"""A fit that fails leaves the object as it was."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any


@contextmanager
def as_before_if_it_fails(owner: Any) -> Iterator[None]:
    """Give an object its old attributes back where what is done to it raises, or is interrupted.

    Parameters
    ----------
    owner : object
        Its attributes are restored, not what these refer to.

    Examples
    --------
    >>> from types import SimpleNamespace
    >>> from sklmeta.restoring import as_before_if_it_fails
    >>> model = SimpleNamespace(coef_=1)
    >>> try:
    ...     with as_before_if_it_fails(model):
    ...         model.coef_ = 1 / 0
    ... except ZeroDivisionError:
    ...     print(model)
    namespace(coef_=1)
    """
    before = dict(owner.__dict__)
    try:
        yield
    except BaseException:
        owner.__dict__.clear()
        owner.__dict__.update(before)
        raise
