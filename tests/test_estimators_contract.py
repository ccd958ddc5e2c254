"""The estimators in the company of scikit-learn's own tools."""

import io
import pickle
from functools import partial

import joblib
import numpy as np
import pandas as pd
import pytest
from doubles import Majority
from sklearn.base import clone, is_classifier, is_regressor
from sklearn.ensemble import RandomForestClassifier, StackingClassifier
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.model_selection import GridSearchCV, GroupKFold, KFold, cross_val_score
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC, LinearSVC
from sklearn.tree import DecisionTreeRegressor
from sklearn.utils import get_tags

from sklmeta import MetaClassifier, MetaEstimator, MetaRegressor
from sklmeta.exceptions import EvaluationWarning

MEMBERS = [("svc", SVC()), ("lr", LogisticRegression())]


def quick(knowledge, estimators=MEMBERS, **params):
    return MetaEstimator(estimators, knowledge=knowledge, **{"n_iter": 2, "cv": 2, "random_state": 0, **params})


# -- composition -----------------------------------------------------------------------------------------------------


def test_at_the_end_of_a_pipeline(binary, knowledge):
    X, y = binary
    pipeline = make_pipeline(StandardScaler(), MetaClassifier(knowledge=knowledge, n_iter=2, cv=2))
    assert pipeline.fit(X, y).score(X, y) > 0.7
    assert pipeline.predict_proba(X).shape == (80, 2)


def test_after_a_transformer_that_gives_data_frames(binary, knowledge):
    X, y = binary
    frame = pd.DataFrame(X, columns=list("abcde"))
    pipeline = make_pipeline(StandardScaler().set_output(transform="pandas"), quick(knowledge)).fit(frame, y)
    assert list(pipeline[-1].feature_names_in_) == list("abcde")


def test_grid_search_over_own_and_members_parameters_in_processes(binary, knowledge):
    X, y = binary
    pipeline = make_pipeline(StandardScaler(), MetaClassifier(knowledge=knowledge, cv=2, random_state=0))
    grid = {"metaclassifier__svc__C": [0.1, 4.0], "metaclassifier__n_iter": [1, 3]}
    search = GridSearchCV(pipeline, grid, cv=2, n_jobs=2).fit(X, y)
    assert np.isfinite(search.cv_results_["mean_test_score"]).all()
    assert search.best_params_["metaclassifier__svc__C"] in (0.1, 4.0)
    assert search.best_estimator_[-1].get_params()["svc__C"] == search.best_params_["metaclassifier__svc__C"]


def test_cross_val_score_and_stacking(binary, knowledge):
    X, y = binary
    assert cross_val_score(quick(knowledge), X, y, cv=3).mean() > 0.7
    stack = StackingClassifier([("meta", MetaClassifier(knowledge=knowledge, n_iter=1, cv=2))], cv=2)
    assert stack.fit(X, y).stack_method_ == ["predict_proba"]


def test_inside_another_of_its_kind(binary, knowledge):
    X, y = binary
    outer = MetaEstimator([("inner", quick(knowledge)), ("nb", GaussianNB())], knowledge=None, n_iter=2, cv=2)
    assert outer.fit(X, y).best_score_ > 0.6


def test_a_clone_is_unfitted_and_shares_the_knowledge(binary, knowledge):
    meta = quick(knowledge).fit(*binary)
    copy = clone(meta)
    assert copy.knowledge is knowledge
    assert not hasattr(copy, "best_estimator_")
    assert copy.fit(*binary).best_params_ == meta.best_params_


@pytest.mark.parametrize("through", ["pickle", "joblib"])
def test_survives_being_stored(binary, knowledge, through):
    X, y = binary
    meta = MetaClassifier(knowledge=knowledge, n_iter=3, cv=2, random_state=0).fit(X, y)
    if through == "pickle":
        restored = pickle.loads(pickle.dumps(meta))
    else:
        file = io.BytesIO()
        joblib.dump(meta, file)
        file.seek(0)
        restored = joblib.load(file)
    np.testing.assert_array_equal(restored.predict_proba(X), meta.predict_proba(X))
    assert restored.best_params_ == meta.best_params_
    assert restored.recommendations_[0].estimator.fit(X, y).score(X, y) > 0.5


def test_the_index_of_a_frame_does_not_matter(binary, knowledge):
    X, y = binary
    order = np.random.RandomState(0).permutation(len(y)) * 7 + 3
    frame, target = pd.DataFrame(X, columns=list("abcde")), pd.Series(y)
    plain = quick(knowledge).fit(frame, target)
    shuffled = quick(knowledge).fit(frame.set_axis(order), target.set_axis(order))
    np.testing.assert_array_equal(shuffled.cv_results_["mean_test_score"], plain.cv_results_["mean_test_score"])
    np.testing.assert_array_equal(shuffled.predict(frame), plain.predict(frame))


