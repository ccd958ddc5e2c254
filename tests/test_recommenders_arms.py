"""Base estimators that the knowledge has never seen."""

import numpy as np
import pytest
from _knowledge import made_up_knowledge

from sklmeta import Configuration
from sklmeta.recommenders import AverageRank, TaskMixture
from sklmeta.recommenders.arms import next_turn, unheard_shares
from sklmeta.recommenders.kernels import upper_span

nan = np.nan


def test_untried_arms_have_the_mean_share():
    assert unheard_shares(3, [], {"a": [], "b": []}, 0.1) == pytest.approx({"a": 0.2, "b": 0.2})
    assert unheard_shares(3, [0.5, nan], {"a": []}, 0.1) == pytest.approx({"a": 0.25})
    assert unheard_shares(0, [], {"a": [], "b": []}, 0.1) == pytest.approx({"a": 0.5, "b": 0.5})
    assert unheard_shares(2, [0.5], {}, 0.1) == {}


def test_odds_go_by_the_distance_to_the_best_of_the_others():
    behind, ahead = np.exp((0.6 - 0.9) / 0.1), np.exp((0.95 - 0.9) / 0.1)
    assert unheard_shares(2, [0.9, 0.3], {"a": [0.6, 0.5, nan]}, 0.1)["a"] == pytest.approx(behind / (behind + 2))
    assert unheard_shares(2, [0.9], {"a": [0.95]}, 0.1)["a"] == pytest.approx(ahead / (ahead + 2))
    both = unheard_shares(1, [], {"a": [0.9], "b": [0.6]}, 0.1)
    weights = np.exp(3), np.exp(-3)
    assert both == pytest.approx({"a": weights[0] / (sum(weights) + 1), "b": weights[1] / (sum(weights) + 1)})


def test_what_only_failed_has_no_share_unless_all_did():
    assert unheard_shares(2, [0.5], {"a": [nan]}, 0.1) == {"a": 0}
    assert unheard_shares(2, [nan], {"a": [nan]}, 0.1) == pytest.approx({"a": 1 / 3})
    assert unheard_shares(2, [nan], {"a": [0.2]}, 0.1) == pytest.approx({"a": 1 / 3})


def test_far_differences_overflow_nothing():
    assert unheard_shares(1, [0.0], {"a": [1e9]}, 1e-9) == {"a": 1}
    assert unheard_shares(1, [0.0], {"a": [-1e9]}, 1e-9) == {"a": 0}


@pytest.mark.parametrize(
    "shares", [[1.0], [0.5, 0.5], [0.9, 0.1], [0.55, 0.3, 0.15], [0.4, 0.3, 0.2, 0.1], [0.7, 0, 0.3]]
)
def test_turns_are_as_many_as_the_shares_say(shares):
    picks = dict.fromkeys(range(len(shares)), 0)
    for n in range(1, 200):
        picks[next_turn(dict(enumerate(shares)), picks)] += 1
        assert sum(picks.values()) == n
        assert all(abs(picks[arm] - n * share) <= 1 for arm, share in enumerate(shares))


def test_turns_by_hand():
    assert next_turn({None: 0.75, "new": 0.25}, {}) is None
    assert next_turn({None: 0.75, "new": 0.25}, {None: 3}) == "new"
    assert next_turn({"b": 0.5, "a": 0.5}, {"gone": 7}) == "b"
    assert next_turn({"a": 0.0, "b": 0.0}, {"a": 1}) == "b"


@pytest.mark.parametrize("one", [AverageRank(), TaskMixture(n_estimators=10)], ids=repr)
def test_the_strategy_bets_on_what_it_has_never_seen(one):
    kb = made_up_knowledge()
    one.fit(kb)
    seen = {kb.configurations[0]: 0.7, kb.configurations[1]: 0.72}
    known = one.strategy(observed=seen)
    untried = one.strategy(observed=seen, unheard={"catboost": []})
    assert untried["catboost"] == pytest.approx(1 / 4)
    assert untried["svc"] == pytest.approx(0.75 * known["svc"])
    assert list(untried.values()) == sorted(untried.values(), reverse=True)
    good = one.strategy(observed=seen, unheard={"catboost": [0.5, 0.73]})
    bad = one.strategy(observed=seen, unheard={"catboost": [0.5]})
    for shares in (untried, good, bad):
        assert sum(shares.values()) == pytest.approx(1)
    assert bad["catboost"] < 0.01 < 0.25 < good["catboost"]
    w = one._posterior(one._prior(None), one._observed(seen))
    odds = np.exp(0.01 / (0.05 * (w @ upper_span(one.scores_)))) / 3
    assert good["catboost"] == pytest.approx(odds / (1 + odds))
    assert one.strategy(candidates=[], unheard={"catboost": [0.5]}) == {"catboost": 1}


def test_what_has_candidates_is_not_unheard_of():
    one = AverageRank().fit(made_up_knowledge())
    with pytest.raises(ValueError, match=r"'svc' is not unheard of: there are candidates of it. Give it another name"):
        one.strategy(unheard={"svc": []})
    assert one.strategy(candidates=[Configuration("random_forest", {"p": 1.0})], unheard={"svc": []})["svc"] == 0.5
