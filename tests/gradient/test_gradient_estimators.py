import pickle

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.datasets import load_iris, make_classification, make_regression
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.svm import SVC, LinearSVC, LinearSVR

from sklmeta.gradient import (
    MetaLinearClassifier,
    MetaLinearRegressor,
    MetaMLPClassifier,
    MetaMLPRegressor,
    MetaSVC,
    MetaSVR,
    meta_train,
)

BLANK = {
    MetaLinearRegressor: ("linear", "imaml"),
    MetaLinearClassifier: ("linear", "imaml"),
    MetaSVR: ("svm", "imaml"),
    MetaSVC: ("svm", "imaml"),
    MetaMLPRegressor: ("mlp", "maml"),
    MetaMLPClassifier: ("mlp", "meta-sgd"),
}


def some_task(seed, regression):
    make = make_regression if regression else make_classification
    return make(n_samples=40, n_features=5, n_informative=3, random_state=seed)


def is_regressor(kind):
    return kind.__name__.endswith(("Regressor", "SVR"))


@pytest.fixture(scope="module")
def inits():
    return {
        kind: meta_train(
            [some_task(seed, is_regressor(kind)) for seed in range(6)], *names, max_iter=10, random_state=0
        )
        for kind, names in BLANK.items()
    }


def uneven(rng, n_rows=60):
    return rng.normal(size=(n_rows, 4)) * np.array([1, 100, 0.01, 3]) + np.array([0, 50, 0, -2])


def test_without_init_a_linear_regressor_is_ridge(rng):
    X = uneven(rng)
    y = X @ np.array([1.0, 0.02, 30.0, -1.0]) + rng.normal(size=60) + 1000
    for fit_intercept in (True, False):
        model = MetaLinearRegressor(regularization=3.0, fit_intercept=fit_intercept).fit(X, y)
        ridge = Ridge(alpha=1.5, fit_intercept=fit_intercept).fit(X, y)
        np.testing.assert_allclose(model.coef_, ridge.coef_, rtol=1e-7)
        np.testing.assert_allclose(model.intercept_, ridge.intercept_, rtol=1e-7)
        np.testing.assert_allclose(model.predict(X), ridge.predict(X), rtol=1e-8)


@pytest.mark.parametrize("n_classes", [2, 3])
def test_without_init_a_linear_classifier_is_logistic_regression(n_classes):
    X, y = load_iris(return_X_y=True)
    X, y = X[y < n_classes], y[y < n_classes]
    model = MetaLinearClassifier(regularization=0.5).fit(X, y)
    logistic = LogisticRegression(C=2.0, tol=1e-10, max_iter=10_000).fit(X, y)
    np.testing.assert_allclose(model.coef_, logistic.coef_, atol=1e-4)
    np.testing.assert_allclose(model.predict_proba(X), logistic.predict_proba(X), atol=1e-4)


@pytest.mark.parametrize("n_classes", [2, 3])
def test_without_init_a_support_vector_classifier_is_linear_svc(n_classes):
    X, y = load_iris(return_X_y=True)
    X, y = X[y < n_classes], y[y < n_classes]
    model = MetaSVC(regularization=0.5, fit_intercept=False).fit(X, y)
    liblinear = LinearSVC(C=2.0, loss="squared_hinge", fit_intercept=False, dual=False, tol=1e-10).fit(X, y)
    np.testing.assert_allclose(model.coef_, liblinear.coef_, atol=1e-4)
    np.testing.assert_allclose(model.decision_function(X), liblinear.decision_function(X), atol=1e-4)
    np.testing.assert_array_equal(model.intercept_, 0)


def test_a_support_vector_classifier_with_an_init_at_zero_is_linear_svc():
    X, y = make_classification(n_samples=80, n_features=6, random_state=0)
    tasks = [(X, y), (X, 1 - y)]  # whose average is zero
    options = {"scale": False, "fit_intercept": False, "regularization": 0.5}
    init = meta_train(tasks, model="svm", algorithm="average", **options)
    np.testing.assert_allclose(init.weights, 0, atol=1e-12)
    model = MetaSVC(init=init).fit(X, y)
    liblinear = LinearSVC(C=2.0, loss="squared_hinge", fit_intercept=False, dual=False, tol=1e-10).fit(X, y)
    np.testing.assert_allclose(model.coef_, liblinear.coef_, atol=1e-4)


