import pickle

import numpy as np
import pandas as pd
import pytest
from _knowledge import made_up_frames, made_up_knowledge
from sklearn.linear_model import Ridge
from sklearn.pipeline import Pipeline
from sklearn.svm import SVC

from sklmeta import Configuration, KnowledgeBase, load_knowledge
from sklmeta.exceptions import UnknownEstimatorError
from sklmeta.knowledge.sizes import whole_tables
from sklmeta.metafeatures import MetaFeatureExtractor
from sklmeta.recommenders import AverageRank, Forest, NearestTasks, Portfolio, Recommendation, TaskMixture
from sklmeta.recommenders.contributions import contributions
from sklmeta.recommenders.kernels import agreement_weights, standardised

A, B, C = map(Configuration, "abc")


def knowledge(Y, M=None, **kwargs):
    return KnowledgeBase.from_frames(M, {"accuracy": Y}, **kwargs)


def names(recommendations):
    return [r.configuration.estimator for r in recommendations]


# Three tasks of one kind, two of another. By mean b is best, by rank a; the nearest tasks of 9 say c.
M = pd.DataFrame({"log_rows": [1.0, 1.1, 1.2, 9.0, 9.1]})
Y = pd.DataFrame(
    {"a": [0.90, 0.91, 0.92, 0.10, 0.10], "b": [0.89, 0.90, 0.91, 0.50, 0.50], "c": [0.50, 0.50, 0.50, 0.60, 0.60]}
)
KB = knowledge(Y, M)


def test_average_rank_is_the_mean_rank():
    _, table = made_up_frames(n_tasks=31)
    expected = table.rank(axis=1, ascending=False).mean().sort_values(kind="stable").index
    found = [r.configuration for r in AverageRank().fit(knowledge(table)).recommend(n=99)]
    assert found == list(expected)


@pytest.mark.parametrize("one", [AverageRank(), Portfolio()], ids=repr)
def test_each_tasks_own_unit_does_not_matter_to_those_that_scale_each_task(one):
    features, table = made_up_frames(n_tasks=30)
    rng = np.random.default_rng(0)
    other = table.mul(rng.uniform(0.1, 100, 30), axis=0).add(rng.normal(size=30), axis=0)
    expected = names(one.fit(knowledge(table, features)).recommend(n=99))
    assert names(one.fit(knowledge(other, features)).recommend(n=99)) == expected


def test_average_rank_decides_ties_by_the_mean_place():
    table = pd.DataFrame({"a": [1.0, 0.4, 0.0], "b": [0.6, 0.8, 0.0], "c": [0.0, 0.0, 1.0]})
    assert names(AverageRank().fit(knowledge(table)).recommend(n=3)) == ["b", "a", "c"]


def test_average_rank_ignores_meta_features_and_observations():
    one = AverageRank().fit(KB)
    assert names(one.recommend({"log_rows": 9.0}, n=3)) == names(one.recommend(n=3))
    assert names(one.recommend(n=2, observed={A: 0.1})) == ["b", "c"]


def test_the_portfolio_covers_what_the_first_pick_does_badly():
    assert names(Portfolio().fit(KB).recommend(n=3)) == ["b", "c", "a"]
    assert names(AverageRank().fit(KB).recommend(n=3)) == ["a", "b", "c"]


def test_the_portfolio_goes_on_from_what_was_observed():
    one = Portfolio().fit(KB)
    assert names(one.recommend(observed={A: 0.9})) == ["c"]
    assert names(one.recommend(observed={C: 0.9})) == ["a"]


def test_what_failed_on_the_new_task_covers_nothing():
    one = Portfolio().fit(KB)
    failed, tried = one.recommend(observed={A: np.nan}, n=2), one.recommend(observed={A: 0.9}, n=2)
    assert names(failed) == names(one.recommend(candidates=[B, C], n=2)) == ["b", "c"]
    assert names(tried) == ["c", "b"]


def test_nearest_tasks_listens_to_the_nearest():
    one = NearestTasks(n_neighbors=2).fit(KB)
    assert names(one.recommend({"log_rows": 9.0})) == ["c"]
    assert names(one.recommend({"log_rows": 1.0})) == ["a"]


def test_where_more_is_to_be_gained_counts_more():
    table = pd.DataFrame({"a": [0.91, 0.92, 0.1], "b": [0.90, 0.91, 0.5], "c": [0.50, 0.50, 0.6]})
    evenly, by_stakes = Portfolio().fit(knowledge(table)), NearestTasks().fit(knowledge(table))
    assert names(evenly.recommend(candidates=[A, C])) == ["a"]
    assert names(by_stakes.recommend(candidates=[A, C])) == ["c"]


