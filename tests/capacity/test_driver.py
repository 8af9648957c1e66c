"""Open-loop load: when requests leave, what counts as latency, what a still server looks like."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.serving.certificates import Authority
from tests.serving.server import Echo, ServerThread

from tidewheel.capacity.driver import arrivals, drive
from tidewheel.capacity.requests import requests
from tidewheel.capacity.sizing import point
from tidewheel.serving.transport.http import Limits, Request, Response
from tidewheel.serving.transport.tls import Certificate
from tidewheel.workspace.rollouts.capacity import trusting

ASK = requests("Score", [{"amount": 1.5}], "id", "r")


@pytest.fixture
def seen() -> list[Request]:
    return []


@pytest.fixture
def echo(seen: list[Request]) -> Iterator[ServerThread]:
    def answer(request: Request) -> Response:
        seen.append(request)
        return Response(200, request.body)

    with ServerThread(Echo(answer)) as server:
        yield server


@given(st.floats(1.0, 5000.0), st.floats(0.1, 3.0), st.sampled_from(["poisson", "constant"]))
@settings(max_examples=50, deadline=None)
def test_arrivals_are_as_many_as_the_rate_says(rate: float, seconds: float, how: str) -> None:
    due = arrivals(rate, seconds, how)  # type: ignore[arg-type]  # a literal, drawn
    assert due.size == max(1, round(rate * seconds))
    assert due[0] == 0.0
    assert (np.diff(due) >= 0.0).all()


def test_each_request_is_sent_once_with_its_own_id(echo: ServerThread, seen: list[Request]) -> None:
    run = drive("127.0.0.1", echo.port, arrivals(400, 0.5), ASK, keep=True)
    assert (run.statuses == 200).all()
    assert run.broken == 0
    assert run.bodies[7] == b'{"id":"r-7","amount":1.5}'
    assert sorted(request.body for request in seen) == sorted(run.bodies)
    assert {request.headers[b"tidewheel-caller"] for request in seen} == {b"bench"}


def test_none_leaves_before_it_is_due(echo: ServerThread) -> None:
    run = drive("127.0.0.1", echo.port, arrivals(50, 0.4, "constant"), ASK)
    assert (run.seconds >= 0.0).all()


def test_a_moment_of_stillness_is_counted_against_every_request_that_fell_into_it() -> None:
    """A closed loop of one caller would see one slow answer; here all that were due meanwhile are late."""
    still = threading.Event()

    def answer(request: Request) -> Response:
        if b'"r-20"' in request.body and not still.is_set():
            still.set()
            time.sleep(0.5)
        return Response(200, b"{}")

    with ServerThread(Echo(answer)) as server:
        run = drive("127.0.0.1", server.port, arrivals(200, 0.5, "constant"), ASK)
    assert (run.statuses == 200).all()
    late = int((run.seconds > 0.1).sum())
    assert late >= 70  # all due in the 0.4 s after the twentieth are later than 0.1 s: 80 at this rate
    assert point(run).p99 > 400.0


def test_more_than_there_are_connections_wait_for_one(echo: ServerThread) -> None:
    run = drive("127.0.0.1", echo.port, np.zeros(300), ASK, connections=3)
    assert (run.statuses == 200).all()
    assert len(echo.server.connections) <= 3


def test_connections_that_the_server_ends_are_opened_again() -> None:
    with ServerThread(Echo(lambda request: Response(200, b"{}")), Limits(requests=5)) as server:
        run = drive("127.0.0.1", server.port, arrivals(500, 0.4), ASK, connections=4)
    assert (run.statuses == 200).all()


def test_refusals_and_silence_are_failures_not_fast_answers() -> None:
    with ServerThread(Echo(lambda request: Response(503, b"{}"))) as server:
        found = point(drive("127.0.0.1", server.port, arrivals(200, 0.2), ASK))
    assert (found.failed, found.answered, found.statuses) == (1.0, 0.0, {503: 40})
    with socket.create_server(("127.0.0.1", 0), backlog=64) as silent:
        run = drive("127.0.0.1", silent.getsockname()[1], arrivals(50, 0.2), ASK, patience=0.2)
    assert point(run).statuses == {0: 10}
    assert not point(run).keeps(1e9)


def test_a_server_with_a_certificate_is_asked_over_tls(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    authority.issue("one")
    served = Certificate(tmp_path / "server.pem", tmp_path / "server.key")
    with ServerThread(Echo(lambda request: Response(200, b"{}")), certificate=served) as server:
        tls = trusting(authority.folder / "server.pem")
        run = drive("127.0.0.1", server.port, arrivals(100, 0.3), ASK, tls=tls)
    assert (run.statuses == 200).all()


def test_nobody_there_is_an_error() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    with pytest.raises(OSError):
        drive("127.0.0.1", port, arrivals(10, 0.1), ASK)
