import hashlib
import subprocess
import sys
from collections import Counter
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from scipy import sparse
from sklearn.base import clone, is_classifier, is_regressor
from sklearn.compose import TransformedTargetRegressor
from sklearn.linear_model import LogisticRegression, Perceptron
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC

from sklmeta import Configuration, MetaEstimator
from sklmeta.calibration import CalibratedMember
from sklmeta.catalogue import (
    TASK_TYPES,
    build_estimator,
    catalogue,
    default_configurations,
    default_pipeline,
    find_entry,
)
from sklmeta.exceptions import UnknownEstimatorError
from sklmeta.gradient import (
    MetaLinearClassifier,
    MetaLinearRegressor,
    MetaMLPClassifier,
    MetaMLPRegressor,
    MetaSVC,
    MetaSVR,
    meta_train,
)

NAMES = {
    "classification": [
        "logistic_regression",
        "svc",
        "random_forest",
        "extra_trees",
        "hist_gradient_boosting",
        "k_neighbors",
        "mlp",
        "lda",
        "gaussian_nb",
        "logistic_regression_normal",
        "logistic_regression_splines",
        "svc_normal",
        "mlp_normal",
        "hist_gradient_boosting_components",
    ],
    "regression": [
        "ridge",
        "elastic_net",
        "svr",
        "random_forest",
        "extra_trees",
        "hist_gradient_boosting",
        "k_neighbors",
        "mlp",
        "ridge_normal",
        "ridge_splines",
        "svr_normal",
        "mlp_normal",
        "gaussian_process",
    ],
}
N_FIRST = {"classification": 256, "regression": 236}  # configurations of those that came first
EVERY = [(task, name) for task, names in NAMES.items() for name in names]
CHEAPER = {"n_estimators": 5, "max_iter": 15}


def messy(n=60):
    rng = np.random.RandomState(0)
    x = rng.randn(n)
    X = pd.DataFrame(
        {
            "number": np.where(rng.rand(n) < 0.2, np.nan, x),
            "text": rng.choice(np.array(["red", "green", None], dtype=object), n),
            "bool": x > 0,
            "date": pd.Series(pd.date_range("2020", periods=n)).where(rng.rand(n) > 0.2),
            "category": pd.Categorical(rng.choice(["u", "v"], n)),
            "empty": np.nan,
        }
    )
    return X, x


def target(x, task):
    return np.array(["no", "yes"])[(x > 0).astype(int)] if task == "classification" else 100 * x + 1000


def cheap(estimator):
    last_parts = {name: name.split("__")[-1] for name in estimator.get_params()}
    return estimator.set_params(**{name: CHEAPER[part] for name, part in last_parts.items() if part in CHEAPER})


@pytest.mark.parametrize("task", TASK_TYPES)
def test_the_base_estimators(task):
    assert list(catalogue(task)) == NAMES[task]
    kind = is_classifier if task == "classification" else is_regressor
    assert all(kind(entry.estimator) for entry in catalogue(task).values())
    assert all(entry.name == name for name, entry in catalogue(task).items())


@pytest.mark.parametrize(("task", "name"), EVERY)
def test_every_default_configuration_can_be_built_and_cloned(task, name):
    configurations = default_configurations(task, 14, [name])
    entry = catalogue(task)[name]
    assert len(configurations) == len(set(configurations)) == min(14, entry.n_known)
    for configuration in configurations:
        pipeline = clone(build_estimator(configuration, task, probabilities=True))
        assert isinstance(pipeline, Pipeline)
        assert find_entry(base_of(pipeline), task, name) is entry
        assert entry.space.active(configuration.params) == dict(configuration.params)
        for param, value in configuration.params.items():
            assert base_of(pipeline).get_params()[param] == value
        getattr(base_of(pipeline), "_validate_params", lambda: None)()


def base_of(pipeline):
    last = pipeline.steps[-1][1]
    if isinstance(last, TransformedTargetRegressor):
        return last.regressor
    return last.estimator if isinstance(last, CalibratedMember) else last


@pytest.mark.parametrize(("task", "name"), EVERY)
def test_the_first_configuration_is_scikit_learns_default(task, name):
    first = default_configurations(task, 1, [name])[0]
    base = base_of(build_estimator(first, task))
    given, default = base.get_params(), type(base)().get_params()
    differing = {param for param in default if given[param] != default[param]}
    allowed = {"max_iter", "cache_size"}  # room to converge, and memory: neither changes what is learned
    if name == "gaussian_process":
        allowed = {"kernel", "normalize_y"}  # scikit-learn's kernel stays as it is, and knows no noise
    assert differing <= allowed


