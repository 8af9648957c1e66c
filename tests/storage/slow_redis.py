"""A way to a Redis server on which some connections are slow, or break."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit


class Way:
    """Passes bytes on. What a test sets holds for commands that come from then on."""

    def __init__(self, url: str) -> None:
        there = urlsplit(url)
        self._there = there.hostname or "", there.port or 6379
        self._server = socket.create_server(("127.0.0.1", 0))
        self.url = f"redis://127.0.0.1:{self._server.getsockname()[1]}{there.path}"
        self.slow: set[int] = set()
        """Connections, by number, whose answers are held back until `go_on` is set."""
        self.breaking = 0
        """So many commands more break their connection."""
        self.go_on = threading.Event()
        self.made = 0
        self.commands = 0
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._server.accept()
            except OSError:
                return
            server = socket.create_connection(self._there)
            number, self.made = self.made, self.made + 1
            threading.Thread(target=self._ask, args=(client, server), daemon=True).start()
            threading.Thread(target=self._answer, args=(server, client, number), daemon=True).start()

    def _ask(self, client: socket.socket, server: socket.socket) -> None:
        with client, server:
            while data := _received(client):
                if b"MGET" in data:
                    self.commands += 1
                    if self.breaking:
                        self.breaking -= 1
                        client.shutdown(socket.SHUT_RDWR)
                        return
                server.sendall(data)

    def _answer(self, server: socket.socket, client: socket.socket, number: int) -> None:
        while data := _received(server):
            if number in self.slow:
                self.go_on.wait(20)
            try:
                client.sendall(data)
            except OSError:
                return

    def close(self) -> None:
        self.go_on.set()
        self._server.close()


def _received(one: socket.socket) -> bytes:
    try:
        return one.recv(65_536)
    except OSError:
        return b""


@contextmanager
def way(url: str) -> Iterator[Way]:
    """Open a way to a server."""
    opened = Way(url)
    try:
        yield opened
    finally:
        opened.close()
