"""What the models of a candidate's folds are worth when there is no fit on all rows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from sklmeta.blended import BlendedClassifier, BlendedRegressor
from sklmeta.blends import WeightedBlend
from sklmeta.evaluation import Trial, unfiled
from sklmeta.preparations import united
from sklmeta.search import Search


def means_of_folds(search: Search, trial: Trial, candidates: Sequence[int], one: bool = False) -> dict[int, Any]:
    """The mean of each one's fold models, or one of them where they have labels only; None where none was kept.

    With `one`, always one of them, which is as large, and as quick, as a fit on all rows.
    """
    models = {k: _fold_models(search, k) for k in candidates}
    for fold in range(len(trial.splits)):
        there = [k for k in candidates if fold in models[k]]
        for k, model in zip(there, united([models[k][fold] for k in there]), strict=True):
            models[k][fold] = model
    return {k: _mean(trial, models[k], one) for k in candidates}


def _fold_models(search: Search, k: int) -> dict[int, Any]:
    """Those that were kept, by fold."""
    kept = {i: fold.model for i, fold in enumerate(search.results[k]) if fold is not None}
    return {i: unfiled(model) for i, model in kept.items() if model is not None}


def _mean(trial: Trial, models: dict[int, Any], one: bool) -> Any:
    if not models:
        return None
    labels = trial.classes is not None and not all(hasattr(model, "predict_proba") for model in models.values())
    if one or labels:  # which have no mean
        return next(iter(models.values()))
    named = [(f"fold{i}", model) for i, model in models.items()]
    return face(trial).of_fitted(named, WeightedBlend(np.full(len(models), 1 / len(models))), trial.classes)


def face(trial: Trial) -> Any:
    """What several models become one as."""
    return BlendedRegressor if trial.classes is None else BlendedClassifier
