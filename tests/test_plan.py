"""What a search evaluates next."""

from collections import Counter
from dataclasses import dataclass, field

import numpy as np
import pandas as pd
import pytest
from scipy.stats import uniform
from sklearn.linear_model import LogisticRegression
from sklearn.naive_bayes import GaussianNB
from sklearn.svm import SVC

from sklmeta import Configuration, KnowledgeBase
from sklmeta.advice import Advice, consult
from sklmeta.candidates import Candidate, known_configurations
from sklmeta.members import Member, make_members
from sklmeta.plan import Plan
from sklmeta.recommenders import Portfolio, TaskMixture

MEMBERS = make_members([("svc", SVC()), ("nb", GaussianNB()), ("lr", LogisticRegression())], "classification")
SVC_MEMBER, NB_MEMBER, LR_MEMBER = MEMBERS
DRAWN = Member.drawn


@dataclass
class ListedAdvice:
    """Advises a list, whatever comes of it."""

    advised: list = field(default_factory=list)
    heard_of: set = field(default_factory=set)
    average: bool = False

    def recommend(self, n, scores, allowed=None, seconds=None):
        return [c for c in self.advised if c.key not in scores and (allowed is None or allowed(c))][:n]

    def shares_of(self, unheard, scores):
        return {}


def planned(advised, heard_of, n_iter, members=MEMBERS):
    plan = Plan(members, ListedAdvice(advised, heard_of), n_iter, np.random.RandomState(0))
    found = []
    while candidate := plan.next({c.key: (0.5, 0.1) for c in found}):
        found.append(candidate)
    return found


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


@pytest.mark.parametrize(
    ("pinned", "nearest"), [(0.5, 1e-1), (1e-8, 1e-3), (0.02, 1e-2), (0.04, 1e-1), (0.0, 1e-3), (1e-2, 1e-2)]
)
def test_of_configurations_that_pins_make_equal_the_nearest_counts(pinned, nearest):
    known = [Configuration("gaussian_nb", {"var_smoothing": v}) for v in (1e-1, 1e-2, 1e-3)]
    members = make_members(GaussianNB(var_smoothing=pinned), "classification")
    assert list(known_configurations(members, known)) == [Configuration("gaussian_nb", {"var_smoothing": nearest})]


def test_no_finite_number_is_near_an_infinite_one():
    known = [Configuration("logistic_regression", {"C": c, "class_weight": None}) for c in (1.0, 10.0)]
    (found,) = known_configurations(make_members(LogisticRegression(C=np.inf), "classification"), known).values()
    assert [candidate.params.get("C", np.inf) for candidate in found] == [np.inf]


def test_of_configurations_equally_near_to_pins_the_first_counts():
    known = [Configuration("gaussian_nb", {"var_smoothing": v}) for v in (0.25, 1.0)]
    members = make_members(GaussianNB(var_smoothing=0.5), "classification")
    assert list(known_configurations(members, known)) == known[:1]


# -- the order -------------------------------------------------------------------------------------------------------


def test_advice_comes_first_and_in_its_order():
    advice = [Candidate(SVC_MEMBER, {"C": 10.0}), Candidate(LR_MEMBER, {"C": 3.0}), Candidate(SVC_MEMBER, {"C": 2.0})]
    assert planned(advice, {"svc", "nb", "lr"}, 3) == advice
    more = planned(advice, {"svc", "nb", "lr"}, 9)
    assert more[:3] == advice
    assert len(more) == 9
    assert {"svc", "nb", "lr"} == set(names(more[3:]))


def test_who_was_never_heard_of_gets_an_equal_share():
    advice = [Candidate(SVC_MEMBER, {"C": float(c)}) for c in range(1, 10)]
    found = planned(advice, {"svc"}, 9)
    assert names(found) == ["svc", "nb", "lr"] * 3
    assert [c for c in found if c.member is SVC_MEMBER] == advice[:3]


def test_when_the_advice_runs_out_the_share_is_drawn():
    assert names(planned([Candidate(SVC_MEMBER, {"C": 7.0})], {"svc"}, 9)) == ["svc", "nb", "lr"] * 3


