"""Members: names, spaces, pins, and what is built of them."""

import numpy as np
import pytest
from doubles import Majority
from scipy import sparse
from scipy.stats import loguniform, randint, uniform
from sklearn.base import clone
from sklearn.compose import TransformedTargetRegressor
from sklearn.ensemble import RandomForestClassifier, RandomForestRegressor
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import FunctionTransformer, MinMaxScaler, StandardScaler
from sklearn.svm import SVC, SVR, LinearSVC

from sklmeta import Configuration
from sklmeta.calibration import CalibratedMember
from sklmeta.catalogue import catalogue, default_configurations
from sklmeta.exceptions import EvaluationWarning
from sklmeta.members import input_tags_of, make_members, named_estimators, task_type_of, usable_members

RBF = Configuration("svc", {"C": 10.0, "kernel": "rbf", "gamma": "scale", "class_weight": None})
LINEAR = Configuration("svc", {"C": 2.0, "kernel": "linear", "class_weight": None})


def one(estimator, distributions=None, preprocessor="auto", task_type="classification"):
    (member,) = make_members(estimator, task_type, distributions, preprocessor)
    return member


# -- names -----------------------------------------------------------------------------------------------------------


def test_a_bare_estimator_is_called_as_in_the_catalogue():
    assert [name for name, _ in named_estimators(SVC())] == ["svc"]
    assert [name for name, _ in named_estimators(Majority())] == ["majority"]
    assert [name for name, _ in named_estimators(make_pipeline(SVC()))] == ["pipeline"]


def test_none_is_the_catalogue_in_copies():
    named = dict(named_estimators(None, "regression"))
    assert list(named) == list(catalogue("regression"))
    assert all(named[name] is not entry.estimator for name, entry in catalogue("regression").items())


def test_dropped_ones_are_gone():
    assert [name for name, _ in named_estimators([("a", SVC()), ("b", "drop")])] == ["a"]


def test_task_types():
    assert task_type_of([("a", SVC()), ("b", make_pipeline(StandardScaler(), GaussianNB()))]) == "classification"
    assert task_type_of([("a", Ridge())]) == "regression"
    with pytest.raises(ValueError, match=r"got {'a': 'classifier', 'b': 'neither'}"):
        task_type_of([("a", SVC()), ("b", StandardScaler())])


# -- what is known of them -------------------------------------------------------------------------------------------


def test_what_differs_from_the_default_is_pinned():
    member = one(SVC(C=3.0, kernel="linear", tol=0.1))
    assert member.pinned == {"C": 3.0, "kernel": "linear"}
    assert not {"C", "kernel"} & set(member.space.names)
    assert one(SVC(C=1.0)).pinned == {}
    assert one(SVC(class_weight={0: 1, 1: 2})).pinned == {"class_weight": {0: 1, 1: 2}}


def test_equal_numbers_of_another_type_are_pinned():
    forest = RandomForestRegressor(max_features=1)
    assert one(forest, task_type="regression").pinned == {"max_features": 1}
    assert one(RandomForestRegressor(max_features=np.float64(1.0)), task_type="regression").pinned == {}
    assert one(KNeighborsClassifier(n_neighbors=np.int64(5))).pinned == {}


def test_every_default_member_follows_every_known_configuration_of_its_kind():
    for task_type in ("classification", "regression"):
        members = {m.name: m for m in make_members(None, task_type)}
        for configuration in default_configurations(task_type, 14):
            for name, member in members.items():
                params = member.adapted(configuration)
                if name != configuration.estimator:
                    assert params is None
                else:
                    assert params == dict(configuration.params)
                    assert member.build(params).get_params()


def test_pinned_numbers_replace_and_pinned_choices_exclude():
    assert one(SVC(C=3.0)).adapted(RBF) == {"kernel": "rbf", "gamma": "scale", "class_weight": None}
    assert one(SVC(C=3.0)).as_set(RBF).params["C"] == 3.0
    assert one(SVC(kernel="linear")).adapted(RBF) is None
    assert one(SVC(kernel="linear")).adapted(LINEAR) == {"C": 2.0, "class_weight": None}
    assert one(SVC(gamma=0.2)).adapted(RBF) is None  # "scale" is a choice, 0.2 a number


