"""From what a search found to the model: members, their weights, and fits on all rows."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from sklmeta._sklearn import check_method_params, safe_indexing
from sklmeta.blended import BlendedClassifier, BlendedRegressor
from sklmeta.blends import WeightedBlend
from sklmeta.datasets import subsample
from sklmeta.ensemble import gather_folds, whole_rounds
from sklmeta.evaluation import Trial, describe_error, refit_on, unfiled
from sklmeta.exceptions import EvaluationWarning, ResultNotSent, TimeLimitExceeded
from sklmeta.preparations import united
from sklmeta.refits import Refits
from sklmeta.search import Search
from sklmeta.stored import fold_score, is_quick, judges_labels
from sklmeta.workers import InThisProcess, Unit


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
    """

    index: int
    best: Any
    ensemble: Any
    seconds: float
    weights: np.ndarray


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
    refits = Refits(search, wanted, trial.rows[1], trial.classes is not None)
    if not interrupted:
        _fit(workers, refits, trial)
    fitted = {**refits.fitted, **_alike(refits, search.n_rows)}
    stand_ins = means_of_folds(search, trial, [k for k, model in fitted.items() if model is None])
    left = {k: model for k, model in {**fitted, **stand_ins}.items() if model is not None}
    _warn_of_shortcuts(refits, stand_ins, search.n_rows, interrupted, in_budget=search.clock is not None)
    if not left:
        best, model = _one_at_least(search, trial, workers, best, refits)
        left = {best: model}
    if best not in left:
        best = next(k for k in search.best_first() if k in left)
    kept = [k for k in members if k in left]
    if not kept:
        kept, blend = [best], WeightedBlend(np.ones(1))
    elif len(kept) < len(members):
        blend = _without(blend, members, kept)
    ensemble = _blended(search, trial, kept, [left[k] for k in kept], blend) if best in usable else None
    return Conclusion(
        best, left[best], ensemble, refits.seconds.get(best, np.nan), _weights(search, kept, blend.shares)
    )


def _one_at_least(search: Search, trial: Trial, workers: Any, best: int, refits: Refits) -> tuple[int, Any]:
    """Where no member became a model: the fold models of another candidate; or the best, fitted on some rows."""
    for k in search.best_first():
        model = means_of_folds(search, trial, [k])[k]
        if model is not None:
            return k, model
    if refits.errors and search.clock is None:
        raise refits.errors[0]
    left = np.inf if search.clock is None else max(0.0, search.clock.left())
    outcome = _fitted_alone(search, trial, workers, best, search.most_rows(best, 0.5 * left), max(_GRACE, left))
    if isinstance(outcome, Exception):
        raise outcome
    return best, outcome[0]


_MOST_BLENDED = 200  # candidates, the best ones, among which members are looked for
_MANY_ROWS, _SOME_ROWS = 20_000, 2_000  # that members are chosen on; fewer where each look at the metric takes long
_MANY_LOOKS = 5_000  # predictions: where folds are repeated, so many of them are looked at, if they are whole rounds
_FEW_ROWS = 200  # on which everything can be fitted at once
_GRACE = 1.0  # seconds beyond the budget, where there is no model yet
_SAFE_SHARE = 0.25  # of it: no fit has told yet how fast this machine is


