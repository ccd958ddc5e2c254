import pickle

import numpy as np
import pandas as pd
import pytest
from scipy import sparse
from sklearn import config_context
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.datasets import load_iris
from sklearn.dummy import DummyClassifier
from sklearn.ensemble import ExtraTreesClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import get_scorer
from sklearn.naive_bayes import GaussianNB
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC
from sklearn.tree import DecisionTreeClassifier

from sklmeta import Configuration, MetaClassifier
from sklmeta._sklearn import safe_indexing
from sklmeta.blended import BlendedClassifier
from sklmeta.blends import Stack, WeightedBlend
from sklmeta.catalogue import build_estimator
from sklmeta.evaluation import Outputs, Trial, evaluate_on, refit_on
from sklmeta.preparations import Preparations, shared_step, united
from sklmeta.preprocessing import TabularPreprocessor

X, y = load_iris(return_X_y=True)
FRAME = pd.DataFrame(X, columns=list("abcd")).assign(colour=np.where(X[:, 0] > 5.5, "red", None))
MANY = FRAME.assign(street=np.where(np.arange(150) % 2, [f"s{i % 40}" for i in range(150)], "main"))
ROWS = np.arange(150)
SPLITS = [(ROWS[k != ROWS % 3], ROWS[k == ROWS % 3]) for k in range(3)]


def behind(estimator, **settings):
    return Pipeline([("preprocess", TabularPreprocessor(**settings)), ("last", estimator)])


def a_trial(X, y=y, **settings):
    defaults = {"scorer": get_scorer("neg_log_loss"), "score_params": {}, "fit_params": {"m": {}}}
    return Trial((X, y), SPLITS, classes=np.unique(y), **{**defaults, **settings})


def test_where_there_is_no_room_for_a_model_its_score_is_kept(tmp_path):
    trial = a_trial(FRAME, keep_models=True, folder=tmp_path / "full")  # nothing can be written to what is not there
    result = evaluate_on(trial, 0, "m", behind(LogisticRegression()))
    assert np.isfinite(result.scores["score"])
    assert result.model is None
    assert not result.reason


@pytest.fixture
def fits(monkeypatch):
    """What was fitted, by the preparation's settings and rows."""
    seen = []
    real = TabularPreprocessor.fit_transform

    def counted(self, X, y=None, **params):
        seen.append((self.categories, self.scale, self.dense, self.target, X.shape[0]))
        return real(self, X, y, **params)

    monkeypatch.setattr(TabularPreprocessor, "fit_transform", counted)
    return seen


@pytest.mark.parametrize("rows", [X, MANY, sparse.csr_matrix(X)], ids=["array", "frame", "sparse"])
@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"categories": "native", "scale": False},
        {"categories": "ordinal"},
        {"target": "numbers", "max_levels": 3},
    ],
)
def test_shared_or_not_everything_is_the_same(rows, settings, monkeypatch):
    pipeline = behind(DecisionTreeClassifier(max_depth=3, random_state=0), **settings)
    shared = a_trial(rows, keep_outputs=True, keep_models=True)
    twice = [[evaluate_on(shared, fold, "m", pipeline) for fold in range(3)] for _ in range(2)]
    monkeypatch.setattr("sklmeta.evaluation.shared_step", lambda *_: None)
    alone = [evaluate_on(a_trial(rows, keep_outputs=True, keep_models=True), fold, "m", pipeline) for fold in range(3)]
    for once in twice:
        for ours, theirs, (_, test) in zip(once, alone, SPLITS, strict=True):
            assert not theirs.reason
            assert ours.scores == theirs.scores
            np.testing.assert_array_equal(ours.outputs, theirs.outputs)
            held_out = rows.iloc[test] if isinstance(rows, pd.DataFrame) else rows[test]
            np.testing.assert_array_equal(ours.model.predict_proba(held_out), theirs.outputs)


