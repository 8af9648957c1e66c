"""What a run came to, read from its record."""

from __future__ import annotations

from dataclasses import dataclass, field

import msgspec

from tidewheel.registry.runs.runs import Metric, Run, Verdict
from tidewheel.registry.runs.steps import step_records
from tidewheel.registry.versions.versions import Version
from tidewheel.training.context import TrainingContext
from tidewheel.training.data.findings import Finding


@dataclass(frozen=True)
class TrainResult:
    """What a run came to.

    Attributes
    ----------
    run_id : str
    version : str
        ``Fraud@3``.
    deployable : bool
        Every gate passed, and the estimator can be served.
    metrics : list of Metric
        Splits ``test``, ``train``, ``baseline`` (a constant) and, when there is one, ``champion``; the latter
        two on the test rows as well.
    verdicts : list of Verdict
    counts : dict of str to int
        Rows scanned, labelled, dropped and why, in the gap, trained and tested on.
    findings : list of Finding
        What looks wrong about the data, and baselines that do as well as the model.
    notes : list of str
        What the library warned of.
    seconds : float
    resumed : bool
        The run had been cut off, and went on at its first unfinished step.
    deployed : list of str
        What the deploy step did, where one is declared and nobody has to be asked.
    """

    run_id: str
    version: str
    deployable: bool
    metrics: list[Metric]
    verdicts: list[Verdict]
    counts: dict[str, int]
    findings: list[Finding] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    seconds: float = 0.0
    resumed: bool = False
    deployed: list[str] = field(default_factory=list)

    def metric(self, name: str, split: str = "test") -> Metric:
        """Return one metric of one split; `KeyError` when it was not computed."""
        for found in self.metrics:
            if found.metric == name and found.split == split:
                return found
        raise KeyError(f"{name} of {split}")


def result_of(context: TrainingContext, run: Run, version: Version, *, resumed: bool) -> TrainResult:
    """Return what a closed run and its version say."""
    findings = msgspec.json.decode(context.artifacts.get(run.artifacts["findings"]).read_bytes(), type=list[Finding])
    return TrainResult(
        run_id=run.id,
        version=version.name,
        deployable=version.passed,
        metrics=version.metrics,
        verdicts=version.gates,
        counts=run.lineage.rows,
        findings=findings,
        notes=list(run.parameters["notes"]),
        seconds=sum(step.seconds for step in step_records(context.catalog, run.id)),
        resumed=resumed,
    )
