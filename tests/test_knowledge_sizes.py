import numpy as np
import pandas as pd
import pytest
from _knowledge import made_up_knowledge

from sklmeta import Configuration, KnowledgeBase
from sklmeta.knowledge import JointErrors
from sklmeta.knowledge.sizes import at_full_size, carried_over, larger_parts, tables_of_parts, whole_tables
from sklmeta.recommenders import Forest, NearestTasks, Portfolio, TaskMixture
from sklmeta.recommenders.forest import learned_ahead

A, B, C, D = (Configuration(name) for name in "abcd")
_ = np.nan


@pytest.fixture
def kb():
    """Two small tables, and a larger one: a is best on its small part, b on the larger; d was stopped there."""
    scores = np.array([[0.9, 0.8, 0.7, 0.6], [0.9, 0.8, 0.7, 0.6], [0.8, 0.6, 0.7, 0.5], [0.7, 0.9, _, _]])
    status = np.array([[1, 1, 1, 1], [1, 1, 1, 1], [1, 1, 1, 1], [1, 1, 0, 2]])
    products = np.array([[[1.0, 0.5], [0.5, 2.0]], [[3.0, 0.7], [0.7, 4.0]], [[5.0, 0.9], [0.9, 6.0]]])
    tasks = ["one", "two", "wide", "wide, 9000 rows"]
    return KnowledgeBase(
        tasks,
        [A, B, C, D],
        {"accuracy": scores, "roc_auc": scores - 0.1},
        status=status,
        meta_features=pd.DataFrame({"log_rows": np.log([900, 1000, 3000, 9000]), "other": [1.0, 2.0, 3.0, 4.0]}),
        standard_errors={"accuracy": np.full((4, 4), 0.01), "roc_auc": np.full((4, 4), 0.02)},
        fit_seconds=np.where(np.isfinite(scores), np.arange(16.0).reshape(4, 4), _),
        families=["one", "two", "wide", "wide"],
        provenance={"one": {}, "wide, 9000 rows": {"part_of": "wide"}},
        joint_errors=JointErrors(["one", "wide", "wide, 9000 rows"], [A, B], products),
        task_type="classification",
        info={"scikit-learn": "1.9"},
    )


def test_tables_without_their_larger_parts(kb):
    assert larger_parts(kb) == {"wide": "wide, 9000 rows"}
    assert whole_tables(kb) == kb.select(tasks=["one", "two", "wide"])
    assert whole_tables(whole_tables(kb)) == whole_tables(kb)
    small = kb.exclude(families=["wide"])
    assert whole_tables(small) is small
    assert larger_parts(kb.exclude(tasks=["wide"])) == {}, "a part of nothing is a task like any other"


def test_of_several_larger_parts_the_largest_counts_and_none_is_a_table_of_its_own(kb):
    part = kb.select(tasks=["wide, 9000 rows"])
    middle = KnowledgeBase(
        ["wide, 5000 rows"],
        kb.configurations,
        {m: part.scores(m) - 0.2 for m in kb.metrics},
        meta_features=pd.DataFrame({"log_rows": [np.log(5000)], "other": [4.0]}),
        families=["wide"],
        provenance={"wide, 5000 rows": {"part_of": "wide"}},
        task_type="classification",
    )
    for several in (kb.merge(middle), middle.merge(kb)):
        assert larger_parts(several) == {"wide": "wide, 9000 rows"}
        assert set(tables_of_parts(several)) == {"wide, 5000 rows", "wide, 9000 rows"}
        assert whole_tables(several).tasks == ("one", "two", "wide")
        np.testing.assert_array_equal(at_full_size(several).scores("accuracy"), at_full_size(kb).scores("accuracy"))


def test_without_a_table_its_larger_part_is_gone_too(kb):
    ((table, part),) = list(larger_parts(kb).items())[:1]
    left = kb.exclude(tasks=[table])
    assert {table, part} == set(kb.tasks) - set(left.tasks)
    assert set(kb.exclude(tasks=[part]).tasks) == set(kb.tasks) - {part}


def test_without_a_family_its_larger_parts_are_gone_too_whatever_their_own_family(kb):
    larger = kb.select(tasks=["wide, 9000 rows"])
    alone = KnowledgeBase(
        larger.tasks, larger.configurations, {"accuracy": larger.scores("accuracy")}, provenance=larger.provenance
    )
    told = kb.exclude(tasks=["wide, 9000 rows"]).merge(alone)
    assert told.families[-1] == "wide, 9000 rows"
    assert told.exclude(families=["wide"]).tasks == ("one", "two")


def test_a_part_of_a_part_is_one_of_the_table(kb):
    row = kb.select(tasks=["wide, 9000 rows"])
    largest = KnowledgeBase(
        ["wide, all rows"],
        kb.configurations,
        {m: row.scores(m) + 0.05 for m in kb.metrics},
        meta_features=pd.DataFrame({"log_rows": [np.log(20000)], "other": [4.0]}),
        families=["wide"],
        provenance={"wide, all rows": {"part_of": "wide, 9000 rows"}},
        task_type="classification",
    )
    told = kb.merge(largest)
    assert larger_parts(told) == {"wide": "wide, all rows"}
    assert whole_tables(told).tasks == ("one", "two", "wide")
    assert told.exclude(tasks=["wide"]).tasks == ("one", "two")
    assert Portfolio().fit(told).recommend({"log_rows": np.log(30000)})[0].configuration == B