def test_without_init_a_support_vector_regressor_is_linear_svr(rng):
    X = rng.normal(size=(60, 4))
    y = 10 * (X @ np.array([1.0, 2.0, -1.0, 0.5]) + 0.3 * rng.normal(size=60))
    model = MetaSVR(regularization=2.0, epsilon=1.0, fit_intercept=False).fit(X, y)
    loss = "squared_epsilon_insensitive"
    liblinear = LinearSVR(C=0.5, epsilon=1.0, loss=loss, fit_intercept=False, dual=False, tol=1e-10)
    np.testing.assert_allclose(model.coef_, liblinear.fit(X, y).coef_, rtol=1e-4)


def test_the_approximated_kernel_separates_what_a_line_cannot(rng):
    X = rng.normal(size=(300, 2))
    y = (np.square(X).sum(axis=1) > 1.4).astype(int)
    linear, rbf = MetaSVC().fit(X, y), MetaSVC(kernel="rbf", n_components=300, random_state=0).fit(X, y)
    assert linear.score(X, y) < 0.7
    assert rbf.score(X, y) > 0.9
    exact = SVC(gamma=0.5).fit(X, y)
    assert np.mean(rbf.predict(X) == exact.predict(X)) > 0.9
    assert not hasattr(rbf, "coef_")


def test_a_huge_strength_stays_at_the_init_and_a_tiny_one_forgets_it(inits, rng):
    X, y = some_task(50, regression=True)
    init = inits[MetaLinearRegressor]
    held = MetaLinearRegressor(init=init, regularization=1e12).fit(X, y)
    np.testing.assert_allclose(held.parameters_, init.weights, atol=1e-8)
    free = MetaLinearRegressor(init=init, regularization=1e-9).fit(X, y)
    np.testing.assert_allclose(free.predict(X), Ridge(alpha=1e-12).fit(X, y).predict(X), rtol=1e-6)


@pytest.mark.parametrize("with_init", [False, True])
def test_a_linear_regressor_fitted_in_parts_is_one_fitted_at_once(with_init, inits):
    X, y = some_task(50, regression=True)
    init = inits[MetaLinearRegressor] if with_init else None
    if init is None:  # scales of the first part stay, and only they differ
        X = (X - X.mean(axis=0)) / X.std(axis=0)
    whole = MetaLinearRegressor(init=init).fit(X, y)
    parts = MetaLinearRegressor(init=init).fit(X[:7], y[:7])
    for start in range(7, 40, 11):
        parts.partial_fit(X[start : start + 11], y[start : start + 11])
    np.testing.assert_allclose(parts.predict(X), whole.predict(X), rtol=1e-7)


@pytest.mark.parametrize("kind", [MetaLinearClassifier, MetaSVC])
def test_a_classifier_fitted_in_parts_nears_one_fitted_at_once(kind):
    X, y = make_classification(n_samples=600, n_features=5, flip_y=0.1, random_state=0)
    whole, parts = kind().fit(X, y), kind()
    for start in range(0, 600, 60):
        parts.partial_fit(X[start : start + 60], y[start : start + 60], classes=[0, 1])
    assert np.mean(whole.predict(X) == parts.predict(X)) > 0.97
    last_only = kind().fit(X[-60:], y[-60:])
    near, far = (np.linalg.norm(model.coef_ - whole.coef_) for model in (parts, last_only))
    assert near < 0.5 * far


