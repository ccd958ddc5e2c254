"""What a MetaEstimator wraps: estimators and pipelines, each with a name, a space and what its user pinned."""

from __future__ import annotations

import inspect
import warnings
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any
from zlib import crc32

import numpy as np
from scipy import sparse
from sklearn.base import clone, is_classifier, is_regressor
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.pipeline import Pipeline
from sklearn.utils import get_tags
from sklearn.utils.validation import has_fit_parameter

from sklmeta._sklearn import routing_enabled
from sklmeta.calibration import CalibratedMember, lacks_probabilities
from sklmeta.catalogue import CatalogueEntry, catalogue, default_pipeline, find_entry
from sklmeta.configuration import Configuration, frozen_value
from sklmeta.exceptions import EvaluationWarning
from sklmeta.preprocessing import SPLINES, TabularPreprocessor, target_of
from sklmeta.space import SearchSpace, is_number, key_of, rounded

_DENSE_CELLS = 100_000_000  # 800 MB of float64: beyond this, sparse input is not made dense
_FEW_OF_A_CLASS = 4  # rows: with less, one of two folds may have a single one to train on
_COLUMNS_OF_ONE = {"splines": SPLINES, "components": 2}  # that the preparation makes
_SMALL = 5_000  # rows: nobody misses on a larger table what is for smaller ones


