"""How far a training is, told where standard error is no terminal."""

from __future__ import annotations

from pathlib import Path

import pytest
from examples.flights_2013.told import ToldProgress
from tests.shop import done

from tidewheel.cli.progress import Lines


def test_a_line_for_each_step_and_what_was_reused(filled: Path) -> None:
    first = done("train", "SentBack", folder=filled).err.splitlines()
    assert [line.partition(":")[0] for line in first] == [
        "validate", "data", "split", "fit", "evaluate", "gates", "register",
    ]  # fmt: skip
    again = done("train", "SentBack", folder=filled).err.splitlines()
    assert again[1].startswith("data: reused from run ")


def test_trials_are_no_steps() -> None:
    said: list[str] = []
    lines = Lines(said.append, lambda: 2.0)
    for what, share in (("tune", 0.0), ("tune: trial 1 of 1, best roc_auc 0.7", 1.0), ("tune", 1.0)):
        lines(what, share)
    lines("go on with run 01, which was cut off after data", 1.0)
    assert said == ["tune: done in 0.0 s", "go on with run 01, which was cut off after data"]


def test_the_demo_s_progress_can_be_followed_in_a_file(capsys: pytest.CaptureFixture[str]) -> None:
    with ToldProgress() as progress:
        task = progress.add_task("folding", total=20)
        for _ in range(20):
            progress.advance(task)
        progress.update(task, description="folded")
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "folding (0%)"
    assert lines[-2:] == ["folding (100%)", "folded (100%)"]
    assert len(lines) == 12