def test_other_classes_at_a_later_partial_fit_say_so():
    X, y = some_task(50, regression=False)
    model = MetaLinearClassifier().partial_fit(X, y, classes=[1, 0, 2])
    model.partial_fit(X, y, classes=[0, 1, 2]).partial_fit(X, y)
    for other in ([0, 1], [0, 1, 3], ["a", "b", "c"]):
        with pytest.raises(
            ValueError, match=r"is not the same as on last call to partial_fit, was: array\(\[0, 1, 2\]\)"
        ):
            model.partial_fit(X, y, classes=other)


@pytest.mark.parametrize("kind", [MetaMLPRegressor, MetaMLPClassifier])
def test_a_perceptron_fitted_twice_in_part_has_made_twice_the_steps(kind, inits):
    X, y = some_task(50, is_regressor(kind))
    once = kind(init=inits[kind], n_steps=6).fit(X, y)
    twice = kind(init=inits[kind], n_steps=3).fit(X, y).partial_fit(X, y)
    np.testing.assert_allclose(once.parameters_, twice.parameters_, rtol=1e-5, atol=1e-7)


@pytest.mark.parametrize("kind", list(BLANK))
def test_with_an_init_the_contract_holds(kind, inits):
    X, y = some_task(50, is_regressor(kind))
    frame = pd.DataFrame(X, columns=list("abcde"))
    model = kind(init=inits[kind])
    assert clone(model).init is inits[kind]
    assert "MetaInit(" in repr(model)
    first = model.fit(frame, y).predict(frame)
    assert model.feature_names_in_.tolist() == list("abcde")
    assert model.n_features_in_ == 5
    np.testing.assert_array_equal(model.fit(frame, y).predict(frame), first)
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(model)).predict(frame), first)
    weights = np.repeat([1.0, 2.0, 0.0], [20, 10, 10])
    weighted = kind(init=inits[kind]).fit(X, y, sample_weight=weights)
    rows = np.repeat(np.arange(40), weights.astype(int))
    repeated = kind(init=inits[kind]).fit(X[rows], y[rows])
    tolerance = 1e-4 if "MLP" in kind.__name__ else 1e-7
    np.testing.assert_allclose(weighted.parameters_, repeated.parameters_, rtol=tolerance, atol=tolerance)
    with pytest.raises(ValueError, match="X has 4 features where 5 were expected"):
        kind(init=inits[kind]).fit(X[:, :4], y)


def test_an_init_that_knows_all_labels_lets_the_task_show_only_some(inits):
    X, y = some_task(50, regression=False)
    model = MetaLinearClassifier(init=inits[MetaLinearClassifier]).fit(X[y == 1], y[y == 1])
    assert model.classes_.tolist() == [0, 1]
    assert model.predict_proba(X).shape == (40, 2)
    with pytest.raises(ValueError, match=r"y holds 2, which is none of the classes \[0, 1\]. Where labels mean"):
        model.fit(X, 2 * y)
    MetaLinearClassifier(init=inits[MetaLinearClassifier]).partial_fit(X, y)


@pytest.mark.parametrize(
    ("params", "error", "message"),
    [
        ({"init": "maml"}, TypeError, "init is str; pass what meta_train returned"),
        ({"init": MetaMLPRegressor}, ValueError, "MetaSVC needs an init of model='svm' for classification; got"),
        ({"init": MetaSVC, "kernel": "rbf"}, ValueError, "kernel='rbf' was fixed when the init was trained: leave"),
        ({"kernel": "cubic"}, ValueError, r"kernel='cubic' is unknown; choose one of \['linear', 'rbf'\]"),
        ({"regularization": 0}, ValueError, "regularization=0 must be a number above 0"),
        ({"n_steps": -1}, ValueError, "n_steps=-1 must be an integer of at least 0"),
        ({"inner_rate": "fast"}, ValueError, "inner_rate='fast' must be a number that is not negative"),
        ({"regularization": 1.0, "n_steps": 3}, ValueError, "set one of the two"),
    ],
)
def test_parameters_that_contradict_each_other_say_so(params, error, message, inits):
    params = {name: inits.get(value, value) if isinstance(value, type) else value for name, value in params.items()}
    X, y = some_task(50, regression=False)
    with pytest.raises(error, match=message):
        MetaSVC(**params).fit(X, y)


