import warnings
from collections import Counter

import numpy as np
import pytest
import sklearn
from _knowledge import rich_knowledge
from sklearn.datasets import load_breast_cancer

import sklmeta.knowledge.bundled as bundled
from sklmeta import Configuration, KnowledgeBase, MetaFeatureExtractor, load_knowledge, recommend_config
from sklmeta.catalogue import catalogue, default_configurations
from sklmeta.exceptions import VersionWarning
from sklmeta.knowledge.releases import CHANGES, changes_between
from sklmeta.knowledge.sizes import larger_parts, whole_tables


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.setattr(bundled, "FOLDER", tmp_path)
    return tmp_path


def test_it_is_read_once_and_shared(folder):
    rich_knowledge().save(folder / "classification.zip")
    first = load_knowledge()
    assert first == rich_knowledge()
    (folder / "classification.zip").unlink()
    assert load_knowledge() is load_knowledge("classification") is load_knowledge(task="classification") is first


def test_each_task_type_has_its_own_file(folder):
    KnowledgeBase.from_evaluations([], task_type="regression").save(folder / "regression.zip")
    assert load_knowledge("regression").task_type == "regression"


def test_other_task_types_are_refused():
    with pytest.raises(ValueError, match=r"task must be 'classification' or 'regression', got 'clustering' instead"):
        load_knowledge("clustering")


# -- versions ----------------------------------------------------------------------------------------------------

BALANCED = Configuration("extra_trees", {"bootstrap": True, "class_weight": "balanced"})
OTHERS = [
    Configuration("extra_trees", {"bootstrap": False, "class_weight": "balanced"}),
    Configuration("random_forest", {"bootstrap": True, "class_weight": None}),
    Configuration("svc", {"class_weight": "balanced"}),
]


@pytest.mark.parametrize(
    ("measured", "here", "expected"),
    [
        ("1.9.1", "1.8.2", [(1, 9)]),
        ("1.6.0", "1.10.0", [(1, 9)]),
        ("1.8.0, 1.9.0", "1.9.2", [(1, 9)]),
        ("1.9.1", "1.9.0", []),
        ("1.6.1", "1.8.0", []),
        ("1.9.1", "2.0.dev0", []),
        ("", "1.6.1", []),
        ("unknown, 2", "1.6.1", []),
    ],
)
def test_releases_between_that_changed_something(measured, here, expected):
    assert [c.release for c in changes_between(measured, here, [*OTHERS, BALANCED])] == expected
    assert changes_between(measured, here, OTHERS) == []


def knowledge_of(configuration, version):
    scores = {"accuracy": np.array([[0.9]])}
    return KnowledgeBase(
        ["t"], [configuration], scores, task_type="classification", info={"scikit-learn": version} if version else None
    )


OTHER = "1.8.0" if changes_between("1.8.0", sklearn.__version__, [BALANCED]) else "1.9.0"
X, Y = np.random.default_rng(0).normal(size=(60, 4)), np.arange(60) % 2


def test_a_scikit_learn_that_scores_otherwise_is_warned_of_where_it_matters():
    balanced, plain = knowledge_of(BALANCED, OTHER), knowledge_of(OTHERS[0], OTHER)
    message = rf"with scikit-learn {OTHER}, this is {sklearn.__version__}: .*'balanced'.* may score otherwise"
    with pytest.warns(VersionWarning, match=message):
        recommend_config(X, Y, knowledge=balanced)
    with warnings.catch_warnings():
        warnings.simplefilter("error", VersionWarning)
        recommend_config(X, Y, knowledge=plain)
        recommend_config(X, Y, knowledge=plain.merge(balanced))


@pytest.mark.parametrize("version", ["0.1", "1.6.0", "1.9.0", "99.0", None])
def test_other_versions_alone_are_no_reason_to_warn(version):
    with warnings.catch_warnings():
        warnings.simplefilter("error", VersionWarning)
        recommend_config(X, Y, knowledge=knowledge_of(OTHERS[0], version))


def test_what_a_change_concerns_is_in_the_catalogue():
    for change in CHANGES:
        for name in change.estimators:
            entry = catalogue("classification").get(name) or catalogue("regression")[name]
            assert {param for param, _ in change.params} <= set(entry.estimator.get_params())


# -- what is in it -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("task", "least"), [("classification", 90), ("regression", 75)])
def test_what_is_bundled(task, least):
    knowledge = load_knowledge(task)
    assert knowledge.task_type == task
    assert len(knowledge) >= least
    assert list(knowledge.meta_features.columns) == list(MetaFeatureExtractor().get_feature_names_out(task))
    assert np.isfinite(knowledge.meta_features.to_numpy()).all()
    whole, parts = whole_tables(knowledge), set(larger_parts(knowledge).values())
    assert (whole.status == "ok").mean() > 0.95
    assert len(parts) >= 20
    on_more_rows = knowledge.select(tasks=parts).status
    known_there = (on_more_rows != "missing").any(axis=0)
    assert known_there.sum() == 40
    assert (on_more_rows[:, known_there] == "ok").mean() > 0.95
    joint = knowledge.joint_errors
    assert set(joint.tasks) <= set(whole.tasks)
    assert len(joint.tasks) > 0.8 * len(whole)
    assert {c.estimator for c in joint.configurations} >= set(catalogue(task)) - {"gaussian_nb", "lda"}
    assert set(knowledge.provenance) == set(knowledge.tasks)
    per_estimator = Counter(c.estimator for c in knowledge.configurations)
    assert list(per_estimator) == list(catalogue(task))
    assert set(default_configurations(task, 12)) <= set(knowledge.configurations), "good practice is in it"


def test_bundled_meta_features_are_those_of_this_version():
    X, y = load_breast_cancer(return_X_y=True, as_frame=True)
    now = MetaFeatureExtractor().extract(X, y, task="classification")
    then = load_knowledge("classification").meta_features.loc["breast_cancer_wdbc"]
    # the same rows in another order: what depends on folds differs a little, the description does not
    exact = [n for n in now.index if not n.startswith(("landmark", "gain", "curve", "relative", "ranking"))]
    np.testing.assert_allclose(then[exact], now[exact], rtol=1e-3, atol=1e-3)


def test_the_tables_of_the_readme_are_not_in_the_knowledge():
    assert "wine_cultivar" not in load_knowledge("classification").families
