"""HTTP/1.1 as bytes: a request out, an answer in. What carries them is for the connections.

llhttp (through httptools) parses, as it does in the server: a small part of what the standard library's parser costs.
"""

from __future__ import annotations

import ssl
from collections.abc import Mapping
from typing import NamedTuple
from urllib.parse import quote, urlsplit

import httptools

from tidewheel.errors import ConfigError

READ = 65_536


class Address(NamedTuple):
    """Where a server is."""

    host: str
    port: int
    tls: bool
    prefix: str


def address_of(url: str) -> Address:
    """Return the address in a URL.

    Raises
    ------
    ConfigError
        It is none.

    Examples
    --------
    >>> address_of("http://127.0.0.1:8700")
    Address(host='127.0.0.1', port=8700, tls=False, prefix='')
    """
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ConfigError(f"{url!r} is no server's URL", remedy="give one such as http://127.0.0.1:8700")
    tls = parts.scheme == "https"
    return Address(parts.hostname, parts.port or (443 if tls else 80), tls, parts.path.rstrip("/"))


def context_of(address: Address, context: ssl.SSLContext | None) -> ssl.SSLContext | None:
    """Return the TLS context to connect with; None for plain HTTP."""
    return (context or ssl.create_default_context()) if address.tls else None


def request_bytes(address: Address, method: str, path: str, headers: Mapping[str, str], body: bytes) -> bytes:
    r"""Return a request as it is sent.

    Raises
    ------
    ConfigError
        A header holds the end of a line.

    Examples
    --------
    >>> request_bytes(address_of("http://h"), "GET", "/v1/status", {}, b"").split(b"\r\n")[:2]
    [b'GET /v1/status HTTP/1.1', b'Host: h:80']
    """
    lines = [
        f"{method} {address.prefix}{quote(path, safe='/?=&%,')} HTTP/1.1",
        f"Host: {_bracketed(address.host)}:{address.port}",
    ]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    if method == "POST":
        lines.append(f"Content-Length: {len(body)}")
    head = "\r\n".join(lines)
    if head.count("\n") != len(lines) - 1:
        raise ConfigError("a header holds the end of a line", where=f"{method} {path[:100]}")
    return head.encode("latin-1", "replace") + b"\r\n\r\n" + body


def _bracketed(host: str) -> str:
    return f"[{host}]" if ":" in host else host


class Reply:
    """An answer while it comes in.

    Attributes
    ----------
    status : int
        0 until the head is there.
    headers : dict
        By name in lower case.
    done : bool
        It is whole.
    keep : bool
        It is whole, and the connection may be used again.
    """

    def __init__(self) -> None:
        self.status = 0
        self.headers: dict[str, str] = {}
        self.done = self.keep = False
        self.begun = False
        self._parts: list[bytes] = []
        self._parser = httptools.HttpResponseParser(self)

    def feed(self, data: bytes) -> None:
        """Take what came; the end of the connection is no bytes.

        Raises
        ------
        ConnectionError
            It is no HTTP, or ends too early.
        """
        if not data:
            raise ConnectionError("the server closed the connection before its answer was whole")
        self.begun = True
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserError as error:
            raise ConnectionError(f"the answer is no HTTP/1.1: {error}") from error

    def take(self) -> bytes:
        """Return what has come of the body since the last call."""
        parts, self._parts = self._parts, []
        return b"".join(parts)

    # --- httptools -----------------------------------------------------------------------------

    def on_header(self, name: bytes, value: bytes) -> None:
        """Take one header."""
        self.headers[name.decode("latin-1").lower()] = value.decode("latin-1")

    def on_headers_complete(self) -> None:
        """Take the status."""
        self.status = self._parser.get_status_code()

    def on_body(self, body: bytes) -> None:
        """Take a piece of the body."""
        self._parts.append(body)

    def on_message_complete(self) -> None:
        """Note the end; an answer such as ``100 Continue`` is none."""
        self.done = self.status >= 200
        # Only here: once the message is over the parser has forgotten it.
        self.keep = self.done and self._parser.should_keep_alive()
