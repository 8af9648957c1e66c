"""The answers that are due on a connection, in the order of their requests."""

from __future__ import annotations

import asyncio


class Slot:
    """An answer's place in the order of its connection.

    Attributes
    ----------
    data : bytes or None
        The answer, or the last of it, once it is there.
    begun : bool
        Part of the answer has been sent.
    task : Task or None
        Works on the answer.
    connection : bytes
        The answer's ``Connection`` header.
    bodiless : bool
        The request was HEAD.
    """

    __slots__ = ("begun", "bodiless", "connection", "data", "task")

    def __init__(self, connection: bytes, bodiless: bool) -> None:
        self.data: bytes | None = None
        self.begun = False
        self.task: asyncio.Task[None] | None = None
        self.connection = connection
        self.bodiless = bodiless
