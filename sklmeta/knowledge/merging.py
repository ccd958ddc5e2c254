"""Two knowledge bases as one."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from sklmeta.knowledge.joint import JointErrors, united
from sklmeta.knowledge.tables import STATUS_NAMES, label_index, positions

if TYPE_CHECKING:
    from sklmeta.knowledge.base import KnowledgeBase

_VERSION, _PROTOCOL = "scikit-learn", "protocol"  # in the info
_MISSING, _OK = STATUS_NAMES.index("missing"), STATUS_NAMES.index("ok")


def merged(first: KnowledgeBase, second: KnowledgeBase) -> dict[str, Any]:
    """Arguments for the constructor of KnowledgeBase; see `KnowledgeBase.merge`."""
    if None not in (first.task_type, second.task_type) and first.task_type != second.task_type:
        raise ValueError(f"Cannot merge knowledge about {first.task_type} with knowledge about {second.task_type}.")
    tasks = _union(first.tasks, second.tasks)
    configurations = _union(first.configurations, second.configurations)
    metrics = _union(first.metrics, second.metrics)
    both = _Pair(first, second, tasks, configurations)
    status = both.status()
    return {
        "tasks": tasks,
        "configurations": configurations,
        "scores": {m: both.of_metric(m, lambda kb, m: kb.scores(m), status) for m in metrics},
        "status": status,
        "meta_features": _meta_features(first.meta_features, second.meta_features, tasks),
        "standard_errors": {m: both.of_metric(m, lambda kb, m: kb.standard_errors(m), status) for m in metrics},
        "fit_seconds": both.seconds(lambda kb: kb.fit_seconds),
        "score_seconds": both.seconds(lambda kb: kb.score_seconds),
        "joint_errors": _joint_errors(first, second, both, status),
        "families": both.families(),
        "reasons": both.reasons(),
        "provenance": {**first.provenance, **second.provenance},
        "task_type": first.task_type or second.task_type,
        "info": _info(first.info, second.info),
    }


def _joint_errors(first: KnowledgeBase, second: KnowledgeBase, both: _Pair, status: np.ndarray) -> JointErrors | None:
    """Those of both, but for evaluations that came to nothing in what counts now."""
    found = united(first.joint_errors, second.joint_errors)
    if found is None:
        return None
    row, column = positions(both.tasks), positions(both.configurations)
    codes = status[np.ix_([row[t] for t in found.tasks], [column[c] for c in found.configurations])]
    return found.without((codes != _OK) & (codes != _MISSING))


def _info(first: Mapping[str, Any], second: Mapping[str, Any]) -> dict[str, Any]:
    """What both say; all versions that measured; a protocol only if it is that of both."""
    found = {**first, **second}
    versions = [str(info[_VERSION]) for info in (first, second) if info.get(_VERSION)]
    if versions:
        found[_VERSION] = ", ".join(sorted({one.strip() for every in versions for one in every.split(",")}))
    if _PROTOCOL in first and _PROTOCOL in second and first[_PROTOCOL] != second[_PROTOCOL]:
        del found[_PROTOCOL]
    return found


class _Pair:
    """Two knowledge bases, and where their rows and columns are in the merged tables."""

    def __init__(
        self,
        first: KnowledgeBase,
        second: KnowledgeBase,
        tasks: list[Hashable],
        configurations: list[Hashable],
    ):
        self.both = (first, second)
        self.shape = len(tasks), len(configurations)
        self.tasks, self.configurations = tasks, configurations
        row, column = positions(tasks), positions(configurations)
        self.places = [np.ix_([row[t] for t in kb.tasks], [column[c] for c in kb.configurations]) for kb in self.both]

    def status(self) -> np.ndarray:
        """The second's where it evaluated, else the first's; shape (n_tasks, n_configurations)."""
        united = np.full(self.shape, _MISSING)
        for kb, at in zip(self.both, self.places, strict=True):
            united[at] = np.where(kb.status_codes != _MISSING, kb.status_codes, united[at])
        return united

    def seconds(self, get: Callable[[KnowledgeBase], np.ndarray]) -> np.ndarray:
        """By the second where it evaluated; but scores without seconds, as tables have them, leave the first's."""
        united = np.full(self.shape, np.nan)
        for kb, at in zip(self.both, self.places, strict=True):
            found = get(kb)
            told = np.where(kb.status_codes == _OK, np.isfinite(found), kb.status_codes != _MISSING)
            united[at] = np.where(told, found, united[at])
        return united

    def of_metric(self, metric: str, get: Callable[[KnowledgeBase, str], np.ndarray], status: np.ndarray) -> np.ndarray:
        """By the second where it recorded the metric, else by the first; NaN where the newest evaluation is not ok."""
        united = np.full(self.shape, np.nan)
        for kb, at in zip(self.both, self.places, strict=True):
            if metric in kb.metrics:
                recorded = (kb.status_codes == _OK) & np.isfinite(kb.scores(metric))
                united[at] = np.where(recorded, get(kb, metric), united[at])
        return np.where(status == _OK, united, np.nan)

    def families(self) -> list[Any]:
        """Of each task, by the second where that says more than that the task is one of its own."""
        first, second = (dict(zip(kb.tasks, kb.families, strict=True)) for kb in self.both)
        told = {task: family for task, family in second.items() if task not in first or family != task}
        return [{**first, **told}[task] for task in self.tasks]

    def reasons(self) -> dict[tuple[Hashable, Any], str]:
        """Why evaluations are not ok, without the first's where the second evaluated."""
        first, second = self.both
        row, column = positions(second.tasks), positions(second.configurations)
        evaluated = second.status_codes != _MISSING
        kept = {
            (task, configuration): why
            for (task, configuration), why in first.reasons.items()
            if task not in row or configuration not in column or not evaluated[row[task], column[configuration]]
        }
        return {**kept, **second.reasons}


def _union(first: Iterable[Any], second: Iterable[Any]) -> list[Any]:
    return list(dict.fromkeys([*first, *second]))


def _meta_features(first: pd.DataFrame, second: pd.DataFrame, tasks: list[Hashable]) -> pd.DataFrame:
    """The second's values where it has them, else the first's; columns of both."""
    names = _union(first.columns, second.columns)
    row, column = positions(tasks), positions(names)
    values = np.full((len(tasks), len(names)), np.nan)
    for frame in (first, second):
        at = np.ix_([row[t] for t in frame.index], [column[n] for n in frame.columns])
        values[at] = np.where(np.isnan(frame.to_numpy()), values[at], frame.to_numpy())
    return pd.DataFrame(values, columns=label_index(names))
