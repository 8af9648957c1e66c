"""A closed-loop HTTP client for machines without wrk; prints what wrk prints of it.

Arguments: port, a JSON file with ``path`` and ``body`` (``{n}`` in it becomes a new number each time), seconds.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from pathlib import Path

import numpy as np
import uvloop

CONNECTIONS = 32


async def ask(port: int, path: str, body: str, number: int, until: float, spent: list[float]) -> int:
    """Ask over one connection until the time is up; return how many answers were refusals."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    refused = n = 0
    while time.perf_counter() < until:
        n += 1
        data = body.replace("{n}", f"{number}-{n}").encode()
        start = time.perf_counter()
        head = f"POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Length: {len(data)}\r\n"
        head += "Content-Type: application/json\r\n\r\n"
        writer.write(head.encode() + data)
        answer = await reader.readuntil(b"\r\n\r\n")
        length = next(line for line in answer.lower().split(b"\r\n") if line.startswith(b"content-length:"))
        await reader.readexactly(int(length.split(b":")[1]))
        spent.append(time.perf_counter() - start)
        refused += not answer.startswith(b"HTTP/1.1 200")
        if b"connection: close" in answer.lower():
            writer.close()
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.close()
    return refused


async def main() -> None:
    port, script, seconds = int(sys.argv[1]), json.loads(Path(sys.argv[2]).read_text()), float(sys.argv[3])
    spent: list[float] = []
    start = time.perf_counter()
    tag = int(time.time())
    path, body = script["path"], script["body"].replace("{tag}", str(tag))
    asking = [ask(port, path, body, number, start + seconds, spent) for number in range(CONNECTIONS)]
    refused = sum(await asyncio.gather(*asking))
    took = time.perf_counter() - start
    for q in (50, 99):
        print(f"     {q}%  {np.percentile(spent, q) * 1000:.2f}ms")
    if refused:
        print(f"  Non-2xx or 3xx responses: {refused}")
    print(f"Requests/sec: {len(spent) / took:.2f}")


if __name__ == "__main__":
    uvloop.run(main())
