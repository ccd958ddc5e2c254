"""Weights and groups, with metadata routing off and on."""

import numpy as np
import pytest
from doubles import Watched, WatchingScorer
from sklearn import config_context
from sklearn.datasets import make_classification
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.metrics import accuracy_score, make_scorer
from sklearn.model_selection import GridSearchCV, GroupKFold, KFold, LeaveOneGroupOut, StratifiedKFold
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

from sklmeta import MetaClassifier, MetaEstimator, MetaRegressor
from sklmeta.blends import Stack
from sklmeta.conclusion import _how_many
from sklmeta.exceptions import EvaluationWarning


@pytest.fixture
def weights():
    return np.random.RandomState(0).randint(1, 4, size=80).astype(float)


def test_folds_without_a_row_of_any_weight_are_left_out_and_counted():
    X, y = np.random.RandomState(0).normal(size=(60, 3)), np.arange(60) % 2
    groups, weights = np.arange(60) // 10, np.repeat([0.0, 1.0], [10, 50])
    meta = MetaEstimator([("lr", LogisticRegression()), ("nb", GaussianNB())], n_iter=2, cv=GroupKFold(6))
    with pytest.warns(EvaluationWarning, match="1 of 6 folds of cv have one class only .* or no row with a weight and"):
        assert meta.fit(X, y, sample_weight=weights, groups=groups).n_splits_ == 5
    assert np.isfinite(meta.best_score_)
    folds = [(np.arange(10), np.arange(10, 60)), (np.arange(30, 60), np.arange(20))]
    ridges = MetaRegressor([("ridge", Ridge())], n_iter=2, cv=folds)
    with pytest.warns(EvaluationWarning, match="1 of 2 folds of cv have no row with a weight and are left out"):
        assert ridges.fit(X, X[:, 0], sample_weight=weights).n_splits_ == 1


def test_a_fold_without_weights_stays_where_members_are_not_told_of_them():
    X, y = np.random.RandomState(0).normal(size=(60, 3)), np.arange(60) % 2
    folds = [(np.arange(10), np.arange(10, 60)), (np.arange(30, 60), np.arange(30))]
    weights = np.repeat([0.0, 1.0], [10, 50])
    with config_context(enable_metadata_routing=True):
        scorer = make_scorer(accuracy_score).set_score_request(sample_weight=True)
        member = LogisticRegression().set_fit_request(sample_weight=False)
        meta = MetaEstimator([("lr", member)], n_iter=1, cv=folds, scoring=scorer).fit(X, y, sample_weight=weights)
    assert meta.n_splits_ == 2


def test_one_weight_may_be_the_same_for_all_rows(binary):
    meta = MetaEstimator([("lr", LogisticRegression())], n_iter=1, cv=2, scoring=lambda e, X, y: e.score(X, y))
    assert meta.fit(*binary, sample_weight=2.0).n_splits_ == 2


def logged(path):
    return [(int(rows), total) for rows, total in (line.split() for line in path.read_text().splitlines())]


@pytest.mark.parametrize("n_jobs", [1, 2])
@pytest.mark.parametrize("routing", [False, True])
@pytest.mark.parametrize("preprocessor", ["auto", None])
def test_weights_reach_every_inner_fit_the_refit_and_the_scorer(
    binary, weights, tmp_path, routing, preprocessor, n_jobs
):
    X, y = binary
    log = tmp_path / "fits"
    member = Watched(log=str(log))
    scorer = WatchingScorer()
    with config_context(enable_metadata_routing=routing):
        scoring = scorer
        if routing:
            member = member.set_fit_request(sample_weight=True)
            scoring = make_scorer(accuracy_score).set_score_request(sample_weight=True)
        meta = MetaEstimator(member, knowledge=None, n_iter=1, cv=2, scoring=scoring, preprocessor=preprocessor)
        meta.set_params(n_jobs=n_jobs).fit(X, y, sample_weight=weights)
    fits = logged(log)
    assert sorted(rows for rows, _ in fits) == [40, 40, 80]
    assert sum(float(total) for rows, total in fits if rows == 40) == weights.sum()
    assert float(fits[-1][1]) == weights.sum()
    splits = [meta.cv_results_[f"split{k}_test_score"][0] for k in range(2)]
    np.testing.assert_allclose(splits, _weighted_accuracies(X, y, weights, preprocessor))
    if not routing and n_jobs == 1:
        assert sum(seen.sum() for seen in scorer.seen) == weights.sum()


def _weighted_accuracies(X, y, weights, preprocessor):
    prepare = StandardScaler() if preprocessor == "auto" else "passthrough"
    scores = []
    for train, test in StratifiedKFold(2).split(X, y):
        model = make_pipeline(prepare, LogisticRegression())
        model.fit(X[train], y[train], logisticregression__sample_weight=weights[train])
        scores.append(accuracy_score(y[test], model.predict(X[test]), sample_weight=weights[test]))
    return scores


