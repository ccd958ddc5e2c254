import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import sklearn
from sklearn.datasets import load_breast_cancer, load_diabetes, load_iris, load_wine

from sklmeta import Configuration, Dataset, KnowledgeBase, collect, load_knowledge
from sklmeta.finalists import collect_larger_parts
from sklmeta.verification import COLUMNS, verify

LDA, NB, KNN = Configuration("lda"), Configuration("gaussian_nb"), Configuration("k_neighbors", {"n_neighbors": 3})
TABLES = {"iris": load_iris(return_X_y=True), "wine": load_wine(return_X_y=True)}
CLOSED_FORM = ("lda", "gaussian_nb", "ridge")  # no random numbers, no iteration: the same on any machine


@pytest.fixture(scope="module")
def measured():
    return collect(TABLES, [LDA, NB, KNN], cv=4, max_rows=120, random_state=3, time_limit=None)


def changed(knowledge, task, configuration, metric, by):
    """The same knowledge with one score off."""
    scores = {m: knowledge.scores(m).copy() for m in knowledge.metrics}
    scores[metric][knowledge.tasks.index(task), knowledge.configurations.index(configuration)] += by
    return KnowledgeBase(
        knowledge.tasks,
        knowledge.configurations,
        scores,
        status=knowledge.status_codes,
        provenance=knowledge.provenance,
        task_type=knowledge.task_type,
        info=knowledge.info,
    )


def test_what_was_measured_here_repeats_exactly(measured):
    found = verify(measured, TABLES)
    assert list(found.columns) == COLUMNS
    assert len(found) == 2 * 3 * len(measured.metrics)
    assert set(found["verdict"]) == {"same"}
    assert (found["tolerance"] == 1e-6).all()
    np.testing.assert_allclose(found["again"], found["stored"], atol=1e-12)


def test_a_wrong_score_is_found_and_named(measured):
    found = verify(changed(measured, "wine", KNN, "roc_auc", 2e-6), TABLES)
    (row,) = found[found["verdict"] != "same"].itertuples()
    assert (row.task, row.configuration, row.metric, row.verdict) == ("wine", KNN, "roc_auc", "differs")


def test_a_larger_part_is_measured_on_its_table(measured):
    datasets = [Dataset(name, X, y) for name, (X, y) in TABLES.items()]
    both = collect_larger_parts(measured, datasets, 2, max_rows=130, time_limit=None)
    parts = {"iris, 130 rows", "wine, 130 rows"}
    assert set(both.tasks) == parts | set(TABLES)
    found = verify(both, TABLES, n=100)
    assert set(found["task"]) == set(both.tasks)
    assert set(found["verdict"]) == {"same"}
    only_wine = verify(both, {"wine": TABLES["wine"]}, n=100)
    assert set(only_wine["task"]) == {"wine", "wine, 130 rows"}
    wrong = verify(changed(both, "wine, 130 rows", found["configuration"].iloc[-1], "accuracy", 0.01), TABLES, n=100)
    assert set(wrong.loc[wrong["verdict"] == "differs", "task"]) == {"wine, 130 rows"}


def test_the_draw(measured):
    def pairs(**kwargs):
        found = verify(measured, TABLES, **kwargs)
        return list(dict.fromkeys(zip(found["task"], found["configuration"], strict=True)))

    assert len(pairs(n=4)) == 4
    assert pairs(n=4) == pairs(n=4)
    assert any(pairs(n=2) != pairs(n=2, random_state=seed) for seed in range(1, 6))


def test_a_compact_file_is_compared_within_its_rounding(measured, tmp_path):
    measured.save(tmp_path / "kb.zip", compact=True)
    rounded = KnowledgeBase.load(tmp_path / "kb.zip")
    found = verify(rounded, TABLES)
    assert set(found["verdict"]) == {"same"}
    shortfall = [
        rounded.scores(m)[rounded.tasks.index(t)].max() for t, m in zip(found["task"], found["metric"], strict=True)
    ]
    np.testing.assert_allclose(found["tolerance"], 1e-6 + (shortfall - found["stored"]) / 2048)
    assert not np.allclose(found["again"], found["stored"], atol=1e-6, rtol=0), "then rounding needs no tolerance"
    wrong = verify(changed(rounded, "wine", KNN, "neg_log_loss", 0.01), TABLES)
    assert (wrong["verdict"] == "differs").sum() == 1


def test_a_score_beyond_16_bits_only_has_to_be_as_bad(tmp_path):
    scores = {"r2": np.array([[0.5, -2e5]])}
    kb = KnowledgeBase(
        ["t"],
        [Configuration("ridge", {"alpha": a}) for a in (1.0, 2.0)],
        scores,
        task_type="regression",
        info={"protocol": {"cv": 3, "max_rows": None, "random_state": 0}},
    )
    kb.save(tmp_path / "kb.zip", compact=True)
    found = verify(KnowledgeBase.load(tmp_path / "kb.zip"), {"t": load_diabetes(return_X_y=True)})
    assert found["tolerance"].tolist() == [1e-6, np.inf]


