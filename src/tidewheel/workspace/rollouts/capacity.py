"""A service of a running server, loaded to see what it takes: `tidewheel bench`."""

from __future__ import annotations

import ipaddress
import os
import re
import ssl
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Literal, NamedTuple
from urllib.parse import urlsplit

import msgspec

from tidewheel.capacity.driver import CONNECTIONS, arrivals, drive
from tidewheel.capacity.requests import Columns, from_file, from_history, made_up, requests
from tidewheel.capacity.sizing import CLIENT_FULL, Point, Sizing, find_knee, point, size
from tidewheel.definitions import ir
from tidewheel.errors import InputError, NotReadyError
from tidewheel.runtime.lease import holder_of
from tidewheel.runtime.supervisor import read_status

if TYPE_CHECKING:
    from tidewheel.workspace.workspace import Workspace

SERVES = "serve-"
FIRST_RATE, MOST_RATE = 250.0, 200_000.0
WARM_SECONDS = 1.0
LIVE = re.compile(r"prod|live", re.IGNORECASE)
"""Environments whose name says that somebody depends on them."""


class Load(msgspec.Struct, frozen=True, kw_only=True):
    """What is asked of a server, and what for.

    Attributes
    ----------
    rates : tuple of float
        Requests a second, each for `seconds`; none looks for the knee by itself.
    seconds : float
    arrive : {"poisson", "constant"}
    file : Path or None
        Events to ask for; by default the newest in history, and without any, made-up ones.
    url : str
        Of a server elsewhere; by default the one that serves this workspace.
    target, p99 : float
        The cores for how many requests a second, at how many milliseconds.
    workers : float
        Cores the server has for answering; needed with `url` only.
    price : float or None
        Of a core for an hour.
    connections : int
        Most at once.
    headers : mapping
        Sent with each request.
    """

    rates: tuple[float, ...] = ()
    seconds: float = 10.0
    arrive: Literal["poisson", "constant"] = "poisson"
    file: Path | None = None
    url: str = ""
    target: float = 100_000.0
    p99: float = 50.0
    workers: float = 0.0
    price: float | None = None
    connections: int = CONNECTIONS
    headers: Mapping[str, str] = {}


class Capacity(msgspec.Struct, frozen=True):
    """What a server takes.

    Attributes
    ----------
    service, url : str
    asked : str
        Where the events came from.
    points : list of Point
        By rate.
    sizing : Sizing or None
        None when no rate was kept.
    caveats : list of str
        What to think of when reading it.
    """

    service: str
    url: str
    asked: str
    points: list[Point]
    sizing: Sizing | None
    caveats: list[str]


class Server(NamedTuple):
    """Where a server listens, how many workers it has, and its processes where they can be seen."""

    host: str
    port: int
    workers: float
    pids: list[int]
    tls: ssl.SSLContext | None = None

    def cpu(self) -> float:
        """Return the seconds of processor that its processes have used."""
        return sum(cpu_seconds(pid) for pid in self.pids)


def refuse_live(env: str, server: Server, yes: bool) -> None:
    """Refuse to put events into a log that somebody depends on, unless that was said to be meant.

    Raises
    ------
    InputError
    """
    elsewhere = not ipaddress.ip_address(_address(server.host)).is_loopback
    if yes or not (LIVE.search(env) or elsewhere):
        return
    where = f"environment {env}" if LIVE.search(env) else f"{server.host} is not this machine"
    raise InputError(
        f"its decisions would be real: logged, counted into features and reports ({where})",
        remedy="use a staging environment, or say --yes",
    )


