import numpy as np
import pytest
from scipy import sparse, stats
from sklearn.ensemble import VotingClassifier
from sklearn.tree import DecisionTreeClassifier

from sklmeta.space import LogUniformInt, SearchSpace, key_of, rounded

SVC = SearchSpace(
    {"kernel": ["rbf", "linear", "poly"], "C": stats.loguniform(1e-2, 1e3), "gamma": [0.1, 1.0], "degree": [2, 3]},
    {"gamma": {"kernel": ("rbf", "poly")}, "degree": {"kernel": ("poly",)}},
)
UNIT_CUBE = SearchSpace({f"x{i}": stats.uniform() for i in range(3)})


class OnlyRvs:
    """What some people's own distributions look like."""

    def rvs(self, random_state=None):
        return random_state.choice([10, 20, 30])


def test_conditions_hold_in_every_draw():
    draws = SVC.sample(200, random_state=0)
    assert len(draws) == 200
    for params in draws:
        assert ("gamma" in params) == (params["kernel"] in ("rbf", "poly"))
        assert ("degree" in params) == (params["kernel"] == "poly")
        assert "C" in params
        assert SVC.contains(params)
        assert SVC.active(params) == params
    assert {params["kernel"] for params in draws} == {"rbf", "linear", "poly"}


def long_array(middle):
    return np.where(np.arange(2000) == 1000, middle, 0.5)


def long_estimator(middle):
    return VotingClassifier([(f"a_long_name_{i}", DecisionTreeClassifier(max_depth=middle)) for i in range(8)])


@pytest.mark.parametrize("make", [long_array, long_estimator, lambda m: sparse.csr_matrix(long_array(m)), int])
@pytest.mark.parametrize(
    "within", [lambda v: v, lambda v: [v], lambda v: (v, 2), lambda v: {"a": v}, lambda v: np.array([v, None], object)]
)
def test_values_that_differ_in_the_middle_are_two(make, within):
    one, other = within(make(1)), within(make(2))
    assert key_of({"a": one}) != key_of({"a": other})
    assert key_of({"a": one}) == key_of({"a": within(make(1))})
    assert len(SearchSpace({"a": [one, other]}).sample(2, random_state=0)) == 2


def test_the_key_of_plain_values_is_their_repr():
    params = {"b": (1,), "a": [0.1, None, "x"], "c": (1, 2), "d": {"k": np.float64(2.0)}, "e": np.mean}
    assert key_of(params) == repr(sorted(params.items()))


def test_what_depends_on_an_absent_hyperparameter_is_absent_too():
    chain = SearchSpace(
        {"a": [True, False], "b": [1, 2], "c": [0.1, 0.2]},
        {"b": {"a": (True,)}, "c": {"b": (1,)}},
    )
    points = chain.sample(20, random_state=0)
    assert sorted(map(str, points)) == [
        "{'a': False}",
        "{'a': True, 'b': 1, 'c': 0.1}",
        "{'a': True, 'b': 1, 'c': 0.2}",
        "{'a': True, 'b': 2}",
    ]


def test_several_conditions_must_all_hold():
    space = SearchSpace({"a": [1, 2], "b": [1, 2], "c": [0]}, {"c": {"a": (1,), "b": (2,)}})
    assert space.active({"a": 1, "b": 2, "c": 0}) == {"a": 1, "b": 2, "c": 0}
    assert space.active({"a": 1, "b": 1, "c": 0}) == {"a": 1, "b": 1}
    assert space.active({"b": 2, "c": 0}) == {"b": 2, "c": 0}


def test_conditions_that_go_round():
    with pytest.raises(ValueError, match=r"Conditions go round in a circle: .* -> .*\. Drop one"):
        SearchSpace({"a": [1], "b": [1]}, {"a": {"b": (1,)}, "b": {"a": (1,)}})


@pytest.mark.parametrize("space", [SVC, UNIT_CUBE, SearchSpace({"n": OnlyRvs(), "x": stats.norm()})])
def test_a_shorter_sample_begins_a_longer_one(space):
    longer = space.sample(40, random_state=3)
    for n in (0, 1, 7, 39):
        assert space.sample(n, random_state=3) == longer[:n]
    assert space.sample(40, random_state=3) == longer
    assert space.sample(40, random_state=4) != longer


def test_random_state_may_be_an_instance_or_none():
    assert SVC.sample(5, np.random.RandomState(3)) == SVC.sample(5, 3)
    assert len(SVC.sample(5)) == 5