def test_rows_are_prepared_once_a_fold_and_kind(fits):
    trial = a_trial(FRAME)
    for C in (0.1, 1.0, 10.0):
        for fold in range(3):
            evaluate_on(trial, fold, "m", behind(LogisticRegression(C=C)))
            evaluate_on(trial, fold, "m", behind(DecisionTreeClassifier(), scale=False))
    assert sorted(fits) == sorted([("onehot", scale, False, None, 100) for scale in (True, False)] * 3)
    fits.clear()
    for C in (0.1, 1.0):
        model, seconds = refit_on(trial, "m", behind(LogisticRegression(C=C)))
        direct = behind(LogisticRegression(C=C)).fit(FRAME, y)
        np.testing.assert_array_equal(model.predict_proba(FRAME), direct.predict_proba(FRAME))
        assert seconds > 0
    assert len(fits) == 1 + 2, "once for both, and the two of this test"


def test_the_time_of_preparing_counts_for_everyone_who_wants_it(monkeypatch):
    trial = a_trial(FRAME)
    first = evaluate_on(trial, 0, "m", behind(LogisticRegression()))
    ready = next(iter(trial.preparations._kept.values()))
    assert first.fit_seconds > ready.seconds > 0
    again = evaluate_on(trial, 0, "m", behind(LogisticRegression()))
    assert first.spared_seconds == 0 < again.spared_seconds < again.fit_seconds + again.score_seconds
    assert again.fit_seconds > ready.seconds
    assert min(first.score_seconds, again.score_seconds) > ready.test_seconds > 0


class Vandal(ClassifierMixin, BaseEstimator):
    """Writes into the rows that it is given."""

    def fit(self, X, y):
        X[:] = 0.0
        self.classes_ = np.unique(y)
        return self

    def predict_proba(self, X):
        return np.full((len(X), 3), 1 / 3)

    def predict(self, X):
        return np.zeros(len(X), dtype=int)


def test_what_one_does_to_its_rows_is_its_own():
    trial = a_trial(X)
    before = evaluate_on(trial, 0, "m", behind(LogisticRegression()))
    assert not evaluate_on(trial, 0, "m", behind(Vandal())).reason
    assert evaluate_on(trial, 0, "m", behind(LogisticRegression())).scores == before.scores


def test_weights_go_to_the_last_step():
    weights = np.where(y == 0, 5.0, 1.0)
    trial = a_trial(X, fit_params={"m": {"last__sample_weight": weights}}, keep_outputs=True)
    found = evaluate_on(trial, 0, "m", behind(LogisticRegression())).outputs
    train, test = SPLITS[0]
    direct = behind(LogisticRegression()).fit(X[train], y[train], last__sample_weight=weights[train])
    np.testing.assert_array_equal(found, direct.predict_proba(X[test]))


def test_what_looks_at_rows_gets_the_rows(fits):
    seen = []

    def scorer(model, rows, truth):
        seen.append(list(rows.columns))
        return model.score(rows, truth)

    result = evaluate_on(a_trial(FRAME, scorer=scorer), 0, "m", behind(LogisticRegression()))
    assert not result.reason
    assert seen == [list(FRAME.columns)]


def test_who_shares():
    step = behind(LogisticRegression()).steps[0][1]
    pipeline = Pipeline([("preprocess", step), ("last", LogisticRegression())])
    assert shared_step(pipeline, {"last__sample_weight": 1}) is step
    assert shared_step(pipeline, {"preprocess__y": 1}) is None
    assert shared_step(LogisticRegression(), {}) is None
    assert shared_step(make_pipeline(StandardScaler(), LogisticRegression()), {}) is None
    with config_context(enable_metadata_routing=True):
        assert shared_step(pipeline, {}) is None


