"""One way to write a record down, so that equal records have equal bytes, and to read it back."""

from __future__ import annotations

from typing import Any, Protocol, TypeVar

import msgspec

from tidewheel.errors import CorruptError


class Formatted(Protocol):
    """A record that says in which format it was written."""

    @property
    def format(self) -> int:
        """Goes up when an older release could misread the record."""


Record = TypeVar("Record", bound=Formatted)


def canonical(value: Any) -> bytes:
    """Return JSON with sorted keys.

    Examples
    --------
    >>> canonical({"b": 1, "a": (2.0, None)})
    b'{"a":[2.0,null],"b":1}'
    """
    return msgspec.json.encode(value, order="sorted")


def read_record(data: bytes, type: type[Record], newest: int, where: str) -> Record:
    """Return a record that `canonical` wrote, of this release's `newest` format or an older one.

    Raises
    ------
    CorruptError
        It is something else, or of a newer release.
    """
    what = type.__name__.lower()
    try:
        found = msgspec.json.decode(data, type=type)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise CorruptError(
            f"this is no {what} ({error})", where=where, remedy="check a version's files: tidewheel verify VERSION"
        ) from error
    if found.format > newest:
        raise CorruptError(
            f"the {what} has format {found.format}, and this tidewheel reads up to {newest}",
            where=where,
            remedy="upgrade tidewheel: pip install --upgrade tidewheel",
        )
    return found
