"""Fit one configuration on one fold, and say what came of it."""

from __future__ import annotations

import time
import uuid
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial, wraps
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.base import clone

from sklmeta._joblib import cloudpickle
from sklmeta._sklearn import check_method_params, safe_indexing
from sklmeta.checks import rows_with_weight
from sklmeta.datasets import subsample
from sklmeta.exceptions import EvaluationWarning
from sklmeta.preparations import Preparations, Prepared, fit_last_step, shared_step
from sklmeta.scoring import asks_for_responses, looks_at_no_rows
from sklmeta.warning_records import recorded_warnings

_ASKED_ABOUT = 1000  # rows, where the time of an answer counts
_RESPONSES = ("predict", "predict_proba", "predict_log_proba", "decision_function")


@dataclass(frozen=True)
class FoldResult:
    """What one fit on one fold gave.

    Parameters
    ----------
    scores : mapping of str to float, default={}
        By metric, greater is better; empty where the fit failed.
    fit_seconds, score_seconds : float, default=nan
        Wall-clock seconds.
    reason : str, default=""
        Why it failed; empty where it did not.
    warnings : tuple of str, default=()
        What the fit warned of.
    outputs : ndarray of shape (n_test, n_outputs) or None, default=None
        Where asked for, probabilities in the order of all classes, or numbers in one column; None where the model has
        no probabilities.
    model : object, default=None
        Where asked for, the fitted model, or the path of its file.
    ended : {"", "timeout", "incomplete"}, default=""
        How it ended where it neither came to an end nor raised: stopped, or never begun.
    megabytes : float, default=nan
        Size of the fitted model, pickled; where asked for.
    answer_seconds : float, default=nan
        What answering 1,000 rows takes; where asked for.
    handover_seconds : float, default=0.0
        What pickling and writing it took, where it lies in a file; reading it takes about as long.
    spared_seconds : float, default=0.0
        Those of the two first that were not spent, because the rows had been prepared for another candidate.
    """

    scores: Mapping[str, float] = field(default_factory=dict)
    fit_seconds: float = np.nan
    score_seconds: float = np.nan
    reason: str = ""
    warnings: tuple[str, ...] = ()
    outputs: np.ndarray | None = None
    model: Any = None
    ended: str = ""
    megabytes: float = np.nan
    answer_seconds: float = np.nan
    handover_seconds: float = 0.0
    spared_seconds: float = 0.0

    @property
    def status(self) -> str:
        """Either "ok", "failed", "timeout" or "incomplete"."""
        return self.ended or ("failed" if self.reason else "ok")

    def score(self, deciding: str | None) -> float:
        """In the metric that decides, or the first one where that is None; NaN where there is none."""
        if not self.scores:
            return np.nan
        return float(self.scores.get(deciding or "score", next(iter(self.scores.values()))))


@dataclass(frozen=True, eq=False)
class Trial:
    """All that the folds of a search have in common.

    Parameters
    ----------
    rows : tuple of (X, y)
        All rows and their target.
    splits : sequence of (train, test)
        Row positions, by fold.
    scorer : callable
        ``scorer(estimator, X, y, **score_params)`` returns a number or a mapping of numbers.
    score_params : mapping
        For the scorer; values with one entry per row are split like the rows.
    fit_params : mapping of str to mapping
        For `fit`, by the member's name; likewise.
    classes : ndarray of shape (n_classes,) or None, default=None
        All labels; None for regression.
    keep_outputs : bool, default=False
        Whether the models' answers on test rows are wanted.
    keep_models : bool, default=False
        Whether the fitted models are.
    measure_size, measure_speed : bool, default=False
        Whether to find out how large the fitted models are, and how long they take to answer.
    folder : path or None, default=None
        Where models are kept, by units that run elsewhere; None is in memory.
    modules : tuple of str, default=()
        Where the estimators' classes come from; a new process imports them before the first unit's time begins.
    preparations : Preparations, default=Preparations()
        Rows that this process has prepared already.
    """

    rows: tuple[Any, Any]
    splits: Sequence[tuple[np.ndarray, np.ndarray]]
    scorer: Callable
    score_params: Mapping[str, Any]
    fit_params: Mapping[str, Mapping[str, Any]]
    classes: np.ndarray | None = None
    keep_outputs: bool = False
    keep_models: bool = False
    measure_size: bool = False
    measure_speed: bool = False
    folder: Path | None = None
    modules: tuple[str, ...] = ()
    preparations: Preparations = field(default_factory=Preparations)

    def some_rows(self, n: int) -> np.ndarray:
        """Positions of so many rows, or of all; in a part of them, every class, and none without a weight."""
        y = self.rows[1]
        if n >= len(y):
            return np.arange(len(y))
        rows = np.flatnonzero(rows_with_weight(self.fit_params.values(), len(y)))
        return subsample(rows, y[rows], n, stratify=self.classes is not None, seed=0)[0]


