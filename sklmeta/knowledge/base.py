"""KnowledgeBase: what was measured on many tasks, as an immutable value."""

from __future__ import annotations

import difflib
from collections.abc import Hashable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from sklmeta.configuration import Configuration
from sklmeta.knowledge.file import read, write
from sklmeta.knowledge.record import Evaluation

STATUS_NAMES = ("missing", "ok", "timeout", "failed")
_CODE = {name: code for code, name in enumerate(STATUS_NAMES)}


class KnowledgeBase:
    """Meta-features and evaluations of many tasks: an immutable value.

    Build one with `from_evaluations`, `from_frames`, `load` or :func:`sklmeta.collect`; nothing changes it afterwards.
    Cloning or copying an estimator that holds one shares it. Two are equal if all that they hold is.

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
    families : sequence of str, default=None
        One a task; variants of the same underlying data share one. None: every task is its own.
    reasons : mapping of (task, Configuration) to str, default=None
        Why evaluations are not ok.
    provenance : mapping of task to mapping, default=None
        Where the data of each task come from, and how they were used.
    task_type : {"classification", "regression"} or None, default=None
        What kind of tasks these are.
    info : mapping of str to object, default=None
        How it was made: protocol, versions.

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
        families: Sequence[str] | None = None,
        reasons: Mapping[tuple[Hashable, Configuration], str] | None = None,
        provenance: Mapping[Hashable, Mapping[str, Any]] | None = None,
        task_type: str | None = None,
        info: Mapping[str, Any] | None = None,
    ):
        self._tasks, self._configurations = tuple(tasks), tuple(configurations)
        _check_unique("task", self._tasks)
        _check_unique("configuration", self._configurations)
        shape = len(self._tasks), len(self._configurations)
        self._scores = {m: _table(f"scores of {m!r}", values, shape) for m, values in scores.items()}
        self._errors = {m: _table(f"errors of {m!r}", v, shape) for m, v in (standard_errors or {}).items()}
        self._fit_seconds = _table("fit_seconds", fit_seconds, shape)
        self._score_seconds = _table("score_seconds", score_seconds, shape)
        self._status = _status_codes(status, self._scores, shape)
        self._families = self._tasks if families is None else tuple(families)
        if len(self._families) != shape[0]:
            raise ValueError(f"There are {shape[0]} tasks and {len(self._families)} families; give one for each task.")
        self._meta_features = _meta_features(meta_features, self._tasks)
        self._reasons, self._info = dict(reasons or {}), dict(info or {})
        self._provenance = {task: dict(about) for task, about in (provenance or {}).items()}
        self._task_type = task_type

    # -- making one --------------------------------------------------------------------------------------------

    @classmethod
    def from_evaluations(
        cls,
        evaluations: Iterable[Evaluation],
        meta_features: pd.DataFrame | None = None,
        *,
        families: Mapping[Hashable, str] | None = None,
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
            Index of task ids, a column a meta-feature. Tasks without a row get NaN.
        families : mapping of task to str, default=None
            A task that is not in it is its own family.
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
        """
        every = {(e.task, e.configuration): e for e in evaluations}
        tasks = list(dict.fromkeys(task for task, _ in every))
        configurations = list(dict.fromkeys(configuration for _, configuration in every))
        row, column = _positions(tasks), _positions(configurations)
        shape = len(tasks), len(configurations)
        metrics = list(dict.fromkeys(m for e in every.values() for m in e.scores))
        scores, errors = ({m: np.full(shape, np.nan) for m in metrics} for _ in range(2))
        fit_seconds, score_seconds = np.full(shape, np.nan), np.full(shape, np.nan)
        status = np.zeros(shape, dtype=np.int8)
        for (task, configuration), e in every.items():
            at = row[task], column[configuration]
            status[at], fit_seconds[at], score_seconds[at] = _CODE[e.status], e.fit_seconds, e.score_seconds
            for metric, score in e.scores.items():
                scores[metric][at] = score
                errors[metric][at] = e.standard_errors.get(metric, np.nan)
        return cls(
            tasks,
            configurations,
            scores,
            status=status,
            meta_features=None if meta_features is None else meta_features.reindex(tasks),
            standard_errors=errors,
            fit_seconds=fit_seconds,
            score_seconds=score_seconds,
            families=[(families or {}).get(task, str(task)) for task in tasks],
            reasons={key: e.reason for key, e in every.items() if e.reason},
            provenance={task: about for task, about in (provenance or {}).items() if task in row},
            task_type=task_type,
            info=info,
        )

    @classmethod
    def from_frames(
        cls,
        meta_features: pd.DataFrame | None,
        scores: Mapping[str, pd.DataFrame],
        *,
        families: Mapping[Hashable, str] | None = None,
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
        families : mapping of task to str, default=None
            A task that is not in it is its own family.
        task_type : {"classification", "regression"} or None, default=None
            What kind of tasks these are.

        Returns
        -------
        KnowledgeBase
            Tasks and configurations in the order of the first table.

        Raises
        ------
        ValueError
            If there is no table, or tables disagree on the tasks.
        """
        if not scores:
            raise ValueError("scores is empty; give at least one metric, such as {'accuracy': table}.")
        first = next(iter(scores.values()))
        tasks, labels = list(first.index), list(first.columns)
        for metric, table in scores.items():
            _check_same("tasks", metric, table.index, tasks)
            _check_same("configurations", metric, table.columns, labels)
        if meta_features is not None:
            _check_same("tasks", "meta_features", meta_features.index, tasks)
            meta_features = meta_features.reindex(tasks)
        configurations = [label if isinstance(label, Configuration) else Configuration(label) for label in labels]
        return cls(
            tasks,
            configurations,
            {m: t.reindex(index=tasks, columns=labels).to_numpy(dtype=float) for m, t in scores.items()},
            meta_features=meta_features,
            families=[(families or {}).get(task, str(task)) for task in tasks],
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
            Whether to round: scores to a relative 0.05 % of their distance from the task's best one, standard errors
            and seconds likewise, meta-features to single precision.
        """
        write(self, path, compact=compact)

    # -- what it holds -----------------------------------------------------------------------------------------

    @property
    def tasks(self) -> tuple[Hashable, ...]:
        """Ids of the tasks."""
        return self._tasks

    @property
    def families(self) -> tuple[Any, ...]:
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
        """How it was made."""
        return dict(self._info)

    @property
    def provenance(self) -> dict[Hashable, dict[str, Any]]:
        """Where each task comes from."""
        return {task: dict(about) for task, about in self._provenance.items()}

    @property
    def reasons(self) -> dict[tuple[Hashable, Configuration], str]:
        """Why evaluations are not ok."""
        return dict(self._reasons)

    @property
    def status(self) -> np.ndarray:
        """One of "missing", "ok", "timeout", "failed"; shape (n_tasks, n_configurations)."""
        return np.array(STATUS_NAMES)[self._status]

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
        return self._errors[metric] if metric in self._errors else _table("", None, self._status.shape)

    def _check_metric(self, metric: str) -> None:
        if metric not in self._scores:
            raise ValueError(f"The knowledge has no metric {metric!r}; it has {', '.join(map(str, self._scores))}.")

    # -- making another one from it ------------------------------------------------------------------------------

    def select(
        self,
        tasks: Iterable[Hashable] | None = None,
        families: Iterable[Any] | None = None,
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
        rows = self._rows(tasks, families, both=True)
        columns = np.arange(len(self._configurations))
        if configurations is not None:
            columns = np.sort(_found("configuration", configurations, self._configurations))
        return self._part(rows, columns)

    def exclude(self, tasks: Iterable[Hashable] | None = None, families: Iterable[Any] | None = None) -> KnowledgeBase:
        """All but some tasks; for an honest look at one of them, leave its family out.

        Parameters
        ----------
        tasks : iterable of hashable, default=None
            Tasks to leave out.
        families : iterable, default=None
            Families to leave out.

        Returns
        -------
        KnowledgeBase
            In the old order.

        Raises
        ------
        ValueError
            If an id is unknown.
        """
        out = self._rows(tasks if tasks is not None else (), families if families is not None else (), both=False)
        return self._part(np.setdiff1d(np.arange(len(self._tasks)), out), np.arange(len(self._configurations)))

    def merge(self, other: KnowledgeBase) -> KnowledgeBase:
        """The tasks, configurations and metrics of both; where both evaluated, `other` counts.

        Parameters
        ----------
        other : KnowledgeBase
            Of the same task type. Meta-features that only one has are NaN for the other's tasks.

        Returns
        -------
        KnowledgeBase
            First this one's tasks and configurations, then what `other` adds.

        Raises
        ------
        ValueError
            If one is about classification and the other about regression.
        """
        if None not in (self.task_type, other.task_type) and self.task_type != other.task_type:
            raise ValueError(f"Cannot merge knowledge about {self.task_type} with knowledge about {other.task_type}.")
        tasks = list(dict.fromkeys([*self.tasks, *other.tasks]))
        configurations = list(dict.fromkeys([*self.configurations, *other.configurations]))
        metrics = list(dict.fromkeys([*self.metrics, *other.metrics]))
        row, column = _positions(tasks), _positions(configurations)
        shape = len(tasks), len(configurations)

        def united(get: Any, empty: float = np.nan) -> np.ndarray:
            table = np.full(shape, empty)
            for kb in (self, other):
                at = np.ix_([row[t] for t in kb.tasks], [column[c] for c in kb.configurations])
                evaluated = kb._status > 0
                table[at] = np.where(evaluated, get(kb), table[at])
            return table

        def score(metric: str) -> Any:
            return lambda kb: kb.scores(metric) if metric in kb.metrics else np.nan

        def error(metric: str) -> Any:
            return lambda kb: kb.standard_errors(metric) if metric in kb.metrics else np.nan

        families = {
            **dict(zip(self.tasks, self.families, strict=True)),
            **dict(zip(other.tasks, other.families, strict=True)),
        }
        meta_features = other._meta_features.combine_first(self._meta_features)
        names = dict.fromkeys([*self._meta_features.columns, *other._meta_features.columns])
        return KnowledgeBase(
            tasks,
            configurations,
            {m: united(score(m)) for m in metrics},
            status=united(lambda kb: kb._status, 0).astype(np.int8),
            meta_features=meta_features.reindex(index=tasks, columns=list(names)),
            standard_errors={m: united(error(m)) for m in metrics},
            fit_seconds=united(lambda kb: kb._fit_seconds),
            score_seconds=united(lambda kb: kb._score_seconds),
            families=[families[task] for task in tasks],
            reasons={**self._reasons, **other._reasons},
            provenance={**self._provenance, **other._provenance},
            task_type=self.task_type or other.task_type,
            info={**self._info, **other._info},
        )

    def _rows(self, tasks: Iterable[Hashable] | None, families: Iterable[Any] | None, both: bool) -> np.ndarray:
        """Positions of tasks that are named, by id and (or, unless `both`, or else) by family."""
        every = np.arange(len(self._tasks))
        by_task = every if tasks is None else _found("task", tasks, self._tasks)
        if families is None:
            return np.sort(by_task)
        wanted = set(families)
        _found("family", wanted, tuple(dict.fromkeys(self._families)))
        by_family = np.array([i for i, family in enumerate(self._families) if family in wanted], dtype=int)
        return np.intersect1d(by_task, by_family) if both else np.union1d(by_task, by_family)

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
        return hash((self._tasks, self._configurations, self.metrics))

    def _plain(self) -> tuple:
        names = tuple(self._meta_features.columns)
        return (
            self._tasks, self._configurations, self._families, names,
            self._reasons, self._provenance, self._task_type, self._info,
        )  # fmt: skip

    def _arrays(self) -> tuple[dict[str, np.ndarray], ...]:
        others = {
            "status": self._status,
            "fit_seconds": self._fit_seconds,
            "score_seconds": self._score_seconds,
            "meta_features": self._meta_features.to_numpy(),
        }
        return self._scores, self._errors, others

    def __repr__(self) -> str:
        kind = f"{self._task_type}, " if self._task_type else ""
        return (
            f"KnowledgeBase({kind}{len(self._tasks)} tasks, {len(self._configurations)} configurations, "
            f"metrics: {', '.join(map(str, self._scores))})"
        )


def _positions(items: Sequence[Hashable]) -> dict[Hashable, int]:
    return {item: i for i, item in enumerate(items)}


def _check_unique(what: str, items: tuple) -> None:
    seen: set = set()
    for i, item in enumerate(items):
        if item in seen:
            raise ValueError(f"There are two of {what} {item!r} (the second at position {i}); each must be unique.")
        seen.add(item)


def _check_same(what: str, where: str, found: pd.Index, wanted: list) -> None:
    found_items = list(found)
    _check_unique(what[:-1], tuple(found_items))
    missing, extra = [w for w in wanted if w not in set(found_items)], [f for f in found_items if f not in set(wanted)]
    if missing or extra:
        raise ValueError(f"{where!r} has other {what} than the first table: missing {missing[:5]}, extra {extra[:5]}.")


def _found(what: str, wanted: Iterable[Hashable], known: tuple) -> np.ndarray:
    position = _positions(known)
    found = []
    for item in wanted:
        if item not in position:
            near = difflib.get_close_matches(str(item), map(str, known), n=3)
            hint = f"; did you mean {' or '.join(near)}?" if near else "."
            raise ValueError(f"The knowledge has no {what} {item!r}{hint}")
        found.append(position[item])
    return np.array(found, dtype=int)


def _table(what: str, values: Any, shape: tuple[int, int]) -> np.ndarray:
    """A read-only float copy, or NaN everywhere for None."""
    table = np.full(shape, np.nan) if values is None else np.array(values, dtype=float)
    if table.shape != shape:
        raise ValueError(
            f"{what} has shape {table.shape}; {shape[0]} tasks and {shape[1]} configurations need {shape}."
        )
    table.setflags(write=False)
    return table


def _status_codes(status: Any, scores: Mapping[str, np.ndarray], shape: tuple[int, int]) -> np.ndarray:
    if status is None:
        known = [np.isfinite(values) for values in scores.values()]
        codes = np.logical_or.reduce(known).astype(np.int8) if known else np.zeros(shape, np.int8)
    else:
        codes = np.array(status, dtype=np.int8)
    if codes.shape != shape or (codes.size and not 0 <= codes.min() <= codes.max() < len(STATUS_NAMES)):
        raise ValueError(f"status must have shape {shape} and values 0 to {len(STATUS_NAMES) - 1}; got {codes!r}.")
    codes.setflags(write=False)
    return codes


def _meta_features(frame: pd.DataFrame | None, tasks: tuple) -> pd.DataFrame:
    if frame is None:
        return pd.DataFrame(index=pd.Index(tasks, tupleize_cols=False))
    if len(frame) != len(tasks):
        raise ValueError(f"meta_features has {len(frame)} rows for {len(tasks)} tasks; give one row for each task.")
    return pd.DataFrame(
        frame.to_numpy(dtype=float), index=pd.Index(tasks, tupleize_cols=False), columns=list(frame.columns)
    )
