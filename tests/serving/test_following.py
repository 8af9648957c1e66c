"""Decisions followed while they are made: all workers', filtered, resumed; a slow reader is told of a gap."""

from __future__ import annotations

import http.client
import json
import select
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import Any

import pytest
from tests.serving.oip.front import Front, front
from tests.serving.shop import open_shop, payment, post, worker
from tests.shop import done, tidewheel

from tidewheel.collect.appending.decision_index import JournalEntry, read_entries
from tidewheel.errors import InputError
from tidewheel.registry.tokens import create_token
from tidewheel.runtime.kill_switch import Killed
from tidewheel.serving.observing import following
from tidewheel.serving.observing.following import Follower, Gap, Shared, lately
from tidewheel.storage.journal.decisions import DecisionRecord
from tidewheel.storage.journal.segments import list_segments

SCORE = "/v1/services/Score"


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Front]:
    with front(tmp_path_factory.mktemp("follow")) as running:
        yield running


class Reading:
    """A connection that follows; it is told its place before anything."""

    def __init__(self, port: int, query: str = "", after: str = "", token: str = "") -> None:
        self.client = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
        headers = {"last-event-id": after} if after else {}
        headers |= {"authorization": f"Bearer {token}"} if token else {}
        self.client.request("GET", f"/v1/decisions?follow{query}", headers=headers)
        self.answer = self.client.getresponse()
        self.mark = ""
        if self.answer.status == 200:
            assert self.answer.getheader("content-type") == "text/event-stream"
            assert next(self.events())["retry"] == "1000"

    def events(self) -> Iterator[dict[str, str]]:
        fields: dict[str, str] = {}
        while line := self.answer.readline().decode():
            name, _, value = line.rstrip("\n").partition(": ")
            if name:
                fields[name] = value
            else:
                self.mark = fields.get("id", self.mark)
                yield fields
                fields = {}

    def decisions(self, number: int) -> list[Any]:
        told = (json.loads(event["data"]) for event in self.events() if event.get("event") == "decision")
        return list(islice(told, number))

    def error(self) -> str:
        return f"{self.answer.status} {self.answer.read().decode()}"


@contextmanager
def reading(port: int, query: str = "", after: str = "", token: str = "") -> Iterator[Reading]:
    found = Reading(port, query, after, token)
    try:
        yield found
    finally:
        found.client.close()


def test_it_tells_what_is_decided_from_now_on(served: Front) -> None:
    post(served.port, SCORE, payment("f0"))
    with reading(served.port) as follower:
        answers = [post(served.port, SCORE, payment(f"f{n}", amount=900.0 if n % 2 else 10.0))[1] for n in range(1, 4)]
        told = follower.decisions(3)
    assert [{name: found[name] for name in answer} for found, answer in zip(told, answers, strict=True)] == answers
    assert all(found["microseconds"] >= 0 and found["arrived"].endswith("Z") for found in told)
    assert "inputs" not in told[0]


def test_it_goes_on_where_it_stopped(served: Front) -> None:
    with reading(served.port) as follower:
        post(served.port, SCORE, payment("g0"))
        assert [told["event_id"] for told in follower.decisions(1)] == ["pg0"]
    for n in (1, 2):
        post(served.port, SCORE, payment(f"g{n}"))
    with reading(served.port, after=follower.mark) as again:
        assert [told["event_id"] for told in again.decisions(2)] == ["pg1", "pg2"]


def test_filters(served: Front) -> None:
    with reading(served.port, "&version=Fraud&fallback=none") as good, reading(served.port, "&fallback=any") as fallen:
        post(served.port, SCORE, payment("h0"))
        served.serving.switch.kill(Killed("Fraud", 0, "test", "to see the chain"))
        try:
            post(served.port, SCORE, payment("h1"))
        finally:
            served.serving.switch.unkill("Fraud")
        post(served.port, SCORE, payment("h2"))
        assert [told["event_id"] for told in good.decisions(2)] == ["ph0", "ph2"]
        (told,) = fallen.decisions(1)
        assert (told["event_id"], told["fallback"]) == ("ph1", "action")


@pytest.mark.parametrize(
    ("query", "after", "status", "says"),
    [
        ("&servic=Score", "", 400, "there are service, version, fallback"),
        ("&service=Scor", "", 404, "did you mean 'Score'?"),
        ("", "yesterday", 400, "the id of the last event"),
    ],
)
def test_what_does_not_fit_is_refused(served: Front, query: str, after: str, status: int, says: str) -> None:
    with reading(served.port, query, after) as refused:
        told = refused.error()
    assert told.startswith(str(status))
    assert says in told


def test_without_follow_the_query_is_told(served: Front) -> None:
    client = http.client.HTTPConnection("127.0.0.1", served.port, timeout=20)
    client.request("GET", "/v1/decisions")
    answer = client.getresponse()
    assert (answer.status, "?follow" in answer.read().decode()) == (400, True)
    client.close()


