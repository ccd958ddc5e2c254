"""Measure the best configurations again, on more rows, and how their errors go together."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from itertools import chain, zip_longest
from pathlib import Path
from typing import Any

from sklmeta.collecting import collect, journal_of, read_joint_errors
from sklmeta.configuration import Configuration
from sklmeta.datasets import Dataset
from sklmeta.knowledge import KnowledgeBase
from sklmeta.knowledge.base import PART_OF
from sklmeta.knowledge.joint import united
from sklmeta.knowledge.merging import merged
from sklmeta.recommenders import Portfolio

_LIST = "finalists.txt"  # in the folder: one configuration a line


def finalists(knowledge: KnowledgeBase, n: int = 30) -> list[Configuration]:
    """The configurations that together do best on the known tasks: one from each metric's portfolio in turn.

    Parameters
    ----------
    knowledge : KnowledgeBase
        What was measured.
    n : int, default=30
        How many.

    Returns
    -------
    list of Configuration
        All, where there are no more than that.
    """
    lists = [Portfolio().fit(knowledge, metric).recommend(n=n) for metric in knowledge.metrics]
    in_turn = chain.from_iterable(zip_longest(*lists))
    return list(dict.fromkeys(r.configuration for r in in_turn if r is not None))[:n]


def collect_finalists(
    knowledge: KnowledgeBase,
    datasets: Iterable[Dataset],
    n: int = 30,
    *,
    max_rows: int = 20_000,
    time_limit: float | None = 120.0,
    checkpoint: str | Path | None = None,
    measured_only: bool = False,
    n_jobs: int | None = None,
    progress: Callable[[str], None] | None = None,
) -> KnowledgeBase:
    """Evaluate the finalists once more, on as much of each table as there is up to a larger size.

    A table that was cut before becomes a second task, of the same family: what is best, and how long it takes, may be
    different on more rows. On the other tables the scores are those that are known; what is new there are the joint
    errors of all tasks.

    Parameters
    ----------
    knowledge : KnowledgeBase
        What :func:`sklmeta.collect` measured on these tables.
    datasets : iterable of Dataset
        The tables.
    n : int, default=30
        Finalists; see `finalists`. Where the checkpoint folder has those of an earlier call, these are kept, whatever
        has become known since.
    max_rows : int, default=20000
        Larger tables are cut to this many rows.
    time_limit : float, default=120.0
        As for :func:`sklmeta.collect`.
    checkpoint : path, default=None
        Folder for the journals, and for the list of finalists.
    measured_only : bool, default=False
        Whether to take what the journals have of complete tasks, and measure nothing.
    n_jobs, progress
        As for :func:`sklmeta.collect`.

    Returns
    -------
    KnowledgeBase
        `knowledge` with joint errors and the new tasks, whose provenance has the table's name as ``part_of``.

    Raises
    ------
    ValueError
        If the knowledge does not say how it was measured, or the folder has another number of finalists.
    """
    protocol = knowledge.info.get("protocol")
    if protocol is None:
        raise ValueError(f"{knowledge!r} does not say how it was measured; only what sklmeta.collect measured goes on.")
    parts = _parts(datasets, protocol["max_rows"], max_rows)
    if measured_only:
        parts = (part for part in parts if _is_complete(journal_of(checkpoint or "", part.name)))
    again = collect(
        parts,
        _finalists_of(knowledge, n, checkpoint),
        task=knowledge.task_type,
        cv=protocol["cv"],
        max_rows=max_rows,
        random_state=protocol["random_state"],
        time_limit=time_limit,
        checkpoint=checkpoint,
        joint_errors=True,
        n_jobs=n_jobs,
        progress=progress,
    )
    larger = again.select(tasks=[task for task in again.tasks if PART_OF in again.provenance[task]])
    both: dict[str, Any] = merged(knowledge, larger)
    both["joint_errors"] = united(knowledge.joint_errors, again.joint_errors)
    return KnowledgeBase(**{**both, "info": {**knowledge.info, "finalists": {"n": n, "max_rows": max_rows}}})


def _finalists_of(knowledge: KnowledgeBase, n: int, folder: str | Path | None) -> list[Configuration]:
    """Those that the folder has, as far as they are known; or else the knowledge's, from now on the folder's, too."""
    if folder is None:
        return finalists(knowledge, n)
    file = Path(folder) / _LIST
    if file.exists():
        listed = [Configuration.from_json(line) for line in file.read_text(encoding="utf-8").splitlines()]
        if len(listed) != n:
            raise ValueError(f"{file} has {len(listed)} finalists, not {n}; ask for as many, or use another folder.")
        known = set(knowledge.configurations)
        return [configuration for configuration in listed if configuration in known]
    chosen = finalists(knowledge, n)
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text("".join(f"{c.to_json()}\n" for c in chosen), encoding="utf-8")
    return chosen


def _is_complete(journal: Path) -> bool:
    return journal.exists() and read_joint_errors(journal) is not None


def _parts(datasets: Iterable[Dataset], known_rows: int | None, max_rows: int) -> Iterator[Dataset]:
    """The tables; where more of one is used than before, under a name that says so."""
    for dataset in datasets:
        rows = min(len(dataset.y), max_rows)
        if known_rows is None or rows <= known_rows:
            yield dataset
        else:
            yield replace(
                dataset,
                name=f"{dataset.name}, {rows} rows",
                family=dataset.family or dataset.name,
                provenance={**dataset.provenance, PART_OF: dataset.name},
            )
