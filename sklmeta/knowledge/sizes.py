"""Knowledge at two sizes: of tables cut to some rows, and of some of them again with more rows."""

from __future__ import annotations

from collections.abc import Hashable
from typing import Any

import numpy as np

from sklmeta.knowledge.base import KnowledgeBase, larger_part_of
from sklmeta.knowledge.tables import STATUS_NAMES, positions

FULL_SIZE = "full_size"  # in the info of what `at_full_size` gives
ROWS_FEATURE = "log_rows"
_MISSING, _OK = STATUS_NAMES.index("missing"), STATUS_NAMES.index("ok")


def tables_of_parts(knowledge: KnowledgeBase) -> dict[Hashable, Hashable]:
    """By task that is a larger part of a known table, that table."""
    known, provenance, found = set(knowledge.tasks), knowledge.provenance, {}
    for task in knowledge.tasks:
        tables = [table for table in larger_part_of(task, provenance) if table in known]
        if tables:
            found[task] = tables[-1]
    return found


def larger_parts(knowledge: KnowledgeBase) -> dict[Hashable, Hashable]:
    """By known table, the task that is the largest part of it."""
    rows = _log_rows(knowledge)
    found: dict[Hashable, Hashable] = {}
    for part, table in tables_of_parts(knowledge).items():
        found[table] = max(found.get(table, part), part, key=rows.__getitem__)
    return found


def _log_rows(knowledge: KnowledgeBase) -> dict[Hashable, float]:
    """Of each task; minus infinity where unknown."""
    if ROWS_FEATURE not in knowledge.meta_features:
        return dict.fromkeys(knowledge.tasks, -np.inf)
    rows = knowledge.meta_features[ROWS_FEATURE].fillna(-np.inf)
    return dict(zip(knowledge.tasks, rows.tolist(), strict=True))


def whole_tables(knowledge: KnowledgeBase) -> KnowledgeBase:
    """Without the larger parts: each table once, as all configurations were measured on it.

    Parameters
    ----------
    knowledge : KnowledgeBase
        With larger parts, as :func:`sklmeta.finalists.collect_larger_parts` measures them, or without.

    Returns
    -------
    KnowledgeBase
        The rest of the tasks; what was learned ahead stays.
    """
    parts = tables_of_parts(knowledge)
    return knowledge.exclude(tasks=parts).with_learned(knowledge.learned) if parts else knowledge


def at_full_size(knowledge: KnowledgeBase) -> KnowledgeBase:
    """Each table once, with what was measured on the larger part, or the largest of them, where there is one.

    What was measured only on fewer rows of such a table is carried over: by the straight line, at least flat, that fits
    best through the scores of the configurations that both have, and no better than the best of them.

    Parameters
    ----------
    knowledge : KnowledgeBase
        With larger parts.

    Returns
    -------
    KnowledgeBase
        As many tasks as there are tables; its `info` says what it is.
    """
    parts = larger_parts(knowledge)
    whole = whole_tables(knowledge)
    row, whole_row = positions(knowledge.tasks), positions(whole.tasks)
    pairs = [(whole_row[table], row[part]) for table, part in parts.items()]
    rows, larger = (np.array(side, dtype=int) for side in zip(*pairs, strict=True))
    measured = knowledge.status_codes[larger] != _MISSING
    status = whole.status_codes.copy()
    status[rows] = np.where(measured, knowledge.status_codes[larger], status[rows])

    def replaced(fewer: np.ndarray, more: np.ndarray) -> np.ndarray:
        found = fewer.copy()
        found[rows] = np.where(measured, more[larger], np.nan)
        return found

    scores, errors = {}, {}
    for metric in knowledge.metrics:
        scores[metric] = replaced(whole.scores(metric), knowledge.scores(metric))
        for i in rows:
            scores[metric][i] = carried_over(whole.scores(metric)[i], scores[metric][i])
        scores[metric] = np.where(status == _OK, scores[metric], np.nan)
        errors[metric] = replaced(whole.standard_errors(metric), knowledge.standard_errors(metric))
    meta_features = whole.meta_features
    meta_features.iloc[rows] = knowledge.meta_features.iloc[larger].to_numpy()
    found: dict[str, Any] = {
        "scores": scores,
        "status": status,
        "meta_features": meta_features,
        "standard_errors": errors,
        "fit_seconds": replaced(whole.fit_seconds, knowledge.fit_seconds),
        "score_seconds": replaced(whole.score_seconds, knowledge.score_seconds),
        "joint_errors": whole.joint_errors,
    }
    view = KnowledgeBase(
        whole.tasks,
        whole.configurations,
        **found,
        families=whole.families,
        provenance=whole.provenance,
        task_type=whole.task_type,
        info={**whole.info, FULL_SIZE: True},
    )
    return view.with_learned(knowledge.learned)


def carried_over(fewer: np.ndarray, more: np.ndarray) -> np.ndarray:
    """Scores on more rows; where there is none, what those on fewer rows let expect, shape (n_configurations,)."""
    both = np.isfinite(fewer) & np.isfinite(more)
    if not both.any():
        return np.where(np.isfinite(more), more, fewer)
    x, y = fewer[both], more[both]
    spread = ((x - x.mean()) ** 2).sum()
    slope = max(0.0, float((x - x.mean()) @ (y - y.mean()) / spread)) if spread > 0 else 0.0
    expected = np.clip(y.mean() + slope * (fewer - x.mean()), y.min(), y.max())
    return np.where(np.isfinite(more), more, expected)