def test_groups_keep_a_leak_out_of_the_score(knowledge):
    rng = np.random.RandomState(0)
    centres = rng.normal(scale=20, size=(40, 4))  # a group is recognised by its place, and its label is a coin
    groups = np.repeat(np.arange(40), 6)
    X, y = centres[groups] + rng.normal(size=(240, 4)), rng.permutation(np.arange(40) % 2)[groups]
    neighbours = MetaEstimator(KNeighborsClassifier(), knowledge=knowledge, n_iter=1)
    leaking = clone(neighbours).set_params(cv=KFold(4, shuffle=True, random_state=0)).fit(X, y).best_score_
    honest = clone(neighbours).set_params(cv=GroupKFold(4)).fit(X, y, groups=groups).best_score_
    assert leaking > 0.95
    assert 0.2 < honest < 0.75


# -- what fit leaves alone -------------------------------------------------------------------------------------------


def test_fit_changes_no_parameter_and_no_data(binary, knowledge):
    X, y = binary
    members = [("svc", SVC()), ("lr", LogisticRegression())]
    meta = quick(knowledge, members, param_distributions={"svc": {"C": [1.0, 2.0]}})
    before, data = repr(meta.get_params()), (X.copy(), y.copy())
    meta.fit(X, y)
    assert repr(meta.get_params()) == before
    assert meta.estimators is members
    assert not hasattr(members[0][1], "support_")
    np.testing.assert_array_equal(X, data[0])
    np.testing.assert_array_equal(y, data[1])


def test_fit_does_not_change_a_frame(knowledge):
    frame = pd.DataFrame({"a": [1.0, None, 3.0, 4.0] * 8, "b": pd.Categorical(list("uvuw") * 8), "c": list("xyxz") * 8})
    before = frame.copy()
    quick(knowledge).fit(frame, [0, 1] * 16)
    pd.testing.assert_frame_equal(frame, before)


def test_refit_is_what_scikit_learn_would_fit(binary, knowledge):
    X, y = binary
    meta = quick(knowledge).fit(X, y)
    np.testing.assert_array_equal(clone(meta.best_estimator_).fit(X, y).predict(X), meta.predict(X))


# -- delegation, tags, display ---------------------------------------------------------------------------------------


def test_methods_are_those_of_the_members_and_then_of_the_winner(binary, knowledge):
    X, y = binary
    one = partial(quick, knowledge, ensemble="best")
    assert not hasattr(one(SVC()), "predict_proba")
    assert hasattr(one(LogisticRegression()), "predict_proba")
    assert not hasattr(one(), "predict_proba")  # the winner may be the SVC
    assert hasattr(MetaClassifier(), "predict_proba")
    assert not hasattr(MetaRegressor(), "predict_proba")
    assert not hasattr(one(RandomForestClassifier()), "decision_function")
    winner = one(n_iter=1).fit(X, y)  # what the knowledge has first is the logistic regression
    np.testing.assert_array_equal(winner.predict_log_proba(X), winner.best_estimator_.predict_log_proba(X))
    meta = MetaClassifier(SVC(), knowledge=knowledge, n_iter=1, cv=2, ensemble="best").fit(X, y)
    np.testing.assert_allclose(meta.predict_proba(X).sum(axis=1), 1)
    assert meta.decision_function(X).shape == (80,)


def test_an_average_of_classifiers_has_probabilities_and_no_decision_values(binary, knowledge):
    X, y = binary
    meta = quick(knowledge, SVC())
    assert hasattr(meta, "predict_proba")
    assert not hasattr(meta, "decision_function")
    meta.fit(X, y)
    np.testing.assert_array_equal(meta.predict_proba(X), meta.ensemble_.predict_proba(X))
    np.testing.assert_array_equal(meta.predict(X), meta.classes_[meta.predict_proba(X).argmax(axis=1)])
    assert not hasattr(meta, "decision_function")
    assert not hasattr(quick(knowledge, Ridge()), "predict_proba")


@pytest.mark.parametrize("no", [False, np.False_])
def test_without_refit_there_is_nothing_to_predict_with(binary, knowledge, no):
    meta = quick(knowledge, refit=no).fit(*binary)
    assert not hasattr(meta, "predict")
    assert meta.best_params_ == meta.cv_results_["params"][meta.best_index_], "as in GridSearchCV"
    assert meta.best_score_ == meta.cv_results_["mean_test_score"].max()
    assert len(meta.cv_results_["params"]) == 2
    fitted = quick(knowledge).fit(*binary).set_params(refit=False, scoring=["accuracy", "f1"]).fit(*binary)
    assert not [name for name in vars(fitted) if name.startswith("best_")], "nothing of the fit before"
    with pytest.raises(AttributeError, match="predict"):
        meta.predict(binary[0])
    with pytest.raises(AttributeError, match="refit=False"):
        meta.score(*binary)


