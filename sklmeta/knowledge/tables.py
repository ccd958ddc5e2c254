"""Checked labels and tables: what the constructors of KnowledgeBase have in common."""

from __future__ import annotations

import difflib
from collections.abc import Hashable, Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

STATUS_NAMES = ("missing", "ok", "timeout", "failed")


def positions(items: Iterable[Hashable]) -> dict[Hashable, int]:
    """Position of each item."""
    return {item: i for i, item in enumerate(items)}


def label_index(labels: Sequence[Hashable]) -> pd.Index:
    """A pandas index of exactly these labels; tuples stay tuples and None stays None."""
    index = pd.Index(labels, tupleize_cols=False)
    return index if list(index) == list(labels) else pd.Index(labels, tupleize_cols=False, dtype=object)


def is_missing(label: Hashable) -> bool:
    """Whether a label is None, NaN, or what pandas has instead of them."""
    return bool(pd.api.types.is_scalar(label) and pd.isna(label))


def check_unique(what: str, items: Iterable[Hashable]) -> None:
    """Raise ValueError if an item comes twice or is NaN, which no look-up finds."""
    seen: set[Hashable] = set()
    for i, item in enumerate(items):
        if item != item:
            raise ValueError(f"The {what} at position {i} is {item!r}; give it a label that equals itself.")
        if item in seen:
            raise ValueError(f"There are two of {what} {item!r} (the second at position {i}); each must be unique.")
        seen.add(item)


def check_same(what: str, where: str, found: pd.Index, wanted: list) -> None:
    """Raise ValueError if a table's rows (`what` "task") or columns are not those of the first table."""
    items = list(found)
    check_unique(what, items)
    missing = [item for item in wanted if item not in set(items)]
    extra = [item for item in items if item not in set(wanted)]
    if missing or extra:
        raise ValueError(f"{where!r} has other {what}s than the first table: missing {missing[:5]}, extra {extra[:5]}.")


def found(what: str, wanted: Iterable[Hashable], known: Sequence[Hashable]) -> np.ndarray:
    """Positions of the wanted items among the known ones, in ascending order, each once.

    Raises
    ------
    ValueError
        If one is unknown, with the nearest known names; if `wanted` is a string and not a collection.
    """
    if isinstance(wanted, str):
        raise ValueError(f"Expected a list of {what} labels, got the string {wanted!r}; pass [{wanted!r}].")
    position, at = positions(known), set()
    for item in wanted:
        if item not in position:
            near = difflib.get_close_matches(str(item), map(str, known), n=3)
            hint = f"; did you mean {' or '.join(near)}?" if near else f"; it has {len(known)} others."
            raise ValueError(f"The knowledge has no {what} {item!r}{hint}")
        at.add(position[item])
    return np.array(sorted(at), dtype=int)


def read_only(array: np.ndarray) -> np.ndarray:
    """The same array, write-protected."""
    array.setflags(write=False)
    return array


def table(what: str, values: Any, shape: tuple[int, int]) -> np.ndarray:
    """A read-only float copy, or NaN everywhere for None; raises ValueError on a wrong shape or an infinite value."""
    copied = np.full(shape, np.nan) if values is None else np.array(values, dtype=float)
    if copied.shape != shape:
        raise ValueError(
            f"{what} has shape {copied.shape}; {shape[0]} tasks and {shape[1]} configurations need {shape}."
        )
    if np.isinf(copied).any():
        row, column = np.argwhere(np.isinf(copied))[0]
        raise ValueError(
            f"{what} has {copied[row, column]} at task {row}, configuration {column}. Use NaN, and the status 'failed' "
            "where a failure is meant."
        )
    return read_only(copied)


def seconds_table(what: str, values: Any, shape: tuple[int, int]) -> np.ndarray:
    """The same, of numbers that must not be negative."""
    seconds = table(what, values, shape)
    if (seconds < 0).any():
        raise ValueError(f"{what} has {np.nanmin(seconds)!r}; seconds are not negative, or NaN where unknown.")
    return seconds


def status_codes(status: Any, scores: Mapping[str, np.ndarray], shape: tuple[int, int]) -> np.ndarray:
    """Read-only positions in STATUS_NAMES; for None, "ok" wherever some metric has a score.

    Raises
    ------
    ValueError
        If the shape or a code is wrong, or something that is not "ok" has a score.
    """
    scored = np.zeros(shape, dtype=bool)
    for values in scores.values():
        scored |= np.isfinite(values)
    codes = scored.astype(np.int8) if status is None else np.array(status)
    if codes.shape != shape or not np.isin(codes, range(len(STATUS_NAMES))).all():
        raise ValueError(
            f"status must have shape {shape} and values 0 to {len(STATUS_NAMES) - 1}, which mean {STATUS_NAMES}; "
            f"got shape {codes.shape} and values {np.unique(codes)[:8].tolist()}."
        )
    codes = codes.astype(np.int8)
    wrong = np.argwhere(scored & (codes != STATUS_NAMES.index("ok")))
    if len(wrong):
        row, column = wrong[0]
        raise ValueError(
            f"Task {row}, configuration {column} has a score, and its status is {STATUS_NAMES[codes[row, column]]!r}; "
            "only 'ok' goes with a score."
        )
    return read_only(codes)


def meta_feature_table(frame: pd.DataFrame | None, tasks: Sequence[Hashable]) -> pd.DataFrame:
    """A float copy with the tasks as its index; the rows are in their order already. No columns for None."""
    index = label_index(tasks)
    if frame is None:
        return pd.DataFrame(index=index)
    if len(frame) != len(tasks):
        raise ValueError(f"meta_features has {len(frame)} rows for {len(tasks)} tasks; give one row for each task.")
    names = list(frame.columns)
    check_unique("meta-feature", names)
    values = np.empty(frame.shape)
    for k, name in enumerate(names):
        try:
            values[:, k] = frame.iloc[:, k].to_numpy(dtype=float, na_value=np.nan)
        except (TypeError, ValueError) as error:
            raise ValueError(f"Meta-feature {name!r} is not numeric ({error}); encode it or leave it out.") from error
    return pd.DataFrame(values, index=index, columns=label_index(names))


def aligned(frame: pd.DataFrame, tasks: Sequence[Hashable]) -> pd.DataFrame:
    """The rows of the tasks in their order, NaN for a task without one.

    Raises
    ------
    ValueError
        If a row comes twice, or no task has one.
    """
    check_unique("row of meta_features", frame.index)
    row = positions(frame.index)
    at = [row.get(task, -1) for task in tasks]
    if tasks and len(frame) and max(at) < 0:
        raise ValueError(
            f"None of the {len(tasks)} tasks has a row in meta_features: tasks are {list(tasks[:3])!r} ..., its index "
            f"is {list(frame.index[:3])!r} .... The index must hold the task ids."
        )
    return frame.reset_index(drop=True).reindex(at)
