"""Which fold of which candidate is next, and what comes of each."""

import time
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.naive_bayes import GaussianNB

from sklmeta import Configuration
from sklmeta.candidates import Candidate
from sklmeta.costs import CostModel
from sklmeta.evaluation import FoldResult
from sklmeta.exceptions import TimeLimitExceeded
from sklmeta.members import make_members
from sklmeta.search import Clock, Past, Search, out_of_reach

LR, NB = make_members([("lr", LogisticRegression()), ("nb", GaussianNB())], "classification")
N_FOLDS = 3


class ListedPlan:
    """Names candidates in a fixed order, and remembers by what it was asked to."""

    def __init__(self, n):
        self.left = [Candidate(LR, {"C": float(i)}, follows=Configuration("lr", {"C": float(i)})) for i in range(n)]
        self.seen, self.others, self.for_average = [], False, False

    def has_others_than(self, name):
        return self.others

    def beyond(self, allowed):
        return self.next({}, allowed)

    def untried(self):
        return list(self.left)

    def next(self, scores, allowed=None, seconds=None):
        found = next((c for c in self.left if allowed is None or allowed(c)), None)
        if found is not None:
            self.left.remove(found)
            self.seen.append((found.params["C"], sorted(float(key[1].split()[1][:-2]) for key in scores)))
        return found


def a_search(n=8, *, clock=None, costs=None, n_workers=1, train_rows=80, **others):
    costs = CostModel(None, {}) if costs is None else costs
    return Search(
        ListedPlan(n), lambda c: ("built", c.params["C"]), [train_rows] * N_FOLDS, 120, None, costs,
        clock=clock, n_workers=n_workers, **others,
    )  # fmt: skip


def result(score, seconds=0.001, **others):
    return FoldResult({"score": score}, seconds, 0.0, **others)


def work(search, n_workers, rng, score=lambda k, fold: k / 10 + fold / 1000):
    """A runner whose units end in random order."""
    running, most, order = [], 0, []
    while True:
        while len(running) < n_workers and (unit := search.next_unit()) is not None:
            running.append(unit)
        if not running:
            return most, order
        most = max(most, len(running))
        unit = running.pop(rng.randint(len(running)))
        order.append(unit.label)
        search.take(unit, result(score(*unit.label)))


# -- a number of candidates ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("n_workers", [1, 2, 3, 5, 9, 20])
def test_picks_and_what_they_go_by_are_the_same_for_any_number_of_workers(n_workers):
    search = a_search(8)
    most, order = work(search, n_workers, np.random.RandomState(n_workers))
    assert search.plan.seen == [(float(k), [float(j) for j in range(max(0, k - 2))]) for k in range(8)]
    assert len(order) == len(set(order)) == 8 * N_FOLDS
    assert [search.score(k) for k in range(8)] == pytest.approx([k / 10 + 0.001 for k in range(8)])
    assert most == min(n_workers, 3 * N_FOLDS)  # nobody waits for the slowest, as long as three candidates are enough


def test_estimators_are_made_in_the_order_of_the_picks():
    search = a_search(4)
    work(search, 2, np.random.RandomState(0))
    assert search.estimators == [("built", float(k)) for k in range(4)]


def test_a_failure_is_a_result_and_the_others_go_on():
    search = a_search(3)
    while (unit := search.next_unit()) is not None:
        search.take(unit, ValueError("broke") if unit.label == (1, 2) else result(0.5))
    statuses = [[fold.status for fold in folds] for folds in search.finished()]
    assert statuses == [["ok"] * 3, ["ok", "ok", "failed"], ["ok"] * 3]
    assert search.finished()[1][2].reason == "ValueError: broke"
    assert search.best_first() == [0, 2]


def test_what_is_known_from_before_is_not_evaluated_again():
    first = a_search(3)
    work(first, 1, np.random.RandomState(0))
    again = a_search(5, past=first.for_later(Past("the same data")))
    again.plan.left = again.plan.left[3:]
    _, order = work(again, 1, np.random.RandomState(0))
    assert {k for k, _ in order} == {3, 4}
    assert len(again.candidates) == 5
    assert again.plan.seen[0] == (3.0, [0.0])


