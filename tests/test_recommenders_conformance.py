"""What the docstring of Recommender promises, asked of every recommender."""

import pickle
import time

import numpy as np
import pandas as pd
import pytest
from _knowledge import made_up_configurations, made_up_frames, made_up_knowledge, rich_knowledge
from sklearn.base import clone
from sklearn.exceptions import NotFittedError

from sklmeta import Configuration, KnowledgeBase
from sklmeta.recommenders import AverageRank, Forest, NearestTasks, Portfolio, Recommendation, Recommender, TaskMixture

RECOMMENDERS = [
    AverageRank(),
    Portfolio(),
    NearestTasks(),
    NearestTasks(n_neighbors=3, mixing=0.0),
    Forest(n_estimators=20),
    TaskMixture(),
    TaskMixture(n_estimators=20, mixing=0.0, caution=0.0),
]
pytestmark = pytest.mark.parametrize("recommender", RECOMMENDERS, ids=repr)

KB = made_up_knowledge()
NEW = KB.meta_features.iloc[4] + 0.1


def fitted(recommender, kb=KB, metric="accuracy"):
    return clone(recommender).fit(kb, metric=metric)


def order(recommender, kb=KB, meta_features=NEW, n=99, **kwargs):
    return [r.configuration for r in fitted(recommender, kb).recommend(meta_features, n=n, **kwargs)]


def knowledge(Y, M=None, **kwargs):
    return KnowledgeBase.from_frames(M, {"accuracy": Y}, **kwargs)


# -- how many, which -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("n", [1, 2, 5, 9, 10, 1000, np.int64(3)])
def test_at_most_n_all_different(recommender, n):
    found = order(recommender, n=n)
    assert len(found) == len(set(found)) == min(n, 9)
    assert set(found) <= set(KB.configurations)


def test_a_fit_that_fails_changes_nothing(recommender):
    once = fitted(recommender)
    before = dict(once.__dict__)
    with pytest.raises(ValueError, match="typo"):
        once.fit(rich_knowledge(), metric="typo")
    assert once.__dict__ == before


def test_a_shorter_list_is_the_beginning_of_a_longer_one(recommender):
    everything = order(recommender)
    for n in range(1, 9):
        assert order(recommender, n=n) == everything[:n]


def test_seconds_that_are_all_alike_or_unknown_change_nothing(recommender):
    everything = order(recommender)
    for seconds in (dict.fromkeys(KB.configurations, 3.0), {KB.configurations[0]: np.nan}, {KB.configurations[3]: 0.0}):
        assert order(recommender, seconds=seconds) == everything


def test_what_takes_no_time_comes_second_where_what_it_adds_counts(recommender):
    first, second, third, *_ = everything = order(recommender)
    hurried = order(recommender, seconds={c: 1e-9 if c == third else 1e9 for c in KB.configurations})
    assert hurried[0] == first, "the first pick is not a question of time"
    adds_nothing = type(recommender) is NearestTasks and recommender.mixing == 0  # on the three tasks that count there
    assert hurried[1] == (second if type(recommender) is AverageRank or adds_nothing else third)
    assert set(hurried) == set(everything)


def test_what_was_observed_is_not_recommended(recommender):
    tried = {KB.configurations[0]: 0.7, KB.configurations[4]: (0.6, 0.01), KB.configurations[8]: np.nan}
    found = order(recommender, observed=tried)
    assert set(found) == set(KB.configurations) - set(tried)
    assert order(recommender, observed=dict.fromkeys(KB.configurations, 0.5)) == []
    assert order(recommender, observed={}) == order(recommender, observed=None) == order(recommender)


def test_observations_of_configurations_outside_the_knowledge_are_welcome(recommender):
    assert order(recommender, observed={Configuration("catboost"): 0.9}) == order(recommender)


def test_only_candidates_are_recommended(recommender):
    chosen = KB.configurations[2:7]
    assert set(order(recommender, candidates=chosen)) == set(chosen)
    assert order(recommender, candidates=iter([*chosen, *chosen])) == order(recommender, candidates=chosen)
    assert order(recommender, candidates=[]) == []
    assert set(order(recommender, candidates=chosen, observed={chosen[0]: 0.5})) == set(chosen[1:])


# -- the same answer -----------------------------------------------------------------------------------------------


def test_it_is_deterministic(recommender):
    one = fitted(recommender)
    assert one.recommend(NEW, n=9) == one.recommend(NEW, n=9) == fitted(recommender).recommend(NEW, n=9)
    assert one.strategy(NEW) == fitted(recommender).strategy(NEW)


