"""Models that are blends: they predict like the mean of their members, and behave as scikit-learn's own do."""

import pickle

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.ensemble import VotingClassifier, VotingRegressor
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.naive_bayes import GaussianNB
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor
from sklearn.utils import estimator_html_repr

from sklmeta.blended import BlendedClassifier, BlendedRegressor
from sklmeta.blends import Stack, WeightedBlend

CLASSIFIERS = [("tree", DecisionTreeClassifier(max_depth=2, random_state=0)), ("nb", GaussianNB())]
REGRESSORS = [("tree", DecisionTreeRegressor(max_depth=2, random_state=0)), ("line", LinearRegression())]
BLEND = WeightedBlend(np.array([0.3, 0.0, 0.7]))


def test_a_weighted_classifier_is_scikit_learns_soft_vote(three_classes):
    X, y = three_classes
    blended = BlendedClassifier(CLASSIFIERS, BLEND).fit(X, y)
    vote = VotingClassifier(CLASSIFIERS, voting="soft", weights=[0.3, 0.7]).fit(X, y)
    np.testing.assert_allclose(blended.predict_proba(X), vote.predict_proba(X))
    np.testing.assert_array_equal(blended.predict(X), vote.predict(X))
    np.testing.assert_allclose(np.exp(blended.predict_log_proba(X)), vote.predict_proba(X))
    assert blended.score(X, y) == vote.score(X, y)


def test_a_weighted_regressor_is_scikit_learns_vote(quantity):
    X, y = quantity
    blended = BlendedRegressor(REGRESSORS, BLEND).fit(X, y)
    vote = VotingRegressor(REGRESSORS, weights=[0.3, 0.7]).fit(X, y)
    np.testing.assert_allclose(blended.predict(X), vote.predict(X))
    assert blended.score(X, y) == vote.score(X, y)


def test_fitted_members_are_used_as_they_are(three_classes):
    X, y = three_classes
    fitted = [(name, clone(e).fit(X, y)) for name, e in CLASSIFIERS]
    blended = BlendedClassifier.of_fitted(fitted, BLEND)
    assert blended.estimators_ == [e for _, e in fitted]
    expected = BlendedClassifier(CLASSIFIERS, BLEND).fit(X, y)
    np.testing.assert_array_equal(blended.predict_proba(X), expected.predict_proba(X))
    with pytest.raises(ValueError, match="The blend has 2 members, got 1 estimators"):
        BlendedClassifier.of_fitted(fitted[:1], BLEND)


def test_members_may_lack_classes(three_classes):
    X, y = three_classes
    whole = GaussianNB().fit(X, y)
    without = GaussianNB().fit(X[y != "bee"], y[y != "bee"])
    blended = BlendedClassifier.of_fitted([("whole", whole), ("without", without)], WeightedBlend(np.array([0.5, 0.5])))
    assert blended.classes_.tolist() == ["ant", "bee", "cat"]
    p = blended.predict_proba(X)
    np.testing.assert_allclose(p[:, 1], whole.predict_proba(X)[:, 1] / 2)
    np.testing.assert_allclose(p.sum(axis=1), 1)
    alone = BlendedClassifier.of_fitted([("without", without)], WeightedBlend(np.ones(1)), whole.classes_)
    assert (alone.predict_proba(X)[:, 1] == 0).all()
    assert np.isneginf(alone.predict_log_proba(X)[:, 1]).all()


def test_blends_of_blends(quantity):
    X, y = quantity
    parts = [(f"fold {k}", LinearRegression().fit(X[k::2], y[k::2])) for k in range(2)]
    inner = BlendedRegressor.of_fitted(parts, WeightedBlend(np.array([0.5, 0.5])))
    outer = BlendedRegressor.of_fitted([("folds", inner)], WeightedBlend(np.ones(1)))
    np.testing.assert_allclose(outer.predict(X), np.mean([m.predict(X) for _, m in parts], axis=0))
    assert outer.n_features_in_ == 4


def test_stacked_models_predict_by_the_model_over_the_members(three_classes):
    X, y = three_classes
    members = [e.fit(X, y) for e in (LogisticRegression(), GaussianNB())]
    predictions = np.array([m.predict_proba(X) for m in members])
    folds = np.array_split(np.random.default_rng(0).permutation(len(y)), 3)
    blend = Stack().combine(predictions, y, folds=folds, score=lambda p: 0.0, scores=np.zeros(2), classes=np.unique(y))
    blended = BlendedClassifier.of_fitted([("lr", members[0]), ("nb", members[1])], blend)
    np.testing.assert_array_equal(blended.predict_proba(X), blend(predictions))
    assert blended.score(X, y) > 0.7


# -- the contract ----------------------------------------------------------------------------------------------------


def test_clones_are_unfitted_and_can_be_fitted_again(three_classes):
    X, y = three_classes
    fitted = BlendedClassifier.of_fitted([(n, clone(e).fit(X, y)) for n, e in CLASSIFIERS], BLEND)
    copy = clone(fitted)
    for method in ("predict", "predict_proba"):
        with pytest.raises(NotFittedError, match="not fitted yet"):
            getattr(copy, method)(X)
    np.testing.assert_array_equal(copy.fit(X, y).predict_proba(X), fitted.predict_proba(X))


def test_members_are_parameters():
    blended = BlendedClassifier(CLASSIFIERS, BLEND)
    assert blended.get_params()["tree__max_depth"] == 2
    changed = clone(blended).set_params(tree__max_depth=5)
    assert changed.get_params()["tree__max_depth"] == 5
    assert blended.get_params()["tree__max_depth"] == 2


def test_the_columns_are_the_members(three_classes):
    X, y = three_classes
    frame = pd.DataFrame(X, columns=list("abcde"))
    blended = BlendedClassifier(CLASSIFIERS, BLEND)
    with pytest.raises(AttributeError, match="not fitted, so it has no n_features_in_"):
        _ = blended.n_features_in_
    assert not hasattr(blended.fit(X, y), "feature_names_in_")
    blended.fit(frame, y)
    assert blended.n_features_in_ == 5
    assert blended.feature_names_in_.tolist() == list("abcde")


def test_weights_of_rows_reach_the_members(three_classes):
    X, y = three_classes
    weight = np.where(y == "ant", 5.0, 1.0)
    weighted = BlendedClassifier(CLASSIFIERS, BLEND).fit(X, y, sample_weight=weight)
    plain = BlendedClassifier(CLASSIFIERS, BLEND).fit(X, y)
    assert weighted.predict_proba(X)[:, 0].mean() > plain.predict_proba(X)[:, 0].mean() + 0.05


def test_pickle_gives_the_same_model(quantity):
    X, y = quantity
    blended = BlendedRegressor(REGRESSORS, BLEND).fit(X, y)
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(blended)).predict(X), blended.predict(X))


@pytest.mark.parametrize("fitted", [False, True])
def test_the_picture_shows_members_and_weights(three_classes, fitted):
    blended = BlendedClassifier(CLASSIFIERS, BLEND)
    html = estimator_html_repr(blended.fit(*three_classes) if fitted else blended)
    for shown in ("0.30 tree", "0.70 nb", "DecisionTreeClassifier", "GaussianNB"):
        assert shown in html
