"""Exporting a version: built, compared with the version on its own test rows, put on record."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from tidewheel.errors import MetricError, NotFoundError, TrainingError
from tidewheel.metrics import metric
from tidewheel.registry.models.arrays import unpack_arrays
from tidewheel.registry.models.bundles import ArtifactStore, Bundle, load_bundle
from tidewheel.registry.models.exports import Cost, Export, Quantise, record_export
from tidewheel.registry.models.onnx import onnx_session
from tidewheel.registry.runs.datasets import get_dataset
from tidewheel.registry.runs.runs import Metric, get_run
from tidewheel.registry.runs.snapshots import read_manifest, read_snapshot
from tidewheel.registry.versions.versions import Version, get_version
from tidewheel.storage.catalog import Catalog
from tidewheel.training.data.levels import encode
from tidewheel.training.export.graph import ROWS, SCORE, graph_of
from tidewheel.training.export.quantise import quantised
from tidewheel.training.fit.flatten import GRAPH_TOLERANCE
from tidewheel.training.fit.scoring import score_rows

Floats = npt.NDArray[np.float64]
TOLERANCE = GRAPH_TOLERANCE
"""Largest difference of a graph's scores that is not quantised, relative to the larger of 1 and their spread."""


def export_version(
    catalog: Catalog, artifacts: ArtifactStore, name: str, quantise: Quantise = ""
) -> tuple[Export, bytes]:
    """Return a version's export, which is on record then, and the exported file's content.

    Raises
    ------
    TrainingError
        The version has no form that can be exported, or the exported scores are others and nothing was quantised.
    InputError
        It can't be said in ONNX, or has nothing to quantise.
    NotFoundError
        There is no such version, or its test rows are not kept any more.
    """
    version = get_version(catalog, name)
    if not version.bundle:
        raise TrainingError(
            f"{version.name} has no form to export: its estimator can't be served",
            remedy=f"`tidewheel show {version.name}` says why",
        )
    bundle = load_bundle(artifacts, version.bundle)
    x, y, weight = held_out_rows(catalog, artifacts, version, bundle)
    graph = graph_of(bundle, version.name)
    content = quantised(graph) if quantise else bytes(graph.SerializeToString())
    native, exported = score_rows(bundle.predictor(), x), graph_scores(content, x)
    apart = np.abs(native - exported)
    if not quantise and apart.max() > TOLERANCE * max(1.0, float(native.std())):
        raise TrainingError(
            f"the graph of {version.name} scores a test row by {apart.max():.3g} otherwise", remedy=_REMEDY
        )
    cost = Cost(
        quantise=quantise, rows=len(y), largest=float(apart.max()), mean=float(apart.mean()), bytes=len(content)
    )
    named = list(dict.fromkeys(found.metric for found in version.metrics if found.split == "test"))
    metrics = [*_measured("test", named, y, native, weight), *_measured("export", named, y, exported, weight)]
    return record_export(catalog, version, artifacts.put(content), cost, metrics), content


_REMEDY = "report this with the versions of onnx and onnxruntime; nothing was exported"


def held_out_rows(
    catalog: Catalog, artifacts: ArtifactStore, version: Version, bundle: Bundle
) -> tuple[Floats, Floats, Floats]:
    """Return the rows that a version was tested on as its predictor takes them, their labels and their weights.

    Raises
    ------
    NotFoundError
        They are not kept any more.
    """
    run = get_run(catalog, version.run)
    try:
        manifest = get_dataset(catalog, run.lineage.dataset).manifest
        table = read_snapshot(artifacts, read_manifest(artifacts, manifest))
        offsets, held = (_arrays(artifacts, run.artifacts[name]) for name in ("predictions", "held_out"))
    except (NotFoundError, KeyError) as error:
        raise NotFoundError(
            f"the test rows of {version.name} are not kept, and the cost of an export is measured on them",
            remedy=f"tidewheel rerun {version.name} keeps them again",
        ) from error
    tested = table.filter(np.isin(table["_offset"].to_numpy(), offsets["offset"]))
    x = encode(tested.select(list(bundle.manifest.columns)), bundle.manifest.levels)
    return x, held["y"], held["weight"]


def graph_scores(content: bytes, x: Floats) -> Floats:
    """Return the scores of an exported graph, all rows in one call."""
    session = onnx_session(content)
    kind = np.float32 if session.get_inputs()[0].type == "tensor(float)" else np.float64
    found = session.run([SCORE], {session.get_inputs()[0].name or ROWS: x.astype(kind)})[0]
    return np.asarray(found, np.float64)


def _arrays(artifacts: ArtifactStore, digest: str) -> dict[str, npt.NDArray[np.float64]]:
    return unpack_arrays(artifacts.get(artifacts.current(digest)).read_bytes())


def _measured(split: str, names: list[str], y: Floats, score: Floats, weight: Floats) -> list[Metric]:
    found = []
    for name in names:
        try:
            found.append(Metric(split, name, metric(name)(y, score, weight)))
        except MetricError:
            continue  # scores that are no probabilities any more, or labels of one kind: nothing to set beside
    return found
