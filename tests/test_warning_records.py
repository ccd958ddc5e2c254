"""Warnings stay with the thread that raised them, and nothing of the recording stays behind."""

import threading
import warnings

import pytest

from sklmeta.warning_records import recorded_warnings, warnings_by_thread


def test_records_and_shows_nothing(recwarn):
    with recorded_warnings() as records:
        warnings.warn("first", UserWarning, stacklevel=1)
        warnings.warn("first", UserWarning, stacklevel=1)
    assert [str(r.message) for r in records] == ["first", "first"]
    assert len(recwarn) == 0


def test_the_inner_of_two_records_keeps_its_own():
    with recorded_warnings() as outer:
        with recorded_warnings() as inner:
            warnings.warn("inside", UserWarning, stacklevel=1)
        warnings.warn("outside", UserWarning, stacklevel=1)
    assert [str(r.message) for r in outer] == ["outside"]
    assert [str(r.message) for r in inner] == ["inside"]


def test_threads_keep_their_warnings_apart():
    barrier, found = threading.Barrier(4), {}

    def work(k):
        with recorded_warnings() as records:
            for _ in range(50):
                barrier.wait(10)
                warnings.warn(f"of {k}", UserWarning, stacklevel=1)
        found[k] = {str(r.message) for r in records}, len(records)

    with warnings_by_thread():
        threads = [threading.Thread(target=work, args=(k,)) for k in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert found == {k: ({f"of {k}"}, 50) for k in range(4)}


def test_what_nobody_records_is_shown_as_usual():
    with warnings.catch_warnings(record=True) as shown:
        warnings.simplefilter("always")
        with warnings_by_thread():
            warnings.warn("for the user", UserWarning, stacklevel=1)
    assert [str(w.message) for w in shown] == ["for the user"]


def test_filters_and_display_are_as_before_even_after_an_error():
    filters, show = list(warnings.filters), warnings.showwarning
    with pytest.raises(RuntimeError), recorded_warnings():
        raise RuntimeError
    assert list(warnings.filters) == filters
    assert warnings.showwarning is show


@pytest.mark.parametrize("first_to_leave", [0, 1])
def test_threads_that_enter_and_leave_in_turn_leave_nothing_behind(first_to_leave):
    filters, show = list(warnings.filters), warnings.showwarning
    entered, may_leave = [threading.Event() for _ in "ab"], [threading.Event() for _ in "ab"]
    found = {}

    def work(k):
        with recorded_warnings() as records:
            entered[k].set()
            may_leave[k].wait(20)
            warnings.warn(f"of {k}", UserWarning, stacklevel=1)
        found[k] = [str(r.message) for r in records]

    threads = [threading.Thread(target=work, args=(k,)) for k in (0, 1)]
    for k, thread in enumerate(threads):
        thread.start()
        assert entered[k].wait(20)
    for k in (first_to_leave, 1 - first_to_leave):
        may_leave[k].set()
        threads[k].join()
    assert found == {0: ["of 0"], 1: ["of 1"]}
    assert list(warnings.filters) == filters
    assert warnings.showwarning is show


def test_whoever_records_inside_by_other_means_gets_what_is_theirs():
    with recorded_warnings() as outer:
        with warnings.catch_warnings(record=True) as shown, recorded_warnings() as inner:
            warnings.simplefilter("always")
            warnings.warn("inside", UserWarning, stacklevel=1)
        warnings.warn("outside", UserWarning, stacklevel=1)
    assert [str(w.message) for w in inner] == ["inside"]
    assert shown == []
    assert [str(w.message) for w in outer] == ["outside"]
