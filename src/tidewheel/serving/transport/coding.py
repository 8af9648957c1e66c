"""Content codings of HTTP bodies: gzip and deflate, in and out, within bounds."""

from __future__ import annotations

import gzip
import zlib

from tidewheel.errors import InputError
from tidewheel.serving.transport.http import Request

_WINDOW = {"gzip": 31, "x-gzip": 31, "deflate": 15}
WORTH = 256
"""Smaller answers are sent as they are."""


def body_of(request: Request, most: int) -> bytes:
    """Return a request's body without its coding.

    Raises
    ------
    InputError
        The coding is unknown, the bytes are not what they claim to be, or are more than `most` once unpacked.

    Examples
    --------
    >>> packed = gzip.compress(b"hello")
    >>> body_of(Request("POST", "/", headers={b"content-encoding": b"gzip"}, body=packed), 100)
    b'hello'
    """
    coding = request.header(b"content-encoding").strip().lower()
    if coding in ("", "identity"):
        return request.body
    if coding not in _WINDOW:
        raise InputError(f"content coding {coding[:40]!r}", remedy="send gzip, deflate or no coding")
    unpacking = zlib.decompressobj(_WINDOW[coding])
    try:
        body = unpacking.decompress(request.body, most + 1)
    except zlib.error as error:
        raise InputError(f"the body is no {coding}: {error}") from error
    if len(body) > most:
        raise InputError(f"the body is larger than {most} bytes once unpacked", remedy="send fewer rows in one request")
    if not unpacking.eof:
        raise InputError(f"the body's {coding} ends too early")
    if unpacking.unused_data:
        raise InputError(f"{len(unpacking.unused_data)} bytes follow the body's {coding}", remedy="pack it in one part")
    return body


def coded(request: Request, body: bytes) -> tuple[bytes, tuple[tuple[bytes, bytes], ...]]:
    """Return an answer's body in a coding that the client takes, and the headers that say so.

    Examples
    --------
    >>> coded(Request("GET", "/"), b"hello")
    (b'hello', ())
    """
    taken = [choice.partition(";") for choice in request.header(b"accept-encoding").lower().split(",")]
    wanted = {name.strip() for name, _, weight in taken if weight.strip().rstrip("0.") != "q="}
    if len(body) >= WORTH and "gzip" in wanted:
        return gzip.compress(body, 1, mtime=0), ((b"content-encoding", b"gzip"),)
    if len(body) >= WORTH and "deflate" in wanted:
        return zlib.compress(body, 1), ((b"content-encoding", b"deflate"),)
    return body, ()
