"""sklmeta: which estimator, with which hyperparameters, learned across datasets."""

from sklmeta.collect import collect
from sklmeta.configuration import Configuration
from sklmeta.datasets import Dataset
from sklmeta.estimators import MetaClassifier, MetaEstimator, MetaRegressor, recommend_config
from sklmeta.knowledge import Evaluation, KnowledgeBase, load_knowledge
from sklmeta.metafeatures import MetaFeatureExtractor

__version__ = "0.1.0"

__all__ = [
    "Configuration",
    "Dataset",
    "Evaluation",
    "KnowledgeBase",
    "MetaClassifier",
    "MetaEstimator",
    "MetaFeatureExtractor",
    "MetaRegressor",
    "__version__",
    "collect",
    "load_knowledge",
    "recommend_config",
]
