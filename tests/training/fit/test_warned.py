"""Warnings of fits that run side by side reach the fit that they are of."""

from __future__ import annotations

import threading
import warnings

import pytest

from tidewheel.training.fit.warned import Warned


def test_threads_side_by_side_hear_their_own() -> None:
    both = threading.Barrier(2)
    found: dict[str, list[str]] = {}

    def fit(name: str) -> None:
        with Warned() as warned:
            both.wait(60)  # both are inside
            for number in range(50):
                warnings.warn(f"{name} {number}", RuntimeWarning)
            both.wait(60)
        found[name] = warned.found

    threads = [threading.Thread(target=fit, args=(name,)) for name in ("one", "two")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert found == {name: [f"RuntimeWarning: {name} {number}" for number in range(50)] for name in ("one", "two")}


def test_the_last_to_leave_restores_what_the_first_found() -> None:
    before, shown = warnings.filters[:], warnings.showwarning
    first, second = Warned(), Warned()
    with first:
        second.__enter__()
    assert warnings.filters[:] != before
    second.__exit__(None, None, None)
    assert (warnings.filters[:], warnings.showwarning) == (before, shown)
    with pytest.raises(UserWarning):
        warnings.warn("an error again, as everywhere in these tests", UserWarning)


def test_a_library_s_own_thread_counts_to_the_one_fit_under_way() -> None:
    with Warned() as warned:
        thread = threading.Thread(target=lambda: warnings.warn("of a helper", UserWarning))
        thread.start()
        thread.join(60)
    assert warned.found == ["UserWarning: of a helper"]


def test_an_inner_one_hears_alone() -> None:
    with Warned() as outer:
        with Warned() as inner:
            warnings.warn("inside", UserWarning)
        warnings.warn("outside", UserWarning)
    assert (outer.found, inner.found) == (["UserWarning: outside"], ["UserWarning: inside"])
