"""``import tidewheel`` is quick and light: it loads none of the heavy libraries, nor does declaring."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

HEAVY = (
    "numba",
    "numpy",
    "pandas",
    "lightgbm",
    "sklearn",
    "sqlalchemy",
    "pyarrow",
    "lmdb",
    "duckdb",
    "deltalake",
    "altair",
)
SHOP = """
import tidewheel as tw
class Card(tw.Entity):
    id: tw.Id
class Payment(tw.Event):
    card: tw.Ref[Card]
class Lately(tw.Features, by=Card):
    payments = tw.count(Payment, "1d")
from tidewheel.definitions import compile_declarations, digest
digest(compile_declarations(Lately))
"""


def run(code: str) -> str:
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return done.stdout.strip()


@pytest.mark.parametrize("code", ["import tidewheel", SHOP], ids=["import", "declare"])
def test_nothing_heavy_is_loaded(code: str) -> None:
    assert run(f"{code}\nimport sys\nprint(*sorted(set(sys.modules) & {set(HEAVY)!r}))") == ""


def test_importing_starts_nothing(tmp_path: Path) -> None:
    code = (
        "import tidewheel, threading, logging, os\nprint(threading.active_count(), logging.root.handlers, os.listdir())"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=tmp_path)
    assert done.stdout.strip() == "1 [] []"


def test_the_import_itself_loads_little() -> None:
    """No timing here: what takes the time is the number of modules."""
    count = "import sys; before = len(sys.modules); import tidewheel; print(len(sys.modules) - before)"
    assert int(run(count)) < 60
