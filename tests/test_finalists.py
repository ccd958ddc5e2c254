import numpy as np
import pandas as pd
import pytest
from sklearn.datasets import load_breast_cancer, load_iris

from sklmeta import Configuration, Dataset, KnowledgeBase, collect
from sklmeta.exceptions import TimeLimitExceeded
from sklmeta.finalists import collect_joint_errors, collect_larger_parts, finalists
from sklmeta.knowledge.sizes import whole_tables

LIST = [
    Configuration("gaussian_nb"),
    Configuration("lda"),
    *(Configuration("k_neighbors", {"n_neighbors": k}) for k in (1, 5, 40)),
]
TABLES = [
    Dataset("iris", *load_iris(return_X_y=True)),
    Dataset("cancer", *load_breast_cancer(return_X_y=True), provenance={"source": "a hospital"}),
]


@pytest.fixture(scope="module")
def known():
    return collect(TABLES, LIST, max_rows=200, time_limit=None)


def test_finalists_come_from_each_metrics_portfolio_in_turn():
    right = pd.DataFrame({"a": [0.9, 0.1], "b": [0.1, 0.8], "c": [0.0, 0.0], "d": [0.0, 0.05]})
    ranked = pd.DataFrame({"a": [0.5, 0.5], "b": [0.5, 0.5], "c": [0.9, 0.8], "d": [0.1, 0.9]})
    kb = KnowledgeBase.from_frames(None, {"accuracy": right, "roc_auc": ranked})
    assert [c.estimator for c in finalists(kb, 3)] == ["a", "c", "b"]
    assert [c.estimator for c in finalists(kb)] == ["a", "c", "b", "d"]


def test_joint_errors_are_those_of_the_rows_that_were_measured(known, tmp_path):
    both = collect_joint_errors(known, TABLES, 3, time_limit=None, checkpoint=tmp_path)
    assert both.tasks == both.joint_errors.tasks == known.tasks
    assert set(both.joint_errors.configurations) == set(finalists(known, 3))
    columns = [known.configurations.index(c) for c in both.joint_errors.configurations]
    factor = np.array([[1.0], [2.0]])  # of two classes, scikit-learn halves the sum over classes
    alone = np.diagonal(both.joint_errors.products, axis1=1, axis2=2)
    np.testing.assert_allclose(alone, -known.scores("neg_brier_score")[:, columns] * factor, rtol=0.02)
    again = collect_joint_errors(known, TABLES, 3, time_limit=None, checkpoint=tmp_path, measured_only=True)
    np.testing.assert_allclose(again.joint_errors.products, both.joint_errors.products, rtol=1e-4)


def test_what_is_measured_only_is_measured_only(known, tmp_path):
    collect_joint_errors(known, TABLES[:1], 2, time_limit=None, checkpoint=tmp_path)
    some = collect_joint_errors(known, TABLES, 2, checkpoint=tmp_path, measured_only=True)
    assert some.joint_errors.tasks == ("iris",)
    larger = {"max_rows": 400, "checkpoint": tmp_path / "larger", "measured_only": True}
    assert collect_larger_parts(known, TABLES, 2, **larger).tasks == known.tasks
    assert collect_joint_errors(known, TABLES[1:], 2, checkpoint=tmp_path, measured_only=True) is known


def test_what_was_stopped_is_left_alone_where_nothing_may_be_measured(known, tmp_path, monkeypatch):
    def stop(*args, seconds):
        raise TimeLimitExceeded(f"stopped after {seconds:g} seconds")

    how = {"checkpoint": tmp_path, "max_rows": 400}
    monkeypatch.setattr("sklmeta.collecting.call_with_limit", stop)
    stopped = collect_larger_parts(known, TABLES, 2, time_limit=5.0, **how)
    assert (stopped.status[2] == "timeout").sum() == 2
    monkeypatch.setattr("sklmeta.collecting.call_with_limit", lambda *_, **__: pytest.fail("measured again"))
    assert collect_larger_parts(known, TABLES, 2, time_limit=60.0, measured_only=True, **how) == stopped


