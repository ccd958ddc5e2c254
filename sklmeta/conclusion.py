"""From what a search found to the model: members, their weights, and fits on all rows."""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from sklmeta._sklearn import check_method_params, safe_indexing
from sklmeta.blends import WeightedBlend
from sklmeta.checks import weights_in
from sklmeta.datasets import subsample
from sklmeta.ensemble import gather_folds, whole_rounds
from sklmeta.evaluation import Trial, describe_error
from sklmeta.exceptions import EvaluationWarning
from sklmeta.fold_models import face, means_of_folds
from sklmeta.preparations import united
from sklmeta.refits import Refits
from sklmeta.rescue import GRACE, fit_alone, rescue, this_process
from sklmeta.search import Fitted, Search
from sklmeta.stored import fold_score, is_quick, judges_labels


@dataclass(frozen=True, eq=False)
class Conclusion:
    """The model that a search ends with.

    Parameters
    ----------
    index : int
        The best candidate that became a model.
    best : estimator
        The best candidate, fitted on all rows; the mean of its fold models where there was no time for that.
    ensemble : BlendedClassifier, BlendedRegressor or None
        Members and weights; None where the best alone is the model.
    seconds : float
        What fitting the best on all rows took; NaN where it was not.
    weights : ndarray of shape (n_candidates,)
        Of each in the ensemble; NaN for the members of one that has none.
    fitted : mapping of (str, str) to Fitted, default={}
        What it is made of, by the candidate's key, for a search that goes on.
    """

    index: int
    best: Any
    ensemble: Any
    seconds: float
    weights: np.ndarray
    fitted: Mapping[tuple[str, str], Fitted] = field(default_factory=dict)


def conclude(
    search: Search,
    trial: Trial,
    blender: Any,
    best: int,
    workers: Any,
    *,
    interrupted: bool = False,
) -> Conclusion:
    """Choose members, and fit them on all rows as far as there is time.

    Parameters
    ----------
    search : Search
        At its end, with at least one candidate that has a score.
    trial : Trial
        What its folds were evaluated on.
    blender : Average, Stack or Best
        How candidates become one model.
    best : int
        The candidate to take where there is to be one.
    workers : InThisProcess, ThroughJoblib or InChildren
        Who fits.
    interrupted : bool, default=False
        Whether nothing more is to be fitted.

    Returns
    -------
    Conclusion
        The model.

    Raises
    ------
    Exception
        What fitting the best raised, where no candidate has fold models either.

    Warns
    -----
    EvaluationWarning
        If members are means of fold models, or were left out, for lack of time.
    """
    usable = [k for k in search.best_first() if search.has_outputs(k)][:_MOST_BLENDED]
    blend = WeightedBlend(np.ones(1))
    if best in usable:
        try:
            blend = _blend(search, trial, blender, usable)
        except KeyboardInterrupt:
            warnings.warn(
                "Choosing the model's members was interrupted; it is the best one alone.",
                EvaluationWarning,
                stacklevel=4,
            )
            blend, interrupted = WeightedBlend(np.eye(len(usable))[usable.index(best)]), True
    members = [best] if best not in usable else [usable[i] for i in blend.members]
    wanted = members if best in members else [best, *members]
    if search.clock is None:  # the longest first, so that nobody waits for it at the end
        wanted = sorted(wanted, key=search.refit_seconds, reverse=True)
    elif blend.shares is not None:
        wanted = sorted(wanted, key=lambda k: -_share(blend, members, k))
    refits = Refits(search, wanted, trial.some_rows)
    if not interrupted:
        _fit(workers, refits, trial)
    fitted = {**refits.fitted, **_alike(refits, search.n_rows)}
    capped = any(getattr(blender, cap, None) is not None for cap in ("max_size", "max_predict_seconds"))
    without = [k for k, model in fitted.items() if model is None]
    stand_ins = _as_before(search, means_of_folds(search, trial, without, one=capped))
    left = {k: model for k, model in {**fitted, **stand_ins}.items() if model is not None}
    if left:
        _warn_of_shortcuts(refits, stand_ins, search, interrupted)
    else:
        best, left = _one_at_least(search, trial, workers, best, refits, capped)
    if best not in left:
        best = next(k for k in search.best_first() if k in left)
    kept = [k for k in members if k in left]
    if not kept:
        kept, blend = [best], WeightedBlend(np.ones(1))
    elif len(kept) < len(members):
        blend = _without(blend, members, kept)
    ensemble = _blended(search, trial, kept, [left[k] for k in kept], blend) if best in usable else None
    return Conclusion(
        best,
        left[best],
        ensemble,
        refits.seconds.get(best, np.nan),
        _weights(search, kept, blend.shares),
        {search.candidates[k].key: _made(refits, k, model) for k, model in left.items()},
    )


