"""Learning parameters across tasks: where to start, what to stay close to, how fast to move.

`meta_train` learns a `MetaInit` from many small related tasks; estimators take it as ``init`` and adapt it to a
new task. The classical words for the parts, and where they are here:

================  ======================================================================================
meta-learner      `meta_train` and its `algorithm`: learns from tasks, not from rows
meta-knowledge    `MetaInit`: start or centre, rates, strength; immutable, saved, passed to estimators
task adapter      the estimators' `fit` and `partial_fit`: from meta-knowledge to one task's parameters
meta-strategy     which estimator to bet on: the softmax of `MetaEstimator`'s search, one level above
================  ======================================================================================

The two levels combine as any estimator does: ``MetaEstimator([("adapted", MetaMLPClassifier(init=init)),
("svc", SVC())])`` searches whether meta-learned parameters or a model from scratch serve a task better, and
``init = init.update((X, y))`` then takes the task into the meta-knowledge.
"""

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
