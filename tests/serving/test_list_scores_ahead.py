"""Lists that are ordered by scores computed ahead, an entity's for each item; others are computed now."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pyarrow as pa
from tests.serving.list_shop import ask, graph_of, point, stock, version_of
from tests.serving.shop import Shop, open_shop, serving

from tidewheel.features.keys import key_text
from tidewheel.serving.deciding.stages import same_score
from tidewheel.serving.service import Serving
from tidewheel.storage.journal.decisions import DecisionRecord
from tidewheel.storage.scores import items_by, put_scores

HOUR = 3_600_000_000
BY_USER = 'model = tw.batch.scores(Worth, by=User, max_age="1h"{more})'
BY_FILM = 'model = tw.batch.scores(Worth, by=Film, max_age="1h")'


@contextmanager
def shop_of(folder: Path, score: str, fallback: str = "") -> Iterator[Shop]:
    with open_shop(folder) as shop:
        graph = graph_of(shop, score, fallback=fallback)
        stock(shop, graph)
        point(shop, graph, version_of(shop, graph, "Worth", 1.0))
        yield shop


def keep(shop: Shop, scores: dict[str, float], *, age: int = 0, by: str = "User", user: str = "u1") -> None:
    keys = [id if by == "Film" else key_text([user, id]) for id in scores]
    instants = pa.array([shop.stores.clock.now() - age] * len(scores))
    rows = pa.table({"entity": keys, "instant": instants, "score": list(scores.values())})
    writer = shop.stores.scores.writer(0, 1)
    put_scores(writer, "Worth", 1, items_by(by, "Film"), "0" * 16, rows)
    writer.sync()
    writer.close()


def asked(running: Serving, number: int, wanted: str = "a b c d e", user: str = "u1") -> tuple[str, DecisionRecord]:
    answer = running.decide("Pick", ask(number, wanted, user))
    assert not answer.fallback or answer.fallback == "stored", answer.reason
    return "".join(item.id for item in answer.items), running.find(answer.decision_id)


def test_a_fresh_score_goes_before_the_model_and_others_are_computed(tmp_path: Path) -> None:
    with shop_of(tmp_path, BY_USER.replace("{more}", "")) as shop:
        keep(shop, {"a": 9.0, "b": 8.0, "c": 7.0, "d": 99.0, "e": 0.5})
        with serving(shop) as running:
            found, record = asked(running, 1)
            assert found == "abe", "the rules hold: d is banned, three are of one genre"
            assert (record.stored, record.items[0].score, record.items[0].features) == ("fresh", 9.0, b"")
            assert any(stage.note == "5 of 5 candidates have a score" for stage in record.stages)
            assert same_score(record, shop.stores) is None, "no row gives it again"
            found, record = asked(running, 2, user="u2")
            assert (found, record.stored) == ("ecb", "missing")
            assert all(item.features for item in record.items)
        keep(shop, {"e": 100.0}, age=2 * HOUR, user="u3")
        keep(shop, {"b": 4.0}, user="u3")
        with serving(shop) as running:
            found, record = asked(running, 3, wanted="a b c e", user="u3")
            assert (found, record.stored) == ("ebc", "missing")
            assert [(item.score, bool(item.features)) for item in record.items] == [
                (5.0, True),
                (4.0, False),
                (3.0, True),
            ]
            assert same_score(record, shop.stores)
            _, record = asked(running, 4, wanted="e b", user="u3")
            assert record.stored == "stale"
            assert record.stored_age >= 2 * HOUR


def test_a_score_may_be_the_item_s_alone(tmp_path: Path) -> None:
    with shop_of(tmp_path, BY_FILM) as shop:
        keep(shop, {"a": 9.0, "b": 8.0}, by="Film")
        with serving(shop) as running:
            assert asked(running, 1, "a b", "anyone")[0] == "ab"


def test_without_the_model_what_has_no_score_is_left_out_and_an_older_one_stands_in(tmp_path: Path) -> None:
    more, older = ', otherwise="fallback"', 'tw.batch.scores(Worth, by=User, max_age="1d")'
    with shop_of(tmp_path, BY_USER.replace("{more}", more), f"fallback = [{older}, tw.action('none')]") as shop:
        keep(shop, {"a": 1.0, "e": 0.5})
        keep(shop, {"a": 1.0, "c": 9.0, "d": 99.0}, age=2 * HOUR, user="u2")
        with serving(shop) as running:
            assert asked(running, 1)[0] == "ae"
            found, record = asked(running, 2, "a b c d", "u2")
            assert (found, record.fallback, record.stored) == ("ca", "stored", "missing"), "b has none"
            answer = running.decide("Pick", ask(3, "a b", "u4"))
            assert (answer.fallback, answer.reason.partition(":")[0]) == ("action", "stale")
