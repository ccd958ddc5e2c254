"""Releases of scikit-learn after which a known configuration scores otherwise.

Configurations name every hyperparameter that is searched, so a new default of one of these changes nothing. What counts
are the defaults of all others, and behaviour. The notes of 1.7, 1.8 and 1.9 were read for every base estimator of the
catalogue but those that came later (on normal scores, on splines, the Gaussian process), and 1.6.1 was measured against
1.9.1 on two tables, where these score the same to the eleventh digit:

* no default of a parameter that is not searched changed its meaning (`penalty="l2"` became `l1_ratio=0.0` in 1.8);
* 1.9 draws a forest's bootstrap by class weight, where before it weighted the rows that it drew: this is below;
* not warned of: 1.9's bin edges of histogram gradient boosting (within a standard error of ROC AUC and log loss;
  balanced accuracy on one table moved by 4.7), and, by the notes alone, 1.8's trees on near-constant columns with
  missing values and 1.8's stopping rule of the elastic net.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from sklmeta.configuration import Configuration


@dataclass(frozen=True)
class Change:
    """What a release changed about some configurations.

    Parameters
    ----------
    release : tuple of (int, int)
        The first scikit-learn with it.
    estimators : tuple of str
        Names of base estimators.
    params : tuple of (str, object)
        Hyperparameters that a configuration must have to be concerned.
    what : str
        In a few words.
    """

    release: tuple[int, int]
    estimators: tuple[str, ...]
    params: tuple[tuple[str, object], ...]
    what: str

    def concerns(self, configuration: Configuration) -> bool:
        """Whether it changes what this configuration scores."""
        params = configuration.params
        return configuration.estimator in self.estimators and all(params.get(k) == v for k, v in self.params)


_NUMBERED = re.compile(r"(\d+)\.(\d+)")
CHANGES = (
    Change(
        (1, 9),
        ("random_forest", "extra_trees"),
        (("class_weight", "balanced"), ("bootstrap", True)),
        "since 1.9 class weights decide which rows a forest's bootstrap draws; before, they weighted the rows drawn",
    ),
)


def changes_between(measured: str, here: str, configurations: Iterable[Configuration]) -> list[Change]:
    """The changes from one version of scikit-learn to another, in either direction, that concern configurations.

    Parameters
    ----------
    measured : str
        Version, or versions separated by commas, that measured the knowledge; what is no version says nothing.
    here : str
        Version in use.
    configurations : iterable of Configuration
        Those of the knowledge.

    Returns
    -------
    list of Change
        Empty where the two score alike.

    Examples
    --------
    >>> from sklmeta import Configuration
    >>> from sklmeta.knowledge.releases import changes_between
    >>> forest = Configuration("random_forest", {"bootstrap": True, "class_weight": "balanced"})
    >>> [change.release for change in changes_between("1.9.1", "1.8.0", [forest])]
    [(1, 9)]
    >>> changes_between("1.9.1", "1.9.0", [forest])
    []
    """
    versions = [_release(version) for version in (*measured.split(","), here) if _NUMBERED.search(version)]
    between = [change for change in CHANGES if min(versions) < change.release <= max(versions)]
    configurations = list(configurations)
    return [change for change in between if any(change.concerns(c) for c in configurations)]


def _release(version: str) -> tuple[int, int]:
    major, minor = _NUMBERED.findall(version)[0]
    return int(major), int(minor)
