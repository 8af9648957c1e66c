"""Events decided in one go: the same answers and records as one by one, over HTTP too."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.serving import shop as shop_module
from tests.serving.server import connect, read_answer
from tests.serving.shop import PROJECT, open_shop, payment, serving, worker

from tidewheel.errors import FullError, SchemaError, StorageError
from tidewheel.registry.pointers.deployments import canary
from tidewheel.serving.deciding.answers import Answer
from tidewheel.serving.deciding.arms import Verdict
from tidewheel.serving.deciding.breaker import GuardedScoring
from tidewheel.serving.deciding.posted import Posted, decide_posted
from tidewheel.serving.deciding.together import Ask, decide_together, is_plain
from tidewheel.serving.service import Serving
from tidewheel.storage.journal.decisions import DecisionRecord, decode_decision
from tidewheel.storage.journal.segments import list_segments, read_segment

LATER = 1 << 62
DERIVED = PROJECT[PROJECT.index("    @tw.derived") : PROJECT.index("class Fraud")]
PLAIN = PROJECT.replace(DERIVED, "    weight = Payment.amount / 1000\n\n\n")
BURST, BUSY = "c9", "c1"


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Serving]:
    """A service of rules and a model, with a challenger, over cards with history; one card's trips the rule."""
    with pytest.MonkeyPatch.context() as patch, open_shop(tmp_path_factory.mktemp("shop")) as shop:
        patch.setattr(shop_module, "PROJECT", PLAIN)
        graph = shop.graph(explore=0.5)
        shop.deploy(graph)
        canary(shop.stores.catalog, "Score", shop.version(graph), 0.5)
        with serving(shop) as found:
            for number in range(40):
                card = BURST if number < 25 else BUSY
                found.decide("Score", payment(f"h{number}", card=card, amount=7.5 * number, country="NO"))
            found.appender.flush()
            shop.fold(graph)
            yield found


def told(verdict: Verdict) -> dict[str, object]:
    """What a verdict says, without how long it took."""
    fields = {name: getattr(verdict, name) for name in verdict.__struct_fields__ if not name.endswith("_ns")}
    row = fields.pop("row")
    words = fields.pop("words")
    return fields | {
        "read": row and ([view.tobytes() for view in row.words], row.texts, row.instant, row.states),
        "words": None if words is None else words.tobytes(),
    }


EVENTS = st.tuples(
    st.sampled_from([BURST, BUSY, "c2", "nobody", "ö"]),
    st.floats(-1e9, 1e9) | st.sampled_from([0.0, 700.0, 999.0, float("inf"), float("nan")]),
    st.sampled_from(["SE", "NO", ""]),
    st.booleans(),
)


@settings(deadline=None, max_examples=60)
@given(events=st.lists(EVENTS, max_size=20))
def test_verdicts_are_those_of_one_by_one(running: Serving, events: list[tuple[str, float, str, bool]]) -> None:
    decider, now = running.desk.services["Score"].decider, running.stores.clock.now()
    asks = [
        Ask(
            f"e{number}",
            {"id": f"e{number}", "card": card, "amount": amount, "country": country},
            now,
            (late and 1) or LATER,
        )
        for number, (card, amount, country, late) in enumerate(events)
    ]
    together = decide_together(decider, asks, now)
    for ask, verdict in zip(asks, together, strict=True):
        if verdict is not None:
            alone = decider.decide(ask.event_id, ask.columns, now, ask.at, ask.until)
            assert isinstance(alone, Verdict)
            assert told(verdict) == told(alone)
    sound = [ask for ask in asks if ask.until == LATER and ask.columns["amount"] == ask.columns["amount"]]
    arms = [decider.arm_of(decider.unit_of(ask.event_id, ask.columns)) for ask in asks]
    if len(sound) == len(asks) and all(arms.count(arm) > 1 for arm in arms):
        assert None not in together


def test_an_open_breaker_is_the_moments_and_not_the_versions(running: Serving, monkeypatch: pytest.MonkeyPatch) -> None:
    decider, now = running.desk.services["Score"].decider, running.stores.clock.now()
    asks = [Ask(f"o{n}", {"id": f"o{n}", "card": BUSY, "amount": 1.0, "country": "SE"}, now, LATER) for n in range(3)]
    with monkeypatch.context() as patch:
        for arm in (decider.champion, decider.challenger):
            assert arm is not None
            assert isinstance(arm.scoring, GuardedScoring)
            patch.setattr(arm.scoring.breaker, "open", True)
        assert is_plain(decider), "a version that is loaded now may be decided together when it closes"
        assert decide_together(decider, asks, now) == [None] * 3
    assert None not in decide_together(decider, asks, now)


def records(running: Serving) -> list[DecisionRecord]:
    folder = running.stores.layout.journal
    return [decode_decision(payload) for path in list_segments(folder) for _, _, payload in read_segment(path)]


def posted(running: Serving, bodies: list[bytes]) -> list[Posted]:
    served = running.desk.served("Score")
    return [Posted(served, body, "till", time.perf_counter_ns(), LATER) for body in bodies]