def test_routing_asks_as_scikit_learns_searches_do(binary, weights):
    X, y = binary
    with config_context(enable_metadata_routing=True):
        for search in (GridSearchCV(SVC(), {"C": [1.0]}, cv=2), MetaEstimator(SVC(), n_iter=1, cv=2)):
            with pytest.raises(ValueError, match=r"sample_weight.*not explicitly set as requested or not requested"):
                search.fit(X, y, sample_weight=weights)


@pytest.mark.parametrize("face", [MetaClassifier, MetaRegressor])
def test_default_members_and_metric_ask_for_weights_themselves(binary, weights, face):
    X, y = binary
    found = []
    for routing in (False, True):
        with config_context(enable_metadata_routing=routing), pytest.warns(EvaluationWarning, match="k_neighbors"):
            meta = face(n_iter=3, cv=2, random_state=0).fit(X, y, sample_weight=weights)
        found.append([*meta.cv_results_["mean_test_score"], *meta.predict(X)])
    np.testing.assert_allclose(*found)
    with config_context(enable_metadata_routing=True):
        meta.fit(X, y)


def test_groups_are_routed_to_the_splitter(binary):
    X, y = binary
    groups = np.arange(80) % 4
    with config_context(enable_metadata_routing=True):
        meta = MetaEstimator(LogisticRegression(), knowledge=None, n_iter=1, cv=LeaveOneGroupOut())
        assert meta.fit(X, y, groups=groups).n_splits_ == 4
        outer = GridSearchCV(meta, {"n_iter": [1]}, cv=GroupKFold(2)).fit(X, y, groups=groups)
    assert np.isfinite(outer.best_score_)


def test_weights_for_score_are_routed(binary, weights):
    X, y = binary
    scoring = make_scorer(accuracy_score)
    meta = MetaEstimator(LogisticRegression(), knowledge=None, n_iter=1, cv=2, scoring=scoring).fit(X, y)
    expected = accuracy_score(y, meta.predict(X), sample_weight=weights)
    assert meta.score(X, y, sample_weight=weights) == pytest.approx(expected)
    with config_context(enable_metadata_routing=True):
        scoring.set_score_request(sample_weight=True)
        assert meta.score(X, y, sample_weight=weights) == pytest.approx(expected)


def test_rows_are_as_many_as_they_weigh_where_weights_repeat_them():
    rows = np.array([0, 1, 3])
    assert _how_many(rows, None) == 3
    assert _how_many(rows, [1, 2, 50, 3]) == 6
    assert _how_many(rows, [1, 0, 50, 3]) == 4
    assert _how_many(rows, [0.1, 0.0, 0.1, 0.2]) == 2, "those that count at all"


@pytest.mark.parametrize(
    "member",
    [
        LogisticRegression(solver="newton-cholesky", tol=1e-10),
        Ridge(),
        DecisionTreeClassifier(random_state=0),
        DecisionTreeRegressor(random_state=0),
        SVC(tol=1e-8),
    ],
)
def test_whole_weights_are_repeated_rows(member, binary):
    """Folds keep the copies of a row together, and nothing before the member learns from unweighted rows."""
    X, y = binary
    rng = np.random.RandomState(0)
    weights, groups = rng.randint(1, 4, size=80), np.arange(80) % 3
    meta = MetaEstimator(member, knowledge=None, n_iter=3, preprocessor=None, cv=LeaveOneGroupOut(), random_state=0)
    if isinstance(member, SVC):
        # "scale" is computed from the rows without their weights, and so are the folds of a calibration
        meta.set_params(svc__gamma=0.2, ensemble="best")
    if isinstance(member, SVC | LogisticRegression):
        meta.set_params(param_distributions={"class_weight": [None]})  # "balanced" likewise, in older versions
    weighted = meta.fit(X, y, sample_weight=weights, groups=groups)
    scores, predictions = weighted.cv_results_["mean_test_score"], weighted.predict(X)
    again = np.repeat(np.arange(80), weights)
    repeated = meta.fit(X[again], y[again], groups=groups[again])
    np.testing.assert_allclose(repeated.cv_results_["mean_test_score"], scores, atol=1e-6)
    np.testing.assert_allclose(repeated.predict(X), predictions, atol=1e-4)
    assert len(set(np.round(scores, 6))) > 1 or isinstance(member, DecisionTreeClassifier | DecisionTreeRegressor)


def test_members_that_take_no_weights_are_left_out_and_named(binary, weights):
    X, y = binary
    meta = MetaEstimator(
        [("knn", KNeighborsClassifier()), ("lr", LogisticRegression())], knowledge=None, n_iter=4, cv=2
    )
    with pytest.warns(EvaluationWarning, match=r"Left out of the search: knn \(takes no sample_weight\)"):
        meta.fit(X, y, sample_weight=weights)
    assert set(meta.cv_results_["estimator"]) == {"lr"}
    with pytest.raises(ValueError, match=r"No estimator can take this data: k_neighbors \(takes no sample_weight\)"):
        MetaEstimator(KNeighborsClassifier()).fit(X, y, sample_weight=weights)