@pytest.mark.parametrize("task", TASK_TYPES)
def test_a_shorter_list_begins_a_longer_one(task):
    for name in NAMES[task]:
        assert default_configurations(task, 5, [name]) == default_configurations(task, 20, [name])[:5]
    twice = [name for name in NAMES[task] for _ in range(min(2, catalogue(task)[name].n_known))]
    assert [c.estimator for c in default_configurations(task, 2)] == twice
    assert default_configurations(task, 1000) == default_configurations(task, None), "no more than is known"


@pytest.mark.parametrize(
    ("task", "digest"),
    [("classification", "7326549df07a28ad79e60bcda7692e82"), ("regression", "7ae57b85739bf21e07e70b64b054ea73")],
)
def test_the_fixed_list_stays_fixed(task, digest):
    # knowledge is measured on this very list; another list makes what was measured worthless
    lines = "\n".join(c.to_json() for c in default_configurations(task, None)[: N_FIRST[task]])
    assert hashlib.md5(lines.encode()).hexdigest() == digest


@pytest.mark.parametrize("task", TASK_TYPES)
def test_the_whole_list_is_broad_and_holds_good_practice(task):
    every = default_configurations(task, None)
    counts = Counter(c.estimator for c in every)
    assert len(every) >= 230
    assert all(counts[name] >= 40 for name in ("svc", "svr", "hist_gradient_boosting", "mlp") if name in counts)
    for name, entry in catalogue(task).items():
        assert counts[name] == entry.n_known
        assert len(entry.practice) == (0 if name == "gaussian_process" else 5)
        assert entry.configurations(6)[1:] == [
            Configuration(name, entry.space.active({**entry.configurations(1)[0].params, **p})) for p in entry.practice
        ]


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize(("task", "name"), EVERY)
def test_every_base_estimator_fits_messy_data(task, name):
    X, x = messy()
    y = target(x, task)
    for configuration in default_configurations(task, 3, [name])[::2]:
        model = cheap(build_estimator(configuration, task, probabilities=True)).fit(X, y)
        new = X.iloc[:7].assign(text="never seen", empty=None)
        assert model.predict(new).shape == (7,)
        if task == "classification":
            probabilities = model.predict_proba(new)
            np.testing.assert_allclose(probabilities.sum(axis=1), 1)
            assert set(model.predict(X)) <= {"no", "yes"}


@pytest.mark.parametrize(("task", "name"), EVERY)
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_every_base_estimator_fits_sparse_data(task, name):
    x = np.random.RandomState(0).randn(40)
    X = sparse.csr_matrix(np.column_stack([x, np.where(x > 1, x, 0), np.zeros(40)]))
    model = cheap(build_estimator(Configuration(name), task, probabilities=True)).fit(X, target(x, task))
    assert model.predict(X).shape == (40,)
    assert catalogue(task)[name].preprocessor().dense != catalogue(task)[name].sparse


@pytest.mark.parametrize("name", ["mlp", "svr", "elastic_net"])
def test_a_standardised_target_comes_back_in_its_own_units(name):
    X, x = messy(200)
    y = 1e6 * x
    model = build_estimator(Configuration(name), "regression").fit(X[["number", "bool"]], y)
    assert np.corrcoef(model.predict(X[["number", "bool"]]), y)[0, 1] > 0.8
    assert np.std(model.predict(X[["number", "bool"]])) > 1e5


def test_built_estimators_can_be_set_by_users():
    svc = build_estimator(Configuration("svc", {"C": 3.0}), "classification", probabilities=True)
    svc.set_params(svc__estimator__kernel="linear", preprocess__max_levels=4)
    assert base_of(svc).get_params()["C"] == 3.0
    assert base_of(svc).kernel == "linear"
    svr = build_estimator(Configuration("svr"), "regression").set_params(svr__regressor__C=7.0)
    assert base_of(svr).C == 7.0
    again = build_estimator(Configuration("svc"), "classification")
    assert base_of(again).kernel == "rbf", "the catalogue's own estimator must not change"


def test_probabilities_only_where_they_are_asked_for():
    plain = build_estimator(Configuration("svc"), "classification")
    assert isinstance(plain.steps[-1][1], SVC)
    entry = catalogue("classification")["logistic_regression"]
    assert isinstance(default_pipeline(entry, Perceptron(), probabilities=True).steps[-1][1], CalibratedMember)
    assert isinstance(default_pipeline(entry, LogisticRegression(), probabilities=True)[-1], LogisticRegression)