def rescue(search: Search, trial: Trial, workers: Any) -> Conclusion:
    """A model where the time was too short for even one evaluation.

    It is the mean of the fold models of the candidate that came farthest; without any, the most promising candidate
    that fits quickly, or else the quickest, on as many rows as there is time for.

    Parameters
    ----------
    search : Search
        At the end of its time budget, without a score.
    trial : Trial
        What its folds were evaluated on.
    workers : InThisProcess, ThroughJoblib or InChildren
        Who fits.

    Returns
    -------
    Conclusion
        The model.

    Raises
    ------
    TimeoutError
        If not even a few rows could be fitted in time.
    Exception
        What fitting them raised.

    Warns
    -----
    EvaluationWarning
        That nothing was evaluated, and what the model is instead.
    """
    begun = [k for k in range(len(search.candidates)) if search.folds_done(k)]
    for k in sorted(begun, key=lambda k: -search.folds_done(k)):
        model = means_of_folds(search, trial, [k])[k]
        if model is not None:
            _warn_of_no_score(f"the model is the mean of {search.folds_done(k)} fold models of {search.name(k)}")
            return _alone(search, k, model, np.nan)
    left = 0.0 if search.clock is None else max(0.0, search.clock.left())
    safe = max(0.5 * left, _SAFE_SHARE * _GRACE)
    k = search.add_affordable(safe)
    n_rows = search.most_rows(k, safe)
    outcome = _fitted_alone(search, trial, workers, k, n_rows, max(_GRACE, left))
    if isinstance(outcome, Exception):
        search.give_up(k, describe_error(outcome))
        k, n_rows = search.add_quickest(), _FEW_ROWS
        outcome = _fitted_alone(search, trial, workers, k, n_rows, _GRACE)
    if isinstance(outcome, TimeLimitExceeded):
        raise TimeoutError(
            f"Nothing could be fitted within the time budget, not even {search.name(k)} on "
            f"{min(_FEW_ROWS, search.n_rows)} rows. Give it more time, or members that fit faster."
        ) from outcome
    if isinstance(outcome, Exception):
        raise outcome
    n_rows = min(max(n_rows, _FEW_ROWS), search.n_rows)
    _warn_of_no_score(f"the model is {search.name(k)}, which fits quickly, on {n_rows} of {search.n_rows} rows")
    return _alone(search, k, *outcome)


def _fitted_alone(search: Search, trial: Trial, workers: Any, k: int, n_rows: int, seconds: float) -> Any:
    """A candidate's fit on some rows, at least few ones, and its seconds; or what it raised, a stop included."""
    y = trial.rows[1]
    rows, _ = subsample(np.arange(len(y)), y, max(n_rows, _FEW_ROWS), stratify=trial.classes is not None, seed=0)
    arguments = search.name(k), search.estimators[k], None if len(rows) == len(y) else rows
    unit = Unit(k, refit_on, arguments, seconds=seconds if np.isfinite(seconds) else None)
    outcome = _OneFit(unit).by(workers)
    return _OneFit(unit).by(_this_process(trial)) if isinstance(outcome, ResultNotSent) else outcome


def _this_process(trial: Trial) -> InThisProcess:
    """Who fits models that cannot be pickled."""
    workers = InThisProcess()
    workers.share(trial)
    return workers


def _alone(search: Search, k: int, model: Any, seconds: float) -> Conclusion:
    return Conclusion(k, model, None, seconds, _weights(search, [k], np.ones(1)))


def _weights(search: Search, members: Sequence[int], shares: np.ndarray | None) -> np.ndarray:
    weights = np.zeros(len(search.candidates))
    weights[list(members)] = np.nan if shares is None else shares
    return weights


class _OneFit:
    """A single fit."""

    def __init__(self, unit: Unit):
        self._units = [unit]
        self.outcome: Any = None

    def by(self, workers: Any) -> Any:
        """What comes of it, if these do it."""
        workers.run(self)
        return self.outcome

    def next_unit(self) -> Unit | None:
        return self._units.pop() if self._units else None

    def take(self, unit: Unit, outcome: Any) -> None:
        self.outcome = outcome


def _warn_of_no_score(instead: str) -> None:
    warnings.warn(
        f"The time budget was too short to evaluate even one configuration; {instead}. Give it more time.",
        EvaluationWarning,
        stacklevel=4,
    )


def _blend(search: Search, trial: Trial, blender: Any, usable: Sequence[int]) -> Any:
    X, y = trial.rows
    scorer = getattr(trial.scorer, "scorer", trial.scorer)
    most = _MANY_ROWS if is_quick(scorer, trial.classes) else _SOME_ROWS
    tests = whole_rounds([test for _, test in trial.splits], min(most, _MANY_LOOKS))
    tested = np.unique(np.concatenate(tests))
    keep, _ = subsample(tested, y[tested], most, stratify=trial.classes is not None, seed=0)
    predictions, rows, folds = gather_folds([search.outputs(k)[: len(tests)] for k in usable], tests, keep=keep)

    def scored(some: np.ndarray, parts: Sequence[np.ndarray]) -> Callable[[np.ndarray], float]:
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
        )

    by_labels = judges_labels(scorer, trial.classes, search.deciding)
    n_test = sum(len(test) for _, test in trial.splits)
    return blender.combine(
        predictions,
        y[rows],
        rows=rows,
        n_rows=_how_many(keep, trial.score_params.get("sample_weight")),
        folds=folds,
        score=scored(np.arange(len(rows)), folds),
        scores=np.array([search.score(k) for k in usable]),
        classes=trial.classes,
        predict_seconds=np.array([search.predict_seconds(k) for k in usable]) * 1000 / n_test,
        sizes=np.array([search.megabytes(k) for k in usable]),
        label_score=(lambda some: scored(some, [np.arange(len(some))])) if by_labels else None,
        deadline=search.blend_end(),
    )


