"""The writers' tables: slots that are held and taken over, entries found from other processes' side."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tidewheel.collect.appending.decision_index import Place
from tidewheel.serving.find import record_at
from tidewheel.serving.recent import BUCKETS, Recent, RecentTable
from tidewheel.storage.journal.writer import JournalWriter


def test_a_slot_is_held_by_one_and_taken_over_with_a_new_name(tmp_path: Path) -> None:
    one = Recent(tmp_path, "worker")
    two = Recent(tmp_path, "worker")
    assert one.alone
    one.refresh()
    assert not one.alone
    assert (one.writer, two.writer) == ("worker-0-1", "worker-1-1")
    with pytest.raises(BlockingIOError):
        RecentTable(tmp_path / "worker-0.recent", write=True)
    one.put(b"event", "worker-0-1-00000002", 77)
    one.close()
    three = Recent(tmp_path, "worker")
    assert three.writer == "worker-0-2"
    two.refresh()
    assert two.find(b"event") == [Place("worker-0-1-00000002", 77)]
    three.put(b"other", "worker-0-2-00000001", 8)
    assert two.find(b"other") == [Place("worker-0-2-00000001", 8)]
    two.close()
    three.close()


def test_one_of_several_is_never_alone(tmp_path: Path) -> None:
    one = Recent(tmp_path, "worker", several=True)
    one.refresh()
    assert not one.alone, "another may have begun since"
    two = Recent(tmp_path, "worker", several=True)
    two.put(b"event", f"{two.writer}-00000001", 7)
    place = Place(f"{two.writer}-00000001", 7)
    assert one.find(b"event") == [place], "seen at once, before any refresh"
    two.close()
    assert one.find(b"event") == [place], "its decisions outlive it"
    three = Recent(tmp_path, "later", several=True)
    assert three.find(b"event") == [place], "also for who never saw it live"
    one.close()
    three.close()


@settings(max_examples=20, deadline=None)
@given(keys=st.lists(st.binary(min_size=1, max_size=20), unique=True, min_size=1, max_size=50))
def test_what_was_put_last_is_found(tmp_path_factory: pytest.TempPathFactory, keys: list[bytes]) -> None:
    folder = tmp_path_factory.mktemp("recent")
    one, two = Recent(folder, "w"), Recent(folder, "w")
    one.refresh()
    for number, key in enumerate(keys):
        two.put(key, f"{two.writer}-00000001", number)
        assert Place(f"{two.writer}-00000001", number) in one.find(key)
    one.close()
    two.close()


def test_old_entries_make_room(tmp_path: Path) -> None:
    one, two = Recent(tmp_path, "w"), Recent(tmp_path, "w")
    one.refresh()
    put = BUCKETS * 8
    for number in range(put):
        two.put(b"%d" % number, f"{two.writer}-00000001", number)
    found = sum(bool(one.find(b"%d" % number)) for number in range(put - 1000, put))
    assert found > 950
    assert not any(place.position == 0 for place in one.find(b"0"))
    one.close()
    two.close()


def test_a_place_that_leads_nowhere_gives_nothing(tmp_path: Path) -> None:
    with JournalWriter.open(tmp_path, "w") as journal:
        segment, position = journal.append(b"not a decision")
        for place in (
            Place("gone-00000001", 8),
            Place(segment, position),
            Place(segment, position + 3),
            Place(segment, 10**9),
            Place(segment, 0),
        ):
            assert record_at(tmp_path, place) is None
