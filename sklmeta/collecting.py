"""Build knowledge: evaluate a list of configurations on many datasets."""

from __future__ import annotations

import json
import math
import os
import warnings
from collections.abc import Callable, Collection, Hashable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from numbers import Integral, Real
from pathlib import Path
from typing import Any
from urllib.parse import quote

import numpy as np
import pandas as pd
import sklearn
from joblib import Parallel, delayed
from joblib import hash as digest
from scipy import sparse
from sklearn.model_selection import KFold, StratifiedKFold
from sklearn.utils import check_scalar

from sklmeta.catalogue import build_estimator, default_configurations, is_offered
from sklmeta.checks import check_target
from sklmeta.configuration import Configuration
from sklmeta.datasets import Dataset, infer_task_type, read_folder, subsample
from sklmeta.evaluation import describe_error, with_random_state
from sklmeta.exceptions import EvaluationWarning, TimeLimitExceeded
from sklmeta.knowledge import Evaluation, JointErrors, KnowledgeBase
from sklmeta.limits import call_with_limit
from sklmeta.measuring import Measurement, error_products, measure
from sklmeta.metafeatures import MetaFeatureExtractor
from sklmeta.preprocessing import kind_of

AS_THEY_WERE = 1e-9  # seconds that nothing was stopped before: what was stopped stays so
_JOURNAL_FORMAT = 1
_ROWS = "rows"  # in a journal's first line
_JOINT = "joint_errors"
_JOINT_BEGINS = f'{{"{_JOINT}"'  # a line of a journal that is no evaluation
_Products = tuple[list[Configuration], np.ndarray]  # configurations, and how the errors of each two go together
_LONGEST = 200  # characters of a file name; file systems take 255, and letters beyond ASCII are quoted
_PLAIN = " ()+,&=@#"  # what may stay in a journal's file name, besides letters, digits, dots, dashes and underscores


@dataclass(frozen=True)
class _Protocol:
    """How every evaluation of one collection is made; two journals agree only if these do."""

    task_type: str
    cv: int
    max_rows: int | None
    random_state: int


@dataclass(frozen=True, eq=False)
class _Task:
    """What stays of a dataset when its evaluations are done."""

    name: str
    family: str
    provenance: dict[str, Any]
    meta_features: pd.Series


@dataclass(frozen=True, eq=False)
class _Prepared:
    """A dataset cut to size, with its folds."""

    task: _Task
    X: Any
    y: np.ndarray
    n_classes: int | None
    splits: list[tuple[np.ndarray, np.ndarray]]
    rows: dict[str, Any]  # how many, and their hash: a journal is of these alone