def _as_before(search: Search, stand_ins: Mapping[int, Any]) -> dict[int, Any]:
    """What stands in for a fit; where nothing does, what did so in an earlier search."""
    before = {k: fitted.model for k, fitted in search.fitted_before.items()}
    return {k: before.get(k) if model is None else model for k, model in stand_ins.items()}


def _made(refits: Refits, k: int, model: Any) -> Fitted:
    whole = refits.fitted.get(k) is not None
    return Fitted(model, refits.seconds[k], refits.rows[k]) if whole else Fitted(model)


def _one_at_least(
    search: Search, trial: Trial, workers: Any, best: int, refits: Refits, capped: bool
) -> tuple[int, dict[int, Any]]:
    """Where no member became a model: what there is of another candidate; or the best, fitted on some rows."""
    for k in search.best_first():
        model = _as_before(search, means_of_folds(search, trial, [k], one=capped))[k]
        if model is not None:
            _warn_of_another(refits, f"the model is another, {search.name(k)}, by what there is of it")
            return k, {k: model}
    if refits.errors and search.clock is None:
        raise refits.errors[0]
    left = np.inf if search.clock is None else max(0.0, search.clock.left())
    n_rows = search.most_rows(best, 0.5 * left)
    outcome = fit_alone(search, trial, workers, best, n_rows, max(GRACE, left))
    if isinstance(outcome, Exception):
        raise outcome
    _warn_of_another(refits, f"the model is the best of them, fitted on {n_rows} of {search.n_rows} rows")
    return best, {best: outcome[0]}


_MOST_BLENDED = 200  # candidates, the best ones, among which members are looked for
_MANY_ROWS, _SOME_ROWS = 20_000, 2_000  # that members are chosen on; fewer where each look at the metric takes long
_FEW_LOOKS = 8  # at the metric: fewer are no choice
_MANY_LOOKS = 5_000  # predictions: where folds are repeated, so many of them are looked at, if they are whole rounds


def conclude_without_a_score(search: Search, trial: Trial, workers: Any) -> Conclusion:
    """A model where the time was too short for even one evaluation; see `rescue`."""
    rescued = rescue(search, trial, workers)
    weights = _weights(search, [rescued.index], np.ones(1))
    return Conclusion(rescued.index, rescued.model, None, rescued.seconds, weights)


def _weights(search: Search, members: Sequence[int], shares: np.ndarray | None) -> np.ndarray:
    weights = np.zeros(len(search.candidates))
    weights[list(members)] = np.nan if shares is None else shares
    return weights


def _blend(search: Search, trial: Trial, blender: Any, usable: Sequence[int]) -> Any:
    X, y = trial.rows
    scorer = getattr(trial.scorer, "scorer", trial.scorer)
    most = _MANY_ROWS if is_quick(scorer, trial.classes) else _SOME_ROWS
    tests = whole_rounds([test for _, test in trial.splits], min(most, _MANY_LOOKS))
    tested = np.unique(np.concatenate(tests))
    weight = _row_weights(trial)
    if weight is not None and weight[tested].any():
        tested = tested[weight[tested] > 0]
    keep, _ = subsample(tested, y[tested], most, stratify=trial.classes is not None, seed=0)
    predictions, rows, folds = gather_folds([search.outputs(k)[: len(tests)] for k in usable], tests, keep=keep)

    def scored(
        some: np.ndarray, parts: Sequence[np.ndarray], *, stand_in: bool = True, patience: float = np.inf
    ) -> Callable[[np.ndarray], float]:
        """The metric on parts of some of the rows that have predictions."""
        chosen = rows[some]
        return fold_score(
            scorer,
            y[chosen],
            parts,
            classes=trial.classes,
            X=_rows_of(X, chosen),
            score_params=_params_of(X, trial.score_params, chosen),
            deciding=search.deciding,
            stand_in=stand_in,
            patience=patience,
        )

    deadline = search.blend_end()
    patience = np.inf if deadline is None else (deadline - time.monotonic()) / _FEW_LOOKS
    by_labels = judges_labels(scorer, trial.classes, search.deciding)
    growth = len(y) / np.mean([len(train) for train, _ in trial.splits])  # of models that keep their rows
    return blender.combine(
        predictions,
        y[rows],
        rows=rows,
        n_rows=_how_many(keep, weight),
        sample_weight=None if weight is None else weight[rows],
        folds=folds,
        score=scored(np.arange(len(rows)), folds, patience=patience),
        scores=np.array([search.score(k) for k in usable]),
        classes=trial.classes,
        predict_seconds=np.array([search.predict_seconds(k) for k in usable]),
        sizes=np.array([search.megabytes(k) for k in usable]) * growth,
        label_score=(lambda some: scored(some, [np.arange(len(some))], stand_in=False)) if by_labels else None,
        deadline=deadline,
    )


