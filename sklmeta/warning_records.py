"""What fits warn of, kept apart when they run in several threads at once.

``warnings.catch_warnings`` changes the whole process: threads that use it at the same time record each other's
warnings, and may leave their filters behind.
"""

from __future__ import annotations

import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

_local = threading.local()


class _ToItsThread:
    """In place of ``warnings.showwarning``: a warning goes to its own thread's records."""

    def __init__(self, otherwise: Any):
        self.otherwise = otherwise

    def __call__(self, message: Any, category: Any, *args: Any, **kwargs: Any) -> None:
        records = getattr(_local, "records", None)
        if records is None:
            self.otherwise(message, category, *args, **kwargs)
        else:
            records.append(warnings.WarningMessage(message, category, *args, **kwargs))


@contextmanager
def warnings_by_thread() -> Iterator[None]:
    """Enter this where work is handed to threads, so that `recorded_warnings` in them is exact."""
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        warnings.showwarning = _ToItsThread(warnings.showwarning)
        yield


@contextmanager
def recorded_warnings() -> Iterator[list[warnings.WarningMessage]]:
    """A list to which every warning is added that this thread raises meanwhile; none is shown."""
    if not isinstance(warnings.showwarning, _ToItsThread):
        with warnings_by_thread(), recorded_warnings() as records:
            yield records
        return
    outer = getattr(_local, "records", None)
    _local.records = records = []
    try:
        yield records
    finally:
        _local.records = outer