def test_draws_differ_and_end_where_the_space_ends():
    space = SearchSpace({"a": [1, 2, 2, 2], "b": ["u", "v"]})
    draws = space.sample(100, random_state=0)
    assert sorted(map(str, draws)) == sorted(str({"a": a, "b": b}) for a in (1, 2) for b in "uv")
    assert SearchSpace({}).sample(3, random_state=0) == [{}]


def test_a_repeated_value_is_drawn_more_often():
    space = SearchSpace({"a": ["often", "often", "often", "rarely"], "x": stats.uniform()})
    often = sum(params["a"] == "often" for params in space.sample(400, random_state=0))
    assert often == pytest.approx(300, abs=8)


@pytest.mark.parametrize("seed", range(5))
def test_draws_cover_the_space_better_than_random_ones(seed):
    points = np.array([list(params.values()) for params in UNIT_CUBE.sample(64, random_state=seed)])
    random = [np.random.RandomState(100 + i).uniform(size=(64, 3)) for i in range(20)]
    of_random = [stats.qmc.discrepancy(r) for r in random]
    assert stats.qmc.discrepancy(points) < min(of_random)


@pytest.mark.parametrize(
    "distribution",
    [stats.loguniform(1e-3, 1e2), stats.uniform(-1, 3), stats.norm(2, 5), stats.randint(3, 30), stats.geom(0.2)],
)
def test_draws_follow_the_distribution(distribution):
    space = SearchSpace({"x": distribution, "other": stats.uniform()})
    drawn = [params["x"] for params in space.sample(300, random_state=0)]
    if hasattr(distribution, "pmf"):
        assert all(type(x) is int for x in drawn)
    else:
        assert all(type(x) is float for x in drawn)
    quantiles = np.linspace(0.1, 0.9, 9)
    shares = [np.mean(np.array(drawn) <= distribution.ppf(q)) for q in quantiles]
    expected = distribution.cdf(distribution.ppf(quantiles))
    np.testing.assert_allclose(shares, expected, atol=0.03)


def test_objects_that_only_have_rvs():
    drawn = [params["n"] for params in SearchSpace({"n": OnlyRvs(), "x": stats.uniform()}).sample(60, random_state=0)]
    assert set(drawn) == {10, 20, 30}
    assert all(type(n) is int for n in drawn)


def test_values_of_lists_come_back_as_they_are():
    values = [None, (1, 2), "auto", 3, 0.5, True]
    drawn = [params["v"] for params in SearchSpace({"v": values}).sample(6, random_state=0)]
    assert sorted(map(repr, drawn)) == sorted(map(repr, values))
    assert [p["v"] for p in SearchSpace({"v": np.array([7])}).sample(1, 0)] == [7]


def test_fixed_values_are_not_drawn_and_decide_conditions():
    linear = SVC.sample(50, random_state=0, fixed={"kernel": "linear"})
    assert {tuple(params) for params in linear} == {("C",)}
    poly = SVC.sample(50, random_state=0, fixed={"kernel": "poly", "degree": 5})
    assert {tuple(params) for params in poly} == {("C", "gamma")}
    assert SVC.sample(2, random_state=0, fixed={"not searched": 1}) == SVC.sample(2, random_state=0)


def test_other_spaces_from_one():
    wider = SVC.updated({"C": [5.0], "tol": [1e-3]})
    assert {params["C"] for params in wider.sample(9, random_state=0)} == {5.0}
    assert wider.names == ("kernel", "C", "gamma", "degree", "tol")
    assert SVC.names == ("kernel", "C", "gamma", "degree")
    assert SVC.without(["C", "gamma"]).names == ("kernel", "degree")
    assert [set(p) for p in SVC.without(["kernel"]).sample(1, random_state=0)] == [{"C", "gamma", "degree"}]
    inside = SVC.prefixed("svc__")
    for params, plain in zip(inside.sample(20, random_state=0), SVC.sample(20, random_state=0), strict=True):
        assert params == {f"svc__{name}": value for name, value in plain.items()}


@pytest.mark.parametrize(
    ("params", "inside"),
    [
        ({"kernel": "rbf", "C": 1.0}, True),
        ({"kernel": "sigmoid"}, False),
        ({"C": 1e4}, False),
        ({"C": 1}, True),
        ({"C": True}, False),
        ({"C": "1"}, False),
        ({"degree": 2}, True),
        ({"degree": 2.0}, True),
        ({"degree": 2.5}, False),
        ({"unknown": 7}, True),
    ],
)
def test_contains(params, inside):
    assert SVC.contains(params) is inside


