"""The plan of a search, and its table of results."""

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.naive_bayes import GaussianNB
from sklearn.svm import SVC

from sklmeta import Configuration
from sklmeta.evaluation import FoldResult
from sklmeta.exceptions import EvaluationWarning
from sklmeta.members import make_members
from sklmeta.search import Candidate, evaluate_candidates, known_configurations, plan, tabulate, warn_of_failures

MEMBERS = make_members([("svc", SVC()), ("nb", GaussianNB()), ("lr", LogisticRegression())], "classification")
SVC_MEMBER, NB_MEMBER, LR_MEMBER = MEMBERS


def planned(recommended, heard_of, n_iter, members=MEMBERS, seed=0):
    return plan(members, recommended, heard_of, n_iter, np.random.RandomState(seed))


def names(candidates):
    return [c.member.name for c in candidates]


# -- known configurations --------------------------------------------------------------------------------------------


def test_each_known_configuration_stands_for_the_members_that_agree():
    linear = Configuration("svc", {"C": 2.0, "kernel": "linear", "class_weight": None})
    other = Configuration("random_forest", {"min_samples_leaf": 3})
    two = make_members([("a", SVC()), ("b", SVC(kernel="linear")), ("c", SVC(kernel="poly"))], "classification")
    found = known_configurations(two, [linear, other])
    assert list(found) == [linear]
    assert names(found[linear]) == ["a", "b"]


def test_configurations_that_pins_make_equal_stand_for_one_candidate():
    known = [Configuration("gaussian_nb", {"var_smoothing": v}) for v in (1e-3, 1e-2, 1e-1)]
    pinned = make_members(GaussianNB(var_smoothing=0.5), "classification")
    assert list(known_configurations(pinned, known)) == known[:1]


# -- the plan --------------------------------------------------------------------------------------------------------


def test_advice_comes_first_and_in_its_order():
    advice = [Candidate(SVC_MEMBER, {"C": 10.0}), Candidate(LR_MEMBER, {"C": 3.0}), Candidate(SVC_MEMBER, {"C": 2.0})]
    assert planned(advice, {"svc", "nb", "lr"}, 3) == advice
    more = planned(advice, {"svc", "nb", "lr"}, 9)
    assert more[:3] == advice
    assert len(more) == 9
    assert {"svc", "nb", "lr"} == set(names(more[3:]))


def test_who_was_never_heard_of_gets_an_equal_share():
    advice = [Candidate(SVC_MEMBER, {"C": float(c)}) for c in range(1, 10)]
    plan_ = planned(advice, {"svc"}, 9)
    assert names(plan_) == ["svc", "nb", "lr"] * 3
    assert [c for c in plan_ if c.member is SVC_MEMBER] == advice[:3]


def test_when_the_advice_runs_out_the_share_is_drawn():
    advice = [Candidate(SVC_MEMBER, {"C": 7.0})]
    assert names(planned(advice, {"svc"}, 9)) == ["svc", "nb", "lr"] * 3


def test_no_candidate_twice_and_no_more_than_there_are():
    advice = [Candidate(NB_MEMBER, {"var_smoothing": 1e-9}), Candidate(NB_MEMBER, {"var_smoothing": 1e-9})]
    plan_ = planned(advice, {"nb"}, 30)
    assert len({c.key for c in plan_}) == len(plan_) == 30
    finite = make_members(GaussianNB(), "classification", {"var_smoothing": [0.1, 0.2]})
    assert len(planned([], set(), 30, finite)) == 2


def test_a_longer_plan_starts_with_the_shorter():
    advice = [Candidate(SVC_MEMBER, {"C": 7.0})]
    assert planned(advice, {"svc"}, 12)[:5] == planned(advice, {"svc"}, 5)


# -- evaluation ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("n_jobs", [1, 2])
def test_results_come_by_estimator_and_fold(binary, n_jobs):
    X, y = binary
    splits = [
        (np.arange(40), np.arange(40, 80)),
        (np.arange(40, 80), np.arange(40)),
        (np.arange(60), np.arange(60, 80)),
    ]
    models = [GaussianNB(), LogisticRegression()]
    results = evaluate_candidates(models, X, y, splits, _share_right, [{}, {}], {}, n_jobs=n_jobs)
    expected = [[m.fit(X[a], y[a]).score(X[b], y[b]) for a, b in splits] for m in models]
    assert [[fold.scores["score"] for fold in folds] for folds in results] == expected


def _share_right(estimator, X, y):
    return estimator.score(X, y)


# -- the table -------------------------------------------------------------------------------------------------------


def fold(score=None, reason="", **scores):
    return FoldResult({"score": score} if score is not None else scores, 1.0, 0.5, reason, ("UserWarning: hm",))


CANDIDATES = [
    Candidate(SVC_MEMBER, {"C": 1.0}),
    Candidate(NB_MEMBER, {}),
    Candidate(SVC_MEMBER, {"C": 2.0, "gamma": 0.1}),
]


def test_the_layout_of_scikit_learns_searches():
    table = tabulate(CANDIDATES, [[fold(0.5), fold(0.7)], [fold(0.9), fold(0.9)], [fold(0.9), fold(0.9)]])
    np.testing.assert_allclose(table["mean_test_score"], [0.6, 0.9, 0.9])
    np.testing.assert_allclose(table["std_test_score"], [0.1, 0, 0])
    np.testing.assert_array_equal(table["rank_test_score"], [3, 1, 1])
    np.testing.assert_array_equal(table["split1_test_score"], [0.7, 0.9, 0.9])
    assert table["param_svc__C"].tolist() == [1.0, None, 2.0]
    assert table["param_svc__gamma"].mask.tolist() == [True, True, False]
    assert table["params"] == [{"svc__C": 1.0}, {}, {"svc__C": 2.0, "svc__gamma": 0.1}]
    assert list(table["estimator"]) == ["svc", "nb", "svc"]
    np.testing.assert_allclose(table["mean_fit_time"], 1.0)
    assert table["warnings"] == [("UserWarning: hm",)] * 3


def test_undefined_folds_are_left_out_and_failures_rank_last():
    table = tabulate(
        CANDIDATES, [[fold(np.nan), fold(0.4)], [fold(0.9), fold(reason="broke")], [fold(np.nan), fold(np.nan)]]
    )
    np.testing.assert_allclose(table["mean_test_score"], [0.4, np.nan, np.nan])
    np.testing.assert_array_equal(table["rank_test_score"], [1, 2, 2])
    assert table["failure"] == ["", "broke", "Every score is NaN."]


def test_several_metrics_have_columns_each():
    table = tabulate(CANDIDATES[:2], [[fold(a=1.0, b=2.0)], [fold(a=2.0, b=1.0)]])
    np.testing.assert_array_equal(table["rank_test_a"], [2, 1])
    np.testing.assert_array_equal(table["rank_test_b"], [1, 2])
    assert "mean_test_score" not in table


def test_failures_are_told_once():
    table = tabulate(CANDIDATES, [[fold(0.5)], [fold(reason="one")], [fold(reason="two")]])
    with pytest.warns(EvaluationWarning, match=r"2 of 3 configurations failed .* The first: nb {}: one"):
        warn_of_failures(table)
    with pytest.raises(ValueError, match=r"All configurations failed.*svc {'svc__C': 1.0}: no memory"):
        warn_of_failures(tabulate(CANDIDATES, [[fold(reason="no memory")]] * 3))
