"""The table of results, and what picks go by."""

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.naive_bayes import GaussianNB
from sklearn.svm import SVC

from sklmeta.candidates import Candidate
from sklmeta.evaluation import FoldResult
from sklmeta.exceptions import EvaluationWarning
from sklmeta.members import make_members
from sklmeta.results import leaderboard, scores_so_far, tabulate, warn_of_failures, with_scores

MEMBERS = make_members([("svc", SVC()), ("nb", GaussianNB()), ("lr", LogisticRegression())], "classification")
SVC_MEMBER, NB_MEMBER, LR_MEMBER = MEMBERS


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


def test_metrics_have_their_columns_where_nothing_was_scored():
    never = FoldResult(ended="incomplete", reason="the search ended before")
    table = tabulate(CANDIDATES, [[never, never]] * 3, ["roc_auc", "accuracy"])
    assert np.isnan(table["mean_test_accuracy"]).all()
    assert "mean_test_score" not in table
    assert leaderboard(table, "roc_auc", np.array([1.0, 0.0, 0.0]))["estimator"].tolist() == ["svc", "nb", "svc"]


def test_failures_are_told_once():
    table = tabulate(CANDIDATES, [[fold(0.5)], [fold(reason="one")], [fold(reason="two")]])
    with pytest.warns(EvaluationWarning, match=r"2 of 3 configurations failed .* The first: nb {}: one"):
        warn_of_failures(table)
    with pytest.raises(ValueError, match=r"All configurations failed.*svc {'svc__C': 1.0}: no memory"):
        warn_of_failures(tabulate(CANDIDATES, [[fold(reason="no memory")]] * 3))


# -- what the next picks go by -----------------------------------------------------------------------------------------


def test_scores_so_far_are_means_with_their_errors_and_nan_for_failures():
    results = [[fold(0.5), fold(0.7)], [fold(0.9), fold(reason="KaputError")], [fold(0.9), fold(float("nan"))]]
    found = scores_so_far(CANDIDATES, results, None)
    assert found[CANDIDATES[0].key] == pytest.approx((0.6, 0.1))
    assert np.isnan(found[CANDIDATES[1].key]).all()
    assert found[CANDIDATES[2].key][0] == 0.9


def test_the_deciding_metric_counts():
    results = [[fold(a=0.1, b=0.2)], [fold(a=0.3, b=0.1)], [fold(a=0.2, b=0.0)]]
    assert [mean for mean, _ in scores_so_far(CANDIDATES, results, "b").values()] == [0.2, 0.1, 0.0]
    assert [mean for mean, _ in scores_so_far(CANDIDATES, results, None).values()] == [0.1, 0.3, 0.2]


def test_rows_without_a_score_are_left_out_for_whoever_chooses():
    members = make_members(LogisticRegression(), "classification")
    candidates = [Candidate(members[0], {"C": float(c)}) for c in range(1, 5)]
    results = [[fold(0.5)], [fold(reason="boom")], [fold(0.7)], [FoldResult(ended="incomplete", reason="no time")]]
    table = tabulate(candidates, results)
    rows, at = with_scores(table)
    assert at.tolist() == [0, 2]
    assert rows.keys() == table.keys()
    assert {len(column) for column in rows.values()} == {2}
    assert rows["mean_test_score"].tolist() == [0.5, 0.7]
    assert [list(params.values()) for params in rows["params"]] == [[1.0], [3.0]]
    for whole in (tabulate(candidates[:1], results[:1]), tabulate(candidates[1:2], results[1:2])):
        assert with_scores(whole)[1].tolist() == [0]


def test_a_search_that_was_given_up_says_why():
    members = make_members(LogisticRegression(), "classification")
    candidates = [Candidate(members[0], {"C": float(c)}) for c in (1, 2)]
    table = tabulate(candidates, [[fold(reason="boom")], [FoldResult(ended="incomplete", reason="the search ended")]])
    with pytest.raises(ValueError, match=r"All configurations failed.*boom"):
        warn_of_failures(table, hopeless=True)
    with pytest.warns(EvaluationWarning, match="1 of 2 configurations failed"):
        warn_of_failures(table)
