"""Which candidates become the model, and how: one of them, an average of the best, or a model over them."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from numbers import Integral, Real
from typing import Any

import numpy as np
from scipy.special import expit
from sklearn import config_context, metrics
from sklearn.base import BaseEstimator, clone
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.model_selection import StratifiedKFold
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.validation import has_fit_parameter

from sklmeta.datasets import subsample
from sklmeta.ensemble import best_temperature, first_round, fold_metric, greedy_weights, is_over, tempered, within
from sklmeta.evaluation import align_columns
from sklmeta.exceptions import EvaluationWarning
from sklmeta.thresholds import proven_threshold

# -- blends: which members, and how their answers become one ---------------------------------------------------------


class WeightedBlend:
    """A weighted mean of what some of the candidates say.

    Parameters
    ----------
    weights : ndarray of shape (n_candidates,)
        Not negative, with sum 1. Those with none are not needed.
    temperature : float, default=1.0
        Of the mean probabilities, see `sklmeta.ensemble.tempered`; 1 leaves them as they are.
    threshold : float, default=0.5
        From which probability on a row gets the second of two labels.
    geometric : bool, default=False
        Whether the mean is of the probabilities' logarithms, which are made probabilities again.

    Attributes
    ----------
    members : ndarray of int
        Positions of the candidates that are needed.
    shares : ndarray of shape (n_members,)
        Their weights.

    Examples
    --------
    >>> import numpy as np
    >>> blend = WeightedBlend(np.array([0.75, 0.0, 0.25]))
    >>> blend.members
    array([0, 2])
    >>> blend(np.array([[[4.0]], [[8.0]]]))
    array([[5.]])
    """

    def __init__(self, weights: np.ndarray, temperature: float = 1.0, threshold: float = 0.5, geometric: bool = False):
        self.members = np.flatnonzero(weights)
        self.shares = np.asarray(weights, float)[self.members]
        self.temperature = temperature
        self.threshold = threshold
        self.geometric = geometric

    def __call__(self, outputs: np.ndarray) -> np.ndarray:
        """One answer, shape (n_rows, n_outputs), from those of the members, (n_members, n_rows, n_outputs)."""
        if self.geometric and len(outputs) > 1:
            mean = _probabilities(np.tensordot(self.shares, _log_terms(outputs), axes=1))
        else:
            mean = np.tensordot(self.shares, outputs, axes=1)
        return mean if self.temperature == 1 else tempered(mean, self.temperature)

    def of_some(self, shares: np.ndarray) -> WeightedBlend:
        """The same for members that are left, with other weights; these are made to sum to one."""
        return WeightedBlend(shares / shares.sum(), self.temperature, self.threshold, self.geometric)


class StackedBlend:
    """A model over what some of the candidates say.

    Parameters
    ----------
    members : ndarray of int
        Positions of the candidates that are needed.
    model : estimator
        Fitted on `stacking_features` of out-of-fold predictions; a classifier on class indices.
    """

    def __init__(self, members: np.ndarray, model: Any):
        self.members = members
        self.model = model
        self.threshold = 0.5

    @property
    def shares(self) -> None:
        """There are none: the members' answers are not averaged."""
        return None

    def __call__(self, outputs: np.ndarray) -> np.ndarray:
        """One answer, shape (n_rows, n_outputs), from those of the members, (n_members, n_rows, n_outputs)."""
        features = stacking_features(outputs)
        if hasattr(self.model, "predict_proba"):
            return align_columns(self.model.predict_proba(features), self.model.classes_, outputs.shape[2], 0.0)
        return np.asarray(self.model.predict(features), float).reshape(-1, 1)


