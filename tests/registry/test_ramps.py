"""How a challenger stands beside the champion: modes, ramps, and what is refused."""

from __future__ import annotations

import pytest

from tidewheel.definitions.ir import Graph, Service
from tidewheel.errors import ConflictError, InputError
from tidewheel.registry.pointers.deployments import canary, deploy, get_deployment, history, promote, roll_out, rollback
from tidewheel.registry.pointers.ramps import Ramp, Rollout, find_ramp
from tidewheel.registry.runs.runs import start_run
from tidewheel.registry.services import freeze_service
from tidewheel.registry.versions.versions import register
from tidewheel.storage.catalog import Catalog
from tidewheel.storage.catalog.notes import list_notes

SCORE = Service(name="Score", on="T", model="Fraud", rule_view=None, rules=(), thresholds=(("allow", 0.0),))
RAMP = Ramp((0.05, 1.0))


@pytest.fixture
def served(catalog: Catalog) -> Catalog:
    for _ in range(3):
        register(catalog, "Fraud", run=start_run(catalog, "Fraud").id, bundle="b" * 64)
    deploy(catalog, "Score", "Fraud@1", freeze_service(catalog, SCORE, Graph()).digest)
    return catalog


def test_a_version_goes_from_the_shadow_through_a_canary_to_champion(served: Catalog) -> None:
    shadow = roll_out(served, "Score", "Fraud@2", Rollout("shadow"))
    assert (shadow.mode, shadow.share) == ("shadow", 1.0)
    started = roll_out(served, "Score", "Fraud@2", Rollout("canary", 0.05, RAMP))
    assert started.salt != shadow.salt, "another rollout, another draw"
    assert find_ramp(served, started) == RAMP
    raised = roll_out(served, "Score", "Fraud@2", Rollout("canary", 0.2))
    assert (raised.salt, find_ramp(served, raised)) == (started.salt, RAMP)
    assert promote(served, "Score").mode == "none"
    assert find_ramp(served, get_deployment(served, "Score")) is None
    moves = [move.action for move in reversed(history(served, "Score"))]
    assert moves == ["deploy", "shadow", "canary", "ramp", "promote"]
    assert [note.kind for note in list_notes(served, kind="rollout.")] == ["rollout.ramp"]


def test_the_next_canary_does_not_inherit_a_ramp(served: Catalog) -> None:
    roll_out(served, "Score", "Fraud@2", Rollout("canary", 0.05, RAMP))
    rollback(served, "Score")
    assert find_ramp(served, canary(served, "Score", "Fraud@2", 0.05)) is None


def test_green_stands_beside_blue_without_traffic(served: Catalog) -> None:
    green = roll_out(served, "Score", "Fraud@2", Rollout("blue-green"))
    assert (green.challenger, green.share) == ("Fraud@2", 0.0)
    assert promote(served, "Score").previous == "Fraud@1"


def test_what_is_refused(served: Catalog) -> None:
    roll_out(served, "Score", "Fraud@2", Rollout("ab", 0.5))
    with pytest.raises(ConflictError, match="Fraud@2 has a ab"):
        roll_out(served, "Score", "Fraud@3", Rollout("shadow"))
    for steps in ((), (0.5, 0.1), (0.1, 0.1), (0.1, 1.2), (0.0, 1.0)):
        with pytest.raises(InputError):
            Ramp(steps).check()
    with pytest.raises(InputError, match="no time"):
        Ramp((0.1,), hold=0).check()
