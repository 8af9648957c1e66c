"""A log that moves to a broker and back: nothing that names an offset or knows an id sees a difference."""

from __future__ import annotations

import json
import random
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from tests.kafka_server import KafkaPlace
from tests.shop import tidewheel
from tests.workspace.test_opening import project

import tidewheel as tw
from tidewheel.errors import BusyError, ConfigError, ConflictError, NotFoundError, StorageError
from tidewheel.runtime.stores import open_stores
from tidewheel.storage.kafka.log import KafkaLog
from tidewheel.storage.kafka.messages import MOST_BYTES, Begin
from tidewheel.storage.log.contents import ORDER
from tidewheel.storage.log.event_log import EventLog
from tidewheel.storage.log.records import BadRow, NewEvent
from tidewheel.workspace import Workspace
from tidewheel.workspace.events import moving
from tidewheel.workspace.events.moving import LogMove, move_log

pytestmark = pytest.mark.kafka
DAY = 86_400_000_000
START = 20_000 * DAY


def set_log(folder: Path, place: KafkaPlace, *, kafka: bool, more: str = "") -> None:
    lines = [f'namespace = "{place.namespace}"', 'max_map = "256MB"', 'clock = "replay"', more]
    lines += [f'log = "{place.url}"'] if kafka else []
    (folder / "tidewheel.toml").write_text("\n".join(lines) + "\n")


def move(folder: Path, **options: Any) -> LogMove:
    with closing(open_stores(folder)) as stores:
        return move_log(stores, lambda what, share: None, **options)


def live(workspace: Workspace, day: int) -> list[str]:
    """Spend a day with everything that a log keeps; return what was answered."""
    workspace.advance(START + day * DAY)
    sale = workspace.project.declaration("Sale")
    some = [sale(id=f"s{n}", shop=f"shop{n % 3}", amount=n / 4) for n in range(day * 5, day * 5 + 8)]
    said = [f"{out.status} {out.offset}" for out in workspace.append(some)]  # three of each day come again
    now = workspace.stores.clock.now()
    bad = BadRow("Sale", "odd", b'{"id": "x"}', "a test", now)
    early = NewEvent("Sale", f"early{day}", now + DAY, {"id": f"early{day}", "shop": "shop1", "amount": 1.0})
    said += [out.status for out in workspace.stores.log.append([early], now=now, quarantine=[bad])]
    file = workspace.stores.layout.root.parent / f"day{day}.csv"
    file.write_text("id,shop,amount\n" + "".join(f"f{n},shop0,2.0\n" for n in range(day * 3, day * 3 + 5)))
    summary = workspace.ingest(str(file), "Sale", arrived="now")
    said.append(f"{summary.accepted} {summary.duplicates}")
    workspace.sync()
    said.append(workspace.decide("Gate", {"id": f"g{day}", "shop": "shop0", "amount": 1.0}).decision)
    workspace.sync()
    if day % 2:
        workspace.flush()
        workspace.stores.log.prune_ids("Sale", START + (day - 1) * DAY)
    return said


def seen(workspace: Workspace) -> dict[str, Any]:
    """Return what a user, a model or an audit may see of a workspace."""
    log = workspace.stores.log
    decisions = workspace.decisions()
    assert workspace.check_features(sample=0).differences == 0
    return {
        "events": log.read(log.first(), 10**6),
        "counters": log.stats().types,
        "imports": log.imports(),
        "bad": log.bad_rows(),
        "known": log.seen_many("Sale", [f"s{n}" for n in range(60)]),
        "flushed": log.position("flushed"),
        "history": workspace.history.scan("Sale", ["id", "amount"]).sort_by("_offset").to_pydict(),
        "features": [repr(workspace.read("ShopHistory", shop=f"shop{n}")) for n in range(3)],
        "decided": decisions.select(["event_id", "decision", "states"]).to_pylist(),
        "replayed": [workspace.why(each).replay for each in decisions["decision_id"].to_pylist()],
    }


