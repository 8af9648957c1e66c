"""No pickle is loaded by what serves: not by its code, and not from anything that others can write to."""

from __future__ import annotations

import ast
import io
import json
import os
import pickle
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.serving.shop import Shop, open_shop, payment, post, worker

from tidewheel.errors import CorruptError, TidewheelError
from tidewheel.registry.models.arrays import unpack_arrays
from tidewheel.registry.models.bundles import load_bundle
from tidewheel.registry.models.plain import read_plain
from tidewheel.registry.versions.versions import get_version
from tidewheel.storage.artifacts.local import ArtifactStore
from tidewheel.storage.journal.decisions import decode_decision
from tidewheel.storage.kafka.messages import decode as decode_message

UNSAFE = {"pickle", "_pickle", "cloudpickle", "dill", "joblib", "marshal", "shelve", "jsonpickle", "pandas", "skops"}
ROOMS = ("serving", "routing", "registry", "features", "collect", "runtime", "storage", "kernel", "definitions")
LIST = "import sys, importlib; importlib.import_module(sys.argv[1]); " + (
    "print('\\n'.join(m.__file__ for n, m in sys.modules.items() if n.startswith('tidewheel') and m.__file__))"
)


class Evil:
    """Leaves a file where it is unpickled."""

    def __init__(self, trace: Path) -> None:
        self.trace = trace

    def __reduce__(self) -> tuple[Callable[[str], None], tuple[str]]:
        return os.mkdir, (str(self.trace),)


@pytest.fixture
def trace(tmp_path: Path) -> Path:
    return tmp_path / "code-was-run"


def test_a_worker_holds_no_code_that_unpickles() -> None:
    """What a worker imports when it starts, and all of the rooms that it imports from later."""
    command = [sys.executable, "-c", LIST, "tidewheel.serving.worker"]
    found = subprocess.run(command, capture_output=True, text=True, check=True)
    loaded = {Path(line) for line in found.stdout.split()}
    root = Path(found.stdout.split("/tidewheel/")[0]) / "tidewheel"
    rooms = {path for room in ROOMS for path in (root / room).rglob("*.py")}
    assert len(rooms) > 200
    for path in loaded | rooms:
        for node in ast.walk(ast.parse(path.read_text())):
            where = f"{path}:{getattr(node, 'lineno', 0)}"
            if path in rooms:
                assert not _imported(node) & UNSAFE, where
            if isinstance(node, ast.Attribute) and node.attr in ("load", "loads", "Unpickler"):
                assert not (isinstance(node.value, ast.Name) and node.value.id in UNSAFE), where
            if isinstance(node, ast.keyword) and node.arg == "allow_pickle" and path in rooms:
                assert isinstance(node.value, ast.Constant), where
                assert node.value.value is False, where


def _imported(node: ast.AST) -> set[str]:
    """The packages that a statement imports."""
    if isinstance(node, ast.Import):
        return {alias.name.partition(".")[0] for alias in node.names}
    return {(node.module or "").partition(".")[0]} if isinstance(node, ast.ImportFrom) and not node.level else set()


def _npy(evil: Evil) -> bytes:
    data = io.BytesIO()
    np.save(data, np.array([evil], dtype=object), allow_pickle=True)
    return data.getvalue()


def _npz(evil: Evil) -> bytes:
    data = io.BytesIO()
    np.savez(data, coef=np.array([evil], dtype=object))
    return data.getvalue()


def _taken(message: object) -> None:
    """A topic's messages that are not ours are passed over."""
    if message is None:
        raise TidewheelError("passed over")


@pytest.mark.parametrize("make", [pickle.dumps, _npy, _npz])
@pytest.mark.parametrize(
    "read",
    [
        unpack_arrays,
        read_plain,
        decode_decision,
        lambda data: _taken(decode_message(data, "a topic")),
        lambda data: _taken(decode_message(b"TW\x01" + data, "a topic")),
    ],
    ids=["arrays", "a step's plain output", "journal", "a topic of others", "our topic"],
)
def test_readers_refuse_them(trace: Path, make: Callable[[Evil], bytes], read: Callable[[bytes], Any]) -> None:
    data = make(Evil(trace))
    if make is pickle.dumps:
        pickle.loads(data)  # it does run code, where it is loaded
        assert trace.is_dir()
        trace.rmdir()
    with pytest.raises(TidewheelError):
        read(data)
    assert not trace.exists()


def test_a_lone_array_is_no_file_of_arrays() -> None:
    data = io.BytesIO()
    np.save(data, np.zeros(3))
    with pytest.raises(CorruptError, match="not a file of arrays"):
        unpack_arrays(data.getvalue())


def _poisoned(shop: Shop, version: str, data: bytes, whole: bool) -> None:
    """Put bytes in the place of a bundle's arrays, or of all of it, under the digest that fits them."""
    import sqlalchemy as sa

    from tidewheel.storage.catalog.tables import versions

    artifacts = shop.stores.artifacts
    assert isinstance(artifacts, ArtifactStore)
    put = artifacts.put(data)
    if not whole:
        manifest = json.loads(artifacts.get(get_version(shop.stores.catalog, version).bundle).read_bytes())
        put = artifacts.put(json.dumps(manifest | {"arrays": put}).encode())
    with shop.stores.catalog.write() as connection:
        name, number = version.split("@")
        mine = sa.and_(versions.c.model == name, versions.c.number == int(number))
        connection.execute(sa.update(versions).where(mine).values(bundle=put))


@pytest.mark.parametrize("whole", [True, False], ids=["the bundle", "its arrays"])
def test_a_worker_refuses_a_bundle_with_one(tmp_path: Path, trace: Path, whole: bool) -> None:
    """Even where catalog and artifacts agree on it: then the chain answers, and the reason says why."""
    with open_shop(tmp_path) as shop:
        name = shop.deploy(shop.graph())
        for make in (pickle.dumps, _npz):
            _poisoned(shop, name, make(Evil(trace)), whole)
            with pytest.raises(TidewheelError):
                load_bundle(shop.stores.artifacts, get_version(shop.stores.catalog, name).bundle)  # type: ignore[arg-type]  # a local store
        with worker(tmp_path) as running:
            status, answer = post(running.port, "/v1/services/Score", payment(1))
            assert (status, answer["decision"], answer["fallback"]) == (200, "review", "action")
            evil = pickle.dumps(Evil(trace))
            for path in ("/v1/services/Score", "/v1/events/Payment", "/v1/features/CardHistory"):
                assert post(running.port, path, evil)[0] in (400, 422)
            running.stop()
    assert not trace.exists()