def evaluate_on(trial: Trial, fold: int, member: str, estimator: Any) -> FoldResult:
    """One fold of a trial; see `evaluate_fold`."""
    outputs = Outputs(trial.classes) if trial.keep_outputs else None
    result = evaluate_fold(
        estimator,
        *trial.rows,
        *trial.splits[fold],
        trial.scorer,
        trial.fit_params[member],
        trial.score_params,
        outputs=outputs,
        keep_model=trial.keep_models or trial.measure_size or trial.measure_speed,
        prepared=partial(trial.preparations.of, fold=fold),
    )
    if trial.measure_speed and result.outputs is not None:  # of what can be averaged
        rows = safe_indexing(trial.rows[0], np.resize(trial.splits[fold][1], _ASKED_ABOUT))
        result = replace(result, answer_seconds=_seconds_of(partial(Outputs(trial.classes), result.model, rows)))
    return _put_away(result, trial)


def _seconds_of(call: Callable[[], Any]) -> float:
    with recorded_warnings():
        started = time.perf_counter()
        call()
        return time.perf_counter() - started


def _put_away(result: FoldResult, trial: Trial) -> FoldResult:
    """The same with its model where the trial wants it."""
    if result.model is None or (trial.folder is None and trial.keep_models and not trial.measure_size):
        return result
    if not trial.keep_models and not trial.measure_size:
        return replace(result, model=None)
    started = time.perf_counter()
    try:
        pickled = cloudpickle.dumps(result.model)
    except Exception:  # of a model that cannot be pickled there is no file, and no size
        return replace(result, model=None if trial.folder is not None else result.model)
    megabytes = len(pickled) / 1e6 if trial.measure_size else np.nan
    if not trial.keep_models:
        return replace(result, model=None, megabytes=megabytes)
    if trial.folder is None:
        return replace(result, megabytes=megabytes)
    file = trial.folder / f"{uuid.uuid4().hex}.model"
    try:
        file.write_bytes(pickled)
    except OSError:  # the disk is full: what was found out is worth more than the model
        file.unlink(missing_ok=True)
        return replace(result, model=None, megabytes=megabytes)
    return replace(result, model=file, megabytes=megabytes, handover_seconds=time.perf_counter() - started)


def refit_on(trial: Trial, member: str, estimator: Any, rows: np.ndarray | None = None) -> tuple[Any, float]:
    """A clone fitted on all rows, or on some, and the seconds that it took."""
    X, y = trial.rows
    params = dict(trial.fit_params[member])
    if rows is not None:
        params = check_method_params(X, params=params, indices=rows)
        X, y = safe_indexing(X, rows), safe_indexing(y, rows)
    started = time.perf_counter()
    with recorded_warnings() as caught:  # and not shown: what this configuration warns of is known from its folds
        step = shared_step(estimator, params) if rows is None else None
        if step is None:
            own = X.copy() if rows is None else X  # what it does to its rows is its own
            fitted = clone(estimator).fit(own, y, **params)
        else:
            ready = trial.preparations.of(step, X, y, "all rows", None, None)
            fitted = fit_last_step(estimator, ready, y, params)
    _pass_on_interruption(caught)
    return fitted, time.perf_counter() - started


def _pass_on_interruption(caught: Sequence[warnings.WarningMessage]) -> None:
    """Ctrl-C ends a fit of scikit-learn's networks with a warning, and a network that is trained by half."""
    if any(str(warning.message) == "Training interrupted by user." for warning in caught):
        raise KeyboardInterrupt


def unfiled(model: Any) -> Any:
    """A model that may lie in a file."""
    return cloudpickle.loads(model.read_bytes()) if isinstance(model, Path) else model


class Outputs:
    """What a model says about rows, as numbers: probabilities of all classes, or its predictions in one column.

    Parameters
    ----------
    classes : ndarray of shape (n_classes,) or None
        All labels, of which the model may have seen some; None for regression.
    """

    def __init__(self, classes: np.ndarray | None):
        self.classes = classes

    def __call__(self, model: Any, X: Any) -> np.ndarray | None:
        """Shape (n_samples, n_outputs); None for a classifier without probabilities, or answers that are not finite."""
        if self.classes is None:
            values = np.asarray(model.predict(X), dtype=float).reshape(-1, 1)
        elif hasattr(model, "predict_proba"):
            values = model.predict_proba(X)
        else:
            return None
        if not np.isfinite(values).all():
            return None
        if self.classes is None:
            return values
        return align_columns(values, np.searchsorted(self.classes, model.classes_), len(self.classes), 0.0)


