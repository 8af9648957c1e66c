from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
import pytest

from tidewheel.definitions.ir import Graph
from tidewheel.errors import CorruptError
from tidewheel.registry.models.arrays import pack_arrays, unpack_arrays
from tidewheel.registry.models.bundles import Bundle, Manifest, load_bundle, save_bundle
from tidewheel.registry.models.predictors import PredictorSpec
from tidewheel.registry.models.profile import FallbackTable, FeatureProfile, Profile


class Folder:
    """Artifacts in a plain folder."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def put(self, data: bytes | Path, /) -> str:
        body = data if isinstance(data, bytes) else data.read_bytes()
        digest = hashlib.sha256(body).hexdigest()
        (self.root / digest).write_bytes(body)
        return digest

    def current(self, digest: str, /) -> str:
        return digest

    def get(self, digest: str, /) -> Path:
        return self.root / digest


def bundle(order: int = 1) -> Bundle:
    arrays = {"coef": np.array([0.5, -1.0]), "mean": np.zeros(2), "deviation": np.ones(2)}
    manifest = Manifest(
        model="Fraud",
        view="PaymentView",
        graph=Graph(),
        columns=("amount", "idle"),
        levels={"country": ("NO", "SE")},
        predictor=PredictorSpec(kind="linear", objective="sigmoid", intercept=0.1),
        tables=(FallbackTable(by=("terminal",), scores={"b": 0.2, "a": 0.1}, default=0.15),),
        profile=Profile(rows=3, features=[FeatureProfile(name="amount", edges=[1.0], counts=[2, 1])], label_rate=0.1),
    )
    return Bundle(manifest, dict(list(arrays.items())[::order]))


def test_a_bundle_comes_back_as_it_was(tmp_path: Path) -> None:
    store = Folder(tmp_path)
    digest = save_bundle(store, bundle())
    found = load_bundle(store, digest)
    assert found.manifest.columns == ("amount", "idle")
    assert found.manifest.profile.features[0].edges == [1.0]
    rows = np.array([[1.0, 2.0]])
    assert found.predictor().score(rows) == bundle().predictor().score(rows)


def test_equal_content_has_one_name(tmp_path: Path) -> None:
    store = Folder(tmp_path)
    assert save_bundle(store, bundle(1)) == save_bundle(store, bundle(-1))
    assert len(list(tmp_path.iterdir())) == 2


@pytest.mark.parametrize("which", ["manifest", "arrays"])
def test_a_changed_byte_is_seen(tmp_path: Path, which: str) -> None:
    store = Folder(tmp_path)
    digest = save_bundle(store, bundle())
    name = digest if which == "manifest" else load_bundle(store, digest).manifest.arrays
    body = bytearray((tmp_path / name).read_bytes())
    body[len(body) // 2] ^= 1
    (tmp_path / name).write_bytes(body)
    with pytest.raises(CorruptError, match="SHA-256"):
        load_bundle(store, digest)


def test_a_file_that_is_no_bundle(tmp_path: Path) -> None:
    store = Folder(tmp_path)
    with pytest.raises(CorruptError, match="this is no manifest"):
        load_bundle(store, store.put(b"hello"))
    with pytest.raises(CorruptError, match="format 99"):
        load_bundle(
            store,
            store.put(
                b'{"format":99,"model":"M","view":"V","graph":{"type":"Graph"},"columns":[],"predictor":{"kind":"constant"}}'
            ),
        )


def test_arrays_never_hold_objects() -> None:
    with pytest.raises(ValueError, match="Object"):
        pack_arrays({"bad": np.array([object()])})
    for junk in (b"", b"junk", pack_arrays({"a": np.zeros(3)})[:40]):
        with pytest.raises(CorruptError):
            unpack_arrays(junk)


def test_arrays_keep_type_shape_and_bits() -> None:
    arrays = {"a": np.array([np.nan, -0.0, 1e-320]), "b": np.arange(6, dtype=np.int8).reshape(2, 3), "c": np.asarray(7)}
    found = unpack_arrays(pack_arrays(arrays))
    for name, array in arrays.items():
        assert found[name].dtype == array.dtype
        assert found[name].shape == array.shape
        assert found[name].tobytes() == array.tobytes()


def test_trees_through_the_real_store(tmp_path: Path) -> None:
    import lightgbm

    from tidewheel.kernel import parse_lightgbm
    from tidewheel.registry.models.predictors import trees_arrays
    from tidewheel.storage.artifacts.local import ArtifactStore

    random = np.random.default_rng(1)
    rows = random.normal(size=(500, 4))
    data = lightgbm.Dataset(rows, rows[:, 0] + rows[:, 1] > 0.3)
    booster = lightgbm.train({"objective": "binary", "verbose": -1, "num_threads": 1}, data, 10)
    trees = parse_lightgbm(booster.model_to_string())
    spec = PredictorSpec(kind="trees", objective="sigmoid")
    manifest = Manifest(model="M", view="V", graph=Graph(), columns=("a", "b", "c", "d"), predictor=spec)
    store = ArtifactStore.open(tmp_path)
    found = load_bundle(store, save_bundle(store, Bundle(manifest, trees_arrays(trees))))
    assert found.predictor().score(rows).tobytes() == np.asarray(booster.predict(rows)).tobytes()
    assert found.predictor().raw(rows).tobytes() == np.asarray(booster.predict(rows, raw_score=True)).tobytes()
    broken = Bundle(manifest, {"trees.words": trees.words})
    with pytest.raises(CorruptError, match="n_features"):
        broken.predictor()