def measure(
    workspace: Workspace, name: str, load: Load, yes: bool = False, told: Callable[[Point], None] | None = None
) -> Capacity:
    """Load a service and return what it takes.

    Raises
    ------
    NotReadyError
        No server runs.
    InputError
        A production environment, without `yes`; or a file without events.
    """
    service = workspace.service(name)
    source = workspace.source(service.on)
    server = find_server(workspace, load)
    refuse_live(workspace.stores.config.env, server, yes)
    rows, asked = events_for(workspace, source, load)
    runs = 0

    def one(rate: float, seconds: float = 0.0) -> Point:
        nonlocal runs
        runs += 1
        due = arrivals(rate, seconds or load.seconds, load.arrive, seed=runs)
        ask = requests(name, rows, source.id_column, f"bench-{os.getpid()}-{time.time_ns():x}", load.headers)
        before, start = server.cpu(), time.perf_counter()
        run = drive(server.host, server.port, due, ask, connections=load.connections, tls=server.tls)
        used = (server.cpu() - before) / (time.perf_counter() - start) if server.pids else None
        found = point(run, used)
        if told is not None and not seconds:
            told(found)
        return found

    try:
        one(min(load.rates or (FIRST_RATE,)), WARM_SECONDS)
        points = [one(rate) for rate in sorted(load.rates)]
        points = points or find_knee(one, FIRST_RATE, load.p99, MOST_RATE)
    except OSError as error:
        raise NotReadyError(f"no server on {server.host}:{server.port}", remedy="start it: tidewheel up") from error
    sizing = size(points, load.target, load.p99, server.workers, load.price)
    url = f"http{'s' if server.tls is not None else ''}://{server.host}:{server.port}"
    return Capacity(name, url, asked, points, sizing, caveats(points, sizing, server, load))


def find_server(workspace: Workspace, load: Load) -> Server:
    """Return the server to load.

    Raises
    ------
    NotReadyError
        None runs on this workspace.
    InputError
        The URL is none that this speaks.
    """
    if load.url:
        parts = urlsplit(load.url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise InputError(f"{load.url!r} is no URL of a server", remedy="write it like http://10.0.0.5:8700")
        tls = ssl.create_default_context() if parts.scheme == "https" else None
        host = parts.hostname if tls is not None else _address(parts.hostname)  # a certificate speaks of a name
        return Server(host, parts.port or (443 if tls is not None else 80), load.workers or 1.0, [], tls)
    layout, settings = workspace.stores.layout, workspace.stores.settings
    children = [child for child in read_status(layout.run / "processes.json") if child.state == "ready"]
    serving = [child for child in children if child.name.startswith(SERVES)]
    if holder_of(layout.leases / "up") is None or not serving:
        raise NotReadyError("no server runs on this workspace", remedy="start it: tidewheel up, or give --url")
    from tidewheel.serving.worker import read_addresses

    ports = {address.pid: address.port for address in read_addresses(layout.run)}
    port = ports.get(serving[0].pid, settings.port)
    host = "127.0.0.1" if settings.host in ("0.0.0.0", "::", "localhost") else settings.host
    folder = workspace.stores.config.folder
    tls = trusting(folder / settings.certificate) if settings.certificate else None
    return Server(host, port, load.workers or float(len(serving)), [child.pid for child in children], tls)


def events_for(workspace: Workspace, source: ir.Source, load: Load) -> tuple[Sequence[Columns], str]:
    """Return what to ask, and where it is from."""
    if load.file is not None:
        return from_file(load.file), str(load.file)
    names = [column.name for column in source.columns]
    rows = from_history(workspace.history.scan(source.name, names).select(names), source)
    if rows:
        return rows, f"the newest {len(rows):,} {source.name} events in history, under new ids"
    return made_up(source), f"made-up {source.name} events"


def caveats(points: Sequence[Point], sizing: Sizing | None, server: Server, load: Load) -> list[str]:
    """Return what makes the numbers say less than they seem to."""
    said = []
    cores = os.cpu_count() or 1
    if server.pids and cores < server.workers + 1:
        said.append(
            f"{server.workers:g} workers and this client shared {cores} cores: the server would keep more alone"
        )
    if any(found.client > CLIENT_FULL for found in points):
        said.append("the client used its whole core: some of the latency is its own")
    if sizing is not None and not sizing.found:
        said.append(f"no rate was too high, so that {sizing.cores:,} cores are more than needed: ask for higher rates")
    if sizing is None:
        said.append(f"no rate was kept at p99 {load.p99:g} ms: ask for lower ones")
    return said


def cpu_seconds(pid: int) -> float:
    """Return the processor time of a process, all threads; 0 for one that is gone or can't be seen."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0.0
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def trusting(certificate: Path) -> ssl.SSLContext:
    """Return what speaks with whoever shows this certificate, whatever name it is for and whoever signed it."""
    context = ssl.create_default_context(cafile=str(certificate))
    context.check_hostname = False
    context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    return context


def _address(host: str) -> str:
    import socket

    try:
        return str(socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)[0][4][0])
    except OSError as error:
        raise NotReadyError(f"{host} can't be found: {error}", remedy="check the URL") from error