def test_a_reader_that_is_far_behind_is_told_of_a_gap(served: Front) -> None:
    journal = served.shop.stores.layout.journal
    follower = Follower(journal, most_behind=2000)
    for n in range(20):
        post(served.port, SCORE, payment(f"i{n}"))
    (gap,) = follower.look()
    assert gap == Gap(20, "the reader was too slow")
    post(served.port, SCORE, payment("i20"))
    (record,) = follower.look()
    assert isinstance(record, DecisionRecord)
    assert record.event_id == "pi20"
    assert list(Follower(journal, follower.mark).look()) == []


def test_it_reads_some_at_a_time_and_loses_none(served: Front) -> None:
    journal = served.shop.stores.layout.journal
    follower = Follower(journal)
    wanted = [f"pj{n}" for n in range(25)]
    for n in range(25):
        post(served.port, SCORE, payment(f"j{n}"))
    seen: list[str] = []
    while found := list(follower.look(7)):
        assert len(found) <= 7
        seen += [record.event_id for record in found if isinstance(record, DecisionRecord)]
        follower = Follower(journal, follower.mark)
    assert seen == wanted


def test_followers_of_one_worker_decode_each_decision_once(served: Front, monkeypatch: pytest.MonkeyPatch) -> None:
    journal, shared, decoded = served.shop.stores.layout.journal, Shared(), []
    here = threading.get_ident()

    def read(path: Path, position: int) -> Iterator[JournalEntry]:
        for entry in read_entries(path, position):
            if threading.get_ident() == here:  # whoever still follows the server of these tests reads elsewhere
                decoded.append(entry.record.event_id)
            yield entry

    followers = [Follower(journal, read=shared.read) for _ in range(3)]
    monkeypatch.setattr(following, "read_entries", read)
    wanted = [f"k{n}" for n in range(6)]
    for some in (wanted[:4], wanted[4:]):
        for name in some:
            post(served.port, SCORE, payment(name))
        told = [[record.event_id for record in each.look() if isinstance(record, DecisionRecord)] for each in followers]
        assert told == [[f"p{name}" for name in some]] * 3
    assert decoded == [f"p{name}" for name in wanted]


def test_a_place_in_a_segment_that_is_gone_is_a_gap(served: Front) -> None:
    journal = served.shop.stores.layout.journal
    (stem,) = {path.stem for path in list_segments(journal)}
    slot, term, number = stem.rsplit("-", 2)
    first = next(iter(Follower(journal, f"{slot}-{int(term) - 1}-{number}:8").look()))
    assert first == Gap(None, "the journal does not go back so far")
    with pytest.raises(InputError):
        Follower(journal, "worker-0:8")
    assert lately(journal) == f"{stem}:0"


def test_it_is_for_who_may_read_and_over_all_workers(tmp_path: Path) -> None:
    with open_shop(tmp_path, workers=2) as shop:
        shop.deploy(shop.graph())
        eye = create_token(shop.stores.catalog, "eye", ("read",)).secret
        hand = create_token(shop.stores.catalog, "hand", ("decide",)).secret
        with worker(tmp_path, 0) as first, worker(tmp_path, 1) as second:
            with reading(first.port, token=hand) as refused:
                assert refused.answer.status == 403
            sent = {"Authorization": f"Bearer {hand}"}
            with reading(first.port, token=eye) as follower:
                for n in range(6):
                    post((first, second)[n % 2].port, SCORE, payment(n), sent)
                assert sorted(told["event_id"] for told in follower.decisions(6)) == [f"p{n}" for n in range(6)]
            newest = done("decisions", "--last", "4", "--json", folder=tmp_path).out.splitlines()
            found = [json.loads(line) for line in newest]
            assert {"p4", "p5"} <= {told["event_id"] for told in found}
            assert sorted(told["decision_id"] for told in found) == [told["decision_id"] for told in found]
            assert "by Fraud@1" in done("decisions", "--service", "Score", folder=tmp_path).out
            assert done("decisions", "--service", "Gate", folder=tmp_path).out == ""
            url = f"http://127.0.0.1:{first.port}"
            command_follows(tmp_path, sent, second.port)
            command_follows(tmp_path, sent, second.port, url, "--token", eye)
            assert "may not read" in tidewheel("decisions", url, "--follow", "--token", hand).err
            assert "--follow" in tidewheel("decisions", url).err
            second.stop()
            # A reader does not keep a worker from stopping.
            with reading(first.port, token=eye):
                first.stop()
    assert "does not answer" in tidewheel("decisions", url, "--follow").err


def command_follows(folder: Path, sent: dict[str, str], port: int, *where: str) -> None:
    """Have the command follow, here or there, until it has printed a decision."""
    command = [sys.executable, "-m", "tidewheel", "-C", str(folder), "decisions", *where, "--follow", "--json"]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as following:
        assert following.stdout is not None
        number = 100
        while not select.select([following.stdout], [], [], 0.2)[0]:
            assert following.poll() is None
            # It begins with what is decided once it is there.
            post(port, SCORE, payment(f"{where}{number}"), sent)
            number += 1
        told = json.loads(following.stdout.readline())
        following.terminate()
    assert told["event_id"].startswith("p")
    assert told["service"] == "Score"
