"""The limit: a uvloop protocol, httptools, one prepared C call. One route, no checks, no features, no journal.

Arguments: the model's file, the names of the features, the port.
"""

from __future__ import annotations

import asyncio
import ctypes
import json
import sys
from pathlib import Path

import httptools
import lightgbm
import numpy as np
import uvloop

names = sys.argv[2].split(",")
booster = lightgbm.Booster(model_str=Path(sys.argv[1]).read_text())
library = lightgbm.basic._LIB
row, out, length = np.zeros(len(names)), np.zeros(1), ctypes.c_int64()
fast = ctypes.c_void_p()
library.LGBM_BoosterPredictForMatSingleRowFastInit(
    booster._handle, 0, 0, -1, 1, len(names), ctypes.c_char_p(b"num_threads=1"), ctypes.byref(fast)
)
row_at, out_at, length_at = ctypes.c_void_p(row.ctypes.data), ctypes.c_void_p(out.ctypes.data), ctypes.byref(length)
score_one = library.LGBM_BoosterPredictForMatSingleRowFast


class Protocol(asyncio.Protocol):
    """Answers one request after the other."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin to parse."""
        self.transport, self.parser, self.body = transport, httptools.HttpRequestParser(self), b""

    def data_received(self, data: bytes) -> None:
        """Parse."""
        self.parser.feed_data(data)

    def on_body(self, body: bytes) -> None:
        """Keep the body."""
        self.body += body

    def on_message_complete(self) -> None:
        """Score the row and answer."""
        given = json.loads(self.body)
        self.body = b""
        row[:] = [given[name] for name in names]
        score_one(fast, row_at, length_at, out_at)
        answer = json.dumps({"id": given["id"], "score": float(out[0])}).encode()
        head = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n"
        self.transport.write(head % len(answer) + answer)


async def main() -> None:
    """Serve until killed."""
    server = await asyncio.get_running_loop().create_server(Protocol, "127.0.0.1", int(sys.argv[3]), backlog=1024)
    await server.serve_forever()


if __name__ == "__main__":
    uvloop.run(main())
