"""Levels, curves, layouts that are refused, and the cache folder."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from tidewheel.errors import DefinitionError, StorageError
from tidewheel.kernel import (
    AggregateSpec,
    Events,
    build_layout,
    cache,
    empty,
    encode_levels,
    fold,
    hash_strings,
    header,
    interpolate,
    level_tables,
    replay,
)


def test_levels() -> None:
    levels = [f"level {i}" for i in range(300)]
    seen = [*levels[::-1], "other", None]
    rows = np.stack([hash_strings(seen).view(np.float64), np.arange(302.0)], axis=1)
    out = encode_levels(rows, level_tables([levels, None]))
    assert out[:300, 0].tolist() == list(range(299, -1, -1))
    assert out[300, 0] == 300
    assert np.isnan(out[301, 0])
    assert out[:, 1].tolist() == list(range(302))
    assert encode_levels(rows[:1, :1].copy(), level_tables([[]])).tolist() == [[0.0]]


def test_interpolate_is_numpys() -> None:
    random = np.random.default_rng(0)
    xs = np.sort(random.random(50))
    xs[10] = xs[11]
    ys = np.sort(random.random(50))
    x = np.concatenate([random.uniform(-0.2, 1.2, 1000), xs])
    assert interpolate(x, xs, ys).tobytes() == np.interp(x, xs, ys).tobytes()
    assert interpolate(np.array([3.0]), xs[:1], ys[:1]).tolist() == [ys[0]]
    assert np.isnan(interpolate(np.array([np.nan]), xs, ys)).all()


@pytest.mark.parametrize(
    "spec",
    [
        AggregateSpec("median", 0, 0),
        AggregateSpec("sum", 0, -1),
        AggregateSpec("sum", 0, 0, 60, 7),
        AggregateSpec("sum", 0, 0, 60, 0),
        AggregateSpec("sum", 0, 0, 0, 0, 5),
        AggregateSpec("sum", 0, 0, -60, 5),
        AggregateSpec("distinct", 0, 0, exact_to=1),
    ],
)
def test_aggregates_without_meaning_are_refused(spec: AggregateSpec) -> None:
    with pytest.raises(DefinitionError):
        build_layout([spec])


def test_arrays_that_do_not_fit_are_refused() -> None:
    layout = build_layout([AggregateSpec("sum", 0, 1)])
    at = np.array([1, 2])
    good = Events(np.array([0, 2]), np.zeros(2, np.int8), at, at, at, np.ones((2, 2)))
    for bad in (good._replace(slots=np.ones((2, 1))), good._replace(arrived=at[:1])):
        with pytest.raises(StorageError):
            fold(layout, empty(1), bad)
    for starts, cuts in (([0, 2], [2, 1]), ([0, 1], [3]), ([0, 1], [-1]), ([0, 2], [1])):
        with pytest.raises(StorageError):
            replay(layout, good, np.array(starts), np.array(cuts), np.array([9] * len(cuts)))
    with pytest.raises(StorageError):
        replay(layout, good, np.array([0, 2]), np.array([1, 2]), np.array([9, 9]), places=np.array([1, 1]))


def test_headers_of_one() -> None:
    layout = build_layout([AggregateSpec("sum", 0, 0)], state_hash=7)
    at = np.array([5])
    blobs = fold(layout, empty(1), Events(np.array([0, 1]), np.zeros(1, np.int8), at, at + 1, at + 2, np.ones((1, 1))))
    assert header(blobs.words) == (1, 1, 7, 6, 7)
    assert header(empty(1).words) == (0, 0, 0, 0, 0)


def test_a_second_process_finds_the_machine_code(tmp_path: Path) -> None:
    program = "import numpy as np, tidewheel.kernel as k; k.hash_numbers(np.ones(1)); k.hash_text('a')"
    environment = {**os.environ, "TIDEWHEEL_CACHE": str(tmp_path)}
    counts = []
    for _ in range(2):
        subprocess.run([sys.executable, "-c", program], check=True, env=environment)
        counts.append(sorted(path.name for path in tmp_path.rglob("*.nbc")))
    assert counts[0] == counts[1]
    assert len(counts[0]) == 2


def test_an_edit_of_any_source_makes_another_build(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    room = tmp_path / "kernel"
    shutil.copytree(Path(cache.__file__).parent, room, ignore=shutil.ignore_patterns("__pycache__"))
    monkeypatch.setattr(cache, "__file__", str(room / "cache.py"))
    before = cache.build_hash()
    nested = room / "windows" / "decay.py"
    nested.write_text(nested.read_text() + "# edited\n")
    assert cache.build_hash() != before


def test_a_cache_that_cannot_be_written_is_no_obstacle(tmp_path: Path) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("in the way")
    program = "from tidewheel.kernel.cache import code_folder; print(code_folder())"
    done = subprocess.run(
        [sys.executable, "-c", program],
        check=True,
        capture_output=True,
        text=True,
        env={**os.environ, "TIDEWHEEL_CACHE": str(blocked), "TMPDIR": str(tmp_path)},
    )
    assert Path(done.stdout.strip()).is_dir()


def test_a_folder_that_another_may_write_is_not_run_from(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("in the way")
    planted = tmp_path / f"tidewheel-{os.getuid()}"
    planted.mkdir()
    planted.chmod(0o777)
    monkeypatch.setenv("TIDEWHEEL_CACHE", str(blocked))
    monkeypatch.setattr(cache.tempfile, "tempdir", str(tmp_path))
    assert planted not in Path(cache.code_folder.__wrapped__()).parents