def test_a_pipelines_last_step_is_what_is_known():
    member = one(make_pipeline(StandardScaler(), SVC(C=3.0)))
    assert (member.entry.name, member.prefix, member.pinned) == ("svc", "svc__", {"C": 3.0})
    assert member.adapted(RBF) == {"svc__kernel": "rbf", "svc__gamma": "scale", "svc__class_weight": None}
    assert all(name.startswith("svc__") for name in member.space.names)


def test_distributions_restrict_extend_and_pin():
    assert one(SVC(), {"C": loguniform(0.1, 1)}).adapted(RBF) is None
    assert one(SVC(), {"C": loguniform(5, 20)}).adapted(RBF)["C"] == 10.0
    assert one(SVC(), {"C": [5.0]}).adapted(RBF)["C"] == 5.0
    assert one(SVC(), {"kernel": ["linear"]}).adapted(RBF) is None
    tol = one(SVC(), {"tol": uniform(0.1, 0.1)}).adapted(RBF)["tol"]
    assert 0.1 <= tol <= 0.2
    assert one(SVC(), {"tol": uniform(0.1, 0.1)}).adapted(RBF)["tol"] == tol  # the same each time
    scaler = one(make_pipeline(StandardScaler(), SVC()), {"standardscaler__with_mean": [True, False]})
    assert scaler.adapted(RBF)["standardscaler__with_mean"] in (True, False)


@pytest.mark.parametrize("choice", [[1, 10, 100], randint(1, 100)])
def test_whole_numbers_agree_with_known_ones_and_stay_whole(choice):
    assert one(SVC(), {"C": choice}).adapted(RBF)["C"] == 10
    assert type(one(SVC(), {"C": choice}).adapted(RBF)["C"]) is int
    as_it_is = one(SVC(), {"C": choice}).drawn(3, 0)[0]
    assert as_it_is["C"] == 1
    assert type(as_it_is["C"]) is int


def test_infinite_numbers_are_numbers():
    assert one(LogisticRegression(C=np.inf)).pinned == {"C": np.inf}
    for choice in ([np.inf], [0.1, np.inf]):
        member = one(LogisticRegression(), {"C": choice})
        assert {params["C"] for params in member.drawn(20, 0)} == set(choice)


def test_a_distribution_over_what_was_set_is_searched():
    member = one(SVC(C=3.0), {"C": [1.0, 2.0]})
    assert member.pinned == {}
    assert {p["C"] for p in member.drawn(6, 0)} == {1.0, 2.0}


# -- draws -----------------------------------------------------------------------------------------------------------


def test_a_list_of_distributions_says_what_to_do_instead():
    either = [{"kernel": ["linear"]}, {"kernel": ["rbf"], "gamma": [0.1, 1.0]}]
    with pytest.raises(
        ValueError, match=r"got \[{'kernel'.*In place of a list of mappings, give .* once for each: est"
    ):
        one(SVC(), either)
    both = make_members([("a", SVC()), ("b", SVC())], "classification", dict(zip("ab", either, strict=True)))
    assert [member.asked for member in both] == either


def test_draws_start_with_the_estimator_as_it_is():
    first, *others = one(SVC()).drawn(5, 0)
    assert first == {"kernel": "rbf", "C": 1.0, "gamma": "scale", "class_weight": None}
    assert len(others) == 4
    assert all("gamma" not in p for p in others if p["kernel"] == "linear")
    assert one(GaussianNB()).drawn(1, 0) == [{"var_smoothing": 1e-9}]
    assert one(Majority(shift=2.0)).drawn(4, 0) == [{}]


def test_draws_stay_in_the_users_distributions():
    assert all(10 <= p["C"] <= 20 for p in one(SVC(), {"C": uniform(10, 10)}).drawn(8, 0))
    assert one(Majority(), {"shift": [0.0, 1.0]}).drawn(3, 0)[0] == {"shift": 0.0}
    assert {p["shift"] for p in one(Majority(), {"shift": [3.14159, 1.0]}).drawn(3, 0)} == {3.14159, 1.0}
    assert one(Majority(), {"shift": [5.0]}).drawn(3, 0) == [{"shift": 5.0}]


