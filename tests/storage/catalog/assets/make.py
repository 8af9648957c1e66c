"""Make the catalog that a release writes, for later releases to upgrade: ``PYTHONPATH=src python make.py 0005``.

Run with the release itself, before its tables change. The commands of a team's first days fill a project's catalog, in
SQLite and in the PostgreSQL at ``TIDEWHEEL_TEST_POSTGRES``. It leaves beside this file ``catalog-REVISION.sqlite`` and
``catalog-REVISION.sql``, and in ``catalog-REVISION.json`` what the release's own commands told of each at the end.
The first one, 0001, was made before there were such commands.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import re
import sqlite3
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from tidewheel.cli.main import main as call
from tidewheel.cli.sample import write_sample

HERE = Path(__file__).parent
POSTGRES = os.environ.get("TIDEWHEEL_TEST_POSTGRES", "postgresql://127.0.0.1:5432/test")
SCHEMA = "tidewheel_asset"
NOISE = ("--", "SET ", "SELECT pg_catalog.set_config", "\\restrict", "\\unrestrict")
MODEL = """    estimator = LGBMClassifier(n_estimators=5, num_leaves=7, verbose=-1)
    search = {"learning_rate": tw.log_range(0.05, 0.3)}
    trials = 2
    retrain = "weekly"
"""
ASKED = 'gates = [tw.at_least("roc_auc", 0.5), tw.gate.ask("head@shop")]'
HISTORY = """
ingest {orders} --as Order
ingest {returns} --as Return
train SentBack
train SentBack --seed 1
train SentBack --seed 2
! train SentBack --as-of 2001-01-01T00:00:00Z
approve SentBack@1 --as head@shop --note seen
approve SentBack@2 --as head@shop
approve SentBack@3 --as head@shop --reject --note odd
promote SentBack@1 --to production --why first
promote SentBack@2 --to staging
tag SentBack@2 team=returns
note SentBack@2 shoes-look-better
delete SentBack@3 --why rejected
deploy SentBack@1 --why first
deploy SentBack@2 --canary 10% --why weekly
thresholds Screen check=0.4 --why queue
tick
"""
TOKENS = """
tokens create shop --scope decide,ingest
tokens create ops --scope read
tokens rotate shop
tokens revoke ops
"""
TOLD = (
    "versions", "runs", "show SentBack@1", "show SentBack@2", "steps SentBack@1",
    "environments SentBack --history", "approvals", "note SentBack@2", "datasets list", "schedules",
)  # fmt: skip


def run(folder: Path, line: str) -> str:
    """Run one command; one that begins with ``!`` has to fail."""
    fails, line = line.startswith("!"), line.lstrip("! ")
    out, code = io.StringIO(), 0
    with contextlib.redirect_stdout(out):
        try:
            call(["-C", str(folder), *line.split()])
        except SystemExit as end:
            code = int(bool(end.code))
    assert code == fails, (line, out.getvalue())
    return out.getvalue()


def fill(folder: Path, settings: str, revision: str) -> dict[str, Any]:
    """Make a project with some history; return what its commands tell of it."""
    run(folder.parent, f"init {folder}")
    write_sample(folder, orders=900)
    module = (folder / "project.py").read_text()
    module = re.sub(r"    estimator = .*\n", MODEL, module)
    (folder / "project.py").write_text(re.sub(r"gates = .*", ASKED, module))
    written = (folder / "tidewheel.toml").read_text()
    (folder / "tidewheel.toml").write_text(f'max_map = "64MB"\n{settings}{written}')
    for line in [*HISTORY.split("\n"), *(TOKENS.split("\n") if revision >= "0003" else [])]:
        if line:
            run(folder, line.format(orders=folder / "orders.csv", returns=folder / "returns.csv"))
    told = [*TOLD, *(["tokens list"] if revision >= "0003" else [])]
    return {line: json.loads(run(folder, f"{line} --json")) for line in told}


def main(revision: str) -> None:
    """Write all three files."""
    place, told = HERE / f"catalog-{revision}.sqlite", {}
    place.unlink(missing_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        told["sqlite"] = fill(Path(folder) / "shop", "", revision)
        with sqlite3.connect(next(Path(folder).rglob("catalog.sqlite"))) as made:
            made.execute("VACUUM INTO ?", (str(place),))
    with tempfile.TemporaryDirectory() as folder:
        told["postgres"] = fill(Path(folder) / "shop", f'catalog = "{POSTGRES}"\nnamespace = "{SCHEMA}"\n', revision)
    dump = subprocess.run(
        ["pg_dump", "--inserts", "--no-owner", "--no-privileges", f"--schema={SCHEMA}", POSTGRES],
        capture_output=True, text=True, check=True,
    ).stdout  # fmt: skip
    kept = [line for line in dump.splitlines() if line and not line.startswith(NOISE)]
    (HERE / f"catalog-{revision}.sql").write_text("\n".join(kept) + "\n")
    (HERE / f"catalog-{revision}.json").write_text(json.dumps(told, sort_keys=True) + "\n")
    subprocess.run(["psql", "-q", POSTGRES, "-c", f"DROP SCHEMA {SCHEMA} CASCADE"], check=True)


if __name__ == "__main__":
    main(sys.argv[1])
