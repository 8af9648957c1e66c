"""An entity is erased from servers too: Redis states, tables and artifacts on an object store, a PostgreSQL catalog."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pyarrow as pa
import pytest
import sqlalchemy as sa
from tests.conftest import CatalogPlace, RedisServer
from tests.governance.bank import EMAIL, KEY, SECRETS, card_of, files_with_secrets, fill, make, opened

from tidewheel.storage.catalog import Catalog
from tidewheel.storage.catalog.notes import note
from tidewheel.workspace import Workspace

Held = Callable[[], Iterator[bytes]]
"""Gives all that a server holds, byte for byte."""


def secrets_in(held: Held) -> set[bytes]:
    return {secret for content in held() for secret in SECRETS if secret in content}


def erase(folder: Path, tmp_path: Path, held: Held) -> None:
    """Fill a workspace, forget the entity, and see that neither files nor server hold it, and that the rest answers."""
    with opened(folder) as workspace:
        fill(workspace, tmp_path)
        stored = pa.table({"email": [EMAIL], "_offset": [1], "_arrived": [1]})
        workspace.stores.lake.append("features/PaymentView-0", stored, position=("backfill", 1))
        workspace.stores.artifacts.put(b'{"scores":{"%s":0.5}}' % KEY.encode())
        note(workspace.stores.catalog, "run.failed", "Fraud", {"error": f"no row of {KEY}"})
        workspace.flush()
        assert secrets_in(held), "the server held it before"
        report = workspace.forget(f"Card={KEY}")
        assert report.clean, str(report)
        assert secrets_in(held) == set()
        assert files_with_secrets(workspace.stores.layout.root) == {}
        _answers(workspace)


def _answers(workspace: Workspace) -> None:
    payments = {row["_id"]: row["card"] for row in workspace.history.scan("Payment", ["card"]).to_pylist()}
    assert payments == {f"p{k}": None if card_of(k) == KEY else card_of(k) for k in range(60)}
    workspace.sync()
    assert workspace.read("ShopHistory", shop="s0").payments_7d == 20
    assert workspace.check_features(sample=0).equal
    answer = workspace.decide("Screen", {"id": "new", "card": "card-1", "shop": "s0", "amount": 1.0, "email": None})
    assert workspace.why(answer.decision_id).replay.equal


def settings(folder: Path, *lines: str) -> Path:
    with (folder / "tidewheel.toml").open("a") as file:
        file.writelines(f"{line}\n" for line in lines)
    return folder


@pytest.mark.redis
def test_states_on_redis(tmp_path: Path, redis_server: RedisServer) -> None:
    import redis

    def held() -> Iterator[bytes]:
        with redis.Redis.from_url(redis_server.url) as client:
            for key in client.scan_iter():
                yield key
                yield client.dump(key)
                if client.type(key) == b"hash":
                    yield from (part for pair in client.hgetall(key).items() for part in pair)
                elif client.type(key) == b"string":
                    yield client.get(key)

    erase(settings(make(tmp_path / "bank"), f'state = "{redis_server.url}"'), tmp_path, held)


@pytest.mark.s3
def test_lake_and_artifacts_on_an_object_store(tmp_path: Path, s3_place: str) -> None:
    import boto3

    place, query = urlsplit(s3_place), parse_qs(urlsplit(s3_place).query)

    def held() -> Iterator[bytes]:
        client = boto3.client("s3", endpoint_url=query["endpoint_url"][0], region_name=query["region"][0])
        for page in client.get_paginator("list_objects_v2").paginate(Bucket=place.netloc):
            for one in page.get("Contents", []):
                yield one["Key"].encode()
                yield client.get_object(Bucket=place.netloc, Key=one["Key"])["Body"].read()

    base = f"s3://{place.netloc}{place.path}"
    lines = [f'{what} = "{base}/{what}?{place.query}"' for what in ("lake", "artifacts")]
    erase(settings(make(tmp_path / "bank"), *lines), tmp_path, held)


@pytest.mark.parametrize("catalog_place", ["postgres"], indirect=True)
@pytest.mark.postgres
def test_a_catalog_on_postgresql(tmp_path: Path, catalog_place: CatalogPlace) -> None:
    def held() -> Iterator[bytes]:
        with (
            Catalog.open(catalog_place.url, namespace=catalog_place.namespace) as catalog,
            catalog.read() as connection,
        ):
            for table in sa.inspect(connection).get_table_names(schema=catalog_place.namespace):
                rows = connection.execute(sa.text(f'SELECT * FROM "{table}"')).all()
                yield from (str(row).encode() for row in rows)

    lines = [f'catalog = "{catalog_place.url}"', f'namespace = "{catalog_place.namespace}"']
    erase(settings(make(tmp_path / "bank"), *lines), tmp_path, held)
