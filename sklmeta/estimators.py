"""MetaEstimator, MetaClassifier and MetaRegressor: the public face."""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from itertools import chain
from numbers import Integral, Real
from typing import Any

import joblib
import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator, ClassifierMixin, MetaEstimatorMixin, RegressorMixin, clone
from sklearn.metrics import get_scorer
from sklearn.model_selection import KFold, StratifiedKFold, check_cv
from sklearn.utils import check_random_state, get_tags
from sklearn.utils.metadata_routing import MetadataRouter, MethodMapping, process_routing
from sklearn.utils.validation import check_is_fitted, validate_data

from sklmeta._sklearn import check_method_params, routing_enabled
from sklmeta.advice import Advice, consult
from sklmeta.blends import Best, find_blender
from sklmeta.candidates import Candidate
from sklmeta.checks import check_rows, check_target, check_target_given, check_weights, positions, rows_with_weight
from sklmeta.composition import MembersAsParameters, pairs
from sklmeta.conclusion import Conclusion, conclude, conclude_without_a_score
from sklmeta.configuration import Configuration
from sklmeta.datasets import infer_task_type, subsample
from sklmeta.evaluation import Trial, with_random_state
from sklmeta.exceptions import EvaluationWarning
from sklmeta.knowledge import KnowledgeBase, load_knowledge
from sklmeta.members import (
    Member,
    for_rare_classes,
    input_tags_of,
    make_members,
    named_estimators,
    task_type_of,
    usable_members,
)
from sklmeta.metrics import DEFAULT_METRIC, task_type_of_scorer
from sklmeta.plan import Plan
from sklmeta.recommenders import Recommendation, TaskMixture
from sklmeta.results import leaderboard, tabulate, warn_of_failures, with_scores
from sklmeta.scoring import (
    FoldScorer,
    accepts_weights,
    check_refit,
    deciding_scoring,
    has_standard_score,
    identity_of,
    make_search_scorer,
    needs_decisions,
    needs_probabilities,
    refits,
)
from sklmeta.search import Clock, Past, Progress, Search
from sklmeta.space import spelled_out
from sklmeta.winner import Winner
from sklmeta.workers import is_small, open_workers

_DEFAULT_N_ITER = 25
_ENDLESS_N_ITER = 10_000  # under a time budget: more than there is ever time for
_FIRST, _FIRST_SHARE = 8, 0.7  # recommendations that should fit into this share of a time budget; or fewer folds
_MORE, _FEW, _FEW_SHARE = 18, 6, 0.5  # of so many, the cheapest few should fit into this share; or fewer rows
_LARGE, _VERY_LARGE = 5_000, 50_000  # rows from which a time budget is better spent on more candidates than on folds
_ONE_FOLD = 10_000  # rows of which a fifth tells candidates apart
_REPEATS, _MANY = 3, 40  # times that rows are dealt into folds, as long as there is room for this many candidates
_LEAST_ROWS = 1000  # to train folds on, however short the time is
_OF_A_MODEL = ("best_estimator_", "ensemble_", "refit_time_", "best_index_", "best_params_", "best_score_")
_RESERVED_NAMES = ("preprocess", "scorer", "splitter")  # a step of the pipelines that are built, and two routes


