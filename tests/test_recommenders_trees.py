"""Trees as arrays, and what is learned ahead."""

import zipfile

import numpy as np
import pytest
from _knowledge import made_up_knowledge, rich_knowledge
from sklearn.ensemble import ExtraTreesRegressor

from sklmeta import KnowledgeBase, load_knowledge
from sklmeta.exceptions import KnowledgeFormatError
from sklmeta.recommenders import Forest, TaskMixture
from sklmeta.recommenders.forest import learned_ahead
from sklmeta.recommenders.trees import Trees


@pytest.fixture
def forest():
    rng = np.random.default_rng(0)
    return ExtraTreesRegressor(20, min_samples_leaf=2, random_state=0).fit(
        rng.normal(size=(60, 5)), rng.normal(size=60)
    )


def test_they_send_rows_where_scikit_learn_does(forest):
    rows = np.random.default_rng(1).normal(size=(200, 5))
    trees = Trees.from_arrays(Trees.of(forest).arrays(), 5)
    np.testing.assert_array_equal(trees.apply(rows), forest.apply(rows))


def test_a_tree_without_a_split():
    stump = ExtraTreesRegressor(3, random_state=0).fit(np.zeros((4, 2)), np.zeros(4))
    np.testing.assert_array_equal(Trees.of(stump).apply(np.ones((2, 2))), np.zeros((2, 3)))


def test_trees_of_more_nodes_than_small_numbers_can_name():
    rng = np.random.default_rng(0)
    M = rng.normal(size=(20_000, 2))
    big = ExtraTreesRegressor(1, random_state=0).fit(M, rng.normal(size=20_000))
    assert big.estimators_[0].tree_.node_count > 2**15
    trees = Trees.of(big)
    np.testing.assert_array_equal(trees.apply(M[:200]), big.apply(M[:200]))


@pytest.mark.parametrize("child", [0, 10_000])
def test_damaged_trees_are_refused_and_never_walked_in_circles(forest, child):
    arrays = Trees.of(forest).arrays()
    arrays["left"] = arrays["left"].copy()
    arrays["left"][0, 0] = child
    with pytest.raises(ValueError, match="stored trees are damaged"):
        Trees.from_arrays(arrays, 5)


def test_trees_of_other_meta_features_or_without_an_array_are_refused():
    kb, one = made_up_knowledge(), Forest(n_estimators=3)
    arrays = one.fit(kb).trees_.arrays()
    wide = {**arrays, "feature": np.where(arrays["feature"] == 0, 7, arrays["feature"])}
    for wrong, what in ((wide, "one looks at meta-feature 7 of 4"), ({"left": arrays["left"]}, "no array 'feature'")):
        message = f"under learned.*trees of the best: 3, 1, 0, accuracy.* is of no use.*damaged: .*{what}.*with_learned"
        with pytest.raises(KnowledgeFormatError, match=message):
            one.fit(kb.with_learned({one.learned_key: wrong}))


@pytest.mark.parametrize(
    "recommender", [Forest(n_estimators=10), TaskMixture(n_estimators=10, random_state=3)], ids=repr
)
def test_what_was_learned_ahead_answers_as_what_is_learned_now(recommender, tmp_path, monkeypatch):
    kb = rich_knowledge()
    ahead = learned_ahead(kb, recommender)
    assert ahead == kb
    ahead.save(tmp_path / "kb.zip")
    loaded = KnowledgeBase.load(tmp_path / "kb.zip")
    assert loaded == kb
    features = kb.meta_features.iloc[0]
    expected = {m: recommender.fit(kb, metric=m).recommend(features, n=5) for m in kb.metrics}
    monkeypatch.setattr(Forest, "_grown", lambda self: pytest.fail("it was learned again"))
    for metric in kb.metrics:
        assert recommender.fit(loaded, metric=metric).recommend(features, n=5) == expected[metric]


def test_other_settings_and_parts_learn_for_themselves():
    kb = learned_ahead(made_up_knowledge(), TaskMixture(n_estimators=10))
    assert list(kb.learned) == [TaskMixture(n_estimators=10).fit(kb).learned_key]
    assert TaskMixture(n_estimators=12).fit(kb).trees_.feature.shape[0] == 12
    part = kb.exclude(tasks=kb.tasks[:1])
    assert part.learned == kb.select().learned == kb.merge(part).learned == {}
    assert len(TaskMixture(n_estimators=10).fit(part).leaves_) == len(kb) - 1


def test_what_was_learned_cannot_be_changed():
    kb = learned_ahead(made_up_knowledge(), Forest(n_estimators=3))
    with pytest.raises(ValueError, match="read-only"):
        next(iter(kb.learned.values()))["left"][0, 0] = 5


@pytest.mark.parametrize("task", ["classification", "regression"])
def test_the_bundled_knowledge_has_learned_ahead_for_the_default(task, monkeypatch):
    monkeypatch.setattr(Forest, "_grown", lambda self: pytest.fail("it was learned again"))
    kb = load_knowledge(task)
    for metric in kb.metrics:
        assert len(TaskMixture().fit(kb, metric=metric).recommend(kb.meta_features.iloc[0], n=3)) == 3


def test_a_file_whose_trees_are_cut_is_damaged(tmp_path):
    learned_ahead(made_up_knowledge(), Forest(n_estimators=3)).save(tmp_path / "kb.zip")
    with zipfile.ZipFile(tmp_path / "kb.zip") as whole, zipfile.ZipFile(tmp_path / "cut.zip", "w") as cut:
        for name in whole.namelist():
            cut.writestr(name, whole.read(name)[:50] if name == "learned_0_left.npy" else whole.read(name))
    with pytest.raises(KnowledgeFormatError, match="damaged"):
        KnowledgeBase.load(tmp_path / "cut.zip")