def collect(
    datasets: str | Path | Mapping[str, tuple[Any, Any]] | Iterable[Dataset],
    configurations: Sequence[Configuration] | int | None = 12,
    *,
    task: str | None = None,
    target: str = "target",
    cv: int = 3,
    max_rows: int | None = 3000,
    time_limit: float | None = 60.0,
    checkpoint: str | Path | None = None,
    joint_errors: bool = False,
    n_jobs: int | None = None,
    random_state: int = 0,
    progress: Callable[[str], None] | None = None,
) -> KnowledgeBase:
    """Evaluate configurations on datasets and return what was measured.

    Each configuration is cross-validated once, in one thread, and scored in every standard metric from the same
    predictions. One that raises, or runs over its limit, is recorded with its reason and costs nothing else. What the
    catalogue holds to be too slow for as many rows (`CatalogueEntry.max_rows`) is left out.

    Parameters
    ----------
    datasets : path, mapping of str to (X, y), or iterable of Dataset
        A folder of parquet or CSV files, or tables in memory.
    configurations : int, sequence of Configuration or None, default=12
        A number means that many of each base estimator in the catalogue (at most as many as the whole list has),
        always the same ones; None the whole list, more than 230.
    task : {"classification", "regression"}, default=None
        Which tasks of a mixed collection to use; None means that they must all be of one type.
    target : str, default="target"
        Name of the target's column in files.
    cv : int, default=3
        Shuffled folds, stratified for classes.
    max_rows : int, default=3000
        Larger tables are cut to this many rows, stratified; None keeps all.
    time_limit : float, default=60.0
        Wall-clock seconds for one evaluation, all its folds together, after which it is stopped. None: no limit. What
        journals say was stopped after fewer seconds is measured again.
    checkpoint : path, default=None
        Folder with one journal a task. Every finished evaluation is on disk before the next one is counted, so that
        the same call goes on where a killed one ended, with nothing lost or done twice. A table whose rows are no
        longer those that its journal is of is refused.
    joint_errors : bool, default=False
        Whether to find out how the errors of each two configurations go together, too. A task's journal says it when
        the task is done (see `read_joint_errors`); predictions are not stored, so that a task which a kill cut short
        is evaluated anew.
    n_jobs : int, default=None
        Evaluations at the same time; None obeys ``joblib.parallel_config`` and else means 1.
    random_state : int, default=0
        Of subsampling, folds and estimators.
    progress : callable, default=None
        Told one line after each evaluation.

    Returns
    -------
    KnowledgeBase
        Tasks with their meta-features, evaluations and provenance.

    Raises
    ------
    ValueError
        If `task` is unknown, if there are no datasets or configurations, if they mix task types, share a name or
        cannot be evaluated (a target with gaps, fewer rows than folds), if none of the configurations is of an
        estimator and parameters that exist, or if a journal was written under another protocol, or of other rows.

    Warns
    -----
    EvaluationWarning
        If some of the configurations are of no estimator or parameters that exist, or no evaluation succeeded.

    Examples
    --------
    >>> from sklearn.datasets import load_iris, load_wine
    >>> from sklmeta import Configuration, collect
    >>> tasks = {"iris": load_iris(return_X_y=True), "wine": load_wine(return_X_y=True)}
    >>> kb = collect(tasks, [Configuration("gaussian_nb"), Configuration("lda")], time_limit=None)
    >>> kb.scores("accuracy").round(1)
    array([[1., 1.],
           [1., 1.]])
    """
    if task not in (None, "classification", "regression"):
        raise ValueError(f"task must be 'classification', 'regression' or None, got {task!r}.")
    _check_numbers(configurations, cv, max_rows, time_limit, random_state)
    chosen = _datasets(datasets, task, target, int(cv))
    first = next(chosen)
    protocol = _Protocol(
        task or _task_type(first), int(cv), None if max_rows is None else int(max_rows), int(random_state)
    )
    if isinstance(configurations, Integral):
        configurations = int(configurations)
    if configurations is None or isinstance(configurations, int):
        configurations = default_configurations(protocol.task_type, configurations)
    if isinstance(configurations, Configuration) or not all(isinstance(c, Configuration) for c in configurations):
        raise ValueError(
            f"configurations must be a list of Configuration, or how many of each estimator, got {configurations!r}."
        )
    configurations = list(dict.fromkeys(configurations))
    if not configurations:
        raise ValueError("There are no configurations to evaluate; give a list of them, or how many of each estimator.")
    _check_buildable(configurations, protocol.task_type)
    if checkpoint is not None:
        _check_writable(configurations)
    book = _Book(Path(checkpoint) if checkpoint is not None else None, protocol, time_limit)
    joint = _Joint(book, configurations) if joint_errors else None
    units = _units(_chain(first, chosen), configurations, protocol, book, joint)
    workers = Parallel(
        n_jobs=n_jobs,
        prefer="threads" if time_limit is not None else None,  # a thread only waits for its own child process
        return_as="generator_unordered",
        pre_dispatch="n_jobs",
        batch_size=1,
    )
    evaluate = delayed(_evaluate)
    for evaluation, errors in workers(evaluate(*unit, protocol, time_limit, joint_errors) for unit in units):
        book.add(evaluation)
        if joint is not None:
            joint.add(evaluation, errors)
        if progress is not None:
            progress(book.line(evaluation))
    knowledge = book.knowledge(configurations, None if joint is None else joint.knowledge())
    if knowledge.reasons and not np.any(knowledge.status == "ok"):
        (name, failed), why = next(iter(knowledge.reasons.items()))
        warnings.warn(
            f"No evaluation succeeded, so nothing can be learned from this; the first, {failed!r} on {name!r}: {why}",
            EvaluationWarning,
            stacklevel=2,
        )
    return knowledge


