"""What fits warn of, kept apart when they run in several threads at once.

``warnings.catch_warnings`` changes the whole process: threads that use it at the same time record each other's
warnings, and may leave their filters behind.
"""

from __future__ import annotations

import threading
import warnings
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
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


_lock = threading.Lock()
_inside: list[ExitStack] = []  # of everybody who is in; the first one's puts back what was before


@contextmanager
def warnings_by_thread() -> Iterator[None]:
    """Enter this where work is handed to threads, so that `recorded_warnings` in them is exact."""
    with _lock:
        own = ExitStack()
        if not _inside or not isinstance(warnings.showwarning, _ToItsThread):
            own.enter_context(warnings.catch_warnings())
            warnings.simplefilter("always")
            warnings.showwarning = _ToItsThread(warnings.showwarning)
        _inside.append(own)
    try:
        yield
    finally:
        with _lock:
            _leave(own)


def _leave(own: ExitStack) -> None:
    """Who came first may leave first: then the next one puts back what was before."""
    place = _inside.index(own)
    del _inside[place]
    if place == 0 and _inside:
        _inside[0].push(own.pop_all())
    own.close()


@contextmanager
def recorded_warnings() -> Iterator[list[warnings.WarningMessage]]:
    """A list to which every warning is added that this thread raises meanwhile; none is shown."""
    outer = getattr(_local, "records", None)
    with warnings_by_thread():
        records: list[warnings.WarningMessage] = []
        _local.records = records
        try:
            yield records
        finally:
            _local.records = outer