def _how_many(rows: np.ndarray, weight: Any) -> float:
    """Rows that weigh more than one are that many; weights of another scale leave those that count as they are."""
    if weight is None:
        return len(rows)
    some = np.asarray(weight, float)[rows]
    return float(max(np.count_nonzero(some), some.sum()))


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
            _this_process(trial).run(refits)
    except KeyboardInterrupt:  # what is fitted by now, and the fold models, will do
        warnings.warn("Fitting the model on all rows was interrupted.", EvaluationWarning, stacklevel=5)


def _alike(refits: Refits, n_rows: int) -> dict[int, Any]:
    """Those that were fitted on all rows, with one preparation for all that prepare rows alike."""
    whole = [k for k, model in refits.fitted.items() if model is not None and refits.rows[k] == n_rows]
    return dict(zip(whole, united([refits.fitted[k] for k in whole]), strict=True))


def means_of_folds(search: Search, trial: Trial, candidates: Sequence[int]) -> dict[int, Any]:
    """The mean of each one's fold models, or one of them where they have labels only; None where none was kept."""
    models = {k: _fold_models(search, k) for k in candidates}
    for fold in range(len(trial.splits)):
        there = [k for k in candidates if fold in models[k]]
        for k, model in zip(there, united([models[k][fold] for k in there]), strict=True):
            models[k][fold] = model
    return {k: _mean(trial, models[k]) for k in candidates}


def _fold_models(search: Search, k: int) -> dict[int, Any]:
    """Those that were kept, by fold."""
    kept = {i: fold.model for i, fold in enumerate(search.results[k]) if fold is not None}
    return {i: unfiled(model) for i, model in kept.items() if model is not None}


def _mean(trial: Trial, models: dict[int, Any]) -> Any:
    if not models:
        return None
    if trial.classes is not None and not all(hasattr(model, "predict_proba") for model in models.values()):
        return next(iter(models.values()))  # labels have no mean
    named = [(f"fold{i}", model) for i, model in models.items()]
    return _face(trial).of_fitted(named, WeightedBlend(np.full(len(models), 1 / len(models))), trial.classes)


def _blended(search: Search, trial: Trial, members: Sequence[int], fitted: Sequence[Any], blend: Any) -> Any:
    names = [search.candidates[k].member.name for k in members]
    unique = [name if names.count(name) == 1 else f"{name}-{names[:i].count(name) + 1}" for i, name in enumerate(names)]
    return _face(trial).of_fitted(list(zip(unique, fitted, strict=True)), blend, trial.classes)


def _face(trial: Trial) -> Any:
    return BlendedRegressor if trial.classes is None else BlendedClassifier


def _warn_of_shortcuts(
    refits: Refits, stand_ins: dict[int, Any], n_rows: int, interrupted: bool, in_budget: bool
) -> None:
    """Say what is not as it would be with more time, or without errors."""
    means = sum(model is not None for model in stand_ins.values())
    lost = len(stand_ins) - means
    partly = sum(taken < n_rows for k, taken in refits.rows.items() if refits.fitted[k] is not None)
    shortcuts = [
        f"{means} mean of fold models" * bool(means),
        f"{partly} fitted on a part of the rows" * bool(partly),
        f"{lost} left out" * bool(lost),
    ]
    if any(shortcuts):
        why = " after the interruption" if interrupted else " within the time budget" if in_budget else ""
        first = f" The first error: {describe_error(refits.errors[0])}" if refits.errors else ""
        warnings.warn(
            f"Not all of the model's {len(refits.fitted)} members could be fitted on all rows{why}: "
            f"{', '.join(filter(None, shortcuts))}.{first}",
            EvaluationWarning,
            stacklevel=5,
        )
