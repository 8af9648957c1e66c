"""``trials``."""

from __future__ import annotations

from pathlib import Path

from tests.shop import done

SEARCH = """\
    search = {"num_leaves": tw.int_range(3, 15), "learning_rate": tw.log_range(0.01, 0.3)}
    tune = tw.tune.search(trials=7, pruner="median", parallel=2)
    estimator = LGBMClassifier("""


def test_what_a_search_tried_is_shown(filled: Path) -> None:
    module = filled / "project.py"
    text = module.read_text()
    line = "    estimator = LGBMClassifier("
    assert line in text
    module.write_text(text.replace(line, SEARCH))
    run = done("train", "SentBack", "--json", folder=filled).json["run_id"]
    found = done("trials", run, "--json", folder=filled).json
    assert [trial["number"] for trial in found["trials"]] == list(range(7))
    assert found["summary"]["stopped"] == "trials"
    best = found["summary"]["best"]
    assert found["trials"][best]["value"] == max(trial["value"] or 0.0 for trial in found["trials"])
    told = done("trials", "SentBack@1", folder=filled).out
    for part in ("num_leaves", "learning_rate", f"{best} *", "complete", "ended by: trials"):
        assert part in told


def test_a_run_without_a_search(trained: Path) -> None:
    assert "declares no search" in done("trials", "SentBack@1", folder=trained).out
