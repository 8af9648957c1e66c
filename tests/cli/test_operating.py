"""``tune-thresholds``: chosen by the held-out scores of the version that answers, and set on request."""

from __future__ import annotations

from pathlib import Path

from tests.shop import done, tidewheel


def test_a_threshold_is_chosen_and_set(trained: Path) -> None:
    found = done("tune-thresholds", "Screen", "--recall", "0.8", "--json", folder=trained).json
    assert (found["action"], found["version"], found["set"]) == ("check", "SentBack@1", False)
    assert found["recall"] >= 0.8
    assert found["precision_interval"][0] <= found["precision"] <= found["precision_interval"][1]
    assert done("thresholds", "Screen", "--json", folder=trained).json["check"] == 0.5
    costly = done("tune-thresholds", "Screen", "--cost", "fp=1,fn=3", "--set", "--json", folder=trained).json
    assert done("thresholds", "Screen", "--json", folder=trained).json == {"ship": 0.0, "check": costly["threshold"]}
    assert "precision_interval" in done("tune-thresholds", "Screen", "--recall", "0.5", folder=trained).out


def test_what_can_not_be_chosen_is_told(trained: Path) -> None:
    for arguments, said in (
        ([], "one goal is needed"),
        (["--recall", "0.5", "--precision", "0.5"], "one goal is needed"),
        (["--cost", "fp=1"], "write them as fp=1,fn=20"),
        (["--cost", "fp=-1,fn=2"], "give numbers from 0"),
        (["--recall", "0.5", "--action", "hold"], "its actions: ship, check"),
        (["--recall", "1.5"], "a recall of 1.5"),
        (["--recall", "0.5", "--version", "SentBack@9"], "SentBack@9"),
    ):
        failed = tidewheel("tune-thresholds", "Screen", *arguments, folder=trained)
        assert failed.code != 0
        assert said in failed.err, failed.err