@pytest.mark.parametrize(("clock", "kept"), [(Clock(1000.0, time.monotonic()), 10), (None, 1)])
def test_only_the_best_keep_their_fold_models(tmp_path, clock, kept):
    search = a_search(13, clock=clock)
    while (unit := search.next_unit()) is not None:
        k, fold = unit.label
        file = tmp_path / f"{k:02}-{fold}"
        file.write_text("a model")
        search.take(unit, result(k / 10, model=file))
    assert {int(file.name[:2]) for file in tmp_path.iterdir()} == set(range(13 - kept, 13))
    there = [all(fold.model is not None for fold in folds) for folds in search.results]
    assert there == [False] * (13 - kept) + [True] * kept


def test_each_candidate_is_reported():
    told = []
    work(a_search(3, report=told.append), 1, np.random.RandomState(0), lambda k, fold: (0.1, np.nan, 0.05)[k])
    assert [str(one) for one in told] == ["1: lr {'C': 0.0} 0.1", "2: lr {'C': 1.0} nan", "3: lr {'C': 2.0} 0.05"]
    assert [one.best_score for one in told] == [pytest.approx(0.1)] * 3


@pytest.mark.parametrize("n_workers", [1, 3])
def test_once_told_to_stop_nothing_more_is_begun(n_workers):
    search = a_search(report=lambda progress: progress.n_evaluated == 2)
    work(search, n_workers, np.random.RandomState(0))
    assert search.was_told_to_stop
    assert 2 <= len(search.scores()) <= 4, "what is under way may end"


# -- a number of seconds ---------------------------------------------------------------------------------------------


def costs_of(seconds):
    """Known costs, whatever the rows are."""
    at = SimpleNamespace(seconds=lambda c, n: seconds(c.params["C"]), at_most=lambda c, n: seconds(c.params["C"]))
    at.observe = at.observe_stopped = lambda *args: None
    return at


def test_what_would_not_end_in_time_is_not_begun():
    search = a_search(4, clock=Clock(100.0, time.monotonic()), costs=costs_of(lambda c: 1000.0 if c in (0, 2) else 1.0))
    work(search, 1, np.random.RandomState(0))
    assert [c.params["C"] for c in search.candidates] == [1.0, 3.0]


def test_the_first_candidate_is_one_that_leaves_time_for_others():
    search = a_search(4, clock=Clock(100.0, time.monotonic()), costs=costs_of(lambda c: 20.0 if c == 0 else 1.0))
    work(search, 1, np.random.RandomState(0))
    assert [c.params["C"] for c in search.candidates] == [1.0, 0.0, 2.0, 3.0]
    alone = a_search(1, clock=Clock(100.0, time.monotonic()), costs=costs_of(lambda c: 20.0))
    work(alone, 1, np.random.RandomState(0))
    assert [c.params["C"] for c in alone.candidates] == [0.0]


def test_what_was_given_up_has_its_say():
    search = a_search(5, clock=Clock(1000.0, time.monotonic()))
    outcomes = {3: lambda fold: 0.2 + fold / 1000, 4: lambda fold: None}
    while (unit := search.next_unit()) is not None:
        k, fold = unit.label
        score = outcomes.get(k, lambda fold, k=k: 0.9 + k / 100 + fold / 1000)(fold)
        search.take(unit, result(score) if score is not None else ValueError("broken"))
    guesses = search._guesses()
    assert guesses[search.candidates[3].key][0] == pytest.approx(0.2 + 0.001, abs=1e-9), "as far behind as on its folds"
    assert np.isnan(guesses[search.candidates[4].key][0])
    assert not search.is_complete(3)
    assert search.candidates[3].key not in search.scores(), "what was not evaluated in full is never chosen"


def test_a_pick_under_a_time_budget_goes_by_all_that_is_known():
    search = a_search(4, clock=Clock(100.0, time.monotonic()), costs=costs_of(lambda c: 0.1))
    work(search, 1, np.random.RandomState(0), lambda k, fold: 0.5)
    assert search.plan.seen == [(float(k), [float(j) for j in range(k)]) for k in range(4)]


def test_units_have_a_deadline_within_the_budget():
    started = time.monotonic()
    search = a_search(2, clock=Clock(50.0, started), costs=costs_of(lambda c: 0.1))
    unit = search.next_unit()
    assert started < unit.deadline <= started + 50
    search.take(unit, result(0.5))
    for _ in range(2):
        search.take(search.next_unit(), result(0.5))
    unit = search.next_unit()
    assert unit.label[0] == 1
    assert unit.seconds == 5.0  # there is a score: what takes far longer than expected is stopped


