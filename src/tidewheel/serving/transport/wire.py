"""An answer as the bytes of HTTP/1.1."""

from __future__ import annotations

import time

from tidewheel.serving.transport.http import Response, reason_of

DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")

CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"
CLOSE = b"Connection: close\r\n"
KEEP = b"Connection: keep-alive\r\n"

_heads: dict[tuple[int, bytes], bytes] = {}


def date_line(seconds: float) -> bytes:
    r"""Return the ``Date`` header for a Unix time, in the only form that HTTP allows.

    Examples
    --------
    >>> date_line(0.0)
    b'Date: Thu, 01 Jan 1970 00:00:00 GMT\r\n'
    """
    now = time.gmtime(seconds)
    day, month = DAYS[now.tm_wday], MONTHS[now.tm_mon - 1]
    text = f"Date: {day}, {now.tm_mday:02d} {month} {now.tm_year} {now.tm_hour:02d}:{now.tm_min:02d}:{now.tm_sec:02d}"
    return text.encode() + b" GMT\r\n"


def _head(status: int, content_type: bytes) -> bytes:
    """Return the status line and content type; there are few of them, so each is built once."""
    head = f"HTTP/1.1 {status} {reason_of(status)}\r\nContent-Type: ".encode() + content_type + b"\r\n"
    _heads[status, content_type] = head
    return head


def head(response: Response, date: bytes, connection: bytes = b"", *, chunked: bool) -> bytes:
    r"""Return the head of an answer whose body follows in pieces, to the end of the connection if not `chunked`.

    Examples
    --------
    >>> head(Response(), b"", chunked=True).split(b"\r\n")[2]
    b'Transfer-Encoding: chunked'
    """
    first = _heads.get((response.status, response.content_type)) or _head(response.status, response.content_type)
    own = b"".join(b"%b: %b\r\n" % (name, value) for name, value in response.headers)
    coding = b"Transfer-Encoding: chunked\r\n" if chunked else b""
    return b"%b%b%b%b%b\r\n" % (first, own, date, connection, coding)


def encode(response: Response, date: bytes, connection: bytes = b"", *, bodiless: bool = False) -> bytes:
    r"""Return the bytes of an answer; `connection` is ``CLOSE``, ``KEEP`` or empty, `bodiless` is for HEAD.

    Examples
    --------
    >>> encode(Response(body=b"{}"), b"").split(b"\r\n")[0]
    b'HTTP/1.1 200 OK'
    """
    head = _heads.get((response.status, response.content_type)) or _head(response.status, response.content_type)
    if response.headers:
        head += b"".join(b"%b: %b\r\n" % (name, value) for name, value in response.headers)
    body = response.body
    return b"%b%b%bContent-Length: %d\r\n\r\n%b" % (head, date, connection, len(body), b"" if bodiless else body)
