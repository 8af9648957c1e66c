"""What a record leaves out: the view's row, of ordinary decisions of a service that keeps a share of them."""

from __future__ import annotations

import msgspec

from tidewheel.routing.keeping import drawn
from tidewheel.serving.deciding.arms import Verdict


def leave_out(verdict: Verdict, share: float, event_id: str) -> None:
    """Take the rows out of an ordinary verdict that the draw does not keep; score and decision stand.

    Parameters
    ----------
    verdict : Verdict
        Changed in place. One that a rule or the fallback chain made, or that was explored, keeps its row.
    share : float
        ``Service.keep_rows``.
    event_id : str
        What is drawn by, so that a decision that is made again keeps the same.
    """
    if verdict.rule or verdict.fallback or verdict.explored:
        return
    verdict.row_kept = share
    if drawn(event_id) >= share:
        replace, verdict.words = msgspec.structs.replace, None
        if verdict.stages:
            verdict.stages = [replace(stage, features=b"", texts={}) for stage in verdict.stages]
        if verdict.items:
            verdict.items = [replace(item, features=b"") for item in verdict.items]
        if verdict.item_scores:
            verdict.item_scores = [replace(told, features=b"") for told in verdict.item_scores]
