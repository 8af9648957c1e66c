# ruff: noqa: D102 (a test says by its name what is promised)
"""What every engine must do."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from tidewheel.engine import Engine
from tidewheel.errors import InputError


class EngineContract:
    """Subclass with a fixture `engine`."""

    def test_results_come_in_the_parts_order(self, engine: Engine) -> None:
        assert engine.map(sleep_and_square, [3, 1, 2, 0]) == [9, 1, 4, 0]

    def test_no_parts_no_results(self, engine: Engine) -> None:
        assert engine.map(sleep_and_square, []) == []

    def test_done_counts_up_to_the_parts(self, engine: Engine) -> None:
        told: list[int] = []
        engine.map(sleep_and_square, [1, 2, 3], done=told.append)
        assert told == [1, 2, 3]

    def test_the_error_of_a_part_is_raised_as_it_is(self, engine: Engine) -> None:
        with pytest.raises(InputError, match="part 2 is bad") as raised:
            engine.map(refuse_two, [1, 2, 3])
        assert raised.value.remedy == "leave it out"
        assert engine.map(sleep_and_square, [2]) == [4]

    def test_any_object_may_be_work(self, engine: Engine, tmp_path: Path) -> None:
        assert engine.map(Writes(tmp_path), ["a", "b"]) == [1, 1]
        assert sorted(path.name for path in tmp_path.iterdir()) == ["a", "b"]


def sleep_and_square(n: int) -> int:
    """Take longer for larger numbers."""
    time.sleep(n / 100)
    return n * n


def refuse_two(n: int) -> int:
    """Raise for 2."""
    if n == 2:
        raise InputError("part 2 is bad", remedy="leave it out")
    return n


class Writes:
    """Work that holds something and leaves something behind."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def __call__(self, name: str) -> int:
        """Write a file named as the part."""
        return (self.folder / name).write_text(name)
