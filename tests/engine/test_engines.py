"""Every engine keeps the contract, and gives the same bits on real flights."""

from __future__ import annotations

import io
import shutil
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pytest
from examples.flights_2013.prepare import data_folder as folder_of
from pyarrow import csv, parquet
from tests.conftest import need_extra

import tidewheel as tw
from tidewheel.engine import Engine, LocalEngine, open_engine
from tidewheel.errors import ConfigError
from tidewheel.testing import EngineContract, GangContract

PROJECT = Path(__file__).parent / "flights.py"
FLIGHTS = 20_000


@pytest.fixture(scope="module")
def ray() -> Iterator[Engine]:
    need_extra("ray")
    from tidewheel.engine.ray import RayEngine

    engine = RayEngine(cpus=2)
    yield engine
    engine.close()


@pytest.fixture(scope="module")
def spark() -> Iterator[Engine]:
    need_extra("pyspark")
    from tidewheel.engine.spark import SparkEngine

    engine = SparkEngine(master="local[2]")
    yield engine
    engine.close()


class TestLocal(EngineContract, GangContract):
    @pytest.fixture
    def engine(self) -> Engine:
        return LocalEngine()


@pytest.mark.filterwarnings("ignore::FutureWarning", "ignore::DeprecationWarning", "ignore::ResourceWarning")
class TestRay(EngineContract, GangContract):
    @pytest.fixture
    def engine(self, ray: Engine) -> Engine:
        return ray


@pytest.mark.filterwarnings("ignore::FutureWarning", "ignore::DeprecationWarning", "ignore::ResourceWarning")
class TestSpark(EngineContract):
    @pytest.fixture
    def engine(self, spark: Engine) -> Engine:
        return spark


def flights() -> pa.Table:
    """The first flights of 2013, each at its scheduled departure."""
    with zipfile.ZipFile(folder_of() / "flights.csv.zip") as archive:
        options = csv.ConvertOptions(null_values=["NA", ""], strings_can_be_null=True)
        table = csv.read_csv(io.BytesIO(archive.read("flights.csv")), convert_options=options).slice(0, FLIGHTS)
    at = table["time_hour"].cast(pa.timestamp("us", "UTC")).cast(pa.int64())
    columns = {name: table[name] for name in ("carrier", "origin", "dest", "tailnum")}
    columns |= {"delay": table["arr_delay"].cast(pa.float64()), "at": at}
    return pa.table(columns | {"id": pa.array([f"f{i}" for i in range(len(table))])}).sort_by("at")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A workspace with the flights in it."""
    folder = tmp_path_factory.mktemp("flights")
    shutil.copy(PROJECT, folder / "project.py")
    (folder / "tidewheel.toml").write_text('project = "project.py"\nsync = "second"\n')
    parquet.write_table(flights(), folder / "flights.parquet")
    with tw.open(folder) as workspace:
        workspace.ingest(str(folder / "flights.parquet"), "Flight")
    return folder


def backfilled(folder: Path, to: Path, engine: Engine | None) -> pa.Table:
    shutil.copytree(folder, to)
    with tw.open(to) as workspace:
        workspace.backfill("FlightView", engine=engine)
        return workspace.backfilled("FlightView").sort_by("_offset")


@pytest.mark.filterwarnings("ignore::FutureWarning", "ignore::DeprecationWarning", "ignore::ResourceWarning")
@pytest.mark.parametrize("name", [pytest.param("ray", marks=pytest.mark.slow), "spark"])
def test_flights_come_out_the_same_to_the_bit(
    name: str, folder: Path, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    local = backfilled(folder, tmp_path / "local", None)
    other = backfilled(folder, tmp_path / name, request.getfixturevalue(name))
    assert local.num_rows == FLIGHTS
    assert local.column_names == other.column_names
    for column in local.column_names:
        one, two = local[column].combine_chunks(), other[column].combine_chunks()
        assert one.is_null().equals(two.is_null())
        if pa.types.is_floating(one.type):
            assert one.fill_null(0.0).to_numpy().tobytes() == two.fill_null(0.0).to_numpy().tobytes(), column
        else:
            assert one.equals(two), column


def test_an_engine_that_is_none() -> None:
    with pytest.raises(ConfigError, match="no engine is called 'dask'"):
        open_engine("dask")
