"""The client, waiting and awaited, against real servers: also ones that are killed, overloaded, slow."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import threading
import time
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec
import pyarrow as pa
import pytest
from tests.serving.oip.front import Front, front
from tests.serving.server import Echo, ServerThread
from tests.serving.shop import open_shop, payment, worker

from tidewheel.client import AsyncClient, Client, Decision
from tidewheel.client.http1 import address_of, request_bytes
from tidewheel.errors import (
    ConfigError,
    ConflictError,
    DeadlineError,
    DeniedError,
    InputError,
    NotFoundError,
    OverloadedError,
    ServingError,
    UnreachableError,
)
from tidewheel.resending import MOST
from tidewheel.serving.deciding.answers import Answer
from tidewheel.serving.transport.http import Limits, Request, Response, error_response


class Waiting:
    """The awaited client behind the waiting one's methods, so that each test holds for both."""

    def __init__(self, url: str, **how: Any) -> None:
        self._runner = asyncio.Runner()
        self._client = AsyncClient(url, **how)

    def __getattr__(self, name: str) -> Callable[..., Any]:
        method = getattr(self._client, name)
        return lambda *given, **how: self._runner.run(method(*given, **how))

    def decide_each(self, *given: Any, **how: Any) -> list[Any]:
        async def collect() -> list[Any]:
            return [answer async for answer in self._client.decide_each(*given, **how)]

        return self._runner.run(collect())

    def __enter__(self) -> Waiting:
        return self

    def __exit__(self, *error: object) -> None:
        self._runner.run(self._client.close())
        self._runner.close()


Make = Callable[..., Any]


@pytest.fixture(params=[Client, Waiting], ids=["sync", "async"])
def make(request: pytest.FixtureRequest) -> Make:
    made: Make = request.param
    return made


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Front]:
    with front(tmp_path_factory.mktemp("client")) as running:
        yield running


def url(port: int) -> str:
    return f"http://127.0.0.1:{port}"


def test_everything_can_be_asked(served: Front, make: Make) -> None:
    with make(url(served.port), caller="checkout", deadline=60) as client:
        told = client.decide("Score", payment("e1", amount=900.0))
        assert (told.decision, told.model) == ("block", "Fraud@1")
        assert client.decide("Score", payment("e1", amount=900.0)) == told
        assert client.why(told.decision_id)["caller"] == "checkout"
        assert client.append("Payment", [payment("e2"), payment("e2"), {"id": "e3"}]).quarantined[0]["row"] == 2
        assert client.append("Payment", [{"id": "e3"}]).accepted == 0
        assert client.features("CardHistory", card=["c1", "nobody"]).features["payments_1d"] == [0.0, 0.0]
        assert client.status()["services"]["Score"]["champion"] == "Fraud@1"


def test_many_are_decided_in_order(served: Front, make: Make) -> None:
    rows = [payment(f"f{n}", amount=float(n)) for n in range(9000)]  # more than one request takes
    rows[7] = {"id": "f7"}
    with make(url(served.port), deadline=60) as client:
        told = client.decide_many("Score", rows)
        assert [getattr(answer, "event_id", None) for answer in told[5:9]] == ["pf5", "pf6", None, "pf8"]
        assert isinstance(told[7], InputError)
        assert len(told) == 9000
        each = list(client.decide_each("Score", rows[:50]))
        assert [place for place, _ in each] == list(range(50))
        assert [answer for _, answer in each[8:]] == told[8:50]
        assert client.decide_many("Score", []) == []


def test_an_arrow_table_comes_back_as_one(served: Front, make: Make) -> None:
    table = pa.Table.from_pylist([payment(f"g{n}", amount=100.0) for n in range(100)])
    with make(url(served.port), deadline=60) as client:
        told = client.decide_many("Score", table)
        assert told.column("event_id").to_pylist() == [f"pg{n}" for n in range(100)]
        told = client.append("Payment", pa.Table.from_pylist([payment("g200")]))
        assert told.accepted + told.duplicates == 1


def test_errors_are_ours(served: Front, make: Make) -> None:
    with make(url(served.port)) as client:
        with pytest.raises(InputError, match="missing"):
            client.decide("Score", {"id": "h1"})
        with pytest.raises(NotFoundError, match="did you mean"):
            client.decide("Scor", payment("h1"))
        with pytest.raises(NotFoundError):
            client.why("01KAJ5Q4T8ZQ6X0N3W7R9YB2MC")
        with pytest.raises(InputError, match="can't be written as JSON"):
            client.decide("Score", {"id": object()})
    with pytest.raises(ConfigError, match="no server's URL"):
        make("127.0.0.1:8700")
    with pytest.raises(ConfigError, match="deadline"):
        make(url(1), deadline="soon")


def test_a_decision_is_made_of_the_servers_fields() -> None:
    assert set(Decision.__struct_fields__) <= set(Answer.__struct_fields__)