class MetaEstimator(MembersAsParameters, Winner, MetaEstimatorMixin, BaseEstimator):
    """Wraps estimators, and chooses among them and their hyperparameters by what worked on similar data.

    `fit` describes the data by meta-features, asks a recommender which configurations did well on tasks like it,
    cross-validates the first `n_iter` of them in parallel, and refits the best one on all rows.

    Parameters
    ----------
    estimators : estimator, list of (str, estimator) or None, default=None
        What to choose from: classifiers or regressors, bare or as Pipelines. (`MetaClassifier` and `MetaRegressor`
        have members of their own for None; here they must be given.) Parameters that are not at their
        default stay as they are; the others are recommended. Estimators that sklmeta does not know are searched
        from `param_distributions`, or fitted as they are. Members that cannot take the data (no weights, no sparse
        rows, far too many rows) are left out, which a warning says.
    param_distributions : mapping, default=None
        Of parameters to lists or distributions, as :class:`sklearn.model_selection.RandomizedSearchCV` takes them (but
        no list of mappings): flat for one estimator, ``{name: {...}}`` for several. Each replaces the one that sklmeta
        would use for that parameter; a list of one value pins it, the estimator's default included.
    knowledge : KnowledgeBase, "default" or None, default="default"
        What to learn from: "default" is the one that comes with sklmeta, None is nothing at all.
    recommender : Recommender, default=None
        How to learn from it; None is ``TaskMixture()``.
    n_iter : int, default=None
        How many configurations to try; None is 25, or with a `time_budget` as many as there is time for.
    time_budget : float, default=None
        Seconds that `fit` may take, all included. What would not end in time is not begun, and what runs over is
        stopped. None: no limit.
    ensemble : {"average", "stack", "best"}, Average, Stack or Best, default="average"
        What `predict` uses: a weighted average of the best configurations, chosen on their out-of-fold predictions, a
        model over them, or the best single configuration. The objects (see `sklmeta.blends`) have options, such as
        caps on prediction time and size. Where `scoring` takes decision values alone, which an average does not have,
        it is the best one.
    preprocessor : "auto", None or transformer, default="auto"
        What bare estimators are put behind. "auto" is what the catalogue has for each of them: missing values,
        categories, dates and scaling are taken care of. Pipelines are used as they are.
    scoring : str, callable, list, tuple or dict, default=None
        As for :class:`sklearn.model_selection.GridSearchCV`. None is the estimators' own score.
    refit : bool, str or callable, default=True
        As for :class:`sklearn.model_selection.GridSearchCV`: with several metrics, the one that decides.
    cv : int, splitter or iterable, default=None
        As for :class:`sklearn.model_selection.GridSearchCV`. None is 5 folds, fewer where there are fewer rows; with a
        `time_budget` they are shuffled, and only the first 3 are used from 5,000 rows, only one from 50,000, and as few
        as 2 where time is short, or one from 10,000 rows. Where it is very short, folds, a `cv` of your own included,
        are trained on a part of their rows. Where there is plenty, for less than 5,000 rows, all 5 are repeated on
        other shuffles, up to three times.
    n_jobs : int, default=None
        Fits at the same time; None obeys ``joblib.parallel_config`` and else means 1. The answer is the same for any
        number, but where a time budget or a `callback` ends the search.
    random_state : int, RandomState instance or None, default=None
        Of draws, and of the members whose own ``random_state`` is open.
    warm_start : bool, default=False
        Whether `fit` goes on from what an earlier `fit` of this object evaluated on the same data: only the rest of
        `n_iter` is evaluated, or as much more as there is time for.
    callback : callable, default=None
        Told after each configuration that was evaluated: a `Progress` with ``n_evaluated``, ``estimator``, ``params``,
        ``score`` and ``best_score``. If it answers with something true, the search ends, and the model is made of what
        it found until then: with several `n_jobs`, also of what ended meanwhile.
    verbose : int, default=0
        Whether to print a line for each configuration that was evaluated.

    Attributes
    ----------
    best_estimator_ : estimator
        The best single configuration, fitted on all rows; where a budget or Ctrl-C left no time for that, which a
        warning says, the mean of its fold models, or a fit on a part of the rows.
    ensemble_ : BlendedClassifier or BlendedRegressor
        What `predict` uses: members and their weights. Not with ``ensemble="best"``, a callable `refit`, or where the
        best has labels only.
    best_params_ : dict
        Its parameters, as `set_params` takes them.
    best_score_ : float
        Its mean score over the folds where the metric is defined.
    best_index_ : int
        Its row in `cv_results_`.
    cv_results_ : dict of str to array or list
        One row a configuration, in scikit-learn's layout, plus ``estimator``, ``expected_score``, ``failure`` and
        ``warnings``.
    recommendations_ : list of Recommendation
        What the knowledge said, in the order in which it was tried.
    strategy_ : dict of str to float
        How probably each kind of base estimator holds the best configuration, given all that was evaluated; members
        that the knowledge has never seen take part under their names.
    novelty_ : float
        How unlike everything known the data are, from 0 to 1. Above 0.95 they resemble nothing known: what worked on
        all known tasks alike is then tried first, and `recommendations_` say so.
    similar_tasks_ : tuple of SimilarTask
        Known tasks that weighed most in the first recommendation.
    scorer_ : callable or dict of str to callable
        What scored; by name where there were several metrics.
    multimetric_ : bool
        Whether there were several metrics.
    n_splits_ : int
        Number of folds.
    n_evaluations_ : int
        Configurations that were evaluated on all of them.
    refit_time_ : float
        Seconds that the last fit took.
    classes_ : ndarray of shape (n_classes,)
        Labels; classifiers only.
    n_features_in_ : int
        Columns seen in `fit`.
    feature_names_in_ : ndarray of str
        Their names, where they have any.

    See Also
    --------
    MetaClassifier, MetaRegressor : The same, ready with nothing set.
    recommend_config : The answer without a search.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklearn.ensemble import RandomForestClassifier
    >>> from sklearn.svm import SVC
    >>> from sklmeta import MetaEstimator
    >>> X, y = load_iris(return_X_y=True)
    >>> meta = MetaEstimator([("svc", SVC()), ("rf", RandomForestClassifier())], n_iter=4, random_state=0)
    >>> meta.fit(X, y).best_score_ > 0.9
    True
    """

    best_index_: int

    def __init__(
        self,
        estimators: Any = None,
        *,
        param_distributions: Any = None,
        knowledge: Any = "default",
        recommender: Any = None,
        n_iter: int | None = None,
        time_budget: float | None = None,
        ensemble: Any = "average",
        preprocessor: Any = "auto",
        scoring: Any = None,
        refit: Any = True,
        cv: Any = None,
        n_jobs: int | None = None,
        random_state: Any = None,
        warm_start: bool = False,
        callback: Any = None,
        verbose: int = 0,
    ):
        self.estimators = estimators
        self.param_distributions = param_distributions
        self.knowledge = knowledge
        self.recommender = recommender
        self.n_iter = n_iter
        self.time_budget = time_budget
        self.ensemble = ensemble
        self.preprocessor = preprocessor
        self.scoring = scoring
        self.refit = refit
        self.cv = cv
        self.n_jobs = n_jobs
        self.random_state = random_state
        self.warm_start = warm_start
        self.callback = callback
        self.verbose = verbose

    # -- learning ----------------------------------------------------------------------------------------------

    def fit(self, X: Any, y: Any = None, **params: Any) -> MetaEstimator:
        """Try the most promising configurations and refit the best.

        Parameters
        ----------
        X : {DataFrame, array-like, sparse matrix} of shape (n_samples, n_features)
            Training rows: numbers, booleans, categories, text levels, dates; missing values welcome.
        y : array-like of shape (n_samples,)
            Target.
        **params : dict of str to object
            ``groups`` goes to `cv`, everything else, such as ``sample_weight``, to the members' `fit` (and weights to
            the scorer); with metadata routing enabled, requests decide.

        Returns
        -------
        MetaEstimator
            This object, fitted.

        Raises
        ------
        ValueError
            If a parameter or the data make no sense, or every configuration failed.
        """
        with _as_before_if_it_fails(self):
            started = time.monotonic()
            self._check_parameters()
            clock = None if self.time_budget is None else Clock(float(self.time_budget), started)
            X, y = self._checked_data(X, y)
            if params.get("sample_weight") is None:
                params.pop("sample_weight", None)  # even of None, not every member takes it
            params = check_method_params(X, params=params)
            check_weights(X, y, params.get("sample_weight"), self._task_type())
            if np.ndim(params.get("sample_weight", ())) == 0:  # one for all; not every scorer takes that
                params["sample_weight"] = np.full(len(y), float(params["sample_weight"]))
            members = self._usable_members(X, params)
            if self._task_type() == "classification":
                members = for_rare_classes(members, y)
            scorer, deciding = self._scorer(members)
            fit_params, score_params, split_params = self._routed(members, params, scorer)
            counting = _Counting.of(fit_params, score_params, len(y))
            splits = self._splits(X, y, split_params, counting)
            random_state = check_random_state(self.random_state)
            past = self._past(X, y, params, splits)
            forked = isinstance(self.scoring, str | None) and all(m.is_plain for m in members)
            with open_workers(self.n_jobs, limited=clock is not None, forked=forked, small=is_small(X)) as workers:
                advice = self._advice(members, X, y, average=self._blends())
                past = past.for_a_budget(np.inf if clock is None else clock.seconds)
                affordable = self._affordable(splits, y, counting, advice, clock, workers.n_workers)
                past = _unless_in_need(past, splits, affordable)
                splits = list(past.splits) if past.evaluated else affordable
                trial = Trial(
                    (X, y),
                    splits,
                    FoldScorer(
                        scorer, getattr(self, "classes_", None), deciding if isinstance(self.refit, str) else None
                    ),
                    score_params,
                    fit_params,
                    getattr(self, "classes_", None),
                    keep_outputs=self._blends(),
                    keep_models=refits(self.refit),
                    measure_size=self._blends() and getattr(self.ensemble, "max_size", None) is not None,
                    measure_speed=self._blends() and getattr(self.ensemble, "max_predict_seconds", None) is not None,
                    modules=tuple(sorted({type(m.base).__module__ for m in members} - {"__main__"})),
                )
                workers.share(trial)
                search = self._search(members, advice, trial, deciding, random_state, clock, workers.n_workers, past)
                interrupted = _run(workers, search)
                self._keep(past, search, trial)
                self._describe(search, advice, members, scorer)
                self._weights = np.zeros(len(search.candidates))
                for earlier in _OF_A_MODEL:
                    self.__dict__.pop(earlier, None)
                if refits(self.refit):
                    model = self._conclude(search, trial, workers, interrupted)
                    self._credit(model.index, search.deciding)
                    self.best_estimator_, self.refit_time_, self._weights = model.best, model.seconds, model.weights
                    if self._blends() and model.ensemble is not None:
                        self.ensemble_ = model.ensemble
                    self._keep_model(model)
                elif not search.has_a_score() and clock is not None:
                    warnings.warn(
                        "The time budget was too short to evaluate even one configuration, and refit is False: "
                        "there is no model, and nothing in cv_results_ to choose from. Give it more time.",
                        EvaluationWarning,
                        stacklevel=2,
                    )
                elif not self.multimetric_ and search.has_a_score():
                    self._choose(search.deciding)
        return self

    def _search(
        self,
        members: Sequence[Member],
        advice: Advice,
        trial: Trial,
        deciding: str | None,
        random_state: np.random.RandomState,
        clock: Clock | None,
        n_workers: int,
        past: Past,
    ) -> Search:
        n_iter = self.n_iter or (_DEFAULT_N_ITER if clock is None else _ENDLESS_N_ITER)
        taken = [candidate for candidate, _, _ in past.evaluated]
        plan = Plan(members, advice, max(0, n_iter - len(taken)), random_state, taken)
        random_state.randint(2**31 - 1, size=len(taken))  # theirs
        return Search(
            plan,
            lambda candidate: with_random_state(self._build(candidate), random_state.randint(2**31 - 1)),
            [len(train) for train, _ in trial.splits],
            len(trial.rows[1]),
            deciding,
            advice.costs,
            clock=clock,
            n_workers=n_workers,
            past=past,
            report=self._report,
        )

    def _report(self, progress: Progress) -> bool:
        listeners = [print if self.verbose else None, self.callback]
        answers = [tell(progress) for tell in listeners if tell is not None]
        try:
            return any(answers)
        except ValueError as error:
            raise ValueError(f"callback must return something true or false, got {answers[-1]!r} instead.") from error

    def _past(self, X: Any, y: np.ndarray, params: Mapping[str, Any], splits: Any) -> Past:
        """What an earlier `fit` evaluated on this data, if it is to be used."""
        if not self.warm_start:
            return Past()
        kept = self._blends(), refits(self.refit)  # answers and models, without which there is no average
        searched = self.estimators, self.param_distributions, self.preprocessor, self.ensemble
        settings = spelled_out(searched), identity_of(self.scoring), kept
        told = Past(joblib.hash((X, y, dict(params), splits, settings)), splits)
        earlier = getattr(self, "_evaluated", None)
        if earlier is None:
            return told
        if earlier.fingerprint == told.fingerprint:
            return earlier
        warnings.warn(
            "warm_start: the data or the settings are not those of the earlier fit, so everything is evaluated anew.",
            EvaluationWarning,
            stacklevel=3,
        )
        return told

    def _keep(self, past: Past, search: Search, trial: Trial) -> None:
        if self.warm_start:
            seconds = np.inf if search.clock is None else search.clock.seconds
            self._evaluated = search.for_later(replace(past, splits=trial.splits, seconds=seconds))

    def _keep_model(self, model: Conclusion) -> None:
        if self.warm_start:
            self._evaluated = replace(self._evaluated, fitted=model.fitted)

    def _affordable(
        self,
        splits: list[tuple[np.ndarray, np.ndarray]],
        y: np.ndarray,
        counting: _Counting,
        advice: Advice,
        clock: Clock | None,
        n_workers: int,
    ) -> list[tuple[np.ndarray, np.ndarray]]:
        """The folds; fewer of our own, then of fewer rows, where the first candidates would else take all the time.

        More where there would be time for many candidates: chosen from hundreds by five folds of few rows, the best
        are best by chance.
        """
        first = [] if clock is None else advice.recommend(_MORE)
        if clock is None or not first:
            return splits

        def seconds(n_rows: int) -> list[float]:
            return [advice.costs.seconds(c.configuration, n_rows) for c in first]

        def share(n_folds: int, each: float) -> float:
            """Of the time that is left, for what takes so many seconds a fold; NaN where that is unknown."""
            return n_folds * each / n_workers / max(clock.left(), 1e-9)

        rows = whole = max(len(train) for train, _ in splits)
        best = seconds(whole)[:_FIRST]
        least = len(splits) if self.cv is not None else 1 if len(y) >= _ONE_FOLD else 2
        if self.cv is None and len(y) < _LARGE and (self.n_iter is None or self.n_iter >= _MANY):
            many = _MANY * float(np.mean(best))
            for times in range(_REPEATS, 1, -1):
                if share(times * len(splits), many) <= _FIRST_SHARE:
                    again = (self._splitter(y, seed).split(y, y) for seed in range(1, times))
                    return [*splits, *self._trainable(chain.from_iterable(again), y, counting)]
        while len(splits) > least and share(len(splits), sum(best)) > _FIRST_SHARE:
            splits = splits[:-1]
        while rows >= 2 * _LEAST_ROWS and share(len(splits), sum(sorted(seconds(rows))[:_FEW])) > _FEW_SHARE:
            rows //= 2
        if rows == whole:
            return splits
        stratify, weighty = self._task_type() == "classification", counting.trains
        splits = [(train[weighty[train]], test) for train, test in splits]
        return [(subsample(train, y[train], rows, stratify=stratify, seed=0)[0], test) for train, test in splits]

    def _describe(self, search: Search, advice: Advice, members: Sequence[Member], scorer: Any) -> None:
        self.scorer_ = getattr(scorer, "_scorers", scorer)
        self.cv_results_ = self._tabulated(search)
        warn_of_failures(self.cv_results_, search.is_hopeless())
        self.n_splits_, self.multimetric_ = len(search.train_rows), _is_multimetric(self.scorer_, search)
        self.n_evaluations_ = int(sum(self.cv_results_["status"] == "ok"))
        self.strategy_ = advice.strategy(search.scores(), [m.name for m in members if m.name not in advice.heard_of])
        self.novelty_ = advice.novelty
        self.recommendations_ = self._ready(search.candidates)
        self.similar_tasks_ = self.recommendations_[0].similar_tasks if self.recommendations_ else ()

    def _tabulated(self, search: Search) -> dict[str, Any]:
        named = self.scorer_ if isinstance(self.scorer_, Mapping) else ()
        return tabulate(search.candidates, search.finished(), named)

    def _conclude(self, search: Search, trial: Trial, workers: Any, interrupted: bool) -> Conclusion:
        if search.clock is None or search.has_a_score():
            self._choose(search.deciding)
            blender = find_blender(self.ensemble if self._blends() else "best")
            return conclude(search, trial, blender, self.best_index_, workers, interrupted=interrupted)
        model = conclude_without_a_score(search, trial, workers)
        self.cv_results_ = self._tabulated(search)
        return model

    def _choose(self, deciding: str | None) -> None:
        results = self.cv_results_
        if callable(self.refit):
            scored, rows = with_scores(results)
            best = self.refit(scored)
            if not isinstance(best, int | np.integer) or not 0 <= best < len(rows):
                raise IndexError(
                    f"refit returned {best!r}, which is no row of cv_results_; the {len(rows)} with a score were given."
                )
            best = int(rows[best])
        else:
            if self.multimetric_:
                check_refit(self.refit, [n.removeprefix("rank_test_") for n in results if n.startswith("rank_test_")])
            name = deciding if self.multimetric_ else "score"
            best = int(np.argmin(results[f"rank_test_{name}"]))
            if np.isnan(results[f"mean_test_{name}"][best]):
                raise ValueError(
                    f"The metric {name!r} is NaN on every fold of every configuration; choose another one."
                )
        self._credit(best, deciding)

    def _credit(self, index: int, deciding: str | None) -> None:
        """Say which configuration became the model."""
        self.best_index_, self.best_params_ = index, self.cv_results_["params"][index]
        if not callable(self.refit):
            means = self.cv_results_.get(f"mean_test_{deciding if self.multimetric_ else 'score'}")
            self.best_score_ = np.nan if means is None else float(means[index])

    def leaderboard(self) -> pd.DataFrame:
        """What was evaluated, the best first.

        Returns
        -------
        DataFrame
            One row a configuration: ``estimator``, ``score`` (its mean over folds, greater is better), ``std`` over
            folds, ``weight`` in the model, ``fit_seconds`` and ``score_seconds`` a fold, ``status``, ``params``.

        Raises
        ------
        NotFittedError
            Before `fit`.
        """
        check_is_fitted(self)
        metric = self.refit if self.multimetric_ and isinstance(self.refit, str) else None
        return leaderboard(self.cv_results_, metric, self._weights)

    # -- recommending --------------------------------------------------------------------------------------------

    def recommend_config(self, X: Any, y: Any, n_configs: int = 1) -> Recommendation | list[Recommendation]:
        """What to try first on this data, before anything was fitted.

        Parameters
        ----------
        X : {DataFrame, array-like, sparse matrix} of shape (n_samples, n_features)
            Rows.
        y : array-like of shape (n_samples,)
            Target.
        n_configs : int, default=1
            How many.

        Returns
        -------
        Recommendation or list of Recommendation
            One for ``n_configs=1``, else a list, best first, shorter where the members have fewer configurations.

        Raises
        ------
        ValueError
            If a parameter or the data make no sense, or the knowledge has nothing to say about any member.
        """
        if not _is_count(n_configs):
            raise ValueError(f"n_configs must be a positive integer, got {n_configs!r} instead.")
        self._check_parameters()
        X, y = self._checked_data(X, y, learn=False)
        members = self._usable_members(X, {})
        self._check_scoring(members)
        advice = self._advice(members, X, y)
        if not advice.known:
            raise ValueError(
                advice.silent
                or f"The knowledge has no configuration for {[m.name for m in members]} that agrees with what is set. "
                "Use fit, which searches their param_distributions, or leave some parameters at their default."
            )
        found = self._ready(advice.recommend(int(n_configs)))
        return found[0] if n_configs == 1 else found

    def _check_scoring(self, members: Sequence[Member]) -> None:
        """Raise where `fit` would: no scorer is called here."""
        self._scorer(members)
        scoring, task_type = deciding_scoring(self.scoring, self.refit), self._task_type()
        other = task_type_of_scorer(scoring) if isinstance(scoring, str) else None
        if other not in (None, task_type):
            raise ValueError(f"scoring={scoring!r} is for {other}, the estimators are for {task_type}.")

    def _ready(self, candidates: Sequence[Candidate]) -> list[Recommendation]:
        """Their recommendations, whose estimators are those that would be fitted here."""
        known = [(c, c.recommendation) for c in candidates if c.recommendation is not None]
        promised = self._promises_probabilities()
        builds = [c.member.build(c.params, probabilities=promised) for c, _ in known]
        return [replace(r, _build=_Builder(build)) for (_, r), build in zip(known, builds, strict=True)]

    def _advice(self, members: Sequence[Member], X: Any, y: Any, *, average: bool = False) -> Advice:
        task_type = self._task_type()
        knowledge = load_knowledge(task_type) if isinstance(self.knowledge, str) else self.knowledge
        recommender = TaskMixture() if self.recommender is None else self.recommender
        scoring = deciding_scoring(self.scoring, self.refit)
        return consult(knowledge, recommender, members, X, y, task_type, scoring, average=average)

    # -- checks --------------------------------------------------------------------------------------------------

    def _check_parameters(self) -> None:
        find_blender(self.ensemble)
        if not (self.n_iter is None or _is_count(self.n_iter)):
            raise ValueError(f"n_iter must be a positive integer or None, got {self.n_iter!r} instead.")
        if self.time_budget is not None and not (
            isinstance(self.time_budget, Real)
            and not isinstance(self.time_budget, bool)
            and 0 < self.time_budget < float("inf")
        ):
            raise ValueError(f"time_budget must be seconds above 0 or None, got {self.time_budget!r} instead.")
        if self.knowledge is not None and not (
            isinstance(self.knowledge, KnowledgeBase)
            or (isinstance(self.knowledge, str) and self.knowledge == "default")
        ):
            raise ValueError(
                f"knowledge must be 'default', None or a KnowledgeBase, got {self.knowledge!r} instead. To use a file: "
                "knowledge=KnowledgeBase.load(path)."
            )
        if not (self.recommender is None or hasattr(self.recommender, "recommend")):
            raise ValueError(f"recommender must be None or a Recommender, got {self.recommender!r} instead.")
        taken = {name for name, _ in pairs(self.estimators)} & {*self._get_param_names(), *_RESERVED_NAMES}
        if taken:
            raise ValueError(
                f"Names of estimators conflict with what sklmeta calls its own: {sorted(taken)}. Rename them."
            )
        if not (isinstance(self.refit, bool | np.bool_ | str) or callable(self.refit)):
            raise ValueError(f"refit must be True, False, a metric's name or a callable, got {self.refit!r} instead.")
        if not isinstance(self.warm_start, bool | np.bool_):
            raise ValueError(f"warm_start must be True or False, got {self.warm_start!r} instead.")
        if not (self.callback is None or callable(self.callback)):
            raise ValueError(f"callback must be callable or None, got {self.callback!r} instead.")
        if not (self.preprocessor is None or self.preprocessor == "auto" or hasattr(self.preprocessor, "transform")):
            raise ValueError(f"preprocessor must be 'auto', None or a transformer, got {self.preprocessor!r} instead.")

    def _checked_data(self, X: Any, y: Any, *, learn: bool = True) -> tuple[Any, Any]:
        """Rows as they are (a DataFrame stays one), target as one column; raises on what no member could fit."""
        check_target_given(y, f"This {type(self).__name__} estimator")
        X = check_rows(X)
        y = check_target(X, y, self._task_type())
        if learn:
            validate_data(self, X, skip_check_array=True)
            self.__dict__.pop("classes_", None)  # of an earlier fit, perhaps of classifiers in place of these
            if self._task_type() == "classification":
                self.classes_ = np.unique(y)
        return X, y

    def _splits(
        self, X: Any, y: np.ndarray, split_params: Mapping[str, Any], counting: _Counting
    ) -> list[tuple[np.ndarray, np.ndarray]]:
        splits = [
            (positions(train, len(y)), positions(test, len(y)))
            for train, test in self._splitter(y).split(X, y, **split_params)
        ]
        if self.cv is None and self.time_budget is not None:
            splits = splits[: 1 if len(y) >= _VERY_LARGE else 3 if len(y) >= _LARGE else 5]
        usable = self._trainable(splits, y, counting)
        if len(usable) < len(splits):
            classes = self._task_type() == "classification"
            lacks = ["one class only to train on"] * classes + ["no row with a weight"] * (not counting.all_do)
            warnings.warn(
                f"{len(splits) - len(usable)} of {len(splits)} folds of cv have {' or '.join(lacks)} and are left out. "
                f"Use a splitter that {'stratifies' if classes else 'spreads such rows'}.",
                EvaluationWarning,
                stacklevel=3,
            )
        if not usable:
            raise ValueError(f"cv={self.cv!r} gives no fold to train on.")
        return usable

    def _trainable(
        self, splits: Iterable[tuple[np.ndarray, np.ndarray]], y: np.ndarray, counting: _Counting
    ) -> list[tuple[np.ndarray, np.ndarray]]:
        """Folds without those that have only one class to train on, or only rows without a weight."""
        classes = self._task_type() == "classification"
        return [
            (train, test)
            for train, test in splits
            if not (classes and len(np.unique(y[train[counting.trains[train]]])) < 2)
            and (counting.trains[train].any() or not len(train))
            and (counting.judges[test].any() or not len(test))
        ]

    def _splitter(self, y: np.ndarray, seed: int = 0) -> Any:
        """`cv` as a splitter; for None, 5 folds or as many as rows allow, of rows as a seed shuffles them."""
        classes = self._task_type() == "classification"
        if self.cv is not None:
            return check_cv(self.cv, y, classifier=classes)
        shuffle = {} if self.time_budget is None else {"shuffle": True, "random_state": seed}  # not all may be used
        if not classes:
            return KFold(max(2, min(5, len(y) // 2)), **shuffle)  # of one row, R2 is undefined
        most = int(np.unique(y, return_counts=True)[1].max())
        return StratifiedKFold(min(5, most), **shuffle) if most > 1 else KFold(2, **shuffle)

    # -- scoring -------------------------------------------------------------------------------------------------

    def _scorer(self, members: Sequence[Member]) -> tuple[Callable, str | None]:
        classes, scoring = getattr(self, "classes_", None), self.scoring
        if scoring is None and (self.estimators is None or all(has_standard_score(m.estimator) for m in members)):
            standard = DEFAULT_METRIC[self._task_type()]  # the same, without asking models twice for their answers
            if not routing_enabled():
                scoring = standard
            elif self.estimators is None:  # nobody else could ask for weights
                scoring = get_scorer(standard).set_score_request(sample_weight=True)
        return make_search_scorer(scoring, self.refit, members[0].build({}, probabilities=True), classes)

    def _blends(self) -> bool:
        """Whether the model may be more than one candidate; a callable `refit` names the one."""
        one = callable(self.refit) or isinstance(find_blender(self.ensemble), Best) or needs_decisions(self.scoring)
        return refits(self.refit) and not one

    def _promises_probabilities(self) -> bool:
        """Whether every member must have probabilities, whichever becomes the model."""
        return needs_probabilities(self.scoring)

    # -- what is wrapped -----------------------------------------------------------------------------------------

    def _task_type(self) -> str:
        if self.estimators is None:
            raise ValueError(
                "MetaEstimator needs estimators to choose from; MetaClassifier and MetaRegressor bring their own."
            )
        return task_type_of(named_estimators(self.estimators))

    def _members(self) -> list[Member]:
        return make_members(self.estimators, self._task_type(), self.param_distributions, self.preprocessor)

    def _usable_members(self, X: Any, params: Mapping[str, Any]) -> list[Member]:
        # with metadata routing, requests of one's own say who gets weights: nobody is left out for not taking them
        asked = routing_enabled() and self.estimators is not None
        weighted = params.get("sample_weight") is not None and not asked
        return usable_members(self._members(), X, weighted=weighted, of_catalogue=self.estimators is None)

    def _build(self, candidate: Candidate) -> Any:
        return candidate.member.build(candidate.params, probabilities=self._promises_probabilities() or self._blends())

    def _routed(
        self, members: Sequence[Member], params: dict[str, Any], scorer: Any
    ) -> tuple[dict[str, dict], dict, dict]:
        """Fit parameters by member, parameters of the scorer, parameters of the splitter."""
        if routing_enabled():
            routed = process_routing(self, "fit", **params)
            fits = {m.name: routed[m.name].fit for m in members}
            return fits, routed.scorer.score, routed.splitter.split
        split_params = {"groups": params.pop("groups")} if "groups" in params else {}
        weights = params.get("sample_weight")
        score_params = {"sample_weight": weights} if weights is not None and accepts_weights(scorer) else {}
        return {m.name: m.fit_params(params) for m in members}, score_params, split_params

    def get_metadata_routing(self) -> MetadataRouter:
        """Where parameters of `fit` and `score` go when metadata routing is enabled.

        Returns
        -------
        MetadataRouter
            To the members, the scorer and the splitter.
        """
        members = self._members()
        scorer, _ = self._scorer(members)
        router = MetadataRouter(owner=type(self).__name__)
        for member in members:
            built = member.build({}, probabilities=self._promises_probabilities() or self._blends())
            router.add(**{member.name: built}, method_mapping=MethodMapping().add(caller="fit", callee="fit"))
        router.add(
            scorer=scorer,
            method_mapping=MethodMapping().add(caller="score", callee="score").add(caller="fit", callee="score"),
        )
        listed = self.cv is not None and not isinstance(self.cv, Integral) and not hasattr(self.cv, "split")
        return router.add(
            splitter=check_cv(2 if listed else self.cv),  # nothing is passed on to folds that are listed
            method_mapping=MethodMapping().add(caller="fit", callee="split"),
        )

    def __sklearn_is_fitted__(self) -> bool:
        return hasattr(self, "cv_results_")

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.target_tags.required = True
        try:
            members = [estimator for _, estimator in named_estimators(self.estimators, self._task_type(), copies=False)]
        except ValueError:
            return tags  # fit says what is wrong with the members
        inner = [get_tags(estimator) for estimator in members]
        tags.estimator_type = inner[0].estimator_type
        tags.classifier_tags, tags.regressor_tags = inner[0].classifier_tags, inner[0].regressor_tags
        if tags.classifier_tags is not None:
            tags.classifier_tags.multi_class = all(t.classifier_tags.multi_class for t in inner)
            tags.classifier_tags.multi_label = False
        takes = [input_tags_of(estimator, self.preprocessor) for estimator in members]
        for kind in ("allow_nan", "sparse", "categorical", "string"):
            setattr(tags.input_tags, kind, all(getattr(t, kind) for t in takes))
        return tags


class MetaClassifier(ClassifierMixin, MetaEstimator):
    """A classifier that chooses its base estimator and hyperparameters by what worked on similar data.

    It is `MetaEstimator` with everything that sklmeta knows as members. It always has ``predict_proba``: a winner
    without probabilities of its own is calibrated. (Of members of your own, one with labels alone, and neither
    probabilities nor decision values, cannot be.)

    Parameters
    ----------
    estimators : estimator, list of (str, estimator) or None, default=None
        None is every classifier of the catalogue (`sklmeta.catalogue.catalogue`): logistic regression, SVM and neural
        network (each also on normal scores, the first also on splines), random forest, extra trees, histogram
        gradient boosting (also beside principal components), nearest neighbours, linear discriminant analysis, naive
        Bayes.
    param_distributions, knowledge, recommender, n_iter, time_budget, ensemble, preprocessor, scoring, refit, cv, \
    n_jobs, random_state, warm_start, callback, verbose
        See `MetaEstimator`.

    Attributes
    ----------
    best_estimator_, ensemble_, best_params_, best_score_, best_index_, cv_results_, recommendations_, strategy_, \
    novelty_, similar_tasks_, scorer_, multimetric_, n_splits_, refit_time_, classes_, n_features_in_, feature_names_in_
        See `MetaEstimator`.

    See Also
    --------
    MetaEstimator : What the parameters and attributes mean.

    Examples
    --------
    >>> from sklearn.datasets import load_wine
    >>> from sklmeta import MetaClassifier
    >>> X, y = load_wine(return_X_y=True)
    >>> MetaClassifier(n_iter=2, random_state=0).fit(X, y).score(X, y) > 0.95
    True
    """

    score = MetaEstimator.score  # by what was optimised, as in scikit-learn's searches; ClassifierMixin has accuracy

    def _task_type(self) -> str:
        return _required(self, "classification")

    def _promises_probabilities(self) -> bool:
        return True


class MetaRegressor(RegressorMixin, MetaEstimator):
    """A regressor that chooses its base estimator and hyperparameters by what worked on similar data.

    It is `MetaEstimator` with everything that sklmeta knows as members.

    Parameters
    ----------
    estimators : estimator, list of (str, estimator) or None, default=None
        None is every regressor of the catalogue (`sklmeta.catalogue.catalogue`): ridge regression, SVM and neural
        network (each also on normal scores, the first also on splines), elastic net, random forest, extra trees,
        histogram gradient boosting, nearest neighbours, and up to 1,000 rows a Gaussian process.
    param_distributions, knowledge, recommender, n_iter, time_budget, ensemble, preprocessor, scoring, refit, cv, \
    n_jobs, random_state, warm_start, callback, verbose
        See `MetaEstimator`.

    Attributes
    ----------
    best_estimator_, ensemble_, best_params_, best_score_, best_index_, cv_results_, recommendations_, strategy_, \
    novelty_, similar_tasks_, scorer_, multimetric_, n_splits_, refit_time_, n_features_in_, feature_names_in_
        See `MetaEstimator`.

    See Also
    --------
    MetaEstimator : What the parameters and attributes mean.

    Examples
    --------
    >>> from sklearn.datasets import load_diabetes
    >>> from sklmeta import MetaRegressor
    >>> X, y = load_diabetes(return_X_y=True)
    >>> MetaRegressor(n_iter=2, random_state=0).fit(X, y).best_score_ > 0.4
    True
    """

    score = MetaEstimator.score  # by what was optimised, as in scikit-learn's searches; RegressorMixin has R2

    def _task_type(self) -> str:
        return _required(self, "regression")


def recommend_config(
    X: Any,
    y: Any,
    n_configs: int = 1,
    *,
    task: str | None = None,
    estimators: Any = None,
    knowledge: Any = "default",
    scoring: Any = None,
) -> Recommendation | list[Recommendation]:
    """Which estimator, with which hyperparameters, to try first on this data; nothing is fitted to find out.

    Parameters
    ----------
    X : {DataFrame, array-like, sparse matrix} of shape (n_samples, n_features)
        Rows.
    y : array-like of shape (n_samples,)
        Target.
    n_configs : int, default=1
        How many.
    task : {"classification", "regression"}, default=None
        None: what the estimators are for, else by the target: text, booleans, and whole numbers of at most 20
        different values are classes, everything else is a quantity.
    estimators : estimator, list of (str, estimator) or None, default=None
        What to choose from; None is everything that sklmeta knows.
    knowledge : KnowledgeBase or "default", default="default"
        What to learn from.
    scoring : str or callable, default=None
        What should be best; None is accuracy or R2.

    Returns
    -------
    Recommendation or list of Recommendation
        One for ``n_configs=1``, else a list, best first.

    Raises
    ------
    ValueError
        If the data or an argument make no sense.

    Examples
    --------
    >>> from sklearn.datasets import load_wine
    >>> from sklmeta import recommend_config
    >>> X, y = load_wine(return_X_y=True)
    >>> recommendation = recommend_config(X, y)
    >>> recommendation.estimator.fit(X, y).score(X, y) > 0.9
    True
    """
    check_target_given(y, "recommend_config")
    if task is None:
        task = infer_task_type(y) if estimators is None else task_type_of(named_estimators(estimators))
    if task not in ("classification", "regression"):
        raise ValueError(f"task must be 'classification', 'regression' or None, got {task!r} instead.")
    face = MetaClassifier if task == "classification" else MetaRegressor
    return face(estimators, knowledge=knowledge, scoring=scoring).recommend_config(X, y, n_configs)


def _is_count(value: Any) -> bool:
    return isinstance(value, Integral) and not isinstance(value, bool) and int(value) >= 1


@dataclass(frozen=True, eq=False)
class _Counting:
    """Rows that have a weight.

    Parameters
    ----------
    trains : ndarray of bool of shape (n_samples,)
        For every member that is told of weights.
    judges : ndarray of bool of shape (n_samples,)
        For the scorer.
    """

    trains: np.ndarray
    judges: np.ndarray

    @classmethod
    def of(cls, fit_params: Mapping[str, Mapping], score_params: Mapping[str, Any], n_rows: int) -> _Counting:
        """What is passed on decides: by member, and to the scorer."""
        return cls(rows_with_weight(fit_params.values(), n_rows), rows_with_weight([score_params], n_rows))

    @property
    def all_do(self) -> bool:
        return bool(self.trains.all() and self.judges.all())


def _unless_in_need(past: Past, whole: Sequence[Any], affordable: Sequence[Any]) -> Past:
    """What an earlier search found, unless for want of time it had one fold, or some of its rows, and need not now."""

    def plight(splits: Sequence[Any]) -> tuple[bool, int]:
        return len(splits) == 1 < len(whole), max(len(train) for train, _ in splits)

    if not past.evaluated or plight(past.splits) in (plight(affordable), plight(whole)):
        return past
    (one_then, rows_then), (one_now, rows_now) = plight(past.splits), plight(affordable)
    if rows_now <= rows_then and not one_then > one_now:
        return past
    warnings.warn(
        f"warm_start: the earlier fit had no time for more than {len(past.splits)} folds of {rows_then} training rows, "
        f"and there is for {len(affordable)} of {rows_now} now, so everything is evaluated anew.",
        EvaluationWarning,
        stacklevel=3,
    )
    return replace(past, evaluated=(), given_up={})


def _is_multimetric(scorer: Any, search: Search) -> bool:
    """Whether there are several metrics, or one under a name of its own."""
    names = {name for folds in search.results for fold in folds if fold is not None for name in fold.scores}
    return isinstance(scorer, dict) or bool(names - {"score"})


def _run(workers: Any, search: Search) -> bool:
    """Search; whether Ctrl-C ended it, when it had found something."""
    try:
        workers.run(search)
    except KeyboardInterrupt:
        if not search.has_a_score():
            raise
        warnings.warn("The search was interrupted; what it found until then is used.", EvaluationWarning, stacklevel=3)
        return True
    if search.was_told_to_stop:
        warnings.warn(
            "The callback ended the search; what it found until then is used.", EvaluationWarning, stacklevel=3
        )
    return False


@contextmanager
def _as_before_if_it_fails(face: MetaEstimator) -> Iterator[None]:
    """All that an earlier `fit` learned stays where another fails; what a warm start may go on from is kept, too."""
    before = dict(vars(face))
    try:
        yield
    except BaseException:
        before.update((name, value) for name, value in vars(face).items() if name == "_evaluated")
        face.__dict__ = before
        raise


class _Builder:
    """Gives a recommendation the estimator that its MetaEstimator would fit; picklable, unlike a closure."""

    def __init__(self, estimator: Any):
        self.estimator = estimator

    def __call__(self, configuration: Configuration) -> Any:
        return clone(self.estimator)


def _required(face: MetaEstimator, task_type: str) -> str:
    if face.estimators is not None:
        actual = task_type_of(named_estimators(face.estimators))
        if actual != task_type:
            raise ValueError(f"{type(face).__name__} needs estimators for {task_type}, got some for {actual}.")
    return task_type
