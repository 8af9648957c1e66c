"""Log lines for people and for machines."""

from __future__ import annotations

import io
import json
import logging
from collections.abc import Iterator

import pytest

from tidewheel.runtime.logs import log_fields, set_up_logs


@pytest.fixture
def stream() -> Iterator[io.StringIO]:
    logger = logging.getLogger("tidewheel")
    before = list(logger.handlers), logger.level, logger.propagate
    yield io.StringIO()
    logger.handlers, logger.propagate = before[0], before[2]
    logger.setLevel(before[1])


def test_people_read_a_line(stream: io.StringIO) -> None:
    logger = set_up_logs("serve-0", stream=stream)
    logger.warning("%s fell back", "Score", extra={"decision_id": "01J"})
    logger.debug("not shown")
    (line,) = stream.getvalue().splitlines()
    assert line.endswith("serve-0       warning: Score fell back")


def test_machines_read_an_object(stream: io.StringIO) -> None:
    logger = set_up_logs("serve-0", stream=stream, format="json")
    token = log_fields.set({"trace_id": "4bf9"})
    logging.getLogger("tidewheel.serving").warning("a\nb %d", 1, extra={"decision_id": "01J", "odd": {1, 2}, "_own": 1})
    log_fields.reset(token)
    try:
        raise ValueError("what happened")
    except ValueError:
        logger.exception("failed")
    first, second = (json.loads(line) for line in stream.getvalue().splitlines())
    assert first.pop("time").endswith("Z")
    assert first == {
        "level": "warning",
        "process": "serve-0",
        "logger": "tidewheel.serving",
        "message": "a\nb 1",
        "trace_id": "4bf9",
        "decision_id": "01J",
        "odd": [1, 2],
    }
    assert "trace_id" not in second
    assert "ValueError: what happened" in second["exception"]
