"""The user's metric on stored predictions is what the scorer itself says of them."""

import time

import numpy as np
import pytest
from sklearn.dummy import DummyClassifier
from sklearn.metrics import (
    accuracy_score,
    brier_score_loss,
    check_scoring,
    f1_score,
    get_scorer,
    log_loss,
    make_scorer,
    roc_auc_score,
)

from sklmeta.exceptions import EvaluationWarning
from sklmeta.scoring import make_search_scorer
from sklmeta.stored import StoredClassifier, StoredRegressor, _StoredScore, fold_score, is_quick, judges_labels

N = 60
FOLDS = [np.arange(0, 30), np.arange(20, N)]  # they overlap
CLASSES = {2: np.array(["no", "yes"]), 3: np.array(["ant", "bee", "cat"])}


def of_classes(n_classes):
    rng = np.random.default_rng(n_classes)
    y = np.arange(N) % n_classes
    p = rng.dirichlet(np.ones(n_classes), size=N) + 0.4 * np.eye(n_classes)[y] * rng.random((N, 1))
    return CLASSES[n_classes][y], p / p.sum(axis=1, keepdims=True)


def of_numbers():
    y, noise = np.random.default_rng(0).normal(size=(2, N))
    return y, (y + noise)[:, None]


def by_scorer(scorer, y, predictions, classes=None, **params):
    def on(fold):
        answers = predictions[fold]
        stored = StoredRegressor(answers) if classes is None else StoredClassifier(answers, classes)
        return scorer(stored, np.zeros((len(fold), 1)), y[fold], **{k: v[fold] for k, v in params.items()})

    return np.mean([on(fold) for fold in FOLDS])


# -- scikit-learn's scorers ------------------------------------------------------------------------------------------

QUICK = [
    *("accuracy", "balanced_accuracy", "matthews_corrcoef", "roc_auc_ovr", "neg_log_loss"),
    *("f1_micro", "f1_macro", "f1_weighted", "jaccard_macro", "precision_micro", "precision_weighted", "recall_macro"),
]
OTHERS = ["roc_auc_ovo", "top_k_accuracy", "v_measure_score"]


@pytest.mark.parametrize(
    ("scoring", "n_classes"),
    [*((name, n) for name in QUICK + OTHERS for n in (2, 3)), ("roc_auc", 2)],
)
def test_scorers_of_classes(scoring, n_classes):
    (y, p), scorer = of_classes(n_classes), get_scorer(scoring)
    score = fold_score(scorer, y, FOLDS, classes=CLASSES[n_classes])
    assert score(p) == pytest.approx(by_scorer(scorer, y, p, CLASSES[n_classes]), rel=1e-12)
    quick = scoring in QUICK or (scoring.startswith("roc_auc") and n_classes == 2)
    assert isinstance(score, _StoredScore) != quick


@pytest.mark.parametrize("scoring", ["neg_brier_score", "f1", "jaccard", "precision", "recall"])
def test_metrics_with_a_positive_class(scoring):
    _, p = of_classes(2)
    y = np.arange(N) % 2
    scorer = get_scorer(scoring)
    found = fold_score(scorer, y, FOLDS, classes=np.array([0, 1]))(p)
    assert found == pytest.approx(by_scorer(scorer, y, p, np.array([0, 1])), rel=1e-12)


@pytest.mark.parametrize(
    ("scoring", "quick"),
    [
        ("r2", True),
        ("neg_mean_squared_error", True),
        ("neg_root_mean_squared_error", True),
        ("neg_mean_absolute_error", True),
        ("neg_median_absolute_error", False),
        ("explained_variance", False),
    ],
)
def test_scorers_of_numbers(scoring, quick):
    (y, predictions), scorer = of_numbers(), get_scorer(scoring)
    score = fold_score(scorer, y, FOLDS)
    assert score(predictions) == pytest.approx(by_scorer(scorer, y, predictions), rel=1e-12)
    assert isinstance(score, _StoredScore) != quick


def test_scorers_that_were_told_all_classes_are_quick_too():
    y, p = of_classes(3)
    scorer, _ = make_search_scorer("neg_log_loss", True, DummyClassifier(), CLASSES[3])
    score = fold_score(scorer, y, FOLDS, classes=CLASSES[3])
    assert score(p) == pytest.approx(by_scorer(scorer, y, p, CLASSES[3]), rel=1e-12)
    assert not isinstance(score, _StoredScore)


@pytest.mark.parametrize("metric", [roc_auc_score, brier_score_loss])
def test_what_is_asked_of_labels_is_no_metric_of_probabilities(metric):
    p = np.column_stack([[0.9, 0.7, 0.6, 0.8], [0.1, 0.3, 0.4, 0.2]])
    y, classes = np.array([0, 1, 1, 0]), np.array([0, 1])
    scorer = make_scorer(metric)
    assert fold_score(scorer, y, [np.arange(4)], classes=classes)(p) == metric(y, p.argmax(axis=1))
    assert judges_labels(scorer, classes)
    assert not is_quick(scorer, classes)