def two_kinds(n=60, seed=0):
    """Tasks on which "good on small" or "good on large" wins by rows; the other meta-features are noise."""
    rng = np.random.default_rng(seed)
    large = np.arange(n) % 2 == 1
    features = pd.DataFrame(rng.normal(size=(n, 6))).assign(log_rows=np.where(large, 9.0, 5.0))
    small_wins = np.where(large[:, None], [[0.6, 0.9, 0.8, 0.7]], [[0.9, 0.6, 0.8, 0.75]])
    return features, pd.DataFrame(small_wins + rng.normal(0, 0.01, (n, 4)), columns=list("abcd"))


@pytest.mark.parametrize("one", [Forest(), TaskMixture()], ids=repr)
def test_the_forest_learns_which_meta_features_matter(one):
    features, table = two_kinds()
    one.fit(knowledge(table, features))
    noise = dict(zip(range(6), features.iloc[3, :6], strict=True))  # like task 3, which is large
    assert names(one.recommend({**noise, "log_rows": 5.0})) == ["a"]
    assert names(one.recommend({**noise, "log_rows": 9.0})) == ["b"]


@pytest.mark.parametrize("one", [Forest(), TaskMixture()], ids=repr)
def test_how_poor_ones_fare_tells_the_forest_nothing(one):
    """The first meta-feature says which of two is the best, the second how eight fare that never come near them."""
    rng = np.random.default_rng(0)
    features = rng.normal(size=(60, 6))
    best = 0.9 + 0.02 * np.outer(np.sign(features[:, 0]), [1, -1])
    poor = 0.5 + 0.2 * np.outer(np.sign(features[:, 1]), rng.choice([-1, 1], 8))
    table = pd.DataFrame(np.hstack([best, poor]), columns=list("abcdefghij"))
    fitted = one.fit(knowledge(table, pd.DataFrame(features)))
    looked_at = np.bincount(fitted.trees_.feature[:, 0], minlength=6)
    assert looked_at[0] > 2 * looked_at[1]
    alike = np.sign(features[:, 0]) == 1
    assert fitted._alike(fitted.standardised_[alike.argmax()])[alike].sum() > 0.8


@pytest.mark.parametrize("shift", [0.0, 0.5, 1.0])
def test_after_the_first_pick_scores_are_moved_by_what_is_expected(shift):
    kb = crowd(30)
    one = TaskMixture(n_estimators=20, shift=shift, mixing=0.2, caution=0.3).fit(kb)
    Y = kb.scores("accuracy")
    span = np.sqrt(Y.max(axis=1) - np.median(Y, axis=1))
    at_stake = np.clip((Y.T - np.median(Y, axis=1)) / span**2, -1, 1).T * (span / span.mean())[:, None]
    new = kb.meta_features.iloc[4] + 0.1
    prior = one._prior(one._features(new))
    scenarios = np.empty_like(at_stake)
    for t in range(30):
        mine = one._alike(one.standardised_[t])
        mine[t] = 0
        expected = mine / mine.sum() @ at_stake
        scenarios[t] = at_stake[t] + shift * (prior @ at_stake - expected)
    flatter = (1 - shift) * prior + shift / 30
    first, second = one.recommend(new, n=2)
    j = kb.configurations.index(first.configuration)
    gains = [flatter @ np.maximum(scenarios[:, k] - scenarios[:, j], 0) for k in range(4)]
    assert second.configuration == kb.configurations[int(np.argmax(gains))]
    seen = {kb.configurations[0]: 0.5, kb.configurations[3]: 0.2}
    w = 0.7 * agreement_weights(flatter, Y[:, [0, 3]], np.array([0.5, 0.2]), 0.5, 0.005) + 0.3 * flatter
    covered = scenarios[:, [0, 3]].max(axis=1)
    gains = [w @ np.maximum(scenarios[:, k] - covered, 0) for k in (1, 2)]
    assert one.recommend(new, observed=seen)[0].configuration == kb.configurations[1 + int(np.argmax(gains))]


