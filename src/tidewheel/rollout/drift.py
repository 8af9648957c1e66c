"""Drift of a service: what is told, and what is answered with a new challenger.

Features move with the season and do no harm by it, so a feature that moved raises an alert and nothing
else. Two things say that the champion may no longer fit: its own scores moved from what they were when it
was tested, or the outcomes did from what they were in the weeks before.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pyarrow.compute as pc

from tidewheel.definitions import ir
from tidewheel.definitions.models.labels import horizon_of
from tidewheel.monitoring.answers import DAY
from tidewheel.monitoring.drift import SCORE, measure_drift, served_rows
from tidewheel.monitoring.report import FeatureDrift
from tidewheel.monitoring.shift import OutcomeShift, outcome_shift
from tidewheel.outcomes import Joined
from tidewheel.outcomes.answered import is_text
from tidewheel.registry.alerts import Alert, close_alert, list_alerts, raise_alert
from tidewheel.registry.models.bundles import Bundle
from tidewheel.registry.models.scoring import view_columns
from tidewheel.registry.versions.names import model_of
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


def lookback(model: ir.Model) -> int:
    """Return how far back decisions are needed to find drift: labels take their time to mature."""
    return horizon_of(model) + WINDOW + BEFORE


def find_drift(
    lately: Joined, before: Joined, model: ir.Model, version: str, bundle: Bundle, bound: float, now: int
) -> Drift:
    """Compare what a version served lately with its training rows, and outcomes with those before.

    Parameters
    ----------
    lately : Joined
        The service's decisions of the last `WINDOW`.
    before : Joined
        The `outcomes.FACTS` of those of the last `lookback`.
    model : ir.Model
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
    shift = outcome_shift(before, now - horizon_of(model), WINDOW, BEFORE)
    matters = shift is not None and abs(shift.effect) >= OUTCOME_EFFECT and shift.p_value < OUTCOME_LEVEL
    return Drift([found for found in measured if found.low >= bound], shift if matters else None)


def of_member(lately: Joined, version: str) -> Joined:
    """Return decisions as one model of a line-up made them: with its own row and score."""
    stages = lately.decisions["stages"].combine_chunks()
    stage = pc.list_flatten(stages)
    own = pc.fill_null(pc.equal(stage.field("model"), version), False)
    place, stage = pc.list_parent_indices(stages).filter(own), stage.filter(own)
    rows = lately.decisions.take(place)
    kept, shared = stage.field("features"), rows["features"].combine_chunks()
    told = {
        "model": stage.field("model"),
        "features": pc.if_else(pc.greater(pc.binary_length(kept), 0), kept, shared),
        "score": stage.field("score"),
    }
    for name, column in told.items():
        rows = rows.set_column(rows.schema.get_field_index(name), name, column)
    return lately.at(place.to_numpy(), rows)


def tell(catalog: Catalog, service: str, drifts: Mapping[str, Drift]) -> dict[str, Alert]:
    """Open an alert for each thing that moved, close those of things that came back; return the open ones.

    Parameters
    ----------
    catalog : Catalog
    service : str
    drifts : mapping
        By version: one, or the members of a line-up, whose columns are then told with their model's name.
    """
    opened: dict[str, Alert] = {}
    for version, drift in drifts.items():
        for found in drift.columns:
            subject = found.feature if len(drifts) == 1 else f"{model_of(version)}: {found.feature}"
            message = f"{found.feature} moved from what {version} was trained on: PSI {found.psi:.2f}"
            detail = {"psi": found.psi, "low": found.low, "high": found.high, "version": version}
            opened[subject] = raise_alert(catalog, service, "drift", subject, message, detail)
    for shift in [drift.outcomes for drift in drifts.values() if drift.outcomes is not None][:1]:
        detail = {"before": shift.before, "now": shift.now, "effect": shift.effect, "p_value": shift.p_value}
        opened[OUTCOME] = raise_alert(catalog, service, "drift", OUTCOME, outcomes_told(shift), detail)
    for alert in list_alerts(catalog, service, only_open=True):
        if alert.kind == "drift" and alert.subject not in opened:
            close_alert(catalog, service, "drift", alert.subject)
    return opened


def outcomes_told(shift: OutcomeShift) -> str:
    """Say in words how outcomes shifted."""
    return f"outcomes moved from {shift.before:.3g} in the four weeks before to {shift.now:.3g}"
