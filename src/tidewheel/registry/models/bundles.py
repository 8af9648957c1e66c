"""Bundles: all that serving needs of a version, in two files named by their content.

``manifest.json`` holds words (definitions, columns, levels, profile) and the digest of ``predictor.npz``,
which holds arrays. The manifest's own digest names the bundle, so equal versions have equal names.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, Protocol

import msgspec
import numpy.typing as npt

from tidewheel.definitions.ir import Graph
from tidewheel.errors import CorruptError
from tidewheel.registry.canonical import canonical, read_record
from tidewheel.registry.models.arrays import pack_arrays, unpack_arrays
from tidewheel.registry.models.predictors import Predictor, PredictorSpec
from tidewheel.registry.models.profile import FallbackTable, Profile

FORMAT = 1
"""Goes up when an older release could misread a manifest."""


class ArtifactStore(Protocol):
    """What a bundle asks of the place where artifacts are kept (``storage.artifacts``)."""

    def put(self, data: bytes | Path, /) -> str:
        """Keep bytes, or a file's; return their SHA-256 in hexadecimal."""

    def get(self, digest: str, /) -> Path:
        """Return the file that holds what `digest` names."""

    def current(self, digest: str, /) -> str:
        """Return the digest of what `digest` is to be read as: another one after an erasure."""


class Inner(msgspec.Struct, frozen=True):
    """The version of a model whose score a version's view has as a column."""

    model: str
    version: str
    bundle: str
    """Digest: it is served together with what reads it, whatever is deployed."""


class Manifest(msgspec.Struct, frozen=True, kw_only=True):
    """The words of a bundle. Nothing in it says when or by which run it was made."""

    format: int = FORMAT
    model: str
    view: str
    definition: str = ""
    """Digest of the model's declaration."""
    view_digest: str = ""
    graph: Graph
    """The part of the project that the model reaches: sources, groups, view, model."""
    columns: tuple[str, ...]
    """What the predictor takes, in order; each a column of the view."""
    levels: dict[str, tuple[str, ...]] = {}
    """The levels of each text column: the code of a string is its place here."""
    predictor: PredictorSpec
    arrays: str = ""
    """Digest of ``predictor.npz``."""
    tables: tuple[FallbackTable, ...] = ()
    thresholds: tuple[tuple[str, float], ...] = ()
    profile: Profile = Profile()
    dataset: str = ""
    """Hash of the data set it was trained on; the run that built it is in the version's row."""
    inner: tuple[Inner, ...] = ()
    """Of each model whose score the view has as a column."""


class Bundle(msgspec.Struct, frozen=True):
    """A version in memory: what is written down about it, and its arrays."""

    manifest: Manifest
    arrays: dict[str, npt.NDArray[Any]]

    def predictor(self) -> Predictor:
        """Return what scores rows."""
        return Predictor(self.manifest.predictor, self.arrays)


def save_bundle(artifacts: ArtifactStore, bundle: Bundle) -> str:
    """Keep a bundle; return its digest. The same content gives the same digest, on any day."""
    arrays = artifacts.put(pack_arrays(bundle.arrays))
    manifest = msgspec.structs.replace(bundle.manifest, arrays=arrays, format=FORMAT)
    return artifacts.put(canonical(manifest))


def load_bundle(artifacts: ArtifactStore, digest: str) -> Bundle:
    """Return a bundle by its digest, after checking every byte.

    Raises
    ------
    NotFoundError
        The store does not hold it.
    CorruptError
        A file was changed since it was written, or is of a newer release.
    """
    manifest = load_manifest(artifacts, digest)
    path = artifacts.get(manifest.arrays)
    return Bundle(manifest, unpack_arrays(_verified(path, manifest.arrays), str(path)))


def load_manifest(artifacts: ArtifactStore, digest: str) -> Manifest:
    """Return the words of a bundle without its arrays; they outlive a deleted version. Raises as `load_bundle`."""
    digest = artifacts.current(digest)
    return read_record(_verified(artifacts.get(digest), digest), Manifest, FORMAT, digest)


def graphs_of(artifacts: ArtifactStore, digests: Iterable[str]) -> Iterator[Graph]:
    """Yield the graphs that bundles were trained by, and those of the versions whose scores they read."""
    for digest in digests:
        manifest = load_manifest(artifacts, digest)
        yield manifest.graph
        yield from graphs_of(artifacts, [inner.bundle for inner in manifest.inner])


def _verified(path: Path, digest: str) -> bytes:
    data = path.read_bytes()
    found = hashlib.sha256(data).hexdigest()
    if found != digest:
        raise CorruptError(
            f"the file's SHA-256 is {found[:16]}..., not what it is named by",
            where=str(path),
            remedy="restore it from a backup or train again; `tidewheel rollback` serves the version before",
        )
    return data