@pytest.mark.parametrize("linear", [0.0, 0.5, 1.0])
def test_the_first_pick_is_what_forest_and_ridge_regression_expect_together(linear):
    extractor = MetaFeatureExtractor(["simple", "landmarkers"])
    names_of = list(extractor.get_feature_names_out("classification"))
    rng = np.random.default_rng(1)
    features = pd.DataFrame(rng.normal(size=(40, len(names_of))), columns=names_of)
    slopes = 0.1 * rng.normal(size=(len(names_of), 12))
    kb = knowledge(pd.DataFrame(features.to_numpy() @ slopes, columns=[f"c{j}" for j in range(12)]), features)
    one = TaskMixture(n_estimators=20, linear=linear).fit(kb)
    landmarks = [name.startswith(("landmark", "gain", "curve", "relative", "ranking")) for name in names_of]
    targets = one.promise_ * one.stakes_[:, None]
    known = one.standardised_[:, landmarks]
    penalty = ((known - known.mean(axis=0)) ** 2).sum() / 40
    ridge = Ridge(alpha=penalty).fit(known, targets)
    there = {"forest": np.empty((40, 12)), "ridge": np.empty((40, 12))}  # what the others lead to expect
    for t in range(40):
        others = np.arange(40) != t
        mine = np.where(others, one._alike(one.standardised_[t]), 0)
        there["forest"][t] = mine / mine.sum() @ one.at_stake_
        there["ridge"][t] = Ridge(alpha=penalty).fit(known[others], one.at_stake_[others]).predict(known[[t]])[0]
    of_scores = Ridge(alpha=penalty).fit(known, one.at_stake_)
    picks = []
    for new in 0.7 * rng.normal(size=(20, len(names_of))):  # nearer than what is unlike all known
        row = standardised(new, one.centre_, one.spread_)
        prior = one._alike(row)
        first = int(np.argmax((1 - linear) * prior @ targets + linear * ridge.predict(row[None, landmarks])[0]))
        here = {"forest": prior @ one.at_stake_, "ridge": of_scores.predict(row[None, landmarks])[0]}
        moved = {name: 0.5 * (here[name] - there[name]) for name in here}
        second = {}
        for share in (linear, 0.0):  # of the ridge regression in what moves scores; none for an average
            scenarios = one.at_stake_ + (1 - share) * moved["forest"] + share * moved["ridge"]
            gains = (0.5 * prior + 0.5 / 40) @ np.maximum(scenarios - scenarios[:, [first]], 0)
            second[share] = int(np.argmax(gains))
        for average, share in ((False, linear), (True, 0.0)):
            found = [kb.configurations.index(r.configuration) for r in one.recommend(new, n=2, average=average)]
            assert found == [first, second[share]]
        told = one.recommend(new)[0].contributions
        assert linear < 1 or not told["simple"], "the ridge regression looks at landmarkers only"
        picks.append((first, second[linear], second[0.0]))
    assert len({first for first, _, _ in picks}) > 3, "for this test to say anything"
    assert linear < 1 or any(best != averaged for _, best, averaged in picks), "nor without this"


@pytest.mark.parametrize("landmarkers", [None, np.nan, 0.5])
def test_without_landmarkers_the_first_pick_is_the_forest_s(landmarkers):
    features, table = two_kinds()
    if landmarkers is not None:  # that tell nothing
        features = features.assign(landmark_1nn=landmarkers, landmark_linear=landmarkers)
    forest, mixture = (one.fit(knowledge(table, features)) for one in (Forest(), TaskMixture(linear=1.0)))
    for i in range(len(features)):
        row = features.iloc[i] + 0.01
        assert forest.recommend(row)[0].configuration == mixture.recommend(row)[0].configuration


def test_observations_outweigh_meta_features_that_mislead():
    features, table = two_kinds()
    one = TaskMixture().fit(knowledge(table, features))
    seen = {Configuration("c"): 0.8, Configuration("d"): 0.7}  # as on the large ones
    strategy = one.strategy({"log_rows": 5.0}, observed=seen)
    assert strategy["b"] > one.strategy({"log_rows": 5.0})["b"]
    assert one.strategy({"log_rows": 5.0}, observed={Configuration("c"): 0.8}) == one.strategy({"log_rows": 5.0})
    assert Forest().fit(one.knowledge_).strategy({"log_rows": 5.0}, observed=seen)["b"] < strategy["b"]


def test_a_failure_speaks_for_tasks_on_which_that_one_is_worst():
    columns = {"a": [0.9, 0.9, 0.9], "b": [0.9, 0.1, 0.5], "c": [0.1, 0.1, 0.1], "d": [0.5, 0.6, 0.7]}
    one = TaskMixture(caution=0.0).fit(KnowledgeBase.from_frames(None, {"accuracy": pd.DataFrame(columns)}))
    a, b, *_ = one.knowledge_.configurations
    prior = np.full(3, 1 / 3)
    w = one._posterior(prior, one._observed({a: 0.8, b: np.nan}))
    assert w[1] > w[2] > w[0], "the worst there, worse than the best there, as good as the best"
    assert w[1] > 0.5
    assert one.strategy(observed={a: np.nan, b: np.nan}) == one.strategy()