def answering(*answers: Response | Awaitable[Response]) -> tuple[Echo, list[Request]]:
    """A handler that gives these answers, the last of them for ever."""
    seen: list[Request] = []

    def answer(request: Request) -> Any:
        seen.append(request)
        return answers[min(len(seen), len(answers)) - 1]

    return Echo(answer), seen


GOOD = Response(200, msgspec.json.encode(Answer("D1", "Score", "t1", "allow")))


def busy(status: int = 503, pause: bytes = b"20") -> Response:
    return error_response(status, "overloaded", headers=((b"retry-after", b"1"), (b"retry-after-ms", pause)))


def test_what_may_pass_is_asked_again_with_less_time_left(make: Make) -> None:
    handler, seen = answering(busy(), busy(429), GOOD)
    with ServerThread(handler) as server, make(url(server.port), token="tw_1", deadline=5) as client:
        begun = time.monotonic()
        assert client.decide("Score", {"id": "t1"}).decision == "allow"
        assert time.monotonic() - begun >= 0.04
    left = [int(request.headers[b"x-request-timeout-ms"]) for request in seen]
    assert 5000 >= left[0] > left[1] > left[2] > 0
    assert seen[2].headers[b"authorization"] == b"Bearer tw_1"


@pytest.mark.parametrize(
    ("status", "error"),
    [(400, InputError), (401, DeniedError), (403, DeniedError), (404, NotFoundError), (409, ConflictError),
     (413, InputError), (500, ServingError)],
)  # fmt: skip
def test_what_will_not_pass_is_not_asked_again(make: Make, status: int, error: type[Exception]) -> None:
    handler, seen = answering(error_response(status, "no"))
    with ServerThread(handler) as server, make(url(server.port)) as client, pytest.raises(error, match="no"):
        client.decide("Score", {"id": "t1"})
    assert len(seen) == 1


def test_retries_have_a_budget(make: Make) -> None:
    handler, seen = answering(busy(pause=b"1"))
    with ServerThread(handler) as server, make(url(server.port)) as client:
        for _ in range(20):
            with pytest.raises(OverloadedError):
                client.decide("Score", {"id": "t1"})
    assert 20 < len(seen) <= 20 + MOST


def test_answered_calls_earn_retries_and_none_can_be_declared(make: Make) -> None:
    handler, seen = answering(*[GOOD] * 20, busy(pause=b"1"))
    with ServerThread(handler) as server, make(url(server.port), retry_share=0.0) as client:
        for _ in range(20):
            client.decide("Score", {"id": "t1"})
        with pytest.raises(OverloadedError):
            client.decide("Score", {"id": "t1"})
    assert len(seen) == 21
    handler, seen = answering(busy(pause=b"1"), GOOD)
    with ServerThread(handler) as server, make(url(server.port)) as client:
        client.decide("Score", {"id": "t1"})
        assert counted(client)["retry"] == 1


def counted(client: Any) -> Any:
    return (client if isinstance(client, Client) else client._client).resent


class Stalling:
    """Answers a request only when it is let; another one at once, or when that is let."""

    def __init__(self, stalls: Callable[[int], bool]) -> None:
        self.stalls = stalls
        self.seen: list[Request] = []
        self.left = 0

    def __call__(self, request: Request) -> Any:
        self.seen.append(request)
        return self.wait() if self.stalls(len(self.seen)) else GOOD

    async def wait(self) -> Response:
        try:
            await asyncio.sleep(30)
        except asyncio.CancelledError:
            self.left += 1
            raise
        return GOOD


def test_a_call_without_an_answer_is_sent_beside_the_first_and_the_loser_dropped(make: Make) -> None:
    stalling = Stalling(lambda number: number == 1)
    with ServerThread(Echo(stalling)) as server, make(url(server.port), hedge="20ms") as client:
        assert client.decide("Score", {"id": "t1"}).decision == "allow"
        assert client.decide("Score", {"id": "t2"}).decision == "allow"
        assert (counted(client)["hedge"], counted(client)["hedge won"], counted(client)["retry"]) == (1, 1, 0)
        until = time.monotonic() + 10
        while not stalling.left and time.monotonic() < until:
            time.sleep(0.01)
    assert stalling.left == 1, "the server works on for who has been answered"
    assert len(stalling.seen) == 3


def test_only_what_is_small_and_repeatable_is_hedged(make: Make) -> None:
    stalling = Stalling(lambda number: True)
    with ServerThread(Echo(stalling)) as server, make(url(server.port), hedge=0.005, deadline="200ms") as client:
        asked = [
            lambda: client.decide("Score", {"id": "t1"}, repeatable=False),
            lambda: client.decide_many("Score", [{"id": "t1"}]),
        ]
        for ask in asked:
            with pytest.raises(DeadlineError):
                ask()
        assert len(stalling.seen) == 2
        with pytest.raises(DeadlineError):
            client.features("CardHistory", card="c1")
        assert len(stalling.seen) == 4
        assert counted(client)["hedge"] == 1


