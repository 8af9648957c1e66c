"""Starting, stopping, serving; what runs twice; what workers import."""

from __future__ import annotations

import itertools
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

from tests.shop import done
from tests.system.live import SCREEN, Client, Server, order


def test_stops_cleanly_and_goes_on_where_it_was(light_shop: Path) -> None:
    answers = []
    for by in (signal.SIGTERM, signal.SIGINT):
        server = Server(light_shop, workers=1).start().wait()
        client = Client(server.port)
        answers.append(client.post(SCREEN, order("n1")))
        explained = client.get(f"/v1/decisions/{answers[0][1]['decision_id']}")[1]
        client.close()
        assert server.stop(by) == 0
        log = server.told()
        assert "Traceback" not in log
        assert "did not stop in time" not in log
        assert explained["replay"]["equal"]
    assert answers[0] == answers[1]
    assert answers[0][0] == 200
    told = done("why", answers[0][1]["decision_id"], folder=light_shop).out
    assert "all 8 features are the same" in told


def test_a_second_up_is_refused(live: Server, client: Client) -> None:
    second = up(live.folder, 0)
    assert second.returncode == 1
    assert "error: " in second.stderr
    assert "tidewheel up" in second.stderr
    assert "Traceback" not in second.stderr + second.stdout
    assert client.post(SCREEN, order("second-1"))[0] == 200
    assert "running: tidewheel up" in done("status", folder=live.folder).out


def test_a_taken_port_is_told(light_shop: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        ended = up(light_shop, port)
    assert ended.returncode == 1
    assert str(port) in ended.stdout
    assert "Traceback" not in ended.stderr + ended.stdout


def up(folder: Path, port: int) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "tidewheel", "-C", str(folder), "up", "--port", str(port)]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)


def test_workers_import_neither_the_module_nor_a_learner(live: Server, client: Client, imported: Path) -> None:
    answer = client.post(SCREEN, order("import-1"))[1]
    assert answer["model"] == "SentBack@1"
    assert "fallback" not in answer
    assert client.post("/v1/events/Order", order("import-2"))[1]["accepted"] == 1
    assert not imported.exists(), imported.read_text()


class Asker(threading.Thread):
    """Decides without a pause on one connection; keeps (asked at, status, version) of each.

    A busy machine may pass a deadline: such an answer comes by fallback, and names no version.
    """

    def __init__(self, name: str, port: int, stop: threading.Event) -> None:
        super().__init__(daemon=True)
        self.prefix, self.client, self.stopped = name, Client(port), stop
        self.answers: list[tuple[float, int, str]] = []
        self.error: Exception | None = None

    def run(self) -> None:
        number = 0
        try:
            while not self.stopped.is_set():
                asked = time.monotonic()
                status, told = self.client.post(SCREEN, order(f"{self.prefix}-{number}", f"c{number % 50}"))
                if status != 200 or not told.get("fallback"):
                    self.answers.append((asked, status, told.get("model", "")))
                number += 1
                time.sleep(0.002)
        except Exception as error:
            self.error = error
        finally:
            self.client.close()


def test_deploy_and_rollback_under_load(live: Server) -> None:
    stop = threading.Event()
    askers = [Asker(f"load{k}", live.port, stop) for k in range(6)]
    for asker in askers:
        asker.start()
    time.sleep(0.5)
    moves = []
    for command in (["deploy", "SentBack@2"], ["rollback", "SentBack"]):
        done(*command, folder=live.folder)
        moves.append(time.monotonic())
        time.sleep(2.0)
    stop.set()
    for asker in askers:
        asker.join(20)
        assert asker.error is None, asker.error
        assert {status for _, status, _ in asker.answers} == {200}
        assert runs_of([version for _, _, version in asker.answers]) == ["SentBack@1", "SentBack@2", "SentBack@1"]
        for moved, version in zip(moves, ("SentBack@2", "SentBack@1"), strict=True):
            late = [v for asked, _, v in asker.answers if moved + 1.0 <= asked < moved + 1.9]
            assert late
            assert set(late) == {version}


def runs_of(versions: list[str]) -> list[str]:
    """Leave out what only repeats."""
    return [version for version, _ in itertools.groupby(versions)]