def _check_numbers(configurations: Any, cv: Any, max_rows: Any, time_limit: Any, random_state: Any) -> None:
    """Raise on what would be recorded as the configurations' fault, or not be understood hours later."""
    check_scalar(cv, "cv", Integral, min_val=2)
    check_scalar(random_state, "random_state", Integral, min_val=0)
    if isinstance(configurations, Integral):
        check_scalar(configurations, "configurations", Integral, min_val=1)
    if max_rows is not None:
        check_scalar(max_rows, "max_rows", Integral, min_val=1)
    number = isinstance(time_limit, Real) and not isinstance(time_limit, bool)
    if time_limit is not None and not (number and time_limit > 0):  # NaN is not, either
        raise ValueError(f"time_limit must be seconds above 0 or None, got {time_limit!r} instead.")


def _check_buildable(configurations: Sequence[Configuration], task_type: str) -> None:
    """Say what is mistyped before hours are spent on the rest; it will be recorded as failed on every task."""
    wrong = {}
    for configuration in configurations:
        try:
            build_estimator(configuration, task_type)
        except Exception as error:
            wrong[configuration] = describe_error(error)
    if not wrong:
        return
    first, why = next(iter(wrong.items()))
    found = f"of {len(configurations)} configurations cannot be built; the first, {first!r}: {why}"
    if len(wrong) == len(configurations):
        raise ValueError(f"{len(wrong)} {found}")
    warnings.warn(f"{len(wrong)} {found} They are recorded as failed on every task.", EvaluationWarning, stacklevel=3)


def _check_writable(configurations: Sequence[Configuration]) -> None:
    """Raise on what a journal cannot hold: it would be measured anew at each call."""
    for configuration in configurations:
        if Configuration.from_json(configuration.to_json()) != configuration:
            raise ValueError(
                f"{configuration!r} cannot be written into a journal: besides numbers, text, None and tuples of these, "
                "values are stored as text, and not known again. Leave it out, or collect without a checkpoint."
            )


def _datasets(datasets: Any, task: str | None, target: str, cv: int) -> Iterator[Dataset]:
    """Those of the task type; there must be one."""
    source, others, empty = "", [], True
    if isinstance(datasets, str | Path):
        source, read = f" in {datasets}", partial(read_folder, datasets, target=target, task_type=task)
        check_collectable(read(), cv)
        datasets = read()
    elif isinstance(datasets, Mapping):
        datasets = [Dataset(name, X, y) for name, (X, y) in datasets.items()]
    if isinstance(datasets, Sequence):  # what is read as it is asked for is checked as it comes
        check_collectable((d for d in datasets if task in (None, _task_type(d))), cv)
    for dataset in datasets:
        if task is None or _task_type(dataset) == task:
            empty = False
            yield dataset
        else:
            others.append(dataset.name)
    if empty:
        names = ", ".join(map(repr, others[:3])) + f" and {len(others) - 3} more" * (len(others) > 3)
        got = f", only {names}" if others else ""
        raise ValueError(f"There are no datasets of task type {task!r} to collect from{source}{got}.")