def test_a_fold_is_not_stopped_sooner_than_another_worker_could_start():
    search = a_search(2, clock=Clock(3.0, time.monotonic()), costs=costs_of(lambda c: 0.01))
    assert search.next_unit().seconds is None, "without a score, or others to try, there is nothing to fall back on"
    for fold in range(N_FOLDS):
        search.take(SimpleNamespace(label=(0, fold)), result(0.5))
    search._queue.clear()
    assert search.next_unit().seconds == 2.0


def test_before_there_is_a_score_others_get_their_turn():
    search = a_search(2, clock=Clock(100.0, time.monotonic()))
    search.plan.others = True
    assert search.next_unit().seconds == pytest.approx(35.0)


def test_what_is_hopeless_stays_so_and_what_had_no_time_gets_another_chance():
    search = a_search(5, clock=Clock(1000.0, time.monotonic()), costs=costs_of(lambda c: 0.1))
    while (unit := search.next_unit()) is not None:
        k, fold = unit.label
        if k == 4 and fold == 1:
            search.clock.deadline = time.monotonic()
        outcome = (
            ValueError("broken") if k == 1 else TimeLimitExceeded("stopped") if k == 4 and fold else result(k / 10)
        )
        search.take(unit, outcome)
    later = search.for_later(Past("the same data"))
    assert [c.params["C"] for c, _, _ in later.evaluated] == [0.0, 1.0, 2.0, 3.0]
    assert later.given_up == {1: "a fold of it failed"}
    again = a_search(6, past=later)
    again.plan.left = again.plan.left[4:]
    _, order = work(again, 2, np.random.RandomState(0))
    assert {k for k, _ in order} == {4, 5}, "also without a time budget"
    assert again.finished()[1][0].reason == "ValueError: broken"


def test_the_quickest_that_was_not_given_up():
    costs = costs_of(lambda c: np.nan if c > 1 else 5.0 - c)
    search = a_search(4, clock=Clock(100.0, time.monotonic()), costs=costs)
    search.next_unit()
    assert [search.name(k) for k in range(len(search.candidates))] == ["lr"]
    search.give_up(0, "too slow")
    for expected in (1.0, 2.0, 3.0, 1.0):
        k = search.add_quickest()
        assert search.candidates[k].params["C"] == expected
        search.give_up(k, "too slow, too")
    assert len(search.candidates) == 4


def test_the_first_of_those_that_can_be_fitted_in_time_or_else_the_quickest():
    costs = costs_of(lambda c: [5.0, 9.0, 2.0, 1.0][int(c)])
    search = a_search(4, clock=Clock(100.0, time.monotonic()), costs=costs)
    assert search.candidates[search.add_affordable(2.0)].params["C"] == 2.0
    assert search.candidates[search.add_affordable(0.5)].params["C"] == 3.0
    assert len(search.candidates) == 2
    costs.at_most = lambda configuration, n_rows: n_rows * configuration.params["C"]
    on_a_part = a_search(4, clock=Clock(100.0, time.monotonic()), costs=costs)
    on_a_part.plan.left = on_a_part.plan.left[2:]
    assert on_a_part.candidates[on_a_part.add_affordable(60.0)].params["C"] == 2.0, "on 30 of 120 rows"


def test_a_fit_on_all_rows_takes_what_it_is_known_to_grow_by():
    costs = costs_of(lambda c: 0.1)
    costs.seconds = lambda c, n: float(n) ** 2
    search = a_search(2, costs=costs)
    for _ in range(N_FOLDS):
        search.take(search.next_unit(), result(0.5, seconds=2.0))
    assert search.refit_seconds(0) == pytest.approx(2.0 * 1.5**2)
    costs.seconds = lambda c, n: float("nan")
    assert search.refit_seconds(0) == pytest.approx(2.0 * 1.5), "in proportion, at least"


