"""The search for one task: evaluating candidates, and what came of each."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from joblib import effective_n_jobs
from joblib.externals.loky.process_executor import TerminatedWorkerError
from scipy.stats import rankdata
from sklearn import config_context, get_config
from sklearn.utils.parallel import Parallel, delayed  # joblib's, with scikit-learn's configuration in the workers

from sklmeta.candidates import Candidate
from sklmeta.evaluation import FoldResult, describe_error, evaluate_fold
from sklmeta.exceptions import EvaluationWarning
from sklmeta.limits import call_with_limit
from sklmeta.warning_records import warnings_by_thread


def evaluate_candidates(
    estimators: Sequence[Any],
    X: Any,
    y: Any,
    splits: Sequence[tuple[np.ndarray, np.ndarray]],
    scorer: Callable,
    fit_params: Sequence[Mapping[str, Any]],
    score_params: Mapping[str, Any],
    *,
    n_jobs: int | None = None,
    verbose: int = 0,
) -> list[list[FoldResult]]:
    """Cross-validate estimators, each fit of each fold a unit of its own.

    Parameters
    ----------
    estimators : sequence of estimator
        Unfitted.
    X, y : array-likes
        All rows.
    splits : sequence of (train, test)
        Row positions.
    scorer : callable
        See `evaluate_fold`.
    fit_params : sequence of mapping
        One mapping an estimator.
    score_params : mapping
        For the scorer.
    n_jobs : int, default=None
        Units at the same time; None obeys ``joblib.parallel_config``.
    verbose : int, default=0
        Handed to joblib.

    Returns
    -------
    list of list of FoldResult
        By estimator, then by fold. A fit that raised, or took its worker process down, has a reason.
    """
    units = [
        (estimator, X, y, train, test, scorer, params, score_params)
        for estimator, params in zip(estimators, fit_params, strict=True)
        for train, test in splits
    ]
    with warnings_by_thread():
        results = _evaluate_units(units, n_jobs, verbose)
    k = len(splits)
    return [results[i : i + k] for i in range(0, len(results), k)]


def _evaluate_units(units: Sequence[tuple], n_jobs: int | None, verbose: int) -> list[FoldResult]:
    results: list[FoldResult] = []
    try:
        workers = Parallel(n_jobs=n_jobs, verbose=verbose, return_as="generator")
        for result in workers(delayed(evaluate_fold)(*unit) for unit in units):
            results.append(result)
    except TerminatedWorkerError:
        # one unit killed the pool, and nobody knows which: the rest get a process each, waited for by threads
        watchers = Parallel(n_jobs=effective_n_jobs(n_jobs), verbose=verbose, backend="threading")
        results += watchers(delayed(_in_a_process_of_its_own)(unit) for unit in units[len(results) :])
    return results


def _in_a_process_of_its_own(unit: tuple) -> FoldResult:
    try:
        return call_with_limit(_evaluate_as_configured, get_config(), unit, seconds=None)
    except Exception as error:
        return FoldResult(reason=describe_error(error))


def _evaluate_as_configured(configuration: Mapping[str, Any], unit: tuple) -> FoldResult:
    with config_context(**configuration):
        return evaluate_fold(*unit)


def scores_so_far(
    candidates: Sequence[Candidate], results: Sequence[Sequence[FoldResult]], deciding: str | None
) -> dict[tuple[str, str], tuple[float, float]]:
    """Mean and standard error over folds of what was evaluated, by the candidate's key; NaN for what failed.

    Parameters
    ----------
    candidates : sequence of Candidate
        Evaluated.
    results : sequence of sequence of FoldResult
        By candidate, then by fold.
    deciding : str or None
        The metric that decides; where there is none of that name, the first one.

    Returns
    -------
    dict
        What `Plan.next` takes.
    """
    found = {}
    for candidate, folds in zip(candidates, results, strict=True):
        failed = any(f.reason for f in folds)
        values = np.array([f.scores.get(deciding or "score", next(iter(f.scores.values()))) for f in folds if f.scores])
        values = values[np.isfinite(values)]
        mean = values.mean() if len(values) and not failed else np.nan
        error = values.std(ddof=1) / np.sqrt(len(values)) if len(values) > 1 and not failed else np.nan
        found[candidate.key] = float(mean), float(error)
    return found


def tabulate(candidates: Sequence[Candidate], results: Sequence[Sequence[FoldResult]]) -> dict[str, Any]:
    """``cv_results_`` in the layout of scikit-learn's searches.

    Parameters
    ----------
    candidates : sequence of Candidate
        Rows.
    results : sequence of sequence of FoldResult
        By candidate, then by fold.

    Returns
    -------
    dict of str to array or list
        As in :class:`sklearn.model_selection.GridSearchCV`, and besides: ``estimator`` (the member's name),
        ``expected_score`` (of the recommendation), ``failure`` (empty, or why there is no score) and
        ``warnings`` (what the fits warned of).
    """
    metrics = list(dict.fromkeys(name for folds in results for fold in folds for name in fold.scores)) or ["score"]
    table: dict[str, Any] = {
        **_summary("fit_time", [[f.fit_seconds for f in folds] for folds in results]),
        **_summary("score_time", [[f.score_seconds for f in folds] for folds in results]),
        "estimator": np.array([c.member.name for c in candidates], dtype=object),
        **_param_columns(candidates),
        "params": [c.qualified_params for c in candidates],
        "expected_score": np.array(
            [np.nan if c.recommendation is None else c.recommendation.expected_score for c in candidates]
        ),
        "failure": [_failure(folds) for folds in results],
        "warnings": [tuple(dict.fromkeys(w for f in folds for w in f.warnings)) for folds in results],
    }
    for metric in metrics:
        scores = np.array([[f.scores.get(metric, np.nan) for f in folds] for folds in results])
        table.update(_score_columns(metric, scores, failed=np.array([bool(r) for r in table["failure"]])))
    return table


def _failure(folds: Sequence[FoldResult]) -> str:
    """Why a configuration has no score; empty where it has one."""
    nothing = "" if any(np.isfinite(score) for f in folds for score in f.scores.values()) else "Every score is NaN."
    return next((f.reason for f in folds if f.reason), nothing)


def _summary(name: str, seconds: Sequence[Sequence[float]]) -> dict[str, np.ndarray]:
    values = np.array(seconds, dtype=float)
    known = [row[np.isfinite(row)] for row in values]
    return {
        f"mean_{name}": np.array([row.mean() if len(row) else np.nan for row in known]),
        f"std_{name}": np.array([row.std() if len(row) else np.nan for row in known]),
    }


def _param_columns(candidates: Sequence[Candidate]) -> dict[str, np.ma.MaskedArray]:
    names = sorted({name for c in candidates for name in c.qualified_params})
    columns = {}
    for name in names:
        column = np.ma.MaskedArray(np.empty(len(candidates), dtype=object), mask=True)
        for i, candidate in enumerate(candidates):
            if name in candidate.qualified_params:
                column[i] = candidate.qualified_params[name]
        columns[f"param_{name}"] = column
    return columns


def _score_columns(metric: str, scores: np.ndarray, failed: np.ndarray) -> dict[str, np.ndarray]:
    """Per-fold scores, their mean over the folds where the metric is defined, and ranks with NaN last."""
    scores = np.where(failed[:, None], np.nan, scores)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # a mean of no numbers is NaN
        mean, std = np.nanmean(scores, axis=1), np.nanstd(scores, axis=1)
    columns = {f"split{k}_test_{metric}": scores[:, k] for k in range(scores.shape[1])}
    ranks = rankdata(np.where(np.isnan(mean), np.inf, -mean), method="min").astype(np.int32)
    return {**columns, f"mean_test_{metric}": mean, f"std_test_{metric}": std, f"rank_test_{metric}": ranks}


def warn_of_failures(table: Mapping[str, Any]) -> None:
    """One warning for all configurations that failed; an error where none is left.

    Raises
    ------
    ValueError
        If every configuration failed.
    """
    failures = [
        f"{name} {params}: {why}"
        for name, params, why in zip(table["estimator"], table["params"], table["failure"], strict=True)
        if why
    ]
    if len(failures) == len(table["params"]):
        raise ValueError("All configurations failed, so there is nothing to choose from. The first: " + failures[0])
    if failures:
        warnings.warn(
            f"{len(failures)} of {len(table['params'])} configurations failed and were not considered (see "
            f"cv_results_['failure']). The first: {failures[0]}",
            EvaluationWarning,
            stacklevel=4,
        )