# -- what is built ---------------------------------------------------------------------------------------------------


def test_bare_members_get_the_catalogues_preparation():
    built = one([("mine", SVC())]).build({"C": 4.0})
    assert [name for name, _ in built.steps] == ["preprocess", "mine"]
    assert built["mine"].C == 4.0
    assert isinstance(one(SVR(), task_type="regression").build({})[-1], TransformedTargetRegressor)


def test_preparation_can_be_chosen():
    assert isinstance(one(SVC(), preprocessor=None).build({}), SVC)
    assert isinstance(one(SVC(), preprocessor=MinMaxScaler()).build({})[0], MinMaxScaler)
    pipeline = make_pipeline(MinMaxScaler(), SVC())
    assert [type(step) for _, step in one(pipeline).build({}).steps] == [MinMaxScaler, SVC]
    assert isinstance(one(Majority()).build({}), Pipeline)


def test_probabilities_come_by_calibration_where_they_lack():
    for preprocessor in ("auto", None, MinMaxScaler()):
        for estimator in (SVC(), LinearSVC()):
            assert hasattr(one(estimator, preprocessor=preprocessor).build({}, probabilities=True), "predict_proba")
    last = one(make_pipeline(StandardScaler(), SVC())).build({"svc__C": 2.0}, probabilities=True)[-1]
    assert isinstance(last, CalibratedMember)
    assert last.estimator.C == 2.0
    assert not isinstance(one(GaussianNB()).build({}, probabilities=True)[-1], CalibratedMember)


def test_building_leaves_the_users_estimator_alone():
    estimator = make_pipeline(StandardScaler(), SVC())
    one(estimator).build({"svc__C": 9.0}, probabilities=True).fit([[0.0], [1.0], [2.0], [3.0]], [0, 0, 1, 1])
    assert isinstance(estimator[-1], SVC)
    assert estimator[-1].C == 1.0
    assert not hasattr(estimator[-1], "support_")


def test_parameters_of_fit_go_to_the_estimator_itself():
    weights = {"sample_weight": [1, 2]}
    assert one([("mine", SVC())]).fit_params(weights) == {"mine__sample_weight": [1, 2]}
    assert one(SVC(), preprocessor=None).fit_params(weights) == weights
    assert one(make_pipeline(StandardScaler(), SVC())).fit_params(weights) == {"svc__sample_weight": [1, 2]}
    assert one(SVC()).fit_params({"preprocess__x": 1}) == {"preprocess__x": 1}


def test_who_takes_weights():
    assert one(SVC()).takes_weights
    assert one(make_pipeline(StandardScaler(), SVC())).takes_weights
    assert not one(KNeighborsClassifier()).takes_weights
    assert not one(make_pipeline(StandardScaler(), KNeighborsClassifier())).takes_weights


# -- tags and usability ----------------------------------------------------------------------------------------------


def test_tags_depend_on_what_stands_before():
    assert input_tags_of(SVC(), "auto").allow_nan
    assert not input_tags_of(SVC(), None).allow_nan
    assert not input_tags_of(make_pipeline(StandardScaler(), SVC()), "auto").allow_nan
    assert (
        input_tags_of(SVC(), FunctionTransformer()).sparse == FunctionTransformer().__sklearn_tags__().input_tags.sparse
    )


def test_who_needs_dense_rows():
    assert one(GaussianNB()).needs_dense
    assert not one(SVC()).needs_dense
    assert not one(GaussianNB(), preprocessor=None).needs_dense  # it will say so itself
    assert one(Majority()).needs_dense


def test_all_members_are_usable_on_ordinary_rows(recwarn):
    members = make_members(None, "classification")
    assert usable_members(members, np.zeros((10, 2)), weighted=False, of_catalogue=True) == members
    assert len(recwarn) == 0