def test_weights_that_are_none_are_no_weights(binary):
    members = [("nb", GaussianNB()), ("knn", KNeighborsClassifier())]
    meta = MetaEstimator(members, knowledge=None, n_iter=2, cv=2).fit(*binary, sample_weight=None)
    assert set(meta.cv_results_["estimator"]) == {"nb", "knn"}
    assert list(meta.cv_results_["status"]) == ["ok", "ok"]


def test_a_pipeline_gives_weights_to_its_last_step_only(binary, weights, tmp_path):
    X, y = binary
    log = tmp_path / "fits"
    meta = MetaEstimator(make_pipeline(StandardScaler(), Watched(log=str(log))), knowledge=None, n_iter=1, cv=2)
    meta.fit(X, y, sample_weight=weights)
    assert all(total != "none" for _, total in logged(log))
    plain = StandardScaler().fit(X)
    np.testing.assert_array_equal(meta.best_estimator_[0].mean_, plain.mean_)


def test_weights_make_calibrated_probabilities(binary, weights):
    X, y = binary
    weighted = MetaClassifier(SVC(), knowledge=None, n_iter=1, cv=2).fit(
        X, y, sample_weight=np.where(y == 1, 20.0, 1.0)
    )
    plain = MetaClassifier(SVC(), knowledge=None, n_iter=1, cv=2).fit(X, y)
    assert weighted.predict_proba(X)[:, 1].mean() > plain.predict_proba(X)[:, 1].mean() + 0.05


def test_weights_that_make_no_sense(binary):
    X, y = binary
    meta = MetaClassifier(LogisticRegression(), knowledge=None, n_iter=1, cv=2)
    with pytest.raises(ValueError, match="only one class is left with a positive sample_weight"):
        meta.fit(X, y, sample_weight=y)
    with pytest.raises(ValueError, match=r"inconsistent numbers of samples: \[80, 79\]"):
        meta.fit(X, y, sample_weight=np.ones(79))


def test_parameters_of_fit_that_no_member_has(binary):
    with pytest.raises(ValueError, match=r"All configurations failed.*nonsense"):
        MetaEstimator(LogisticRegression(), knowledge=None, n_iter=1, cv=2).fit(*binary, nonsense=1)


# -- weights where members are put together ------------------------------------------------------------------------


@pytest.mark.parametrize("ensemble", ["average", "stack"])
@pytest.mark.parametrize("scoring", [None, "neg_log_loss", "roc_auc"])
def test_rows_without_weight_have_no_say_in_what_is_made_of_members(ensemble, scoring):
    X, y = make_classification(150, 6, flip_y=0.2, random_state=0)
    weights = np.where(np.arange(150) % 3 == 0, 0.0, 1.0)
    members = [
        ("nb", GaussianNB()),
        *((f"tree-{d}", DecisionTreeClassifier(max_depth=d, random_state=0)) for d in (1, 3)),
    ]
    meta = MetaEstimator(
        members, n_iter=4, knowledge=None, cv=KFold(3), scoring=scoring, ensemble=ensemble, random_state=0
    )
    one, other = (
        meta.fit(X, target, sample_weight=weights).predict_proba(X) for target in (y, np.where(weights == 0, 1 - y, y))
    )
    np.testing.assert_allclose(one, other)


def test_a_stack_learns_from_rows_as_they_weigh():
    rng = np.random.RandomState(0)
    X = rng.normal(size=(150, 3))
    y, weights = X[:, 0] + 0.1 * rng.normal(size=150), np.repeat([1.0, 1e-6], [100, 50])
    y[100:] = 30.0
    members = [("ridge", Ridge()), ("tree", DecisionTreeRegressor(max_depth=3, random_state=0))]
    rows = rng.permutation(150)
    meta = MetaEstimator(members, n_iter=4, knowledge=None, ensemble="stack", random_state=0)
    meta.fit(X[rows], y[rows], sample_weight=weights[rows])
    assert meta.score(X[:100], y[:100]) > 0.9


def test_a_final_estimator_without_weights_is_told_of(binary, weights):
    X, y = binary
    meta = MetaEstimator(LogisticRegression(), n_iter=2, knowledge=None, ensemble=Stack(KNeighborsClassifier()))
    with pytest.warns(EvaluationWarning, match="takes no sample_weight: rows count alike in it"):
        meta.fit(X, y, sample_weight=weights)


def test_folds_that_are_listed_once_are_not_used_up_by_routing(binary, weights):
    X, y = binary
    with config_context(enable_metadata_routing=True):
        member = LogisticRegression().set_fit_request(sample_weight=True)
        scoring = make_scorer(accuracy_score).set_score_request(sample_weight=True)
        meta = MetaEstimator(member, cv=KFold(3).split(X), scoring=scoring, n_iter=2, knowledge=None)
        assert meta.fit(X, y, sample_weight=weights).n_splits_ == 3
