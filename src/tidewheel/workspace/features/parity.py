"""Parity as a service: each hour a sample of what was served is replayed, and the result kept."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tidewheel.features.proof.parity import ParityReport, merged
from tidewheel.registry.alerts import close_alert, raise_alert
from tidewheel.registry.parity import ColumnCheck, ParityCheck, ViewCheck, keep_check, newest_checks
from tidewheel.workspace.features.reading import parity_by_view

if TYPE_CHECKING:
    from tidewheel.workspace.workspace import Workspace

ALERT, SUBJECT = "parity", "features"


def check_service(workspace: Workspace, service: str, sample: int) -> ParityCheck | None:
    """Replay a sample of a service's decisions since its last check; keep the result, raise or close the alert.

    Returns
    -------
    ParityCheck or None
        None when nothing was decided since.
    """
    workspace.sync()
    stores = workspace.stores
    last = newest_checks(stores.catalog).get(service)
    since, now = last.at if last is not None else 0, stores.clock.now()
    found = parity_by_view(stores, workspace.history, service, sample, since=since)
    if not any(report.checked for report in found.values()):
        return None
    check = _summary(service, now, since, found)
    keep_check(stores.catalog, check)
    if check.differences:
        told = f"{check.differences} of {check.features} values served differ when replayed; {check.columns[0].first}"
        columns = {f"{column.view}.{column.feature}": column.first for column in check.columns}
        raise_alert(stores.catalog, service, ALERT, SUBJECT, told, {"since": since, "columns": columns})
    else:
        close_alert(stores.catalog, service, ALERT, SUBJECT)
    return check


def told(check: ParityCheck | None) -> str:
    """Say what a check found, in a line."""
    if check is None:
        return "nothing was decided since the last check"
    said = f"{check.checked:,} decisions replayed, {check.features:,} values compared, {check.differences:,} differ"
    names = ", ".join(f"{column.view}.{column.feature}" for column in check.columns[:5])
    return f"{said} ({names})" if names else said


def _summary(service: str, now: int, since: int, found: dict[str, ParityReport]) -> ParityCheck:
    whole = merged(list(found.values()))
    return ParityCheck(
        service=service,
        at=now,
        since=since,
        checked=whole.checked,
        features=whole.features,
        differences=whole.differences,
        skipped=whole.skipped,
        views={
            view: ViewCheck(report.checked, report.decisions_differing, str(report.first_difference or ""))
            for view, report in found.items()
            if report.checked
        },
        columns=[
            ColumnCheck(f.view, f.feature, f.checked, f.mismatch, f.missing, f.extra, str(f.first or ""))
            for f in whole.by_feature
            if f.differences
        ],
    )
