"""Answers that wait on disk for a client that reads none before it has sent all.

Most HTTP clients do so. Were they held back while they send, they would wait for us and we for them; were their answers
kept in memory, a large body would take as much again.
"""

from __future__ import annotations

import asyncio
import os
import tempfile
from collections.abc import AsyncGenerator
from pathlib import Path

from tidewheel.errors import FullError

AT_ONCE = 64 * 1024
AGAIN = 0.01
"""Seconds between looks at a reader that is far behind."""


async def spooled(pieces: AsyncGenerator[bytes], folder: Path, most: int) -> AsyncGenerator[bytes]:
    """Give what a generator gives, which runs ahead by up to `most` bytes, kept in a file without a name.

    Parameters
    ----------
    pieces : async generator of bytes
        Runs in a task of its own.
    folder : Path
        Where the file lies.
    most : int

    Raises
    ------
    Exception
        What the generator raised, when all before it was given.
    """
    with tempfile.TemporaryFile(dir=folder, buffering=0) as file:
        descriptor, moved = file.fileno(), asyncio.Event()
        read = written = 0

        async def write() -> None:
            nonlocal read, written
            async for piece in pieces:
                if read == written:
                    read = written = 0
                    os.ftruncate(descriptor, 0)
                if os.pwrite(descriptor, piece, written) != len(piece):
                    raise FullError("no space for answers that are not read yet", where=str(folder))
                written += len(piece)
                moved.set()
                while written - read > most:
                    await asyncio.sleep(AGAIN)

        writing = asyncio.ensure_future(write())
        writing.add_done_callback(lambda _: moved.set())
        try:
            while not (writing.done() and read == written):
                while read == written and not writing.done():
                    moved.clear()
                    await moved.wait()
                data = os.pread(descriptor, AT_ONCE, read)
                read += len(data)
                if data:
                    yield data
            await writing
        finally:
            writing.cancel()
            await asyncio.wait([writing])
            await pieces.aclose()
