"""The knowledge that comes with sklmeta."""

from __future__ import annotations

import warnings
from functools import cache
from pathlib import Path

import sklearn

from sklmeta.exceptions import VersionWarning
from sklmeta.knowledge.base import KnowledgeBase
from sklmeta.knowledge.releases import changes_between

FOLDER = Path(__file__).parent / "bundled"


@cache
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

    Warns
    -----
    VersionWarning
        Once, if some configurations score otherwise with the scikit-learn in use than with the one that measured them.

    Examples
    --------
    >>> from sklmeta import load_knowledge
    >>> load_knowledge("regression").task_type
    'regression'
    """
    if task not in ("classification", "regression"):
        raise ValueError(f"task must be 'classification' or 'regression', got {task!r} instead.")
    knowledge = KnowledgeBase.load(FOLDER / f"{task}.zip")
    _warn_of_changes(knowledge)
    return knowledge


def _warn_of_changes(knowledge: KnowledgeBase) -> None:
    measured = str(knowledge.info.get("scikit-learn", ""))
    for change in changes_between(measured, sklearn.__version__, knowledge.configurations):
        concerned = sum(change.concerns(c) for c in knowledge.configurations)
        warnings.warn(
            f"The knowledge about {knowledge.task_type} was measured with scikit-learn {measured}, this is "
            f"{sklearn.__version__}: {concerned} of its {len(knowledge.configurations)} configurations "
            f"({', '.join(change.estimators)}) score otherwise here, for {change.what}. Update scikit-learn, or take "
            "their expected scores with a grain of salt.",
            VersionWarning,
            stacklevel=4,
        )