def check_collectable(datasets: Iterable[Dataset], cv: int = 3) -> None:
    """Read all tables once and look at their targets, so that a broken one stops nothing hours later.

    Parameters
    ----------
    datasets : iterable of Dataset
        Read one by one, and not kept.
    cv : int, default=3
        Folds that there must be rows for.

    Raises
    ------
    ValueError
        If one cannot be read, has no column or too few rows, nothing can be learned from its target, or they are of
        both task types.
    """
    first = None
    for dataset in datasets:
        task_type = _task_type(dataset)
        with _naming(dataset):
            y = check_target(dataset.X, dataset.y, task_type)
            if np.shape(dataset.X)[1:] == (0,):
                raise ValueError("there is no column beside the target.")
            list(_folds(task_type, cv, 0).split(y, _coded(y, task_type)[0]))
        first = first or task_type
        _check_same_type(dataset, task_type, first)


def _task_type(dataset: Dataset) -> str:
    with _naming(dataset):
        return dataset.task_type or infer_task_type(dataset.y)


def _check_same_type(dataset: Dataset, task_type: str, wanted: str) -> None:
    if task_type != wanted:
        raise ValueError(
            f"Task {dataset.name!r} is {task_type}, the ones before it are {wanted}. Pass task='classification' or "
            "task='regression'."
        )


@contextmanager
def _naming(dataset: Dataset) -> Iterator[None]:
    """Say whose fault an error is."""
    try:
        yield
    except (ValueError, TypeError) as error:
        raise ValueError(f"Task {dataset.name!r} cannot be evaluated: {error}") from error


def _chain(first: Dataset, rest: Iterator[Dataset]) -> Iterator[Dataset]:
    yield first
    yield from rest


def _units(
    datasets: Iterator[Dataset],
    configurations: Sequence[Configuration],
    protocol: _Protocol,
    book: _Book,
    joint: _Joint | None,
) -> Iterator[tuple[_Prepared, Configuration]]:
    """Every evaluation that is still to be made."""
    for dataset in datasets:
        _check_same_type(dataset, _task_type(dataset), protocol.task_type)
        with _naming(dataset):
            prepared = _prepare(dataset, protocol)
        wanted = [c for c in configurations if is_offered(c, protocol.task_type, len(prepared.y))]
        done = book.open(prepared, wanted)
        book.wanted[dataset.name] = len(wanted)
        if joint is not None and not joint.begin(dataset.name, wanted):
            done = set()
        yield from ((prepared, configuration) for configuration in wanted if configuration not in done)


def _prepare(dataset: Dataset, protocol: _Protocol) -> _Prepared:
    seed, classification = protocol.random_state, protocol.task_type == "classification"
    y, n_classes = _coded(check_target(dataset.X, dataset.y, protocol.task_type), protocol.task_type)
    X, y = subsample(dataset.X, y, protocol.max_rows, stratify=classification, seed=seed)
    folds = _folds(protocol.task_type, protocol.cv, seed)
    task = _Task(
        dataset.name,
        dataset.family or dataset.name,
        {**dataset.provenance, "rows_used": len(y)},
        MetaFeatureExtractor(random_state=seed).extract(X, y, task=protocol.task_type),
    )
    splits = list(folds.split(np.zeros((len(y), 1)), y))
    return _Prepared(task, X, y, n_classes, splits, {"n_rows": len(y), "hash": _hash_of(X, y)})


def _coded(y: np.ndarray, task_type: str) -> tuple[np.ndarray, int | None]:
    """Numbers as they are; classes as theirs, and how many there are."""
    if task_type == "regression":
        return y, None
    codes, labels = pd.factorize(pd.Series(y).astype(str), sort=True)
    return codes, len(labels)


def _folds(task_type: str, cv: int, seed: int) -> KFold | StratifiedKFold:
    return (StratifiedKFold if task_type == "classification" else KFold)(cv, shuffle=True, random_state=seed)


