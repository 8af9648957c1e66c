"""What libraries warn of, told apart by thread: `warnings.catch_warnings` alone mixes up fits that run side by side."""

from __future__ import annotations

import threading
import warnings
from types import TracebackType
from typing import Any, Self


class Warned:
    """Collects the warnings of this thread while inside; a library's own threads count to the fit under way.

    Attributes
    ----------
    found : list of str
        ``Category: message``, in order.

    Examples
    --------
    >>> import warnings
    >>> with Warned() as warned:
    ...     warnings.warn("too few rows")
    >>> warned.found
    ['UserWarning: too few rows']
    """

    def __init__(self) -> None:
        self.found: list[str] = []

    def __enter__(self) -> Self:
        _EARS.enter(self)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        _EARS.leave(self)


class _Ears:
    """Who listens. The process's filters are changed by the first to come and restored by the last to go."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._listening: list[tuple[int, Warned]] = []
        self._filters = warnings.catch_warnings()

    def enter(self, ear: Warned) -> None:
        with self._lock:
            if not self._listening:
                self._filters = warnings.catch_warnings()
                self._filters.__enter__()
                warnings.simplefilter("always")
                self._show, warnings.showwarning = warnings.showwarning, self._heard
            self._listening.append((threading.get_ident(), ear))

    def leave(self, ear: Warned) -> None:
        with self._lock:
            self._listening = [one for one in self._listening if one[1] is not ear]
            if not self._listening:
                self._filters.__exit__(None, None, None)

    def _heard(self, message: Warning | str, category: type[Warning], *place: Any, **more: Any) -> None:
        with self._lock:
            mine = [ear for thread, ear in self._listening if thread == threading.get_ident()]
            if not mine and len(self._listening) == 1:
                mine = [self._listening[0][1]]
        if mine:
            mine[-1].found.append(f"{category.__name__}: {message}")
        else:
            self._show(message, category, *place, **more)


_EARS = _Ears()
