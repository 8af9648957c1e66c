"""A request's id in the log lines that it leads to, and in no other's."""

from __future__ import annotations

import asyncio
import io
import json
import logging
from collections.abc import Coroutine
from typing import Any, cast

from tests.runtime.test_logs import stream as stream  # a fixture
from tests.serving.server import Echo

from tidewheel.runtime.logs import set_up_logs
from tidewheel.serving.api.request_ids import Identified
from tidewheel.serving.transport.http import Request, Response

log = logging.getLogger("tidewheel.serving")


def now(request: Request) -> Response:
    log.info("asked")
    return Response()


async def later(request: Request) -> Response:
    await asyncio.sleep(0)
    log.info("asked later")
    raise ZeroDivisionError


def broken(request: Request) -> Response:
    raise ZeroDivisionError


def test_lines_bear_the_request_s_id(stream: io.StringIO) -> None:
    set_up_logs("serve-0", stream=stream, format="json")

    async def ask(answer: Any, identity: str) -> int:
        headers = {b"x-request-id": identity.encode()} if identity else {}
        told = Identified(Echo(answer)).handle(Request("GET", "/", "", headers))
        if not isinstance(told, Response):
            told = await asyncio.create_task(cast("Coroutine[Any, Any, Response]", told))
        return told.status

    async def all_of_them() -> list[int]:
        return list(await asyncio.gather(ask(now, "r1"), ask(now, ""), ask(later, "r2"), ask(broken, "r3" * 200)))

    assert asyncio.run(all_of_them()) == [200, 200, 500, 500]
    told = [json.loads(line) for line in stream.getvalue().splitlines()]
    assert sorted((line["message"], line.get("request_id", "-")[:2], "exception" in line) for line in told) == [
        ("a request failed", "r2", True),
        ("a request failed", "r3", True),
        ("asked", "-", False),
        ("asked", "r1", False),
        ("asked later", "r2", False),
    ]
    assert max(len(line.get("request_id", "")) for line in told) == 128
