"""What a user's scoring means."""

from threading import Lock

import numpy as np
import pytest
from sklearn.datasets import load_breast_cancer
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.metrics import accuracy_score, get_scorer, log_loss, make_scorer, roc_auc_score
from sklearn.naive_bayes import GaussianNB
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC

from sklmeta import MetaEstimator
from sklmeta.scoring import (
    CompletedClassifier,
    FoldScorer,
    accepts_weights,
    check_refit,
    deciding_scoring,
    has_standard_score,
    identity_of,
    make_search_scorer,
    needs_decisions,
    needs_probabilities,
)

CLASSES = np.array(["ant", "bee", "cat"])


def plain(estimator, X, y):
    return 1.0


def weighted(estimator, X, y, sample_weight=None):
    return 1.0


def test_what_names_no_metric():
    with pytest.raises(ValueError, match=r"scoring must be the name of a metric.*got 123 instead"):
        make_search_scorer(123, True, SVC(), CLASSES)


def test_one_metric():
    scorer, deciding = make_search_scorer(plain, True, SVC(), CLASSES)
    assert (scorer, deciding) == (plain, None)
    assert make_search_scorer(plain, "a", SVC(), CLASSES)[1] == "a"


@pytest.mark.parametrize("estimator", [LogisticRegression(), Ridge()])
def test_none_is_the_estimators_own_score(binary, estimator):
    X, y = binary
    scorer, _ = make_search_scorer(None, True, estimator, None)
    assert scorer(estimator.fit(X, y), X, y) == estimator.score(X, y)


def test_several_metrics(three_classes):
    X, y = three_classes
    model = LogisticRegression().fit(X, y)
    scorer, deciding = make_search_scorer(["accuracy", "neg_log_loss"], "neg_log_loss", model, CLASSES)
    assert deciding == "neg_log_loss"
    assert scorer(model, X, y) == {
        "accuracy": model.score(X, y),
        "neg_log_loss": pytest.approx(-log_loss(y, model.predict_proba(X))),
    }


@pytest.mark.parametrize("refit", [True, "c", 3])
def test_refit_has_to_name_a_metric(refit):
    with pytest.raises(ValueError, match=rf"{refit!r} was passed; the keys are \['a', 'b'\]"):
        check_refit(refit, ["a", "b"])


@pytest.mark.parametrize("refit", ["a", False, max])
def test_refit_that_decides(refit):
    check_refit(refit, ["a", "b"])


def test_the_scoring_that_decides():
    assert deciding_scoring("f1", True) == "f1"
    assert deciding_scoring(None, True) is None
    assert deciding_scoring(["a", "b"], "b") == "b"
    assert deciding_scoring(["a", "b"], False) == "a"
    assert deciding_scoring({"x": "f1", "y": plain}, "y") is plain


@pytest.mark.parametrize(
    ("scoring", "needs"),
    [
        (None, False),
        ("accuracy", False),
        ("roc_auc", False),  # decision values will do
        ("neg_log_loss", True),
        ("roc_auc_ovr", True),
        (["accuracy", "neg_log_loss"], True),
        ({"a": make_scorer(log_loss, response_method="predict_proba")}, True),
        (plain, False),
        ("nonsense", False),
    ],
)
def test_who_needs_probabilities(scoring, needs):
    assert needs_probabilities(scoring) is needs


def test_who_needs_decision_values():
    by_decision = make_scorer(roc_auc_score, response_method="decision_function")
    assert needs_decisions(by_decision)
    assert needs_decisions({"a": "accuracy", "b": by_decision})
    assert not needs_decisions(["roc_auc", "neg_log_loss", "accuracy"])
    X, y = load_breast_cancer(return_X_y=True)
    meta = MetaEstimator(
        [("lr", LogisticRegression()), ("lda", LinearDiscriminantAnalysis())], scoring=by_decision, n_iter=2
    )
    meta.fit(X[::3], y[::3])
    assert not hasattr(meta, "ensemble_")
    assert meta.score(X, y) == roc_auc_score(y, meta.decision_function(X))


def test_who_takes_weights():
    assert accepts_weights(get_scorer("accuracy"))
    assert accepts_weights(make_search_scorer(None, True, SVC(), None)[0])
    assert accepts_weights(weighted)
    assert not accepts_weights(plain)
    assert accepts_weights(make_search_scorer(["accuracy", "f1"], "f1", SVC(), None)[0])
    assert not accepts_weights(make_search_scorer({"a": "accuracy", "b": plain}, "a", SVC(), None)[0])


# -- models that lack a class ----------------------------------------------------------------------------------------


@pytest.fixture
def lacking(three_classes):
    """A model that has never seen a bee, and all rows."""
    X, y = three_classes
    return GaussianNB().fit(X[y != "bee"], y[y != "bee"]), X, y


def completed(probabilities):
    return np.column_stack([probabilities[:, 0], np.zeros(len(probabilities)), probabilities[:, 1]])


