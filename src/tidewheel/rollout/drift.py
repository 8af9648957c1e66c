"""Drift of a service: what is told, and what is answered with a new challenger.

Features move with the season and do no harm by it, so a feature that moved raises an alert and nothing
else. Two things say that the champion may no longer fit: its own scores moved from what they were when it
was tested, or the outcomes did from what they were in the weeks before.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tidewheel.definitions import ir
from tidewheel.monitoring.answers import DAY
from tidewheel.monitoring.drift import SCORE, measure_drift, served_rows
from tidewheel.monitoring.report import FeatureDrift
from tidewheel.monitoring.shift import OutcomeShift, outcome_shift
from tidewheel.outcomes import Joined
from tidewheel.outcomes.answered import is_text
from tidewheel.registry.alerts import Alert, close_alert, list_alerts, raise_alert
from tidewheel.registry.models.bundles import Bundle
from tidewheel.registry.models.scoring import view_columns
from tidewheel.storage.catalog import Catalog

WINDOW = 7 * DAY
"""Served rows of so long are compared with the training rows; outcomes of so long with those before."""
FEWEST_DAYS = 5
"""Of the window: with fewer, days can't be told from a trend."""
BEFORE = 4 * WINDOW
"""The time before, for outcomes."""
ALERT_AT = 0.25
"""PSI from which a column is alerted where the policy names no bound: a large shift, by convention."""
OUTCOME_EFFECT = 0.3
"""Cohen's h or d from which a shift of the outcomes matters; 0.17 against 0.33 late is 0.37."""
OUTCOME_LEVEL = 0.01
"""The p-value below which it is no chance."""
OUTCOME = "(outcome)"


@dataclass(frozen=True)
class Drift:
    """What moved: columns beyond the bound (the score among them, by its name), and the outcomes."""

    columns: list[FeatureDrift]
    outcomes: OutcomeShift | None

    @property
    def causes(self) -> list[str]:
        """Why a challenger should be trained; empty when nothing of this kind moved."""
        found = [f"its scores moved, PSI {d.psi:.2f}" for d in self.columns if d.feature == SCORE]
        return found + ([outcomes_told(self.outcomes)] if self.outcomes is not None else [])


def lookback(label: ir.Label) -> int:
    """Return how far back decisions are needed to find drift: labels take their time to mature."""
    return label.within + WINDOW + BEFORE


def find_drift(
    lately: Joined, before: Joined, label: ir.Label, version: str, bundle: Bundle, bound: float, now: int
) -> Drift:
    """Compare what a version served lately with its training rows, and outcomes with those before.

    Parameters
    ----------
    lately : Joined
        The service's decisions of the last `WINDOW`.
    before : Joined
        The `outcomes.FACTS` of those of the last `lookback`.
    label : ir.Label
        Says when outcomes are known.
    version : str
        The champion.
    bundle : Bundle
        The champion's.
    bound : float
        A column counts when the low end of its index's interval is at least this, so that a small
        sample raises no alarm by its noise.
    now : int
        The workspace's instant.
    """
    own = np.asarray(is_text(lately.decisions["model"], version).to_numpy(), dtype=bool)
    served, _ = served_rows(lately, view_columns(bundle.manifest), np.flatnonzero(own))
    measured = []
    if np.unique(served.days).size >= FEWEST_DAYS:
        measured = measure_drift(version, "last 7 days", bundle.manifest.profile, served, at_least=bound)
    shift = outcome_shift(before, now - label.within, WINDOW, BEFORE)
    matters = shift is not None and abs(shift.effect) >= OUTCOME_EFFECT and shift.p_value < OUTCOME_LEVEL
    return Drift([found for found in measured if found.low >= bound], shift if matters else None)


def tell(catalog: Catalog, service: str, version: str, drift: Drift) -> dict[str, Alert]:
    """Open an alert for each thing that moved, close those of things that came back; return the open ones."""
    opened: dict[str, Alert] = {}
    for found in drift.columns:
        message = f"{found.feature} moved from what {version} was trained on: PSI {found.psi:.2f}"
        detail = {"psi": found.psi, "low": found.low, "high": found.high, "version": version}
        opened[found.feature] = raise_alert(catalog, service, "drift", found.feature, message, detail)
    if drift.outcomes is not None:
        shift = drift.outcomes
        detail = {"before": shift.before, "now": shift.now, "effect": shift.effect, "p_value": shift.p_value}
        opened[OUTCOME] = raise_alert(catalog, service, "drift", OUTCOME, outcomes_told(shift), detail)
    for alert in list_alerts(catalog, service, only_open=True):
        if alert.kind == "drift" and alert.subject not in opened:
            close_alert(catalog, service, "drift", alert.subject)
    return opened


def outcomes_told(shift: OutcomeShift) -> str:
    """Say in words how outcomes shifted."""
    return f"outcomes moved from {shift.before:.3g} in the four weeks before to {shift.now:.3g}"
