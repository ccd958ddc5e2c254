"""What one configuration measured on one task."""

from __future__ import annotations

import json
import math
from collections.abc import Hashable, Mapping
from dataclasses import dataclass, field, fields

from sklmeta.configuration import Configuration, FrozenParams
from sklmeta.knowledge.labels import label_from_json, label_to_json

STATUSES = ("ok", "timeout", "failed")


@dataclass(frozen=True)
class Evaluation:
    """What a configuration measured on a task.

    Parameters
    ----------
    task : hashable
        Id of the task.
    configuration : Configuration
        What was evaluated.
    status : {"ok", "timeout", "failed"}, default="ok"
        A configuration that ran over its limit or failed is knowledge, too.
    reason : str, default=""
        Why it is not ok.
    scores : mapping of str to float, default={}
        By metric, mean over the folds, greater is better.
    standard_errors : mapping of str to float, default={}
        Of these means.
    fit_seconds, score_seconds : float, default=nan
        CPU seconds of one thread, mean over the folds.
    n_rows : int, default=0
        Rows used, training and test parts together.
    versions : mapping of str to str, default={}
        Of the packages that measured it.
    time_limit : float, default=nan
        Seconds after which it was stopped, where it was and they are known.

    Raises
    ------
    TypeError
        If `configuration` is no Configuration.
    ValueError
        If the status is unknown, an ok evaluation has no scores, another one has some, or a number makes no sense.

    Examples
    --------
    >>> from sklmeta import Configuration
    >>> from sklmeta.knowledge import Evaluation
    >>> one = Evaluation("iris", Configuration("lda"), scores={"accuracy": 0.98})
    >>> Evaluation.from_json(one.to_json()) == one
    True
    """

    task: Hashable
    configuration: Configuration
    status: str = "ok"
    reason: str = ""
    scores: Mapping[str, float] = field(default_factory=dict)
    standard_errors: Mapping[str, float] = field(default_factory=dict)
    fit_seconds: float = math.nan
    score_seconds: float = math.nan
    n_rows: int = 0
    versions: Mapping[str, str] = field(default_factory=dict)
    time_limit: float = math.nan

    def __post_init__(self) -> None:
        hash(self.task)
        self._check_outcome()
        for name in ("scores", "standard_errors"):
            frozen = FrozenParams({metric: _number(value) for metric, value in getattr(self, name).items()})
            object.__setattr__(self, name, frozen)
        object.__setattr__(self, "versions", FrozenParams(self.versions))
        for name in ("fit_seconds", "score_seconds", "time_limit"):
            object.__setattr__(self, name, _number(getattr(self, name)))
        object.__setattr__(self, "n_rows", int(self.n_rows))
        self._check_numbers()

    def _check_outcome(self) -> None:
        if not isinstance(self.configuration, Configuration):
            raise TypeError(
                f"configuration must be a Configuration, got {self.configuration!r} for task {self.task!r}; "
                "wrap a name as Configuration(name)."
            )
        if self.status not in STATUSES:
            raise ValueError(f"status must be one of {STATUSES}, got {self.status!r} for task {self.task!r}.")
        if (self.status == "ok") != bool(self.scores):
            raise ValueError(
                f"An evaluation has scores exactly if its status is 'ok'; got status {self.status!r} and scores "
                f"{dict(self.scores)} for task {self.task!r}, {self.configuration!r}."
            )

    def _check_numbers(self) -> None:
        where = f"for task {self.task!r}, {self.configuration!r}"
        if any(math.isinf(score) for score in self.scores.values()):
            raise ValueError(f"Scores must be finite, or NaN where undefined; got {self.scores!r} {where}.")
        unknown = [metric for metric in self.standard_errors if metric not in self.scores]
        if unknown:
            raise ValueError(f"standard_errors has {unknown!r}, which scores {self.scores!r} lack, {where}.")
        spans = {name: getattr(self, name) for name in ("fit_seconds", "score_seconds", "n_rows", "time_limit")}
        for name, value in {**spans, **self.standard_errors}.items():
            if value < 0 or math.isinf(value):
                what = name if name in spans else f"The standard error of {name!r}"
                raise ValueError(f"{what} must be finite and not negative, or NaN; got {value!r} {where}.")

    def __reduce__(self) -> tuple:
        return Evaluation, tuple(getattr(self, part.name) for part in fields(self))

    def to_json(self) -> str:
        """One line of JSON; NaN becomes null, and a task that is neither text, number nor tuple becomes text."""
        return json.dumps(
            {
                "task": label_to_json(self.task),
                "configuration": json.loads(self.configuration.to_json()),
                "status": self.status,
                "reason": self.reason,
                "scores": _without_nan(self.scores),
                "standard_errors": _without_nan(self.standard_errors),
                "seconds": [_or_none(self.fit_seconds), _or_none(self.score_seconds)],
                "n_rows": self.n_rows,
                "versions": dict(self.versions),
                **({} if math.isnan(self.time_limit) else {"time_limit": self.time_limit}),
            },
            allow_nan=False,
        )

    @classmethod
    def from_json(cls, text: str) -> Evaluation:
        """The evaluation that `to_json` wrote.

        Parameters
        ----------
        text : str
            One line.

        Returns
        -------
        Evaluation
            Equal to the one that was written.

        Raises
        ------
        ValueError
            If `to_json` did not write this.
        """
        try:
            stored = json.loads(text)
            fit_seconds, score_seconds = map(_or_nan, stored.pop("seconds"))
            configuration = Configuration.from_json(json.dumps(stored.pop("configuration")))
            task = label_from_json(stored.pop("task"))
            for name in ("scores", "standard_errors"):
                stored[name] = {metric: _or_nan(value) for metric, value in stored[name].items()}
            return cls(task, configuration, fit_seconds=fit_seconds, score_seconds=score_seconds, **stored)
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            raise ValueError(
                f"This is no line that Evaluation.to_json wrote ({type(error).__name__}: {error}): {text[:200]!r}"
            ) from error


def _number(value: float) -> float:
    """A plain float; every NaN is the same object, so that equal evaluations compare and hash as such."""
    number = float(value)
    return math.nan if math.isnan(number) else number


def _without_nan(values: Mapping[str, float]) -> dict[str, float | None]:
    return {name: _or_none(value) for name, value in values.items()}


def _or_none(value: float) -> float | None:
    return None if math.isnan(value) else value


def _or_nan(value: float | None) -> float:
    return math.nan if value is None else float(value)