def test_pickles_answer_alike(recommender):
    one = fitted(recommender)
    assert pickle.loads(pickle.dumps(one)).recommend(NEW, n=9) == one.recommend(NEW, n=9)


def test_it_is_a_scikit_learn_estimator(recommender):
    assert isinstance(recommender, Recommender)
    assert clone(recommender).get_params() == recommender.get_params()
    assert fitted(recommender).get_params() == recommender.get_params()
    again = type(recommender)().set_params(**recommender.get_params())
    assert order(again) == order(recommender)
    before = vars(recommender).copy()
    fitted(recommender).recommend(NEW)
    assert vars(recommender) == before


def test_fit_returns_itself_and_can_be_repeated(recommender):
    one = clone(recommender)
    assert one.fit(rich_knowledge(), metric="neg_log_loss") is one
    assert one.fit(KB).recommend(NEW, n=9) == fitted(recommender).recommend(NEW, n=9)


def test_it_changes_nothing_in_the_knowledge(recommender):
    for kb in (KB, rich_knowledge()):
        before = pickle.dumps(kb)
        one = fitted(recommender, kb)
        one.recommend(NEW, n=9, observed={kb.configurations[0]: 0.1})
        one.strategy(NEW)
        assert pickle.loads(before) == kb


def test_the_order_of_tasks_does_not_matter(recommender):
    M, Y = made_up_frames(n_tasks=30)
    expected = order(recommender, knowledge(Y, M))
    for seed in range(5):
        shuffled = Y.iloc[np.random.default_rng(seed).permutation(30)]
        assert order(recommender, knowledge(shuffled, M)) == expected


def test_the_order_of_tasks_does_not_matter_with_ties(recommender):
    M, Y = made_up_frames(n_tasks=30)
    M, Y = M.round(0), Y.round(1)
    expected = order(recommender, knowledge(Y, M))
    for seed in range(5):
        shuffled = Y.iloc[np.random.default_rng(seed).permutation(30)]
        assert order(recommender, knowledge(shuffled, M)) == expected


def test_the_order_of_configurations_does_not_matter(recommender):
    M, Y = made_up_frames()
    expected = order(recommender, knowledge(Y, M))
    for seed in range(5):
        shuffled = Y.iloc[:, np.random.default_rng(seed).permutation(9)]
        assert order(recommender, knowledge(shuffled, M)) == expected


def test_where_a_task_lies_and_the_unit_of_scores_do_not_matter(recommender):
    M, Y = made_up_frames(n_tasks=30)
    other = 8 * Y.add(np.random.default_rng(0).normal(size=30), axis=0)
    assert order(recommender, knowledge(other, M)) == order(recommender, knowledge(Y, M))
    larger = knowledge(64 * Y, M)
    observed = {c: Y.iloc[3, j] for j, c in enumerate(larger.configurations[:4])}
    found = order(recommender, larger, observed={c: 64 * score for c, score in observed.items()})
    assert found == order(recommender, knowledge(Y, M), observed=observed)


def test_the_unit_of_meta_features_does_not_matter(recommender):
    M, Y = made_up_frames()
    assert order(recommender, knowledge(Y, 8 * M), 8 * NEW) == order(recommender, knowledge(Y, M))


# -- meta-features -------------------------------------------------------------------------------------------------


def test_meta_features_as_series_mapping_or_array(recommender):
    expected = order(recommender)
    assert order(recommender, meta_features=NEW[::-1]) == expected
    assert order(recommender, meta_features=NEW.to_dict()) == expected
    assert order(recommender, meta_features=NEW.to_numpy()) == expected
    assert order(recommender, meta_features=list(NEW)) == expected
    assert order(recommender, meta_features={**NEW, "unheard_of": 1.0}) == expected


def test_missing_meta_features_are_nan(recommender):
    partly = NEW.copy()
    partly["m1"] = np.nan
    assert order(recommender, meta_features=NEW.drop("m1")) == order(recommender, meta_features=partly)


def test_meta_features_that_say_nothing_are_none(recommender):
    expected = order(recommender, meta_features=None)
    assert order(recommender, meta_features=NEW * np.nan) == expected
    assert order(recommender, meta_features={}) == expected
    assert order(recommender, meta_features={"unheard_of": 1.0}) == expected


