"""One piece of work in a process of its own, which may take so long and so much memory and no more.

The process is a fresh one, not a fork: a copy of a process whose libraries keep threads (OpenMP, BLAS) can hang.
It ends with its parent, and is ended with all that it started when its time is over. Time and memory count from the
moment at which the work and its libraries are loaded; memory is bounded by the system (``RLIMIT_DATA``).
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import pickle
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import IO, Any, TypeVar

from tidewheel.engine.shipping import packed
from tidewheel.errors import LimitError, TidewheelError, TrainingError

Result = TypeVar("Result")
_SPOKEN = 400
"""Characters of what a process said last that an error repeats."""
_MB = 1 << 20
_STATUS = Path("/proc/self/status")


def apart(work: Callable[[], Result], *, seconds: float = 0.0, memory: int = 0) -> Result:
    """Do work in a process of its own and return its result.

    Parameters
    ----------
    work : callable
        Can be pickled, its classes by what they are where they can't be imported.
    seconds : float
        How long it may take; 0 is as long as it likes.
    memory : int
        Bytes that it may take beyond what it begins with; 0 is as many as there are.

    Raises
    ------
    LimitError
        It took longer, or more memory.
    TrainingError
        Its process died of something else, or work or result can't be pickled. What the work raises on purpose
        comes out as it is.
    """
    with tempfile.TemporaryFile() as order, tempfile.TemporaryFile() as answer, tempfile.TemporaryFile() as said:
        order.write(_packed((os.getpid(), memory, work)))
        order.seek(0)
        code = _waited(order, answer, said, seconds)
        answer.seek(0)
        kind, value = _received(answer.read(), code, said, memory)
    if kind == "raised":
        raise value
    if kind == "memory":
        raise _too_much(memory)
    return value  # type: ignore[no-any-return]  # what `work` gave


def _packed(order: tuple[int, int, Any]) -> bytes:
    """Pickle an order; modules that another process could not import travel with it."""
    try:
        return pickle.dumps((sys.path, packed(order)), protocol=5)
    except (pickle.PicklingError, TypeError, AttributeError) as error:
        raise TrainingError(
            f"this can't be sent to a process of its own: {error}",
            remedy="define the class in a module, or drop limits",
        ) from error


def _waited(order: IO[bytes], answer: IO[bytes], said: IO[bytes], seconds: float) -> int:
    loaded, tell = os.pipe()
    command = [sys.executable, "-m", "tidewheel.engine.apart", str(answer.fileno()), str(tell)]
    try:
        child = subprocess.Popen(
            command, stdin=order, stdout=said, stderr=said, pass_fds=[answer.fileno(), tell], start_new_session=True
        )
    finally:
        os.close(tell)
    try:
        os.read(loaded, 1)  # or its end, where the process died
        return child.wait(seconds or None)
    except subprocess.TimeoutExpired:
        raise LimitError(
            f"it did not end within the {seconds:g} s that it was given, and was stopped",
            remedy="give it more time (limits), fewer rows or fewer rounds",
        ) from None
    finally:
        os.close(loaded)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(child.pid, signal.SIGKILL)
        child.wait()


def _received(content: bytes, code: int, said: IO[bytes], memory: int) -> tuple[str, Any]:
    """Return what a process answered; say of what it died where it did not."""
    if code == 0 and content:
        found: tuple[str, Any] = pickle.loads(content)
        return found
    said.seek(0)
    last = said.read().decode(errors="replace").strip()[-_SPOKEN:]
    if memory and _names_memory(last):
        return "memory", None
    if code == -signal.SIGKILL:
        raise LimitError(
            "its process was killed: most likely this machine ran out of memory",
            remedy="give limits a memory, or fewer rows",
        )
    name = signal.Signals(-code).name if code < 0 else f"status {code}"
    raise TrainingError(f"its process died ({name}): {last or 'it said nothing'}", remedy="see what the library needs")


def _too_much(memory: int) -> LimitError:
    return LimitError(
        f"it took more than the {memory / _MB:,.0f} MB of memory that it was given",
        remedy="give it more memory (limits), fewer rows or a smaller model",
    )


def _names_memory(text: str) -> bool:
    return any(sign in text for sign in ("bad_alloc", "MemoryError", "llocat", "out of memory"))


def _of_memory(error: BaseException | None) -> bool:
    """Tell whether an error, or one that it came of, says that there was no memory."""
    while error is not None:
        if isinstance(error, MemoryError) or "bad_alloc" in str(error):
            return True
        error = error.__cause__
    return False


def main() -> None:
    """Be the process: take the order from standard input, leave the answer in the file of the first descriptor given.

    The second is closed when all is loaded. It ends without the farewell of its libraries, which costs time.
    """
    import cloudpickle

    paths, order = pickle.load(sys.stdin.buffer)
    sys.path[:] = paths
    parent, memory, work = pickle.loads(order)
    _end_with(parent)
    if memory:
        _bound(memory)
    os.close(int(sys.argv[2]))
    try:
        answer = ("done", work())
    except TidewheelError as error:
        answer = ("memory", None) if memory and _of_memory(error) else ("raised", error)
    except MemoryError:
        answer = ("memory", None)
    if memory:
        _bound(0)
    with open(int(sys.argv[1]), "wb") as file:
        file.write(_answered(answer, cloudpickle.dumps))
    os._exit(0)


def _answered(answer: tuple[str, Any], dumps: Callable[..., Any]) -> bytes:
    try:
        return bytes(dumps(answer, protocol=5))
    except (pickle.PicklingError, TypeError, AttributeError) as error:
        failed = TrainingError(
            f"what a fit gives can't be sent between processes: {error}", remedy="drop limits, or the part that can't"
        )
        return pickle.dumps(("raised", failed))


def _bound(memory: int) -> None:
    """Let this process take so many bytes more than it has; 0 lifts the bound."""
    import resource

    _, most = resource.getrlimit(resource.RLIMIT_DATA)
    if memory and not _STATUS.exists():
        raise TrainingError("memory can't be limited on this system", remedy="give limits a time alone")
    has = int(_STATUS.read_text().partition("VmData:")[2].split()[0]) * 1024 if memory else 0
    resource.setrlimit(resource.RLIMIT_DATA, (has + memory if memory else most, most))


def _end_with(parent: int) -> None:
    """Have the system kill this process when its parent dies."""
    libc = ctypes.CDLL(None)
    if hasattr(libc, "prctl"):
        libc.prctl(1, int(signal.SIGKILL), 0, 0, 0)  # 1 is PR_SET_PDEATHSIG
    if os.getppid() != parent:
        os._exit(1)


if __name__ == "__main__":
    main()
