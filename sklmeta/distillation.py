"""One estimator in place of several: a student that learns what a fitted model answers."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from pandas.api import types
from scipy import sparse
from sklearn.base import clone, is_classifier
from sklearn.frozen import FrozenEstimator
from sklearn.model_selection import FixedThresholdClassifier
from sklearn.neighbors import NearestNeighbors
from sklearn.pipeline import Pipeline
from sklearn.utils import check_random_state
from sklearn.utils.validation import has_fit_parameter

from sklmeta._sklearn import safe_indexing
from sklmeta.catalogue import build_estimator, catalogue
from sklmeta.configuration import Configuration
from sklmeta.preprocessing import TabularPreprocessor

_NEGLIGIBLE = 0.01  # a class less probable than this in a row is not taught there


def distill(
    model: Any,
    X: Any,
    *,
    outputs: np.ndarray | None = None,
    student: Any = None,
    n_synthetic: int | None = None,
    random_state: Any = None,
) -> Any:
    """Fit one estimator that imitates a model, such as an average of many.

    The student learns what the model answers, not the target: a regressor the model's numbers, a classifier each row
    once for each class, weighted by the class's probability (Hinton et al. 2015). Rows drawn between neighbours
    (see `between_neighbours`) show it what the model does where there are no data.

    Parameters
    ----------
    model : classifier or regressor
        Fitted; a classifier has ``predict_proba``.
    X : {DataFrame, array-like, sparse matrix} of shape (n_samples, n_features)
        Rows, without a target: those that the model was fitted on, or any others like them.
    outputs : ndarray of shape (n_samples, n_outputs), default=None
        What the model answers about `X`: probabilities in the order of ``classes_``, or numbers in one column. Where
        `X` are the rows that the model was fitted on, it is too sure of itself, and out-of-fold answers may be better.
        None asks the model.
    student : estimator, default=None
        Cloned; a classifier that takes ``sample_weight``, bare or as the last step of a Pipeline. What did best on its
        own is the safer choice. None is histogram gradient boosting.
    n_synthetic : int, default=None
        Rows to draw. None is four for each row of `X`, though no more than 20,000, nor more than the student's kind is
        fitted on by `sklmeta.MetaEstimator` (a Gaussian process on 1,000, `X` included); sparse rows get none.
    random_state : int, RandomState instance or None, default=None
        Of the draws, and of the default student.

    Returns
    -------
    estimator
        The student, fitted. Of a model that was tuned to change its labels at another probability than one half, it is
        within scikit-learn's FixedThresholdClassifier, and does so too.

    Raises
    ------
    ValueError
        If a classifier has no probabilities, the student is of another kind than the model or takes no weights, or
        `outputs` has another number of rows.

    References
    ----------
    C. Bucila, R. Caruana & A. Niculescu-Mizil (2006), "Model compression".
    G. Hinton, O. Vinyals & J. Dean (2015), "Distilling the knowledge in a neural network".

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklearn.ensemble import RandomForestClassifier
    >>> from sklearn.tree import DecisionTreeClassifier
    >>> X, y = load_iris(return_X_y=True)
    >>> forest = RandomForestClassifier(random_state=0).fit(X, y)
    >>> tree = distill(forest, X, student=DecisionTreeClassifier(max_depth=3), random_state=0)
    >>> bool((tree.predict(X) == forest.predict(X)).mean() > 0.9)
    True
    """
    if is_classifier(model) and not hasattr(model, "predict_proba"):
        raise ValueError(
            f"{model!r} has no predict_proba, and a student learns probabilities: let MetaEstimator search by a metric "
            "of probabilities, or average, or use MetaClassifier."
        )
    rng = check_random_state(random_state)
    classes = model.classes_ if is_classifier(model) else None
    student = _checked_student(student, classes is not None, rng)
    answers = _answers(model, X) if outputs is None else np.asarray(outputs, float)
    if len(answers) != X.shape[0]:
        raise ValueError(f"outputs has {len(answers)} rows and X has {X.shape[0]}; give one for each row of X.")
    if n_synthetic is None:
        most = _most_rows(student, "regression" if classes is None else "classification") - X.shape[0]
        n_synthetic = 0 if sparse.issparse(X) or X.shape[0] < 2 else max(0, min(4 * X.shape[0], 20_000, most))
    if n_synthetic:
        drawn = between_neighbours(X, n_synthetic, random_state=rng)
        answers = np.vstack([answers, _answers(model, drawn)])
        X = pd.concat([X, drawn], ignore_index=True) if isinstance(X, pd.DataFrame) else np.vstack([X, drawn])
    if classes is None:
        return student.fit(X, answers[:, 0])
    taught = answers >= np.minimum(_NEGLIGIBLE, answers.max(axis=0))  # each class in one row at least
    rows, columns = np.nonzero(taught)
    step = f"{student.steps[-1][0]}__" if isinstance(student, Pipeline) else ""
    student.fit(safe_indexing(X, rows), classes[columns], **{f"{step}sample_weight": answers[rows, columns]})
    return _with_labels_of(model, student, X)


def between_neighbours(X: Any, n: int, *, swap: float = 0.5, spread: float = 4.0, random_state: Any = None) -> Any:
    """Rows like those given, by MUNGE (Bucila, Caruana & Niculescu-Mizil 2006).

    Each is a row of which some cells were replaced by what its nearest neighbour has there: as it is, or for numbers
    with a fractional part drawn from around it, with their distance divided by `spread` as standard deviation.

    Parameters
    ----------
    X : {DataFrame, array-like} of shape (n_samples, n_features)
        At least two rows; any columns that `sklmeta.preprocessing.TabularPreprocessor` takes.
    n : int
        How many.
    swap : float, default=0.5
        How probably a cell is replaced.
    spread : float, default=4.0
        The greater, the nearer to the neighbour.
    random_state : int, RandomState instance or None, default=None
        Of the draws.

    Returns
    -------
    DataFrame or ndarray of shape (n, n_features)
        As `X` is; columns keep their types.

    References
    ----------
    C. Bucila, R. Caruana & A. Niculescu-Mizil (2006), "Model compression".
    """
    rng = check_random_state(random_state)
    table = X.reset_index(drop=True) if isinstance(X, pd.DataFrame) else pd.DataFrame(np.asarray(X))
    encoded = TabularPreprocessor(dense=True).fit_transform(table)
    nearest = NearestNeighbors(n_neighbors=1).fit(encoded).kneighbors(return_distance=False)[:, 0]
    rows = rng.randint(len(table), size=n)
    own, other = table.iloc[rows].reset_index(drop=True), table.iloc[nearest[rows]].reset_index(drop=True)
    columns = {}
    for position in range(table.shape[1]):
        there = other.iloc[:, position]
        if types.is_float_dtype(there.dtype) and (there.dropna().to_numpy(float) % 1 != 0).any():
            distance = (there - own.iloc[:, position]).abs().fillna(0.0)
            there = there + distance / spread * rng.standard_normal(n)
        columns[position] = own.iloc[:, position].where(rng.random_sample(n) >= swap, there)
    drawn = pd.DataFrame(columns).astype(dict(enumerate(table.dtypes)))
    return drawn.set_axis(table.columns, axis=1) if isinstance(X, pd.DataFrame) else drawn.to_numpy(np.asarray(X).dtype)


def _answers(model: Any, X: Any) -> np.ndarray:
    if is_classifier(model):
        return model.predict_proba(X)
    return np.asarray(model.predict(X), float).reshape(-1, 1)


def _with_labels_of(model: Any, student: Any, X: Any) -> Any:
    """The student, whose labels change where the model's do."""
    blend = getattr(getattr(model, "ensemble_", model), "blend", None)
    threshold = getattr(blend, "threshold", 0.5)
    if threshold == 0.5 or len(student.classes_) != 2:
        return student
    labelling = FixedThresholdClassifier(FrozenEstimator(student), threshold=threshold, response_method="predict_proba")
    return labelling.fit(safe_indexing(X, [0, 0]), student.classes_)  # the student stays as it is


def _checked_student(student: Any, classes: bool, rng: np.random.RandomState) -> Any:
    kind = "classification" if classes else "regression"
    if student is None:
        seed = int(rng.randint(2**31 - 1))
        return build_estimator(Configuration("hist_gradient_boosting", {"random_state": seed}), kind)
    if is_classifier(student) != classes:
        raise ValueError(f"The model does {kind}; student={student!r} does not. Give one that does.")
    if classes and not takes_weights(student):
        raise ValueError(f"student={student!r} takes no sample_weight, by which it would learn probabilities.")
    return clone(student)


def takes_weights(student: Any) -> bool:
    """Whether fitting it, bare or as the last step of a Pipeline, accepts sample_weight."""
    return has_fit_parameter(_last_step(student), "sample_weight")


def _last_step(student: Any) -> Any:
    return student.steps[-1][1] if isinstance(student, Pipeline) else student


def _most_rows(student: Any, kind: str) -> float:
    """Rows beyond which its cost grows too fast."""
    last = _last_step(student)
    last = getattr(last, "regressor", last)  # behind a target that is transformed
    limits = [entry.max_rows for entry in catalogue(kind).values() if type(entry.estimator) is type(last)]
    return min((limit for limit in limits if limit is not None), default=np.inf)