def test_at_full_size_what_was_measured_on_more_rows_counts(kb):
    view = at_full_size(kb)
    assert view.tasks == ("one", "two", "wide")
    np.testing.assert_array_equal(view.scores("accuracy")[:2], kb.scores("accuracy")[:2])
    np.testing.assert_array_equal(view.scores("accuracy")[2, :2], [0.7, 0.9])
    np.testing.assert_array_equal(view.status[2], ["ok", "ok", "ok", "timeout"])
    assert view.scores("accuracy")[2, 2] == pytest.approx(0.8), "a line that falls is taken to be flat"
    assert np.isnan(view.scores("accuracy")[2, 3])
    np.testing.assert_array_equal(view.fit_seconds[2], [12, 13, _, _])
    np.testing.assert_array_equal(view.standard_errors("roc_auc")[2], [0.02, 0.02, _, 0.02])
    assert view.meta_features.loc["wide"].tolist() == [np.log(9000), 4.0]
    assert view.joint_errors == kb.joint_errors.part(["one", "two", "wide"], [A, B]), "those of the table stay"
    assert view.info["full_size"]
    assert at_full_size(kb.with_joint_errors(None)).joint_errors is None


def test_scores_are_carried_over_by_a_line():
    fewer, more = np.array([0.1, 0.2, 0.3, 0.25, 0.9, 0.0, _]), np.array([0.3, 0.5, 0.7, _, _, _, _])
    np.testing.assert_allclose(carried_over(fewer, more), [0.3, 0.5, 0.7, 0.6, 0.7, 0.3, _])
    np.testing.assert_array_equal(carried_over(np.array([0.4, _]), np.array([_, 0.5])), [0.4, 0.5])
    np.testing.assert_allclose(carried_over(np.array([0.4, 0.4, 0.1]), np.array([0.5, 0.7, _])), [0.5, 0.7, 0.6])


@pytest.mark.parametrize(
    "recommender", [Portfolio(), NearestTasks(), Forest(n_estimators=10), TaskMixture(n_estimators=10)], ids=repr
)
def test_large_tasks_are_advised_by_larger_parts(kb, recommender):
    kb = kb.exclude(families=["two"])  # so that the larger part decides
    fitted = recommender.fit(kb)
    assert fitted.recommend({"log_rows": np.log(3000), "other": 3.0})[0].configuration == A
    direct = type(recommender)(**recommender.get_params()).fit(at_full_size(kb))
    for features in ({"log_rows": np.log(8000), "other": 4.0}, [np.log(8000), 4.0]):
        large = fitted.recommend(features, n=4, observed={C: 0.5}, average=True)
        assert [r.configuration for r in large] == [
            r.configuration for r in direct.recommend(features, n=4, observed={C: 0.5}, average=True)
        ]
        assert fitted.strategy(features) == direct.strategy(features)
    assert fitted.fit(kb.exclude(tasks=["wide, 9000 rows"])).recommend([np.log(8000), 4.0])[0].configuration == A


def test_the_novelty_of_large_tasks_is_that_among_large_ones():
    small = made_up_knowledge()
    far = pd.DataFrame({name: [9.0] for name in small.meta_features}, index=["more of it"])
    part = KnowledgeBase(
        ["more of it"],
        small.configurations,
        {"accuracy": small.scores("accuracy")[:1]},
        meta_features=far,
        families=["task0"],
        provenance={"more of it": {"part_of": "task0"}},
    )
    kb = small.merge(part)
    fitted, features = NearestTasks().fit(kb), far.iloc[0] + 0.1
    assert fitted.novelty(features) == NearestTasks().fit(at_full_size(kb)).novelty(features)
    assert fitted.novelty(features) != NearestTasks().fit(small).novelty(features)


def test_what_is_known_of_larger_parts_changes_nothing_for_small_tasks(kb):
    small = kb.exclude(tasks=["wide, 9000 rows"])
    for features in ([6.0, 1.0], [np.log(3000), 3.0], {"other": 3.0}, None):
        with_parts, without = (TaskMixture(n_estimators=10).fit(k).recommend(features, n=4) for k in (kb, small))
        assert with_parts == without


def test_trees_are_learned_ahead_for_both_sizes(kb, tmp_path):
    learned_ahead(kb, TaskMixture(n_estimators=5)).save(tmp_path / "kb.zip")
    again = KnowledgeBase.load(tmp_path / "kb.zip")
    assert len(again.learned) == 4, "two metrics, two sizes"
    fitted = TaskMixture(n_estimators=5).fit(again, metric="roc_auc")
    for one, features in ((fitted, [6.0, 1.0]), (fitted.at_full_size_, [9.0, 4.0])):
        assert one.learned_key in again.learned
        anew = TaskMixture(n_estimators=5).fit(kb, metric="roc_auc").recommend(features, n=4)
        assert [r.configuration for r in fitted.recommend(features, n=4)] == [r.configuration for r in anew]