def test_what_has_no_part_in_such_data_is_left_out_without_a_word(recwarn):
    def left(X, preprocessor="auto"):
        members = make_members(None, "regression", preprocessor=preprocessor)
        return [m.name for m in usable_members(members, X, weighted=False, of_catalogue=True)]

    every = list(catalogue("regression"))
    plain = [name for name in every if not name.endswith(("_normal", "_splines"))]
    assert left(np.zeros((1000, 2))) == every
    assert left(np.zeros((1001, 2))) == [name for name in every if name != "gaussian_process"]
    assert left(sparse.csr_matrix((10, 2))) == plain
    assert left(np.zeros((10, 2)), preprocessor=StandardScaler()) == plain, "all would see the same"
    wide = np.broadcast_to(0.0, (4000, 5000))
    assert left(wide) == [n for n in every if not n.endswith("_splines") and n != "gaussian_process"]
    assert len(recwarn) == 0
    slow = [name for name in plain if name in ("hist_gradient_boosting", "mlp")]
    assert left(np.broadcast_to(0.0, (1000, 5001))) == [name for name in plain if name not in slow]
    assert [str(w.message).count("slow beyond 5000 columns, and there are 5001") for w in recwarn] == [2]


@pytest.mark.parametrize(("columns", "takes_part"), [(1000, True), (1001, False)])
def test_components_of_many_columns_are_left_out_without_a_word(columns, takes_part, recwarn):
    members = make_members(None, "classification")
    left = usable_members(members, np.broadcast_to(0.0, (400, columns)), weighted=False, of_catalogue=True)
    assert ("hist_gradient_boosting_components" in {member.name for member in left}) == takes_part
    assert len(recwarn) == 0


@pytest.mark.parametrize(
    ("rows", "columns", "too_large"),
    [(30_000, 600, ["splines"]), (60_000, 900, ["splines", "components"]), (60_000, 200, [])],
)
def test_preparations_that_would_make_too_many_cells_are_left_out_without_a_word(rows, columns, too_large, recwarn):
    members = make_members(None, "classification")
    large = np.broadcast_to(0.0, (rows, columns))
    with pytest.warns(EvaluationWarning, match="Left out of the search: svc") as said:
        left = {member.name for member in usable_members(members, large, weighted=False, of_catalogue=True)}
    out = [member.name for member in members if member.name not in left and not member.name.startswith("svc")]
    assert [name.rsplit("_", 1)[1] for name in out] == too_large
    assert not any(name in str(said[0].message) for name in out)


def test_who_was_named_is_missed():
    process = catalogue("regression")["gaussian_process"].estimator
    members = make_members([("gaussian_process", process), ("ridge", Ridge())], "regression")
    with pytest.warns(EvaluationWarning, match=r"gaussian_process \(slow beyond 1000 rows, and there are 2000"):
        assert [m.name for m in usable_members(members, np.zeros((2000, 2)), weighted=False)] == ["ridge"]


def test_a_process_of_another_kernel_is_none_that_is_known():
    known = catalogue("regression")["gaussian_process"]
    assert one(clone(known.estimator), task_type="regression").entry is known
    assert one(GaussianProcessRegressor(), task_type="regression").entry is None


def test_equal_names_of_parameters_in_different_members_do_not_mix():
    forest, logistic = make_members(
        [("rf", RandomForestClassifier()), ("lr", LogisticRegression())],
        "classification",
        {"rf": {"class_weight": ["balanced"]}},
    )
    assert forest.asked == {"class_weight": ["balanced"]}
    assert logistic.asked == {}


def test_a_configuration_with_a_parameter_that_the_estimator_lacks_says_nothing():
    for estimator in (SVC(), make_pipeline(StandardScaler(), SVC())):
        (member,) = make_members(estimator, "classification")
        assert member.adapted(Configuration("svc", {"C": 2.0})) is not None
        assert member.adapted(Configuration("svc", {"C": 2.0, "gone": 3})) is None


def test_what_the_user_set_need_not_be_hashable():
    weighted = one(SVC(class_weight={0: 1.0, 1: 5.0}))
    assert weighted.adapted(RBF) is None
    unsaid = Configuration("svc", {"C": 10.0, "kernel": "rbf", "gamma": "scale"})
    assert weighted.adapted(unsaid) is not None
    assert weighted.as_set(unsaid) == unsaid