def evaluate_fold(
    estimator: Any,
    X: Any,
    y: Any,
    train: np.ndarray,
    test: np.ndarray,
    scorer: Callable,
    fit_params: Mapping[str, Any],
    score_params: Mapping[str, Any],
    *,
    outputs: Outputs | None = None,
    keep_model: bool = False,
    prepared: Callable[..., Prepared] | None = None,
) -> FoldResult:
    """Fit a clone on the training rows and score it on the test rows; a failure is a result too.

    Parameters
    ----------
    estimator : estimator
        Unfitted.
    X, y : array-likes
        All rows.
    train, test : ndarray of int
        Row positions.
    scorer : callable
        ``scorer(estimator, X, y, **score_params)`` returns a number or a mapping of numbers.
    fit_params, score_params : mapping
        Passed on; values with one entry per row are split like the rows.
    outputs : Outputs, default=None
        Asked about the test rows; the scorer and it share the model's answers.
    keep_model : bool, default=False
        Whether the fitted model is part of the result.
    prepared : callable, default=None
        ``prepared(step, X, y, train=train, test=test)`` gives these rows as a pipeline's first step prepares them,
        where that may be shared.

    Returns
    -------
    FoldResult
        With a `reason` where fitting or scoring raised.

    Raises
    ------
    ValueError
        If the scorer returns something that is no number: then it would do so for every estimator.
    """
    answered = None
    with recorded_warnings() as caught:
        try:
            params = check_method_params(X, params=dict(fit_params), indices=train)
            step = shared_step(estimator, params) if prepared is not None and looks_at_no_rows(scorer) else None
            started = time.perf_counter()
            if prepared is None or step is None:
                fitted = asked = clone(estimator).fit(safe_indexing(X, train), safe_indexing(y, train), **params)
                tested, prepare, prepare_test, spared = partial(safe_indexing, X, test), 0.0, 0.0, 0.0
            else:
                ready = prepared(step, X, y, train=train, test=test)
                prepare, prepare_test, spared = ready.seconds, ready.test_seconds, ready.spared
                started = time.perf_counter()
                fitted = fit_last_step(estimator, ready, safe_indexing(y, train), params)
                asked, tested = fitted.steps[-1][1], ready.test.copy
            _pass_on_interruption(caught)
            between = time.perf_counter()
            shares_answers = outputs is not None and asks_for_responses(scorer)
            answering, rows = Answering(asked) if shares_answers else asked, tested()
            score = scorer(
                answering,
                rows,
                safe_indexing(y, test),
                **check_method_params(X, params=dict(score_params), indices=test),
            )
            if outputs is not None:
                answered = _if_it_can(outputs, answering, rows if shares_answers else tested())
        except Exception as error:
            return FoldResult(reason=describe_error(error), warnings=_messages(caught))
    scores = score if isinstance(score, Mapping) else {"score": score}
    return FoldResult(
        {name: _as_number(value) for name, value in scores.items()},
        between - started + prepare,
        time.perf_counter() - between + prepare_test,
        warnings=_messages(caught),
        outputs=answered,
        model=fitted if keep_model else None,
        spared_seconds=spared,
    )


def _if_it_can(outputs: Outputs, model: Any, X: Any) -> np.ndarray | None:
    """A model's answers; None, with a warning, where only its score can be had: it can still be the best one."""
    try:
        return outputs(model, X)
    except Exception as error:
        warnings.warn(f"It cannot be part of an average: {describe_error(error)}", EvaluationWarning, stacklevel=2)
        return None


class Answering:
    """A fitted model that computes each of its answers about the same rows once.

    Parameters
    ----------
    model : estimator
        Fitted.
    """

    def __init__(self, model: Any):
        self._model = model
        self._answers: dict[str, tuple[Any, Any]] = {}

    def __getattr__(self, name: str) -> Any:
        if name in ("_model", "_answers"):
            raise AttributeError(name)  # while it is being unpickled
        attribute = getattr(self._model, name)
        return self._remembering(name, attribute) if name in _RESPONSES else attribute

    def _remembering(self, name: str, method: Callable) -> Callable:
        @wraps(method)
        def answer(X: Any) -> Any:
            rows, known = self._answers.get(name, (None, None))
            if rows is not X:
                self._answers[name] = X, (known := method(X))
            return known

        return answer


def describe_error(error: BaseException) -> str:
    """One line about an exception, at most 300 characters."""
    return f"{type(error).__name__}: {error}".strip().replace("\n", " ")[:300]


def with_random_state(estimator: Any, random_state: int | None) -> Any:
    """A clone whose open ``random_state`` parameters, at any depth, are set; what was set stays set."""
    estimator = clone(estimator)
    if random_state is None:
        return estimator
    names = [n for n in sorted(estimator.get_params()) if n == "random_state" or n.endswith("__random_state")]
    still_open = {name: random_state for name in names if estimator.get_params()[name] is None}
    return estimator.set_params(**still_open)


def _messages(caught: Sequence[warnings.WarningMessage]) -> tuple[str, ...]:
    texts = (f"{w.category.__name__}: {w.message}".split("\n")[0][:300] for w in caught)
    return tuple(dict.fromkeys(texts))


def _as_number(value: Any) -> float:
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ValueError(f"scoring must return a number, got {value!r} ({type(value).__name__}) instead.")
    return float(value)


def align_columns(values: np.ndarray, present: np.ndarray, n_classes: int, absent: float) -> np.ndarray:
    """One column for each class index, `absent` in those that training lacked; (n_samples, n_classes)."""
    if not np.isfinite(values).all():
        raise ValueError("probabilities or decision values are not finite")
    aligned = np.full((len(values), n_classes), absent)
    aligned[:, np.asarray(present, int)] = values
    return aligned
