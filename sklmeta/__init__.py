"""sklmeta: which estimator, with which hyperparameters, learned across datasets."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sklmeta.blends import Average, Best, Stack
    from sklmeta.collecting import collect
    from sklmeta.configuration import Configuration
    from sklmeta.datasets import Dataset
    from sklmeta.estimators import MetaClassifier, MetaEstimator, MetaRegressor, recommend_config
    from sklmeta.knowledge import Evaluation, KnowledgeBase, load_knowledge
    from sklmeta.metafeatures import MetaFeatureExtractor

__version__ = "0.1.0"

__all__ = [
    "Average",
    "Best",
    "Configuration",
    "Dataset",
    "Evaluation",
    "KnowledgeBase",
    "MetaClassifier",
    "MetaEstimator",
    "MetaFeatureExtractor",
    "MetaRegressor",
    "Stack",
    "__version__",
    "collect",
    "load_knowledge",
    "recommend_config",
]

# Rooms are opened when they are entered: whoever wants sklmeta.gradient alone does not wait for all estimators.
_ROOMS = {
    "blends": ("Average", "Best", "Stack"),
    "collecting": ("collect",),
    "configuration": ("Configuration",),
    "datasets": ("Dataset",),
    "estimators": ("MetaClassifier", "MetaEstimator", "MetaRegressor", "recommend_config"),
    "knowledge": ("Evaluation", "KnowledgeBase", "load_knowledge"),
    "metafeatures": ("MetaFeatureExtractor",),
}
_ROOM_OF = {name: room for room, names in _ROOMS.items() for name in names}


def __getattr__(name: str) -> Any:
    if name not in _ROOM_OF:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(f"{__name__}.{_ROOM_OF[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
