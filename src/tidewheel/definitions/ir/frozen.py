"""The base of every struct of the frozen form."""

from __future__ import annotations

import msgspec


class Frozen(msgspec.Struct, frozen=True, tag=True, omit_defaults=True, forbid_unknown_fields=True):
    """What they all share: immutable, hashable, tagged by its class name on the wire."""
