"""Statements that are compiled once do what SQLAlchemy's own execution does, in the same transactions."""

from __future__ import annotations

import threading
from typing import Any

import pytest
import sqlalchemy as sa

from tidewheel.errors import StorageError
from tidewheel.storage.catalog import Catalog
from tidewheel.storage.catalog.statements import Statement, same
from tidewheel.storage.catalog.tables import counters, notes

VALUE = Statement(sa.select(counters.c.topic, counters.c.value).where(same(counters.c.topic)))
ADD = Statement(sa.insert(counters))
TAKE = Statement(sa.delete(counters).where(same(counters.c.topic)))
SET = Statement(sa.update(counters).where(same(counters.c.topic)))
TELL = Statement(sa.insert(notes).returning(notes.c.seq))
ODD = 'a "quoted" ümlaut; -- %s :of_topic ?'


def rows(catalog: Catalog) -> list[tuple[str, int]]:
    query = sa.select(counters.c.topic, counters.c.value).order_by(counters.c.value)
    with catalog.read() as connection:
        return [(topic, value) for topic, value in connection.execute(query)]


def test_they_change_what_sqlalchemy_reads(catalog: Catalog) -> None:
    with catalog.write() as connection:
        ADD.run(connection, {"topic": ODD, "value": 1})
        ADD.run_many(connection, [{"topic": f"t{n}", "value": n} for n in range(2, 6)])
        ADD.run_many(connection, [])
        assert VALUE.first(connection, {"of_topic": ODD}) == {"topic": ODD, "value": 1}
        assert VALUE.scalar(connection, {"of_topic": "absent"}) is None
    assert rows(catalog) == [(ODD, 1), *((f"t{n}", n) for n in range(2, 6))]
    with catalog.write() as connection:
        SET.run(connection, {"of_topic": "t2", "value": 20})
        SET.run(connection, {"of_topic": "t3", "value": 30, "topic": "renamed"})
        TAKE.run_many(connection, [{"of_topic": "t4"}, {"of_topic": ODD}])
    assert rows(catalog) == [("t5", 5), ("t2", 20), ("renamed", 30)]


def test_what_is_returned_is_there_and_numbers_rise(catalog: Catalog) -> None:
    told = {"kind": "k", "subject": "s", "body": "{}", "at": 1}
    with catalog.write() as connection:
        first, second = (TELL.scalar(connection, told) for _ in range(2))
        known = connection.execute(sa.select(notes.c.seq).order_by(notes.c.seq)).scalars().all()
    assert list(known) == [first, second]


def test_an_exception_undoes_them(catalog: Catalog) -> None:
    def fail() -> None:
        with catalog.write() as connection:
            ADD.run(connection, {"topic": "a", "value": 1})
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    assert rows(catalog) == []


def test_what_the_driver_refuses_is_said_in_our_words(catalog: Catalog) -> None:
    with pytest.raises(StorageError, match="the catalog did not answer"), catalog.write() as connection:
        ADD.run(connection, {"topic": "a", "value": None})
    with pytest.raises(StorageError, match="the catalog did not answer"):
        catalog.first(Statement(sa.select(sa.text("1")).select_from(sa.table("absent"))), {})
    assert rows(catalog) == []


def test_a_lookup_is_never_behind(catalog: Catalog, catalog_place: Any) -> None:
    """Whoever committed, another catalog or another thread of this one: the next lookup sees it."""
    assert catalog.first(VALUE, {"of_topic": "a"}) is None
    with Catalog.open(catalog_place.url, namespace=catalog_place.namespace) as other:
        for value in range(1, 30):
            writer = (catalog, other)[value % 2]
            with writer.write(durable=False) as connection:
                TAKE.run(connection, {"of_topic": "a"})
                ADD.run(connection, {"topic": "a", "value": value})
            assert catalog.first(VALUE, {"of_topic": "a"}) == {"topic": "a", "value": value}
            assert other.first(VALUE, {"of_topic": "a"}) == {"topic": "a", "value": value}


def test_lookups_of_many_threads_see_whole_commits(catalog: Catalog) -> None:
    with catalog.write() as connection:
        ADD.run(connection, {"topic": "a", "value": 0})
    seen: list[list[int]] = [[] for _ in range(4)]
    over = threading.Event()

    def look(found: list[int]) -> None:
        while not over.is_set():
            row = catalog.first(VALUE, {"of_topic": "a"})
            assert row is not None, "an update is never seen half done"
            found.append(row["value"])

    threads = [threading.Thread(target=look, args=(found,)) for found in seen]
    for thread in threads:
        thread.start()
    for value in range(1, 40):
        with catalog.write(durable=False) as connection:
            TAKE.run(connection, {"of_topic": "a"})
            ADD.run(connection, {"topic": "a", "value": value})
    over.set()
    for thread in threads:
        thread.join()
    assert all(found == sorted(found) and found for found in seen)
