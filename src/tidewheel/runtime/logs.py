"""Log lines for people: time, process, message. Called once by each process, never at import."""

from __future__ import annotations

import logging
import sys
import time
from typing import TextIO


class LineFormatter(logging.Formatter):
    """``10:00:01.250 worker-0   ready`` and, for warnings and worse, their level before the message."""

    def __init__(self, process: str) -> None:
        super().__init__()
        self._process = process

    def format(self, record: logging.LogRecord) -> str:
        """Return the line; a traceback follows it only for what nobody expected."""
        clock = time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime(record.created))
        level = f"{record.levelname.lower()}: " if record.levelno >= logging.WARNING else ""
        line = f"{clock}.{int(record.msecs):03d}Z  {self._process:<12}  {level}{record.getMessage()}"
        if record.exc_info:
            line += "\n" + self.formatException(record.exc_info)
        return line


class LineHandler(logging.StreamHandler[TextIO]):
    """Writes lines, and leaves out those that can't be written: nobody could read of it, and the work goes on."""

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802  # the standard library names it  # noqa: N802  # logging's own name
        """Leave the line out."""


def set_up_logs(process: str, level: str = "info", stream: TextIO | None = None) -> logging.Logger:
    """Send this process's ``tidewheel`` log lines to standard output; return their logger.

    Parameters
    ----------
    process : str
        Name of the process in each line.
    level : str
        The least level that is shown: debug, info, warning or error.
    stream : text file, optional
        Instead of standard output.
    """
    logger = logging.getLogger("tidewheel")
    for handler in list(logger.handlers):
        logger.removeHandler(handler)
    handler = LineHandler(stream or sys.stdout)
    handler.setFormatter(LineFormatter(process))
    logger.addHandler(handler)
    logger.setLevel(level.upper())
    logger.propagate = False
    return logger