def test_no_candidate_twice_and_no_more_than_there_are():
    advice = [Candidate(NB_MEMBER, {"var_smoothing": 1e-9}), Candidate(NB_MEMBER, {"var_smoothing": 1e-9})]
    found = planned(advice, {"nb"}, 30)
    assert len({c.key for c in found}) == len(found) == 30
    finite = make_members(GaussianNB(), "classification", {"var_smoothing": [0.1, 0.2]})
    assert len(planned([], set(), 30, finite)) == 2
    assert len(planned([], {"gaussian_nb"}, 30, finite)) == 2


def test_a_longer_plan_starts_with_the_shorter():
    advice = [Candidate(SVC_MEMBER, {"C": 7.0})]
    assert planned(advice, {"svc"}, 12)[:5] == planned(advice, {"svc"}, 5)


@pytest.mark.parametrize("heard_of", [set(), {"gaussian_nb"}])
def test_a_member_is_drawn_from_as_often_as_there_are_turns(heard_of):
    endless = make_members(GaussianNB(), "classification", {"var_smoothing": uniform()})
    found = planned([], heard_of, 450, endless)
    assert len({c.key for c in found}) == len(found) == 450
    assert planned([], heard_of, 90, endless) == found[:90]
    two = make_members(
        [("a", GaussianNB()), ("b", GaussianNB())], "classification", {"a": {"var_smoothing": uniform()}}
    )
    several = planned([], {"a", "b"} if heard_of else set(), 250, two)
    assert names(several).count("a") >= 125, "where one has no more points, the other is drawn from"


def test_who_may_not_be_tried_now_is_not_drawn_from_any_more(monkeypatch):
    drawn = []
    monkeypatch.setattr("sklmeta.members.Member.drawn", lambda self, n, seed: drawn.append(n) or DRAWN(self, n, seed))
    plan = Plan(MEMBERS, ListedAdvice(), 10_000, np.random.RandomState(0))
    for _ in range(3):
        assert plan.next({}, lambda candidate: False) is None
    assert drawn == [8] * 3


# -- what was found out decides ----------------------------------------------------------------------------------------

C = [
    Configuration("svc", {"C": c, "kernel": "rbf", "gamma": "scale", "class_weight": None})
    for c in (1.0, 2.0, 4.0, 8.0)
]
SCORES = pd.DataFrame([[0.90, 0.80, 0.95, 0.50]] * 3 + [[0.70, 0.90, 0.60, 0.95]] * 2, columns=C, index=list("abcde"))
KB = KnowledgeBase.from_frames(None, {"accuracy": SCORES})


def advice_on(binary, scoring=None, members=None, recommender=None):
    members = members or make_members([("svc", SVC())], "classification")
    return members, consult(KB, recommender or TaskMixture(), members, *binary, "classification", scoring)


@pytest.mark.parametrize(("like", "best"), [({1.0: 0.70, 2.0: 0.90}, 8.0), ({1.0: 0.90, 2.0: 0.80}, 4.0)])
@pytest.mark.parametrize(
    ("scoring", "scale"), [("accuracy", 1.0), (None, 1.0), (lambda estimator, X, y: 0.0, 1.0), (len, 1000.0)]
)
def test_the_search_follows_the_tasks_that_agree(binary, scoring, scale, like, best):
    _, advice = advice_on(binary, scoring)
    known = {c.params["C"]: c.key for c in advice.recommend(4)}
    scores = {known[c]: (scale * score, np.nan) for c, score in like.items()}
    assert advice.recommend(1, scores)[0].params["C"] == best
    assert advice.strategy(scores) == pytest.approx({"svc": 1.0})


def test_neighbours_of_what_is_known_count_against_who_was_never_heard_of(binary):
    members, advice = advice_on(binary, members=make_members([("svc", SVC()), ("nb", GaussianNB())], "classification"))
    scores = {advice.known[C[0]][0].key: (0.8, 0.01), Candidate(members[1], {}).key: (0.85, 0.01)}
    beside = {Candidate(members[0], {"C": 3.21}).key: (0.95, 0.01)}
    before, after = advice.strategy(scores, ["nb"]), advice.strategy({**scores, **beside}, ["nb"])
    assert after["nb"] < 0.1 < 0.5 < before["nb"]
    assert sum(after.values()) == pytest.approx(1)
    failed = {Candidate(members[0], {"C": 3.21}).key: (np.nan, np.nan)}
    assert advice.strategy({**scores, **failed}, ["nb"]) == before


