"""Errors and warnings that callers may want to catch by name."""


class KnowledgeFormatError(ValueError):
    """A file is not a knowledge file, is damaged, or has a format newer than this version reads."""


class UnknownEstimatorError(ValueError):
    """A configuration names a base estimator that is neither in the catalogue nor among the members."""


class TimeLimitExceeded(Exception):
    """A unit of work was stopped because it ran over its time limit.

    Parameters
    ----------
    message : str
        What happened.
    seconds : float, default=nan
        That it had been given by then; NaN where it had none, or that is not known.
    """

    def __init__(self, message: str, seconds: float = float("nan")):
        super().__init__(message)
        self.seconds = seconds


class NotStarted(TimeLimitExceeded):
    """Time was over before there was a process to do the work."""


class ResultNotSent(RuntimeError):
    """What a worker process found cannot be pickled, and so not be sent back."""


class WorkerDied(Exception):
    """The process that did a unit of work ended without an answer (killed, out of memory, crashed)."""


class EvaluationWarning(UserWarning):
    """Something in the search did not go as asked: a member left out, a configuration that failed."""


class VersionWarning(UserWarning):
    """Knowledge was measured with a scikit-learn of which some estimators score otherwise than those in use."""