def _hash_of(X: Any, y: np.ndarray) -> str:
    """Of the values and the kinds of columns: the same in every process, however the rows lie in memory."""
    if sparse.issparse(X):
        return digest((X.shape, sparse.find(X), pd.util.hash_array(y)))
    frame = X if isinstance(X, pd.DataFrame) else pd.DataFrame(np.asarray(X))
    kinds = [kind_of(*column) for column in frame.items()]
    rows = pd.util.hash_pandas_object(frame, index=False).to_numpy()
    return digest((kinds, rows, pd.util.hash_array(y)))


def _evaluate(
    prepared: _Prepared,
    configuration: Configuration,
    protocol: _Protocol,
    time_limit: float | None,
    keep_errors: bool,
) -> tuple[Evaluation, np.ndarray | None]:
    """What came of it, and the errors on each row where they are wanted and known."""
    common = Evaluation(
        prepared.task.name,
        configuration,
        status="failed",
        reason="not evaluated",
        n_rows=len(prepared.y),
        versions={"scikit-learn": sklearn.__version__},
    )
    try:
        estimator = with_random_state(build_estimator(configuration, protocol.task_type), protocol.random_state)
        arguments = estimator, prepared.X, prepared.y, prepared.splits, prepared.n_classes
        measuring = partial(measure, keep_errors=keep_errors)
        if time_limit is None:
            found = measuring(*arguments)
        else:
            found = call_with_limit(measuring, *arguments, seconds=time_limit)
    except TimeLimitExceeded as error:
        limit = math.nan if time_limit is None else time_limit
        return replace(common, status="timeout", reason=str(error), time_limit=limit), None
    except Exception as error:
        return replace(common, reason=describe_error(error)), None
    return _recorded(common, found), found.errors


def _recorded(common: Evaluation, measurement: Measurement) -> Evaluation:
    return replace(
        common,
        status="ok",
        reason="",
        scores={metric: _mean(folds) for metric, folds in measurement.scores.items()},
        standard_errors={metric: _standard_error(folds) for metric, folds in measurement.scores.items()},
        fit_seconds=float(measurement.fit_seconds.mean()),
        score_seconds=float(measurement.score_seconds.mean()),
    )


def _mean(folds: np.ndarray) -> float:
    defined = folds[np.isfinite(folds)]
    return float(defined.mean()) if len(defined) else float("nan")


def _standard_error(folds: np.ndarray) -> float:
    defined = folds[np.isfinite(folds)]
    return float(defined.std(ddof=1) / np.sqrt(len(defined))) if len(defined) > 1 else float("nan")


