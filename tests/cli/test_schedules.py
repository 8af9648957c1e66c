"""``tick``, ``schedules`` and ``steps``."""

from __future__ import annotations

from pathlib import Path

from tests.shop import done


def test_an_outside_cron_does_what_is_due_once(trained: Path) -> None:
    assert isinstance(done("tick", "--json", folder=trained).json, list)
    assert done("tick", "--json", folder=trained).json == []
    assert done("tick", folder=trained).out == "nothing is due\n"
    found = {entry["job"]: entry for entry in done("schedules", "--json", folder=trained).json}
    assert found["tidy"]["next"] > 0
    assert "upkeep of the lake" in done("schedules", folder=trained).out
    assert done("schedules", "tidy", "--json", folder=trained).json == []


def test_the_steps_of_a_run(trained: Path) -> None:
    found = done("steps", "SentBack@1", "--json", folder=trained).json
    assert [step["step"] for step in found["steps"]][:2] == ["validate", "data"]
    told = done("steps", found["run"]["id"], folder=trained).out
    assert found["steps"][1]["key"][:12] in told
    assert "done" in told