def test_weights_of_the_wrong_shape_or_sign_say_so():
    X, y = some_task(50, regression=True)
    with pytest.raises(ValueError, match=r"sample_weight has shape \(3,\); X has 40 rows"):
        MetaLinearRegressor().fit(X, y, sample_weight=np.ones(3))
    with pytest.raises(ValueError, match="sample_weight must not be negative, and not zero for every row"):
        MetaLinearRegressor().fit(X, y, sample_weight=np.zeros(40))


def test_too_many_inputs_to_remember_say_what_to_do(rng):
    X, y = rng.normal(size=(6, 2001)), rng.normal(size=6)
    model = MetaLinearRegressor().fit(X, y)
    with pytest.raises(ValueError, match=r"2001 inputs are too many .* set n_steps"):
        model.partial_fit(X, y)


def test_gradient_steps_on_request_move_towards_the_exact_minimum(inits):
    X, y = some_task(50, regression=True)
    init = inits[MetaLinearRegressor]
    exact = MetaLinearRegressor(init=init, regularization=1e-6).fit(X, y)
    far, near = (MetaLinearRegressor(init=init, n_steps=n, inner_rate=0.1).fit(X, y) for n in (1, 300))
    distances = [np.linalg.norm(model.coef_ - exact.coef_) for model in (far, near)]
    assert distances[1] < 1e-3 * distances[0]


def test_steps_that_diverge_say_so(inits):
    X, y = some_task(50, regression=True)
    with pytest.raises(ValueError, match=r"5 gradient steps at rates up to 1e.06 diverged on these rows: lower"):
        MetaMLPRegressor(init=inits[MetaMLPRegressor], inner_rate=1e6).fit(X, y)


def test_a_fit_that_fails_leaves_what_was_learned():
    rng = np.random.default_rng(0)
    tasks = [(X, X @ [1.0, -2.0] + i) for i, X in enumerate(rng.normal(size=(4, 14, 2)))]
    X, y = tasks[0]
    reg = MetaLinearRegressor(init=meta_train(tasks, "linear", "maml", max_iter=3, random_state=0)).fit(X, y)
    before = reg.predict(X)
    reg.set_params(inner_rate=1e8, n_steps=50)
    with pytest.raises(ValueError, match="diverged"):
        reg.fit(X, y)
    np.testing.assert_array_equal(reg.predict(X), before)
    np.testing.assert_allclose(X @ reg.coef_ + reg.intercept_, before)
    fresh = MetaLinearClassifier()
    with pytest.raises(ValueError, match="one class"):
        fresh.fit(X, np.zeros(14))
    with pytest.raises(NotFittedError):
        fresh.predict(X)
    assert not hasattr(fresh, "n_features_in_")


def test_a_kernel_has_no_coefficients_of_an_earlier_fit():
    X, y = np.random.default_rng(0).normal(size=(40, 3)), np.arange(40) % 2
    svc = MetaSVC(random_state=0).fit(X, y)
    assert svc.coef_.shape[-1] == 3
    svc.set_params(kernel="rbf").fit(X, y)
    assert not hasattr(svc, "coef_")
    assert not hasattr(svc, "intercept_")


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"n_components": 0}, "n_components=0 must be an integer of at least 1"),
        ({"gamma": 0}, "gamma=0 must be 'scale' or a number above 0"),
        ({"gamma": "auto"}, "gamma='auto' must be 'scale' or a number above 0"),
    ],
)
def test_a_kernel_that_makes_no_sense(params, message):
    X, y = np.random.default_rng(0).normal(size=(40, 3)), np.arange(40) % 2
    with pytest.raises(ValueError, match=message):
        MetaSVC(kernel="rbf", **params).fit(X, y)


def test_layers_have_whole_numbers_of_units():
    with pytest.raises(ValueError, match=r"hidden_layer_sizes=\(2\.5,\): every layer needs"):
        MetaMLPClassifier(hidden_layer_sizes=(2.5,)).fit([[0.0], [1.0]], [0, 1])
