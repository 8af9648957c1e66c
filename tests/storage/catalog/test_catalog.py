from __future__ import annotations

import sqlite3
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import psycopg
import pytest
import sqlalchemy as sa

from tidewheel.errors import BusyError, ConfigError, CorruptError, FullError, StorageError
from tidewheel.storage.catalog import Catalog, touch
from tidewheel.storage.catalog.faults import explain_driver
from tidewheel.storage.catalog.notes import latest_notes, note
from tidewheel.storage.catalog.tables import counters, metadata, versions

OPEN = """
import sys
from tidewheel.storage.catalog import Catalog
with Catalog.open(sys.argv[1], namespace=sys.argv[2]) as catalog:
    catalog.watch().close()
print("alembic" in sys.modules)
"""

ADD = """
import sys
import sqlalchemy as sa
from tidewheel.storage.catalog import Catalog
from tidewheel.storage.catalog.tables import counters
with Catalog.open(sys.argv[1], namespace=sys.argv[2]) as catalog:
    for _ in range(int(sys.argv[3])):
        with catalog.write(durable=False) as connection:
            value = connection.execute(sa.select(counters.c.value)).scalar()
            connection.execute(sa.update(counters).values(value=value + 1))
"""


def run(code: str, *arguments: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-W", "error", "-c", code, *arguments]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def add(catalog: Catalog, topic: str, value: int = 1) -> None:
    with catalog.write() as connection:
        connection.execute(sa.insert(counters).values(topic=topic, value=value))


def count(catalog: Catalog) -> int:
    with catalog.read() as connection:
        return int(connection.execute(sa.select(sa.func.count()).select_from(counters)).scalar() or 0)


def test_what_is_written_is_read_by_another(catalog: Catalog, catalog_place: Any) -> None:
    add(catalog, "a")
    with Catalog.open(catalog_place.url, namespace=catalog_place.namespace) as other:
        assert count(other) == 1


def test_an_exception_undoes_the_whole_write(catalog: Catalog) -> None:
    def fail() -> None:
        with catalog.write() as connection:
            connection.execute(sa.insert(counters).values(topic="a", value=1))
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    assert count(catalog) == 0
    add(catalog, "a")


def test_a_read_sees_one_moment(catalog: Catalog) -> None:
    with catalog.read() as connection:
        assert connection.execute(sa.select(counters)).all() == []
        thread = threading.Thread(target=add, args=(catalog, "a"))
        thread.start()
        thread.join()
        assert connection.execute(sa.select(counters)).all() == []
    assert count(catalog) == 1


def test_writers_take_turns_so_no_update_is_lost(catalog: Catalog, catalog_place: Any) -> None:
    add(catalog, "a", 0)
    writers = [run(ADD, catalog_place.url, catalog_place.namespace, "60") for _ in range(3)]
    for writer in writers:
        _, errors = writer.communicate(timeout=60)
        assert writer.returncode == 0, errors
    with catalog.read() as connection:
        assert connection.execute(sa.select(counters.c.value)).scalar() == 180


def test_many_processes_may_be_the_first_to_open(catalog_place: Any) -> None:
    openers = [run(OPEN, catalog_place.url, catalog_place.namespace) for _ in range(6)]
    for opener in openers:
        _, errors = opener.communicate(timeout=60)
        assert opener.returncode == 0, errors


def test_opening_a_current_catalog_does_not_import_alembic(catalog: Catalog, catalog_place: Any) -> None:
    said, errors = run(OPEN, catalog_place.url, catalog_place.namespace).communicate(timeout=60)
    assert said.strip() == "False", errors


def test_the_scripts_make_the_tables_that_the_code_uses(catalog: Catalog) -> None:
    from alembic.autogenerate import compare_metadata
    from alembic.migration import MigrationContext

    with catalog.read() as connection:
        assert compare_metadata(MigrationContext.configure(connection), metadata) == []


def test_the_newest_script_is_the_one_that_is_expected() -> None:
    from alembic.config import Config
    from alembic.script import ScriptDirectory

    from tidewheel.storage.catalog import schema

    config = Config()
    config.set_main_option("script_location", str(Path(schema.__file__).parent / "migrations"))
    config.set_main_option("path_separator", "os")
    assert ScriptDirectory.from_config(config).get_current_head() == schema.HEAD


def test_a_catalog_of_a_newer_release_is_refused(catalog: Catalog, catalog_place: Any) -> None:
    with catalog.write() as connection:
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = '9999'")
    with pytest.raises(StorageError, match="schema 9999"):
        Catalog.open(catalog_place.url, namespace=catalog_place.namespace)


def test_a_migration_that_is_killed_leaves_nothing(catalog_place: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    from tidewheel.storage.catalog import schema

    real = schema.upgrader()

    def cut_off(connection: sa.Connection) -> None:
        real(connection)
        raise KeyboardInterrupt

    monkeypatch.setattr(schema, "upgrader", lambda: cut_off)
    with pytest.raises(KeyboardInterrupt):
        Catalog.open(catalog_place.url, namespace=catalog_place.namespace)
    monkeypatch.undo()
    with Catalog.open(catalog_place.url, namespace=catalog_place.namespace) as catalog:
        assert count(catalog) == 0


def test_a_lock_held_elsewhere_is_busy(catalog: Catalog, catalog_place: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tidewheel.storage.catalog.connect.BUSY_SECONDS", 1.0)
    late = Catalog.open(catalog_place.url, namespace=catalog_place.namespace)
    held, let_go = threading.Event(), threading.Event()

    def hold() -> None:
        with catalog.write():
            held.set()
            let_go.wait(20)

    thread = threading.Thread(target=hold)
    thread.start()
    held.wait(20)
    began = time.monotonic()
    try:
        assert count(catalog) == 0  # readers do not wait
        with pytest.raises(BusyError) as caught:
            add(late, "a")
    finally:
        let_go.set()
        thread.join()
        late.close()
    assert 0.9 < time.monotonic() - began < 15.0
    assert "kept the catalog locked" in str(caught.value)
    assert catalog.where in str(caught.value)
    add(catalog, "a")


def test_a_change_is_seen_by_another(catalog: Catalog, catalog_place: Any) -> None:
    with Catalog.open(catalog_place.url, namespace=catalog_place.namespace) as other:
        watch = other.watch()
        try:
            assert not watch.changed()
            for _ in range(20):
                with catalog.write() as connection:
                    touch(connection)
                while not watch.changed():
                    time.sleep(0.001)
                assert not watch.changed()
        finally:
            watch.close()


def test_only_changes_of_its_topic_are_news(catalog: Catalog) -> None:
    watch = catalog.watch("pointers")
    try:
        with catalog.write() as connection:
            touch(connection, "other")
        time.sleep(0.05)
        assert not watch.changed()
    finally:
        watch.close()


def test_a_rolled_back_change_is_no_news(catalog: Catalog) -> None:
    def fail() -> None:
        with catalog.write() as connection:
            touch(connection)
            raise RuntimeError

    watch = catalog.watch()
    try:
        with pytest.raises(RuntimeError):
            fail()
        time.sleep(0.05)
        assert not watch.changed()
    finally:
        watch.close()


# --- one database only -------------------------------------------------------------------------


def test_another_process_with_an_exclusive_lock(tmp_path: Path) -> None:
    path = tmp_path / "catalog.sqlite"
    Catalog.open(path).close()
    blocker = sqlite3.connect(path, isolation_level=None)
    blocker.execute("BEGIN IMMEDIATE")
    with Catalog.open(path) as catalog, pytest.raises(BusyError, match=r"catalog\.sqlite.*locked"):
        add(catalog, "a")
    blocker.close()


def test_a_file_that_is_no_catalog(tmp_path: Path) -> None:
    path = tmp_path / "catalog.sqlite"
    path.write_bytes(b"this is no database, whatever its name" * 100)
    with pytest.raises(CorruptError, match="damaged"):
        Catalog.open(path)


def test_a_folder_that_can_not_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StorageError, match="can't be made"):
        Catalog.open(tmp_path / "file" / "catalog.sqlite")


def test_a_full_disk(tmp_path: Path) -> None:
    with Catalog.open(tmp_path / "catalog.sqlite") as catalog:

        def fill() -> None:
            with catalog.write() as connection:
                pages = connection.exec_driver_sql("PRAGMA page_count").scalar()
                connection.exec_driver_sql(f"PRAGMA max_page_count={pages}")
                connection.execute(sa.insert(counters).values(topic="x" * 1_000_000, value=1))

        with pytest.raises(FullError, match="no room"):
            fill()
        assert count(catalog) == 0


def test_a_network_disk_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tidewheel.storage.catalog.connect.file_system_of", lambda path: "nfs4")
    with pytest.raises(StorageError, match=r"network disk \(nfs4\).*postgresql://"):
        Catalog.open(tmp_path / "catalog.sqlite")


def test_a_server_that_does_not_answer() -> None:
    with pytest.raises(StorageError, match="did not answer") as caught:
        Catalog.open("postgresql://someone:secret@127.0.0.1:9/test")
    assert "secret" not in str(caught.value)


def test_a_namespace_that_is_no_name() -> None:
    with pytest.raises(ConfigError, match="schema"):
        Catalog.open("postgresql://127.0.0.1/test", namespace="a; drop table b")


@pytest.mark.parametrize("catalog_place", ["postgres"], indirect=True)
def test_a_namespace_may_be_a_word_of_sql(catalog_place: Any) -> None:
    with Catalog.open(catalog_place.url, namespace="order") as catalog:
        try:
            add(catalog, "a")
            assert count(catalog) == 1
        finally:
            with catalog.write() as connection:
                connection.exec_driver_sql('DROP SCHEMA "order" CASCADE')


def test_people_are_told_apart_by_case(catalog: Catalog) -> None:
    for who in ("Ann", "ann", "ann"):
        note(catalog, "deployment.promote", "Score", {"who": who})
    assert [len(latest_notes(catalog, ["deployment"], who=who)) for who in ("Ann", "ann", "A%")] == [1, 2, 0]


def test_a_lock_held_elsewhere_is_told_in_any_language() -> None:
    assert isinstance(explain_driver(psycopg.errors.LockNotAvailable("Sperre nicht verfügbar"), "here"), BusyError)
    assert isinstance(explain_driver(psycopg.errors.DiskFull("konnte nicht schreiben"), "here"), FullError)


def test_a_commit_that_fails_leaves_nobody_waiting(catalog: Catalog, catalog_place: Any) -> None:
    row = dict.fromkeys(("bundle", "view", "definition", "metrics", "gates", "who"), "")

    def commit() -> None:
        with catalog.write() as connection:
            if connection.dialect.name == "sqlite":
                connection.exec_driver_sql("PRAGMA defer_foreign_keys=ON")
            connection.execute(sa.insert(versions).values(model="m", number=1, run="none", created=1, **row))

    with pytest.raises(sa.exc.IntegrityError):
        commit()
    add(catalog, "a")
    with Catalog.open(catalog_place.url, namespace=catalog_place.namespace) as other:
        add(other, "b")
    assert count(catalog) == 2


@pytest.mark.parametrize("catalog_place", ["postgres"], indirect=True)
def test_a_broken_connection_hides_no_change(catalog: Catalog) -> None:
    watch = catalog.watch()
    try:
        with catalog.write() as connection:
            connection.exec_driver_sql(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE 'SELECT value FROM counters%%'"
            )
            touch(connection)
        end = time.monotonic() + 10
        while not watch.changed():
            assert time.monotonic() < end
            time.sleep(0.01)
    finally:
        watch.close()


def test_power_loss_setting_follows_the_caller(tmp_path: Path) -> None:
    with Catalog.open(tmp_path / "catalog.sqlite") as catalog:
        for durable, level in ((True, 2), (False, 1), (True, 2)):
            with catalog.write(durable=durable) as connection:
                assert connection.exec_driver_sql("PRAGMA synchronous").scalar() == level


def test_a_watch_goes_on_when_its_catalog_is_back(catalog: Catalog, monkeypatch: pytest.MonkeyPatch) -> None:
    def gone() -> None:
        raise sa.exc.OperationalError("connect", None, Exception("the server is gone"))

    def damaged() -> int:
        raise sqlite3.DatabaseError("database disk image is malformed")

    watch: Any = catalog.watch()
    try:
        if catalog.shared:
            watch._listener.close()
            with monkeypatch.context() as patch:
                patch.setattr(catalog._engine, "raw_connection", gone)
                assert not watch.changed()
        else:
            with monkeypatch.context() as patch:
                patch.setattr(watch, "_data_version", damaged)
                with pytest.raises(CorruptError, match="restore it from a backup"):
                    watch.changed()
        with catalog.write() as connection:
            touch(connection)
        assert watch.changed()
    finally:
        watch.close()


def test_a_url_of_another_database_is_no_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ConfigError, match="no catalog can be on mysql://"):
        Catalog.open("mysql://user@host/database")
    assert not list(tmp_path.iterdir())
