import numpy as np
import pytest
from scipy import sparse
from sklearn.linear_model import Ridge
from sklearn.metrics import log_loss

from sklmeta.gradient import (
    Episode,
    MetaLinearClassifier,
    MetaLinearRegressor,
    MetaMLPClassifier,
    MetaMLPRegressor,
    MetaSVC,
    meta_train,
)

ALGORITHMS = ["maml", "fomaml", "reptile", "meta-sgd", "average", "transfer"]


def sine(rng, n_support=5, n_query=10):
    amplitude, phase = rng.uniform(0.1, 5), rng.uniform(0, np.pi)
    X = rng.uniform(-5, 5, size=(n_support + n_query, 1))
    y = amplitude * np.sin(X[:, 0] - phase)
    return Episode(X[:n_support], y[:n_support], X[n_support:], y[n_support:])


def blobs(rng, n_rows=24, labels=("a", "b", "c"), centres=None):
    """Labels around centres of their own, which differ little between tasks."""
    labels = list(labels)
    y = rng.choice(labels, size=n_rows)
    y[: 2 * len(labels)] = np.repeat(labels, 2)
    means = {label: 2 * np.array([np.cos(i), np.sin(i)]) for i, label in enumerate(labels)}
    return np.array([means[label] for label in y]) + 0.6 * rng.normal(size=(n_rows, 2)), y


def linear_tasks(n_tasks=30, n_rows=12, spread=0.1):
    rng = np.random.default_rng(0)
    tasks = []
    for _ in range(n_tasks):
        X = rng.normal(size=(n_rows, 3))
        tasks.append((X, X @ (np.array([1.0, -2.0, 3.0]) + spread * rng.normal(size=3))))
    return tasks


def test_maml_learns_to_fit_sinusoids_from_five_rows():
    init = meta_train(sine, max_iter=400, random_state=0)
    rng = np.random.default_rng(1)
    tasks = [sine(rng, 5, 50) for _ in range(20)]

    def error(**params):
        errors = []
        for task in tasks:
            model = MetaMLPRegressor(random_state=0, **params).fit(task.X_support, task.y_support)
            errors.append(np.square(model.predict(task.X_query) - task.y_query).mean())
        return np.mean(errors)

    assert error(init=init) < 0.8 * min(error(init=init, n_steps=0), error(n_steps=60))


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_every_algorithm_learns_every_regression_model_better_than_nothing(algorithm):
    tasks = linear_tasks()
    for model, estimator in (("linear", MetaLinearRegressor), ("mlp", MetaMLPRegressor)):
        options = {} if model == "linear" else {"hidden_layer_sizes": (16,)}
        options |= {"max_iter": 300, "inner_rate": 0.01}
        init = meta_train(tasks[:25], model=model, algorithm=algorithm, random_state=0, **options)
        learned, alone = (
            np.mean([np.square(m.fit(X[:3], y[:3]).predict(X[3:]) - y[3:]).mean() for X, y in tasks[25:]])
            for m in (estimator(init=init), Ridge())
        )
        assert learned < 0.5 * alone


@pytest.mark.parametrize("algorithm", ["maml", "imaml", "average", "transfer"])
@pytest.mark.parametrize("model", ["linear", "svm"])
def test_convex_models_learn_to_classify_from_a_row_a_class(model, algorithm):
    rng = np.random.default_rng(0)
    init = meta_train([blobs(rng) for _ in range(20)], model, algorithm, max_iter=100, random_state=0)
    assert init.classes.tolist() == ["a", "b", "c"]
    estimator = {"linear": MetaLinearClassifier, "svm": MetaSVC}[model](init=init)
    X, y = blobs(rng, 200)
    assert estimator.fit(X[:6:2], y[:6:2]).score(X, y) > 0.85


def test_average_and_transfer_of_convex_models_equal_direct_computation():
    tasks = [*linear_tasks(n_tasks=4), (np.ones((3, 3)), np.arange(3.0))]
    options = {"model": "linear", "scale": False, "fit_intercept": False, "regularization": 0.5}
    coefs = [Ridge(alpha=0.25, fit_intercept=False, tol=1e-12).fit(X, y).coef_ for X, y in tasks]
    average = meta_train(tasks, algorithm="average", **options)
    np.testing.assert_allclose(average.weights, np.average(coefs, axis=0, weights=[12] * 4 + [3]), rtol=1e-8)
    X, y = (np.concatenate(parts) for parts in zip(*tasks, strict=True))
    pooled = Ridge(alpha=0.25, fit_intercept=False, tol=1e-12).fit(X, y).coef_
    np.testing.assert_allclose(meta_train(tasks, algorithm="transfer", **options).weights, pooled, rtol=1e-8)