def stacking_features(outputs: np.ndarray) -> np.ndarray:
    """What a model over the members sees: log-odds of two classes, centred log-probabilities of more, or numbers.

    Parameters
    ----------
    outputs : ndarray of shape (n_members, n_rows, n_outputs)
        Probabilities, or numbers in one column.

    Returns
    -------
    ndarray of shape (n_rows, n_features)
        One column a member for numbers and two classes, else one a member and class.
    """
    _, n_rows, n_outputs = outputs.shape
    if n_outputs == 1:
        return outputs[:, :, 0].T
    logs = _logarithms(outputs)
    logs = logs[:, :, 1:] - logs[:, :, :1] if n_outputs == 2 else logs - logs.mean(axis=2, keepdims=True)
    return logs.transpose(1, 0, 2).reshape(n_rows, -1)


def _logarithms(probabilities: np.ndarray) -> np.ndarray:
    return np.log(np.clip(probabilities, _LEAST, 1.0))


def _log_terms(probabilities: np.ndarray) -> np.ndarray:
    """What a geometric mean adds up: log-odds, (n_members, n_rows), or logarithms, (n_members, n_classes, n_rows)."""
    logs = _logarithms(probabilities)
    return logs[:, :, 1] - logs[:, :, 0] if logs.shape[2] == 2 else np.ascontiguousarray(logs.transpose(0, 2, 1))


def _probabilities(terms: np.ndarray) -> np.ndarray:
    """Shape (n_rows, n_classes), of a mean of `_log_terms`; rows lie next to each other, for this is done often."""
    if terms.ndim == 1:
        second = expit(terms)
        return np.column_stack([1 - second, second])
    powers = np.exp(terms - terms.max(axis=0))
    return (powers / powers.sum(axis=0)).T


_LEAST = 1e-4  # a member's certainty counts no more than this
_MOST_CELLS, _LEAST_ROWS = 1_000_000, 500  # rows x features x classes that a model over members sees in a time budget


# -- what a user passes as `ensemble` --------------------------------------------------------------------------------


class _Blender(BaseEstimator):
    """What `Average` and `Stack` have in common: caps on what the members may cost."""

    max_members: int | None
    max_predict_seconds: float | None
    max_size: float | None

    def check(self) -> None:
        """Raise a ValueError where a parameter makes no sense."""
        if self.max_members is not None and (not isinstance(self.max_members, Integral) or self.max_members < 1):
            raise ValueError(f"max_members must be a positive integer or None, got {self.max_members!r} instead.")
        for name in ("max_predict_seconds", "max_size"):
            value = getattr(self, name)
            if value is not None and not (isinstance(value, int | float | np.number) and value > 0):
                raise ValueError(f"{name} must be a positive number or None, got {value!r} instead.")

    def _costs(self, n: int, predict_seconds: Any, sizes: Any) -> tuple[np.ndarray, np.ndarray]:
        """What each candidate costs, shape (n_limits, n), and what all may cost together, (n_limits,)."""
        self.check()
        capped = [
            (np.ones(n), self.max_members),
            (predict_seconds, self.max_predict_seconds),
            (sizes, self.max_size),
        ]
        for name, (costs, limit) in zip(("max_members", "max_predict_seconds", "max_size"), capped, strict=True):
            if limit is not None and costs is None:
                raise ValueError(f"{name}={limit!r} needs to know what every candidate takes, and that was not given.")
        rows = [(np.nan_to_num(costs, nan=np.inf), limit) for costs, limit in capped if limit is not None]
        return np.array([costs for costs, _ in rows]).reshape(-1, n), np.array([limit for _, limit in rows], float)

    def _cheapest(self, costs: np.ndarray, limits: np.ndarray) -> int | None:
        """The candidate nearest to the limits, with a warning, where none is within; else None."""
        over = (costs / limits[:, None]).max(axis=0, initial=0.0)
        if (over <= 1).any():
            return None
        warnings.warn(
            f"No candidate is within the limits of {self!r}; the one nearest to them is used, {over.min():.3g} times "
            "what is allowed. Raise the limits.",
            EvaluationWarning,
            stacklevel=3,
        )
        return int(over.argmin())