class _Book:
    """What has been measured so far, in memory and, where there is a folder, in one journal a task.

    A journal's first line names the task, the protocol and the rows, each further line is one evaluation, or the joint
    errors of all of them; of two evaluations of one configuration the later one counts. A line that a kill left
    half-written has no newline, and is dropped when the journal is opened again.
    """

    def __init__(self, folder: Path | None, protocol: _Protocol, time_limit: float | None):
        self.folder, self.protocol = folder, protocol
        self.time_limit = math.inf if time_limit is None else time_limit
        self.tasks: dict[Hashable, _Task] = {}
        self.evaluations: dict[Hashable, dict[Configuration, Evaluation]] = {}
        self.wanted: dict[Hashable, int] = {}  # how many by task, for who watches
        if folder is not None:
            folder.mkdir(parents=True, exist_ok=True)

    def open(self, prepared: _Prepared, wanted: Collection[Configuration]) -> set[Configuration]:
        """Begin a task, or go on with it; returns the configurations already evaluated on it.

        Those wanted that were stopped after fewer seconds than they have now are not among them.
        """
        task, name = prepared.task, prepared.task.name
        if name in self.tasks:
            raise ValueError(f"Two datasets are called {name!r}; a task's name must be its own.")
        self.tasks[name], self.evaluations[name] = task, {}
        about = {"journal": _JOURNAL_FORMAT, "task": name, "protocol": vars(self.protocol), _ROWS: prepared.rows}
        header, *lines = self.read(name) or [""]
        found = _json_or_none(header) if header else about
        if not header:
            self.write(name, json.dumps(about))
        elif not isinstance(found, dict) or {**found, _ROWS: prepared.rows} != about:
            raise ValueError(
                f"{self._path(name)} was collected as {header}; this call asks for {json.dumps(about)}. Use the "
                "same settings, or another checkpoint folder."
            )
        for number, line in enumerate(lines, start=2):
            if not line.startswith(_JOINT_BEGINS):
                self._remember(self._evaluation(line, name, number))
        self._check_rows(name, found.get(_ROWS), prepared.rows)
        self._forget_stopped(name, wanted)
        return set(self.evaluations[name])

    def _check_rows(self, name: Hashable, recorded: Any, now: dict[str, Any]) -> None:
        """Raise where a journal is of other rows; an old one says no more than how many."""
        other = next((e.n_rows for e in self.evaluations[name].values() if e.n_rows not in (0, now["n_rows"])), None)
        then = recorded or (now if other is None else {"n_rows": other})
        if then != now:
            raise ValueError(
                f"{self._path(name)} has evaluations on other rows ({json.dumps(then)}) than {name!r} has now "
                f"({json.dumps(now)}): the table has changed. Use another checkpoint folder, or delete the file to "
                "have the table measured anew."
            )

    def _forget_stopped(self, name: Hashable, wanted: Iterable[Configuration]) -> None:
        known = self.evaluations[name]
        for configuration in wanted:
            if configuration in known and known[configuration].time_limit < self.time_limit:  # never, if it is unknown
                del known[configuration]

    def add(self, evaluation: Evaluation) -> None:
        """Keep one evaluation; it is on disk when this returns. One that is repeated for its errors is kept already."""
        if evaluation.configuration not in self.evaluations[evaluation.task]:
            self.write(evaluation.task, evaluation.to_json())
            self._remember(evaluation)

    def line(self, evaluation: Evaluation) -> str:
        """One line of progress."""
        score = next(iter(evaluation.scores.values()), float("nan"))
        outcome = f"{score:.4f}" if evaluation.status == "ok" else f"{evaluation.status}: {evaluation.reason}"
        done = len(self.evaluations[evaluation.task])
        return f"{evaluation.task} {done}/{self.wanted[evaluation.task]} {evaluation.configuration!r} {outcome}"

    def knowledge(self, configurations: Sequence[Configuration], joint_errors: JointErrors | None) -> KnowledgeBase:
        """What was measured of these configurations, as a knowledge base."""
        found = KnowledgeBase.from_evaluations(
            [found[c] for found in self.evaluations.values() for c in configurations if c in found],
            pd.DataFrame({name: task.meta_features for name, task in self.tasks.items()}).T,
            families={name: task.family for name, task in self.tasks.items()},
            provenance={name: task.provenance for name, task in self.tasks.items()},
            task_type=self.protocol.task_type,
            info={"protocol": vars(self.protocol), "scikit-learn": self._versions()},
        )
        # what is left out everywhere has no column in the knowledge
        known = joint_errors and joint_errors.part(found.tasks, found.configurations)
        return found.with_joint_errors(known)

    def _versions(self) -> str:
        """Of the scikit-learn that measured what is here: a journal may be older than this process."""
        every = [e.versions.get("scikit-learn") for found in self.evaluations.values() for e in found.values()]
        return ", ".join(sorted({version for version in every if version})) or sklearn.__version__

    def _evaluation(self, line: str, name: Hashable, number: int) -> Evaluation:
        try:
            return Evaluation.from_json(line)
        except ValueError as error:
            where = f"{self._path(name)}, line {number}"
            raise ValueError(f"{where}: {error} Delete the line to have it measured again.") from error

    def _remember(self, evaluation: Evaluation) -> None:
        self.evaluations[evaluation.task][evaluation.configuration] = evaluation

    def _path(self, name: Hashable) -> Path | None:
        return None if self.folder is None else journal_of(self.folder, name)

    def write(self, name: Hashable, line: str) -> None:
        """Add a line to a task's journal, if there is one."""
        path = self._path(name)
        if path is None:
            return
        with path.open("a", encoding="utf-8") as file:
            file.write(line + "\n")
            file.flush()
            os.fsync(file.fileno())

    def read(self, name: Hashable) -> list[str]:
        """The lines of a task's journal; what follows the last newline, where a run was killed, is cut off the file."""
        path = self._path(name)
        if path is None or not path.exists():
            return []
        whole = _whole(path.read_bytes())
        if len(whole) < path.stat().st_size:
            with path.open("r+b") as file:
                file.truncate(len(whole))
        return _lines(whole)