def test_an_unseen_class_has_probability_zero(lacking):
    model, X, _ = lacking
    whole = CompletedClassifier(model, CLASSES)
    np.testing.assert_array_equal(whole.predict_proba(X), completed(model.predict_proba(X)))
    np.testing.assert_array_equal(whole.predict(X), model.predict(X))
    assert list(whole.classes_) == list(CLASSES)
    assert not hasattr(whole, "decision_function")


def test_decision_values_of_an_unseen_class_are_never_the_largest(three_classes):
    X, y = three_classes
    model = SVC().fit(X[y != "bee"], y[y != "bee"])
    values = CompletedClassifier(model, CLASSES).decision_function(X)
    np.testing.assert_array_equal(CLASSES[values.argmax(axis=1)], model.predict(X))
    assert not hasattr(CompletedClassifier(model, CLASSES), "predict_proba")


@pytest.mark.parametrize("name", ["neg_log_loss", "roc_auc_ovr", "accuracy", "f1_macro", "top_k_accuracy"])
def test_scores_of_a_model_that_lacks_a_class(lacking, name):
    model, X, y = lacking
    score = FoldScorer(make_search_scorer(name, True, model, CLASSES)[0], CLASSES)(model, X, y)
    probabilities = completed(model.predict_proba(X))
    expected = {
        "neg_log_loss": lambda: -log_loss(y, probabilities, labels=CLASSES),
        "roc_auc_ovr": lambda: roc_auc_score(y, probabilities, multi_class="ovr", labels=CLASSES),
        "top_k_accuracy": lambda: np.mean(
            [t in CLASSES[np.argsort(p)[1:]] for t, p in zip(y, probabilities, strict=True)]
        ),
    }.get(name, lambda: get_scorer(name)(model, X, y))
    assert score == pytest.approx(expected())


def test_scorers_see_the_model_itself_where_it_has_every_class(three_classes):
    X, y = three_classes
    seen = []
    FoldScorer(lambda model, X, y: seen.append(model), CLASSES)(model := GaussianNB().fit(X, y), X, y)
    assert seen == [model]


def test_test_rows_that_lack_a_class(three_classes):
    X, y = three_classes
    model, rows = LogisticRegression().fit(X, y), y != "bee"
    scorer, _ = make_search_scorer("neg_log_loss", True, model, CLASSES)
    assert scorer(model, X[rows], y[rows]) == pytest.approx(
        -log_loss(y[rows], model.predict_proba(X[rows]), labels=CLASSES)
    )


def test_own_score_of_a_model_that_lacks_a_class(lacking):
    model, X, y = lacking
    scorer, _ = make_search_scorer(None, True, model, CLASSES)
    assert FoldScorer(scorer, CLASSES)(model, X, y) == accuracy_score(y, model.predict(X))


@pytest.mark.parametrize("several", [False, True])
def test_a_scorer_is_told_all_classes_as_its_name_is(three_classes, several):
    X, y = three_classes
    scorer, test = get_scorer("neg_log_loss"), np.flatnonzero(y != 2)
    model = LogisticRegression().fit(X, y)
    scoring = {"own": scorer} if several else scorer
    found, _ = make_search_scorer(scoring, "own", model, model.classes_)
    expected = make_search_scorer("neg_log_loss", True, model, model.classes_)[0](model, X[test], y[test])
    answer = found(model, X[test], y[test])
    assert (answer["own"] if several else answer) == expected
    assert scorer._kwargs == {}, "the user's stays as it is"
    labelled = make_scorer(log_loss, response_method="predict_proba", greater_is_better=False, labels=[0, 1, 2])
    assert make_search_scorer(labelled, True, model, model.classes_)[0] is labelled


def test_what_cannot_be_pickled_goes_by_its_repr():
    lock = Lock()
    scorer = make_scorer(lambda truth, labels: lock is None)
    assert identity_of(scorer) == repr(scorer)
    assert identity_of(get_scorer("accuracy")) == identity_of(make_scorer(accuracy_score))
    assert identity_of(["accuracy", "f1"]) != identity_of(["f1", "accuracy"])


class OwnScore(GaussianNB):
    """Is pleased with itself."""

    def score(self, X, y, sample_weight=None):
        return 0.25


class OwnPipeline(Pipeline):
    """So is this."""

    score = OwnScore.score


def test_only_the_standard_score_is_the_standard_score():
    steps = [("scale", StandardScaler()), ("nb", GaussianNB())]
    assert all(map(has_standard_score, [SVC(), Ridge(), Pipeline(steps)]))
    others = [OwnScore(), Pipeline([*steps[:1], ("own", OwnScore())]), OwnPipeline(steps), Pipeline([("none", None)])]
    assert not any(map(has_standard_score, others))


@pytest.mark.parametrize("estimator", [OwnScore(), OwnPipeline([("scale", StandardScaler()), ("nb", GaussianNB())])])
def test_a_members_own_score_decides_where_it_has_one(binary, estimator):
    meta = MetaEstimator(estimator, knowledge=None, n_iter=1, cv=2, refit=False).fit(*binary)
    assert meta.cv_results_["mean_test_score"].tolist() == [0.25]