class Average(_Blender):
    """A weighted average of the best candidates, chosen greedily on their out-of-fold predictions.

    Probabilities are averaged by their logarithms, and the weights are halfway between those that are best by the
    user's metric and those that are best by log loss, which says more about few rows.

    Parameters
    ----------
    max_members : int or None, default=None
        How many different members it may have.
    max_predict_seconds : float or None, default=None
        Seconds that its members together may take to predict 1,000 rows, by what was measured in the search.
    max_size : float or None, default=None
        Megabytes that its members together may take, as estimated from the folds' models in proportion to rows.
    n_rounds : int, default=25
        How often a member is taken, at most; weights are multiples of one over that.
    calibrate : bool, default=True
        Whether mean probabilities get a temperature (where it improves the metric on folds that it was not fitted
        to). The most probable class stays the same.
    tune_threshold : bool, default=True
        Whether, of two classes, the second one's threshold is tuned to a metric that judges labels, other than
        accuracy (where it improves the metric on folds that it was not fitted to). Probabilities stay the same.
    geometric : bool, default=True
        Whether probabilities are averaged by their logarithms; else as they are.
    shrinkage : float, default=30.0
        In regression, how much is needed for one member to count more than another: beside the loss of the average
        (how far its score is below that of perfect predictions), the squares of the weights, each times its member's
        loss, count for this over the number of rows. 0 trusts the scores as they are.

    References
    ----------
    J. Bates & C. Granger (1969), "The combination of forecasts".
    R. Caruana, A. Niculescu-Mizil, G. Crew & A. Ksikes (2004), "Ensemble selection from libraries of models".
    C. Genest & J. Zidek (1986), "Combining probability distributions: a critique and an annotated bibliography".
    C. Guo, G. Pleiss, Y. Sun & K. Weinberger (2017), "On calibration of modern neural networks".

    Examples
    --------
    >>> Average(max_members=5, max_predict_seconds=0.1)
    Average(max_members=5, max_predict_seconds=0.1)
    """

    def __init__(
        self,
        max_members: int | None = None,
        max_predict_seconds: float | None = None,
        max_size: float | None = None,
        n_rounds: int = 25,
        calibrate: bool = True,
        tune_threshold: bool = True,
        geometric: bool = True,
        shrinkage: float = 30.0,
    ):
        self.max_members = max_members
        self.max_predict_seconds = max_predict_seconds
        self.max_size = max_size
        self.n_rounds = n_rounds
        self.calibrate = calibrate
        self.tune_threshold = tune_threshold
        self.geometric = geometric
        self.shrinkage = shrinkage

    def check(self) -> None:
        """Raise a ValueError where a parameter makes no sense."""
        super().check()
        if not isinstance(self.n_rounds, Integral) or self.n_rounds < 1:
            raise ValueError(f"n_rounds must be a positive integer, got {self.n_rounds!r} instead.")
        if not isinstance(self.shrinkage, Real) or not 0 <= self.shrinkage < np.inf:
            raise ValueError(f"shrinkage must be a number, at least 0, got {self.shrinkage!r} instead.")

    def combine(
        self,
        predictions: np.ndarray,
        y: np.ndarray,
        *,
        folds: Sequence[np.ndarray],
        score: Callable[[np.ndarray], float],
        scores: np.ndarray,
        classes: np.ndarray | None = None,
        rows: np.ndarray | None = None,
        n_rows: float | None = None,
        sample_weight: np.ndarray | None = None,
        predict_seconds: np.ndarray | None = None,
        sizes: np.ndarray | None = None,
        label_score: Callable[[np.ndarray], Callable[[np.ndarray], float]] | None = None,
        deadline: float | None = None,
    ) -> WeightedBlend:
        """Choose members and weights.

        Parameters
        ----------
        predictions : ndarray of shape (n_candidates, n_predictions, n_outputs)
            Out-of-fold predictions.
        y : ndarray of shape (n_predictions,)
            Target.
        folds : sequence of ndarray of int
            By fold, the positions of its predictions.
        score : callable
            Of a blend's predictions, greater is better; see `fold_score`.
        scores : ndarray of shape (n_candidates,)
            Of the candidates on their own.
        classes : ndarray of shape (n_classes,), default=None
            All labels; None for regression.
        rows : ndarray of int of shape (n_predictions,), default=None
            Which row each prediction is of; None: of a row of its own.
        n_rows : float, default=None
            How many rows that is, where they have weights; None: as many as are different.
        sample_weight : ndarray of shape (n_predictions,), default=None
            Of the rows, all above 0; `score` has them already.
        predict_seconds : ndarray of shape (n_candidates,), default=None
            Seconds per 1,000 rows; needed for `max_predict_seconds`.
        sizes : ndarray of shape (n_candidates,), default=None
            Megabytes; needed for `max_size`.
        label_score : callable, default=None
            ``label_score(rows)(probabilities)``, of some of the rows, where there are two classes and the metric judges
            their labels; see `sklmeta.thresholds`.
        deadline : float, default=None
            By ``time.monotonic()``, when the best average so far is the answer, as it is; None: whenever it ends.

        Returns
        -------
        WeightedBlend
            Which members, and how much of each.

        Raises
        ------
        ValueError
            If a parameter makes no sense, or what a cap needs is not given.

        Warns
        -----
        EvaluationWarning
            If no candidate is within the caps; the one nearest to them is used.
        """
        costs, limits = self._costs(len(predictions), predict_seconds, sizes)
        single = self._cheapest(costs, limits)
        if single is not None:
            return WeightedBlend(np.eye(len(predictions))[single])
        rows = np.arange(len(y)) if rows is None else rows
        if classes is None:
            n_rows = len(np.unique(rows)) if n_rows is None else n_rows
            shrinkage, perfect = self.shrinkage / max(n_rows, 1), _of_perfect(score, y)
            return WeightedBlend(self._weights(predictions, score, costs, limits, deadline, shrinkage, perfect))
        target = np.searchsorted(classes, y)
        by_log_loss = fold_metric("neg_log_loss", target, folds, len(classes), sample_weight)
        if by_log_loss is not None and _same(score, by_log_loss, predictions):
            by_log_loss = None  # they are one
        share = 0.75 if by_log_loss is None else 0.5  # of the time: a temperature and a threshold need some, too
        weights = self._weights(predictions, score, costs, limits, within(deadline, share))
        if by_log_loss is not None:
            some = weights > 0 if len(limits) else np.ones(len(weights), dtype=bool)  # no limit allows others beside
            others = self._weights(predictions[some], by_log_loss, costs[:, some], limits, within(deadline, 0.5))
            weights[some] = (weights[some] + others) / 2
        blend = WeightedBlend(weights, geometric=self.geometric)
        if is_over(deadline):
            return blend
        mean = blend(predictions[blend.members])
        if self.calibrate:
            blend.temperature = _proven_temperature(mean, target, rows, folds, score, sample_weight, deadline)
        if label_score is not None and self.tune_threshold:
            calibrated = blend(predictions[blend.members])
            blend.threshold = proven_threshold(calibrated, _splits(rows, folds), label_score, deadline)
        return blend

    def _weights(
        self,
        predictions: np.ndarray,
        score: Callable[[np.ndarray], float],
        costs: np.ndarray,
        limits: np.ndarray,
        deadline: float | None,
        shrinkage: float = 0.0,
        perfect: float = 0.0,
    ) -> np.ndarray:
        """Weights of the best average of a kind, by a metric."""
        if predictions.shape[2] > 1 and self.geometric:
            predictions, of_mean = _log_terms(predictions), lambda terms: score(_probabilities(terms))
        else:
            of_mean = score
        return greedy_weights(
            predictions,
            of_mean,
            n_rounds=self.n_rounds,
            shrinkage=shrinkage,
            perfect=perfect,
            costs=costs,
            limits=limits,
            deadline=deadline,
        )