def test_infinite_meta_features_are_unknown(recommender):
    M, Y = made_up_frames()
    for known in (M, M.assign(another=np.r_[np.inf, np.zeros(len(M) - 1)])):
        infinite = known.iloc[4].copy()
        infinite.iloc[1] = -np.inf
        kb = knowledge(Y, known)
        assert order(recommender, kb, infinite) == order(recommender, kb, infinite.replace(-np.inf, np.nan))
        assert fitted(recommender, kb).novelty(infinite) >= 0


def test_meta_features_of_another_length_are_refused(recommender):
    message = r"meta_features has shape \(2,\); the knowledge has 4 meta-features. Pass a Series or a mapping"
    with pytest.raises(ValueError, match=message):
        fitted(recommender).recommend([1.0, 2.0])


def test_knowledge_without_meta_features(recommender):
    kb = knowledge(made_up_frames()[1])
    assert order(recommender, kb, NEW) == order(recommender, kb, None) == order(recommender, KB, None)


def test_holes_in_known_meta_features(recommender):
    M, Y = made_up_frames()
    M.iloc[::2, 1] = np.nan
    M.iloc[3] = np.nan
    assert len(order(recommender, knowledge(Y, M))) == 9
    assert order(recommender, knowledge(Y, M * np.nan)) == order(recommender, KB, None)


# -- little, odd and missing evaluations ---------------------------------------------------------------------------


@pytest.mark.parametrize("shape", [(1, 1), (1, 5), (2, 5), (5, 1), (2, 1)])
def test_few_tasks_and_configurations(recommender, shape):
    kb = made_up_knowledge(*shape)
    for meta_features in (NEW, None):
        one = fitted(recommender, kb)
        assert set(order(recommender, kb, meta_features)) == set(kb.configurations)
        assert sum(one.strategy(meta_features).values()) == pytest.approx(1)


def test_flat_tasks_change_nothing(recommender):
    M, Y = made_up_frames()
    flat = Y.copy()
    flat[:] = 0.5
    assert len(order(recommender, knowledge(flat, M))) == 9


@pytest.mark.parametrize("share", [0.2, 0.6, 0.95])
def test_gaps(recommender, share):
    M, Y = made_up_frames()
    holes = Y.mask(np.random.default_rng(0).random(Y.shape) < share)
    assert set(order(recommender, knowledge(holes, M))) == set(Y.columns)
    for one in fitted(recommender, knowledge(holes, M)).recommend(NEW, n=9):
        assert np.isfinite(one.expected_score) == holes[one.configuration].notna().any()


def test_what_was_never_evaluated_comes_last(recommender):
    M, Y = made_up_frames()
    never = list(Y.columns[[0, 5]])
    Y[never] = np.nan
    found = order(recommender, knowledge(Y, M))
    assert found[-2:] == never
    assert found[:-2] == order(recommender, knowledge(Y.drop(columns=never), M))
    assert order(recommender, knowledge(Y, M), candidates=never) == never
    assert order(recommender, knowledge(Y, M), candidates=never, observed={never[0]: 0.5}) == never[1:]
    last = fitted(recommender, knowledge(Y, M)).recommend(NEW, n=9)[-1]
    assert np.isnan([last.expected_score, *last.interval, last.expected_seconds]).all()
    assert last.reason.startswith("nothing is known of it")
    assert fitted(recommender, knowledge(Y, M)).strategy(NEW, candidates=never) == {}


def test_a_task_without_scores_is_no_task(recommender):
    M, Y = made_up_frames()
    Y.iloc[[0, 7]] = np.nan
    kb = knowledge(Y, M, task_type="classification")
    without = kb.exclude(tasks=[Y.index[0], Y.index[7]])
    assert fitted(recommender, kb).recommend(NEW, n=9) == fitted(recommender, without).recommend(NEW, n=9)


def with_status(word):
    """The best configuration of one task, which the others did not get to see: missing, timeout or failed there."""
    M, Y = made_up_frames()
    scores = Y.to_numpy().copy()
    scores[0, 0] = scores.max() + 1
    scores[1:, 0] = np.nan
    status = np.ones(scores.shape, int)
    status[1:, 0] = ("missing", "ok", "timeout", "failed").index(word)
    return KnowledgeBase(Y.index, Y.columns, {"accuracy": scores}, status=status, meta_features=M)


@pytest.mark.parametrize("word", ["timeout", "failed"])
def test_failures_count_as_the_worst_and_gaps_do_not(recommender, word):
    shining = with_status("missing").configurations[0]
    far = with_status("missing").meta_features.iloc[5]
    assert order(recommender, with_status("missing"), far)[0] == shining
    assert order(recommender, with_status(word), far)[0] != shining


