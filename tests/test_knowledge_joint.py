import copy
import pickle

import numpy as np
import pytest
from _knowledge import rich_knowledge

from sklmeta import Configuration, KnowledgeBase
from sklmeta.knowledge import JointErrors

A, B, C = (Configuration(name) for name in ("svc", "mlp", "lda"))
LEFT = JointErrors(["one", "two"], [A, B], [[[4, 2], [2, 3]], [[1, np.nan], [np.nan, np.nan]]])
RIGHT = JointErrors(["two", "three"], [C, B], [[[9, 8], [8, 7]], [[6, 5], [5, 4]]])


def test_a_value():
    assert copy.deepcopy(LEFT) == pickle.loads(pickle.dumps(LEFT)) == LEFT != RIGHT
    assert hash(copy.deepcopy(LEFT)) == hash(LEFT)
    for joint in (LEFT, pickle.loads(pickle.dumps(LEFT))):
        with pytest.raises(ValueError, match="read-only"):
            joint.products[0, 0, 0] = 1


def test_both_together():
    both = LEFT.merged(RIGHT)
    assert (both.tasks, both.configurations) == (("one", "two", "three"), (A, B, C))
    _ = np.nan
    expected = [[[4, 2, _], [2, 3, _], [_, _, _]], [[1, _, _], [_, 7, 8], [_, 8, 9]], [[_, _, _], [_, 4, 5], [_, 5, 6]]]
    np.testing.assert_array_equal(both.products, expected)


def test_a_part():
    assert LEFT.part(["other", "two"], [C, A]) == JointErrors(["two"], [A], [[[1]]])
    assert LEFT.part(["other"], [A]) is None
    assert LEFT.part(["one"], [C]) is None


@pytest.mark.parametrize(
    ("products", "message"),
    [
        (np.zeros((1, 2, 2)), r"shape \(1, 2, 2\); their labels need \(2, 2, 2\)"),
        (np.array([[[1, 2], [3, 4]]] * 2), "must be symmetric"),
        (np.full((2, 2, 2), np.inf), "finite, NaN where unknown"),
    ],
)
def test_what_cannot_be(products, message):
    with pytest.raises(ValueError, match=message):
        JointErrors(["one", "two"], [A, B], products)


def test_knowledge_keeps_them_with_its_parts_and_mergers():
    kb = rich_knowledge()
    first, second = kb.configurations[:2]
    assert kb.exclude(tasks=["a"]).joint_errors == kb.joint_errors.part(["c"], [first, second])
    assert kb.select(configurations=[second]).joint_errors.products.tolist() == [[[0.5]], [[0.3]]]
    assert kb.exclude(tasks=["a", "c"]).joint_errors is None
    backwards = kb.joint_errors.part(["c", "a"], [second, first])
    assert backwards != kb.joint_errors
    assert kb.with_joint_errors(backwards) == kb
    assert kb.merge(kb.exclude(tasks=["a", "c"])) == kb
    assert kb.with_joint_errors(None) != kb
    assert kb.with_joint_errors(None).with_joint_errors(kb.joint_errors) == kb


def test_knowledge_takes_none_of_what_it_does_not_have():
    kb = rich_knowledge()
    with pytest.raises(ValueError, match="no task 'one'"):
        kb.with_joint_errors(LEFT)
    with pytest.raises(ValueError, match="no configuration"):
        kb.with_joint_errors(JointErrors(["a"], [A], [[[1]]]))


def test_a_compact_file_rounds_correlations(tmp_path):
    rng = np.random.default_rng(0)
    errors = rng.normal(size=(6, 500)) * [[0.01], [1], [1], [1], [30], [0]] + rng.normal(size=500)
    errors[5] = 0  # a model without errors
    products = errors @ errors.T / 500
    names = [Configuration("svc", {"C": float(j)}) for j in range(6)]
    kb = KnowledgeBase(["t"], names, {"accuracy": np.ones((1, 6))}, joint_errors=JointErrors(["t"], names, [products]))
    kb.save(tmp_path / "kb.zip", compact=True)
    again = KnowledgeBase.load(tmp_path / "kb.zip").joint_errors
    scale = np.sqrt(np.outer(np.diag(products), np.diag(products)))
    apart = scale - products
    np.testing.assert_allclose(again.products[0], products, atol=1e-6 * scale.max(), rtol=1e-6 + 5e-4 * apart.max())
    assert (np.abs(again.products[0] - products) <= 5e-4 * np.abs(apart) + 1e-6 * scale).all()


def test_what_came_to_nothing_later_has_no_joint_errors_in_a_merger():
    pair = [Configuration("svc"), Configuration("lda")]
    known = JointErrors(["a"], pair, [[[0.1, 0.05], [0.05, 0.2]]])
    first = KnowledgeBase(["a"], pair, {"accuracy": np.array([[0.9, 0.8]])}, joint_errors=known)
    later = KnowledgeBase(["a"], pair[:1], {"accuracy": np.array([[np.nan]])}, status=np.array([[3]]))
    np.testing.assert_array_equal(first.merge(later).joint_errors.products, [[[np.nan, np.nan], [np.nan, 0.2]]])
    assert later.merge(first).joint_errors == known
