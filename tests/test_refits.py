"""Which member of the final model is fitted on all rows, when, and on how many."""

from types import SimpleNamespace

import numpy as np
import pytest

from sklmeta.conclusion import _warn_of_shortcuts
from sklmeta.exceptions import EvaluationWarning
from sklmeta.refits import Refits, timetable
from sklmeta.search import Fitted

N_ROWS, FOLD_ROWS = 120, 30


class StoppedClock:
    """Shows what is left of a budget until it is moved."""

    def __init__(self, seconds):
        self.deadline, self.now = seconds, 0.0

    def left(self):
        return self.deadline - self.now


def a_search(seconds, *, budget=None, n_workers=1, handovers=None, readings=None):
    """Members by what their fits on all rows take, and what it takes to hand them, or their fold models, over."""
    n = len(seconds)
    handovers, readings = handovers or [0.0] * n, readings or [0.0] * n
    return SimpleNamespace(
        clock=None if budget is None else StoppedClock(budget),
        n_rows=N_ROWS, n_workers=n_workers, train_rows=[FOLD_ROWS] * 3,
        name=lambda k: f"member{k}", estimators=list(range(n)),
        refit_seconds=seconds.__getitem__, handover_seconds=handovers.__getitem__, reading_seconds=readings.__getitem__,
        is_fitted=lambda k: False,
    )  # fmt: skip


def refits_of(search, wanted=None):
    wanted = range(len(search.estimators)) if wanted is None else wanted
    return Refits(search, wanted, np.arange)


def played(search, actual=None):
    """Play the fits through: labels in the order of their begin, and when every model was read."""
    refits, clock = refits_of(search), search.clock
    running, begun = [], []
    while True:
        while len(running) < search.n_workers and (unit := refits.next_unit()) is not None:
            k = unit.label
            took = (search.refit_seconds if actual is None else actual.__getitem__)(k) * refits.rows[k] / N_ROWS
            end = clock.now + took + search.handover_seconds(k)
            running.append((min(unit.deadline, end), unit, took if end <= unit.deadline + 1e-9 else None))
            begun.append(k)
        if not running:
            break
        end, unit, took = running.pop(min(range(len(running)), key=lambda i: running[i][0]))
        clock.now = max(clock.now, end) + (took is not None) * search.handover_seconds(unit.label)
        refits.take(unit, TimeoutError() if took is None else ("fitted", took))
    clock.now += sum(search.reading_seconds(k) for k, model in refits.fitted.items() if model is None)
    return begun, [k for k, model in refits.fitted.items() if model is not None], clock.now


def test_that_none_has_seen_all_rows_is_said():
    search = a_search([1.0], budget=100.0)
    refits = refits_of(search)
    refits.fitted[0], refits.rows[0] = "a model", N_ROWS // 2
    with pytest.warns(EvaluationWarning, match="1 members could .* within the time budget: 1 fitted on a part of the"):
        _warn_of_shortcuts(refits, {}, search, interrupted=False)


def test_without_a_budget_all_are_fitted_on_all_rows_in_the_given_order():
    refits = refits_of(a_search([1e6, 1e6]), [1, 0])
    units = [refits.next_unit(), refits.next_unit()]
    assert refits.next_unit() is None
    assert [unit.label for unit in units] == [1, 0]
    assert [unit.args for unit in units] == [("member1", 1, None), ("member0", 0, None)]
    refits.take(units[0], ("fitted", 3.0))
    refits.take(units[1], error := ValueError("no"))
    assert refits.fitted == {1: "fitted", 0: None}
    assert refits.seconds[1] == 3.0
    assert refits.errors == [error]


@pytest.mark.parametrize(("seconds", "rows"), [(4.0, 120), (16.0, 60), (240.0, None), (np.inf, None)])
def test_in_a_budget_as_many_rows_as_there_is_time_for(seconds, rows):
    search = a_search([seconds], budget=10.0)
    unit = refits_of(search).next_unit()
    if rows is None:
        assert unit is None
        return
    assert unit.deadline == 10.0
    part = unit.args[2]
    assert (120 if part is None else len(part)) == pytest.approx(rows, abs=1)
    assert part is None or abs(np.mean(part % 2) - 0.5) < 0.05


def test_one_that_fills_a_worker_begins_at_once_so_that_less_important_ones_fit_beside_it():
    search = a_search([0.5, 0.2, 2.1, 0.7], budget=2.3, n_workers=2)
    begun, fitted, end = played(search)
    assert begun == [0, 2, 1, 3]
    assert fitted == [0, 1, 2, 3]
    assert end <= 2.3