def test_default_pipeline_names_its_step():
    entry = catalogue("classification")["svc"]
    assert list(default_pipeline(entry, SVC(), step="mine").named_steps) == ["preprocess", "mine"]


def test_find_entry_goes_by_class():
    assert find_entry(SVC(C=9), "classification").name == "svc"
    assert find_entry(SVC(), "regression") is None
    assert find_entry(Perceptron(), "classification") is None

    class MySVC(SVC):
        pass

    assert find_entry(MySVC(), "classification") is None


def test_of_several_entries_of_a_class_the_name_decides():
    assert find_entry(SVC(), "classification", "svc_normal").scale == "normal"
    assert find_entry(LogisticRegression(), "classification", "logistic_regression_splines").scale == "splines"
    assert find_entry(SVC(), "classification", "mine").name == "svc"
    assert find_entry(SVC(), "classification", "mlp_normal").name == "svc", "a name of another class says nothing"


@pytest.mark.parametrize("task", TASK_TYPES)
def test_what_is_prepared_otherwise_differs_in_nothing_else(task):
    entries = catalogue(task)
    for name in [name for name in entries if name.endswith(("_normal", "_splines", "_components"))]:
        first, how = name.rsplit("_", 1)
        plain = entries[first]
        as_plain = {key: getattr(plain, key) for key in ("scale", "n_known", "max_columns", "categories")}
        assert replace(entries[name], name=first, **as_plain) == plain
        assert entries[name].preprocessor().scale == how
        plain, other = (default_configurations(task, 6, [n]) for n in (first, name))
        assert [c.params for c in other] == [c.params for c in plain]


def test_the_catalogue_cannot_be_changed():
    with pytest.raises(TypeError):
        catalogue("classification")["svc"] = None


@pytest.mark.parametrize(
    ("name", "task", "message"),
    [
        ("random_forrest", "classification", r"Unknown base estimator 'random_forrest' for classification; did you "
         r"mean 'random_forest'\? The catalogue has logistic_regression, svc, .*pass it as a member"),
        ("svc", "regression", r"Unknown base estimator 'svc' for regression; did you mean 'svr'\?"),
        ("xyzzy", "regression", r"Unknown base estimator 'xyzzy' for regression\. The catalogue has ridge"),
        (17, "regression", "Unknown base estimator 17 for regression"),
    ],
)  # fmt: skip
def test_unknown_names(name, task, message):
    with pytest.raises(UnknownEstimatorError, match=message):
        build_estimator(Configuration(name), task)
    with pytest.raises(UnknownEstimatorError, match=message):
        default_configurations(task, 3, [name])


def test_unknown_task_type():
    with pytest.raises(ValueError, match="task must be 'classification' or 'regression', got 'ranking' instead"):
        catalogue("ranking")


def test_unknown_hyperparameter():
    with pytest.raises(ValueError, match="Invalid parameter 'c' for estimator SVC"):
        build_estimator(Configuration("svc", {"c": 1.0}), "classification")


# -- known on request ----------------------------------------------------------------------------------------

ON_REQUEST = [
    ("classification", "meta_linear", MetaLinearClassifier, "linear"),
    ("classification", "meta_svc", MetaSVC, "svm"),
    ("classification", "meta_mlp", MetaMLPClassifier, "mlp"),
    ("regression", "meta_linear", MetaLinearRegressor, "linear"),
    ("regression", "meta_svr", MetaSVR, "svm"),
    ("regression", "meta_mlp", MetaMLPRegressor, "mlp"),
]


def related(task, seed, n=60):
    """Rows that differ in scale from column to column, of one of many tasks alike."""
    rng = np.random.RandomState(seed)
    X = rng.randn(n, 3) * [1, 10, 100] + [0, 5, 500]
    x = (X - [0, 5, 500]) @ [1.0, 0.2, 0.01] + 0.3 * rng.randn(n)
    return X, target(x, task)


def learned(task, model):
    return meta_train([related(task, seed) for seed in range(8)], model, "maml", max_iter=30, random_state=0)


@pytest.mark.parametrize(("task", "name", "kind", "model"), ON_REQUEST)
def test_what_adapts_is_known_on_request(task, name, kind, model):
    entry = find_entry(kind(), task)
    assert (entry.name, type(entry.estimator)) == (name, kind)
    assert find_entry(kind(), task) is entry
    assert name not in catalogue(task)
    assert name not in {c.estimator for c in default_configurations(task, 1)}
    other = {"classification": "regression", "regression": "classification"}[task]
    assert find_entry(kind(), other) is None

    class Mine(kind):
        pass

    assert find_entry(Mine(), task) is None