def test_members_that_make_no_sense_do_not_break_introspection():
    for meta in (
        MetaEstimator(),
        MetaEstimator([]),
        MetaEstimator([("a", 3)]),
        MetaEstimator([("a", Ridge()), ("b", SVC())]),
    ):
        assert not hasattr(meta, "predict")
        assert isinstance(repr(meta), str)
        clone(meta)
        get_tags(meta)


def test_tags_are_those_of_the_members():
    assert is_classifier(MetaEstimator(SVC()))
    assert is_regressor(MetaEstimator(Ridge()))
    assert is_classifier(MetaClassifier())
    assert is_regressor(MetaRegressor())
    assert is_classifier(MetaEstimator(make_pipeline(StandardScaler(), SVC())))
    behind = get_tags(MetaEstimator(SVC())).input_tags
    assert (behind.allow_nan, behind.sparse, behind.string, behind.categorical) == (True, True, True, True)
    bare = get_tags(MetaEstimator([("lr", LogisticRegression()), ("nb", GaussianNB())], preprocessor=None)).input_tags
    assert (bare.allow_nan, bare.sparse, bare.string) == (False, False, False)
    assert not get_tags(MetaEstimator(RandomForestClassifier())).classifier_tags.multi_label
    assert get_tags(MetaRegressor()).target_tags.required


def test_html_shows_the_members_and_then_the_winner(binary, knowledge):
    meta = quick(knowledge)
    assert "LogisticRegression" in meta._repr_html_()
    assert "best_estimator_" not in meta._repr_html_()
    fitted = meta.fit(*binary)._repr_html_()
    assert "best_estimator_" in fitted
    assert "TabularPreprocessor" in fitted
    assert "hist_gradient_boosting" in MetaClassifier()._repr_html_()


# -- parameters ------------------------------------------------------------------------------------------------------


def test_members_are_parameters():
    meta = MetaEstimator([("svc", SVC(C=3.0)), ("lr", LogisticRegression())])
    params = meta.get_params()
    assert params["svc__C"] == 3.0
    assert params["svc"] is meta.estimators[0][1]
    assert set(meta.get_params(deep=False)) == set(MetaEstimator._get_param_names())
    meta.set_params(svc__C=5.0, lr=LogisticRegression(C=2.0), n_iter=7)
    assert (meta.get_params()["svc__C"], meta.get_params()["lr__C"], meta.n_iter) == (5.0, 2.0, 7)
    meta.set_params(svc="drop")
    assert meta.get_params()["svc"] == "drop"
    meta.set_params(svc=SVC(), svc__kernel="linear")
    assert meta.get_params()["svc__kernel"] == "linear"


def test_replacing_a_member_leaves_the_list_that_was_given_alone():
    given = [("svc", SVC()), ("lr", LogisticRegression())]
    MetaEstimator(given).set_params(svc="drop")
    assert isinstance(given[0][1], SVC)


def test_dropped_members_are_not_tried(binary, knowledge):
    meta = quick(knowledge, n_iter=6).set_params(svc="drop").fit(*binary)
    assert set(meta.cv_results_["estimator"]) == {"lr"}


def test_a_classifier_that_is_given_regressors_is_a_regressor(binary, quantity):
    meta = MetaEstimator(GaussianNB(), knowledge=None, n_iter=1, cv=2).fit(*binary)
    members = [("ridge", Ridge()), ("tree", DecisionTreeRegressor(max_depth=2))]
    meta.set_params(estimators=members, n_iter=2).fit(*quantity)
    assert not hasattr(meta, "classes_")
    assert type(meta.ensemble_).__name__ == "BlendedRegressor"
    assert meta.score(*quantity) > 0.5


def test_a_bare_estimator_goes_by_the_name_it_has_in_the_catalogue():
    meta = MetaEstimator(SVC()).set_params(svc__C=9.0)
    assert meta.estimators.C == 9.0
    assert MetaEstimator(Majority()).get_params()["majority__shift"] == 0.0
    assert isinstance(meta.set_params(svc=LinearSVC()).estimators, LinearSVC)


def test_the_default_list_is_spelled_out_when_a_member_of_it_is_set():
    meta = MetaClassifier().set_params(svc__C=3.0)
    assert len(meta.estimators) > 5
    assert meta.get_params()["svc__C"] == 3.0
    assert MetaClassifier().set_params(n_iter=3).estimators is None
    assert dict(MetaRegressor().set_params(svr="drop").estimators)["svr"] == "drop"