def test_no_more_is_kept_than_there_is_room_for(monkeypatch):
    monkeypatch.setattr("sklmeta.preparations._MOST_BYTES", 2.5 * X.nbytes)
    kept = Preparations()
    for fold, (train, test) in enumerate(SPLITS):
        kept.of(TabularPreprocessor(), X, y, fold, train, test)
    assert [key[0] for key in kept._kept] == [1, 2]
    kept.of(TabularPreprocessor(), X, y, 1, *SPLITS[1])
    kept.of(TabularPreprocessor(), X, y, 0, *SPLITS[0])
    assert [key[0] for key in kept._kept] == [1, 0], "what was wanted last stays"
    monkeypatch.setattr("sklmeta.preparations._MOST_BYTES", 1.0)
    assert kept.of(TabularPreprocessor(), X, y, 2, *SPLITS[2]).train.shape == (100, 4)
    assert not kept._kept


@pytest.mark.parametrize(
    ("rows", "kinds"), [(FRAME, 1), (sparse.csr_matrix(X), 1), (MANY, 2)], ids=["few", "sparse", "many"]
)
def test_the_target_makes_a_kind_of_its_own_only_where_levels_are_many(rows, kinds, fits):
    two = np.where(y == 0, "setosa", "other")
    trial = a_trial(rows, two, keep_models=True)
    members = [behind(LogisticRegression(), max_levels=10, target=target) for target in ("labels", None)]
    models = [evaluate_on(trial, 0, "m", member).model for member in members]
    assert len(fits) == kinds
    assert [model.steps[0][1].target for model in models] == ["labels", None], "each keeps its own parameters"
    for member, model in zip(members, models, strict=True):
        train, test = (safe_indexing(rows, part) for part in SPLITS[0])
        alone = member.fit(train, two[SPLITS[0][0]])
        np.testing.assert_array_equal(alone.predict_proba(test), model.predict_proba(test))
    assert len({id(model.steps[0][1]) for model in united(models)}) == kinds


def test_copies_of_a_trial_start_with_nothing():
    trial = a_trial(X)
    evaluate_on(trial, 0, "m", behind(LogisticRegression()))
    assert not pickle.loads(pickle.dumps(trial.preparations))._kept


def test_a_search_prepares_once_a_fold_and_kind(fits):
    both = [build_estimator(Configuration(name), "classification")[0] for name in ("logistic_regression", "svc")]
    told, untold = ((step.categories, step.scale, step.dense, step.target) for step in both)
    assert told[:3] == untold[:3]
    assert told != untold, "one must be told of the target, for this test to say anything"
    members = [("logistic_regression", LogisticRegression()), ("svc", SVC()), ("trees", ExtraTreesClassifier(20))]
    meta = MetaClassifier(members, n_iter=12, cv=3, random_state=0).fit(FRAME, y)
    assert set(meta.leaderboard()["estimator"]) == {"logistic_regression", "svc", "trees"}
    kinds = {kind[:3] for kind in fits}  # here, the target makes no difference
    assert len(fits) <= 4 * len(kinds), "three folds and all rows"
    assert Outputs(meta.classes_)(meta, FRAME).shape == (150, 3)


def test_members_of_a_blend_share_their_preparation():
    members = [behind(LogisticRegression(C=C)).fit(FRAME, y) for C in (0.1, 1.0)]
    tree = behind(DecisionTreeClassifier(random_state=0), scale=False).fit(FRAME, y)
    models = united([*members, tree, LogisticRegression().fit(X, y)])
    assert models[0].steps[0][1] is models[1].steps[0][1] is not models[2].steps[0][1]
    assert members[0].steps[0][1] is not members[1].steps[0][1], "what was given is as it was"
    for before, after in zip([*members, tree], models, strict=False):
        np.testing.assert_array_equal(before.predict_proba(FRAME), after.predict_proba(FRAME))