def test_the_estimators_own_score_is_accuracy():
    y, p = of_classes(3)
    own = check_scoring(DummyClassifier())
    expected = by_scorer(get_scorer("accuracy"), y, p, CLASSES[3])
    assert fold_score(own, y, FOLDS, classes=CLASSES[3])(p) == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize(
    "scorer",
    [
        make_scorer(roc_auc_score, response_method="predict_proba", max_fpr=0.5),
        make_scorer(f1_score, pos_label="yes"),
        make_scorer(f1_score, pos_label="no"),
        make_scorer(f1_score, average="macro", labels=["yes"], pos_label=None),
        make_scorer(roc_auc_score, response_method="predict_proba", greater_is_better=False),
    ],
    ids=["option", "second label", "first label", "labels", "sign"],
)
def test_metrics_with_options_keep_them(scorer):
    y, p = of_classes(2)
    found = fold_score(scorer, y, FOLDS, classes=CLASSES[2])(p)
    assert found == pytest.approx(by_scorer(scorer, y, p, CLASSES[2]), rel=1e-12)


# -- weights, several metrics, scorers of the user's own --------------------------------------------------------------


@pytest.mark.parametrize("scoring", ["neg_log_loss", "roc_auc", "f1_macro", "f1_weighted", "f1_micro"])
def test_weights_are_split_like_the_rows(scoring):
    (y, p), scorer = of_classes(2), get_scorer(scoring)
    weight = np.random.default_rng(0).random(N)
    found = fold_score(scorer, y, FOLDS, classes=CLASSES[2], score_params={"sample_weight": weight})(p)
    assert found == pytest.approx(by_scorer(scorer, y, p, CLASSES[2], sample_weight=weight), rel=1e-12)


@pytest.mark.parametrize("deciding", ["accuracy", "f1_macro"])
def test_of_several_metrics_the_deciding_one_counts(deciding):
    y, p = of_classes(3)
    scorer, _ = make_search_scorer(["accuracy", "f1_macro"], deciding, DummyClassifier(), CLASSES[3])
    found = fold_score(scorer, y, FOLDS, classes=CLASSES[3], deciding=deciding)(p)
    assert found == pytest.approx(by_scorer(get_scorer(deciding), y, p, CLASSES[3]), rel=1e-12)


def test_a_function_that_gives_several_numbers():
    y, p = of_classes(3)

    def both(estimator, X, y):
        right = float((estimator.predict(X) == y).mean())
        return {"right": right, "wrong": -right}

    expected = by_scorer(get_scorer("accuracy"), y, p, CLASSES[3])
    assert fold_score(both, y, FOLDS, classes=CLASSES[3], deciding="wrong")(p) == pytest.approx(-expected)
    assert fold_score(both, y, FOLDS, classes=CLASSES[3])(p) == pytest.approx(expected)


def test_a_function_sees_the_rows_of_its_fold():
    y, p = of_classes(2)
    X = np.arange(N)[:, None]

    def first_row(estimator, X, y):
        return float(X[0, 0])

    assert fold_score(first_row, y, FOLDS, classes=CLASSES[2], X=X)(p) == 10


def test_folds_on_which_a_function_is_undefined_are_left_out():
    y, p = of_classes(2)
    score = fold_score(lambda estimator, X, y: np.nan if len(y) == 30 else 0.5, y, FOLDS, classes=CLASSES[2])
    assert score(p) == 0.5
    assert np.isnan(fold_score(lambda estimator, X, y: np.nan, y, FOLDS, classes=CLASSES[2])(p))


def test_a_function_that_needs_the_model_is_replaced_and_that_is_said():
    y, p = of_classes(2)

    def by_size(estimator, X, y):
        return -float(len(estimator.steps))

    with pytest.warns(EvaluationWarning, match=r"AttributeError.*chosen by neg_log_loss instead"):
        score = fold_score(by_size, y, FOLDS, classes=CLASSES[2])
    assert score(p) == fold_score(get_scorer("neg_log_loss"), y, FOLDS, classes=CLASSES[2])(p)


def test_stored_predictions_are_of_their_rows_only():
    _, p = of_classes(2)
    with pytest.raises(ValueError, match="stored of 60 rows, and 7 were asked for"):
        StoredClassifier(p, CLASSES[2]).predict(np.zeros((7, 1)))
    with pytest.raises(ValueError, match="stored of 1 rows, and 2 were asked for"):
        StoredRegressor(np.zeros((1, 1))).predict([[0], [0]])


def test_what_takes_too_long_has_its_place_taken():
    y, folds = np.arange(12) % 2, [np.arange(6), np.arange(6, 12)]

    def slow(estimator, X, y):
        time.sleep(0.05)
        return accuracy_score(y, estimator.predict(X))

    p = np.column_stack([np.linspace(0.1, 0.9, 12), np.linspace(0.9, 0.1, 12)])
    patient = fold_score(slow, y, folds, classes=np.array([0, 1]), patience=60.0)
    assert patient(p) == accuracy_score(y, p.argmax(axis=1))
    message = (
        r"takes about 0\.\d+ s on 2 folds, too long for the time that is left; the ensemble is chosen by neg_log_loss"
    )
    with pytest.warns(EvaluationWarning, match=message):
        hurried = fold_score(slow, y, folds, classes=np.array([0, 1]), patience=0.01)
    assert hurried(p) == pytest.approx(-np.mean([log_loss(y[f], p[f]) for f in folds]))
