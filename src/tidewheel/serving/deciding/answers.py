"""What a caller is told of a decision. A function of its record, so that whoever asks again hears the same."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from tidewheel.storage.journal.decisions import RECORD_VERSION, DecisionRecord

if TYPE_CHECKING:
    from tidewheel.serving.deciding.arms import Verdict
    from tidewheel.storage.log.records import NewEvent


class AnswerItem(msgspec.Struct, omit_defaults=True, frozen=True, gc=False):
    """One item of a list, with its score (None where the model did not answer) and what gave it."""

    id: str
    score: float | None = None
    source: str = ""


class Answer(msgspec.Struct, omit_defaults=True, frozen=True, gc=False):
    """The answer to one event; fields that say nothing are left out of the JSON.

    Attributes
    ----------
    decision_id : str
        For ``tidewheel why``.
    service, event_id : str
        What was asked.
    decision : str
        The action; "" where the service has no thresholds and its score is the answer.
    score : float or None
        The model's, calibrated; None when a rule or a constant decided.
    model, arm : str
        Which version answered, and on which arm.
    rule : str
        The rule that decided.
    fallback, reason : str
        Which link of the chain answered instead of the model, and why.
    explored : bool
        Let through on purpose, though the score asked for a preventing action.
    age : float or None
        How old a score computed ahead was, in seconds, or the list that candidates were taken from.
    items : tuple of AnswerItem
        The list, where the service ranks.
    """

    decision_id: str
    service: str
    event_id: str
    decision: str = ""
    score: float | None = None
    model: str = ""
    arm: str = ""
    rule: str = ""
    fallback: str = ""
    reason: str = ""
    explored: bool = False
    age: float | None = None
    items: tuple[AnswerItem, ...] = ()


NOT_LOOKED_FOR = ("", "", 0)
"""What a record says of stored scores where none is looked for."""
encode_answer = msgspec.json.Encoder().encode


def answer_of(record: DecisionRecord) -> Answer:
    """Return the answer that a record's decision was given with."""
    return Answer(
        record.decision_id,
        record.service,
        record.event_id,
        record.decision,
        record.score,
        record.model,
        record.arm,
        record.rule,
        record.fallback,
        record.reason,
        record.explored,
        record.stored_age / 1e6 if record.stored == "fresh" and (record.score is not None or record.items) else None,
        tuple([AnswerItem(item.id, item.score, item.source) for item in record.items]),
    )


def record_of(
    decision_id: str,
    service: str,
    unit: str,
    event: NewEvent,
    verdict: Verdict,
    *,
    now: int,
    caller: str,
    timings: list[int],
) -> DecisionRecord:
    """Return the record of one decision.

    Parameters
    ----------
    decision_id, service, unit : str
        Its id, what answered, what stays on one arm.
    event : NewEvent
        What was decided on.
    verdict : Verdict
        What was decided and from what.
    now : int
        The event's arrival.
    caller : str
        Who asked.
    timings : list of int
        Ns: decode, features, rules, model, decide.
    """
    row, words = verdict.row, verdict.words
    texts = row.texts[-1] if words is not None else None
    # By position: this runs for each decision, and names cost as much again.
    return DecisionRecord(
        decision_id,
        event.id,
        service,
        event.type,
        unit,
        now if row is None else row.instant,
        event.at if event.at < now else now,
        now,
        [] if row is None else row.states,
        event.columns,
        verdict.view,
        b"" if words is None else words.tobytes(),
        {name: text for name, text in texts.items() if text is not None} if texts else {},
        verdict.model,
        verdict.bundle,
        verdict.service_version,
        verdict.thresholds or {},
        verdict.arm,
        verdict.propensity,
        verdict.rule,
        verdict.fallback,
        verdict.reason,
        verdict.score,
        verdict.decision,
        verdict.explored,
        timings,
        caller,
        RECORD_VERSION,
        verdict.watermarks or [],
        *(verdict.stored or NOT_LOOKED_FOR),
        verdict.cached,
        verdict.stages or [],
        verdict.items or [],
        verdict.row_kept,
        "",
        verdict.propensities or [],
    )
