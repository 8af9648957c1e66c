"""Copies of the small trained shop, light enough to start often."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.shop import trained_shop
from tests.system.live import Client, Server

LIGHT = """class LGBMClassifier:
    \"\"\"Stands for the library's in processes that never train: importing that takes seconds.\"\"\"

    def __init__(self, **settings):
        pass

    def fit(self, rows, labels):
        raise RuntimeError("this shop does not train")

    def predict(self, rows):
        raise RuntimeError("this shop does not train")
"""


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    return trained_shop(tmp_path / "shop")


REFUSES = """
import sys

REFUSED = {"lightgbm", "sklearn", "optuna"}


class Refuser:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in REFUSED:
            with open(%(seen)r, "a") as seen:
                seen.write(name + "\\n")
            raise ImportError(f"a worker has no business with {name}")
        return None


if any(":main" in part or "stream:run" in part for part in sys.orig_argv):
    sys.meta_path.insert(0, Refuser())
"""
TELLS = """
import sys

if any(":main" in part or "stream:run" in part for part in sys.orig_argv):
    with open(%(seen)r, "a") as seen:
        seen.write("the project\\n")
"""


def lighten(folder: Path) -> Path:
    """Give a shop a learner that only its bundles know."""
    module = folder / "project.py"
    module.write_text(module.read_text().replace("from lightgbm import LGBMClassifier\n", LIGHT))
    return folder


@pytest.fixture
def light_shop(shop: Path) -> Path:
    return lighten(shop)


@pytest.fixture(scope="session")
def imported(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Name the file in which workers of the live server leave what they should not have imported."""
    return tmp_path_factory.mktemp("imported") / "seen"


@pytest.fixture(scope="session")
def live(tmp_path_factory: pytest.TempPathFactory, imported: Path) -> Iterator[Server]:
    """Run one server for the tests that leave it as they found it."""
    folder = lighten(trained_shop(tmp_path_factory.mktemp("live") / "shop"))
    site = folder.parent / "site"
    site.mkdir()
    (site / "sitecustomize.py").write_text(REFUSES % {"seen": str(imported)})
    module = folder / "project.py"
    module.write_text(module.read_text() + TELLS % {"seen": str(imported)})
    with Server(folder, environment={"PYTHONPATH": str(site)}) as server:
        yield server
        assert "Traceback" not in server.told()


@pytest.fixture
def client(live: Server) -> Iterator[Client]:
    found = Client(live.port)
    yield found
    found.close()