def test_each_body_gets_its_own_answer_and_each_event_one_decision(running: Serving) -> None:
    known = running.decide("Score", payment("before"))
    good = [json.dumps(payment(f"g{number}", card=f"c{number}", amount=100.0 * number)).encode() for number in range(6)]
    bodies = [*good[:3], b"{", good[1], json.dumps(payment("before", amount=1.0)).encode(), b'{"id":"x"}', *good[3:]]
    before = len(records(running))
    answers = decide_posted(running.desk, posted(running, bodies), running.stores.clock.now())
    assert [isinstance(answer, SchemaError) for answer in answers] == [False] * 3 + [True, False, False, True] + [
        False
    ] * 3
    decided = [answer for place in (0, 1, 2, 7, 8, 9) if isinstance(answer := answers[place], Answer)]
    assert [answer.event_id for answer in decided] == [f"pg{number}" for number in range(6)]
    assert [answer.score for answer in decided] == [number / 10 for number in range(6)]
    assert answers[4] == answers[1], "asked twice at once, answered twice with one decision"
    assert answers[5] == known
    written = records(running)[before:]
    assert [record.event_id for record in written] == [f"pg{number}" for number in range(6)]
    assert [record.decision_id for record in written] == [answer.decision_id for answer in decided]
    assert all(record.caller == "till" and min(record.timings) >= 0 for record in written)
    again = decide_posted(running.desk, posted(running, good), running.stores.clock.now())
    assert again == decided


def test_what_can_not_be_written_is_not_answered(running: Serving, monkeypatch: pytest.MonkeyPatch) -> None:
    bodies = [json.dumps(payment(f"full{number}")).encode() for number in range(4)]

    def full(payloads: object) -> list[tuple[str, int]]:
        raise FullError("no space left")

    with monkeypatch.context() as patch:
        patch.setattr(running.journal, "append_all", full)
        answers = decide_posted(running.desk, posted(running, bodies), running.stores.clock.now())
        assert all(isinstance(answer, StorageError) for answer in answers)
    answers = decide_posted(running.desk, posted(running, bodies), running.stores.clock.now())
    assert all(isinstance(answer, Answer) for answer in answers)


def test_derived_functions_lists_and_slow_models_are_not_taken_together_or_come_out_the_same(tmp_path: Path) -> None:
    with open_shop(tmp_path) as shop:
        shop.deploy(shop.graph())
        with serving(shop) as found:
            decider, now = found.desk.services["Score"].decider, found.stores.clock.now()
            assert is_plain(decider)
            columns = [{"id": str(n), "card": "c1", "amount": 10.0 * n, "country": "SE"} for n in range(5)]
            asks = [Ask(str(n), columns[n], now, LATER) for n in range(5)]
            verdicts = decide_together(decider, asks, now)
            assert [verdict and verdict.score for verdict in verdicts] == [n / 100 for n in range(5)]


def test_what_nobody_foresaw_is_the_answer_of_one(running: Serving) -> None:
    bodies = [json.dumps(payment(f"odd{number}")).encode() for number in range(4)]
    asks = posted(running, bodies)
    asks[2] = asks[2]._replace(body=None)
    for some in (asks, asks[2:3]):
        answers = decide_posted(running.desk, some, running.stores.clock.now())
        assert [isinstance(answer, Answer) for answer in answers] == [one is not asks[2] for one in some]
        assert [type(answer) for answer in answers if not isinstance(answer, Answer)] == [TypeError]


@pytest.mark.parametrize(
    "settings",
    [{}, {"durability": "committed"}, {"log_format": "json"}, {"tracing": True, "trace_ratio": 0.0}],
    ids=str,
)
def test_a_burst_over_http_is_answered_in_order(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, settings: dict[str, object]
) -> None:
    if "tracing" in settings:
        pytest.importorskip("opentelemetry.sdk")
    monkeypatch.setattr(shop_module, "PROJECT", PLAIN)
    bodies = [json.dumps(payment(number, card=f"c{number % 7}", amount=10.0 * number)).encode() for number in range(60)]
    bodies[20], bodies[40] = b'{"id":"bad"}', bodies[39]
    requests = [
        b"POST /v1/services/Score HTTP/1.1\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body) for body in bodies
    ]
    requests[50] = requests[50].replace(b"Content-Length", b"X-Request-Id: 50\r\nContent-Length")
    requests.insert(30, b"GET /healthz HTTP/1.1\r\n\r\n")
    with open_shop(tmp_path, **settings) as shop:
        shop.deploy(shop.graph())
        with worker(tmp_path) as process, connect(process.port) as client:
            client.settimeout(30)
            client.sendall(b"".join(requests))
            found = [read_answer(client) for _ in requests]
            assert found.pop(30)[2] == b'{"alive":true}'
            assert [status for status, _, _ in found] == [200] * 20 + [400] + [200] * 39
            answers = [json.loads(body) for status, _, body in found if status == 200]
            process.stop()
        events = [json.loads(body)["id"] for body in bodies if body != bodies[20]]
        assert [answer["event_id"] for answer in answers] == events
        assert len({answer["decision_id"] for answer in answers}) == 58
        folder = shop.stores.layout.journal
        written = [decode_decision(data) for path in list_segments(folder) for _, _, data in read_segment(path)]
        assert sorted(record.event_id for record in written) == sorted(set(events))
        assert len({record.timings[1] for record in written}) < 30, (
            "each bears its share of one look, not one of its own"
        )