def test_a_score_without_an_error_has_the_typical_one():
    errors = {"accuracy": np.array([[0.1, np.nan], [0.3, np.nan], [np.nan, np.nan]])}
    scores = {"accuracy": np.array([[0.9, 0.5], [0.8, 0.6], [0.7, 0.4]])}
    a, b = Configuration("a"), Configuration("b")
    one = TaskMixture().fit(KnowledgeBase(["t", "u", "v"], [a, b], scores, standard_errors=errors))
    assert one._observed({a: 0.5, b: 0.4}) == {0: (0.5, 0.2), 1: (0.4, 0.0)}
    assert one._observed({a: (0.5, np.nan), b: (0.4, 0.7)}) == {0: (0.5, 0.2), 1: (0.4, 0.7)}


@pytest.mark.parametrize(
    ("one", "message"),
    [
        (Forest(n_estimators=0), "n_estimators must be an integer of at least 1, got 0"),
        (Forest(min_samples_leaf=1.5), "min_samples_leaf must be an integer of at least 1, got 1.5"),
        (TaskMixture(mixing=1.5), "mixing must be between 0 and 1, got 1.5"),
        (TaskMixture(sharpness=-1.0), "sharpness must not be negative.* got sharpness=-1.0"),
        (TaskMixture(epsilon=0.0), "epsilon must be positive.*epsilon=0.0"),
        (TaskMixture(shift=-0.1), "caution, shift and linear between 0 and 1.*shift=-0.1"),
        (TaskMixture(linear=1.5), "caution, shift and linear between 0 and 1.*linear=1.5"),
        (TaskMixture(caution=2.0), "caution, shift and linear between 0 and 1.*caution=2.0"),
    ],
)
def test_parameters_that_make_no_sense(one, message):
    with pytest.raises(ValueError, match=message):
        one.fit(KB)


def test_nearest_tasks_second_pick_is_unlike_the_first():
    rng = np.random.default_rng(0)
    good = np.r_[np.full(7, 0.9), np.full(3, 0.2)]
    twins = {f"twin{k}": good + 0.001 * rng.random(10) for k in range(5)}
    bad = {f"bad{k}": 0.1 + 0.01 * rng.random(10) for k in range(7)}
    table = pd.DataFrame({**twins, **bad, "other": np.r_[np.full(7, 0.3), np.full(3, 0.8)]})
    kb = knowledge(table, pd.DataFrame({"m": np.arange(10.0)}))
    found = names(NearestTasks(10).fit(kb).recommend({"m": 5}, n=2))
    assert found[0].startswith("twin")
    assert found[1] == "other"


def test_nearest_tasks_without_meta_features_say_so():
    for kb, meta_features in ((KB, None), (KB, {"log_rows": np.nan}), (knowledge(Y), {"log_rows": 9.0})):
        found = NearestTasks(2).fit(kb).recommend(meta_features)[0]
        assert "there are no meta-features to tell them apart" in found.reason
        assert found.similar_tasks == ()


def test_nearest_tasks_names_the_nearest():
    found = NearestTasks(2).fit(KB).recommend({"log_rows": 9.2})[0]
    assert [task.task for task in found.similar_tasks][:2] == [4, 3]
    assert found.similar_tasks[0].best_configuration == C
    assert found.similar_tasks[0].best_score == 0.6
    assert found.similar_tasks[0].weight > 0.3
    assert "4, 3" in found.reason


def test_a_meta_feature_of_another_size_does_not_drown_the_others():
    noisy = M.assign(bytes=[3e9, 1e9, 2e9, 1e9, 3e9])
    found = NearestTasks(2).fit(knowledge(Y, noisy)).recommend({"log_rows": 9.0, "bytes": 2e9})
    assert names(found) == ["c"]


@pytest.mark.parametrize("parameters", [{"n_neighbors": 0}, {"n_neighbors": 2.5}, {"mixing": -0.1}, {"mixing": 1.1}])
def test_nearest_tasks_checks_its_parameters_in_fit(parameters):
    message = r"n_neighbors must be an integer of at least 1 and mixing between 0 and 1; got n_neighbors="
    with pytest.raises(ValueError, match=message):
        NearestTasks(**parameters).fit(KB)


def test_meta_features_help_where_they_tell_tasks_apart():
    """Leave one task out of 40: the first pick's regret with meta-features is well below that without."""
    features, table = made_up_frames(n_tasks=40, n_configurations=12)
    kb = knowledge(table, features)
    regret = {True: [], False: []}
    for task in table.index:
        one = NearestTasks(8, 0.1).fit(kb.exclude(tasks=[task]))
        for informed in (True, False):
            pick = one.recommend(features.loc[task] if informed else None)[0].configuration
            regret[informed].append(table.loc[task].max() - table.loc[task, pick])
    assert np.mean(regret[True]) < 0.6 * np.mean(regret[False])


