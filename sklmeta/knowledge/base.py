"""KnowledgeBase: what was measured on many tasks, as an immutable value."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping, Sequence
from copy import deepcopy
from html import escape
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from sklmeta.configuration import Configuration
from sklmeta.knowledge.file import read, write
from sklmeta.knowledge.joint import JointErrors
from sklmeta.knowledge.labels import as_in_a_file
from sklmeta.knowledge.merging import merged
from sklmeta.knowledge.record import Evaluation
from sklmeta.knowledge.tables import (
    STATUS_NAMES,
    aligned,
    check_same,
    check_unique,
    found,
    is_missing,
    meta_feature_table,
    positions,
    read_only,
    seconds_table,
    status_codes,
    table,
)

PART_OF = "part_of"  # in the provenance of a task that is a larger part of a known table
_TASK_TYPES = (None, "classification", "regression")


class KnowledgeBase:
    """Meta-features and evaluations of many tasks: an immutable value.

    Build one with `from_evaluations`, `from_frames`, `load` or :func:`sklmeta.collect`; nothing changes it afterwards.
    Cloning or copying an estimator that holds one shares it. Two are equal, and hash alike, if all that they hold is.

    Parameters
    ----------
    tasks : sequence of hashable
        Ids, each once.
    configurations : sequence of Configuration
        Each once.
    scores : mapping of str to ndarray of shape (n_tasks, n_configurations)
        By metric, greater is better; NaN where there is none.
    status : ndarray of int of shape (n_tasks, n_configurations), default=None
        Positions in ("missing", "ok", "timeout", "failed"); None: "ok" wherever some metric has a score.
    meta_features : DataFrame of shape (n_tasks, n_meta_features), default=None
        One row a task, in the order of `tasks`; may have NaN.
    standard_errors : mapping of str to ndarray of shape (n_tasks, n_configurations), default=None
        Of the scores, by metric.
    fit_seconds, score_seconds : ndarray of shape (n_tasks, n_configurations), default=None
        CPU seconds of one thread.
    joint_errors : JointErrors, default=None
        How the errors of some of the configurations go together, on some of the tasks.
    families : sequence of hashable, default=None
        One a task; variants of the same underlying data share one. None: every task is its own, as is one whose family
        is None or NaN.
    reasons : mapping of (task, Configuration) to str, default=None
        Why evaluations are not ok.
    provenance : mapping of task to mapping, default=None
        Where the data of each task come from, and how they were used.
    task_type : {"classification", "regression"} or None, default=None
        What kind of tasks these are.
    info : mapping of str to object, default=None
        How it was made: protocol, versions.
    learned : mapping of str to mapping of str to ndarray, default=None
        What a recommender has learned from exactly these tasks and configurations, under a name of its own.

    Raises
    ------
    ValueError
        If labels repeat, shapes disagree, a score is infinite or belongs to something that is not "ok", seconds are
        negative, a meta-feature is not numeric, a reason or provenance is of something unknown, or `task_type` is
        unknown.

    Examples
    --------
    >>> import pandas as pd
    >>> from sklmeta import KnowledgeBase
    >>> scores = pd.DataFrame({"svc": [0.9, 0.7], "forest": [0.8, 0.9]}, index=["iris", "wine"])
    >>> kb = KnowledgeBase.from_frames(None, {"accuracy": scores})
    >>> kb
    KnowledgeBase(2 tasks, 2 configurations, metrics: accuracy)
    >>> kb.exclude(tasks=["iris"]).scores("accuracy")
    array([[0.7, 0.9]])
    """

    def __init__(
        self,
        tasks: Sequence[Hashable],
        configurations: Sequence[Configuration],
        scores: Mapping[str, np.ndarray],
        *,
        status: np.ndarray | None = None,
        meta_features: pd.DataFrame | None = None,
        standard_errors: Mapping[str, np.ndarray] | None = None,
        fit_seconds: np.ndarray | None = None,
        score_seconds: np.ndarray | None = None,
        joint_errors: JointErrors | None = None,
        families: Sequence[Hashable] | None = None,
        reasons: Mapping[tuple[Hashable, Configuration], str] | None = None,
        provenance: Mapping[Hashable, Mapping[str, Any]] | None = None,
        task_type: str | None = None,
        info: Mapping[str, Any] | None = None,
        learned: Mapping[str, Mapping[str, np.ndarray]] | None = None,
    ):
        if task_type not in _TASK_TYPES:
            raise ValueError(f"task_type must be 'classification', 'regression' or None, got {task_type!r} instead.")
        self._tasks, self._configurations = tuple(tasks), tuple(configurations)
        check_unique("task", self._tasks)
        check_unique("configuration", self._configurations)
        shape = len(self._tasks), len(self._configurations)
        self._scores = {m: table(f"scores of {m!r}", values, shape) for m, values in scores.items()}
        errors = standard_errors or {}
        if not errors.keys() <= scores.keys():
            raise ValueError(f"There are standard errors of {list(errors)!r}, and scores only of {list(scores)!r}.")
        self._errors = {m: table(f"standard errors of {m!r}", errors.get(m), shape) for m in scores}
        self._fit_seconds = seconds_table("fit_seconds", fit_seconds, shape)
        self._score_seconds = seconds_table("score_seconds", score_seconds, shape)
        self._status = status_codes(status, self._scores, shape)
        self._joint_errors = self._checked(joint_errors)
        given = self._tasks if families is None else tuple(families)
        if len(given) != shape[0]:
            raise ValueError(f"There are {shape[0]} tasks and {len(given)} families; give one for each task.")
        self._families = tuple(t if is_missing(f) else f for t, f in zip(self._tasks, given, strict=True))
        self._meta_features = meta_feature_table(meta_features, self._tasks)
        self._reasons, self._info = dict(reasons or {}), as_in_a_file("info", dict(info or {}))
        self._provenance = {
            task: as_in_a_file(f"provenance[{task!r}]", dict(about)) for task, about in (provenance or {}).items()
        }
        self._check_about()
        self._task_type = task_type
        self._learned = _kept(learned or {})

    def _check_about(self) -> None:
        """Raise where a reason or a provenance is of something that is not known."""
        tasks, configurations = set(self._tasks), set(self._configurations)
        unknown = [task for task in self._provenance if task not in tasks]
        if unknown:
            raise ValueError(f"There is a provenance of {unknown[0]!r}, which is none of the {len(tasks)} tasks.")
        strange = [key for key in self._reasons if key[0] not in tasks or key[1] not in configurations]
        if strange:
            raise ValueError(f"There is a reason for {strange[0]!r}, which is no known task and configuration.")

    # -- making one --------------------------------------------------------------------------------------------

    @classmethod
    def from_evaluations(
        cls,
        evaluations: Iterable[Evaluation],
        meta_features: pd.DataFrame | None = None,
        *,
        families: Mapping[Hashable, Hashable] | pd.Series | Sequence[Hashable] | None = None,
        provenance: Mapping[Hashable, Mapping[str, Any]] | None = None,
        task_type: str | None = None,
        info: Mapping[str, Any] | None = None,
    ) -> KnowledgeBase:
        """Put evaluations into tables.

        Parameters
        ----------
        evaluations : iterable of Evaluation
            In any order; of two for the same task and configuration the later one counts.
        meta_features : DataFrame, default=None
            Index of task ids, a column a meta-feature. Tasks without a row get NaN; rows of other tasks are left out.
        families : mapping of task to hashable, Series, or sequence of hashable, default=None
            A task that is not in it, or has None or NaN there, is its own family. A sequence has one a task,
            in the order of `tasks`.
        provenance : mapping of task to mapping, default=None
            Where each task comes from.
        task_type : {"classification", "regression"} or None, default=None
            What kind of tasks these are.
        info : mapping, default=None
            How they were evaluated.

        Returns
        -------
        KnowledgeBase
            Tasks and configurations in the order in which they first appear.

        Raises
        ------
        ValueError
            If no task has a row in `meta_features`, or a row comes twice.
        """
        every = {(e.task, e.configuration): e for e in evaluations}
        tables = _tabulated(every)
        tasks, known = tables["tasks"], set(tables["tasks"])
        return cls(
            **tables,
            meta_features=None if meta_features is None else aligned(meta_features, tasks),
            families=_families_of(tasks, families),
            provenance={task: about for task, about in (provenance or {}).items() if task in known},
            task_type=task_type,
            info=info,
        )

    @classmethod
    def from_frames(
        cls,
        meta_features: pd.DataFrame | None,
        scores: Mapping[str, pd.DataFrame],
        *,
        families: Mapping[Hashable, Hashable] | pd.Series | Sequence[Hashable] | None = None,
        task_type: str | None = None,
    ) -> KnowledgeBase:
        """Take tables that somebody else measured.

        Parameters
        ----------
        meta_features : DataFrame or None
            Index of task ids, a column a meta-feature; may have NaN. None: there are none.
        scores : mapping of str to DataFrame
            By metric: index of task ids, a column a configuration; greater is better, NaN where never evaluated.
            Columns are Configuration objects or any labels. Rows and columns may be in any order.
        families : mapping of task to hashable, Series, or sequence of hashable, default=None
            A task that is not in it, or has None or NaN there, is its own family. A sequence has one a task,
            in the order of `tasks`.
        task_type : {"classification", "regression"} or None, default=None
            What kind of tasks these are.

        Returns
        -------
        KnowledgeBase
            Tasks and configurations in the order of the first table.

        Raises
        ------
        ValueError
            If there is no table, or tables disagree on the tasks or configurations.
        TypeError
            If `scores` is no mapping to tables, or `meta_features` or `families` is none of what they may be.
        """
        if not isinstance(scores, Mapping):
            raise TypeError(f"scores must be a mapping such as {{'accuracy': table}}, got {type(scores).__name__}.")
        if not scores:
            raise ValueError("scores is empty; give at least one metric, such as {'accuracy': table}.")
        for metric, frame in scores.items():
            _check_frame(f"scores[{metric!r}]", frame, "a column a configuration")
        if meta_features is not None:
            _check_frame("meta_features", meta_features, "a column a meta-feature")
        first = next(iter(scores.values()))
        tasks, labels = list(first.index), list(first.columns)
        for metric, frame in scores.items():
            check_same("task", metric, frame.index, tasks)
            check_same("configuration", metric, frame.columns, labels)
        if meta_features is not None:
            check_same("task", "meta_features", meta_features.index, tasks)
            meta_features = aligned(meta_features, tasks)
        configurations = [label if isinstance(label, Configuration) else Configuration(label) for label in labels]
        return cls(
            tasks,
            configurations,
            {m: _in_order(frame, tasks, labels) for m, frame in scores.items()},
            meta_features=meta_features,
            families=_families_of(tasks, families),
            task_type=task_type,
        )

    @staticmethod
    def load(path: str | Path) -> KnowledgeBase:
        """Read a file that `save` wrote; nothing in it is executed.

        Parameters
        ----------
        path : path
            The file.

        Returns
        -------
        KnowledgeBase
            What it holds.

        Raises
        ------
        FileNotFoundError
            If there is none.
        KnowledgeFormatError
            If it is no knowledge file, is damaged, or was written by a newer sklmeta.
        """
        return read(path, KnowledgeBase)

    def save(self, path: str | Path, *, compact: bool = False) -> None:
        """Write to a file; one that stands there is replaced only by a complete one.

        Parameters
        ----------
        path : path
            The file, commonly ending in ``.zip``.
        compact : bool, default=False
            Whether to round: scores to 0.05 % of their distance from the task's best one, but to no less than 1e-7
            where distances are of the order of 1; distances above 65504 become that. On a task where all distances are
            below 0.008, or half of them above 1024, both limits are relative to these. Standard errors and seconds are
            rounded to 0.05 %, seconds above 65504 become that, and meta-features have single precision. What is loaded
            says so in `info`.

        Raises
        ------
        ValueError
            If two labels, which are stored as text, number or tuple, would become the same.
        FileNotFoundError, IsADirectoryError
            If there is no folder to write to, or `path` is one.
        """
        write(self, path, compact=compact)

    # -- what it holds -----------------------------------------------------------------------------------------

    @property
    def tasks(self) -> tuple[Hashable, ...]:
        """Ids of the tasks."""
        return self._tasks

    @property
    def families(self) -> tuple[Hashable, ...]:
        """Family of each task."""
        return self._families

    @property
    def configurations(self) -> tuple[Configuration, ...]:
        """The configurations."""
        return self._configurations

    @property
    def metrics(self) -> tuple[str, ...]:
        """Names of the metrics."""
        return tuple(self._scores)

    @property
    def meta_features(self) -> pd.DataFrame:
        """A copy of the meta-features, one row a task."""
        return self._meta_features.copy()

    @property
    def task_type(self) -> str | None:
        """Whether these are tasks of classification or regression, where known."""
        return self._task_type

    @property
    def info(self) -> dict[str, Any]:
        """A copy of how it was made."""
        return deepcopy(self._info)

    @property
    def learned(self) -> dict[str, dict[str, np.ndarray]]:
        """What a recommender has learned from it ahead, read-only arrays by name."""
        return {name: dict(arrays) for name, arrays in self._learned.items()}

    @property
    def provenance(self) -> dict[Hashable, dict[str, Any]]:
        """A copy of where each task comes from."""
        return {task: deepcopy(about) for task, about in self._provenance.items()}

    @property
    def reasons(self) -> dict[tuple[Hashable, Configuration], str]:
        """Why evaluations are not ok."""
        return dict(self._reasons)

    @property
    def status(self) -> np.ndarray:
        """One of "missing", "ok", "timeout", "failed", read-only; shape (n_tasks, n_configurations)."""
        return read_only(np.array(STATUS_NAMES)[self._status])

    @property
    def status_codes(self) -> np.ndarray:
        """Positions of `status` in ("missing", "ok", "timeout", "failed"), read-only."""
        return self._status

    @property
    def fit_seconds(self) -> np.ndarray:
        """CPU seconds of one fit, read-only, NaN where unknown; shape (n_tasks, n_configurations)."""
        return self._fit_seconds

    @property
    def score_seconds(self) -> np.ndarray:
        """CPU seconds of predicting one test part, read-only; shape (n_tasks, n_configurations)."""
        return self._score_seconds

    @property
    def joint_errors(self) -> JointErrors | None:
        """How the errors of configurations go together, where that was measured."""
        return self._joint_errors

    def scores(self, metric: str) -> np.ndarray:
        """Scores in one metric.

        Parameters
        ----------
        metric : str
            One of `metrics`.

        Returns
        -------
        ndarray of shape (n_tasks, n_configurations)
            Read-only; greater is better; NaN where never evaluated, stopped or failed, which `status` tells apart.
        """
        self._check_metric(metric)
        return self._scores[metric]

    def standard_errors(self, metric: str) -> np.ndarray:
        """Standard errors of the scores in one metric.

        Parameters
        ----------
        metric : str
            One of `metrics`.

        Returns
        -------
        ndarray of shape (n_tasks, n_configurations)
            Read-only; NaN where unknown.
        """
        self._check_metric(metric)
        return self._errors[metric]

    def _check_metric(self, metric: str) -> None:
        if metric not in self._scores:
            raise ValueError(
                f"The knowledge has no metric {metric!r}; it has {', '.join(map(str, self._scores)) or 'none'}."
            )

    # -- making another one from it ------------------------------------------------------------------------------

    def with_learned(self, learned: Mapping[str, Mapping[str, np.ndarray]]) -> KnowledgeBase:
        """The same, holding what a recommender has learned from it; parts and mergers of it do not.

        Parameters
        ----------
        learned : mapping of str to mapping of str to ndarray
            Arrays by name.

        Returns
        -------
        KnowledgeBase
            Equal to this one.
        """
        other = object.__new__(KnowledgeBase)
        other.__dict__.update(self.__dict__, _learned=_kept(learned))
        return other

    def with_joint_errors(self, joint_errors: JointErrors | None) -> KnowledgeBase:
        """The same, with other joint errors.

        Parameters
        ----------
        joint_errors : JointErrors or None
            Of some of its tasks and configurations.

        Returns
        -------
        KnowledgeBase
            Another one.

        Raises
        ------
        ValueError
            If they are of a task or configuration that is not known.
        """
        other = object.__new__(KnowledgeBase)
        other.__dict__.update(self.__dict__, _joint_errors=self._checked(joint_errors))
        return other

    def select(
        self,
        tasks: Iterable[Hashable] | None = None,
        families: Iterable[Hashable] | None = None,
        configurations: Iterable[Configuration] | None = None,
    ) -> KnowledgeBase:
        """Only some tasks and configurations.

        Parameters
        ----------
        tasks : iterable of hashable, default=None
            Tasks to keep; None keeps all.
        families : iterable, default=None
            Families whose tasks to keep; None keeps all.
        configurations : iterable of Configuration, default=None
            Configurations to keep; None keeps all.

        Returns
        -------
        KnowledgeBase
            In the old order.

        Raises
        ------
        ValueError
            If an id is unknown.
        """
        every = np.arange(len(self._tasks))
        by_task = every if tasks is None else found("task", tasks, self._tasks)
        by_family = every if families is None else self._in_families(families)
        columns = np.arange(len(self._configurations))
        if configurations is not None:
            columns = found("configuration", configurations, self._configurations)
        return self._part(np.intersect1d(by_task, by_family), columns)

    def exclude(
        self, tasks: Iterable[Hashable] | None = None, families: Iterable[Hashable] | None = None
    ) -> KnowledgeBase:
        """All but some tasks; for an honest look at one of them, leave its family out.

        Parameters
        ----------
        tasks : iterable of hashable, default=None
            Tasks to leave out, and with them what are larger parts of the same tables.
        families : iterable, default=None
            Families to leave out, likewise.

        Returns
        -------
        KnowledgeBase
            In the old order.

        Raises
        ------
        ValueError
            If an id is unknown.
        """
        by_task = found("task", () if tasks is None else tasks, self._tasks)
        by_family = self._in_families(() if families is None else families)
        out = {self._tasks[i] for i in (*by_task, *by_family)}
        kept = [i for i, t in enumerate(self._tasks) if out.isdisjoint([t, *larger_part_of(t, self._provenance)])]
        return self._part(np.array(kept, dtype=int), np.arange(len(self._configurations)))

    def merge(self, other: KnowledgeBase) -> KnowledgeBase:
        """The tasks, configurations and metrics of both; where both evaluated, `other` counts.

        Parameters
        ----------
        other : KnowledgeBase
            Of the same task type. A metric or meta-feature that `other` has not measured keeps this one's value, and
            is NaN where neither has; if `other` failed where this one did not, the scores are gone.

        Returns
        -------
        KnowledgeBase
            First this one's tasks and configurations, then what `other` adds.

        Raises
        ------
        ValueError
            If one is about classification and the other about regression.
        TypeError
            If `other` is no KnowledgeBase.
        """
        if not isinstance(other, KnowledgeBase):
            raise TypeError(f"merge takes a KnowledgeBase, got {other!r}; KnowledgeBase.load reads one from a file.")
        return KnowledgeBase(**merged(self, other))

    def _checked(self, joint_errors: JointErrors | None) -> JointErrors | None:
        """In the order of its own tasks and configurations, which these must be among."""
        if joint_errors is None:
            return None
        found("task", joint_errors.tasks, self._tasks)
        found("configuration", joint_errors.configurations, self._configurations)
        return joint_errors.part(self._tasks, self._configurations)

    def _in_families(self, families: Iterable[Hashable]) -> np.ndarray:
        """Positions of the tasks of these families."""
        known = tuple(dict.fromkeys(self._families))
        wanted = {known[k] for k in found("family", families, known)}
        return np.array([i for i, family in enumerate(self._families) if family in wanted], dtype=int)

    def _part(self, rows: np.ndarray, columns: np.ndarray) -> KnowledgeBase:
        at = np.ix_(rows, columns)
        tasks, configurations = [self._tasks[i] for i in rows], [self._configurations[j] for j in columns]
        kept, chosen = set(tasks), set(configurations)
        return KnowledgeBase(
            tasks,
            configurations,
            {m: values[at] for m, values in self._scores.items()},
            status=self._status[at],
            meta_features=self._meta_features.iloc[rows],
            standard_errors={m: values[at] for m, values in self._errors.items()},
            fit_seconds=self._fit_seconds[at],
            score_seconds=self._score_seconds[at],
            joint_errors=self._joint_errors and self._joint_errors.part(tasks, configurations),
            families=[self._families[i] for i in rows],
            reasons={k: why for k, why in self._reasons.items() if k[0] in kept and k[1] in chosen},
            provenance={t: about for t, about in self._provenance.items() if t in kept},
            task_type=self._task_type,
            info=self._info,
        )

    # -- a value -----------------------------------------------------------------------------------------------

    def __sklearn_clone__(self) -> KnowledgeBase:
        return self

    def __copy__(self) -> KnowledgeBase:
        return self

    def __deepcopy__(self, memo: dict) -> KnowledgeBase:
        return self

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update({"_joint_errors": None, **state})
        self._learned = _kept(self._learned)
        for arrays in self._arrays():
            for array in arrays.values():
                read_only(array)

    def __len__(self) -> int:
        return len(self._tasks)

    def __eq__(self, other: object) -> bool:
        if self is other:
            return True
        if not isinstance(other, KnowledgeBase):
            return NotImplemented
        return self._plain() == other._plain() and all(
            a.keys() == b.keys() and all(np.array_equal(a[k], b[k], equal_nan=True) for k in a)
            for a, b in zip(self._arrays(), other._arrays(), strict=True)
        )

    def __hash__(self) -> int:
        return hash((self._tasks, self._configurations, frozenset(self.metrics)))

    def _plain(self) -> tuple:
        names = tuple(self._meta_features.columns)
        return (
            self._tasks, self._configurations, self._families, names,
            self._reasons, self._provenance, self._task_type, self._info, self._joint_errors,
        )  # fmt: skip

    def _arrays(self) -> tuple[dict[str, np.ndarray], ...]:
        others = {
            "status": self._status,
            "fit_seconds": self._fit_seconds,
            "score_seconds": self._score_seconds,
        }
        return self._scores, self._errors, others, {"meta_features": self._meta_features.to_numpy()}

    def __repr__(self) -> str:
        kind = f"{self._task_type}, " if self._task_type else ""
        return (
            f"KnowledgeBase({kind}{len(self._tasks)} tasks, {len(self._configurations)} configurations, "
            f"metrics: {', '.join(map(str, self._scores)) or 'none'})"
        )

    def _repr_html_(self) -> str:
        counts = {
            "tasks": f"{len(self._tasks)} of {len(set(self._families))} families",
            "configurations": len(self._configurations),
            "metrics": ", ".join(map(str, self._scores)),
            "meta-features": self._meta_features.shape[1],
            **{name: int((self._status == code).sum()) for code, name in enumerate(STATUS_NAMES)},
        }
        rows = "".join(f"<tr><th>{name}</th><td>{escape(str(value))}</td></tr>" for name, value in counts.items())
        return f"<table><caption>KnowledgeBase {escape(self._task_type or '')}</caption>{rows}</table>"


def larger_part_of(task: Hashable, provenance: Mapping[Hashable, Mapping[str, Any]]) -> list[Hashable]:
    """The table that a task is a larger part of, and if that is a part itself, what it is a part of, and so on."""
    found: list[Hashable] = []
    part = provenance.get(task, {}).get(PART_OF)
    while part is not None and part != task and part not in found:
        found.append(part)
        part = provenance.get(part, {}).get(PART_OF)
    return found


def _families_of(
    tasks: Sequence[Hashable], families: Mapping[Hashable, Hashable] | pd.Series | Sequence[Hashable] | None
) -> list[Hashable]:
    if families is None or isinstance(families, Mapping | pd.Series):
        named = {} if families is None else dict(families.items())
        if named and named.keys().isdisjoint(tasks):
            raise ValueError(
                f"families are of {list(named)[:3]!r}, none of which is a task; the tasks are {list(tasks)[:3]!r}."
            )
        return [named.get(task, task) for task in tasks]
    if not pd.api.types.is_list_like(families, allow_sets=False) or isinstance(families, pd.DataFrame):
        raise TypeError(
            "families must be a mapping of task to family, a Series, or a sequence with one for each task; got "
            f"{families!r}."
        )
    return list(families)


def _check_frame(what: str, frame: Any, columns: str) -> None:
    if not isinstance(frame, pd.DataFrame):
        raise TypeError(f"{what} must be a DataFrame, a row a task and {columns}; got {type(frame).__name__}.")


def _kept(learned: Mapping[str, Mapping[str, np.ndarray]]) -> dict[str, dict[str, np.ndarray]]:
    return {name: {k: read_only(np.array(a)) for k, a in arrays.items()} for name, arrays in learned.items()}


def _tabulated(every: Mapping[tuple[Hashable, Configuration], Evaluation]) -> dict[str, Any]:
    """Evaluations by task and configuration as the constructor's arguments."""
    tasks = list(dict.fromkeys(task for task, _ in every))
    configurations = list(dict.fromkeys(configuration for _, configuration in every))
    row, column = positions(tasks), positions(configurations)
    shape = len(tasks), len(configurations)
    metrics = list(dict.fromkeys(m for e in every.values() for m in e.scores))
    scores, errors = ({m: np.full(shape, np.nan) for m in metrics} for _ in range(2))
    fit_seconds, score_seconds = np.full(shape, np.nan), np.full(shape, np.nan)
    status = np.zeros(shape, dtype=np.int8)
    for (task, configuration), e in every.items():
        at = row[task], column[configuration]
        status[at], fit_seconds[at], score_seconds[at] = STATUS_NAMES.index(e.status), e.fit_seconds, e.score_seconds
        for metric, score in e.scores.items():
            scores[metric][at] = score
            errors[metric][at] = e.standard_errors.get(metric, np.nan)
    return {
        "tasks": tasks,
        "configurations": configurations,
        "scores": scores,
        "status": status,
        "standard_errors": errors,
        "fit_seconds": fit_seconds,
        "score_seconds": score_seconds,
        "reasons": {key: e.reason for key, e in every.items() if e.reason},
    }


def _in_order(frame: pd.DataFrame, tasks: Sequence[Hashable], labels: Sequence[Hashable]) -> np.ndarray:
    """The table's numbers with its rows and columns in this order; it has them all."""
    row, column = positions(frame.index), positions(frame.columns)
    return frame.to_numpy(dtype=float)[np.ix_([row[t] for t in tasks], [column[c] for c in labels])]
