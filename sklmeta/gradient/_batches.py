"""From episodes to batched arrays: labels to codes, targets for the loss, padding of ragged tasks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from sklmeta.gradient._adaptation import Rows
from sklmeta.gradient._meta_gradients import Batch
from sklmeta.gradient._scaling import Scaling
from sklmeta.gradient.episodes import Episode

MAX_CLASSES = 30  # integers with more values are a regression's target


@dataclass(frozen=True, eq=False)
class Problem:
    """What all tasks have in common: their type, and the labels where a label means the same in every task."""

    task: str
    classes: np.ndarray | None = None

    @property
    def tied(self) -> bool:
        """Whether each task has classes of its own, so that the head starts alike for all of them."""
        return self.task == "classification" and self.classes is None

    @property
    def n_outputs(self) -> int:
        """Outputs of the shared network: one for a regression, two classes, or a tied head."""
        return 1 if self.classes is None else n_outputs(len(self.classes), tied=False)


def n_outputs(n_classes: int, tied: bool) -> int:
    """Outputs for that many classes: two need only one, unless the head is tied."""
    return 1 if n_classes == 2 and not tied else n_classes


def described(targets: Sequence[np.ndarray], task: str | None, shared_classes: bool | None) -> Problem:
    """The problem that tasks of these targets pose, where the caller has not said."""
    if task not in (None, "classification", "regression"):
        raise ValueError(f"task={task!r} is unknown; choose 'classification', 'regression' or None.")
    labels = [np.unique(y) for y in targets]
    union = np.unique(np.concatenate(labels))
    if (task or _inferred_task(union, shared_classes)) == "regression":
        return Problem("regression")
    for i, own in enumerate(labels):
        if len(own) == 1:
            raise ValueError(
                f"Task {i} has one class, {own.tolist()[0]!r}: leave it out, a task needs two classes or more."
            )
    if shared_classes is None:
        shared_classes = max(map(len, labels)) == len(union)
    return Problem("classification", plain_labels(union) if shared_classes else None)


def loss_name(model: str, problem: Problem) -> str:
    """The loss that a model has on a problem."""
    if problem.task == "regression":
        return "squared_epsilon_insensitive" if model == "svm" else "squared_error"
    if model == "svm":
        return "squared_hinge"
    return "logistic" if problem.n_outputs == 1 and not problem.tied else "softmax"


def plain_labels(labels: np.ndarray) -> np.ndarray:
    """Labels as an array that can be stored without pickling: strings, numbers or booleans."""
    return np.asarray(labels.tolist()) if labels.dtype.kind == "O" else labels


def check_width(n_features: int, expected: int, where: str) -> None:
    """An error where a task has another number of features than expected."""
    if n_features != expected:
        raise ValueError(
            f"{where} has {n_features} features where {expected} were expected: "
            "give every task the same columns in the same order."
        )


def batched(episodes: Sequence[Episode], problem: Problem, scaling: Scaling, loss: str, dtype: str) -> list[Batch]:
    """Batches of episodes of about the same size (n_tasks, n_rows, ...), so that padding stays below half."""
    for i, episode in enumerate(episodes):
        check_width(episode.X_support.shape[1], scaling.n_features, f"Task {i}")
    coded = [_codes(episode, problem) for episode in episodes]
    groups: dict[tuple[int, ...], list[int]] = {}
    for i, (support, query, n_classes) in enumerate(coded):
        key = (n_classes, len(support).bit_length(), len(query).bit_length())
        groups.setdefault(key, []).append(i)
    batches = []
    for (n_classes, _, _), members in groups.items():
        chosen = [episodes[i] for i in members]
        parts = (
            ([e.X_support for e in chosen], [coded[i][0] for i in members]),
            ([e.X_query for e in chosen], [coded[i][1] for i in members]),
        )
        batches.append(Batch(*(_rows(X, y, n_classes, problem, scaling, loss, dtype) for X, y in parts)))
    return batches


def _rows(
    X: list[np.ndarray],
    y: list[np.ndarray],
    n_classes: int,
    problem: Problem,
    scaling: Scaling,
    loss: str,
    dtype: str,
) -> Rows:
    """Padded rows of several tasks; y are a regression's targets or class codes."""
    values, weights = _padded(y)
    targets = (
        scaling.targets(values)[..., None]
        if problem.task == "regression"
        else encoded(values, n_classes, loss, problem.tied)
    )
    inputs = scaling.inputs(_padded(X)[0])
    return Rows(*(np.asarray(array, dtype=dtype) for array in (inputs, targets, weights)))


def encoded(codes: np.ndarray, n_classes: int, loss: str, tied: bool) -> np.ndarray:
    """Targets (..., n_outputs) of class codes (...): signs for a single output or a hinge, else one-hot."""
    if n_outputs(n_classes, tied) == 1:
        return 2.0 * codes[..., None] - 1
    one_hot = (codes[..., None] == np.arange(n_classes)).astype(float)
    return one_hot if loss == "softmax" else 2 * one_hot - 1


def _inferred_task(labels: np.ndarray, shared_classes: bool | None) -> str:
    if shared_classes is not None:
        return "classification"
    if labels.dtype.kind == "f" and (labels != np.round(labels)).any():
        return "regression"
    return "regression" if labels.dtype.kind in "iuf" and len(labels) > MAX_CLASSES else "classification"


def _codes(episode: Episode, problem: Problem) -> tuple[np.ndarray, np.ndarray, int]:
    """Support and query targets as floats or class codes, and the number of classes (0 for a regression)."""
    y_support, y_query = episode.y_support, episode.y_query
    if problem.task == "regression":
        return y_support, y_query, 0
    classes = np.unique(y_support) if problem.classes is None else problem.classes
    if len(classes) < 2:
        raise ValueError(f"A task's support has one class, {classes.tolist()[0]!r}: it needs two classes or more.")
    return codes_of(y_support, classes), codes_of(y_query, classes), len(classes)


def codes_of(y: np.ndarray, classes: np.ndarray) -> np.ndarray:
    """Index of each label in the sorted `classes`, or an error naming a label that is not there."""
    codes = np.minimum(np.searchsorted(classes, y), len(classes) - 1)
    unknown = classes[codes] != y
    if unknown.any():
        raise ValueError(
            f"y holds {y[unknown].tolist()[0]!r}, which is none of the classes {classes.tolist()}. Where labels mean "
            "something else in each task, meta_train with shared_classes=False; the support must show all."
        )
    return codes


def _padded(arrays: list[np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    """Arrays stacked along a new first axis, short ones filled with zeros; and 1 for rows, 0 for filling."""
    lengths = [len(a) for a in arrays]
    longest = max(lengths)
    weights = np.ones((len(arrays), longest))
    if min(lengths) == longest:
        return np.stack(arrays), weights
    stacked = np.zeros((len(arrays), longest, *arrays[0].shape[1:]), dtype=arrays[0].dtype)
    for i, array in enumerate(arrays):
        stacked[i, : len(array)] = array
        weights[i, len(array) :] = 0
    return stacked, weights