# -- what a recommendation says ------------------------------------------------------------------------------------


def test_without_weights_the_expectation_is_the_mean():
    found = {r.configuration: r for r in AverageRank().fit(KB).recommend(n=3)}
    assert found[A].expected_score == pytest.approx(Y["a"].mean())
    assert found[B].interval == (0.5, 0.91)


def test_with_weights_the_expectation_is_the_neighbours():
    found = NearestTasks(2, mixing=0.0).fit(KB).recommend({"log_rows": 9.05}, n=3)
    assert {r.configuration: r.expected_score for r in found} == pytest.approx({A: 0.1, B: 0.5, C: 0.6})


def timed(log_rows, seconds, status=None):
    n = len(seconds)
    scores = np.where(np.isfinite(seconds), 0.5, np.nan)
    scores[:, 0] = 0.6
    return KnowledgeBase(
        range(n),
        [A, B][: scores.shape[1]],
        {"accuracy": scores},
        status=status,
        meta_features=None if log_rows is None else pd.DataFrame({"log_rows": np.log(log_rows)}),
        fit_seconds=seconds,
    )


def test_expected_seconds_grow_with_the_rows():
    kb = timed([100, 200, 300], np.array([[1.0], [2.0], [3.0]]))
    one = AverageRank().fit(kb)
    assert one.recommend({"log_rows": np.log(1000)})[0].expected_seconds == pytest.approx(10)
    assert one.recommend({"log_rows": np.nan})[0].expected_seconds == 2
    assert one.recommend()[0].expected_seconds == 2


def test_expected_seconds_are_a_fit_on_all_rows():
    kb = timed([100, 200, 300], np.array([[1.0], [2.0], [3.0]]))
    for info, seconds in [({"protocol": {"cv": 3}}, 15), ({"protocol": {"cv": 5}}, 12.5), ({"protocol": "mine"}, 10)]:
        told = KnowledgeBase(
            kb.tasks, kb.configurations, {"accuracy": kb.scores("accuracy")}, meta_features=kb.meta_features,
            fit_seconds=kb.fit_seconds, info=info,
        )  # fmt: skip
        found = AverageRank().fit(told).recommend({"log_rows": np.log(1000)})
        assert found[0].expected_seconds == pytest.approx(seconds)


def test_expected_seconds_grow_with_the_columns_in_proportion_beyond_the_known_ones():
    features = pd.DataFrame({"log_rows": np.log([100.0, 100.0]), "log_encoded_columns": np.log([10.0, 40.0])})
    scores = {"accuracy": np.array([[0.6], [0.6]])}
    kb = KnowledgeBase(range(2), [A], scores, meta_features=features, fit_seconds=np.array([[1.0], [2.0]]))
    one = AverageRank().fit(kb)

    def seconds(columns):
        return one.recommend({"log_rows": np.log(100), "log_encoded_columns": np.log(columns)})[0].expected_seconds

    assert seconds(40) == pytest.approx(2.0)
    assert seconds(20) == pytest.approx(np.sqrt(2.0))
    assert seconds(400) == pytest.approx(20.0)
    told = kb.select(tasks=[0]).merge(
        KnowledgeBase([2], [B], {"accuracy": [[0.5]]}, meta_features=features[1:].set_axis([2]))
    )
    known = AverageRank().fit(told).recommend({"log_rows": np.log(100), "log_encoded_columns": np.log(40)}, n=2)
    assert {r.configuration: r.expected_seconds for r in known}[A] == pytest.approx(4.0)  # it was timed on ten columns


@pytest.mark.parametrize("one", [Portfolio(), TaskMixture()], ids=repr)
def test_what_is_expected_lies_in_its_interval(one):
    kb = load_knowledge("classification")
    row = kb.meta_features.iloc[5]
    for recommendation in one.fit(kb, metric="roc_auc").recommend(row, n=len(kb.configurations)):
        low, high = recommendation.interval
        assert low <= recommendation.expected_score <= high


def test_expected_seconds_without_rows_or_times():
    assert AverageRank().fit(timed(None, np.array([[1.0], [5.0], [3.0]]))).recommend()[0].expected_seconds == 3
    assert np.isnan(AverageRank().fit(KB).recommend()[0].expected_seconds)


def test_what_mostly_times_out_is_not_quick():
    seconds = np.array([[50.0, 0.1], [60.0, np.nan], [70.0, np.nan]])
    kb = timed(None, seconds, status=[[1, 1], [1, 2], [1, 2]])
    assert AverageRank().fit(kb).recommend(candidates=[B])[0].expected_seconds == 60