@dataclass(frozen=True, eq=False)
class Member:
    """One wrapped estimator.

    Parameters
    ----------
    name : str
        Its name in the MetaEstimator.
    estimator : estimator
        As the user gave it, unfitted: a bare estimator or a Pipeline.
    entry : CatalogueEntry or None
        What the catalogue knows about it, or about a Pipeline's last step.
    space : SearchSpace
        What may be searched, under the names that `estimator` has for its parameters.
    pinned : mapping of str to object
        What the user set, under the base estimator's own names.
    asked : mapping of str to (list or distribution), default={}
        What the user wants searched, under the names that `estimator` has for its parameters.
    preprocessor : "auto", None or transformer, default="auto"
        What a bare estimator is put behind.
    """

    name: str
    estimator: Any
    entry: CatalogueEntry | None
    space: SearchSpace
    pinned: Mapping[str, Any]
    asked: Mapping[str, Any] = field(default_factory=dict)
    preprocessor: Any = "auto"

    @property
    def is_pipeline(self) -> bool:
        """Whether it brings its own preparation of the data."""
        return isinstance(self.estimator, Pipeline)

    @property
    def is_plain(self) -> bool:
        """Whether nothing in it is foreign: one that the catalogue has, behind our preparation or none.

        Other estimators of scikit-learn's, such as an average of several, may hold anything.
        """
        ours = self.preprocessor is None or isinstance(self.preprocessor, str)
        known = self.entry is not None and type(self.estimator).__module__.startswith("sklearn.")
        return ours and known and not self.is_pipeline

    @property
    def base(self) -> Any:
        """The estimator itself, behind any preparation."""
        return self.estimator.steps[-1][1] if self.is_pipeline else self.estimator

    @property
    def prefix(self) -> str:
        """What the base estimator's parameters are prefixed with in `estimator`."""
        return f"{self.estimator.steps[-1][0]}__" if self.is_pipeline else ""

    @property
    def takes_weights(self) -> bool:
        """Whether fitting accepts sample_weight."""
        return has_fit_parameter(self.base, "sample_weight")

    def fit_params(self, params: Mapping[str, Any]) -> dict[str, Any]:
        """Parameters of `fit` as the built estimator takes them: a plain name means the estimator itself."""
        if not self.is_pipeline and self.preprocessor is None:
            return dict(params)
        step = self.estimator.steps[-1][0] if self.is_pipeline else self.name
        return {key if "__" in key else f"{step}__{key}": value for key, value in params.items()}

    @property
    def needs_dense(self) -> bool:
        """Whether sparse rows would have to be made dense for it."""
        return self.preprocessor == "auto" and not self.is_pipeline and not _takes_sparse(self.estimator, self.entry)

    def as_set(self, known: Configuration) -> Configuration:
        """A known configuration with the values that the user pinned in place of its own."""
        return Configuration(known.estimator, self._with_pins(known))

    def _with_pins(self, known: Configuration) -> dict[str, Any]:
        fixed = {**self.pinned, **{n.removeprefix(self.prefix): v for n, v in self._single.items()}}
        return {name: frozen_value(fixed.get(name, v)) for name, v in known.params.items()}

    def adapted(self, known: Configuration) -> dict[str, Any] | None:
        """Parameters for `estimator` that follow a known configuration and keep what the user set.

        Numbers that the user set replace the known ones. Where the user set a choice and the known configuration
        made another, a value lies outside the user's distribution, or this scikit-learn has no such parameter, it says
        nothing about this member: None. What the user wants searched and the configuration does not mention is drawn.
        """
        if self.entry is None or known.estimator != self.entry.name:
            return None
        params = self._with_pins(known)  # no Configuration: what the user set may not be hashable
        if not params.keys() <= self._param_names:
            return None
        if any(v != known.params[n] and not (is_number(v) and is_number(known.params[n])) for n, v in params.items()):
            return None
        free = {self.prefix + n: v for n, v in params.items() if n not in self.pinned}
        asked = self.space.as_drawn({name: value for name, value in free.items() if name in self.asked})
        if asked is None:
            return None
        free |= asked
        unsaid = self.space.without(set(self.space.names) - (set(self.asked) - set(free)))
        return {**free, **unsaid.sample(1, crc32(repr(known).encode()), free)[0]}

    def drawn(self, n: int, random_state: Any) -> list[dict[str, Any]]:
        """At most `n` choices: the estimator as it is, if nothing speaks against it, then draws from its space."""
        fixed = {self.prefix + name: value for name, value in self.pinned.items()}
        draws = [self._readable(params) for params in self.space.sample(n, random_state, fixed)]
        current = {**self.estimator.get_params(), **self._single}
        asked = self.space.as_drawn({name: current[name] for name in self.asked})
        if asked is None:
            return draws
        current |= asked
        active = self.space.active({**fixed, **{name: current[name] for name in self.space.names}})
        as_it_is = {name: active[name] for name in self.space.names if name in active}
        first = key_of(as_it_is)
        return [as_it_is, *(params for params in draws if key_of(params) != first)][:n]

    def neighbour(self, params: Mapping[str, Any], scale: float, random_state: Any) -> dict[str, Any]:
        """Other parameters, as near as `scale` says to some that `adapted` or `drawn` gave."""
        fixed = {self.prefix + name: value for name, value in self.pinned.items()}
        return self._readable(self.space.neighbour(params, random_state, scale=scale, fixed=fixed))

    @cached_property
    def _param_names(self) -> frozenset[str]:
        return frozenset(self.base.get_params())

    @property
    def _single(self) -> dict[str, Any]:
        """What the user left one value for."""
        return {k: v[0] for k, v in self.asked.items() if hasattr(v, "__len__") and len(v) == 1}

    def _readable(self, params: Mapping[str, Any]) -> dict[str, Any]:
        """Draws from sklmeta's own distributions with few digits; the user's as they are."""
        return {**rounded(params), **{name: params[name] for name in self.asked if name in params}}

    def build(self, params: Mapping[str, Any], *, probabilities: bool = False) -> Any:
        """An unfitted estimator with these parameters, behind its preparation."""
        # estimators among the values are the user's, and several configurations may share one
        own = {name: clone(value, safe=False) for name, value in params.items()}
        estimator = clone(self.estimator).set_params(**own)
        if self.is_pipeline:
            return _calibrated_last_step(estimator) if probabilities else estimator
        if self.preprocessor == "auto" and self.entry is not None:
            return default_pipeline(self.entry, estimator, probabilities=probabilities, step=self.name)
        if probabilities and lacks_probabilities(estimator):
            estimator = CalibratedMember(estimator)
        if self.preprocessor is None:
            return estimator
        auto = TabularPreprocessor(dense=self.needs_dense, target=target_of(self.estimator))
        prepare = auto if self.preprocessor == "auto" else clone(self.preprocessor)
        return Pipeline([("preprocess", prepare), (self.name, estimator)])


def named_estimators(estimators: Any, task_type: str | None = None, copies: bool = True) -> list[tuple[str, Any]]:
    """``(name, estimator)`` pairs from what the constructor takes.

    Parameters
    ----------
    estimators : estimator, list of (str, estimator) or None
        None means the catalogue of `task_type`.
    task_type : {"classification", "regression"}, default=None
        Needed where `estimators` is None.
    copies : bool, default=True
        Whether those of the catalogue are copies, which may be changed; to be looked at, its own are there sooner.

    Returns
    -------
    list of (str, estimator)
        Without those that are "drop".

    Raises
    ------
    ValueError
        If the list is empty, a name is used twice or contains ``__``, or an item is no such pair.
    """
    if estimators is None:
        known = catalogue(task_type or "classification").items()
        if not copies:
            return [(name, entry.estimator) for name, entry in known]
        return [(name, _asking_for_weights(clone(entry.estimator))) for name, entry in known]
    if hasattr(estimators, "fit") and not isinstance(estimators, type):
        return [(_name_of(estimators), estimators)]
    if not isinstance(estimators, Sequence) or isinstance(estimators, str) or not all(map(_is_pair, estimators)):
        raise ValueError(
            "estimators must be an estimator, a list of (name, estimator) pairs, or None for all that sklmeta knows; "
            f"got {estimators!r} instead."
        )
    names = [name for name, _ in estimators]
    for name in names:
        if "__" in name or names.count(name) > 1:
            raise ValueError(f"Names of estimators must be unique and without '__'; got {names}.")
    left = [(name, estimator) for name, estimator in estimators if not isinstance(estimator, str)]
    if not left:
        raise ValueError(f"No estimator is left to choose from in {estimators!r}; give at least one.")
    return left