def test_members_are_chosen_in_time_to_fit_them():
    assert a_search(2).blend_end() is None
    search = a_search(2, clock=Clock(100.0, time.monotonic()), costs=costs_of(lambda c: 0.1))
    for _ in range(N_FOLDS):
        search.take(search.next_unit(), result(0.5, seconds=2.0))
    assert search.blend_end() == pytest.approx(search.clock.deadline - 1.1 * 3.0)
    search.clock.deadline = time.monotonic()
    assert search.blend_end() == pytest.approx(time.monotonic() + 3.0, abs=0.5), "some time is always left for it"


def test_a_stopped_fold_ends_its_candidate_and_is_a_timeout():
    search = a_search(2, clock=Clock(100.0, time.monotonic()), costs=costs_of(lambda c: 0.1))
    search.take(search.next_unit(), TimeLimitExceeded("stopped"))
    labels = []
    while (unit := search.next_unit()) is not None:
        labels.append(unit.label)
        search.take(unit, result(0.5))
    assert labels == [(1, 0), (1, 1), (1, 2)]
    assert [fold.status for fold in search.finished()[0]] == ["timeout", "incomplete", "incomplete"]
    assert search.finished()[0][1].reason == "a fold of it was stopped"


def test_a_stopped_fold_says_what_it_takes_at_least():
    told = []
    costs = costs_of(lambda c: 0.1)
    costs.observe_stopped = lambda *what: told.append(what)
    search = a_search(2, clock=Clock(100.0, time.monotonic()), costs=costs)
    search.take(search.next_unit(), TimeLimitExceeded("stopped", 7.0))
    assert told == [(search.candidates[0].configuration, search.train_rows[0], 7.0)]


def test_a_candidate_out_of_reach_is_dropped_after_its_first_fold():
    search = a_search(6, clock=Clock(100.0, time.monotonic()), costs=costs_of(lambda c: 0.1))
    scores = [0.9, 0.8, 0.88, 0.89, 0.2, 0.91]
    work(search, 1, np.random.RandomState(0), lambda k, fold: scores[k] + 0.001 * (fold - k % 2))
    done = [search.folds_done(k) for k in range(6)]
    assert done == [3, 3, 3, 3, 1, 3]
    assert search.best_first()[0] == 5
    assert search.finished()[4][2].status == "incomplete"


@pytest.mark.parametrize(("for_average", "done"), [(False, [3, 3, 3, 3, 1, 1, 3]), (True, [3, 3, 3, 3, 3, 1, 3])])
def test_for_an_average_the_best_of_each_member_is_evaluated_in_full(for_average, done):
    search = a_search(7, clock=Clock(100.0, time.monotonic()), costs=costs_of(lambda c: 0.1))
    search.plan.for_average = for_average
    search.plan.left[4:6] = [replace(c, member=NB) for c in search.plan.left[4:6]]
    scores = [0.9, 0.8, 0.88, 0.89, 0.2, 0.1, 0.91]
    search.prepare = lambda candidate: candidate.params
    search.plan.next = lambda *_: search.plan.left.pop(0) if search.plan.left else None
    work(search, 1, np.random.RandomState(0), lambda k, fold: scores[k] + 0.001 * (fold - k % 2))
    assert [search.folds_done(k) for k in range(7)] == done
    assert search.best_first()[0] == 6


@pytest.mark.parametrize(
    ("seconds", "tried"),
    [
        ({2: 3.0}, 2.0),  # likely to end before it is stopped, after 3.5 s
        ({2: 3.4, 3: 3.1}, 2.0),  # what is recommended before is tried before
        ({2: 13.0}, 2.0),  # on tables wider than those that are known, fits look much dearer than they are
        ({2: 12.0, 3: 7.0}, 2.0),  # nearly as quick
        ({2: 13.0, 3: 6.0}, 3.0),
        ({2: 15.0}, None),
    ],
)
def test_where_nothing_is_affordable_what_may_be_less_dear_than_it_looks_is_tried(seconds, tried):
    costs = costs_of(lambda c: seconds.get(c, 100.0))
    search = a_search(4, clock=Clock(10.0, time.monotonic()), costs=costs)  # three folds of any are too much
    search.plan.others = True
    unit = search.next_unit()
    assert (unit is not None) is (tried is not None)
    if tried:
        assert unit.seconds == pytest.approx(3.5)
        assert unit.args[1:] == ("lr", ("built", tried))


