"""What ``tidewheel up`` stands on goes, or its clock jumps, under load: callers get answers, nothing said is lost."""

from __future__ import annotations

import shutil
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
from tests.conftest import RedisServer
from tests.system.live import SCREEN, Client, Server, order, until
from tests.system.steady import SteadyCaller, assert_kept

from tidewheel.runtime.config import load_config

pytestmark = pytest.mark.slow

HOUR = 3600


class Load:
    """Steady callers, all of whom have to be answered."""

    def __init__(self, server: Server) -> None:
        self._server, self._stop = server, threading.Event()
        self.callers = [SteadyCaller(f"s{n}", server.port, 8.0, self._stop) for n in range(3)]

    def goes_on(self) -> None:
        """Wait until every caller got some more answers."""
        wanted = [len(caller.decided) + 5 for caller in self.callers]

        def answered() -> bool:
            assert not any(caller.error for caller in self.callers), [caller.error for caller in self.callers]
            return all(len(caller.decided) >= n for caller, n in zip(self.callers, wanted, strict=True))

        until(answered, "callers wait", self._server.log)

    def stop(self) -> None:
        self._stop.set()
        for caller in self.callers:
            caller.join(60)
            assert caller.error is None, caller.error


@contextmanager
def under_load(folder: Path, **options: object) -> Iterator[tuple[Server, Load]]:
    """Run a server with load on it; in the end all that callers were told is there, once."""
    with Server(folder, workers=2, **options) as server:  # type: ignore[arg-type]  # as its own
        load = Load(server)
        for caller in load.callers:
            caller.start()
        try:
            load.goes_on()
            yield server, load
        finally:
            load.stop()
        assert server.stop() == 0
        assert "Traceback" not in server.told()
    assert_kept(folder, load.callers)


def answer(server: Server, fits: Callable[[dict[str, object]], bool]) -> Callable[[], bool]:
    """Return whether a decision of now fits."""
    client, numbers = Client(server.port), iter(range(10_000))

    def ask() -> bool:
        status, told = client.post(SCREEN, order(f"x{server.port}-{next(numbers)}"))
        client.close()
        assert status == 200
        return fits(told)

    return ask


@pytest.mark.redis
def test_a_state_store_that_dies_and_comes_back_empty(light_shop: Path, redis_server: RedisServer) -> None:
    with (light_shop / "tidewheel.toml").open("a") as settings:
        settings.write(f'state = "{redis_server.url}"\n')
    with under_load(light_shop) as (server, load):
        until(answer(server, lambda told: "fallback" not in told), "no features", server.log)
        redis_server.kill()
        load.goes_on()
        until(answer(server, lambda told: told.get("fallback") == "action"), "features of nobody", server.log)
        redis_server.start()
        until(answer(server, lambda told: "fallback" not in told), "the features did not come back", server.log)
        load.goes_on()


def test_a_folder_of_states_that_is_deleted(light_shop: Path) -> None:
    state = load_config(light_shop).layout.state
    with under_load(light_shop) as (server, load):
        shutil.rmtree(state)  # who has it open goes on in it; who comes later makes it again
        load.goes_on()
        until(answer(server, lambda told: "fallback" not in told), "no features", server.log)


SHIM = r"""
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <time.h>

static volatile long *ahead;

__attribute__((constructor)) static void begin(void) {
    int file = open(getenv("SECONDS_AHEAD"), O_RDONLY | O_CLOEXEC);
    ahead = mmap(0, sizeof(long), PROT_READ, MAP_SHARED, file, 0);
}

int clock_gettime(clockid_t clock, struct timespec *now) {
    static int (*real)(clockid_t, struct timespec *);
    if (!real) real = dlsym(RTLD_NEXT, "clock_gettime");
    int failed = real(clock, now);
    if (!failed && (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE)) now->tv_sec += *ahead;
    return failed;
}

int gettimeofday(struct timeval *restrict now, void *restrict zone) {
    struct timespec found;
    int failed = clock_gettime(CLOCK_REALTIME, &found);
    now->tv_sec = found.tv_sec;
    now->tv_usec = found.tv_nsec / 1000;
    return failed;
}

time_t time(time_t *now) {
    struct timespec found;
    clock_gettime(CLOCK_REALTIME, &found);
    if (now) *now = found.tv_sec;
    return found.tv_sec;
}
"""
"""Stands before the C library in processes whose clock is to jump: it adds the seconds that a shared file holds."""


def test_a_clock_that_jumps(light_shop: Path, tmp_path: Path) -> None:
    compiler = shutil.which("cc")
    if compiler is None:
        pytest.skip("no C compiler makes the clock that jumps: apt install gcc")
    (tmp_path / "shim.c").write_text(SHIM)
    library = tmp_path / "shim.so"
    subprocess.run([compiler, "-shared", "-fPIC", "-o", library, tmp_path / "shim.c", "-ldl"], check=True)
    (tmp_path / "ahead").write_bytes(bytes(8))
    ahead = np.memmap(tmp_path / "ahead", np.int64, "r+")
    environment = {"LD_PRELOAD": str(library), "SECONDS_AHEAD": str(tmp_path / "ahead")}
    with under_load(light_shop, environment=environment) as (server, load):
        client = Client(server.port)
        first = client.post(SCREEN, order("x-again"))[1]
        for jump in (-HOUR, 24 * HOUR, 0):
            ahead[0] = jump
            load.goes_on()
            assert client.insist(SCREEN, order("x-again"))[1] == first
        server.kill("stream-0")  # the next one begins after the jumps
        server.wait_for_all()
        assert client.insist(SCREEN, order("x-again"))[1] == first
        client.close()