def test_str_tells_what_how_good_how_long_and_why():
    one = Recommendation(
        Configuration("svc", {"C": 1.0}), "accuracy", 0.912, (0.85, 0.95), 1.5, (), "because", "classification"
    )
    assert str(one) == (
        "svc(C=1.0)\n  expected accuracy: 0.912 (80 % interval 0.85 to 0.95), 1.5 s a fit\n  why: because"
    )
    unknown = Recommendation(A, "accuracy", 0.912, (0.85, 0.95), np.nan, (), "because")
    assert "unknown time a fit" in str(unknown)


def recommendation(configuration, task_type, **kwargs):
    return Recommendation(configuration, "accuracy", 0.9, (0.8, 1.0), 1.0, (), "because", task_type, **kwargs)


def test_the_estimator_is_an_unfitted_pipeline_with_the_parameters():
    one = recommendation(Configuration("svc", {"C": 3.0}), "classification")
    built = one.estimator
    assert isinstance(built, Pipeline)
    assert one.estimator is not built
    assert any(value == 3.0 for name, value in built.get_params().items() if name.endswith("__C"))


def test_labels_without_an_estimator_say_what_to_do():
    with pytest.raises(
        UnknownEstimatorError, match=r"does not say what Configuration\('a'\) is.*make the estimator yourself"
    ):
        _ = recommendation(A, None).estimator
    with pytest.raises(UnknownEstimatorError):
        _ = recommendation(A, "classification").estimator


def test_a_recommendation_with_its_own_builder():
    one = recommendation(A, None, _build=lambda configuration: SVC(C=7))
    assert one.estimator.C == 7
    assert one == recommendation(A, None)
    assert "_build" not in repr(one)


# -- the strategy --------------------------------------------------------------------------------------------------


def test_the_strategy_by_hand():
    kb = made_up_knowledge(n_tasks=1, n_configurations=3)
    one = AverageRank().fit(kb)
    best = kb.scores("accuracy")[0]
    powers = np.exp((best - best.min()) / (best.max() - best.min()) / 0.05)
    expected = dict(zip(["svc", "random_forest", "k_neighbors"], powers / powers.sum(), strict=True))
    assert one.strategy() == pytest.approx(expected)


def test_the_strategy_follows_the_nearest_tasks():
    one = NearestTasks(2).fit(KB)
    assert one.strategy({"log_rows": 9.0})["c"] > 0.5
    assert one.strategy({"log_rows": 1.0})["c"] < 0.5


# -- intervals, novelty, contributions -------------------------------------------------------------------------------


@pytest.mark.parametrize("one", [Portfolio(), NearestTasks(), Forest(n_estimators=30)], ids=repr)
def test_intervals_cover_four_of_five_unseen_tasks(one):
    features, table = made_up_frames(n_tasks=200, n_configurations=12)
    one.fit(knowledge(table[:100], features[:100]))
    inside = []
    for task in table.index[100:]:
        for found in one.recommend(features.loc[task], n=5):
            inside.append(found.interval[0] <= table.loc[task, found.configuration] <= found.interval[1])
    assert 0.7 <= np.mean(inside) <= 0.9