def test_contains_with_other_distributions():
    space = SearchSpace({"n": LogUniformInt(1, 9), "k": stats.randint(1, 5), "t": [[1, 2]], "r": OnlyRvs()})
    assert space.contains({"n": 9, "k": 4, "t": (1, 2)})
    for outside in ({"n": 10}, {"n": 2.5}, {"k": 5}, {"k": 1.5}, {"t": (2, 1)}, {"r": 10}):
        assert not space.contains(outside)


def test_numbers_are_what_the_user_writes_whether_whole_or_not():
    space = SearchSpace({"C": [1, 10, 0.5], "alpha": stats.randint(1, 5), "flag": [True, 0], "max_features": [1, 0.5]})
    found = space.as_drawn({"C": 10.0, "alpha": 2.0, "other": 3.0})
    assert found == {"C": 10, "alpha": 2, "other": 3.0}
    assert [type(v) for v in found.values()] == [int, int, float]
    assert space.as_drawn({"C": 0.5}) == {"C": 0.5}
    assert space.as_drawn({"flag": 1}) is None, "True is not 1"
    assert space.as_drawn({"flag": False}) is None
    assert space.as_drawn({"max_features": 1.0}) is None, "all columns, not one"
    assert space.as_drawn({"max_features": 0.5}) == {"max_features": 0.5}
    assert space.prefixed("forest__").as_drawn({"forest__max_features": 1.0}) is None


@pytest.mark.parametrize("wrong", [[], "rbf", 3.0, None])
def test_what_is_no_distribution(wrong):
    with pytest.raises(ValueError, match=r"Hyperparameter 'C' has distribution .*; give a non-empty list of values"):
        SearchSpace({"C": wrong})


# -- neighbours ----------------------------------------------------------------------------------------------


def test_a_neighbour_is_in_the_space_its_conditions_hold_and_it_is_another():
    rng = np.random.RandomState(0)
    for start in SVC.sample(60, random_state=1):
        found = SVC.neighbour(start, rng)
        assert found != start
        assert SVC.contains(found)
        assert SVC.active(found) == found
        assert ("gamma" in found) == (found["kernel"] in ("rbf", "poly"))
        assert ("degree" in found) == (found["kernel"] == "poly")


@pytest.mark.parametrize(
    "distribution",
    [
        stats.loguniform(1e-3, 1e2),
        stats.uniform(-1, 3),
        stats.norm(2, 5),
        stats.randint(3, 300),
        LogUniformInt(1, 10**6),
    ],
)
def test_steps_are_normal_on_the_scale_of_quantiles(distribution):
    space, rng = SearchSpace({"x": distribution}), np.random.RandomState(0)
    start = {"x": distribution.ppf(0.5)}
    found = [space.neighbour(start, rng, scale=0.1)["x"] for _ in range(2000)]
    assert {type(x) for x in found} == {int if hasattr(distribution, "pmf") or type(start["x"]) is int else float}
    steps = distribution.cdf(np.array(found)) - 0.5
    assert np.mean(steps) == pytest.approx(0, abs=0.01)
    assert np.std(steps) == pytest.approx(0.1, abs=0.006)


@pytest.mark.parametrize("u", [0.0, 1.0])
def test_steps_over_the_end_are_thrown_back(u):
    space, rng = (
        SearchSpace({"x": stats.uniform(), "n": stats.randint(0, 50), "y": stats.norm()}),
        np.random.RandomState(0),
    )
    start = {"x": u, "n": 49 * int(u), "y": float(stats.norm.ppf(0.01 + 0.98 * u))}
    found = [space.neighbour(start, rng) for _ in range(500)]
    assert all(0 <= p["x"] <= 1 and 0 <= p["n"] < 50 and np.isfinite(p["y"]) for p in found)
    assert np.mean([abs(p["x"] - u) for p in found]) == pytest.approx(0.2 * np.sqrt(2 / np.pi), abs=0.02)


def test_small_integers_and_lists_get_anywhere_in_the_end():
    space, rng = (
        SearchSpace({"n": stats.randint(1, 4), "a": ["u", "v", None, True], "r": OnlyRvs()}),
        np.random.RandomState(0),
    )
    at, seen = {"n": 1, "a": "u", "r": 10}, set()
    for _ in range(600):
        at = space.neighbour(at, rng)
        seen.add(repr(at))
    assert len(seen) == 3 * 4 * 3


def test_listed_values_change_as_often_as_the_scale_says():
    space, rng = SearchSpace({"a": list("uvwxyz"), "x": stats.uniform()}), np.random.RandomState(0)
    changed = [space.neighbour({"a": "u", "x": 0.5}, rng, scale=0.3)["a"] != "u" for _ in range(3000)]
    assert np.mean(changed) == pytest.approx(0.3 * 5 / 6, abs=0.03)