def test_the_most_important_go_first_where_there_is_room_for_all():
    assert played(a_search([0.1, 3.0, 0.2, 1.0], budget=100.0, n_workers=2))[0] == [0, 1, 2, 3]


def test_a_less_important_one_never_takes_the_place_of_another():
    begun, fitted, _ = played(a_search([3.0, 3.0, 3.9, 1.0], budget=4.0, n_workers=2))
    assert fitted == [0, 1, 3]
    assert 2 not in begun


def test_large_models_take_time_to_be_written_and_read():
    unit = refits_of(a_search([1.0], budget=10.0, handovers=[4.0])).next_unit()
    assert unit.args[2] is None
    assert unit.deadline == 6.0, "it must be read by then"
    unit = refits_of(a_search([4.0], budget=10.0, handovers=[4.0])).next_unit()
    assert len(unit.args[2]) == pytest.approx(0.8 * 120 * (10.0 - 4.0 - 4.0) / 4.0, abs=1)


def test_what_is_read_while_another_is_fitted_costs_nothing():
    search = a_search([1.0, 8.0], budget=10.0, n_workers=2, handovers=[2.0, 0.0])
    assert played(search)[1] == [0, 1]


def test_time_is_kept_back_to_read_the_fold_models_that_stand_in():
    assert refits_of(a_search([5.0, 50.0], budget=10.0, readings=[0.0, 2.0])).next_unit().deadline == 8.0
    readings = [0.0, 6.0]
    assert len(refits_of(a_search([5.0, 500.0], budget=10.0, readings=readings)).next_unit().args[2]) < N_ROWS
    assert refits_of(a_search([5.0, 500.0], budget=5.9, readings=readings)).next_unit() is None


@pytest.mark.parametrize("seed", range(40))
def test_every_model_is_there_in_time_and_the_most_important_one_is_fitted(seed):
    rng = np.random.RandomState(seed)
    n, n_workers = rng.randint(1, 9), rng.randint(1, 4)
    seconds = list(rng.exponential(1.0, n))
    handovers = list(rng.exponential(0.2, n) * rng.randint(0, 2, n))
    readings = [0.8 * h for h in handovers]
    search = a_search(seconds, budget=3.0, n_workers=n_workers, handovers=handovers, readings=readings)
    assert sum(readings) < 3.0, "else there is nothing to show"
    begun, fitted, end = played(search)
    assert sorted(begun) == sorted(fitted), "what is begun ends in time, if it takes what is expected"
    assert end <= 3.0 + 1e-9
    alone = [seconds[k] + 2 * handovers[k] + sum(readings) for k in range(n)]
    assert 0 in fitted or alone[0] - readings[0] > 3.0, "the most important one is fitted if it can be at all"


def test_one_that_takes_longer_than_expected_is_stopped_and_the_rest_goes_on():
    search = a_search([1.0, 1.0, 1.0], budget=5.0)
    _, fitted, end = played(search, actual=[1.0, 30.0, 1.0])
    assert fitted == [0]
    assert end <= 5.0
    _, fitted, _ = played(a_search([1.0] * 3, budget=5.0, n_workers=2), actual=[30.0, 1.0, 1.0])
    assert fitted == [1, 2]


def test_a_timetable_by_hand():
    assert timetable([(2.0, 0.0)], [(5.0, 0.0), (1.0, 0.0), (1.0, 0.0)], 2) == (4.0, 5.0)
    assert timetable([], [], 3) == (0.0, 0.0)
    assert timetable([], [(1.0, 0.5)], 2) == (0.0, 1.5)
    # the second is read from 1.5 on, the third begins then; it ends while the last one is read
    assert timetable([], [(1.0, 0.5), (1.2, 1.0), (0.5, 0.25)], 2) == (2.5, 2.75)


def test_what_is_fitted_already_is_taken_as_it_is():
    search = a_search([3.0, 2.0])
    search.is_fitted = lambda k: k == 0
    search.fitted_before = {0: Fitted("earlier", 1.5, N_ROWS)}
    refits = refits_of(search)
    assert [unit.label for unit in iter(refits.next_unit, None)] == [1]
    assert refits.fitted[0] == "earlier"
    assert refits.seconds[0] == 1.5
    assert refits.rows[0] == N_ROWS
