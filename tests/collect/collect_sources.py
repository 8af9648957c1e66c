"""Sources that the tests of this room share."""

from __future__ import annotations

from tidewheel.definitions.ir import Column, Source

PAYMENT = Source(
    "Payment",
    (
        Column("id", "id"),
        Column("card", "ref", "Card"),
        Column("amount", "float"),
        Column("country", "category"),
        Column("items", "int", nullable=True),
        Column("online", "bool", nullable=True),
        Column("due", "time", nullable=True),
        Column("note", "text", nullable=True),
    ),
)
DISPUTE = Source("Dispute", (Column("payment", "ref", "Payment"),))
CARD = Source("Card", (Column("id", "id"), Column("issued_in", "category", nullable=True)), entity=True)

NOON = 1_356_998_400_000_000
"""2013-01-01T00:00:00Z."""
