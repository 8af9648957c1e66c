"""Catalogs of every earlier release are upgraded as they are opened, and nothing in them changes."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa
from tests.conftest import CatalogPlace

from tidewheel.registry.alerts import list_alerts
from tidewheel.registry.pointers.deployments import get_deployment, promote
from tidewheel.registry.pointers.thresholds import get_thresholds
from tidewheel.registry.runs.datasets import get_dataset
from tidewheel.registry.runs.runs import finish_run, get_run, list_runs, start_run, steps_of
from tidewheel.registry.versions.versions import get_version, list_versions, register
from tidewheel.runtime.schedule import job_history
from tidewheel.storage.catalog import Catalog, schema

ASSETS = Path(__file__).parent / "assets"
SCHEMA = "tidewheel_asset"
REVISIONS = sorted(path.stem.removeprefix("catalog-") for path in ASSETS.glob("catalog-*.sqlite"))

SCRIPTS = sorted(
    path.stem.removeprefix("revision_")
    for path in Path(schema.__file__).parent.glob("migrations/versions/revision_*.py")
)


@pytest.fixture(params=REVISIONS)
def old(request: pytest.FixtureRequest, catalog_place: CatalogPlace) -> Iterator[Catalog]:
    """Give a catalog that an earlier release wrote, opened by this one."""
    if catalog_place.kind == "sqlite":
        shutil.copy(ASSETS / f"catalog-{request.param}.sqlite", catalog_place.url)
    else:
        import psycopg

        dump = (ASSETS / f"catalog-{request.param}.sql").read_text().replace(SCHEMA, catalog_place.namespace)
        with psycopg.connect(catalog_place.url) as connection:
            connection.execute(dump.encode())
    with Catalog.open(catalog_place.url, namespace=catalog_place.namespace) as catalog:
        yield catalog


def test_the_tables_are_this_release_s(old: Catalog) -> None:
    from alembic.autogenerate import compare_metadata
    from alembic.migration import MigrationContext

    from tidewheel.storage.catalog.tables import metadata

    with old.read() as connection:
        assert schema.revision(connection) == schema.HEAD
        assert compare_metadata(MigrationContext.configure(connection), metadata) == []


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
    run = start_run(old, "Fraud")
    finish_run(old, run.id, "done")
    assert register(old, "Fraud", run=run.id, bundle="3" * 64).number == 3
    assert len(list_versions(old)) == 3
    assert promote(old, "Score").champion == "Fraud@2"


def test_a_second_opening_finds_nothing_to_do(old: Catalog, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(schema, "upgrader", lambda: pytest.fail("there was something to upgrade"))
    old._prepare()
    with old.read() as connection:
        assert connection.execute(sa.text("SELECT count(*) FROM alembic_version")).scalar() == 1