def test_hedges_are_a_share_of_the_calls(make: Make) -> None:
    stalling = Stalling(lambda number: True)
    how: dict[str, Any] = {"hedge": 0.001, "hedge_share": 0.01, "deadline": "50ms"}
    with ServerThread(Echo(stalling)) as server, make(url(server.port), **how) as client:
        for _ in range(int(MOST) + 10):
            with pytest.raises(DeadlineError):
                client.decide("Score", {"id": "t1"})
        assert counted(client)["hedge"] <= MOST
    with pytest.raises(ConfigError, match="a hedge after 'soon'"):
        make(url(1), hedge="soon")


def test_the_deadline_is_kept(make: Make) -> None:
    async def slow() -> Response:
        await asyncio.sleep(2)
        return GOOD

    with ServerThread(Echo(lambda request: slow())) as server, make(url(server.port), deadline="100ms") as client:
        begun = time.monotonic()
        with pytest.raises(DeadlineError, match="no answer within"):
            client.decide("Score", {"id": "t1"})
        assert time.monotonic() - begun < 1.5


def test_nobody_there(make: Make) -> None:
    with ServerThread(Echo(lambda request: GOOD)) as server:
        port = server.port
    with make(url(port)) as client, pytest.raises(UnreachableError, match="does not answer"):
        client.decide("Score", {"id": "t1"})


def client_port(server: ServerThread) -> int:
    """The port of the one client that is connected; 0 for none."""
    for connection in tuple(server.server.connections):
        if connection.transport is not None:
            return int(connection.transport.get_extra_info("peername")[1])
    return 0


def test_connections_are_kept_and_those_that_were_closed_replaced(make: Make) -> None:
    handler, seen = answering(GOOD)
    limits = Limits(idle_timeout=0.05, requests=5)
    with ServerThread(handler, limits, tick=0.02) as server, make(url(server.port)) as client:
        ports = set()
        for _ in range(12):
            client.decide("Score", {"id": "t1"})
            ports.add(client_port(server))
        while server.server.connections:  # the server closes what is idle
            time.sleep(0.01)
        client.decide("Score", {"id": "t1"})
    assert len(seen) == 13
    assert len(ports - {0}) <= 3, "five requests a connection, and none when the last one was its fifth"
    assert ports != {0}


def test_many_threads_share_a_client(served: Front) -> None:
    answers: list[Decision] = []
    with Client(url(served.port)) as client:

        def ask(first: int) -> None:
            answers.extend(client.decide("Score", payment(f"i{first}-{n}")) for n in range(50))

        threads = [threading.Thread(target=ask, args=(n,)) for n in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert len({answer.decision_id for answer in answers}) == 200


def test_a_killed_workers_callers_get_their_answers(tmp_path: Path) -> None:
    with open_shop(tmp_path) as shop:
        shop.deploy(shop.graph())
        with worker(tmp_path) as first:
            port, told = first.port, []
            with Client(url(port), deadline=60) as client:
                told.append(client.decide("Score", payment("j0")))
                first.kill()
                (tmp_path / "tidewheel.toml").write_text(f'port = {port}\nsync = "second"\n')
                with pytest.raises(UnreachableError):
                    client.decide("Score", payment("j1"), deadline=30)
                with worker(tmp_path, 0) as second:
                    assert second.port == port
                    told.append(client.decide("Score", payment("j0")))
                    assert client.decide("Score", payment("j1")).event_id == "pj1"
            assert told[0] == told[1]


def test_importing_it_costs_little() -> None:
    code = "import sys, tidewheel.client; print({'numba', 'numpy', 'pyarrow', 'uvloop', 'lmdb'} & set(sys.modules))"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "set()\n"


def test_a_declared_event_can_be_sent(served: Front) -> None:
    import tidewheel as tw

    class Payment(tw.Event):
        id: tw.Id
        card: tw.Id
        amount: float
        country: tw.Category

    with Client(url(served.port)) as client:
        assert client.decide("Score", Payment(id="k1", card="c1", amount=1.0, country="SE")).event_id == "k1"


def test_a_call_that_may_not_be_repeated_does_not_fail_of_a_connection_that_was_closed(make: Make) -> None:
    handler, seen = answering(GOOD)
    limits = Limits(idle_timeout=0.05)
    with ServerThread(handler, limits, tick=0.02) as server, make(url(server.port)) as client:
        client.decide("Score", {"id": "t1"})
        while server.server.connections:
            time.sleep(0.01)
        client.decide("Score", {"id": "t1"}, repeatable=False)
    assert len(seen) == 2


def test_an_address_of_version_six_stands_in_brackets() -> None:
    asked = request_bytes(address_of("http://[::1]:8700"), "GET", "/v1/status", {}, b"")
    assert asked.split(b"\r\n")[1] == b"Host: [::1]:8700"