def test_a_journal_of_fewer_finalists_is_not_complete_and_grows(known, tmp_path):
    two = collect_joint_errors(known, TABLES[:1], 2, time_limit=None, checkpoint=tmp_path)
    more = [*two.joint_errors.configurations, *(c for c in LIST if c not in two.joint_errors.configurations)][:3]
    (tmp_path / "finalists.txt").write_text("\n".join(c.to_json() for c in more))
    assert collect_joint_errors(known, TABLES[:1], 3, checkpoint=tmp_path, measured_only=True) is known
    three = collect_joint_errors(known, TABLES[:1], 3, time_limit=None, checkpoint=tmp_path)
    assert np.isfinite(three.joint_errors.products).all()
    assert three.joint_errors.products.shape == (1, 3, 3)
    again = collect_joint_errors(known, TABLES[:1], 3, checkpoint=tmp_path, measured_only=True)
    np.testing.assert_allclose(again.joint_errors.products, three.joint_errors.products, rtol=1e-4)


def test_fewer_finalists_than_asked_for_go_on_all_the_same(tmp_path):
    few = collect(TABLES, LIST[:2], max_rows=200, time_limit=None)
    for _ in range(2):
        both = collect_joint_errors(few, TABLES, time_limit=None, checkpoint=tmp_path)
        assert set(both.joint_errors.configurations) == set(few.configurations)


def test_a_table_that_was_cut_becomes_a_second_task_of_its_family(known, tmp_path):
    both = collect_larger_parts(known, TABLES, 3, max_rows=400, time_limit=None, checkpoint=tmp_path)
    assert both.tasks == ("iris", "cancer", "cancer, 400 rows")
    assert both.families == ("iris", "cancer", "cancer")
    assert both.provenance["cancer, 400 rows"] == {"source": "a hospital", "part_of": "cancer", "rows_used": 400}
    assert (both.status[2] == "ok").sum() == 3
    assert whole_tables(both).tasks == known.tasks
    assert both.select(tasks=known.tasks).info["protocol"] == known.info["protocol"]
    np.testing.assert_array_equal(both.scores("accuracy")[:2], known.scores("accuracy"))
    chosen = both.status[2] == "ok"
    direct = collect(TABLES[1:], [c for c, on in zip(LIST, chosen, strict=True) if on], max_rows=400, time_limit=None)
    np.testing.assert_array_equal(both.scores("accuracy")[2, chosen], direct.scores("accuracy")[0])
    assert both.meta_features.loc["cancer, 400 rows", "log_rows"] == pytest.approx(np.log(400))
    assert both.joint_errors is None
    again = {"max_rows": 400, "checkpoint": tmp_path, "measured_only": True}
    assert collect_larger_parts(known, TABLES, 3, **again) == both


def test_the_finalists_of_a_folder_stay(known, tmp_path):
    first = collect_joint_errors(known, TABLES[:1], 2, time_limit=None, checkpoint=tmp_path)
    assert set(first.joint_errors.configurations) == set(finalists(known, 2))
    others = [c for c in LIST if c not in finalists(known, 2)][:2]
    (tmp_path / "finalists.txt").write_text("\n".join(c.to_json() for c in others))
    (tmp_path / "iris.jsonl").unlink()
    again = collect_joint_errors(known, TABLES[:1], 2, time_limit=None, checkpoint=tmp_path)
    assert set(again.joint_errors.configurations) == set(others)
    for collect_again in (collect_joint_errors, collect_larger_parts):
        with pytest.raises(ValueError, match="has 2 finalists, not 3; ask for as many, or use another folder"):
            collect_again(known, TABLES[:1], 3, time_limit=None, checkpoint=tmp_path)


def test_tables_that_were_not_cut_have_no_larger_part(known):
    assert collect_larger_parts(known, TABLES[:1], 2, time_limit=None) is known


def test_knowledge_of_unknown_origin_has_no_finalists():
    kb = KnowledgeBase.from_frames(None, {"accuracy": pd.DataFrame({"a": [0.5]}, index=["t"])})
    for collect_again in (collect_joint_errors, collect_larger_parts):
        with pytest.raises(ValueError, match="does not say how it was measured"):
            collect_again(kb, TABLES)
