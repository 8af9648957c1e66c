"""A workspace that is only a catalog and a lake: decisions and outcomes are what a test says they are."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from decision_rows import DAY, MONDAY, record, table

from tidewheel.definitions import ir
from tidewheel.errors import TidewheelError
from tidewheel.metrics import bin_counts, quantile_edges
from tidewheel.outcomes import COLUMNS, Joined, Lists, Status, answered
from tidewheel.registry.models.bundles import Bundle, Manifest
from tidewheel.registry.models.predictors import PredictorSpec
from tidewheel.registry.models.profile import FeatureProfile, Profile
from tidewheel.registry.pointers import deployments
from tidewheel.registry.runs.runs import Verdict, start_run
from tidewheel.registry.services import freeze_service
from tidewheel.registry.versions.versions import Version, get_version, register
from tidewheel.routing.split import CHALLENGER, Split
from tidewheel.storage.catalog import Catalog
from tidewheel.storage.lake.delta import Lake

Floats = npt.NDArray[np.float64]

POLICY = ir.Retrain("monthly", 0.25, 0.3, 3 * DAY, "", 0.0)
LABEL = ir.Label("happened", "Chargeback", ("payment",), DAY)
SERVICE = ir.Service("Score", "Payment", "Fraud", None, (), (("allow", 0.0), ("block", 0.9)))
VIEW = ir.View("PaymentView", "Payment", (), (ir.ViewColumn("x", ir.Col(("x",))), ir.ViewColumn("y", ir.Col(("y",)))))


def graph(policy: ir.Retrain | None = POLICY) -> ir.Graph:
    model = ir.Model(
        "Fraud", "PaymentView", LABEL, ir.Split(DAY, DAY), "", metrics=("average_precision",), retrain=policy
    )
    return ir.Graph(models=(model,), services=(SERVICE,))


def profile_of(name: str, values: Floats) -> FeatureProfile:
    edges = quantile_edges(values)
    *counts, nulls = bin_counts(values, edges).tolist()
    return FeatureProfile(name=name, edges=edges.tolist(), counts=counts, nulls=nulls)


def linear(weight: float, view: str = "v1") -> Bundle:
    """A version that scores ``sigmoid(weight * x)``, trained on x and y of a standard normal law."""
    rows = np.random.default_rng(7).normal(size=(20_000, 2))
    spec = PredictorSpec(kind="linear", objective="sigmoid")
    scores = 1.0 / (1.0 + np.exp(-weight * rows[:, 0]))
    profile = Profile(
        rows=len(rows),
        features=[profile_of("x", rows[:, 0]), profile_of("y", rows[:, 1])],
        score=profile_of("score", scores),
    )
    manifest = Manifest(
        model="Fraud",
        view="PaymentView",
        view_digest=view,
        graph=ir.Graph(views=(VIEW,)),
        columns=("x", "y"),
        predictor=spec,
        profile=profile,
    )
    return Bundle(manifest, {"coef": np.array([weight, 0.0])})


def decided(
    n: int,
    start: int,
    end: int,
    *,
    first: int = 0,
    at_x: float = 0.0,
    at_y: float = 0.0,
    risk: float = 0.0,
    split: Split | None = None,
    challenger: str = "Fraud@2",
    seed: int = 0,
    **told: Any,
) -> Joined:
    """Return matured decisions whose label rises with x (``sigmoid(2 x + risk)``), as a service would keep them."""
    random = np.random.default_rng(seed)
    at = np.sort(random.integers(start, end, n))
    x, y = random.normal(at_x, 1.0, n), random.normal(at_y, 1.0, n)
    label = (random.random(n) < 1.0 / (1.0 + np.exp(-(2.0 * x + risk)))).astype(np.float64)
    rows = []
    for i in range(n):
        number = first + i
        own = {"features": [x[i], y[i]], "score": float(1.0 / (1.0 + np.exp(-x[i])))}
        if split is not None and split(f"e{number}").name == CHALLENGER:
            own |= {"model": challenger, "arm": "challenger"}
        rows.append(record(number, int(at[i]), **(own | told)))
    return Joined(answered(table(rows)), label, np.ones(n), np.full(n, Status.MATURED, dtype=np.int8))


def together(*parts: Joined) -> Joined:
    return Joined(
        pa.concat_tables([part.decisions for part in parts]),
        np.concatenate([part.label for part in parts]),
        np.concatenate([part.weight for part in parts]),
        np.concatenate([part.status for part in parts]),
    )


SETTLED = 2_000_000


@dataclass
class FakeView:
    """Implements `LoopView`."""

    folder: Path
    graph: ir.Graph = field(default_factory=graph)
    time: int = MONDAY
    rows: Joined | None = None
    shown: Lists | None = None
    bundles: dict[str, Bundle] = field(default_factory=lambda: {"Fraud@1": linear(1.0)})
    next_bundle: Bundle = field(default_factory=lambda: linear(2.0))
    gates: list[Verdict] = field(default_factory=list)
    training_fails: TidewheelError | None = None
    canary_fails: TidewheelError | None = None
    trained: list[str] = field(default_factory=list)
    replayed: bool = True
    start_by: str = ""
    """Who starts canaries; the system's user when not said."""
    behind_by: dict[str, int] = field(default_factory=dict)
    read: list[tuple[int, int]] = field(default_factory=list)
    """Spans of arrivals whose decisions were asked for."""

    def __post_init__(self) -> None:
        self.lake = Lake.open(self.folder / "lake")
        self.catalog = Catalog.open(self.folder / "catalog.sqlite", clock=self.now)

    def deploy_first(self) -> None:
        register(self.catalog, "Fraud", run=start_run(self.catalog, "Fraud").id, bundle="b" * 64)
        frozen = freeze_service(self.catalog, SERVICE, self.graph).digest
        deployments.deploy(self.catalog, "Score", "Fraud@1", frozen)

    def now(self) -> int:
        return self.time

    @property
    def settled(self) -> int:
        return 0 if self.replayed else SETTLED

    def joined(self, service: ir.Service, since: int, columns: Sequence[str] = COLUMNS, model: str = "") -> Joined:
        assert self.rows is not None
        return self.rows.take(self.rows.decisions["instant"].to_numpy() >= since)

    def lists(self, service: ir.Service, since: int) -> Lists:
        assert self.shown is not None
        return self.shown

    def decisions(self, service: str, since: int, until: int, columns: Sequence[str] | None = None) -> pa.Table:
        assert self.rows is not None
        self.read.append((since, until))
        arrived = self.rows.decisions["arrived"].to_numpy()
        found = self.rows.decisions.filter(pa.array((arrived >= since) & (arrived < until)))
        return found if columns is None else found.select([name for name in columns if name in found.column_names])

    def replayed_words(self, version: str, decisions: pa.Table) -> Floats:
        """Return rows whose x is the event's number: what another view would have held."""
        numbers = [float(event.removeprefix("e")) for event in decisions["event_id"].to_pylist()]
        return np.column_stack([numbers, np.zeros(len(numbers))])

    def behind(self, version: str) -> int:
        return self.behind_by.get(version, 0)

    def bundle(self, version: str) -> Bundle:
        if version not in self.bundles:
            raise TidewheelError(f"{version} is damaged")
        return self.bundles[version]

    def train(self, model: str, cause: str) -> Version:
        self.trained.append(cause)
        if self.training_fails is not None:
            raise self.training_fails
        made = register(self.catalog, model, run=start_run(self.catalog, model).id, bundle="b" * 64, gates=self.gates)
        self.bundles[made.name] = self.next_bundle
        return get_version(self.catalog, made.name)

    def start_canary(self, service: str, version: str, share: float, cause: str) -> None:
        if self.canary_fails is not None:
            raise self.canary_fails
        deployments.canary(self.catalog, service, version, share, cause=cause, who=self.start_by)

    def split(self) -> Split:
        """Return how units are dealt now."""
        deployment = deployments.get_deployment(self.catalog, "Score")
        return Split("Score", deployment.salt, {CHALLENGER: deployment.share})
