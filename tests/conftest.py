"""Fixtures that tests of several rooms share."""

from __future__ import annotations

import importlib.util
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, NoReturn
from urllib.parse import parse_qsl, urlsplit

import pytest
from hypothesis import settings
from tests import mortal
from tests.kafka_server import KafkaPlace, KafkaServer, broker_binary

if TYPE_CHECKING:
    from tidewheel.storage.catalog import Catalog

settings.register_profile("any speed", deadline=None)
settings.load_profile("any speed")
settings.register_profile("untimed", deadline=None)
settings.load_profile("untimed")

REDIS = os.environ.get("TIDEWHEEL_TEST_REDIS", "redis://127.0.0.1:6379/0")
POSTGRES = os.environ.get("TIDEWHEEL_TEST_POSTGRES", "postgresql://127.0.0.1:5432/test")


class CatalogPlace(NamedTuple):
    """Where a new, empty catalog is: ``Catalog.open(place.url, namespace=place.namespace)``."""

    kind: str
    url: str
    namespace: str


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def catalog_place(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[CatalogPlace]:
    """Give an SQLite file, and then a schema of its own in a real PostgreSQL, which is dropped afterwards."""
    if request.param == "sqlite":
        yield CatalogPlace("sqlite", str(tmp_path / "catalog.sqlite"), "tidewheel")
        return
    _need_postgres()
    import psycopg

    namespace = f"tw_test_{uuid.uuid4().hex[:12]}"
    yield CatalogPlace("postgres", POSTGRES, namespace)
    with psycopg.connect(POSTGRES) as connection:
        connection.execute(f"DROP SCHEMA IF EXISTS {namespace} CASCADE".encode())


@pytest.fixture
def catalog(catalog_place: CatalogPlace) -> Iterator[Catalog]:
    """Give an open, empty catalog of each kind."""
    from tidewheel.storage.catalog import Catalog

    with Catalog.open(catalog_place.url, namespace=catalog_place.namespace) as catalog:
        yield catalog


class RedisPlace(NamedTuple):
    """Where a new, empty state is on a Redis server."""

    url: str
    namespace: str


@pytest.fixture
def redis_place() -> Iterator[RedisPlace]:
    """Give a namespace of its own on a real Redis, whose keys are deleted afterwards."""
    _need_server(
        REDIS, 6379, "no Redis answers at {url}; start one: redis-server --port 6379 --save '' (or valkey-server)"
    )
    import redis

    place = RedisPlace(REDIS, f"tw_test_{uuid.uuid4().hex[:12]}")
    yield place
    with redis.Redis.from_url(REDIS) as client:
        for pattern in (f"{place.namespace}*", f"{{{place.namespace}*"):
            for key in client.scan_iter(match=pattern, count=1000):
                client.unlink(key)


class RedisServer:
    """A Redis of the test's own, which may be killed, paused and started again."""

    def __init__(self, binary: str, folder: Path) -> None:
        self.port = _free_port()
        self.url = f"redis://127.0.0.1:{self.port}/0"
        self._command = [binary, "--port", str(self.port), "--dir", str(folder), "--save", "", "--daemonize", "no"]
        self.start()

    def start(self) -> None:
        """Start it with what its last snapshot holds (`redis.Redis.save` makes one)."""
        import redis

        self._process = mortal.start(self._command, stdout=subprocess.DEVNULL)
        with redis.Redis.from_url(self.url) as client:
            for _ in range(200):
                try:
                    client.ping()
                    return
                except redis.ConnectionError:
                    time.sleep(0.02)
        pytest.fail("the Redis server did not start")

    def signal(self, number: signal.Signals) -> None:
        """Send its process a signal."""
        self._process.send_signal(number)

    def kill(self) -> None:
        """Kill it: what its last snapshot does not hold is lost."""
        self.signal(signal.SIGCONT)
        self._process.kill()
        self._process.wait()


@pytest.fixture
def redis_server(tmp_path: Path) -> Iterator[RedisServer]:
    """Give a server of the test's own."""
    binary = shutil.which("redis-server") or shutil.which("valkey-server")
    if binary is None:
        reason = "no redis-server or valkey-server is installed: apt install redis-server"
        if os.environ.get("CI") == "true":
            pytest.fail(reason)
        pytest.skip(reason)
    (tmp_path / "redis").mkdir()
    server = RedisServer(binary, tmp_path / "redis")
    yield server
    server.kill()


@pytest.fixture(scope="session")
def s3_server() -> Iterator[str]:
    """Give the endpoint of an S3-compatible server, in a process of its own."""
    pytest.importorskip("moto.server", reason="pip install 'moto[server]'")
    port = _free_port()
    command = [sys.executable, "-c", "from moto.server import main; main()", "-p", str(port)]
    server = mortal.start(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    with pytest.MonkeyPatch.context() as patched:
        for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
            patched.setenv(name, "test")
        for _ in range(600):
            try:
                socket.create_connection(("127.0.0.1", port), timeout=1).close()
                break
            except OSError:
                time.sleep(0.05)
        yield f"http://127.0.0.1:{port}"
    server.kill()
    server.wait()


@pytest.fixture
def s3_place(s3_server: str) -> str:
    """Give the URL of a new, empty prefix: ``f"{url}/x{query}"`` is one below it."""
    import boto3

    bucket = f"test-{uuid.uuid4().hex[:12]}"
    region = "us-east-1"
    boto3.client("s3", endpoint_url=s3_server, region_name=region).create_bucket(Bucket=bucket)
    return f"s3://{bucket}/ws?endpoint_url={s3_server}&region={region}"


@pytest.fixture(scope="session")
def kafka_broker() -> Iterator[KafkaServer]:
    """Give a Kafka-protocol broker that keeps its topics in memory."""
    server = KafkaServer(broker_binary(), _free_port())
    yield server
    server.kill()


@pytest.fixture
def kafka_place(kafka_broker: KafkaServer) -> KafkaPlace:
    """Give a namespace of its own on a real broker."""
    return KafkaPlace(kafka_broker.url, f"tw_test_{uuid.uuid4().hex[:12]}")


@pytest.fixture
def kafka_memory() -> Iterator[KafkaServer]:
    """Give a broker of the test's own, which forgets everything when it is restarted."""
    server = KafkaServer(broker_binary(), _free_port())
    yield server
    server.kill()


@pytest.fixture
def kafka_server(s3_place: str) -> Iterator[KafkaServer]:
    """Give a broker of the test's own that keeps its topics in an object store, so that it may be restarted."""
    parts = urlsplit(s3_place)
    environment = {
        "AWS_ENDPOINT": dict(parse_qsl(parts.query))["endpoint_url"],
        "AWS_ALLOW_HTTP": "true",
        "AWS_DEFAULT_REGION": "us-east-1",
    }
    server = KafkaServer(broker_binary(), _free_port(), f"s3://{parts.netloc}/", environment)
    yield server
    server.kill()


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def _need_postgres() -> None:
    _need_server(
        POSTGRES,
        5432,
        "no PostgreSQL answers at {url}; start one that trusts 127.0.0.1 and has a database `test`: "
        "initdb -D /tmp/pg -A trust && pg_ctl -D /tmp/pg start && createdb -h 127.0.0.1 test",
    )


def _need_server(url: str, port: int, reason: str) -> None:
    """Skip the test where nothing answers at a URL; fail it in CI, which has all servers."""
    parts = urlsplit(url)
    try:
        socket.create_connection((parts.hostname or "127.0.0.1", parts.port or port), timeout=2).close()
    except OSError:
        if os.environ.get("CI") == "true":
            pytest.fail(reason.format(url=url))
        pytest.skip(reason.format(url=url))


def need_extra(module: str) -> None:
    """Skip a test whose optional package is not installed; in nightly CI, which installs all, that is a failure."""
    if importlib.util.find_spec(module) is None:
        _without_extra(module)


def need_extra_venv(program: str) -> Path:
    """Return the interpreter of a program that lives apart, in ``.venv-<program>``; skip as `need_extra` does."""
    python = Path(os.environ.get(f"TIDEWHEEL_{program.upper()}", Path.cwd() / f".venv-{program}/bin/python"))
    if not python.exists():
        _without_extra(program, *(("orchestrators", "CI") if program == "orchestrators" else ()))
    return python


def _without_extra(name: str, target: str = "extras", where: str = "NIGHTLY") -> NoReturn:
    reason = f"{name} is not installed; `make {target}` installs it"
    if os.environ.get(where) == "true":
        pytest.fail(reason)
    pytest.skip(reason)
