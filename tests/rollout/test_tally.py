"""Guards' sums kept up as decisions come in: equal to sums over all of them, and each decision read once."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import msgspec
import numpy as np
import pytest
from fake_view import SERVICE, SETTLED, FakeView, decided, together
from hypothesis import given, settings
from hypothesis import strategies as st

import tidewheel as tw
from tidewheel.outcomes import Joined
from tidewheel.registry.pointers import deployments
from tidewheel.registry.pointers.deployments import get_deployment
from tidewheel.registry.pointers.ramps import Rollout
from tidewheel.rollout import Steering
from tidewheel.rollout.evidence import evidence_of
from tidewheel.rollout.guards import Sample
from tidewheel.rollout.tally import Tally

HOUR = 3_600_000_000
GUARDS = (tw.guard.latency("20ms"), tw.guard.fallbacks("1%"), tw.guard.divergence("10%"))
WATCHED = msgspec.structs.replace(SERVICE, guards=GUARDS)
KINDS = {guard.kind for guard in GUARDS}


@pytest.fixture
def view(tmp_path: Path) -> FakeView:
    made = FakeView(tmp_path)
    made.deploy_first()
    made.train("Fraud", "")
    deployments.roll_out(made.catalog, "Score", "Fraud@2", Rollout("canary", 0.3), who="ada")
    return made


def busy(view: FakeView, n: int = 600) -> Joined:
    """An hour of decisions, some slow, some with a fallback."""
    fine = decided(n, view.time, view.time + HOUR, split=view.split())
    slow = decided(n, view.time, view.time + HOUR, split=view.split(), timings=[30_000_000])
    fallen = decided(n, view.time, view.time + HOUR, split=view.split(), fallback="previous")
    which = np.random.default_rng(5).integers(0, 10, n)
    return together(fine.take(which > 1), slow.take(which == 0), fallen.take(which == 1))


@given(cuts=st.lists(st.integers(0, HOUR), max_size=6))
@settings(max_examples=15, deadline=None)
def test_sums_are_the_same_however_often_they_were_looked_at(
    tmp_path_factory: pytest.TempPathFactory, cuts: list[int]
) -> None:
    view = FakeView(tmp_path_factory.mktemp("shop"))
    view.deploy_first()
    view.train("Fraud", "")
    deployments.roll_out(view.catalog, "Score", "Fraud@2", Rollout("canary", 0.3), who="ada")
    deployment, start = get_deployment(view.catalog, "Score"), view.time
    view.rows = busy(view)
    tally = Tally(view, WATCHED, deployment, GUARDS)
    for cut in [*sorted(cuts), HOUR + 1]:
        view.time = start + cut
        tally.read()
    whole = evidence_of(view, deployment, view.rows, KINDS)
    found = tally.evidence(np.empty(0))
    assert whole.usual is not None
    assert found.usual is not None
    for ours, theirs in ((found.ours, whole.ours), (found.usual, whole.usual)):
        assert ours.failed() == theirs.failed()
        assert ours.slow(20_000) == theirs.slow(20_000)
    assert found.ours.failed().n > 100
    assert found.ours.slow(20_000).total > 5
    assert isinstance(found.changes, Sample)
    assert isinstance(whole.changes, np.ndarray)
    assert found.changes.n == whole.changes.size
    assert found.changes.total == pytest.approx(whole.changes.sum())


def test_a_look_reads_what_is_new_and_a_moved_pointer_begins_anew(view: FakeView) -> None:
    steering, start = Steering(view), view.time
    view.rows = busy(view)
    for minutes in (20, 40, 60):
        view.time = start + minutes * 60_000_000
        steering.glance(SERVICE)
    thirds = [start + HOUR // 3 * third for third in range(4)]
    assert view.read == list(pairwise(thirds))
    deployments.roll_out(view.catalog, "Score", "Fraud@2", Rollout("canary", 0.5), who="ada")
    view.time += 1
    steering.glance(SERVICE)
    assert view.read[-1] == (get_deployment(view.catalog, "Score").since, view.time)


def test_a_glance_takes_back_what_fails_and_leaves_the_ramp_to_the_step(view: FakeView) -> None:
    view.rows = decided(600, view.time, view.time + HOUR, split=view.split())
    view.time += HOUR
    steering = Steering(view)
    assert steering.glance(SERVICE) == ""
    assert get_deployment(view.catalog, "Score").challenger == "Fraud@2"
    later = decided(600, view.time, view.time + HOUR, split=view.split(), fallback="previous")
    mine = np.array([view.split()(unit).name == "challenger" for unit in later.decisions["unit"].to_pylist()])
    well = decided(600, view.time, view.time + HOUR, split=view.split())
    view.rows = together(view.rows, later.take(mine), well.take(~mine))
    view.time += HOUR
    assert steering.glance(SERVICE).startswith("taken back: ")
    assert get_deployment(view.catalog, "Score").challenger == ""


def test_decisions_that_may_still_be_on_their_way_are_read_later(view: FakeView) -> None:
    view.replayed = False
    start = view.time
    view.rows = decided(100, start, start + 10_000_000, split=view.split())
    deployment = get_deployment(view.catalog, "Score")
    tally = Tally(view, SERVICE, deployment, GUARDS[1:2])
    view.time = start + 10_000_000
    first = tally.read()
    assert 0 < first < 100
    view.time += SETTLED + SERVICE.deadline + 1
    assert first + tally.read() == 100