def test_what_the_knowledge_has_in_another_metric_only_is_not_heard_of(binary):
    another = Configuration("gaussian_nb", {"var_smoothing": 1e-9})
    kb = KB.merge(KnowledgeBase.from_frames(None, {"f1": pd.DataFrame({another: [0.5] * 5}, index=list("abcde"))}))
    members = make_members([("svc", SVC()), ("nb", GaussianNB())], "classification")
    advice = consult(kb, TaskMixture(), members, *binary, "classification", "accuracy")
    assert advice.heard_of == {"svc"}
    assert advice.strategy(unheard=["nb"]) == pytest.approx({"svc": 0.5, "nb": 0.5})
    won = {advice.known[C[0]][0].key: (0.8, 0.01), advice.known[another][0].key: (0.99, 0.01)}
    assert advice.strategy(won, ["nb"])["nb"] > 0.9
    assert advice.recommend(9)[-1].key == advice.known[another][0].key
    plan = Plan(members, advice, 4, np.random.RandomState(0))
    assert set(names(plan.next({}) for _ in range(2))) == {"svc", "nb"}


def test_who_was_never_heard_of_may_be_called_like_what_is_known(binary):
    named_alike = [("svc", GaussianNB()), ("mine", SVC())]
    members, advice = advice_on(binary, members=make_members(named_alike, "classification"))
    assert advice.shares_of(["svc"]) == pytest.approx({"svc": 0.5})
    assert advice.strategy(unheard=["svc"]) == pytest.approx({"svc": 0.5, "svc (another)": 0.5})
    plan = Plan(members, advice, 4, np.random.RandomState(0))
    assert set(names(plan.next({}) for _ in range(4))) == {"svc", "mine"}


def test_members_that_share_a_configuration_are_all_tried(binary):
    members = make_members([("a", SVC()), ("b", SVC())], "classification")
    members, advice = advice_on(binary, members=members, recommender=Portfolio())
    assert len(advice.recommend(99)) == 8
    tried = advice.recommend(1)
    left = advice.recommend(99, {tried[0].key: (0.5, 0.1)})
    assert len(left) == 7
    assert tried[0].key not in {c.key for c in left}


def test_nothing_known_advises_nothing():
    assert Advice().recommend(3) == []
    assert Advice().strategy() == {}
    assert Advice().heard_of == set()


def test_what_was_learned_lately_is_not_learned_again(binary):
    members = make_members([("svc", SVC())], "classification")
    first = advice_on(binary, members=members)[1].recommender
    assert advice_on(binary, members=members)[1].recommender is first
    others = [TaskMixture(sharpness=0.4), TaskMixture(random_state=None), Portfolio()]
    assert all(advice_on(binary, members=members, recommender=other)[1].recommender is not first for other in others)
    assert advice_on(binary, "neg_log_loss", members)[1].recommender.metric_ == "accuracy"  # all that KB has
    again = consult(KB.exclude(tasks=["a"]), TaskMixture(), members, *binary, "classification", None)
    assert again.recommender is not first


# -- beyond what is known ----------------------------------------------------------------------------------------------


def many(n):
    return [Candidate(SVC_MEMBER, {"C": float(c)}, follows=Configuration("svc", {"C": float(c)})) for c in range(1, n)]


def step_by_step(n_iter, score, members=MEMBERS, heard_of=("svc", "nb", "lr"), allowed=None, seed=0, taken=()):
    plan = Plan(members, ListedAdvice(many(100), set(heard_of)), n_iter, np.random.RandomState(seed), taken)
    scores = {}
    found = []
    while candidate := plan.next(scores, allowed):
        found.append(candidate)
        scores[candidate.key] = (score(candidate), 0.01)
    return found


def closeness(candidate):
    return -abs(np.log(candidate.params.get("C", 1e9) / 7.3))


def test_after_the_first_picks_every_other_one_is_near_the_best():
    found = step_by_step(60, closeness)
    assert found[:25] == many(100)[:25]
    listed, near = found[26::2], found[25::2]
    assert listed == many(100)[25 : 25 + len(listed)]
    assert all(c.recommendation is None for c in near)
    assert {c.member.name for c in near} == {"svc"}
    assert len({c.key for c in found}) == 60
    close = [abs(np.log(c.params["C"] / 7.3)) for c in near]
    assert np.median(close) < 1.5, "far less than the whole distribution, from 0.01 to 1000"
    assert {c.follows for c in near} <= {c.follows for c in found[:25]}


