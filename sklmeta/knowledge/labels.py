"""Labels of tasks, families and meta-features as JSON."""

from __future__ import annotations

import json
from collections.abc import Callable, Hashable, Iterable
from typing import Any


def label_to_json(label: Any) -> Any:
    """Strings, numbers, booleans and None as they are, tuples as lists, anything else as text."""
    if hasattr(label, "item") and not hasattr(label, "__len__"):
        label = label.item()  # NumPy scalars
    if isinstance(label, tuple):
        return [label_to_json(part) for part in label]
    return label if label is None or isinstance(label, str | int | float) else str(label)


def label_from_json(stored: Any) -> Hashable:
    """The label that `label_to_json` stored; text stays text."""
    return tuple(label_from_json(part) for part in stored) if isinstance(stored, list) else stored


def as_in_a_file(what: str, described: Any) -> Any:
    """A copy of what describes a knowledge base, as it comes back from a file: tuples are lists, keys text.

    Raises
    ------
    ValueError
        If a file could not hold it.
    """
    try:
        return json.loads(json.dumps(described, default=label_to_json))
    except (TypeError, ValueError) as error:
        raise ValueError(f"{what} is {described!r}, which no file can hold as JSON: {error}.") from error


def labels_to_json(what: str, labels: Iterable[Hashable], store: Callable[[Any], Any] = label_to_json) -> list[Any]:
    """Labels that must stay different.

    Parameters
    ----------
    what : str
        What they are labels of, for the message.
    labels : iterable of hashable
        All different.
    store : callable, default=label_to_json
        How one is stored.

    Returns
    -------
    list
        One entry a label.

    Raises
    ------
    ValueError
        If two of them are stored as the same text.
    """
    seen: dict[str, Hashable] = {}
    stored = []
    for label in labels:
        stored.append(store(label))
        other = seen.setdefault(json.dumps(stored[-1]), label)
        if other is not label:
            raise ValueError(
                f"{what} {other!r} and {label!r} would both be stored as {stored[-1]!r}; rename one of them."
            )
    return stored
