"""What only a log on a broker can meet: other hosts, other workspaces, no answer, a topic that lost what it had."""

from __future__ import annotations

import shutil
import signal
import threading
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from tests.kafka_server import KafkaPlace, KafkaServer

from tidewheel.errors import ConfigError, ConflictError, CorruptError, UnreachableError
from tidewheel.storage.kafka.client import place_of
from tidewheel.storage.kafka.log import KafkaLog
from tidewheel.storage.kafka.messages import MOST_BYTES
from tidewheel.storage.log.records import BadRow, LogRecord, NewEvent, Revisions

pytestmark = pytest.mark.kafka

Killed = Callable[..., list[str]]


def open_on(place: KafkaPlace, folder: Path, workspace: str = "mine", query: str = "") -> KafkaLog:
    return KafkaLog.open_on(place.url + query, place.namespace, folder / "log", workspace)


def sales(*ids: str) -> list[NewEvent]:
    return [NewEvent("Sale", id, 1, {"amount": 1.5}) for id in ids]


def ids_of(log: KafkaLog) -> list[str]:
    return [record.id for record in log.read(1, 10**6) if isinstance(record, LogRecord)]


def eventually(true: Callable[[], bool], seconds: float = 20.0) -> None:
    until = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < until
        time.sleep(0.02)


def test_two_hosts_have_one_log(kafka_place: KafkaPlace, tmp_path: Path) -> None:
    with closing(open_on(kafka_place, tmp_path / "one")) as one, closing(open_on(kafka_place, tmp_path / "two")) as two:
        one.append(sales("a", "b"), now=9, positions={"p": 1}, expected={"p": 0})
        outcomes = two.append(sales("b", "c"), now=8, quarantine=[BadRow("Sale", "odd", b"{}")])
        assert [(outcome.status, outcome.offset) for outcome in outcomes] == [("duplicate", 2), ("logged", 3)]
        with pytest.raises(ConflictError, match="someone else has read on"):
            two.append(sales("d"), now=9, positions={"p": 2}, expected={"p": 0})
        two.append_import("file", "Sale", 3, 9, 12, ["e", "a", "f"])
        eventually(lambda: one.head() == 7)  # nobody asked it to: it follows
        assert one.read(1, 9) == two.read(1, 9)
        assert one.stats().types == two.stats().types
        assert one.bad_rows() == two.bad_rows()
        assert (one.position("p"), two.position("p"), two.imports()[0].duplicates) == (1, 1, (1,))
        assert one.delete_bad_rows([1]) == 1
        eventually(lambda: not two.bad_rows())
    with closing(open_on(kafka_place, tmp_path / "three")) as three:
        assert (three.head(), ids_of(three)) == (7, ["a", "b", "c"])
        assert three.seen_many("Sale", ["d", "e", "f"]) == [None, 4, 6]


APPEND = """
import sys
from pathlib import Path
from tidewheel.storage.kafka.log import KafkaLog
from tidewheel.storage.log.records import NewEvent
url, namespace, folder, run = sys.argv[1], sys.argv[2], Path(sys.argv[3]), sys.argv[4]
log = KafkaLog.open_on(url, namespace, folder / "log", "mine")
done = log.position(run)
while True:
    events = [NewEvent("Sale", f"{run}-{n}", n, {"n": n, "text": "x" * (n % 50)}) for n in range(done, done + 7)]
    outcomes = log.append(events, now=10**15 + done, positions={run: done + 7}, expected={run: done})
    done += 7
    print(done, outcomes[0].offset)
"""


def test_the_log_keeps_what_it_acknowledged_and_doubles_nothing(
    killed: Killed, kafka_place: KafkaPlace, tmp_path: Path
) -> None:
    acknowledged = 0
    for _ in range(3):
        said = killed(APPEND, *kafka_place, tmp_path / "one", "run")
        acknowledged = int(said[-1].split()[0])
        for folder in (tmp_path / "one", tmp_path / "fresh"):
            with closing(open_on(kafka_place, folder)) as log:
                assert len(ids_of(log)) >= acknowledged
                assert ids_of(log) == [f"run-{n}" for n in range(log.position("run"))]
                assert log.head() == log.position("run") + 1
        shutil.rmtree(tmp_path / "fresh")
    assert acknowledged > 0


