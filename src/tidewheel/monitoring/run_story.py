"""All that is on record about a run, gathered for its page and for the card of the version that it made."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, TypeVar

import msgspec

from tidewheel.errors import NotFoundError
from tidewheel.registry.models.bundles import ArtifactStore, Manifest, load_manifest
from tidewheel.registry.models.exports import Export, exports_of
from tidewheel.registry.pointers.environments import list_environments
from tidewheel.registry.pointers.pointers import list_deployments
from tidewheel.registry.runs.evaluation import Evaluation, evaluation_of
from tidewheel.registry.runs.runs import Metric, Run, Verdict
from tidewheel.registry.runs.steps import StepRecord, step_records
from tidewheel.registry.versions.marks import VersionNote, notes_of, tags_of
from tidewheel.registry.versions.names import members_of
from tidewheel.registry.versions.versions import Version, list_versions
from tidewheel.storage.catalog import Catalog

T = TypeVar("T")
ORDER = ("test", "champion", "previous", "baseline", "train")


@dataclass(frozen=True)
class RunStory:
    """A run as people want to read it.

    Attributes
    ----------
    run : Run
    version : Version, optional
        What it made.
    manifest : Manifest, optional
        The words of the version's bundle.
    evaluation : Evaluation, optional
        Curves, slices, importance; None for runs of an older release.
    steps : list of StepRecord
    trials, findings : list of dict
        As the run left them.
    gain : dict of str to float
        Share of what the trees gained, by column.
    stands, serves : list of str
        Environments and services that point at the version.
    tags : dict
    notes : list of VersionNote
    gone : list of str
        Artifacts that are on record and no longer kept.
    exports : list of Export
        Forms that it was exported to, with what each cost.
    """

    run: Run
    version: Version | None = None
    manifest: Manifest | None = None
    evaluation: Evaluation | None = None
    steps: list[StepRecord] = field(default_factory=list)
    trials: list[dict[str, Any]] = field(default_factory=list)
    findings: list[dict[str, Any]] = field(default_factory=list)
    gain: dict[str, float] = field(default_factory=dict)
    stands: list[str] = field(default_factory=list)
    serves: list[str] = field(default_factory=list)
    tags: dict[str, str] = field(default_factory=dict)
    notes: list[VersionNote] = field(default_factory=list)
    gone: list[str] = field(default_factory=list)
    exports: list[Export] = field(default_factory=list)

    @property
    def name(self) -> str:
        """The version's name, or the run's id."""
        return self.version.name if self.version is not None else f"run {self.run.id}"

    @property
    def gates(self) -> list[Verdict]:
        """What each gate said."""
        return self.version.gates if self.version is not None else self.run.gates

    @property
    def metrics(self) -> list[Metric]:
        """Metrics, those of the test rows first, each split in the order in which it was declared."""
        found = self.version.metrics if self.version is not None else self.run.metrics
        names = [m.metric for m in found if m.split == "test"]
        place = {split: number for number, split in enumerate(ORDER)}

        def order(m: Metric) -> tuple[int, int]:
            return (names.index(m.metric) if m.metric in names else len(names), place.get(m.split, len(place)))

        return sorted((m for m in found if m.value is not None), key=order)

    def metric(self, name: str, split: str = "test") -> Metric | None:
        """Return one metric of one split, or None."""
        return next((m for m in self.metrics if (m.metric, m.split) == (name, split)), None)


def run_story(catalog: Catalog, artifacts: ArtifactStore, run: Run) -> RunStory:
    """Gather what is on record about a run.

    Raises
    ------
    CorruptError
        A file of it no longer holds what it was kept as.
    """
    version = next((v for v in list_versions(catalog, run.model) if v.run == run.id), None)
    gone: list[str] = []

    def kept(name: str, read: Callable[[str], T], otherwise: T) -> T:
        digest = run.artifacts.get(name)
        if not digest:
            return otherwise
        try:
            return read(digest)
        except NotFoundError:
            gone.append(name)
            return otherwise

    def decoded(digest: str) -> Any:
        return msgspec.json.decode(artifacts.get(artifacts.current(digest)).read_bytes())

    return RunStory(
        run=run,
        version=version,
        manifest=kept("bundle", lambda digest: load_manifest(artifacts, digest), None),
        evaluation=kept("evaluation", lambda _: evaluation_of(artifacts, run.artifacts), None),
        steps=step_records(catalog, run.id),
        trials=_trials(kept("trials", decoded, [])),
        findings=kept("findings", decoded, []),
        gain=kept("importance", decoded, {}),
        stands=[s.environment for s in list_environments(catalog, run.model) if version and s.number == version.number],
        serves=[d.service for d in list_deployments(catalog) if version and version.name in members_of(d.champion)],
        tags=tags_of(catalog, version) if version else {},
        notes=notes_of(catalog, version) if version else [],
        gone=gone,
        exports=exports_of(catalog, version) if version else [],
    )


def _trials(kept: Any) -> list[dict[str, Any]]:
    """Return a search's trials: the whole record, or part of one."""
    found = kept.get("trials", []) if isinstance(kept, dict) else kept
    return [trial for trial in found if isinstance(trial, dict)]
