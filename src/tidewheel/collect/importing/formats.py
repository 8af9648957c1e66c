"""Which format a file has, and a stream from standard input made into a file."""

from __future__ import annotations

import gzip
import os
import tempfile
import zlib
from pathlib import Path
from typing import IO, Literal, cast, get_args

from tidewheel.errors import FileError, FullError

Format = Literal["parquet", "csv", "tsv", "jsonl", "arrow", "arrow-stream"]
FORMATS: tuple[str, ...] = get_args(Format)
_BY_EXTENSION: dict[str, Format] = {
    ".parquet": "parquet",
    ".pq": "parquet",
    ".csv": "csv",
    ".tsv": "tsv",
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".json": "jsonl",
    ".arrow": "arrow",
    ".feather": "arrow",
    ".ipc": "arrow",
    ".arrows": "arrow-stream",
}
_MAGIC: dict[bytes, Format] = {b"PAR1": "parquet", b"ARROW1": "arrow", b"\xff\xff\xff\xff": "arrow-stream"}
UNREADABLE = (OSError, EOFError, zlib.error)
"""What reading a file, perhaps a gzipped one, may raise."""
_GZIP = b"\x1f\x8b"
_CHUNK = 1 << 20


def is_gzipped(path: Path) -> bool:
    """Say whether a file's first bytes are gzip's."""
    with path.open("rb") as file:
        return file.read(2) == _GZIP


def opened(path: Path) -> IO[bytes]:
    """Open a file for reading its bytes, unpacked when it is gzipped."""
    return cast(IO[bytes], gzip.open(path)) if is_gzipped(path) else path.open("rb")


def format_of(path: Path, given: str = "") -> Format:
    """Return a file's format: the one given, else by its extension, else by its first bytes.

    Raises
    ------
    FileError
        No such file, an empty one, or its first bytes are not those of the format it claims.
    """
    head = _first_bytes(path)
    found = next((name for magic, name in _MAGIC.items() if head.startswith(magic)), None)
    claimed = _claimed(path, given)
    if claimed in ("arrow", "arrow-stream") and found in ("arrow", "arrow-stream"):
        return found
    if claimed is None:
        claimed = found or ("jsonl" if head.lstrip()[:1] in (b"{", b"[") else None)
    if claimed is None:
        raise FileError("can't tell the file's format", where=str(path), remedy=f"say --format {'|'.join(FORMATS)}")
    if (claimed in _MAGIC.values() or found is not None) and claimed != found:
        looks = f"it looks like {found}" if found else f"it begins with {head[:12]!r}"
        remedy = f"say --format {found}" if found else "check how it was written, or say --format"
        raise FileError(f"this is no {claimed} file: {looks}", where=str(path), remedy=remedy)
    return claimed


def spooled(stream: IO[bytes], folder: Path) -> Path:
    """Copy a stream (standard input) to a new file in `folder`, so that it can be hashed and read again."""
    folder.mkdir(parents=True, exist_ok=True)
    descriptor, name = tempfile.mkstemp(prefix="stdin-", dir=folder)
    try:
        with os.fdopen(descriptor, "wb") as file:
            while chunk := stream.read(_CHUNK):
                file.write(chunk)
    except OSError as error:
        Path(name).unlink(missing_ok=True)
        remedy = "free some space, or pass a file instead of a pipe"
        raise FullError(f"standard input could not be copied: {error}", where=str(folder), remedy=remedy) from error
    return Path(name)


def _claimed(path: Path, given: str) -> Format | None:
    if given:
        if given not in FORMATS:
            raise FileError(f"no format {given!r}", where="--format", remedy=f"one of {', '.join(FORMATS)}")
        return given  # type: ignore[return-value]  # one of FORMATS
    name = path.name.lower().removesuffix(".gz")
    return _BY_EXTENSION.get(Path(name).suffix)


def _first_bytes(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            head = file.read(64)
        if head.startswith(_GZIP):
            with gzip.open(path) as unpacked:
                head = unpacked.read(64)
    except FileNotFoundError as error:
        raise FileError("no such file", where=str(path), remedy="check the path") from error
    except IsADirectoryError as error:
        raise FileError("this is a folder", where=str(path), remedy="name one file in it at a time") from error
    except UNREADABLE as error:
        raise FileError(
            f"can't be read: {error.args[-1]}", where=str(path), remedy="check its permissions and content"
        ) from error
    if not head.strip():
        raise FileError("the file is empty", where=str(path), remedy="check how it was written")
    return head
