"""Catalogs of every earlier release are upgraded as they are opened, and nothing in them changes."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from tests.conftest import CatalogPlace
from tests.shop import done

from tidewheel.registry.alerts import list_alerts
from tidewheel.registry.pointers.deployments import get_deployment, promote
from tidewheel.registry.pointers.thresholds import get_thresholds
from tidewheel.registry.runs.datasets import get_dataset
from tidewheel.registry.runs.runs import finish_run, get_run, list_runs, start_run, steps_of
from tidewheel.registry.versions.versions import get_version, list_versions, register
from tidewheel.runtime.schedule import job_history
from tidewheel.storage.catalog import Catalog, schema
from tidewheel.storage.catalog.connect import postgres_engine, sqlite_engine

ASSETS = Path(__file__).parent / "assets"
SCHEMA = "tidewheel_asset"
REVISIONS = sorted(path.stem.removeprefix("catalog-") for path in ASSETS.glob("catalog-*.sqlite"))
OF_THE_CLOCK = ("next",)
SCRIPTS = sorted(
    path.stem.removeprefix("revision_")
    for path in Path(schema.__file__).parent.glob("migrations/versions/revision_*.py")
)


Rows = dict[str, list[dict[str, Any]]]


def put(revision: str, place: CatalogPlace) -> None:
    """Put the catalog that an earlier release wrote at a place."""
    if place.kind == "sqlite":
        shutil.copy(ASSETS / f"catalog-{revision}.sqlite", place.url)
        return
    import psycopg

    dump = (ASSETS / f"catalog-{revision}.sql").read_text().replace(SCHEMA, place.namespace)
    with psycopg.connect(place.url) as connection:
        connection.execute(dump.encode())


def rows_of(place: CatalogPlace) -> Rows:
    """Return every row of every table at a place, read by no code of a release."""
    engine = sqlite_engine(Path(place.url)) if place.kind == "sqlite" else postgres_engine(place.url, place.namespace)
    tables = sa.MetaData()
    with engine.connect() as connection:
        tables.reflect(connection)
        found = {
            name: [dict(row._mapping) for row in connection.execute(sa.select(table).order_by(*table.primary_key))]
            for name, table in tables.tables.items()
            if name != "alembic_version"
        }
    engine.dispose()
    return found


@pytest.fixture(params=REVISIONS)
def old(request: pytest.FixtureRequest, catalog_place: CatalogPlace) -> Iterator[Catalog]:
    """Give a catalog that an earlier release wrote, opened by this one."""
    put(request.param, catalog_place)
    with Catalog.open(catalog_place.url, namespace=catalog_place.namespace) as catalog:
        yield catalog


def test_the_tables_are_this_release_s(old: Catalog) -> None:
    from alembic.autogenerate import compare_metadata
    from alembic.migration import MigrationContext

    from tidewheel.storage.catalog.tables import metadata

    with old.read() as connection:
        assert schema.revision(connection) == schema.HEAD
        assert compare_metadata(MigrationContext.configure(connection), metadata) == []


@pytest.mark.parametrize("old", ["0001"], indirect=True)
def test_what_it_held_is_read(old: Catalog) -> None:
    assert [run.status for run in list_runs(old)].count("done") == 2
    version = get_version(old, "Fraud@2")
    run = get_run(old, version.run)
    assert (run.lineage.log_head, run.metrics[1].value, run.gates[0].passed) == (5000, 0.61, True)
    assert [(step.step, step.seconds, step.detail) for step in steps_of(old, run.id)] == [
        ("data", 1.5, "1200 rows"),
        ("learn", 2.5, "0 trials"),
    ]
    assert get_dataset(old, "d" * 64).rows == 1200
    deployment = get_deployment(old, "Score")
    assert (deployment.champion, deployment.challenger, deployment.share) == ("Fraud@1", "Fraud@2", 0.1)
    levels = get_thresholds(old, "Score")
    assert levels is not None
    assert levels.levels == {"block": 0.8}
    assert [done.detail for done in job_history(old)] == ["a challenger runs as canary"]
    assert [alert.message for alert in list_alerts(old)] == ["amount moved"]


@pytest.mark.parametrize("revision", REVISIONS)
def test_no_value_of_any_row_changes(revision: str, catalog_place: CatalogPlace) -> None:
    put(revision, catalog_place)
    before = rows_of(catalog_place)
    with Catalog.open(catalog_place.url, namespace=catalog_place.namespace) as catalog, catalog.read() as connection:
        assert schema.revision(connection) == schema.HEAD
    after = rows_of(catalog_place)
    assert before["runs"]
    for table, rows in before.items():
        assert [{name: now[name] for name in was} for was, now in zip(rows, after[table], strict=True)] == rows


@pytest.mark.parametrize("revision", [path.stem.removeprefix("catalog-") for path in sorted(ASSETS.glob("*.json"))])
def test_commands_tell_what_that_release_told(revision: str, catalog_place: CatalogPlace, tmp_path: Path) -> None:
    put(revision, catalog_place)
    (tmp_path / "tidewheel.toml").write_text(
        f'data = "{tmp_path}"\ncatalog = "{catalog_place.url}"\nnamespace = "{catalog_place.namespace}"\n'
    )
    told = json.loads((ASSETS / f"catalog-{revision}.json").read_text())[catalog_place.kind]
    for command, then in told.items():
        assert told_again(then, done(*command.split(), "--json", folder=tmp_path).json) == then, command


def told_again(then: Any, now: Any) -> Any:
    """Return what is told now of what was told then: a later release may tell more of a thing."""
    if isinstance(then, dict) and isinstance(now, dict):
        return {
            name: value if name in OF_THE_CLOCK else told_again(value, now.get(name)) for name, value in then.items()
        }
    if isinstance(then, list) and isinstance(now, list) and len(then) == len(now):
        return [told_again(one, other) for one, other in zip(then, now, strict=True)]
    return now


@pytest.mark.parametrize("stop", SCRIPTS)
def test_a_catalog_at_any_revision_is_brought_here(stop: str, tmp_path: Path) -> None:
    url = str(tmp_path / "catalog.sqlite")
    engine = sa.create_engine(f"sqlite:///{url}")
    with engine.begin() as connection:
        schema.upgrader(stop)(connection)
        assert schema.revision(connection) == stop
    engine.dispose()
    with Catalog.open(url) as catalog, catalog.read() as connection:
        assert schema.revision(connection) == schema.HEAD == SCRIPTS[-1]


def test_it_goes_on_from_there(old: Catalog) -> None:
    before = list_versions(old)
    model, service = before[0].model, "Score" if before[0].model == "Fraud" else "Screen"
    run = start_run(old, model)
    finish_run(old, run.id, "done")
    made = register(old, model, run=run.id, bundle="3" * 64)
    assert made.number > max(version.number for version in before)
    assert len(list_versions(old)) == len(before) + 1
    assert promote(old, service).champion == f"{model}@2"


def test_a_second_opening_finds_nothing_to_do(old: Catalog, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(schema, "upgrader", lambda: pytest.fail("there was something to upgrade"))
    old._prepare()
    with old.read() as connection:
        assert connection.execute(sa.text("SELECT count(*) FROM alembic_version")).scalar() == 1
