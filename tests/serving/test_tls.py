"""TLS with a real client and an authority of the test's own; a certificate that changes while connections are open."""

from __future__ import annotations

import asyncio
import os
import socket
import ssl
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

pytest.importorskip("cryptography")

from tests.serving.certificates import Authority
from tests.serving.server import Answer, Echo, ServerThread, connect, read_answer

from tidewheel.errors import ConfigError
from tidewheel.runtime.config import load_config
from tidewheel.serving.transport.http import Request, Response
from tidewheel.serving.transport.server import HttpServer
from tidewheel.serving.transport.tls import Certificate, certificate_of


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path)


def certificate(folder: Path) -> Certificate:
    return Certificate(folder / "server.pem", folder / "server.key")


@contextmanager
def secured(port: int, trusted: Path) -> Iterator[ssl.SSLSocket]:
    context = ssl.create_default_context(cafile=str(trusted))
    with connect(port) as plain, context.wrap_socket(plain, server_hostname="127.0.0.1") as client:
        yield client


def serial(client: ssl.SSLSocket) -> int:
    shown = client.getpeercert()
    assert shown is not None
    return int(str(shown["serialNumber"]), 16)


def ask(client: socket.socket, body: bytes = b"", path: str = "/bulk") -> tuple[int, bytes]:
    client.sendall(b"POST %s HTTP/1.1\r\nContent-Length: %d\r\n\r\n" % (path.encode(), len(body)) + body)
    status, _, answer = read_answer(client)
    return status, answer


def later(request: Request) -> Response:
    return Response(body=request.body)


async def much_later(request: Request) -> Response:
    await asyncio.sleep(0.05)
    return Response(body=request.body)


@pytest.mark.parametrize("answer", [later, much_later])
def test_a_client_that_trusts_the_authority_is_answered(authority: Authority, answer: Answer) -> None:
    number = authority.issue("one")
    running = ServerThread(Echo(answer), certificate=certificate(authority.folder))
    with running as server, secured(server.port, authority.trusted) as client:
        assert serial(client) == number
        assert client.version() in ("TLSv1.2", "TLSv1.3")
        for size in (0, 1, 50_000):
            assert ask(client, b"x" * size) == (200, b"x" * size)
        assert ask(client, b"x" * 2000, "/small")[0] == 413


def test_a_stranger_and_a_plain_client_are_not(authority: Authority, tmp_path: Path) -> None:
    authority.issue("one")
    other = tmp_path / "other"
    other.mkdir()
    with ServerThread(Echo(later), certificate=certificate(authority.folder)) as server:
        with pytest.raises(ssl.SSLCertVerificationError), secured(server.port, Authority(other).trusted):
            pass
        with connect(server.port) as plain:
            plain.sendall(b"GET /bulk HTTP/1.1\r\n\r\n")
            assert not plain.recv(100).startswith(b"HTTP")
        with secured(server.port, authority.trusted) as client:
            assert ask(client)[0] == 200


def test_a_new_certificate_is_shown_and_open_connections_go_on(authority: Authority) -> None:
    first = authority.issue("one")
    running = ServerThread(Echo(later), certificate=certificate(authority.folder))
    with running as server, secured(server.port, authority.trusted) as old:
        assert ask(old, b"a") == (200, b"a")
        second = authority.issue("two")
        end = time.monotonic() + 20.0
        shown = first
        while shown != second and time.monotonic() < end:
            with secured(server.port, authority.trusted) as new:
                shown = serial(new)
        assert shown == second
        assert ask(old, b"b") == (200, b"b")
        assert serial(old) == first


def test_a_broken_change_leaves_the_certificate_in_use(authority: Authority) -> None:
    first = authority.issue("one")
    served = certificate(authority.folder)
    (authority.folder / "server.key").write_bytes(b"half a file")
    os.utime(authority.folder / "server.key", (1, 1))
    assert not served.refresh()
    with ServerThread(Echo(later), certificate=served) as server, secured(server.port, authority.trusted) as client:
        assert serial(client) == first


def test_settings_name_both_files_or_none(authority: Authority) -> None:
    authority.issue("one")
    file = authority.folder / "tidewheel.toml"

    def read(text: str) -> Certificate | None:
        file.write_text(text)
        return certificate_of(load_config(authority.folder, variables={}))

    assert read("") is None
    assert read('certificate = "server.pem"\ncertificate_key = "server.key"\n') is not None
    for text in (
        'certificate = "server.pem"\n',
        'certificate_key = "server.key"\n',
        'certificate = "server.pem"\ncertificate_key = "ca.pem"\n',
        'certificate = "missing.pem"\ncertificate_key = "server.key"\n',
    ):
        with pytest.raises(ConfigError, match=r"certificate"):
            read(text)


def test_a_stranger_in_the_queue_does_not_keep_a_server_from_draining(authority: Authority) -> None:
    authority.issue("one")

    async def drained() -> bool:
        server = HttpServer(Echo(later), certificate=certificate(authority.folder))
        port = await server.start()
        with connect(port) as stranger, connect(port) as silent:
            stranger.sendall(b"GET / HTTP/1.1\r\n\r\n")
            async with asyncio.timeout(5):
                await server.drain(grace=0.2)
            return not server.connections and silent.fileno() >= 0

    assert asyncio.run(drained())
