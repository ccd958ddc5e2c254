import numpy as np
import pandas as pd
import pytest
from sklearn.datasets import load_breast_cancer, load_iris

from sklmeta import Configuration, Dataset, KnowledgeBase, collect
from sklmeta.finalists import collect_finalists, finalists
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


def test_a_table_that_was_cut_becomes_a_second_task_of_its_family(known, tmp_path):
    both = collect_finalists(known, TABLES, 3, max_rows=400, time_limit=None, checkpoint=tmp_path)
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
    assert both.joint_errors.tasks == ("iris", "cancer, 400 rows")
    assert set(both.joint_errors.configurations) == set(finalists(known, 3))
    assert np.isfinite(both.joint_errors.products).all()


def test_the_finalists_of_a_folder_stay(known, tmp_path):
    first = collect_finalists(known, TABLES[:1], 2, time_limit=None, checkpoint=tmp_path)
    assert set(first.joint_errors.configurations) == set(finalists(known, 2))
    others = [c for c in LIST if c not in finalists(known, 2)][:2]
    (tmp_path / "finalists.txt").write_text("\n".join(c.to_json() for c in others))
    (tmp_path / "iris.jsonl").unlink()
    again = collect_finalists(known, TABLES[:1], 2, time_limit=None, checkpoint=tmp_path)
    assert set(again.joint_errors.configurations) == set(others)
    with pytest.raises(ValueError, match="has 2 finalists, not 3; ask for as many, or use another folder"):
        collect_finalists(known, TABLES[:1], 3, time_limit=None, checkpoint=tmp_path)


def test_tables_that_were_not_cut_add_nothing(known):
    same = collect_finalists(known, TABLES[:1], 2, time_limit=None)
    assert same.tasks == known.tasks
    np.testing.assert_array_equal(same.scores("roc_auc"), known.scores("roc_auc"))


def test_knowledge_of_unknown_origin_has_no_finalists():
    kb = KnowledgeBase.from_frames(None, {"accuracy": pd.DataFrame({"a": [0.5]}, index=["t"])})
    with pytest.raises(ValueError, match="does not say how it was measured"):
        collect_finalists(kb, TABLES)
