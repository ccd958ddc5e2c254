"""How good predictions are that were made before: the user's metric on out-of-fold predictions."""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from sklearn import metrics
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin

from sklmeta._sklearn import check_method_params, safe_indexing
from sklmeta.ensemble import RATES, fold_metric
from sklmeta.exceptions import EvaluationWarning

# scikit-learn's metric functions, with the scorers whose mean over folds has a quick way
_QUICK: dict[Callable, str] = {
    metrics.accuracy_score: "accuracy",
    metrics.balanced_accuracy_score: "balanced_accuracy",
    metrics.roc_auc_score: "roc_auc",
    metrics.f1_score: "f1",
    metrics.jaccard_score: "jaccard",
    metrics.precision_score: "precision",
    metrics.recall_score: "recall",
    metrics.matthews_corrcoef: "matthews_corrcoef",
    metrics.log_loss: "neg_log_loss",
    metrics.brier_score_loss: "neg_brier_score",
    metrics.r2_score: "r2",
    metrics.mean_squared_error: "neg_mean_squared_error",
    metrics.root_mean_squared_error: "neg_root_mean_squared_error",
    metrics.mean_absolute_error: "neg_mean_absolute_error",
}
_OF_PROBABILITIES = {"roc_auc", "neg_log_loss", "neg_brier_score"}
_STANDARD = {True: "neg_log_loss", False: "r2"}  # by whether there are classes


def fold_score(
    scorer: Any,
    y: np.ndarray,
    folds: Sequence[np.ndarray],
    *,
    classes: np.ndarray | None = None,
    X: Any = None,
    score_params: Mapping[str, Any] | None = None,
    deciding: str | None = None,
    stand_in: bool = True,
    patience: float = np.inf,
) -> Callable[[np.ndarray], float]:
    """The mean over folds of the user's metric, as a function of stored predictions.

    scikit-learn's common metrics are computed directly. Every other scorer is called on a thin predictor that answers
    with the stored predictions of the rows that it is asked about.

    Parameters
    ----------
    scorer : callable
        ``scorer(estimator, X, y, **score_params)`` returns a number or a mapping of numbers.
    y : ndarray of shape (n_rows,)
        Target of the rows that have predictions.
    folds : sequence of ndarray of int
        By fold, the positions of its test rows.
    classes : ndarray of shape (n_classes,), default=None
        All labels, in the order of the predictions' columns; None for regression.
    X : array-like of shape (n_rows, n_features), default=None
        The rows, for scorers that look at them.
    score_params : mapping, default=None
        For the scorer; values with one entry per row are split like the rows.
    deciding : str, default=None
        Which metric counts where the scorer has several.
    stand_in : bool, default=True
        Whether another metric takes the place of one that cannot be computed on stored predictions; else what it
        raised is raised.
    patience : float, default=inf
        Seconds; one that takes longer on all folds has its place taken, too.

    Returns
    -------
    callable
        Takes an array of shape (n_rows, n_outputs) and gives a number, greater is better; folds on which the metric is
        undefined are left out, and without any other it gives NaN.

    Warns
    -----
    EvaluationWarning
        If the scorer cannot work on stored predictions, or not in time; log loss or R2 stands in for it.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.metrics import get_scorer
    >>> y, folds = np.array(["no", "yes", "yes"]), [np.array([0, 1]), np.array([2])]
    >>> score = fold_score(get_scorer("accuracy"), y, folds, classes=np.array(["no", "yes"]))
    >>> score(np.array([[0.9, 0.1], [0.6, 0.4], [0.2, 0.8]]))
    0.75
    """
    if deciding is not None:
        scorer = getattr(scorer, "_scorers", {}).get(deciding, scorer)
    target = y if classes is None else np.searchsorted(classes, y)
    n_classes = None if classes is None else len(classes)
    params = dict(score_params or {})
    quick = None
    name = _quick_name(scorer, classes)
    if name is not None and set(params) <= {"sample_weight"}:
        quick = fold_metric(name, target, folds, n_classes, **params)
    if quick is not None:
        return quick
    slow = _StoredScore(scorer, y, folds, classes, X, params, deciding)
    n_outputs = n_classes or 1
    started = time.monotonic()
    try:
        slow.on_fold(np.full((len(y), n_outputs), 1 / n_outputs), 0)
    except Exception as error:
        if not stand_in:
            raise
        why = f"cannot be computed on stored predictions ({type(error).__name__}: {error})"
        how = "Use a scorer that asks the estimator for nothing but predict or predict_proba, or ensemble='best'."
    else:
        seconds = (time.monotonic() - started) * len(folds)
        if seconds <= patience:
            return slow
        why = f"takes about {seconds:.2g} s on {len(folds)} folds, too long for the time that is left"
        how = "Use a quicker one, more time, or ensemble='best'."
    other = _STANDARD[classes is not None]
    text = f"scoring={scorer!r} {why}; the ensemble is chosen by {other} instead. {how}"
    warnings.warn(text, EvaluationWarning, stacklevel=2)
    return fold_metric(other, target, folds, n_classes)  # type: ignore[return-value]


def judges_labels(scorer: Any, classes: np.ndarray | None, deciding: str | None = None) -> bool:
    """Whether a scorer depends on where, between two classes, the label changes; of accuracy that is one half."""
    if classes is None or len(classes) != 2:
        return False
    if deciding is not None:
        scorer = getattr(scorer, "_scorers", {}).get(deciding, scorer)
    return getattr(scorer, "_response_method", None) == "predict" and _quick_name(scorer, classes) != "accuracy"