def test_intervals_are_told_of_whole_families_only():
    """Twins tell all about each other, and nothing about the next family."""
    rng = np.random.default_rng(0)
    Y = pd.DataFrame(np.repeat(rng.normal(size=(20, 4)), 2, axis=0))
    M = pd.DataFrame(np.repeat(rng.normal(size=(20, 3)), 2, axis=0))
    alone = NearestTasks(n_neighbors=1, mixing=0.0).fit(knowledge(Y, M))
    twins = NearestTasks(n_neighbors=1, mixing=0.0).fit(knowledge(Y, M, families={i: i // 2 for i in range(40)}))
    assert alone.margin_ < 0.1
    assert twins.margin_ == 0.5


def test_of_too_few_tasks_the_interval_is_the_whole_range():
    few = AverageRank().fit(knowledge(Y[:3], M[:3])).recommend()[0]
    assert few.interval == (Y[few.configuration.estimator][:3].min(), Y[few.configuration.estimator][:3].max())


def crowd(n=60, seed=0):
    features = pd.DataFrame(np.random.default_rng(seed).normal(size=(n, 6))).add_prefix("m")
    return knowledge(pd.DataFrame(np.random.default_rng(seed + 1).random((n, 4))), features)


def test_novelty_is_the_share_of_known_tasks_that_are_less_novel():
    kb = crowd()
    for i in range(10):
        one = AverageRank().fit(kb.exclude(tasks=[i]))
        new = np.clip((kb.meta_features.to_numpy()[i] - one.centre_) / one.spread_, -3, 3)
        every = np.vstack([one.standardised_, new])  # the new one is among the others of all
        third = np.sort(np.linalg.norm(every[:, None] - every, axis=2), axis=1)[:, 3]  # the nearest is the task itself
        assert one.novelty(kb.meta_features.loc[i]) == pytest.approx((third[:-1] < third[-1]).sum() / 60)


def test_one_in_twenty_tasks_of_the_same_kind_is_novel():
    kb, others = crowd(100), crowd(400, seed=7).meta_features
    one = AverageRank().fit(kb)
    novelty = np.array([one.novelty(row) for _, row in others.iterrows()])
    assert (novelty > 0.95).mean() == pytest.approx(0.05, abs=0.04)
    assert np.quantile(novelty, [0.25, 0.5, 0.75]) == pytest.approx([0.25, 0.5, 0.75], abs=0.12)


def test_novelty_without_meta_features_is_unknown():
    assert np.isnan(Portfolio().fit(KB).novelty())
    assert np.isnan(Portfolio().fit(knowledge(Y)).novelty({"log_rows": 9.0}))
    assert np.isnan(Portfolio().fit(knowledge(Y, M, families=dict.fromkeys(range(5), "one"))).novelty({"log_rows": 9}))


@pytest.mark.parametrize("one", [NearestTasks(), Forest(n_estimators=10), TaskMixture(n_estimators=10)], ids=repr)
def test_a_task_unlike_all_falls_back_on_what_does_well_on_balance(one):
    one.fit(crowd())
    weird = one.meta_features_.iloc[0] + 50
    assert one.novelty(weird) > 0.95
    assert [r.configuration for r in one.recommend(weird, n=4)] == [r.configuration for r in one.recommend(n=4)]
    found = one.recommend(weird)[0]
    assert (
        found.reason == "it did best on balance, over 60 known tasks, all alike, for this task resembles none of them"
    )
    assert found.similar_tasks == ()
    assert found.contributions == {}


@pytest.mark.parametrize(
    "seen", [{}, {Configuration("foreign"): 0.5}, {B: np.nan}], ids=["nothing", "foreign", "failure"]
)
def test_reasons_speak_of_what_was_tried_only_where_something_worked(seen):
    for one in (Portfolio(), TaskMixture(n_estimators=10)):
        assert one.fit(knowledge(Y)).recommend(observed=seen)[0].reason.startswith("it did best on balance")
        assert one.recommend(observed={A: 0.5, **seen})[0].reason.startswith("it adds most to what is tried before it")


def test_reasons_name_what_told_the_known_tasks_apart():
    seen = {A: 0.2, B: 0.6}
    without = TaskMixture(n_estimators=10).fit(knowledge(Y))
    assert without.recommend()[0].reason.endswith("all alike, for there are no meta-features to tell them apart")
    assert (
        "on the known tasks where what was tried did as it does here: 3" in without.recommend(observed=seen)[0].reason
    )
    flat = NearestTasks().fit(knowledge(Y, pd.DataFrame({"log_rows": [1.0] * 5})))
    told = flat.recommend({"log_rows": 1.0})[0]
    assert told.reason.endswith("all alike, for their meta-features do not tell them apart")
    one = TaskMixture(n_estimators=10).fit(crowd())
    first, second = one.knowledge_.configurations[:2]
    novel = one.recommend(one.meta_features_.iloc[0] + 50, observed={first: 0.9, second: 0.1})[0]
    assert novel.similar_tasks
    assert novel.reason.endswith("; by its meta-features this task resembles none of them")
    assert "did as it does here" in novel.reason


def test_few_tasks_never_call_another_one_novel():
    one = TaskMixture(n_estimators=10).fit(crowd(18))
    assert "resembles none" not in one.recommend(one.meta_features_.iloc[0] + 50)[0].reason


@pytest.mark.parametrize("task", ["classification", "regression"])
def test_odd_tables_are_novel_to_the_bundled_knowledge_and_one_in_twenty_of_its_own(task):
    kb = load_knowledge(task)
    metric = kb.metrics[0]
    one = Portfolio().fit(kb, metric=metric)
    odd = [
        make_odd(np.random.default_rng(0).standard_cauchy((60, 300)) ** 3),
        make_odd(np.where(np.random.default_rng(1).random((500, 40)) < 0.9, np.nan, 1.0)),
        make_odd(np.eye(400)),
    ]
    assert all(one.novelty(MetaFeatureExtractor().extract(X, y, task=task)) > 0.95 for X, y in odd)
    without = {f: Portfolio().fit(kb.exclude(families=[f]), metric=metric) for f in dict.fromkeys(kb.families)}
    known = [without[f].novelty(kb.meta_features.iloc[i]) for i, f in enumerate(kb.families)]
    assert (np.array(known) > 0.95).mean() == pytest.approx(0.05, abs=0.03)


def make_odd(X):
    return X, np.arange(len(X)) % 3


def test_contributions_say_which_group_decided():
    features, table = two_kinds()
    kb = knowledge(table, features.rename(columns={0: "landmark_discriminant"}), task_type="classification")
    for one in (NearestTasks(5, 0.0), Forest(), TaskMixture()):
        one.fit(kb)
        first, second = one.recommend(kb.meta_features.iloc[4], n=2)
        assert max(first.contributions, key=first.contributions.get) == "simple"
        assert set(first.contributions) == {"other", "landmarkers", "simple"}
        assert sum(map(abs, first.contributions.values())) == pytest.approx(1)
        assert second.contributions == {}
        assert one.recommend(kb.meta_features.iloc[4], observed={Configuration("d"): 0.1})[0].contributions == {}
    assert AverageRank().fit(kb).recommend(kb.meta_features.iloc[4])[0].contributions == {}


def test_contributions_by_hand():
    def merits(row):
        return np.array([row[0] + row[1], 1.0, -row[2]])

    groups = {"a": np.array([True, False, False]), "b": np.array([False, True, False]), "c": np.arange(3) == 2}
    found = contributions(merits, np.array([3.0, -1.0, 5.0]), groups, np.array([0.5, 0.7, 0.1]))
    assert found == pytest.approx({"a": 3 / 4, "b": -1 / 4, "c": 0})
    assert contributions(lambda row: np.array([1.0, 0.0]), np.zeros(3), groups, np.zeros(2)) == dict.fromkeys("abc", 0)


def test_recommendations_with_contributions_can_be_hashed_and_pickled():
    kb = made_up_knowledge()
    found = Forest(n_estimators=5).fit(kb).recommend(kb.meta_features.iloc[3])[0]
    assert found.contributions
    assert pickle.loads(pickle.dumps(found)) == found
    assert hash(found) == hash(found)


@pytest.mark.parametrize("recommender", [Portfolio(), TaskMixture()])
def test_what_is_nearly_as_good_and_far_quicker_comes_first(recommender):
    scores = pd.DataFrame({"a": [0.9, 0.9, 0.5], "b": [0.5, 0.5, 0.9], "c": [0.5, 0.5, 0.88]})
    rec = recommender.fit(KnowledgeBase.from_frames(None, {"accuracy": scores}))
    a, b, c = rec.knowledge_.configurations
    assert [r.configuration for r in rec.recommend(n=2)] == [a, b]
    assert [r.configuration for r in rec.recommend(n=2, seconds={a: 1.0, b: 100.0, c: 1.0})] == [a, c]
    assert [r.configuration for r in rec.recommend(n=2, seconds={a: 1.0, b: 1.01, c: 1.0})] == [a, b]


def test_what_may_be_chance_is_no_disagreement():
    columns = {"a": [0.9, 0.5], "b": [0.8, 0.7], "c": [0.95, 0.1], "d": [0.1, 0.95]}
    rec = TaskMixture().fit(KnowledgeBase.from_frames(None, {"accuracy": pd.DataFrame(columns)}))
    a, b, c, d = rec.knowledge_.configurations
    for sure in ({a: 0.6, b: 0.8}, {a: (0.6, 0.0), b: (0.8, 0.0)}, {a: (0.6, np.nan), b: (0.8, np.nan)}):
        first, second = rec.recommend(n=2, observed=sure)
        assert (first.configuration, second.configuration) == (d, c)
    weights = [
        {s.task: s.weight for s in rec.recommend(n=1, observed={a: (0.6, noise), b: (0.8, noise)})[0].similar_tasks}
        for noise in (0.0, 0.1, 10.0)
    ]
    assert weights[0][1] > weights[1][1] > 0.5
    assert weights[2][1] == pytest.approx(0.5, abs=0.01), "both weigh the same"


@pytest.mark.parametrize("metric", ["accuracy", "neg_log_loss"])
def test_the_forest_of_real_tasks_does_not_ask_for_their_order(metric):
    kb = whole_tables(load_knowledge()).with_learned({}).with_joint_errors(None)
    trees = Forest(n_estimators=30).fit(kb, metric).trees_
    for seed in range(3):
        order = np.random.default_rng(seed).permutation(len(kb))
        shuffled = KnowledgeBase(
            [kb.tasks[i] for i in order],
            kb.configurations,
            {m: kb.scores(m)[order] for m in kb.metrics},
            status=kb.status_codes[order],
            meta_features=kb.meta_features.iloc[order],
            families=[kb.families[i] for i in order],
            task_type=kb.task_type,
        )
        others = Forest(n_estimators=30).fit(shuffled, metric).trees_
        np.testing.assert_array_equal(others.feature, trees.feature)
