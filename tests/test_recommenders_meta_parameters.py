"""The meta-gradient of the benchmark that learns the constants of TaskMixture."""

import importlib
from pathlib import Path

import numpy as np
import pytest
from _knowledge import made_up_knowledge
from scipy.optimize import check_grad

from sklmeta.recommenders import TaskMixture
from sklmeta.recommenders.kernels import agreement_weights, softmax


@pytest.fixture
def bench(monkeypatch):
    monkeypatch.syspath_prepend(str(Path(__file__).parent.parent / "benchmarks"))
    return importlib.import_module("meta_parameters")


@pytest.fixture
def fitted():
    return TaskMixture(n_estimators=30).fit(made_up_knowledge(n_tasks=20, n_configurations=15))


def test_the_loss_is_the_expected_regret_of_what_the_recommender_would_weigh(bench, fitted):
    for question in bench.questions(fitted)[:12]:
        p = 0.7 * question.prior + 0.3 * question.equal
        p = (1 - question.flatter) * p + question.flatter * question.equal
        w = p
        if len(question.new):
            posterior = agreement_weights(p, -question.known, -question.new, 0.8, 0.01)
            w = 0.8 * posterior + 0.2 * p
        weights = w * question.stakes / (w @ question.stakes)
        chance = softmax(weights @ question.value, bench.TEMPERATURE)
        theta = bench.unconstrained([0.8, 0.01, 0.3, 0.2])
        assert bench.loss_and_gradient(theta, question)[0] == pytest.approx(chance @ question.loss)


@pytest.mark.parametrize("seed", range(4))
def test_the_gradient_is_that_of_finite_differences(bench, fitted, seed):
    rng = np.random.default_rng(seed)
    theta = bench.unconstrained([0.5, 0.2, 0.1, 0.1]) + rng.normal(size=4)
    for question in bench.questions(fitted)[seed :: 4 * 5]:
        slope = np.linalg.norm(bench.loss_and_gradient(theta, question)[1])
        off = check_grad(
            lambda at, q=question: bench.loss_and_gradient(at, q)[0],
            lambda at, q=question: bench.loss_and_gradient(at, q)[1],
            theta,
            epsilon=1e-6,
        )
        assert off < 1e-4 * max(slope, 0.01)


def test_the_questions_never_hear_of_their_own_family(bench):
    kb = made_up_knowledge(n_tasks=20, n_configurations=15)
    asked = bench.questions(TaskMixture(n_estimators=30).fit(kb))
    assert len(asked) == 20 * 4
    for k, question in enumerate(asked):
        assert question.prior[k // 4] == question.equal[k // 4] == 0
        assert question.prior.sum() == pytest.approx(1)
        assert question.loss.min() >= 0


def test_learning_lowers_the_loss_and_leaves_the_recommender_as_it_was(bench, fitted):
    asked = bench.questions(fitted)

    def mean(constants):
        return np.mean([bench.loss_and_gradient(bench.unconstrained(constants), q)[0] for q in asked])

    before = fitted.get_params()
    found = bench.learned_constants(fitted)
    assert mean(list(found.values())) < mean([before[name] for name in bench.NAMES])
    assert fitted.get_params() == before
    unlearned = bench.MetaLearned(n_estimators=30)
    learned = unlearned.fit(fitted.knowledge_)
    assert {name: getattr(learned, name) for name in bench.NAMES} == pytest.approx(found)
    assert unlearned.get_params() == before