def is_quick(scorer: Any, classes: np.ndarray | None) -> bool:
    """Whether `fold_score` computes a scorer directly, in a small part of the time that calling it takes."""
    return _quick_name(scorer, classes) is not None


def _quick_name(scorer: Any, classes: np.ndarray | None) -> str | None:
    """The scorer's name where it is one of scikit-learn's that can be computed quickly."""
    if hasattr(scorer, "_estimator"):  # an estimator's own score
        return "r2" if classes is None else "accuracy"
    name = _QUICK.get(getattr(scorer, "_score_func", None))  # type: ignore[arg-type]
    if name is None or scorer._sign != (-1 if name.startswith("neg_") else 1) or not _asks_what_it_should(scorer, name):
        return None
    options = dict(scorer._kwargs)
    if name in RATES:
        return _of_a_mean(name, classes, **options) if set(options) <= {"average", "pos_label"} else None
    options = {key: value for key, value in options.items() if key not in ("labels", "pos_label")}
    if name == "roc_auc" and classes is not None and (len(classes) == 2 or options.get("multi_class") == "ovr"):
        options.pop("multi_class", None)
    elif name == "roc_auc":
        return None
    return None if options else name


def _asks_what_it_should(scorer: Any, name: str) -> bool:
    """Of labels or numbers, or of probabilities: a scorer may judge by labels what is meant for these."""
    asked = {scorer._response_method} if isinstance(scorer._response_method, str) else set(scorer._response_method)
    by_probabilities = bool(asked & {"predict_proba", "decision_function"})
    return by_probabilities == (name in _OF_PROBABILITIES)


def _of_a_mean(name: str, classes: np.ndarray | None, average: Any = "binary", pos_label: Any = 1) -> str | None:
    """Which kind of mean over classes; of two, the second alone, as long as it is the one that was meant."""
    if average == "binary" and classes is not None and len(classes) == 2 and classes[1] == pos_label:
        return name
    return f"{name}_{average}" if average in ("micro", "macro", "weighted") else None


class _StoredScore:
    """Calls a scorer fold by fold on a predictor that knows the answers."""

    def __init__(
        self,
        scorer: Callable,
        y: np.ndarray,
        folds: Sequence[np.ndarray],
        classes: np.ndarray | None,
        X: Any,
        params: Mapping[str, Any],
        deciding: str | None,
    ):
        X = np.zeros((len(y), 1)) if X is None else X
        self.scorer, self.folds, self.classes, self.deciding = scorer, folds, classes, deciding
        self.rows = [(safe_indexing(X, f), y[f], check_method_params(X, params=dict(params), indices=f)) for f in folds]

    def on_fold(self, predictions: np.ndarray, fold: int) -> float:
        X, y, params = self.rows[fold]
        answers = predictions[self.folds[fold]]
        stored = StoredRegressor(answers) if self.classes is None else StoredClassifier(answers, self.classes)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # the folds' own scores warned of the same
            score = self.scorer(stored, X, y, **params)
        if isinstance(score, Mapping):
            score = next(iter(score.values())) if self.deciding is None else score[self.deciding]
        return float(score)

    def __call__(self, predictions: np.ndarray) -> float:
        scores = np.array([self.on_fold(predictions, k) for k in range(len(self.folds))])
        return float(np.mean(scores[np.isfinite(scores)])) if np.isfinite(scores).any() else np.nan


class _Stored(BaseEstimator):
    """A predictor that gives the predictions it was made with, whatever the rows are."""

    answers: np.ndarray

    def __sklearn_is_fitted__(self) -> bool:
        return True

    def _of(self, X: Any) -> np.ndarray:
        n_rows = X.shape[0] if hasattr(X, "shape") else len(X)
        if n_rows != len(self.answers):
            raise ValueError(f"Predictions are stored of {len(self.answers)} rows, and {n_rows} were asked for.")
        return self.answers


class StoredClassifier(ClassifierMixin, _Stored):
    """A classifier that gives the probabilities it was made with, whatever the rows are.

    Parameters
    ----------
    answers : ndarray of shape (n_rows, n_classes)
        Probabilities.
    classes : ndarray of shape (n_classes,)
        Labels of the columns.
    """

    def __init__(self, answers: np.ndarray, classes: np.ndarray):
        self.answers = answers
        self.classes = classes

    @property
    def classes_(self) -> np.ndarray:
        """The labels."""
        return self.classes

    def predict_proba(self, X: Any) -> np.ndarray:
        """The probabilities, shape (n_rows, n_classes)."""
        return self._of(X)

    def predict(self, X: Any) -> np.ndarray:
        """The most probable labels, shape (n_rows,)."""
        return self.classes[self._of(X).argmax(axis=1)]


class StoredRegressor(RegressorMixin, _Stored):
    """A regressor that gives the numbers it was made with, whatever the rows are.

    Parameters
    ----------
    answers : ndarray of shape (n_rows, 1)
        Numbers.
    """

    def __init__(self, answers: np.ndarray):
        self.answers = answers

    def predict(self, X: Any) -> np.ndarray:
        """The numbers, shape (n_rows,)."""
        return self._of(X)[:, 0]