def _of_perfect(score: Callable, y: np.ndarray) -> float:
    """What a metric gives for the target itself; NaN where it cannot say (a deviance of zeros)."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return float(score(np.asarray(y, float).reshape(-1, 1)))
        except Exception:
            return np.nan


def _same(score: Callable, other: Callable, predictions: np.ndarray) -> bool:
    """Whether two metrics are one."""
    return all(score(p) == other(p) for p in predictions[:2])


def _proven_temperature(
    mean: np.ndarray,
    y: np.ndarray,
    rows: np.ndarray,
    folds: Sequence[np.ndarray],
    score: Callable[[np.ndarray], float],
    sample_weight: np.ndarray | None = None,
    deadline: float | None = None,
) -> float:
    """The best temperature of all rows, if those of the other folds' rows improve the score on each; else 1."""
    honest = mean.copy()
    weight = np.ones(len(y)) if sample_weight is None else sample_weight
    for train, test in _against_others(rows, folds):
        if len(train):
            honest[test] = tempered(mean[test], best_temperature(mean[train], y[train], weight[train]))
        if is_over(deadline):
            return 1.0
    return best_temperature(mean, y, weight) if score(honest) > score(mean) + 1e-9 else 1.0


class Stack(_Blender):
    """A model over the candidates' out-of-fold predictions, m(f(x)) = σ(W f(x) + b).

    Parameters
    ----------
    final_estimator : estimator, default=None
        Fitted on log-odds of two classes, centred log-probabilities of more (and class indices as target), or numbers.
        None is logistic regression, or ridge regression with weights that are not negative (Ting & Witten 1999 found
        that numbers need that and classes do not); either with its penalty chosen over the folds.
    max_members : int or None, default=5
        How many candidates it may have, the best ones first.
    max_predict_seconds : float or None, default=None
        Seconds that its members together may take to predict 1,000 rows, by what was measured in the search.
    max_size : float or None, default=None
        Megabytes that its members together may take, as estimated from the folds' models in proportion to rows.

    References
    ----------
    D. Wolpert (1992), "Stacked generalization".
    L. Breiman (1996), "Stacked regressions".
    K. Ting & I. Witten (1999), "Issues in stacked generalization".

    Examples
    --------
    >>> from sklearn.linear_model import Lasso
    >>> Stack(Lasso(), max_members=3)
    Stack(final_estimator=Lasso(), max_members=3)
    """

    def __init__(
        self,
        final_estimator: Any = None,
        max_members: int | None = 5,
        max_predict_seconds: float | None = None,
        max_size: float | None = None,
    ):
        self.final_estimator = final_estimator
        self.max_members = max_members
        self.max_predict_seconds = max_predict_seconds
        self.max_size = max_size

    def combine(
        self,
        predictions: np.ndarray,
        y: np.ndarray,
        *,
        folds: Sequence[np.ndarray],
        score: Callable[[np.ndarray], float],
        scores: np.ndarray,
        classes: np.ndarray | None = None,
        rows: np.ndarray | None = None,
        n_rows: float | None = None,
        sample_weight: np.ndarray | None = None,
        predict_seconds: np.ndarray | None = None,
        sizes: np.ndarray | None = None,
        label_score: Callable[[np.ndarray], Callable[[np.ndarray], float]] | None = None,
        deadline: float | None = None,
    ) -> StackedBlend | WeightedBlend:
        """Choose members and fit the model over them.

        Parameters
        ----------
        predictions, y, folds, score, scores, classes, rows, n_rows, sample_weight
            As for `Average.combine`.
        predict_seconds, sizes, label_score, deadline
            Likewise. With a deadline, the model is fitted on so few rows that it takes seconds at most.

        Returns
        -------
        StackedBlend or WeightedBlend
            A single candidate where none is within the limits.

        Raises
        ------
        ValueError
            If a parameter makes no sense, or what a cap needs is not given.

        Warns
        -----
        EvaluationWarning
            If no candidate is within the caps; the one nearest to them is used.
        """
        costs, limits = self._costs(len(predictions), predict_seconds, sizes)
        single = self._cheapest(costs, limits)
        if single is not None:
            return WeightedBlend(np.eye(len(predictions))[single])
        rows = np.arange(len(y)) if rows is None else rows
        members = _best_within(scores, costs, limits)
        features = stacking_features(predictions[members])
        target = np.asarray(y, float) if classes is None else np.searchsorted(classes, y)
        if deadline is not None:
            cells = features.shape[1] * predictions.shape[2]
            some, _ = subsample(
                np.arange(len(y)), target, max(_LEAST_ROWS, _MOST_CELLS // cells), stratify=classes is not None, seed=0
            )
            features, target, rows = features[some], target[some], rows[some]
            sample_weight = None if sample_weight is None else sample_weight[some]
            folds = [part for fold in folds if len(part := np.flatnonzero(np.isin(some, fold)))]
        if self.final_estimator is not None:
            if hasattr(self.final_estimator, "predict_proba") != (classes is not None):
                needed = "a regressor" if classes is None else "a classifier with predict_proba"
                raise ValueError(f"final_estimator must be {needed} here, got {self.final_estimator!r} instead.")
            model = clone(self.final_estimator)
            weights = _as_fit_takes_them(model, sample_weight)
        with warnings.catch_warnings(), config_context(enable_metadata_routing=False):
            warnings.simplefilter("ignore")  # a penalty with which the optimiser does not come to an end is not chosen
            if self.final_estimator is None:
                weight = np.ones(len(target)) if sample_weight is None else sample_weight
                stacking = _stacking_ridge if classes is None else _stacking_logistic
                model = stacking(features, target, weight, _splits(rows, folds))
                weights = _as_fit_takes_them(model, weight)
            model.fit(features, target, **weights)
        return StackedBlend(members, model)


class Best(BaseEstimator):
    """The best single candidate.

    Examples
    --------
    >>> Best()
    Best()
    """

    def combine(self, predictions: np.ndarray, y: np.ndarray, *, scores: np.ndarray, **others: Any) -> WeightedBlend:
        """Take the candidate with the best score, the first where several have it.

        Parameters
        ----------
        predictions, y, scores
            As for `Average.combine`.
        **others : dict of str to object
            The rest of what `Average.combine` takes; not looked at.

        Returns
        -------
        WeightedBlend
            Of one member.
        """
        return WeightedBlend(np.eye(len(scores))[int(np.argmax(np.nan_to_num(scores, nan=-np.inf)))])


def find_blender(ensemble: Any) -> Any:
    """What the parameter `ensemble` means: an object with ``combine``.

    Parameters
    ----------
    ensemble : {"average", "stack", "best"}, Average, Stack or Best
        As a user passes it.

    Returns
    -------
    Average, Stack or Best
        The object.

    Raises
    ------
    ValueError
        If it is none of these, or a parameter of it makes no sense.

    Examples
    --------
    >>> find_blender("average")
    Average()
    """
    named = {"average": Average, "stack": Stack, "best": Best}
    if isinstance(ensemble, str) and ensemble in named:
        return named[ensemble]()
    if hasattr(ensemble, "combine") and not isinstance(ensemble, type):
        if isinstance(ensemble, _Blender):
            ensemble.check()
        return ensemble
    raise ValueError(
        f"ensemble must be 'average', 'stack', 'best', or an object such as Average(max_members=5); got {ensemble!r} "
        "instead."
    )


def _best_within(scores: np.ndarray, costs: np.ndarray, limits: np.ndarray) -> np.ndarray:
    """Positions, rising, of the best candidates, each taken if the limits allow it beside those before."""
    taken, spent = [], np.zeros(len(limits))
    for j in np.argsort(-np.nan_to_num(scores, nan=-np.inf), kind="stable"):
        if (spent + costs[:, j] <= limits).all():
            taken.append(int(j))
            spent = spent + costs[:, j]
    return np.sort(taken)


def _splits(rows: np.ndarray, folds: Sequence[np.ndarray]) -> list[tuple[np.ndarray, np.ndarray]]:
    """Each fold of one round against the other rows; of a single one, five parts."""
    return _against_others(rows, folds[: len(first_round([rows[fold] for fold in folds]))])


def _against_others(rows: np.ndarray, folds: Sequence[np.ndarray]) -> list[tuple[np.ndarray, np.ndarray]]:
    """Each fold against all predictions of other rows; of a single one, five parts."""
    if len(folds) == 1:
        folds = [folds[0][k::5] for k in range(min(5, len(folds[0])))]
    return [(np.flatnonzero(~np.isin(rows, rows[fold])), fold) for fold in folds]


def _as_fit_takes_them(model: Any, sample_weight: np.ndarray | None) -> dict[str, np.ndarray]:
    """Weights as an argument of `fit`; without them, and a warning, where the model takes none."""
    if sample_weight is None:
        return {}
    step = f"{model.steps[-1][0]}__" if isinstance(model, Pipeline) else ""
    if has_fit_parameter(model.steps[-1][1] if step else model, "sample_weight"):
        return {f"{step}sample_weight": sample_weight}
    warnings.warn(
        f"final_estimator={model!r} takes no sample_weight: rows count alike in it.", EvaluationWarning, stacklevel=4
    )
    return {}


def _stacking_logistic(
    features: np.ndarray, y: np.ndarray, weight: np.ndarray, splits: list[tuple[np.ndarray, np.ndarray]]
) -> Any:
    n_classes = int(y.max()) + 1

    def log_loss(model: Any, test: np.ndarray) -> float:
        probabilities = align_columns(model.predict_proba(features[test]), model.classes_, n_classes, 0.0)
        return metrics.log_loss(y[test], probabilities, labels=np.arange(n_classes), sample_weight=weight[test])

    models = [make_pipeline(StandardScaler(), LogisticRegression(C=c, max_iter=1000)) for c in np.logspace(-3, 1, 5)]
    learnable = [(train, test) for train, test in splits if len(np.unique(y[train])) > 1]
    # stratified: where rows are sorted by class, folds in their order will not do
    learnable = learnable or list(StratifiedKFold(2).split(features, y))
    return _least(models, log_loss, features, y, weight, learnable)


def _stacking_ridge(
    features: np.ndarray, y: np.ndarray, weight: np.ndarray, splits: list[tuple[np.ndarray, np.ndarray]]
) -> Any:
    def squared_error(model: Any, test: np.ndarray) -> float:
        return np.sqrt(np.average((y[test] - model.predict(features[test])) ** 2, weights=weight[test]))

    # the penalty is in units of the data, whatever they are
    unit = weight @ (y - np.average(y, weights=weight)) ** 2 or 1.0
    models = [Ridge(alpha, positive=True) for alpha in unit * np.logspace(-5, 0, 6)]
    return _least(models, squared_error, features, y, weight, splits)


def _least(
    models: Sequence[Any],
    error: Callable[[Any, np.ndarray], float],
    features: np.ndarray,
    y: np.ndarray,
    weight: np.ndarray,
    splits: Sequence[tuple[np.ndarray, np.ndarray]],
) -> Any:
    """The model with the least mean error on parts that it was not fitted on, unfitted."""

    def mean_error(model: Any) -> float:
        weights = ((train, _as_fit_takes_them(model, weight[train])) for train, _ in splits)
        fitted = (clone(model).fit(features[train], y[train], **given) for train, given in weights)
        return float(np.mean([error(one, test) for one, (_, test) in zip(fitted, splits, strict=True)]))

    return min(models, key=mean_error)