def test_a_workspace_whose_log_moved_and_came_back_is_like_one_whose_log_stayed(
    tmp_path: Path, kafka_place: KafkaPlace
) -> None:
    stayed, moved = project(tmp_path / "stayed"), project(tmp_path / "moved")
    for folder in (stayed, moved):
        with (folder / "project.py").open("a") as file:
            file.write('    deadline = "60s"\n')  # no answer depends on how busy the machine is
    set_log(stayed, kafka_place, kafka=False)
    set_log(moved, kafka_place, kafka=False)
    for days, kafka in ((range(3), False), (range(3, 6), True), (range(6, 8), False)):
        set_log(moved, kafka_place, kafka=kafka)
        if days.start:
            found = move(moved, origin="" if kafka else kafka_place.url)
            assert found.done
        with tw.open(stayed) as one, tw.open(moved) as other:
            if not days.start:
                one.deploy("Gate")
                other.deploy("Gate")
            for day in days:
                assert live(one, day) == live(other, day)
            assert seen(one) == seen(other)


MOVE = """
import sys
from contextlib import closing
from tidewheel.runtime.stores import open_stores
from tidewheel.workspace.events import moving
moving.AT_ONCE = 1
with closing(open_stores(sys.argv[1])) as stores:
    print("begun", flush=True)
    moving.move_log(stores, lambda what, share: print(what, share, flush=True), origin=sys.argv[2])
"""


def move_killed(folder: Path, chance: random.Random, origin: str = "") -> int:
    """Move the log, kill that at random moments until it comes to its end; return how often it was killed."""
    kills = 0
    while True:
        command = [sys.executable, "-c", MOVE, str(folder), origin]
        process = subprocess.Popen(command, stdout=subprocess.PIPE)
        assert process.stdout is not None
        for _ in range(chance.randrange(1, 6)):
            process.stdout.readline()
        time.sleep(chance.uniform(0.0, 0.03))
        if kills < 6:
            process.send_signal(signal.SIGKILL)
        status = process.wait()
        process.stdout.close()
        if status != -signal.SIGKILL:
            assert status == 0
            return kills
        kills += 1


def fill(folder: Path, place: KafkaPlace, count: int) -> None:
    """Put events into the log of a workspace in its data folder; one of them is larger than a message."""
    set_log(folder, place, kafka=False)
    with tw.open(folder) as workspace:
        log = workspace.stores.log
        for start in range(0, count, 500):
            many = range(start, min(start + 500, count))
            log.append(
                [NewEvent("Sale", f"s{n}", n, {"id": f"s{n}", "shop": "north" * 20, "amount": 1.0}) for n in many],
                now=count,
                positions={"read": start},
            )
        log.append([NewEvent("Note", "long", 1, {"text": "x" * 3 * MOST_BYTES})], now=count)


def digests(path: Path) -> dict[str, Any]:
    with closing(EventLog.open(path, create=False)) as log:
        return log.digests()


def test_a_move_that_is_killed_goes_on(tmp_path: Path, kafka_place: KafkaPlace) -> None:
    folder, chance = project(tmp_path / "shop"), random.Random(3)
    data = folder / ".tidewheel"
    fill(folder, kafka_place, 20_000)
    before = digests(data / "log")
    set_log(folder, kafka_place, kafka=True)
    assert move_killed(folder, chance) >= 2
    assert not (data / "log" / "data.mdb").exists()
    assert digests(data / "log-moved") == before
    shutil.rmtree(data / "log-copy")  # what a new host has is what the topic has
    with closing(open_stores(folder)) as stores:
        assert stores.log.digests() == before
    set_log(folder, kafka_place, kafka=False)
    assert move_killed(folder, chance, kafka_place.url) >= 1
    assert digests(data / "log") == before


def test_a_move_that_was_given_up_makes_room_for_the_next(tmp_path: Path, kafka_place: KafkaPlace) -> None:
    folder = project(tmp_path / "shop")
    fill(folder, kafka_place, 2000)
    set_log(folder, kafka_place, kafka=True)
    with closing(open_stores(folder)) as stores:
        path, identity = stores.layout.log_copy, stores.identity
        url, namespace = kafka_place
        with closing(KafkaLog.open_on(url, namespace, path, identity, moving=True)) as begun:
            begun.send([Begin("another state of the log")])
        with pytest.raises(ConflictError, match="not all of it is there"):
            KafkaLog.open_on(url, namespace, path, identity)
    set_log(folder, kafka_place, kafka=False)
    with tw.open(folder) as workspace:  # the log in the data folder is the log until all of it has moved
        workspace.stores.log.append([NewEvent("Sale", "more", 1, {"id": "more"})], now=9)
        expected = workspace.stores.log.digests()
    set_log(folder, kafka_place, kafka=True)
    assert move(folder).databases == expected
    with closing(open_stores(folder)) as stores:
        assert stores.log.digests() == expected