def test_classes_of_their_own_give_a_head_for_any_number_of_classes():
    rng = np.random.default_rng(0)
    tasks = [blobs(rng, labels=labels) for labels in ("abc", "def", "gh", "cd") for _ in range(3)]
    for algorithm in ("maml", "anil", "meta-sgd", "reptile", "transfer"):
        init = meta_train(tasks, algorithm=algorithm, hidden_layer_sizes=(8,), max_iter=50, random_state=0)
        assert init.classes is None
        X, y = blobs(rng, 60, labels="wxyz")
        model = MetaMLPClassifier(init=init, n_steps=200, inner_rate=0.5).fit(X, y)
        assert model.classes_.tolist() == list("wxyz")
        assert model.predict_proba(X).shape == (60, 4)
        assert model.score(X, y) > 0.8
        two = MetaMLPClassifier(init=init).fit(*blobs(rng, 20, labels="pq"))
        assert two.decision_function(X).shape == (60,)


def test_names_of_unseen_classes_do_not_matter():
    rng = np.random.default_rng(0)
    tasks = [blobs(rng, labels=labels) for labels in ("abc", "def")]
    init = meta_train(tasks, model="svm", algorithm="imaml", max_iter=20, random_state=0)
    X, y = blobs(rng)
    renamed = np.array([{"a": "z", "b": "y", "c": "x"}[label] for label in y])
    one, other = MetaSVC(init=init).fit(X, y), MetaSVC(init=init).fit(X, renamed)
    np.testing.assert_allclose(one.decision_function(X), other.decision_function(X)[:, ::-1], atol=1e-8)


def test_anil_leaves_the_body_alone():
    rng = np.random.default_rng(0)
    init = meta_train(
        [blobs(rng) for _ in range(5)], algorithm="anil", hidden_layer_sizes=(8,), max_iter=20, random_state=0
    )
    adapted = MetaMLPClassifier(init=init).fit(*blobs(rng))
    moved = adapted.parameters_ != init.weights
    assert not moved[~init.network.head].any()
    assert moved[init.network.head].any()


def test_the_answer_depends_on_random_state_and_not_on_n_jobs():
    rng = np.random.default_rng(0)
    tasks = [blobs(rng, n_rows=n) for n in (12, 40, 13, 90)]

    def train(**options):
        return meta_train(tasks, hidden_layer_sizes=(4,), max_iter=10, **options)

    assert train(random_state=0) == train(random_state=0)
    np.testing.assert_array_equal(train(random_state=0).weights, train(random_state=0, n_jobs=2).weights)
    assert not np.array_equal(train(random_state=0).weights, train(random_state=1).weights)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_dtype_is_that_of_weights_and_adapted_parameters(dtype):
    init = meta_train(sine, max_iter=3, dtype=dtype, hidden_layer_sizes=(4,), random_state=0)
    assert init.weights.dtype == init.rates.dtype == dtype
    assert MetaMLPRegressor(init=init).fit([[1.0]], [2.0]).parameters_.dtype == dtype


def test_history_tells_the_learning_curve(capsys):
    init = meta_train(sine, max_iter=200, hidden_layer_sizes=(8,), random_state=0, verbose=1)
    assert set(init.history) == {"iteration", "loss", "validation_loss", "seconds"}
    assert init.history["iteration"].tolist() == list(range(2, 201, 2))
    assert np.isnan(init.history["validation_loss"]).all()
    assert (np.diff(init.history["seconds"]) >= 0).all()
    assert init.history["loss"][-20:].mean() < init.history["loss"][:20].mean()
    assert "iteration 200: loss" in capsys.readouterr().out


def test_validation_tasks_stop_training_and_keep_the_best_weights():
    tasks = linear_tasks(n_tasks=10, spread=0.0)
    validation = [(X, -y) for X, y in tasks]  # what is learned there only harms here
    options = {"hidden_layer_sizes": (8,), "max_iter": 400, "random_state": 0}
    init = meta_train(tasks, validation_tasks=validation, n_iter_no_change=5, **options)
    assert len(init.history["iteration"]) < 100
    losses = init.history["validation_loss"]
    assert losses.argmin() == len(losses) - 6
    shorter = meta_train(tasks, validation_tasks=lambda rng: sine_of_three(rng), n_iter_no_change=200, **options)
    assert np.isfinite(shorter.history["validation_loss"]).all()