class _Joint:
    """The errors of a task's configurations until all are known, and then how they go together."""

    def __init__(self, book: _Book, configurations: Sequence[Configuration]):
        self.book, self.configurations = book, configurations
        self._wanted: dict[Hashable, list[Configuration]] = {}
        self._errors: dict[Hashable, dict[Configuration, np.ndarray | None]] = {}
        self._found: dict[Hashable, _Products] = {}

    def begin(self, task: Hashable, wanted: list[Configuration]) -> bool:
        """Wait for the errors of these, unless the task has nothing left to say; whether that is so."""
        self._wanted[task] = wanted
        said = _joint_errors_in(self.book.read(task))
        if said is not None and _tells_of(wanted, said[0], self.book.evaluations[task]):
            self._found[task] = said
        return task in self._found

    def add(self, evaluation: Evaluation, errors: np.ndarray | None) -> None:
        """Take in one evaluation's errors; of the last one of its task, write what there is to say."""
        task = evaluation.task
        if task in self._found:
            return
        so_far = self._errors.setdefault(task, {})
        so_far[evaluation.configuration] = errors
        if len(so_far) == len(self._wanted[task]):
            known = {c: e for c in self._wanted[task] if (e := so_far[c]) is not None}
            products = error_products(list(known.values())) if known else np.zeros((0, 0))
            self._found[task] = list(known), products
            self.book.write(task, _joint_line(*self._found[task]))
            del self._errors[task]

    def knowledge(self) -> JointErrors:
        """Of all tasks; NaN for what did not end well."""
        column = {c: j for j, c in enumerate(self.configurations)}
        products = np.full((len(self._found), len(column), len(column)), np.nan)
        for there, (known, found) in zip(products, self._found.values(), strict=True):
            asked = [k for k, c in enumerate(known) if c in column]
            at = [column[known[k]] for k in asked]
            there[np.ix_(at, at)] = found[np.ix_(asked, asked)]
        return JointErrors(list(self._found), self.configurations, products)


def _tells_of(
    wanted: Iterable[Configuration], known: Collection[Configuration], evaluations: Mapping[Configuration, Evaluation]
) -> bool:
    """Whether of each of these the joint errors are known, or it is known that there are none."""
    return all(c in known or (c in evaluations and evaluations[c].status != "ok") for c in wanted)


def _joint_line(configurations: Sequence[Configuration], products: np.ndarray) -> str:
    """The upper triangle, row by row, with five digits."""
    upper = [float(f"{value:.5g}") for value in products[np.triu_indices(len(products))]]
    return json.dumps({_JOINT: [json.loads(c.to_json()) for c in configurations], "products": upper})


def read_joint_errors(journal: str | Path) -> _Products | None:
    """How the errors of the configurations go together on the task of a journal.

    Parameters
    ----------
    journal : path
        That :func:`collect` wrote.

    Returns
    -------
    tuple of (list of Configuration, ndarray of shape (n_configurations, n_configurations)) or None
        Those that ended well, and the mean products of their errors (see :func:`sklmeta.measuring.error_products`);
        None where the journal has none.
    """
    return _joint_errors_in(_whole_lines(Path(journal)))


