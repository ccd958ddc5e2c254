"""What one configuration measured on one task."""

from __future__ import annotations

import json
import math
from collections.abc import Hashable, Mapping
from dataclasses import dataclass, field

from sklmeta.configuration import Configuration

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

    Raises
    ------
    ValueError
        If the status is unknown, an ok evaluation has no scores, or another has some.

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

    def __post_init__(self) -> None:
        if self.status not in STATUSES:
            raise ValueError(f"status must be one of {STATUSES}, got {self.status!r} for {self.task!r}.")
        if (self.status == "ok") != bool(self.scores):
            raise ValueError(
                f"An evaluation has scores exactly if its status is 'ok'; got status {self.status!r} and scores "
                f"{dict(self.scores)} for task {self.task!r}, {self.configuration!r}."
            )

    def to_json(self) -> str:
        """One line of JSON; numbers that are not finite become null."""
        return json.dumps(
            {
                "task": self.task,
                "configuration": json.loads(self.configuration.to_json()),
                "status": self.status,
                "reason": self.reason,
                "scores": _without_nan(self.scores),
                "standard_errors": _without_nan(self.standard_errors),
                "seconds": [_or_none(self.fit_seconds), _or_none(self.score_seconds)],
                "n_rows": self.n_rows,
                "versions": dict(self.versions),
            },
            allow_nan=False,
        )

    @classmethod
    def from_json(cls, text: str) -> Evaluation:
        """The evaluation that `to_json` wrote."""
        stored = json.loads(text)
        fit_seconds, score_seconds = map(_or_nan, stored.pop("seconds"))
        configuration = Configuration.from_json(json.dumps(stored.pop("configuration")))
        for name in ("scores", "standard_errors"):
            stored[name] = {metric: _or_nan(value) for metric, value in stored[name].items()}
        return cls(configuration=configuration, fit_seconds=fit_seconds, score_seconds=score_seconds, **stored)


def _without_nan(values: Mapping[str, float]) -> dict[str, float | None]:
    return {name: _or_none(value) for name, value in values.items()}


def _or_none(value: float) -> float | None:
    return float(value) if math.isfinite(value) else None


def _or_nan(value: float | None) -> float:
    return math.nan if value is None else float(value)
