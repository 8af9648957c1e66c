"""``train``, ``runs``, ``show``, ``compare``, ``rerun``."""

from __future__ import annotations

from pathlib import Path

from tests.shop import done, tidewheel


def test_training_makes_a_version_and_says_what_to_do_next(filled: Path) -> None:
    told = done("train", "SentBack", folder=filled).out
    assert told.startswith("SentBack@1 from run ")
    assert "average_precision" in told
    assert "passed  at_least(roc_auc, 0.6)" in told
    assert "tidewheel deploy SentBack@1" in told
    again = done("train", "SentBack", "--as-of", "2026-11-01T00:00:00Z", "--json", folder=filled).json
    assert again["version"] == "SentBack@2"
    assert again["counts"]["train"] > 0


def test_runs_and_versions_are_shown(trained: Path) -> None:
    runs = done("runs", "SentBack", "--json", folder=trained).json
    assert [entry["version"] for entry in runs] == ["SentBack@2", "SentBack@1"]
    assert runs[0]["run"]["id"] in done("runs", folder=trained).out
    told = done("show", "SentBack@1", folder=trained).out
    for part in ("roc_auc", "num_leaves", "data set", "event Order", "lightgbm", "train"):
        assert part in told
    shown = done("show", "SentBack@champion", "--json", folder=trained).json
    assert shown["version"]["number"] == 1
    assert shown["run"]["lineage"]["dataset"]


def test_two_versions_side_by_side(trained: Path) -> None:
    told = done("compare", "SentBack@1", "SentBack@2", folder=trained).out
    assert "random_state" in told
    assert "the same data set" in told
    found = done("compare", "SentBack@1", "SentBack@2", "--json", folder=trained).json
    assert (found["same_data"], found["same_test"]) == (True, True)


def test_a_run_repeated_comes_out_the_same(trained: Path) -> None:
    told = done("rerun", "SentBack@1", folder=trained).out
    assert told.count("the same, to the bit") == 3
    run = done("runs", "--json", folder=trained).json[-1]["run"]["id"]
    report = done("rerun", run, "--json", folder=trained).json
    assert (report["same_data"], report["same_metrics"], report["same_predictions"]) == (True, True, True)
    assert len(done("runs", "SentBack", "--json", folder=trained).json) == 4


def test_a_changed_definition_shows_in_a_rerun(trained: Path) -> None:
    module = trained / "project.py"
    module.write_text(module.read_text().replace('tw.count(Order, "30d")', 'tw.count(Order, "60d")'))
    ran = tidewheel("rerun", "SentBack@1", folder=trained)
    assert ran.code == 1
    assert "DIFFERENT" in ran.out
    assert "did not come out the same" in ran.err


def test_unknown_names_are_told_with_the_likely_one(trained: Path) -> None:
    for arguments, said in (
        (["train", "SentBck"], "did you mean 'SentBack'"),
        (["show", "SentBack@9"], "there are: SentBack@1, SentBack@2"),
        (["show", "SentBck@1"], "did you mean SentBack"),
        (["show", "SentBack@best"], "latest, champion, challenger"),
        (["show", "Sent Back"], "names no version"),
        (["compare", "SentBack@1", "SentBack@7"], "no version SentBack@7"),
        (["rerun", "01NOSUCHRUN"], "no run"),
        (["train", "SentBack", "--as-of", "yesterday"], "can't read 'yesterday' as a time"),
        (["train", "SentBack", "--as-of", "2026-01-01T00:00:00"], "zone"),
    ):
        ran = tidewheel(*arguments, folder=trained)
        assert ran.code == 1, (arguments, ran.out, ran.err)
        assert said in ran.err, (arguments, ran.err)


def test_too_little_history_is_told(empty: Path) -> None:
    ran = tidewheel("train", "SentBack", folder=empty)
    assert ran.code == 1
    assert "rows" in ran.err
    assert done("runs", "--json", folder=empty).json[0]["run"]["status"] == "failed"