@pytest.mark.parametrize("algorithm", ["maml", "transfer"])
def test_validation_is_the_loss_of_estimators_on_classes_that_training_did_not_see(algorithm):
    rng = np.random.default_rng(0)
    tasks = [blobs(rng, labels=labels) for labels in ("abc", "def") for _ in range(5)]
    unseen = [Episode(X[:6], y[:6], X[6:], y[6:]) for X, y in (blobs(rng, labels="xyz") for _ in range(5))]
    options = {"algorithm": algorithm, "hidden_layer_sizes": (8,), "max_iter": 100, "random_state": 0}
    init = meta_train(tasks, validation_tasks=unseen, **options)
    assert init.classes is None
    model = MetaMLPClassifier(init=init)
    losses = [log_loss(e.y_query, model.fit(e.X_support, e.y_support).predict_proba(e.X_query)) for e in unseen]
    assert init.history["validation_loss"].min() == pytest.approx(np.mean(losses), rel=1e-4)


@pytest.mark.parametrize("algorithm", ["average", "transfer"])
def test_what_is_learned_in_one_pass_is_judged_by_validation_tasks(algorithm):
    tasks = linear_tasks()
    good = meta_train(tasks[:20], "linear", algorithm, validation_tasks=tasks[20:], random_state=0)
    bad = meta_train([(X, -y) for X, y in tasks[:20]], "linear", algorithm, validation_tasks=tasks[20:], random_state=0)
    assert good.history["validation_loss"].shape == (1,)
    assert good.history["validation_loss"] < 0.1 * bad.history["validation_loss"]


def sine_of_three(rng):
    X = rng.normal(size=(6, 3))
    return Episode(X[:3], X[:3, 0], X[3:], X[3:, 0])


@pytest.mark.parametrize(
    ("model", "algorithm", "classes", "rate"),
    [
        ("mlp", "maml", True, 0.4),
        ("linear", "reptile", True, 0.4),
        ("svm", "maml", True, 0.01),
        ("mlp", "meta-sgd", False, 0.01),
        ("linear", "reptile", False, 0.05),
    ],
)
def test_the_default_inner_rate_goes_by_the_loss(model, algorithm, classes, rate):
    rng = np.random.default_rng(0)
    tasks = [blobs(rng) for _ in range(4)] if classes else linear_tasks(4)
    init = meta_train(tasks, model, algorithm, max_iter=1, meta_rate=0.0, random_state=0)
    np.testing.assert_allclose(init.rates, rate)
    assert init.provenance["inner_rate"] == rate


def test_five_default_steps_adapt_a_perceptron_to_unseen_classes():
    rng = np.random.default_rng(0)
    tasks = [blobs(rng, labels=labels) for labels in ("abc", "def") for _ in range(10)]
    new = [blobs(rng, 60, labels="xyz") for _ in range(10)]

    def accuracy(**options):
        model = MetaMLPClassifier(init=meta_train(tasks, max_iter=100, random_state=0, **options))
        return np.mean([model.fit(X[:6], y[:6]).score(X, y) for X, y in new])

    assert accuracy() > max(0.87, accuracy(inner_rate=0.01))


def test_tasks_that_have_little_in_common_get_little_strength():
    def strength(spread):
        tasks = linear_tasks(n_rows=8, spread=spread)
        noisy = [(X, y + np.random.default_rng(i).normal(size=8)) for i, (X, y) in enumerate(tasks)]
        return meta_train(noisy, "linear", "imaml", max_iter=200, scale=False, random_state=0).regularization

    assert strength(0.1) > 3 > 1 / 3 > strength(10.0)


def test_scaling_makes_the_tasks_units_irrelevant():
    tasks = linear_tasks()
    units = np.array([1e4, 1e-3, 1.0])
    moved = [(X * units + 7, 1e5 * y - 3) for X, y in tasks]
    options = {"model": "linear", "algorithm": "imaml", "max_iter": 30, "random_state": 0}
    plain, other = (meta_train(t, **options) for t in (tasks, moved))
    np.testing.assert_allclose(plain.weights, other.weights, rtol=1e-6, atol=1e-8)
    X, y = tasks[0]
    predictions = MetaLinearRegressor(init=other).fit(*moved[0]).predict(moved[0][0])
    expected = 1e5 * MetaLinearRegressor(init=plain).fit(X, y).predict(X) - 3
    np.testing.assert_allclose(predictions, expected, rtol=1e-5)


def test_many_valued_integers_are_a_regression_and_task_overrides():
    rng = np.random.default_rng(0)
    many = [(rng.normal(size=(40, 1)), np.arange(40)) for _ in range(3)]
    few = [(rng.normal(size=(40, 1)), np.arange(40) % 3) for _ in range(3)]
    options = {"model": "linear", "algorithm": "average"}
    assert meta_train(many, **options).task == "regression"
    assert meta_train(few, **options).task == "classification"
    assert meta_train(few, task="regression", **options).task == "regression"
    numbered = [(rng.normal(size=(40, 1)), np.arange(40) % 2 + 2 * i) for i in range(20)]
    assert meta_train(numbered, **options).task == "regression"
    assert meta_train(numbered, shared_classes=False, **options).task == "classification"


