"""What each group of meta-features has to do with a first pick."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence

import numpy as np

from sklmeta.metafeatures import MetaFeatureExtractor

_OTHER = "other"


def grouped(names: Sequence[Hashable], task_type: str | None) -> dict[str, np.ndarray]:
    """Positions of the meta-features of each group, as masks of shape (n_features,); foreign ones are "other"."""
    group_of = {
        name: group
        for group in MetaFeatureExtractor().groups
        for name in MetaFeatureExtractor([group]).get_feature_names_out(task_type or "classification")
    }
    groups = [group_of.get(name, _OTHER) for name in names]
    return {group: np.array([g == group for g in groups]) for group in dict.fromkeys(groups)}


def contributions(
    merits: Callable[[np.ndarray], np.ndarray],
    row: np.ndarray,
    groups: Mapping[str, np.ndarray],
    on_balance: np.ndarray,
) -> dict[str, float]:
    """How much of the first pick's advantage goes when a group of meta-features is replaced by typical values.

    The advantage is that over the rival: what would be picked, or else what would come next, if all known tasks
    counted alike. Each change is given as a share of the sum of all changes without their signs, so a group that spoke
    for the rival has a negative one; all are zero where no group changes anything.

    Parameters
    ----------
    merits : callable
        Merit of each configuration, shape (n_configurations,), from standardised meta-features.
    row : ndarray of shape (n_features,)
        The new task's standardised meta-features; 0 is typical.
    groups : mapping of str to ndarray of bool of shape (n_features,)
        What belongs together.
    on_balance : ndarray of shape (n_configurations,)
        Merits if all known tasks count alike; two configurations or more.

    Returns
    -------
    dict of str to float
        By group.
    """
    informed = merits(row)
    pick = int(np.argmax(informed))
    rival = int(np.argmax(np.where(np.arange(len(on_balance)) == pick, -np.inf, on_balance)))
    changes = {}
    for group, mask in groups.items():
        less = merits(np.where(mask, 0.0, row))
        changes[group] = float(informed[pick] - informed[rival] - (less[pick] - less[rival]))
    total = sum(map(abs, changes.values()))
    return {group: change / total if total else 0.0 for group, change in changes.items()}
