"""How long a fit will take: learned from known tasks, corrected by the first fits on this machine."""

from __future__ import annotations

import math
from collections.abc import Collection, Hashable
from statistics import fmean
from typing import Any

import numpy as np

from sklmeta.calibration import CALIBRATION_FOLDS
from sklmeta.configuration import Configuration
from sklmeta.knowledge import KnowledgeBase

_SIZES = ("log_rows", "log_columns", "log_encoded_columns", "log_classes")
# of rows, columns, encoded columns and classes, and what the first rises by from `_BEND` rows on, where the knowledge
# says little
_PRIOR_EXPONENTS = (1.0, 0.25, 0.25, 0.5, 0.0)
_BEND = 2000.0  # below, fixed costs are much of what is timed, which grow with nothing
_PRIOR_STRENGTH = 25.0  # in squared log units of size
_EXPONENTS_RANGE = (0.0, 2.5)
# exponent of rows beyond those that the knowledge has; for the others 1
_GROWTH = {"svc": 2.0, "svc_normal": 2.0, "svr": 2.0, "svr_normal": 2.0, "gaussian_process": 3.0}
# whose work on sparse rows grows with the values that they hold, not with the columns
_BY_VALUES = frozenset({"logistic_regression", "ridge", "elastic_net", "svc", "svr", "k_neighbors"})
_TRAIN_SHARE = 2 / 3  # of a task's rows, in the folds that the knowledge was measured on
_SMALLEST = 1e-4  # seconds: a clock's resolution is no knowledge
_SURPRISE = 0.5  # standard deviation of log seconds around what is predicted here, before anything was timed here
_MACHINE_WEIGHT = 1.0  # how many timings of its own outweigh what the other base estimators say of the machine


