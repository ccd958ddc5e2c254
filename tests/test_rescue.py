"""A model where nothing could be evaluated."""

import time
from types import SimpleNamespace

import pytest

import sklmeta.rescue
from sklmeta.rescue import GRACE, _LastFits
from sklmeta.search import Clock


@pytest.mark.parametrize(
    ("budget", "has_begun", "is_known", "waits"),
    [(10.0, True, False, False), (10.0, False, False, True), (10.0, True, True, True), (3.0, True, False, True)],
)
def test_a_process_is_waited_for_unless_a_fit_of_unknown_cost_was_stopped(budget, has_begun, is_known, waits):
    clock = Clock(budget, time.monotonic())
    search = SimpleNamespace(clock=clock, has_begun=has_begun, knows_seconds=lambda k: is_known)
    overrun = _LastFits(search, None, None)._end(0) - clock.deadline
    assert overrun > 5.0 if waits else overrun == pytest.approx(GRACE)


@pytest.mark.parametrize(("left", "is_known", "seconds"), [(10.0, True, 5.0), (0.0, True, 0.25), (0.0, False, 0.5)])
def test_what_was_fitted_on_a_part_is_fitted_on_more_if_that_ends_soon(left, is_known, seconds):
    search = SimpleNamespace(clock=Clock(left, time.monotonic()), knows_seconds=lambda k: is_known)
    assert _LastFits(search, None, None).seconds_for_more(0) == pytest.approx(seconds, abs=0.05)


def test_a_second_fit_of_known_cost_ends_within_the_grace(monkeypatch):
    ends = []
    monkeypatch.setattr(sklmeta.rescue, "fit_alone", lambda *args: ends.append(args[-1]) or ("larger", 0.1))
    search = SimpleNamespace(
        clock=Clock(3.0, time.monotonic()),
        has_begun=True,
        candidates=[SimpleNamespace(configuration=None)],
        costs=SimpleNamespace(observe=lambda *what: None),
        knows_seconds=lambda k: True,
        most_rows=lambda k, seconds: 1000,
    )
    assert _LastFits(search, None, None).fit_on_more(0, 200, ("smaller", 0.1)) == (1000, ("larger", 0.1))
    assert ends == [search.clock.deadline + GRACE]
