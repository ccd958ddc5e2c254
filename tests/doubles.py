"""Estimators and scorers made for tests: they watch what reaches them, raise, answer nonsense, or die."""

import os
import threading

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin
from sklearn.linear_model import LogisticRegression
from sklearn.utils.validation import check_is_fitted, validate_data

# The default members, set to few trees: for tests in which it does not matter how many there are
FEW_TREES = {"random_forest__n_estimators": 5, "extra_trees__n_estimators": 5, "hist_gradient_boosting__max_iter": 10}


class Majority(ClassifierMixin, BaseEstimator):
    """A classifier that sklmeta does not know. `shift` and `kind` are there to be searched."""

    def __init__(self, shift=0.0, kind="plain", extra=None):
        self.shift = shift
        self.kind = kind
        self.extra = extra

    def fit(self, X, y):
        X, y = validate_data(self, X, y)
        self.classes_, counts = np.unique(y, return_counts=True)
        self.shares_ = counts / counts.sum()
        return self

    def predict(self, X):
        return np.full(len(X), self.classes_[np.argmax(self.shares_)])

    def predict_proba(self, X):
        return np.tile(self.shares_, (len(X), 1))


class WithLock(Majority):
    """What it has learned cannot be pickled."""

    def fit(self, X, y):
        self.lock_ = threading.Lock()
        return super().fit(X, y)


class NoProbabilities(Majority):
    """It has the method, and nothing in it."""

    def predict_proba(self, X):
        raise NotImplementedError("this estimator has labels only")


class Raising(Majority):
    def fit(self, X, y):
        raise RuntimeError("this estimator always raises")


class Dying(Majority):
    def fit(self, X, y):
        os._exit(3)


class Interrupting(Majority):
    def fit(self, X, y):
        raise KeyboardInterrupt


class NanRegressor(RegressorMixin, BaseEstimator):
    def fit(self, X, y):
        self.n_features_in_ = X.shape[1]
        return self

    def predict(self, X):
        return np.full(len(X), np.nan)


class NanScoring(Majority):
    def score(self, X, y):
        return float("nan")


class Watched(LogisticRegression):
    """Notes the rows and weights of every fit in a file, so that other processes are seen too."""

    def __init__(self, log=None, C=1.0):
        super().__init__(C=C)
        self.log = log

    def fit(self, X, y, sample_weight=None):
        total = "none" if sample_weight is None else repr(float(np.sum(sample_weight)))
        with open(self.log, "a") as file:
            file.write(f"{len(y)} {total}\n")
        return super().fit(X, y, sample_weight)


class WatchingScorer:
    """Accuracy; keeps the weights it was called with."""

    def __init__(self):
        self.seen = []

    def __call__(self, estimator, X, y, sample_weight=None):
        check_is_fitted(estimator)
        self.seen.append(None if sample_weight is None else np.asarray(sample_weight))
        return float(np.average(estimator.predict(X) == y, weights=sample_weight))