def test_what_is_fixed_foreign_or_left_out_stays():
    rng = np.random.RandomState(0)
    for _ in range(50):
        found = SVC.neighbour({"kernel": "linear", "C": 1.0, "tol": 0.1}, rng, fixed={"kernel": "linear"})
        assert set(found) == {"C", "tol"}
        assert found["tol"] == 0.1
        found = SVC.neighbour({"kernel": "rbf"}, rng, fixed={"degree": 2})
        assert not {"degree", "C"} & set(found)  # C was at its default, and stays there
    poly = [SVC.neighbour({"kernel": "rbf", "gamma": 0.1}, rng) for _ in range(200)]
    assert {"degree" in p for p in poly if p["kernel"] == "poly"} == {True}


def test_values_outside_the_space_come_into_it():
    space = SearchSpace({"C": stats.loguniform(1, 10), "n": stats.randint(1, 5)})
    found = space.neighbour({"C": 1e6, "n": 99}, random_state=0)
    assert space.contains(found)
    assert isinstance(space.neighbour({"C": None, "n": 2}, random_state=0, scale=1.0)["C"], float)


def test_neighbours_repeat_with_the_seed_and_end_where_the_space_does():
    start = {"kernel": "rbf", "C": 1.0, "gamma": 0.1}
    assert SVC.neighbour(start, 3) == SVC.neighbour(start, np.random.RandomState(3)) != SVC.neighbour(start, 4)
    assert SearchSpace({"a": [1]}).neighbour({"a": 1, "b": 2}, 0) == {"a": 1, "b": 2}
    assert SearchSpace({}).neighbour({}, 0) == {}


@pytest.mark.parametrize("scale", [0, -0.1, 1.5, np.nan])
def test_wrong_scales(scale):
    with pytest.raises(ValueError, match="scale must be above 0 and at most 1, got"):
        SVC.neighbour({"C": 1.0}, scale=scale)


# -- integers on a logarithmic scale -------------------------------------------------------------------------


@pytest.mark.parametrize(("low", "high"), [(1, 1), (1, 2), (3, 70), (1, 1000)])
def test_log_uniform_int_stays_within_its_bounds(low, high):
    distribution = LogUniformInt(low, high)
    values = distribution.ppf(np.linspace(0, 1, 20_001))
    assert values.min() == low
    assert values.max() == high
    assert (np.diff(values) >= 0).all()
    assert distribution.support() == (low, high)
    assert set(range(low, min(high, 20) + 1)) <= set(values)


@pytest.mark.parametrize(("low", "high"), [(1, 1), (1, 2), (3, 70)])
def test_the_distribution_function_of_log_uniform_int_is_the_inverse_of_its_quantiles(low, high):
    distribution, q = LogUniformInt(low, high), (np.arange(20_000) + 0.5) / 20_000
    values = distribution.ppf(q)
    for k in range(low - 2, high + 2):
        assert distribution.cdf(k) == distribution.cdf(k + 0.5) == pytest.approx(np.mean(values <= k), abs=1e-4)
    assert type(distribution.cdf(low)) is float


def test_log_uniform_int_is_uniform_in_the_logarithm():
    values = LogUniformInt(1, 1000).rvs(size=20_000, random_state=0)
    for k in (1, 5, 31, 200, 999):
        assert np.mean(values <= k) == pytest.approx(np.log(k + 1) / np.log(1001), abs=0.012)


def test_log_uniform_int_gives_plain_integers():
    distribution = LogUniformInt(2, 8)
    assert type(distribution.rvs(random_state=0)) is int
    assert type(distribution.ppf(0.5)) is int
    assert distribution.rvs(size=3, random_state=1).tolist() == distribution.rvs(size=3, random_state=1).tolist()
    assert repr(distribution) == "LogUniformInt(2, 8)"


@pytest.mark.parametrize(("low", "high"), [(0, 5), (6, 5), (1.5, 5), (1, 2.5)])
def test_wrong_bounds(low, high):
    with pytest.raises(ValueError, match=f"LogUniformInt needs integers 1 <= low <= high, got low={low}, high={high}"):
        LogUniformInt(low, high)


def test_rounded_keeps_three_digits():
    assert rounded({"a": 0.00123456, "b": 98765.4, "c": -1.23456, "d": 0.0, "e": 12345, "f": "x", "g": True}) == {
        "a": 0.00123,
        "b": 98800.0,
        "c": -1.23,
        "d": 0.0,
        "e": 12345,
        "f": "x",
        "g": True,
    }
