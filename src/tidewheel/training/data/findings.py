"""What looks wrong about the data of a run: a sentence for people, numbers and rows for proof. Nothing is removed."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any, Literal

EXAMPLES = 5
"""Rows that a finding names."""

Kind = Literal[
    "tells the label", "known later", "filled later", "shared entities", "duplicate rows", "conflicting labels",
    "empty", "constant", "empty in test", "like an id", "many levels", "few rows",
    "no parent yet", "parent read otherwise", "parent knew test rows", "beaten by a baseline",
]  # fmt: skip


@dataclass(frozen=True)
class Finding:
    """Something about a data set, or a model, that a person should know before trusting what was learned.

    Attributes
    ----------
    kind : str
    column : str
        Of the view, or of the event; "" when it is about rows.
    message : str
    evidence : dict
        Numbers, and the ids of some rows, that show it.
    level : {"warning", "note"}
        A note is what is usual and still worth knowing.
    """

    kind: Kind
    column: str
    message: str
    evidence: dict[str, Any] = field(default_factory=dict)
    level: Literal["warning", "note"] = "warning"

    @property
    def about(self) -> str:
        """What it is about: ``data``, or the ``model`` itself."""
        return "model" if self.kind == "beaten by a baseline" else "data"

    def without_examples(self) -> Finding:
        """Return the finding without the values that it was seen by."""
        return replace(self, evidence={name: value for name, value in self.evidence.items() if name != "examples"})

    def __str__(self) -> str:
        """Return the finding as a sentence."""
        return f"{self.column}: {self.message}" if self.column else self.message
