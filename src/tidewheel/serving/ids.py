"""Decision ids: ULIDs, 26 characters that sort by time and are unique without asking anyone."""

from __future__ import annotations

import os

ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_PAIRS = tuple(a + b for a in ALPHABET for b in ALPHABET)
_RANDOM_BITS = 80
_BLOCK_BITS = 40


class DecisionIds:
    """Makes ULIDs whose time is the decision's instant.

    Half of the random part is drawn for each maker and the rest counts up, so that an id costs no system call and two
    processes (or one that was started again) never make the same one.

    Examples
    --------
    >>> ids = DecisionIds()
    >>> first, second = ids.next(1_000_000), ids.next(1_000_000)
    >>> len(first), first < second, instant_of_id(first)
    (26, True, 1000000)
    """

    def __init__(self) -> None:
        self._block = int.from_bytes(os.urandom(5)) << _BLOCK_BITS
        self._count = 0

    def next(self, instant: int) -> str:
        """Return a new id for an instant (µs)."""
        self._count += 1
        value = (instant // 1000 << _RANDOM_BITS) | self._block | self._count
        pairs = _PAIRS
        return "".join([pairs[value >> shift & 1023] for shift in range(120, -1, -10)])


def instant_of_id(decision_id: str) -> int:
    """Return the instant (µs, to the millisecond) in an id.

    Raises
    ------
    ValueError
        It is not a ULID.
    """
    if len(decision_id) != 26:
        raise ValueError("a decision id has 26 characters")
    value = 0
    for character in decision_id[:10].upper():
        value = value << 5 | ALPHABET.index(character)
    if any(character not in ALPHABET for character in decision_id.upper()):
        raise ValueError("not a ULID")
    return value * 1000
