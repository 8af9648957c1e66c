"""Parts on this process's cores."""

from __future__ import annotations

import pytest

from tidewheel.engine import map_parts


@pytest.mark.parametrize("workers", [None, 1, 3])
def test_results_come_in_order_and_progress_is_told(workers: int | None) -> None:
    told: list[int] = []
    assert map_parts(lambda part: part * part, list(range(7)), workers=workers, done=told.append) == [
        n * n for n in range(7)
    ]
    assert told == list(range(1, 8))
    assert map_parts(lambda part: part, []) == []


@pytest.mark.parametrize("workers", [1, 2])
def test_the_first_error_is_raised(workers: int) -> None:
    def work(part: int) -> int:
        if part == 2:
            raise ValueError("part 2")
        return part

    with pytest.raises(ValueError, match="part 2"):
        map_parts(work, list(range(5)), workers=workers)