def _asking_for_weights(estimator: Any) -> Any:
    """With metadata routing, what nobody but sklmeta could set a request on; as in scikit-learn's own defaults."""
    if routing_enabled():
        *steps, last = [step for _, step in estimator.steps] if isinstance(estimator, Pipeline) else [estimator]
        for step in [*steps, last]:
            if has_fit_parameter(step, "sample_weight"):
                step.set_fit_request(sample_weight=step is last)
    return estimator


def task_type_of(named: Iterable[tuple[str, Any]]) -> str:
    """The task type, which all members must agree on."""
    named = list(named)
    if all(is_classifier(estimator) for _, estimator in named):
        return "classification"
    if all(is_regressor(estimator) for _, estimator in named):
        return "regression"
    kinds = {
        name: "classifier" if is_classifier(e) else "regressor" if is_regressor(e) else "neither" for name, e in named
    }
    raise ValueError(f"The estimators must be all classifiers or all regressors; got {kinds}.")


def make_members(
    estimators: Any, task_type: str, param_distributions: Any = None, preprocessor: Any = "auto"
) -> list[Member]:
    """Members with their names, spaces and pins.

    Parameters
    ----------
    estimators : estimator, list of (str, estimator) or None
        As the constructor takes them.
    task_type : {"classification", "regression"}
        What they solve.
    param_distributions : mapping, default=None
        Of parameters to lists or distributions: flat for one estimator, by name for several, no list of mappings.
        Replaces the catalogue's distributions name by name.
    preprocessor : "auto", None or transformer, default="auto"
        What bare estimators are put behind.

    Returns
    -------
    list of Member
        In the order given.
    """
    named = named_estimators(estimators, task_type)
    distributions = _by_member(param_distributions, [name for name, _ in named])
    return [_member(name, e, task_type, distributions.get(name, {}), preprocessor) for name, e in named]


def usable_members(members: Sequence[Member], X: Any, *, weighted: bool, of_catalogue: bool = False) -> list[Member]:
    """Those members that can take this data; who is left out is said in one warning.

    Where the members are the whole catalogue, it is not said who has no part in such data: an estimator for small
    tables on a larger one, and one that differs from another by a preparation that these rows do not get, or that would
    make too many columns of them.

    Raises
    ------
    ValueError
        If none is left.
    """
    if of_catalogue:
        members = [member for member in members if not _has_no_part(member, X)]
    why = {member.name: _obstacle(member, X, weighted, alone=len(members) == 1) for member in members}
    left = [member for member in members if not why[member.name]]
    out = "; ".join(f"{name} ({reason})" for name, reason in why.items() if reason)
    if not left:
        raise ValueError(f"No estimator can take this data: {out}.")
    if out:
        warnings.warn(f"Left out of the search: {out}.", EvaluationWarning, stacklevel=4)
    return left


def for_rare_classes(members: Sequence[Member], y: np.ndarray) -> list[Member]:
    """The same; boosting that splits rows off to stop early by, class by class, does without where some have too few.

    Parameters
    ----------
    members : sequence of Member
        Classifiers.
    y : ndarray of shape (n_samples,)
        Labels.

    Returns
    -------
    list of Member
        What the user set otherwise stays set.
    """
    rare = np.unique(y, return_counts=True)[1].min() < _FEW_OF_A_CLASS
    return [_without_early_stopping(member) if rare else member for member in members]


def _without_early_stopping(member: Member) -> Member:
    if not isinstance(member.base, HistGradientBoostingClassifier) or member.base.early_stopping != "auto":
        return member
    estimator = clone(member.estimator).set_params(**{f"{member.prefix}early_stopping": False})
    return replace(member, estimator=estimator)


def _has_no_part(member: Member, X: Any) -> bool:
    entry = member.entry
    assert entry is not None
    too_large = entry.max_rows is not None and entry.max_rows < min(_SMALL, X.shape[0])
    otherwise = not isinstance(entry.scale, bool)
    too_wide = _COLUMNS_OF_ONE.get(str(entry.scale), 0) * X.shape[0] * X.shape[1] > _DENSE_CELLS
    slow = otherwise and entry.max_columns is not None and X.shape[1] > entry.max_columns
    return too_large or too_wide or slow or (otherwise and (sparse.issparse(X) or member.preprocessor != "auto"))