def test_a_search_s_model_prepares_rows_once_a_kind(monkeypatch):
    members = [("lr", LogisticRegression()), ("tree", DecisionTreeClassifier()), ("svc", SVC())]
    four = MetaClassifier(members, knowledge=None, n_iter=6, cv=3, ensemble=Stack(max_members=4), random_state=0)
    blend = four.fit(FRAME, y).ensemble_
    steps = {id(pipeline.steps[0][1]) for pipeline in blend.estimators_}
    kinds = {repr(pipeline.steps[0][1]) for pipeline in blend.estimators_}
    assert len(steps) == len(kinds) < len(blend.estimators_), "some must share, for this test to say anything"
    transformed = []
    real = TabularPreprocessor.transform
    monkeypatch.setattr(TabularPreprocessor, "transform", lambda self, X: transformed.append(1) or real(self, X))
    together = blend.predict_proba(FRAME)
    assert len(transformed) == len(kinds)
    alone = np.array([pipeline.predict_proba(FRAME) for pipeline in blend.estimators_])
    np.testing.assert_array_equal(together, blend.blend(alone))
    assert len(pickle.dumps(blend)) < sum(len(pickle.dumps(pipeline)) for pipeline in blend.estimators_)


def test_blends_within_a_blend_share_their_preparations(monkeypatch):
    folds = {
        part: [behind(LogisticRegression(C=C)).fit(FRAME[part::2], y[part::2]) for C in (0.1, 1.0)] for part in (0, 1)
    }
    shared = {part: united(models) for part, models in folds.items()}
    half = WeightedBlend(np.full(2, 0.5))

    def mean_of(models):
        return BlendedClassifier.of_fitted([("first", models[0]), ("second", models[1])], half, np.unique(y))

    alone, together = (mean_of([mean_of([of[0][k], of[1][k]]) for k in (0, 1)]) for of in (folds, shared))
    expected = alone.predict_proba(FRAME)
    transformed = []
    real = TabularPreprocessor.transform
    monkeypatch.setattr(TabularPreprocessor, "transform", lambda self, X: transformed.append(1) or real(self, X))
    np.testing.assert_array_equal(together.predict_proba(FRAME), expected)
    assert len(transformed) == 2, "once a fold"
    monkeypatch.setattr("sklmeta.preparations._MOST_BYTES", 0.0)
    np.testing.assert_array_equal(together.predict_proba(FRAME), expected)
    assert len(transformed) == 2 + 4, "where there is no room, each for itself"


class Doubling(DummyClassifier):
    """Changes the rows that it is asked about."""

    def predict_proba(self, X):
        X *= 2
        return super().predict_proba(X)


def test_what_a_model_does_to_its_rows_is_its_own_within_a_blend_of_one_too():
    inner = BlendedClassifier([("m", Doubling())], WeightedBlend(np.ones(1)))
    outer = BlendedClassifier([("a", inner), ("b", Doubling())], WeightedBlend(np.full(2, 0.5))).fit(X, y)
    rows = X.copy()
    outer.predict_proba(rows)
    np.testing.assert_array_equal(rows, X)


class Drifting(LogisticRegression):
    """Changes the rows that it is asked about, and answers accordingly."""

    def predict_proba(self, X):
        X -= 5
        return super().predict_proba(X)


def test_what_a_model_does_to_prepared_rows_is_its_own():
    models = united([behind(Drifting(C=C), scale=False).fit(FRAME, y) for C in (0.1, 1.0, 10.0)])
    assert len({id(model.steps[0][1]) for model in models}) == 1
    blend = BlendedClassifier.of_fitted(list(zip("abc", models, strict=True)), WeightedBlend(np.full(3, 1 / 3)))
    alone = np.array([model.predict_proba(FRAME) for model in models])
    np.testing.assert_array_equal(blend.predict_proba(FRAME), blend.blend(alone))


class Counting(BlendedClassifier):
    """Looks at its rows before it is asked."""

    def predict_proba(self, X):
        assert np.asarray(X, dtype=float).shape == (150, 4)
        return super().predict_proba(X)


def test_a_blend_of_one_s_own_gets_rows_as_they_are():
    inner = Counting([("m", LogisticRegression(max_iter=500))], WeightedBlend(np.ones(1)))
    outer = BlendedClassifier([("a", inner), ("b", GaussianNB())], WeightedBlend(np.full(2, 0.5))).fit(X, y)
    assert outer.predict_proba(X).shape == (150, 3)