def test_what_a_move_refuses(tmp_path: Path, kafka_place: KafkaPlace) -> None:
    folder = project(tmp_path / "shop")
    set_log(folder, kafka_place, kafka=True)
    with pytest.raises(NotFoundError, match="no log to move"):
        move(folder)
    fill(folder, kafka_place, 10)
    set_log(folder, kafka_place, kafka=True)
    with tw.open(folder), pytest.raises(BusyError, match="moving the log needs the workspace for itself"):
        move(folder)
    with tw.open(folder) as workspace, pytest.raises(ConfigError, match="tidewheel log move"):
        workspace.log_status()
    assert not move(folder, dry_run=True).done
    with closing(KafkaLog.open_on(*kafka_place, tmp_path / "other")) as other:
        other.append([NewEvent("Sale", "a", 1, {})], now=1)
    with pytest.raises(ConflictError, match="another workspace's"):
        move(folder)


def test_the_command_and_what_other_hosts_see(tmp_path: Path, kafka_place: KafkaPlace) -> None:
    folder, data = project(tmp_path / "shop"), tmp_path / "shop" / ".tidewheel"
    fill(folder, kafka_place, 100)
    set_log(folder, kafka_place, kafka=True)
    shown = tidewheel("log", "move", "--dry-run", folder=folder)
    assert "101 offsets given" in shown.out
    assert "would move" in shown.out
    told = json.loads(tidewheel("log", "move", "--delete-old", "--json", folder=folder).out)
    assert (told["done"], told["old"], told["databases"]["ids"]["entries"]) == (True, "", 101)
    assert not (data / "log-moved").exists()
    identity = (data / "id").read_text()
    with closing(KafkaLog.open_on(*kafka_place, tmp_path / "other", identity)) as other:
        other.append([NewEvent("Sale", "s1", 1, {}), NewEvent("Sale", "new", 1, {"id": "new"})], now=200)
        set_log(folder, kafka_place, kafka=False)
        assert "where the log is now is not said" in tidewheel("log", "move", folder=folder).err
        back = tidewheel("log", "move", "--from", kafka_place.url, folder=folder)
        assert "the old log stays" in back.out, back.err
        with pytest.raises(StorageError, match="moved away"):
            other.append([NewEvent("Sale", "late", 1, {})], now=201)
    with pytest.raises(ConflictError, match="moved away"):
        KafkaLog.open_on(*kafka_place, tmp_path / "other", identity)
    with tw.open(folder) as workspace:
        assert workspace.stores.log.head() == 103
        assert workspace.stores.log.seen("Sale", "new") == 102
    set_log(folder, kafka_place, kafka=True)
    assert "another log, which has moved away" in tidewheel("log", "move", folder=folder).err
    set_log(folder, kafka_place, kafka=False)
    deleted = tidewheel("log", "move", "--from", kafka_place.url, "--delete-old", folder=folder)
    assert (deleted.code, ORDER[0] in deleted.out, (data / "log-copy").exists()) == (0, True, False)
    assert "there is no log to move" in tidewheel("log", "move", folder=folder).err
    set_log(folder, kafka_place, kafka=True)
    assert tidewheel("log", "move", folder=folder).code == 0, "the topic was deleted, and is made anew"


def test_a_move_that_has_only_to_be_told_of_ends_by_the_same_command(tmp_path: Path, kafka_place: KafkaPlace) -> None:
    folder, data = project(tmp_path / "shop"), tmp_path / "shop" / ".tidewheel"
    fill(folder, kafka_place, 100)
    expected = digests(data / "log")
    set_log(folder, kafka_place, kafka=True)
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(moving, "_rename", die_after(moving._rename))
        with pytest.raises(KeyboardInterrupt):
            move(folder)
    with tw.open(folder) as workspace, pytest.raises(ConflictError, match="not all of it is there"):
        workspace.log_status()
    set_log(folder, kafka_place, kafka=False)
    with pytest.raises(ConflictError, match="still on its way"):
        move(folder, origin=kafka_place.url)
    set_log(folder, kafka_place, kafka=True)
    assert move(folder).databases == expected
    with closing(open_stores(folder)) as stores:
        assert stores.log.digests() == expected


def die_after(done: Callable[..., None]) -> Callable[..., None]:
    def die(*given: Path) -> None:
        done(*given)
        raise KeyboardInterrupt

    return die
