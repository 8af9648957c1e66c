"""A Feast repository's definitions as ours: they load, compile, and give the values that Feast would."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner

import tidewheel as tw
from tidewheel.cli.main import cli
from tidewheel.definitions import load_project
from tidewheel.errors import ConflictError, InputError

REPOSITORY = """
from datetime import timedelta
import pandas as pd
from feast import Entity, FeatureService, FeatureView, Field, FileSource, PushSource, RequestSource, ValueType
from feast.on_demand_feature_view import on_demand_feature_view
from feast.types import Array, Float32, Float64, Int64, String, UnixTimestamp

raise RuntimeError("this module must not be run")

driver = Entity(name="driver", join_keys=["driver_id"], description="Who drives.")
customer = Entity(name="customer", value_type=ValueType.STRING)
stats_source = FileSource(name="stats", path="data/driver_stats.parquet", timestamp_field="event_timestamp")

driver_stats = FeatureView(
    name="driver_hourly_stats",
    entities=[driver],
    ttl=timedelta(days=1),
    schema=[
        Field(name="driver_id", dtype=Int64),
        Field(name="conv_rate", dtype=Float32, description="Share of offers taken"),
        Field(name="avg_daily_trips", dtype=Int64),
        Field(name="home", dtype=String),
        Field(name="embedding", dtype=Array(Float32)),
    ],
    source=stats_source,
    description="Hourly figures of a driver.",
)
pair = FeatureView(
    name="pair", entities=[driver, customer], ttl=timedelta(0), schema=[Field("rides", Int64)], source=stats_source
)
lonely = FeatureView(name="lonely", entities=[], schema=[Field(name="x", dtype=Int64)], source=stats_source)

@on_demand_feature_view(sources=[driver_stats], schema=[Field(name="y", dtype=Float64)])
def transformed(inputs: pd.DataFrame) -> pd.DataFrame:
    return inputs

activity = FeatureService(name="driver_activity", features=[driver_stats])
"""


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    folder = tmp_path / "feature_repo"
    folder.mkdir()
    (folder / "features.py").write_text(REPOSITORY)
    return folder


@pytest.fixture
def project(repository: Path, tmp_path: Path) -> Path:
    folder = tmp_path / "ours"
    folder.mkdir()
    (folder / "tidewheel.toml").write_text('project = "project.py"\n')
    done = CliRunner().invoke(cli, ["import-feast", str(repository), "--output", str(folder / "project.py")])
    assert done.exit_code == 0, done.output
    return folder


def test_entities_and_views_become_declarations(project: Path) -> None:
    graph = load_project(project).graph
    assert [source.name for source in graph.sources] == ["Customer", "Driver", "DriverHourlyStatsRow", "PairRow"]
    groups = {group.name: group for group in graph.groups}
    assert [feature.name for feature in groups["DriverHourlyStats"].features] == [
        "conv_rate",
        "avg_daily_trips",
        "home",
    ]
    assert groups["DriverHourlyStats"].by == ("Driver",)
    assert groups["Pair"].by == ("PairRow.driver_id", "PairRow.customer")


def test_what_has_no_like_is_named(project: Path) -> None:
    source = (project / "project.py").read_text()
    notes = source[source.index("# Not taken over:") :]
    assert "driver_hourly_stats.embedding: no column here is a Float32 of values" in notes
    assert "lonely: it has no entity" in notes
    assert "driver_activity: a list of features" in notes
    assert "transformed: on_demand_feature_view is code" in notes


def test_the_values_are_feasts(project: Path) -> None:
    hour, first = 3_600_000_000, 1_700_000_000_000_000
    rows = [{"driver_id": "7", "conv_rate": 0.5, "at": first}, {"driver_id": "7", "conv_rate": 0.7, "at": first + hour}]
    (project / "stats.jsonl").write_text("\n".join(json.dumps(row) for row in rows))
    with tw.open(project) as workspace:
        workspace.ingest(str(project / "stats.jsonl"), "DriverHourlyStatsRow")

        def rate(at: int) -> float | None:
            return workspace.read("DriverHourlyStats", driver="7", at=at).conv_rate  # type: ignore[no-any-return]

        assert rate(first) is None
        assert rate(first + hour) == 0.5
        assert rate(first + hour + 1) == rate(first + 24 * hour) == 0.7
        assert rate(first + 28 * hour) is None  # past the ttl


def test_the_command_in_a_docstring_takes_the_views_file_in(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found = re.findall(r"^    tidewheel (ingest .*)$", (project / "project.py").read_text(), re.MULTILINE)
    assert found == [
        "ingest data/driver_stats.parquet --as DriverHourlyStatsRow --map at=event_timestamp",
        "ingest data/driver_stats.parquet --as PairRow --map at=event_timestamp",
    ]
    (project / "data").mkdir()
    stats = {"driver_id": [7], "conv_rate": [0.5], "event_timestamp": pa.array([10**15], pa.timestamp("us", "UTC"))}
    pq.write_table(pa.table(stats), project / "data/driver_stats.parquet")
    monkeypatch.chdir(project)
    done = CliRunner().invoke(cli, found[0].split())
    assert done.exit_code == 0, done.output
    assert "1 accepted" in done.output


def test_refusals(repository: Path, tmp_path: Path) -> None:
    runner = CliRunner()
    (tmp_path / "taken.py").touch()
    for arguments, error in (
        ([str(tmp_path / "nowhere")], InputError),
        ([str(repository), "--output", str(tmp_path / "taken.py")], ConflictError),
    ):
        assert isinstance(runner.invoke(cli, ["import-feast", *arguments]).exception, error)
    (repository / "broken.py").write_text("def (")
    assert isinstance(runner.invoke(cli, ["import-feast", str(repository)]).exception, InputError)
