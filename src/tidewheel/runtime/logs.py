"""Log lines: time, process, message for people, or JSON for machines. Set up once by each process, never at import."""

from __future__ import annotations

import logging
import sys
import time
from collections.abc import Mapping
from contextvars import ContextVar
from typing import TextIO

import msgspec

log_fields: ContextVar[Mapping[str, str]] = ContextVar("tidewheel_log_fields", default={})  # noqa: B039  # never changed
"""What stands in every JSON line of a context, such as the trace's id."""
_USUAL = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime"}


class LineFormatter(logging.Formatter):
    """``10:00:01.250 worker-0   ready`` and, for warnings and worse, their level before the message."""

    def __init__(self, process: str) -> None:
        super().__init__()
        self._process = process

    def format(self, record: logging.LogRecord) -> str:
        """Return the line; a traceback follows it only for what nobody expected."""
        level = f"{record.levelname.lower()}: " if record.levelno >= logging.WARNING else ""
        line = f"{_instant(record, ' ')}  {self._process:<12}  {level}{record.getMessage()}"
        if record.exc_info:
            line += "\n" + self.formatException(record.exc_info)
        return line


class JsonFormatter(logging.Formatter):
    """One JSON object a line: time, level, process, logger, message, and what the call gave as ``extra``.

    Examples
    --------
    >>> record = logging.makeLogRecord({"name": "tidewheel.up", "msg": "ready", "levelname": "INFO", "created": 0.0,
    ...                                 "msecs": 0.0, "decision_id": "01JD3K5R8V2M4N6P7Q9S0T1W2X"})
    >>> print(JsonFormatter("serve-0").format(record)[:94])
    {"time":"1970-01-01T00:00:00.000Z","level":"info","process":"serve-0","logger":"tidewheel.up",
    """

    def __init__(self, process: str) -> None:
        super().__init__()
        self._process = process

    def format(self, record: logging.LogRecord) -> str:
        """Return the line; a traceback stands in a field of its own."""
        told: dict[str, object] = {
            "time": _instant(record, "T"),
            "level": record.levelname.lower(),
            "process": self._process,
            "logger": record.name,
            "message": record.getMessage(),
            **log_fields.get(),
            **{name: value for name, value in vars(record).items() if name not in _USUAL and name[0] != "_"},
        }
        if record.exc_info:
            told["exception"] = self.formatException(record.exc_info)
        return msgspec.json.encode(told, enc_hook=str).decode()


def _instant(record: logging.LogRecord, between: str) -> str:
    clock = time.strftime(f"%Y-%m-%d{between}%H:%M:%S", time.gmtime(record.created))
    return f"{clock}.{int(record.msecs):03d}Z"


class LineHandler(logging.StreamHandler[TextIO]):
    """Writes lines, and leaves out those that can't be written: nobody could read of it, and the work goes on."""

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802  # the standard library names it
        """Leave the line out."""


def set_up_logs(
    process: str, level: str = "info", stream: TextIO | None = None, *, format: str = "text"
) -> logging.Logger:
    """Send this process's ``tidewheel`` log lines to standard output; return their logger.

    Parameters
    ----------
    process : str
        Name of the process in each line.
    level : str
        The least level that is shown: debug, info, warning or error.
    stream : text file, optional
        Instead of standard output.
    format : str
        ``text`` for people, ``json`` for machines.
    """
    logger = logging.getLogger("tidewheel")
    for handler in list(logger.handlers):
        logger.removeHandler(handler)
    handler = LineHandler(stream or sys.stdout)
    handler.setFormatter(JsonFormatter(process) if format == "json" else LineFormatter(process))
    logger.addHandler(handler)
    logger.setLevel(level.upper())
    logger.propagate = False
    return logger
