"""Lists kept for serving: of each entity the newest, whatever the order in which they come, and how often."""

from __future__ import annotations

import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tidewheel.definitions.ir import Stored
from tidewheel.serving.deciding.stored import StoredLists
from tidewheel.storage.lists import StoredList, lists_id, put_lists, read_list
from tidewheel.storage.state.lmdb_state import StateStore

ID = lists_id("Overnight", "User")
made = st.builds(
    StoredList, st.integers(1, 9), st.text("ABC", max_size=26), st.lists(st.text("mé 7", min_size=1), max_size=5)
)


@settings(deadline=None, max_examples=25)
@given(st.lists(st.dictionaries(st.sampled_from(["u1", "u2"]), made, max_size=2), max_size=5))
def test_the_newest_list_of_each_entity_is_kept(batches: list[dict[str, StoredList]]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        state = StateStore.open(Path(folder), 1)
        writer = state.writer(0, 1)
        newest: dict[str, StoredList] = {}
        for seen, lists in enumerate([*batches, *batches], 1):
            kept = put_lists(writer, ID, lists, seen)
            newer = {key: one for key, one in lists.items() if key not in newest or one.instant > newest[key].instant}
            assert kept == len(newer)
            newest |= newer
            assert writer.offsets()[ID] == seen
        assert {key: read_list(state, ID, key) for key in newest} == newest
        assert read_list(state, ID, "nobody") is None
        writer.close()
        state.close()


@pytest.mark.parametrize(("age", "kind"), [(0, "fresh"), (60_000_000, "fresh"), (60_000_001, "stale")])
def test_a_list_is_fresh_up_to_its_age_inclusive(tmp_path: Path, age: int, kind: str) -> None:
    state = StateStore.open(tmp_path, 1)
    writer = state.writer(0, 1)
    put_lists(writer, ID, {"u1": StoredList(1_000_000, "D1", ["m2", "m1"])}, 7)
    lists = StoredLists(state, Stored(("user",), "User", 60_000_000), "Overnight")
    read, items = lists.look({"user": "u1"}, 1_000_000 + age)
    assert (read.kind, read.run, read.age) == (kind, "D1", age)
    assert items == (["m2", "m1"] if kind == "fresh" else [])
    assert lists.look({"user": "u2"}, 5) == (("missing", "", 0), [])
    assert lists.look({"user": None}, 5) == (("missing", "", 0), [])
    writer.close()
    state.close()
