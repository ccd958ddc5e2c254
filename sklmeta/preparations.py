"""Tables prepared once for all candidates that want them prepared alike."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable, Hashable, Sequence
from copy import copy
from dataclasses import dataclass, replace
from threading import Lock
from typing import Any

import numpy as np
import pandas as pd
from scipy import sparse
from sklearn.base import clone
from sklearn.pipeline import Pipeline

from sklmeta._sklearn import routing_enabled, safe_indexing
from sklmeta.preprocessing import TabularPreprocessor, has_many_levels
from sklmeta.space import key_of

_MOST_BYTES = 256e6  # that one process keeps


@dataclass(frozen=True, eq=False)
class Prepared:
    """A fitted preparation and what it made of some rows.

    Parameters
    ----------
    step : TabularPreprocessor
        Fitted on the training rows.
    train : array-like of shape (n_train, n_columns)
        The training rows, prepared.
    test : array-like of shape (n_test, n_columns) or None
        Other rows, prepared.
    seconds : float
        What preparing the training rows took.
    test_seconds : float
        What preparing the other rows took.
    spared : float, default=0.0
        Seconds of both that were spared, because it was there already.
    """

    step: Any
    train: Any
    test: Any
    seconds: float
    test_seconds: float
    spared: float = 0.0


class Preparations:
    """What was prepared in this process, as long as there is room; it is left behind when it is pickled."""

    def __init__(self) -> None:
        self._kept: OrderedDict[Hashable, Prepared] = OrderedDict()
        self._many_levels: dict[int, bool] = {}
        self._lock = Lock()  # joblib's threads share this

    def __reduce__(self) -> tuple:
        return Preparations, ()

    def of(
        self, step: Any, X: Any, y: Any, fold: Hashable, train: np.ndarray | None, test: np.ndarray | None
    ) -> Prepared:
        """The rows of a fold as a step prepares them.

        Parameters
        ----------
        step : TabularPreprocessor
            Unfitted.
        X : array-like of shape (n_samples, n_features)
            All rows, always the same.
        y : array-like of shape (n_samples,)
            Their target.
        fold : hashable
            Names the fold.
        train, test : ndarray of int or None
            Row positions; None is all rows for `train`, and no row for `test`.

        Returns
        -------
        Prepared
            Shared: whoever changes rows in place must copy them. Its step may have been told of the target where that
            makes no difference, or not.
        """
        key = fold, _settings(step, told=self._looks_at_target(step, X))
        with self._lock:
            if key in self._kept:
                self._kept.move_to_end(key)
                kept = self._kept[key]
                return replace(kept, spared=kept.seconds + kept.test_seconds)
        started = time.perf_counter()
        fitted = clone(step)
        rows = (X, y) if train is None else (safe_indexing(X, train), safe_indexing(y, train))
        prepared = fitted.fit_transform(*rows)
        seconds = time.perf_counter() - started
        between = time.perf_counter()
        tested = None if test is None else fitted.transform(safe_indexing(X, test))
        found = Prepared(fitted, prepared, tested, seconds, time.perf_counter() - between)
        with self._lock:
            self._kept[key] = found
            while sum(map(_bytes, self._kept.values())) > _MOST_BYTES:
                self._kept.popitem(last=False)
        return found

    def _looks_at_target(self, step: TabularPreprocessor, X: Any) -> bool:
        if step.target is None:
            return False
        if step.max_levels not in self._many_levels:
            self._many_levels[step.max_levels] = has_many_levels(X, step.max_levels)
        return self._many_levels[step.max_levels]


def shared_step(estimator: Any, fit_params: dict[str, Any]) -> Any:
    """The step of a member that prepares rows as it does for others; None where it has none of that kind."""
    if not isinstance(estimator, Pipeline) or len(estimator.steps) != 2 or estimator.memory is not None:
        return None
    step, last = estimator.steps[0][1], estimator.steps[1][0]
    plain = type(step) is TabularPreprocessor and all(param.startswith(f"{last}__") for param in fit_params)
    return step if plain and not routing_enabled() else None


def fit_last_step(pipeline: Pipeline, prepared: Prepared, y: Any, fit_params: dict[str, Any]) -> Pipeline:
    """The pipeline, fitted as `fit` would, on rows that are prepared already.

    Parameters
    ----------
    pipeline : Pipeline
        Of two steps; not changed.
    prepared : Prepared
        The training rows.
    y : ndarray of shape (n_train,)
        Target.
    fit_params : dict
        As the pipeline's ``fit`` takes them.

    Returns
    -------
    Pipeline
        Fitted.
    """
    (first, unfitted), (name, last) = pipeline.steps
    params = {key.removeprefix(f"{name}__"): value for key, value in fit_params.items()}
    fitted = clone(last).fit(prepared.train.copy(), y, **params)  # what one of them does to its rows is its own
    step = copy(prepared.step)  # which another member's may be, that was told of the target
    step.target = unfitted.target
    return Pipeline([(first, step), (name, fitted)])


def united(models: Sequence[Any]) -> list[Any]:
    """Models that were fitted on the same rows, with one preparation between all that prepare rows alike.

    Parameters
    ----------
    models : sequence of estimator
        Fitted; not changed.

    Returns
    -------
    list of estimator
        Those that predict the same.
    """
    common: dict[str, Any] = {}
    found = []
    for model in models:
        step = shared_step(model, {})
        if step is not None:
            step = common.setdefault(_settings(step, told=bool(step.averaged_)), step)
            model = Pipeline([(model.steps[0][0], step), model.steps[1]])
        found.append(model)
    return found


class Rows:
    """Rows to be answered about, which a preparation that several models have prepares once, as long as there is room.

    Parameters
    ----------
    X : array-like of shape (n_samples, n_features)
        The rows.
    """

    def __init__(self, X: Any):
        self._X = X
        self._prepared: dict[int, Any] = {}
        self._shared, self._bytes = False, 0.0

    def answers(
        self, models: Sequence[Any], ask: Callable[[Any, Any], np.ndarray], kinds: tuple[type, ...] = ()
    ) -> list[np.ndarray]:
        """What each of some fitted models says about them.

        Parameters
        ----------
        models : sequence of estimator
            Fitted.
        ask : callable
            ``ask(model, rows)`` gives the answer of a model, or of a pipeline's last step about prepared rows. A model
            of one of `kinds` is asked about this object.
        kinds : tuple of type, default=()
            Those of models that are made of others and take this object in place of rows.

        Returns
        -------
        list of ndarray
            One a model.
        """
        self._shared = self._shared or len(models) > 1
        return [ask(*self._asked(model, kinds)) for model in models]

    def _asked(self, model: Any, kinds: tuple[type, ...]) -> tuple[Any, Any]:
        """Whom to ask, and about what: what a model does to its rows is its own."""
        if type(model) in kinds:
            return model, self
        step = shared_step(model, {})
        if step is None:
            return model, self._X.copy() if self._shared else self._X
        last = model.steps[-1][1]
        if id(step) in self._prepared:
            return last, self._prepared[id(step)].copy()
        prepared = step.transform(self._X)
        if not self._shared or self._bytes + _size(prepared) > _MOST_BYTES:
            return last, prepared
        self._prepared[id(step)], self._bytes = prepared, self._bytes + _size(prepared)
        return last, prepared.copy()


def _settings(step: TabularPreprocessor, told: bool) -> str:
    """What makes two preparations of the same rows differ; the target only where it has its say."""
    params = step.get_params() if told else {**step.get_params(), "target": None}
    return key_of(params)


def _bytes(prepared: Prepared) -> float:
    return sum(map(_size, (prepared.train, prepared.test)))


def _size(X: Any) -> float:
    if X is None:
        return 0.0
    if isinstance(X, pd.DataFrame):
        return float(X.memory_usage().sum())
    return float(X.data.nbytes + X.indices.nbytes if sparse.issparse(X) else X.nbytes)
