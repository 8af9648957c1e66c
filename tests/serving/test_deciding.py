"""Deciding in process: rules, model, thresholds, exploration, retries, records, pointers."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.serving.shop import BY_HUNDRED, BY_THOUSAND, open_shop, payment, serving

from tidewheel.collect.keeping.history import History
from tidewheel.errors import NotFoundError, SchemaError
from tidewheel.registry.pointers.deployments import canary, kill, promote, rollback
from tidewheel.registry.pointers.thresholds import set_thresholds
from tidewheel.serving.deciding import desk
from tidewheel.serving.explain import explain
from tidewheel.storage.journal.decisions import DecisionRecord, decode_decision
from tidewheel.storage.journal.segments import list_segments, read_segment


def records(folder: Path) -> list[DecisionRecord]:
    return [decode_decision(payload) for path in list_segments(folder) for _, _, payload in read_segment(path)]


def eventually(true: Callable[[], object], seconds: float = 5.0) -> None:
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, "it did not happen"
        time.sleep(0.005)


def test_a_decision_is_answered_recorded_and_its_event_logged_once(tmp_path: Path) -> None:
    with open_shop(tmp_path) as shop:
        graph = shop.graph()
        assert shop.deploy(graph) == "Fraud@1"
        with serving(shop) as running:
            answer = running.decide("Score", payment(1, amount=700.0), caller="till 4")
            assert (answer.decision, answer.score, answer.model, answer.arm) == ("review", 0.7, "Fraud@1", "champion")
            assert (answer.fallback, answer.reason, answer.rule) == ("", "", "")
            running.appender.flush()
            again = running.decide("Score", payment(1, amount=1.0))
            assert again == answer
            record = running.find(answer.decision_id)
        assert [(r.id, r.columns["amount"]) for r in shop.stores.log.read(1, 10)] == [("p1", 700.0)]  # type: ignore[union-attr]  # no imports here
        assert records(shop.stores.layout.journal) == [record]
        assert record.caller == "till 4"
        assert record.unit == "c1"
        assert [offset for _, _, offset in record.states] == [0]
        assert record.thresholds == {"allow": 0.0, "review": 0.6, "block": 0.95}
        assert len(record.timings) == 5
        assert all(ns >= 0 for ns in record.timings)


def test_the_features_of_what_came_before_are_read_and_replay_to_the_bit(tmp_path: Path) -> None:
    with open_shop(tmp_path) as shop:
        graph = shop.graph()
        shop.deploy(graph)
        with serving(shop) as running:
            for number in range(5):
                running.decide("Score", payment(number, amount=10.0 * number, country="NO"))
                running.appender.flush()
                shop.fold(graph)
            answer = running.decide("Score", payment("last"))
            told = explain(running.find(answer.decision_id), shop.stores, History(shop.stores.lake, shop.stores.log))
        assert told.features == {
            "amount": 100.0,
            "country": "SE",
            "card.payments_1d": 5.0,
            "card.spend_1d": 100.0,
            "card.last_country": "NO",
            "weight": 0.1,
        } or set(told.features) == {"amount", "country", "payments_1d", "spend_1d", "last_country", "weight"}
        assert told.states[0]["offset"] == 5
        assert told.replay.done, told.replay.why_not
        assert told.replay.equal
        assert told.replay.score_equal
        assert set(told.timings_us) == {"decode", "features", "rules", "model", "decide"}


def test_answers_are_remembered_within_bounds_and_older_ones_found_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(desk, "MOST_REMEMBERED", 8)
    with open_shop(tmp_path) as shop:
        shop.deploy(shop.graph())
        with serving(shop) as running:
            first = [running.decide("Score", payment(number)) for number in range(20)]
            running.appender.flush()
            assert [running.decide("Score", payment(number)) for number in range(20)] == first
        assert len(records(shop.stores.layout.journal)) == 20


def test_a_rule_decides_before_the_model(tmp_path: Path) -> None:
    with open_shop(tmp_path) as shop:
        graph = shop.graph()
        shop.deploy(graph)
        shop.deploy(graph, "Gate")
        with serving(shop) as running:
            running.submit(
                running.check(
                    "Payment",
                    b"["
                    + b",".join(b'{"id":"x%d","card":"c9","amount":1,"country":"SE"}' % i for i in range(25))
                    + b"]",
                )
            ).result()
            shop.fold(graph)
            answer = running.decide("Score", payment(1, card="c9"))
            assert (answer.decision, answer.rule, answer.score) == ("block", "burst", None)
            assert running.decide("Gate", payment(2, amount=5000.0)).rule == "large"
            plain = running.decide("Gate", payment(3, amount=5.0))
            assert (plain.decision, plain.model, plain.score) == ("allow", "", None)


def test_thresholds_turned_at_run_time_hold_within_a_second(tmp_path: Path) -> None:
    with open_shop(tmp_path) as shop:
        shop.deploy(shop.graph())
        with serving(shop) as running:
            assert running.decide("Score", payment(1, amount=700.0)).decision == "review"
            set_thresholds(shop.stores.catalog, "Score", {"review": 0.8})
            eventually(lambda: running.decide("Score", payment(time.time_ns(), amount=700.0)).decision == "allow", 1.0)


def test_exploration_lets_some_through_and_says_how_probable_that_was(tmp_path: Path) -> None:
    with open_shop(tmp_path) as shop:
        shop.deploy(shop.graph(explore=0.3))
        with serving(shop) as running:
            answers = [running.decide("Score", payment(i, card=f"c{i}", amount=990.0)) for i in range(300)]
        explored = [answer for answer in answers if answer.explored]
        assert 50 < len(explored) < 140
        assert {answer.decision for answer in explored} == {"review"}
        assert {answer.decision for answer in answers if not answer.explored} == {"block"}
        kept = {record.explored: record.propensity for record in records(shop.stores.layout.journal)}
        assert kept == {True: 0.3, False: 0.7}


def test_two_versions_with_different_code_answer_side_by_side(tmp_path: Path) -> None:
    with open_shop(tmp_path) as shop:
        first, second = shop.graph(BY_THOUSAND), shop.graph(BY_HUNDRED)
        shop.deploy(first)
        two = shop.version(second)
        from tests.serving.shop import service_of

        from tidewheel.registry.services import freeze_service

        frozen = freeze_service(shop.stores.catalog, service_of(second, "Score"), second)
        with serving(shop) as running:
            canary(shop.stores.catalog, "Score", two, 0.5, service_version=frozen.digest)
            eventually(lambda: running.desk.services["Score"].decider.challenger)
            answers = [running.decide("Score", payment(i, card=f"c{i}", amount=50.0)) for i in range(200)]
            assert {(a.arm, a.model, a.score) for a in answers} == {
                ("champion", "Fraud@1", 0.05),
                ("challenger", "Fraud@2", 0.5),
            }
            assert 60 < sum(answer.arm == "challenger" for answer in answers) < 140
            repeat = [running.decide("Score", payment(f"again {i}", card=f"c{i}", amount=50.0)) for i in range(200)]
            assert [a.arm for a in repeat] == [a.arm for a in answers]
            promote(shop.stores.catalog, "Score")
            eventually(lambda: running.decide("Score", payment(time.time_ns(), amount=50.0)).score == 0.5, 1.0)
            rollback(shop.stores.catalog, "Score")
            eventually(lambda: running.decide("Score", payment(time.time_ns(), amount=50.0)).score == 0.05, 1.0)


def test_a_service_that_is_switched_off_answers_its_constant(tmp_path: Path) -> None:
    with open_shop(tmp_path) as shop:
        shop.deploy(shop.graph())
        with serving(shop) as running:
            kill(shop.stores.catalog, "Score")
            eventually(lambda: running.desk.services["Score"].decider.killed, 1.0)
            answer = running.decide("Score", payment(1))
            assert (answer.decision, answer.fallback) == ("review", "action")
            assert answer.reason.startswith("killed")


def test_a_retry_is_answered_alike_by_another_process_and_after_a_restart(tmp_path: Path) -> None:
    with open_shop(tmp_path) as shop:
        shop.deploy(shop.graph())
        with serving(shop) as one, serving(shop) as other:
            for each in (one, other):
                each.recent.refresh()
            first = one.decide("Score", payment(1, amount=700.0))
            assert other.decide("Score", payment(1, amount=10.0)) == first
            one.appender.flush()
        with serving(shop) as later:
            assert later.decide("Score", payment(1, amount=10.0)) == first
            assert later.find(first.decision_id).decision_id == first.decision_id
        assert shop.stores.log.head() == 2


@pytest.mark.parametrize(
    ("event", "says"),
    [
        ({"id": "p1"}, "card: missing"),
        ({**payment(1), "amout": 2}, "did you mean"),
        ({**payment(1), "amount": float("nan")}, "amount"),
        ({**payment(1), "amount": "lots"}, "amount"),
        ({**payment(1), "card": "c" * 1_000_000}, "card"),
        ({**payment(1), "at": "2013-01-01T00:00:00"}, "zone"),
        ({**payment(1), "at": "2999-01-01T00:00:00Z"}, "ahead"),
    ],
)
def test_an_event_that_does_not_fit_is_refused_and_nothing_is_decided(
    tmp_path: Path, event: dict[str, object], says: str
) -> None:
    with open_shop(tmp_path) as shop:
        shop.deploy(shop.graph())
        with serving(shop) as running:
            with pytest.raises(SchemaError, match=says):
                running.decide("Score", event)
            with pytest.raises(NotFoundError, match="did you mean 'Score'"):
                running.decide("Scor", payment(1))
        assert records(shop.stores.layout.journal) == []


@pytest.mark.parametrize(
    "body",
    [b"", b"{", b"[]", b"null", b"[1]", b'{"id":1e999}', b"\xff\xfe", b"[" * 100_000, b'{"id":"a"}{"id":"b"}', b"NaN"],
)
def test_a_body_that_is_no_event_is_refused(tmp_path: Path, body: bytes) -> None:
    with open_shop(tmp_path) as shop:
        shop.deploy(shop.graph())
        with serving(shop) as running, pytest.raises(SchemaError):
            running.decide("Score", body)
