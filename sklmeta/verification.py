"""Measure a part of the knowledge again, and compare."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable, Iterable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from sklmeta.collecting import collect
from sklmeta.configuration import Configuration
from sklmeta.datasets import Dataset, read_folder, table_files
from sklmeta.knowledge import KnowledgeBase
from sklmeta.knowledge.base import PART_OF

COLUMNS = ["task", "configuration", "metric", "stored", "again", "tolerance", "verdict"]
_SAME = 1e-6  # what a mean over folds may differ by on the same machine and versions
_HALF = 2.0**-11  # relative rounding error of 16-bit numbers
_LARGEST_HALF = float(np.finfo(np.float16).max)


def verify(
    knowledge: KnowledgeBase,
    datasets: str | Path | Mapping[str, tuple[Any, Any]] | Iterable[Dataset] | Iterable[str | Path],
    *,
    n: int = 20,
    random_state: int = 0,
    target: str = "target",
) -> pd.DataFrame:
    """Repeat evaluations drawn at random, by the protocol that the knowledge records, and compare every metric.

    Only evaluations that ended well are drawn: that another one was stopped says something of the machine, too.

    Parameters
    ----------
    knowledge : KnowledgeBase
        What :func:`sklmeta.collect` measured.
    datasets : path, iterable of path, mapping of str to (X, y), or iterable of Dataset
        The tables that it was measured on, or the folders where they lie, under the same names; others are left out,
        and not all are needed. A task that is a larger part of a table, by its provenance, is measured on that table.
    n : int, default=20
        Evaluations to repeat; all that there are, if they are fewer.
    random_state : int, default=0
        Of the draw.
    target : str, default="target"
        Name of the target's column in files.

    Returns
    -------
    DataFrame
        A row for each evaluation and metric: ``task``, ``configuration``, ``metric``, ``stored``, ``again``,
        ``tolerance`` and ``verdict``, which is "same", "differs", or "failed: " and why. The tolerance is 1e-6, and
        the rounding of a compact file.

    Raises
    ------
    FileNotFoundError
        If the folder does not exist.
    ValueError
        If the knowledge does not say how it was measured, none of its tasks is among the datasets, or a table has other
        rows than the one that was measured.

    Notes
    -----
    Scores repeat to the tolerance on the same machine with the same versions. Elsewhere another rounding of
    sums may flip a split or a label, so that a difference is no proof of a mistake there.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklmeta import Configuration, collect
    >>> from sklmeta.verification import verify
    >>> tables = {"iris": load_iris(return_X_y=True)}
    >>> kb = collect(tables, [Configuration("gaussian_nb"), Configuration("lda")], time_limit=None)
    >>> set(verify(kb, tables, n=2)["verdict"])
    {'same'}
    """
    protocol = _protocol(knowledge)
    tables = _Tables(datasets, target)
    drawn = _drawn(knowledge, tables.names, n, random_state)
    tasks_of = defaultdict(list)
    for task in drawn:
        tasks_of[_table_of(knowledge, task)].append(task)
    rows: list[dict[str, Any]] = []
    for dataset in tables.read(tasks_of):
        for task in tasks_of[dataset.name]:
            limit = knowledge.info["finalists"] if _is_part(knowledge, task) else protocol
            how = {**protocol, "max_rows": limit["max_rows"]}
            table = [replace(dataset, name=str(task))]
            again = collect(table, drawn[task], task=knowledge.task_type, time_limit=None, **how)
            _check_rows(knowledge, again, task)
            rows += [row for configuration in drawn[task] for row in _compared(knowledge, again, task, configuration)]
    return pd.DataFrame(rows, columns=COLUMNS)


def _is_part(knowledge: KnowledgeBase, task: Hashable) -> bool:
    return PART_OF in knowledge.provenance.get(task, {})


def _table_of(knowledge: KnowledgeBase, task: Hashable) -> Hashable:
    """The table that a task was measured on."""
    return knowledge.provenance[task][PART_OF] if _is_part(knowledge, task) else task


def _protocol(knowledge: KnowledgeBase) -> dict[str, Any]:
    """The arguments of `collect` that decide about scores."""
    recorded = knowledge.info.get("protocol", {})
    names = ("cv", "max_rows", "random_state")
    missing = [name for name in names if name not in recorded]
    if missing or knowledge.task_type is None:
        raise ValueError(
            f"{knowledge!r} does not say how it was measured: its info lacks {', '.join(missing) or 'the task type'}. "
            "Only what sklmeta.collect measured can be repeated."
        )
    return {name: recorded[name] for name in names}


class _Tables:
    """Datasets of which the names are known before one is read."""

    def __init__(self, datasets: Any, target: str):
        self.target = target
        if isinstance(datasets, str | Path):
            datasets = [datasets]
        elif isinstance(datasets, Mapping):
            datasets = [Dataset(name, X, y) for name, (X, y) in datasets.items()]
        self.datasets = list(datasets)
        self.in_files = all(isinstance(dataset, str | Path) for dataset in self.datasets)
        self.names: set[Hashable] = (
            set(table_files(self.datasets)) if self.in_files else {dataset.name for dataset in self.datasets}
        )

    def read(self, names: Iterable[Hashable]) -> Iterator[Dataset]:
        if self.in_files:
            return read_folder(self.datasets, target=self.target, names=map(str, names))
        wanted = set(names)
        return iter([dataset for dataset in self.datasets if dataset.name in wanted])


def _drawn(
    knowledge: KnowledgeBase, names: Iterable[Hashable], n: int, random_state: int
) -> dict[Hashable, list[Configuration]]:
    """Configurations by task, `n` in all."""
    there = np.array([_table_of(knowledge, task) in set(names) for task in knowledge.tasks], dtype=bool)
    places = np.argwhere((knowledge.status == "ok") & there[:, None])
    if not len(places):
        raise ValueError(
            f"There is nothing to repeat: none of the knowledge's tasks, such as {list(knowledge.tasks[:3])}, is among "
            f"the tables, {sorted(map(str, names))[:3]} .... Give the tables that it was measured on, by their names."
        )
    chosen = np.random.RandomState(random_state).permutation(len(places))[:n]
    drawn: dict[Hashable, list[Configuration]] = {}
    for i, j in places[np.sort(chosen)]:
        drawn.setdefault(knowledge.tasks[i], []).append(knowledge.configurations[j])
    return drawn


def _check_rows(knowledge: KnowledgeBase, again: KnowledgeBase, task: Hashable) -> None:
    then = knowledge.provenance.get(task, {}).get("rows_used")
    now = again.provenance[task]["rows_used"]
    if then not in (None, now):
        raise ValueError(
            f"Task {task!r} was measured on {then} rows; the table gives {now}, so it is another one. "
            "Give the one that was measured, or leave it out."
        )


def _compared(
    knowledge: KnowledgeBase, again: KnowledgeBase, task: Hashable, configuration: Configuration
) -> Iterator[dict[str, Any]]:
    """One row for each metric."""
    i, j = knowledge.tasks.index(task), knowledge.configurations.index(configuration)
    failure = again.reasons.get((task, configuration))
    for metric in knowledge.metrics:
        scores = knowledge.scores(metric)
        stored, tolerance = scores[i, j], _tolerance(scores[i], j, bool(knowledge.info.get("compact")))
        now = again.scores(metric)[0, again.configurations.index(configuration)] if failure is None else np.nan
        same = abs(now - stored) <= tolerance or (np.isnan(now) and np.isnan(stored))
        verdict = f"failed: {failure}" if failure is not None else "same" if same else "differs"
        yield dict(zip(COLUMNS, (task, configuration, metric, stored, now, tolerance, verdict), strict=True))


def _tolerance(scores: np.ndarray, j: int, compact: bool) -> float:
    """How far a score may be from the stored one; a compact file rounds its distance from the task's best."""
    if not compact or np.isnan(scores[j]):
        return _SAME
    shortfall = np.nanmax(scores) - scores[j]
    return np.inf if shortfall >= _LARGEST_HALF else _SAME + _HALF * shortfall
