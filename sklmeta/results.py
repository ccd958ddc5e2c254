"""What came of a search: scores so far, and the table of all results."""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from scipy.stats import rankdata

from sklmeta.candidates import Candidate
from sklmeta.evaluation import FoldResult
from sklmeta.exceptions import EvaluationWarning


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
        values = np.array([f.score(deciding) for f in folds], dtype=float)
        values = values[np.isfinite(values)]
        mean = values.mean() if len(values) and not failed else np.nan
        error = values.std(ddof=1) / np.sqrt(len(values)) if len(values) > 1 and not failed else np.nan
        found[candidate.key] = float(mean), float(error)
    return found


def tabulate(
    candidates: Sequence[Candidate], results: Sequence[Sequence[FoldResult]], metrics: Iterable[str] = ()
) -> dict[str, Any]:
    """``cv_results_`` in the layout of scikit-learn's searches.

    Parameters
    ----------
    candidates : sequence of Candidate
        Rows.
    results : sequence of sequence of FoldResult
        By candidate, then by fold.
    metrics : iterable of str, default=()
        Names of the metrics, as far as they are known even where nothing was scored.

    Returns
    -------
    dict of str to array or list
        As in :class:`sklearn.model_selection.GridSearchCV`, and besides: ``estimator`` (the member's name),
        ``expected_score`` (of the recommendation), ``status`` ("ok", "failed", "timeout" or "incomplete"), ``failure``
        (empty, or why there is no score) and ``warnings`` (what the fits warned of).
    """
    found = (name for folds in results for fold in folds for name in fold.scores)
    metrics = list(dict.fromkeys([*metrics, *found])) or ["score"]
    table: dict[str, Any] = {
        **_summary("fit_time", [[f.fit_seconds for f in folds] for folds in results]),
        **_summary("score_time", [[f.score_seconds for f in folds] for folds in results]),
        "estimator": np.array([c.member.name for c in candidates], dtype=object),
        **_param_columns(candidates),
        "params": [c.qualified_params for c in candidates],
        "expected_score": np.array(
            [np.nan if c.recommendation is None else c.recommendation.expected_score for c in candidates]
        ),
        "status": np.array([_status(folds) for folds in results], dtype=object),
        "failure": [_failure(folds) for folds in results],
        "warnings": [tuple(dict.fromkeys(w for f in folds for w in f.warnings)) for folds in results],
    }
    for metric in metrics:
        scores = np.array([[f.scores.get(metric, np.nan) for f in folds] for folds in results])
        table.update(_score_columns(metric, scores, failed=np.array([bool(r) for r in table["failure"]])))
    return table


def _status(folds: Sequence[FoldResult]) -> str:
    """Of the folds together: "timeout" or "failed" if any was, else "incomplete" if any is, else "ok"."""
    every = {fold.status for fold in folds}
    return next((status for status in ("timeout", "failed", "incomplete") if status in every), "ok")


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


def leaderboard(table: Mapping[str, Any], metric: str | None, weights: np.ndarray) -> pd.DataFrame:
    """What was evaluated, the best first.

    Parameters
    ----------
    table : mapping
        ``cv_results_``.
    metric : str or None
        Which of several metrics; None is the only, or the first one.
    weights : ndarray of shape (n_candidates,)
        In the model.

    Returns
    -------
    DataFrame
        See `MetaEstimator.leaderboard`.
    """
    metric = metric or next(name.removeprefix("mean_test_") for name in table if name.startswith("mean_test_"))
    board = pd.DataFrame(
        {
            "estimator": table["estimator"],
            "score": table[f"mean_test_{metric}"],
            "std": table[f"std_test_{metric}"],
            "weight": weights,
            "fit_seconds": table["mean_fit_time"],
            "score_seconds": table["mean_score_time"],
            "status": table["status"],
            "params": table["params"],
        }
    )
    return board.sort_values("score", ascending=False, kind="stable", na_position="last").reset_index(drop=True)


def with_scores(table: Mapping[str, Any]) -> tuple[dict[str, Any], np.ndarray]:
    """The rows of a table that have a mean score in every metric, and which they are; all rows, where none has.

    Parameters
    ----------
    table : mapping of str to array or list
        As `tabulate` makes it.

    Returns
    -------
    rows : dict of str to array or list
        The same columns.
    positions : ndarray of int
        Of these rows in the table.
    """
    means = [np.asarray(column, float) for name, column in table.items() if name.startswith("mean_test_")]
    at = np.flatnonzero(np.all(np.isfinite(means), axis=0))
    if len(at) in (0, len(table["params"])):
        return dict(table), np.arange(len(table["params"]))
    return {name: [c[i] for i in at] if isinstance(c, list) else c[at] for name, c in table.items()}, at


def warn_of_failures(table: Mapping[str, Any], hopeless: bool = False) -> None:
    """One warning for all configurations that failed; an error where none is left.

    Parameters
    ----------
    table : mapping of str to array or list
        As `tabulate` makes it.
    hopeless : bool, default=False
        Whether the search was given up because all that it tried failed.

    Raises
    ------
    ValueError
        If every configuration failed, or it was given up.
    """
    failures = [
        f"{name} {params}: {why}"
        for name, params, why, status in zip(
            table["estimator"], table["params"], table["failure"], table["status"], strict=True
        )
        if why and status in ("ok", "failed")
    ]
    if failures and (hopeless or len(failures) == len(table["params"])):
        raise ValueError("All configurations failed, so there is nothing to choose from. The first: " + failures[0])
    if failures:
        warnings.warn(
            f"{len(failures)} of {len(table['params'])} configurations failed and were not considered (see "
            f"cv_results_['failure']). The first: {failures[0]}",
            EvaluationWarning,
            stacklevel=4,
        )