@pytest.mark.parametrize("average", [False, True])
def test_for_an_average_neighbours_are_of_the_best_of_each_member(average):
    members = [LR_MEMBER, *make_members([("more", SVC())], "classification"), SVC_MEMBER]
    best_last = [Candidate(m, {"C": float(c)}) for m in members for c in range(1, 9)]
    plan = Plan(members, ListedAdvice(best_last, {"svc", "lr", "more"}, average), 60, np.random.RandomState(0))
    scores, found = {}, []
    while candidate := plan.next(scores):
        found.append(candidate)
        kind = ["lr", "more", "svc"].index(candidate.member.name)
        scores[candidate.key] = (kind + 0.01 * np.random.RandomState(len(found)).uniform(), 0.01)
    near = Counter(names(found[25::2]))
    assert set(near) == ({"svc", "lr", "more"} if average else {"svc"})
    if average:  # five parents: the two best of two members, the best of the third
        assert max(near.values()) <= 2 * min(near.values()) + 2


def test_neighbours_find_what_the_list_does_not_have():
    best_listed = max(map(closeness, many(100)))
    assert max(map(closeness, step_by_step(120, closeness))) > best_listed / 2


def test_neighbours_repeat_with_the_seed():
    again = [step_by_step(50, closeness, seed=seed) for seed in (3, 3, 4)]
    assert again[0] == again[1] != again[2]


def test_neighbours_are_allowed_and_new():
    def small(candidate):
        return candidate.params.get("C", 0) < 40

    found = step_by_step(60, closeness, allowed=small)
    assert all(map(small, found))
    assert len({c.key for c in found}) == len(found)


def test_without_a_score_there_are_no_neighbours():
    found = step_by_step(40, lambda candidate: np.nan)
    assert found[:40] == many(100)[:40]


def test_what_the_user_set_stays_set_in_neighbours():
    members = make_members(
        [("svc", SVC(kernel="poly", degree=2)), ("nb", GaussianNB())], "classification", {"svc": {"C": [0.5, 1.0, 2.0]}}
    )
    listed = [Candidate(members[0], {"C": c}) for c in (0.5, 1.0)]
    plan = Plan(members, ListedAdvice(listed, {"svc", "nb"}), 60, np.random.RandomState(0))
    scores = {}
    while candidate := plan.next(scores):
        scores[candidate.key] = (0.5, 0.1)
        params = candidate.params
        assert candidate.member.name == "nb" or (
            params["C"] in (0.5, 1.0, 2.0) and {"kernel", "degree"}.isdisjoint(params)
        )


def test_a_later_plan_looks_around_what_an_earlier_one_found():
    best = Candidate(SVC_MEMBER, {"C": 512.0, "gamma": 0.25, "kernel": "rbf"})
    plan = Plan(MEMBERS, ListedAdvice(many(100), {"svc"}), 90, np.random.RandomState(0), [best])
    scores = {best.key: (1.0, 0.1)}
    found = []
    while candidate := plan.next(scores):
        found.append(candidate)
        scores[candidate.key] = (0.5 if "C" in candidate.params else 0.0, 0.1)
    assert any("gamma" in candidate.params and candidate.member is SVC_MEMBER for candidate in found)


def test_a_later_plan_goes_on_where_an_earlier_one_ended():
    listed = many(100)
    plan = Plan([SVC_MEMBER], ListedAdvice(listed, {"svc"}), 30, np.random.RandomState(0), listed[:25])
    scores = {c.key: (closeness(c), 0.1) for c in listed[:25]}
    found = [plan.next(scores) for _ in range(30)]
    assert found[1::2] == listed[25:40]
    assert not set(found[::2]) & set(listed), "neighbours of the best"


def test_beyond_what_was_asked_for_comes_what_is_recommended_next():
    advised = [Candidate(NB_MEMBER, {"var_smoothing": v}) for v in (0.1, 0.2, 0.3)]
    plan = Plan(MEMBERS, ListedAdvice(advised, {"nb"}), 1, np.random.RandomState(0))
    assert plan.next({}) == advised[0]
    assert plan.next({}) is None, "one was asked for"
    assert plan.beyond(lambda c: True) == advised[1]
    assert plan.beyond(lambda c: c.params["var_smoothing"] < 0.3) is None, "those were given"
    assert plan.beyond(lambda c: True) == advised[2]