@pytest.mark.parametrize(
    ("tasks", "options", "error", "message"),
    [
        ([(np.ones((4, 2)), np.arange(4.0)), (np.ones((4, 3)), np.arange(4.0))], {}, ValueError, "Task 1 has 3 fea"),
        ([(np.ones((4, 2)), ["a"] * 4)], {}, ValueError, "Task 0 has one class, .*leave it out"),
        ([(np.full((4, 2), np.nan), np.arange(4.0))], {}, ValueError, "task 0 contains NaN"),
        ([(np.ones((1, 2)), [0.5])], {}, ValueError, "Task 0 has too few rows for support and query"),
        (sine, {"algorithm": "imaml"}, ValueError, r"choose one of \['maml', 'fomaml', 'reptile', 'meta-sgd', 'anil'"),
        (sine, {"kernel": "rbf"}, TypeError, r"no option 'kernel' for model='mlp'; it has \['activation', 'hid"),
        (sine, {"activation": "elu"}, ValueError, r"activation='elu' is unknown; choose one of \['relu', 'tanh'\]"),
        (sine, {"task": "ranking"}, ValueError, "task='ranking' is unknown; choose 'classification'"),
        (sine, {"n_steps": -1}, ValueError, "n_steps=-1 must be an integer of at least 0"),
        (sine, {"n_steps": 2.5}, ValueError, "n_steps=2.5 must be an integer of at least 0"),
        (sine, {"max_iter": -1}, ValueError, "max_iter=-1 must be an integer of at least 0"),
        (sine, {"meta_batch_size": 0}, ValueError, "meta_batch_size=0 must be an integer of at least 1"),
        (sine, {"n_shots": 0}, ValueError, "n_shots=0 must be an integer of at least 1"),
        (sine, {"inner_rate": -0.1}, ValueError, "inner_rate=-0.1 must be a number that is not negative"),
        (sine, {"regularization": 0}, ValueError, "regularization=0 must be a number above 0"),
        (sine, {"dtype": "float16"}, ValueError, r"dtype='float16' is unknown; choose one of \[None, 'float32'"),
        (sine, {"validation_tasks": []}, ValueError, "Among the validation tasks: No tasks were given"),
        (sine, {"validation_tasks": [(np.ones((4, 3)), np.arange(4.0))]}, ValueError, "Among the validation .* 3 feat"),
        (3, {}, TypeError, "Tasks are int; pass a list of .X, y. or Episodes, or a function"),
        ([(np.ones((4, 2)), ["a", "b", None, "a"])], {}, ValueError, "task 0 contains NaN"),
        ([(sparse.eye(4, format="csr"), np.arange(4.0))], {}, ValueError, r"X of the task 0 is sparse; .* X.toarray"),
        (sine, {"inner_rate": 1e4, "max_iter": 50}, ValueError, "training diverged. Lower inner_rate .now 10000"),
    ],
)
@pytest.mark.filterwarnings("ignore:.*encountered:RuntimeWarning")
def test_what_cannot_be_learned_says_why(tasks, options, error, message):
    with pytest.raises(error, match=message):
        meta_train(tasks, random_state=0, **options)


def test_transfer_of_a_linear_model_to_unseen_classes_says_what_to_do():
    rng = np.random.default_rng(0)
    tasks = [blobs(rng, labels="ab"), blobs(rng, labels="cd")]
    with pytest.raises(ValueError, match=r"nothing to share .* Choose model='mlp' or algorithm='imaml'"):
        meta_train(tasks, model="linear", algorithm="transfer")


@pytest.mark.filterwarnings("ignore:.*encountered:RuntimeWarning")
def test_one_exploding_batch_costs_itself_alone():
    drawn = []

    def sampler(rng):
        drawn.append(1)
        episode = sine(rng)
        if len(drawn) in range(1060, 1064):  # after 1,000 that are looked at first: rows that no step survives
            far = 1e200 * np.ones_like(episode.X_support)
            return Episode(far, 1e200 * episode.y_support, far, 1e200 * episode.y_support)
        return episode

    options = {"model": "mlp", "algorithm": "maml", "hidden_layer_sizes": (8,), "scale": False, "random_state": 0}
    init = meta_train(sampler, max_iter=40, meta_batch_size=4, **options)
    assert len(drawn) == 1160
    assert np.isfinite(init.weights).all()
    assert np.isfinite(init.history["loss"]).all()
    assert 37 <= len(init.history["loss"]) < 40
