"""Measure the best configurations again: how their errors go together, and what they do on more rows."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import chain, zip_longest
from pathlib import Path
from typing import Any

from sklmeta.catalogue import is_offered
from sklmeta.collecting import AS_THEY_WERE, collect, evaluated_in, journal_of
from sklmeta.configuration import Configuration
from sklmeta.datasets import Dataset, infer_task_type
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


def collect_joint_errors(
    knowledge: KnowledgeBase,
    datasets: Iterable[Dataset],
    n: int = 30,
    *,
    time_limit: float | None = 60.0,
    checkpoint: str | Path | None = None,
    measured_only: bool = False,
    n_jobs: int | None = None,
    progress: Callable[[str], None] | None = None,
) -> KnowledgeBase:
    """Find out how the errors of the finalists go together, on the rows that all configurations were measured on.

    Parameters
    ----------
    knowledge : KnowledgeBase
        What :func:`sklmeta.collect` measured on these tables.
    datasets : iterable of Dataset
        The tables.
    n : int, default=30
        Finalists; see `finalists`. Where the checkpoint folder has those of an earlier call, these are kept, whatever
        has become known since.
    time_limit : float, default=60.0
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
        `knowledge` with joint errors.

    Raises
    ------
    ValueError
        If the knowledge does not say how it was measured, or the folder has another number of finalists.
    """
    how = {**_protocol(knowledge), "time_limit": time_limit, "n_jobs": n_jobs, "progress": progress}
    again = _collected(knowledge, iter(datasets), n, checkpoint, measured_only, joint_errors=True, **how)
    if again is None:
        return knowledge
    return knowledge.with_joint_errors(united(knowledge.joint_errors, again.joint_errors))


def collect_larger_parts(
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
    """Evaluate the finalists once more on more rows of those tables that were cut.

    What is best, and how long it takes, may be different there: each becomes a second task, of the same family.

    Parameters
    ----------
    knowledge : KnowledgeBase
        What :func:`sklmeta.collect` measured on these tables.
    datasets : iterable of Dataset
        The tables.
    n : int, default=30
        As for `collect_joint_errors`.
    max_rows : int, default=20000
        Larger tables are cut to this many rows.
    time_limit : float, default=120.0
        As for :func:`sklmeta.collect`.
    checkpoint, measured_only, n_jobs, progress
        As for `collect_joint_errors`.

    Returns
    -------
    KnowledgeBase
        `knowledge` with the new tasks, whose provenance has the table's name as ``part_of``.

    Raises
    ------
    ValueError
        If the knowledge does not say how it was measured, or the folder has another number of finalists.
    """
    how = {**_protocol(knowledge), "time_limit": time_limit, "n_jobs": n_jobs, "progress": progress}
    parts = _larger_parts(datasets, how["max_rows"], max_rows)
    larger = _collected(knowledge, parts, n, checkpoint, measured_only, **{**how, "max_rows": max_rows})
    if larger is None:
        return knowledge
    info = {**knowledge.info, "finalists": {"n": n, "max_rows": max_rows}}
    return KnowledgeBase(**{**merged(knowledge, larger), "info": info})


def _protocol(knowledge: KnowledgeBase) -> dict[str, Any]:
    """The arguments of `collect` that decide about scores."""
    protocol = knowledge.info.get("protocol")
    if protocol is None:
        raise ValueError(f"{knowledge!r} does not say how it was measured; only what sklmeta.collect measured goes on.")
    return {name: protocol[name] for name in ("cv", "max_rows", "random_state")}


def _collected(
    knowledge: KnowledgeBase,
    tables: Iterator[Dataset],
    n: int,
    checkpoint: str | Path | None,
    measured_only: bool,
    *,
    max_rows: int | None,
    joint_errors: bool = False,
    **how: Any,
) -> KnowledgeBase | None:
    """What the finalists do on these tables; None where there is no table, or none is measured and nothing may be."""
    chosen = _finalists_of(knowledge, n, checkpoint)
    if measured_only:
        how["time_limit"] = AS_THEY_WERE
        tables = (table for table in tables if _is_complete(checkpoint, table, chosen, max_rows, joint_errors))
    first = next(tables, None)
    if first is None:
        return None
    how |= {"max_rows": max_rows, "joint_errors": joint_errors, "checkpoint": checkpoint}
    return collect(chain([first], tables), chosen, task=knowledge.task_type, **how)


def _finalists_of(knowledge: KnowledgeBase, n: int, folder: str | Path | None) -> list[Configuration]:
    """Those that the folder has, as far as they are known; or else the knowledge's, from now on the folder's, too."""
    if folder is None:
        return finalists(knowledge, n)
    file = Path(folder) / _LIST
    if file.exists():
        listed = [Configuration.from_json(line) for line in file.read_text(encoding="utf-8").splitlines()]
        known = set(knowledge.configurations)
        if len(listed) != min(n, len(known)):
            raise ValueError(f"{file} has {len(listed)} finalists, not {n}; ask for as many, or use another folder.")
        return [configuration for configuration in listed if configuration in known]
    chosen = finalists(knowledge, n)
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text("".join(f"{c.to_json()}\n" for c in chosen), encoding="utf-8")
    return chosen


def _is_complete(
    folder: str | Path | None,
    table: Dataset,
    configurations: Sequence[Configuration],
    max_rows: int | None,
    joint_errors: bool,
) -> bool:
    """Whether a table's journal tells of each of these that takes part in so many rows."""
    journal = journal_of(folder or "", table.name)
    n_rows, task_type = min(len(table.y), max_rows or len(table.y)), str(table.task_type or infer_task_type(table.y))
    wanted = {c for c in configurations if is_offered(c, task_type, n_rows)}
    return journal.exists() and wanted <= set(evaluated_in(journal, joint_errors=joint_errors))


def _larger_parts(datasets: Iterable[Dataset], known_rows: int | None, max_rows: int) -> Iterator[Dataset]:
    """Of the tables of which more rows are used than before, under a name that says so."""
    for dataset in datasets:
        rows = min(len(dataset.y), max_rows)
        if known_rows is not None and rows > known_rows:
            yield replace(
                dataset,
                name=f"{dataset.name}, {rows} rows",
                family=dataset.family or dataset.name,
                provenance={**dataset.provenance, PART_OF: dataset.name},
            )