def test_two_processes_of_a_host_and_another_host_append_at_once(
    killed: Killed, kafka_place: KafkaPlace, tmp_path: Path
) -> None:
    said: dict[str, list[str]] = {}

    def run(name: str, folder: str) -> None:
        said[name] = killed(APPEND, *kafka_place, tmp_path / folder, name, most=0.6)

    threads = [threading.Thread(target=run, args=pair) for pair in (("a", "one"), ("b", "one"), ("c", "two"))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with closing(open_on(kafka_place, tmp_path / "one")) as one, closing(open_on(kafka_place, tmp_path / "two")) as two:
        records = one.read(1, 10**6)
        assert records == two.read(1, 10**6)
        assert [record.offset for record in records] == list(range(1, one.head()))
        arrivals = [record.arrived for record in records if isinstance(record, LogRecord)]
        assert arrivals == sorted(arrivals)
        for name in "abc":
            mine = [id for id in ids_of(one) if id.startswith(f"{name}-")]
            assert mine == [f"{name}-{n}" for n in range(one.position(name))]
            assert len(mine) >= int(said[name][-1].split()[0])


def test_a_broker_that_is_away_is_told_and_found_again(kafka_server: KafkaServer, tmp_path: Path) -> None:
    """It keeps its topics in an object store: killed, it comes back with what it had acknowledged."""
    place = KafkaPlace(kafka_server.url, "shop")
    with closing(open_on(place, tmp_path / "one", query="?timeout=3")) as one:
        one.append(sales("a"), now=9)
        kafka_server.kill()
        with pytest.raises(UnreachableError, match="does not answer"):
            one.append(sales("b"), now=9)
        assert ids_of(one) == ["a"]  # reading goes on
        with pytest.raises(UnreachableError):
            open_on(place, tmp_path / "two", query="?timeout=1")
        with closing(open_on(place, tmp_path / "one", query="?timeout=1")) as other:
            assert ids_of(other) == ["a"]
        kafka_server.start()
        again = retried(one, sales("b", "c"))
        assert again in (["logged", "logged"], ["duplicate", "logged"])
        with closing(open_on(place, tmp_path / "two")) as two:
            assert ids_of(two) == ids_of(one) == ["a", "b", "c"]
            kafka_server.signal(signal.SIGSTOP)
            with pytest.raises(UnreachableError):
                one.append(sales("d"), now=9)
            kafka_server.signal(signal.SIGCONT)
            retried(one, sales("d"))
            eventually(lambda: ids_of(two) == ["a", "b", "c", "d"])


def retried(log: KafkaLog, events: list[NewEvent]) -> list[str]:
    for _ in range(20):
        try:
            return [outcome.status for outcome in log.append(events, now=9)]
        except UnreachableError:
            time.sleep(0.1)
    pytest.fail("the broker was not found again")


def test_a_topic_that_lost_what_was_acknowledged_is_refused(tmp_path: Path, kafka_memory: KafkaServer) -> None:
    place = KafkaPlace(kafka_memory.url, "shop")
    with closing(open_on(place, tmp_path / "one")) as one:
        one.append(sales("a", "b"), now=9)
    kafka_memory.kill()
    kafka_memory.start()  # with nothing in it
    with pytest.raises(CorruptError, match="is gone"):
        open_on(place, tmp_path / "one")
    with closing(open_on(place, tmp_path / "two")) as two:
        for n in range(5):  # now it is longer than it was
            two.append(sales(str(n)), now=9)
    with pytest.raises(CorruptError, match="message 1 is another"):
        open_on(place, tmp_path / "one")


def test_another_workspace_is_refused(kafka_place: KafkaPlace, tmp_path: Path) -> None:
    with closing(open_on(kafka_place, tmp_path / "mine")):
        pass
    with pytest.raises(ConflictError, match="another workspace's"):
        open_on(kafka_place, tmp_path / "theirs", workspace="theirs")


@pytest.mark.parametrize("url", ["kafka://", "kafka://a:1/topic", "kafka://a:1?timeout=soon", "kafka://a:1?timeout=0"])
def test_what_is_no_url_of_a_broker_is_refused(url: str) -> None:
    with pytest.raises(ConfigError, match="not the URL"):
        place_of(url)


def test_an_option_that_the_client_does_not_know_is_refused(kafka_place: KafkaPlace, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="an option"):
        open_on(kafka_place, tmp_path, query="?no.such.option=1")


def test_calls_larger_than_a_message_are_taken_whole(kafka_place: KafkaPlace, tmp_path: Path) -> None:
    """Texts that do not shrink, one of them alone larger than what a broker takes; and ids by the ten thousand."""
    texts = ["".join(chr(0x4E00 + (n * k) % 20_000) for n in range(40_000)) for k in (7, 11, 13)] + ["y" * 2_000_000]
    assert sum(len(text.encode()) for text in texts[:3]) < MOST_BYTES < len(texts[3])
    with closing(open_on(kafka_place, tmp_path / "one")) as one:
        events = [NewEvent("Note", str(n), 1, {"text": text}) for n, text in enumerate(texts)]
        outcomes = one.append(events, now=9, positions={"p": 3})
        assert [outcome.offset for outcome in outcomes] == [1, 2, 3, 4]
        rows = 60_000
        revised = Revisions(100, [0] * rows, [9] * rows)
        record = one.append_import("file", "Sale", rows, 9, 9, (f"s{n}" for n in range(rows)), revisions=revised)
        assert (record.offset, record.duplicates) == (5, ())
        late = one.append_import("next", "Sale", rows, 9, 9, (f"s{n}" for n in range(rows - 1, -1, -1)))
        assert len(late.duplicates) == rows
    with closing(open_on(kafka_place, tmp_path / "two")) as two:
        assert [r.columns["text"] for r in two.read(1, 4) if isinstance(r, LogRecord)] == texts
        assert two.seen_many("Sale", ["s0", "s59999", "s60000"]) == [5, 60_004, None]
        assert [record.import_id for record in two.imports()] == ["file", "next"]
        assert (two.position("p"), two.head()) == (3, 120_005)


def test_bytes_of_others_in_the_topic_are_passed_over(kafka_place: KafkaPlace, tmp_path: Path) -> None:
    import confluent_kafka

    with closing(open_on(kafka_place, tmp_path / "one")) as one:
        one.append(sales("a"), now=9)
        producer = confluent_kafka.Producer({"bootstrap.servers": place_of(kafka_place.url).servers})
        producer.produce(f"{kafka_place.namespace}.log", b"hello")
        assert producer.flush(5) == 0
        assert one.append(sales("b"), now=9)[0].offset == 2
    with closing(open_on(kafka_place, tmp_path / "two")) as two:
        assert ids_of(two) == ["a", "b"]


def test_a_copy_that_lost_power_is_made_anew(kafka_place: KafkaPlace, tmp_path: Path) -> None:
    with closing(open_on(kafka_place, tmp_path)) as log:
        log.append(sales("a", "b"), now=9)
    (tmp_path / "log" / "mark.json").write_bytes(b'{"boot":"an earlier one","clean":false}')
    with closing(open_on(kafka_place, tmp_path)) as log:
        assert ids_of(log) == ["a", "b"]