def _how_many(rows: np.ndarray, weight: Any) -> float:
    """Rows that weigh more than one are that many; weights of another scale leave those that count as they are."""
    if weight is None:
        return len(rows)
    some = np.asarray(weight, float)[rows]
    return float(max(np.count_nonzero(some), some.sum()))


def _row_weights(trial: Trial) -> np.ndarray | None:
    """Of all rows, as the metric has them, else as fits do."""
    every = [trial.score_params, *trial.fit_params.values()]
    weight = next((weight for params in every for weight in weights_in(params) if weight is not None), None)
    return None if weight is None else np.broadcast_to(np.asarray(weight, float), len(trial.rows[1]))


def _rows_of(X: Any, rows: np.ndarray) -> Any:
    return X if np.array_equal(rows, np.arange(X.shape[0])) else safe_indexing(X, rows)


def _params_of(X: Any, params: Any, rows: np.ndarray) -> dict[str, Any]:
    return dict(check_method_params(X, params=dict(params), indices=rows))


def _share(blend: Any, members: Sequence[int], k: int) -> float:
    return float(blend.shares[members.index(k)]) if k in members else 0.0


def _without(blend: Any, members: Sequence[int], kept: Sequence[int]) -> WeightedBlend:
    """A blend of those members that are left, in equal parts where it had no weights."""
    shares = np.ones(len(kept)) if blend.shares is None else np.array([_share(blend, members, k) for k in kept])
    return WeightedBlend(shares / shares.sum()) if blend.shares is None else blend.of_some(shares)


def _fit(workers: Any, refits: Refits, trial: Trial) -> None:
    try:
        workers.run(refits)
        if refits.take_up_unsent():
            this_process(trial).run(refits)
    except KeyboardInterrupt:  # what is fitted by now, and the fold models, will do
        warnings.warn("Fitting the model on all rows was interrupted.", EvaluationWarning, stacklevel=5)


def _alike(refits: Refits, n_rows: int) -> dict[int, Any]:
    """Those that were fitted on all rows, with one preparation for all that prepare rows alike."""
    whole = [k for k, model in refits.fitted.items() if model is not None and refits.rows[k] == n_rows]
    return dict(zip(whole, united([refits.fitted[k] for k in whole]), strict=True))


def _blended(search: Search, trial: Trial, members: Sequence[int], fitted: Sequence[Any], blend: Any) -> Any:
    names = [search.candidates[k].member.name for k in members]
    unique = [name if names.count(name) == 1 else f"{name}-{names[:i].count(name) + 1}" for i, name in enumerate(names)]
    return face(trial).of_fitted(list(zip(unique, fitted, strict=True)), blend, trial.classes)


def _warn_of_shortcuts(refits: Refits, stand_ins: Mapping[int, Any], search: Search, interrupted: bool) -> None:
    """Say what is not as it would be with more time, or without errors."""
    means = sum(model is not None for model in stand_ins.values())
    lost = len(stand_ins) - means
    partly = sum(taken < search.n_rows for k, taken in refits.rows.items() if refits.fitted[k] is not None)
    shortcuts = [
        f"{means} mean of fold models" * bool(means),
        f"{partly} fitted on a part of the rows" * bool(partly),
        f"{lost} left out" * bool(lost),
    ]
    if any(shortcuts):
        in_budget = search.clock is not None
        why = " after the interruption" if interrupted else " within the time budget" if in_budget else ""
        warnings.warn(
            f"Not all of the model's {len(refits.fitted)} members could be fitted on all rows{why}: "
            f"{', '.join(filter(None, shortcuts))}.{_first_error(refits)}",
            EvaluationWarning,
            stacklevel=5,
        )


def _warn_of_another(refits: Refits, what: str) -> None:
    warnings.warn(
        f"None of the model's {len(refits.fitted)} members could be fitted on all rows; {what}.{_first_error(refits)}",
        EvaluationWarning,
        stacklevel=6,
    )


def _first_error(refits: Refits) -> str:
    return f" The first error: {describe_error(refits.errors[0])}" if refits.errors else ""
