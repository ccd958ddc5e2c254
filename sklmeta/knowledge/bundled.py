"""The knowledge that comes with sklmeta."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from sklmeta.knowledge.base import KnowledgeBase

FOLDER = Path(__file__).parent / "bundled"


def load_knowledge(task: str = "classification") -> KnowledgeBase:
    """The bundled knowledge.

    Parameters
    ----------
    task : {"classification", "regression"}, default="classification"
        For which kind of task.

    Returns
    -------
    KnowledgeBase
        Always the same object.

    Raises
    ------
    ValueError
        If `task` is neither.

    Examples
    --------
    >>> from sklmeta import load_knowledge
    >>> load_knowledge("regression").task_type
    'regression'
    """
    if task not in ("classification", "regression"):
        raise ValueError(f"task must be 'classification' or 'regression', got {task!r} instead.")
    return _loaded(FOLDER / f"{task}.zip")


@cache
def _loaded(path: Path) -> KnowledgeBase:
    return KnowledgeBase.load(path)