def test_what_failed_everywhere_is_still_evaluated(recommender):
    Y = made_up_frames()[1]
    kb = KnowledgeBase(
        Y.index,
        made_up_configurations(11),
        {"accuracy": np.c_[np.full((12, 2), np.nan), Y]},
        status=np.c_[np.full((12, 1), 3), np.zeros((12, 1), int), np.ones(Y.shape, int)],
    )
    assert order(recommender, kb, None)[-2:] == list(kb.configurations[:2])
    assert order(recommender, kb, None, n=10)[-1] == kb.configurations[0]


def test_what_is_always_best_comes_first(recommender):
    M, Y = made_up_frames()
    for column in (0, 8):
        better = Y.copy()
        better.iloc[:, column] = Y.max(axis=1) + 0.1
        assert order(recommender, knowledge(better, M))[0] == Y.columns[column]
        better.iloc[:, column] = Y.min(axis=1) - 0.1
        assert order(recommender, knowledge(better, M))[0] != Y.columns[column]


@pytest.mark.parametrize("labels", [["a", "b"], [0, 1], [("w", 1), ("w", 2)], [frozenset("a"), None]], ids=repr)
def test_labels_of_any_hashable_type(recommender, labels):
    index = pd.Index(labels, tupleize_cols=False, dtype=object)
    Y = pd.DataFrame([[0.1, 0.9], [0.2, 0.8]], index=index, columns=index)
    M = pd.DataFrame([[0.1, 0.9], [0.2, 0.8]], index=index, columns=index)
    one = fitted(recommender, knowledge(Y, M))
    found = one.recommend(dict(zip(labels, [0.15, 0.85], strict=True)), n=2)
    assert [r.configuration.estimator for r in found] == labels[::-1]
    assert next(iter(one.strategy())) == labels[1]


# -- what a recommendation says ------------------------------------------------------------------------------------


def test_expectations_lie_within_what_was_measured(recommender):
    Y = KB.scores("accuracy")
    for one in fitted(recommender).recommend(NEW, n=9):
        column = Y[:, KB.configurations.index(one.configuration)]
        assert column.min() <= one.interval[0] <= one.interval[1] <= column.max()
        assert column.min() <= one.expected_score <= column.max()
        assert one.metric == "accuracy"


def test_similar_tasks_and_what_worked_there(recommender):
    Y = KB.scores("accuracy")
    for one in fitted(recommender).recommend(NEW, n=3):
        weights = [task.weight for task in one.similar_tasks]
        assert weights == sorted(weights, reverse=True)
        assert sum(weights) <= 1 + 1e-9
        for task in one.similar_tasks:
            row = Y[KB.tasks.index(task.task)]
            assert task.best_configuration == KB.configurations[row.argmax()]
            assert task.best_score == row.max()


def test_reasons_are_one_line(recommender):
    for meta_features in (NEW, None):
        for one in fitted(recommender).recommend(meta_features, n=9):
            assert isinstance(one, Recommendation)
            assert one.reason
            assert "\n" not in one.reason
            assert one.reason in str(one)


def test_recommendations_build_their_estimator(recommender):
    one = fitted(recommender).recommend(NEW, candidates=[KB.configurations[0]])[0]
    assert one.params == {"p": 0.0}
    kb = knowledge(pd.DataFrame({Configuration("lda"): [0.5]}), task_type="classification")
    built = fitted(recommender, kb).recommend()[0].estimator
    assert not hasattr(built, "classes_")
    assert built.fit(np.eye(4), [0, 0, 1, 1]).predict(np.eye(4)).shape == (4,)


def test_novelty_is_a_share_and_does_not_see_the_order_of_tasks(recommender):
    M, Y = made_up_frames(n_tasks=30)
    found = [fitted(recommender, knowledge(table, M)).novelty(NEW) for table in (Y, Y[::-1])]
    assert found[0] == found[1]
    assert 0 <= found[0] <= 1
    assert np.isnan(fitted(recommender).novelty(None))
    with pytest.raises(ValueError, match=r"meta_features has shape \(2,\)"):
        fitted(recommender).novelty([1.0, 2.0])


# -- the strategy --------------------------------------------------------------------------------------------------