class CostModel:
    """Seconds of a fold (fit and score) by configuration and size of the data.

    Log seconds of a base estimator's configurations are linear in the logarithms of rows, columns (as they are, and
    with an indicator for each level) and classes:
    the slopes are the base estimator's, by least squares shrunk to plausible ones, that of rows steeper from 2,000 on
    as far as was measured; beyond that, rows and columns count at least in proportion. The levels are each
    configuration's own (empirical performance models: Hutter, Xu, Hoos & Leyton-Brown 2014, in their simplest form).
    What is timed on the spot corrects them: the mean log ratio of measured to predicted, of the base estimator as far
    as it has been timed, and of all of them for the rest.

    Parameters
    ----------
    knowledge : KnowledgeBase or None
        Where seconds come from; None knows nothing before the first timing.
    meta_features : mapping of str to float
        Of the data, as far as known; its ``log_columns``, ``log_encoded_columns`` and ``log_classes`` count.
    calibrated : collection of str, default=()
        Names of the base estimators that a search calibrates, and the knowledge timed as they are.
    values_per_row : float or None, default=None
        That sparse rows hold in the mean; None for dense ones.
    """

    def __init__(
        self,
        knowledge: KnowledgeBase | None,
        meta_features: Any,
        calibrated: Collection[Hashable] = (),
        values_per_row: float | None = None,
    ):
        self._level: dict[Configuration, float] = {}
        self._slopes: dict[Hashable, np.ndarray] = {}
        self._typical: dict[Hashable, float] = {}
        self._timed: dict[Hashable, list[float]] = {}  # log ratios of what was timed here to what was predicted
        self._stopped: dict[Hashable, list[float]] = {}  # the same, of what was stopped
        self._anything_timed = False
        self._calibrated = frozenset(calibrated)
        encoded = meta_features.get("log_encoded_columns", 0.0)
        unsaid = {"log_columns": encoded, "log_encoded_columns": encoded}
        self._own_size = np.array([float(meta_features.get(name, unsaid.get(name, 0.0))) for name in _SIZES])
        self._log_values = None if values_per_row is None else math.log(max(1.0, values_per_row))
        self._known_rows: dict[Hashable, float] = {}  # the most that a base estimator was timed on
        self._known_log_columns: dict[Hashable, float] = {}
        if knowledge is not None and {"log_rows", "log_encoded_columns"} <= set(knowledge.meta_features):
            self._learn(knowledge)

    def _learn(self, knowledge: KnowledgeBase) -> None:
        described = knowledge.meta_features.reindex(columns=list(_SIZES))
        described["log_columns"] = described["log_columns"].fillna(described["log_encoded_columns"])
        of_known_size = described[["log_rows", "log_encoded_columns"]].notna().all(axis=1).to_numpy()
        sizes = described.fillna(0.0).to_numpy(copy=True)
        sizes[:, 0] += np.log(_TRAIN_SHARE)
        sizes = np.column_stack([sizes, np.maximum(sizes[:, 0] - np.log(_BEND), 0.0)])
        seconds = np.log(np.maximum(knowledge.fit_seconds + np.nan_to_num(knowledge.score_seconds), _SMALLEST))
        seconds[~of_known_size] = np.nan
        names = np.array([str(c.estimator) for c in knowledge.configurations], dtype=object)
        for name in dict.fromkeys(c.estimator for c in knowledge.configurations):
            columns = np.flatnonzero(names == str(name))
            slopes, levels = log_linear(seconds[:, columns], sizes)
            if np.isfinite(levels).any():
                timed = np.isfinite(seconds[:, columns]).any(axis=1)
                self._known_rows[name] = float(np.exp(sizes[timed, 0].max()))
                self._known_log_columns[name] = float(sizes[timed, 2].max())
                self._slopes[name], self._typical[name] = slopes, float(np.nanmedian(levels))
                known = zip(columns, levels, strict=True)
                self._level.update({knowledge.configurations[j]: float(a) for j, a in known if np.isfinite(a)})

    def seconds(self, configuration: Configuration, n_rows: int) -> float:
        """What one fold is expected to take, when it is trained on `n_rows`.

        Parameters
        ----------
        configuration : Configuration
            Its base estimator's name counts where the configuration itself is new.
        n_rows : int
            Rows to train on.

        Returns
        -------
        float
            NaN where nothing is known of the base estimator and nothing was timed.
        """
        return math.exp(self._predicted(configuration, n_rows) + self._correction(configuration.estimator))

    def at_most(self, configuration: Configuration, n_rows: int) -> float:
        """Seconds that five of six such folds do not exceed; NaN where nothing is known."""
        told = len(self._of_its_own(configuration.estimator))
        return self.seconds(configuration, n_rows) * math.exp(_SURPRISE / math.sqrt(1 + told))

    def observe(self, configuration: Configuration, n_rows: int, seconds: float) -> None:
        """Take in what a fold took."""
        predicted = self._predicted(configuration, n_rows)
        self._anything_timed = True
        if math.isnan(predicted):  # the first timing of something unknown is all that is known of it
            name, seconds = configuration.estimator, max(seconds, _SMALLEST)
            self._slopes[name] = np.array(_PRIOR_EXPONENTS)
            self._typical[name] = 0.0
            self._typical[name] = math.log(seconds) - self._predicted(configuration, n_rows)
            return
        ratio = math.log(max(seconds, _SMALLEST)) - predicted
        self._timed.setdefault(configuration.estimator, []).append(ratio)

    def observe_stopped(self, configuration: Configuration, n_rows: int, seconds: float) -> None:
        """Take in that a fold was stopped after so long: where less was expected, it is taken for twice that.

        That speaks for other base estimators only as long as nothing was timed here: one fit that never ends must not
        make all others look slow.
        """
        if self.seconds(configuration, n_rows) < seconds:
            ratio = math.log(2 * seconds) - self._predicted(configuration, n_rows)
            self._stopped.setdefault(configuration.estimator, []).append(ratio)

    def _predicted(self, configuration: Configuration, n_rows: int) -> float:
        name = configuration.estimator
        if name not in self._slopes:
            return math.nan
        rows, columns, encoded, classes, steeper = self._slopes[name].tolist()
        level = self._level.get(configuration, self._typical[name])
        _, log_columns, log_encoded, log_classes = self._own_size.tolist()
        if self._log_values is not None and name in _BY_VALUES:
            log_columns, log_encoded = min(log_columns, self._log_values), min(log_encoded, self._log_values)
        # fixed costs hide the growth among the sizes that are known
        known_rows = self._known_rows.get(name, np.inf)
        within, beyond = math.log(min(n_rows, known_rows)), math.log(max(1.0, n_rows / known_rows))
        growth = rows * within + steeper * max(0.0, within - math.log(_BEND))
        growth += beyond * max(_GROWTH.get(str(name), 1.0), rows + steeper)
        if name in self._calibrated:
            growth += math.log1p(CALIBRATION_FOLDS * (1 - 1 / CALIBRATION_FOLDS) ** rows)
        further = max(0.0, log_encoded - self._known_log_columns.get(name, np.inf))
        growth += columns * log_columns + encoded * log_encoded + max(0.0, 1.0 - columns - encoded) * further
        return level + growth + classes * log_classes

    def _correction(self, name: Hashable) -> float:
        told = self._timed if self._anything_timed else self._stopped
        machine = fmean(map(fmean, told.values())) if told else 0.0
        own = self._of_its_own(name)
        return (sum(own) + _MACHINE_WEIGHT * machine) / (len(own) + _MACHINE_WEIGHT)

    def _of_its_own(self, name: Hashable) -> list[float]:
        return [*self._timed.get(name, ()), *self._stopped.get(name, ())]


def log_linear(values: np.ndarray, sizes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Common slopes, and a level for each column, of columns that are linear in the same sizes.

    Parameters
    ----------
    values : ndarray of shape (n_tasks, n_columns)
        With NaN where unknown.
    sizes : ndarray of shape (n_tasks, n_sizes)
        What they depend on.

    Returns
    -------
    slopes : ndarray of shape (n_sizes,)
        Least squares within columns, shrunk to `_PRIOR_EXPONENTS` by a ridge, cut to a plausible range.
    levels : ndarray of shape (n_columns,)
        Each column's mean of what the slopes leave; NaN for one without values.
    """
    known = np.isfinite(values)
    counts = np.maximum(known.sum(axis=0), 1)
    centred = sizes[:, None, :] - (known[:, :, None] * sizes[:, None, :]).sum(axis=0) / counts[:, None]
    design = centred[known]
    mean = np.where(known, values, 0.0).sum(axis=0) / counts
    target = (values - mean)[known]
    prior = np.array(_PRIOR_EXPONENTS[: sizes.shape[1]])
    gram = design.T @ design + _PRIOR_STRENGTH * np.eye(len(prior))
    slopes = np.clip(prior + np.linalg.solve(gram, design.T @ (target - design @ prior)), *_EXPONENTS_RANGE)
    rest = np.where(known, values - (sizes @ slopes)[:, None], 0.0).sum(axis=0) / counts
    return slopes, np.where(known.any(axis=0), rest, np.nan)