def test_from_a_folder_only_what_is_drawn_is_read(measured, tmp_path):
    X, y = TABLES["iris"]
    pd.DataFrame(X, columns=list("abcd")).assign(species=y).to_csv(tmp_path / "iris.csv", index=False)
    (tmp_path / "broken.csv").write_text("no table")
    found = verify(measured, tmp_path, target="species")
    assert set(found["task"]) == {"iris"}
    assert (found["stored"] - found["again"]).abs().max() < 1e-6


def test_failures_are_told_with_their_reason(measured):
    broken = Configuration("k_neighbors", {"n_neighbors": 119})  # more than a fold's training part has rows
    kb = KnowledgeBase(
        ["iris"],
        [broken],
        {"accuracy": np.array([[0.9]])},
        task_type="classification",
        info=measured.info,
    )
    (row,) = verify(kb, TABLES).itertuples()
    assert np.isnan(row.again)
    assert row.verdict.startswith("failed: ValueError: ")


def test_another_table_of_that_name(measured):
    X, y = TABLES["iris"]
    with pytest.raises(ValueError, match=r"'iris' was measured on 120 rows; the table gives 100, so it"):
        verify(measured, {"iris": (X[:100], y[:100])})


def test_no_table_of_a_known_name(measured):
    with pytest.raises(ValueError, match=r"nothing to repeat: none of the knowledge's tasks, such as \['iris', 'wine"):
        verify(measured, {"flowers": TABLES["iris"]})


def test_no_folder(measured, tmp_path):
    with pytest.raises(FileNotFoundError, match=r"nowhere is not a folder\. Give one that holds"):
        verify(measured, tmp_path / "nowhere")


def test_knowledge_that_was_not_collected():
    scores = pd.DataFrame({"lda": [0.9]}, index=["iris"])
    kb = KnowledgeBase.from_frames(None, {"accuracy": scores}, task_type="classification")
    with pytest.raises(ValueError, match=r"not say how it was measured: its info lacks cv, max_rows, random"):
        verify(kb, TABLES)


def test_the_version_is_of_those_who_measured_not_of_who_read_the_journals(tmp_path):
    tables = {"iris": TABLES["iris"]}
    collect(tables, [NB], time_limit=None, checkpoint=tmp_path)
    journal = tmp_path / "iris.jsonl"
    journal.write_text(journal.read_text().replace(f'"{sklearn.__version__}"', '"1.0"'))
    assert collect(tables, [NB], time_limit=None, checkpoint=tmp_path).info["scikit-learn"] == "1.0"
    both = collect(tables, [NB, LDA], time_limit=None, checkpoint=tmp_path)
    assert both.info["scikit-learn"] == f"1.0, {sklearn.__version__}"


# -- the bundled knowledge, on the tables of it that scikit-learn has -------------------------------------------


def bundled_table(name):
    """A table of the bundled knowledge: scikit-learn's rows, in the order in which they were measured."""
    order = json.loads((Path(__file__).parent / "data" / "row_orders.json").read_text())[name]
    data = {"breast_cancer_wdbc": load_breast_cancer, "diabetes_sklearn": load_diabetes}[name](as_frame=True)
    target = data.target_names[data.target] if "target_names" in data else data.target.to_numpy()
    return Dataset(name, data.data.iloc[order].reset_index(drop=True), target[order])


@pytest.mark.parametrize(
    ("task", "name"), [("classification", "breast_cancer_wdbc"), ("regression", "diabetes_sklearn")]
)
def test_the_bundled_knowledge_repeats(task, name):
    knowledge = load_knowledge(task)
    steady = [c for c in knowledge.configurations if c.estimator in CLOSED_FORM]
    found = verify(knowledge.select(tasks=[name], configurations=steady), [bundled_table(name)], n=10)
    assert len(found) == 10 * len(knowledge.metrics)
    np.testing.assert_allclose(found["again"], found["stored"], atol=2e-3)  # the rounding of a compact file


@pytest.mark.parametrize(
    ("task", "name"), [("classification", "breast_cancer_wdbc"), ("regression", "diabetes_sklearn")]
)
def test_the_bundled_knowledge_repeats_elsewhere_within_its_errors(task, name):
    """Any estimator; other versions and processors may split a tie otherwise."""
    knowledge = load_knowledge(task)
    found = verify(knowledge.select(tasks=[name]), [bundled_table(name)], n=8)
    i = knowledge.tasks.index(name)
    at = [knowledge.configurations.index(c) for c in found["configuration"]]
    errors = [knowledge.standard_errors(metric)[i, j] for metric, j in zip(found["metric"], at, strict=True)]
    assert not found["verdict"].str.startswith("failed").any()
    assert (np.abs(found["again"] - found["stored"]) <= found["tolerance"] + 2 * np.array(errors)).all()