def _obstacle(member: Member, X: Any, weighted: bool, alone: bool) -> str:
    if weighted and not member.takes_weights:
        return "takes no sample_weight"
    if sparse.issparse(X) and member.needs_dense and X.shape[0] * X.shape[1] > _DENSE_CELLS:
        return f"needs dense data, and {X.shape[0]} x {X.shape[1]} is too large for that"
    if member.entry is None or member.is_pipeline or alone:
        return ""
    limits = (member.entry.max_rows, "rows"), (member.entry.max_columns, "columns")
    for (limit, what), there_are in zip(limits, X.shape, strict=True):
        if limit is not None and there_are > limit:
            return f"slow beyond {limit} {what}, and there are {there_are}; to use it all the same, wrap it alone"
    return ""


def _member(name: str, estimator: Any, task_type: str, distributions: Mapping[str, Any], preprocessor: Any) -> Member:
    base = estimator.steps[-1][1] if isinstance(estimator, Pipeline) else estimator
    prefix = f"{estimator.steps[-1][0]}__" if isinstance(estimator, Pipeline) else ""
    entry = find_entry(base, task_type, name)
    known = SearchSpace({}) if entry is None else entry.space
    pinned = {n: v for n, v in _set_by_user(base, known.names).items() if prefix + n not in distributions}
    unknown = set(distributions) - set(estimator.get_params())
    if unknown:
        raise ValueError(
            f"param_distributions has {sorted(unknown)} for {name!r}, which are not parameters of {estimator!r}. "
            f"It has {sorted(estimator.get_params(deep=False))}."
        )
    space = known.without(pinned).prefixed(prefix).updated(distributions)
    return Member(name, estimator, entry, space, pinned, dict(distributions), preprocessor)


def _takes_sparse(estimator: Any, entry: CatalogueEntry | None) -> bool:
    return get_tags(estimator).input_tags.sparse if entry is None else entry.sparse


def input_tags_of(estimator: Any, preprocessor: Any) -> Any:
    """What kinds of rows a member takes, as scikit-learn's tags, given what it is put behind."""
    if preprocessor is None or isinstance(estimator, Pipeline):
        return get_tags(estimator).input_tags
    return get_tags(TabularPreprocessor() if preprocessor == "auto" else preprocessor).input_tags


def _set_by_user(estimator: Any, names: Iterable[str]) -> dict[str, Any]:
    """Those searched parameters whose value is not the default of the estimator's class."""
    defaults = {n: p.default for n, p in inspect.signature(type(estimator).__init__).parameters.items()}
    params = estimator.get_params(deep=False)
    return {n: params[n] for n in names if n in params and not _same(params[n], defaults.get(n))}


def _same(value: Any, other: Any) -> bool:
    """Whether two values mean the same: 1 and 1.0 need not, as max_features they are one feature and all of them."""
    if value is other:
        return True
    value, other = (v.item() if isinstance(v, np.generic) else v for v in (value, other))
    try:
        return type(value) is type(other) and bool(value == other)
    except (TypeError, ValueError):
        return False


def _by_member(distributions: Any, names: Sequence[str]) -> dict[str, Mapping[str, Any]]:
    if distributions is None:
        return {}
    if not isinstance(distributions, Mapping):
        raise ValueError(
            f"param_distributions must be a mapping, got {distributions!r} instead. In place of a list of mappings, "
            "give the estimator once for each: estimators=[('a', ...), ('b', ...)] and "
            "param_distributions={'a': {...}, 'b': {...}}."
        )
    if all(isinstance(value, Mapping) for value in distributions.values()) and set(distributions) <= set(names):
        return dict(distributions)
    if len(names) == 1:
        return {names[0]: distributions}
    raise ValueError(
        f"With several estimators, param_distributions is a mapping of their names {list(names)} to mappings; got the "
        f"keys {list(distributions)}."
    )


def _is_pair(item: Any) -> bool:
    return (
        isinstance(item, Sequence)
        and len(item) == 2
        and isinstance(item[0], str)
        and (item[1] == "drop" if isinstance(item[1], str) else hasattr(item[1], "fit"))
    )


def _name_of(estimator: Any) -> str:
    for task_type in ("classification", "regression"):
        entry = find_entry(estimator, task_type)
        if entry is not None:
            return entry.name
    return type(estimator).__name__.lower()


def _calibrated_last_step(pipeline: Pipeline) -> Pipeline:
    name, last = pipeline.steps[-1]
    return pipeline.set_params(**{name: CalibratedMember(last)}) if lacks_probabilities(last) else pipeline