def _joint_errors_in(lines: Sequence[str]) -> _Products | None:
    """By the last line that tells of them: a journal of fewer configurations may have grown."""
    for line in reversed(lines):
        if line.startswith(_JOINT_BEGINS):
            said = json.loads(line)
            configurations = [Configuration.from_json(json.dumps(c)) for c in said[_JOINT]]
            products = np.zeros((len(configurations),) * 2)
            products[np.triu_indices(len(configurations))] = said["products"]
            return configurations, products + np.triu(products, 1).T
    return None


def evaluated_in(journal: str | Path, *, joint_errors: bool = False) -> list[Configuration]:
    """What a journal has to tell of.

    Parameters
    ----------
    journal : path
        That :func:`collect` wrote.
    joint_errors : bool, default=False
        Whether joint errors count, too.

    Returns
    -------
    list of Configuration
        Those with an evaluation; and, if asked for, with joint errors, unless they have none for they did not end well.
    """
    lines = _whole_lines(Path(journal))[1:]
    found = _evaluations_in(lines)
    if not joint_errors:
        return list(found)
    said = _joint_errors_in(lines)
    return [] if said is None else [c for c in found if _tells_of([c], said[0], found)]


def journal_of(folder: str | Path, task: Hashable) -> Path:
    """Where :func:`collect` writes what it measures on a task."""
    name = quote(str(task), safe=_PLAIN)
    if len(name) > _LONGEST:
        name = f"{name[:_LONGEST]}-{digest(str(task))}"
    return Path(folder) / f"{name}.jsonl"


def measured_in(
    folder: str | Path, tasks: Collection[Hashable] | None = None
) -> tuple[list[Hashable], list[Configuration]]:
    """What there is knowledge of without measuring anything.

    Parameters
    ----------
    folder : path
        Of journals that :func:`collect` wrote.
    tasks : collection of hashable, default=None
        Look at the journals of these only.

    Returns
    -------
    tasks : list of hashable
        Those with a journal.
    configurations : list of Configuration
        Those that all of these journals have, or would not have for so many rows (`CatalogueEntry.max_rows`).

    Raises
    ------
    ValueError
        If there is no journal, or no configuration that all have.
    """
    found: dict[Hashable, dict[Configuration, Evaluation]] = {}
    size: dict[Hashable, tuple[str, int]] = {}
    for journal in sorted(Path(folder).glob("*.jsonl")):
        header, *lines = _whole_lines(journal) or ["{}"]
        try:
            about = json.loads(header)  # nothing, where a kill came before it was written
            task = about.get("task")
            if about and (tasks is None or task in tasks):
                found[task] = _evaluations_in(lines)
                size[task] = about["protocol"]["task_type"], max((e.n_rows for e in found[task].values()), default=0)
        except (ValueError, TypeError, LookupError, AttributeError) as error:
            raise ValueError(
                f"{journal} is no journal that sklmeta.collect wrote, or is damaged ({describe_error(error)}). Mend "
                "it, or take it out of the folder."
            ) from error
    every = dict.fromkeys(c for one in found.values() for c in one)
    common = [c for c in every if all(c in one or not is_offered(c, *size[task]) for task, one in found.items())]
    if not common:
        raise ValueError(f"The {len(found)} journals in {folder} have no configuration in common; measure some.")
    return list(found), common


def _evaluations_in(lines: Iterable[str]) -> dict[Configuration, Evaluation]:
    """By configuration, what the lines of a journal after its first one tell."""
    every = (Evaluation.from_json(line) for line in lines if not line.startswith(_JOINT_BEGINS))
    return {evaluation.configuration: evaluation for evaluation in every}


def _whole_lines(path: Path) -> list[str]:
    """The lines of a journal, as far as they were written to their end."""
    return _lines(_whole(path.read_bytes()))


def _whole(content: bytes) -> bytes:
    return content[: content.rfind(b"\n") + 1]


def _lines(content: bytes) -> list[str]:
    return content.decode("utf-8", errors="replace").splitlines()


def _json_or_none(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return None