def test_what_was_tried_although_nothing_was_affordable_goes_on_by_what_it_took():
    for took, goes_on in [(1.0, True), (6.0, False)]:
        costs = costs_of(lambda c: 13.0)
        search = a_search(1, clock=Clock(10.0, time.monotonic()), costs=costs, n_workers=2)
        first, second = search.next_unit(), search.next_unit()
        assert (first.label, second.label) == ((0, 0), (0, 1)), "all folds that are begun before the first one ended"
        search.costs = costs_of(lambda c, took=took: 2 * took)
        search.take(first, result(0.5))
        assert (search.next_unit() is not None) is goes_on


def test_time_costs_nothing_as_long_as_there_is_plenty():
    clock, costs = Clock(90.0, time.monotonic()), costs_of(lambda c: [0.1, 5.0, 8.0, np.nan][int(c)])
    search, told = a_search(4, clock=clock, costs=costs, n_workers=2), []
    listed = list(search.plan.left)

    def priced(scores, allowed, seconds):
        told.append([seconds(candidate) for candidate in listed])

    search.plan.next = priced
    search.next_unit()
    assert told[0] == pytest.approx([90 * 2 / 3 / 30, 5.0, 8.0, 0.0], rel=0.01), (
        "two workers, three folds, thirty like it"
    )
    for _ in range(2 * N_FOLDS):  # what is tried all the same is begun first
        clock.deadline = time.monotonic() + 9.0
        search.next_unit()
    assert told[-1] == pytest.approx([9 * 2 / 3 / 30, 5.0, 8.0, 0.0], rel=0.05)


def test_standard_errors_behind_the_best_by_hand():
    best, others = np.array([0.9, 0.8, 0.85]), np.array([[0.8, 0.75, 0.8], [0.88, 0.79, 0.8]])
    spread = np.median([np.std(best - row, ddof=1) for row in others])
    found = out_of_reach(np.array([0.5, np.nan, 0.4]), best, others)
    assert found == pytest.approx(np.mean([0.4, 0.45]) / (spread / np.sqrt(2)))
    assert out_of_reach(np.array([0.88, np.nan, np.nan]), best, others) == 0.0  # better than most: not among the worst
    assert out_of_reach(np.full(3, np.nan), best, others) == 0.0


def test_time_is_kept_back_for_fitting_the_best_on_all_rows():
    search = a_search(6, clock=Clock(10.0, time.monotonic()), costs=costs_of(lambda c: 0.5), n_workers=2)
    unit = search.next_unit()
    left = unit.deadline - time.monotonic()
    for fold in range(N_FOLDS):
        search.take(unit if fold == 0 else search.next_unit(), result(0.5, seconds=2.0))
    # half as much again for 120 rows where a fold has 80, a margin, and something for the rest
    assert search._reserve == pytest.approx(min(0.3 + 1.1 * 3.0, 0.15 * 10.0))
    assert search.next_unit() is None or search._search_left() <= left - search._reserve


def test_time_is_kept_back_for_as_many_fits_as_an_average_is_likely_to_have():
    for for_average, n_fits in ((True, 8), (False, 1)):
        search = a_search(12, clock=Clock(1000.0, time.monotonic()), costs=costs_of(lambda c: 0.1))
        search.plan.for_average = for_average
        for _ in range(10 * N_FOLDS):
            search.take(search.next_unit(), result(0.5, seconds=2.0))
        assert search._reserve == pytest.approx(30.0 + 1.1 * 3.0 * n_fits)


def test_what_is_kept_back_is_what_the_fits_take_where_that_is_little():
    search = a_search(6, clock=Clock(100.0, time.monotonic()), costs=costs_of(lambda c: 0.5))
    for _ in range(N_FOLDS):
        search.take(search.next_unit(), result(0.5, seconds=2.0))
    assert search._reserve == pytest.approx(3.0 + 1.1 * 3.0)


def test_handing_a_model_over_takes_longer_the_more_rows_it_was_fitted_on():
    search = a_search(1, train_rows=30)
    while (unit := search.next_unit()) is not None:
        model = None if unit.label[1] == 0 else "a model"
        search.take(unit, result(0.5, handover_seconds=1.0, model=model))
    assert search.handover_seconds(0) == pytest.approx(4.0), "in proportion to rows"
    assert search.reading_seconds(0) == pytest.approx(2.0), "of those that were kept"