def test_the_strategy_is_a_distribution_over_base_estimators(recommender):
    shares = fitted(recommender).strategy(NEW)
    assert set(shares) == {"svc", "random_forest", "k_neighbors"}
    assert sum(shares.values()) == pytest.approx(1)
    assert min(shares.values()) >= 0
    assert list(shares.values()) == sorted(shares.values(), reverse=True)


def test_the_strategy_knows_only_candidates(recommender):
    one = fitted(recommender)
    assert set(one.strategy(NEW, candidates=KB.configurations[:2])) == {"svc", "random_forest"}
    assert one.strategy(NEW, candidates=KB.configurations[:1]) == {"svc": pytest.approx(1)}
    assert one.strategy(NEW, candidates=[]) == {}


def test_the_strategys_temperature(recommender):
    M, Y = made_up_frames()
    Y.iloc[:, 4] = Y.max(axis=1) + 0.1
    one = fitted(recommender, knowledge(Y, M))
    assert one.strategy(NEW, temperature=1e-6) == {
        "random_forest": pytest.approx(1),
        "svc": pytest.approx(0),
        "k_neighbors": pytest.approx(0),
    }
    assert one.strategy(NEW, temperature=1e6) == pytest.approx(
        {"random_forest": 1 / 3, "svc": 1 / 3, "k_neighbors": 1 / 3}, abs=1e-4
    )
    assert one.strategy(NEW, observed={KB.configurations[0]: 0.5}).keys() == one.strategy(NEW).keys()


# -- errors --------------------------------------------------------------------------------------------------------


def test_it_must_be_fitted_first(recommender):
    for ask in (clone(recommender).recommend, clone(recommender).strategy, clone(recommender).novelty):
        with pytest.raises(NotFittedError, match="is not fitted yet"):
            ask(NEW)


@pytest.mark.parametrize("n", [0, -1, 1.5, "2", None])
def test_n_must_be_a_positive_integer(recommender, n):
    with pytest.raises(ValueError, match=f"n must be a positive integer, got {n!r} instead"):
        fitted(recommender).recommend(NEW, n=n)


@pytest.mark.parametrize("candidate", [Configuration("catboost"), "svc"])
def test_unknown_candidates_are_refused(recommender, candidate):
    one = fitted(recommender)
    for ask in (one.recommend, one.strategy):
        with pytest.raises(ValueError, match="is not among the 9 configurations of the knowledge; leave it out, or"):
            ask(NEW, candidates=[candidate])


@pytest.mark.parametrize("observed", [{"svc": 0.5}, [KB.configurations[0]], 0.5])
def test_observations_must_map_configurations(recommender, observed):
    one = fitted(recommender)
    for ask in (one.recommend, one.strategy):
        with pytest.raises(ValueError, match="observed must map Configuration objects to scores, got"):
            ask(NEW, observed=observed)


@pytest.mark.parametrize("temperature", [0, -0.1, np.nan])
def test_temperature_must_be_positive(recommender, temperature):
    with pytest.raises(ValueError, match="temperature must be positive, got"):
        fitted(recommender).strategy(NEW, temperature=temperature)


def test_knowledge_it_cannot_learn_from(recommender):
    with pytest.raises(TypeError, match=r"must be a KnowledgeBase, got DataFrame; tables become one by .*from_frames"):
        clone(recommender).fit(made_up_frames()[1])
    empty = knowledge(made_up_frames()[1] * np.nan)
    with pytest.raises(
        ValueError, match=r"nothing to learn from: KnowledgeBase\(12 tasks, .*\) has no score in 'accur"
    ):
        clone(recommender).fit(empty)
    with pytest.raises(ValueError, match="no metric 'accuracy'; it has none"):
        clone(recommender).fit(KnowledgeBase.from_evaluations([]))
    with pytest.raises(ValueError, match="no metric 'r2'; it has accuracy"):
        clone(recommender).fit(KB, metric="r2")


# -- speed ---------------------------------------------------------------------------------------------------------


def test_it_is_quick(recommender):
    rng = np.random.default_rng(0)
    kb = knowledge(pd.DataFrame(rng.random((180, 240))), pd.DataFrame(rng.normal(size=(180, 60))))
    new = kb.meta_features.iloc[0]

    def least_seconds(call, repeats=3):
        spent = []
        for _ in range(repeats):
            start = time.process_time()
            result = call()
            spent.append(time.process_time() - start)
        return min(spent), result

    fit_seconds, one = least_seconds(lambda: fitted(recommender, kb))
    assert fit_seconds < 1
    assert least_seconds(lambda: one.recommend(new, n=25))[0] < 0.1  # 0.005 measured