def test_setting_a_member_of_one_changes_no_other():
    one, other = MetaClassifier().set_params(svc__C=3.0), MetaClassifier().set_params(svc__gamma=0.5)
    assert one.get_params()["svc__gamma"] == "scale"
    assert other.get_params()["svc__C"] == 1.0


@pytest.mark.parametrize("params", [{"nonsense": 1}, {"nonsense__C": 1}, {"svc__nonsense": 1}])
@pytest.mark.parametrize("meta", [MetaClassifier(), MetaEstimator(SVC()), MetaEstimator(MEMBERS)])
def test_parameters_that_nobody_has(meta, params):
    with pytest.raises(ValueError, match="Invalid parameter 'nonsense' for estimator"):
        clone(meta).set_params(**params)


def test_what_was_found_can_be_set_and_is_then_respected(binary, knowledge):
    """Values that differ from scikit-learn's defaults, that is: SVC(C=1.0) cannot be told from SVC()."""
    X, y = binary
    meta = quick(knowledge, n_iter=6).fit(X, y)
    assert meta.best_params_ in meta.cv_results_["params"]
    for name, params in zip(meta.cv_results_["estimator"], meta.cv_results_["params"], strict=True):
        default = dict(clone(meta).estimators)[name].get_params()
        fixed = {key for key, value in params.items() if default[key.partition("__")[2]] != value}
        again = clone(meta).set_params(**params).fit(X, y)
        assert all(again.get_params()[key] == params[key] for key in fixed)
        tried = [
            p for p, e in zip(again.cv_results_["params"], again.cv_results_["estimator"], strict=True) if e == name
        ]
        assert not fixed & {key for p in tried for key in p}


@pytest.mark.parametrize("name", ["cv", "scorer", "splitter", "preprocess"])
def test_names_that_are_taken(binary, name):
    with pytest.raises(ValueError, match=rf"conflict with what sklmeta calls its own: \['{name}'\]. Rename them"):
        MetaEstimator([(name, SVC())]).fit(*binary)


def test_attributes_are_those_of_a_search(binary, knowledge):
    meta = MetaClassifier(knowledge=knowledge, n_iter=3, cv=3, random_state=0).fit(*binary)
    results = pd.DataFrame(meta.cv_results_)
    expected = {"mean_fit_time", "std_score_time", "params", "split2_test_score", "mean_test_score", "rank_test_score"}
    assert expected <= set(results)
    assert {"estimator", "expected_score", "failure", "warnings"} <= set(results)
    assert results.loc[meta.best_index_, "rank_test_score"] == 1
    assert meta.best_score_ == results["mean_test_score"].max()
    assert meta.best_params_ == results.loc[meta.best_index_, "params"]
    assert (meta.n_splits_, meta.multimetric_, meta.n_features_in_) == (3, False, 5)
    assert meta.refit_time_ > 0
    assert sum(meta.strategy_.values()) == pytest.approx(1)
    assert len(meta.recommendations_) == results["expected_score"].notna().sum() > 0
    assert 0 <= meta.novelty_ <= 1 or np.isnan(meta.novelty_)
    assert meta.n_evaluations_ == 3
    assert meta.similar_tasks_ == meta.recommendations_[0].similar_tasks
    split_scores = results[[f"split{k}_test_score" for k in range(3)]].to_numpy()
    np.testing.assert_allclose(split_scores.mean(axis=1), results["mean_test_score"])


def test_scores_are_those_of_scikit_learns_grid_search(binary, knowledge):
    X, y = binary
    meta = quick(knowledge, n_iter=4, cv=3).fit(X, y)
    for i in range(4):
        member, params = meta.cv_results_["estimator"][i], meta.cv_results_["params"][i]
        pipeline = clone(meta).set_params(**params)
        step = dict(pipeline.estimators)[member]
        reference = cross_val_score(make_pipeline(StandardScaler(), step), X, y, cv=3)
        got = [meta.cv_results_[f"split{k}_test_score"][i] for k in range(3)]
        np.testing.assert_allclose(got, reference)


def test_warnings_of_members_are_collected_not_shown(binary, knowledge, recwarn):
    X, y = binary
    meta = MetaEstimator(LogisticRegression(max_iter=1), knowledge=None, n_iter=1, cv=2).fit(X, y)
    assert any("ConvergenceWarning" in text for text in meta.cv_results_["warnings"][0])
    assert not [w for w in recwarn if not issubclass(w.category, EvaluationWarning)]
