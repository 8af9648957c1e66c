"""The project that ``tidewheel init`` writes, made small and trained once: for tests of the whole.

Only the command line makes it, as a user would; a test that changes something works on a copy.
"""

from __future__ import annotations

import atexit
import contextlib
import functools
import io
import json
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tidewheel.cli.main import main
from tidewheel.cli.sample import write_sample

ORDERS = 2000
SETTINGS = """
project = "project.py"
port = 0
max_map = "256MB"
flush_every = "1s"
"""
WITH_A_RULE = """class Screen(tw.Service, on=Order):
    \"\"\"Post an order, get ship / check.\"\"\"

    rules = [tw.rule("huge", Order.amount > 100000, then="check")]
"""


@dataclass
class Ran:
    """What a command did: its exit status and what it wrote."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


def tidewheel(*arguments: str, folder: Path | None = None, given: bytes = b"") -> Ran:
    """Run a command in this process."""
    where = [] if folder is None else ["-C", str(folder)]
    out, err, code = io.StringIO(), io.StringIO(), 0
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        try:
            main([*where, *arguments])
        except SystemExit as end:
            code = end.code if isinstance(end.code, int) else int(end.code is not None)
    ran = Ran(code, out.getvalue(), err.getvalue())
    assert "Traceback" not in ran.out + ran.err
    return ran


def done(*arguments: str, folder: Path | None = None) -> Ran:
    """Run a command that has to work."""
    ran = tidewheel(*arguments, folder=folder)
    assert ran.code == 0, ran.out + ran.err
    return ran


@functools.cache
def _kept() -> Path:
    folder = Path(tempfile.mkdtemp(prefix="tidewheel-test-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder


@functools.cache
def _empty_shop() -> Path:
    folder = _kept() / "empty"
    done("init", str(folder))
    write_sample(folder, orders=ORDERS)
    (folder / "tidewheel.toml").write_text(SETTINGS)
    module = (folder / "project.py").read_text()
    begin, end = module.index("class Screen"), module.index("    model = SentBack\n    decide")
    module = module[:begin] + WITH_A_RULE + module[end:]
    (folder / "project.py").write_text(module.replace("n_estimators=100", "n_estimators=20"))
    return folder


@functools.cache
def _filled_shop() -> Path:
    folder = copied(_empty_shop(), _kept() / "filled")
    done("ingest", str(folder / "orders.csv"), "--as", "Order", folder=folder)
    done("ingest", str(folder / "returns.csv"), "--as", "Return", folder=folder)
    return folder


@functools.cache
def _trained_shop() -> Path:
    folder = copied(_filled_shop(), _kept() / "trained")
    done("train", "SentBack", folder=folder)
    done("train", "SentBack", "--seed", "5", folder=folder)
    done("deploy", "SentBack@1", folder=folder)
    return folder


def empty_shop(target: Path) -> Path:
    """Return a copy of the project before anything was ingested."""
    return copied(_empty_shop(), target)


def filled_shop(target: Path) -> Path:
    """Return a copy of the project with its history ingested."""
    return copied(_filled_shop(), target)


def trained_shop(target: Path) -> Path:
    """Return a copy of the project with two versions, the first of them deployed."""
    return copied(_trained_shop(), target)


def copied(source: Path, target: Path) -> Path:
    """Copy a folder; databases are sparse files and stay so."""
    subprocess.run(["cp", "-r", "--sparse=always", source, target], check=True)
    return target
