"""Learning parameters across tasks: where to start, what to stay close to, how fast to move."""

from sklmeta.gradient.episodes import Episode
from sklmeta.gradient.estimators import (
    MetaLinearClassifier,
    MetaLinearRegressor,
    MetaMLPClassifier,
    MetaMLPRegressor,
    MetaSVC,
    MetaSVR,
)
from sklmeta.gradient.init import MetaInit
from sklmeta.gradient.training import meta_train

__all__ = [
    "Episode",
    "MetaInit",
    "MetaLinearClassifier",
    "MetaLinearRegressor",
    "MetaMLPClassifier",
    "MetaMLPRegressor",
    "MetaSVC",
    "MetaSVR",
    "meta_train",
]
