"""A person's last word on a version: asked when it is registered, answered once, by one of those named, in time."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, Literal

import msgspec
import sqlalchemy as sa

from tidewheel.errors import ConflictError, NotFoundError
from tidewheel.registry.canonical import canonical
from tidewheel.registry.runs.following import settle_approval
from tidewheel.registry.runs.runs import Verdict
from tidewheel.storage.catalog import Catalog
from tidewheel.storage.catalog.notes import add_note
from tidewheel.storage.catalog.rows import plain
from tidewheel.storage.catalog.tables import approvals

State = Literal["open", "approved", "rejected", "expired"]


class Approval(msgspec.Struct, frozen=True, kw_only=True):
    """One question about one version."""

    seq: int
    version: str
    gate: str
    """What asks."""
    run: str
    approvers: list[str]
    """Any of them may answer."""
    detail: str
    """What the gate saw, as a sentence."""
    evidence: dict[str, Any]
    """And in numbers."""
    asked: int
    expires: int
    """Answers count before this instant (microseconds UTC)."""
    answer: Literal["", "approved", "rejected"] = ""
    answered: int | None = None
    who: str = ""
    note: str = ""

    def state(self, now: int) -> State:
        """Return where it stands."""
        if self.answer:
            return self.answer
        return "expired" if now >= self.expires else "open"


def request(connection: sa.Connection, version: str, run: str, verdicts: Sequence[Verdict], *, at: int) -> None:
    """Ask for every verdict that waits for a person, in the transaction that registers the version."""
    for verdict in {verdict.gate: verdict for verdict in verdicts if verdict.waits}.values():
        row = {"version": version, "gate": verdict.gate, "run": run, "detail": verdict.detail}
        row |= {"approvers": canonical(verdict.approvers).decode(), "evidence": canonical(verdict.evidence).decode()}
        empty = {"answer": "", "who": "", "note": ""}
        connection.execute(sa.insert(approvals).values(**row, **empty, asked=at, expires=at + verdict.expires))
        told = {"gate": verdict.gate, "approvers": verdict.approvers, "expires": at + verdict.expires}
        add_note(connection, "approval.asked", version, told, at=at)


def list_approvals(catalog: Catalog, version: str = "", limit: int = 1000) -> list[Approval]:
    """Return questions, newest first; of one version when it is given."""
    query = sa.select(approvals).order_by(approvals.c.seq.desc()).limit(limit)
    if version:
        query = query.where(approvals.c.version == version)
    with catalog.read() as connection:
        return [_approval(row) for row in connection.execute(query)]


def answer(
    catalog: Catalog, version: str, who: str, given: Literal["approved", "rejected"], *, note: str = ""
) -> list[Approval]:
    """Answer every open question about a version that `who` was asked; return them as they stand now.

    Raises
    ------
    NotFoundError
        Nobody is asked about this version.
    ConflictError
        `who` is not among those asked, the question was answered already, or its time is over.
    """
    with catalog.write() as connection:
        query = sa.select(approvals).where(approvals.c.version == version).order_by(approvals.c.seq)
        found = [_approval(row) for row in connection.execute(query)]
        now = catalog.now()
        for question in _answerable(found, version, who, now):
            row = {"answer": given, "answered": now, "who": who, "note": note}
            connection.execute(sa.update(approvals).where(approvals.c.seq == question.seq).values(**row))
            add_note(
                connection, f"approval.{given}", version, {"gate": question.gate, "who": who, "note": note}, at=now
            )
        settle_approval(connection, found[0].run, version, now)
    return [question for question in reversed(list_approvals(catalog, version)) if who in question.approvers]


def _answerable(found: Sequence[Approval], version: str, who: str, now: int) -> list[Approval]:
    if not found:
        raise NotFoundError(f"nobody is asked about {version}", remedy="`tidewheel approvals` lists the questions")
    own = [question for question in found if who in question.approvers]
    if not own:
        named = ", ".join(sorted({name for question in found for name in question.approvers}))
        raise ConflictError(f"{who} is not asked about {version}", remedy=f"it waits for {named}")
    waiting = [question for question in own if question.state(now) == "open"]
    if waiting:
        return waiting
    done = next((question for question in own if question.answer), None)
    if done is not None:
        raise ConflictError(
            f"{done.gate} of {version} was {done.answer} already, by {done.who} at {_instant(done.answered or 0)}",
            remedy="an answer stands; train again to be asked again",
        )
    raise ConflictError(
        f"the time to answer for {version} is over since {_instant(own[0].expires)}",
        remedy="train again to be asked again",
    )


def missing_approvals(catalog: Catalog, version: str, gates: Sequence[Verdict]) -> list[str]:
    """Return in words what people have not approved of a version; [] when nothing stands in the way."""
    if not any(gate.waits for gate in gates):
        return []
    now = catalog.now()
    found = {question.gate: question for question in list_approvals(catalog, version)}
    told = []
    for gate in gates:
        question = found.get(gate.gate) if gate.waits else None
        state = question.state(now) if question is not None else "open"
        if gate.waits and state != "approved":
            told.append(f"{gate.gate}: {_told(question, state, gate)}")
    return told


def _told(question: Approval | None, state: State, gate: Verdict) -> str:
    if question is None or state == "open":
        return f"waits for {' or '.join(gate.approvers)}"
    if state == "rejected":
        return f"rejected by {question.who}" + (f" ({question.note})" if question.note else "")
    return f"nobody answered before {_instant(question.expires)}"


def _instant(microseconds: int) -> str:
    return datetime.fromtimestamp(microseconds // 1_000_000, UTC).isoformat()


def _approval(row: Any) -> Approval:
    values = plain(row)
    values |= {name: msgspec.json.decode(values[name]) for name in ("approvers", "evidence")}
    return msgspec.convert(values, Approval)