def test_importing_sklmeta_leaves_the_gradient_package_alone():
    code = "import sys, sklmeta; sys.exit('sklmeta.gradient' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0


@pytest.mark.parametrize(("task", "name", "kind", "model"), ON_REQUEST)
def test_every_draw_of_what_adapts_can_be_fitted(task, name, kind, model):
    X, y = related(task, 99, 40)
    for init in (None, learned(task, model)):
        estimator = kind(init)
        entry = find_entry(estimator, task)
        draws = entry.configurations(6)
        assert len(set(draws)) == 6
        for configuration in draws[:4]:
            fitted = default_pipeline(entry, clone(estimator).set_params(**configuration.params)).fit(X, y)
            assert fitted[-1].init is init
            assert fitted.predict(X).shape == (40,)


def test_an_init_gets_numbers_as_it_saw_them():
    init = learned("classification", "svm")
    assert find_entry(MetaSVC(), "classification").scale
    assert not find_entry(MetaSVC(init), "classification").scale
    X, y = related("classification", 99, 12)
    behind = default_pipeline(find_entry(MetaSVC(init), "classification"), MetaSVC(init)).fit(X, y)
    np.testing.assert_allclose(behind.decision_function(X), MetaSVC(init).fit(X, y).decision_function(X))


@pytest.mark.parametrize(("task", "name", "kind", "model"), ON_REQUEST)
def test_what_adapts_takes_messy_and_sparse_tables_where_it_has_no_init(task, name, kind, model):
    X, x = messy()
    entry = find_entry(kind(), task)
    assert default_pipeline(entry, kind()).fit(X, target(x, task)).predict(X).shape == (60,)
    rows = sparse.csr_matrix(np.column_stack([x, np.where(x > 1, x, 0)]))
    assert default_pipeline(entry, kind()).fit(rows, target(x, task)).predict(rows).shape == (60,)


def test_a_search_over_what_adapts_and_what_starts_anew():
    init = learned("classification", "svm")
    X, y = related("classification", 99)
    members = [("svc", SVC()), ("meta", MetaSVC(init=init))]
    search = MetaEstimator(members, n_iter=8, cv=3, random_state=0).fit(X, y)
    tried = list(search.cv_results_["estimator"])
    assert tried.count("svc") >= 2
    assert tried.count("meta") >= 2
    assert np.isfinite(search.cv_results_["mean_test_score"]).all()
    strengths = {params.get("meta__regularization") for params in search.cv_results_["params"]} - {None}
    assert strengths
    assert all(0.01 <= strength <= 100 for strength in strengths)
    assert dict(clone(search).estimators)["meta"].init is init
    assert search.score(X, y) > 0.8


def test_search_shares_the_init_and_keeps_pins():
    init = learned("regression", "linear")
    X, y = related("regression", 99)
    search = MetaEstimator(MetaLinearRegressor(init=init, n_steps=3), n_iter=4, cv=3).fit(X, y)
    assert len(search.cv_results_["params"]) == 1, "with steps pinned there is nothing left to search"
    assert search.best_estimator_[-1].n_steps == 3
    assert search.best_estimator_[-1].init is init
    pinned = MetaEstimator(MetaLinearRegressor(init=init, regularization=0.5), n_iter=4, cv=3).fit(X, y)
    assert pinned.best_estimator_[-1].regularization == 0.5
    asked = MetaEstimator(
        MetaLinearRegressor(init=init),
        param_distributions={"n_steps": [1, 5, 25]},
        n_iter=3,
        cv=3,
    ).fit(X, y)
    assert {p["meta_linear__n_steps"] for p in asked.cv_results_["params"]} == {1, 5, 25}
    assert np.isfinite(asked.cv_results_["mean_test_score"]).all()


def test_an_init_behind_the_users_own_preparation():
    tasks = [related("classification", seed) for seed in range(8)]
    init = meta_train([(StandardScaler().fit_transform(X), y) for X, y in tasks], "svm", "imaml", max_iter=20)
    X, y = related("classification", 99)
    own = make_pipeline(StandardScaler(), MetaSVC(init=init))
    search = MetaEstimator([("own", own)], n_iter=4, cv=3, random_state=0).fit(X, y)
    assert len({params["own__metasvc__regularization"] for params in search.cv_results_["params"]}) == 4
    assert search.best_estimator_[-1].init is init
