"""A number between 0 and 1 that is the same for the same words, on every machine and in every release."""

from __future__ import annotations

from hashlib import blake2b

_UNIT = 2.0**-53


class Draw:
    """Draws of one purpose, such as one canary; draws of two purposes have nothing to do with each other.

    Parameters
    ----------
    purpose : str
        Any words; each purpose deals its own numbers.

    Examples
    --------
    >>> draw = Draw("Score", "canary", "Fraud@2/7")
    >>> draw("card 42") == draw("card 42")
    True
    >>> 0.0 <= draw("card 42") < 1.0
    True
    """

    __slots__ = ("_hash",)

    def __init__(self, *purpose: str) -> None:
        parts = [part.encode() for part in purpose]
        self._hash = blake2b(b"".join(len(part).to_bytes(4, "big") + part for part in parts), digest_size=8)

    def __call__(self, unit: str) -> float:
        """Return the unit's number, at least 0 and below 1."""
        state = self._hash.copy()
        state.update(unit.encode())
        return (int.from_bytes(state.digest(), "big") >> 11) * _UNIT
