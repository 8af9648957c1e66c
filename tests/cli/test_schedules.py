"""``tick``, ``schedules`` and ``steps``."""

from __future__ import annotations

from pathlib import Path

from tests.shop import done, tidewheel

from tidewheel.registry.versions.names import current_user


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


def test_a_person_has_a_job_done_now_and_the_history_says_so(trained: Path) -> None:
    told = done("tick", "--job", "tidy", folder=trained).out
    assert told.startswith("done    tidy, due ")
    (run,) = done("schedules", "tidy", "--json", folder=trained).json
    assert run["cause"] == f"by hand: tidewheel tick of {current_user()}"
    refused = tidewheel("tick", "--job", "tidi", folder=trained)
    assert refused.code == 1
    assert "no job 'tidi'; there are: " in refused.err


def test_what_an_added_step_returned_is_shown(trained: Path) -> None:
    module = (trained / "project.py").read_text()
    step = "@tw.pipeline.step()\ndef totals(test, metrics):\n    return {'rows': test.num_rows, **metrics}\n\n\n"
    begin = module.index("class SentBack")
    body = module[begin:].replace("    view = ", "    steps = [totals]\n    view = ", 1)
    (trained / "project.py").write_text(module[:begin] + step + body)
    version = done("train", "SentBack", "--json", folder=trained).json["version"]
    found = done("steps", version, "--show", "totals", folder=trained).json
    metrics = done("show", version, "--json", folder=trained).json["version"]["metrics"]
    assert found.pop("rows") > 0
    assert len(found) >= 1
    assert (
        found.items() <= {metric["metric"]: metric["value"] for metric in metrics if metric["split"] == "test"}.items()
    )
    assert "totals" in done("steps", version, folder=trained).out
    refused = tidewheel("steps", version, "--show", "total", folder=trained)
    assert refused.code == 1
    assert "has no added step 'total'; it added totals" in refused.err


def test_an_empty_list_says_so(tmp_path: Path) -> None:
    done("init", str(tmp_path / "new"))
    for command in ("runs", "versions", "schedules", "environments", "erasures", "audit"):
        assert done(command, folder=tmp_path / "new").out == "nothing to show\n", command
